//! `fpgaflow check`: the conformance suite as a command.

use serde_json::Value;

use crate::common::fpgaflow;
use crate::served::Served;

#[test]
fn the_verilated_card_passes_in_process_and_behind_a_socket_by_the_same_checks() {
    let dir = tempfile::tempdir().unwrap();
    let served = Served::start(dir.path(), &["--cable"]);
    let reports = ["sim", &served.card()].map(|card| {
        let run = fpgaflow(&["check", "--card", card, "--cable", "--json"]);
        assert!(run.status.success(), "{run:?}");
        let report: Value = serde_json::from_slice(&run.stdout).unwrap();
        assert_eq!(report["card"], card);
        report["checks"].clone()
    });
    assert!(reports[0].as_array().unwrap().len() >= 12, "{}", reports[0]);
    assert!(reports[0].as_array().unwrap().iter().all(|check| check["passed"] == true), "{}", reports[0]);
    assert_eq!(reports[0], reports[1]);
}

#[test]
fn a_card_without_its_cable_fails_by_name_and_the_command_with_it() {
    let dir = tempfile::tempdir().unwrap();
    // Frames that are sent reach the loopback interface, and come back by the same port instead of the other one.
    let served = Served::start(dir.path(), &["--wire", "0=lo", "--wire", "1=lo"]);
    let run = fpgaflow(&["check", "--card", &served.card(), "--cable"]);
    let (said, failed) = (String::from_utf8(run.stdout).unwrap(), String::from_utf8(run.stderr).unwrap());
    assert_eq!(run.status.code(), Some(1), "{said} {failed}");
    assert!(said.contains("ok      registers hold what is written"), "{said}");
    assert!(said.contains("FAILED  flows are forwarded"), "{said}");
    assert!(failed.contains("checks failed on card vfio-user:"), "{failed}");
}

#[test]
fn what_cannot_be_checked_is_refused_in_one_line() {
    let dir = tempfile::tempdir().unwrap();
    let nobody = format!("vfio-user:{}", dir.path().join("nobody.sock").display());
    let refused = |arguments: &[&str]| {
        let run = fpgaflow(&[&["check"], arguments].concat());
        assert!(!run.status.success());
        String::from_utf8(run.stderr).unwrap()
    };
    assert!(refused(&["--card", "sim"]).contains("say --cable"));
    assert!(refused(&["--card", "eth0", "--cable"]).contains("\"eth0\" names no card: give pci:"));
    let run = fpgaflow(&["check", "--card", &nobody, "--cable"]);
    assert_eq!(run.status.code(), Some(1));
    let said = String::from_utf8(run.stdout).unwrap();
    assert!(
        said.lines().all(|line| line.starts_with("FAILED  ") && line.ends_with("No such file or directory (os error 2)")),
        "{said}"
    );
}
