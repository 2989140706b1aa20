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
