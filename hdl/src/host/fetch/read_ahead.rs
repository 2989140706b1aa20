//! What is read ahead of one ring: how many descriptors are asked for, have come, are handed on.
//!
//! ```text
//!  running, off, producer -->[           ]--> to_ask, asked
//!  ask, came, hand --------->[ ReadAhead ]--> to_hand, came_at, hand_at, idle
//! ```
//! `to_ask` follows its causes by 1 clock, all else is combinational from the counters.

use super::{AHEAD_BITS, COUNT_BITS};
use crate::host::place;
use crate::prelude::*;

/// Bits of a counter of descriptors read ahead: one more than of a place, equal means none, different in the top bit alone full.
const AHEAD_COUNT_BITS: usize = AHEAD_BITS + 1;

/// Counters of one ring.
#[derive(LogicBlock)]
pub struct ReadAhead {
    /// The block's clock.
    pub clock: Signal<In, Clock>,
    /// Start from the beginning.
    pub off: Signal<In, Bit>,
    /// Descriptors may be begun.
    pub running: Signal<In, Bit>,
    /// The host's counter.
    pub producer: Signal<In, Bits<COUNT_BITS>>,
    /// One more is asked for.
    pub ask: Signal<In, Bit>,
    /// One more has come.
    pub came: Signal<In, Bit>,
    /// One more is handed on.
    pub hand: Signal<In, Bit>,
    /// There is one to ask for, and room for it.
    pub to_ask: Signal<Out, Bit>,
    /// There is one to hand on.
    pub to_hand: Signal<Out, Bit>,
    /// Nothing was asked for that has not come.
    pub idle: Signal<Out, Bit>,
    /// Low bits of how many were asked for.
    pub asked: Signal<Out, Bits<{ place::COUNT_BITS }>>,
    /// Where the one that comes goes.
    pub came_at: Signal<Out, Bits<AHEAD_BITS>>,
    /// Where the next one to hand on is.
    pub hand_at: Signal<Out, Bits<AHEAD_BITS>>,
    asked_count: DFF<Bits<COUNT_BITS>>,
    came_count: DFF<Bits<AHEAD_COUNT_BITS>>,
    handed_count: DFF<Bits<AHEAD_COUNT_BITS>>,
    to_ask_s1: DFF<Bit>,
    asked_low: Signal<Local, Bits<AHEAD_COUNT_BITS>>,
    ahead: Signal<Local, Bits<AHEAD_COUNT_BITS>>,
    depth: Constant<Bits<AHEAD_COUNT_BITS>>,
    one: Constant<Bits<AHEAD_COUNT_BITS>>,
    one_asked: Constant<Bits<COUNT_BITS>>,
}

impl Default for ReadAhead {
    fn default() -> Self {
        Self {
            clock: Signal::default(),
            off: Signal::default(),
            running: Signal::default(),
            producer: Signal::default(),
            ask: Signal::default(),
            came: Signal::default(),
            hand: Signal::default(),
            to_ask: Signal::default(),
            to_hand: Signal::default(),
            idle: Signal::default(),
            asked: Signal::default(),
            came_at: Signal::default(),
            hand_at: Signal::default(),
            asked_count: DFF::default(),
            came_count: DFF::default(),
            handed_count: DFF::default(),
            to_ask_s1: DFF::default(),
            asked_low: Signal::default(),
            ahead: Signal::default(),
            depth: Constant::new((1_u64 << AHEAD_BITS).into()),
            one: Constant::new(1_u64.into()),
            one_asked: Constant::new(1_u64.into()),
        }
    }
}

impl Logic for ReadAhead {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, asked_count, came_count, handed_count, to_ask_s1);
        self.asked_low.next = bit_cast::<AHEAD_COUNT_BITS, COUNT_BITS>(self.asked_count.q.val());
        self.ahead.next = self.asked_low.val() - self.handed_count.q.val();
        self.to_ask_s1.d.next =
            self.running.val() & (self.producer.val() != self.asked_count.q.val()) & (self.ahead.val() != self.depth.val());
        if self.ask.val() {
            self.asked_count.d.next = self.asked_count.q.val() + self.one_asked.val();
        }
        if self.came.val() {
            self.came_count.d.next = self.came_count.q.val() + self.one.val();
        }
        if self.hand.val() {
            self.handed_count.d.next = self.handed_count.q.val() + self.one.val();
        }
        self.to_ask.next = self.to_ask_s1.q.val();
        self.to_hand.next = self.running.val() & (self.came_count.q.val() != self.handed_count.q.val());
        self.idle.next = !self.to_ask_s1.q.val() & (self.asked_low.val() == self.came_count.q.val());
        self.asked.next = bit_cast::<{ place::COUNT_BITS }, COUNT_BITS>(self.asked_count.q.val());
        self.came_at.next = bit_cast::<AHEAD_BITS, AHEAD_COUNT_BITS>(self.came_count.q.val());
        self.hand_at.next = bit_cast::<AHEAD_BITS, AHEAD_COUNT_BITS>(self.handed_count.q.val());
        if self.off.val() {
            self.asked_count.d.next = 0.into();
            self.came_count.d.next = 0.into();
            self.handed_count.d.next = 0.into();
            self.to_ask_s1.d.next = false;
        }
    }
}
