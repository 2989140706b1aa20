//! How many clocks a packet spends in an engine that has nothing else to do.
//!
//! # The figure
//! From the clock in which the port takes the beat with the last byte of the packet's TCP or UDP header to the clock in which the
//! first beat of the frame is on the wire of the egress port, both on the engine's AXI-Stream ports. The engine stores and
//! forwards: whether a frame is good is known with its last beat, so nothing of it may leave before. Of a frame as short as
//! Ethernet allows the header ends in one of the last beats, and the figure is that of the engine; a longer one adds the beats it
//! has behind its header, and no more: from its own last beat every frame takes as long.

use std::ops::RangeInclusive;

use fpgaflow_abi::entry::Entry;
use fpgaflow_abi::key::{Family, FlowKey};
use fpgaflow_abi::next_hop::NextHop;
use fpgaflow_abi::wire::{ETH_HEADER_BYTES, MIN_FRAME_BYTES, PROTO_TCP, PROTO_UDP};
use fpgaflow_tests::{Rig, Setup, Width, at_both_widths, datagram_flow_of, hop, secret};
use fpgaflow_traffic::{Packet, Shape, rng, seed};

/// What the design allows, in clocks.
const MOST: u64 = 32;
/// Families and protocols whose packets are timed.
const KINDS: [(Family, u8, &str); 4] = [
    (Family::V4, PROTO_TCP, "TCP over IPv4"),
    (Family::V4, PROTO_UDP, "UDP over IPv4"),
    (Family::V6, PROTO_TCP, "TCP over IPv6"),
    (Family::V6, PROTO_UDP, "UDP over IPv6"),
];
/// Clocks beyond the beats of a frame in which it has left.
const CLOCKS: u64 = 100;
/// Ports of the flows.
const INGRESS: u8 = 0;
const EGRESS: u8 = 1;

/// Clocks from the last beat of the header, and from the last beat of the frame, to the first beat out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Latency {
    from_header: u64,
    from_end: u64,
}

/// Times `frames` frames of `bytes`, or of as many as their headers have, each at another distance from the one before.
fn latencies(rig: &mut Rig, key: FlowKey, bytes: usize, frames: u64) -> Vec<Latency> {
    let headers = ETH_HEADER_BYTES + key.encap.bytes() + Packet::new(key, vec![]).header_bytes();
    let frame = Packet::new(key, vec![0x5a; bytes.saturating_sub(headers)]).to_frame();
    let beat = usize::from(rig.geometry().width_bits) / 8;
    let beats = frame.len().div_ceil(beat);
    let beats_behind = (beats - headers.div_ceil(beat)) as u64;
    rig.transport.card().mark_received(INGRESS.into(), headers - 1);
    let each = (0..frames).map(|gap| {
        rig.inject(INGRESS, frame.clone(), false);
        let mut card = rig.transport.card();
        card.run(2 * beats as u64 + CLOCKS + gap);
        let header = card.next_mark(INGRESS.into()).expect("the port takes the frame");
        let sent = card.sent(EGRESS.into()).expect("the frame is forwarded");
        let clock = card.clocks();
        drop(card);
        rig.board.observe_tx(EGRESS, &sent.bytes, clock).expect("the frame is the one that is due");
        let from_header = sent.first_clock - header;
        Latency { from_header, from_end: from_header - beats_behind }
    });
    each.collect()
}

fn span(values: impl Iterator<Item = u64> + Clone) -> RangeInclusive<u64> {
    values.clone().min().expect("frames were timed")..=values.max().expect("frames were timed")
}

/// Times every kind of packet in `shapes`, to leave in each of `shapes`, in frames of each length: `of_kind` gets the kind's name and those
/// of a length. Returns all.
fn time_all(
    width: Width,
    shapes: &[Shape],
    lengths: &[usize],
    frames: u64,
    of_kind: impl Fn(&str, usize, &[Latency]),
) -> Vec<Latency> {
    let seed = seed();
    let mut rng = rng(seed);
    let mut rig = Rig::new(Setup { width, ..Setup::new(seed) }, secret(&mut rng));
    let hops: Vec<_> =
        shapes.iter().map(|shape| rig.add_next_hop(NextHop { encap: shape.draw(&mut rng), ..hop(EGRESS) })).collect();
    let mut all = Vec::new();
    for (family, protocol, name) in KINDS {
        let mut flows = Vec::new();
        for shape in shapes {
            for (number, hop) in (0..).zip(&hops) {
                let flow = datagram_flow_of(family, INGRESS, number, *hop);
                flows.push(Entry { key: FlowKey { protocol, encap: shape.draw(&mut rng), ..flow.key }, ..flow });
            }
        }
        for flow in &flows {
            rig.install([*flow]).expect("an almost empty table takes a flow");
        }
        rig.await_commands();
        for bytes in lengths {
            let timed: Vec<_> = flows.iter().flat_map(|flow| latencies(&mut rig, flow.key, *bytes, frames)).collect();
            of_kind(name, *bytes, &timed);
            all.extend(timed);
        }
    }
    all
}

fn print(width: Width, what: &str, timed: &[Latency]) {
    let from_header = span(timed.iter().map(|latency| latency.from_header));
    let from_end = span(timed.iter().map(|latency| latency.from_end));
    println!(
        "{} bits, {what}: {from_header:?} clocks from its header's last beat, {from_end:?} from its own last beat",
        width.geometry().width_bits
    );
}

fn assert_constant(timed: &[Latency]) {
    let from_end = span(timed.iter().map(|latency| latency.from_end));
    assert_eq!(from_end.start(), from_end.end(), "what a frame is matters behind its end");
}

at_both_widths! {
    fn a_packet_is_on_its_way_out_within_32_clocks_whatever_it_comes_and_leaves_in(width) {
        let all = time_all(width, &Shape::ALL, &[MIN_FRAME_BYTES], 3, |name, _, timed| {
            assert_eq!(timed.len(), 3 * Shape::ALL.len() * Shape::ALL.len());
            print(width, &format!("{name}, shortest frames"), timed);
        });
        for latency in &all {
            assert!(latency.from_header <= MOST, "{latency:?}");
        }
        assert_constant(&all);
    }

    fn a_packet_of_any_length_stays_no_longer_behind_its_end(width) {
        let all = time_all(width, &[Shape::NONE], &[60, 64, 65, 128, 512, 1514], 64, |name, bytes, timed| {
            print(width, &format!("{name}, {bytes} bytes"), timed);
            assert!(bytes > 64 || timed.iter().all(|latency| latency.from_header <= MOST), "{name}, {bytes} bytes: {timed:?}");
        });
        assert_constant(&all);
    }
}
