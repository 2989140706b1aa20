//! From a packet and its entry to the frame that leaves.

use fpgaflow_abi::entry::Action;
use fpgaflow_abi::key::{Addresses, Encap, Family, TagKind};
use fpgaflow_abi::next_hop::NextHop;
use fpgaflow_abi::wire::{
    ETHERTYPE_IPV4, ETHERTYPE_IPV6, ETHERTYPE_PPPOE, MAX_L2_BYTES, MIN_FRAME_BYTES, PPP_IPV4, PPP_IPV6, PPP_PROTOCOL_BYTES,
    PPPOE_SESSION_DATA, PROTO_GRE, PROTO_UDP, TPID_DOT1AD, TPID_DOT1Q,
};

use crate::checksum;
use crate::parse::Packet;

/// The frame as it leaves: a new layer 2, the IP packet without what lay behind it, padded.
pub(crate) fn rewrite(frame: &[u8], packet: &Packet, action: &Action, hop: &NextHop) -> Vec<u8> {
    let came = &frame[packet.l3_at..packet.l3_at + packet.total_len];
    let mut out = Vec::with_capacity((MAX_L2_BYTES + came.len()).max(MIN_FRAME_BYTES));
    out.extend_from_slice(&hop.dst_mac);
    out.extend_from_slice(&hop.src_mac);
    encapsulate(&mut out, &hop.encap, packet.key.family(), came.len());
    let l3_at = out.len();
    out.extend_from_slice(came);
    translate_l3(&mut out[l3_at..], packet, action);
    if packet.key.protocol != PROTO_GRE && packet.has_layer4() {
        translate_l4(&mut out[l3_at..], came, packet, action);
    }
    if out.len() < MIN_FRAME_BYTES {
        out.resize(MIN_FRAME_BYTES, 0);
    }
    out
}

/// Tags (IEEE 802.1Q 9.3) with priority and DEI 0, then PPPoE (RFC 2516 4), around an IP packet of `ip_bytes`.
fn encapsulate(out: &mut Vec<u8>, encap: &Encap, family: Family, ip_bytes: usize) {
    let mut word = |word: u16| out.extend_from_slice(&word.to_be_bytes());
    for tag in encap.tags.iter().flatten() {
        word(match tag.kind {
            TagKind::Dot1Q => TPID_DOT1Q,
            TagKind::Dot1ad => TPID_DOT1AD,
        });
        word(tag.vid);
    }
    let (ethertype, ppp) = match family {
        Family::V4 => (ETHERTYPE_IPV4, PPP_IPV4),
        Family::V6 => (ETHERTYPE_IPV6, PPP_IPV6),
    };
    match encap.pppoe {
        None => word(ethertype),
        Some(session) => {
            // A packet that came in a frame fits its length field.
            let length = (ip_bytes + PPP_PROTOCOL_BYTES) as u16;
            [ETHERTYPE_PPPOE, PPPOE_SESSION_DATA, session, length, ppp].into_iter().for_each(word);
        }
    }
}

/// Writes TTL or hop limit, addresses, and the IPv4 header's checksum.
fn translate_l3(l3: &mut [u8], packet: &Packet, action: &Action) {
    match action.addresses {
        Addresses::V4 { src, dst } => {
            l3[8] = packet.ttl - 1;
            l3[12..16].copy_from_slice(&src.octets());
            l3[16..20].copy_from_slice(&dst.octets());
            l3[10..12].fill(0);
            let header = checksum::complement(checksum::sum(&l3[..packet.l3_header_bytes]));
            l3[10..12].copy_from_slice(&header.to_be_bytes());
        }
        Addresses::V6 { src, dst } => {
            l3[7] = packet.ttl - 1;
            l3[8..24].copy_from_slice(&src.octets());
            l3[24..40].copy_from_slice(&dst.octets());
        }
    }
}

/// Writes ports and checksum of the TCP or UDP packet that `came`; `l3` is a copy with new addresses.
fn translate_l4(l3: &mut [u8], came: &[u8], packet: &Packet, action: &Action) {
    let l4_at = packet.l3_header_bytes;
    l3[l4_at..l4_at + 2].copy_from_slice(&action.sport.to_be_bytes());
    l3[l4_at + 2..l4_at + 4].copy_from_slice(&action.dport.to_be_bytes());

    let udp = packet.key.protocol == PROTO_UDP;
    let at = l4_at + if udp { 6 } else { 16 };
    let was = u16::from_be_bytes([came[at], came[at + 1]]);
    if udp && was == 0 {
        return;
    }
    l3[at..at + 2].fill(0);
    let after = l4_sum(l3, packet);
    let before = l4_sum(came, packet) - u64::from(was);
    let mut checksum = checksum::carried_over(was, before, after);
    if udp && checksum == 0 {
        checksum = 0xffff;
    }
    l3[at..at + 2].copy_from_slice(&checksum.to_be_bytes());
}

/// Sum over pseudo header (RFC 9293 3.1, RFC 768, RFC 8200 8.1), layer 4 header and payload of the IP packet `l3`.
fn l4_sum(l3: &[u8], packet: &Packet) -> u64 {
    let addresses = match packet.key.family() {
        Family::V4 => 12..20,
        Family::V6 => 8..40,
    };
    checksum::sum(&l3[addresses])
        + u64::from(packet.key.protocol)
        + packet.l4_len as u64
        + checksum::sum(&l3[packet.l3_header_bytes..packet.l3_header_bytes + packet.l4_len])
}
