//! Fragments: how the card remembers the datagrams that they are of.
//!
//! With `FLOW_CTRL.FRAGMENTS` on, the first fragment of a TCP or UDP datagram is looked up as a whole packet is, for it has the layer 4 header.
//! Its datagram gets a row, chosen by a hash of the datagram's identity; later fragments find the row and with it the flow, and go the same way.
//! Of IPv6 only UDP datagrams are forwarded so: the checksum of TCP behind a fragment header lies behind the header window.
//!
//! # What becomes of a fragment
//! - A row belongs to one datagram until the datagram is complete, `FRAGMENT_LIFETIME` is over, or its flow's entry is written. All rows are
//!   forgotten while `FLOW_CTRL.LOOKUP` or `FLOW_CTRL.FRAGMENTS` is off.
//! - First fragment: punted when its row is another datagram's, or its own with a part that went to the host before; else its verdict is that of
//!   a whole packet. The row is its datagram's from now on, with that verdict.
//! - Later fragment: punted when the row is another's, or its own datagram went to the host. When the row is nobody's it is taken for the datagram,
//!   as one that goes to the host. Else the fragment is of the first one's flow; TTL and MTU are judged by its own header.
//! - A datagram is complete with the fragment that has no more behind it, if all came in order, each once.
//!
//! So a datagram of which anything was punted before its first fragment came, or with it, goes to the host whole.

use crate::hash::{HASH_BITS, KeyHash};
use crate::key::FlowKey;

/// Bits of a row's number, in the widest card.
pub const ROW_BITS: usize = 6;
/// Rows of the widest card: datagrams that it remembers at most.
pub const ROWS: usize = 1 << ROW_BITS;
/// Bits of the hash of its identity that a row compares, besides the identification.
pub const TAG_BITS: usize = 16;
/// Bits of an identification: IPv6's; IPv4's has 16.
pub const IDENTIFICATION_BITS: usize = 32;
/// Bits of a fragment offset, and of a length in its units.
pub const OFFSET_BITS: usize = 13;
/// Bytes of a unit of fragment offsets.
pub const UNIT_BYTES: usize = 8;

const _: () = assert!(ROW_BITS + TAG_BITS <= HASH_BITS && crate::key::SPORT.end() == IDENTIFICATION_BITS);

/// What tells datagrams apart: the key of a flow with the identification in place of the ports, source port above destination port.
pub const fn identity(flow: &FlowKey, identification: u32) -> FlowKey {
    FlowKey { sport: (identification >> 16) as u16, dport: identification as u16, ..*flow }
}

/// Bits of a row's number in a card of `width_bits`: 16 rows at 64 bits, where an eighth of the packets come in the same time, 64 at 512.
pub const fn row_bits(width_bits: u16) -> usize {
    if width_bits > 64 { ROW_BITS } else { ROW_BITS - 2 }
}

/// The row of a datagram, by the keyed hash of its identity, where a row's number has `row_bits`.
pub const fn row(hash: KeyHash, row_bits: usize) -> usize {
    hash.0 as usize & ((1 << row_bits) - 1)
}

/// What a row keeps of that hash.
pub const fn tag(hash: KeyHash, row_bits: usize) -> u16 {
    (hash.0 >> row_bits) as u16
}
