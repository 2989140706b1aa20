//! The primitives all blocks are made of.
//!
//! Everything here runs on one clock, `clock`, with a synchronous active-high `reset`. Reset clears valid bits, pointers
//! and counters; payload registers keep what they hold, because nothing looks at them while valid is low.
//!
//! | block | latency in clocks | throughput |
//! |---|---|---|
//! | [`Skid`] | 1 | one word a clock |
//! | [`StreamFifo`], [`FrameFifo`] | 3 from push (or commit) to valid | one word a clock |
//! | [`CutFifo`], [`SmallFifo`] | 1 when empty | one word a clock |
//! | [`RamReg`] | 2 from address to data | one read and one write a clock |
//! | [`ParityRam`] | 2 from address to data, 3 to `bad` | one read and one write a clock |
//! | [`SmallRam`] | 1 from address to data | one read and one write a clock |
//! | [`Delay`] | `N` | one word a clock |

mod cut_fifo;
mod delay;
mod fifo;
mod memory;
mod pace;
mod parity;
mod ram;
mod skid;
mod small_fifo;
mod small_ram;
mod stream;
mod variant;
mod width;
pub(crate) mod xor_tree;

pub use cut_fifo::CutFifo;
pub use delay::Delay;
pub use fifo::{FrameFifo, StreamFifo};
pub use memory::Memory;
pub use pace::Pace;
pub use parity::{AddParity, PARITY_BITS, ParityCheck, ParityRam};
pub use ram::RamReg;
pub use skid::Skid;
pub use small_fifo::SmallFifo;
pub use small_ram::SmallRam;
pub use stream::{StreamSink, StreamSource};
pub use variant::{RamShape, RamVariant, ecp5_blocks};
pub use width::Width;
