//! The contract between the flow engine and its driver: every number that hardware and software share.
//!
//! The path of a packet through these modules: a frame's [`key`] is [`hash`]ed to two buckets and a tag; a [`slot`] with that
//! tag names an [`entry`]; the entry's action names a [`next_hop`]; what is not forwarded carries a [`reason`]. [`fragment`]s follow the first of their datagram. The driver writes
//! slots, entries and next hops by commands ([`descriptor`]) and finds the card's size in its identity registers ([`geometry`],
//! [`regs`]).
//!
//! # Conventions
//! Bit rows are numbered from the least significant bit, little-endian in memory. Addresses and ports are the integers that
//! network byte order spells (`192.0.2.1` is `0xC000_0201`). A change of any number here bumps [`ABI_VERSION`].
//!
//! Nothing here panics on data that came from a card or a packet: decoding returns `Option`.
#![no_std]
#![forbid(unsafe_code)]

pub mod bits;
pub mod checksum;
pub mod counters;
pub mod descriptor;
pub mod entry;
pub mod fragment;
pub mod geometry;
pub mod hash;
pub mod key;
pub mod next_hop;
pub mod pci;
pub mod reason;
pub mod regs;
pub mod slot;
pub mod wire;

/// First identity register: `"FLOW"` read as a big-endian word.
pub const MAGIC: u32 = 0x464C_4F57;

/// Version of this contract, major in the upper half. A driver refuses a card whose major differs or whose minor is lower
/// than its own.
pub const ABI_VERSION: u32 = 0x0001_0003;

/// Most Ethernet ports an engine can have; a port number fits a 4-bit field with room for [`next_hop::HOST_PORT`].
pub const MAX_PORTS: usize = 4;
