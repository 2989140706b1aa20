//! IPv6 headers (RFC 8200 3). No chain of headers is followed: what is not layer 4 right behind the header is the kernel's.

use fpgaflow_abi::reason::Reason;
use fpgaflow_abi::wire::{IPV6_HEADER_BYTES, NEXT_HEADER_EXTENSIONS, NEXT_HEADER_FRAGMENT, PROTO_ICMPV6, TCP_HEADER_BYTES};

use super::super::key::KeyV6;
use super::layer4;

/// What the later steps need of an IPv6 frame that is worth a lookup.
#[derive(Debug, Clone, Copy)]
pub(in super::super) struct ParsedV6 {
    pub key: KeyV6,
    /// Bytes of the packet, header and all.
    pub length: u32,
    pub hop_limit: u8,
    /// Bytes of the layer 2 header.
    pub l2_bytes: u8,
    pub protocol: u8,
    pub tcp_control: bool,
}

/// Parses the packet at the start of `room`.
pub(super) fn parse(room: &[u8], ingress: u8, encap: u64, l2_bytes: u8) -> Result<ParsedV6, Reason> {
    let (header, behind) = room.split_first_chunk::<IPV6_HEADER_BYTES>().ok_or(Reason::Malformed)?;
    let payload_len = u16::from_be_bytes([header[4], header[5]]);
    let l4 = behind.get(..payload_len.into()).filter(|_| header[0] >> 4 == 6).ok_or(Reason::Malformed)?;
    let protocol = header[6];
    match protocol {
        NEXT_HEADER_FRAGMENT => return Err(Reason::Fragment),
        PROTO_ICMPV6 => return Err(Reason::Icmp),
        extension if NEXT_HEADER_EXTENSIONS.contains(&extension) => return Err(Reason::IpExtension),
        _ => {}
    }
    let layer4 = layer4::parse(protocol, &l4[..l4.len().min(TCP_HEADER_BYTES)], l4.len())?;
    let addresses = header.last_chunk().ok_or(Reason::Malformed)?;
    Ok(ParsedV6 {
        key: KeyV6::new(addresses, layer4.ports, protocol, ingress, encap),
        length: IPV6_HEADER_BYTES as u32 + u32::from(payload_len),
        hop_limit: header[7],
        l2_bytes,
        protocol,
        tcp_control: layer4.tcp_control,
    })
}
