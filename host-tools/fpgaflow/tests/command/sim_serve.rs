//! `fpgaflow sim serve`: the verilated card for other processes.

use std::process::{Command, Stdio};

use fpgaflow_driver::transport::spec::CardSpec;
use fpgaflow_driver::transport::{self, BarOffset};
use rustix::process::Signal;

use crate::common::fpgaflow;
use crate::served::Served;

#[test]
fn one_client_after_another_is_served_until_a_signal() {
    for signal in [Signal::TERM, Signal::INT] {
        let dir = tempfile::tempdir().unwrap();
        let mut served = Served::start(dir.path(), &["--cable"]);
        for _ in 0..2 {
            let card = transport::open(&CardSpec::VfioUser(served.socket.clone())).unwrap();
            assert_eq!(card.read(BarOffset(fpgaflow_abi::regs::MAGIC)).unwrap(), fpgaflow_abi::MAGIC);
            drop(card);
            served.await_line("client left");
        }
        let socket = served.socket.clone();
        let (status, said) = served.end(signal);
        assert!(status.success() && said.contains('2'), "{status} {said}");
        assert!(!socket.exists(), "the socket is removed");
    }
}

#[test]
fn a_client_that_is_killed_makes_room_for_the_next() {
    let dir = tempfile::tempdir().unwrap();
    let mut served = Served::start(dir.path(), &["--cable"]);
    let mut client = Command::new(env!("CARGO_BIN_EXE_fpgaflow"))
        .args(["check", "--cable", "--card", &served.card()])
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    served.await_line("client connected");
    client.kill().unwrap();
    client.wait().unwrap();
    served.await_line("client ");
    let card = transport::open(&CardSpec::VfioUser(served.socket.clone())).unwrap();
    assert_eq!(card.read(BarOffset(fpgaflow_abi::regs::SCRATCH)).unwrap(), 0, "and the card is as after power-on");
}

#[test]
fn what_cannot_be_served_is_refused_in_one_line() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("file");
    std::fs::write(&file, "kept").unwrap();
    let file = file.display().to_string();
    let served = Served::start(dir.path(), &["--cable"]);
    let busy = served.socket.display().to_string();
    let cases: [(&[&str], String); 3] = [
        (&["--socket", &file, "--cable"], format!("{file} is there already, and is not a socket")),
        (&["--socket", &busy, "--cable"], format!("another server listens on {busy}")),
        (&["--socket", "unused", "--wire", "0=lo"], "port 1 of card sim has 0 wires; say --wire 1=INTERFACE once".to_owned()),
    ];
    for (arguments, message) in cases {
        let run = fpgaflow(&[&["sim", "serve"], arguments].concat());
        assert_eq!(String::from_utf8(run.stderr).unwrap(), format!("fpgaflow: {message}\n"));
        assert_eq!(run.status.code(), Some(1), "{message}");
    }
    assert_eq!(std::fs::read(&file).unwrap(), b"kept");
    assert!(served.socket.exists());
}
