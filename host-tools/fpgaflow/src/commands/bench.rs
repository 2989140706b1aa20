//! `fpgaflow bench`.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand};
use fpgaflow_driver::bench::transport::Workload;
use fpgaflow_driver::transport::spec::CardSpec;

use crate::bench;
use crate::bench::placement;

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
        /// Measure frames a clock for every frame size at both widths instead, and write figures and a plot into this directory.
        #[arg(long, value_name = "DIR", conflicts_with_all = ["width", "json"])]
        report: Option<PathBuf>,
        /// Print the figures as one JSON object.
        #[arg(long)]
        json: bool,
    },
    /// Placement of flows in the table: load at the first refusal, inserts a second, moves
    Placement {
        /// Slots of the table, a power of two, once for each size; without one, 4 k, 64 k and 1 M.
        #[arg(long, value_name = "SLOTS", value_parser = placement::parse_size)]
        entries: Vec<u32>,
        /// The first seed.
        #[arg(long, value_name = "SEED", env = "FPGAFLOW_SEED", default_value_t = 1)]
        seed: u64,
        /// Seeds one after the other.
        #[arg(long, value_name = "COUNT", default_value_t = 3, value_parser = clap::value_parser!(u64).range(1..=1000))]
        seeds: u64,
        /// Write a report with a plot of moves by load into this directory.
        #[arg(long, value_name = "DIR")]
        report: Option<PathBuf>,
        /// Print the figures as one JSON array, an object for each size.
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
            What::Cosim { report: Some(dir), .. } => {
                let sweeps = bench::cosim::sizes::run()?;
                bench::cosim::sizes::write_report(&sweeps, &dir)?;
                for sweep in &sweeps {
                    if let Some((frame_bytes, share)) = sweep.worst() {
                        println!(
                            "{} bits: at least {:.2} % of a data path without bubbles, at {frame_bytes} bytes",
                            sweep.width_bits(),
                            100.0 * share
                        );
                    }
                }
                println!("see {}", dir.display());
            }
            #[cfg(feature = "sim")]
            What::Cosim { width, report: None, json } => {
                let report = bench::cosim::run(width)?;
                match json {
                    true => println!("{}", serde_json::to_string(&report)?),
                    false => println!("{report}"),
                }
            }
            What::Placement { entries, seed, seeds, report, json } => {
                let sizes = if entries.is_empty() { placement::SIZES.into() } else { entries };
                let reports = placement::run(&placement::Request { sizes, seed, seeds });
                if let Some(dir) = report {
                    placement::write_report(&reports, &dir)?;
                }
                if json {
                    println!("{}", serde_json::to_string(&reports)?);
                } else {
                    println!("{seeds} seeds from {seed}, the worst of them\n{}", placement::COLUMNS);
                    reports.iter().for_each(|report| println!("{report}"));
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
