//! From a frame to its flow key, or to the reason why it has none.
//!
//! Checks come in the order that [`fpgaflow_abi::reason`] states; each is written as the RFC words it, on the whole frame.

mod ipv4;
mod ipv6;
mod layer2;
mod layer4;

use fpgaflow_abi::key::{Addresses, FlowKey};
use fpgaflow_abi::reason::Reason;
use fpgaflow_abi::wire::{ETHERTYPE_ARP, ETHERTYPE_IPV4, ETHERTYPE_IPV6};

use crate::card::PortConfig;

use layer2::Layer2;
use layer4::Layer4;

/// A packet that may be looked up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Packet {
    /// Its flow.
    pub key: FlowKey,
    /// Where the IP header starts in the frame.
    pub l3_at: usize,
    /// Bytes of the IP header, with the fragment header of IPv6.
    pub l3_header_bytes: usize,
    /// Bytes of the IP packet, as its header states.
    pub total_len: usize,
    /// Bytes of the layer 4 header and payload: of UDP, as its own header states.
    pub l4_len: usize,
    /// Time to live or hop limit, as it came.
    pub ttl: u8,
    /// TCP with FIN, SYN or RST.
    pub tcp_control: bool,
    /// Which part of its datagram it is, if not all of it.
    pub part: Option<Part>,
}

impl Packet {
    /// Whether it has a layer 4 header.
    pub fn has_layer4(&self) -> bool {
        self.part.is_none_or(|part| part.is_first())
    }
}

/// Which part of its datagram a packet is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Part {
    /// Identification of the datagram.
    pub identification: u32,
    /// Where it starts in the datagram, in units of 8 bytes.
    pub offset: u16,
    /// How many of these units it has.
    pub units: u16,
    /// It is not the last.
    pub more: bool,
}

impl Part {
    /// Whether it has the layer 4 header.
    pub fn is_first(&self) -> bool {
        self.offset == 0
    }
}

/// An IP header that the card forwards behind.
struct Header {
    addresses: Addresses,
    protocol: u8,
    ttl: u8,
    bytes: usize,
    /// Bytes of the packet, header and all.
    total_len: usize,
    part: Option<Part>,
}

/// Looks at a frame that came by `port`; `fragments` says whether those are looked up.
pub(crate) fn parse(
    port: u8,
    config: &PortConfig,
    fragments: bool,
    max_frame_bytes: usize,
    frame: &[u8],
) -> Result<Packet, Reason> {
    if frame.len() > max_frame_bytes {
        return Err(Reason::Oversize);
    }
    let Some(layer2) = Layer2::of(frame) else {
        return Err(Reason::Runt);
    };
    if layer2.ethertype == ETHERTYPE_ARP {
        return Err(Reason::Arp);
    }
    let destination = &frame[..6];
    if destination == [0xff; 6] {
        return Err(Reason::Broadcast);
    }
    if destination[0] & 1 == 1 {
        return Err(Reason::Multicast);
    }
    if !config.promiscuous && destination != config.mac {
        return Err(Reason::WrongMac);
    }
    let room = &frame[layer2.bytes..layer2.bytes + layer2.room];
    let header = match layer2.ethertype {
        ETHERTYPE_IPV4 => ipv4::header(room, fragments)?,
        ETHERTYPE_IPV6 => ipv6::header(room, fragments)?,
        _ => return Err(Reason::NotIp),
    };
    let Layer4 { len, sport, dport, tcp_control } =
        layer4::of(header.protocol, &room[header.bytes..header.total_len], header.part)?;
    Ok(Packet {
        key: FlowKey { ingress: port, encap: layer2.encap, protocol: header.protocol, addresses: header.addresses, sport, dport },
        l3_at: layer2.bytes,
        l3_header_bytes: header.bytes,
        total_len: header.total_len,
        l4_len: len,
        ttl: header.ttl,
        tcp_control,
        part: header.part,
    })
}

fn be16(bytes: &[u8], at: usize) -> u16 {
    u16::from_be_bytes([bytes[at], bytes[at + 1]])
}
