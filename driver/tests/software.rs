//! The software flowtable against the reference, on untagged IPv4 frames that are right, wrong, and anything in between. IPv6, tags, PPPoE
//! and GRE are compared with the golden model, in the workspace's `tests`; here are known frames of each (`software_general.rs`).

mod support;

use std::collections::HashMap;
use std::net::{Ipv4Addr, Ipv6Addr};

use fpgaflow_abi::entry::Action;
use fpgaflow_abi::hash::HashSecret;
use fpgaflow_abi::key::{Addresses, Encap, FlowKey};
use fpgaflow_abi::next_hop::{HOST_PORT, NextHop};
use fpgaflow_abi::reason::{Disposition, Reason};
use fpgaflow_driver::card::PortSettings;
use fpgaflow_driver::frame::Frame;
use fpgaflow_driver::software::{SoftwareError, SoftwareTable, Verdict};
use rand::RngExt;
use rand::seq::IndexedRandom;
use support::reference::{Reference, l4_checksum, sum};

type Rng = rand_chacha::ChaCha8Rng;

const MAC: [[u8; 6]; 2] = [[2, 0, 0, 0, 0, 0xa], [2, 0, 0, 0, 0, 0xb]];
const MAX_FRAME: usize = 1518;

fn key(number: u32, protocol: u8) -> FlowKey {
    FlowKey {
        ingress: (number % 2) as u8,
        encap: Encap::NONE,
        protocol,
        addresses: Addresses::V4 { src: Ipv4Addr::from_bits(0x0a00_0000 + number), dst: Ipv4Addr::new(198, 51, 100, 1) },
        sport: 40_000 + number as u16,
        dport: 443,
    }
}

/// The same flows in the table and the reference.
fn pair(rng: &mut Rng, flows: u32) -> (SoftwareTable, Reference) {
    let mut table = SoftwareTable::new(support::secret(rng), 2, MAX_FRAME as u32, 1);
    let mut reference =
        Reference { ports: Vec::new(), flows: HashMap::new(), hops: HashMap::new(), lookup: true, max_frame_bytes: MAX_FRAME };
    for port in 0..2u8 {
        let settings = PortSettings { mac: MAC[usize::from(port)], enabled: true, promiscuous: port == 1, tail_drop: false };
        table.set_port(port, &settings).unwrap();
        reference.ports.push(settings);
    }
    let hop = |egress, mtu, valid| NextHop { egress, mtu, src_mac: [6; 6], dst_mac: [8; 6], encap: Encap::NONE, valid };
    for (index, hop) in (0..).zip([hop(1, 1500, true), hop(0, 400, true), hop(HOST_PORT, 1500, true), hop(0, 1500, false)]) {
        table.set_next_hop(index, &hop).unwrap();
        reference.hops.insert(index, hop);
    }
    for number in 0..flows {
        let key = key(number, if number % 3 == 0 { 6 } else { 17 });
        let Addresses::V4 { src, dst } = key.addresses else { unreachable!("IPv4 keys only") };
        let action = Action {
            addresses: Addresses::V4 {
                src: if rng.random() { Ipv4Addr::from_bits(rng.random()) } else { src },
                dst: if rng.random() { Ipv4Addr::from_bits(rng.random()) } else { dst },
            },
            sport: if rng.random() { rng.random() } else { key.sport },
            dport: if rng.random() { rng.random() } else { key.dport },
            // Next hop 4 does not exist.
            next_hop: *[0, 0, 0, 0, 1, 1, 2, 3, 4].choose(rng).unwrap(),
        };
        table.insert(&key, &action).unwrap();
        reference.flows.insert(key, action);
    }
    (table, reference)
}

/// A right frame of a flow, with a payload of `payload` bytes and something behind the packet.
fn frame(rng: &mut Rng, key: &FlowKey, payload: usize, trailer: usize) -> Vec<u8> {
    let Addresses::V4 { src, dst } = key.addresses else { unreachable!("IPv4 keys only") };
    let l4_bytes = if key.protocol == 6 { 20 } else { 8 };
    let total = 20 + l4_bytes + payload;
    let mut packet = vec![0; total];
    packet[0] = 0x45;
    packet[1] = rng.random();
    packet[2..4].copy_from_slice(&(total as u16).to_be_bytes());
    packet[4..6].copy_from_slice(&rng.random::<u16>().to_be_bytes());
    packet[6] = if rng.random() { 0x40 } else { 0 };
    packet[8] = *[0, 1, 2, 64, 64, 64, 64, 255].choose(rng).unwrap();
    packet[9] = key.protocol;
    packet[12..16].copy_from_slice(&src.octets());
    packet[16..20].copy_from_slice(&dst.octets());
    packet[20..22].copy_from_slice(&key.sport.to_be_bytes());
    packet[22..24].copy_from_slice(&key.dport.to_be_bytes());
    rng.fill(&mut packet[20 + l4_bytes..]);
    let at = if key.protocol == 6 {
        rng.fill(&mut packet[24..32]);
        packet[32] = 0x50;
        packet[33] = if rng.random_bool(0.1) { rng.random() } else { 0x18 };
        36
    } else {
        packet[24..26].copy_from_slice(&((8 + payload) as u16).to_be_bytes());
        26
    };
    let mut checksum = l4_checksum(&packet);
    if key.protocol == 17 {
        checksum = if rng.random_bool(0.2) {
            0
        } else if checksum == 0 {
            0xffff
        } else {
            checksum
        };
    }
    packet[at..at + 2].copy_from_slice(&checksum.to_be_bytes());
    seal(&mut packet);
    let mut frame = [MAC[usize::from(key.ingress)], [4; 6]].concat();
    frame.extend([0x08, 0x00]);
    frame.extend(packet);
    let end = frame.len();
    frame.resize(end + trailer, 0);
    rng.fill(&mut frame[end..]);
    frame
}

/// Makes the header checksum right, if there is room for one.
fn seal(packet: &mut [u8]) {
    if packet.len() >= 20 {
        packet[10..12].fill(0);
        let checksum = !sum(&packet[..20]);
        packet[10..12].copy_from_slice(&checksum.to_be_bytes());
    }
}

/// Makes a frame wrong, or at least unusual.
fn damage(rng: &mut Rng, frame: &mut Vec<u8>) {
    for _ in 0..rng.random_range(1..3) {
        match rng.random_range(0..10) {
            0 => frame.truncate(rng.random_range(0..=frame.len())),
            1 => frame.resize(rng.random_range(1519..1600), 0),
            2 if frame.len() > 14 => {
                frame[12..14].copy_from_slice(&[[8, 6], [0x88, 0xcc], [8, 1], [0, 5]].choose(rng).unwrap()[..])
            }
            3 if frame.len() > 14 => frame[0] = *[0xff, 1, 3, 2].choose(rng).unwrap(),
            4 if frame.len() > 14 => frame[..6].fill(0xff),
            _ if frame.len() >= 34 => {
                // A field of the headers, the header checksum made right again most of the time.
                let at = rng.random_range(14..frame.len().min(54));
                frame[at] = if rng.random() { rng.random() } else { frame[at] ^ 1 << rng.random_range(0..8) };
                if rng.random_bool(0.8) {
                    seal(&mut frame[14..]);
                }
            }
            _ => (),
        }
    }
}

#[test]
fn every_frame_gets_the_references_verdict_and_bytes() {
    let mut rng = support::generator(support::seed());
    let mut seen = HashMap::<Reason, u32>::new();
    for round in 0..30 {
        let (mut table, mut reference) = pair(&mut rng, 60);
        if round % 10 == 9 {
            table.set_lookup(false);
            reference.lookup = false;
        }
        let mut counts = HashMap::<FlowKey, (u64, u64)>::new();
        for _ in 0..100 {
            let batch: Vec<(u8, Vec<u8>)> = (0..rng.random_range(1..100))
                .map(|_| {
                    let number = rng.random_range(0..66);
                    let key = key(number, if number % 3 == 0 { 6 } else { 17 });
                    let most = if rng.random() { 40 } else { 1440 };
                    let (payload, trailer) = (rng.random_range(0..most), rng.random_range(0..20));
                    let mut frame = frame(&mut rng, &key, payload, trailer);
                    if rng.random_bool(0.4) {
                        damage(&mut rng, &mut frame);
                    }
                    (if rng.random_bool(0.02) { 2 } else { key.ingress }, frame)
                })
                .collect();
            let mut buffers: Vec<Vec<u8>> = batch
                .iter()
                .map(|(_, frame)| {
                    let mut buffer = vec![0xee; 16 + frame.len().max(60)];
                    buffer[16..16 + frame.len()].copy_from_slice(frame);
                    buffer
                })
                .collect();
            let mut frames: Vec<_> = batch
                .iter()
                .zip(&mut buffers)
                .map(|((port, frame), buffer)| Frame::new(*port, buffer, 16..16 + frame.len()).unwrap())
                .collect();
            let mut verdicts = vec![Verdict::default(); frames.len()];
            table.process_batch(&mut frames, 7, &mut verdicts);
            for (((port, before), frame), verdict) in batch.iter().zip(&frames).zip(&verdicts) {
                let expected = reference.decide(*port, before);
                let reason = expected.as_ref().err().copied().unwrap_or(Reason::Forwarded);
                assert_eq!(verdict.reason(), reason, "port {port}, {before:02x?}");
                *seen.entry(reason).or_default() += 1;
                match (verdict, expected) {
                    (Verdict::Forward { port: egress, .. }, Ok((port, after))) => {
                        assert_eq!((*egress, frame.bytes()), (port, &after[..]), "{before:02x?}");
                        let protocol = before[23];
                        let number = u32::from_be_bytes([before[26], before[27], before[28], before[29]]) - 0x0a00_0000;
                        let count = counts.entry(key(number, protocol)).or_default();
                        count.0 += 1;
                        count.1 += u64::from(u16::from_be_bytes([before[16], before[17]]));
                    }
                    (Verdict::Punt { .. }, Err(reason)) => {
                        assert_eq!(reason.disposition(), Disposition::Punt);
                        assert_eq!(frame.bytes(), before, "a punted frame is unchanged");
                    }
                    (Verdict::Drop { .. }, Err(reason)) => assert_eq!(reason.disposition(), Disposition::Drop),
                    (verdict, expected) => panic!("{verdict:?} where {expected:?} was expected"),
                }
            }
        }
        for key in reference.flows.keys() {
            let (packets, bytes) = counts.get(key).copied().unwrap_or_default();
            let record = table.counters(table.find(key).unwrap());
            assert_eq!((record.packets, record.bytes, record.last_seen), (packets, bytes, if packets > 0 { 7 } else { 0 }));
        }
    }
    println!("{seen:?}");
    // Errors of the MAC, full queues and bad rows are the card's alone; here is no IPv6.
    let not_here = [Reason::RxError, Reason::HostFull, Reason::TxFull, Reason::Parity, Reason::IpExtension];
    for reason in Reason::ALL.iter().filter(|reason| !not_here.contains(reason)) {
        assert!(seen.contains_key(reason), "no frame was {reason}");
    }
}

#[test]
fn a_udp_checksum_that_becomes_zero_is_sent_as_all_ones() {
    let mut rng = support::generator(support::seed());
    let (mut table, mut reference) = pair(&mut rng, 0);
    let known = key(0, 17);
    let action = Action { addresses: known.addresses, sport: 61_000, dport: 443, next_hop: 0 };
    table.insert(&known, &action).unwrap();
    reference.flows.insert(known, action);
    let mut bytes = frame(&mut rng, &known, 20, 0);
    bytes[14 + 8] = 64;
    let finish = |bytes: &mut [u8]| {
        let checksum = l4_checksum(&bytes[14..]);
        bytes[14 + 26..14 + 28].copy_from_slice(&checksum.to_be_bytes());
        seal(&mut bytes[14..]);
    };
    finish(&mut bytes);
    // What the checksum lacks to all ones goes into the payload.
    let (_, after) = reference.decide(0, &bytes).unwrap();
    let missing = l4_checksum(&after[14..]).to_be_bytes();
    let word = sum(&[missing, [bytes[14 + 28], bytes[14 + 29]]].concat());
    bytes[14 + 28..14 + 30].copy_from_slice(&word.to_be_bytes());
    finish(&mut bytes);
    let len = bytes.len();
    bytes.resize(64.max(len), 0);
    let mut frame = Frame::new(0, &mut bytes, 0..len).unwrap();
    assert_eq!(table.process(&mut frame, 1).reason(), Reason::Forwarded);
    assert_eq!(l4_checksum(&frame.bytes()[14..]), 0);
    assert_eq!(frame.bytes()[14 + 26..14 + 28], [0xff, 0xff]);
}

#[test]
fn reasons_are_counted_and_a_punt_names_its_flow() {
    let mut rng = support::generator(support::seed());
    let (mut table, reference) = pair(&mut rng, 1);
    let known = *reference.flows.keys().next().unwrap();
    let mut bytes = frame(&mut rng, &known, 10, 0);
    bytes[14 + 8] = 1;
    bytes[14 + 33] = 0x02;
    seal(&mut bytes[14..]);
    bytes.resize(80, 0);
    let mut buffer = bytes;
    let mut frame = Frame::new(0, &mut buffer, 0..80).unwrap();
    table.set_next_hop(3, &reference.hops[&0]).unwrap();
    let action = Action { next_hop: 3, ..reference.flows[&known] };
    let flow = table.set_action(&known, &action).unwrap();
    assert_eq!(table.process(&mut frame, 1), Verdict::Punt { reason: Reason::TcpFlags, flow: Some(flow) });
    table.remove_next_hop(3);
    assert_eq!(table.process(&mut frame, 1), Verdict::Punt { reason: Reason::NoNextHop, flow: Some(flow) });
    table.remove(&known).unwrap();
    assert_eq!(table.process(&mut frame, 1), Verdict::Punt { reason: Reason::Miss, flow: None });
    assert_eq!(table.reasons()[Reason::TcpFlags as usize], 1);
    assert_eq!(table.reasons()[Reason::Miss as usize], 1);
    assert_eq!(table.reasons().iter().sum::<u64>(), 3);
}

#[test]
fn flows_come_and_go_while_the_index_grows() {
    let mut rng = support::generator(support::seed());
    let mut table = SoftwareTable::new(support::secret(&mut rng), 2, MAX_FRAME as u32, 0);
    let mut there = HashMap::new();
    let action = |key: &FlowKey| Action { addresses: key.addresses, sport: key.sport, dport: key.dport, next_hop: 0 };
    for step in 0..60_000 {
        // More come than go, until half time; then more go than come.
        let comes = rng.random_bool(if step < 30_000 { 0.7 } else { 0.3 });
        let key = key(rng.random_range(0..15_000), 17);
        if comes {
            match table.insert(&key, &action(&key)) {
                Ok(id) => assert_eq!(there.insert(key, id), None),
                Err(error) => {
                    assert_eq!(error, SoftwareError::Installed { key });
                    assert!(there.contains_key(&key));
                }
            }
        } else {
            assert_eq!(table.remove(&key).is_ok(), there.remove(&key).is_some());
        }
        assert_eq!(table.len(), there.len());
        if step % 10_000 == 0 {
            for (key, id) in &there {
                assert_eq!(table.find(key), Some(*id));
            }
        }
    }
    let mut ids: Vec<_> = there.values().collect();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), there.len(), "every flow has its own number");
}

#[test]
fn keys_with_one_hash_are_told_apart() {
    // Under a secret of zeros every key has hash 0.
    let mut table = SoftwareTable::new(HashSecret([0; 7]), 1, MAX_FRAME as u32, 4);
    let keys: Vec<_> = (0..100).map(|number| key(number, 6)).collect();
    let ids: Vec<_> = keys
        .iter()
        .map(|key| {
            let action = Action { addresses: key.addresses, sport: key.sport, dport: key.dport, next_hop: 0 };
            table.insert(key, &action).unwrap()
        })
        .collect();
    for key in &keys[..50] {
        table.remove(key).unwrap();
    }
    for (i, key) in keys.iter().enumerate() {
        assert_eq!(table.find(key), (i >= 50).then_some(ids[i]));
    }
}

#[test]
fn what_cannot_be_forwarded_is_refused() {
    let mut table = SoftwareTable::new(HashSecret([1; 7]), 2, MAX_FRAME as u32, 4);
    let plain = key(0, 6);
    let action = Action { addresses: plain.addresses, sport: 1, dport: 2, next_hop: 0 };
    let other = Addresses::V6 { src: Ipv6Addr::LOCALHOST, dst: Ipv6Addr::LOCALHOST };
    let mismatch = Action { addresses: other, ..action };
    assert_eq!(table.insert(&plain, &mismatch), Err(SoftwareError::FamilyMismatch { key: plain }));
    let gre = FlowKey { protocol: 47, sport: 0, dport: 0, ..plain };
    assert_eq!(table.insert(&gre, &action), Err(SoftwareError::TranslatedGre { key: gre }));
    assert_eq!(table.set_action(&plain, &action), Err(SoftwareError::NotInstalled { key: plain }));
    let hop = NextHop { egress: 2, mtu: 1500, src_mac: [0; 6], dst_mac: [0; 6], encap: Encap::NONE, valid: true };
    assert_eq!(table.set_next_hop(0, &hop), Err(SoftwareError::NextHop { index: 0, egress: 2, ports: 2 }));
    assert_eq!(table.set_port(2, &PortSettings::default()), Err(SoftwareError::NoPort { port: 2, ports: 2 }));
    assert!(table.is_empty());
}
