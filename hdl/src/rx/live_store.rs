//! The store of one port at 64 bits: a frame can be read while it comes in, and be read again from its start.
//!
//! ```text
//!                +-----------+
//!  push, word -->|           |--> m_axis, coming
//!  hold -------->| LiveStore |
//!  restart ----->|           |--> room
//!                +-----------+
//! ```
//! Latency [`LiveStore::LATENCY`] clocks from `push` to the word at `m_axis` when nothing is before it. A word a clock in and out at once.
//! `m_axis_data`, `m_axis_valid`, `coming` and `room` come from flip-flops.
//!
//! # Contract
//! - Words leave in the order they were pushed. After `restart` those are offered again that were offered since `hold` went high, from the
//!   word that was offered then; `restart` comes only while `hold` is high, and no word is taken with it.
//! - Words that may be offered again stay in the RAM. `room` says, with what is under way, that [`LiveStore::MARGIN`] words fit.
//! - `coming`: a word is offered in the next clock, or follows the one that is offered.
//! - `m_axis_data` changes only for the next word: what was taken stays until there is another.
//!
//! # How
//! Each word brings its address along, so that where a frame starts costs no counter. That the RAM is not empty is a flip-flop; the read pointer
//! and the one behind it are both registers, so that it is one comparison. After `restart` the second is found in the clock that follows.

use crate::prelude::*;

/// `2^AW` words of `L` bits; `CW` is `AW + 1`.
#[derive(LogicBlock)]
pub struct LiveStore<const L: usize, const AW: usize, const CW: usize> {
    /// The block's clock.
    pub clock: Signal<In, Clock>,
    /// Synchronous, active high; forgets all words.
    pub reset: Signal<In, Bit>,
    /// A word goes in.
    pub push: Signal<In, Bit>,
    /// The word.
    pub word: Signal<In, Bits<L>>,
    /// The words from the one that is offered on may be asked for again.
    pub hold: Signal<In, Bit>,
    /// Offer them again.
    pub restart: Signal<In, Bit>,
    /// The words.
    pub m_axis: StreamSource<Bits<L>>,
    /// A word comes next.
    pub coming: Signal<Out, Bit>,
    /// More may be pushed.
    pub room: Signal<Out, Bit>,

    // One bit more than an address: the difference is what is stored.
    pushed: DFF<Bits<CW>>,
    taken: DFF<Bits<CW>>,
    taken_next: DFF<Bits<CW>>,
    step_from: Signal<Local, Bits<CW>>,
    // Words from here on are kept.
    start: DFF<Bits<CW>>,
    // The RAM has words that were not read.
    stored: DFF<Bit>,
    restarted: DFF<Bit>,
    used: DFF<Bits<CW>>,
    filled: Signal<Local, Bits<CW>>,
    is_filled: Signal<Local, Bit>,
    room_s1: DFF<Bit>,

    memory: Memory<Bits<L>, AW>,
    // s1: the word is in the RAM's output register; s2: it is the output.
    valid_s1: DFF<Bit>,
    address_s1: DFF<Bits<CW>>,
    valid_s2: DFF<Bit>,
    address_s2: DFF<Bits<CW>>,
    word_s2: DFF<Bits<L>>,
    advance_s1: Signal<Local, Bit>,
    advance_s2: Signal<Local, Bit>,
    take: Signal<Local, Bit>,

    one: Constant<Bits<CW>>,
    nearly: Constant<Bits<CW>>,
}

impl<const L: usize, const AW: usize, const CW: usize> LiveStore<L, AW, CW> {
    /// Clocks from a word in to the same word out.
    pub const LATENCY: usize = 3;
    /// Words that the store does not take though they would fit: those under way when `room` falls, and the last word of the frame before.
    pub const MARGIN: usize = 9;
}

impl<const L: usize, const AW: usize, const CW: usize> Default for LiveStore<L, AW, CW> {
    fn default() -> Self {
        assert!(CW == AW + 1, "LiveStore: count width {CW} is not address width {AW} + 1");
        assert!(1 << AW > 2 * Self::MARGIN, "LiveStore: 2^{AW} words are too few");
        Self {
            clock: Signal::default(),
            reset: Signal::default(),
            push: Signal::default(),
            word: Signal::default(),
            hold: Signal::default(),
            restart: Signal::default(),
            m_axis: StreamSource::default(),
            coming: Signal::default(),
            room: Signal::default(),
            pushed: DFF::default(),
            taken: DFF::default(),
            taken_next: DFF::default(),
            step_from: Signal::default(),
            start: DFF::default(),
            stored: DFF::default(),
            restarted: DFF::default(),
            used: DFF::default(),
            filled: Signal::default(),
            is_filled: Signal::default(),
            room_s1: DFF::default(),
            memory: Memory::default(),
            valid_s1: DFF::default(),
            address_s1: DFF::default(),
            valid_s2: DFF::default(),
            address_s2: DFF::default(),
            word_s2: DFF::default(),
            advance_s1: Signal::default(),
            advance_s2: Signal::default(),
            take: Signal::default(),
            one: Constant::new(1_u64.into()),
            nearly: Constant::new(((1_u64 << AW) | 7).into()),
        }
    }
}

impl<const L: usize, const AW: usize, const CW: usize> Logic for LiveStore<L, AW, CW> {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, pushed, taken, taken_next, start, stored, restarted, used, room_s1);
        dff_setup!(self, clock, valid_s1, address_s1, valid_s2, address_s2, word_s2);

        self.memory.clock.next = self.clock.val();
        self.memory.wen.next = self.push.val();
        self.memory.waddr.next = bit_cast::<AW, CW>(self.pushed.q.val());
        self.memory.wdata.next = self.word.val();
        if self.push.val() {
            self.pushed.d.next = self.pushed.q.val() + self.one.val();
        }

        // Backwards from the output: a stage moves on when it is empty or the one after it moves on.
        self.m_axis.valid.next = self.valid_s2.q.val();
        self.m_axis.data.next = self.word_s2.q.val();
        self.coming.next = self.valid_s1.q.val();
        self.advance_s2.next = self.m_axis.ready.val() | !self.valid_s2.q.val();
        self.advance_s1.next = self.advance_s2.val() | !self.valid_s1.q.val();
        self.take.next = self.advance_s1.val() & self.stored.q.val();
        self.memory.ren.next = self.take.val();
        self.memory.raddr.next = bit_cast::<AW, CW>(self.taken.q.val());
        if self.advance_s1.val() {
            self.valid_s1.d.next = self.stored.q.val();
            self.address_s1.d.next = self.taken.q.val();
        }
        if self.advance_s2.val() {
            self.valid_s2.d.next = self.valid_s1.q.val();
        }
        if self.advance_s2.val() & self.valid_s1.q.val() {
            self.word_s2.d.next = self.memory.rdata.val();
            self.address_s2.d.next = self.address_s1.q.val();
        }
        self.step_from.next = self.taken_next.q.val();
        if self.restarted.q.val() {
            self.step_from.next = self.taken.q.val();
        }
        if self.take.val() {
            self.taken.d.next = self.taken_next.q.val();
        }
        if self.take.val() | self.restarted.q.val() {
            self.taken_next.d.next = self.step_from.val() + self.one.val();
        }
        if self.push.val() | self.restarted.q.val() {
            self.stored.d.next = true;
        } else if self.take.val() {
            self.stored.d.next = self.pushed.q.val() != self.taken_next.q.val();
        }

        // What may be asked for again.
        if !self.hold.val() & self.valid_s2.q.val() {
            self.start.d.next = self.address_s2.q.val();
        }
        self.restarted.d.next = self.restart.val();
        if self.restart.val() {
            self.taken.d.next = self.start.q.val();
            self.stored.d.next = false;
            self.valid_s1.d.next = false;
            self.valid_s2.d.next = false;
        }

        self.used.d.next = self.pushed.q.val() - self.start.q.val();
        self.filled.next = self.used.q.val() | self.nearly.val();
        self.is_filled.next = self.filled.val().all();
        for full in AW..(AW + 1) {
            self.room_s1.d.next = !self.is_filled.val() & !self.used.q.val().get_bit(full);
        }
        self.room.next = self.room_s1.q.val();

        if self.reset.val() {
            self.pushed.d.next = 0.into();
            self.taken.d.next = 0.into();
            self.taken_next.d.next = self.one.val();
            self.start.d.next = 0.into();
            self.stored.d.next = false;
            self.restarted.d.next = false;
            self.used.d.next = 0.into();
            self.room_s1.d.next = true;
            self.valid_s1.d.next = false;
            self.valid_s2.d.next = false;
        }
    }
}
