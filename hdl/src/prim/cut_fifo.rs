//! A FIFO in block RAM that an empty one is not noticed: a word that finds nothing before it goes around the RAM.
//!
//! ```text
//!            +---------+
//!  s_axis -->| CutFifo |--> m_axis
//!            +---------+--> space
//! ```
//! Latency 1 clock from `s_axis` to `m_axis` when empty; one word a clock in and out at once, also out of a store that fills and
//! empties. `s_axis_ready`, `m_axis_data`, `m_axis_valid` and `space` come from flip-flops.
//!
//! # Contract
//! - `2^AW` words fit in the RAM and two more in the output stages. `CW` must be `AW + 1`.
//! - `space` counts what can be pushed without `s_axis_ready` going low, not counting the two.
//! - Words leave in the order they were pushed; none is lost or repeated.
//!
//! # How
//! Two stages behind the RAM, s1 and s2. A word goes to the furthest one that is free with nothing before it on its way. As in
//! [`FrameFifo`], the RAM is never read at an address written in the same clock.

use crate::prelude::*;

/// `2^AW` words of `T`.
#[derive(LogicBlock)]
pub struct CutFifo<T: Synth, const AW: usize, const CW: usize> {
    /// The block's clock.
    pub clock: Signal<In, Clock>,
    /// Synchronous, active high; forgets all words.
    pub reset: Signal<In, Bit>,
    /// Words in.
    pub s_axis: StreamSink<T>,
    /// The same words out, in order.
    pub m_axis: StreamSource<T>,
    /// Words that can still be pushed.
    pub space: Signal<Out, Bits<CW>>,

    // One bit more than an address: equal means empty.
    pushed: DFF<Bits<CW>>,
    taken: DFF<Bits<CW>>,
    free: DFF<Bits<CW>>,
    ready: DFF<Bit>,
    stored: DFF<Bit>,
    taken_after: Signal<Local, Bits<CW>>,
    advance_s1: Signal<Local, Bit>,
    advance_s2: Signal<Local, Bit>,
    take: Signal<Local, Bit>,
    to_s1: Signal<Local, Bit>,
    to_s2: Signal<Local, Bit>,
    push: Signal<Local, Bit>,

    memory: Memory<T, AW>,
    // s1 is in the RAM's output register or, if it went around, in `around_s1`.
    valid_s1: DFF<Bit>,
    is_around_s1: DFF<Bit>,
    around_s1: DFF<T>,
    valid_s2: DFF<Bit>,
    word_s2: DFF<T>,

    one: Constant<Bits<CW>>,
    several: Constant<Bits<CW>>,
    depth: Constant<Bits<CW>>,
}

impl<T: Synth, const AW: usize, const CW: usize> CutFifo<T, AW, CW> {
    /// Clocks from a word in to the same word out of an empty FIFO.
    pub const LATENCY: usize = 1;
}

impl<T: Synth, const AW: usize, const CW: usize> Default for CutFifo<T, AW, CW> {
    fn default() -> Self {
        assert!(CW == AW + 1, "CutFifo: count width {CW} is not address width {AW} + 1");
        Self {
            clock: Signal::default(),
            reset: Signal::default(),
            s_axis: StreamSink::default(),
            m_axis: StreamSource::default(),
            space: Signal::default(),
            pushed: DFF::default(),
            taken: DFF::default(),
            free: DFF::default(),
            ready: DFF::default(),
            stored: DFF::default(),
            taken_after: Signal::default(),
            advance_s1: Signal::default(),
            advance_s2: Signal::default(),
            take: Signal::default(),
            to_s1: Signal::default(),
            to_s2: Signal::default(),
            push: Signal::default(),
            memory: Memory::default(),
            valid_s1: DFF::default(),
            is_around_s1: DFF::default(),
            around_s1: DFF::default(),
            valid_s2: DFF::default(),
            word_s2: DFF::default(),
            one: Constant::new(1_u64.into()),
            several: Constant::new(((1_u64 << CW) - 2).into()),
            depth: Constant::new((1_u64 << AW).into()),
        }
    }
}

impl<T: Synth, const AW: usize, const CW: usize> Logic for CutFifo<T, AW, CW> {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, pushed, taken, free, ready, stored, valid_s1, is_around_s1, around_s1, valid_s2, word_s2);
        self.s_axis.ready.next = self.ready.q.val();
        self.space.next = self.free.q.val();

        // Backwards from the output: a stage moves on when it is empty or the one after it moves on.
        self.advance_s2.next = self.m_axis.ready.val() | !self.valid_s2.q.val();
        self.advance_s1.next = self.advance_s2.val() | !self.valid_s1.q.val();
        self.take.next = self.stored.q.val() & self.advance_s1.val();

        // Where the word goes.
        self.to_s2.next = !self.stored.q.val() & !self.valid_s1.q.val() & self.advance_s2.val();
        self.to_s1.next = !self.stored.q.val() & self.advance_s1.val() & !self.to_s2.val();
        self.push.next = self.s_axis.valid.val() & self.ready.q.val() & !self.to_s2.val() & !self.to_s1.val();

        self.memory.clock.next = self.clock.val();
        self.memory.wen.next = self.push.val();
        self.memory.waddr.next = bit_cast::<AW, CW>(self.pushed.q.val());
        self.memory.wdata.next = self.s_axis.data.val();
        self.memory.ren.next = self.take.val();
        self.memory.raddr.next = bit_cast::<AW, CW>(self.taken.q.val());
        if self.push.val() {
            self.pushed.d.next = self.pushed.q.val() + self.one.val();
        }
        self.taken_after.next = self.taken.q.val() + self.one.val();
        if self.take.val() {
            self.taken.d.next = self.taken_after.val();
        }
        if self.push.val() {
            self.stored.d.next = true;
        } else if self.take.val() {
            self.stored.d.next = self.pushed.q.val() != self.taken_after.val();
        }
        if self.push.val() & !self.take.val() {
            self.free.d.next = self.free.q.val() - self.one.val();
        } else if !self.push.val() & self.take.val() {
            self.free.d.next = self.free.q.val() + self.one.val();
        }
        // Whether that leaves any, without waiting for the sum.
        self.ready.d.next =
            (self.take.val() | (self.free.q.val() & self.several.val()).any()) | (self.free.q.val().any() & !self.push.val());

        if self.advance_s1.val() {
            self.valid_s1.d.next = self.take.val() | (self.to_s1.val() & self.s_axis.valid.val() & self.ready.q.val());
            self.is_around_s1.d.next = self.to_s1.val();
            self.around_s1.d.next = self.s_axis.data.val();
        }
        if self.advance_s2.val() {
            self.valid_s2.d.next = self.valid_s1.q.val() | (self.to_s2.val() & self.s_axis.valid.val() & self.ready.q.val());
            if self.to_s2.val() {
                self.word_s2.d.next = self.s_axis.data.val();
            } else if self.is_around_s1.q.val() {
                self.word_s2.d.next = self.around_s1.q.val();
            } else {
                self.word_s2.d.next = self.memory.rdata.val();
            }
        }
        self.m_axis.data.next = self.word_s2.q.val();
        self.m_axis.valid.next = self.valid_s2.q.val();

        if self.reset.val() {
            self.pushed.d.next = 0.into();
            self.taken.d.next = 0.into();
            self.stored.d.next = false;
            self.free.d.next = self.depth.val();
            self.ready.d.next = true;
            self.valid_s1.d.next = false;
            self.valid_s2.d.next = false;
        }
    }
}
