//! The subcommands. Each module has the arguments of one, and `run`.

mod bench;
mod cards;
mod check;
#[cfg(feature = "sim")]
mod demo;
mod offload_sync;
mod replay;
#[cfg(feature = "sim")]
mod sim;

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
    Bench(bench::Bench),
    Check(check::Check),
    #[cfg(feature = "sim")]
    #[command(subcommand)]
    Sim(sim::Sim),
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
            Command::Bench(bench) => bench.run(),
            Command::Check(check) => check.run(),
            #[cfg(feature = "sim")]
            Command::Sim(sim) => sim.run(),
        }
    }
}

/// What a binary says to `--card sim` that does not have it.
#[cfg(not(feature = "sim"))]
pub fn without_sim() -> anyhow::Error {
    anyhow::anyhow!("--card sim: this binary was built without the verilated card; build it with `cargo xtask build`")
}
