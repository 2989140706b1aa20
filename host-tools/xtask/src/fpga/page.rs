//! The page of results, docs/builds.md: every figure, and how it was obtained.

use std::fmt::{self, Write as _};
use std::path::PathBuf;

use anyhow::{Result, bail};
use fpgaflow_boards::{BOARDS, Family};

use super::pnr::Placed;
use super::synth::Synthesized;
use super::{kept, read_file, write_file};
use crate::run;

fn path() -> PathBuf {
    run::root().join("docs/builds.md")
}

/// Writes the page.
///
/// # Errors
/// When a result cannot be read or the page not written.
pub fn write() -> Result<()> {
    write_file(&path(), &page()?)
}

/// Fails when the page in the tree is not what the kept results give.
///
/// # Errors
/// As [`write()`], and when it differs.
pub fn check() -> Result<()> {
    if read_file(&path())? != page()? {
        bail!("{} is not what the kept results give; run: cargo xtask docs", path().display());
    }
    Ok(())
}

fn page() -> Result<String> {
    let mut out = String::from(HEAD);
    for board in &BOARDS {
        match board.device.family {
            Family::Ecp5 => match kept::<Placed>(board)? {
                Some(placed) if (placed.flows_v4, placed.flows_v6) == (board.geometry.entries_v4, board.geometry.entries_v6) => {
                    write_placed(&mut out, &placed)?;
                }
                _ => write_none(&mut out, board.name, "placed and routed")?,
            },
            Family::UltraScalePlus => match kept::<Synthesized>(board)? {
                Some(synthesized)
                    if (synthesized.flows_v4, synthesized.flows_v6) == (board.geometry.entries_v4, board.geometry.entries_v6) =>
                {
                    write_synthesized(&mut out, &synthesized)?;
                }
                _ => write_none(&mut out, board.name, "synthesized")?,
            },
        }
    }
    Ok(out)
}

const HEAD: &str = "\
<!-- Generated from firmware/boards/results by `cargo xtask docs`. -->
# What the open tools make of the engines

`cargo xtask pnr --board BOARD --keep` and `cargo xtask synth --board BOARD --keep` make the figures; each installs the tools that it needs, from
PyPI, in the versions given below. Nothing here ran on a board.

**Placed and routed** (ECP5): yosys, nextpnr and ecppack on the engine alone, without MACs, PCIe or pads. The engine has hundreds of ports and the package
has no pins for them, so a harness stands around it: every input comes from a flip-flop of a shift register, every output goes to
a flip-flop of another that is loaded and shifted out. So no logic goes away, and a path at the border is one between registers. The harness's cells are
counted with the engine's. The timing is that of speed grade 8 of the LFE5U die (`--45k --speed 8`); nextpnr's database for 5G parts, which is
the same die, promises faster block RAM than the data sheet and is not used. Block RAMs are instantiated with their output registers
where the engine reads in two clocks. Between synthesis and placement lookup tables and flip-flops with more than 64 loads get copies, each for
loads that are neighbours by name: neither tool does that.

**Synthesized** (UltraScale+): yosys' `synth_xilinx -family xcup` on the engine alone, without pads. Counts of cells, not placed: they say nothing
about a clock, and Vivado's counts will differ.
";

fn write_none(out: &mut String, board: &str, what: &str) -> fmt::Result {
    writeln!(out, "\n## {board}\nNot {what}: no result of this geometry is kept.")
}

fn write_placed(out: &mut String, placed: &Placed) -> fmt::Result {
    let [comb, ff, ebr] = placed.available;
    let (flows_v4, flows_v6) = (placed.flows_v4, placed.flows_v6);
    writeln!(
        out,
        "\n## {}\nPlaced and routed, seed {}, with {}. {flows_v4} IPv4 and {flows_v6} IPv6 flows.\n\n\
         | figure | value |\n|---|---|\n\
         | highest clock in MHz | **{}** |\n| clock that the board needs, in MHz | {} |\n\
         | lookup tables | {} of {comb} |\n| flip-flops | {} of {ff}, {} of them the harness |\n| copies of drivers among them | {} |\n| block RAMs | {} of {ebr} |\n\
         | bytes of the bitstream | {} |\n\n\
         The slowest path:\n\n| block | ns in cells | ns in wires |\n|---|---|---|",
        placed.board,
        placed.seed,
        placed.tools.join(" and "),
        placed.fmax_mhz,
        placed.required_mhz,
        placed.comb,
        placed.ff,
        placed.harness_ff,
        placed.copies,
        placed.ebr,
        placed.bitstream_bytes,
    )?;
    for stretch in &placed.slowest {
        writeln!(out, "| `{}` | {:.2} | {:.2} |", stretch.block, stretch.logic_ns, stretch.routing_ns)?;
    }
    Ok(())
}

fn write_synthesized(out: &mut String, found: &Synthesized) -> fmt::Result {
    writeln!(
        out,
        "\n## {}\nSynthesized, not placed, with {}. {} bits, {} IPv4 and {} IPv6 flows.\n\n\
         | cells | count |\n|---|---|\n| lookup tables | {} |\n| cells of distributed RAM | {} |\n| flip-flops | {} |\n\
         | RAMB36 | {} |\n| URAM288 | {} |",
        found.board,
        found.tools.join(" and "),
        found.width_bits,
        found.flows_v4,
        found.flows_v6,
        found.lut,
        found.lut_ram,
        found.ff,
        found.ramb36,
        found.uram288,
    )
}
