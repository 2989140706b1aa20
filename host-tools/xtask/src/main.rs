//! Tasks of the workspace: `cargo xtask <task>`. Each installs what it needs and says what it installed.

mod boards;
mod fpga;
mod mutate;
mod packages;
mod prove;
mod registers;
mod run;
mod soak;
mod test;
mod venv;
mod vm;

use std::path::PathBuf;

use anyhow::Result;
use clap::{Parser, Subcommand};

use crate::packages::Need;

/// Build and test fpgaflow.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Debug, Subcommand)]
enum Task {
    /// Build the release binary, verilated card included: target/release/fpgaflow
    Build,
    /// Build it, then run `fpgaflow demo`: real connections through the verilated card
    Demo {
        /// Arguments of `fpgaflow demo`
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// Everything that has to hold: format, lints, generated pages, tests
    Test,
    /// The differential tests of RTL and golden model with millions of frames
    Soak(soak::Soak),
    /// The release binary drives the verilated card through VFIO, in a guest of QEMU with an IOMMU
    TestVm,
    /// Prove properties of the engine's blocks, and show that each proof catches a mutant
    Prove(prove::Prove),
    /// Seed single faults into the HDL, one at a time, and show which test finds each
    Mutate(mutate::Mutate),
    /// Write the generated pages under docs/
    Docs,
    /// Place and route a board's engine with open tools, and say what clock and cells came out
    Pnr(fpga::Pnr),
    /// Synthesize a board's engine with yosys, for its counts
    Synth(fpga::Synth),
    /// Write the Verilog of a board's engine, for the tools of its vendor
    Verilog {
        /// ecp5-45f, alveo-u50 or kcu3p
        #[arg(long)]
        board: String,
        /// Where to; target/boards/BOARD without it
        #[arg(long)]
        out: Option<PathBuf>,
    },
}

fn main() -> Result<()> {
    match Arguments::parse().task {
        Task::Build => build(),
        Task::Demo { arguments } => {
            packages::ensure(&[Need::Network])?;
            build()?;
            run::fpgaflow("demo", &arguments)
        }
        Task::Test => {
            packages::ensure(&[Need::Compiler, Need::Verilator, Need::Network, Need::Yosys, Need::Python])?;
            test::all()
        }
        Task::Soak(arguments) => {
            packages::ensure(&[Need::Compiler, Need::Verilator])?;
            soak::soak(&arguments)
        }
        Task::TestVm => {
            packages::ensure(&[Need::Compiler, Need::Verilator])?;
            vm::test()
        }
        Task::Prove(arguments) => {
            packages::ensure(&[Need::Yosys, Need::Python])?;
            prove::prove(&arguments)
        }
        Task::Mutate(arguments) => {
            packages::ensure(&[Need::Compiler, Need::Verilator, Need::Yosys])?;
            mutate::mutate(&arguments)
        }
        Task::Docs => {
            registers::write()?;
            boards::write_pages()?;
            fpga::write()
        }
        Task::Pnr(arguments) => fpga::pnr(&arguments),
        Task::Synth(arguments) => fpga::synth(&arguments),
        Task::Verilog { board, out } => boards::write_verilog(&board, out.as_deref()),
    }
}

fn build() -> Result<()> {
    packages::ensure(&[Need::Compiler, Need::Verilator])?;
    run::cargo(["build", "--release", "--locked", "--package", "fpgaflow", "--features", "sim"])?;
    println!("built {}", run::release_binary().display());
    Ok(())
}
