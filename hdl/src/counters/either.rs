//! The counters in the form that the pace of the engine's packets asks for; contract [above](super).

use std::array;

use fpgaflow_abi::slot::ENTRY_REF_BITS;

use super::rmw::EveryClockCounters;
use super::rows::CounterRow;
use super::seldom::SeldomCounters;
use super::{BYTES_BITS, PACKETS_BITS};
use crate::prelude::*;
use crate::records::{CounterReply, CounterRequest, LENGTH_BITS, SEEN_BITS};

/// Counters of `2^EW4` IPv4 and `2^EW6` IPv6 entries; `REF` is one more than the larger of both. One of `EVERY_CLOCK` and `SELDOM` is 1, the
/// other 0: how often there is a packet to count.
#[derive(LogicBlock)]
pub struct Counters<const EW4: usize, const EW6: usize, const REF: usize, const EVERY_CLOCK: usize = 1, const SELDOM: usize = 0> {
    /// The block's clock.
    pub clock: Signal<In, Clock>,
    /// Synchronous, active high.
    pub reset: Signal<In, Bit>,
    /// Count a packet in this clock.
    pub count_valid: Signal<In, Bit>,
    /// Of this entry.
    pub count_entry: Signal<In, Bits<ENTRY_REF_BITS>>,
    /// Of this many bytes.
    pub count_bytes: Signal<In, Bits<LENGTH_BITS>>,
    /// The clock of `seen`.
    pub tick: Signal<In, Bits<SEEN_BITS>>,
    /// Counters to read or clear.
    pub s_axis_request: StreamSink<CounterRequest>,
    /// There is a reply in this clock.
    pub reply_valid: Signal<Out, Bit>,
    /// The reply.
    pub reply: Signal<Out, CounterReply>,
    /// Take in no packet in this clock, for a clear that waits.
    pub gap_wanted: Signal<Out, Bit>,

    every_clock: [EveryClockCounters<EW4, EW6, REF>; EVERY_CLOCK],
    seldom: [SeldomCounters<EW4, EW6, REF>; SELDOM],
    found: Signal<Local, CounterRow>,
}

impl<const EW4: usize, const EW6: usize, const REF: usize, const EVERY_CLOCK: usize, const SELDOM: usize> Default
    for Counters<EW4, EW6, REF, EVERY_CLOCK, SELDOM>
{
    fn default() -> Self {
        assert!(EVERY_CLOCK + SELDOM == 1, "Counters: {EVERY_CLOCK} and {SELDOM} forms are not one");
        Self {
            clock: Signal::default(),
            reset: Signal::default(),
            count_valid: Signal::default(),
            count_entry: Signal::default(),
            count_bytes: Signal::default(),
            tick: Signal::default(),
            s_axis_request: StreamSink::default(),
            reply_valid: Signal::default(),
            reply: Signal::default(),
            gap_wanted: Signal::default(),
            every_clock: array::from_fn(|_| EveryClockCounters::default()),
            seldom: array::from_fn(|_| SeldomCounters::default()),
            found: Signal::default(),
        }
    }
}

impl<const EW4: usize, const EW6: usize, const REF: usize, const EVERY_CLOCK: usize, const SELDOM: usize> Logic
    for Counters<EW4, EW6, REF, EVERY_CLOCK, SELDOM>
{
    #[hdl_gen]
    fn update(&mut self) {
        self.gap_wanted.next = false;
        for i in 0..EVERY_CLOCK {
            self.every_clock[i].clock.next = self.clock.val();
            self.every_clock[i].reset.next = self.reset.val();
            self.every_clock[i].count_valid.next = self.count_valid.val();
            self.every_clock[i].count_entry.next = self.count_entry.val();
            self.every_clock[i].count_bytes.next = self.count_bytes.val();
            self.every_clock[i].tick.next = self.tick.val();
            StreamSink::<CounterRequest>::link(&mut self.s_axis_request, &mut self.every_clock[i].s_axis_request);
            self.reply_valid.next = self.every_clock[i].reply_valid.val();
            self.found.next = self.every_clock[i].found.val();
            self.gap_wanted.next = self.every_clock[i].gap_wanted.val();
        }
        for i in 0..SELDOM {
            self.seldom[i].clock.next = self.clock.val();
            self.seldom[i].reset.next = self.reset.val();
            self.seldom[i].count_valid.next = self.count_valid.val();
            self.seldom[i].count_entry.next = self.count_entry.val();
            self.seldom[i].count_bytes.next = self.count_bytes.val();
            self.seldom[i].tick.next = self.tick.val();
            StreamSink::<CounterRequest>::link(&mut self.s_axis_request, &mut self.seldom[i].s_axis_request);
            self.reply_valid.next = self.seldom[i].reply_valid.val();
            self.found.next = self.seldom[i].found.val();
        }

        self.reply.next.packets = bit_cast::<64, PACKETS_BITS>(self.found.val().packets);
        self.reply.next.bytes = bit_cast::<64, BYTES_BITS>(self.found.val().bytes);
        self.reply.next.seen = self.found.val().seen;
    }
}
