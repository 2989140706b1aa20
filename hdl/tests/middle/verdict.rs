//! The verdict stage against a model written from its contract.

use std::collections::{HashMap, VecDeque};

use fpgaflow_abi::checksum::{TTL_DELTA, add, update};
use fpgaflow_abi::entry::NEXT_HOP_BITS;
use fpgaflow_abi::key::Encap;
use fpgaflow_abi::next_hop::{HOST_PORT, NextHop, mac_to_int};
use fpgaflow_abi::reason::Reason;
use fpgaflow_abi::slot::EntryRef;
use fpgaflow_hdl::prim::Pace;
use fpgaflow_hdl::verdict::{LATENCY, VerdictStage};
use fpgaflow_hdl_guard::{model, rng};
use rand::{Rng, RngExt};

use crate::records::{self, Answer, Forward, Headers, Outcome, checksum_like, next_hop_write, random_next_hop};

const NW: usize = 4;

/// What becomes of a packet, by the contract. `hops` holds the next hops that are there.
pub fn expected(headers: &Headers, answer: &Answer, hops: &HashMap<u16, NextHop>) -> Outcome {
    let hit = answer.hit && headers.reason == 0;
    let hop = hops.get(&answer.next_hop).filter(|hop| hop.valid);
    let reason = match hop {
        _ if headers.reason != 0 => headers.reason,
        _ if !hit && answer.parity => Reason::Parity as u8,
        _ if !hit => Reason::Miss as u8,
        None => Reason::NoNextHop as u8,
        Some(hop) if hop.egress == HOST_PORT => Reason::HostAddressed as u8,
        Some(_) if headers.tcp_control => Reason::TcpFlags as u8,
        Some(_) if headers.ttl <= 1 => Reason::Ttl as u8,
        Some(hop) if headers.ip_length > hop.mtu => Reason::Mtu as u8,
        Some(_) => Reason::Forwarded as u8,
    };
    Outcome {
        reason,
        frame: headers.frame(),
        hit,
        entry: if hit { answer.entry } else { EntryRef::new() },
        forward: hop.filter(|_| reason == 0).map(|hop| Forward {
            egress: hop.egress,
            ip_length: headers.ip_length,
            src_mac: mac_to_int(hop.src_mac),
            dst_mac: mac_to_int(hop.dst_mac),
            encap: hop.encap.to_bits(),
            src: answer.src,
            dst: answer.dst,
            sport: answer.sport,
            dport: answer.dport,
            ttl: headers.ttl.wrapping_sub(1),
            l3_checksum: (!headers.v6).then(|| update(headers.l3_checksum, add(answer.l3_delta, TTL_DELTA))),
            l4_checksum: (!headers.gre).then(|| match update(headers.l4_checksum, answer.l4_delta) {
                _ if headers.udp && headers.l4_checksum == 0 => 0,
                0 if headers.udp => 0xffff,
                updated => updated,
            }),
            v6: headers.v6,
            udp: headers.udp,
            gre: headers.gre,
        }),
    }
}

fn random_answer(rng: &mut impl Rng) -> Answer {
    Answer {
        hit: rng.random_bool(0.9),
        entry: EntryRef::from_bits(rng.random_range(0..1 << 24)),
        src: rng.random(),
        dst: rng.random(),
        sport: rng.random(),
        dport: rng.random(),
        // Some beyond the table: its rows must not alias.
        next_hop: if rng.random_bool(0.05) { rng.random_range(0..1 << NEXT_HOP_BITS) } else { rng.random_range(0..1 << NW) },
        l3_delta: checksum_like(rng),
        l4_delta: checksum_like(rng),
        parity: rng.random_bool(0.3),
    }
}

#[test]
fn every_packets_verdict_is_the_models_while_next_hops_change() {
    every_verdict_is_the_models(Pace::EveryClock);
}

#[test]
fn every_seldom_packets_verdict_is_the_models_while_next_hops_change() {
    every_verdict_is_the_models(Pace::Seldom);
}

fn every_verdict_is_the_models(pace: Pace) {
    let seldom = pace == Pace::Seldom;
    let mut rng = rng();
    let mut m = model(if seldom { "verdict_stage_seldom" } else { "verdict_stage" }, VerdictStage::<NW>::new(pace));
    let port = |name| m.port(name);
    let [action_valid, action, parsed] = ["action_valid", "action", "parsed"].map(port);
    let [write_valid, write] = ["write_valid", "write"].map(port);
    let [verdict_valid, verdict] = ["verdict_valid", "verdict"].map(port);
    let [count_valid, count_entry, count_bytes] = ["count_valid", "count_entry", "count_bytes"].map(port);
    let mut hops: HashMap<u16, NextHop> = HashMap::new();
    let mut due: VecDeque<Option<(Outcome, Headers)>> = VecDeque::from(vec![None; LATENCY]);
    let mut seen = HashMap::new();
    let (mut index, mut hop) = (0, random_next_hop(&mut rng));
    // A seldom write stands still for as long as it may wait, and counts for packets from then on.
    let (mut still_until, mut counts_from) = (0, None);
    // The first clock in which there may be a packet, at this pace.
    let mut next_packet = 0;
    for clock in 0..300_000 {
        if counts_from == Some(clock) {
            hops.insert(index as u16, hop);
        }
        let stands = clock < still_until;
        let write_now = rng.random_bool(0.1) && !stands;
        m.set(write_valid, write_now.into());
        if !stands {
            (index, hop) = (rng.random_range(0..1 << NW), random_next_hop(&mut rng));
        }
        m.set_words(write, &next_hop_write(index, &hop).0);
        if write_now && seldom {
            counts_from = Some(clock + pace.write_waits());
            still_until = clock + pace.write_waits() + 1;
        } else if write_now {
            // Also for the packet of this very clock.
            hops.insert(index as u16, hop);
        }
        // Also of a packet that has a reason: what the table says of it must not matter.
        let answer = random_answer(&mut rng);
        let headers = Headers::random(&mut rng);
        let is_valid = clock >= next_packet && rng.random_bool(0.9);
        if is_valid && seldom {
            next_packet = clock + if headers.reason == 0 { LATENCY } else { 2 };
        }
        m.set(action_valid, is_valid.into());
        m.set_words(action, &answer.to_words().0);
        m.set_words(parsed, &headers.to_words().0);
        due.push_back(is_valid.then(|| (expected(&headers, &answer, &hops), headers)));

        let due = due.pop_front().flatten();
        let found = (m.get(verdict_valid) == 1).then(|| Outcome::from_words(&records::get(&m, verdict)));
        assert_eq!(found, due.map(|(outcome, _)| outcome), "clock {clock}");
        let counted =
            (m.get(count_valid) == 1).then(|| (EntryRef::from_bits(m.get(count_entry) as u32), m.get(count_bytes) as u16));
        let to_count = due.filter(|(outcome, _)| outcome.reason == 0).map(|(outcome, h)| (outcome.entry, h.ip_length));
        assert_eq!(counted, to_count, "clock {clock}");
        if let Some((outcome, _)) = due {
            *seen.entry(Reason::from_code(outcome.reason).expect("a reason of the ABI")).or_insert(0) += 1;
        }
        m.tick();
    }
    for reason in [
        Reason::Forwarded,
        Reason::Parity,
        Reason::Miss,
        Reason::NoNextHop,
        Reason::HostAddressed,
        Reason::TcpFlags,
        Reason::Ttl,
        Reason::Mtu,
        Reason::Fragment,
    ] {
        assert!(seen.get(&reason).copied().unwrap_or(0) > 100, "{reason} was hardly ever met: {seen:?}");
    }
}

#[test]
fn reset_forgets_packets_and_keeps_next_hops() {
    let mut m = model("verdict_stage", VerdictStage::<NW>::default());
    let port = |name| m.port(name);
    let [reset, action_valid, action, parsed, write_valid, write, verdict_valid, verdict, count_valid] =
        ["reset", "action_valid", "action", "parsed", "write_valid", "write", "verdict_valid", "verdict", "count_valid"]
            .map(port);
    let hop = NextHop { egress: 2, mtu: 1500, src_mac: [2; 6], dst_mac: [4; 6], encap: Encap::NONE, valid: true };
    m.set(write_valid, 1);
    m.set_words(write, &next_hop_write(3, &hop).0);
    m.tick();
    m.set(write_valid, 0);
    let headers = Headers { ttl: 64, ip_length: 100, ..Headers::default() };
    m.set_words(action, &Answer { hit: true, next_hop: 3, ..Answer::default() }.to_words().0);
    m.set_words(parsed, &headers.to_words().0);
    m.set(action_valid, 1);
    m.tick();
    m.tick();
    m.set(action_valid, 0);
    m.set(reset, 1);
    m.tick();
    m.set(reset, 0);
    for _ in 0..2 * LATENCY {
        assert_eq!((m.get(verdict_valid), m.get(count_valid)), (0, 0), "a packet survived the reset");
        m.tick();
    }
    m.set(action_valid, 1);
    for _ in 0..LATENCY {
        m.tick();
    }
    assert_eq!(Outcome::from_words(&records::get(&m, verdict)).forward.map(|f| f.egress), Some(2));
}
