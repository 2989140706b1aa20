//! `cargo xtask soak`: the differential tests, bad rows among them, with many more frames than `cargo xtask test` gives them, and rekeys under traffic.

use std::io::{BufRead, BufReader};
use std::process::Stdio;
use std::time::Instant;

use anyhow::{Context, Result, bail};
use clap::Args;
use fpgaflow_traffic::{FRAMES_VARIABLE, SEED_VARIABLE};

use crate::run;

/// Widths of the data path, as the tests of each are named.
const WIDTHS: [&str; 2] = ["64", "512"];

/// How long to soak.
#[derive(Debug, Args)]
pub struct Soak {
    /// Frames at each width
    #[arg(long, value_name = "N", default_value_t = 10_000_000)]
    frames: u64,
    /// Seed of every setting; each draws its own without it
    #[arg(long, value_name = "SEED")]
    seed: Option<u64>,
    /// Only this width of the data path
    #[arg(long, value_name = "BITS", value_parser = WIDTHS)]
    width: Option<String>,
}

/// Runs the differential tests and says how each setting ended, and at last what all came to.
///
/// # Errors
/// When a setting differs, or the tests cannot be run.
pub fn soak(soak: &Soak) -> Result<()> {
    let mut all = Tally::default();
    for width in WIDTHS.into_iter().filter(|width| soak.width.as_deref().is_none_or(|only| only == *width)) {
        let begun = Instant::now();
        let tally = soak_width(soak, width)?;
        println!("{width} bits: {} in {:.0} s", tally.in_words(), begun.elapsed().as_secs_f64());
        all.add(tally);
    }
    println!("soaked: {}; seeds {:?}", all.in_words(), all.seeds);
    if all.differing > 0 {
        bail!("{} settings differ from the golden model", all.differing);
    }
    Ok(())
}

/// What settings came to.
#[derive(Debug, Default, PartialEq, Eq)]
struct Tally {
    /// Settings without a difference, and their frames.
    settings: u64,
    frames: u64,
    /// Settings that failed, each at its first difference.
    differing: u64,
    seeds: Vec<u64>,
}

impl Tally {
    /// Takes in a line of the tests' output; whether it is one that a user wants to see.
    fn take(&mut self, line: &str) -> bool {
        if let Some((seed, frames)) = setting_in(line) {
            self.settings += 1;
            self.frames += frames;
            self.seeds.push(seed);
            return true;
        }
        if let Some(failed) = failed_in(line) {
            self.differing += failed;
        }
        // What a setting that fails says goes to standard error, but for its name.
        line.ends_with("FAILED")
    }

    fn add(&mut self, other: Self) {
        self.settings += other.settings;
        self.frames += other.frames;
        self.differing += other.differing;
        self.seeds.extend(other.seeds);
    }

    fn in_words(&self) -> String {
        format!("{} frames, {} differences, {} settings without any", self.frames, self.differing, self.settings)
    }
}

/// Seed and frames in the line that a setting ends with: `WIDTH bits, NAME: seed SEED, N frames in ...`.
fn setting_in(line: &str) -> Option<(u64, u64)> {
    let (seed, rest) = line.split_once(": seed ")?.1.split_once(", ")?;
    let (frames, _) = rest.split_once(" frames in ")?;
    Some((seed.parse().ok()?, frames.parse().ok()?))
}

/// Failures in the line that the test harness ends with.
fn failed_in(line: &str) -> Option<u64> {
    let (passed, _) = line.strip_prefix("test result: ")?.split_once(" failed;")?;
    passed.rsplit(' ').next()?.parse().ok()
}

/// All settings at one width; what they say is shown as they say it.
fn soak_width(soak: &Soak, width: &str) -> Result<Tally> {
    let mut command = run::cargo_command();
    command.args([
        "test",
        "--locked",
        "--package",
        "fpgaflow-tests",
        "--test",
        "differential",
        "--test",
        "rekey",
        "--",
        "--nocapture",
    ]);
    command.arg(format!("at_{width}_bits"));
    command.env(FRAMES_VARIABLE, soak.frames.to_string()).stdout(Stdio::piped());
    if let Some(seed) = soak.seed {
        command.env(SEED_VARIABLE, seed.to_string());
    }
    let mut child = command.spawn().with_context(|| format!("run {command:?}"))?;
    let output = child.stdout.take().with_context(|| format!("read what {command:?} says"))?;
    let mut tally = Tally::default();
    for line in BufReader::new(output).lines() {
        let line = line.with_context(|| format!("read what {command:?} says"))?;
        if tally.take(&line) {
            println!("{line}");
        }
    }
    let status = child.wait().with_context(|| format!("wait for {command:?}"))?;
    if !status.success() && tally.differing == 0 {
        bail!("{command:?}: {status}");
    }
    if tally.settings == 0 && tally.differing == 0 {
        bail!("{command:?} ran no setting");
    }
    Ok(tally)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_the_tests_add_up() {
        let mut tally = Tally::default();
        let shown = [
            "running 2 tests",
            "FPGAFLOW_SEED=12",
            "512 bits, line rate, deep: seed 12, 800000 frames in 1046 clocks, 5 forwarded",
            "64 bits, slow bus: seed 18446744073709551615, 700000 frames in 9 clocks, 5 forwarded",
            "test at_64_bits::rtl_and_model_agree_on_slow_wires ... FAILED",
            "test at_64_bits::rtl_and_model_agree_at_line_rate ... ok",
            "test result: FAILED. 2 passed; 1 failed; 0 ignored; 0 measured; 17 filtered out; finished in 1.00s",
        ]
        .map(|line| tally.take(line));
        assert_eq!(shown, [false, false, true, true, true, false, false]);
        assert_eq!(tally, Tally { settings: 2, frames: 1_500_000, differing: 1, seeds: vec![12, u64::MAX] });
    }
}
