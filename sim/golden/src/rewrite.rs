//! From a packet and its entry to the frame that leaves.

use fpgaflow_abi::entry::Action;
use fpgaflow_abi::key::Addresses;
use fpgaflow_abi::next_hop::NextHop;
use fpgaflow_abi::wire::{ETH_HEADER_BYTES, ETHERTYPE_IPV4, MIN_FRAME_BYTES, PROTO_UDP};

use crate::checksum;
use crate::parse::{IPV4_HEADER_BYTES, Packet};

/// Offset of the checksum in a layer 4 header.
fn l4_checksum_at(protocol: u8) -> usize {
    if protocol == PROTO_UDP { 6 } else { 16 }
}

/// The frame as it leaves: a new Ethernet header, the IP packet without what lay behind it, padded.
pub(crate) fn rewrite(frame: &[u8], packet: &Packet, action: &Action, hop: &NextHop) -> Vec<u8> {
    let came = &frame[packet.l3_at..packet.l3_at + packet.total_len];
    let mut out = Vec::with_capacity((ETH_HEADER_BYTES + came.len()).max(MIN_FRAME_BYTES));
    out.extend_from_slice(&hop.dst_mac);
    out.extend_from_slice(&hop.src_mac);
    out.extend_from_slice(&ETHERTYPE_IPV4.to_be_bytes());
    out.extend_from_slice(came);
    translate(&mut out[ETH_HEADER_BYTES..], came, packet, action);
    if out.len() < MIN_FRAME_BYTES {
        out.resize(MIN_FRAME_BYTES, 0);
    }
    out
}

/// Writes TTL, addresses, ports and both checksums into `out`, a copy of the IPv4 packet that `came`.
fn translate(out: &mut [u8], came: &[u8], packet: &Packet, action: &Action) {
    out[8] = packet.ttl - 1;
    if let Addresses::V4 { src, dst } = action.addresses {
        out[12..16].copy_from_slice(&src.octets());
        out[16..20].copy_from_slice(&dst.octets());
    }
    out[20..22].copy_from_slice(&action.sport.to_be_bytes());
    out[22..24].copy_from_slice(&action.dport.to_be_bytes());

    out[10..12].fill(0);
    let header = checksum::complement(checksum::sum(&out[..IPV4_HEADER_BYTES]));
    out[10..12].copy_from_slice(&header.to_be_bytes());

    let udp = packet.key.protocol == PROTO_UDP;
    let at = IPV4_HEADER_BYTES + l4_checksum_at(packet.key.protocol);
    let was = u16::from_be_bytes([came[at], came[at + 1]]);
    if udp && was == 0 {
        return;
    }
    out[at..at + 2].fill(0);
    let after = l4_sum(out, packet);
    out[at..at + 2].copy_from_slice(&was.to_be_bytes());
    let before = l4_sum(came, packet) - u64::from(was);
    let mut checksum = checksum::carried_over(was, before, after);
    if udp && checksum == 0 {
        checksum = 0xffff;
    }
    out[at..at + 2].copy_from_slice(&checksum.to_be_bytes());
}

/// Sum over pseudo header (RFC 9293 3.1, RFC 768), layer 4 header and payload of the IPv4 packet `l3`.
fn l4_sum(l3: &[u8], packet: &Packet) -> u64 {
    checksum::sum(&l3[12..20])
        + u64::from(packet.key.protocol)
        + packet.l4_len as u64
        + checksum::sum(&l3[IPV4_HEADER_BYTES..IPV4_HEADER_BYTES + packet.l4_len])
}
