//! From verdict to frame: addresses, ports, TTL, checksums, Ethernet header, length.
//!
//! A forwarded frame is the next hop's layer 2 header and the IP packet cut to its length, padded with zeros to the shortest frame of
//! the wire. Checksums change by stored deltas ([`fpgaflow_abi::checksum`]); a UDP checksum of zero stays zero in both families, one
//! that becomes zero is sent as 0xffff (RFC 768). Here is the short way: untagged IPv4 with TCP or UDP that stays untagged;
//! [`general`] has all others.

pub(super) mod general;

use fpgaflow_abi::checksum;
use fpgaflow_abi::wire::{ETH_HEADER_BYTES, IPV4_HEADER_BYTES, MIN_FRAME_BYTES};

use super::flow::LineV4;
use super::hop::Hop;
use super::parse::{ParsedV4, WINDOW_BYTES, be16};
use crate::frame::Frame;

/// The TCP checksum in a window.
const TCP_CHECKSUM: usize = IPV4_HEADER_BYTES + 16;
/// The UDP checksum in a window.
const UDP_CHECKSUM: usize = IPV4_HEADER_BYTES + 6;

/// Rewrites `frame`, which `parsed` is of, as flow and next hop say; both are plain.
#[inline(always)]
pub(super) fn rewrite(frame: &mut Frame<'_>, parsed: &ParsedV4, line: &LineV4, hop: &Hop) {
    let buffer = &mut frame.buffer[frame.start..];
    let Some(head) = buffer.first_chunk_mut::<MIN_FRAME_BYTES>() else { return };
    head[..ETH_HEADER_BYTES].copy_from_slice(&hop.header);
    let Some(window) = head[ETH_HEADER_BYTES..].first_chunk_mut::<WINDOW_BYTES>() else { return };
    window[8] = parsed.ttl.wrapping_sub(1);
    put(window, 10, checksum::update(be16(window, 10), line.l3_delta_and_ttl));
    window[12..20].copy_from_slice(&line.addresses);
    window[20..24].copy_from_slice(&line.ports);
    // No branch on the protocol, see `parse`.
    let at = if parsed.is_tcp { TCP_CHECKSUM } else { UDP_CHECKSUM };
    put(window, at, l4_checksum(be16(window, at), line.l4_delta, parsed.is_tcp));
    let len = ETH_HEADER_BYTES + usize::from(parsed.total_len);
    if len < MIN_FRAME_BYTES {
        head[len..].fill(0);
    }
    frame.len = len.max(MIN_FRAME_BYTES);
}

/// A TCP or UDP checksum after a change by `delta`.
#[inline(always)]
fn l4_checksum(before: u16, delta: u16, is_tcp: bool) -> u16 {
    let after = checksum::update(before, delta);
    let udp_after = if before == 0 {
        0
    } else if after == 0 {
        0xffff
    } else {
        after
    };
    if is_tcp { after } else { udp_after }
}

#[inline(always)]
fn put(window: &mut [u8; WINDOW_BYTES], at: usize, value: u16) {
    window[at..at + 2].copy_from_slice(&value.to_be_bytes());
}
