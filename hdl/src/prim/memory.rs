//! The one place that turns into block RAM: simple dual port, one clock, synchronous read.
//!
//! ```text
//!                      +--------+
//!  wen, waddr, wdata ->| Memory |
//!  ren, raddr -------->|        |--> rdata
//!                      +--------+
//! ```
//! Latency 1 clock from `ren`/`raddr` to `rdata`, which holds its word until the next `ren`; 2 clocks when `REGISTERED`, with a
//! second register in this module, where a board's variant ([`RamVariant`]) has its RAM's own. One read and one write a clock.
//!
//! # Contract
//! - All words are zero after configuration (every target family loads zeros into block RAM that has no contents given, and
//!   Verilator is run with `--x-initial fast`). Reset does not clear it.
//! - Reading the address that is written in the same clock gives an **undefined** word in hardware: `no_rw_check` promises
//!   synthesis that nobody looks, which saves over a thousand LUTs a RAM. [`RamReg`](super::RamReg) adds the bypass that makes
//!   such a read defined; [`FrameFifo`](super::FrameFifo) never makes one. Use those, not this, unless you can prove the same.
//! - `2^AW` words, `AW` from 1 to 20.

use std::collections::HashMap;

use super::variant::{RamShape, RamVariant};
use crate::prelude::*;

/// Largest address width: 2^20 words.
const MAX_ADDRESS_WIDTH: usize = 20;

/// `2^AW` words of `T` in block RAM, with the RAM's output register or without.
#[derive(LogicBlock)]
pub struct Memory<T: Synth, const AW: usize, const REGISTERED: bool = false> {
    /// The block's clock.
    pub clock: Signal<In, Clock>,
    /// Write `wdata` at `waddr` in this clock.
    pub wen: Signal<In, Bit>,
    /// Where to write.
    pub waddr: Signal<In, Bits<AW>>,
    /// What to write.
    pub wdata: Signal<In, T>,
    /// Read `raddr` in this clock.
    pub ren: Signal<In, Bit>,
    /// Where to read.
    pub raddr: Signal<In, Bits<AW>>,
    /// The word read by the last `ren`.
    pub rdata: Signal<Out, T>,
    /// Simulation only: words that were ever written.
    _words: HashMap<usize, T>,
    /// Simulation only: the word in front of the output register.
    _read: T,
}

impl<T: Synth, const AW: usize, const REGISTERED: bool> Default for Memory<T, AW, REGISTERED> {
    fn default() -> Self {
        assert!((1..=MAX_ADDRESS_WIDTH).contains(&AW), "Memory: address width {AW} is not in 1..={MAX_ADDRESS_WIDTH}");
        Self {
            clock: Signal::default(),
            wen: Signal::default(),
            waddr: Signal::default(),
            wdata: Signal::default(),
            ren: Signal::default(),
            raddr: Signal::default(),
            rdata: Signal::default(),
            _words: HashMap::new(),
            _read: T::default(),
        }
    }
}

impl<T: Synth, const AW: usize, const REGISTERED: bool> Logic for Memory<T, AW, REGISTERED> {
    fn update(&mut self) {
        if !self.clock.pos_edge() {
            return;
        }
        if REGISTERED {
            self.rdata.next = self._read;
        }
        if self.ren.val() {
            self._read = self._words.get(&self.raddr.val().index()).copied().unwrap_or_default();
        }
        if !REGISTERED {
            self.rdata.next = self._read;
        }
        if self.wen.val() {
            self._words.insert(self.waddr.val().index(), self.wdata.val());
        }
    }

    fn connect(&mut self) {
        self.rdata.connect();
    }

    fn hdl(&self) -> Verilog {
        let shape = RamShape { width: T::BITS, words: 1 << AW, registered: REGISTERED };
        Verilog::Custom(shape.body(RamVariant::GENERIC))
    }
}
