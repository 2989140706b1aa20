//! Layer 2 of a frame: Ethernet header, tags (IEEE 802.1Q 9.3) and PPPoE session header (RFC 2516 4).

use fpgaflow_abi::key::{Encap, Tag, TagKind};
use fpgaflow_abi::wire::{
    ETH_HEADER_BYTES, ETHERTYPE_IPV4, ETHERTYPE_IPV6, ETHERTYPE_PPPOE, PPP_IPV4, PPP_IPV6, PPP_PROTOCOL_BYTES, PPPOE_BYTES,
    PPPOE_SESSION_DATA, TAG_BYTES, TPID_DOT1AD, TPID_DOT1Q,
};

/// The VLAN id in a tag's control information; priority and DEI above it are no part of a flow.
const VID_MASK: u16 = 0x0fff;

/// What is in front of a packet, as the card takes it off ([`fpgaflow_abi::reason`]).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Layer2 {
    /// EtherType behind all tags; of IP, where it lies in PPPoE.
    pub ethertype: u16,
    /// Tags and PPPoE session.
    pub encap: Encap,
    /// Where the packet starts.
    pub bytes: usize,
    /// Bytes from there on that the packet may fill.
    pub room: usize,
}

impl Layer2 {
    /// Layer 2 of a frame; `None` when that is shorter than an Ethernet header. A frame that ends inside its tags or PPPoE header is
    /// taken as one without any.
    pub fn of(frame: &[u8]) -> Option<Self> {
        let ethertype = be16(frame.get(12..ETH_HEADER_BYTES)?, 0);
        let untagged = Self { ethertype, encap: Encap::NONE, bytes: ETH_HEADER_BYTES, room: frame.len() - ETH_HEADER_BYTES };
        Some(Self::encapsulated(frame, ethertype).unwrap_or(untagged))
    }

    fn encapsulated(frame: &[u8], mut ethertype: u16) -> Option<Self> {
        let mut encap = Encap::NONE;
        let mut bytes = ETH_HEADER_BYTES;
        for place in &mut encap.tags {
            let kind = match ethertype {
                TPID_DOT1Q => TagKind::Dot1Q,
                TPID_DOT1AD => TagKind::Dot1ad,
                _ => break,
            };
            let tag = frame.get(bytes..bytes + TAG_BYTES)?;
            *place = Some(Tag { kind, vid: be16(tag, 0) & VID_MASK });
            ethertype = be16(tag, 2);
            bytes += TAG_BYTES;
        }
        let mut room = frame.len() - bytes;
        if ethertype == ETHERTYPE_PPPOE {
            let header = frame.get(bytes..bytes + PPPOE_BYTES)?;
            let carried = match (be16(header, 0), be16(header, 6)) {
                (PPPOE_SESSION_DATA, PPP_IPV4) => Some(ETHERTYPE_IPV4),
                (PPPOE_SESSION_DATA, PPP_IPV6) => Some(ETHERTYPE_IPV6),
                _ => None,
            };
            if let Some(carried) = carried {
                encap.pppoe = Some(be16(header, 2));
                ethertype = carried;
                bytes += PPPOE_BYTES;
                room = usize::from(be16(header, 4)).saturating_sub(PPP_PROTOCOL_BYTES).min(frame.len() - bytes);
            }
        }
        Some(Self { ethertype, encap, bytes, room })
    }
}

fn be16(bytes: &[u8], at: usize) -> u16 {
    u16::from_be_bytes([bytes[at], bytes[at + 1]])
}
