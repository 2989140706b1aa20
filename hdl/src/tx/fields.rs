//! What a verdict writes into the headers of its packet, at their places.
//!
//! ```text
//!  valid --->+--------------+
//!  verdict ->| PacketFields |-> value, written
//!            +--------------+
//! ```
//! Latency 0. Nothing moves, and both outputs are zero, while `valid` is low.
//!
//! # Contract
//! - The header window as the packet leaves is `(window & !written) | value`; `value` has no bit that `written` has not.
//! - IPv4 without options: TTL, header checksum, addresses. IPv6 without extension headers but a fragment header: hop limit, addresses; it has no checksum.
//! - TCP and UDP: ports and checksum; behind an IPv6 fragment header it is UDP. GRE and later fragments: nothing behind the IP header.
//!
//! # How
//! Each layout is a struct of the window's bits, so that a field is an assignment to its place: a simulator pays for a shift of the whole
//! window otherwise, once a field. Fields of a struct start at its least significant bit: the window reads from its end.

#![allow(missing_docs, reason = "the derive of rust-hdl writes public methods without a word; every item of ours has one")]

use std::ops::Range;

use fpgaflow_abi::wire;

use crate::prelude::*;
use crate::records::{ADDRESS_BITS, Verdict, WINDOW_BITS};

/// Bits of a TCP header up to its checksum; a UDP header is shorter.
const LAYER4_BITS: usize = 144;
/// What is behind that in the window, with an IPv4 and with an IPv6 header before it.
const REST_BITS_V4: usize = WINDOW_BITS - 8 * wire::IPV4_HEADER_BYTES - LAYER4_BITS;
const REST_BITS_V6: usize = WINDOW_BITS - 8 * wire::IPV6_HEADER_BYTES - LAYER4_BITS;

/// What is behind a UDP header behind an IPv6 fragment header.
const REST_BITS_FRAGMENT: usize =
    WINDOW_BITS - 8 * (wire::IPV6_HEADER_BYTES + wire::FRAGMENT_HEADER_BYTES + wire::UDP_HEADER_BYTES);

/// RFC 768, RFC 9293 figure 1.
#[derive(Copy, Clone, Debug, Default, PartialEq, LogicStruct)]
struct Layer4 {
    tcp_checksum: Bits<16>,
    between: Bits<64>,
    udp_checksum: Bits<16>,
    before: Bits<16>,
    dport: Bits<16>,
    sport: Bits<16>,
}

/// RFC 791 figure 4, without options.
#[derive(Copy, Clone, Debug, Default, PartialEq, LogicStruct)]
struct WindowV4 {
    rest: Bits<REST_BITS_V4>,
    layer4: Layer4,
    dst: Bits<32>,
    src: Bits<32>,
    checksum: Bits<16>,
    protocol: Bits<8>,
    ttl: Bits<8>,
    before: Bits<64>,
}

/// RFC 8200 3, without extension headers.
#[derive(Copy, Clone, Debug, Default, PartialEq, LogicStruct)]
struct WindowV6 {
    rest: Bits<REST_BITS_V6>,
    layer4: Layer4,
    dst: Bits<ADDRESS_BITS>,
    src: Bits<ADDRESS_BITS>,
    hop_limit: Bits<8>,
    before: Bits<56>,
}

/// RFC 8200 3 and 4.5, RFC 768.
#[derive(Copy, Clone, Debug, Default, PartialEq, LogicStruct)]
struct WindowFragment {
    rest: Bits<REST_BITS_FRAGMENT>,
    checksum: Bits<16>,
    length: Bits<16>,
    dport: Bits<16>,
    sport: Bits<16>,
    header: Bits<64>,
    dst: Bits<ADDRESS_BITS>,
    src: Bits<ADDRESS_BITS>,
    hop_limit: Bits<8>,
    before: Bits<56>,
}

// Bytes of the fields, from the start of the IP header and from the start of the one behind it: TTL, checksum and addresses; hop limit and
// addresses.
const FIELDS_V4: &[Range<usize>] = &[8..9, 10..20];
const FIELDS_V6: &[Range<usize>] = &[7..8, 8..40];
const PORTS: Range<usize> = 0..4;
const UDP_CHECKSUM: Range<usize> = 6..8;
const TCP_CHECKSUM: Range<usize> = 16..18;

/// Bits of the window that are fields of an IP header of `bytes` and of a layer 4 header behind it.
fn written(bytes: usize, ip: &[Range<usize>], layer4: &[Range<usize>]) -> Constant<Bits<WINDOW_BITS>> {
    let behind = layer4.iter().map(|field| bytes + field.start..bytes + field.end);
    let mut written = Bits::default();
    for byte in ip.iter().cloned().chain(behind).flatten() {
        for bit in WINDOW_BITS - 8 * (byte + 1)..WINDOW_BITS - 8 * byte {
            written = written.replace_bit(bit, true);
        }
    }
    Constant::new(written)
}

/// Puts fields to their places. Wiring and choices.
#[derive(LogicBlock)]
pub struct PacketFields {
    /// The verdict counts.
    pub valid: Signal<In, Bit>,
    /// What becomes of the packet.
    pub verdict: Signal<In, Verdict>,
    /// The fields, zeros between.
    pub value: Signal<Out, Bits<WINDOW_BITS>>,
    /// Ones where the packet does not stay as it is.
    pub written: Signal<Out, Bits<WINDOW_BITS>>,

    src: Signal<Local, Bits<ADDRESS_BITS>>,
    dst: Signal<Local, Bits<ADDRESS_BITS>>,
    layer4: Signal<Local, Layer4>,
    window_v4: Signal<Local, WindowV4>,
    window_v6: Signal<Local, WindowV6>,
    window_fragment: Signal<Local, WindowFragment>,

    no_layer4: Constant<Layer4>,
    empty_v4: Constant<WindowV4>,
    empty_v6: Constant<WindowV6>,
    empty_fragment: Constant<WindowFragment>,
    written_v4_tcp: Constant<Bits<WINDOW_BITS>>,
    written_v4_udp: Constant<Bits<WINDOW_BITS>>,
    written_v4_gre: Constant<Bits<WINDOW_BITS>>,
    written_v6_tcp: Constant<Bits<WINDOW_BITS>>,
    written_v6_udp: Constant<Bits<WINDOW_BITS>>,
    written_v6_gre: Constant<Bits<WINDOW_BITS>>,
    written_fragment: Constant<Bits<WINDOW_BITS>>,
}

impl Default for PacketFields {
    fn default() -> Self {
        let v4 = |layer4: &[Range<usize>]| written(wire::IPV4_HEADER_BYTES, FIELDS_V4, layer4);
        let v6 = |layer4: &[Range<usize>]| written(wire::IPV6_HEADER_BYTES, FIELDS_V6, layer4);
        Self {
            valid: Signal::default(),
            verdict: Signal::default(),
            value: Signal::default(),
            written: Signal::default(),
            src: Signal::default(),
            dst: Signal::default(),
            layer4: Signal::default(),
            window_v4: Signal::default(),
            window_v6: Signal::default(),
            window_fragment: Signal::default(),
            no_layer4: Constant::new(Layer4::default()),
            empty_v4: Constant::new(WindowV4::default()),
            empty_v6: Constant::new(WindowV6::default()),
            empty_fragment: Constant::new(WindowFragment::default()),
            written_v4_tcp: v4(&[PORTS, TCP_CHECKSUM]),
            written_v4_udp: v4(&[PORTS, UDP_CHECKSUM]),
            written_v4_gre: v4(&[]),
            written_v6_tcp: v6(&[PORTS, TCP_CHECKSUM]),
            written_v6_udp: v6(&[PORTS, UDP_CHECKSUM]),
            written_v6_gre: v6(&[]),
            written_fragment: written(wire::IPV6_HEADER_BYTES + wire::FRAGMENT_HEADER_BYTES, FIELDS_V6, &[PORTS, UDP_CHECKSUM]),
        }
    }
}

impl Logic for PacketFields {
    #[hdl_gen]
    fn update(&mut self) {
        self.src.next = self.verdict.val().src;
        self.dst.next = self.verdict.val().dst;

        self.layer4.next = self.no_layer4.val();
        self.window_v4.next = self.empty_v4.val();
        self.window_v6.next = self.empty_v6.val();
        self.window_fragment.next = self.empty_fragment.val();
        self.value.next = 0.into();
        self.written.next = 0.into();
        if self.valid.val() {
            if !self.verdict.val().gre {
                self.layer4.next.sport = self.verdict.val().sport;
                self.layer4.next.dport = self.verdict.val().dport;
                if self.verdict.val().udp {
                    self.layer4.next.udp_checksum = self.verdict.val().l4_checksum;
                } else {
                    self.layer4.next.tcp_checksum = self.verdict.val().l4_checksum;
                }
            }
            if self.verdict.val().fragment_header & self.verdict.val().udp {
                self.window_fragment.next.hop_limit = self.verdict.val().ttl;
                self.window_fragment.next.src = self.src.val();
                self.window_fragment.next.dst = self.dst.val();
                self.window_fragment.next.sport = self.verdict.val().sport;
                self.window_fragment.next.dport = self.verdict.val().dport;
                self.window_fragment.next.checksum = self.verdict.val().l4_checksum;
                self.value.next = self.window_fragment.val().into();
                self.written.next = self.written_fragment.val();
            } else if self.verdict.val().v6 {
                self.window_v6.next.hop_limit = self.verdict.val().ttl;
                self.window_v6.next.src = self.src.val();
                self.window_v6.next.dst = self.dst.val();
                self.window_v6.next.layer4 = self.layer4.val();
                self.value.next = self.window_v6.val().into();
                self.written.next = self.written_v6_tcp.val();
                if self.verdict.val().udp {
                    self.written.next = self.written_v6_udp.val();
                } else if self.verdict.val().gre {
                    self.written.next = self.written_v6_gre.val();
                }
            } else {
                self.window_v4.next.ttl = self.verdict.val().ttl;
                self.window_v4.next.checksum = self.verdict.val().l3_checksum;
                self.window_v4.next.src = self.src.val().get_bits::<32>(0);
                self.window_v4.next.dst = self.dst.val().get_bits::<32>(0);
                self.window_v4.next.layer4 = self.layer4.val();
                self.value.next = self.window_v4.val().into();
                self.written.next = self.written_v4_tcp.val();
                if self.verdict.val().udp {
                    self.written.next = self.written_v4_udp.val();
                } else if self.verdict.val().gre {
                    self.written.next = self.written_v4_gre.val();
                }
            }
        }
    }
}
