//! One flow's frames, back to back.

use fpgaflow_abi::key::FlowKey;
use fpgaflow_abi::wire::ETH_HEADER_BYTES;
use fpgaflow_traffic::Packet;

use crate::Rig;

/// Frames that wait at a port: more than are taken between two looks of the rig.
const QUEUE: usize = 16;
/// IPv4 and UDP header.
const HEADER_BYTES: usize = 28;

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
