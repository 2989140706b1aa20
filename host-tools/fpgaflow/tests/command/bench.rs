//! `fpgaflow bench`: figures in clocks are exact and held here; those in seconds are only there.

use serde_json::Value;

use crate::common::fpgaflow;

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
