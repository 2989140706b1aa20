//! Everything but TCP and UDP over untagged IPv4: tags (IEEE 802.1Q 9.3), PPPoE sessions (RFC 2516 4), IPv6,
//! GRE, and what is no IP at all.

use fpgaflow_abi::reason::Reason;
use fpgaflow_abi::wire::{ETHERTYPE_ARP, ETHERTYPE_IPV4, ETHERTYPE_IPV6, MIN_FRAME_BYTES};

use super::{Other, ParsedV4, ParsedV6, Port, WINDOW_BYTES, ipv6, parse_ipv4, parse_without_ports};
use crate::frame::{Frame, Layer2};

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
