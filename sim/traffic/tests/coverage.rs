//! The traffic does what it is for: it reaches every outcome, and the same seed gives the same bytes.

use std::collections::{BTreeMap, HashMap, HashSet};

use fpgaflow_abi::geometry::Geometry;
use fpgaflow_abi::hash::HASH_BITS;
use fpgaflow_abi::key::Family;
use fpgaflow_abi::reason::Reason;
use fpgaflow_abi::wire::{PROTO_GRE, PROTO_TCP, PROTO_UDP};
use fpgaflow_golden::{Card, Outcome, PortConfig};
use fpgaflow_traffic::{Frame, Frames, Kind, Mix, Scenario, Shape, Sizes, Variety, rng, seed};

const GEOMETRY: Geometry = Geometry {
    width_bits: 64,
    ports: 2,
    hash_bits: HASH_BITS as u8,
    bucket_bits: 9,
    stash: 8,
    entries_v4: 4096,
    entries_v6: 2048,
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
    for (at, flow) in scenario.numbered() {
        card.install(at, *flow).unwrap();
    }
    card
}

/// How often frames of each kind had each reason.
type Reasons = BTreeMap<Kind, BTreeMap<Reason, u32>>;

fn had(reasons: &Reasons, kind: Kind, reason: Reason) -> u32 {
    reasons.get(&kind).and_then(|reasons| reasons.get(&reason)).copied().unwrap_or(0)
}

/// Reasons that are no frame's own.
const NOT_OF_FRAMES: [Reason; 6] =
    [Reason::PortDisabled, Reason::RxError, Reason::LookupDisabled, Reason::Parity, Reason::HostFull, Reason::TxFull];

/// What frames of these kinds become for a card of TCP and UDP over IPv4 alone, too.
const PLAIN: [(Kind, Reason); 26] = [
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
    (Kind::ThirdTag, Reason::NotIp),
    (Kind::Group, Reason::Broadcast),
    (Kind::Group, Reason::Multicast),
    (Kind::Stranger, Reason::WrongMac),
    (Kind::Stranger, Reason::Forwarded),
    (Kind::Giant, Reason::Oversize),
    (Kind::Noise, Reason::Malformed),
];

/// What comes with both families, GRE and encapsulations.
const VARIED: [(Kind, Reason); 10] = [
    (Kind::Extension, Reason::IpExtension),
    (Kind::GreVersion, Reason::OtherProtocol),
    (Kind::OtherEtherType, Reason::Malformed),
    (Kind::CutEncap, Reason::NotIp),
    (Kind::OtherPppoe, Reason::NotIp),
    (Kind::OtherPppoe, Reason::Malformed),
    (Kind::OtherPppoe, Reason::Forwarded),
    (Kind::PppoeLength, Reason::Malformed),
    (Kind::PppoeLength, Reason::Forwarded),
    (Kind::NearMiss, Reason::Miss),
];

fn check_reasons(reasons: &Reasons, card: &Card, expected: &[(Kind, Reason)]) {
    for (kind, reason) in expected {
        // Giants are rare.
        let least = if *kind == Kind::Giant { 3 } else { 10 };
        assert!(had(reasons, *kind, *reason) >= least, "{kind:?} as {reason}: {reasons:#?}");
    }
    for kind in [Kind::NearMiss, Kind::Miss] {
        assert_eq!(had(reasons, kind, Reason::Forwarded), 0, "{kind:?}");
        assert!(had(reasons, kind, Reason::Miss) > 500, "{kind:?}");
    }
    assert_eq!(reasons[&Kind::Runt].keys().collect::<Vec<_>>(), [&Reason::Runt]);
    let of_frames = Reason::ALL.iter().filter(|reason| !NOT_OF_FRAMES.contains(reason));
    let reached: HashSet<_> = expected.iter().map(|(_, reason)| *reason).collect();
    for reason in of_frames.filter(|reason| reached.contains(reason)) {
        assert!(card.reasons()[*reason as usize] >= 20, "{reason}: {reasons:#?}");
    }
}

#[test]
fn every_reason_kind_and_pair_of_encapsulations_is_reached() {
    let mut rng = rng(seed());
    let scenario = Scenario::draw(&mut rng, GEOMETRY, 4000, &Variety::everything());
    let mut card = card_for(&scenario);
    let mut frames = Frames::new(rng, &scenario, Mix::everything(), Sizes::Mixed);
    let mut reasons = Reasons::new();
    let mut pairs: HashMap<(Shape, Shape), u32> = HashMap::new();
    let mut kinds: HashMap<(Family, u8), u32> = HashMap::new();
    let mut shortest = usize::MAX;
    let mut longest = 0;
    for _ in 0..100_000 {
        let frame = frames.draw();
        let outcome = card.process(frame.port, &frame.bytes).unwrap();
        *reasons.entry(frame.kind).or_default().entry(outcome.reason()).or_default() += 1;
        if let Outcome::Forwarded { frame: left, entry, .. } = outcome {
            let flow = card.entry(entry).unwrap();
            let leaves_in = scenario.next_hop_of(flow).encap;
            *pairs.entry((Shape::of(&flow.key.encap), Shape::of(&leaves_in))).or_default() += 1;
            *kinds.entry((flow.key.family(), flow.key.protocol)).or_default() += 1;
            shortest = shortest.min(left.len());
            longest = longest.max(left.len());
        }
    }
    assert!(reasons.keys().copied().eq(Kind::ALL), "{:?}", reasons.keys());
    let expected = [&PLAIN[..], &VARIED].concat();
    check_reasons(&reasons, &card, &expected);
    for reason in Reason::ALL.iter().filter(|reason| !NOT_OF_FRAMES.contains(reason)) {
        assert!(card.reasons()[*reason as usize] >= 20, "{reason}: {reasons:#?}");
    }
    for comes_in in Shape::ALL {
        for leaves_in in Shape::ALL {
            let times = pairs.get(&(comes_in, leaves_in)).copied().unwrap_or(0);
            assert!(times >= 5, "{times} packets came in {comes_in:?} and left in {leaves_in:?}");
        }
    }
    for family in [Family::V4, Family::V6] {
        for protocol in [PROTO_TCP, PROTO_UDP, PROTO_GRE] {
            assert!(kinds[&(family, protocol)] > 1000, "protocol {protocol} of {family:?}: {kinds:?}");
        }
    }
    assert_eq!(shortest, 60);
    assert!(longest >= 9000, "{longest}");
}

#[test]
fn reasons_are_reached_behind_tags_and_pppoe_too() {
    let mut rng = rng(seed());
    let shapes: Vec<_> = Shape::ALL.into_iter().filter(|shape| *shape != Shape::NONE).map(|shape| (shape, 1)).collect();
    let protocols = [(PROTO_TCP, 2), (PROTO_UDP, 2), (PROTO_GRE, 1)];
    let variety = Variety::new(&[(Family::V4, 1), (Family::V6, 1)], &protocols, &shapes, &shapes);
    // Enough that some flows of every encapsulation go to either odd next hop.
    let scenario = Scenario::draw(&mut rng, GEOMETRY, 5000, &variety);
    let mut card = card_for(&scenario);
    let mut frames = Frames::new(rng, &scenario, Mix::everything(), Sizes::Small);
    let mut seen: HashMap<(Shape, Reason), u32> = HashMap::new();
    for _ in 0..150_000 {
        let frame = frames.draw();
        let reason = card.process(frame.port, &frame.bytes).unwrap().reason();
        *seen.entry((frame.shape, reason)).or_default() += 1;
    }
    for (shape, _) in shapes {
        for reason in Reason::ALL.iter().filter(|reason| !NOT_OF_FRAMES.contains(reason)) {
            // Small frames pass every MTU but the smallest, and giants are rare.
            let rare = [Reason::Mtu, Reason::Oversize].contains(reason);
            let times = seen.get(&(shape, *reason)).copied().unwrap_or(0);
            assert!(rare || times >= 5, "{reason} {times} times in {shape:?}");
        }
    }
}

#[test]
fn a_plain_variety_has_no_ipv6_no_gre_and_no_tags_and_reaches_the_rest() {
    let mut rng = rng(seed());
    let scenario = Scenario::draw(&mut rng, GEOMETRY, 1000, &Variety::plain());
    assert!(scenario.flows.iter().all(|flow| flow.key.family() == Family::V4 && flow.key.protocol != PROTO_GRE));
    let mut card = card_for(&scenario);
    let mut frames = Frames::new(rng, &scenario, Mix::everything(), Sizes::Mixed);
    let mut reasons = Reasons::new();
    for _ in 0..60_000 {
        let frame = frames.draw();
        assert_eq!(frame.shape, Shape::NONE);
        let reason = card.process(frame.port, &frame.bytes).unwrap().reason();
        *reasons.entry(frame.kind).or_default().entry(reason).or_default() += 1;
    }
    check_reasons(&reasons, &card, &PLAIN);
    for kind in [Kind::Extension, Kind::GreVersion, Kind::CutEncap, Kind::OtherPppoe, Kind::PppoeLength] {
        assert!(!reasons.contains_key(&kind), "{kind:?}");
    }
    assert_eq!(card.reasons()[Reason::IpExtension as usize], 0);
}

#[test]
fn a_card_without_ipv6_entries_gets_no_ipv6_flows_but_ipv6_packets_that_miss() {
    let mut rng = rng(seed());
    let geometry = Geometry { entries_v6: 0, ..GEOMETRY };
    let scenario = Scenario::draw(&mut rng, geometry, 500, &Variety::everything());
    assert!(scenario.flows.iter().all(|flow| flow.key.family() == Family::V4));
    let mut card = card_for(&scenario);
    let mut frames = Frames::new(rng, &scenario, Mix::new(&[(Kind::Miss, 1), (Kind::Extension, 1)]), Sizes::Small);
    for _ in 0..1000 {
        let frame = frames.draw();
        card.process(frame.port, &frame.bytes).unwrap();
    }
    assert!(card.reasons()[Reason::Miss as usize] > 300 && card.reasons()[Reason::IpExtension as usize] > 300);
}

#[test]
fn shares_of_families_and_protocols_are_those_asked_for() {
    let mut rng = rng(seed());
    let variety = Variety::new(
        &[(Family::V4, 1), (Family::V6, 9)],
        &[(PROTO_TCP, 0), (PROTO_UDP, 1), (PROTO_GRE, 1)],
        &[(Shape::NONE, 1), (Shape::ALL[9], 3)],
        &[(Shape::NONE, 1)],
    );
    let geometry = Geometry { entries_v4: 1024, entries_v6: 3072, ..GEOMETRY };
    let scenario = Scenario::draw(&mut rng, geometry, 4000, &variety);
    let share = |of: &dyn Fn(&&fpgaflow_abi::entry::Entry) -> bool| scenario.flows.iter().filter(of).count();
    // Of the flows, what the card has entries for; six standard deviations either way.
    assert!((2840..3160).contains(&share(&|flow| flow.key.family() == Family::V6)));
    assert!((2840..3160).contains(&share(&|flow| Shape::of(&flow.key.encap) == Shape::ALL[9])));
    assert!((1810..2190).contains(&share(&|flow| flow.key.protocol == PROTO_GRE)));
    assert_eq!(share(&|flow| flow.key.protocol == PROTO_TCP), 0);
    assert!(scenario.next_hops.iter().all(|hop| Shape::of(&hop.encap) == Shape::NONE));
    // Of other packets, the variety's.
    let mut frames = Frames::new(rng, &scenario, Mix::new(&[(Kind::Miss, 1)]), Sizes::Small);
    let is_six = |frame: Frame| frame.bytes[if frame.shape == Shape::NONE { 14 } else { 30 }] >> 4 == 6;
    let six = (0..4000).filter(|_| is_six(frames.draw())).count();
    assert!((3480..3720).contains(&six), "{six}");
}

#[test]
fn no_frame_leaves_a_card_longer_than_it_takes_one_in() {
    let mut rng = rng(seed());
    let scenario = Scenario::draw(&mut rng, GEOMETRY, 300, &Variety::everything());
    let mut card = card_for(&scenario);
    let mut frames = Frames::new(rng, &scenario, Mix::hits(), Sizes::Fixed(9018));
    let mut longest = 0;
    for _ in 0..3000 {
        let came = frames.draw();
        if let Outcome::Forwarded { frame, .. } = card.process(came.port, &came.bytes).unwrap() {
            longest = longest.max(frame.len());
        }
    }
    assert!((9001..=9018).contains(&longest), "{longest}");
}

#[test]
fn a_checksum_that_becomes_zero_leaves_as_all_ones() {
    let mut rng = rng(seed());
    let scenario = Scenario::draw(&mut rng, GEOMETRY, 400, &Variety::everything());
    let mut card = card_for(&scenario);
    let mut frames = Frames::new(rng, &scenario, Mix::new(&[(Kind::UdpBecomingZero, 1)]), Sizes::Small);
    let mut ones = BTreeMap::new();
    for _ in 0..2000 {
        let came = frames.draw();
        if let Outcome::Forwarded { frame, entry, .. } = card.process(came.port, &came.bytes).unwrap() {
            let flow = card.entry(entry).unwrap();
            let family = flow.key.family();
            let checksum_at = |encap: fpgaflow_abi::key::Encap| 14 + encap.bytes() + if family == Family::V4 { 26 } else { 46 };
            let (before, after) = (checksum_at(flow.key.encap), checksum_at(scenario.next_hop_of(flow).encap));
            // Not where nothing is translated, or the datagrams came without one.
            let became_ones = frame[after..after + 2] == [0xff, 0xff];
            assert_eq!(became_ones, came.bytes[before..before + 2] != [0, 0]);
            *ones.entry(family).or_insert(0) += u32::from(became_ones);
        }
    }
    assert!(ones.len() == 2 && ones.values().all(|times| *times > 200), "{ones:?}");
}

#[test]
fn the_same_seed_gives_the_same_frames_and_no_two_are_equal() {
    let seed = seed();
    let run = || {
        let mut rng = rng(seed);
        let scenario = Scenario::draw(&mut rng, GEOMETRY, 50, &Variety::everything());
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
    let scenario = Scenario::draw(&mut rng, GEOMETRY, 50, &Variety::everything());
    let mut frames = Frames::new(rng, &scenario, Mix::hits(), Sizes::Fixed(200));
    assert!((0..1000).all(|_| frames.draw().bytes.len() == 200));
}
