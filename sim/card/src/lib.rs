//! The verilated card: the engine's RTL, clocked in process, with host memory, Ethernet ports and interrupts around it.
//!
//! ```text
//!  driver --Transport--> CosimTransport --+-- registers (AXI4-Lite)
//!                                         |
//!              DmaBuffers <-- HostMemory -+-- Card: the RTL, one clock at a time
//!                                         |
//!    frames in and out <--- PortStreams --+-- interrupts --> eventfds
//! ```
//! [`Card`] is single-threaded and deterministic: given the same frames, stalls and register accesses it does the same in every
//! clock. [`Runner`] clocks one from a thread of its own with its ports on network interfaces, for live traffic.

mod axi_lite;
mod card;
mod damage;
mod foreign_memory;
mod host_memory;
mod model;
pub mod ports;
mod runner;
mod stalls;
mod stream;
mod transport;

pub use card::{Card, CardError, Timing};
pub use foreign_memory::{ForeignFiles, ForeignMemory};
pub use model::{Build, Width};
pub use runner::{Runner, RunnerStats};
pub use stalls::Stalls;
pub use stream::{RxFrame, TxFrame};
pub use transport::CosimTransport;
