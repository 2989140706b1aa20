//! From a frame to its flow key, or to the reason why it has none.
//!
//! Checks come in the order that [`fpgaflow_abi::reason`] states; each is written as the RFC words it, on the whole frame.

use std::net::Ipv4Addr;

use fpgaflow_abi::key::{Addresses, Encap, FlowKey};
use fpgaflow_abi::reason::Reason;
use fpgaflow_abi::wire::{ETH_HEADER_BYTES, ETHERTYPE_ARP, ETHERTYPE_IPV4, PROTO_ICMP, PROTO_TCP, PROTO_UDP, TCP_CONTROL_FLAGS};

use crate::card::PortConfig;
use crate::checksum;

/// Bytes of an IPv4 header without options (RFC 791 3.1).
pub(crate) const IPV4_HEADER_BYTES: usize = 20;
/// Bytes of a TCP header without options (RFC 9293 3.1).
const TCP_HEADER_BYTES: usize = 20;
/// Bytes of a UDP header (RFC 768).
const UDP_HEADER_BYTES: usize = 8;

/// A packet that may be looked up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Packet {
    /// Its flow.
    pub key: FlowKey,
    /// Where the IP header starts in the frame.
    pub l3_at: usize,
    /// Bytes of the IP packet, as its header states.
    pub total_len: usize,
    /// Bytes of the layer 4 header and payload: of UDP, as its own header states.
    pub l4_len: usize,
    /// Time to live, as it came.
    pub ttl: u8,
    /// TCP with FIN, SYN or RST.
    pub tcp_control: bool,
}

/// Looks at a frame that came by `port`.
pub(crate) fn parse(port: u8, config: &PortConfig, max_frame_bytes: usize, frame: &[u8]) -> Result<Packet, Reason> {
    if frame.len() > max_frame_bytes {
        return Err(Reason::Oversize);
    }
    let Some((ethernet, l3)) = frame.split_first_chunk::<ETH_HEADER_BYTES>() else {
        return Err(Reason::Runt);
    };
    let ethertype = u16::from_be_bytes([ethernet[12], ethernet[13]]);
    if ethertype == ETHERTYPE_ARP {
        return Err(Reason::Arp);
    }
    let destination = &ethernet[..6];
    if destination == [0xff; 6] {
        return Err(Reason::Broadcast);
    }
    if destination[0] & 1 == 1 {
        return Err(Reason::Multicast);
    }
    if !config.promiscuous && destination != config.mac {
        return Err(Reason::WrongMac);
    }
    match ethertype {
        ETHERTYPE_IPV4 => ipv4(port, l3),
        _ => Err(Reason::NotIp),
    }
}

fn ipv4(port: u8, l3: &[u8]) -> Result<Packet, Reason> {
    let Some(header) = l3.first_chunk::<IPV4_HEADER_BYTES>() else {
        return Err(Reason::Malformed);
    };
    let (version, ihl) = (header[0] >> 4, usize::from(header[0] & 15));
    let total_len = usize::from(be16(header, 2));
    if version != 4 || ihl < 5 || ihl * 4 > total_len || total_len > l3.len() {
        return Err(Reason::Malformed);
    }
    if ihl > 5 {
        return Err(Reason::IpOptions);
    }
    if checksum::complement(checksum::sum(header)) != 0 {
        return Err(Reason::IpChecksum);
    }
    let (more_fragments, offset) = (be16(header, 6) & 0x2000 != 0, be16(header, 6) & 0x1fff);
    if more_fragments || offset != 0 {
        return Err(Reason::Fragment);
    }
    let protocol = header[9];
    let l4 = &l3[IPV4_HEADER_BYTES..total_len];
    let (l4_len, tcp_control) = match protocol {
        PROTO_ICMP => return Err(Reason::Icmp),
        PROTO_TCP => tcp(l4)?,
        PROTO_UDP => udp(l4)?,
        _ => return Err(Reason::OtherProtocol),
    };
    let address = |at: usize| Ipv4Addr::new(header[at], header[at + 1], header[at + 2], header[at + 3]);
    Ok(Packet {
        key: FlowKey {
            ingress: port,
            encap: Encap::NONE,
            protocol,
            addresses: Addresses::V4 { src: address(12), dst: address(16) },
            sport: be16(l4, 0),
            dport: be16(l4, 2),
        },
        l3_at: ETH_HEADER_BYTES,
        total_len,
        l4_len,
        ttl: header[8],
        tcp_control,
    })
}

/// Length of a TCP segment, and whether it opens or closes a connection.
fn tcp(l4: &[u8]) -> Result<(usize, bool), Reason> {
    if l4.len() < TCP_HEADER_BYTES {
        return Err(Reason::Malformed);
    }
    let data_offset = usize::from(l4[12] >> 4);
    if data_offset < 5 || data_offset * 4 > l4.len() {
        return Err(Reason::Malformed);
    }
    Ok((l4.len(), l4[13] & TCP_CONTROL_FLAGS != 0))
}

/// Length of a UDP datagram; it may be shorter than what IP carries, not longer.
fn udp(l4: &[u8]) -> Result<(usize, bool), Reason> {
    if l4.len() < UDP_HEADER_BYTES {
        return Err(Reason::Malformed);
    }
    let length = usize::from(be16(l4, 4));
    if length < UDP_HEADER_BYTES || length > l4.len() {
        return Err(Reason::Malformed);
    }
    Ok((length, false))
}

fn be16(bytes: &[u8], at: usize) -> u16 {
    u16::from_be_bytes([bytes[at], bytes[at + 1]])
}
