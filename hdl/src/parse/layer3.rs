//! What an IP header says about a packet, the checksum of IPv4 apart.
//!
//! ```text
//!  rows[3], v6, fragment_header -->+-------------+
//!  length, behind ---------------->| Layer3Check |--> malformed, options, extension, fragment, icmp, other
//!  pppoe, pppoe_length ----------->|             |--> first, later
//!  more, offset, whole_header ---->+-------------+
//! ```
//! Latency [`CHECK_LATENCY`](super::CHECK_LATENCY) clocks, a header a clock. Outputs come from flip-flops and are told all at once.
//!
//! # Contract
//! - `malformed` is a header that contradicts itself or what is there: a version other than that of its EtherType, an IHL below 5 or
//!   beyond the total length, a packet longer than the bytes behind layer 2 or than a PPPoE header leaves it. Everything else means
//!   nothing with it.
//! - `first` and `later` are fragments to look up, `fragment` is any other: TCP and UDP of IPv4, UDP of IPv6, while `fragments` is on. None of
//!   the three is an IPv4 packet that is whole; an IPv6 packet with a fragment header that is whole is a `fragment`.
//! - `options` are IPv4's, `extension` is IPv6's; protocol 1 is ICMP in
//!   IPv4, 58 in IPv6. `other` is neither ICMP nor TCP, UDP or GRE; it means nothing with `extension` or `fragment`.

use std::array;

use fpgaflow_abi::fragment::OFFSET_BITS;
use fpgaflow_abi::wire;

use super::{BEYOND_BITS, IP_LENGTH_BITS, IPV4_ROWS};
use crate::prelude::*;
use crate::records::LENGTH_BITS;

/// Rows looked at: up to IPv4's protocol.
const ROWS: usize = 3;
const _: () = assert!(IPV4_ROWS == 5, "an IHL is told to be below, at or above 5 bit by bit");

/// Values of the version field.
const VERSION_4: u64 = 4;
const VERSION_6: u64 = 6;
/// Next headers that make an extension.
const EXTENSIONS: usize = wire::NEXT_HEADER_EXTENSIONS.len();
/// Protocols that are looked up.
const LOOKED_UP: [u8; 3] = [wire::PROTO_TCP, wire::PROTO_UDP, wire::PROTO_GRE];

/// Looks at the first rows of an IP header.
#[derive(LogicBlock)]
pub struct Layer3Check {
    /// The block's clock.
    pub clock: Signal<In, Clock>,
    /// Rows 0 to 2.
    pub rows: [Signal<In, Bits<32>>; ROWS],
    /// They are IPv6's.
    pub v6: Signal<In, Bit>,
    /// A fragment header follows; IPv6's alone.
    pub fragment_header: Signal<In, Bit>,
    /// Protocol or next header, behind a fragment header the one that it names.
    pub protocol: Signal<In, Bits<8>>,
    /// Bytes of the packet, by its header.
    pub length: Signal<In, Bits<IP_LENGTH_BITS>>,
    /// The same with the PPP protocol before it.
    pub ppp_length: Signal<In, Bits<IP_LENGTH_BITS>>,
    /// Bytes of the frame behind layer 2.
    pub behind: Signal<In, Bits<LENGTH_BITS>>,
    /// Layer 2 ends with a PPPoE header.
    pub pppoe: Signal<In, Bit>,
    /// Its length field, which counts the PPP protocol too.
    pub pppoe_length: Signal<In, Bits<LENGTH_BITS>>,
    /// Fragments are to be looked up.
    pub fragments: Signal<In, Bit>,
    /// More fragments follow.
    pub more: Signal<In, Bit>,
    /// Fragment offset.
    pub offset: Signal<In, Bits<OFFSET_BITS>>,
    /// The packet has all of its fragment header, if it has one.
    pub whole_header: Signal<In, Bit>,
    /// Contradicts itself or what is there.
    pub malformed: Signal<Out, Bit>,
    /// Has IPv4 options.
    pub options: Signal<Out, Bit>,
    /// Has an IPv6 extension header other than a fragment header.
    pub extension: Signal<Out, Bit>,
    /// Is a fragment, or has a fragment header, and is not to be looked up.
    pub fragment: Signal<Out, Bit>,
    /// Is a first fragment to look up.
    pub first: Signal<Out, Bit>,
    /// Is a later fragment to look up.
    pub later: Signal<Out, Bit>,
    /// Holds ICMP or ICMPv6.
    pub icmp: Signal<Out, Bit>,
    /// Holds something else that is not looked up.
    pub other: Signal<Out, Bit>,

    version: Signal<Local, Bits<4>>,
    ihl: Signal<Local, Bits<4>>,
    header_is_whole: Signal<Local, Bit>,
    beyond: Signal<Local, Bit>,
    total: Signal<Local, Bits<LENGTH_BITS>>,
    total_rows: Signal<Local, Bits<4>>,
    part: Signal<Local, Bit>,
    ported: Signal<Local, Bit>,
    taken: Signal<Local, Bit>,
    looked_up: Signal<Local, Bit>,
    listed: Signal<Local, Bit>,

    broken_s1: DFF<Bit>,
    length_s1: DFF<Bits<IP_LENGTH_BITS>>,
    behind_s1: DFF<Bits<LENGTH_BITS>>,
    pppoe_s1: DFF<Bit>,
    ppp_length_s1: DFF<Bits<IP_LENGTH_BITS>>,
    room_s1: DFF<Bits<LENGTH_BITS>>,
    options_s1: DFF<Bit>,
    protocol_s1: DFF<Bits<8>>,
    v6_s1: DFF<Bit>,
    fragment_header_s1: DFF<Bit>,
    more_s1: DFF<Bit>,
    follows_s1: DFF<Bit>,
    whole_header_s1: DFF<Bit>,
    malformed_s2: DFF<Bit>,
    options_s2: DFF<Bit>,
    extension_s2: DFF<Bit>,
    fragment_s2: DFF<Bit>,
    first_s2: DFF<Bit>,
    later_s2: DFF<Bit>,
    icmp_s2: DFF<Bit>,
    other_s2: DFF<Bit>,

    version_4: Constant<Bits<4>>,
    version_6: Constant<Bits<4>>,
    proto_tcp: Constant<Bits<8>>,
    proto_udp: Constant<Bits<8>>,
    proto_icmp: Constant<Bits<8>>,
    proto_icmpv6: Constant<Bits<8>>,
    protocols: [Constant<Bits<8>>; LOOKED_UP.len()],
    extensions: [Constant<Bits<8>>; EXTENSIONS],
}

impl Default for Layer3Check {
    fn default() -> Self {
        let byte = |value: u8| Constant::new(u64::from(value).into());
        Self {
            clock: Signal::default(),
            rows: array::from_fn(|_| Signal::default()),
            v6: Signal::default(),
            fragment_header: Signal::default(),
            protocol: Signal::default(),
            length: Signal::default(),
            ppp_length: Signal::default(),
            behind: Signal::default(),
            pppoe: Signal::default(),
            pppoe_length: Signal::default(),
            fragments: Signal::default(),
            more: Signal::default(),
            offset: Signal::default(),
            whole_header: Signal::default(),
            malformed: Signal::default(),
            options: Signal::default(),
            extension: Signal::default(),
            fragment: Signal::default(),
            first: Signal::default(),
            later: Signal::default(),
            icmp: Signal::default(),
            other: Signal::default(),
            version: Signal::default(),
            ihl: Signal::default(),
            header_is_whole: Signal::default(),
            beyond: Signal::default(),
            total: Signal::default(),
            total_rows: Signal::default(),
            part: Signal::default(),
            ported: Signal::default(),
            taken: Signal::default(),
            looked_up: Signal::default(),
            listed: Signal::default(),
            broken_s1: DFF::default(),
            length_s1: DFF::default(),
            behind_s1: DFF::default(),
            pppoe_s1: DFF::default(),
            ppp_length_s1: DFF::default(),
            room_s1: DFF::default(),
            options_s1: DFF::default(),
            protocol_s1: DFF::default(),
            v6_s1: DFF::default(),
            fragment_header_s1: DFF::default(),
            more_s1: DFF::default(),
            follows_s1: DFF::default(),
            whole_header_s1: DFF::default(),
            malformed_s2: DFF::default(),
            options_s2: DFF::default(),
            extension_s2: DFF::default(),
            fragment_s2: DFF::default(),
            first_s2: DFF::default(),
            later_s2: DFF::default(),
            icmp_s2: DFF::default(),
            other_s2: DFF::default(),
            version_4: Constant::new(VERSION_4.into()),
            version_6: Constant::new(VERSION_6.into()),
            proto_tcp: byte(wire::PROTO_TCP),
            proto_udp: byte(wire::PROTO_UDP),
            proto_icmp: byte(wire::PROTO_ICMP),
            proto_icmpv6: byte(wire::PROTO_ICMPV6),
            protocols: LOOKED_UP.map(byte),
            extensions: wire::NEXT_HEADER_EXTENSIONS.map(byte),
        }
    }
}

impl Logic for Layer3Check {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, broken_s1, length_s1, behind_s1, pppoe_s1, ppp_length_s1, room_s1, options_s1);
        dff_setup!(self, clock, protocol_s1, v6_s1, fragment_header_s1, more_s1, follows_s1, whole_header_s1);
        dff_setup!(self, clock, malformed_s2, options_s2, extension_s2, fragment_s2, first_s2, later_s2, icmp_s2, other_s2);

        // IPv4. Row 0: version, IHL, type of service, total length. IPv6. Row 0: version, traffic class, flow label.
        self.version.next = self.rows[0].val().get_bits::<4>(28);
        self.ihl.next = self.rows[0].val().get_bits::<4>(24);
        self.total.next = self.rows[0].val().get_bits::<LENGTH_BITS>(0);
        self.header_is_whole.next =
            self.ihl.val().get_bit(3) | (self.ihl.val().get_bit(2) & self.ihl.val().get_bits::<2>(0).any());
        self.total_rows.next = self.total.val().get_bits::<4>(2);
        self.beyond.next = !self.total.val().get_bits::<BEYOND_BITS>(6).any() & (self.ihl.val() > self.total_rows.val());
        if self.v6.val() {
            self.broken_s1.d.next = self.version.val() != self.version_6.val();
            self.options_s1.d.next = false;
        } else {
            self.broken_s1.d.next =
                (self.version.val() != self.version_4.val()) | !self.header_is_whole.val() | self.beyond.val();
            self.options_s1.d.next = self.ihl.val().get_bit(3) | self.ihl.val().get_bits::<2>(1).all();
        }
        self.length_s1.d.next = self.length.val();
        self.behind_s1.d.next = self.behind.val();
        self.pppoe_s1.d.next = self.pppoe.val();
        self.ppp_length_s1.d.next = self.ppp_length.val();
        self.room_s1.d.next = self.pppoe_length.val();
        self.protocol_s1.d.next = self.protocol.val();
        self.v6_s1.d.next = self.v6.val();
        self.fragment_header_s1.d.next = self.fragment_header.val();
        self.more_s1.d.next = self.more.val();
        self.follows_s1.d.next = self.offset.val().any();
        self.whole_header_s1.d.next = self.whole_header.val();

        self.malformed_s2.d.next = self.broken_s1.q.val()
            | (self.length_s1.q.val() > bit_cast::<IP_LENGTH_BITS, LENGTH_BITS>(self.behind_s1.q.val()))
            | (self.pppoe_s1.q.val()
                & (self.ppp_length_s1.q.val() > bit_cast::<IP_LENGTH_BITS, LENGTH_BITS>(self.room_s1.q.val())));
        self.looked_up.next = false;
        for i in 0..3 {
            self.looked_up.next = self.looked_up.val() | (self.protocol_s1.q.val() == self.protocols[i].val());
        }
        self.listed.next = false;
        for i in 0..EXTENSIONS {
            self.listed.next = self.listed.val() | (self.protocol_s1.q.val() == self.extensions[i].val());
        }
        self.part.next = self.more_s1.q.val() | self.follows_s1.q.val();
        self.ported.next = self.protocol_s1.q.val() == self.proto_udp.val();
        if !self.v6_s1.q.val() & (self.protocol_s1.q.val() == self.proto_tcp.val()) {
            self.ported.next = true;
        }
        self.taken.next = (self.fragments.val() & self.whole_header_s1.q.val()) & (self.ported.val() & self.part.val());
        self.first_s2.d.next = self.taken.val() & !self.follows_s1.q.val();
        self.later_s2.d.next = self.taken.val() & self.follows_s1.q.val();
        self.fragment_s2.d.next = (self.part.val() | self.fragment_header_s1.q.val()) & !self.taken.val();
        if self.v6_s1.q.val() {
            self.extension_s2.d.next = self.listed.val() & !self.fragment_header_s1.q.val();
            self.icmp_s2.d.next = self.protocol_s1.q.val() == self.proto_icmpv6.val();
        } else {
            self.extension_s2.d.next = false;
            self.icmp_s2.d.next = self.protocol_s1.q.val() == self.proto_icmp.val();
        }
        self.options_s2.d.next = self.options_s1.q.val();
        self.other_s2.d.next = !self.looked_up.val();

        self.malformed.next = self.malformed_s2.q.val();
        self.options.next = self.options_s2.q.val();
        self.extension.next = self.extension_s2.q.val();
        self.fragment.next = self.fragment_s2.q.val();
        self.first.next = self.first_s2.q.val();
        self.later.next = self.later_s2.q.val();
        self.icmp.next = self.icmp_s2.q.val();
        self.other.next = self.other_s2.q.val();
    }
}
