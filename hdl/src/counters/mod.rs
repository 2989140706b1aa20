//! Packets, bytes and last use of every entry, exact under any traffic.
//!
//! ```text
//!                                             +----------+
//!  count_valid, count_entry, count_bytes ---->| Counters |--> reply_valid, reply
//!  s_axis_request (CounterRequest) ---------->|          |
//!  tick ------------------------------------->|          |
//!                                             +----------+
//! ```
//! One count a clock, never refused; a request is taken in a clock without a count. Its reply comes [`REPLY_AFTER`] clocks
//! later. `reply` comes from flip-flops.
//!
//! # Contract
//! - Counts and requests take effect in the order in which they come: a reply holds every count of an earlier clock and none of a
//!   later one, packets, bytes and tick of one moment. A clear answers with what the counters were.
//! - Every count is exact: at one a clock on one entry, on two alternating, in any pattern.
//! - `seen` is the value of `tick` [`SEEN_AFTER`] clocks after the last count; 0 when there was none since the clearing.
//! - Packets wrap at 2^56 (15 years of one flow at 148.8 million a second), bytes at 2^64.
//! - Counters are zero after configuration. Reset drops counts and requests on their way and leaves the counters alone.
//!
//! # Requests make progress
//! At 64 bits a packet takes two clocks and more, so at least every second clock is free and a request waits one clock at most.
//! At 512 bits packets of 64 bytes can come in every clock and a request could wait for as long as they do. An engine of that
//! width either leaves a clock free now and then (its credits allow it: one packet slot in 1,024 is plenty) or keeps a second
//! copy of the RAM to read from; the choice belongs to the data path that can make it, and this block serves the first.
//!
//! # How
//! Reads and clears are operations in the same pipeline as counts. An operation that finds its entry in the operations right
//! before it takes over their result instead of the RAM's. Sums are split: low parts one clock, high parts with the carry the
//! next, so no adder is longer than 36 bits, and low and high parts are forwarded apart.
//!
//! ```text
//!  clock  1       2     3        4         5          6       7       8
//!         read -->|---->|gather: |low sums |high sums |write  |(kept for
//!                 |     |low     |         |          |reply  | forwarding)
//!                 |     |        |gather:  |          |       |
//!                 |     |        |high     |          |       |
//! ```

mod rmw;

pub use rmw::Counters;

use crate::{table, verdict};

/// Clocks from a request to its reply.
pub const REPLY_AFTER: usize = 6;
/// Clocks from a count to the moment `tick` is taken for it.
pub const SEEN_AFTER: usize = 5;

/// Clocks that the command engine waits after the last write of a slot or stash slot, until no lookup that did not see the write
/// is on its way: every request given this many clocks after the write, or later, finds the counts of all of them, and a
/// freed entry may be written again.
///
/// The last lookup that did not see a write in clock `n` read its slots in clock `n - 1`; from there it takes the rest of the
/// flow table and the verdict until it is counted, and a request behind that clock finds the count.
pub const BARRIER_CLOCKS: usize = (table::LATENCY - table::SLOT_READ) + verdict::LATENCY;
