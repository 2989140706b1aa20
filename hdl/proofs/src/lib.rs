//! Properties of the engine's blocks, proven of the Verilog that is emitted; `docs/proofs.md` says what and how.
//!
//! A file of `properties/` is one proof: what it shows, how, a module `proof` around the block with assumptions and assertions, and a
//! mutant of the block that it is shown to refute ([`Property`]). `lib/` has what several use: a word followed through a FIFO, the
//! rules of a stream, ones' complement sums. [`check`] runs a proof and its mutant with yosys, yosys-smtbmc and z3.

pub mod blocks;
mod error;
mod memory;
mod property;
mod prover;

pub use error::Error;
pub use property::{Property, properties};
pub use prover::{Caught, Outcome, Tools, check};
