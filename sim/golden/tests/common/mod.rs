//! What the model's tests share: a small card, flows for it, frames, and the seed.
#![allow(dead_code, reason = "each test binary uses its part")]

use std::net::{Ipv4Addr, Ipv6Addr};

use etherparse::{IpNumber, Ipv4Header, Ipv6Header, TcpHeader, UdpHeader};
use fpgaflow_abi::entry::{Action, Entry};
use fpgaflow_abi::geometry::Geometry;
use fpgaflow_abi::hash::HASH_BITS;
use fpgaflow_abi::key::{Addresses, Encap, Family, FlowKey, Tag, TagKind};
use fpgaflow_abi::next_hop::{MacAddr, NextHop};
use fpgaflow_abi::slot::EntryRef;
use fpgaflow_abi::wire::{PROTO_GRE, PROTO_TCP, PROTO_UDP};
use fpgaflow_golden::{Card, PortConfig};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

/// A small card of two ports.
pub const GEOMETRY: Geometry = Geometry {
    width_bits: 64,
    ports: 2,
    hash_bits: HASH_BITS as u8,
    bucket_bits: 4,
    stash: 4,
    entries_v4: 64,
    entries_v6: 64,
    next_hops: 8,
    max_frame_bytes: 1600,
    clock_hz: 0,
    build_id: 0,
};

/// Ingress of every flow.
pub const PORT: u8 = 0;
/// Address of that port.
pub const MAC: MacAddr = [2, 0, 0, 0, 0, PORT];
/// Index of [`HOP`].
pub const HOP_INDEX: u16 = 3;
/// The next hop of every flow.
pub const HOP: NextHop =
    NextHop { egress: 1, mtu: 1500, src_mac: [2, 0, 0, 0, 1, 1], dst_mac: [2, 0, 0, 0, 1, 2], encap: Encap::NONE, valid: true };

/// Layer 4 protocols that are looked up.
pub const PROTOCOLS: [u8; 3] = [PROTO_TCP, PROTO_UDP, PROTO_GRE];

/// Addresses of a flow of either family.
pub fn addresses(family: Family) -> Addresses {
    match family {
        Family::V4 => Addresses::V4 { src: Ipv4Addr::new(192, 0, 2, 10), dst: Ipv4Addr::new(198, 51, 100, 1) },
        Family::V6 => Addresses::V6 {
            src: Ipv6Addr::new(0x2001, 0xdb8, 10, 0, 0, 0, 0, 1),
            dst: Ipv6Addr::new(0x2001, 0xdb8, 11, 0, 0, 0, 0, 2),
        },
    }
}

pub fn entry_ref(index: u32) -> EntryRef {
    EntryRef::of(Family::V4, index)
}

/// The entry `index` of a flow's family.
pub fn entry_of(flow: &Entry, index: u32) -> EntryRef {
    EntryRef::of(flow.key.family(), index)
}

/// A key without encapsulation.
pub fn key(addresses: Addresses, sport: u16, dport: u16, protocol: u8) -> FlowKey {
    FlowKey { ingress: PORT, encap: Encap::NONE, protocol, addresses, sport, dport }
}

/// A flow that is not translated.
pub fn untranslated(key: FlowKey) -> Entry {
    let FlowKey { addresses, sport, dport, .. } = key;
    Entry { key, action: Action { addresses, sport, dport, next_hop: HOP_INDEX }, valid: true }
}

/// An IPv4 flow that is not translated.
pub fn flow(src: Ipv4Addr, sport: u16, dst: Ipv4Addr, dport: u16, protocol: u8) -> Entry {
    untranslated(key(Addresses::V4 { src, dst }, sport, dport, protocol))
}

/// A running card with promiscuous ports that holds `entries`, those of each family from entry 0 on.
pub fn card_with(entries: &[Entry]) -> Card {
    let mut card = Card::new(GEOMETRY);
    for port in 0..GEOMETRY.ports {
        card.set_port(port, PortConfig { rx_enable: true, promiscuous: true, mac: [2, 0, 0, 0, 0, port] }).unwrap();
    }
    card.set_lookup(true);
    card.set_next_hop(HOP_INDEX, HOP).unwrap();
    for (at, entry) in entries.iter().enumerate() {
        let index = entries[..at].iter().filter(|earlier| earlier.key.family() == entry.key.family()).count();
        card.install(entry_of(entry, index as u32), *entry).unwrap();
    }
    card
}

/// Every encapsulation that layer 2 can be: none, one tag or two of either kind in any order, each with and without PPPoE.
pub fn encaps() -> Vec<Encap> {
    let tag = |vid| [None, Some(Tag { kind: TagKind::Dot1Q, vid }), Some(Tag { kind: TagKind::Dot1ad, vid })];
    let mut all = Vec::new();
    for outer in tag(100) {
        for inner in tag(4000).into_iter().filter(|inner| outer.is_some() || inner.is_none()) {
            all.extend([None, Some(0x0102)].map(|pppoe| Encap { tags: [outer, inner], pppoe }));
        }
    }
    all
}

/// Everything in front of an IP packet of `ip_bytes`; `priority` is the upper four bits of every tag.
pub fn layer2(macs: (MacAddr, MacAddr), encap: &Encap, family: Family, ip_bytes: usize, priority: u16) -> Vec<u8> {
    let mut out = [macs.0, macs.1].concat();
    for tag in encap.tags.iter().flatten() {
        out.extend(if tag.kind == TagKind::Dot1Q { [0x81, 0x00] } else { [0x88, 0xa8] });
        out.extend((priority << 12 | tag.vid).to_be_bytes());
    }
    let v4 = family == Family::V4;
    match encap.pppoe {
        None => out.extend(if v4 { [0x08, 0x00] } else { [0x86, 0xdd] }),
        Some(session) => {
            out.extend([0x88, 0x64, 0x11, 0x00]);
            out.extend(session.to_be_bytes());
            out.extend((ip_bytes as u16 + 2).to_be_bytes());
            out.extend([0x00, if v4 { 0x21 } else { 0x57 }]);
        }
    }
    out
}

/// What of a packet is not in its key.
#[derive(Debug, Clone, Copy)]
pub struct Rest<'a> {
    /// IPv4 identification, or half of the IPv6 flow label.
    pub identification: u16,
    /// TTL or hop limit.
    pub ttl: u8,
    /// Behind the layer 4 header. That of GRE has four bytes here.
    pub payload: &'a [u8],
}

/// An IP packet that etherparse builds from scratch.
pub fn ip_packet(key: &FlowKey, rest: &Rest<'_>) -> Vec<u8> {
    let Rest { identification, ttl, payload } = *rest;
    let l4_len = payload.len()
        + match key.protocol {
            PROTO_TCP => TcpHeader::MIN_LEN,
            PROTO_UDP => UdpHeader::LEN,
            _ => 4,
        };
    let mut tcp = TcpHeader::new(key.sport, key.dport, 0x0102_0304, 1000);
    tcp.ack = true;
    let (header, tcp_checksum, udp) = match key.addresses {
        Addresses::V4 { src, dst } => {
            let mut ip = Ipv4Header::new(l4_len as u16, ttl, IpNumber(key.protocol), src.octets(), dst.octets()).unwrap();
            ip.identification = identification;
            ip.header_checksum = ip.calc_header_checksum();
            let udp = UdpHeader::with_ipv4_checksum(key.sport, key.dport, &ip, payload);
            (ip.to_bytes().to_vec(), tcp.calc_checksum_ipv4(&ip, payload).unwrap(), udp)
        }
        Addresses::V6 { src, dst } => {
            let ip = Ipv6Header {
                traffic_class: 0,
                flow_label: u32::from(identification).try_into().unwrap(),
                payload_length: l4_len as u16,
                next_header: IpNumber(key.protocol),
                hop_limit: ttl,
                source: src.octets(),
                destination: dst.octets(),
            };
            let udp = UdpHeader::with_ipv6_checksum(key.sport, key.dport, &ip, payload);
            (ip.to_bytes().to_vec(), tcp.calc_checksum_ipv6(&ip, payload).unwrap(), udp)
        }
    };
    tcp.checksum = tcp_checksum;
    let l4 = match key.protocol {
        PROTO_TCP => tcp.to_bytes().to_vec(),
        PROTO_UDP => udp.unwrap().to_bytes().to_vec(),
        _ => vec![0x30, 0x00, 0x65, 0x58],
    };
    [&header[..], &l4, payload].concat()
}

/// A frame of a flow's packet as it comes.
pub fn frame(key: &FlowKey, rest: &Rest<'_>) -> Vec<u8> {
    let packet = ip_packet(key, rest);
    [layer2((MAC, [4; 6]), &key.encap, key.family(), packet.len(), 0), packet].concat()
}

/// A frame of a flow with nothing special about it.
pub fn plain_frame(key: &FlowKey) -> Vec<u8> {
    frame(key, &Rest { identification: 1, ttl: 64, payload: b"payload of eighteen" })
}

/// The run's generator; its seed is printed and taken from `FPGAFLOW_SEED`.
pub fn seeded() -> ChaCha8Rng {
    let seed = std::env::var("FPGAFLOW_SEED").ok().map_or(0x60_1d_e4, |seed| seed.parse().expect("FPGAFLOW_SEED is a number"));
    println!("FPGAFLOW_SEED={seed}");
    ChaCha8Rng::seed_from_u64(seed)
}
