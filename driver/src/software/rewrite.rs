//! From verdict to frame: addresses, ports, TTL, checksums, Ethernet header, length.
//!
//! A forwarded frame is the next hop's Ethernet header and the IP packet cut to its total length, padded with zeros to the shortest frame of
//! the wire. Checksums change by stored deltas ([`fpgaflow_abi::checksum`]); a UDP checksum of zero stays zero, one that
//! becomes zero is sent as 0xffff (RFC 768).

use fpgaflow_abi::checksum;
use fpgaflow_abi::wire::{ETH_HEADER_BYTES, MIN_FRAME_BYTES};

use super::flow::Line;
use super::hop::Hop;
use super::parse::{IPV4_BYTES, Parsed, WINDOW_BYTES, be16};
use crate::frame::Frame;

/// The TCP checksum in a window.
const TCP_CHECKSUM: usize = IPV4_BYTES + 16;
/// The UDP checksum in a window.
const UDP_CHECKSUM: usize = IPV4_BYTES + 6;

/// Rewrites `frame`, which `parsed` is of, as flow and next hop say.
#[inline(always)]
pub(super) fn rewrite(frame: &mut Frame<'_>, parsed: &Parsed, line: &Line, hop: &Hop) {
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
    let before = be16(window, at);
    let after = checksum::update(before, line.l4_delta);
    let udp_after = if before == 0 {
        0
    } else if after == 0 {
        0xffff
    } else {
        after
    };
    put(window, at, if parsed.is_tcp { after } else { udp_after });
    let len = ETH_HEADER_BYTES + usize::from(parsed.total_len);
    if len < MIN_FRAME_BYTES {
        head[len..].fill(0);
    }
    frame.len = len.max(MIN_FRAME_BYTES);
}

#[inline(always)]
fn put(window: &mut [u8; WINDOW_BYTES], at: usize, value: u16) {
    window[at..at + 2].copy_from_slice(&value.to_be_bytes());
}
