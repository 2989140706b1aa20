//! The read-modify-write pipeline; contract and picture are [above](super).

use fpgaflow_abi::slot::ENTRY_REF_BITS;

use super::{REPLY_AFTER, SEEN_AFTER};
use crate::prelude::*;
use crate::records::{CounterReply, CounterRequest, LENGTH_BITS, SEEN_BITS};

/// Low part of packets; short enough for a test to carry out of it.
const PACKETS_LOW_BITS: usize = 20;
/// Sum of it and one packet.
const PACKETS_SUM_BITS: usize = PACKETS_LOW_BITS + 1;
/// High part of packets.
const PACKETS_HIGH_BITS: usize = 36;
/// Low part of bytes.
const BYTES_LOW_BITS: usize = 32;
/// Sum of it and one packet's bytes.
const BYTES_SUM_BITS: usize = BYTES_LOW_BITS + 1;
/// High part of bytes.
const BYTES_HIGH_BITS: usize = 32;

const _: () = assert!(REPLY_AFTER == 6 && SEEN_AFTER == 5, "stages in names below");

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

/// A row of the RAM.
#[derive(Copy, Clone, Debug, Default, PartialEq, LogicStruct)]
struct CounterRow {
    low: Low,
    high: High,
}

/// One operation: count, read or clear.
#[derive(Copy, Clone, Debug, Default, PartialEq, LogicStruct)]
struct Operation {
    /// Adds a packet; else a request.
    count: Bit,
    /// Sets to zero.
    clear: Bit,
    /// Bytes to add, zero unless a count.
    bytes: Bits<LENGTH_BITS>,
}

/// Which of the four operations ahead of this one, if any, is on the same entry.
#[derive(Copy, Clone, Debug, Default, PartialEq, LogicStruct)]
struct Ahead {
    one: Bit,
    two: Bit,
    three: Bit,
    four: Bit,
}

/// Counters of `2^EW` entries.
#[derive(LogicBlock)]
pub struct Counters<const EW: usize> {
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

    rows: RamReg<CounterRow, EW>,
    // The operation, by clock. `at` is its entry.
    request_taken: Signal<Local, Bit>,
    entry: Signal<Local, Bits<ENTRY_REF_BITS>>,
    valid_s1: DFF<Bit>,
    valid_s2: DFF<Bit>,
    valid_s3: DFF<Bit>,
    valid_s4: DFF<Bit>,
    valid_s5: DFF<Bit>,
    valid_s6: DFF<Bit>,
    at_s1: DFF<Bits<EW>>,
    at_s2: DFF<Bits<EW>>,
    at_s3: DFF<Bits<EW>>,
    at_s4: DFF<Bits<EW>>,
    at_s5: DFF<Bits<EW>>,
    at_s6: DFF<Bits<EW>>,
    operation: Signal<Local, Operation>,
    operation_s1: DFF<Operation>,
    operation_s2: DFF<Operation>,
    operation_s3: DFF<Operation>,
    operation_s4: DFF<Operation>,
    operation_s5: DFF<Operation>,
    count_s6: DFF<Bit>,
    ahead: Signal<Local, Ahead>,
    ahead_s3: DFF<Ahead>,
    ahead_s4: DFF<Ahead>,
    one_ahead_s5: DFF<Bit>,
    // 3 and 4: low halves.
    found_low: Signal<Local, Low>,
    found_low_s4: DFF<Low>,
    old_low: Signal<Local, Low>,
    packet_sum: Signal<Local, Bits<PACKETS_SUM_BITS>>,
    byte_sum: Signal<Local, Bits<BYTES_SUM_BITS>>,
    one_packet: Signal<Local, Bits<1>>,
    more_bytes: Signal<Local, Bits<LENGTH_BITS>>,
    old_low_s5: DFF<Low>,
    old_low_s6: DFF<Low>,
    low_s5: DFF<Low>,
    low_s6: DFF<Low>,
    low_s7: DFF<Low>,
    packet_carry_s5: DFF<Bits<1>>,
    byte_carry_s5: DFF<Bits<1>>,
    // 4 and 5: high halves.
    read_high_s4: DFF<High>,
    found_high: Signal<Local, High>,
    found_high_s5: DFF<High>,
    old_high: Signal<Local, High>,
    high: Signal<Local, High>,
    old_high_s6: DFF<High>,
    high_s6: DFF<High>,
    high_s7: DFF<High>,
    high_s8: DFF<High>,
    written: Signal<Local, CounterRow>,
    packets_up: Signal<Local, Bits<64>>,
    bytes_up: Signal<Local, Bits<64>>,
}

impl<const EW: usize> Default for Counters<EW> {
    fn default() -> Self {
        assert!(EW < ENTRY_REF_BITS, "Counters: {EW} bits of entry index do not fit an entry reference");
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
            rows: RamReg::default(),
            request_taken: Signal::default(),
            entry: Signal::default(),
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
            count_s6: DFF::default(),
            ahead: Signal::default(),
            ahead_s3: DFF::default(),
            ahead_s4: DFF::default(),
            one_ahead_s5: DFF::default(),
            found_low: Signal::default(),
            found_low_s4: DFF::default(),
            old_low: Signal::default(),
            packet_sum: Signal::default(),
            byte_sum: Signal::default(),
            one_packet: Signal::default(),
            more_bytes: Signal::default(),
            old_low_s5: DFF::default(),
            old_low_s6: DFF::default(),
            low_s5: DFF::default(),
            low_s6: DFF::default(),
            low_s7: DFF::default(),
            packet_carry_s5: DFF::default(),
            byte_carry_s5: DFF::default(),
            read_high_s4: DFF::default(),
            found_high: Signal::default(),
            found_high_s5: DFF::default(),
            old_high: Signal::default(),
            high: Signal::default(),
            old_high_s6: DFF::default(),
            high_s6: DFF::default(),
            high_s7: DFF::default(),
            high_s8: DFF::default(),
            written: Signal::default(),
            packets_up: Signal::default(),
            bytes_up: Signal::default(),
        }
    }
}

impl<const EW: usize> Logic for Counters<EW> {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, valid_s1, valid_s2, valid_s3, valid_s4, valid_s5, valid_s6);
        dff_setup!(self, clock, at_s1, at_s2, at_s3, at_s4, at_s5, at_s6);
        dff_setup!(self, clock, operation_s1, operation_s2, operation_s3, operation_s4, operation_s5, count_s6);
        dff_setup!(self, clock, ahead_s3, ahead_s4, one_ahead_s5);
        dff_setup!(self, clock, found_low_s4, old_low_s5, old_low_s6, low_s5, low_s6, low_s7, packet_carry_s5, byte_carry_s5);
        dff_setup!(self, clock, read_high_s4, found_high_s5, old_high_s6, high_s6, high_s7, high_s8);
        clock!(self, clock, rows);

        // 0: a count, else a request.
        self.s_axis_request.ready.next = !self.count_valid.val();
        self.request_taken.next = self.s_axis_request.valid.val() & !self.count_valid.val();
        self.entry.next = self.count_entry.val();
        if !self.count_valid.val() {
            self.entry.next = self.s_axis_request.data.val().entry;
        }
        self.operation.next.count = self.count_valid.val();
        self.operation.next.clear = self.request_taken.val() & self.s_axis_request.data.val().clear;
        self.operation.next.bytes = 0.into();
        if self.count_valid.val() {
            self.operation.next.bytes = self.count_bytes.val();
        }
        self.valid_s1.d.next = self.count_valid.val() | self.request_taken.val();
        self.at_s1.d.next = self.entry.val().get_bits::<EW>(0);
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
        self.count_s6.d.next = self.operation_s5.q.val().count;
        self.rows.raddr.next = self.at_s1.q.val();

        // 2: who is right ahead?
        self.ahead.next.one = self.valid_s3.q.val() & (self.at_s3.q.val() == self.at_s2.q.val());
        self.ahead.next.two = self.valid_s4.q.val() & (self.at_s4.q.val() == self.at_s2.q.val());
        self.ahead.next.three = self.valid_s5.q.val() & (self.at_s5.q.val() == self.at_s2.q.val());
        self.ahead.next.four = self.valid_s6.q.val() & (self.at_s6.q.val() == self.at_s2.q.val());
        self.ahead_s3.d.next = self.ahead.val();
        self.ahead_s4.d.next = self.ahead_s3.q.val();
        self.one_ahead_s5.d.next = self.ahead_s4.q.val().one;

        // 3: the low half, unless the operation right before this one makes it in this very clock.
        self.found_low.next = self.rows.rdata.val().low;
        if self.ahead_s3.q.val().two {
            self.found_low.next = self.low_s5.q.val();
        } else if self.ahead_s3.q.val().three {
            self.found_low.next = self.low_s6.q.val();
        } else if self.ahead_s3.q.val().four {
            self.found_low.next = self.low_s7.q.val();
        }
        self.found_low_s4.d.next = self.found_low.val();
        self.read_high_s4.d.next = self.rows.rdata.val().high;

        // 4: low sums.
        self.old_low.next = self.found_low_s4.q.val();
        if self.ahead_s4.q.val().one {
            self.old_low.next = self.low_s5.q.val();
        }
        self.one_packet.next = 0.into();
        if self.operation_s4.q.val().count {
            self.one_packet.next = 1.into();
        }
        self.more_bytes.next = self.operation_s4.q.val().bytes;
        self.packet_sum.next = bit_cast::<PACKETS_SUM_BITS, PACKETS_LOW_BITS>(self.old_low.val().packets)
            + bit_cast::<PACKETS_SUM_BITS, 1>(self.one_packet.val());
        self.byte_sum.next = bit_cast::<BYTES_SUM_BITS, BYTES_LOW_BITS>(self.old_low.val().bytes)
            + bit_cast::<BYTES_SUM_BITS, LENGTH_BITS>(self.more_bytes.val());
        self.low_s5.d.next.packets = self.packet_sum.val().get_bits::<PACKETS_LOW_BITS>(0);
        self.low_s5.d.next.bytes = self.byte_sum.val().get_bits::<BYTES_LOW_BITS>(0);
        if self.operation_s4.q.val().clear {
            self.low_s5.d.next.packets = 0.into();
            self.low_s5.d.next.bytes = 0.into();
        }
        for carry in PACKETS_LOW_BITS..(PACKETS_LOW_BITS + 1) {
            self.packet_carry_s5.d.next = self.packet_sum.val().get_bits::<1>(carry);
        }
        for carry in BYTES_LOW_BITS..(BYTES_LOW_BITS + 1) {
            self.byte_carry_s5.d.next = self.byte_sum.val().get_bits::<1>(carry);
        }
        self.old_low_s5.d.next = self.old_low.val();
        self.old_low_s6.d.next = self.old_low_s5.q.val();
        self.low_s6.d.next = self.low_s5.q.val();
        self.low_s7.d.next = self.low_s6.q.val();

        // 4: the high half, as in 3.
        self.found_high.next = self.read_high_s4.q.val();
        if self.ahead_s4.q.val().two {
            self.found_high.next = self.high_s6.q.val();
        } else if self.ahead_s4.q.val().three {
            self.found_high.next = self.high_s7.q.val();
        } else if self.ahead_s4.q.val().four {
            self.found_high.next = self.high_s8.q.val();
        }
        self.found_high_s5.d.next = self.found_high.val();

        // 5: high sums.
        self.old_high.next = self.found_high_s5.q.val();
        if self.one_ahead_s5.q.val() {
            self.old_high.next = self.high_s6.q.val();
        }
        self.high.next.packets = self.old_high.val().packets + bit_cast::<PACKETS_HIGH_BITS, 1>(self.packet_carry_s5.q.val());
        self.high.next.bytes = self.old_high.val().bytes + bit_cast::<BYTES_HIGH_BITS, 1>(self.byte_carry_s5.q.val());
        self.high.next.seen = self.old_high.val().seen;
        if self.operation_s5.q.val().count {
            self.high.next.seen = self.tick.val();
        }
        if self.operation_s5.q.val().clear {
            self.high.next.packets = 0.into();
            self.high.next.bytes = 0.into();
            self.high.next.seen = 0.into();
        }
        self.high_s6.d.next = self.high.val();
        self.high_s7.d.next = self.high_s6.q.val();
        self.high_s8.d.next = self.high_s7.q.val();
        self.old_high_s6.d.next = self.old_high.val();

        // 6: write back, reply.
        self.written.next.low = self.low_s6.q.val();
        self.written.next.high = self.high_s6.q.val();
        self.rows.wen.next = self.valid_s6.q.val();
        self.rows.waddr.next = self.at_s6.q.val();
        self.rows.wdata.next = self.written.val();
        self.reply_valid.next = self.valid_s6.q.val() & !self.count_s6.q.val();
        self.packets_up.next = bit_cast::<64, PACKETS_HIGH_BITS>(self.old_high_s6.q.val().packets);
        self.bytes_up.next = bit_cast::<64, BYTES_HIGH_BITS>(self.old_high_s6.q.val().bytes);
        for up in (PACKETS_LOW_BITS as u64)..(PACKETS_LOW_BITS as u64 + 1) {
            self.packets_up.next = self.packets_up.val() << up;
        }
        for up in (BYTES_LOW_BITS as u64)..(BYTES_LOW_BITS as u64 + 1) {
            self.bytes_up.next = self.bytes_up.val() << up;
        }
        self.reply.next.packets = self.packets_up.val() | bit_cast::<64, PACKETS_LOW_BITS>(self.old_low_s6.q.val().packets);
        self.reply.next.bytes = self.bytes_up.val() | bit_cast::<64, BYTES_LOW_BITS>(self.old_low_s6.q.val().bytes);
        self.reply.next.seen = self.old_high_s6.q.val().seen;

        if self.reset.val() {
            self.valid_s1.d.next = false;
            self.valid_s2.d.next = false;
            self.valid_s3.d.next = false;
            self.valid_s4.d.next = false;
            self.valid_s5.d.next = false;
            self.valid_s6.d.next = false;
        }
    }
}
