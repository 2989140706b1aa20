//! What tests of the command share: running it, and files for it.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::Duration;

use fpgaflow_abi::geometry::{Geometry, MAX_FRAME_BYTES};
use fpgaflow_abi::hash::HASH_BITS;
use fpgaflow_flows::{FlowSet, PortAddress, SetNextHop};
use fpgaflow_traffic::Scenario;
use pcap_file::pcap::{PcapHeader, PcapPacket, PcapReader, PcapWriter};
use pcap_file::{Endianness, TsResolution};
use serde_json::Value;

/// Size of the card that traffic is drawn for.
pub const GEOMETRY: Geometry = Geometry {
    width_bits: 64,
    ports: 2,
    hash_bits: HASH_BITS as u8,
    bucket_bits: 9,
    stash: 8,
    entries_v4: 4096,
    entries_v6: 2048,
    next_hops: 256,
    max_frame_bytes: MAX_FRAME_BYTES,
    clock_hz: 0,
    build_id: 0,
};

/// Runs `fpgaflow` with these arguments.
pub fn fpgaflow(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_fpgaflow")).args(arguments).output().expect("the command can be started")
}

/// Writes FLOWS.json for a scenario, whose next hops must all be valid. Port 1 has an address of its own.
pub fn write_flows(dir: &Path, scenario: &Scenario) -> PathBuf {
    let next_hops = (100..).zip(&scenario.next_hops).map(|(id, hop)| SetNextHop { id, hop: *hop }).collect();
    let ports = vec![PortAddress { port: 1, mac: [2, 0, 0, 0, 0, 1] }];
    let set = FlowSet { next_hops, flows: scenario.flows.clone(), ports };
    let path = dir.join("flows.json");
    std::fs::write(&path, serde_json::to_string(&set.to_file()).unwrap()).unwrap();
    path
}

/// Writes a capture; frames come a microsecond apart, from `start` microseconds on.
pub fn write_pcap(path: &Path, frames: &[Vec<u8>], start: u64, resolution: TsResolution, endianness: Endianness) {
    let header = PcapHeader { ts_resolution: resolution, endianness, ..PcapHeader::default() };
    let mut writer = PcapWriter::with_header(std::fs::File::create(path).unwrap(), header).unwrap();
    for (time, frame) in (start..).zip(frames) {
        writer.write_packet(&PcapPacket::new(Duration::from_micros(time), frame.len() as u32, frame)).unwrap();
    }
}

/// The frames of a capture.
pub fn read_pcap(path: &Path) -> Vec<Vec<u8>> {
    let mut reader = PcapReader::new(std::fs::File::open(path).unwrap()).unwrap();
    std::iter::from_fn(|| reader.next_packet().map(|packet| packet.unwrap().data.into_owned())).collect()
}

/// Replays `frames` by port 0 through `engine`, its name and options, and returns what left by port 1, what the host got, and the statistics.
pub fn replay(engine: &[&str], dir: &Path, frames: &[Vec<u8>]) -> (Vec<Vec<u8>>, Vec<Vec<u8>>, Value) {
    write_pcap(&dir.join("in.pcap"), frames, 0, TsResolution::NanoSecond, Endianness::Little);
    let path = |name: &str| dir.join(name).display().to_string();
    let rx = format!("0={}", path("in.pcap"));
    let files = ["--flows", &path("flows.json"), "--rx", &rx, "--out", &path("out")];
    let run = fpgaflow(&[&["replay", "--engine"], engine, &files[..]].concat());
    assert!(run.status.success(), "{engine:?}: {run:?}");
    let stats = std::fs::read_to_string(dir.join("out/stats.json")).unwrap();
    let capture = |name: &str| read_pcap(&dir.join("out").join(name));
    (capture("port1.pcap"), capture("host.pcap"), serde_json::from_str(&stats).unwrap())
}
