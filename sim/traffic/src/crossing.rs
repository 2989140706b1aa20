//! Flows that cross a card from one port to another, and what their packets become: for tests and benches that need no variety.

use fpgaflow_abi::entry::{Action, Entry};
use fpgaflow_abi::key::{Addresses, Encap, Family, FlowKey};
use fpgaflow_abi::next_hop::NextHop;
use fpgaflow_abi::wire::{MIN_FRAME_BYTES, PROTO_UDP};

use crate::{Packet, fragments_of};

/// [`datagram_flow_of`] IPv4.
pub fn datagram_flow(port: u8, number: u8, next_hop: u16) -> Entry {
    datagram_flow_of(Family::V4, port, number, next_hop)
}

/// A datagram flow number `number` from `port`, its source translated, to leave by `next_hop`.
pub fn datagram_flow_of(family: Family, port: u8, number: u8, next_hop: u16) -> Entry {
    let [addresses, translated] = match family {
        Family::V4 => {
            let dst = [198, 51, 100, 1].into();
            [[192, 0, 2, number], [203, 0, 113, 5]].map(|src| Addresses::V4 { src: src.into(), dst })
        }
        Family::V6 => {
            let dst = [0x2001, 0xdb8, 1, 0, 0, 0, 0, 1].into();
            [[0x2001, 0xdb8, 0, 0, 0, 0, 0, number.into()], [0x2001, 0xdb8, 0xffff, 0, 0, 0, 0, 5]]
                .map(|src: [u16; 8]| Addresses::V6 { src: src.into(), dst })
        }
    };
    let key = FlowKey { ingress: port, encap: Encap::NONE, protocol: PROTO_UDP, addresses, sport: 1000, dport: 2000 };
    Entry { key, action: Action { addresses: translated, sport: 61_000 + u16::from(number), dport: 2000, next_hop }, valid: true }
}

/// A next hop by port `egress`.
pub fn hop(egress: u8) -> NextHop {
    let mac = |last| [2, 1, 0, 0, last, egress];
    NextHop { egress, mtu: 1500, src_mac: mac(1), dst_mac: mac(2), encap: Encap::NONE, valid: true }
}

/// The frame that `packet` has to leave as: put together anew with what `action` and `hop` say, checksums computed from scratch.
pub fn forwarded(packet: &Packet, action: &Action, hop: &NextHop) -> Vec<u8> {
    padded(leaving(packet, action, hop).to_frame())
}

/// The frames that the fragments of `packet` have to leave as: the packet as it has to leave, cut likewise.
pub fn forwarded_fragments(packet: &Packet, id: u32, ends: &[usize], action: &Action, hop: &NextHop) -> Vec<Vec<u8>> {
    fragments_of(&leaving(packet, action, hop), id, ends).into_iter().map(padded).collect()
}

fn leaving(packet: &Packet, action: &Action, hop: &NextHop) -> Packet {
    let Action { addresses, sport, dport, next_hop: _ } = *action;
    Packet {
        dst_mac: hop.dst_mac,
        src_mac: hop.src_mac,
        key: FlowKey { addresses, sport, dport, encap: hop.encap, ..packet.key },
        priority: 0,
        ttl: packet.ttl - 1,
        ..packet.clone()
    }
}

fn padded(mut frame: Vec<u8>) -> Vec<u8> {
    frame.resize(frame.len().max(MIN_FRAME_BYTES), 0);
    frame
}
