//! Turns a verdict and the layer 2 header it goes with into orders: what to write into the packet, what to put before it.
//!
//! ```text
//!                   +---------+
//!  s_axis_verdict ->| Planner |--> m_axis_rewrite
//!  s_axis_l2 ------>|         |--> m_axis_heading
//!                   +---------+
//! ```
//! Latency [`Planner::LATENCY`] clocks, a frame a clock when both orders are taken as they come. The orders come from flip-flops.
//!
//! # Contract
//! - One word of each input makes one word of each output, in order. An order starts when the one before it has been taken; where frames
//!   may follow each other in less than [`UNHURRIED_BEATS`] beats, also when it is taken in this clock. Neither waits for the other.
//! - Reason `Forwarded`: the header is built from the verdict ([`EgressHeader`]); the frame is header and packet, and at least
//!   [`wire::MIN_FRAME_BYTES`] long. Any other reason: the header is the one that came, the frame as long as it was.
//! - A header is 14, 18, 22, 26 or 30 bytes: Ethernet, up to two tags, PPPoE.
//!
//! # Stages
//! s1: which header it is, left-aligned, and what it makes the frame's length. s2, the orders: the header where it meets the packet,
//! the length that a wire takes, the fields at their places.

use fpgaflow_abi::reason::Reason;
use fpgaflow_abi::wire;

use super::header::L2_LENGTH_BITS;
use super::patch::Rewrite;
use super::prepend::{HEADER_BITS, Heading, LEAD_BITS, SHIFT_BITS, SHIFT_STEP, header_shifts};
use super::{EgressHeader, PacketFields, beat_shift};
use crate::prelude::*;
use crate::records::{FrameInfo, L2_BITS, L2Record, LENGTH_BITS, PORT_BITS, PuntInfo, REASON_BITS, Verdict};

/// Beats of the shortest frame from which on orders need not follow each other in every clock. Then no `ready` reaches beyond a flip-flop here:
/// through all that wait for each other in `Merge` it would be the longest path there is.
pub(super) const UNHURRIED_BEATS: usize = 4;

/// Makes the orders for beats of `W` bits.
#[derive(LogicBlock)]
pub struct Planner<const W: usize> {
    /// The block's clock.
    pub clock: Signal<In, Clock>,
    /// Synchronous, active high; forgets both orders.
    pub reset: Signal<In, Bit>,
    /// What becomes of the frame.
    pub s_axis_verdict: StreamSink<Verdict>,
    /// Its layer 2 header as it came.
    pub s_axis_l2: StreamSink<L2Record>,
    /// For [`Patch`](super::Patch).
    pub m_axis_rewrite: StreamSource<Rewrite>,
    /// For [`Prepend`](super::Prepend).
    pub m_axis_heading: StreamSource<Heading>,

    verdict: Signal<Local, Verdict>,
    arrived: Signal<Local, FrameInfo>,
    egress_header: EgressHeader,
    forward: Signal<Local, Bit>,
    accept: Signal<Local, Bit>,
    free_s1: Signal<Local, Bit>,
    free_rewrite: Signal<Local, Bit>,
    free_heading: Signal<Local, Bit>,
    send_rewrite: Signal<Local, Bit>,
    send_heading: Signal<Local, Bit>,

    valid_s1: DFF<Bit>,
    forward_s1: DFF<Bit>,
    verdict_s1: DFF<Verdict>,
    header_s1: DFF<Bits<L2_BITS>>,
    header_length_s1: DFF<Bits<L2_LENGTH_BITS>>,
    length_s1: DFF<Bits<LENGTH_BITS>>,
    port_s1: DFF<Bits<PORT_BITS>>,
    leave_s1: Signal<Local, Bit>,
    // That order of the word in s1 is on its way.
    rewrite_sent: DFF<Bit>,
    heading_sent: DFF<Bit>,

    planned: Signal<Local, Verdict>,
    fields: PacketFields,
    slack: Signal<Local, Bits<SHIFT_BITS>>,
    placed: Signal<Local, Bits<HEADER_BITS>>,
    lead: Signal<Local, Bits<L2_LENGTH_BITS>>,
    frame: Signal<Local, FrameInfo>,
    frame_last: Signal<Local, Bits<LENGTH_BITS>>,
    punt: Signal<Local, PuntInfo>,
    new_rewrite: Signal<Local, Rewrite>,
    new_heading: Signal<Local, Heading>,

    rewrite_s2: DFF<Rewrite>,
    rewrite_valid_s2: DFF<Bit>,
    heading_s2: DFF<Heading>,
    heading_valid_s2: DFF<Bit>,

    every_clock: Constant<Bit>,
    forwarded: Constant<Bits<REASON_BITS>>,
    min_bytes: Constant<Bits<LENGTH_BITS>>,
    min_last: Constant<Bits<LENGTH_BITS>>,
    one: Constant<Bits<LENGTH_BITS>>,
    shift_mask: Constant<Bits<SHIFT_BITS>>,
}

impl<const W: usize> Planner<W> {
    /// Clocks from verdict to orders.
    pub const LATENCY: usize = 2;
}

impl<const W: usize> Default for Planner<W> {
    fn default() -> Self {
        let length = |bytes: usize| Constant::new((bytes as u64).into());
        Self {
            clock: Signal::default(),
            reset: Signal::default(),
            s_axis_verdict: StreamSink::default(),
            s_axis_l2: StreamSink::default(),
            m_axis_rewrite: StreamSource::default(),
            m_axis_heading: StreamSource::default(),
            verdict: Signal::default(),
            arrived: Signal::default(),
            egress_header: EgressHeader::default(),
            forward: Signal::default(),
            accept: Signal::default(),
            free_s1: Signal::default(),
            free_rewrite: Signal::default(),
            free_heading: Signal::default(),
            send_rewrite: Signal::default(),
            send_heading: Signal::default(),
            valid_s1: DFF::default(),
            forward_s1: DFF::default(),
            verdict_s1: DFF::default(),
            header_s1: DFF::default(),
            header_length_s1: DFF::default(),
            length_s1: DFF::default(),
            port_s1: DFF::default(),
            leave_s1: Signal::default(),
            rewrite_sent: DFF::default(),
            heading_sent: DFF::default(),
            planned: Signal::default(),
            fields: PacketFields::default(),
            slack: Signal::default(),
            placed: Signal::default(),
            lead: Signal::default(),
            frame: Signal::default(),
            frame_last: Signal::default(),
            punt: Signal::default(),
            new_rewrite: Signal::default(),
            new_heading: Signal::default(),
            rewrite_s2: DFF::default(),
            rewrite_valid_s2: DFF::default(),
            heading_s2: DFF::default(),
            heading_valid_s2: DFF::default(),
            every_clock: Constant::new(wire::MIN_FRAME_BYTES.div_ceil(W / 8) < UNHURRIED_BEATS),
            forwarded: Constant::new((Reason::Forwarded as u64).into()),
            min_bytes: length(wire::MIN_FRAME_BYTES),
            min_last: length(wire::MIN_FRAME_BYTES - 1),
            one: length(1),
            shift_mask: Constant::new((header_shifts(W).next_power_of_two() - 1).into()),
        }
    }
}

impl<const W: usize> Logic for Planner<W> {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, valid_s1, forward_s1, verdict_s1, header_s1, header_length_s1, length_s1, port_s1);
        dff_setup!(self, clock, rewrite_sent, heading_sent, rewrite_s2, rewrite_valid_s2, heading_s2, heading_valid_s2);

        // Backwards: s1 leaves when both orders are out of the way, both words are taken when s1 is.
        self.free_rewrite.next = !self.rewrite_valid_s2.q.val() | (self.m_axis_rewrite.ready.val() & self.every_clock.val());
        self.free_heading.next = !self.heading_valid_s2.q.val() | (self.m_axis_heading.ready.val() & self.every_clock.val());
        self.send_rewrite.next = self.valid_s1.q.val() & self.free_rewrite.val() & !self.rewrite_sent.q.val();
        self.send_heading.next = self.valid_s1.q.val() & self.free_heading.val() & !self.heading_sent.q.val();
        self.leave_s1.next =
            (self.send_rewrite.val() | self.rewrite_sent.q.val()) & (self.send_heading.val() | self.heading_sent.q.val());
        self.rewrite_sent.d.next = (self.rewrite_sent.q.val() | self.send_rewrite.val()) & !self.leave_s1.val();
        self.heading_sent.d.next = (self.heading_sent.q.val() | self.send_heading.val()) & !self.leave_s1.val();
        self.free_s1.next = !self.valid_s1.q.val() | (self.leave_s1.val() & self.every_clock.val());
        self.accept.next = self.s_axis_verdict.valid.val() & self.s_axis_l2.valid.val() & self.free_s1.val();
        self.s_axis_verdict.ready.next = self.accept.val();
        self.s_axis_l2.ready.next = self.accept.val();

        // s1.
        self.verdict.next = self.s_axis_verdict.data.val();
        self.arrived.next = self.verdict.val().frame;
        self.forward.next = self.verdict.val().reason == self.forwarded.val();
        self.egress_header.valid.next = self.s_axis_verdict.valid.val() & self.forward.val();
        self.egress_header.verdict.next = self.s_axis_verdict.data.val();
        if self.leave_s1.val() {
            self.valid_s1.d.next = false;
        }
        if self.accept.val() {
            self.valid_s1.d.next = true;
        }
        // What is wide moves whenever there is room, not only when something comes: its enables stay close to flip-flops.
        if self.free_s1.val() {
            self.forward_s1.d.next = self.forward.val();
            self.verdict_s1.d.next = self.verdict.val();
            if self.forward.val() {
                self.header_s1.d.next = self.egress_header.header.val();
                self.header_length_s1.d.next = self.egress_header.length.val();
                self.length_s1.d.next =
                    self.verdict.val().ip_length + bit_cast::<LENGTH_BITS, L2_LENGTH_BITS>(self.egress_header.length.val());
                self.port_s1.d.next = self.verdict.val().egress;
            } else {
                self.header_s1.d.next = self.s_axis_l2.data.val().bytes;
                self.header_length_s1.d.next = self.s_axis_l2.data.val().length;
                self.length_s1.d.next = self.arrived.val().length;
                self.port_s1.d.next = self.arrived.val().port;
            }
        }

        // s2, the header: moved right until its end is the end of a beat.
        self.slack.next = (!self.header_length_s1.q.val().get_bits::<SHIFT_BITS>(2)) & self.shift_mask.val();
        self.placed.next = 0.into();
        for step in SHIFT_STEP..(SHIFT_STEP + 1) {
            for i in 0_u64..header_shifts(W) {
                if self.slack.val() == i {
                    self.placed.next = bit_cast::<HEADER_BITS, L2_BITS>(self.header_s1.q.val()) >> (step * i);
                }
            }
        }
        self.lead.next = 0.into();
        for at in (beat_shift(W) as u64)..(beat_shift(W) as u64 + 1) {
            self.lead.next = self.header_length_s1.q.val() >> at;
        }
        self.planned.next = self.verdict_s1.q.val();
        self.frame.next.port = self.port_s1.q.val();
        self.frame.next.length = self.length_s1.q.val();
        self.frame_last.next = self.length_s1.q.val() - self.one.val();
        if self.forward_s1.q.val() & (self.length_s1.q.val() < self.min_bytes.val()) {
            self.frame.next.length = self.min_bytes.val();
            self.frame_last.next = self.min_last.val();
        }
        self.punt.next.frame = self.frame.val();
        self.punt.next.reason = self.planned.val().reason;
        self.punt.next.hit = self.planned.val().hit;
        self.punt.next.entry = self.planned.val().entry;
        self.new_heading.next.forward = self.forward_s1.q.val();
        self.new_heading.next.punt = self.punt.val();
        self.new_heading.next.header = self.placed.val();
        self.new_heading.next.shift = self.slack.val();
        self.new_heading.next.lead = bit_cast::<LEAD_BITS, L2_LENGTH_BITS>(self.lead.val());
        self.new_heading.next.frame_last = self.frame_last.val();

        // s2, the packet.
        self.fields.valid.next = self.valid_s1.q.val() & self.forward_s1.q.val();
        self.fields.verdict.next = self.verdict_s1.q.val();
        self.new_rewrite.next.forward = self.forward_s1.q.val();
        self.new_rewrite.next.body_last = self.planned.val().ip_length - self.one.val();
        self.new_rewrite.next.value = self.fields.value.val();
        self.new_rewrite.next.written = self.fields.written.val();

        if self.m_axis_rewrite.ready.val() {
            self.rewrite_valid_s2.d.next = false;
        }
        if self.m_axis_heading.ready.val() {
            self.heading_valid_s2.d.next = false;
        }
        if self.send_rewrite.val() {
            self.rewrite_valid_s2.d.next = true;
        }
        if self.send_heading.val() {
            self.heading_valid_s2.d.next = true;
        }
        if self.free_rewrite.val() {
            self.rewrite_s2.d.next = self.new_rewrite.val();
        }
        if self.free_heading.val() {
            self.heading_s2.d.next = self.new_heading.val();
        }
        self.m_axis_rewrite.data.next = self.rewrite_s2.q.val();
        self.m_axis_rewrite.valid.next = self.rewrite_valid_s2.q.val();
        self.m_axis_heading.data.next = self.heading_s2.q.val();
        self.m_axis_heading.valid.next = self.heading_valid_s2.q.val();

        if self.reset.val() {
            self.valid_s1.d.next = false;
            self.rewrite_sent.d.next = false;
            self.heading_sent.d.next = false;
            self.rewrite_valid_s2.d.next = false;
            self.heading_valid_s2.d.next = false;
        }
    }
}
