//! Frames in host memory, with room around them to change their headers in place.

mod layer2;

pub use layer2::Layer2;

use std::ops::Range;

use fpgaflow_abi::reason::Reason;
use fpgaflow_abi::slot::EntryRef;
use fpgaflow_abi::wire::{ETH_HEADER_BYTES, MAX_L2_BYTES, MIN_FRAME_BYTES};

/// Room in front of a frame for the longest layer 2 header where it came with the shortest.
pub const HEADROOM_BYTES: usize = MAX_L2_BYTES - ETH_HEADER_BYTES;

/// An Ethernet frame without FCS, in a buffer in which it can grow.
#[derive(Debug)]
pub struct Frame<'a> {
    pub(crate) port: u8,
    pub(crate) buffer: &'a mut [u8],
    pub(crate) start: usize,
    pub(crate) len: usize,
}

impl<'a> Frame<'a> {
    /// The frame at `range` of `buffer`, come in by `port`. `None` when the range is not in the buffer, or when the buffer
    /// has no room to pad the frame to the shortest one of the wire.
    pub fn new(port: u8, buffer: &'a mut [u8], range: Range<usize>) -> Option<Self> {
        let len = range.end.checked_sub(range.start)?;
        let needed = range.start.checked_add(len.max(MIN_FRAME_BYTES))?;
        (needed <= buffer.len()).then_some(Self { port, buffer, start: range.start, len })
    }

    /// Port it came in by.
    pub fn port(&self) -> u8 {
        self.port
    }

    /// Its bytes, from the destination address on.
    pub fn bytes(&self) -> &[u8] {
        &self.buffer[self.start..self.start + self.len]
    }
}

/// What the card says of a frame that it gave to the host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FrameInfo {
    /// Port it came in by.
    pub port: u8,
    /// Why the card did not forward it.
    pub reason: Reason,
    /// Entry that it hit, if it did.
    pub entry: Option<EntryRef>,
    /// Clock counter of the card when it handed the frame over.
    pub clock: u64,
}

/// Frames one behind the other in one allocation that is used again and again.
#[derive(Debug, Default)]
pub struct FrameArena {
    bytes: Vec<u8>,
    frames: Vec<(FrameInfo, Range<usize>)>,
}

impl FrameArena {
    /// Forgets all frames, keeping the memory.
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.frames.clear();
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.frames.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.frames.is_empty()
    }

    /// Adds a frame of `len` bytes, written by `fill`, with head room and room to be padded.
    pub fn push(&mut self, info: FrameInfo, len: usize, fill: impl FnOnce(&mut [u8])) {
        let start = self.bytes.len() + HEADROOM_BYTES;
        self.bytes.resize(start + len.max(MIN_FRAME_BYTES), 0);
        fill(&mut self.bytes[start..start + len]);
        self.frames.push((info, start..start + len));
    }

    /// The frames in order of arrival.
    pub fn iter(&self) -> impl Iterator<Item = (FrameInfo, &[u8])> {
        self.frames.iter().map(|(info, range)| (*info, &self.bytes[range.clone()]))
    }

    /// The frames in order of arrival, to be rewritten in place.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = (FrameInfo, Frame<'_>)> {
        let mut rest = self.bytes.as_mut_slice();
        self.frames.iter().map(move |(info, range)| {
            let len = range.len();
            let (buffer, behind) = std::mem::take(&mut rest).split_at_mut(HEADROOM_BYTES + len.max(MIN_FRAME_BYTES));
            rest = behind;
            (*info, Frame { port: info.port, buffer, start: HEADROOM_BYTES, len })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_needs_room_to_be_padded() {
        let mut buffer = [0; 64];
        assert!(Frame::new(0, &mut buffer, 4..20).is_some());
        assert!(Frame::new(0, &mut buffer, 5..20).is_none());
        assert!(Frame::new(0, &mut buffer, 0..65).is_none());
        #[allow(clippy::reversed_empty_ranges, reason = "a range that ends before it starts is what is refused")]
        let reversed = 5..2;
        assert!(Frame::new(0, &mut buffer, reversed).is_none());
    }

    #[test]
    fn frames_come_back_as_they_went_in_with_room_around_them() {
        let info = FrameInfo { port: 1, reason: Reason::Miss, entry: None, clock: 0 };
        let mut arena = FrameArena::default();
        for len in [14, 200, 60] {
            arena.push(info, len, |bytes| bytes.fill(len as u8));
        }
        let lens: Vec<_> = arena.iter().map(|(_, bytes)| (bytes.len(), bytes[0])).collect();
        assert_eq!(lens, [(14, 14), (200, 200), (60, 60)]);
        for ((_, frame), len) in arena.iter_mut().zip([14usize, 200, 60]) {
            assert_eq!(frame.bytes(), vec![len as u8; len]);
            assert_eq!((frame.start, frame.buffer.len()), (HEADROOM_BYTES, HEADROOM_BYTES + len.max(60)));
        }
    }
}
