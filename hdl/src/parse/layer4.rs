//! Does a TCP, UDP or GRE header fit the IP packet that holds it?
//!
//! ```text
//!  payload, udp, gre -->+-------------+
//!  rows[5] ------------>| Layer4Check |--> malformed, versioned
//!                       +-------------+
//! ```
//! Latency [`CHECK_LATENCY`](super::CHECK_LATENCY) clocks, a header a clock. Outputs come from flip-flops.
//!
//! # Contract
//! - `malformed` for UDP: a UDP length below 8 or beyond the IP payload. For TCP: a data offset below 5 or beyond the IP payload. For
//!   GRE: an IP payload below 4. A payload that is too short for a header is malformed with it: no length that the header needs fits it.
//! - `versioned` for GRE: a version other than 0 (RFC 2637 has 1). Means nothing with `malformed`.
//! - Of a datagram of which the payload is the first `part` only, the UDP length is not compared with what is there: the header must be.
//! - Neither means anything for a packet of another protocol, with IP options or extensions, or for a later fragment.

use std::array;

use fpgaflow_abi::wire;

use super::TCP_ROWS;
use crate::prelude::*;
use crate::records::LENGTH_BITS;

/// Looks at lengths in the layer 4 header.
#[derive(LogicBlock)]
pub struct Layer4Check {
    /// The block's clock.
    pub clock: Signal<In, Clock>,
    /// Bytes behind the IP header, by that header.
    pub payload: Signal<In, Bits<LENGTH_BITS>>,
    /// UDP.
    pub udp: Signal<In, Bit>,
    /// GRE; neither this nor UDP is TCP.
    pub gre: Signal<In, Bit>,
    /// The packet is not all of its datagram.
    pub part: Signal<In, Bit>,
    /// Rows of the layer 4 header.
    pub rows: [Signal<In, Bits<32>>; TCP_ROWS],
    /// Contradicts itself or the packet.
    pub malformed: Signal<Out, Bit>,
    /// A GRE header that is not of version 0.
    pub versioned: Signal<Out, Bit>,

    data_offset: Signal<Local, Bits<4>>,
    udp_length: Signal<Local, Bits<LENGTH_BITS>>,
    gre_flags: Signal<Local, Bits<16>>,
    broken_s1: DFF<Bit>,
    payload_s1: DFF<Bits<LENGTH_BITS>>,
    needed_s1: DFF<Bits<LENGTH_BITS>>,
    versioned_s1: DFF<Bit>,
    malformed_s2: DFF<Bit>,
    versioned_s2: DFF<Bit>,

    udp_bytes: Constant<Bits<LENGTH_BITS>>,
    gre_bytes: Constant<Bits<LENGTH_BITS>>,
    tcp_rows: Constant<Bits<4>>,
    gre_version: Constant<Bits<16>>,
}

impl Default for Layer4Check {
    fn default() -> Self {
        let bytes = |bytes: usize| Constant::new((bytes as u64).into());
        Self {
            clock: Signal::default(),
            payload: Signal::default(),
            udp: Signal::default(),
            gre: Signal::default(),
            part: Signal::default(),
            rows: array::from_fn(|_| Signal::default()),
            malformed: Signal::default(),
            versioned: Signal::default(),
            data_offset: Signal::default(),
            udp_length: Signal::default(),
            gre_flags: Signal::default(),
            broken_s1: DFF::default(),
            payload_s1: DFF::default(),
            needed_s1: DFF::default(),
            versioned_s1: DFF::default(),
            malformed_s2: DFF::default(),
            versioned_s2: DFF::default(),
            udp_bytes: bytes(wire::UDP_HEADER_BYTES),
            gre_bytes: bytes(wire::GRE_HEADER_BYTES),
            tcp_rows: Constant::new((TCP_ROWS as u64).into()),
            gre_version: Constant::new(u64::from(wire::GRE_VERSION).into()),
        }
    }
}

impl Logic for Layer4Check {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, broken_s1, payload_s1, needed_s1, versioned_s1, malformed_s2, versioned_s2);

        // UDP row 1: length, checksum. TCP row 3: data offset in rows, flags, window. GRE row 0: flags and version, protocol.
        self.udp_length.next = self.rows[1].val().get_bits::<LENGTH_BITS>(16);
        self.data_offset.next = self.rows[3].val().get_bits::<4>(28);
        self.gre_flags.next = self.rows[0].val().get_bits::<16>(16);
        self.payload_s1.d.next = self.payload.val();
        self.versioned_s1.d.next = false;
        if self.udp.val() {
            self.broken_s1.d.next = self.udp_length.val() < self.udp_bytes.val();
            self.needed_s1.d.next = self.udp_length.val();
            if self.part.val() {
                self.needed_s1.d.next = self.udp_bytes.val();
            }
        } else if self.gre.val() {
            self.broken_s1.d.next = false;
            self.needed_s1.d.next = self.gre_bytes.val();
            self.versioned_s1.d.next = (self.gre_flags.val() & self.gre_version.val()).any();
        } else {
            self.broken_s1.d.next = self.data_offset.val() < self.tcp_rows.val();
            self.needed_s1.d.next = bit_cast::<LENGTH_BITS, 4>(self.data_offset.val()) << 2;
        }
        self.malformed_s2.d.next = self.broken_s1.q.val() | (self.needed_s1.q.val() > self.payload_s1.q.val());
        self.versioned_s2.d.next = self.versioned_s1.q.val();
        self.malformed.next = self.malformed_s2.q.val();
        self.versioned.next = self.versioned_s2.q.val();
    }
}
