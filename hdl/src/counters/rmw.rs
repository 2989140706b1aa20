//! Counters of an engine that may have a packet to count in every clock; contract and picture are [above](super).

use std::array;

use fpgaflow_abi::slot::ENTRY_REF_BITS;

use super::gap::Gap;
use super::rows::{CounterRow, CounterRows};
use super::{BYTES_BITS, PACKETS_BITS, REPLY_AFTER, SEEN_AFTER, WRITTEN_AFTER};
use crate::prelude::*;
use crate::records::{CounterRequest, LENGTH_BITS, SEEN_BITS};
use crate::table::NarrowRef;

/// Low part of packets; short enough for a test to carry out of it.
const PACKETS_LOW_BITS: usize = 20;
/// High part of packets.
const PACKETS_HIGH_BITS: usize = PACKETS_BITS - PACKETS_LOW_BITS;
/// Low part of bytes.
const BYTES_LOW_BITS: usize = 32;
/// High part of bytes.
const BYTES_HIGH_BITS: usize = BYTES_BITS - BYTES_LOW_BITS;
/// Sum of the low part of packets and one packet.
const PACKETS_SUM_BITS: usize = PACKETS_LOW_BITS + 1;
/// Sum of the low part of bytes and one packet's bytes.
const BYTES_SUM_BITS: usize = BYTES_LOW_BITS + 1;
/// Clocks from a request to the read of its row: what came before it is written by then.
const READ_AFTER: usize = WRITTEN_AFTER - 1;

const _: () = assert!(WRITTEN_AFTER == 6 && SEEN_AFTER == 5, "stages in names below");

/// One operation: count or clear.
#[derive(Copy, Clone, Debug, Default, PartialEq, LogicStruct)]
struct Operation {
    /// Adds a packet. Otherwise a clear.
    count: Bit,
    /// Bytes to add, zero unless a count.
    bytes: Bits<LENGTH_BITS>,
}

/// What the first of the two clocks adds to.
#[derive(Copy, Clone, Debug, Default, PartialEq, LogicStruct)]
struct Low {
    packets: Bits<PACKETS_LOW_BITS>,
    bytes: Bits<BYTES_LOW_BITS>,
}

/// What the second carries into.
#[derive(Copy, Clone, Debug, Default, PartialEq, LogicStruct)]
struct High {
    packets: Bits<PACKETS_HIGH_BITS>,
    bytes: Bits<BYTES_HIGH_BITS>,
    seen: Bits<SEEN_BITS>,
}

/// Which of the four operations ahead of this one, if any, is on the same entry.
#[derive(Copy, Clone, Debug, Default, PartialEq, LogicStruct)]
struct Ahead {
    one: Bit,
    two: Bit,
    three: Bit,
    four: Bit,
}

/// Counters of `2^EW4` IPv4 and `2^EW6` IPv6 entries; `REF` is one more than the larger of both.
#[derive(LogicBlock)]
pub struct EveryClockCounters<const EW4: usize, const EW6: usize, const REF: usize> {
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
    /// Take in no packet in this clock, for a clear that waits.
    pub gap_wanted: Signal<Out, Bit>,

    // The copy of the counts and that of the requests.
    counted: CounterRows<EW4, EW6, REF>,
    reported: CounterRows<EW4, EW6, REF>,
    asks: Gap,
    // The request, until its reply. `asked[i]` belongs to clock `i + 1`.
    request_entry: NarrowRef<REF>,
    request_taken: Signal<Local, Bit>,
    clear_taken: Signal<Local, Bit>,
    asked: [DFF<Bit>; REPLY_AFTER],
    asked_of: Delay<Bits<REF>, READ_AFTER>,
    // The operation, by clock. `at` is its entry.
    count_of: NarrowRef<REF>,
    valid_s1: DFF<Bit>,
    valid_s2: DFF<Bit>,
    valid_s3: DFF<Bit>,
    valid_s4: DFF<Bit>,
    valid_s5: DFF<Bit>,
    valid_s6: DFF<Bit>,
    at_s1: DFF<Bits<REF>>,
    at_s2: DFF<Bits<REF>>,
    at_s3: DFF<Bits<REF>>,
    at_s4: DFF<Bits<REF>>,
    at_s5: DFF<Bits<REF>>,
    at_s6: DFF<Bits<REF>>,
    operation: Signal<Local, Operation>,
    operation_s1: DFF<Operation>,
    operation_s2: DFF<Operation>,
    operation_s3: DFF<Operation>,
    operation_s4: DFF<Operation>,
    operation_s5: DFF<Operation>,
    ahead: Signal<Local, Ahead>,
    ahead_s3: DFF<Ahead>,
    ahead_s4: DFF<Ahead>,
    one_ahead_s5: DFF<Bit>,
    // 3: what was read, taken apart.
    row_read: Signal<Local, CounterRow>,
    read_packets: Signal<Local, Bits<PACKETS_BITS>>,
    read_bytes: Signal<Local, Bits<BYTES_BITS>>,
    read_low: Signal<Local, Low>,
    read_high: Signal<Local, High>,
    // 3 and 4: low halves.
    found_low_s4: DFF<Low>,
    old_low: Signal<Local, Low>,
    packet_sum: Signal<Local, Bits<PACKETS_SUM_BITS>>,
    byte_sum: Signal<Local, Bits<BYTES_SUM_BITS>>,
    one_packet: Constant<Bits<PACKETS_SUM_BITS>>,
    more_bytes: Signal<Local, Bits<LENGTH_BITS>>,
    low_s5: DFF<Low>,
    low_s6: DFF<Low>,
    low_s7: DFF<Low>,
    packet_carry_s5: DFF<Bits<1>>,
    byte_carry_s5: DFF<Bits<1>>,
    // 4 and 5: high halves.
    read_high_s4: DFF<High>,
    found_high_s5: DFF<High>,
    old_high: Signal<Local, High>,
    high_s6: DFF<High>,
    high_s7: DFF<High>,
    high_s8: DFF<High>,
    low_written: Signal<Local, Low>,
    high_written: Signal<Local, High>,
    packets_up: Signal<Local, Bits<PACKETS_BITS>>,
    bytes_up: Signal<Local, Bits<BYTES_BITS>>,
    written: Signal<Local, CounterRow>,
}

impl<const EW4: usize, const EW6: usize, const REF: usize> Default for EveryClockCounters<EW4, EW6, REF> {
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
            gap_wanted: Signal::default(),
            counted: CounterRows::default(),
            reported: CounterRows::default(),
            asks: Gap::default(),
            request_entry: NarrowRef::default(),
            request_taken: Signal::default(),
            clear_taken: Signal::default(),
            asked: array::from_fn(|_| DFF::default()),
            asked_of: Delay::default(),
            count_of: NarrowRef::default(),
            valid_s1: DFF::default(),
            valid_s2: DFF::default(),
            valid_s3: DFF::default(),
            valid_s4: DFF::default(),
            valid_s5: DFF::default(),
            valid_s6: DFF::default(),
            at_s1: DFF::default(),
            at_s2: DFF::default(),
            at_s3: DFF::default(),
            at_s4: DFF::default(),
            at_s5: DFF::default(),
            at_s6: DFF::default(),
            operation: Signal::default(),
            operation_s1: DFF::default(),
            operation_s2: DFF::default(),
            operation_s3: DFF::default(),
            operation_s4: DFF::default(),
            operation_s5: DFF::default(),
            ahead: Signal::default(),
            ahead_s3: DFF::default(),
            ahead_s4: DFF::default(),
            one_ahead_s5: DFF::default(),
            row_read: Signal::default(),
            read_packets: Signal::default(),
            read_bytes: Signal::default(),
            read_low: Signal::default(),
            read_high: Signal::default(),
            found_low_s4: DFF::default(),
            old_low: Signal::default(),
            packet_sum: Signal::default(),
            byte_sum: Signal::default(),
            one_packet: Constant::new(1_u64.into()),
            more_bytes: Signal::default(),
            low_s5: DFF::default(),
            low_s6: DFF::default(),
            low_s7: DFF::default(),
            packet_carry_s5: DFF::default(),
            byte_carry_s5: DFF::default(),
            read_high_s4: DFF::default(),
            found_high_s5: DFF::default(),
            old_high: Signal::default(),
            high_s6: DFF::default(),
            high_s7: DFF::default(),
            high_s8: DFF::default(),
            low_written: Signal::default(),
            high_written: Signal::default(),
            packets_up: Signal::default(),
            bytes_up: Signal::default(),
            written: Signal::default(),
        }
    }
}

impl<const EW4: usize, const EW6: usize, const REF: usize> Logic for EveryClockCounters<EW4, EW6, REF> {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, valid_s1, valid_s2, valid_s3, valid_s4, valid_s5, valid_s6);
        dff_setup!(self, clock, at_s1, at_s2, at_s3, at_s4, at_s5, at_s6);
        dff_setup!(self, clock, operation_s1, operation_s2, operation_s3, operation_s4, operation_s5);
        dff_setup!(self, clock, ahead_s3, ahead_s4, one_ahead_s5);
        dff_setup!(self, clock, found_low_s4, low_s5, low_s6, low_s7, packet_carry_s5, byte_carry_s5);
        dff_setup!(self, clock, read_high_s4, found_high_s5, high_s6, high_s7, high_s8);
        clock!(self, clock, counted, reported, asks, asked_of);
        self.asks.reset.next = self.reset.val();

        // Requests: a clear when there is no count, a read at once. It waits for what is before it, then its row is read.
        self.s_axis_request.ready.next = !self.count_valid.val() | !self.s_axis_request.data.val().clear;
        self.request_taken.next =
            self.s_axis_request.valid.val() & (!self.count_valid.val() | !self.s_axis_request.data.val().clear);
        self.clear_taken.next = self.request_taken.val() & self.s_axis_request.data.val().clear;
        self.asks.refused.next =
            (self.s_axis_request.valid.val() & self.s_axis_request.data.val().clear) & self.count_valid.val();
        self.asks.served.next = self.clear_taken.val();
        self.gap_wanted.next = self.asks.wanted.val();
        self.request_entry.entry.next = self.s_axis_request.data.val().entry;
        self.asked_of.din.next = self.request_entry.stored.val();
        for i in 0..REPLY_AFTER {
            self.asked[i].clock.next = self.clock.val();
        }
        self.asked[0].d.next = self.request_taken.val();
        for i in 1..REPLY_AFTER {
            self.asked[i].d.next = self.asked[i - 1].q.val();
        }
        for replied in REPLY_AFTER..(REPLY_AFTER + 1) {
            self.reply_valid.next = self.asked[replied - 1].q.val();
        }
        for read in READ_AFTER..(READ_AFTER + 1) {
            self.reported.ren.next = self.asked[read - 1].q.val();
        }
        self.reported.reads.next = self.asked_of.dout.val();
        self.found.next = self.reported.rdata.val();

        // 0: a count, else a clear.
        self.count_of.entry.next = self.count_entry.val();
        self.operation.next.count = self.count_valid.val();
        self.operation.next.bytes = self.count_bytes.val();
        self.valid_s1.d.next = self.count_valid.val() | self.clear_taken.val();
        self.at_s1.d.next = self.count_of.stored.val();
        if !self.count_valid.val() {
            self.at_s1.d.next = self.request_entry.stored.val();
        }
        self.operation_s1.d.next = self.operation.val();

        // 1 to 6: the operation goes on; its row is read in 1.
        self.valid_s2.d.next = self.valid_s1.q.val();
        self.valid_s3.d.next = self.valid_s2.q.val();
        self.valid_s4.d.next = self.valid_s3.q.val();
        self.valid_s5.d.next = self.valid_s4.q.val();
        self.valid_s6.d.next = self.valid_s5.q.val();
        self.at_s2.d.next = self.at_s1.q.val();
        self.at_s3.d.next = self.at_s2.q.val();
        self.at_s4.d.next = self.at_s3.q.val();
        self.at_s5.d.next = self.at_s4.q.val();
        self.at_s6.d.next = self.at_s5.q.val();
        self.operation_s2.d.next = self.operation_s1.q.val();
        self.operation_s3.d.next = self.operation_s2.q.val();
        self.operation_s4.d.next = self.operation_s3.q.val();
        self.operation_s5.d.next = self.operation_s4.q.val();
        self.counted.ren.next = self.valid_s1.q.val();
        self.counted.reads.next = self.at_s1.q.val();

        // 2: who is right ahead?
        self.ahead.next.one = self.valid_s3.q.val() & (self.at_s3.q.val() == self.at_s2.q.val());
        self.ahead.next.two = self.valid_s4.q.val() & (self.at_s4.q.val() == self.at_s2.q.val());
        self.ahead.next.three = self.valid_s5.q.val() & (self.at_s5.q.val() == self.at_s2.q.val());
        self.ahead.next.four = self.valid_s6.q.val() & (self.at_s6.q.val() == self.at_s2.q.val());
        self.ahead_s3.d.next = self.ahead.val();
        self.ahead_s4.d.next = self.ahead_s3.q.val();
        self.one_ahead_s5.d.next = self.ahead_s4.q.val().one;

        // 3: what was read.
        self.row_read.next = self.counted.rdata.val();
        self.read_packets.next = self.row_read.val().packets;
        self.read_bytes.next = self.row_read.val().bytes;
        self.read_low.next.packets = self.read_packets.val().get_bits::<PACKETS_LOW_BITS>(0);
        self.read_low.next.bytes = self.read_bytes.val().get_bits::<BYTES_LOW_BITS>(0);
        for high in PACKETS_LOW_BITS..(PACKETS_LOW_BITS + 1) {
            self.read_high.next.packets = self.read_packets.val().get_bits::<PACKETS_HIGH_BITS>(high);
        }
        for high in BYTES_LOW_BITS..(BYTES_LOW_BITS + 1) {
            self.read_high.next.bytes = self.read_bytes.val().get_bits::<BYTES_HIGH_BITS>(high);
        }
        self.read_high.next.seen = self.row_read.val().seen;

        // 3: the low half, unless the operation right before this one makes it in this very clock.
        if self.valid_s3.q.val() {
            self.found_low_s4.d.next = self.read_low.val();
            self.read_high_s4.d.next = self.read_high.val();
            if self.ahead_s3.q.val().two {
                self.found_low_s4.d.next = self.low_s5.q.val();
            } else if self.ahead_s3.q.val().three {
                self.found_low_s4.d.next = self.low_s6.q.val();
            } else if self.ahead_s3.q.val().four {
                self.found_low_s4.d.next = self.low_s7.q.val();
            }
        }

        // 4: low sums.
        self.old_low.next = self.found_low_s4.q.val();
        if self.ahead_s4.q.val().one {
            self.old_low.next = self.low_s5.q.val();
        }
        self.more_bytes.next = self.operation_s4.q.val().bytes;
        self.packet_sum.next = bit_cast::<PACKETS_SUM_BITS, PACKETS_LOW_BITS>(self.old_low.val().packets) + self.one_packet.val();
        self.byte_sum.next = bit_cast::<BYTES_SUM_BITS, BYTES_LOW_BITS>(self.old_low.val().bytes)
            + bit_cast::<BYTES_SUM_BITS, LENGTH_BITS>(self.more_bytes.val());
        if self.valid_s4.q.val() {
            if self.operation_s4.q.val().count {
                self.low_s5.d.next.packets = self.packet_sum.val().get_bits::<PACKETS_LOW_BITS>(0);
                self.low_s5.d.next.bytes = self.byte_sum.val().get_bits::<BYTES_LOW_BITS>(0);
            } else {
                self.low_s5.d.next.packets = 0.into();
                self.low_s5.d.next.bytes = 0.into();
            }
        }
        for carry in PACKETS_LOW_BITS..(PACKETS_LOW_BITS + 1) {
            self.packet_carry_s5.d.next = self.packet_sum.val().get_bits::<1>(carry);
        }
        for carry in BYTES_LOW_BITS..(BYTES_LOW_BITS + 1) {
            self.byte_carry_s5.d.next = self.byte_sum.val().get_bits::<1>(carry);
        }
        if self.valid_s5.q.val() {
            self.low_s6.d.next = self.low_s5.q.val();
        }
        if self.valid_s6.q.val() {
            self.low_s7.d.next = self.low_s6.q.val();
        }

        // 4: the high half, as in 3.
        if self.valid_s4.q.val() {
            self.found_high_s5.d.next = self.read_high_s4.q.val();
            if self.ahead_s4.q.val().two {
                self.found_high_s5.d.next = self.high_s6.q.val();
            } else if self.ahead_s4.q.val().three {
                self.found_high_s5.d.next = self.high_s7.q.val();
            } else if self.ahead_s4.q.val().four {
                self.found_high_s5.d.next = self.high_s8.q.val();
            }
        }

        // 5: high sums.
        self.old_high.next = self.found_high_s5.q.val();
        if self.one_ahead_s5.q.val() {
            self.old_high.next = self.high_s6.q.val();
        }
        if self.valid_s5.q.val() {
            if self.operation_s5.q.val().count {
                self.high_s6.d.next.packets =
                    self.old_high.val().packets + bit_cast::<PACKETS_HIGH_BITS, 1>(self.packet_carry_s5.q.val());
                self.high_s6.d.next.bytes =
                    self.old_high.val().bytes + bit_cast::<BYTES_HIGH_BITS, 1>(self.byte_carry_s5.q.val());
                self.high_s6.d.next.seen = self.tick.val();
            } else {
                self.high_s6.d.next.packets = 0.into();
                self.high_s6.d.next.bytes = 0.into();
                self.high_s6.d.next.seen = 0.into();
            }
        }
        if self.valid_s6.q.val() {
            self.high_s7.d.next = self.high_s6.q.val();
        }
        self.high_s8.d.next = self.high_s7.q.val();

        // 6: write back, both copies.
        self.low_written.next = self.low_s6.q.val();
        self.high_written.next = self.high_s6.q.val();
        self.packets_up.next = bit_cast::<PACKETS_BITS, PACKETS_HIGH_BITS>(self.high_written.val().packets);
        self.bytes_up.next = bit_cast::<BYTES_BITS, BYTES_HIGH_BITS>(self.high_written.val().bytes);
        for up in (PACKETS_LOW_BITS as u64)..(PACKETS_LOW_BITS as u64 + 1) {
            self.packets_up.next = self.packets_up.val() << up;
        }
        for up in (BYTES_LOW_BITS as u64)..(BYTES_LOW_BITS as u64 + 1) {
            self.bytes_up.next = self.bytes_up.val() << up;
        }
        self.written.next.packets =
            self.packets_up.val() | bit_cast::<PACKETS_BITS, PACKETS_LOW_BITS>(self.low_written.val().packets);
        self.written.next.bytes = self.bytes_up.val() | bit_cast::<BYTES_BITS, BYTES_LOW_BITS>(self.low_written.val().bytes);
        self.written.next.seen = self.high_written.val().seen;
        self.counted.wen.next = self.valid_s6.q.val();
        self.counted.written.next = self.at_s6.q.val();
        self.counted.wdata.next = self.written.val();
        self.reported.wen.next = self.valid_s6.q.val();
        self.reported.written.next = self.at_s6.q.val();
        self.reported.wdata.next = self.written.val();

        if self.reset.val() {
            self.valid_s1.d.next = false;
            self.valid_s2.d.next = false;
            self.valid_s3.d.next = false;
            self.valid_s4.d.next = false;
            self.valid_s5.d.next = false;
            self.valid_s6.d.next = false;
            for i in 0..REPLY_AFTER {
                self.asked[i].d.next = false;
            }
        }
    }
}
