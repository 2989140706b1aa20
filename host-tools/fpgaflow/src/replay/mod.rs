//! Packets from capture files through an engine: the contract of `fpgaflow replay`.
//!
//! ```text
//!  FLOWS.json ----> Engine::configure
//!  PORT=IN.pcap --> merge by time --> Engine::feed --> portN.pcap, host.pcap, punts.jsonl
//!                                     Engine::tally -> stats.json
//! ```
//! # Contract
//! All input is read and checked before the engine is configured and before anything is written. An error is one line that names
//! file and field.

mod capture;
mod engine;
mod golden;
mod output;
#[cfg(feature = "sim")]
mod rtl;
mod software;
mod stats;
#[cfg(feature = "sim")]
mod times;

use std::path::PathBuf;

use anyhow::{Context, bail};
use fpgaflow_flows::FlowSet;

use capture::Merge;
use output::OutputDir;

pub use engine::{Engine, Pace};
pub use golden::GoldenEngine;
#[cfg(feature = "sim")]
pub use rtl::RtlEngine;
pub use software::SoftwareEngine;
pub use stats::Stats;

/// Packets that come in by one port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Input {
    /// The port.
    pub port: u8,
    /// The capture.
    pub file: PathBuf,
}

/// What is to be replayed.
#[derive(Debug, Clone)]
pub struct Job {
    /// FLOWS.json.
    pub flows: PathBuf,
    /// One capture for each port that gets packets.
    pub inputs: Vec<Input>,
    /// Directory for the results.
    pub out: PathBuf,
    /// When packets come in.
    pub pace: Pace,
    /// Forward fragments, if the engine can.
    pub fragments: bool,
}

/// Replays `job` through `engine`.
///
/// # Errors
/// Input that cannot be used, output that cannot be written, and failures of the engine.
pub fn run(engine: &mut dyn Engine, job: &Job) -> anyhow::Result<Stats> {
    let limits = engine.limits();
    let ports = limits.geometry.ports;
    let set = FlowSet::read(&job.flows)?;
    set.check(&job.flows.display().to_string(), &limits)?;
    let mut captures = Vec::new();
    for (i, input) in job.inputs.iter().enumerate() {
        if input.port >= ports {
            bail!(
                "--rx {}={}: there is no port {}; the ports are 0 to {}",
                input.port,
                input.file.display(),
                input.port,
                ports - 1
            );
        }
        if job.inputs[..i].iter().any(|earlier| earlier.port == input.port) {
            bail!("--rx {}={}: port {} has a capture already", input.port, input.file.display(), input.port);
        }
        captures.push((input.port, capture::read(&input.file).with_context(|| input.file.display().to_string())?));
    }
    engine.configure(&set)?;
    if job.fragments {
        engine.forward_fragments()?;
    }
    let mut out = OutputDir::create(&job.out, ports)?;
    let mut received = 0;
    engine.feed(&mut Merge::new(captures).inspect(|_| received += 1), job.pace, &mut out)?;
    let stats = Stats::new(received, &out, engine.tally()?);
    out.finish(&stats)?;
    Ok(stats)
}
