//! The receive side, from the wire to what the middle of the pipeline starts from.
//!
//! ```text
//!  64 bits:  s_axis0 -> LivePort --.             .--> HeaderRecord, to the parser
//!            s_axis1 -> LivePort --+-> Gather ---+--beats on trial--> TrialFifo --> Strip --> beats, to where verdict and payload meet
//!
//!  512 bits: s_axis0 -> RxPort --.              .--head--> SplitHead -+--> HeaderRecord
//!            s_axis1 -> RxPort --+-> RxArbiter -+                     v
//!                                               '--beats--> FIFO --> Strip --> beats
//! ```
//! Headers come as pulses and wait for nothing; beats are streams with back-pressure. What the parser starts from is collected while a frame
//! comes in, so that it is there at once when the frame is found to be good. Beats have all the time that the middle of the pipeline takes: they
//! wait for it in the payload FIFO, and behind that FIFO the header comes off, because there its length has long been known.
//!
//! At 512 bits a frame may be one beat, so heads are handed on at once: each port shows one, the arbiter chooses among them, all places of layer 2 are
//! looked at together. At 64 bits beats are what is chosen, and the header is put together while they pass ([`Gather`]).
//!
//! | block | latency in clocks | throughput |
//! |---|---|---|
//! | [`LivePort`] | 4 from a beat on the wire to the beat | a beat a clock |
//! | [`Gather`] | 2 from a frame's last beat to its header | a beat a clock, also from port to port |
//! | [`RxPort`] | 3 from a frame's last beat to its first beat and its head | a beat a clock |
//! | [`RxArbiter`] | 1, for beats and heads | a beat a clock, also from port to port |
//! | [`SplitHead`] | 2 | a head a clock |
//! | [`Strip`] | 1 from the beat that completes a beat out | a beat a clock in |
//!
//! # Widths
//! rust-hdl cannot compute with const generics, so a block takes every width it needs; the aliases of each width are here.

mod arbiter;
mod beat_kind;
mod gather;
mod join;
mod judge;
mod live_port;
mod live_store;
mod next_port;
mod passing_layer2;
mod port;
mod receive_512;
mod receive_64;
mod split_head;
mod store;
mod strip;
mod trial_fifo;
mod turn;

pub use arbiter::RxArbiter;
pub use beat_kind::{BeatKind, Kind};
pub use gather::Gather;
pub use join::JoinBeats;
pub use judge::Judge;
pub use live_port::{Ended, LivePort};
pub use live_store::LiveStore;
pub use next_port::NextPort;
pub use passing_layer2::PassingLayer2;
pub use port::{RxPort, WireSink};
pub use receive_64::Receive64;
pub use receive_512::Receive512;
pub use split_head::{HEAD_BYTES, SplitHead};
pub use store::RxStore;
pub use strip::Strip;
pub use trial_fifo::TrialFifo;
pub use turn::TurnBytes;

use crate::prim::Width;

/// Bits of a head of 64-bit beats: twelve hold [`HEAD_BYTES`].
pub const HEAD_64: usize = 12 * 64;
/// Bits of a head of 512-bit beats: two.
pub const HEAD_512: usize = 2 * 512;
/// [`RxPort`] of 64 bits with a store of 16 KiB.
pub type RxPort64 = RxPort<64, 8, 65, 12, HEAD_64, 11, 12>;
/// [`RxPort`] of 512 bits with a store of 16 KiB.
pub type RxPort512 = RxPort<512, 64, 513, 2, HEAD_512, 8, 9>;

/// Beats between the ports and `Strip` at most, as a power of two: more than the clocks from a header to its verdict, for which beats wait.
pub const PAYLOAD_AW: usize = 5;

/// The receive side of an engine of this width: see [`Receive64`] and [`Receive512`], which have the same ports, for the parameters.
pub trait Receive<
    const PORTS: usize,
    const AW: usize,
    const CW: usize,
    const FAW: usize,
    const FCW: usize,
    const QAW: usize,
    const QCW: usize,
>
{
    /// The block.
    type Block: crate::prelude::Block;
}

impl<const PORTS: usize, const AW: usize, const CW: usize, const FAW: usize, const FCW: usize, const QAW: usize, const QCW: usize>
    Receive<PORTS, AW, CW, FAW, FCW, QAW, QCW> for Width<64>
{
    type Block = Receive64<PORTS, AW, CW, FAW, FCW, QAW, QCW>;
}

impl<const PORTS: usize, const AW: usize, const CW: usize, const FAW: usize, const FCW: usize, const QAW: usize, const QCW: usize>
    Receive<PORTS, AW, CW, FAW, FCW, QAW, QCW> for Width<512>
{
    type Block = Receive512<PORTS, AW, CW, FAW, FCW, QAW, QCW>;
}
