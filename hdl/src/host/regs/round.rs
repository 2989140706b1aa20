//! Visits 64 counters in turn and adds to each what its tally holds.
//!
//! ```text
//!  held ------->[       ]--> at
//!  read, index >[ Round ]--> reply_valid, reply
//! ```
//! One counter a clock. A reply comes 5 to 68 clocks after `read` rises.
//!
//! # Contract
//! - In every clock `at` names a counter and `held` is what is to be added to it.
//! - `read` stays high with `index` until `reply_valid`; the reply holds all that was taken in a clock with `read` high or before.
//! - Counters are zero after reset: the first round after it starts from nothing.
//!
//! A counter is written 4 clocks after it is read and read again 64 clocks later, so the RAM is never read where it is written.

use super::tally::HELD_BITS;
use crate::prelude::*;

/// Bits of a counter's place.
pub const INDEX_BITS: usize = 6;
/// Bits of half a counter.
const HALF_BITS: usize = 32;
/// Bits of a sum of two halves.
const SUM_BITS: usize = HALF_BITS + 1;

/// Where a visit is.
#[derive(LogicBlock, Default)]
pub struct Visit {
    /// The block's clock.
    pub clock: Signal<In, Clock>,
    /// Synchronous, active high.
    pub reset: Signal<In, Bit>,
    /// The stage before.
    pub valid_in: Signal<In, Bit>,
    /// Which counter.
    pub at_in: Signal<In, Bits<INDEX_BITS>>,
    /// Somebody waits for its value.
    pub read_in: Signal<In, Bit>,
    /// This stage.
    pub valid: Signal<Out, Bit>,
    /// Which counter.
    pub at: Signal<Out, Bits<INDEX_BITS>>,
    /// Somebody waits for its value.
    pub read: Signal<Out, Bit>,
    valid_q: DFF<Bit>,
    at_q: DFF<Bits<INDEX_BITS>>,
    read_q: DFF<Bit>,
}

impl Logic for Visit {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, valid_q, at_q, read_q);
        self.valid_q.d.next = self.valid_in.val();
        self.at_q.d.next = self.at_in.val();
        self.read_q.d.next = self.read_in.val();
        self.valid.next = self.valid_q.q.val();
        self.at.next = self.at_q.q.val();
        self.read.next = self.read_q.q.val();
        if self.reset.val() {
            self.valid_q.d.next = false;
            self.read_q.d.next = false;
        }
    }
}

/// Stages of a visit behind the RAM's address.
const STAGES: usize = 4;

/// The block.
#[derive(LogicBlock)]
pub struct Round {
    /// The block's clock.
    pub clock: Signal<In, Clock>,
    /// Synchronous, active high.
    pub reset: Signal<In, Bit>,
    /// The counter that is visited in this clock.
    pub at: Signal<Out, Bits<INDEX_BITS>>,
    /// What its tally holds.
    pub held: Signal<In, Bits<HELD_BITS>>,
    /// Read the counter at `index`.
    pub read: Signal<In, Bit>,
    /// Its place.
    pub index: Signal<In, Bits<INDEX_BITS>>,
    /// It is read.
    pub reply_valid: Signal<Out, Bit>,
    /// Its value.
    pub reply: Signal<Out, Bits<64>>,
    memory: Memory<Bits<64>, INDEX_BITS>,
    turn: DFF<Bits<INDEX_BITS>>,
    fresh: DFF<Bit>,
    // s1: word and tally are there; s2: both registered; s3: the low half is added; s4: the high half.
    visits: [Visit; STAGES],
    fresh_s1: DFF<Bit>,
    held_s1: DFF<Bits<HELD_BITS>>,
    held_s2: DFF<Bits<HELD_BITS>>,
    word_s2: DFF<Bits<64>>,
    low_s3: DFF<Bits<SUM_BITS>>,
    high_s3: DFF<Bits<HALF_BITS>>,
    low_s4: DFF<Bits<HALF_BITS>>,
    high_s4: DFF<Bits<HALF_BITS>>,
    one: Constant<Bits<INDEX_BITS>>,
    last: Constant<Bits<INDEX_BITS>>,
}

impl Default for Round {
    fn default() -> Self {
        Self {
            clock: Signal::default(),
            reset: Signal::default(),
            at: Signal::default(),
            held: Signal::default(),
            read: Signal::default(),
            index: Signal::default(),
            reply_valid: Signal::default(),
            reply: Signal::default(),
            memory: Memory::default(),
            turn: DFF::default(),
            fresh: DFF::default(),
            visits: std::array::from_fn(|_| Visit::default()),
            fresh_s1: DFF::default(),
            held_s1: DFF::default(),
            held_s2: DFF::default(),
            word_s2: DFF::default(),
            low_s3: DFF::default(),
            high_s3: DFF::default(),
            low_s4: DFF::default(),
            high_s4: DFF::default(),
            one: Constant::new(1_u64.into()),
            last: Constant::new(((1_u64 << INDEX_BITS) - 1).into()),
        }
    }
}

impl Logic for Round {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, turn, fresh, fresh_s1, held_s1, held_s2, word_s2, low_s3, high_s3, low_s4, high_s4);
        self.memory.clock.next = self.clock.val();
        for i in 0..STAGES {
            self.visits[i].clock.next = self.clock.val();
            self.visits[i].reset.next = self.reset.val();
        }
        for i in 1..STAGES {
            self.visits[i].valid_in.next = self.visits[i - 1].valid.val();
            self.visits[i].at_in.next = self.visits[i - 1].at.val();
            self.visits[i].read_in.next = self.visits[i - 1].read.val();
        }

        // Whose turn.
        self.turn.d.next = self.turn.q.val() + self.one.val();
        if self.turn.q.val() == self.last.val() {
            self.fresh.d.next = false;
        }
        self.at.next = self.turn.q.val();
        self.visits[0].valid_in.next = true;
        self.visits[0].at_in.next = self.turn.q.val();
        self.visits[0].read_in.next = self.read.val() & (self.turn.q.val() == self.index.val());
        self.memory.ren.next = true;
        self.memory.raddr.next = self.turn.q.val();
        self.fresh_s1.d.next = self.fresh.q.val();
        self.held_s1.d.next = self.held.val();

        // The sum.
        self.word_s2.d.next = self.memory.rdata.val();
        if self.fresh_s1.q.val() {
            self.word_s2.d.next = 0.into();
        }
        self.held_s2.d.next = self.held_s1.q.val();
        self.low_s3.d.next = bit_cast::<SUM_BITS, HALF_BITS>(self.word_s2.q.val().get_bits::<HALF_BITS>(0))
            + bit_cast::<SUM_BITS, HELD_BITS>(self.held_s2.q.val());
        self.high_s3.d.next = self.word_s2.q.val().get_bits::<HALF_BITS>(32);
        self.low_s4.d.next = self.low_s3.q.val().get_bits::<HALF_BITS>(0);
        self.high_s4.d.next = self.high_s3.q.val() + bit_cast::<HALF_BITS, 1>(self.low_s3.q.val().get_bits::<1>(32));

        // Back, and to who waits.
        self.memory.wen.next = self.visits[3].valid.val();
        self.memory.waddr.next = self.visits[3].at.val();
        self.memory.wdata.next =
            bit_cast::<64, HALF_BITS>(self.low_s4.q.val()) | (bit_cast::<64, HALF_BITS>(self.high_s4.q.val()) << 32);
        self.reply_valid.next = self.visits[3].read.val();
        self.reply.next =
            bit_cast::<64, HALF_BITS>(self.low_s4.q.val()) | (bit_cast::<64, HALF_BITS>(self.high_s4.q.val()) << 32);

        if self.reset.val() {
            self.turn.d.next = 0.into();
            self.fresh.d.next = true;
        }
    }
}
