//! Frames to and from the RTL's AXI-Stream ports, one beat a clock.

use std::collections::VecDeque;

use fpgaflow_verilate::{Error, Model, Port};

use crate::stalls::Stalls;

/// Widest beat, in 64-bit words.
const MAX_BEAT_BYTES: usize = 64;

/// A frame for the card to receive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RxFrame {
    /// Ethernet frame without FCS; an empty one is a beat without bytes.
    pub bytes: Vec<u8>,
    /// Marked bad by the MAC.
    pub error: bool,
}

impl From<Vec<u8>> for RxFrame {
    fn from(bytes: Vec<u8>) -> Self {
        Self { bytes, error: false }
    }
}

/// A frame that the card sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TxFrame {
    /// Ethernet frame without FCS.
    pub bytes: Vec<u8>,
    /// Clock of its first beat.
    pub first_clock: u64,
    /// Clock of its last beat.
    pub last_clock: u64,
}

/// The pins of one stream.
#[derive(Debug, Clone, Copy)]
struct Pins {
    data: Port,
    keep: Port,
    valid: Port,
    ready: Port,
    last: Port,
}

impl Pins {
    fn find(model: &Model, prefix: &str) -> Result<Self, Error> {
        let pin = |name| model.find_port(&format!("{prefix}_{name}"));
        Ok(Self { data: pin("tdata")?, keep: pin("tkeep")?, valid: pin("tvalid")?, ready: pin("tready")?, last: pin("tlast")? })
    }
}

/// Plays frames into a port.
#[derive(Debug)]
pub(crate) struct RxStream {
    pins: Pins,
    user: Port,
    beat_bytes: usize,
    queue: VecDeque<RxFrame>,
    /// Bytes of the front frame that earlier beats held.
    at: usize,
    presented: bool,
    pub(crate) stalls: Stalls,
    /// When set, the clock in which the beat that holds this byte (or the frame's last) was taken is kept for every frame.
    pub(crate) mark_byte: Option<usize>,
    pub(crate) marks: VecDeque<u64>,
}

impl RxStream {
    pub(crate) fn new(model: &Model, port: usize, beat_bytes: usize) -> Result<Self, Error> {
        let prefix = format!("s_axis_rx_{port}");
        Ok(Self {
            pins: Pins::find(model, &prefix)?,
            user: model.find_port(&format!("{prefix}_tuser"))?,
            beat_bytes,
            queue: VecDeque::new(),
            at: 0,
            presented: false,
            stalls: Stalls::NEVER,
            mark_byte: None,
            marks: VecDeque::new(),
        })
    }

    pub(crate) fn push(&mut self, frame: RxFrame) {
        self.queue.push_back(frame);
    }

    /// Frames not yet taken whole.
    pub(crate) fn waiting(&self) -> usize {
        self.queue.len()
    }

    /// Frames not yet taken whole, the next one first.
    pub(crate) fn queue(&self) -> impl Iterator<Item = &RxFrame> {
        self.queue.iter()
    }

    /// Forgets a beat that a reset interrupted; the frame starts anew.
    pub(crate) fn restart(&mut self, model: &mut Model) {
        self.at = 0;
        self.presented = false;
        model.set(self.pins.valid, 0);
    }

    /// Sets the inputs for the coming edge; true when a beat is taken by it.
    #[inline]
    pub(crate) fn before_edge(&mut self, model: &mut Model, clock: u64) -> bool {
        if !self.presented {
            let Some(frame) = self.queue.front() else { return false };
            if self.stalls.pause() {
                return false;
            }
            let end = (self.at + self.beat_bytes).min(frame.bytes.len());
            let beat = &frame.bytes[self.at..end];
            let last = end == frame.bytes.len();
            let keep = if beat.len() == 64 { u64::MAX } else { (1 << beat.len()) - 1 };
            model.set_bytes(self.pins.data, beat);
            model.set(self.pins.keep, keep);
            model.set(self.pins.last, last.into());
            model.set(self.user, (last && frame.error).into());
            model.set(self.pins.valid, 1);
            self.presented = true;
        }
        if model.get(self.pins.ready) == 0 {
            return false;
        }
        let Some(frame) = self.queue.front() else { return false };
        let end = self.at + self.beat_bytes;
        let last = end >= frame.bytes.len();
        if let Some(mark) = self.mark_byte {
            let mark = mark.min(frame.bytes.len().saturating_sub(1));
            if (self.at..end).contains(&mark) {
                self.marks.push_back(clock);
            }
        }
        if last {
            self.queue.pop_front();
            self.at = 0;
        } else {
            self.at = end;
        }
        self.presented = false;
        true
    }

    /// After the edge that took a beat.
    #[inline]
    pub(crate) fn after_edge(&mut self, model: &mut Model) {
        // Between beats nothing is offered: a stalled next beat must not repeat this one.
        if !self.presented {
            model.set(self.pins.valid, 0);
        }
    }
}

/// Collects frames from a port.
#[derive(Debug)]
pub(crate) struct TxStream {
    pins: Pins,
    beat_bytes: usize,
    frame: Vec<u8>,
    first_clock: u64,
    pub(crate) sent: VecDeque<TxFrame>,
    pub(crate) stalls: Stalls,
    /// Clocks in which a beat left.
    pub(crate) beats: u64,
}

impl TxStream {
    pub(crate) fn new(model: &Model, port: usize, beat_bytes: usize) -> Result<Self, Error> {
        Ok(Self {
            pins: Pins::find(model, &format!("m_axis_tx_{port}"))?,
            beat_bytes,
            frame: Vec::new(),
            first_clock: 0,
            sent: VecDeque::new(),
            stalls: Stalls::NEVER,
            beats: 0,
        })
    }

    /// Forgets a frame that a reset cut off.
    pub(crate) fn restart(&mut self) {
        self.frame.clear();
    }

    /// Sets `tready` for the coming edge and takes the beat that it moves; true when one does.
    #[inline]
    pub(crate) fn before_edge(&mut self, model: &mut Model, clock: u64) -> bool {
        let ready = !self.stalls.pause();
        model.set(self.pins.ready, ready.into());
        if !ready || model.get(self.pins.valid) == 0 {
            return false;
        }
        if self.frame.is_empty() {
            self.first_clock = clock;
        }
        let mut bytes = [0; MAX_BEAT_BYTES];
        let bytes = &mut bytes[..self.beat_bytes];
        model.get_bytes(self.pins.data, bytes);
        let count = model.get(self.pins.keep).count_ones() as usize;
        self.frame.extend_from_slice(&bytes[..count]);
        self.beats += 1;
        if model.get(self.pins.last) == 1 {
            // The next frame is likely to be as long: room for it at once.
            let room = Vec::with_capacity(self.frame.len());
            let bytes = std::mem::replace(&mut self.frame, room);
            self.sent.push_back(TxFrame { bytes, first_clock: self.first_clock, last_clock: clock });
        }
        true
    }
}
