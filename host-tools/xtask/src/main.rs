//! Tasks of the workspace: `cargo xtask <task>`. Each installs what it needs and says what it installed.

mod packages;
mod registers;
mod run;
mod test;

use std::ffi::OsString;

use anyhow::Result;
use clap::{Parser, Subcommand};

use crate::packages::Need;

/// Build, test and demonstrate fpgaflow.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Debug, Subcommand)]
enum Task {
    /// Build the release binary with the verilated card: target/release/fpgaflow
    Build,
    /// A real connection through the RTL: client, router and server in network namespaces
    Demo {
        /// Arguments of `fpgaflow demo`
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<OsString>,
    },
    /// Everything that has to hold: format, lints, generated pages, tests
    Test,
    /// Write the generated pages under docs/
    Docs,
}

fn main() -> Result<()> {
    match Arguments::parse().task {
        Task::Build => build(),
        Task::Demo { arguments } => {
            packages::ensure(&[Need::Compiler, Need::Verilator, Need::Network])?;
            run::cargo_release_binary()?;
            run::exec(run::release_binary(), [OsString::from("demo")].into_iter().chain(arguments))
        }
        Task::Test => {
            packages::ensure(&[Need::Compiler, Need::Verilator, Need::Network, Need::Yosys])?;
            test::all()
        }
        Task::Docs => registers::write(),
    }
}

fn build() -> Result<()> {
    packages::ensure(&[Need::Compiler, Need::Verilator])?;
    run::cargo_release_binary()?;
    println!("built {}", run::release_binary().display());
    Ok(())
}
