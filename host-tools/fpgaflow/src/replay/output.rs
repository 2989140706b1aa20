//! The directory of results.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context;
use fpgaflow_abi::reason::Reason;
use pcap_file::pcap::{PcapHeader, PcapPacket, PcapWriter};
use pcap_file::{DataLink, Endianness, TsResolution};
use serde::Serialize;

use super::engine::{Exit, Sink};
use super::stats::Stats;

/// One line of punts.jsonl.
#[derive(Debug, Serialize)]
struct Punt {
    port: u8,
    reason: &'static str,
}

/// A capture that is being written.
struct Capture {
    path: PathBuf,
    writer: PcapWriter<BufWriter<File>>,
    frames: u64,
}

impl Capture {
    fn create(path: PathBuf) -> anyhow::Result<Self> {
        let header = PcapHeader {
            datalink: DataLink::ETHERNET,
            // Longer than any frame of any engine; what libpcap calls unlimited.
            snaplen: 262_144,
            ts_resolution: TsResolution::NanoSecond,
            endianness: Endianness::Little,
            ..PcapHeader::default()
        };
        let name = path.display().to_string();
        let file = File::create(&path).with_context(|| format!("{name}: cannot be created"))?;
        let writer =
            PcapWriter::with_header(BufWriter::new(file), header).with_context(|| format!("{name}: cannot be written"))?;
        Ok(Self { path, writer, frames: 0 })
    }

    fn write(&mut self, time: Duration, frame: &[u8]) -> anyhow::Result<()> {
        let packet = PcapPacket::new(time, frame.len() as u32, frame);
        self.writer.write_packet(&packet).with_context(|| format!("{}: cannot be written", self.path.display()))?;
        self.frames += 1;
        Ok(())
    }

    fn finish(self) -> anyhow::Result<()> {
        self.writer.into_writer().flush().with_context(|| format!("{}: cannot be written", self.path.display()))
    }
}

/// The directory of results: a [`Sink`] that writes what leaves.
pub struct OutputDir {
    dir: PathBuf,
    ports: Vec<Capture>,
    host: Capture,
    punts: BufWriter<File>,
}

impl OutputDir {
    /// Creates `dir` where it does not exist, and in it the files for an engine of so many ports, in place of earlier ones.
    ///
    /// # Errors
    /// When one cannot be created.
    pub fn create(dir: &Path, ports: u8) -> anyhow::Result<Self> {
        std::fs::create_dir_all(dir).with_context(|| format!("{}: cannot be created", dir.display()))?;
        let ports = (0..ports).map(|port| Capture::create(dir.join(format!("port{port}.pcap")))).collect::<Result<_, _>>()?;
        let punts = dir.join("punts.jsonl");
        Ok(Self {
            dir: dir.into(),
            ports,
            host: Capture::create(dir.join("host.pcap"))?,
            punts: BufWriter::new(File::create(&punts).with_context(|| format!("{}: cannot be created", punts.display()))?),
        })
    }

    /// Frames that left by ports.
    pub fn sent(&self) -> u64 {
        self.ports.iter().map(|port| port.frames).sum()
    }

    /// Frames that went to the host.
    pub fn punted(&self) -> u64 {
        self.host.frames
    }

    fn write_punt(&mut self, port: u8, reason: Reason) -> anyhow::Result<()> {
        let line = serde_json::to_string(&Punt { port, reason: reason.name() })?;
        writeln!(self.punts, "{line}").with_context(|| format!("{}: cannot be written", self.dir.join("punts.jsonl").display()))
    }

    /// Writes stats.json and all that is buffered.
    ///
    /// # Errors
    /// When a file cannot be written.
    pub fn finish(mut self, stats: &Stats) -> anyhow::Result<()> {
        let wrong = |name: &str| format!("{}: cannot be written", self.dir.join(name).display());
        self.punts.flush().with_context(|| wrong("punts.jsonl"))?;
        let text = serde_json::to_string_pretty(stats)? + "\n";
        std::fs::write(self.dir.join("stats.json"), text).with_context(|| wrong("stats.json"))?;
        self.ports.into_iter().chain([self.host]).try_for_each(Capture::finish)
    }
}

impl Sink for OutputDir {
    fn leave(&mut self, exit: Exit, time: Duration, frame: &[u8]) -> anyhow::Result<()> {
        match exit {
            Exit::Port(port) => {
                let capture = self.ports.get_mut(usize::from(port));
                capture
                    .with_context(|| format!("the engine sent a frame by port {port}, which it does not have"))?
                    .write(time, frame)
            }
            Exit::Host { ingress, reason } => {
                self.host.write(time, frame)?;
                self.write_punt(ingress, reason)
            }
        }
    }
}
