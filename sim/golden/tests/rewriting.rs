//! The model's rewriting against two independent ones: packets that etherparse builds from scratch, and the ABI's stored deltas.

mod common;

use common::{
    HOP, HOP_INDEX, MAC, PORT, PROTOCOLS, Rest, card_with, encaps, entry_of, frame, ip_packet, key, layer2, seeded, untranslated,
};
use fpgaflow_abi::checksum::update;
use fpgaflow_abi::entry::{Action, Entry};
use fpgaflow_abi::key::{Addresses, Encap, Family, FlowKey};
use fpgaflow_abi::next_hop::NextHop;
use fpgaflow_abi::wire::{ETH_HEADER_BYTES, MIN_FRAME_BYTES, PROTO_GRE, PROTO_TCP, PROTO_UDP};
use fpgaflow_golden::{Card, Outcome};
use rand::RngExt;
use rand::seq::IndexedRandom;
use rand_chacha::ChaCha8Rng;

fn random_addresses(rng: &mut ChaCha8Rng, family: Family) -> Addresses {
    match family {
        Family::V4 => Addresses::V4 { src: rng.random::<u32>().into(), dst: rng.random::<u32>().into() },
        Family::V6 => Addresses::V6 { src: rng.random::<u128>().into(), dst: rng.random::<u128>().into() },
    }
}

fn random_key(rng: &mut ChaCha8Rng, family: Family, protocol: u8) -> FlowKey {
    let ports = if protocol == PROTO_GRE { [0, 0] } else { rng.random() };
    key(random_addresses(rng, family), ports[0], ports[1], protocol)
}

/// The flow that makes `old` what `new` is, in the parts that `parts` chooses; GRE stays as it is.
fn translating(old: &FlowKey, new: &FlowKey, parts: u8) -> Entry {
    let parts = if old.protocol == PROTO_GRE { 0 } else { parts };
    let pick = |bit: u8| if parts >> bit & 1 == 1 { new } else { old };
    let addresses = match (pick(0).addresses, pick(1).addresses) {
        (Addresses::V4 { src, .. }, Addresses::V4 { dst, .. }) => Addresses::V4 { src, dst },
        (Addresses::V6 { src, .. }, Addresses::V6 { dst, .. }) => Addresses::V6 { src, dst },
        _ => panic!("keys of one family"),
    };
    Entry {
        key: *old,
        action: Action { addresses, sport: pick(2).sport, dport: pick(3).dport, next_hop: HOP_INDEX },
        valid: true,
    }
}

/// What a flow's packets become, as far as their key tells.
fn translated(flow: &Entry, encap: Encap) -> FlowKey {
    let Action { addresses, sport, dport, .. } = flow.action;
    FlowKey { addresses, sport, dport, encap, ..flow.key }
}

fn forwarded(card: &mut Card, flow: &Entry, frame: &[u8]) -> Vec<u8> {
    match card.process(PORT, frame).unwrap() {
        Outcome::Forwarded { port, frame, entry } => {
            assert_eq!((port, entry), (HOP.egress, entry_of(flow, 0)));
            frame
        }
        other => panic!("{other:?}"),
    }
}

/// Sends a packet of `flow` by a next hop with `encap` and compares what leaves with what etherparse builds.
fn check_translation(rng: &mut ChaCha8Rng, flow: &Entry, encap: Encap, payload_bytes: usize) {
    let mut card = card_with(&[*flow]);
    card.set_next_hop(HOP_INDEX, NextHop { encap, ..HOP }).unwrap();
    let mut payload = vec![0; payload_bytes];
    rng.fill(&mut payload[..]);
    let came = Rest { identification: rng.random(), ttl: rng.random_range(2..=255), payload: &payload };
    let packet = ip_packet(&flow.key, &came);
    let mut frame =
        [layer2((MAC, [4; 6]), &flow.key.encap, flow.key.family(), packet.len(), rng.random_range(0..16)), packet].concat();
    // What lies behind the IP packet must not leave.
    frame.extend((0..rng.random_range(0..20)).map(|_| 0xa5));

    let packet = ip_packet(&translated(flow, encap), &Rest { ttl: came.ttl - 1, ..came });
    let mut expected = [layer2((HOP.dst_mac, HOP.src_mac), &encap, flow.key.family(), packet.len(), 0), packet].concat();
    expected.resize(expected.len().max(MIN_FRAME_BYTES), 0);
    assert_eq!(forwarded(&mut card, flow, &frame), expected, "{flow:?} by {encap:?}");
}

#[test]
fn a_translated_packet_is_the_one_that_etherparse_builds() {
    let mut rng = seeded();
    let encaps = encaps();
    for round in 0..6000u32 {
        let family = if rng.random() { Family::V4 } else { Family::V6 };
        let protocol = *PROTOCOLS.choose(&mut rng).unwrap();
        let [mut old, new] = [(); 2].map(|()| random_key(&mut rng, family, protocol));
        old.encap = *encaps.choose(&mut rng).unwrap();
        let leaves_in = *encaps.choose(&mut rng).unwrap();
        let flow = translating(&old, &new, round as u8 % 16);
        let payload_bytes = rng.random_range(0..100);
        check_translation(&mut rng, &flow, leaves_in, payload_bytes);
    }
}

#[test]
fn every_encapsulation_becomes_every_other_for_every_kind_of_packet() {
    let mut rng = seeded();
    assert_eq!(encaps().len(), 14);
    for comes_in in encaps() {
        for leaves_in in encaps() {
            for (family, protocol) in
                [Family::V4, Family::V6].into_iter().flat_map(|family| PROTOCOLS.map(|protocol| (family, protocol)))
            {
                let [old, new] = [(); 2].map(|()| random_key(&mut rng, family, protocol));
                let flow = translating(&FlowKey { encap: comes_in, ..old }, &new, 0b1111);
                // Short enough to be padded on either side, or neither.
                for payload_bytes in [0, 1, 6, 200] {
                    check_translation(&mut rng, &flow, leaves_in, payload_bytes);
                }
            }
        }
    }
}

#[test]
fn any_layer_4_checksum_leaves_as_the_stored_deltas_make_it() {
    let mut rng = seeded();
    for round in 0..20_000 {
        let family = if rng.random() { Family::V4 } else { Family::V6 };
        let protocol = if rng.random() { PROTO_TCP } else { PROTO_UDP };
        let old = random_key(&mut rng, family, protocol);
        // Near translations make small deltas, swapped ports none at all.
        let new = match rng.random_range(0..4) {
            0 => FlowKey { dport: old.sport, sport: old.dport, ..old },
            1 => FlowKey { sport: old.sport.wrapping_add(1), dport: old.dport.wrapping_sub(1), ..old },
            2 => FlowKey { sport: old.sport ^ 0xffff, ..old },
            _ => random_key(&mut rng, family, protocol),
        };
        let flow = translating(&old, &new, rng.random_range(0..16));
        let mut card = card_with(&[flow]);
        let mut frame = frame(&old, &Rest { identification: rng.random(), ttl: 64, payload: b"odd" });
        let delta = flow.l4_delta();
        let l4_at = ETH_HEADER_BYTES + if family == Family::V4 { 20 } else { 40 };
        let at = l4_at + if protocol == PROTO_UDP { 6 } else { 16 };
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
        let left = forwarded(&mut card, &flow, &frame);
        let found = u16::from_be_bytes([left[at], left[at + 1]]);
        assert_eq!(found, expected, "round {round}: checksum {checksum:#06x}, delta {delta:#06x}");
    }
}

#[test]
fn a_datagram_shorter_than_its_ip_packet_keeps_its_trailer_and_checksum_coverage() {
    let mut rng = seeded();
    for family in [Family::V4, Family::V6] {
        let [old, new] = [(); 2].map(|()| random_key(&mut rng, family, PROTO_UDP));
        let flow = translating(&old, &new, 0b1111);
        let frame_of = |macs, key: &FlowKey, ttl| {
            let mut packet = ip_packet(key, &Rest { identification: 1, ttl, payload: b"inside" });
            match family {
                Family::V4 => {
                    // Five bytes more in the total length are five less in the checksum.
                    packet[3] += 5;
                    let checksum = u16::from_be_bytes([packet[10], packet[11]]);
                    packet[10..12].copy_from_slice(&update(checksum, 5).to_be_bytes());
                }
                Family::V6 => packet[5] += 5,
            }
            packet.extend(b"trail");
            [layer2(macs, &Encap::NONE, family, packet.len(), 0), packet].concat()
        };
        let mut expected = frame_of((HOP.dst_mac, HOP.src_mac), &translated(&flow, Encap::NONE), 63);
        expected.resize(expected.len().max(MIN_FRAME_BYTES), 0);
        assert_eq!(forwarded(&mut card_with(&[flow]), &flow, &frame_of((MAC, [4; 6]), &old, 64)), expected);
    }
}

#[test]
fn a_gre_packet_keeps_all_but_its_hop_limit() {
    for flags in [0x0000u16, 0x3000, 0xb000, 0xfff8] {
        let key = key(common::addresses(Family::V6), 0, 0, PROTO_GRE);
        let flow = untranslated(key);
        let mut came = frame(&key, &Rest { identification: 9, ttl: 2, payload: b"inside" });
        came[ETH_HEADER_BYTES + 40..][..2].copy_from_slice(&flags.to_be_bytes());
        let left = forwarded(&mut card_with(&[flow]), &flow, &came);
        came[..6].copy_from_slice(&HOP.dst_mac);
        came[6..12].copy_from_slice(&HOP.src_mac);
        came[ETH_HEADER_BYTES + 7] = 1;
        assert_eq!(left, came, "flags {flags:#06x}");
    }
}
