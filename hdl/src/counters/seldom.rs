//! Counters of an engine whose packets to count are far apart; contract [above](super).
//!
//! ```text
//!                                             +----------------+
//!  count_valid, count_entry, count_bytes ---->| SeldomCounters |--> reply_valid, found
//!  s_axis_request (CounterRequest) ---------->|                |
//!  tick ------------------------------------->|                |
//!                                             +----------------+
//! ```
//! A count may come [`COUNT_APART`] clocks after the one before, no sooner. `ready`, `reply_valid` and `found` come from flip-flops.
//!
//! # How
//! One copy of the rows. A count reads its row, adds, and has written it when the next count reads: nothing is forwarded.
//!
//! ```text
//!  clock  1       2      3        4      5
//!         read -->|----->|family: |add   |write
//!                 |      |        |      |
//! ```
//! A request waits in a register for a clock in which no count reads and none is on its way, or only one that has read right before; such a count
//! comes behind the request, which has found what was there without it. So there is a clock for a request whatever the traffic. A clear
//! writes zeros in the clock behind its read. A count of the same entry that has read right before it or does so right behind it found a row that
//! is no more: it adds to zeros.

use super::rows::{CounterRow, CounterRows};
use super::{BYTES_BITS, PACKETS_BITS};
use crate::prelude::*;
use crate::prim::Pace;
use crate::records::{CounterRequest, LENGTH_BITS, SEEN_BITS};
use crate::table::NarrowRef;
use fpgaflow_abi::slot::ENTRY_REF_BITS;

/// Clocks from a count to the next at least.
pub const COUNT_APART: usize = 5;
/// Clocks from a count to the moment `tick` is taken for it.
pub const SEEN_AFTER: usize = 4;
/// Clocks from the moment that a reply is of, between two counts, to the reply.
pub const FOUND_AFTER: usize = 5;
/// Clocks from a request to its reply at most; [`FOUND_AFTER`] at least.
pub const REPLY_WITHIN: usize = FOUND_AFTER + COUNT_APART - 1;

const _: () = assert!(COUNT_APART == 5 && SEEN_AFTER == 4, "stages in names below");

/// Counters of `2^EW4` IPv4 and `2^EW6` IPv6 entries; `REF` is one more than the larger of both.
#[derive(LogicBlock)]
pub struct SeldomCounters<const EW4: usize, const EW6: usize, const REF: usize> {
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
    pub found: Signal<Out, CounterRow>,

    rows: CounterRows<EW4, EW6, REF>,
    // The request, until its reply; its row is read in clock 1.
    asked: DFF<Bit>,
    waits: DFF<Bit>,
    clears: DFF<Bit>,
    asked_of: DFF<Bits<REF>>,
    request_entry: NarrowRef<REF>,
    goes: Signal<Local, Bit>,
    request_s1: DFF<Bit>,
    request_s2: DFF<Bit>,
    request_s3: DFF<Bit>,
    request_s4: DFF<Bit>,
    clear_s1: DFF<Bit>,
    clear_s2: DFF<Bit>,
    clear_s3: DFF<Bit>,
    clear_s4: DFF<Bit>,
    // What is read in clock 1, and what is written.
    ren_s1: DFF<Bit>,
    reads_s1: DFF<Bits<REF>>,
    wen: DFF<Bit>,
    written: DFF<Bits<REF>>,
    // The count, by clock. `at` is its entry, until it is written.
    count_of: NarrowRef<REF>,
    valid_s1: DFF<Bit>,
    valid_s2: DFF<Bit>,
    valid_s3: DFF<Bit>,
    valid_s4: DFF<Bit>,
    at: DFF<Bits<REF>>,
    bytes: DFF<Bits<LENGTH_BITS>>,
    is_asked_of_s3: DFF<Bit>,
    // The opposite of `valid_s4`: yosys makes an inverter for every bit that a low signal clears.
    idle_s4: DFF<Bit>,
    // 4: what was read.
    row_s4: DFF<CounterRow>,
    more_bytes: Signal<Local, Bits<BYTES_BITS>>,
    one_packet: Constant<Bits<PACKETS_BITS>>,
    // 5: what is written; zeros in every clock without a count.
    sum_s5: DFF<CounterRow>,
}

impl<const EW4: usize, const EW6: usize, const REF: usize> Default for SeldomCounters<EW4, EW6, REF> {
    fn default() -> Self {
        Self {
            clock: Signal::default(),
            reset: Signal::default(),
            count_valid: Signal::default(),
            count_entry: Signal::default(),
            count_bytes: Signal::default(),
            tick: Signal::default(),
            s_axis_request: StreamSink::default(),
            reply_valid: Signal::default(),
            found: Signal::default(),
            rows: CounterRows::new(Pace::Seldom),
            asked: DFF::default(),
            waits: DFF::default(),
            clears: DFF::default(),
            asked_of: DFF::default(),
            request_entry: NarrowRef::default(),
            goes: Signal::default(),
            request_s1: DFF::default(),
            request_s2: DFF::default(),
            request_s3: DFF::default(),
            request_s4: DFF::default(),
            clear_s1: DFF::default(),
            clear_s2: DFF::default(),
            clear_s3: DFF::default(),
            clear_s4: DFF::default(),
            ren_s1: DFF::default(),
            reads_s1: DFF::default(),
            wen: DFF::default(),
            written: DFF::default(),
            count_of: NarrowRef::default(),
            valid_s1: DFF::default(),
            valid_s2: DFF::default(),
            valid_s3: DFF::default(),
            valid_s4: DFF::default(),
            at: DFF::default(),
            bytes: DFF::default(),
            is_asked_of_s3: DFF::default(),
            idle_s4: DFF::default(),
            row_s4: DFF::default(),
            more_bytes: Signal::default(),
            one_packet: Constant::new(1_u64.into()),
            sum_s5: DFF::default(),
        }
    }
}

impl<const EW4: usize, const EW6: usize, const REF: usize> Logic for SeldomCounters<EW4, EW6, REF> {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, asked, waits, clears, asked_of, request_s1, request_s2, request_s3, request_s4);
        dff_setup!(self, clock, clear_s1, clear_s2, clear_s3, clear_s4, ren_s1, reads_s1, wen, written);
        dff_setup!(self, clock, valid_s1, valid_s2, valid_s3, valid_s4, at, bytes, is_asked_of_s3, idle_s4, row_s4, sum_s5);
        self.rows.clock.next = self.clock.val();

        // One request at a time. It goes when there is no count and none from two to four clocks ago.
        self.request_entry.entry.next = self.s_axis_request.data.val().entry;
        self.s_axis_request.ready.next = !self.asked.q.val();
        self.goes.next = (self.waits.q.val() & !self.count_valid.val())
            & !(self.valid_s2.q.val() | self.valid_s3.q.val() | self.valid_s4.q.val());
        if !self.asked.q.val() {
            self.asked.d.next = self.s_axis_request.valid.val();
            self.waits.d.next = self.s_axis_request.valid.val();
            self.clears.d.next = self.s_axis_request.data.val().clear;
            self.asked_of.d.next = self.request_entry.stored.val();
        }
        if self.goes.val() {
            self.waits.d.next = false;
        }
        if self.request_s3.q.val() {
            self.asked.d.next = false;
        }
        self.request_s1.d.next = self.goes.val();
        self.request_s2.d.next = self.request_s1.q.val();
        self.request_s3.d.next = self.request_s2.q.val();
        self.request_s4.d.next = self.request_s3.q.val();
        self.clear_s1.d.next = self.goes.val() & self.clears.q.val();
        self.clear_s2.d.next = self.clear_s1.q.val();
        self.clear_s3.d.next = self.clear_s2.q.val();
        self.clear_s4.d.next = self.clear_s3.q.val();
        self.reply_valid.next = self.request_s4.q.val();
        self.found.next = self.row_s4.q.val();

        // 0: a count, else a request.
        self.count_of.entry.next = self.count_entry.val();
        self.ren_s1.d.next = self.count_valid.val() | self.goes.val();
        self.reads_s1.d.next = self.asked_of.q.val();
        if self.count_valid.val() {
            self.reads_s1.d.next = self.count_of.stored.val();
            self.at.d.next = self.count_of.stored.val();
            self.bytes.d.next = self.count_bytes.val();
        }
        self.valid_s1.d.next = self.count_valid.val();
        self.valid_s2.d.next = self.valid_s1.q.val();
        self.valid_s3.d.next = self.valid_s2.q.val();
        self.valid_s4.d.next = self.valid_s3.q.val();
        self.idle_s4.d.next = !self.valid_s3.q.val();

        // 1: read.
        self.rows.ren.next = self.ren_s1.q.val();
        self.rows.reads.next = self.reads_s1.q.val();

        // 2, 3: of this entry, a clear one clock behind this count or one ahead of it has taken what this one read.
        self.is_asked_of_s3.d.next = self.at.q.val() == self.asked_of.q.val();
        self.row_s4.d.next = self.rows.rdata.val();
        if (self.valid_s3.q.val() & self.is_asked_of_s3.q.val()) & (self.clear_s2.q.val() | self.clear_s4.q.val()) {
            self.row_s4.d.next.packets = 0.into();
            self.row_s4.d.next.bytes = 0.into();
            self.row_s4.d.next.seen = 0.into();
        }

        // 4: add.
        self.more_bytes.next = bit_cast::<BYTES_BITS, LENGTH_BITS>(self.bytes.q.val());
        self.sum_s5.d.next.packets = self.row_s4.q.val().packets + self.one_packet.val();
        self.sum_s5.d.next.bytes = self.row_s4.q.val().bytes + self.more_bytes.val();
        self.sum_s5.d.next.seen = self.tick.val();
        if self.idle_s4.q.val() {
            self.sum_s5.d.next.packets = 0.into();
            self.sum_s5.d.next.bytes = 0.into();
            self.sum_s5.d.next.seen = 0.into();
        }

        // 5: write. A clear writes the zeros that are there without a count, in the clock behind its read.
        self.wen.d.next = self.valid_s4.q.val() | self.clear_s1.q.val();
        self.written.d.next = self.asked_of.q.val();
        if self.valid_s4.q.val() {
            self.written.d.next = self.at.q.val();
        }
        self.rows.wen.next = self.wen.q.val();
        self.rows.written.next = self.written.q.val();
        self.rows.wdata.next = self.sum_s5.q.val();

        if self.reset.val() {
            self.asked.d.next = false;
            self.waits.d.next = false;
            self.request_s1.d.next = false;
            self.request_s2.d.next = false;
            self.request_s3.d.next = false;
            self.request_s4.d.next = false;
            self.clear_s1.d.next = false;
            self.clear_s2.d.next = false;
            self.clear_s3.d.next = false;
            self.clear_s4.d.next = false;
            self.valid_s1.d.next = false;
            self.valid_s2.d.next = false;
            self.valid_s3.d.next = false;
            self.valid_s4.d.next = false;
            self.idle_s4.d.next = true;
            self.ren_s1.d.next = false;
            self.wen.d.next = false;
        }
    }
}
