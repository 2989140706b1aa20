//! One flow's frames, back to back.

use fpgaflow_abi::entry::{Action, Entry};
use fpgaflow_abi::key::{Addresses, Encap, FlowKey};
use fpgaflow_abi::next_hop::NextHop;
use fpgaflow_abi::wire::{ETH_HEADER_BYTES, MIN_FRAME_BYTES, PROTO_UDP};
use fpgaflow_traffic::Packet;

use crate::Rig;

/// Frames that wait at a port: more than are taken between two looks of the rig.
const QUEUE: usize = 16;
/// IPv4 and UDP header.
const HEADER_BYTES: usize = 28;

/// A datagram flow number `number` from `port`, its source translated, to leave by `next_hop`.
pub fn datagram_flow(port: u8, number: u8, next_hop: u16) -> Entry {
    let dst = [198, 51, 100, 1].into();
    let key = FlowKey {
        ingress: port,
        encap: Encap::NONE,
        protocol: PROTO_UDP,
        addresses: Addresses::V4 { src: [192, 0, 2, number].into(), dst },
        sport: 1000,
        dport: 2000,
    };
    let addresses = Addresses::V4 { src: [203, 0, 113, 5].into(), dst };
    Entry { key, action: Action { addresses, sport: 61_000 + u16::from(number), dport: 2000, next_hop }, valid: true }
}

/// A next hop by port `egress`.
pub fn hop(egress: u8) -> NextHop {
    let mac = |last| [2, 1, 0, 0, last, egress];
    NextHop { egress, mtu: 1500, src_mac: mac(1), dst_mac: mac(2), encap: Encap::NONE, valid: true }
}

/// The frame that `packet` has to leave as: put together anew with what `action` and `hop` say, checksums computed from scratch.
pub fn forwarded(packet: &Packet, action: &Action, hop: &NextHop) -> Vec<u8> {
    let Action { addresses, sport, dport, next_hop: _ } = *action;
    let left = Packet {
        dst_mac: hop.dst_mac,
        src_mac: hop.src_mac,
        key: FlowKey { addresses, sport, dport, ..packet.key },
        ttl: packet.ttl - 1,
        ..packet.clone()
    };
    let mut frame = left.to_frame();
    frame.resize(frame.len().max(MIN_FRAME_BYTES), 0);
    frame
}

/// Endless frames of one flow, all of one length and each with its own identification.
#[derive(Debug, Clone)]
pub struct Stream {
    key: FlowKey,
    frame_bytes: usize,
    /// Frames so far.
    pub sent: u64,
}

impl Stream {
    /// Frames of `frame_bytes` for a datagram flow.
    pub fn new(key: FlowKey, frame_bytes: usize) -> Self {
        assert!(frame_bytes >= ETH_HEADER_BYTES + HEADER_BYTES, "a frame of {frame_bytes} bytes has no room for its headers");
        Self { key, frame_bytes, sent: 0 }
    }

    /// The next frame.
    pub fn next_frame(&mut self) -> Vec<u8> {
        self.next_packet().to_frame()
    }

    /// The packet of the next frame.
    pub fn next_packet(&mut self) -> Packet {
        self.sent += 1;
        let payload = vec![0x5a; self.frame_bytes - ETH_HEADER_BYTES - HEADER_BYTES];
        Packet { identification: self.sent as u16, ..Packet::new(self.key, payload) }
    }

    /// Fills the queue of the flow's port.
    pub fn feed(&mut self, rig: &mut Rig) {
        let port = self.key.ingress;
        let missing = QUEUE.saturating_sub(rig.transport.card().receive_waiting(port.into()));
        for _ in 0..missing {
            let frame = self.next_frame();
            rig.inject(port, frame, false);
        }
    }
}
