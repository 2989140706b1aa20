//! Does a TCP, UDP or GRE header fit the IP packet that holds it?
//!
//! ```text
//!  payload, protocol, gre, part -->+-------------+
//!  rows_v4[4], rows_v6[4], -------->| Layer4Check |--> malformed, versioned
//!  row_fragment ------------------->+-------------+
//! ```
//! Latency [`CHECK_LATENCY`](super::CHECK_LATENCY) clocks, a header a clock. `malformed` is a LUT behind flip-flops, `versioned` is one.
//!
//! # Contract
//! - `malformed` for UDP: a UDP length below 8 or beyond the IP payload. For TCP: a data offset below 5 or beyond the IP payload. For
//!   GRE: an IP payload below 4. A payload that is too short for a header is malformed with it: no length that the header needs fits it.
//! - `versioned` for GRE: a version other than 0 (RFC 2637 has 1). Means nothing with `malformed`.
//! - Of a datagram of which the payload is the first `part` only, the UDP length is not compared with what is there: the header must be.
//! - Neither means anything for a packet of another protocol, with IP options or extensions, or for a later fragment.

use std::array;

use fpgaflow_abi::wire;

use super::{BEYOND_BITS, Placed, TCP_ROWS};
use crate::prelude::*;
use crate::records::LENGTH_BITS;

/// Rows looked at: up to TCP's data offset.
const ROWS: usize = 4;

/// Bits of a length that say that it is at least a header of UDP's, of GRE's.
const OVER_UDP_BITS: usize = LENGTH_BITS - 3;
const OVER_GRE_BITS: usize = LENGTH_BITS - 2;

const _: () = assert!(wire::UDP_HEADER_BYTES == 1 << 3 && wire::GRE_HEADER_BYTES == 1 << 2);
const _: () = assert!(TCP_ROWS == 5, "a data offset is told to be below 5 bit by bit");

/// Looks at lengths in the layer 4 header.
#[derive(LogicBlock)]
pub struct Layer4Check {
    /// The block's clock.
    pub clock: Signal<In, Clock>,
    /// Bytes behind the IP header, by that header.
    pub payload: Signal<In, Bits<LENGTH_BITS>>,
    /// IP protocol.
    pub protocol: Signal<In, Bits<8>>,
    /// GRE; neither this nor UDP is TCP.
    pub gre: Signal<In, Bit>,
    /// The packet is not all of its datagram.
    pub part: Signal<In, Bit>,
    /// The packet is IPv6's.
    pub v6: Signal<In, Bit>,
    /// A fragment header follows; IPv6's alone.
    pub fragment_header: Signal<In, Bit>,
    /// Rows behind a header of IPv4.
    pub rows_v4: [Signal<In, Bits<32>>; ROWS],
    /// Behind one of IPv6.
    pub rows_v6: [Signal<In, Bits<32>>; ROWS],
    /// Row 1 behind a fragment header, which UDP alone follows.
    pub row_fragment: Signal<In, Bits<32>>,
    /// Contradicts itself or the packet.
    pub malformed: Signal<Out, Bit>,
    /// A GRE header that is not of version 0.
    pub versioned: Signal<Out, Bit>,

    gre_flags: Signal<Local, Bits<16>>,
    udp_length: Placed<LENGTH_BITS>,
    protocol_s1: DFF<Bits<8>>,
    gre_s1: DFF<Bit>,
    part_s1: DFF<Bit>,
    data_offset_s1: DFF<Bits<4>>,
    payload_s1: DFF<Bits<LENGTH_BITS>>,
    versioned_s1: DFF<Bit>,
    length: Signal<Local, Bits<LENGTH_BITS>>,
    payload_rows: Signal<Local, Bits<4>>,
    beyond: Signal<Local, Bit>,
    data_offset: Signal<Local, Bits<4>>,
    header_is_whole: Signal<Local, Bit>,
    udp_short: Signal<Local, Bit>,
    no_udp: Signal<Local, Bit>,
    no_gre: Signal<Local, Bit>,
    udp: Signal<Local, Bit>,
    short_s2: DFF<Bit>,
    over_s2: DFF<Bit>,
    other_s2: DFF<Bit>,
    versioned_s2: DFF<Bit>,

    proto_udp: Constant<Bits<8>>,
    gre_version: Constant<Bits<16>>,
}

impl Default for Layer4Check {
    fn default() -> Self {
        Self {
            clock: Signal::default(),
            payload: Signal::default(),
            protocol: Signal::default(),
            gre: Signal::default(),
            part: Signal::default(),
            v6: Signal::default(),
            fragment_header: Signal::default(),
            rows_v4: array::from_fn(|_| Signal::default()),
            rows_v6: array::from_fn(|_| Signal::default()),
            row_fragment: Signal::default(),
            malformed: Signal::default(),
            versioned: Signal::default(),
            gre_flags: Signal::default(),
            udp_length: Placed::default(),
            protocol_s1: DFF::default(),
            gre_s1: DFF::default(),
            part_s1: DFF::default(),
            data_offset_s1: DFF::default(),
            payload_s1: DFF::default(),
            versioned_s1: DFF::default(),
            length: Signal::default(),
            payload_rows: Signal::default(),
            beyond: Signal::default(),
            data_offset: Signal::default(),
            header_is_whole: Signal::default(),
            udp_short: Signal::default(),
            no_udp: Signal::default(),
            no_gre: Signal::default(),
            udp: Signal::default(),
            short_s2: DFF::default(),
            over_s2: DFF::default(),
            other_s2: DFF::default(),
            versioned_s2: DFF::default(),
            proto_udp: Constant::new(u64::from(wire::PROTO_UDP).into()),
            gre_version: Constant::new(u64::from(wire::GRE_VERSION).into()),
        }
    }
}

impl Logic for Layer4Check {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(
            self,
            clock,
            protocol_s1,
            gre_s1,
            part_s1,
            data_offset_s1,
            payload_s1,
            versioned_s1,
            short_s2,
            over_s2,
            other_s2,
            versioned_s2
        );
        self.udp_length.clock.next = self.clock.val();

        // UDP row 1: length, checksum. TCP row 3: data offset in rows, flags, window. GRE row 0: flags and version, protocol.
        self.udp_length.v6.next = self.v6.val();
        self.udp_length.fragment_header.next = self.fragment_header.val();
        self.udp_length.behind_v4.next = self.rows_v4[1].val().get_bits::<LENGTH_BITS>(16);
        self.udp_length.behind_v6.next = self.rows_v6[1].val().get_bits::<LENGTH_BITS>(16);
        self.udp_length.behind_fragment.next = self.row_fragment.val().get_bits::<LENGTH_BITS>(16);
        self.data_offset_s1.d.next = self.rows_v4[3].val().get_bits::<4>(28);
        self.gre_flags.next = self.rows_v4[0].val().get_bits::<16>(16);
        if self.v6.val() {
            self.data_offset_s1.d.next = self.rows_v6[3].val().get_bits::<4>(28);
            self.gre_flags.next = self.rows_v6[0].val().get_bits::<16>(16);
        }
        self.versioned_s1.d.next = (self.gre_flags.val() & self.gre_version.val()).any();
        self.protocol_s1.d.next = self.protocol.val();
        self.gre_s1.d.next = self.gre.val();
        self.part_s1.d.next = self.part.val();
        self.payload_s1.d.next = self.payload.val();

        // Every protocol by itself.
        self.length.next = self.udp_length.field.val();
        self.data_offset.next = self.data_offset_s1.q.val();
        self.payload_rows.next = self.payload_s1.q.val().get_bits::<4>(2);
        self.beyond.next =
            !self.payload_s1.q.val().get_bits::<BEYOND_BITS>(6).any() & (self.data_offset.val() > self.payload_rows.val());
        self.header_is_whole.next = self.data_offset.val().get_bit(3)
            | (self.data_offset.val().get_bit(2) & self.data_offset.val().get_bits::<2>(0).any());
        self.udp_short.next = !self.length.val().get_bits::<OVER_UDP_BITS>(3).any();
        self.no_udp.next = !self.payload_s1.q.val().get_bits::<OVER_UDP_BITS>(3).any();
        self.no_gre.next = !self.payload_s1.q.val().get_bits::<OVER_GRE_BITS>(2).any();
        self.udp.next = self.protocol_s1.q.val() == self.proto_udp.val();
        self.short_s2.d.next = self.udp.val() & self.udp_short.val();
        self.over_s2.d.next = (self.udp.val() & !self.part_s1.q.val()) & (self.length.val() > self.payload_s1.q.val());
        if self.udp.val() {
            self.other_s2.d.next = self.part_s1.q.val() & self.no_udp.val();
        } else if self.gre_s1.q.val() {
            self.other_s2.d.next = self.no_gre.val();
        } else {
            self.other_s2.d.next = !self.header_is_whole.val() | self.beyond.val();
        }
        self.versioned_s2.d.next = self.gre_s1.q.val() & self.versioned_s1.q.val();
        self.malformed.next = self.short_s2.q.val() | self.over_s2.q.val() | self.other_s2.q.val();
        self.versioned.next = self.versioned_s2.q.val();
    }
}
