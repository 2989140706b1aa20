//! What the parser has to say about a frame, from the frame's own bytes and nothing else.

use std::net::Ipv4Addr;

use fpgaflow_abi::key::{Addresses, Encap, FlowKey, KeyBits};
use fpgaflow_abi::reason::Reason;

/// Configuration of a card with `N` ports.
#[derive(Clone)]
pub struct Config {
    pub promiscuous: Vec<bool>,
    pub macs: Vec<[u8; 6]>,
    pub lookup: bool,
}

/// A frame on its way in: what it really has, not what the window shows.
#[derive(Clone, Debug)]
pub struct Frame {
    pub destination: [u8; 6],
    pub ethertype: u16,
    pub encap: Encap,
    pub port: usize,
    /// Everything behind layer 2.
    pub packet: Vec<u8>,
}

impl Frame {
    /// Bytes of the whole frame, `header` of them layer 2.
    pub fn length(&self, header: usize) -> usize {
        header + self.packet.len()
    }
}

/// A packet that may be looked up.
#[derive(Debug, PartialEq)]
pub struct Packet {
    pub key: KeyBits,
    pub ip_length: u16,
    pub ttl: u8,
    pub l3_checksum: u16,
    pub l4_checksum: u16,
    pub udp: bool,
    pub tcp_control: bool,
}

/// The packet, or why there is none.
pub fn parse(frame: &Frame, config: &Config) -> Result<Packet, Reason> {
    layer2(frame, config)?;
    let (ip, payload) = layer3(&frame.packet)?;
    let protocol = ip[9];
    let sixteen = |bytes: &[u8], at: usize| u16::from_be_bytes([bytes[at], bytes[at + 1]]);
    let (l4_checksum, tcp_control) = match protocol {
        1 => return Err(Reason::Icmp),
        6 => {
            if payload.len() < 20 {
                return Err(Reason::Malformed);
            }
            let header = usize::from(payload[12] >> 4) * 4;
            if header < 20 || header > payload.len() {
                return Err(Reason::Malformed);
            }
            (sixteen(payload, 16), payload[13] & 7 != 0)
        }
        17 => {
            if payload.len() < 8 {
                return Err(Reason::Malformed);
            }
            let datagram = usize::from(sixteen(payload, 4));
            if datagram < 8 || datagram > payload.len() {
                return Err(Reason::Malformed);
            }
            (sixteen(payload, 6), false)
        }
        _ => return Err(Reason::OtherProtocol),
    };
    if !config.lookup {
        return Err(Reason::LookupDisabled);
    }
    let address = |at: usize| Ipv4Addr::new(ip[at], ip[at + 1], ip[at + 2], ip[at + 3]);
    let key = FlowKey {
        ingress: frame.port as u8,
        encap: frame.encap,
        protocol,
        addresses: Addresses::V4 { src: address(12), dst: address(16) },
        sport: sixteen(payload, 0),
        dport: sixteen(payload, 2),
    };
    Ok(Packet {
        key: key.to_bits(),
        ip_length: sixteen(ip, 2),
        ttl: ip[8],
        l3_checksum: sixteen(ip, 10),
        l4_checksum,
        udp: protocol == 17,
        tcp_control,
    })
}

fn layer2(frame: &Frame, config: &Config) -> Result<(), Reason> {
    if frame.ethertype == 0x0806 {
        return Err(Reason::Arp);
    }
    if frame.destination == [0xff; 6] {
        return Err(Reason::Broadcast);
    }
    if frame.destination[0] % 2 == 1 {
        return Err(Reason::Multicast);
    }
    if !config.promiscuous[frame.port] && frame.destination != config.macs[frame.port] {
        return Err(Reason::WrongMac);
    }
    if frame.ethertype != 0x0800 {
        return Err(Reason::NotIp);
    }
    Ok(())
}

/// Header and payload of an IPv4 packet that is whole.
fn layer3(packet: &[u8]) -> Result<(&[u8], &[u8]), Reason> {
    if packet.len() < 20 || packet[0] >> 4 != 4 {
        return Err(Reason::Malformed);
    }
    let header = usize::from(packet[0] & 15) * 4;
    let total = usize::from(u16::from_be_bytes([packet[2], packet[3]]));
    if header < 20 || header > total || total > packet.len() {
        return Err(Reason::Malformed);
    }
    if header > 20 {
        return Err(Reason::IpOptions);
    }
    if !checksum_is_right(&packet[..20]) {
        return Err(Reason::IpChecksum);
    }
    if packet[6] & 0x3f != 0 || packet[7] != 0 {
        return Err(Reason::Fragment);
    }
    Ok((&packet[..20], &packet[20..total]))
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
