//! Every block through lint, rust-hdl's checks and synthesis.

use fpgaflow_abi::descriptor::{FrameKind, Ring};
use fpgaflow_hdl::host;
use fpgaflow_hdl::prelude::Bits;
use fpgaflow_hdl_guard::{Expect, check_block};

use crate::support::GEOMETRY;

/// Words of a [`host::shelf::Shelf`] with four address bits.
const SHELF: usize = 16;

#[test]
fn small_blocks_are_clean() {
    check_block("bursts", host::bursts::Bursts::<13, 10>::default, Expect::rams(0));
    check_block("place", host::place::Place::default, Expect::rams(0));
    check_block("turn", host::turn::Turn::default, Expect::rams(0));
    check_block("ring", || host::ring::Ring::new(Ring::Completion), Expect::rams(0));
    check_block("frame_taker", || host::frame_taker::FrameTaker::new(FrameKind::Send), Expect::rams(0));
    check_block("irq", host::irq::Irq::default, Expect::rams(0));
    check_block("shelf", host::shelf::Shelf::<Bits<8>, 4, 5>::default, Expect::rams(1).with_bits(SHELF * 8));
}

#[test]
fn bus_masters_are_clean() {
    check_block("read_master", host::read_master::ReadMaster::default, Expect::rams(1).with_bits(SHELF * 2));
    check_block("write_master", host::write_master::WriteMaster::default, Expect::rams(1).with_bits(SHELF * 3));
}

#[test]
fn engines_are_clean() {
    check_block("fetch", host::fetch::Fetch::default, Expect::rams(1).with_bits(512 * 64));
    check_block("retire", host::retire::Retire::default, Expect::rams(2));
    check_block("completions", host::completions::Completions::default, Expect::rams(1));
    check_block("c2h", host::c2h::C2h::default, Expect::rams(2));
    check_block("h2c", || host::h2c::H2c::<9, 10>::new(&GEOMETRY), Expect::rams(5));
    check_block("dump", host::dump::Dump::default, Expect::rams(0));
    check_block("command", || host::command::Command::new(&GEOMETRY, 20), Expect::rams(0));
}

#[test]
fn registers_are_clean() {
    // The RAM of written values, and what synthesis takes for a ROM in the register map: 16 words.
    check_block("regs", || host::regs::Regs::<2>::new(&GEOMETRY), Expect::rams(2).with_bits(512 * 32 + 512));
    check_block("stats", host::regs::stats::Stats::<2>::default, Expect::rams(2).with_bits(2 * 32 * 8));
}

#[test]
fn the_host_side_is_clean() {
    check_block("host_side", || host::HostSide::<2, 9, 10>::new(&GEOMETRY, 20), Expect::rams(15));
}
