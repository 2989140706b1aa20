//! Every encapsulation in, every one out, at every length around a beat's border.

use fpgaflow_abi::entry::Entry;
use fpgaflow_abi::key::Family;
use fpgaflow_abi::next_hop::NextHop;
use fpgaflow_abi::wire::MIN_FRAME_BYTES;
use fpgaflow_tests::{Rig, Setup, Width, at_both_widths, datagram_flow_of, forwarded, hop, secret};
use fpgaflow_traffic::{Packet, Shape, rng, seed};
use rand::{Rng as _, RngExt};

use crate::lab::{EGRESS, INGRESS};

/// Payloads: as many lengths as a wide beat has bytes, and one more.
const LENGTHS: std::ops::RangeInclusive<usize> = 0..=64;
/// Clocks between two looks.
const STEP_CLOCKS: u64 = 64;

/// Frames of every shape and length, back to back, each with padding that is none of its packet's business.
fn every_shape_and_length(width: Width, family: Family) {
    let seed = seed();
    let mut rng = rng(seed);
    let mut rig = Rig::new(Setup { width, ..Setup::new(seed) }, secret(&mut rng));
    rig.keep();
    let hops = Shape::ALL.map(|shape| NextHop { encap: shape.draw(&mut rng), ..hop(EGRESS) });
    let indices = hops.map(|hop| rig.add_next_hop(hop));
    let mut flows: Vec<(Entry, NextHop)> = Vec::new();
    for shape in Shape::ALL {
        for (hop, index) in hops.iter().zip(indices) {
            let mut flow = datagram_flow_of(family, INGRESS, flows.len() as u8, index);
            flow.key.encap = shape.draw(&mut rng);
            rig.install([flow]).expect("an almost empty table takes a flow");
            flows.push((flow, *hop));
        }
    }
    rig.await_commands();

    let queue = 2 * rig.frames_per_slice();
    let mut due = Vec::new();
    for bytes in LENGTHS {
        for (flow, hop) in &flows {
            let mut payload = vec![0; bytes];
            rng.fill_bytes(&mut payload);
            let packet = Packet { identification: due.len() as u16, ..Packet::new(flow.key, payload) };
            let mut frame = packet.to_frame();
            let trailer = if rng.random() { 0 } else { rng.random_range(1..8) };
            frame.resize(MIN_FRAME_BYTES.max(frame.len() + trailer), 0xee);
            due.push(forwarded(&packet, &flow.action, hop));
            rig.inject(INGRESS, frame, false);
            while rig.transport.card().receive_waiting(INGRESS.into()) > queue {
                rig.run(STEP_CLOCKS);
            }
        }
    }
    rig.rest();
    let kept = rig.kept.take().expect("it was kept");
    assert_eq!(kept.punts, [], "every flow is installed");
    assert_eq!(kept.sent[usize::from(EGRESS)].len(), due.len());
    for (frame, due) in kept.sent[usize::from(EGRESS)].iter().zip(&due) {
        assert_eq!(frame, due);
    }
    rig.finish();
}

at_both_widths! {
    fn ipv4_of_every_length_goes_from_every_encapsulation_to_every_other(width) {
        every_shape_and_length(width, Family::V4);
    }

    fn ipv6_of_every_length_goes_from_every_encapsulation_to_every_other(width) {
        every_shape_and_length(width, Family::V6);
    }
}
