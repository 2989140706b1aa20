//! IPv4 header (RFC 791 3.1).

use std::net::Ipv4Addr;

use fpgaflow_abi::fragment::UNIT_BYTES;
use fpgaflow_abi::key::Addresses;
use fpgaflow_abi::reason::Reason;
use fpgaflow_abi::wire::{IPV4_HEADER_BYTES, PROTO_ICMP, PROTO_TCP, PROTO_UDP};

use super::{Header, Part, be16};
use crate::checksum;

/// Flag "more fragments" and the fragment offset below it.
const MORE_FRAGMENTS: u16 = 0x2000;
const FRAGMENT_OFFSET: u16 = 0x1fff;

/// The header of the packet at the start of `room`; a fragment is none to look up unless `fragments` are.
pub(super) fn header(room: &[u8], fragments: bool) -> Result<Header, Reason> {
    let Some(header) = room.first_chunk::<IPV4_HEADER_BYTES>() else {
        return Err(Reason::Malformed);
    };
    let (version, ihl) = (header[0] >> 4, usize::from(header[0] & 15));
    let total_len = usize::from(be16(header, 2));
    if version != 4 || ihl < 5 || ihl * 4 > total_len || total_len > room.len() {
        return Err(Reason::Malformed);
    }
    if ihl > 5 {
        return Err(Reason::IpOptions);
    }
    if checksum::complement(checksum::sum(header)) != 0 {
        return Err(Reason::IpChecksum);
    }
    let protocol = header[9];
    let field = be16(header, 6);
    let part = (field & (MORE_FRAGMENTS | FRAGMENT_OFFSET) != 0).then(|| Part {
        identification: be16(header, 4).into(),
        offset: field & FRAGMENT_OFFSET,
        units: ((total_len - IPV4_HEADER_BYTES) / UNIT_BYTES) as u16,
        more: field & MORE_FRAGMENTS != 0,
    });
    if part.is_some() && !(fragments && [PROTO_TCP, PROTO_UDP].contains(&protocol)) {
        return Err(Reason::Fragment);
    }
    if protocol == PROTO_ICMP {
        return Err(Reason::Icmp);
    }
    let address = |at: usize| Ipv4Addr::new(header[at], header[at + 1], header[at + 2], header[at + 3]);
    Ok(Header {
        addresses: Addresses::V4 { src: address(12), dst: address(16) },
        protocol,
        ttl: header[8],
        bytes: IPV4_HEADER_BYTES,
        total_len,
        part,
    })
}
