//! Block RAM whose reads never meet the write of the same clock.
//!
//! ```text
//!                      +--------+
//!  wen, waddr, wdata ->| RamReg |
//!  ren, raddr -------->|        |--> rdata
//!                      +--------+
//! ```
//! Latency from `raddr` to `rdata`: 2 clocks, with the RAM's own output register, which the slow read of a block RAM needs at 150 MHz and above.
//! A read is issued by presenting `raddr` with `ren`, so that wide rows do not move for nothing. All words are zero after configuration; reset
//! does not clear them.
//!
//! # Contract
//! The memory itself promises nothing about a read that collides with a write ([`Memory`]). What is done about it depends on the [`Pace`] of reads:
//! - [`Pace::EveryClock`]: one read and one write a clock. A write in clock `n` is seen by every read issued in clock `n` or later and by no
//!   read issued before. The collision is remembered for as long as the read takes and the written word put in place of the memory's: two
//!   registers as wide as a word, and a multiplexer behind the memory.
//! - [`Pace::Seldom`]: a write of clock `n` is done in the first clock from `n` on without a read, and seen by every read behind that clock and by none
//!   before. `waddr` and `wdata` must stand still until then, and no two reads may be issued in consecutive clocks, so that is clock `n + 1` at the latest.
//!   Words are in the memory only.

use crate::prelude::*;
use crate::prim::Pace;

/// `2^AW` words of `T`.
#[derive(LogicBlock)]
pub struct RamReg<T: Synth, const AW: usize> {
    /// The block's clock.
    pub clock: Signal<In, Clock>,
    /// Write `wdata` at `waddr`, in this clock or as the module says.
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
    writes_wait: Constant<Bit>,
    asked: Signal<Local, Bit>,
    is_late: DFF<Bit>,
    collided_s1: DFF<Bit>,
    collided_s2: DFF<Bit>,
    written_s1: DFF<T>,
    written_s2: DFF<T>,
}

impl<T: Synth, const AW: usize> RamReg<T, AW> {
    /// For reads of this pace.
    pub fn new(reads: Pace) -> Self {
        Self {
            clock: Signal::default(),
            wen: Signal::default(),
            waddr: Signal::default(),
            wdata: Signal::default(),
            ren: Signal::default(),
            raddr: Signal::default(),
            rdata: Signal::default(),
            memory: Memory::default(),
            writes_wait: Constant::new(reads == Pace::Seldom),
            asked: Signal::default(),
            is_late: DFF::default(),
            collided_s1: DFF::default(),
            collided_s2: DFF::default(),
            written_s1: DFF::default(),
            written_s2: DFF::default(),
        }
    }
}

impl<T: Synth, const AW: usize> Default for RamReg<T, AW> {
    fn default() -> Self {
        Self::new(Pace::EveryClock)
    }
}

impl<T: Synth, const AW: usize> Logic for RamReg<T, AW> {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, is_late, collided_s1, collided_s2, written_s1, written_s2);
        self.memory.clock.next = self.clock.val();
        self.memory.waddr.next = self.waddr.val();
        self.memory.wdata.next = self.wdata.val();
        self.memory.ren.next = self.ren.val();
        self.memory.raddr.next = self.raddr.val();
        self.rdata.next = self.memory.rdata.val();
        self.collided_s2.d.next = self.collided_s1.q.val();
        self.asked.next = self.wen.val() | self.is_late.q.val();
        if self.writes_wait.val() {
            self.memory.wen.next = self.asked.val() & !self.ren.val();
            self.is_late.d.next = self.asked.val() & self.ren.val();
            self.collided_s1.d.next = false;
        } else {
            self.memory.wen.next = self.wen.val();
            self.is_late.d.next = false;
            self.collided_s1.d.next = (self.wen.val() & self.ren.val()) & (self.waddr.val() == self.raddr.val());
            if self.wen.val() {
                self.written_s1.d.next = self.wdata.val();
            }
            if self.collided_s1.q.val() {
                self.written_s2.d.next = self.written_s1.q.val();
            }
            if self.collided_s2.q.val() {
                self.rdata.next = self.written_s2.q.val();
            }
        }
    }
}
