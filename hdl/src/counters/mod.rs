//! Packets, bytes and last use of every entry, exact under any traffic.
//!
//! ```text
//!                                             +----------+
//!  count_valid, count_entry, count_bytes ---->| Counters |--> reply_valid, reply
//!  s_axis_request (CounterRequest) ---------->|          |--> gap_wanted
//!  tick ------------------------------------->|          |
//!                                             +----------+
//! ```
//! A request answers with its entry's counters; a clear zeroes them too. Two forms of one contract, chosen by how often there is a packet
//! to count:
//!
//! | form | counts | a request is taken | reply | copies of the rows |
//! |---|---|---|---|---|
//! | [`EveryClockCounters`], 512 bits | any clock | read: at once; clear: in a clock without a count | [`REPLY_AFTER`] clocks after it | 2 |
//! | [`SeldomCounters`], 64 bits | [`seldom::COUNT_APART`] clocks apart at least | when the reply to the one before is there | [`seldom::FOUND_AFTER`] to [`seldom::REPLY_WITHIN`] clocks after it | 1 |
//!
//! `ready` and `gap_wanted` of the second, and all of what it replies, come from flip-flops; of the first, `gap_wanted` does and a reply is two LUTs behind them.
//!
//! # Contract
//! - Counts are never refused. A reply holds every count of a clock before its request and, of the first form, none of the same or a later one; of
//!   the second, none of the last [`seldom::FOUND_AFTER`] clocks before the reply and every earlier one. Packets, bytes and tick are of that one moment.
//!   A clear answers with what the counters were then, and they count from zero behind it.
//! - Every count is exact, in any pattern that the form allows, of both families.
//! - `seen` is the value of `tick` [`SEEN_AFTER`] ([`seldom::SEEN_AFTER`]) clocks after the last count; 0 when there was none since the clearing.
//! - Packets wrap at 2^56, bytes at 2^64: not within a year of one flow that has all of the fastest engine, see the assertions below.
//! - Counters are zero after configuration. Reset drops counts and requests on their way and leaves the counters alone.
//!
//! # A clear gets its clock
//! At 512 bits packets can come in every clock. A clear that meets one asks for a gap: one clock later `gap_wanted` is high for one clock,
//! and a data path that takes in no packet in that clock gives the clear its clock when the gap has come down here, a fixed number `G`
//! of clocks later. So a clear is taken `G + 1` clocks after it was offered at the latest and costs the place of one packet, whatever the
//! traffic. `G` is below [`AGAIN_AFTER`]; a gap that was not given is asked for again after as many clocks. At 64 bits there is a clock for every request
//! anyway, and no gap is asked for.
//!
//! # How, at 512 bits
//! Two copies of all rows, written alike. The first belongs to the counts: read, add, write back. A count that finds its entry in the
//! counts right before it takes over their result instead of the RAM's. Sums are split: low parts one clock, high parts with the carry
//! the next, so no adder is longer than 36 bits, and low and high parts are forwarded apart. A clear is a count that writes zeros.
//!
//! ```text
//!  clock  1       2     3        4         5          6       7       8
//!         read -->|---->|gather: |low sums |high sums |write  |(kept for
//!                 |     |low     |         |          |both   | forwarding)
//!                 |     |        |gather:  |          |copies |
//!                 |     |        |high     |          |       |
//! ```
//! The second belongs to the requests: a request waits [`WRITTEN_AFTER`] - 1 clocks, until every count before it is written and none of
//! its own clock or later is, then reads one row, which needs no forwarding and no free clock.

mod either;
mod gap;
mod rmw;
mod rows;
pub mod seldom;

pub use either::Counters;
pub use gap::{AGAIN_AFTER, Gap};
pub use rmw::EveryClockCounters;
pub use rows::{CounterRow, CounterRows};
pub use seldom::SeldomCounters;

use crate::{table, verdict};

/// Clocks from a count to the write of its sums.
pub const WRITTEN_AFTER: usize = 6;
/// Clocks from a request to its reply.
pub const REPLY_AFTER: usize = WRITTEN_AFTER - 1 + 2;
/// Clocks from a count to the moment `tick` is taken for it.
pub const SEEN_AFTER: usize = 5;

/// Bits of packets.
const PACKETS_BITS: usize = 56;
/// Bits of bytes.
const BYTES_BITS: usize = 64;

/// Clocks in a year of 366 days of an engine at 400 MHz, faster than the fastest that is aimed at: 1.3e16. A 100G port has 148.8 million
/// packets a second at most, 4.7e15 in that time.
const CLOCKS_A_YEAR: u128 = 400_000_000 * 366 * 24 * 60 * 60;
/// Bytes that the widest engine takes in a clock: a packet of more bytes takes more clocks.
const BYTES_A_CLOCK: u128 = 512 / 8;

const _: () = assert!(CLOCKS_A_YEAR < 1 << PACKETS_BITS, "packets would wrap within a year");
const _: () = assert!(CLOCKS_A_YEAR * BYTES_A_CLOCK < 1 << BYTES_BITS, "bytes would wrap within a year");

/// Clocks that the command engine waits after the last write of a slot or stash slot, until no lookup that did not see the write
/// is on its way: every request given this many clocks after the write, or later, finds the counts of all of them, and a
/// freed entry may be written again.
///
/// The last lookup that did not see a write in clock `n` read its slots in clock `n - 1`; from there it takes the rest of the
/// flow table and the verdict until it is counted, and a request behind that clock finds the count.
pub const BARRIER_CLOCKS: usize = (table::LATENCY - table::SLOT_READ) + verdict::LATENCY;
