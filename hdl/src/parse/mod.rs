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
//! their layer, in either family. Which of it is the reason is decided in one place, in [`Parser`].
//!
//! Headers are seen as the RFCs draw them: rows of 32 bits, row 0 first.
//!
//! # Bytes that are not there
//! A window is always full; behind the end of the frame, of the PPPoE payload or of the packet it holds something that means nothing. No
//! check looks for that by itself. A packet is malformed when its own length goes beyond what is there, or is shorter than a header. Whatever
//! the bytes say that are not there, one of the two holds: a length of at least the header's that does not go beyond what is there means
//! that the header is there.

use fpgaflow_abi::wire;

use crate::records::LENGTH_BITS;

mod checksum;
mod layer2;
mod layer3;
mod layer4;
mod parser;
mod placed;
mod rows;

pub use checksum::{CarrySave, HeaderChecksum};
pub use layer2::Layer2Check;
pub use layer3::Layer3Check;
pub use layer4::Layer4Check;
pub use parser::{LATENCY, Parser};
pub use placed::Placed;
pub use rows::{ADDRESSES_BITS, EncapRow, KeyRow, VID_BITS};

/// Clocks from a header to what a check says of it.
pub const CHECK_LATENCY: usize = 2;

/// Bytes of a row.
const ROW_BYTES: usize = 4;
/// Rows of an IPv4 header without options (RFC 791).
const IPV4_ROWS: usize = wire::IPV4_HEADER_BYTES / ROW_BYTES;
/// Rows of an IPv6 header (RFC 8200).
const IPV6_ROWS: usize = wire::IPV6_HEADER_BYTES / ROW_BYTES;
/// Rows of a TCP header without options (RFC 9293).
const TCP_ROWS: usize = wire::TCP_HEADER_BYTES / ROW_BYTES;
/// Bits of an IP packet's length that is still to be found too long: 40 more than the longest payload of IPv6.
const IP_LENGTH_BITS: usize = LENGTH_BITS + 1;
/// Bits of a length above those of the longest header whose length is told in rows, by four bits.
const BEYOND_BITS: usize = LENGTH_BITS - 6;
