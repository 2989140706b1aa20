//! `cargo xtask test`: what continuous integration runs, and nothing hidden.

use anyhow::Result;

use crate::{boards, fpga, prove, registers, run, vm};

/// Runs every check, the cheap ones first, and stops at the first that fails.
pub fn all() -> Result<()> {
    step("format");
    run::cargo(["fmt", "--all", "--check"])?;
    step("generated pages");
    registers::check()?;
    boards::check_pages()?;
    fpga::check()?;
    step("lints");
    run::cargo(["clippy", "--locked", "--workspace", "--all-features", "--all-targets", "--", "--deny", "warnings"])?;
    step("lints of the binary without the verilated card");
    run::cargo(["clippy", "--locked", "--package", "fpgaflow", "--", "--deny", "warnings"])?;
    step("tests");
    run::cargo(["test", "--locked", "--workspace", "--all-features", "--no-fail-fast"])?;
    step("quick proofs");
    prove::quick()?;
    step("virtual machine");
    vm::test()
}

fn step(name: &str) {
    println!("==> {name}");
}
