//! What the tools report, read from their JSON: nextpnr's clock, cells and slowest path, yosys' cells.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

/// Module names of an engine's path that say which block a cell is in: below these, names are of a block's own parts.
const BLOCK_DEPTH: usize = 3;
/// What yosys puts behind a signal's name to name a cell of it begins like one of these.
const CELL_SUFFIXES: [&str; 5] = ["_LUT4_", "_TRELLIS_", "_CCU2C_", "_PFUMX_", "_L6MUX21_"];

/// How finely a path is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Grain {
    /// By the engine's blocks.
    Blocks,
    /// By the signals of one block that stands alone.
    Signals,
}

/// nextpnr's `--report`.
#[derive(Debug, Deserialize)]
struct Placed {
    fmax: BTreeMap<String, Fmax>,
    utilization: BTreeMap<String, Utilization>,
    critical_paths: Vec<CriticalPath>,
}

#[derive(Debug, Deserialize)]
struct Fmax {
    achieved: f64,
}

#[derive(Debug, Deserialize)]
struct Utilization {
    used: u64,
    available: u64,
}

#[derive(Debug, Deserialize)]
struct CriticalPath {
    from: String,
    to: String,
    path: Vec<Segment>,
}

#[derive(Debug, Deserialize)]
struct Segment {
    delay: f64,
    #[serde(rename = "type")]
    kind: String,
    from: Pin,
    to: Pin,
}

#[derive(Debug, Deserialize)]
struct Pin {
    cell: String,
}

/// A part of the slowest path: what it spends in one block, or on the way into it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Stretch {
    /// The block, from the engine's top, or the signal, from the block's; `harness` outside it.
    pub block: String,
    /// In cells, in ns.
    pub logic_ns: f64,
    /// In wires to its cells, in ns.
    pub routing_ns: f64,
}

/// Cells of one kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cells {
    /// That the design takes.
    pub used: u64,
    /// That the device has.
    pub available: u64,
}

/// What place and route came to.
#[derive(Debug, Clone, PartialEq)]
pub struct Timing {
    /// Highest clock, in MHz.
    pub fmax_mhz: f64,
    /// The path that limits it, in its order.
    pub slowest: Vec<Stretch>,
    /// Cells by what nextpnr calls them.
    pub cells: BTreeMap<String, Cells>,
}

impl Timing {
    /// Reads nextpnr's report of a design with one clock.
    ///
    /// # Errors
    /// When it is no such report.
    pub fn from_report(json: &str, grain: Grain) -> Result<Self> {
        let placed: Placed = serde_json::from_str(json).context("read nextpnr's report")?;
        let mut clocks = placed.fmax.values();
        let fmax = clocks.next().filter(|_| clocks.next().is_none()).context("nextpnr's report: there is not one clock")?;
        let inside = placed.critical_paths.iter().filter(|path| path.from == path.to);
        let slowest =
            inside.max_by(|a, b| a.length().total_cmp(&b.length())).context("nextpnr's report: no path inside the clock")?;
        let cells =
            placed.utilization.into_iter().map(|(kind, Utilization { used, available })| (kind, Cells { used, available }));
        Ok(Self { fmax_mhz: fmax.achieved, slowest: slowest.stretches(grain), cells: cells.collect() })
    }

    /// The highest clock in MHz, as it is told: with two digits.
    pub fn fmax_rounded(&self) -> f64 {
        (self.fmax_mhz * 100.0).round() / 100.0
    }

    /// Cells of a kind; none if nextpnr does not know it.
    pub fn used(&self, kind: &str) -> u64 {
        self.cells.get(kind).map_or(0, |cells| cells.used)
    }
}

impl CriticalPath {
    fn length(&self) -> f64 {
        self.path.iter().map(|segment| segment.delay).sum()
    }

    /// The path's segments added up for as long as they stay in one place. A wire belongs to the block that it leads to.
    fn stretches(&self, grain: Grain) -> Vec<Stretch> {
        let mut out: Vec<Stretch> = Vec::new();
        for segment in &self.path {
            let is_routing = segment.kind == "routing";
            let block = grain.place_of(if is_routing { &segment.to.cell } else { &segment.from.cell });
            if out.last().is_none_or(|last| last.block != block) {
                out.push(Stretch { block, logic_ns: 0.0, routing_ns: 0.0 });
            }
            let last = out.last_mut().expect("one was just pushed");
            *(if is_routing { &mut last.routing_ns } else { &mut last.logic_ns }) += segment.delay;
        }
        for stretch in &mut out {
            for ns in [&mut stretch.logic_ns, &mut stretch.routing_ns] {
                *ns = (*ns * 100.0).round() / 100.0;
            }
        }
        out
    }
}

impl Grain {
    /// What a cell is in: `engine.core.datapath.flows.hash.sum_LUT4_Z` in block `datapath.flows.hash`, `block.steps.sum_LUT4_Z` in signal
    /// `steps.sum`.
    fn place_of(self, cell: &str) -> String {
        let inside = match self {
            Self::Blocks => cell.split_once("engine.core."),
            Self::Signals => cell.split_once("block."),
        };
        let Some((_, inside)) = inside else { return "harness".to_owned() };
        if self == Self::Signals {
            let end = CELL_SUFFIXES.iter().filter_map(|suffix| inside.find(suffix)).min();
            return inside[..end.unwrap_or(inside.len())].to_owned();
        }
        let modules: Vec<&str> = inside.split('.').collect();
        let (_, blocks) = modules.split_last().expect("a split has a part");
        if blocks.is_empty() { "engine".to_owned() } else { blocks[..blocks.len().min(BLOCK_DEPTH)].join(".") }
    }
}

/// Prints a path for people.
pub fn print_path(path: &[Stretch]) {
    println!("  slowest path:");
    for stretch in path {
        println!("    {:<44} {:.2} ns in cells, {:.2} ns in wires", stretch.block, stretch.logic_ns, stretch.routing_ns);
    }
}

/// yosys' `stat -json`.
#[derive(Debug, Deserialize)]
struct Stat {
    design: Design,
}

#[derive(Debug, Deserialize)]
struct Design {
    num_cells_by_type: BTreeMap<String, u64>,
}

/// The cells of a netlist by type, from yosys' `stat -json`.
///
/// # Errors
/// When it is no such report.
pub fn cells_by_type(json: &str) -> Result<BTreeMap<String, u64>> {
    let stat: Stat = serde_json::from_str(json).context("read yosys' count of cells")?;
    Ok(stat.design.num_cells_by_type)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A report as nextpnr writes it, cut to two short paths.
    const REPORT: &str = r#"{
      "critical_paths": [
        {"from": "async", "to": "posedge $glbnet$clock", "path": [
          {"delay": 9.0, "type": "routing", "net": "shift_in", "from": {"cell": "shift_in", "loc": [0, 0], "port": "O"},
           "to": {"cell": "inputs_TRELLIS_FF_Q", "loc": [2, 2], "port": "M"}}]},
        {"from": "posedge $glbnet$clock", "to": "posedge $glbnet$clock", "path": [
          {"delay": 0.5, "type": "clk-to-q", "from": {"cell": "engine.core.datapath.flows.valid_TRELLIS_FF_Q", "loc": [1, 1], "port": "CLK"},
           "to": {"cell": "engine.core.datapath.flows.valid_TRELLIS_FF_Q", "loc": [1, 1], "port": "Q"}},
          {"delay": 1.2, "type": "routing", "net": "n", "from": {"cell": "engine.core.datapath.flows.valid_TRELLIS_FF_Q", "loc": [1, 1], "port": "Q"},
           "to": {"cell": "engine.core.datapath.stage.next_hops.rows.a_LUT4_Z", "loc": [2, 2], "port": "A"}},
          {"delay": 0.25, "type": "logic", "from": {"cell": "engine.core.datapath.stage.next_hops.rows.a_LUT4_Z", "loc": [2, 2], "port": "A"},
           "to": {"cell": "engine.core.datapath.stage.next_hops.rows.a_LUT4_Z", "loc": [2, 2], "port": "F"}},
          {"delay": 0.55, "type": "routing", "net": "m", "from": {"cell": "engine.core.datapath.stage.next_hops.rows.a_LUT4_Z", "loc": [2, 2], "port": "F"},
           "to": {"cell": "seen_TRELLIS_FF_Q", "loc": [3, 3], "port": "M"}},
          {"delay": 0.0, "type": "setup", "from": {"cell": "seen_TRELLIS_FF_Q", "loc": [3, 3], "port": "M"},
           "to": {"cell": "seen_TRELLIS_FF_Q", "loc": [3, 3], "port": "CLK"}}]}],
      "fmax": {"$glbnet$clock": {"achieved": 163.25, "constraint": 195.3}},
      "utilization": {"DP16KD": {"available": 108, "used": 92}, "TRELLIS_FF": {"available": 43848, "used": 20000}}
    }"#;

    #[test]
    fn a_report_gives_clock_cells_and_the_slowest_path_by_block() {
        let timing = Timing::from_report(REPORT, Grain::Blocks).expect("it is a report");
        assert_eq!((timing.fmax_mhz, timing.used("DP16KD"), timing.used("TRELLIS_COMB")), (163.25, 92, 0));
        assert_eq!(timing.cells["TRELLIS_FF"], Cells { used: 20_000, available: 43_848 });
        let stretch = |block: &str, logic_ns, routing_ns| Stretch { block: block.into(), logic_ns, routing_ns };
        // The path from a pin is longer and is none of the clock's.
        let expected =
            [stretch("datapath.flows", 0.5, 0.0), stretch("datapath.stage.next_hops", 0.25, 1.2), stretch("harness", 0.0, 0.55)];
        assert_eq!(timing.slowest, expected);
    }

    #[test]
    fn the_path_in_a_block_is_told_by_its_signals() {
        let report = REPORT.replace("engine.core.datapath", "block");
        let timing = Timing::from_report(&report, Grain::Signals).expect("it is a report");
        let names: Vec<&str> = timing.slowest.iter().map(|stretch| stretch.block.as_str()).collect();
        assert_eq!(names, ["flows.valid", "stage.next_hops.rows.a", "harness"]);
    }

    #[test]
    fn a_report_of_no_clock_or_of_two_is_refused() {
        for clocks in ["{}", r#"{"a": {"achieved": 1.0}, "b": {"achieved": 2.0}}"#] {
            let report = REPORT.replace(r#"{"$glbnet$clock": {"achieved": 163.25, "constraint": 195.3}}"#, clocks);
            let error = Timing::from_report(&report, Grain::Blocks).expect_err("one clock is needed");
            assert!(format!("{error:#}").contains("one clock"), "{error:#}");
        }
        assert!(Timing::from_report("{}", Grain::Blocks).is_err(), "it is no report");
    }

    #[test]
    fn cells_are_counted_by_type() {
        let cells =
            cells_by_type(r#"{"creator": "Yosys", "design": {"num_cells": 5, "num_cells_by_type": {"LUT6": 3, "URAM288": 2}}}"#);
        assert_eq!(cells.expect("it is a count"), BTreeMap::from([("LUT6".to_owned(), 3), ("URAM288".to_owned(), 2)]));
        assert!(cells_by_type(r#"{"modules": {}}"#).is_err(), "it is no count");
    }
}
