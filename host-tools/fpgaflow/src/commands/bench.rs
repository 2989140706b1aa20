//! `fpgaflow bench`.

use std::time::Duration;

use clap::{Args, Subcommand};
use fpgaflow_driver::bench::transport::Workload;
use fpgaflow_driver::transport::spec::CardSpec;

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
    #[cfg(feature = "sim")]
    Cosim {
        /// Width of the data path in bits.
        #[arg(long, value_enum, default_value = "64")]
        width: crate::width::Width,
        /// Print the figures as one JSON object.
        #[arg(long)]
        json: bool,
    },
    /// The ways to a card: register reads, commands and frames a second
    Transport {
        /// A card, once for each; without one, the verilated card in this process and over a socket.
        #[arg(long, value_name = "CARD")]
        card: Vec<CardSpec>,
        /// Seconds of each of the three parts.
        #[arg(long, value_name = "SECONDS", default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..=3600))]
        seconds: u64,
        /// Print the figures as one JSON array.
        #[arg(long)]
        json: bool,
    },
}

impl Bench {
    pub(super) fn run(self) -> anyhow::Result<()> {
        match self.what {
            #[cfg(feature = "sim")]
            What::Cosim { width, json } => {
                let report = bench::cosim::run(width)?;
                match json {
                    true => println!("{}", serde_json::to_string(&report)?),
                    false => println!("{report}"),
                }
            }
            What::Transport { card, seconds, json } => {
                let workload = Workload { duration: Duration::from_secs(seconds), ..Workload::default() };
                let reports = match card.as_slice() {
                    [] => bench::transport::run_all(&workload)?,
                    cards => cards.iter().map(|card| bench::transport::run(card, &workload)).collect::<Result<_, _>>()?,
                };
                match json {
                    true => println!("{}", serde_json::to_string(&reports)?),
                    false => reports.iter().for_each(|report| println!("{report}")),
                }
            }
        }
        Ok(())
    }
}
