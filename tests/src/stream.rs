//! Few flows' frames, back to back.

use fpgaflow_abi::key::FlowKey;
use fpgaflow_abi::wire::ETH_HEADER_BYTES;
use fpgaflow_traffic::Packet;

use crate::Rig;

/// Slices of the rig for which a port has frames.
const SLICES_AHEAD: usize = 16;

/// Endless frames of one port's flows in turn, all of one length and each with its own identification.
#[derive(Debug, Clone)]
pub struct Stream {
    keys: Vec<FlowKey>,
    frame_bytes: usize,
    /// Frames so far.
    pub sent: u64,
}

impl Stream {
    /// Frames of `frame_bytes` for one flow.
    pub fn new(key: FlowKey, frame_bytes: usize) -> Self {
        Self::of(vec![key], frame_bytes)
    }

    /// Frames of `frame_bytes` for flows in turn, longer where their headers are.
    ///
    /// # Panics
    /// When there is no flow, or they do not come in by one port.
    pub fn of(keys: Vec<FlowKey>, frame_bytes: usize) -> Self {
        let port = keys.first().expect("a stream is of one flow at least").ingress;
        assert!(keys.iter().all(|key| key.ingress == port), "a stream comes in by one port");
        Self { keys, frame_bytes, sent: 0 }
    }

    /// The next frame.
    pub fn next_frame(&mut self) -> Vec<u8> {
        self.next_packet().to_frame()
    }

    /// The packet of the next frame.
    pub fn next_packet(&mut self) -> Packet {
        let key = self.keys[self.sent as usize % self.keys.len()];
        self.sent += 1;
        let mut packet = Packet { identification: self.sent as u16, ..Packet::new(key, Vec::new()) };
        let headers = ETH_HEADER_BYTES + key.encap.bytes() + packet.header_bytes();
        packet.payload = vec![0x5a; self.frame_bytes.saturating_sub(headers)];
        packet
    }

    /// Fills the queue of the flows' port: with more than is taken between two looks of the rig, or while all counters of a port are read, 260 clocks each.
    pub fn feed(&mut self, rig: &mut Rig) {
        let port = self.keys[0].ingress;
        let missing = (SLICES_AHEAD * rig.frames_per_slice()).saturating_sub(rig.transport.card().receive_waiting(port.into()));
        for _ in 0..missing {
            let frame = self.next_frame();
            rig.inject(port, frame, false);
        }
    }
}
