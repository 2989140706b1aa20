//! `fpgaflow demo`.

use clap::Args;
use tracing_subscriber::filter::LevelFilter;

use crate::width::Width;
use crate::{demo, logging, signals};

/// Moves a file by TCP and a stream of UDP from a client to a server through a router whose ports are the verilated card's.
///
/// Everything is in network namespaces that vanish with this program. Needs root. Fails when the file arrives changed, when a datagram is lost
/// or when the card forwarded less than 90 % of the packets.
#[derive(Debug, Args)]
pub struct Demo {
    /// Bytes of the file, in MiB.
    #[arg(long, value_name = "MIB", default_value_t = 8, value_parser = clap::value_parser!(u64).range(1..=4096))]
    file_mib: u64,
    /// UDP datagrams that are sent and echoed.
    #[arg(long, value_name = "COUNT", default_value_t = 2000, value_parser = clap::value_parser!(u64).range(1..))]
    datagrams: u64,
    /// Width of the card's data path in bits.
    #[arg(long, value_enum, default_value = "64")]
    width: Width,
    /// Print the figures as one JSON object on the last line.
    #[arg(long)]
    json: bool,
}

impl Demo {
    pub(super) fn run(self) -> anyhow::Result<()> {
        logging::start(LevelFilter::WARN)?;
        let stop = demo::Stop::default();
        let theirs = stop.clone();
        signals::on_end(move || theirs.ask())?;
        let size = demo::Size { file_bytes: self.file_mib << 20, datagrams: self.datagrams };
        let report = demo::run(self.width, size, &stop)?;
        println!("{report}");
        if self.json {
            println!("{}", report.to_json()?);
        }
        match report.failure() {
            Some(failure) => anyhow::bail!("the demonstration failed: {failure}"),
            None => Ok(()),
        }
    }
}
