//! What an IPv4 header says about a packet, its checksum apart.
//!
//! ```text
//!  rows[3] ------>+-------------+
//!  bytes -------->| Layer3Check |--> malformed, options, fragment, icmp, other
//!                 +-------------+
//! ```
//! Latency [`CHECK_LATENCY`](super::CHECK_LATENCY) clocks, a header a clock. Outputs come from flip-flops and are told all at once.
//!
//! `malformed` is a header that contradicts itself or the frame: fewer bytes than a header, a version other than 4, an IHL
//! below 5 or beyond the total length, a total length beyond the bytes that there are. Everything else means nothing with it.

use std::array;

use fpgaflow_abi::wire;

use super::{IPV4_ROWS, ROW_BYTES};
use crate::prelude::*;
use crate::records::LENGTH_BITS;

/// Rows looked at: up to the protocol.
const ROWS: usize = 3;
/// Value of the version field.
const VERSION: u64 = 4;
/// More-fragments flag and fragment offset, in the upper half of row 1; not the reserved bit, not don't-fragment.
const FRAGMENT_MASK: u64 = 0x3fff;

/// Looks at the first rows of an IPv4 header.
#[derive(LogicBlock)]
pub struct Layer3Check {
    /// The block's clock.
    pub clock: Signal<In, Clock>,
    /// Rows 0 to 2.
    pub rows: [Signal<In, Bits<32>>; ROWS],
    /// Bytes behind layer 2.
    pub bytes: Signal<In, Bits<LENGTH_BITS>>,
    /// Contradicts itself or the frame.
    pub malformed: Signal<Out, Bit>,
    /// Has options.
    pub options: Signal<Out, Bit>,
    /// Is a fragment.
    pub fragment: Signal<Out, Bit>,
    /// Holds ICMP.
    pub icmp: Signal<Out, Bit>,
    /// Holds neither ICMP nor TCP nor UDP.
    pub other: Signal<Out, Bit>,

    version: Signal<Local, Bits<4>>,
    ihl: Signal<Local, Bits<4>>,
    header_bytes: Signal<Local, Bits<LENGTH_BITS>>,
    total: Signal<Local, Bits<LENGTH_BITS>>,
    fragment_word: Signal<Local, Bits<16>>,
    protocol: Signal<Local, Bits<8>>,

    broken_s1: DFF<Bit>,
    total_s1: DFF<Bits<LENGTH_BITS>>,
    bytes_s1: DFF<Bits<LENGTH_BITS>>,
    options_s1: DFF<Bit>,
    fragment_s1: DFF<Bit>,
    icmp_s1: DFF<Bit>,
    other_s1: DFF<Bit>,
    malformed_s2: DFF<Bit>,
    options_s2: DFF<Bit>,
    fragment_s2: DFF<Bit>,
    icmp_s2: DFF<Bit>,
    other_s2: DFF<Bit>,

    version_4: Constant<Bits<4>>,
    no_options: Constant<Bits<4>>,
    least: Constant<Bits<LENGTH_BITS>>,
    fragment_mask: Constant<Bits<16>>,
    proto_icmp: Constant<Bits<8>>,
    proto_tcp: Constant<Bits<8>>,
    proto_udp: Constant<Bits<8>>,
}

impl Default for Layer3Check {
    fn default() -> Self {
        Self {
            clock: Signal::default(),
            rows: array::from_fn(|_| Signal::default()),
            bytes: Signal::default(),
            malformed: Signal::default(),
            options: Signal::default(),
            fragment: Signal::default(),
            icmp: Signal::default(),
            other: Signal::default(),
            version: Signal::default(),
            ihl: Signal::default(),
            header_bytes: Signal::default(),
            total: Signal::default(),
            fragment_word: Signal::default(),
            protocol: Signal::default(),
            broken_s1: DFF::default(),
            total_s1: DFF::default(),
            bytes_s1: DFF::default(),
            options_s1: DFF::default(),
            fragment_s1: DFF::default(),
            icmp_s1: DFF::default(),
            other_s1: DFF::default(),
            malformed_s2: DFF::default(),
            options_s2: DFF::default(),
            fragment_s2: DFF::default(),
            icmp_s2: DFF::default(),
            other_s2: DFF::default(),
            version_4: Constant::new(VERSION.into()),
            no_options: Constant::new((IPV4_ROWS as u64).into()),
            least: Constant::new(((IPV4_ROWS * ROW_BYTES) as u64).into()),
            fragment_mask: Constant::new(FRAGMENT_MASK.into()),
            proto_icmp: Constant::new(u64::from(wire::PROTO_ICMP).into()),
            proto_tcp: Constant::new(u64::from(wire::PROTO_TCP).into()),
            proto_udp: Constant::new(u64::from(wire::PROTO_UDP).into()),
        }
    }
}

impl Logic for Layer3Check {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, broken_s1, total_s1, bytes_s1, options_s1, fragment_s1, icmp_s1, other_s1);
        dff_setup!(self, clock, malformed_s2, options_s2, fragment_s2, icmp_s2, other_s2);

        // Row 0: version, IHL, type of service, total length. Row 1: identification, flags, fragment offset.
        // Row 2: TTL, protocol, header checksum.
        self.version.next = self.rows[0].val().get_bits::<4>(28);
        self.ihl.next = self.rows[0].val().get_bits::<4>(24);
        self.total.next = self.rows[0].val().get_bits::<LENGTH_BITS>(0);
        self.fragment_word.next = self.rows[1].val().get_bits::<16>(0);
        self.protocol.next = self.rows[2].val().get_bits::<8>(16);
        self.header_bytes.next = bit_cast::<LENGTH_BITS, 4>(self.ihl.val()) << 2;

        self.broken_s1.d.next = (self.version.val() != self.version_4.val())
            | (self.ihl.val() < self.no_options.val())
            | (self.header_bytes.val() > self.total.val())
            | (self.bytes.val() < self.least.val());
        self.total_s1.d.next = self.total.val();
        self.bytes_s1.d.next = self.bytes.val();
        self.options_s1.d.next = self.ihl.val() > self.no_options.val();
        self.fragment_s1.d.next = (self.fragment_word.val() & self.fragment_mask.val()).any();
        self.icmp_s1.d.next = self.protocol.val() == self.proto_icmp.val();
        self.other_s1.d.next = (self.protocol.val() != self.proto_icmp.val())
            & (self.protocol.val() != self.proto_tcp.val())
            & (self.protocol.val() != self.proto_udp.val());

        self.malformed_s2.d.next = self.broken_s1.q.val() | (self.total_s1.q.val() > self.bytes_s1.q.val());
        self.options_s2.d.next = self.options_s1.q.val();
        self.fragment_s2.d.next = self.fragment_s1.q.val();
        self.icmp_s2.d.next = self.icmp_s1.q.val();
        self.other_s2.d.next = self.other_s1.q.val();

        self.malformed.next = self.malformed_s2.q.val();
        self.options.next = self.options_s2.q.val();
        self.fragment.next = self.fragment_s2.q.val();
        self.icmp.next = self.icmp_s2.q.val();
        self.other.next = self.other_s2.q.val();
    }
}
