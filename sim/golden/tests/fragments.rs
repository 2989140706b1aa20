//! Datagrams in fragments: put together again they are the whole packet's translation, and they go one way or none.

mod common;

use common::{GEOMETRY, HOP, PORT, Rest, addresses, card_with, entry_of, ip_packet, key, layer2, seeded};
use fpgaflow_abi::entry::{Action, Entry};
use fpgaflow_abi::fragment::{identity, row, row_bits};
use fpgaflow_abi::hash::{HashSecret, SECRET_WORDS};
use fpgaflow_abi::key::{Addresses, Encap, Family};
use fpgaflow_abi::reason::Reason;
use fpgaflow_abi::wire::{PROTO_GRE, PROTO_TCP, PROTO_UDP};
use fpgaflow_golden::{Card, FragmentConfig, Outcome};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;

const SECRET: HashSecret = HashSecret([0x9e37_79b9_7f4a_7c15; SECRET_WORDS]);
const LIFETIME: u16 = 5;
const L3: usize = 14;

/// A flow of which everything is translated.
fn translated(family: Family, protocol: u8) -> Entry {
    let key = key(addresses(family), 5000, 53, protocol);
    let new = match family {
        Family::V4 => Addresses::V4 { src: [203, 0, 113, 5].into(), dst: [198, 51, 100, 77].into() },
        Family::V6 => Addresses::V6 { src: "2001:db8:77::5".parse().unwrap(), dst: "2001:db8:88::9".parse().unwrap() },
    };
    Entry { key, action: Action { addresses: new, sport: 61000, dport: 5353, next_hop: common::HOP_INDEX }, valid: true }
}

fn card(flows: &[Entry]) -> Card {
    let mut card = card_with(flows);
    card.set_fragments(Some(FragmentConfig { secret: SECRET, lifetime: LIFETIME }));
    card
}

/// The IP packet of a flow with `payload`.
fn packet(flow: &Entry, payload: &[u8]) -> Vec<u8> {
    ip_packet(&flow.key, &Rest { identification: 7, ttl: 64, payload })
}

fn frame(family: Family, ip: &[u8]) -> Vec<u8> {
    [layer2(([2, 0, 0, 0, 0, PORT], [4; 6]), &Encap::NONE, family, ip.len(), 0), ip.to_vec()].concat()
}

/// The checksum of an IPv4 header, made right.
fn fix(header: &mut [u8]) {
    header[10..12].fill(0);
    let mut sum: u32 = header[..20].chunks(2).map(|pair| u32::from(u16::from_be_bytes([pair[0], pair[1]]))).sum();
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    header[10..12].copy_from_slice(&(!(sum as u16)).to_be_bytes());
}

/// A packet's fragments as frames: cut at `cuts`, in units of 8 bytes of its IP payload.
fn cut(ip: &[u8], id: u32, cuts: &[usize]) -> Vec<Vec<u8>> {
    let family = if ip[0] >> 4 == 6 { Family::V6 } else { Family::V4 };
    let header = if family == Family::V6 { 40 } else { 20 };
    let payload = &ip[header..];
    let bounds: Vec<usize> = [0].into_iter().chain(cuts.iter().map(|cut| cut * 8)).chain([payload.len()]).collect();
    let parts = bounds.windows(2).map(|part| {
        let (more, offset) = (u16::from(part[1] < payload.len()), (part[0] / 8) as u16);
        let mut out = ip[..header].to_vec();
        if family == Family::V6 {
            out[4..6].copy_from_slice(&((part[1] - part[0] + 8) as u16).to_be_bytes());
            out.extend([out[6], 0]);
            out[6] = 44;
            out.extend((offset << 3 | more).to_be_bytes());
            out.extend(id.to_be_bytes());
        } else {
            out[2..4].copy_from_slice(&((20 + part[1] - part[0]) as u16).to_be_bytes());
            out[4..6].copy_from_slice(&(id as u16).to_be_bytes());
            out[6..8].copy_from_slice(&(more << 13 | offset).to_be_bytes());
            fix(&mut out);
        }
        out.extend(&payload[part[0]..part[1]]);
        frame(family, &out)
    });
    parts.collect()
}

/// What leaves for a frame; panics when it is punted.
fn forwarded(card: &mut Card, frame: &[u8]) -> Vec<u8> {
    match card.process(PORT, frame).unwrap() {
        Outcome::Forwarded { port, frame, .. } if port == HOP.egress => frame,
        other => panic!("{other:?}"),
    }
}

fn reason(card: &mut Card, frame: &[u8]) -> Reason {
    card.process(PORT, frame).unwrap().reason()
}

/// Puts frames that left together, by their own headers, into one IP packet.
fn reassembled(frames: &[Vec<u8>]) -> Vec<u8> {
    let mut payload = Vec::new();
    for frame in frames {
        let ip = &frame[L3..];
        let (header, length, offset) = if ip[0] >> 4 == 6 {
            (48, 40 + usize::from(u16::from_be_bytes([ip[4], ip[5]])), usize::from(u16::from_be_bytes([ip[42], ip[43]]) >> 3) * 8)
        } else {
            (20, usize::from(u16::from_be_bytes([ip[2], ip[3]])), usize::from(u16::from_be_bytes([ip[6], ip[7]]) & 0x1fff) * 8)
        };
        let end = offset + length - header;
        payload.resize(payload.len().max(end), 0);
        payload[offset..end].copy_from_slice(&ip[header..length]);
    }
    let first = &frames[0][L3..];
    let header = if first[0] >> 4 == 6 { 40 } else { 20 };
    let mut out = first[..header].to_vec();
    if header == 40 {
        out[6] = first[40];
        out[4..6].copy_from_slice(&(payload.len() as u16).to_be_bytes());
    } else {
        out[2..4].copy_from_slice(&((20 + payload.len()) as u16).to_be_bytes());
        out[4..8].fill(0);
        fix(&mut out);
    }
    [out, payload].concat()
}

/// A whole IPv4 packet as the reassembled one has it: without identification and flags.
fn unmarked(frame: &[u8]) -> Vec<u8> {
    let mut ip = frame[L3..].to_vec();
    if ip[0] >> 4 == 4 {
        ip[4..8].fill(0);
        fix(&mut ip);
    }
    ip
}

fn random_cuts(rng: &mut ChaCha8Rng, units: usize) -> Vec<usize> {
    // The first part holds the longest layer 4 header.
    let mut cuts: Vec<usize> = (0..rng.random_range(1..5)).map(|_| rng.random_range(3..units)).collect();
    cuts.sort_unstable();
    cuts.dedup();
    cuts
}

#[test]
fn fragments_put_together_again_are_the_translation_of_the_whole() {
    let mut rng = seeded();
    for (family, protocol) in [(Family::V4, PROTO_TCP), (Family::V4, PROTO_UDP), (Family::V6, PROTO_UDP)] {
        let flow = translated(family, protocol);
        for id in 0..200 {
            let mut card = card(&[flow]);
            let payload: Vec<u8> = (0..rng.random_range(64..900)).map(|_| rng.random()).collect();
            let ip = packet(&flow, &payload);
            let whole = forwarded(&mut card, &frame(family, &ip));
            let mut parts = cut(&ip, id, &random_cuts(&mut rng, payload.len() / 8));
            // The first one first; the others as they come.
            if rng.random() {
                parts[1..].reverse();
            }
            let left: Vec<_> = parts.iter().map(|part| forwarded(&mut card, part)).collect();
            assert_eq!(reassembled(&left), unmarked(&whole), "{family:?}, protocol {protocol}");
            let counters = card.flow_counters(entry_of(&flow, 0)).unwrap();
            assert_eq!(counters.packets, 1 + parts.len() as u64, "every fragment counts");
        }
    }
}

#[test]
fn fragments_are_punted_unless_they_are_asked_for() {
    let flow = translated(Family::V4, PROTO_UDP);
    let mut card = card(&[flow]);
    card.set_fragments(None);
    for part in cut(&packet(&flow, &[1; 100]), 1, &[4, 8]) {
        assert_eq!(reason(&mut card, &part), Reason::Fragment);
    }
}

#[test]
fn what_the_card_forwards_no_fragments_of_is_punted() {
    let flows = [translated(Family::V4, PROTO_GRE), translated(Family::V6, PROTO_TCP), translated(Family::V6, PROTO_UDP)];
    let mut card = card(&flows);
    for flow in &flows[..2] {
        for part in cut(&packet(flow, &[1; 100]), 1, &[4, 8]) {
            assert_eq!(reason(&mut card, &part), Reason::Fragment, "{:?}", flow.key);
        }
    }
    // A whole packet behind a fragment header (RFC 6946).
    let [atomic] = &cut(&packet(&flows[2], &[1; 100]), 1, &[])[..] else { panic!("one part") };
    assert_eq!(reason(&mut card, atomic), Reason::Fragment);
}

#[test]
fn a_datagram_whose_first_fragment_goes_to_the_host_goes_there_whole() {
    let flow = translated(Family::V4, PROTO_UDP);
    let mut card = card(&[flow]);
    let parts = cut(&packet(&flow, &[1; 200]), 1, &[4, 8]);
    let mut dying = parts[0].clone();
    dying[L3 + 8] = 1;
    fix(&mut dying[L3..]);
    assert_eq!(reason(&mut card, &dying), Reason::Ttl);
    assert_eq!(reason(&mut card, &parts[0]), Reason::Fragment, "the same first fragment, in order");
    assert_eq!(reason(&mut card, &parts[1]), Reason::Fragment);
    assert_eq!(reason(&mut card, &parts[2]), Reason::Fragment);
    // It is over now: another with the same identification starts anew.
    forwarded(&mut card, &parts[0]);
}

#[test]
fn a_later_fragment_that_comes_first_takes_its_datagram_to_the_host() {
    let flow = translated(Family::V6, PROTO_UDP);
    let mut card = card(&[flow]);
    let parts = cut(&packet(&flow, &[1; 200]), 1, &[4, 8]);
    for at in [2, 0, 1] {
        assert_eq!(reason(&mut card, &parts[at]), Reason::Fragment, "part {at}");
    }
    // Until it is forgotten.
    card.set_tick(LIFETIME.into());
    assert_eq!(reason(&mut card, &parts[0]), Reason::Fragment);
    card.set_tick(2 * u32::from(LIFETIME) + 1);
    for part in &parts {
        forwarded(&mut card, part);
    }
}

#[test]
fn a_later_fragment_is_judged_by_its_own_ttl_and_length() {
    let flow = translated(Family::V4, PROTO_UDP);
    let mut card = card(&[flow]);
    let parts = cut(&packet(&flow, &[1; 1550]), 1, &[4, 8]);
    forwarded(&mut card, &parts[0]);
    let mut dying = parts[1].clone();
    dying[L3 + 8] = 1;
    fix(&mut dying[L3..]);
    assert_eq!(reason(&mut card, &dying), Reason::Ttl);
    assert_eq!(reason(&mut card, &parts[2]), Reason::Mtu);
}

#[test]
fn a_flow_that_is_changed_or_removed_takes_no_more_fragments_of_a_datagram() {
    let flow = translated(Family::V4, PROTO_UDP);
    let parts = cut(&packet(&flow, &[1; 200]), 1, &[4, 8]);
    let at = entry_of(&flow, 0);
    let changes: [fn(&mut Card, _, Entry); 3] = [
        |card, at, flow| card.update(at, Action { sport: 1, ..flow.action }).unwrap(),
        |card, at, flow| {
            card.remove(at).unwrap();
            card.install(at, flow).unwrap();
        },
        |card, _, _| {
            card.set_lookup(false);
            card.set_lookup(true);
        },
    ];
    for change in changes {
        let mut card = card(&[flow]);
        forwarded(&mut card, &parts[0]);
        change(&mut card, at, flow);
        assert_eq!(reason(&mut card, &parts[1]), Reason::Fragment);
        assert_eq!(reason(&mut card, &parts[0]), Reason::Fragment, "one that went to the host");
    }
}

#[test]
fn a_datagram_without_a_row_goes_to_the_host_and_disturbs_nobody() {
    let flow = translated(Family::V4, PROTO_UDP);
    let mut card = card(&[flow]);
    let row_of = |id: u32| row(SECRET.hash(&identity(&flow.key, id).to_bits()), row_bits(GEOMETRY.width_bits));
    let other = (2..u32::from(u16::MAX)).find(|id| row_of(*id) == row_of(1)).expect("few rows");
    let [mine, theirs] = [1, other].map(|id| cut(&packet(&flow, &[1; 200]), id, &[4, 8]));
    forwarded(&mut card, &mine[0]);
    assert_eq!(reason(&mut card, &theirs[0]), Reason::Fragment);
    forwarded(&mut card, &mine[1]);
    assert_eq!(reason(&mut card, &theirs[1]), Reason::Fragment);
    forwarded(&mut card, &mine[2]);
    // The row is free.
    for part in &theirs {
        forwarded(&mut card, part);
    }
    // And there are as many rows as the ABI says.
    let rows: std::collections::HashSet<_> = (0..u32::from(u16::MAX)).map(row_of).collect();
    assert_eq!(rows.len(), 1 << row_bits(GEOMETRY.width_bits));
}
