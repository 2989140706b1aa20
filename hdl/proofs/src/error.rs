//! What can go wrong with a proof.

use std::io;
use std::path::PathBuf;

use fpgaflow_faults::NotOnce;
use fpgaflow_hdl::emit;

/// A proof that is none.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file could not be used.
    #[error("{verb} {}: {source}", .path.display())]
    Io {
        /// What was tried.
        verb: &'static str,
        /// On what.
        path: PathBuf,
        /// Why it failed.
        source: io::Error,
    },
    /// The head of a property's file lacks a line or has one that says nothing.
    #[error("{}: no usable line `// {key}: ...` in its head", .path.display())]
    Head {
        /// The file.
        path: PathBuf,
        /// What the line begins with.
        key: &'static str,
    },
    /// A property names a block that there is none of.
    #[error("{name}: there is no block {block:?}")]
    NoBlock {
        /// The property.
        name: String,
        /// What it names.
        block: String,
    },
    /// The block cannot be emitted.
    #[error("{name}: {source}")]
    Emit {
        /// The property.
        name: String,
        /// Why not.
        source: emit::Error,
    },
    /// The mutant's change does not fit the block.
    #[error("{name}, mutant {mutant:?}: {source}")]
    Mutant {
        /// The property.
        name: String,
        /// The mutant.
        mutant: String,
        /// Why not.
        source: NotOnce,
    },
    /// A tool failed, or did not come to an end in its time.
    #[error("{name}: {tool} in {}:\n{output}", .directory.display())]
    Tool {
        /// The property.
        name: String,
        /// What was run.
        tool: &'static str,
        /// Where.
        directory: PathBuf,
        /// The last lines of what it said.
        output: String,
    },
    /// The property does not hold.
    #[error("{name}: refuted at step {step}: {assertion}; its files are in {}", .directory.display())]
    Refuted {
        /// The property.
        name: String,
        /// Clocks after the beginning.
        step: u32,
        /// What does not hold.
        assertion: String,
        /// Verilog, SMT and the trace.
        directory: PathBuf,
    },
    /// The property holds as far as it was looked, but does not follow from itself: induction fails.
    #[error("{name}: induction over {clocks} clocks does not prove it: {assertion}; its files are in {}", .directory.display())]
    NotInductive {
        /// The property.
        name: String,
        /// Length of the induction.
        clocks: u32,
        /// What does not follow.
        assertion: String,
        /// Verilog, SMT and the trace.
        directory: PathBuf,
    },
    /// The mutant has the property, as far as it was looked.
    #[error("{name}: the mutant {mutant:?} is not caught within {depth} steps; its files are in {}", .directory.display())]
    NotCaught {
        /// The property.
        name: String,
        /// The mutant.
        mutant: String,
        /// Steps that were looked at.
        depth: u32,
        /// Verilog and SMT.
        directory: PathBuf,
    },
}
