//! `fpgaflow bench`.

use clap::{Args, Subcommand};

use crate::bench;

/// Measures what there is here, each in one run.
#[derive(Debug, Args)]
pub struct Bench {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// The verilated card: frames and beats a clock, latency in clocks, clocks a second
    Cosim(Output),
}

#[derive(Debug, Args)]
struct Output {
    /// Print the figures as one JSON object.
    #[arg(long)]
    json: bool,
}

impl Bench {
    pub(super) fn run(self) -> anyhow::Result<()> {
        let What::Cosim(Output { json }) = self.what;
        let report = bench::cosim::run()?;
        match json {
            true => println!("{}", serde_json::to_string(&report)?),
            false => println!("{report}"),
        }
        Ok(())
    }
}
