//! The engine: every block, wired; and the builds of it that exist here.
//!
//! [`engine!`](crate::engine!) makes an engine of any [`Geometry`]: width, ports and table sizes are stated there, once, and all that
//! follows from them is computed in [`sizes`]. How it works and what it costs is in `docs/engine.md`.

mod bad_rows;
mod clear;
mod credits;
mod datapath;
pub mod sizes;
mod top;

use fpgaflow_abi::geometry::{Geometry, MAX_FRAME_BYTES};
use fpgaflow_abi::slot::{BANKS, WAYS, stash_for};

pub use bad_rows::BadRows;
pub use clear::{Clear, LATENCY as CLEAR_LATENCY};
pub use credits::Credits;

/// What [`engine!`](crate::engine!)'s text names.
#[doc(hidden)]
pub mod parts {
    pub use fpgaflow_abi::MAX_PORTS;
    pub use fpgaflow_abi::counters::TICK_SHIFT;
    pub use fpgaflow_abi::fragment;
    pub use fpgaflow_abi::geometry::Geometry;
    pub use fpgaflow_abi::hash::SECRET_BITS;
    pub use fpgaflow_abi::regs::FRAGMENT_LIFETIME_BITS;

    pub use super::sizes::{self, HOST_BEAT_BITS};
    pub use super::{BadRows, CLEAR_LATENCY, Clear, Credits};
    pub use crate::counters::{BARRIER_CLOCKS, Counters};
    pub use crate::host::HostSide;
    pub use crate::host::command::ROW_STANDS;
    pub use crate::host::regs::axi_lite::ADDRESS_BITS;
    pub use crate::parse::{self, Parser};
    pub use crate::prim::Width;
    pub use crate::records::{
        BeatSink, BeatSource, CLOCK_BITS, CounterReply, CounterRequest, FlowAction, FrameInfo, L2Record, LENGTH_BITS, PORT_BITS,
        Parsed, PuntInfo, REASON_BITS, SEEN_BITS, TableWrite, Verdict,
    };
    pub use crate::rx::WireSink;
    pub use crate::table::{self, FlowTable, RingDelay};
    pub use crate::tx::{Merges, Widen, WireSource, word_bits};
    pub use crate::verdict::VerdictStage;
}

/// Table sizes of an engine, each a power of two.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tables {
    /// Buckets of a bank, as a power of two; the stash follows from it.
    pub bucket_bits: u8,
    /// IPv4 entries.
    pub entries_v4: u32,
    /// IPv6 entries.
    pub entries_v6: u32,
    /// Next hops.
    pub next_hops: u32,
}

impl Tables {
    /// Tables of the builds for co-simulation: 8,192 slots, 8,192 IPv4 and 2,048 IPv6 entries, 256 next hops.
    pub const COSIMULATED: Self = Self { bucket_bits: 10, entries_v4: 1 << 13, entries_v6: 1 << 11, next_hops: 1 << 8 };

    /// An engine of `width_bits` and `ports` with these tables and the longest frame. A board's build sets clock and build number.
    pub const fn geometry(self, width_bits: u16, ports: u8) -> Geometry {
        Geometry {
            width_bits,
            ports,
            hash_bits: sizes::hash_bits(width_bits),
            bucket_bits: self.bucket_bits,
            stash: stash_for((BANKS * WAYS) << self.bucket_bits) as u8,
            entries_v4: self.entries_v4,
            entries_v6: self.entries_v6,
            next_hops: self.next_hops,
            max_frame_bytes: MAX_FRAME_BYTES,
            clock_hz: 0,
            build_id: 0,
        }
    }
}

crate::engine! {
    /// Two ports, 64 bits.
    pub mod engine64 = Tables::COSIMULATED.geometry(64, 2);
}

crate::engine! {
    /// Two ports, 512 bits.
    pub mod engine512 = Tables::COSIMULATED.geometry(512, 2);
}

pub use engine64::{Engine as Engine64, GEOMETRY as GEOMETRY_64};
pub use engine512::{Engine as Engine512, GEOMETRY as GEOMETRY_512};
