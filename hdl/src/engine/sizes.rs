//! What follows from a geometry: sizes of stores, widths of words and indices.

use fpgaflow_abi::geometry::Geometry;
use fpgaflow_abi::hash::HASH_BITS;
use fpgaflow_abi::slot::ENTRY_REF_BITS;
use fpgaflow_abi::slot::SLOT_BITS;

use crate::prim::{PARITY_BITS, Pace};

/// Frames between their header and `Merge` at most, as a power of two: at 512 bits, where a frame may take one clock, more than the
/// pipeline has clocks; at 64 bits, where the shortest takes two, more than half of them. So frames never wait for a credit.
pub const fn frames_aw(width: usize) -> usize {
    if width > HOST_BEAT_BITS { 6 } else { 4 }
}

/// How often a packet is looked up: at 64 bits all that is looked up has five beats and more, and no frame fewer than two.
pub const fn lookup_pace(width: usize) -> Pace {
    if width > HOST_BEAT_BITS { Pace::EveryClock } else { Pace::Seldom }
}

/// Bits of its hash that an engine computes: what a bucket number, a tag and the comparison in the stash need with some to spare at 64 bits, where tables are
/// smaller and lookup tables dear.
pub const fn hash_bits(width_bits: u16) -> u8 {
    if width_bits as usize > HOST_BEAT_BITS { HASH_BITS as u8 } else { 32 }
}

/// Counters for packets that are looked up seldom: 1, or 0 when there may be one in every clock and the other form takes their place.
pub const fn seldom_counters(width: usize) -> usize {
    matches!(lookup_pace(width), Pace::Seldom) as usize
}

/// Bits of a beat of the host's side, whatever the engine's width.
pub const HOST_BEAT_BITS: usize = 64;

/// Beats that a store needs beyond its longest frame: those that are under way when it says that it is full, and some to spare.
const STORE_MARGIN: usize = 12;

/// Beats of a store for frames, `width` bits wide, as a power of two: the longest frame fits.
pub const fn store_aw(geometry: &Geometry, width: usize) -> usize {
    let beats = (8 * geometry.max_frame_bytes as usize).div_ceil(width) + STORE_MARGIN;
    beats.next_power_of_two().ilog2() as usize
}

/// Bits of the shortest Ethernet frame, without FCS.
const SHORTEST_BITS: usize = 8 * 60;

/// Frames that wait in a store of `2^aw` beats of `width` bits, as a power of two: all that it holds of the shortest.
pub const fn frames_in_store_aw(aw: usize, width: usize) -> usize {
    aw - SHORTEST_BITS.div_ceil(width).next_power_of_two().ilog2() as usize
}

/// Frames that wait for the host, as a power of two, in a store of `2^aw` beats of the host: as many more as the data path is wider, and so
/// brings them faster than the host takes them.
pub const fn host_frames_aw(aw: usize, width: usize) -> usize {
    frames_in_store_aw(aw, HOST_BEAT_BITS) + (width / HOST_BEAT_BITS).ilog2() as usize
}

/// Bits of an index of `count` things.
///
/// # Panics
/// When `count` is not a power of two that an index can tell apart: a table of another size cannot be built.
pub const fn index_bits(count: u32) -> usize {
    assert!(count >= 2 && count.is_power_of_two(), "a table of the engine has a power of two of rows, and two at least");
    count.ilog2() as usize
}

/// Bits of an entry reference as slots store it: a family and an index in the larger array.
pub const fn entry_ref_bits(geometry: &Geometry) -> usize {
    let (v4, v6) = (index_bits(geometry.entries_v4), index_bits(geometry.entries_v6));
    1 + if v4 > v6 { v4 } else { v6 }
}

/// Bits of a slot with such a reference, as it is stored with its parity.
pub const fn slot_bits(geometry: &Geometry) -> usize {
    SLOT_BITS - ENTRY_REF_BITS + entry_ref_bits(geometry) + PARITY_BITS
}
