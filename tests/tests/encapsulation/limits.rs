//! Lengths at which a packet is too long for its next hop, however its frame grows or shrinks.

use fpgaflow_abi::entry::Entry;
use fpgaflow_abi::key::{Encap, Family};
use fpgaflow_abi::next_hop::NextHop;
use fpgaflow_abi::reason::Reason;
use fpgaflow_tests::{Width, at_both_widths, forwarded};
use fpgaflow_traffic::{Packet, Shape, largest_mtu, rng, seed};

use crate::lab::{Lab, Outcome};

const FAMILIES: [Family; 2] = [Family::V4, Family::V6];

/// A packet of `bytes` in all.
fn packet(flow: &Entry, bytes: u16) -> Packet {
    let headers = Packet::new(flow.key, Vec::new()).header_bytes();
    Packet::new(flow.key, vec![0x33; usize::from(bytes) - headers])
}

/// The longest packet that the next hop takes leaves, one byte more is punted.
fn check_border(lab: &mut Lab, (flow, hop): (Entry, NextHop)) {
    let fits = packet(&flow, hop.mtu);
    assert_eq!(lab.send(&fits.to_frame()), Outcome::Left(forwarded(&fits, &flow.action, &hop)), "{flow:?} {hop:?}");
    let beyond = packet(&flow, hop.mtu + 1);
    assert_eq!(lab.send(&beyond.to_frame()), Outcome::Punted(Reason::Mtu), "{flow:?} {hop:?}");
}

/// Every shape on one side of a flow and nothing on the other, with the MTU that `mtu` gives for what it leaves in.
fn check_shapes(width: Width, sides: impl Fn(Encap) -> [Encap; 2], mtu: impl Fn(&Encap) -> u16) {
    let mut rng = rng(seed());
    let mut lab = Lab::new(width, false);
    for family in FAMILIES {
        for (number, shape) in (0..).zip(Shape::ALL) {
            let [comes_in, leaves_in] = sides(shape.draw(&mut rng));
            let flow = lab.flow(family, number, comes_in, leaves_in, mtu(&leaves_in));
            check_border(&mut lab, flow);
        }
    }
    lab.finish();
}

at_both_widths! {
    fn the_mtu_is_the_packets_whatever_its_frame_grows_by(width) {
        check_shapes(width, |encap| [Encap::NONE, encap], |_| 1500);
    }

    fn the_mtu_is_the_packets_whatever_its_frame_shrinks_by(width) {
        check_shapes(width, |encap| [encap, Encap::NONE], |_| 1500);
    }

    fn the_mtu_of_a_pppoe_session_is_eight_bytes_less_than_the_wires(width) {
        // RFC 2516 7: so its frames are as long as those of 1500 bytes beside it.
        check_shapes(width, |encap| [Encap::NONE, Encap { pppoe: Some(9), ..encap }], |_| 1492);
    }

    fn a_frame_may_grow_to_the_longest_and_no_further(width) {
        let geometry = width.geometry();
        check_shapes(width, |encap| [Encap::NONE, encap], |encap| match *encap {
            // A packet that is longer does not come in: the frame is the longest already.
            Encap::NONE => 1500,
            _ => largest_mtu(&geometry, encap),
        });
    }

    fn padding_does_not_count_as_packet(width) {
        let mut lab = Lab::new(width, false);
        for family in FAMILIES {
            let bytes = Packet::new(fpgaflow_tests::datagram_flow_of(family, 0, 0, 0).key, Vec::new()).header_bytes() as u16;
            let (flow, hop) = lab.flow(family, 0, Encap::NONE, Encap::NONE, bytes);
            let packet = packet(&flow, bytes);
            let mut frame = packet.to_frame();
            frame.resize(1514, 0xee);
            assert_eq!(lab.send(&frame), Outcome::Left(forwarded(&packet, &flow.action, &hop)));
        }
        lab.finish();
    }
}
