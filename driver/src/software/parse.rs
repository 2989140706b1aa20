//! From frame to key: the checks that need no table, in the card's order ([`fpgaflow_abi::reason`]).
//!
//! Malformed at layer 3: fewer than 20 bytes behind the layer 2 header, version not 4, IHL below 5, IHL beyond the total length, total
//! length beyond the frame (RFC 791 3.1). Malformed at layer 4: no room for the header; TCP data offset below 5 or beyond
//! the packet (RFC 9293 3.1); UDP length below 8 or beyond the packet (RFC 768).

use fpgaflow_abi::key::{DPORT, DST_V4, FAMILY, INGRESS, PROTOCOL, SPORT, SRC_V4};
use fpgaflow_abi::next_hop::mac_to_int;
use fpgaflow_abi::reason::Reason;
use fpgaflow_abi::wire::{
    ETH_HEADER_BYTES, ETHERTYPE_ARP, ETHERTYPE_IPV4, MIN_FRAME_BYTES, PROTO_ICMP, PROTO_TCP, PROTO_UDP, TCP_CONTROL_FLAGS,
};

use crate::card::PortSettings;
use crate::frame::Frame;
use crate::hash::WORDS_V4;

/// Bytes of an IPv4 header without options.
pub(super) const IPV4_BYTES: usize = 20;
/// Bytes of a TCP header without options.
const TCP_BYTES: usize = 20;
/// Bytes of a UDP header.
const UDP_BYTES: usize = 8;
/// What is looked at behind the layer 2 header. Every [`Frame`]'s buffer has that much.
pub(super) const WINDOW_BYTES: usize = IPV4_BYTES + TCP_BYTES;

const _: () = assert!(ETH_HEADER_BYTES + WINDOW_BYTES <= MIN_FRAME_BYTES);

/// An Ethernet address with the group bit, as the integer its bytes spell.
const GROUP_BIT: u64 = 1 << 40;
/// The broadcast address.
const BROADCAST: u64 = 0xffff_ffff_ffff;
/// More-fragments flag and fragment offset.
const FRAGMENT_MASK: u16 = 0x3fff;

/// What parsing needs to know of a port.
#[derive(Debug, Clone, Copy, Default)]
pub struct Port {
    mac: u64,
    enabled: bool,
    promiscuous: bool,
}

impl Port {
    pub(super) fn new(settings: &PortSettings) -> Self {
        Self { mac: mac_to_int(settings.mac), enabled: settings.enabled, promiscuous: settings.promiscuous }
    }
}

/// The words of an IPv4 key that are not always zero.
pub(super) type Key = [u64; WORDS_V4];

/// What the later steps need of a frame that is worth a lookup.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Parsed {
    pub key: Key,
    pub total_len: u16,
    pub ttl: u8,
    pub protocol: u8,
    pub tcp_control: bool,
}

/// Big-endian 16 bits of a window.
#[inline(always)]
pub(super) fn be16(window: &[u8; WINDOW_BYTES], at: usize) -> u16 {
    u16::from_be_bytes([window[at], window[at + 1]])
}

#[inline(always)]
fn be32(window: &[u8; WINDOW_BYTES], at: usize) -> u32 {
    u32::from_be_bytes([window[at], window[at + 1], window[at + 2], window[at + 3]])
}

/// Parses `frame`, or says why it is not looked up.
#[inline(always)]
pub(super) fn parse(frame: &Frame<'_>, port: Option<&Port>, max_frame_bytes: u32) -> Result<Parsed, Reason> {
    let Some(port) = port.filter(|port| port.enabled) else { return Err(Reason::PortDisabled) };
    let len = frame.len;
    if len > max_frame_bytes as usize {
        return Err(Reason::Oversize);
    }
    // A frame's buffer has room for the shortest frame of the wire, so all that is looked at exists, if not in the frame.
    let Some(head) = frame.buffer[frame.start..].first_chunk::<MIN_FRAME_BYTES>() else { return Err(Reason::Runt) };
    if len < ETH_HEADER_BYTES {
        return Err(Reason::Runt);
    }
    let dst_mac = u64::from_be_bytes([0, 0, head[0], head[1], head[2], head[3], head[4], head[5]]);
    let ethertype = u16::from_be_bytes([head[12], head[13]]);
    if ethertype == ETHERTYPE_ARP {
        return Err(Reason::Arp);
    }
    if dst_mac & GROUP_BIT != 0 {
        return Err(if dst_mac == BROADCAST { Reason::Broadcast } else { Reason::Multicast });
    }
    if dst_mac != port.mac && !port.promiscuous {
        return Err(Reason::WrongMac);
    }
    if ethertype != ETHERTYPE_IPV4 {
        return Err(Reason::NotIp);
    }
    let Some(window) = head[ETH_HEADER_BYTES..].first_chunk::<WINDOW_BYTES>() else { return Err(Reason::Malformed) };
    parse_ipv4(window, len - ETH_HEADER_BYTES, frame.port)
}

/// Parses the packet that `window` begins with, of which the frame holds `available` bytes.
#[inline(always)]
fn parse_ipv4(window: &[u8; WINDOW_BYTES], available: usize, ingress: u8) -> Result<Parsed, Reason> {
    let header_bytes = usize::from(window[0] & 15) * 4;
    let total_len = be16(window, 2);
    let total = usize::from(total_len);
    if available < IPV4_BYTES || window[0] >> 4 != 4 || header_bytes < IPV4_BYTES || header_bytes > total || total > available {
        return Err(Reason::Malformed);
    }
    if header_bytes > IPV4_BYTES {
        return Err(Reason::IpOptions);
    }
    if !header_sum_is_right(window) {
        return Err(Reason::IpChecksum);
    }
    if be16(window, 6) & FRAGMENT_MASK != 0 {
        return Err(Reason::Fragment);
    }
    let protocol = window[9];
    let payload = total - IPV4_BYTES;
    let tcp_control = match protocol {
        PROTO_TCP => {
            let offset_bytes = usize::from(window[IPV4_BYTES + 12] >> 4) * 4;
            if payload < TCP_BYTES || offset_bytes < TCP_BYTES || offset_bytes > payload {
                return Err(Reason::Malformed);
            }
            window[IPV4_BYTES + 13] & TCP_CONTROL_FLAGS != 0
        }
        PROTO_UDP => {
            let udp_len = usize::from(be16(window, IPV4_BYTES + 4));
            if payload < UDP_BYTES || udp_len < UDP_BYTES || udp_len > payload {
                return Err(Reason::Malformed);
            }
            false
        }
        PROTO_ICMP => return Err(Reason::Icmp),
        _ => return Err(Reason::OtherProtocol),
    };
    Ok(Parsed { key: key(window, protocol, ingress), total_len, ttl: window[8], protocol, tcp_control })
}

/// Whether the header, checksum included, adds up to minus zero (RFC 1071). The sum does not depend on the byte order.
#[inline(always)]
fn header_sum_is_right(window: &[u8; WINDOW_BYTES]) -> bool {
    let word = |i: usize| u64::from(u32::from_ne_bytes([window[i], window[i + 1], window[i + 2], window[i + 3]]));
    let sum = word(0) + word(4) + word(8) + word(12) + word(16);
    let folded = (sum & 0xffff_ffff) + (sum >> 32);
    let folded = (folded & 0xffff) + (folded >> 16 & 0xffff) + (folded >> 32);
    let folded = (folded & 0xffff) + (folded >> 16);
    folded == 0xffff
}

/// The key's row, straight from the wire: its fields lie in it as the ports and addresses do in the packet.
#[inline(always)]
fn key(window: &[u8; WINDOW_BYTES], protocol: u8, ingress: u8) -> Key {
    const {
        assert!(DPORT.lsb == 0 && SPORT.lsb == 16 && PROTOCOL.end() <= 64 && INGRESS.end() <= FAMILY.lsb);
        assert!(DST_V4.lsb == 96 && SRC_V4.lsb == 128 && WORDS_V4 == 3);
    }
    let ports = be32(window, IPV4_BYTES);
    [
        u64::from(ports) | u64::from(protocol) << PROTOCOL.lsb | u64::from(ingress) << INGRESS.lsb,
        u64::from(be32(window, 16)) << (DST_V4.lsb - 64),
        be32(window, 12).into(),
    ]
}
