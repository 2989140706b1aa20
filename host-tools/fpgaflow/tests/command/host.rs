//! `fpgaflow cards`, `bind`, `unbind` and `doctor` on the machine that runs the tests, whatever it has.

use serde_json::Value;

use crate::common::fpgaflow;

#[test]
fn cards_are_listed_as_json() {
    let run = fpgaflow(&["cards", "--json"]);
    assert!(run.status.success(), "{run:?}");
    let cards: Vec<Value> = serde_json::from_slice(&run.stdout).unwrap();
    assert!(cards.iter().all(|card| card["address"].is_string() && card["identity"].is_object()), "{cards:?}");
}

#[test]
fn the_doctor_fails_when_a_check_does_and_names_its_remedy() {
    let run = fpgaflow(&["doctor", "--json"]);
    let findings: Vec<Value> = serde_json::from_slice(&run.stdout).unwrap();
    assert!(findings.len() >= 12, "{findings:?}");
    let failures = findings.iter().filter(|finding| finding["level"] == "failure").count();
    assert_eq!(run.status.success(), failures == 0, "{run:?}");
    for finding in findings {
        assert_eq!(finding["level"] == "ok", finding.get("remedy").is_none(), "{finding}");
    }
}

#[test]
fn a_function_that_is_not_there_is_named() {
    for command in ["bind", "unbind"] {
        let run = fpgaflow(&[command, "ffff:ff:1f.7"]);
        assert_eq!(run.status.code(), Some(1), "{run:?}");
        assert_eq!(String::from_utf8_lossy(&run.stderr), "fpgaflow: there is no PCI function ffff:ff:1f.7\n");
        let run = fpgaflow(&[command, "3:0"]);
        assert_eq!(run.status.code(), Some(2), "{run:?}");
        assert!(String::from_utf8_lossy(&run.stderr).contains("\"3:0\" is not a PCI address like 0000:03:00.0"), "{run:?}");
    }
}
