//! The flow table: key in, action out, one lookup a clock.
//!
//! ```text
//!  clock  0            4               5            6            7          8           10             11          12
//!         key --hash-->|slots read --->|----------->|tags ------>|pick ---->|entry ---->|compare ----->|all equal->| answer
//!                      |               |stash hash->|stash pick->|          | read      | in chunks    | and valid |
//! ```
//! One table for both families: they share hash, slots and stash, and a slot's entry reference says which of two entry arrays to
//! read. Only that one is read and compared, with the whole key of its family.
//!
//! # When a write counts
//! A lookup is named by the clock `k` in which its key is given, a write by the clock `n` of its pulse.
//!
//! | write of a | is seen by the lookup exactly when |
//! |---|---|
//! | slot or stash slot | `k + SLOT_READ >= n` |
//! | entry | `k + ENTRY_READ >= n` |
//!
//! With [`Pace::Seldom`](crate::prim::Pace) a write of a slot or an entry waits for its parity and then for a clock in which its memory is not read, two
//! clocks at most: a lookup that reads in the clock of the pulse, or in the one behind it, does not see it. The write must stand still for these
//! clocks, and the next one comes behind them.
//!
//! It follows, for writes in consecutive clocks or further apart, with lookups in every clock:
//! - Every lookup that starts after a write sees it.
//! - An entry written before the slot that names it is there for every lookup that finds the slot.
//! - A slot written at its new place before it is cleared at the old one is found by every lookup: banks and stash are looked
//!   at in the same clock.
//! - A lookup that started before a slot was cleared may still read the slot's entry, up to `ENTRY_READ - SLOT_READ - 1` clocks
//!   after the clearing write. Only a barrier ([`crate::counters::BARRIER_CLOCKS`]) makes the entry free to be used again.
//!
//! Hash, slots, stash and entries are in files of their own; [`FlowTable`] puts them together.

mod entries;
mod entry_ref;
mod flow_table;
mod hash;
mod ring_delay;
mod serial_hash;
mod slots;
mod stash;

pub use entries::EntryArray;
pub use entry_ref::{NarrowRef, WideRef};
pub use flow_table::FlowTable;
pub use hash::KeyedHash;
pub use ring_delay::RingDelay;
pub use slots::SlotBanks;
pub use stash::Stash;

/// Clocks from a key to the read of its slots and stash.
pub const SLOT_READ: usize = hash::LATENCY;
/// Clocks from a key to the read of its entry.
pub const ENTRY_READ: usize = SLOT_READ + slots::LATENCY + 1;
/// Clocks from a key to its [`crate::records::FlowAction`].
pub const LATENCY: usize = ENTRY_READ + entries::LATENCY + 1;
