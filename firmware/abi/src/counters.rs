//! Per-entry counters and the record that a bulk read writes into host memory.
//!
//! A flow's frame is counted when its lookup decides to forward it, with the IP packet's length; a frame that is punted is
//! counted under its reason only.

/// Bytes of a [`CounterRecord`] in host memory, little-endian.
pub const RECORD_BYTES: usize = 32;
/// `last_seen` advances by one every this many clocks, as a power of two: 65,536 clocks are 0.4 ms at 156.25 MHz.
pub const TICK_SHIFT: u32 = 16;

/// Counters of one entry, read coherently.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct CounterRecord {
    /// Frames forwarded.
    pub packets: u64,
    /// Their IP packets' bytes, as headers state them.
    pub bytes: u64,
    /// Tick (clocks >> [`TICK_SHIFT`], wrapping at 32 bits) of the last one; 0 before the first.
    pub last_seen: u32,
}

impl CounterRecord {
    /// The record as the card writes it: words 0 and 1 packets and bytes, word 2 the tick, word 3 zero.
    pub const fn to_words(&self) -> [u64; RECORD_BYTES / 8] {
        [self.packets, self.bytes, self.last_seen as u64, 0]
    }

    /// Inverse of [`CounterRecord::to_words`].
    pub const fn from_words(words: [u64; RECORD_BYTES / 8]) -> Self {
        Self { packets: words[0], bytes: words[1], last_seen: words[2] as u32 }
    }
}
