//! What becomes of a packet: next hop, checks, checksums, verdict.
//!
//! ```text
//!  clock  0                 2              3                4
//!  parsed, action --next--->|row: checks ->|first that ---->| verdict
//!                 | hop read|              | applies        | count_valid, count_entry, count_bytes
//!                 |checksums in four clocks --------------->|
//! ```
//! The files are one block each; [`VerdictStage`] puts them together.

mod checksum;
mod next_hops;
mod stage;

pub use checksum::ChecksumUpdate;
pub use next_hops::NextHops;
pub use stage::VerdictStage;

/// Clocks from a packet's action to its verdict and its count.
pub const LATENCY: usize = checksum::LATENCY;
/// Clocks from a packet's action to the read of its next hop.
pub const NEXT_HOP_READ: usize = 0;
