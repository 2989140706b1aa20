//! The subcommands. Each module has the arguments of one, and `run`.

#[cfg(feature = "sim")]
mod bench;
mod cards;
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
    Cards(cards::Cards),
    Bind(cards::Bind),
    Unbind(cards::Unbind),
    Doctor(cards::Doctor),
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
            Command::Cards(cards) => cards.run(),
            Command::Bind(bind) => bind.run(),
            Command::Unbind(unbind) => unbind.run(),
            Command::Doctor(doctor) => doctor.run(),
            #[cfg(feature = "sim")]
            Command::Bench(bench) => bench.run(),
        }
    }
}
