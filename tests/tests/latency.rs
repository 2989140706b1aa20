//! How many clocks a packet spends in an engine that has nothing else to do.
//!
//! # The figure
//! From the clock in which the port takes the beat with the last byte of the packet's TCP or UDP header to the clock in which the
//! first beat of the frame is on the wire of the egress port, both on the engine's AXI-Stream ports. The engine stores and
//! forwards: whether a frame is good is known with its last beat, so nothing of it may leave before. Of a frame as short as
//! Ethernet allows the header ends in one of the last beats, and the figure is that of the engine; a longer one adds the beats it
//! has behind its header, and no more: from its own last beat every frame takes as long.

use fpgaflow_abi::entry::Entry;
use fpgaflow_abi::key::FlowKey;
use fpgaflow_abi::wire::{ETH_HEADER_BYTES, MIN_FRAME_BYTES, PROTO_TCP, PROTO_UDP};
use fpgaflow_tests::{GEOMETRY, Rig, Setup, datagram_flow, hop, secret};
use fpgaflow_traffic::{Packet, rng, seed};

/// What the design allows, in clocks.
const MOST: u64 = 32;
/// Frames of each kind, at every distance from the one before.
const FRAMES: u64 = 64;
/// Clocks in which a frame has left.
const CLOCKS: u64 = 600;
/// Ports of the flow.
const INGRESS: u8 = 0;
const EGRESS: u8 = 1;

/// Clocks from the last beat of the header, and from the last beat of the frame, to the first beat out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Latency {
    from_header: u64,
    from_end: u64,
}

/// The longest of `FRAMES` frames of `bytes`.
fn latency(rig: &mut Rig, key: FlowKey, bytes: usize) -> Latency {
    let headers = ETH_HEADER_BYTES + Packet::new(key, vec![]).header_bytes();
    let frame = Packet::new(key, vec![0x5a; bytes - headers]).to_frame();
    let beat = usize::from(GEOMETRY.width_bits) / 8;
    let beats_behind = (bytes.div_ceil(beat) - headers.div_ceil(beat)) as u64;
    rig.transport.card().mark_received(INGRESS.into(), headers - 1);
    let each = (0..FRAMES).map(|gap| {
        rig.inject(INGRESS, frame.clone(), false);
        let mut card = rig.transport.card();
        card.run(CLOCKS + gap);
        let header = card.next_mark(INGRESS.into()).expect("the port takes the frame");
        let sent = card.sent(EGRESS.into()).expect("the frame is forwarded");
        let clock = card.clocks();
        drop(card);
        rig.board.observe_tx(EGRESS, &sent.bytes, clock).expect("the frame is the one that is due");
        let from_header = sent.first_clock - header;
        Latency { from_header, from_end: from_header - beats_behind }
    });
    each.max_by_key(|latency| latency.from_header).expect("frames were sent")
}

#[test]
fn a_packet_is_on_its_way_out_within_32_clocks() {
    let seed = seed();
    let mut rig = Rig::new(Setup::new(seed), secret(&mut rng(seed)));
    let next_hop = rig.add_next_hop(hop(EGRESS));
    let udp = datagram_flow(INGRESS, 0, next_hop);
    let tcp = Entry { key: FlowKey { protocol: PROTO_TCP, ..udp.key }, ..udp };
    assert_eq!(udp.key.protocol, PROTO_UDP);
    rig.install([udp, tcp]).expect("an empty table takes two flows");
    rig.await_commands();
    let mut from_ends = Vec::new();
    for (name, key) in [("TCP", tcp.key), ("UDP", udp.key)] {
        for bytes in [MIN_FRAME_BYTES, 64, 128, 512, 1514] {
            let Latency { from_header, from_end } = latency(&mut rig, key, bytes);
            println!(
                "{name}, {bytes} bytes: {from_header} clocks from its header's last beat, {from_end} from its own last beat"
            );
            from_ends.push(from_end);
            if bytes <= 64 {
                assert!(from_header <= MOST, "{name}, {bytes} bytes: {from_header} clocks from the header's last beat");
            }
        }
    }
    assert!(
        from_ends.iter().all(|clocks| *clocks == from_ends[0]),
        "{from_ends:?}: the length of a frame matters behind its end"
    );
}
