//! The software flowtable on known frames: IPv6 (RFC 8200), tags (IEEE 802.1Q), PPPoE (RFC 2516) and GRE (RFC 2784), put together by hand.

mod support;

use std::net::{Ipv4Addr, Ipv6Addr};

use fpgaflow_abi::entry::Action;
use fpgaflow_abi::hash::HashSecret;
use fpgaflow_abi::key::{Addresses, Encap, FlowKey, Tag, TagKind};
use fpgaflow_abi::next_hop::NextHop;
use fpgaflow_abi::reason::Reason;
use fpgaflow_driver::card::PortSettings;
use fpgaflow_driver::frame::{Frame, HEADROOM_BYTES};
use fpgaflow_driver::software::{SoftwareTable, Verdict};
use support::reference::sum;

const VLAN_10: Encap = Encap { tags: [Some(Tag { kind: TagKind::Dot1Q, vid: 10 }), None], pppoe: None };
const QINQ_PPPOE: Encap = Encap {
    tags: [Some(Tag { kind: TagKind::Dot1ad, vid: 0x234 }), Some(Tag { kind: TagKind::Dot1Q, vid: 0x567 })],
    pppoe: Some(0x89ab),
};
const INSIDE: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1);
const OUTSIDE: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0xffff, 0, 0, 0, 0, 9);
const SERVER: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 1, 2, 3, 4, 5, 6);

fn v6_key(protocol: u8, encap: Encap) -> FlowKey {
    let (sport, dport) = if protocol == 47 { (0, 0) } else { (40_000, 443) };
    FlowKey { ingress: 0, encap, protocol, addresses: Addresses::V6 { src: INSIDE, dst: SERVER }, sport, dport }
}

fn v4_gre_key() -> FlowKey {
    let addresses = Addresses::V4 { src: Ipv4Addr::new(192, 0, 2, 1), dst: Ipv4Addr::new(198, 51, 100, 1) };
    FlowKey { ingress: 0, encap: Encap::NONE, protocol: 47, addresses, sport: 0, dport: 0 }
}

/// A table with one flow that is not translated but for `src` and leaves with `encap`.
fn table(key: &FlowKey, addresses: Addresses, sport: u16, encap: Encap) -> SoftwareTable {
    let mut table = SoftwareTable::new(HashSecret([3, 1, 4, 1, 5, 9, 2]), 1, 1600, 4);
    table.set_port(0, &PortSettings { enabled: true, promiscuous: true, ..PortSettings::default() }).unwrap();
    let hop = NextHop { egress: 0, mtu: 1500, src_mac: [6; 6], dst_mac: [8; 6], encap, valid: true };
    table.set_next_hop(5, &hop).unwrap();
    table.insert(key, &Action { addresses, sport, dport: key.dport, next_hop: 5 }).unwrap();
    table
}

/// An IPv6 packet with these octets behind its header.
fn v6(next_header: u8, src: Ipv6Addr, dst: Ipv6Addr, hop_limit: u8, l4: &[u8]) -> Vec<u8> {
    let mut packet = vec![0x60, 0x01, 0x23, 0x45];
    packet.extend((l4.len() as u16).to_be_bytes());
    packet.extend([next_header, hop_limit]);
    packet.extend(src.octets());
    packet.extend(dst.octets());
    packet.extend(l4);
    packet
}

/// A TCP segment over IPv6 with its checksum (RFC 8200 8.1).
fn tcp_v6(src: Ipv6Addr, sport: u16, hop_limit: u8, payload: &[u8]) -> Vec<u8> {
    let mut segment = [sport.to_be_bytes(), 443u16.to_be_bytes()].concat();
    segment.extend([0, 0, 0, 1, 0, 0, 0, 2, 0x50, 0x18, 0x20, 0, 0, 0, 0, 0]);
    segment.extend(payload);
    let mut pseudo = [src.octets(), SERVER.octets()].concat();
    pseudo.extend((segment.len() as u32).to_be_bytes());
    pseudo.extend([0, 0, 0, 6]);
    let checksum = !sum(&[pseudo, segment.clone()].concat());
    segment[16..18].copy_from_slice(&checksum.to_be_bytes());
    v6(6, src, SERVER, hop_limit, &segment)
}

fn gre_v4(ttl: u8) -> Vec<u8> {
    let mut packet = vec![0x45, 0, 0, 28, 0, 1, 0, 0, ttl, 47, 0, 0, 192, 0, 2, 1, 198, 51, 100, 1];
    let checksum = !sum(&packet);
    packet[10..12].copy_from_slice(&checksum.to_be_bytes());
    packet.extend([0, 0, 0x65, 0x58, 1, 2, 3, 4]);
    packet
}

/// A frame of these parts, padded.
fn framed(macs: [u8; 2], l2: &[u8], packet: &[u8]) -> Vec<u8> {
    let mut frame = [[macs[0]; 6], [macs[1]; 6]].concat();
    frame.extend(l2);
    frame.extend(packet);
    frame.resize(frame.len().max(60), 0);
    frame
}

/// What becomes of a frame in a buffer with `headroom` in front of it.
fn process(table: &mut SoftwareTable, bytes: &[u8], headroom: usize) -> (Verdict, Vec<u8>) {
    let mut buffer = vec![0xdb; headroom + bytes.len().max(60)];
    buffer[headroom..headroom + bytes.len()].copy_from_slice(bytes);
    let mut frame = Frame::new(0, &mut buffer, headroom..headroom + bytes.len()).unwrap();
    let verdict = table.process(&mut frame, 1);
    (verdict, frame.bytes().to_vec())
}

const CAME: [u8; 2] = [2, 4];
const LEAVES: [u8; 2] = [8, 6];

#[test]
fn a_tagged_ipv6_packet_is_translated_and_leaves_through_two_tags_and_pppoe() {
    let key = v6_key(6, VLAN_10);
    let mut table = table(&key, Addresses::V6 { src: OUTSIDE, dst: SERVER }, 61_000, QINQ_PPPOE);
    let payload = [7; 100];
    // Priority 5 and DEI are no part of the flow.
    let came = framed(CAME, &[0x81, 0, 0xb0, 10, 0x86, 0xdd], &tcp_v6(INSIDE, 40_000, 64, &payload));
    let packet = tcp_v6(OUTSIDE, 61_000, 63, &payload);
    let [high, low] = (packet.len() as u16 + 2).to_be_bytes();
    let l2 = [0x88, 0xa8, 0x02, 0x34, 0x81, 0, 0x05, 0x67, 0x88, 0x64, 0x11, 0, 0x89, 0xab, high, low, 0, 0x57];
    let (verdict, left) = process(&mut table, &came, HEADROOM_BYTES);
    assert_eq!(verdict, Verdict::Forward { port: 0, flow: table.find(&key).unwrap() });
    assert_eq!(left, framed(LEAVES, &l2, &packet));
    let record = table.counters(table.find(&key).unwrap());
    assert_eq!((record.packets, record.bytes), (1, packet.len() as u64));
}

#[test]
fn padding_of_a_frame_that_loses_its_encapsulation_is_no_payload() {
    let key = v6_key(47, QINQ_PPPOE);
    let mut table = table(&key, key.addresses, 0, Encap::NONE);
    let l2 = [0x88, 0xa8, 0x02, 0x34, 0x81, 0, 0x05, 0x67, 0x88, 0x64, 0x11, 0, 0x89, 0xab, 0, 46, 0, 0x57];
    let came = framed(CAME, &l2, &v6(47, INSIDE, SERVER, 2, &[0, 0, 0x86, 0xdd]));
    for headroom in [0, 3, HEADROOM_BYTES] {
        let (verdict, left) = process(&mut table, &[&came[..], &[0xee; 9]].concat(), headroom);
        assert_eq!(verdict.reason(), Reason::Forwarded);
        assert_eq!(left, framed(LEAVES, &[0x86, 0xdd], &v6(47, INSIDE, SERVER, 1, &[0, 0, 0x86, 0xdd])));
    }
}

#[test]
fn gre_keeps_everything_but_its_ttl() {
    let key = v4_gre_key();
    let mut table = table(&key, key.addresses, 0, VLAN_10);
    let came = framed(CAME, &[8, 0], &gre_v4(9));
    let (verdict, left) = process(&mut table, &came, HEADROOM_BYTES);
    assert_eq!(verdict.reason(), Reason::Forwarded);
    assert_eq!(left, framed(LEAVES, &[0x81, 0, 0, 10, 8, 0], &gre_v4(8)));
    let mut version_1 = came;
    version_1[14 + 21] = 1;
    assert_eq!(process(&mut table, &version_1, 0).0, Verdict::Punt { reason: Reason::OtherProtocol, flow: None });
}

#[test]
fn a_frame_without_room_to_grow_is_punted_unchanged() {
    let key = v6_key(6, Encap::NONE);
    let mut table = table(&key, key.addresses, key.sport, QINQ_PPPOE);
    let came = framed(CAME, &[0x86, 0xdd], &tcp_v6(INSIDE, 40_000, 64, &[1; 50]));
    let flow = table.find(&key);
    for headroom in 0..HEADROOM_BYTES {
        assert_eq!(process(&mut table, &came, headroom), (Verdict::Punt { reason: Reason::Mtu, flow }, came.clone()));
    }
    assert_eq!(process(&mut table, &came, HEADROOM_BYTES).0.reason(), Reason::Forwarded);
    assert_eq!(table.counters(flow.unwrap()).packets, 1);
}

#[test]
fn families_and_encapsulations_are_told_apart() {
    let keys = [v6_key(6, Encap::NONE), v6_key(6, VLAN_10), v6_key(17, VLAN_10), v4_gre_key()];
    let mut table = table(&keys[0], keys[0].addresses, keys[0].sport, Encap::NONE);
    for key in &keys[1..] {
        let action = Action { addresses: key.addresses, sport: key.sport, dport: key.dport, next_hop: 5 };
        table.insert(key, &action).unwrap();
    }
    let mut flows: Vec<_> = keys.iter().map(|key| table.find(key).unwrap()).collect();
    flows.sort();
    flows.dedup();
    assert_eq!((flows.len(), table.len()), (keys.len(), keys.len()));
    for (gone, key) in keys.iter().enumerate() {
        table.remove(key).unwrap();
        assert_eq!((table.find(key), table.len()), (None, keys.len() - gone - 1));
    }
}
