//! The receive side, from the wire to what the middle of the pipeline starts from.
//!
//! ```text
//!  s_axis_rx0 -> RxPort --.              .--head--> SplitHead -+--> HeaderRecord, to the parser
//!  s_axis_rx1 -> RxPort --+-> RxArbiter -+                     | length of layer 2
//!                                        |                     v
//!                                        `--beats--> FIFO --> Strip --> beats, to where verdict and payload meet
//! ```
//! Heads come as pulses and wait for nothing; beats are streams with back-pressure. A port collects the head of a frame while the frame
//! comes in, so that the parser has it at once when the frame is found to be good; it does not wait for beats to be read again.
//! Beats have all the time that the middle of the pipeline takes: they wait for it in the payload FIFO, and behind that FIFO the header
//! comes off, because there its length has long been known.
//!
//! | block | latency in clocks | throughput |
//! |---|---|---|
//! | [`RxPort`] | 3 from a frame's last beat to its first beat and its head | a beat a clock |
//! | [`RxArbiter`] | 1, for beats and heads | a beat a clock, also from port to port |
//! | [`SplitHead`] | 2 | a head a clock |
//! | [`Strip`] | 1 from the beat that completes a beat out | a beat a clock in |
//!
//! # Widths
//! rust-hdl cannot compute with const generics, so a block takes every width it needs; the aliases of each width are here.

mod arbiter;
mod join;
mod port;
mod split_head;
mod store;
mod strip;
mod turn;

pub use arbiter::RxArbiter;
pub use join::JoinBeats;
pub use port::{RxPort, WireSink};
pub use split_head::{HEAD_BYTES, SplitHead};
pub use store::RxStore;
pub use strip::Strip;
pub use turn::TurnBytes;

/// Bits of a head of 64-bit beats: twelve hold [`HEAD_BYTES`].
pub const HEAD_64: usize = 12 * 64;
/// Bits of a head of 512-bit beats: two.
pub const HEAD_512: usize = 2 * 512;
/// [`RxPort`] of 64 bits with a store of 16 KiB.
pub type RxPort64 = RxPort<64, 8, 65, 12, HEAD_64, 11, 12>;
/// [`RxPort`] of 512 bits with a store of 16 KiB.
pub type RxPort512 = RxPort<512, 64, 513, 2, HEAD_512, 8, 9>;
