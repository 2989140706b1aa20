//! Block RAM whose reads see the write of the same clock.
//!
//! ```text
//!                      +--------+
//!  wen, waddr, wdata ->| RamReg |
//!  ren, raddr -------->|        |--> rdata
//!                      +--------+
//! ```
//! Latency from `raddr` to `rdata`: 2 clocks, with the RAM's own output register, which the slow read of a block RAM needs at 150 MHz and above
//! (one multiplexer follows it). One read and one write a clock.
//!
//! # Contract
//! A write in clock `n` is seen by every read issued in clock `n` or later and by no read issued before. A read is issued by
//! presenting `raddr` with `ren`, so that wide rows do not move for nothing. All words are zero after configuration; reset does not clear them.
//!
//! The memory itself promises nothing about a read that collides with a write ([`Memory`]), so the collision is remembered
//! for as long as the read takes and the written word put in place of the memory's.

use crate::prelude::*;

/// `2^AW` words of `T`.
#[derive(LogicBlock, Default)]
pub struct RamReg<T: Synth, const AW: usize> {
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
    /// The word at the `raddr` of two clocks ago; not defined when there was no `ren` then.
    pub rdata: Signal<Out, T>,
    memory: Memory<T, AW, true>,
    collided_s1: DFF<Bit>,
    collided_s2: DFF<Bit>,
    written_s1: DFF<T>,
    written_s2: DFF<T>,
}

impl<T: Synth, const AW: usize> Logic for RamReg<T, AW> {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, collided_s1, collided_s2, written_s1, written_s2);
        self.memory.clock.next = self.clock.val();
        self.memory.wen.next = self.wen.val();
        self.memory.waddr.next = self.waddr.val();
        self.memory.wdata.next = self.wdata.val();
        self.memory.ren.next = self.ren.val();
        self.memory.raddr.next = self.raddr.val();
        self.collided_s1.d.next = (self.wen.val() & self.ren.val()) & (self.waddr.val() == self.raddr.val());
        self.collided_s2.d.next = self.collided_s1.q.val();
        if self.wen.val() {
            self.written_s1.d.next = self.wdata.val();
        }
        if self.collided_s1.q.val() {
            self.written_s2.d.next = self.written_s1.q.val();
        }
        self.rdata.next = self.memory.rdata.val();
        if self.collided_s2.q.val() {
            self.rdata.next = self.written_s2.q.val();
        }
    }
}
