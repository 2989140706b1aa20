//! A FIFO in lookup tables that an empty one is not noticed: few words, wide ones.
//!
//! ```text
//!            +-----------+
//!  s_axis -->| SmallFifo |--> m_axis
//!            +-----------+--> space
//! ```
//! Latency 1 clock from `s_axis` to `m_axis` when empty; one word a clock in and out at once, also out of a store that fills and
//! empties. `s_axis_ready`, `m_axis_data`, `m_axis_valid` and `space` come from flip-flops.
//!
//! # Contract
//! That of [`CutFifo`](super::CutFifo), with one word more than the `2^AW` of the RAM.
//!
//! # How
//! The flip-flops behind [`SmallRam`] are the output: whenever it is free they take the word that comes next, and that may be the one that is
//! written in the same clock. So a word costs one flip-flop a bit where [`CutFifo`](super::CutFifo), whose block RAM is slow, has three.

use crate::prelude::*;

/// `2^AW` words of `T`.
#[derive(LogicBlock)]
pub struct SmallFifo<T: Synth, const AW: usize, const CW: usize> {
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
    valid: DFF<Bit>,
    // The RAM is not empty.
    stored: DFF<Bit>,
    taken_after: Signal<Local, Bits<CW>>,
    push: Signal<Local, Bit>,
    advance: Signal<Local, Bit>,
    take: Signal<Local, Bit>,
    memory: SmallRam<T, AW>,

    one: Constant<Bits<CW>>,
    several: Constant<Bits<CW>>,
    depth: Constant<Bits<CW>>,
}

impl<T: Synth, const AW: usize, const CW: usize> SmallFifo<T, AW, CW> {
    /// Clocks from a word in to the same word out of an empty FIFO.
    pub const LATENCY: usize = 1;
}

impl<T: Synth, const AW: usize, const CW: usize> Default for SmallFifo<T, AW, CW> {
    fn default() -> Self {
        assert!(CW == AW + 1, "SmallFifo: count width {CW} is not address width {AW} + 1");
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
            valid: DFF::default(),
            stored: DFF::default(),
            taken_after: Signal::default(),
            push: Signal::default(),
            advance: Signal::default(),
            take: Signal::default(),
            memory: SmallRam::default(),
            one: Constant::new(1_u64.into()),
            several: Constant::new(((1_u64 << CW) - 2).into()),
            depth: Constant::new((1_u64 << AW).into()),
        }
    }
}

impl<T: Synth, const AW: usize, const CW: usize> Logic for SmallFifo<T, AW, CW> {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, pushed, taken, free, ready, valid, stored);
        self.s_axis.ready.next = self.ready.q.val();
        self.space.next = self.free.q.val();

        self.push.next = self.s_axis.valid.val() & self.ready.q.val();
        self.advance.next = self.m_axis.ready.val() | !self.valid.q.val();
        self.take.next = self.advance.val() & (self.push.val() | self.stored.q.val());

        self.memory.clock.next = self.clock.val();
        self.memory.wen.next = self.push.val();
        self.memory.waddr.next = bit_cast::<AW, CW>(self.pushed.q.val());
        self.memory.wdata.next = self.s_axis.data.val();
        self.memory.ren.next = self.take.val();
        self.memory.raddr.next = bit_cast::<AW, CW>(self.taken.q.val());
        self.m_axis.data.next = self.memory.rdata.val();
        self.m_axis.valid.next = self.valid.q.val();
        if self.advance.val() {
            self.valid.d.next = self.take.val();
        }

        if self.push.val() {
            self.pushed.d.next = self.pushed.q.val() + self.one.val();
        }
        self.taken_after.next = self.taken.q.val() + self.one.val();
        if self.take.val() {
            self.taken.d.next = self.taken_after.val();
        }
        if self.push.val() & !self.take.val() {
            self.stored.d.next = true;
        } else if self.take.val() & !self.push.val() {
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

        if self.reset.val() {
            self.pushed.d.next = 0.into();
            self.taken.d.next = 0.into();
            self.stored.d.next = false;
            self.free.d.next = self.depth.val();
            self.ready.d.next = true;
            self.valid.d.next = false;
        }
    }
}
