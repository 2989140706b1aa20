//! Ethernet header, VLAN tags (IEEE 802.1Q 9.3) and PPPoE session header (RFC 2516 4).

use fpgaflow_abi::key::{Encap, Tag, TagKind};
use fpgaflow_abi::wire::{
    ETH_HEADER_BYTES, ETHERTYPE_IPV4, ETHERTYPE_IPV6, ETHERTYPE_PPPOE, PPP_IPV4, PPP_IPV6, PPP_PROTOCOL_BYTES, PPPOE_BYTES,
    PPPOE_SESSION_DATA, TAG_BYTES, TPID_DOT1AD, TPID_DOT1Q,
};

use super::be16;

/// Where an untagged frame has its EtherType, and a tagged one its first TPID.
const ETHERTYPE_AT: usize = 12;
/// The VLAN id in a tag's control information; above it are priority and DEI, which are no part of a flow.
const VID: u16 = 0x0fff;

/// What is in front of a packet.
pub(super) struct Layer2 {
    /// EtherType behind all tags; of IP, where it lies in PPPoE.
    pub ethertype: u16,
    /// Tags and session.
    pub encap: Encap,
    /// Where the packet starts.
    pub bytes: usize,
    /// Bytes from there on that a packet may fill.
    pub room: usize,
}

impl Layer2 {
    /// Takes layer 2 off a frame; `None` for one shorter than an Ethernet header.
    pub fn of(frame: &[u8]) -> Option<Self> {
        if frame.len() < ETH_HEADER_BYTES {
            return None;
        }
        Some(Self::encapsulated(frame).unwrap_or(Self {
            // It ends inside its tags or PPPoE header.
            ethertype: be16(frame, ETHERTYPE_AT),
            encap: Encap::NONE,
            bytes: ETH_HEADER_BYTES,
            room: frame.len() - ETH_HEADER_BYTES,
        }))
    }

    /// Follows tags and PPPoE header; `None` when the frame ends inside them.
    fn encapsulated(frame: &[u8]) -> Option<Self> {
        let mut encap = Encap::NONE;
        let mut ethertype = be16(frame, ETHERTYPE_AT);
        let mut bytes = ETH_HEADER_BYTES;
        for place in &mut encap.tags {
            let Some(kind) = tag_kind(ethertype) else { break };
            let tag = frame.get(bytes..bytes + TAG_BYTES)?;
            *place = Some(Tag { kind, vid: be16(tag, 0) & VID });
            ethertype = be16(tag, 2);
            bytes += TAG_BYTES;
        }
        let mut room = frame.len() - bytes;
        if ethertype == ETHERTYPE_PPPOE {
            let header = frame.get(bytes..bytes + PPPOE_BYTES)?;
            let of_ip = match be16(header, 6) {
                PPP_IPV4 => Some(ETHERTYPE_IPV4),
                PPP_IPV6 => Some(ETHERTYPE_IPV6),
                _ => None,
            };
            if let Some(inner) = of_ip
                && be16(header, 0) == PPPOE_SESSION_DATA
            {
                encap.pppoe = Some(be16(header, 2));
                ethertype = inner;
                bytes += PPPOE_BYTES;
                let stated = usize::from(be16(header, 4));
                room = (frame.len() - bytes).min(stated.saturating_sub(PPP_PROTOCOL_BYTES));
            }
        }
        Some(Self { ethertype, encap, bytes, room })
    }
}

fn tag_kind(tpid: u16) -> Option<TagKind> {
    match tpid {
        TPID_DOT1Q => Some(TagKind::Dot1Q),
        TPID_DOT1AD => Some(TagKind::Dot1ad),
        _ => None,
    }
}
