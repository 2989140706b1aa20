//! IPv6 header (RFC 8200 3). Whatever is not layer 4 right behind it goes to the host: the card follows no chain of headers.

use std::net::Ipv6Addr;

use fpgaflow_abi::key::Addresses;
use fpgaflow_abi::reason::Reason;
use fpgaflow_abi::wire::{IPV6_HEADER_BYTES, NEXT_HEADER_EXTENSIONS, NEXT_HEADER_FRAGMENT, PROTO_ICMPV6};

use super::{Header, be16};

/// The header of the packet at the start of `room`.
pub(super) fn header(room: &[u8]) -> Result<Header, Reason> {
    let Some(header) = room.first_chunk::<IPV6_HEADER_BYTES>() else {
        return Err(Reason::Malformed);
    };
    let total_len = IPV6_HEADER_BYTES + usize::from(be16(header, 4));
    if header[0] >> 4 != 6 || total_len > room.len() {
        return Err(Reason::Malformed);
    }
    let protocol = header[6];
    match protocol {
        NEXT_HEADER_FRAGMENT => return Err(Reason::Fragment),
        PROTO_ICMPV6 => return Err(Reason::Icmp),
        other if NEXT_HEADER_EXTENSIONS.contains(&other) => return Err(Reason::IpExtension),
        _ => {}
    }
    let address = |at: usize| Ipv6Addr::from(std::array::from_fn::<u8, 16, _>(|i| header[at + i]));
    Ok(Header {
        addresses: Addresses::V6 { src: address(8), dst: address(24) },
        protocol,
        ttl: header[7],
        bytes: IPV6_HEADER_BYTES,
        total_len,
    })
}
