//! The model's rewriting against two independent ones: packets that etherparse builds from scratch, and the ABI's stored deltas.

mod common;

use std::net::Ipv4Addr;

use common::{HOP, PORT, card_with, entry_ref, flow, seeded};
use etherparse::{IpNumber, Ipv4Header, PacketBuilder};
use fpgaflow_abi::checksum::update;
use fpgaflow_abi::entry::{Action, Entry};
use fpgaflow_abi::key::Addresses;
use fpgaflow_abi::wire::{MIN_FRAME_BYTES, PROTO_TCP, PROTO_UDP};
use fpgaflow_golden::{Card, Outcome};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;

/// One side of a translation: what etherparse builds a packet from.
#[derive(Clone, Copy)]
struct Side {
    src: Ipv4Addr,
    dst: Ipv4Addr,
    sport: u16,
    dport: u16,
}

impl Side {
    fn random(rng: &mut ChaCha8Rng) -> Self {
        Self { src: rng.random::<u32>().into(), dst: rng.random::<u32>().into(), sport: rng.random(), dport: rng.random() }
    }
}

fn build(rng_state: (u16, u32, u16), macs: ([u8; 6], [u8; 6]), side: &Side, protocol: u8, ttl: u8, payload: &[u8]) -> Vec<u8> {
    let (identification, sequence, window) = rng_state;
    let mut ip = Ipv4Header::new(0, ttl, IpNumber(protocol), side.src.octets(), side.dst.octets()).unwrap();
    ip.identification = identification;
    let builder = PacketBuilder::ethernet2(macs.0, macs.1).ip(etherparse::IpHeaders::Ipv4(ip, Default::default()));
    let mut frame = Vec::new();
    match protocol {
        PROTO_TCP => builder.tcp(side.sport, side.dport, sequence, window).ack(7).write(&mut frame, payload).unwrap(),
        _ => builder.udp(side.sport, side.dport).write(&mut frame, payload).unwrap(),
    }
    frame
}

/// A card that translates `old` to `new`, or to a mixture of both that `parts` chooses; and what it translates to.
fn translating(old: &Side, new: &Side, parts: u8, protocol: u8) -> (Card, Side) {
    let pick = |bit: u8| parts >> bit & 1 == 1;
    let to = Side {
        src: if pick(0) { new.src } else { old.src },
        dst: if pick(1) { new.dst } else { old.dst },
        sport: if pick(2) { new.sport } else { old.sport },
        dport: if pick(3) { new.dport } else { old.dport },
    };
    (card_with(&[entry(old, &to, protocol)]), to)
}

fn entry(old: &Side, to: &Side, protocol: u8) -> Entry {
    let mut entry = flow(old.src, old.sport, old.dst, old.dport, protocol);
    let addresses = Addresses::V4 { src: to.src, dst: to.dst };
    entry.action = Action { addresses, sport: to.sport, dport: to.dport, ..entry.action };
    entry
}

fn forwarded(card: &mut Card, frame: &[u8]) -> Vec<u8> {
    match card.process(PORT, frame).unwrap() {
        Outcome::Forwarded { port, frame, entry } => {
            assert_eq!((port, entry), (HOP.egress, entry_ref(0)));
            frame
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_translated_packet_is_the_one_that_etherparse_builds() {
    let mut rng = seeded();
    for round in 0..4000 {
        let protocol = if rng.random() { PROTO_TCP } else { PROTO_UDP };
        let (old, new) = (Side::random(&mut rng), Side::random(&mut rng));
        let (mut card, to) = translating(&old, &new, round as u8 % 16, protocol);
        let ttl = rng.random_range(2..=255);
        let mut payload = vec![0; rng.random_range(0..100)];
        rng.fill(&mut payload[..]);
        let state = rng.random();
        let mut frame = build(state, ([2; 6], [4; 6]), &old, protocol, ttl, &payload);
        let mut expected = build(state, (HOP.src_mac, HOP.dst_mac), &to, protocol, ttl - 1, &payload);
        if expected.len() < MIN_FRAME_BYTES {
            expected.resize(MIN_FRAME_BYTES, 0);
        }
        // What lies behind the IP packet must not leave.
        frame.extend((0..rng.random_range(0..20)).map(|_| 0xa5));
        assert_eq!(forwarded(&mut card, &frame), expected, "round {round}");
    }
}

#[test]
fn any_layer_4_checksum_leaves_as_the_stored_deltas_make_it() {
    let mut rng = seeded();
    for round in 0..20_000 {
        let protocol = if rng.random() { PROTO_TCP } else { PROTO_UDP };
        let old = Side::random(&mut rng);
        // Near translations make small deltas, swapped ports none at all.
        let new = match rng.random_range(0..4) {
            0 => Side { dport: old.sport, sport: old.dport, ..old },
            1 => Side { sport: old.sport.wrapping_add(1), dport: old.dport.wrapping_sub(1), ..old },
            2 => Side { sport: old.sport ^ 0xffff, ..old },
            _ => Side::random(&mut rng),
        };
        let parts = rng.random_range(0..16);
        let (mut card, to) = translating(&old, &new, parts, protocol);
        let mut frame = build(rng.random(), ([2; 6], [4; 6]), &old, protocol, 64, b"odd");
        let delta = entry(&old, &to, protocol).l4_delta();
        let at = 14 + 20 + if protocol == PROTO_UDP { 6 } else { 16 };
        let checksum: u16 = match rng.random_range(0..5) {
            0 => 0,
            1 => 0xffff,
            // The one that becomes 0, in both of the ways that the sum can spell it.
            2 => delta,
            3 => update(0, !delta),
            _ => rng.random(),
        };
        frame[at..at + 2].copy_from_slice(&checksum.to_be_bytes());
        let expected = match (protocol, checksum, update(checksum, delta)) {
            (PROTO_UDP, 0, _) => 0,
            (PROTO_UDP, _, 0) => 0xffff,
            (_, _, updated) => updated,
        };
        let left = forwarded(&mut card, &frame);
        let found = u16::from_be_bytes([left[at], left[at + 1]]);
        assert_eq!(found, expected, "round {round}: checksum {checksum:#06x}, delta {delta:#06x}");
    }
}

#[test]
fn a_datagram_shorter_than_its_ip_packet_keeps_its_trailer_and_checksum_coverage() {
    let old = Side { src: Ipv4Addr::new(192, 0, 2, 1), dst: Ipv4Addr::new(198, 51, 100, 1), sport: 1000, dport: 2000 };
    let new = Side { src: Ipv4Addr::new(203, 0, 113, 9), sport: 61000, ..old };
    let (mut card, to) = translating(&old, &new, 0b1111, PROTO_UDP);
    let frame_of = |macs, side: &Side, ttl| {
        let datagram = build((1, 2, 3), macs, side, PROTO_UDP, ttl, b"inside");
        let mut ip = Ipv4Header::from_slice(&datagram[14..]).unwrap().0;
        ip.total_len += 5;
        ip.header_checksum = ip.calc_header_checksum();
        [&datagram[..14], &ip.to_bytes()[..], &datagram[34..], b"trail"].concat()
    };
    let mut expected = frame_of((HOP.src_mac, HOP.dst_mac), &to, 63);
    expected.resize(MIN_FRAME_BYTES, 0);
    assert_eq!(forwarded(&mut card, &frame_of(([2; 6], [4; 6]), &old, 64)), expected);
}
