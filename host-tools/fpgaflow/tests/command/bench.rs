//! `fpgaflow bench`: figures in clocks are exact and held here; those in seconds are only there.

use serde_json::Value;

use crate::common::fpgaflow;

#[test]
fn a_table_takes_97_percent_before_it_refuses_a_flow() {
    let dir = tempfile::tempdir().unwrap();
    let report = dir.path().join("report");
    let run =
        fpgaflow(&["bench", "placement", "--entries", "4096", "--seeds", "5", "--report", report.to_str().unwrap(), "--json"]);
    assert!(run.status.success(), "{run:?}");
    let sizes: Vec<Value> = serde_json::from_slice(&run.stdout).unwrap();
    let [figures] = sizes.as_slice() else { panic!("one size in {sizes:?}") };
    let number = |key: &str| figures[key].as_f64().unwrap_or_else(|| panic!("{key} in {figures}"));
    assert_eq!(number("entries"), 4096.0);
    assert!(number("load_first_refusal") >= 0.97, "{figures}");
    assert!(number("load_final") >= number("load_first_refusal"), "{figures}");
    assert!(number("inserts_per_s_to_95") > 0.0, "{figures}");
    assert!(number("stash_high_water") <= number("stash"), "{figures}");
    let placed: u64 = figures["moves"].as_array().unwrap().iter().map(|keys| keys.as_u64().unwrap()).sum();
    assert!(placed as f64 >= 5.0 * 0.97 * 4096.0, "{figures}");
    let text = std::fs::read_to_string(report.join("placement.md")).unwrap();
    assert!(text.contains("| 4096 |") && text.contains("(placement.svg)"), "{text}");
    assert!(std::fs::read_to_string(report.join("placement.svg")).unwrap().contains("4096 slots"));
}

#[test]
fn a_size_that_no_table_has_is_refused() {
    for size in ["4095", "8", "many"] {
        let run = fpgaflow(&["bench", "placement", "--entries", size]);
        let message = String::from_utf8_lossy(&run.stderr);
        assert!(!run.status.success() && message.contains("--entries"), "{message}");
    }
}

#[cfg(feature = "sim")]
#[test]
fn the_engine_leaves_no_gap_between_frames_and_keeps_its_latency() {
    let run = fpgaflow(&["bench", "cosim", "--json"]);
    assert!(run.status.success(), "{run:?}");
    let figures: Value = serde_json::from_slice(&run.stdout).unwrap();
    let number = |key: &str| figures[key].as_f64().unwrap_or_else(|| panic!("{key} in {figures}"));
    // A frame of 60 bytes is 8 beats of 64 bits.
    assert!((number("packets_per_clock_64b") - 0.125).abs() < 0.001, "{figures}");
    assert!((number("beats_per_clock") - 1.0).abs() < 0.005, "{figures}");
    assert!((1.0..=32.0).contains(&number("latency_clocks")), "{figures}");
    assert!(number("clocks_per_s") > 0.0, "{figures}");
}

#[cfg(feature = "sim")]
#[test]
fn every_way_to_the_card_carries_its_workload() {
    let run = fpgaflow(&["bench", "transport", "--json"]);
    assert!(run.status.success(), "{run:?}");
    let reports: Vec<Value> = serde_json::from_slice(&run.stdout).unwrap();
    let cards: Vec<&str> = reports.iter().map(|report| report["card"].as_str().unwrap()).collect();
    assert_eq!(cards, ["sim", "vfio-user"]);
    for report in &reports {
        for rate in ["register_reads_per_s", "commands_per_s", "frames_to_card_per_s", "frames_to_host_per_s"] {
            assert!(report[rate].as_f64().is_some_and(|rate| rate > 0.0), "{rate} in {report}");
        }
    }
}
