//! From frame to key: the checks that need no table, in the card's order ([`fpgaflow_abi::reason`]).
//!
//! Most frames are untagged IPv4 with TCP or UDP, and go the short way that is written here. [`layer2`] has the way of all others.
//!
//! Malformed at layer 3: fewer than 20 bytes behind the layer 2 header, version not 4, IHL below 5, IHL beyond the total length, total
//! length beyond the room that layer 2 leaves (RFC 791 3.1). Malformed at layer 4: no room for the header; TCP data offset below 5
//! or beyond the packet (RFC 9293 3.1); UDP length below 8 or beyond the packet (RFC 768).

mod ipv6;
pub(super) mod layer2;
mod layer4;

use fpgaflow_abi::key::Encap;
use fpgaflow_abi::next_hop::mac_to_int;
use fpgaflow_abi::reason::Reason;
use fpgaflow_abi::wire::{
    ETH_HEADER_BYTES, ETHERTYPE_IPV4, IPV4_HEADER_BYTES, MIN_FRAME_BYTES, PROTO_ICMP, PROTO_TCP, PROTO_UDP, TCP_CONTROL_FLAGS,
    TCP_HEADER_BYTES, UDP_HEADER_BYTES,
};

use super::key::{KeyV4, WireKey};
use crate::card::PortSettings;
use crate::frame::Frame;

pub(super) use ipv6::ParsedV6;

/// Bytes of the shortest layer 4 header of every protocol that has ports; 0 for the others.
const L4_BYTES: [u8; 256] = {
    let mut bytes = [0; 256];
    bytes[PROTO_TCP as usize] = TCP_HEADER_BYTES as u8;
    bytes[PROTO_UDP as usize] = UDP_HEADER_BYTES as u8;
    bytes
};
/// What is looked at behind the layer 2 header of an IPv4 packet. Every [`Frame`]'s buffer has that much.
pub(super) const WINDOW_BYTES: usize = IPV4_HEADER_BYTES + TCP_HEADER_BYTES;

const _: () = assert!(ETH_HEADER_BYTES + WINDOW_BYTES <= MIN_FRAME_BYTES);

/// An Ethernet address with the group bit, as the integer its bytes spell.
const GROUP_BIT: u64 = 1 << 40;
/// The broadcast address.
const BROADCAST: u64 = 0xffff_ffff_ffff;
/// No encapsulation, in a key.
const UNTAGGED: u64 = Encap::NONE.to_bits();
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

    /// Whether frames that begin so are for this port, or why not.
    #[inline(always)]
    fn takes(&self, head: &[u8; MIN_FRAME_BYTES]) -> Result<(), Reason> {
        let dst_mac = u64::from_be_bytes([0, 0, head[0], head[1], head[2], head[3], head[4], head[5]]);
        if dst_mac & GROUP_BIT != 0 {
            return Err(if dst_mac == BROADCAST { Reason::Broadcast } else { Reason::Multicast });
        }
        if dst_mac != self.mac && !self.promiscuous {
            return Err(Reason::WrongMac);
        }
        Ok(())
    }
}

/// What the later steps need of an IPv4 frame that is worth a lookup.
#[derive(Debug, Clone, Copy)]
pub(super) struct ParsedV4 {
    pub key: KeyV4,
    pub total_len: u16,
    pub ttl: u8,
    pub is_tcp: bool,
    pub tcp_control: bool,
}

impl ParsedV4 {
    /// What is parsed of no frame.
    pub const EMPTY: Self = Self { key: KeyV4::NONE, total_len: 0, ttl: 0, is_tcp: false, tcp_control: false };
}

/// A frame that is not looked up the short way.
#[derive(Debug, Clone, Copy)]
pub(super) enum Other {
    /// Not looked up at all.
    Refused(Reason),
    /// Not untagged IPv4, or not TCP or UDP: [`layer2`] shall see.
    Uncommon,
}

impl From<Reason> for Other {
    #[inline(always)]
    fn from(reason: Reason) -> Self {
        Self::Refused(reason)
    }
}

/// Big-endian 16 bits of a window.
#[inline(always)]
pub(super) fn be16(window: &[u8; WINDOW_BYTES], at: usize) -> u16 {
    u16::from_be_bytes([window[at], window[at + 1]])
}

/// Parses `frame`, or says why it is not looked up the short way.
#[inline(always)]
pub(super) fn parse(frame: &Frame<'_>, port: Option<&Port>, max_frame_bytes: u32) -> Result<ParsedV4, Other> {
    let Some(port) = port.filter(|port| port.enabled) else { return Err(Reason::PortDisabled.into()) };
    let len = frame.len;
    if len > max_frame_bytes as usize {
        return Err(Reason::Oversize.into());
    }
    // A frame's buffer has room for the shortest frame of the wire, so all that is looked at exists, if not in the frame.
    let Some(head) = frame.buffer[frame.start..].first_chunk::<MIN_FRAME_BYTES>() else { return Err(Reason::Runt.into()) };
    if len < ETH_HEADER_BYTES {
        return Err(Reason::Runt.into());
    }
    if u16::from_be_bytes([head[12], head[13]]) != ETHERTYPE_IPV4 {
        return Err(Other::Uncommon);
    }
    port.takes(head)?;
    let Some(window) = head[ETH_HEADER_BYTES..].first_chunk::<WINDOW_BYTES>() else { return Err(Reason::Malformed.into()) };
    parse_ipv4(window, len - ETH_HEADER_BYTES, frame.port, UNTAGGED)
}

/// Parses the packet that `window` begins with, which has room for `available` bytes.
#[inline(always)]
fn parse_ipv4(window: &[u8; WINDOW_BYTES], available: usize, ingress: u8, encap: u64) -> Result<ParsedV4, Other> {
    let header_bytes = usize::from(window[0] & 15) * 4;
    let total_len = be16(window, 2);
    let total = usize::from(total_len);
    if available < IPV4_HEADER_BYTES
        || window[0] >> 4 != 4
        || header_bytes < IPV4_HEADER_BYTES
        || header_bytes > total
        || total > available
    {
        return Err(Reason::Malformed.into());
    }
    if header_bytes > IPV4_HEADER_BYTES {
        return Err(Reason::IpOptions.into());
    }
    if !header_sum_is_right(window) {
        return Err(Reason::IpChecksum.into());
    }
    if be16(window, 6) & FRAGMENT_MASK != 0 {
        return Err(Reason::Fragment.into());
    }
    let protocol = window[9];
    // Traffic mixes protocols, and a branch on one would be guessed wrong half of the time: a table and selections are not.
    let l4_bytes = usize::from(L4_BYTES[usize::from(protocol)]);
    if l4_bytes == 0 {
        return Err(Other::Uncommon);
    }
    let is_tcp = l4_bytes == TCP_HEADER_BYTES;
    let payload = total - IPV4_HEADER_BYTES;
    let offset_bytes = usize::from(window[IPV4_HEADER_BYTES + 12] >> 4) * 4;
    let udp_len = usize::from(be16(window, IPV4_HEADER_BYTES + 4));
    // What the header says of its own length: the TCP header's, or the UDP datagram's.
    let stated_bytes = if is_tcp { offset_bytes } else { udp_len };
    if (payload < l4_bytes) | (stated_bytes < l4_bytes) | (stated_bytes > payload) {
        return Err(Reason::Malformed.into());
    }
    let ports = std::array::from_fn(|i| window[IPV4_HEADER_BYTES + i]);
    let key = KeyV4::new(addresses(window), ports, protocol, ingress, encap);
    let tcp_control = is_tcp & (window[IPV4_HEADER_BYTES + 13] & TCP_CONTROL_FLAGS != 0);
    Ok(ParsedV4 { key, total_len, ttl: window[8], is_tcp, tcp_control })
}

/// As [`parse_ipv4`], which found nothing wrong, for protocols without ports.
fn parse_without_ports(window: &[u8; WINDOW_BYTES], ingress: u8, encap: u64) -> Result<ParsedV4, Reason> {
    let (protocol, total_len) = (window[9], be16(window, 2));
    if protocol == PROTO_ICMP {
        return Err(Reason::Icmp);
    }
    let l4_bytes = usize::from(total_len) - IPV4_HEADER_BYTES;
    let layer4 = layer4::parse(protocol, &window[IPV4_HEADER_BYTES..][..l4_bytes.min(TCP_HEADER_BYTES)], l4_bytes)?;
    let key = KeyV4::new(addresses(window), layer4.ports, protocol, ingress, encap);
    Ok(ParsedV4 { key, total_len, ttl: window[8], is_tcp: false, tcp_control: layer4.tcp_control })
}

/// Both addresses, as they lie in the header.
#[inline(always)]
fn addresses(window: &[u8; WINDOW_BYTES]) -> [u8; 8] {
    std::array::from_fn(|i| window[12 + i])
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
