//! The traffic does what it is for: it reaches every outcome, and the same seed gives the same bytes.

use std::collections::{BTreeMap, HashSet};

use fpgaflow_abi::geometry::Geometry;
use fpgaflow_abi::key::Family;
use fpgaflow_abi::reason::Reason;
use fpgaflow_abi::slot::EntryRef;
use fpgaflow_golden::{Card, Outcome, PortConfig};
use fpgaflow_traffic::{Frames, Kind, Mix, Scenario, Sizes, rng, seed};

const GEOMETRY: Geometry = Geometry {
    width_bits: 64,
    ports: 2,
    bucket_bits: 9,
    stash: 8,
    entries_v4: 4096,
    entries_v6: 0,
    next_hops: 256,
    max_frame_bytes: 9018,
    clock_hz: 0,
    build_id: 0,
};

fn card_for(scenario: &Scenario) -> Card {
    let mut card = Card::new(scenario.geometry);
    for port in 0..scenario.geometry.ports {
        card.set_port(port, PortConfig { rx_enable: true, promiscuous: port == 0, mac: [2, 0, 0, 0, 0, port] }).unwrap();
    }
    card.set_lookup(true);
    for (index, hop) in scenario.next_hops.iter().enumerate() {
        card.set_next_hop(index as u16, *hop).unwrap();
    }
    for (index, flow) in scenario.flows.iter().enumerate() {
        card.install(EntryRef::of(Family::V4, index as u32), *flow).unwrap();
    }
    card
}

#[test]
fn every_reason_that_a_frame_can_have_is_reached_and_every_kind_drawn() {
    let mut rng = rng(seed());
    let scenario = Scenario::draw(&mut rng, GEOMETRY, 1000);
    let mut card = card_for(&scenario);
    let mut frames = Frames::new(rng, &scenario, Mix::everything(), Sizes::Mixed);
    let mut reasons: BTreeMap<Kind, BTreeMap<Reason, u32>> = BTreeMap::new();
    for _ in 0..60_000 {
        let frame = frames.draw();
        let reason = card.process(frame.port, &frame.bytes).unwrap().reason();
        *reasons.entry(frame.kind).or_default().entry(reason).or_default() += 1;
    }
    let not_of_frames =
        [Reason::PortDisabled, Reason::RxError, Reason::LookupDisabled, Reason::HostFull, Reason::TxFull].map(|r| r as usize);
    for reason in Reason::ALL.iter().filter(|reason| !not_of_frames.contains(&(**reason as usize))) {
        assert!(card.reasons()[*reason as usize] >= 20, "{reason}: {reasons:#?}");
    }
    let had = |kind: Kind, reason: Reason| reasons[&kind].get(&reason).copied().unwrap_or(0);
    for (kind, reason) in [
        (Kind::Hit, Reason::Forwarded),
        (Kind::HitWithTrailer, Reason::Forwarded),
        (Kind::HitWithWrongChecksum, Reason::Forwarded),
        (Kind::UdpWithoutChecksum, Reason::Forwarded),
        (Kind::UdpBecomingZero, Reason::Forwarded),
        (Kind::ShortDatagram, Reason::Forwarded),
        (Kind::MtuBorder, Reason::Forwarded),
        (Kind::MtuBorder, Reason::Mtu),
        (Kind::TtlBorder, Reason::Forwarded),
        (Kind::TtlBorder, Reason::Ttl),
        (Kind::TcpFlags, Reason::TcpFlags),
        (Kind::Fragment, Reason::Fragment),
        (Kind::Options, Reason::IpOptions),
        (Kind::WrongIpChecksum, Reason::IpChecksum),
        (Kind::Malformed, Reason::Malformed),
        (Kind::OtherProtocol, Reason::Icmp),
        (Kind::OtherProtocol, Reason::OtherProtocol),
        (Kind::OtherEtherType, Reason::Arp),
        (Kind::OtherEtherType, Reason::NotIp),
        (Kind::Group, Reason::Broadcast),
        (Kind::Group, Reason::Multicast),
        (Kind::Stranger, Reason::WrongMac),
        (Kind::Stranger, Reason::Forwarded),
        (Kind::Giant, Reason::Oversize),
        (Kind::Giant, Reason::Mtu),
        (Kind::Noise, Reason::Malformed),
    ] {
        // Giants are rare.
        assert!(had(kind, reason) >= if kind == Kind::Giant { 3 } else { 10 }, "{kind:?} as {reason}: {reasons:#?}");
    }
    for kind in [Kind::NearMiss, Kind::Miss] {
        assert_eq!(had(kind, Reason::Forwarded), 0, "{kind:?}");
        assert!(had(kind, Reason::Miss) > 500, "{kind:?}");
    }
    assert_eq!(reasons[&Kind::Runt].keys().collect::<Vec<_>>(), [&Reason::Runt]);
}

#[test]
fn a_checksum_that_becomes_zero_leaves_as_all_ones() {
    let mut rng = rng(seed());
    let scenario = Scenario::draw(&mut rng, GEOMETRY, 200);
    let mut card = card_for(&scenario);
    let mut frames = Frames::new(rng, &scenario, Mix::new(&[(Kind::UdpBecomingZero, 1)]), Sizes::Small);
    let mut ones = 0;
    for _ in 0..1000 {
        let came = frames.draw();
        if let Outcome::Forwarded { frame, .. } = card.process(came.port, &came.bytes).unwrap() {
            // Not where nothing is translated, or the datagrams came without one.
            assert_eq!(frame[40..42] == [0xff, 0xff], came.bytes[40..42] != [0, 0]);
            ones += u32::from(frame[40..42] == [0xff, 0xff]);
        }
    }
    assert!(ones > 500, "{ones}");
}

#[test]
fn the_same_seed_gives_the_same_frames_and_no_two_are_equal() {
    let seed = seed();
    let run = || {
        let mut rng = rng(seed);
        let scenario = Scenario::draw(&mut rng, GEOMETRY, 50);
        let mut frames = Frames::new(rng, &scenario, Mix::everything(), Sizes::Mixed);
        (0..5000).map(|_| frames.draw()).collect::<Vec<_>>()
    };
    let frames = run();
    assert_eq!(frames, run());
    let long: Vec<_> = frames.iter().filter(|frame| frame.bytes.len() >= 12).map(|frame| &frame.bytes[..]).collect();
    assert_eq!(long.iter().collect::<HashSet<_>>().len(), long.len());
}

#[test]
fn a_fixed_size_is_kept() {
    let mut rng = rng(seed());
    let scenario = Scenario::draw(&mut rng, GEOMETRY, 50);
    let mut frames = Frames::new(rng, &scenario, Mix::hits(), Sizes::Fixed(200));
    assert!((0..1000).all(|_| frames.draw().bytes.len() == 200));
}
