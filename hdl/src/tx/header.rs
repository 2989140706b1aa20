//! The layer 2 header that a forwarded packet leaves with.
//!
//! ```text
//!           +--------------+
//!  verdict->| EgressHeader |-> header, length
//!           +--------------+
//! ```
//! Latency 0.
//!
//! # Contract
//! - Ethernet addresses of the verdict, then what its `encap` says: up to two tags of its kinds and VLAN ids with priority 0 (IEEE 802.1Q
//!   9.6), a PPPoE session header with the session and the length of the packet (RFC 2516 4); then the EtherType, or the PPP protocol,
//!   of the packet's family.
//! - Left-aligned, 14, 18, 22, 26 or 30 bytes; bytes behind them are zero.
//!
//! # How
//! The header's tail, from its last EtherType on, is built once; the number of tags says how far to the right it goes.

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
const KIND_BITS: usize = key::ENCAP_OUTER_KIND.width;
/// Bits of a VLAN id.
const VID_BITS: usize = key::ENCAP_OUTER_VID.width;
const OUTER_KIND: usize = key::ENCAP_OUTER_KIND.lsb;
const OUTER_VID: usize = key::ENCAP_OUTER_VID.lsb;
const INNER_KIND: usize = key::ENCAP_INNER_KIND.lsb;
const INNER_VID: usize = key::ENCAP_INNER_VID.lsb;
const PPPOE: usize = key::ENCAP_PPPOE.lsb;
const SESSION: usize = key::ENCAP_SESSION.lsb;

// Lowest bits of fields: in the header, in what is behind the addresses, in the tail, in a tag.
const DST_MAC: u64 = (L2_BITS - 48) as u64;
const SRC_MAC: u64 = DST_MAC - 48;
const OUTER_TAG: u64 = (REST_BITS - TAG_BITS) as u64;
const INNER_TAG: u64 = OUTER_TAG - TAG_BITS as u64;
const ETHERTYPE: u64 = (TAIL_BITS - 16) as u64;
const SESSION_DATA: u64 = ETHERTYPE - 16;
const SESSION_ID: u64 = SESSION_DATA - 16;
const PPPOE_LENGTH: u64 = SESSION_ID - 16;
const TPID: u64 = 16;

const _: () = assert!(96 + REST_BITS == L2_BITS && PPPOE_LENGTH == 16);
const _: () = assert!(key::ENCAP_INNER_KIND.width == KIND_BITS && key::ENCAP_INNER_VID.width == VID_BITS);
const _: () = assert!(wire::PPPOE_BYTES == 2 * wire::TAG_BYTES);

/// Builds headers. Wiring and choices.
#[derive(LogicBlock)]
pub struct EgressHeader {
    /// What becomes of the packet.
    pub verdict: Signal<In, Verdict>,
    /// The header, left-aligned.
    pub header: Signal<Out, Bits<L2_BITS>>,
    /// Its bytes.
    pub length: Signal<Out, Bits<L2_LENGTH_BITS>>,

    encap: Signal<Local, Bits<{ key::ENCAP.width }>>,
    outer_kind: Signal<Local, Bits<KIND_BITS>>,
    inner_kind: Signal<Local, Bits<KIND_BITS>>,
    outer_vid: Signal<Local, Bits<VID_BITS>>,
    inner_vid: Signal<Local, Bits<VID_BITS>>,
    outer_tpid: Signal<Local, Bits<16>>,
    inner_tpid: Signal<Local, Bits<16>>,
    outer_tag: Signal<Local, Bits<TAG_BITS>>,
    inner_tag: Signal<Local, Bits<TAG_BITS>>,
    pppoe: Signal<Local, Bit>,
    session: Signal<Local, Bits<16>>,
    pppoe_length: Signal<Local, Bits<LENGTH_BITS>>,
    ethertype: Signal<Local, Bits<16>>,
    protocol: Signal<Local, Bits<16>>,
    tail: Signal<Local, Bits<TAIL_BITS>>,
    rest: Signal<Local, Bits<REST_BITS>>,

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
        let kind = |kind| {
            let encap = key::Encap { tags: [Some(key::Tag { kind, vid: 0 }), None], pppoe: None };
            (encap.to_bits() >> OUTER_KIND) & ((1 << KIND_BITS) - 1)
        };
        Self {
            verdict: Signal::default(),
            header: Signal::default(),
            length: Signal::default(),
            encap: Signal::default(),
            outer_kind: Signal::default(),
            inner_kind: Signal::default(),
            outer_vid: Signal::default(),
            inner_vid: Signal::default(),
            outer_tpid: Signal::default(),
            inner_tpid: Signal::default(),
            outer_tag: Signal::default(),
            inner_tag: Signal::default(),
            pppoe: Signal::default(),
            session: Signal::default(),
            pppoe_length: Signal::default(),
            ethertype: Signal::default(),
            protocol: Signal::default(),
            tail: Signal::default(),
            rest: Signal::default(),
            no_tag: Constant::new((key::Encap::NONE.to_bits() >> OUTER_KIND).into()),
            dot1ad: Constant::new(kind(key::TagKind::Dot1ad).into()),
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
        self.outer_vid.next = 0.into();
        for at in OUTER_KIND..(OUTER_KIND + 1) {
            self.outer_kind.next = self.encap.val().get_bits::<KIND_BITS>(at);
        }
        for at in OUTER_VID..(OUTER_VID + 1) {
            self.outer_vid.next = self.encap.val().get_bits::<VID_BITS>(at);
        }
        self.inner_kind.next = 0.into();
        self.inner_vid.next = 0.into();
        for at in INNER_KIND..(INNER_KIND + 1) {
            self.inner_kind.next = self.encap.val().get_bits::<KIND_BITS>(at);
        }
        for at in INNER_VID..(INNER_VID + 1) {
            self.inner_vid.next = self.encap.val().get_bits::<VID_BITS>(at);
        }
        self.pppoe.next = false;
        self.session.next = 0.into();
        for at in PPPOE..(PPPOE + 1) {
            self.pppoe.next = self.encap.val().get_bit(at);
        }
        for at in SESSION..(SESSION + 1) {
            self.session.next = self.encap.val().get_bits::<16>(at);
        }

        // Tags; priority and drop eligibility are 0.
        self.outer_tpid.next = self.tpid_dot1q.val();
        if self.outer_kind.val() == self.dot1ad.val() {
            self.outer_tpid.next = self.tpid_dot1ad.val();
        }
        self.inner_tpid.next = self.tpid_dot1q.val();
        if self.inner_kind.val() == self.dot1ad.val() {
            self.inner_tpid.next = self.tpid_dot1ad.val();
        }
        self.outer_tag.next = 0.into();
        self.inner_tag.next = 0.into();
        for tpid in TPID..(TPID + 1) {
            self.outer_tag.next =
                (bit_cast::<TAG_BITS, 16>(self.outer_tpid.val()) << tpid) | bit_cast::<TAG_BITS, VID_BITS>(self.outer_vid.val());
            self.inner_tag.next =
                (bit_cast::<TAG_BITS, 16>(self.inner_tpid.val()) << tpid) | bit_cast::<TAG_BITS, VID_BITS>(self.inner_vid.val());
        }

        // The tail.
        self.ethertype.next = self.ethertype_ipv4.val();
        self.protocol.next = self.ppp_ipv4.val();
        if self.verdict.val().v6 {
            self.ethertype.next = self.ethertype_ipv6.val();
            self.protocol.next = self.ppp_ipv6.val();
        }
        self.pppoe_length.next = self.verdict.val().ip_length + self.ppp_bytes.val();
        self.tail.next = 0.into();
        for first in ETHERTYPE..(ETHERTYPE + 1) {
            self.tail.next = bit_cast::<TAIL_BITS, 16>(self.ethertype.val()) << first;
            if self.pppoe.val() {
                for data in SESSION_DATA..(SESSION_DATA + 1) {
                    for id in SESSION_ID..(SESSION_ID + 1) {
                        for bytes in PPPOE_LENGTH..(PPPOE_LENGTH + 1) {
                            self.tail.next = (bit_cast::<TAIL_BITS, 16>(self.ethertype_pppoe.val()) << first)
                                | (bit_cast::<TAIL_BITS, 16>(self.session_data.val()) << data)
                                | (bit_cast::<TAIL_BITS, 16>(self.session.val()) << id)
                                | (bit_cast::<TAIL_BITS, LENGTH_BITS>(self.pppoe_length.val()) << bytes)
                                | bit_cast::<TAIL_BITS, 16>(self.protocol.val());
                        }
                    }
                }
            }
        }

        // It follows the tags there are. A second tag never is without a first.
        self.rest.next = 0.into();
        self.length.next = self.lengths[0].val();
        for outer in OUTER_TAG..(OUTER_TAG + 1) {
            for inner in INNER_TAG..(INNER_TAG + 1) {
                for tag in (TAG_BITS as u64)..(TAG_BITS as u64 + 1) {
                    if self.inner_kind.val() != self.no_tag.val() {
                        self.rest.next = (bit_cast::<REST_BITS, TAG_BITS>(self.outer_tag.val()) << outer)
                            | (bit_cast::<REST_BITS, TAG_BITS>(self.inner_tag.val()) << inner)
                            | bit_cast::<REST_BITS, TAIL_BITS>(self.tail.val());
                    } else if self.outer_kind.val() != self.no_tag.val() {
                        self.rest.next = (bit_cast::<REST_BITS, TAG_BITS>(self.outer_tag.val()) << outer)
                            | (bit_cast::<REST_BITS, TAIL_BITS>(self.tail.val()) << tag);
                    } else {
                        self.rest.next = bit_cast::<REST_BITS, TAIL_BITS>(self.tail.val()) << (tag + tag);
                    }
                }
            }
        }
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
        self.header.next = 0.into();
        for dst in DST_MAC..(DST_MAC + 1) {
            for src in SRC_MAC..(SRC_MAC + 1) {
                self.header.next = (bit_cast::<L2_BITS, 48>(self.verdict.val().dst_mac) << dst)
                    | (bit_cast::<L2_BITS, 48>(self.verdict.val().src_mac) << src)
                    | bit_cast::<L2_BITS, REST_BITS>(self.rest.val());
            }
        }
    }
}
