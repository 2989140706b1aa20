//! `fpgaflow demo`: real connections through the verilated card, in namespaces. Needs root.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use crate::common::fpgaflow;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

#[test]
fn a_file_and_datagrams_pass_through_the_card_whole() {
    let run = fpgaflow(&["demo", "--file-mib", "2", "--datagrams", "300", "--json"]);
    assert!(run.status.success(), "{run:?}");
    let said = String::from_utf8(run.stdout).unwrap();
    let figures: Value = serde_json::from_str(said.lines().last().unwrap()).unwrap();
    assert_eq!(figures["bytes_ok"], true, "{figures}");
    assert_eq!(figures["udp_total_packets"], 600, "every datagram and its echo is accounted for once: {figures}");
    let number = |key: &str| figures[key].as_f64().unwrap_or_else(|| panic!("{key} in {figures}"));
    // 2 MiB are at least this many segments of 1,448 bytes.
    assert!(number("tcp_total_packets") > 1_448.0, "{figures}");
    let share =
        (number("tcp_hw_packets") + number("udp_hw_packets")) / (number("tcp_total_packets") + number("udp_total_packets"));
    assert!(share >= 0.9 && (share - number("hw_share")).abs() < 1e-9, "{figures}");
    assert!(number("mbit_per_s") > 0.0 && number("clocks_per_s") > 0.0, "{figures}");
    assert!(said.contains("tcp 192.0.2.10:"), "flows are listed: {said}");
}

#[test]
fn an_interrupted_demo_says_so_and_fails() {
    let mut child = Command::new(env!("CARGO_BIN_EXE_fpgaflow"))
        .args(["demo", "--file-mib", "4096"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
    assert!(lines.any(|line| line.contains("MiB")), "the figures are live");
    kill_process(Pid::from_child(&child), Signal::INT).unwrap();
    lines.for_each(drop);
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert_eq!(String::from_utf8_lossy(&output.stderr), "fpgaflow: interrupted\n");
}
