//! Keeps a rig's ports fed from a stream of frames.

use fpgaflow_traffic::{Frame, Frames};

use crate::Rig;

/// Times that a frame is held back before it goes in all the same: by then all that could leave has left, and what still waits was
/// dropped, which only a later frame shows.
const PATIENCE: u32 = 1024;

/// A stream of frames on its way into a rig.
#[derive(Debug)]
pub struct Feeder<'a> {
    frames: Frames<'a>,
    held: Option<Frame>,
    /// Of how many frames one is marked bad by the MAC; 0 for none.
    damage_every: u64,
    /// Whether to hold back what might overrun the store towards the host.
    calm: bool,
    held_back: u32,
    fed: u64,
}

impl<'a> Feeder<'a> {
    /// Feeds `frames`, holding them back when the host could lose one if `calm`.
    pub fn new(frames: Frames<'a>, damage_every: u64, calm: bool) -> Self {
        Self { frames, held: None, damage_every, calm, held_back: 0, fed: 0 }
    }

    /// Frames given so far.
    pub fn fed(&self) -> u64 {
        self.fed
    }

    /// Gives frames until a port is full, or `limit` frames have been given in all.
    pub fn feed(&mut self, rig: &mut Rig, limit: u64) {
        // Enough to last until the next look, short enough that the scoreboard's windows stay tight.
        let queue = rig.frames_per_slice() * 3 / 2;
        while self.fed < limit {
            let frame = self.held.take().unwrap_or_else(|| self.frames.draw());
            let full = rig.transport.card().receive_waiting(frame.port.into()) >= queue;
            let wait = self.calm && self.held_back < PATIENCE && !rig.is_calm(frame.bytes.len());
            if full || wait {
                self.held_back += u32::from(wait);
                self.held = Some(frame);
                return;
            }
            self.held_back = 0;
            self.fed += 1;
            let damaged = self.damage_every != 0 && self.fed.is_multiple_of(self.damage_every);
            rig.inject(frame.port, frame.bytes, damaged);
        }
    }
}
