//! What the parser has to say about a frame, from the frame's own bytes and nothing else.

use std::net::{Ipv4Addr, Ipv6Addr};

use fpgaflow_abi::key::{Addresses, FlowKey, KeyBits};
use fpgaflow_abi::reason::Reason;

use crate::layer2::{Layer2, sixteen};

/// Configuration of a card.
#[derive(Clone)]
pub struct Config {
    pub promiscuous: Vec<bool>,
    pub macs: Vec<[u8; 6]>,
    pub lookup: bool,
    pub fragments: bool,
}

/// A packet that may be looked up. What means nothing is zero.
#[derive(Debug, PartialEq)]
pub struct Packet {
    pub key: KeyBits,
    pub ip_length: u16,
    pub ttl: u8,
    pub l3_checksum: u16,
    pub l4_checksum: u16,
    pub v6: bool,
    pub udp: bool,
    pub gre: bool,
    pub tcp_control: bool,
    pub fragment_header: bool,
    pub part: Option<Part>,
}

/// Which part of its datagram a packet is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Part {
    pub more: bool,
    pub id: u32,
    pub offset: u16,
    /// Length in units of 8 bytes.
    pub units: u16,
}

/// What both families say of a packet.
struct Ip<'a> {
    addresses: Addresses,
    protocol: u8,
    length: usize,
    ttl: u8,
    checksum: u16,
    payload: &'a [u8],
    part: Option<Part>,
}

/// The packet, or why there is none.
pub fn parse(frame: &[u8], port: usize, config: &Config) -> Result<Packet, Reason> {
    let layer2 = Layer2::of(frame);
    check_layer2(frame, &layer2, port, config)?;
    let behind = &frame[layer2.bytes..];
    let room = layer2.pppoe_length.map_or(behind.len(), |length| behind.len().min(usize::from(length).saturating_sub(2)));
    let v6 = layer2.ethertype == 0x86dd;
    let ip = if v6 { ipv6(&behind[..room], config.fragments)? } else { ipv4(&behind[..room], config.fragments)? };
    let payload = ip.payload;
    let later = ip.part.is_some_and(|part| part.offset != 0);
    let (ports, l4_checksum, tcp_control) = match ip.protocol {
        _ if later => (false, 0, false),
        6 => {
            let header = usize::from(*payload.get(12).ok_or(Reason::Malformed)? >> 4) * 4;
            if header < 20 || header > payload.len() {
                return Err(Reason::Malformed);
            }
            (true, sixteen(payload, 16).unwrap(), payload[13] & 7 != 0)
        }
        17 => {
            let datagram = usize::from(sixteen(payload, 4).ok_or(Reason::Malformed)?);
            if payload.len() < 8 || datagram < 8 || (ip.part.is_none() && datagram > payload.len()) {
                return Err(Reason::Malformed);
            }
            (true, sixteen(payload, 6).unwrap(), false)
        }
        47 => {
            if payload.len() < 4 {
                return Err(Reason::Malformed);
            }
            if payload[1] & 7 != 0 {
                return Err(Reason::OtherProtocol);
            }
            (false, 0, false)
        }
        _ => return Err(Reason::OtherProtocol),
    };
    if !config.lookup {
        return Err(Reason::LookupDisabled);
    }
    let port_at = |at: usize| if ports { sixteen(payload, at).unwrap() } else { 0 };
    let key = FlowKey {
        ingress: port as u8,
        encap: layer2.encap,
        protocol: ip.protocol,
        addresses: ip.addresses,
        sport: port_at(0),
        dport: port_at(2),
    };
    Ok(Packet {
        key: key.to_bits(),
        ip_length: ip.length as u16,
        ttl: ip.ttl,
        l3_checksum: ip.checksum,
        l4_checksum,
        v6,
        udp: ip.protocol == 17 && !later,
        gre: ip.protocol == 47 || later,
        tcp_control,
        fragment_header: v6 && ip.part.is_some(),
        part: ip.part,
    })
}

fn check_layer2(frame: &[u8], layer2: &Layer2, port: usize, config: &Config) -> Result<(), Reason> {
    let destination = &frame[..6];
    if layer2.ethertype == 0x0806 {
        return Err(Reason::Arp);
    }
    if destination == [0xff; 6] {
        return Err(Reason::Broadcast);
    }
    if destination[0] % 2 == 1 {
        return Err(Reason::Multicast);
    }
    if !config.promiscuous[port] && destination != config.macs[port] {
        return Err(Reason::WrongMac);
    }
    if layer2.ethertype != 0x0800 && layer2.ethertype != 0x86dd {
        return Err(Reason::NotIp);
    }
    Ok(())
}

/// An IPv4 packet that is whole, in the room there is.
fn ipv4(room: &[u8], fragments: bool) -> Result<Ip<'_>, Reason> {
    if room.len() < 20 || room[0] >> 4 != 4 {
        return Err(Reason::Malformed);
    }
    let header = usize::from(room[0] & 15) * 4;
    let length = usize::from(sixteen(room, 2).unwrap());
    if header < 20 || header > length || length > room.len() {
        return Err(Reason::Malformed);
    }
    if header > 20 {
        return Err(Reason::IpOptions);
    }
    if !checksum_is_right(&room[..20]) {
        return Err(Reason::IpChecksum);
    }
    let is_part = room[6] & 0x3f != 0 || room[7] != 0;
    if is_part && !(fragments && (room[9] == 6 || room[9] == 17)) {
        return Err(Reason::Fragment);
    }
    let part = is_part.then(|| Part {
        more: room[6] & 0x20 != 0,
        id: sixteen(room, 4).unwrap().into(),
        offset: u16::from(room[6] & 0x1f) << 8 | u16::from(room[7]),
        units: ((length - 20) / 8) as u16,
    });
    if room[9] == 1 {
        return Err(Reason::Icmp);
    }
    let address = |at: usize| Ipv4Addr::new(room[at], room[at + 1], room[at + 2], room[at + 3]);
    Ok(Ip {
        addresses: Addresses::V4 { src: address(12), dst: address(16) },
        protocol: room[9],
        length,
        ttl: room[8],
        checksum: sixteen(room, 10).unwrap(),
        payload: &room[20..length],
        part,
    })
}

/// An IPv6 packet that is whole, in the room there is.
fn ipv6(room: &[u8], fragments: bool) -> Result<Ip<'_>, Reason> {
    if room.len() < 40 || room[0] >> 4 != 6 {
        return Err(Reason::Malformed);
    }
    let length = 40 + usize::from(sixteen(room, 4).unwrap());
    if length > room.len() {
        return Err(Reason::Malformed);
    }
    let (mut protocol, mut header, mut part) = (room[6], 40, None);
    match room[6] {
        0 | 43 | 51 | 60 | 135 | 139 | 140 => return Err(Reason::IpExtension),
        44 => {
            if !fragments || length < 48 || room[40] != 17 || (room[42] == 0 && room[43] & 0xf9 == 0) {
                return Err(Reason::Fragment);
            }
            (protocol, header) = (17, 48);
            part = Some(Part {
                more: room[43] & 1 == 1,
                id: u32::from_be_bytes(room[44..48].try_into().unwrap()),
                offset: sixteen(room, 42).unwrap() >> 3,
                units: ((length - 48) / 8) as u16,
            });
        }
        58 => return Err(Reason::Icmp),
        _ => {}
    }
    let address = |at: usize| Ipv6Addr::from(<[u8; 16]>::try_from(&room[at..at + 16]).unwrap());
    Ok(Ip {
        addresses: Addresses::V6 { src: address(8), dst: address(24) },
        protocol,
        length,
        ttl: room[7],
        checksum: 0,
        payload: &room[header..length],
        part,
    })
}

/// RFC 1071, by the book: a wide sum, folded.
pub fn checksum_is_right(header: &[u8]) -> bool {
    let sum: u32 = header.chunks(2).map(|pair| u32::from(u16::from_be_bytes([pair[0], pair[1]]))).sum();
    (sum & 0xffff) + (sum >> 16) == 0xffff
}

/// Writes the checksum that makes a header of 20 bytes right.
pub fn fill_checksum(header: &mut [u8]) {
    header[10..12].fill(0);
    let mut sum: u32 = header[..20].chunks(2).map(|pair| u32::from(u16::from_be_bytes([pair[0], pair[1]]))).sum();
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    header[10..12].copy_from_slice(&(!(sum as u16)).to_be_bytes());
}
