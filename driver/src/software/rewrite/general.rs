//! Frames whose layer 2 header changes its length, and all IPv6 and GRE: the packet stays where it is, and the header grows or shrinks in
//! front of it, into the frame's head room.

use fpgaflow_abi::checksum;
use fpgaflow_abi::key::Family;
use fpgaflow_abi::wire::{IPV4_HEADER_BYTES, IPV6_HEADER_BYTES, MIN_FRAME_BYTES, PROTO_GRE, PROTO_TCP};

use super::super::flow::{LineV4, LineV6};
use super::super::hop::Header;
use super::super::parse::{ParsedV4, ParsedV6};
use super::l4_checksum;
use crate::frame::Frame;

/// Where in its buffer a frame leaves.
#[derive(Debug, Clone, Copy)]
pub(in super::super) struct Place {
    /// Where the packet is.
    from: usize,
    /// First byte of the frame that leaves.
    start: usize,
    ip_bytes: usize,
}

impl Place {
    /// Where a packet of `ip_bytes` behind a layer 2 header of `l2_bytes` leaves behind `header`; `None` when that does not admit so
    /// much, or when the frame's buffer has no room for it.
    pub fn find(frame: &Frame<'_>, l2_bytes: u8, ip_bytes: usize, header: &Header) -> Option<Self> {
        if !header.admits(ip_bytes) {
            return None;
        }
        let from = frame.start + usize::from(l2_bytes);
        let len = (header.bytes() + ip_bytes).max(MIN_FRAME_BYTES);
        // Where the packet stays in its place, or else as far behind as the buffer allows.
        let unmoved = from.checked_sub(header.bytes()).filter(|start| start + len <= frame.buffer.len());
        let start = unmoved.or_else(|| frame.buffer.len().checked_sub(len))?;
        Some(Self { from, start, ip_bytes })
    }

    /// Puts the frame there, with its new header and padding, and returns its packet.
    fn take<'a>(self, frame: &'a mut Frame<'_>, header: &Header, family: Family) -> &'a mut [u8] {
        let Self { from, start, ip_bytes } = self;
        let packet = start + header.bytes();
        if packet != from {
            frame.buffer.copy_within(from..from + ip_bytes, packet);
        }
        let len = header.bytes() + ip_bytes;
        frame.start = start;
        frame.len = len.max(MIN_FRAME_BYTES);
        let bytes = &mut frame.buffer[start..start + frame.len];
        header.write(bytes, family, ip_bytes);
        bytes[len..].fill(0);
        &mut bytes[header.bytes()..len]
    }
}

/// Rewrites an IPv4 frame.
pub(in super::super) fn rewrite_v4(frame: &mut Frame<'_>, parsed: &ParsedV4, line: &LineV4, header: &Header, place: Place) {
    let packet = place.take(frame, header, Family::V4);
    packet[8] = parsed.ttl.wrapping_sub(1);
    let sum = checksum::update(u16::from_be_bytes([packet[10], packet[11]]), line.l3_delta_and_ttl);
    packet[10..12].copy_from_slice(&sum.to_be_bytes());
    packet[12..20].copy_from_slice(&line.addresses);
    let protocol = packet[9];
    rewrite_layer4(&mut packet[IPV4_HEADER_BYTES..], protocol, line.ports, line.l4_delta);
}

/// Rewrites an IPv6 frame.
pub(in super::super) fn rewrite_v6(frame: &mut Frame<'_>, parsed: &ParsedV6, line: &LineV6, header: &Header, place: Place) {
    let packet = place.take(frame, header, Family::V6);
    packet[7] = parsed.hop_limit.wrapping_sub(1);
    packet[8..IPV6_HEADER_BYTES].copy_from_slice(&line.addresses);
    rewrite_layer4(&mut packet[IPV6_HEADER_BYTES..], parsed.protocol, line.ports, line.l4_delta);
}

/// Ports and checksum; nothing of GRE changes.
fn rewrite_layer4(l4: &mut [u8], protocol: u8, ports: [u8; 4], delta: u16) {
    if protocol == PROTO_GRE {
        return;
    }
    l4[..4].copy_from_slice(&ports);
    let is_tcp = protocol == PROTO_TCP;
    let at = if is_tcp { 16 } else { 6 };
    let after = l4_checksum(u16::from_be_bytes([l4[at], l4[at + 1]]), delta, is_tcp);
    l4[at..at + 2].copy_from_slice(&after.to_be_bytes());
}
