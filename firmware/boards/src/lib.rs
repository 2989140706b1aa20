//! The boards: which device, which engine, and the Verilog that a vendor's tools take in.
//!
//! ```text
//!  Board --geometry--> engine! --emit--> fpgaflow_core --+--> Verilog: fpgaflow_engine around fpgaflow_core
//!                                                        +--> ports, by interface
//!                                                        `--> memories, and the blocks of the device that they take
//! ```
//! A board's shell (MACs, PCIe, clocks, pins) is outside: it connects the ports of [`TOP`]. [`Board::export`] makes everything from
//! the engine's own Verilog, so a page or a wrapper cannot say what the engine does not have.

mod boards;
mod export;
mod memory;
mod page;
mod port;
mod text;
mod variants;
mod wrapper;

pub use boards::{BOARDS, Board, Device, Family, Proof};
pub use export::{Block, Error, Export, TOP};
pub use memory::{Memory, Place, Used};
pub use port::{Direction, Interface, Port};
