//! The integration page of a board: what whoever builds a shell around the engine has to know, and what has not been shown.

use std::fmt::{self, Write as _};

use fpgaflow_abi::geometry::Geometry;
use fpgaflow_abi::regs::{Access, REGISTERS};

use crate::boards::{Family, Proof};
use crate::export::{Export, TOP};
use crate::memory::Place;
use crate::port::{Interface, meaning};

pub(crate) fn page(export: &Export) -> String {
    let mut out = String::new();
    write_page(&mut out, export).expect("a String takes all");
    out
}

fn write_page(out: &mut String, export: &Export) -> fmt::Result {
    let board = &export.board;
    let Geometry { width_bits, ports, .. } = board.geometry;
    writeln!(out, "<!-- Generated from firmware/boards by `cargo xtask docs`. -->\n# {}\n", board.name)?;
    writeln!(
        out,
        "{}, {width_bits} bits, ports: {ports}. `cargo xtask verilog --board {}` writes module `{TOP}`.",
        board.device.part, board.name
    )?;
    status(out, board.proofs)?;
    parameters(out, &board.geometry)?;
    clocks(out, &board.geometry)?;
    port_table(out, export)?;
    memories(out, export)?;
    identity(out, &board.geometry)
}

fn status(out: &mut String, proofs: &[Proof]) -> fmt::Result {
    out.push_str("\n## What is shown, and what is not\n");
    for proof in proofs {
        match proof {
            Proof::Done(what) => writeln!(out, "- Shown: {what}.")?,
            Proof::NotDone(what) => writeln!(out, "- **Not** shown or built: {what}.")?,
        }
    }
    Ok(())
}

fn parameters(out: &mut String, geometry: &Geometry) -> fmt::Result {
    out.push_str("\n## Parameters\nFixed when the Verilog is written; stated in `firmware/boards/src/boards.rs`.\n\n| parameter | value |\n|---|---|\n");
    for (what, value) in [
        ("width of the data path in bits", geometry.width_bits.into()),
        ("Ethernet ports", geometry.ports.into()),
        ("slots, two banks of buckets of four", geometry.slots()),
        ("stash slots", geometry.stash.into()),
        ("IPv4 entries", geometry.entries_v4),
        ("IPv6 entries", geometry.entries_v6),
        ("next hops", geometry.next_hops),
        ("longest frame in bytes, without FCS", geometry.max_frame_bytes),
        ("clock in Hz that is aimed at", geometry.clock_hz),
    ] {
        writeln!(out, "| {what} | {value} |")?;
    }
    Ok(())
}

fn clocks(out: &mut String, geometry: &Geometry) -> fmt::Result {
    writeln!(
        out,
        "\n## Clock and reset\n\
         - One clock, `clock`, for every port. MACs and bus with clocks of their own need asynchronous FIFOs in the shell.\n\
         - The frequency is free; times in the card's registers are in clocks, and `CLOCK_HZ` tells the driver how long one is, so a \
         shell with another clock needs another `clock_hz`.\n\
         - `reset` is synchronous to `clock` and active high. After it the engine empties its slots for {} clocks: ports take no beat and \
         register accesses wait.\n\
         - `reset` is for a quiet bus: what is under way on `m_axi` when it comes must not be answered after it.\n\
         - No output depends on an input of the same clock.",
        geometry.slots()
    )
}

fn port_table(out: &mut String, export: &Export) -> fmt::Result {
    out.push_str("\n## Ports\n| port | direction | bits | interface | meaning |\n|---|---|---|---|---|\n");
    for (port, interface) in &export.ports {
        let of = match interface {
            Interface::Clock => "clock".to_owned(),
            Interface::Reset => "reset".to_owned(),
            Interface::Interrupt => "interrupt".to_owned(),
            Interface::Bus { protocol, bus, .. } => format!("{protocol} `{bus}`"),
        };
        writeln!(out, "| `{}` | {} | {} | {of} | {} |", port.name, port.direction, port.width, meaning(port, interface))?;
    }
    out.push_str(
        "\n`s_axis_rx_N` come from and `m_axis_tx_N` go to the MAC of port N: frames without preamble and FCS. `s_axil` are the registers \
         ([register map](../registers.md)), behind BAR 0 of the PCIe function. `m_axi` reads and writes the host's memory; its order rules \
         are those of [the host side](../../hdl/docs/host.md). `irq_*` ask for MSI-X messages: the shell holds the table.\n",
    );
    Ok(())
}

fn memories(out: &mut String, export: &Export) -> fmt::Result {
    let board = &export.board;
    let used = export.used();
    let bits: usize = export.memories.iter().map(|memory| memory.bits()).sum();
    writeln!(
        out,
        "\n## Memory\n{} memories, {bits} bits. Every memory is simple dual port with one clock; {} \
         Blocks are counted in the shape of a block that needs the fewest, which is an account and no synthesis result: {} of {} blocks of \
         18 kbit, {} of {} UltraRAM blocks, {} bits in lookup tables.\n\n\
         | memory | bits | words | in | blocks |\n|---|---|---|---|---|",
        export.memories.len(),
        match board.device.family {
            Family::Ecp5 => "blocks are named (`DP16KD`), lookup tables are asked for by `ram_style`.",
            Family::UltraScalePlus => "where it goes is asked for by `ram_style`.",
        },
        used.blocks,
        board.device.blocks,
        used.ultra,
        board.device.ultra,
        used.lut_bits,
    )?;
    for memory in &export.memories {
        let place = board.place_of(memory);
        let of = match place {
            Place::Lut => "lookup tables",
            Place::Block => "block RAM",
            Place::Ultra => "UltraRAM",
        };
        writeln!(out, "| `{}` | {} | {} | {of} | {} |", memory.path, memory.width, memory.words, memory.blocks(place))?;
    }
    Ok(())
}

fn identity(out: &mut String, geometry: &Geometry) -> fmt::Result {
    out.push_str("\n## Identity\nWhat the identity registers read; the driver takes everything it knows of the card from there. All registers: [register map](../registers.md).\n\n| offset | register | reads |\n|---|---|---|\n");
    for register in REGISTERS.iter().filter(|register| register.access == Access::Ro) {
        if let Some(value) = geometry.register(register.offset) {
            writeln!(out, "| `{:#05x}` | `{}` | `{value:#010x}` |", register.offset, register.name)?;
        }
    }
    Ok(())
}
