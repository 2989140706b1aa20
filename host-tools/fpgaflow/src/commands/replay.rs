//! `fpgaflow replay`: packets from capture files through an engine.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use crate::replay::{self, Input, Job, Pace};
use crate::width::Width;

/// Sends packets from capture files through an engine and writes what comes out of it.
///
/// DIR gets portN.pcap for every port, host.pcap with the frames for the host in order, punts.jsonl with their ports and
/// reasons, and stats.json.
#[derive(Debug, Args)]
pub struct Replay {
    /// What handles the packets.
    #[arg(long, value_enum)]
    engine: EngineName,
    /// Width of the data path in bits.
    #[arg(long, value_enum, default_value = "64")]
    width: Width,
    /// Flows, next hops and ports.
    #[arg(long, value_name = "FLOWS.json")]
    flows: PathBuf,
    /// Packets that come in by a port, pcap or pcapng; once for each port.
    #[arg(long, value_name = "PORT=IN.pcap", value_parser = parse_input, required = true)]
    rx: Vec<Input>,
    /// Directory for the results, created where it does not exist.
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// When packets come in. Engines without a clock take them in the order of their timestamps either way.
    #[arg(long, value_enum, default_value = "back-to-back")]
    pace: PaceName,
    /// Forward fragments of the flows, too, instead of punting them. The software flowtable punts them all the same.
    #[arg(long)]
    fragments: bool,
    /// Print the statistics as one JSON object.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum EngineName {
    /// The verilated card, programmed by the driver.
    #[cfg(feature = "sim")]
    Rtl,
    /// The golden model.
    Golden,
    /// The driver's software flowtable.
    Software,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum PaceName {
    /// As fast as the engine takes them.
    BackToBack,
    /// As their timestamps say.
    Timestamps,
}

fn parse_input(text: &str) -> Result<Input, String> {
    let (port, file) = text.split_once('=').ok_or("expected PORT=FILE")?;
    let port = port.parse().map_err(|_| format!("\"{port}\" is not a port number"))?;
    if file.is_empty() { Err("expected a file name behind =".into()) } else { Ok(Input { port, file: file.into() }) }
}

impl Replay {
    pub(super) fn run(self) -> anyhow::Result<()> {
        let pace = match self.pace {
            PaceName::BackToBack => Pace::BackToBack,
            PaceName::Timestamps => Pace::Timestamps,
        };
        let mut engine: Box<dyn replay::Engine> = match self.engine {
            #[cfg(feature = "sim")]
            EngineName::Rtl => Box::new(replay::RtlEngine::new(self.width)?),
            EngineName::Golden => Box::new(replay::GoldenEngine::new(self.width)),
            EngineName::Software => Box::new(replay::SoftwareEngine::new()),
        };
        let job = Job { flows: self.flows, inputs: self.rx, out: self.out.clone(), pace, fragments: self.fragments };
        let stats = replay::run(engine.as_mut(), &job)?;
        if self.json {
            println!("{}", serde_json::to_string(&stats)?);
        } else {
            println!("{stats}; see {}", self.out.display());
        }
        Ok(())
    }
}
