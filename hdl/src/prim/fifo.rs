//! FIFOs in block RAM: of words, and of whole frames.
//!
//! ```text
//!                     +-----------+
//!  s_axis ----------->|           |--> m_axis
//!  commit, rollback ->| FrameFifo |--> fill, space
//!                     +-----------+
//! ```
//! Latency 3 clocks from push (for [`FrameFifo`]: from commit) to `m_axis_valid`; one word a clock in and out at once.
//! `m_axis_data` and `m_axis_valid` come from flip-flops.
//!
//! # Contract
//! - `2^AW` words fit in the RAM and two more in the output stages. `CW` must be `AW + 1` (rust-hdl cannot add const generics).
//! - `fill` counts words that are visible and still in the RAM, `space` what can be pushed without `s_axis_ready` going low.
//! - Words leave in the order they were pushed; none is lost or repeated.
//!
//! The RAM is never read at an address written in the same clock: a word is visible one clock after it is written at the
//! earliest, so [`Memory`] needs no bypass here.

use crate::prelude::*;

/// Store and forward: words are pushed provisionally and become visible, or are forgotten, together.
///
/// - `commit` makes all words pushed so far visible, the word pushed in the same clock included.
/// - `rollback` forgets all words pushed since the last commit, the word pushed in the same clock included. It wins over
///   `commit`.
///
/// A frame longer than the space never fits: the writer sees `s_axis_ready` low before its end and has to roll back.
#[derive(LogicBlock)]
pub struct FrameFifo<T: Synth, const AW: usize, const CW: usize> {
    /// The block's clock.
    pub clock: Signal<In, Clock>,
    /// Synchronous, active high; forgets all words.
    pub reset: Signal<In, Bit>,
    /// Words in.
    pub s_axis: StreamSink<T>,
    /// Make the pushed words visible.
    pub commit: Signal<In, Bit>,
    /// Forget the words pushed since the last commit.
    pub rollback: Signal<In, Bit>,
    /// Committed words out.
    pub m_axis: StreamSource<T>,
    /// Committed words in the RAM.
    pub fill: Signal<Out, Bits<CW>>,
    /// Words that can still be pushed.
    pub space: Signal<Out, Bits<CW>>,

    // Pointers have one bit more than an address: equal means empty, different in the top bit alone means full.
    pushed: DFF<Bits<CW>>,
    committed: DFF<Bits<CW>>,
    taken: DFF<Bits<CW>>,
    pushed_next: Signal<Local, Bits<CW>>,
    pushed_after: Signal<Local, Bits<CW>>,
    used: Signal<Local, Bits<CW>>,
    full: DFF<Bit>,
    one: Constant<Bits<CW>>,
    depth: Constant<Bits<CW>>,

    memory: Memory<T, AW>,
    // s1: the word is in the RAM's output register; s2: it is in `word_s2`, which is the output.
    valid_s1: DFF<Bit>,
    valid_s2: DFF<Bit>,
    word_s2: DFF<T>,
    push: Signal<Local, Bit>,
    advance_s1: Signal<Local, Bit>,
    advance_s2: Signal<Local, Bit>,
    take: Signal<Local, Bit>,
}

impl<T: Synth, const AW: usize, const CW: usize> Default for FrameFifo<T, AW, CW> {
    fn default() -> Self {
        assert!(CW == AW + 1, "FrameFifo: count width {CW} is not address width {AW} + 1");
        Self {
            clock: Signal::default(),
            reset: Signal::default(),
            s_axis: StreamSink::default(),
            commit: Signal::default(),
            rollback: Signal::default(),
            m_axis: StreamSource::default(),
            fill: Signal::default(),
            space: Signal::default(),
            pushed: DFF::default(),
            committed: DFF::default(),
            taken: DFF::default(),
            pushed_next: Signal::default(),
            pushed_after: Signal::default(),
            used: Signal::default(),
            full: DFF::default(),
            one: Constant::new(1_u64.into()),
            depth: Constant::new((1_u64 << AW).into()),
            memory: Memory::default(),
            valid_s1: DFF::default(),
            valid_s2: DFF::default(),
            word_s2: DFF::default(),
            push: Signal::default(),
            advance_s1: Signal::default(),
            advance_s2: Signal::default(),
            take: Signal::default(),
        }
    }
}

impl<T: Synth, const AW: usize, const CW: usize> Logic for FrameFifo<T, AW, CW> {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, pushed, committed, taken, full, valid_s1, valid_s2, word_s2);

        // Push.
        self.s_axis.ready.next = !self.full.q.val();
        self.push.next = self.s_axis.valid.val() & !self.full.q.val();
        self.pushed_after.next = self.pushed.q.val() + self.one.val();
        self.pushed_next.next = self.pushed.q.val();
        if self.push.val() {
            self.pushed_next.next = self.pushed_after.val();
        }
        self.pushed.d.next = self.pushed_next.val();
        if self.rollback.val() {
            self.pushed.d.next = self.committed.q.val();
        } else if self.commit.val() {
            self.committed.d.next = self.pushed_next.val();
        }
        self.memory.clock.next = self.clock.val();
        self.memory.wen.next = self.push.val();
        self.memory.waddr.next = bit_cast::<AW, CW>(self.pushed.q.val());
        self.memory.wdata.next = self.s_axis.data.val();

        // Pull, backwards from the output: a stage moves on when it is empty or the one after it moves on.
        self.m_axis.valid.next = self.valid_s2.q.val();
        self.m_axis.data.next = self.word_s2.q.val();
        self.advance_s2.next = self.m_axis.ready.val() | !self.valid_s2.q.val();
        self.advance_s1.next = self.advance_s2.val() | !self.valid_s1.q.val();
        self.take.next = self.advance_s1.val() & (self.committed.q.val() != self.taken.q.val());
        self.memory.ren.next = self.take.val();
        self.memory.raddr.next = bit_cast::<AW, CW>(self.taken.q.val());
        if self.take.val() {
            self.taken.d.next = self.taken.q.val() + self.one.val();
        }
        // Pointers a whole memory apart differ in their top bit alone.
        if self.rollback.val() {
            self.full.d.next = ((self.committed.q.val() ^ self.taken.q.val()) == self.depth.val()) & !self.take.val();
        } else if self.take.val() {
            self.full.d.next = self.full.q.val() & self.push.val();
        } else if self.push.val() {
            self.full.d.next = (self.pushed_after.val() ^ self.taken.q.val()) == self.depth.val();
        }
        if self.advance_s1.val() {
            self.valid_s1.d.next = self.take.val();
        }
        if self.advance_s2.val() {
            self.valid_s2.d.next = self.valid_s1.q.val();
            self.word_s2.d.next = self.memory.rdata.val();
        }

        self.used.next = self.pushed.q.val() - self.taken.q.val();
        self.fill.next = self.committed.q.val() - self.taken.q.val();
        self.space.next = self.depth.val() - self.used.val();

        if self.reset.val() {
            self.pushed.d.next = 0.into();
            self.committed.d.next = 0.into();
            self.taken.d.next = 0.into();
            self.full.d.next = false;
            self.valid_s1.d.next = false;
            self.valid_s2.d.next = false;
        }
    }
}

/// A FIFO of words: a [`FrameFifo`] in which every word is committed as it is pushed.
#[derive(LogicBlock, Default)]
pub struct StreamFifo<T: Synth, const AW: usize, const CW: usize> {
    /// The block's clock.
    pub clock: Signal<In, Clock>,
    /// Synchronous, active high; forgets all words.
    pub reset: Signal<In, Bit>,
    /// Words in.
    pub s_axis: StreamSink<T>,
    /// The same words out, in order.
    pub m_axis: StreamSource<T>,
    /// Words in the RAM.
    pub fill: Signal<Out, Bits<CW>>,
    /// Words that can still be pushed.
    pub space: Signal<Out, Bits<CW>>,
    inner: FrameFifo<T, AW, CW>,
}

impl<T: Synth, const AW: usize, const CW: usize> Logic for StreamFifo<T, AW, CW> {
    #[hdl_gen]
    fn update(&mut self) {
        self.inner.clock.next = self.clock.val();
        self.inner.reset.next = self.reset.val();
        self.inner.commit.next = true;
        self.inner.rollback.next = false;
        StreamSink::<T>::link(&mut self.s_axis, &mut self.inner.s_axis);
        StreamSource::<T>::link(&mut self.m_axis, &mut self.inner.m_axis);
        self.fill.next = self.inner.fill.val();
        self.space.next = self.inner.space.val();
    }
}
