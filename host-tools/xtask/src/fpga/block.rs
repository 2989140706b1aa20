//! `cargo xtask pnr --block`: one block of an engine alone between registers, in a minute where the engine takes many. Its clock bounds the
//! engine's from above, and its slowest path is told signal by signal.

use anyhow::Result;
use fpgaflow_boards::Board;
use serde::Serialize;

use super::directory;
use super::harness::Harness;
use super::pnr::Pnr;
use super::report::{Grain, Stretch};
use super::route::{Design, Router};
use super::tools::Tools;

/// What the block is called in its harness.
const INSTANCE: &str = "block";

/// What it came to. Cells of the harness are counted with the block's.
#[derive(Debug, Serialize)]
struct Alone<'a> {
    board: &'a str,
    block: &'a str,
    required_mhz: f64,
    fmax_mhz: f64,
    comb: u64,
    ff: u64,
    ebr: u64,
    harness_ff: usize,
    copies: usize,
    slowest: Vec<Stretch>,
    seed: u64,
}

/// Places and routes the block at `path` and prints what came out.
///
/// # Errors
/// When there is no such block, or a tool fails; not for its clock, which is no promise of the board's.
pub fn block(board: &Board, path: &str, arguments: &Pnr) -> Result<()> {
    let export = board.export()?;
    let block = export.block(path)?;
    let harness = Harness::around(&block.module, INSTANCE, &block.ports);
    let design = Design {
        board,
        verilog: &export.verilog,
        harness: &harness,
        seed: arguments.seed,
        // The other one never ends on some blocks whose pins crowd a corner.
        router: arguments.router.unwrap_or(Router::Router1),
        grain: Grain::Signals,
        directory: directory(&format!("pnr-{path}"), board)?,
    };
    let (timing, copies) = design.route(&Tools::ensure()?)?;
    let alone = Alone {
        board: board.name,
        block: path,
        required_mhz: f64::from(board.geometry.clock_hz) / 1e6,
        fmax_mhz: timing.fmax_rounded(),
        comb: timing.used("TRELLIS_COMB"),
        ff: timing.used("TRELLIS_FF"),
        ebr: timing.used("DP16KD"),
        harness_ff: harness.flip_flops,
        copies,
        slowest: timing.slowest,
        seed: arguments.seed,
    };
    if arguments.json {
        println!("{}", serde_json::to_string_pretty(&alone)?);
        return Ok(());
    }
    println!("{path} of {} alone: {} MHz, the engine needs {} MHz", alone.board, alone.fmax_mhz, alone.required_mhz);
    println!(
        "  {} lookup tables, {} flip-flops ({} of them the harness), {} block RAMs; {} cells are copies of drivers",
        alone.comb, alone.ff, alone.harness_ff, alone.ebr, alone.copies
    );
    super::report::print_path(&alone.slowest);
    Ok(())
}
