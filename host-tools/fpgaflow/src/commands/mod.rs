//! The subcommands. Each module has the arguments of one, and `run`.

#[cfg(feature = "sim")]
mod bench;
#[cfg(feature = "sim")]
mod demo;
mod offload_sync;
mod replay;

use clap::{Parser, Subcommand};

/// Takes established flows off the CPU with an FPGA NIC.
#[derive(Debug, Parser)]
#[command(name = "fpgaflow", version)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    OffloadSync(offload_sync::OffloadSync),
    #[cfg(feature = "sim")]
    Demo(demo::Demo),
    Replay(replay::Replay),
    #[cfg(feature = "sim")]
    Bench(bench::Bench),
}

impl Cli {
    /// Runs the command that was asked for.
    ///
    /// # Errors
    /// Whatever kept it from succeeding, naming file and field, or device and operation.
    pub fn run(self) -> anyhow::Result<()> {
        match self.command {
            Command::OffloadSync(daemon) => daemon.run(),
            #[cfg(feature = "sim")]
            Command::Demo(demo) => demo.run(),
            Command::Replay(replay) => replay.run(),
            #[cfg(feature = "sim")]
            Command::Bench(bench) => bench.run(),
        }
    }
}
