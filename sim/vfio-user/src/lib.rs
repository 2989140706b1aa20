//! The verilated card as a PCI device on a vfio-user socket: for a driver in another process, or for QEMU, whose guest then has the
//! card behind its own vfio-pci and IOMMU.
//!
//! ```text
//!  client --socket--> Server --messages--> Session --> Function --+-- ConfigSpace: ids, BARs, PCIe with FLR, MSI-X
//!    |                                                            +-- BAR 0: registers of the RTL
//!    '---- memory (files), eventfds ----------------------------> '-- DMA mappings, interrupt vectors
//! ```
//! A [`Runner`](fpgaflow_card::Runner) clocks the card from its own thread; the server's thread only ever waits for the end of the
//! runner's slice, or for the few clocks of one register access.
//!
//! # Contract
//! - Every well-formed command is answered, every malformed one with an error; a peer that does not speak the protocol, sends half a
//!   message or does not take its answers is left after [`PATIENCE`]. Nothing that a peer sends makes the server panic, and what it
//!   can make the server allocate is bounded.
//! - One client at a time; others wait in the socket's queue. When a client is gone, however it went, its mappings and interrupts are
//!   taken back and the card is reset before the next one is served.

mod config_space;
mod function;
mod server;
mod session;

pub use server::{PATIENCE, ServeError, Server, Stopper};
