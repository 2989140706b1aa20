//! The layer 2 header that a forwarded packet leaves with.
//!
//! ```text
//!  valid --->+--------------+
//!  verdict ->| EgressHeader |-> header, length
//!            +--------------+
//! ```
//! Latency 0. Nothing moves, and the header is zero, while `valid` is low.
//!
//! # Contract
//! - Ethernet addresses of the verdict, then what its `encap` says: up to two tags of its kinds and VLAN ids with priority 0 (IEEE 802.1Q
//!   9.6), a PPPoE session header with the session and the length of the packet (RFC 2516 4); then the EtherType, or the PPP protocol,
//!   of the packet's family.
//! - Left-aligned, 14, 18, 22, 26 or 30 bytes; bytes behind them are zero.
//!
//! # How
//! The header's tail, from its last EtherType on, is built once; the number of tags says how far to the right it goes. Each layout is
//! a struct, as in [`PacketFields`](super::PacketFields).

#![allow(missing_docs, reason = "the derive of rust-hdl writes public methods without a word; every item of ours has one")]

use std::array;

use fpgaflow_abi::{key, wire};

use crate::prelude::*;
use crate::records::{L2_BITS, LENGTH_BITS, Verdict};

/// Bits of a header's length in bytes.
pub const L2_LENGTH_BITS: usize = 5;
/// Bits of a VLAN tag.
const TAG_BITS: usize = 8 * wire::TAG_BYTES;
/// Bits of a header's tail: EtherType, PPPoE header, PPP protocol; or the EtherType and zeros.
const TAIL_BITS: usize = 8 * (wire::PPPOE_BYTES + 2);
/// Bits behind the addresses: two tags and the tail.
const REST_BITS: usize = 2 * TAG_BITS + TAIL_BITS;
/// Lengths a header can have: PPPoE is as long as two tags, so none to four tags.
const HEADER_LENGTHS: usize = 5;

/// Bits of a tag's kind.
pub(super) const KIND_BITS: usize = key::ENCAP_OUTER_KIND.width;
/// Bits of a VLAN id.
pub(super) const VID_BITS: usize = key::ENCAP_OUTER_VID.width;
pub(super) const OUTER_KIND: usize = key::ENCAP_OUTER_KIND.lsb;
pub(super) const OUTER_VID: usize = key::ENCAP_OUTER_VID.lsb;
pub(super) const INNER_KIND: usize = key::ENCAP_INNER_KIND.lsb;
pub(super) const INNER_VID: usize = key::ENCAP_INNER_VID.lsb;
pub(super) const PPPOE: usize = key::ENCAP_PPPOE.lsb;
pub(super) const SESSION: usize = key::ENCAP_SESSION.lsb;

const _: () = assert!(96 + REST_BITS == L2_BITS && wire::PPPOE_BYTES == 2 * wire::TAG_BYTES);
const _: () = assert!(key::ENCAP_INNER_KIND.width == KIND_BITS && key::ENCAP_INNER_VID.width == VID_BITS);

/// How an encapsulation says that a tag is a service tag.
pub(super) fn dot1ad_kind() -> u64 {
    let encap = key::Encap { tags: [Some(key::Tag { kind: key::TagKind::Dot1ad, vid: 0 }), None], pppoe: None };
    (encap.to_bits() >> OUTER_KIND) & ((1 << KIND_BITS) - 1)
}

/// IEEE 802.1Q 9.6.
#[derive(Copy, Clone, Debug, Default, PartialEq, LogicStruct)]
struct VlanTag {
    vid: Bits<VID_BITS>,
    priority: Bits<4>,
    tpid: Bits<16>,
}

/// RFC 2516 4, RFC 1661 2; without PPPoE the EtherType alone.
#[derive(Copy, Clone, Debug, Default, PartialEq, LogicStruct)]
struct Tail {
    protocol: Bits<16>,
    length: Bits<LENGTH_BITS>,
    session: Bits<16>,
    session_data: Bits<16>,
    ethertype: Bits<16>,
}

/// Behind the addresses, without a tag.
#[derive(Copy, Clone, Debug, Default, PartialEq, LogicStruct)]
struct Untagged {
    unused: Bits<{ 2 * TAG_BITS }>,
    tail: Tail,
}

/// Behind the addresses, with one tag.
#[derive(Copy, Clone, Debug, Default, PartialEq, LogicStruct)]
struct Tagged {
    unused: Bits<TAG_BITS>,
    tail: Tail,
    outer: VlanTag,
}

/// Behind the addresses, with two tags.
#[derive(Copy, Clone, Debug, Default, PartialEq, LogicStruct)]
struct TwiceTagged {
    tail: Tail,
    inner: VlanTag,
    outer: VlanTag,
}

/// IEEE 802.3 3.2.
#[derive(Copy, Clone, Debug, Default, PartialEq, LogicStruct)]
struct Header {
    rest: Bits<REST_BITS>,
    src_mac: Bits<48>,
    dst_mac: Bits<48>,
}

/// Builds headers. Wiring and choices.
#[derive(LogicBlock)]
pub struct EgressHeader {
    /// The verdict counts.
    pub valid: Signal<In, Bit>,
    /// What becomes of the packet.
    pub verdict: Signal<In, Verdict>,
    /// The header, left-aligned.
    pub header: Signal<Out, Bits<L2_BITS>>,
    /// Its bytes.
    pub length: Signal<Out, Bits<L2_LENGTH_BITS>>,

    encap: Signal<Local, Bits<{ key::ENCAP.width }>>,
    outer_kind: Signal<Local, Bits<KIND_BITS>>,
    inner_kind: Signal<Local, Bits<KIND_BITS>>,
    pppoe: Signal<Local, Bit>,
    pppoe_length: Signal<Local, Bits<LENGTH_BITS>>,
    outer: Signal<Local, VlanTag>,
    inner: Signal<Local, VlanTag>,
    tail: Signal<Local, Tail>,
    after_none: Signal<Local, Untagged>,
    after_one: Signal<Local, Tagged>,
    after_two: Signal<Local, TwiceTagged>,
    rest: Signal<Local, Bits<REST_BITS>>,
    complete: Signal<Local, Header>,

    no_vlan: Constant<VlanTag>,
    no_tail: Constant<Tail>,
    empty_none: Constant<Untagged>,
    empty_one: Constant<Tagged>,
    empty_two: Constant<TwiceTagged>,
    no_header: Constant<Header>,
    no_tag: Constant<Bits<KIND_BITS>>,
    dot1ad: Constant<Bits<KIND_BITS>>,
    tpid_dot1q: Constant<Bits<16>>,
    tpid_dot1ad: Constant<Bits<16>>,
    ethertype_ipv4: Constant<Bits<16>>,
    ethertype_ipv6: Constant<Bits<16>>,
    ethertype_pppoe: Constant<Bits<16>>,
    session_data: Constant<Bits<16>>,
    ppp_ipv4: Constant<Bits<16>>,
    ppp_ipv6: Constant<Bits<16>>,
    ppp_bytes: Constant<Bits<LENGTH_BITS>>,
    lengths: [Constant<Bits<L2_LENGTH_BITS>>; HEADER_LENGTHS],
}

impl Default for EgressHeader {
    fn default() -> Self {
        let number = |number: u16| Constant::new(u64::from(number).into());
        Self {
            valid: Signal::default(),
            verdict: Signal::default(),
            header: Signal::default(),
            length: Signal::default(),
            encap: Signal::default(),
            outer_kind: Signal::default(),
            inner_kind: Signal::default(),
            pppoe: Signal::default(),
            pppoe_length: Signal::default(),
            outer: Signal::default(),
            inner: Signal::default(),
            tail: Signal::default(),
            after_none: Signal::default(),
            after_one: Signal::default(),
            after_two: Signal::default(),
            rest: Signal::default(),
            complete: Signal::default(),
            no_vlan: Constant::new(VlanTag::default()),
            no_tail: Constant::new(Tail::default()),
            empty_none: Constant::new(Untagged::default()),
            empty_one: Constant::new(Tagged::default()),
            empty_two: Constant::new(TwiceTagged::default()),
            no_header: Constant::new(Header::default()),
            no_tag: Constant::new((key::Encap::NONE.to_bits() >> OUTER_KIND).into()),
            dot1ad: Constant::new(dot1ad_kind().into()),
            tpid_dot1q: number(wire::TPID_DOT1Q),
            tpid_dot1ad: number(wire::TPID_DOT1AD),
            ethertype_ipv4: number(wire::ETHERTYPE_IPV4),
            ethertype_ipv6: number(wire::ETHERTYPE_IPV6),
            ethertype_pppoe: number(wire::ETHERTYPE_PPPOE),
            session_data: number(wire::PPPOE_SESSION_DATA),
            ppp_ipv4: number(wire::PPP_IPV4),
            ppp_ipv6: number(wire::PPP_IPV6),
            ppp_bytes: Constant::new((wire::PPP_PROTOCOL_BYTES as u64).into()),
            lengths: array::from_fn(|tags| Constant::new(((wire::ETH_HEADER_BYTES + tags * wire::TAG_BYTES) as u64).into())),
        }
    }
}

impl Logic for EgressHeader {
    #[hdl_gen]
    fn update(&mut self) {
        self.encap.next = self.verdict.val().encap;
        self.outer_kind.next = 0.into();
        self.inner_kind.next = 0.into();
        self.pppoe.next = false;
        for at in OUTER_KIND..(OUTER_KIND + 1) {
            self.outer_kind.next = self.encap.val().get_bits::<KIND_BITS>(at);
        }
        for at in INNER_KIND..(INNER_KIND + 1) {
            self.inner_kind.next = self.encap.val().get_bits::<KIND_BITS>(at);
        }
        for at in PPPOE..(PPPOE + 1) {
            self.pppoe.next = self.encap.val().get_bit(at);
        }
        self.pppoe_length.next = self.verdict.val().ip_length + self.ppp_bytes.val();

        self.outer.next = self.no_vlan.val();
        self.inner.next = self.no_vlan.val();
        self.tail.next = self.no_tail.val();
        self.after_none.next = self.empty_none.val();
        self.after_one.next = self.empty_one.val();
        self.after_two.next = self.empty_two.val();
        self.rest.next = 0.into();
        self.complete.next = self.no_header.val();
        if self.valid.val() {
            // Tags; priority and drop eligibility are 0.
            self.outer.next.tpid = self.tpid_dot1q.val();
            if self.outer_kind.val() == self.dot1ad.val() {
                self.outer.next.tpid = self.tpid_dot1ad.val();
            }
            for at in OUTER_VID..(OUTER_VID + 1) {
                self.outer.next.vid = self.encap.val().get_bits::<VID_BITS>(at);
            }
            self.inner.next.tpid = self.tpid_dot1q.val();
            if self.inner_kind.val() == self.dot1ad.val() {
                self.inner.next.tpid = self.tpid_dot1ad.val();
            }
            for at in INNER_VID..(INNER_VID + 1) {
                self.inner.next.vid = self.encap.val().get_bits::<VID_BITS>(at);
            }

            // The tail.
            if self.pppoe.val() {
                self.tail.next.ethertype = self.ethertype_pppoe.val();
                self.tail.next.session_data = self.session_data.val();
                for at in SESSION..(SESSION + 1) {
                    self.tail.next.session = self.encap.val().get_bits::<16>(at);
                }
                self.tail.next.length = self.pppoe_length.val();
                self.tail.next.protocol = self.ppp_ipv4.val();
                if self.verdict.val().v6 {
                    self.tail.next.protocol = self.ppp_ipv6.val();
                }
            } else {
                self.tail.next.ethertype = self.ethertype_ipv4.val();
                if self.verdict.val().v6 {
                    self.tail.next.ethertype = self.ethertype_ipv6.val();
                }
            }

            // It follows the tags there are. A second tag never is without a first.
            if self.inner_kind.val() != self.no_tag.val() {
                self.after_two.next.outer = self.outer.val();
                self.after_two.next.inner = self.inner.val();
                self.after_two.next.tail = self.tail.val();
                self.rest.next = self.after_two.val().into();
            } else if self.outer_kind.val() != self.no_tag.val() {
                self.after_one.next.outer = self.outer.val();
                self.after_one.next.tail = self.tail.val();
                self.rest.next = self.after_one.val().into();
            } else {
                self.after_none.next.tail = self.tail.val();
                self.rest.next = self.after_none.val().into();
            }
            self.complete.next.dst_mac = self.verdict.val().dst_mac;
            self.complete.next.src_mac = self.verdict.val().src_mac;
            self.complete.next.rest = self.rest.val();
        }
        self.header.next = self.complete.val().into();

        self.length.next = self.lengths[0].val();
        if self.inner_kind.val() != self.no_tag.val() {
            self.length.next = self.lengths[2].val();
            if self.pppoe.val() {
                self.length.next = self.lengths[4].val();
            }
        } else if self.outer_kind.val() != self.no_tag.val() {
            self.length.next = self.lengths[1].val();
            if self.pppoe.val() {
                self.length.next = self.lengths[3].val();
            }
        } else if self.pppoe.val() {
            self.length.next = self.lengths[2].val();
        }
    }
}
