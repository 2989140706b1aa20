//! What every block's test calls: lints, synthesis checks and simulators.
//!
//! rust-hdl accepts code that means one thing in Rust and another in Verilog. [`check_block`] is the ladder every block climbs
//! in its test: the lint over rust-hdl's syntax tree ([`lint`]), rust-hdl's own checks ([`fpgaflow_hdl::emit`]), yosys
//! ([`synth`]). [`source`] scans the source of the whole crate for what leaves no trace in the syntax tree. [`Bench`] steps a
//! block in rust-hdl's simulator, [`model`] under Verilator.
//!
//! A crate of its own, so the engine does not carry its test tools' dependencies: a dev-dependency of `fpgaflow-hdl`.

mod bench;
mod finding;
pub mod lint;
mod seed;
pub mod source;
pub mod synth;

pub use bench::Bench;
pub use finding::{Finding, Trap, listing};
pub use fpgaflow_verilate::{Model, Port};
pub use seed::{SEED_VARIABLE, rng};
pub use synth::Expect;

use fpgaflow_faults::{say_unbuilt, seeded};
use fpgaflow_hdl::emit::emit;
use fpgaflow_verilate::Source;
use rust_hdl_core::prelude::Block;

/// A model of the block RAM of an ECP5, module `DP16KD`: what the ECP5 variant of a RAM is held against, and what a lint of it needs.
pub const DP16KD: &str = include_str!("dp16kd.v");

/// Checks a block in every way there is; `make` makes it, `name` becomes its top module.
///
/// # Panics
/// With all that was found. This is an assertion for tests.
#[track_caller]
pub fn check_block<U: Block>(name: &str, make: impl Fn() -> U, expect: Expect) {
    let findings = lint::lint(&make(), name);
    assert!(findings.is_empty(), "{name}:\n{}", listing(&findings));
    if let Err(error) = synth::check_synth(&verilog(name, make()), name, expect) {
        panic!("{error}");
    }
}

/// The Verilog of a block, with the fault that the environment asks for ([`fpgaflow_faults`]): tests are to find it.
///
/// # Panics
/// If the block fails one of rust-hdl's checks.
#[track_caller]
pub fn verilog<U: Block>(name: &str, block: U) -> String {
    seeded(emit(block, name).unwrap_or_else(|error| panic!("{error}")))
}

/// The Verilator model of a block.
///
/// # Panics
/// If the block cannot be emitted or its model not built.
#[track_caller]
pub fn model<U: Block>(name: &str, block: U) -> Model {
    let source = Source::new(verilog(name, block), name);
    Model::build(&source).unwrap_or_else(|error| {
        say_unbuilt();
        panic!("{error}")
    })
}
