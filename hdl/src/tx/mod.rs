//! The transmit side: where verdict and payload meet, to the wires and to the host.
//!
//! ```text
//!                 .---------------------- Merge ----------------------.
//!  verdict, l2 -->| Planner --heading-----------> Prepend --> Route --+--> TxPort -> m_axis_tx0
//!                 |    `-----rewrite--.              ^                +--> TxPort -> m_axis_tx1
//!  payload ------>|----------------> Patch ----------'                `--> HostRx -> c2h DMA
//!                 '---------------------------------------------------'
//! ```
//! [`Widen`] stands before the host side of the ports of a wider engine, whose frames come 64 bits a clock. How the blocks work and which
//! test covers what is in `docs/tx.md`.
//!
//! Streams with back-pressure all the way; [`HostRx`] drops frames so that nothing waits for the host, [`TxPort`] when it is told to.
//!
//! | block | latency in clocks | throughput |
//! |---|---|---|
//! | [`Planner`] | 2 | a frame a clock |
//! | [`Patch`] | 1 | a beat a clock |
//! | [`Prepend`] | 1 from a frame's plan to its first beat | a beat out a clock, also from frame to frame |
//! | [`Route`] | 1 | a beat a clock |
//! | [`Merge`] | 4 from verdict to first beat | the above |
//! | [`NarrowMerge`] | 3 from verdict to first beat | a beat out a clock, where the three before [`Route`] are [`Compose`] |
//! | [`TxPort`] | 3 from merge to the wire, when nothing waits | a beat a clock |
//! | [`HostRx`] | stores whole frames | a beat a clock in, 64 bits a clock out |
//! | [`Widen`] | 1 from the beat that completes a wide one | 64 bits a clock |
//!
//! # A frame's record beside its beats
//! Where beats carry a record (`FrameInfo`, `PuntInfo`, [`Tag`]), it is a plain signal beside them, valid and the same from the first
//! beat of the frame, when its `valid` is high, to the last.
//!
//! # Stored beats
//! A store of this side keeps a beat as one word: data, `last`, and the bytes of a last beat less one ([`word_bits`]). At 64 bits
//! that is 68, which a block RAM of 72 bits holds.

use fpgaflow_abi::wire;

use crate::records::LENGTH_BITS;

mod axis_out;
mod compose;
mod field_words;
mod fields;
mod header;
mod header_words;
mod host_rx;
mod merge;
mod narrow;
mod pack;
mod pad;
mod patch;
mod plan;
mod port;
mod prepend;
mod queue;
mod route;
mod splice;
mod widen;

pub use axis_out::{AxisOut, WireSource};
pub use compose::Compose;
pub use field_words::FieldWords;
pub use fields::PacketFields;
pub use header::EgressHeader;
pub use header_words::HeaderWords;
pub use host_rx::HostRx;
pub use merge::Merge;
pub use narrow::NarrowMerge;
pub use pack::{PackBeat, UnpackBeat};
pub use pad::Pad;
pub use patch::{Patch, Rewrite};
pub use plan::Planner;
pub use port::TxPort;
pub use prepend::{Heading, Prepend, Tag};
pub use queue::TxQueue;
pub use route::Route;
pub use splice::Splice;
pub use widen::Widen;

use crate::prim::Width;

/// [`TxPort`] of 64 bits: 16 KiB for what merge sends, 16 KiB for what the host sends.
pub type TxPort64 = TxPort<64, 8, 68, 11, 12>;
/// [`TxPort`] of 512 bits: 16 KiB for what merge sends, 16 KiB for what the host sends.
pub type TxPort512 = TxPort<512, 64, 519, 8, 9>;
/// [`HostRx`] of 64 bits with a store of 16 KiB: the host takes as many bits a clock as come.
pub type HostRx64 = HostRx<64, 11, 12, 8, 9>;
/// [`HostRx`] of 512 bits with a store of 128 KiB: what comes at eight times the host's rate, two windows of TCP among it, has to wait somewhere.
pub type HostRx512 = HostRx<512, 11, 12, 11, 12>;

/// The shortest frame's length is so many ones above so many zeros: whether a length is below is seen without a comparison.
const SHORT_ONES: usize = 4;
const SHORT_ZEROS: usize = 2;
const SHORT_BITS: usize = SHORT_ONES + SHORT_ZEROS;
/// Bits above them.
const SHORT_HIGH: usize = LENGTH_BITS - SHORT_BITS;
const _: () = assert!(wire::MIN_FRAME_BYTES == ((1 << SHORT_ONES) - 1) << SHORT_ZEROS);

/// The merge of an engine of this width.
pub trait Merges<const PORTS: usize> {
    /// [`Merge`], or at 64 bits [`NarrowMerge`].
    type Merge;
    /// Clocks from verdict to first beat out.
    const LATENCY: usize;
}

impl<const PORTS: usize> Merges<PORTS> for Width<64> {
    type Merge = NarrowMerge<PORTS>;
    const LATENCY: usize = NarrowMerge::<PORTS>::LATENCY;
}

impl<const PORTS: usize> Merges<PORTS> for Width<512> {
    type Merge = Merge<512, PORTS>;
    const LATENCY: usize = Merge::<512, PORTS>::LATENCY;
}

/// Bytes of a beat of `width` bits, as a power of two.
///
/// # Panics
/// When that is not a whole power of two: no block is made of such a width.
pub const fn beat_shift(width: usize) -> usize {
    assert!(width.is_multiple_of(8) && (width / 8).is_power_of_two());
    (width / 8).trailing_zeros() as usize
}

/// Bits of a stored beat of `width` bits.
pub const fn word_bits(width: usize) -> usize {
    width + 1 + beat_shift(width)
}
