//! From a header to a key, or to the reason why there is no lookup.
//!
//! ```text
//!                 .--> Layer2Check ----.
//!                 +--> HeaderChecksum -+
//!  HeaderRecord --+--> Layer3Check ----+--> first reason --> Parsed
//!                 +--> Layer4Check ----'
//!                 `--> key row, at once
//! ```
//! [`Parser`] is the whole; the checks take [`CHECK_LATENCY`] clocks each, a header a clock, and find everything that is wrong in
//! their layer. Which of it is the reason is decided in one place, in [`Parser`].
//!
//! Headers are seen as the RFCs draw them: rows of 32 bits, row 0 first.

mod checksum;
mod layer2;
mod layer3;
mod layer4;
mod parser;

pub use checksum::{CarrySave, HeaderChecksum};
pub use layer2::Layer2Check;
pub use layer3::Layer3Check;
pub use layer4::Layer4Check;
pub use parser::{LATENCY, Parser};

/// Clocks from a header to what a check says of it.
pub const CHECK_LATENCY: usize = 2;

/// Rows of an IPv4 header without options (RFC 791).
pub(crate) const IPV4_ROWS: usize = 5;
/// Rows of a TCP header without options (RFC 9293).
pub(crate) const TCP_ROWS: usize = 5;
/// Bytes of a UDP header (RFC 768).
const UDP_BYTES: usize = 8;
/// Bytes of a row.
pub(crate) const ROW_BYTES: usize = 4;
