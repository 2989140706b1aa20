//! Visits 64-bit counters in turn, half by half, and adds to each what its tally has counted since the last visit.
//!
//! ```text
//!  tally ------>[       ]--> at                          to the tallies
//!  read, index >[ Round ]--> reply_valid, reply
//!               [       ]--> reads, raddr, writes, waddr, wdata; rword <--   the RAM that the counters are in
//! ```
//! One counter every [`VISIT_CLOCKS`] clocks. A reply comes 6 to `VISIT_CLOCKS * places + 6` clocks after `read` rises: the lower half beside
//! `reply_valid`, the upper one in the next clock.
//!
//! # Contract
//! - `at` names a counter for `VISIT_CLOCKS` clocks. `tally` is what its tally stood at, in the fourth of them, in the first or later; of that
//!   the lowest [`TALLY_BITS`], [`EVENT_BITS`] or [`FEW_BITS`] bits count, as `is_bytes` and `is_few` say beside it. A tally never goes back: it wraps, and must not do so
//!   within a round.
//! - `read` stays high with `index` until `reply_valid`; the reply holds all that was in the tally when `read` rose.
//!   `reply` is zero when it is no reply.
//! - While `reads` is high `raddr` is read, while `writes` is high `wdata` is written at `waddr`. `rword` is what was read two clocks before.
//! - Counters are zero after reset: the first round takes what is in the RAM for nothing. `fresh` says that it is under way.

use crate::prelude::*;

/// Bits of a counter's place.
pub const INDEX_BITS: usize = 6;
/// Bits of an address of half a counter.
pub const HALF_AT_BITS: usize = INDEX_BITS + 1;
/// Bits of half a counter.
const HALF_BITS: usize = 32;
/// Bits of a sum of two halves, with a carry below and one above.
const SUM_BITS: usize = HALF_BITS + 2;
/// Clocks of a visit.
pub const VISIT_CLOCKS: usize = 1 << PHASE_BITS;
const PHASE_BITS: usize = 2;
/// Bits of a tally of bytes, the widest.
pub const TALLY_BITS: usize = 24;
/// Bits of a tally of events of which there may be several in a clock.
pub const EVENT_BITS: usize = 10;
/// Bits of a tally of events of which there is at most one in a clock.
pub const FEW_BITS: usize = 8;

/// The block.
#[derive(LogicBlock)]
pub struct Round {
    /// The block's clock.
    pub clock: Signal<In, Clock>,
    /// Synchronous, active high.
    pub reset: Signal<In, Bit>,
    /// The counter that is visited.
    pub at: Signal<Out, Bits<INDEX_BITS>>,
    /// The first round since reset.
    pub fresh: Signal<Out, Bit>,
    /// What its tally stands at.
    pub tally: Signal<In, Bits<TALLY_BITS>>,
    /// All bits of it count.
    pub is_bytes: Signal<In, Bit>,
    /// Only the lowest ones do.
    pub is_few: Signal<In, Bit>,
    /// Read the counter at `index`.
    pub read: Signal<In, Bit>,
    /// Its place.
    pub index: Signal<In, Bits<INDEX_BITS>>,
    /// Its lower half is in `reply`, its upper one in the next clock.
    pub reply_valid: Signal<Out, Bit>,
    /// Half its value.
    pub reply: Signal<Out, Bits<HALF_BITS>>,
    /// The RAM is read in this clock.
    pub reads: Signal<Out, Bit>,
    /// Where.
    pub raddr: Signal<Out, Bits<HALF_AT_BITS>>,
    /// What was read two clocks ago.
    pub rword: Signal<In, Bits<HALF_BITS>>,
    /// It is written in this clock.
    pub writes: Signal<Out, Bit>,
    /// Where.
    pub waddr: Signal<Out, Bits<HALF_AT_BITS>>,
    /// With what.
    pub wdata: Signal<Out, Bits<HALF_BITS>>,
    phase: DFF<Bits<PHASE_BITS>>,
    place: DFF<Bits<INDEX_BITS>>,
    place_before: DFF<Bits<INDEX_BITS>>,
    is_fresh: DFF<Bit>,
    // Somebody waits for the counter that is visited; for the one before.
    asked: DFF<Bit>,
    asked_before: DFF<Bit>,
    // What is added: the difference to the lower half, then nothing.
    grown: Signal<Local, Bits<TALLY_BITS>>,
    diff: DFF<Bits<TALLY_BITS>>,
    half_s1: DFF<Bits<HALF_BITS>>,
    half_s2: DFF<Bits<HALF_BITS>>,
    // Both with a bit below, whose sum carries what the lower half carried.
    old: Signal<Local, Bits<SUM_BITS>>,
    added: Signal<Local, Bits<SUM_BITS>>,
    sum: DFF<Bits<SUM_BITS>>,
    answer: DFF<Bits<HALF_BITS>>,
    answer_valid: DFF<Bit>,
    below: Constant<Bits<SUM_BITS>>,
    last: Constant<Bits<INDEX_BITS>>,
    one: Constant<Bits<INDEX_BITS>>,
    one_phase: Constant<Bits<PHASE_BITS>>,
    phases: [Constant<Bits<PHASE_BITS>>; VISIT_CLOCKS],
}

impl Round {
    /// Visits the counters at the places 0 to `places - 1`.
    ///
    /// # Panics
    /// For more places than an index names, none, or a round in which a tally may wrap.
    pub fn new(places: usize) -> Self {
        assert!((1..=1 << INDEX_BITS).contains(&places), "Round: {places} places");
        assert!(places * VISIT_CLOCKS < 1 << FEW_BITS, "Round: a tally wraps within {places} visits");
        Self {
            clock: Signal::default(),
            reset: Signal::default(),
            at: Signal::default(),
            fresh: Signal::default(),
            tally: Signal::default(),
            is_bytes: Signal::default(),
            is_few: Signal::default(),
            read: Signal::default(),
            index: Signal::default(),
            reply_valid: Signal::default(),
            reply: Signal::default(),
            reads: Signal::default(),
            writes: Signal::default(),
            raddr: Signal::default(),
            rword: Signal::default(),
            waddr: Signal::default(),
            wdata: Signal::default(),
            phase: DFF::default(),
            place: DFF::default(),
            place_before: DFF::default(),
            is_fresh: DFF::default(),
            asked: DFF::default(),
            asked_before: DFF::default(),
            grown: Signal::default(),
            diff: DFF::default(),
            half_s1: DFF::default(),
            half_s2: DFF::default(),
            old: Signal::default(),
            added: Signal::default(),
            sum: DFF::default(),
            answer: DFF::default(),
            answer_valid: DFF::default(),
            below: Constant::new(1_u64.into()),
            last: Constant::new((places as u64 - 1).into()),
            one: Constant::new(1_u64.into()),
            one_phase: Constant::new(1_u64.into()),
            phases: std::array::from_fn(|i| Constant::new((i as u64).into())),
        }
    }
}

impl Logic for Round {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(
            self,
            clock,
            phase,
            place,
            place_before,
            is_fresh,
            asked,
            asked_before,
            diff,
            half_s1,
            half_s2,
            sum,
            answer,
            answer_valid
        );

        // Whose turn. The halves of a counter are read in the first two clocks of its visit and written in the second and third of the next.
        self.phase.d.next = self.phase.q.val() + self.one_phase.val();
        if self.phase.q.val() == self.phases[0].val() {
            self.asked.d.next = self.read.val() & (self.place.q.val() == self.index.val());
        }
        if self.phase.q.val() == self.phases[3].val() {
            self.asked_before.d.next = self.asked.q.val();
            self.place_before.d.next = self.place.q.val();
            self.place.d.next = self.place.q.val() + self.one.val();
            if self.place.q.val() == self.last.val() {
                self.place.d.next = 0.into();
                self.is_fresh.d.next = false;
            }
        }
        self.at.next = self.place.q.val();
        self.fresh.next = self.is_fresh.q.val();
        self.reads.next = !self.phase.q.val().get_bit(1);
        self.writes.next = (self.phase.q.val() == self.phases[1].val()) | (self.phase.q.val() == self.phases[2].val());
        self.raddr.next = bit_cast::<HALF_AT_BITS, 1>(self.phase.q.val().get_bits::<1>(0))
            | (bit_cast::<HALF_AT_BITS, INDEX_BITS>(self.place.q.val()) << 1);
        self.waddr.next = bit_cast::<HALF_AT_BITS, 1>(self.phase.q.val().get_bits::<1>(1))
            | (bit_cast::<HALF_AT_BITS, INDEX_BITS>(self.place_before.q.val()) << 1);

        // In the third clock the lower half has come, in the fourth the upper one and what is added to the lower.
        self.half_s1.d.next = self.rword.val();
        if self.is_fresh.q.val() {
            self.half_s1.d.next = 0.into();
        }
        self.half_s2.d.next = self.half_s1.q.val();
        self.grown.next = self.tally.val() - self.half_s1.q.val().get_bits::<TALLY_BITS>(0);
        self.diff.d.next = 0.into();
        if self.phase.q.val() == self.phases[3].val() {
            self.diff.d.next = bit_cast::<TALLY_BITS, FEW_BITS>(self.grown.val().get_bits::<FEW_BITS>(0));
            if self.is_bytes.val() {
                self.diff.d.next = self.grown.val();
            } else if !self.is_few.val() {
                self.diff.d.next = bit_cast::<TALLY_BITS, EVENT_BITS>(self.grown.val().get_bits::<EVENT_BITS>(0));
            }
        }
        // The sum of the lower half is there in the second clock of the next visit, that of the upper one, with its carry, in the third.
        self.old.next = (bit_cast::<SUM_BITS, HALF_BITS>(self.half_s2.q.val()) << 1) | self.below.val();
        self.added.next = bit_cast::<SUM_BITS, TALLY_BITS>(self.diff.q.val()) << 1;
        if (self.phase.q.val() == self.phases[1].val()) & self.sum.q.val().get_bit(33) {
            self.added.next = (bit_cast::<SUM_BITS, TALLY_BITS>(self.diff.q.val()) << 1) | self.below.val();
        }
        self.sum.d.next = self.old.val() + self.added.val();
        self.wdata.next = self.sum.q.val().get_bits::<HALF_BITS>(1);

        // To who waits.
        self.answer_valid.d.next = self.asked_before.q.val() & (self.phase.q.val() == self.phases[1].val());
        self.answer.d.next = 0.into();
        if self.asked_before.q.val() & self.writes.val() {
            self.answer.d.next = self.sum.q.val().get_bits::<HALF_BITS>(1);
        }
        self.reply_valid.next = self.answer_valid.q.val();
        self.reply.next = self.answer.q.val();

        if self.reset.val() {
            self.phase.d.next = 0.into();
            self.place.d.next = 0.into();
            self.is_fresh.d.next = true;
            self.asked.d.next = false;
            self.asked_before.d.next = false;
        }
    }
}
