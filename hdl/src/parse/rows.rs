//! The rows of `abi::key` field by field, as hardware puts them together.

#![allow(missing_docs, reason = "the derive of rust-hdl writes public methods without a word; every item of ours has one")]

use fpgaflow_abi::key::{self, Encap, Tag, TagKind};

use crate::prelude::*;
use crate::records::PORT_BITS;

/// Bits of a VLAN id.
pub const VID_BITS: usize = key::ENCAP_OUTER_VID.width;
/// Bits of both addresses of a key, the source above the destination.
pub const ADDRESSES_BITS: usize = key::DST_V6.width + key::SRC_V6.width;

/// An encapsulation, as [`Encap::to_bits`] has it.
#[derive(Copy, Clone, Debug, Default, PartialEq, LogicStruct)]
pub struct EncapRow {
    /// The outer tag is an 802.1Q tag.
    pub outer_dot1q: Bit,
    /// The outer tag is an 802.1ad tag.
    pub outer_dot1ad: Bit,
    /// VLAN id of the outer tag.
    pub outer_vid: Bits<VID_BITS>,
    /// The inner tag is an 802.1Q tag.
    pub inner_dot1q: Bit,
    /// The inner tag is an 802.1ad tag.
    pub inner_dot1ad: Bit,
    /// VLAN id of the inner tag.
    pub inner_vid: Bits<VID_BITS>,
    /// There is a PPPoE header.
    pub pppoe: Bit,
    /// Its session.
    pub session: Bits<{ key::ENCAP_SESSION.width }>,
    /// Zero.
    pub rest: Bits<{ key::ENCAP.width - key::ENCAP_SESSION.end() }>,
}

/// A key, as `FlowKey::to_bits` has it.
#[derive(Copy, Clone, Debug, Default, PartialEq, LogicStruct)]
pub struct KeyRow {
    /// Source port above destination port, as a TCP or UDP header has them; 0 for GRE.
    pub ports: Bits<{ key::SPORT.end() }>,
    /// IP protocol.
    pub protocol: Bits<{ key::PROTOCOL.width }>,
    /// Ingress port.
    pub ingress: Bits<PORT_BITS>,
    /// IPv6.
    pub v6: Bit,
    /// Zero.
    pub rest: Bits<{ key::ENCAP.lsb - key::FAMILY.end() }>,
    /// Encapsulation.
    pub encap: Bits<{ key::ENCAP.width }>,
    /// Source address above destination address, as both IP headers have them; those of IPv4 in the lowest bits.
    pub addresses: Bits<ADDRESSES_BITS>,
}

const fn tagged(outer: Option<TagKind>, inner: Option<TagKind>) -> u64 {
    const fn tag(kind: Option<TagKind>) -> Option<Tag> {
        match kind {
            Some(kind) => Some(Tag { kind, vid: 0 }),
            None => None,
        }
    }
    Encap { tags: [tag(outer), tag(inner)], pppoe: None }.to_bits()
}

const INNER: usize = 2 + VID_BITS;
const _: () = assert!(tagged(Some(TagKind::Dot1Q), None) == 1 && tagged(Some(TagKind::Dot1ad), None) == 2);
const _: () = assert!(tagged(None, Some(TagKind::Dot1Q)) == 1 << INNER && tagged(None, Some(TagKind::Dot1ad)) == 2 << INNER);
const _: () = assert!(key::ENCAP_OUTER_VID.lsb == 2 && key::ENCAP_INNER_VID.lsb == INNER + 2);
const _: () = assert!(key::ENCAP_PPPOE.lsb == 2 * INNER && key::ENCAP_SESSION.lsb == 2 * INNER + 1);
const _: () = assert!(key::DPORT.lsb == 0 && key::SPORT.lsb == key::DPORT.end() && key::PROTOCOL.lsb == key::SPORT.end());
const _: () = assert!(key::INGRESS.lsb == key::PROTOCOL.end() && key::FAMILY.lsb == key::INGRESS.end());
const _: () = assert!(key::DST_V4.lsb == key::ENCAP.end() && key::SRC_V4.lsb == key::DST_V4.end());
const _: () = assert!(key::DST_V6.lsb == key::ENCAP.end() && key::SRC_V6.lsb == key::DST_V6.end());
