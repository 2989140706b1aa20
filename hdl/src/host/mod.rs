//! The host side: everything between the engine and the host's bus.
//!
//! | block | does |
//! |---|---|
//! | [`side`] | all of it, wired |
//! | [`regs`] | AXI4-Lite registers, port and reason counters |
//! | [`ring`] | registers and life of one ring |
//! | [`fetch`] | reads descriptors ahead, checks their CRC, hands them on |
//! | [`command`], [`dump`] | commands to the tables; bulk read of counters |
//! | [`c2h`] | punted frames into the host's buffers |
//! | [`h2c`], [`frame_store`] | the host's frames to a port |
//! | [`retire`] | keeps frame descriptors until the bus has answered |
//! | [`completions`] | the completion ring |
//! | [`irq`] | interrupts, moderated |
//! | [`read_master`], [`write_master`] | the AXI4 master |
//!
//! The rest are parts: [`bursts`], [`crc32`], [`frame_taker`], [`place`], [`shelf`], [`turn`]; [`types`] is what they pass on.

pub mod bursts;
pub mod c2h;
pub mod command;
pub mod completions;
pub mod crc32;
pub mod dump;
pub mod fetch;
pub mod frame_store;
pub mod frame_taker;
pub mod h2c;
pub mod irq;
pub mod place;
pub mod read_master;
pub mod regs;
pub mod retire;
pub mod ring;
pub mod shelf;
pub mod side;
pub mod turn;
pub mod types;
pub mod write_master;

pub use side::HostSide;
