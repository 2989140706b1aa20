//! Placement of flows in the table's slots, from empty to full: how full, how fast, and how many slots move.
//!
//! # What is measured
//! One effort throughout, the deepest ([`Effort::LAST`]), and random keys under a chosen secret, both drawn from several seeds one after
//! the other. Terms are those of [`fpgaflow_driver::bench::placement`].
//! - Loads: a table is offered as many keys as it has slots. Of all seeds the worst.
//! - Speed: CPU time of this thread from empty to 95 %, hash included. The best run of every seed, for others may use the machine; of
//!   these the worst.
//! - Moves: of all seeds together.

use std::fmt;
use std::path::Path;

use anyhow::Context;
use fpgaflow_abi::slot::{BANKS, WAYS, stash_for};
use fpgaflow_driver::bench::keys::KeyShape;
use fpgaflow_driver::bench::placement::{STEPS, Saturated, Step, Workload, fill, saturate};
use fpgaflow_driver::placement::{Effort, MOVES_COUNTED};
use serde::Serialize;

use super::plot::{Plot, Series};

/// Slots of the tables that are measured unless others are asked for.
pub const SIZES: [u32; 3] = [1 << 12, 1 << 16, 1 << 20];
/// Load up to which speed is measured.
const FAST_LOAD: f64 = 0.95;
/// Runs that speed is the best of.
const SPEED_RUNS: usize = 5;
/// Slots of one bucket of each bank.
const PAIR_SLOTS: u32 = (BANKS * WAYS) as u32;

/// What to measure.
#[derive(Debug, Clone)]
pub struct Request {
    /// Slots of the tables, powers of two.
    pub sizes: Vec<u32>,
    /// The first seed.
    pub seed: u64,
    /// Seeds one after the other.
    pub seeds: u64,
}

/// A number of slots that a table can have.
///
/// # Errors
/// Says what is wrong with it.
pub fn parse_size(text: &str) -> Result<u32, String> {
    let slots: u32 = text.parse().map_err(|_| "not a number".to_owned())?;
    let range = PAIR_SLOTS << 1..=1 << 24;
    match slots.is_power_of_two() && range.contains(&slots) {
        true => Ok(slots),
        false => Err(format!("not a power of two from {} to {}", range.start(), range.end())),
    }
}

/// What was found of tables of one size.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    /// Slots of both banks, and keys offered.
    entries: u32,
    /// Stash slots besides.
    stash: usize,
    /// First seed, and how many.
    seed: u64,
    seeds: u64,
    /// Load at the first refusal, stash included.
    load_first_refusal: f64,
    /// Load after all keys were offered.
    load_final: f64,
    inserts_per_s_to_95: f64,
    /// Keys by how many slots moved for them.
    moves: Vec<u64>,
    /// Most stash slots in use.
    stash_high_water: usize,
    #[serde(skip)]
    steps: Vec<Step>,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:>8} {:>6} {:>9.4} {:>9.4} {:>10.1} {:>10}  {:?}",
            self.entries,
            self.stash,
            self.load_first_refusal,
            self.load_final,
            self.inserts_per_s_to_95 / 1e6,
            self.stash_high_water,
            self.moves
        )
    }
}

/// What the columns of a [`Report`] are.
pub const COLUMNS: &str = "   slots  stash  1st refus.    final  M keys/s  stash most  keys by moves";

/// Runs all sizes, a few seconds for each seed.
pub fn run(request: &Request) -> Vec<Report> {
    request.sizes.iter().map(|slots| measure(*slots, request)).collect()
}

fn measure(slots: u32, request: &Request) -> Report {
    let stash = stash_for(slots as usize);
    let mut report = Report {
        entries: slots,
        stash,
        seed: request.seed,
        seeds: request.seeds,
        load_first_refusal: f64::INFINITY,
        load_final: f64::INFINITY,
        inserts_per_s_to_95: f64::INFINITY,
        moves: vec![0; MOVES_COUNTED],
        stash_high_water: 0,
        steps: vec![Step::default(); STEPS],
    };
    for i in 0..request.seeds {
        let bucket_bits = (slots / PAIR_SLOTS).ilog2();
        let seed = request.seed.wrapping_add(i);
        let workload = Workload { bucket_bits, stash, shape: KeyShape::Random, seed, choose_secret: true };
        let speeds = (0..SPEED_RUNS).map(|_| fill(&workload, FAST_LOAD, Effort::LAST).inserts_per_second());
        report.inserts_per_s_to_95 = report.inserts_per_s_to_95.min(speeds.fold(0.0, f64::max));
        report.add(&saturate(&workload, Effort::LAST), request.seeds);
    }
    let used = report.moves.iter().rposition(|keys| *keys > 0).map_or(0, |last| last + 1);
    report.moves.truncate(used);
    report
}

impl Report {
    /// Adds one of `seeds` tables.
    fn add(&mut self, table: &Saturated, seeds: u64) {
        self.load_first_refusal = self.load_first_refusal.min(table.first.load);
        self.load_final = self.load_final.min(table.load_final);
        self.stash_high_water = self.stash_high_water.max(table.stats.stash_high_water);
        for (sum, keys) in self.moves.iter_mut().zip(table.stats.moves) {
            *sum += keys;
        }
        for (sum, step) in self.steps.iter_mut().zip(&table.steps) {
            sum.load += step.load / seeds as f64;
            sum.placed += step.placed;
            sum.moves += step.moves;
        }
    }
}

/// Writes `placement.md` and its plot `placement.svg` into the directory `dir`, which is made.
///
/// # Errors
/// When a file cannot be written; names it.
pub fn write_report(reports: &[Report], dir: &Path) -> anyhow::Result<()> {
    std::fs::create_dir_all(dir).with_context(|| format!("make directory {}", dir.display()))?;
    plot(reports).write_svg(&dir.join("placement.svg"))?;
    let path = dir.join("placement.md");
    std::fs::write(&path, markdown(reports)).with_context(|| format!("write {}", path.display()))
}

fn plot(reports: &[Report]) -> Plot {
    let series = |report: &Report| Series {
        name: format!("{} slots", report.entries),
        points: report.steps.iter().map(|step| (step.load, step.moves_per_key())).collect(),
    };
    Plot {
        title: "Slots that move for a key that is placed".to_owned(),
        x_axis: "load (keys placed / slots)".to_owned(),
        y_axis: "moves (slots per key)".to_owned(),
        series: reports.iter().map(series).collect(),
    }
}

fn markdown(reports: &[Report]) -> String {
    let mut text = "# Placement\n\nRandom keys, as many as there are slots; the worst of all seeds. \
        Speed is one core's CPU time from empty to 95 %, hash included.\n\n\
        | slots | stash | seeds | load at the first refusal | final load | M keys/s to 95 % | stash, most in use | keys by moves |\n\
        |---|---|---|---|---|---|---|---|\n"
        .to_owned();
    for report in reports {
        text += &format!(
            "| {} | {} | {} from {} | {:.4} | {:.4} | {:.1} | {} | {:?} |\n",
            report.entries,
            report.stash,
            report.seeds,
            report.seed,
            report.load_first_refusal,
            report.load_final,
            report.inserts_per_s_to_95 / 1e6,
            report.stash_high_water,
            report.moves
        );
    }
    text + "\n![Moves by load](placement.svg)\n"
}
