//! What a verdict writes into the headers of its packet, at their places.
//!
//! ```text
//!  valid --->+--------------+
//!  verdict ->| PacketFields |-> value, keep
//!            +--------------+
//! ```
//! Latency 0. Nothing moves, and both outputs are zero, while `valid` is low.
//!
//! # Contract
//! - The header window as the packet leaves is `(window & keep) | value`; `value` has no bit that `keep` has.
//! - IPv4 without options: TTL, header checksum, addresses. IPv6 without extension headers: hop limit, addresses; it has no checksum.
//! - TCP and UDP: ports and checksum. GRE: nothing behind the IP header.

use fpgaflow_abi::wire;

use crate::prelude::*;
use crate::records::{ADDRESS_BITS, Verdict, WINDOW_BITS};

/// Bits of TCP's header up to its checksum, UDP's ends before: what there is to write of layer 4.
const LAYER4_BITS: usize = TCP_CHECKSUM.byte * 8 + TCP_CHECKSUM.bits;

/// Place of a field.
#[derive(Clone, Copy)]
struct Place {
    /// First byte.
    byte: usize,
    bits: usize,
}

impl Place {
    const fn new(byte: usize, bits: usize) -> Self {
        Self { byte, bits }
    }

    /// Its least significant bit in `width` left-aligned bits.
    const fn lsb(self, width: usize) -> u64 {
        (width - 8 * self.byte - self.bits) as u64
    }

    /// The same field behind a header of `bytes`.
    const fn behind(self, bytes: usize) -> Self {
        Self { byte: bytes + self.byte, bits: self.bits }
    }
}

// RFC 791 figure 4.
const TTL_V4: Place = Place::new(8, 8);
const CHECKSUM_V4: Place = Place::new(10, 16);
const SRC_V4: Place = Place::new(12, 32);
const DST_V4: Place = Place::new(16, 32);
// RFC 8200 3.
const TTL_V6: Place = Place::new(7, 8);
const SRC_V6: Place = Place::new(8, ADDRESS_BITS);
const DST_V6: Place = Place::new(24, ADDRESS_BITS);
// RFC 768, RFC 9293 figure 1: from the first byte of the layer 4 header.
const SPORT: Place = Place::new(0, 16);
const DPORT: Place = Place::new(2, 16);
const UDP_CHECKSUM: Place = Place::new(6, 16);
const TCP_CHECKSUM: Place = Place::new(16, 16);

const LAYER4_V4: u64 = Place::new(wire::IPV4_HEADER_BYTES, LAYER4_BITS).lsb(WINDOW_BITS);
const LAYER4_V6: u64 = Place::new(wire::IPV6_HEADER_BYTES, LAYER4_BITS).lsb(WINDOW_BITS);

/// All bits of the window but those of the fields of an IP header of `bytes` and of a layer 4 header behind it.
fn keep(bytes: usize, ip: &[Place], layer4: &[Place]) -> Constant<Bits<WINDOW_BITS>> {
    let mut keep = !Bits::default();
    for place in ip.iter().copied().chain(layer4.iter().map(|place| place.behind(bytes))) {
        let lsb = place.lsb(WINDOW_BITS) as usize;
        for bit in lsb..lsb + place.bits {
            keep = keep.replace_bit(bit, false);
        }
    }
    Constant::new(keep)
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
    /// Ones where the packet stays as it is.
    pub keep: Signal<Out, Bits<WINDOW_BITS>>,

    src: Signal<Local, Bits<ADDRESS_BITS>>,
    dst: Signal<Local, Bits<ADDRESS_BITS>>,
    src_v4: Signal<Local, Bits<32>>,
    dst_v4: Signal<Local, Bits<32>>,
    layer4: Signal<Local, Bits<LAYER4_BITS>>,

    keep_v4_tcp: Constant<Bits<WINDOW_BITS>>,
    keep_v4_udp: Constant<Bits<WINDOW_BITS>>,
    keep_v4_gre: Constant<Bits<WINDOW_BITS>>,
    keep_v6_tcp: Constant<Bits<WINDOW_BITS>>,
    keep_v6_udp: Constant<Bits<WINDOW_BITS>>,
    keep_v6_gre: Constant<Bits<WINDOW_BITS>>,
}

impl Default for PacketFields {
    fn default() -> Self {
        let v4 = |layer4: &[Place]| keep(wire::IPV4_HEADER_BYTES, &[TTL_V4, CHECKSUM_V4, SRC_V4, DST_V4], layer4);
        let v6 = |layer4: &[Place]| keep(wire::IPV6_HEADER_BYTES, &[TTL_V6, SRC_V6, DST_V6], layer4);
        Self {
            valid: Signal::default(),
            verdict: Signal::default(),
            value: Signal::default(),
            keep: Signal::default(),
            src: Signal::default(),
            dst: Signal::default(),
            src_v4: Signal::default(),
            dst_v4: Signal::default(),
            layer4: Signal::default(),
            keep_v4_tcp: v4(&[SPORT, DPORT, TCP_CHECKSUM]),
            keep_v4_udp: v4(&[SPORT, DPORT, UDP_CHECKSUM]),
            keep_v4_gre: v4(&[]),
            keep_v6_tcp: v6(&[SPORT, DPORT, TCP_CHECKSUM]),
            keep_v6_udp: v6(&[SPORT, DPORT, UDP_CHECKSUM]),
            keep_v6_gre: v6(&[]),
        }
    }
}

impl Logic for PacketFields {
    #[hdl_gen]
    fn update(&mut self) {
        self.src.next = self.verdict.val().src;
        self.dst.next = self.verdict.val().dst;
        self.src_v4.next = self.src.val().get_bits::<32>(0);
        self.dst_v4.next = self.dst.val().get_bits::<32>(0);

        self.layer4.next = 0.into();
        for sport in SPORT.lsb(LAYER4_BITS)..(SPORT.lsb(LAYER4_BITS) + 1) {
            for dport in DPORT.lsb(LAYER4_BITS)..(DPORT.lsb(LAYER4_BITS) + 1) {
                for udp in UDP_CHECKSUM.lsb(LAYER4_BITS)..(UDP_CHECKSUM.lsb(LAYER4_BITS) + 1) {
                    if self.verdict.val().udp {
                        self.layer4.next = (bit_cast::<LAYER4_BITS, 16>(self.verdict.val().sport) << sport)
                            | (bit_cast::<LAYER4_BITS, 16>(self.verdict.val().dport) << dport)
                            | (bit_cast::<LAYER4_BITS, 16>(self.verdict.val().l4_checksum) << udp);
                    } else if !self.verdict.val().gre {
                        self.layer4.next = (bit_cast::<LAYER4_BITS, 16>(self.verdict.val().sport) << sport)
                            | (bit_cast::<LAYER4_BITS, 16>(self.verdict.val().dport) << dport)
                            | bit_cast::<LAYER4_BITS, 16>(self.verdict.val().l4_checksum);
                    }
                }
            }
        }

        self.value.next = 0.into();
        self.keep.next = 0.into();
        if self.valid.val() & self.verdict.val().v6 {
            for ttl in TTL_V6.lsb(WINDOW_BITS)..(TTL_V6.lsb(WINDOW_BITS) + 1) {
                for source in SRC_V6.lsb(WINDOW_BITS)..(SRC_V6.lsb(WINDOW_BITS) + 1) {
                    for destination in DST_V6.lsb(WINDOW_BITS)..(DST_V6.lsb(WINDOW_BITS) + 1) {
                        for behind in LAYER4_V6..(LAYER4_V6 + 1) {
                            self.value.next = (bit_cast::<WINDOW_BITS, 8>(self.verdict.val().ttl) << ttl)
                                | (bit_cast::<WINDOW_BITS, ADDRESS_BITS>(self.src.val()) << source)
                                | (bit_cast::<WINDOW_BITS, ADDRESS_BITS>(self.dst.val()) << destination)
                                | (bit_cast::<WINDOW_BITS, LAYER4_BITS>(self.layer4.val()) << behind);
                        }
                    }
                }
            }
            self.keep.next = self.keep_v6_tcp.val();
            if self.verdict.val().udp {
                self.keep.next = self.keep_v6_udp.val();
            } else if self.verdict.val().gre {
                self.keep.next = self.keep_v6_gre.val();
            }
        } else if self.valid.val() {
            for ttl in TTL_V4.lsb(WINDOW_BITS)..(TTL_V4.lsb(WINDOW_BITS) + 1) {
                for checksum in CHECKSUM_V4.lsb(WINDOW_BITS)..(CHECKSUM_V4.lsb(WINDOW_BITS) + 1) {
                    for source in SRC_V4.lsb(WINDOW_BITS)..(SRC_V4.lsb(WINDOW_BITS) + 1) {
                        for destination in DST_V4.lsb(WINDOW_BITS)..(DST_V4.lsb(WINDOW_BITS) + 1) {
                            for behind in LAYER4_V4..(LAYER4_V4 + 1) {
                                self.value.next = (bit_cast::<WINDOW_BITS, 8>(self.verdict.val().ttl) << ttl)
                                    | (bit_cast::<WINDOW_BITS, 16>(self.verdict.val().l3_checksum) << checksum)
                                    | (bit_cast::<WINDOW_BITS, 32>(self.src_v4.val()) << source)
                                    | (bit_cast::<WINDOW_BITS, 32>(self.dst_v4.val()) << destination)
                                    | (bit_cast::<WINDOW_BITS, LAYER4_BITS>(self.layer4.val()) << behind);
                            }
                        }
                    }
                }
            }
            self.keep.next = self.keep_v4_tcp.val();
            if self.verdict.val().udp {
                self.keep.next = self.keep_v4_udp.val();
            } else if self.verdict.val().gre {
                self.keep.next = self.keep_v4_gre.val();
            }
        }
    }
}
