//! Every reason, its precedence over the ones behind it, and what is counted.

mod common;

use std::net::Ipv4Addr;

use common::{
    GEOMETRY, HOP, HOP_INDEX, MAC, PORT, PROTOCOLS, addresses, card_with, encaps, entry_ref, flow, key, plain_frame, seeded,
    untranslated,
};
use etherparse::PacketBuilder;
use fpgaflow_abi::key::{Family, FlowKey};
use fpgaflow_abi::next_hop::{HOST_PORT, NextHop};
use fpgaflow_abi::reason::{Disposition, Reason};
use fpgaflow_abi::slot::EntryRef;
use fpgaflow_abi::wire::{PROTO_TCP, PROTO_UDP};
use fpgaflow_golden::{Card, CardError, Change, FlowCounters, Outcome, PortConfig};
use rand::RngExt;

const SRC: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 10);
const DST: Ipv4Addr = Ipv4Addr::new(198, 51, 100, 1);

fn card() -> Card {
    card_with(&[flow(SRC, 40000, DST, 443, PROTO_TCP), flow(SRC, 5000, DST, 53, PROTO_UDP)])
}

fn tcp() -> Vec<u8> {
    let mut frame = Vec::new();
    let builder = PacketBuilder::ethernet2([4; 6], MAC).ipv4(SRC.octets(), DST.octets(), 64);
    builder.tcp(40000, 443, 1, 1000).ack(1).write(&mut frame, b"payload of eighteen").unwrap();
    frame
}

fn udp() -> Vec<u8> {
    let mut frame = Vec::new();
    let builder = PacketBuilder::ethernet2([4; 6], MAC).ipv4(SRC.octets(), DST.octets(), 64);
    builder.udp(5000, 53).write(&mut frame, b"question").unwrap();
    frame
}

/// `frame` with bytes replaced and the IP header checksum made right again.
fn edited(mut frame: Vec<u8>, edits: &[(usize, u8)]) -> Vec<u8> {
    for (at, byte) in edits {
        frame[*at] = *byte;
    }
    frame[24..26].fill(0);
    let sum = frame[14..34].chunks(2).fold(0u32, |sum, word| sum + u32::from(u16::from_be_bytes([word[0], word[1]])));
    let folded = (sum & 0xffff) + (sum >> 16);
    let folded = (folded & 0xffff) + (folded >> 16);
    frame[24..26].copy_from_slice(&(!(folded as u16)).to_be_bytes());
    frame
}

fn reason(card: &mut Card, frame: &[u8]) -> Reason {
    card.process(PORT, frame).unwrap().reason()
}

#[test]
fn every_header_defect_has_its_reason() {
    let cases: &[(&str, Vec<u8>, Reason)] = &[
        ("untouched tcp", tcp(), Reason::Forwarded),
        ("untouched udp", udp(), Reason::Forwarded),
        ("one byte over the longest frame", vec![0; GEOMETRY.max_frame_bytes as usize + 1], Reason::Oversize),
        ("half an Ethernet header", tcp()[..13].to_vec(), Reason::Runt),
        ("nothing", Vec::new(), Reason::Runt),
        ("arp", edited(tcp(), &[(12, 8), (13, 6)]), Reason::Arp),
        ("group address", edited(tcp(), &[(0, 1)]), Reason::Multicast),
        ("an EtherType that nobody has", edited(tcp(), &[(12, 0x08), (13, 1)]), Reason::NotIp),
        ("IPv4 that says it is IPv6", edited(tcp(), &[(12, 0x86), (13, 0xdd)]), Reason::Malformed),
        ("a tag before nothing that is known", edited(tcp(), &[(12, 0x81), (13, 0)]), Reason::NotIp),
        ("an Ethernet header alone", tcp()[..14].to_vec(), Reason::Malformed),
        ("19 bytes of IP", tcp()[..33].to_vec(), Reason::Malformed),
        ("version 5", edited(tcp(), &[(14, 0x55)]), Reason::Malformed),
        ("IHL 4", edited(tcp(), &[(14, 0x44)]), Reason::Malformed),
        ("IHL beyond the total length", edited(tcp(), &[(14, 0x46), (16, 0), (17, 23)]), Reason::Malformed),
        ("total length 0", edited(tcp(), &[(16, 0), (17, 0)]), Reason::Malformed),
        ("total length one beyond the frame", edited(tcp(), &[(17, 60)]), Reason::Malformed),
        ("options", edited(tcp(), &[(14, 0x46)]), Reason::IpOptions),
        (
            "wrong header checksum",
            {
                let mut frame = tcp();
                frame[24] ^= 1;
                frame
            },
            Reason::IpChecksum,
        ),
        ("more fragments", edited(tcp(), &[(20, 0x20)]), Reason::Fragment),
        ("fragment offset 1", edited(tcp(), &[(21, 1)]), Reason::Fragment),
        ("highest fragment offset bit", edited(tcp(), &[(20, 0x10)]), Reason::Fragment),
        ("do not fragment", edited(tcp(), &[(20, 0x40)]), Reason::Forwarded),
        ("icmp", edited(tcp(), &[(23, 1)]), Reason::Icmp),
        ("ospf", edited(tcp(), &[(23, 89)]), Reason::OtherProtocol),
        ("gre of version 0", edited(tcp(), &[(23, 47), (35, 0x40)]), Reason::Miss),
        ("19 bytes of tcp", edited(tcp(), &[(17, 39)]), Reason::Malformed),
        ("data offset 4", edited(tcp(), &[(46, 0x40)]), Reason::Malformed),
        ("data offset beyond the packet", edited(tcp(), &[(46, 0xa0)]), Reason::Malformed),
        ("data offset up to the packet's last word", edited(tcp(), &[(46, 0x90)]), Reason::Forwarded),
        ("7 bytes of udp", edited(udp(), &[(17, 27)]), Reason::Malformed),
        ("udp length 7", edited(udp(), &[(39, 7)]), Reason::Malformed),
        ("udp length one beyond the packet", edited(udp(), &[(39, 17)]), Reason::Malformed),
        ("udp length 8", edited(udp(), &[(39, 8)]), Reason::Forwarded),
        ("another port", edited(tcp(), &[(35, 0x41)]), Reason::Miss),
        ("fin", edited(tcp(), &[(47, 0x11)]), Reason::TcpFlags),
        ("syn", edited(tcp(), &[(47, 0x02)]), Reason::TcpFlags),
        ("rst", edited(tcp(), &[(47, 0x04)]), Reason::TcpFlags),
        ("psh, urg, ece, cwr", edited(tcp(), &[(47, 0xf8)]), Reason::Forwarded),
        ("ttl 0", edited(tcp(), &[(22, 0)]), Reason::Ttl),
        ("ttl 1", edited(tcp(), &[(22, 1)]), Reason::Ttl),
        ("ttl 2", edited(tcp(), &[(22, 2)]), Reason::Forwarded),
    ];
    let mut card = card();
    for (what, frame, expected) in cases {
        let outcome = card.process(PORT, frame).unwrap();
        assert_eq!(outcome.reason(), *expected, "{what}");
        let hit = matches!(expected, Reason::TcpFlags | Reason::Ttl).then(|| entry_ref(0));
        match (expected.disposition(), outcome) {
            (Disposition::Forward, Outcome::Forwarded { .. }) | (Disposition::Drop, Outcome::Dropped { .. }) => {}
            (Disposition::Punt, Outcome::Punted { entry, .. }) => assert_eq!(entry, hit, "{what}"),
            (_, outcome) => panic!("{what}: {outcome:?}"),
        }
    }
    assert_eq!(card.reasons().iter().sum::<u64>(), cases.len() as u64);
    assert_eq!(card.port_counters(PORT).unwrap().rx_frames, cases.len() as u64);
}

#[test]
fn earlier_reasons_win() {
    let mut card = card();
    let config = PortConfig { rx_enable: true, promiscuous: false, mac: MAC };
    card.set_port(PORT, config).unwrap();
    let stranger = edited(tcp(), &[(5, 9)]);
    assert_eq!(reason(&mut card, &stranger), Reason::WrongMac);
    assert_eq!(reason(&mut card, &tcp()), Reason::Forwarded);
    let broadcast: Vec<_> = (0..6).map(|at| (at, 0xff)).collect();
    assert_eq!(reason(&mut card, &edited(tcp(), &broadcast)), Reason::Broadcast);
    assert_eq!(reason(&mut card, &edited(edited(tcp(), &broadcast), &[(12, 8), (13, 6)])), Reason::Arp);
    assert_eq!(reason(&mut card, &edited(stranger, &[(12, 0x88), (13, 0xcc)])), Reason::WrongMac);
    assert_eq!(reason(&mut card, &edited(udp(), &[(20, 0x20), (23, 1)])), Reason::Fragment);
    assert_eq!(reason(&mut card, &edited(udp(), &[(14, 0x46), (20, 0x20)])), Reason::IpOptions);

    let dying = edited(tcp(), &[(22, 1), (47, 0x11)]);
    assert_eq!(reason(&mut card, &dying), Reason::TcpFlags);
    let set_hop = |card: &mut Card, hop: NextHop| card.set_next_hop(HOP_INDEX, hop).unwrap();
    set_hop(&mut card, NextHop { mtu: 58, ..HOP });
    assert_eq!(reason(&mut card, &tcp()), Reason::Mtu);
    assert_eq!(reason(&mut card, &edited(tcp(), &[(22, 1)])), Reason::Ttl);
    set_hop(&mut card, NextHop { mtu: 59, ..HOP });
    assert_eq!(reason(&mut card, &tcp()), Reason::Forwarded);
    set_hop(&mut card, NextHop { egress: HOST_PORT, ..HOP });
    assert_eq!(reason(&mut card, &dying), Reason::HostAddressed);
    set_hop(&mut card, NextHop { egress: HOST_PORT, valid: false, ..HOP });
    assert_eq!(reason(&mut card, &dying), Reason::NoNextHop);
    card.set_lookup(false);
    assert_eq!(reason(&mut card, &dying), Reason::LookupDisabled);
    assert_eq!(reason(&mut card, &edited(tcp(), &[(46, 0x40)])), Reason::Malformed);
    assert_eq!(card.process_damaged(PORT, b"").unwrap().reason(), Reason::RxError);
    card.set_port(PORT, PortConfig { rx_enable: false, ..config }).unwrap();
    assert_eq!(card.process_damaged(PORT, b"").unwrap().reason(), Reason::PortDisabled);
}

#[test]
fn earlier_reasons_win_in_ipv6_behind_tags_and_pppoe() {
    const L3: usize = 14 + 4 + 4 + 8;
    let encap = encaps()[13];
    let key = FlowKey { encap, ..key(addresses(Family::V6), 40000, 443, PROTO_TCP) };
    let mut card = card_with(&[untranslated(key)]);
    let config = PortConfig { rx_enable: true, promiscuous: false, mac: MAC };
    card.set_port(PORT, config).unwrap();
    let at = Some(EntryRef::of(Family::V6, 0));
    let set = |frame: &[u8], edits: &[(usize, u8)]| {
        let mut frame = frame.to_vec();
        edits.iter().for_each(|(at, byte)| frame[*at] = *byte);
        frame
    };
    // Each frame has the faults of all that follow it; what is looked for first is told.
    let fin = set(&plain_frame(&key), &[(L3 + 40 + 13, 0x11)]);
    let dying = set(&fin, &[(L3 + 7, 1)]);
    card.set_next_hop(HOP_INDEX, NextHop { mtu: 40, ..HOP }).unwrap();
    assert_eq!(card.process(PORT, &plain_frame(&key)).unwrap(), Outcome::Punted { reason: Reason::Mtu, entry: at });
    assert_eq!(
        card.process(PORT, &set(&dying, &[(L3 + 40 + 13, 0x10)])).unwrap(),
        Outcome::Punted { reason: Reason::Ttl, entry: at }
    );
    assert_eq!(card.process(PORT, &dying).unwrap(), Outcome::Punted { reason: Reason::TcpFlags, entry: at });
    card.set_next_hop(HOP_INDEX, NextHop { mtu: 40, egress: HOST_PORT, ..HOP }).unwrap();
    assert_eq!(card.process(PORT, &dying).unwrap(), Outcome::Punted { reason: Reason::HostAddressed, entry: at });
    card.set_next_hop(HOP_INDEX, NextHop { mtu: 40, egress: HOST_PORT, valid: false, ..HOP }).unwrap();
    assert_eq!(card.process(PORT, &dying).unwrap(), Outcome::Punted { reason: Reason::NoNextHop, entry: at });
    assert_eq!(reason(&mut card, &set(&dying, &[(L3 + 40, 0)])), Reason::Miss);
    card.set_lookup(false);
    assert_eq!(reason(&mut card, &dying), Reason::LookupDisabled);
    let bad_offset = set(&dying, &[(L3 + 40 + 12, 0xf0)]);
    assert_eq!(reason(&mut card, &bad_offset), Reason::Malformed);
    assert_eq!(reason(&mut card, &set(&bad_offset, &[(L3 + 6, 59)])), Reason::OtherProtocol);
    assert_eq!(reason(&mut card, &set(&bad_offset, &[(L3 + 6, 58)])), Reason::Icmp);
    assert_eq!(reason(&mut card, &set(&bad_offset, &[(L3 + 6, 44)])), Reason::Fragment);
    let extension = set(&bad_offset, &[(L3 + 6, 0)]);
    assert_eq!(reason(&mut card, &extension), Reason::IpExtension);
    let version = set(&extension, &[(L3, 0x50)]);
    assert_eq!(reason(&mut card, &version), Reason::Malformed);
    let lcp = set(&version, &[(L3 - 2, 0xc0)]);
    assert_eq!(reason(&mut card, &lcp), Reason::NotIp);
    let stranger = set(&lcp, &[(5, 9)]);
    assert_eq!(reason(&mut card, &stranger), Reason::WrongMac);
    let group = set(&stranger, &[(0, 3)]);
    assert_eq!(reason(&mut card, &group), Reason::Multicast);
    let everybody: Vec<_> = (0..6).map(|at| (at, 0xff)).collect();
    assert_eq!(reason(&mut card, &set(&group, &everybody)), Reason::Broadcast);
    assert_eq!(reason(&mut card, &set(&set(&group, &everybody), &[(20, 8), (21, 6)])), Reason::Arp);
}

#[test]
fn an_invalid_or_removed_entry_is_a_miss() {
    let mut hidden = flow(SRC, 40000, DST, 443, PROTO_TCP);
    hidden.valid = false;
    let mut card = card_with(&[hidden]);
    assert_eq!(card.process(PORT, &tcp()).unwrap(), Outcome::Punted { reason: Reason::Miss, entry: None });
    card.remove(entry_ref(0)).unwrap();
    hidden.valid = true;
    card.install(entry_ref(5), hidden).unwrap();
    assert_eq!(reason(&mut card, &tcp()), Reason::Forwarded);
    assert_eq!(card.process(1, &tcp()).unwrap().reason(), Reason::Miss, "the ingress port is part of the key");
}

#[test]
fn flows_count_what_is_forwarded_by_the_length_of_the_ip_packet() {
    let mut card = card();
    let mut padded = tcp();
    padded.resize(200, 0xee);
    for frame in [tcp(), padded, edited(tcp(), &[(22, 1)])] {
        card.process(PORT, &frame).unwrap();
    }
    assert_eq!(card.flow_counters(entry_ref(0)), Some(FlowCounters { packets: 2, bytes: 2 * 59 }));
    assert_eq!(card.flow_counters(entry_ref(1)), Some(FlowCounters::default()));
    let (ingress, egress) = (card.port_counters(PORT).unwrap(), card.port_counters(1).unwrap());
    assert_eq!((ingress.rx_frames, ingress.rx_bytes, ingress.tx_frames), (3, 73 + 200 + 73, 0));
    assert_eq!((egress.tx_frames, egress.tx_bytes, egress.rx_frames), (2, 2 * 73, 0));
    assert_eq!(card.remove(entry_ref(0)), Ok(FlowCounters { packets: 2, bytes: 2 * 59 }));
}

#[test]
fn a_refused_change_changes_nothing() {
    let mut card = card();
    let taken = flow(SRC, 40000, DST, 443, PROTO_TCP);
    let fresh = flow(SRC, 40001, DST, 443, PROTO_TCP);
    let six = untranslated(key(addresses(Family::V6), 1, 2, PROTO_UDP));
    let v6 = |index| EntryRef::of(Family::V6, index);
    let mut far = fresh;
    far.action.next_hop = GEOMETRY.next_hops as u16;
    let refusals = [
        (Change::Install(entry_ref(0), fresh), CardError::EntryTaken(entry_ref(0))),
        (Change::Install(entry_ref(9), taken), CardError::Duplicate(entry_ref(0))),
        (Change::Install(entry_ref(64), fresh), CardError::NoSuchEntry(entry_ref(64))),
        (Change::Install(v6(0), fresh), CardError::NoSuchEntry(v6(0))),
        (Change::Install(entry_ref(9), six), CardError::NoSuchEntry(entry_ref(9))),
        (Change::Install(v6(64), six), CardError::NoSuchEntry(v6(64))),
        (Change::Update(entry_ref(0), six.action), CardError::FamilyMismatch),
        (Change::Install(entry_ref(9), far), CardError::NoSuchNextHop { index: 8, next_hops: 8 }),
        (Change::Update(entry_ref(9), fresh.action), CardError::EntryEmpty(entry_ref(9))),
        (Change::Remove(entry_ref(9)), CardError::EntryEmpty(entry_ref(9))),
        (Change::NextHop(1, NextHop { egress: 2, ..HOP }), CardError::NoSuchPort { port: 2, ports: 2 }),
        (Change::Port(2, PortConfig::default()), CardError::NoSuchPort { port: 2, ports: 2 }),
    ];
    for (change, error) in refusals {
        assert_eq!(card.apply(&change), Err(error));
    }
    assert_eq!(reason(&mut card, &edited(tcp(), &[(35, 0x41)])), Reason::Miss);
    assert_eq!(reason(&mut card, &tcp()), Reason::Forwarded);
}

#[test]
fn no_frame_makes_the_model_panic() {
    let mut rng = seeded();
    let keys: Vec<_> = [Family::V4, Family::V6]
        .into_iter()
        .flat_map(|family| PROTOCOLS.map(|protocol| key(addresses(family), 0, 0, protocol)))
        .flat_map(|key| encaps().into_iter().map(move |encap| FlowKey { encap, ..key }))
        .collect();
    let mut card = card();
    let hops = encaps();
    let per_family = keys.len() / 2;
    for (index, key) in keys.iter().enumerate() {
        card.install(EntryRef::of(key.family(), (8 + index % per_family) as u32), untranslated(*key)).unwrap();
    }
    for round in 0..300_000 {
        let mut frame = match rng.random_range(0..4) {
            0 => tcp(),
            1 => udp(),
            _ => plain_frame(&keys[rng.random_range(0..keys.len())]),
        };
        card.set_next_hop(HOP_INDEX, NextHop { encap: hops[round % hops.len()], ..HOP }).unwrap();
        if rng.random() {
            frame.truncate(rng.random_range(0..=frame.len()));
        }
        for _ in 0..rng.random_range(0..6) {
            if !frame.is_empty() {
                let at = rng.random_range(0..frame.len());
                frame[at] = rng.random();
            }
        }
        if frame.len() >= 34 && frame[12..14] == [0x08, 0x00] && rng.random_bool(0.8) {
            frame = edited(frame, &[]);
        }
        card.process(PORT, &frame).unwrap();
    }
    for reason in
        [Reason::Forwarded, Reason::Malformed, Reason::Miss, Reason::Runt, Reason::IpChecksum, Reason::NotIp, Reason::IpExtension]
    {
        assert!(card.reasons()[reason as usize] > 0, "{reason} was reached");
    }
}
