//! Everything but TCP and UDP over untagged IPv4: tags (IEEE 802.1Q 9.3), PPPoE sessions (RFC 2516 4), IPv6,
//! GRE, and what is no IP at all.

use fpgaflow_abi::key::{Encap, Tag, TagKind};
use fpgaflow_abi::reason::Reason;
use fpgaflow_abi::wire::{
    ETH_HEADER_BYTES, ETHERTYPE_ARP, ETHERTYPE_IPV4, ETHERTYPE_IPV6, ETHERTYPE_PPPOE, MIN_FRAME_BYTES, PPP_IPV4, PPP_IPV6,
    PPP_PROTOCOL_BYTES, PPPOE_BYTES, PPPOE_SESSION_DATA, TAG_BYTES, TPID_DOT1AD, TPID_DOT1Q,
};

use super::{Other, ParsedV4, ParsedV6, Port, WINDOW_BYTES, ipv6, parse_ipv4, parse_without_ports};
use crate::frame::Frame;

/// The VLAN id in a tag's control information; priority and DEI above it are no part of a flow.
const VID_MASK: u16 = 0x0fff;

/// A packet of either family that is worth a lookup.
#[derive(Debug, Clone, Copy)]
pub(in super::super) enum Packet {
    /// With the bytes of its layer 2 header.
    V4(ParsedV4, u8),
    V6(ParsedV6),
}

/// Parses a frame that [`super::parse`] left to this: it is neither too long nor too short for layer 2, and `port` is enabled.
pub(in super::super) fn parse(frame: &Frame<'_>, port: &Port) -> Result<Packet, Reason> {
    let bytes = frame.bytes();
    let layer2 = Layer2::of(bytes).ok_or(Reason::Runt)?;
    if layer2.ethertype == ETHERTYPE_ARP {
        return Err(Reason::Arp);
    }
    port.takes(frame.buffer[frame.start..].first_chunk::<MIN_FRAME_BYTES>().ok_or(Reason::Runt)?)?;
    let room = &bytes[layer2.bytes..][..layer2.room];
    let (encap, l2_bytes) = (layer2.encap.to_bits(), layer2.bytes as u8);
    match layer2.ethertype {
        ETHERTYPE_IPV4 => {
            let mut window = [0; WINDOW_BYTES];
            let there = room.len().min(WINDOW_BYTES);
            window[..there].copy_from_slice(&room[..there]);
            match parse_ipv4(&window, room.len(), frame.port, encap) {
                Ok(parsed) => Ok(Packet::V4(parsed, l2_bytes)),
                Err(Other::Refused(reason)) => Err(reason),
                Err(Other::Uncommon) => Ok(Packet::V4(parse_without_ports(&window, frame.port, encap)?, l2_bytes)),
            }
        }
        ETHERTYPE_IPV6 => Ok(Packet::V6(ipv6::parse(room, frame.port, encap, l2_bytes)?)),
        _ => Err(Reason::NotIp),
    }
}

/// What is in front of a packet.
struct Layer2 {
    /// EtherType behind all tags; of IP, where it lies in PPPoE.
    ethertype: u16,
    encap: Encap,
    /// Where the packet starts.
    bytes: usize,
    /// Bytes from there on that the packet may fill.
    room: usize,
}

impl Layer2 {
    /// Layer 2 of a frame; `None` when that is shorter than an Ethernet header. A frame that ends inside its tags or PPPoE header is
    /// taken as one without any.
    fn of(frame: &[u8]) -> Option<Self> {
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
