//! The payload FIFO at 64 bits: words go in on trial.
//!
//! ```text
//!                           +-----------+
//!  push, word ------------->|           |--> m_axis
//!  commit, rollback ------->| TrialFifo |--> room
//!                           +-----------+
//! ```
//! Latency 3 clocks from `commit` to `m_axis_valid`; a word a clock in and out at once. `m_axis` and `room` come from flip-flops.
//!
//! # Contract
//! That of [`FrameFifo`], but that it does not say in the same clock whether it takes a word: `room` says that [`TrialFifo::UNDER_WAY`] more
//! words may be pushed after it has fallen. So nothing that is written waits for a comparison.

use crate::prelude::*;

/// `2^AW` words of `T`; `CW` is `AW + 1`.
#[derive(LogicBlock)]
pub struct TrialFifo<T: Synth, const AW: usize, const CW: usize> {
    /// The block's clock.
    pub clock: Signal<In, Clock>,
    /// Synchronous, active high; forgets all words.
    pub reset: Signal<In, Bit>,
    /// A word goes in.
    pub push: Signal<In, Bit>,
    /// The word.
    pub word: Signal<In, T>,
    /// Make the pushed words visible, the one of this clock included.
    pub commit: Signal<In, Bit>,
    /// Forget the words pushed since the last commit, the one of this clock included. Wins over `commit`.
    pub rollback: Signal<In, Bit>,
    /// Committed words out.
    pub m_axis: StreamSource<T>,
    /// More may be pushed.
    pub room: Signal<Out, Bit>,

    // One bit more than an address: equal means empty.
    pushed: DFF<Bits<CW>>,
    committed: DFF<Bits<CW>>,
    taken: DFF<Bits<CW>>,
    pushed_next: Signal<Local, Bits<CW>>,
    used: Signal<Local, Bits<CW>>,
    filled: Signal<Local, Bits<CW>>,
    is_filled: Signal<Local, Bit>,
    room_s1: DFF<Bit>,
    memory: Memory<T, AW>,
    // s1: the word is in the RAM's output register; s2: it is the output.
    valid_s1: DFF<Bit>,
    valid_s2: DFF<Bit>,
    word_s2: DFF<T>,
    advance_s1: Signal<Local, Bit>,
    advance_s2: Signal<Local, Bit>,
    take: Signal<Local, Bit>,
    one: Constant<Bits<CW>>,
    nearly: Constant<Bits<CW>>,
}

impl<T: Synth, const AW: usize, const CW: usize> TrialFifo<T, AW, CW> {
    /// Words that may be pushed behind the clock in which `room` was high last.
    pub const UNDER_WAY: usize = 2;
}

impl<T: Synth, const AW: usize, const CW: usize> Default for TrialFifo<T, AW, CW> {
    fn default() -> Self {
        assert!(CW == AW + 1, "TrialFifo: count width {CW} is not address width {AW} + 1");
        assert!(AW > 2, "TrialFifo: 2^{AW} words are too few");
        Self {
            clock: Signal::default(),
            reset: Signal::default(),
            push: Signal::default(),
            word: Signal::default(),
            commit: Signal::default(),
            rollback: Signal::default(),
            m_axis: StreamSource::default(),
            room: Signal::default(),
            pushed: DFF::default(),
            committed: DFF::default(),
            taken: DFF::default(),
            pushed_next: Signal::default(),
            used: Signal::default(),
            filled: Signal::default(),
            is_filled: Signal::default(),
            room_s1: DFF::default(),
            memory: Memory::default(),
            valid_s1: DFF::default(),
            valid_s2: DFF::default(),
            word_s2: DFF::default(),
            advance_s1: Signal::default(),
            advance_s2: Signal::default(),
            take: Signal::default(),
            one: Constant::new(1_u64.into()),
            nearly: Constant::new(((1_u64 << AW) | 3).into()),
        }
    }
}

impl<T: Synth, const AW: usize, const CW: usize> Logic for TrialFifo<T, AW, CW> {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, pushed, committed, taken, room_s1, valid_s1, valid_s2, word_s2);

        self.memory.clock.next = self.clock.val();
        self.memory.wen.next = self.push.val();
        self.memory.waddr.next = bit_cast::<AW, CW>(self.pushed.q.val());
        self.memory.wdata.next = self.word.val();
        self.pushed_next.next = self.pushed.q.val();
        if self.push.val() {
            self.pushed_next.next = self.pushed.q.val() + self.one.val();
        }
        self.pushed.d.next = self.pushed_next.val();
        if self.rollback.val() {
            self.pushed.d.next = self.committed.q.val();
        } else if self.commit.val() {
            self.committed.d.next = self.pushed_next.val();
        }

        // Backwards from the output: a stage moves on when it is empty or the one after it moves on.
        self.m_axis.valid.next = self.valid_s2.q.val();
        self.m_axis.data.next = self.word_s2.q.val();
        self.advance_s2.next = self.m_axis.ready.val() | !self.valid_s2.q.val();
        self.advance_s1.next = self.advance_s2.val() | !self.valid_s1.q.val();
        self.take.next = self.advance_s1.val() & (self.committed.q.val() != self.taken.q.val());
        self.memory.ren.next = self.advance_s1.val();
        self.memory.raddr.next = bit_cast::<AW, CW>(self.taken.q.val());
        if self.take.val() {
            self.taken.d.next = self.taken.q.val() + self.one.val();
        }
        if self.advance_s1.val() {
            self.valid_s1.d.next = self.take.val();
        }
        if self.advance_s2.val() {
            self.valid_s2.d.next = self.valid_s1.q.val();
            self.word_s2.d.next = self.memory.rdata.val();
        }

        // There is none when no more than three and the words under way fit.
        self.used.next = self.pushed.q.val() - self.taken.q.val();
        self.filled.next = self.used.val() | self.nearly.val();
        self.is_filled.next = self.filled.val().all();
        for full in AW..(AW + 1) {
            self.room_s1.d.next = !self.is_filled.val() & !self.used.val().get_bit(full);
        }
        self.room.next = self.room_s1.q.val();

        if self.reset.val() {
            self.pushed.d.next = 0.into();
            self.committed.d.next = 0.into();
            self.taken.d.next = 0.into();
            self.room_s1.d.next = false;
            self.valid_s1.d.next = false;
            self.valid_s2.d.next = false;
        }
    }
}
