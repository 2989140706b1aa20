//! The receive side, from the wire to what the middle of the pipeline starts from.
//!
//! ```text
//!  s_axis_rx0 -> RxPort --.
//!  s_axis_rx1 -> RxPort --+-> RxArbiter -> Strip -> Gather --+--> beats, to the payload FIFO
//!                                                            `--> HeaderRecord, to the parser
//! ```
//! Streams with back-pressure all the way; stores are only in [`RxPort`].
//!
//! | block | latency in clocks | throughput |
//! |---|---|---|
//! | [`RxPort`] | 5 from a frame's last beat to its first beat out | a beat a clock |
//! | [`RxArbiter`] | 1 | a beat a clock, also from port to port |
//! | [`Strip`] | 1 from the beat that completes a beat out | a beat a clock in |
//! | [`Gather`] | 0 for beats; 1 from the beat that completes the window to the header | a beat a clock |
//!
//! # Widths
//! rust-hdl cannot compute with const generics, so a block takes every width it needs; the aliases of each width are here.

mod arbiter;
mod gather;
mod port;
mod strip;
mod turn;

pub use arbiter::RxArbiter;
pub use gather::Gather;
pub use port::{RxPort, WireSink};
pub use strip::Strip;
pub use turn::TurnBytes;

/// [`RxPort`] of 64 bits with a store of 16 KiB.
pub type RxPort64 = RxPort<64, 8, 65, 11, 12>;
/// [`RxPort`] of 512 bits with a store of 16 KiB.
pub type RxPort512 = RxPort<512, 64, 513, 8, 9>;
/// [`Strip`] of 64 bits.
pub type Strip64 = Strip<64, 2, 128>;
/// [`Strip`] of 512 bits.
pub type Strip512 = Strip<512, 1, 512>;
/// [`Gather`] of 64 bits: five beats reach to the end of an IPv4 and TCP header without options.
pub type Gather64 = Gather<64, 5, 320>;
/// [`Gather`] of 512 bits: one beat is the whole window.
pub type Gather512 = Gather<512, 1, 512>;
