//! IPv6 header (RFC 8200 3). Whatever is not layer 4 right behind it, or behind a fragment header (4.5), goes to the
//! host: the card follows no chain of headers.

use std::net::Ipv6Addr;

use fpgaflow_abi::fragment::UNIT_BYTES;
use fpgaflow_abi::key::Addresses;
use fpgaflow_abi::reason::Reason;
use fpgaflow_abi::wire::{
    FRAGMENT_HEADER_BYTES, IPV6_HEADER_BYTES, NEXT_HEADER_EXTENSIONS, NEXT_HEADER_FRAGMENT, PROTO_ICMPV6, PROTO_UDP,
};

use super::{Header, Part, be16};

/// The header of the packet at the start of `room`; a fragment is none to look up unless `fragments` are.
pub(super) fn header(room: &[u8], fragments: bool) -> Result<Header, Reason> {
    let Some(header) = room.first_chunk::<IPV6_HEADER_BYTES>() else {
        return Err(Reason::Malformed);
    };
    let total_len = IPV6_HEADER_BYTES + usize::from(be16(header, 4));
    if header[0] >> 4 != 6 || total_len > room.len() {
        return Err(Reason::Malformed);
    }
    let (mut protocol, mut bytes, mut part) = (header[6], IPV6_HEADER_BYTES, None);
    match protocol {
        NEXT_HEADER_FRAGMENT => {
            let (inner, fragment) =
                fragment(&room[IPV6_HEADER_BYTES..total_len]).filter(|_| fragments).ok_or(Reason::Fragment)?;
            (protocol, bytes, part) = (inner, IPV6_HEADER_BYTES + FRAGMENT_HEADER_BYTES, Some(fragment));
        }
        PROTO_ICMPV6 => return Err(Reason::Icmp),
        other if NEXT_HEADER_EXTENSIONS.contains(&other) => return Err(Reason::IpExtension),
        _ => {}
    }
    let address = |at: usize| Ipv6Addr::from(std::array::from_fn::<u8, 16, _>(|i| header[at + i]));
    Ok(Header {
        addresses: Addresses::V6 { src: address(8), dst: address(24) },
        protocol,
        ttl: header[7],
        bytes,
        total_len,
        part,
    })
}

/// What a fragment header says, with the next header that it names; `None` for one that is not there, that is no fragment, or not of UDP: the
/// checksum of TCP lies behind the card's header window then.
fn fragment(payload: &[u8]) -> Option<(u8, Part)> {
    let (header, data) = payload.split_first_chunk::<FRAGMENT_HEADER_BYTES>()?;
    let field = be16(header, 2);
    let part = Part {
        identification: u32::from(be16(header, 4)) << 16 | u32::from(be16(header, 6)),
        offset: field >> 3,
        units: (data.len() / UNIT_BYTES) as u16,
        more: field & 1 != 0,
    };
    (header[0] == PROTO_UDP && (part.more || part.offset != 0)).then_some((header[0], part))
}
