//! `cargo xtask pnr`: an ECP5 engine synthesized, placed, routed and packed into a bitstream, and what came out.

use std::fs;

use anyhow::{Context, Result, bail, ensure};
use clap::Args;
use fpgaflow_boards::{Board, Family, TOP};
use serde::{Deserialize, Serialize};

use super::block::block;
use super::harness::Harness;
use super::report::{Grain, Stretch, print_path};
use super::route::{CONFIGURATION, Design, Router};
use super::tools::{PACKAGES, Tools};
use super::{board, directory, keep};

/// Place and route an engine, or one block of it.
#[derive(Debug, Args)]
pub struct Pnr {
    /// ecp5-45f
    #[arg(long)]
    board: String,
    /// Only this block, alone between registers, as datapath.flows.hash
    #[arg(long, value_name = "PATH", conflicts_with = "keep")]
    block: Option<String>,
    /// Print the result as JSON
    #[arg(long)]
    pub json: bool,
    /// Seed of the placement
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,
    /// nextpnr's router [default: router2 for an engine, router1 for a block]
    #[arg(long, value_enum)]
    pub router: Option<Router>,
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
    /// Which router routed it.
    pub router: Router,
    /// The tools.
    pub tools: Vec<String>,
}

/// Runs it and prints what came out.
///
/// # Errors
/// When a tool fails, or an engine's clock is below what the board needs.
pub fn pnr(arguments: &Pnr) -> Result<()> {
    let board = board(&arguments.board, Family::Ecp5)?;
    if let Some(path) = &arguments.block {
        return block(&board, path, arguments);
    }
    let placed = place(&board, arguments)?;
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

fn place(board: &Board, arguments: &Pnr) -> Result<Placed> {
    let tools = Tools::ensure()?;
    let export = board.export()?;
    let harness = Harness::around(TOP, "engine", export.ports.iter().map(|(port, _)| port));
    let design = Design {
        board,
        verilog: &export.verilog,
        harness: &harness,
        seed: arguments.seed,
        router: arguments.router.unwrap_or(Router::Router2),
        grain: Grain::Blocks,
        directory: directory("pnr", board)?,
    };
    let (timing, copies) = design.route(&tools)?;
    tools.run(&design.directory, "yowasp-ecppack", &["--input", CONFIGURATION, "--bit", "engine.bit"])?;

    let [comb, ff, ebr] = ["TRELLIS_COMB", "TRELLIS_FF", "DP16KD"];
    let planned = export.used().blocks as u64;
    ensure!(timing.used(ebr) == planned, "{} blocks of RAM where the account of {} has {planned}", timing.used(ebr), board.name);
    Ok(Placed {
        board: board.name.to_owned(),
        required_mhz: f64::from(board.geometry.clock_hz) / 1e6,
        fmax_mhz: timing.fmax_rounded(),
        comb: timing.used(comb),
        ff: timing.used(ff),
        ebr: timing.used(ebr),
        available: [comb, ff, ebr].map(|kind| timing.cells.get(kind).map_or(0, |cells| cells.available)),
        harness_ff: harness.flip_flops as u64,
        copies: copies as u64,
        flows_v4: board.geometry.entries_v4,
        flows_v6: board.geometry.entries_v6,
        bitstream_bytes: fs::metadata(design.directory.join("engine.bit")).context("look for the bitstream")?.len(),
        slowest: timing.slowest,
        seed: arguments.seed,
        router: design.router,
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
    print_path(&placed.slowest);
}
