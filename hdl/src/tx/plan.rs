//! Turns a verdict and the layer 2 header it goes with into orders: what to write into the packet, what to put before it.
//!
//! ```text
//!                   +---------+
//!  s_axis_verdict ->| Planner |--> m_axis_rewrite
//!  s_axis_l2 ------>|         |--> m_axis_heading
//!                   +---------+
//! ```
//! Latency [`Planner::LATENCY`] clock, a frame a clock when both orders are taken as they come. The orders come from flip-flops.
//!
//! # Contract
//! - One word of each input makes one word of each output, in order. A new pair of orders starts when both of the pair before
//!   have been taken or are taken in this clock.
//! - Reason `Forwarded`: the header is built from the verdict; the frame is header and packet, and at least
//!   [`wire::MIN_FRAME_BYTES`] long. Any other reason: the header is the one that came, the frame as long as it was.
//! - A header is 14, 18, 22, 26 or 30 bytes: Ethernet, up to two tags, PPPoE.

use fpgaflow_abi::reason::Reason;
use fpgaflow_abi::wire;

use super::beat_shift;
use super::patch::Rewrite;
use super::prepend::{HEADER_BITS, Heading, LEAD_BITS, SHIFT_BITS, SHIFT_STEP, header_shifts};
use crate::prelude::*;
use crate::records::{ADDRESS_BITS, FrameInfo, L2_BITS, L2Record, LENGTH_BITS, PuntInfo, REASON_BITS, Verdict};

/// Bits of a header's length in [`L2Record`].
const L2_LENGTH_BITS: usize = 5;
/// Where the fields of an untagged header begin in a left-aligned one (IEEE 802.3 3.2).
const DST_MAC_LSB: u64 = (L2_BITS - 48) as u64;
const SRC_MAC_LSB: u64 = DST_MAC_LSB - 48;
const ETHERTYPE_LSB: u64 = SRC_MAC_LSB - 16;

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
    forward: Signal<Local, Bit>,
    header: Signal<Local, Bits<L2_BITS>>,
    header_length: Signal<Local, Bits<L2_LENGTH_BITS>>,
    slack: Signal<Local, Bits<SHIFT_BITS>>,
    placed: Signal<Local, Bits<HEADER_BITS>>,
    lead: Signal<Local, Bits<L2_LENGTH_BITS>>,
    frame: Signal<Local, FrameInfo>,
    frame_last: Signal<Local, Bits<LENGTH_BITS>>,
    punt: Signal<Local, PuntInfo>,
    src_address: Signal<Local, Bits<ADDRESS_BITS>>,
    dst_address: Signal<Local, Bits<ADDRESS_BITS>>,
    accept: Signal<Local, Bit>,
    new_rewrite: Signal<Local, Rewrite>,
    new_heading: Signal<Local, Heading>,

    rewrite_s1: DFF<Rewrite>,
    rewrite_valid_s1: DFF<Bit>,
    heading_s1: DFF<Heading>,
    heading_valid_s1: DFF<Bit>,

    forwarded: Constant<Bits<REASON_BITS>>,
    eth_type: Constant<Bits<16>>,
    eth_length: Constant<Bits<L2_LENGTH_BITS>>,
    eth_bytes: Constant<Bits<LENGTH_BITS>>,
    eth_last: Constant<Bits<LENGTH_BITS>>,
    min_body: Constant<Bits<LENGTH_BITS>>,
    min_bytes: Constant<Bits<LENGTH_BITS>>,
    min_last: Constant<Bits<LENGTH_BITS>>,
    one: Constant<Bits<LENGTH_BITS>>,
    shift_mask: Constant<Bits<SHIFT_BITS>>,
}

impl<const W: usize> Planner<W> {
    /// Clocks from verdict to orders.
    pub const LATENCY: usize = 1;
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
            forward: Signal::default(),
            header: Signal::default(),
            header_length: Signal::default(),
            slack: Signal::default(),
            placed: Signal::default(),
            lead: Signal::default(),
            frame: Signal::default(),
            frame_last: Signal::default(),
            punt: Signal::default(),
            src_address: Signal::default(),
            dst_address: Signal::default(),
            accept: Signal::default(),
            new_rewrite: Signal::default(),
            new_heading: Signal::default(),
            rewrite_s1: DFF::default(),
            rewrite_valid_s1: DFF::default(),
            heading_s1: DFF::default(),
            heading_valid_s1: DFF::default(),
            forwarded: Constant::new((Reason::Forwarded as u64).into()),
            eth_type: Constant::new(u64::from(wire::ETHERTYPE_IPV4).into()),
            eth_length: Constant::new((wire::ETH_HEADER_BYTES as u64).into()),
            eth_bytes: length(wire::ETH_HEADER_BYTES),
            eth_last: length(wire::ETH_HEADER_BYTES - 1),
            min_body: length(wire::MIN_FRAME_BYTES - wire::ETH_HEADER_BYTES),
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
        dff_setup!(self, clock, rewrite_s1, rewrite_valid_s1, heading_s1, heading_valid_s1);
        self.verdict.next = self.s_axis_verdict.data.val();
        self.forward.next = self.verdict.val().reason == self.forwarded.val();

        // The header that leaves, left-aligned, and the frame's lengths: every sum beside the others, then a choice.
        self.header.next = self.s_axis_l2.data.val().bytes;
        self.header_length.next = self.s_axis_l2.data.val().length;
        self.frame.next = self.verdict.val().frame;
        self.frame_last.next = self.frame.val().length - self.one.val();
        if self.forward.val() {
            for dst in DST_MAC_LSB..(DST_MAC_LSB + 1) {
                for src in SRC_MAC_LSB..(SRC_MAC_LSB + 1) {
                    for ethertype in ETHERTYPE_LSB..(ETHERTYPE_LSB + 1) {
                        self.header.next = (bit_cast::<L2_BITS, 48>(self.verdict.val().dst_mac) << dst)
                            | (bit_cast::<L2_BITS, 48>(self.verdict.val().src_mac) << src)
                            | (bit_cast::<L2_BITS, 16>(self.eth_type.val()) << ethertype);
                    }
                }
            }
            self.header_length.next = self.eth_length.val();
            self.frame.next.port = self.verdict.val().egress;
            if self.verdict.val().ip_length < self.min_body.val() {
                self.frame.next.length = self.min_bytes.val();
                self.frame_last.next = self.min_last.val();
            } else {
                self.frame.next.length = self.verdict.val().ip_length + self.eth_bytes.val();
                self.frame_last.next = self.verdict.val().ip_length + self.eth_last.val();
            }
        }

        // The header as it meets the packet: moved right until its end is the end of a beat.
        self.slack.next = (!self.header_length.val().get_bits::<SHIFT_BITS>(2)) & self.shift_mask.val();
        self.placed.next = 0.into();
        for step in SHIFT_STEP..(SHIFT_STEP + 1) {
            for i in 0_u64..header_shifts(W) {
                if self.slack.val() == i {
                    self.placed.next = bit_cast::<HEADER_BITS, L2_BITS>(self.header.val()) >> (step * i);
                }
            }
        }
        self.lead.next = 0.into();
        for at in (beat_shift(W) as u64)..(beat_shift(W) as u64 + 1) {
            self.lead.next = self.header_length.val() >> at;
        }

        self.new_rewrite.next.forward = self.forward.val();
        self.new_rewrite.next.body_last = self.verdict.val().ip_length - self.one.val();
        self.new_rewrite.next.udp = self.verdict.val().udp;
        self.new_rewrite.next.ttl = self.verdict.val().ttl;
        self.new_rewrite.next.l3_checksum = self.verdict.val().l3_checksum;
        self.src_address.next = self.verdict.val().src;
        self.new_rewrite.next.src = self.src_address.val().get_bits::<32>(0);
        self.dst_address.next = self.verdict.val().dst;
        self.new_rewrite.next.dst = self.dst_address.val().get_bits::<32>(0);
        self.new_rewrite.next.sport = self.verdict.val().sport;
        self.new_rewrite.next.dport = self.verdict.val().dport;
        self.new_rewrite.next.l4_checksum = self.verdict.val().l4_checksum;
        self.punt.next.frame = self.frame.val();
        self.punt.next.reason = self.verdict.val().reason;
        self.punt.next.hit = self.verdict.val().hit;
        self.punt.next.entry = self.verdict.val().entry;
        self.new_heading.next.forward = self.forward.val();
        self.new_heading.next.punt = self.punt.val();
        self.new_heading.next.header = self.placed.val();
        self.new_heading.next.shift = self.slack.val();
        self.new_heading.next.lead = bit_cast::<LEAD_BITS, L2_LENGTH_BITS>(self.lead.val());
        self.new_heading.next.frame_last = self.frame_last.val();

        // Both words are taken when both orders are out of the way.
        self.accept.next = self.s_axis_verdict.valid.val()
            & self.s_axis_l2.valid.val()
            & (self.m_axis_rewrite.ready.val() | !self.rewrite_valid_s1.q.val())
            & (self.m_axis_heading.ready.val() | !self.heading_valid_s1.q.val());
        self.s_axis_verdict.ready.next = self.accept.val();
        self.s_axis_l2.ready.next = self.accept.val();
        if self.m_axis_rewrite.ready.val() {
            self.rewrite_valid_s1.d.next = false;
        }
        if self.m_axis_heading.ready.val() {
            self.heading_valid_s1.d.next = false;
        }
        if self.accept.val() {
            self.rewrite_s1.d.next = self.new_rewrite.val();
            self.rewrite_valid_s1.d.next = true;
            self.heading_s1.d.next = self.new_heading.val();
            self.heading_valid_s1.d.next = true;
        }
        self.m_axis_rewrite.data.next = self.rewrite_s1.q.val();
        self.m_axis_rewrite.valid.next = self.rewrite_valid_s1.q.val();
        self.m_axis_heading.data.next = self.heading_s1.q.val();
        self.m_axis_heading.valid.next = self.heading_valid_s1.q.val();

        if self.reset.val() {
            self.rewrite_valid_s1.d.next = false;
            self.heading_valid_s1.d.next = false;
        }
    }
}
