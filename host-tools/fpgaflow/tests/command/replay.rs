//! `fpgaflow replay` from capture files to result files.

use std::collections::BTreeMap;
use std::path::Path;

use crate::common::{GEOMETRY, fpgaflow, read_pcap, write_flows, write_pcap};
use fpgaflow_abi::reason::Reason;
use fpgaflow_golden::{Card, Outcome, PortConfig};
use fpgaflow_traffic::{Frames, Mix, Scenario, Sizes, Variety, rng, seed};
use pcap_file::{Endianness, TsResolution};
use serde_json::Value;
use tempfile::TempDir;

/// Flows and a capture for each port, in a directory of their own.
struct Material {
    dir: TempDir,
    scenario: Scenario,
    frames: [Vec<Vec<u8>>; 2],
}

impl Material {
    fn draw(seed: u64, frames: usize, variety: &Variety) -> Self {
        let mut rng = rng(seed);
        let mut scenario = Scenario::draw(&mut rng, GEOMETRY, 300, variety);
        // A file cannot say that a next hop is not valid.
        scenario.next_hops.iter_mut().for_each(|hop| hop.valid = true);
        let mut stream = Frames::new(rng, &scenario, Mix::everything(), Sizes::Mixed);
        let mut by_port = [Vec::new(), Vec::new()];
        for _ in 0..frames {
            let frame = stream.draw();
            by_port[usize::from(frame.port)].push(frame.bytes);
        }
        let dir = tempfile::tempdir().unwrap();
        write_flows(dir.path(), &scenario);
        write_pcap(&dir.path().join("0.pcap"), &by_port[0], 0, TsResolution::NanoSecond, Endianness::Little);
        write_pcap(&dir.path().join("1.pcap"), &by_port[1], 3, TsResolution::MicroSecond, Endianness::Big);
        Self { dir, scenario, frames: by_port }
    }

    fn path(&self, name: &str) -> String {
        self.dir.path().join(name).display().to_string()
    }

    /// Replays both captures through `engine` into `out`.
    fn replay(&self, engine: &str, out: &str, more: &[&str]) -> std::process::Output {
        let (flows, out) = (self.path("flows.json"), self.path(out));
        let rx = [0, 1].map(|port| format!("{port}={}", self.path(&format!("{port}.pcap"))));
        let arguments = ["replay", "--engine", engine, "--flows", &flows, "--rx", &rx[0], "--rx", &rx[1], "--out", &out];
        fpgaflow(&[&arguments[..], more].concat())
    }

    fn card(&self) -> Card {
        let mut card = Card::new(GEOMETRY);
        for port in 0..2 {
            card.set_port(port, PortConfig { rx_enable: true, promiscuous: port == 0, mac: [2, 0, 0, 0, 0, port] }).unwrap();
        }
        card.set_lookup(true);
        for (index, hop) in (0..).zip(&self.scenario.next_hops) {
            card.set_next_hop(index, *hop).unwrap();
        }
        for (at, flow) in self.scenario.numbered() {
            card.install(at, *flow).unwrap();
        }
        card
    }
}

fn stats(dir: &Path) -> Value {
    serde_json::from_str(&std::fs::read_to_string(dir.join("stats.json")).unwrap()).unwrap()
}

#[test]
fn the_golden_engine_writes_what_the_model_says() {
    let material = Material::draw(seed(), 4000, &Variety::everything());
    let run = material.replay("golden", "out", &["--json"]);
    assert!(run.status.success(), "{run:?}");
    let out = material.dir.path().join("out");
    let stats = stats(&out);
    assert_eq!(serde_json::from_slice::<Value>(&run.stdout).unwrap(), stats);

    let mut card = material.card();
    let mut ports = [Vec::new(), Vec::new()];
    let mut punts = Vec::new();
    let mut dropped = 0;
    for (port, frame) in in_order_of_time(&material.frames) {
        match card.process(port, frame).unwrap() {
            Outcome::Forwarded { port, frame, .. } => ports[usize::from(port)].push(frame),
            Outcome::Punted { reason, .. } => punts.push((port, reason, frame.clone())),
            Outcome::Dropped { .. } => dropped += 1,
        }
    }
    for (port, frames) in ports.iter().enumerate() {
        assert!(read_pcap(&out.join(format!("port{port}.pcap"))) == *frames, "port {port}");
        assert!(frames.len() > 500);
    }
    assert!(read_pcap(&out.join("host.pcap")).iter().eq(punts.iter().map(|(.., frame)| frame)));
    let lines: Vec<Value> = std::fs::read_to_string(out.join("punts.jsonl"))
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let expected: Vec<_> =
        punts.iter().map(|(port, reason, _)| serde_json::json!({"port": port, "reason": reason.name()})).collect();
    assert_eq!(lines, expected);

    assert_eq!(stats["rx"], 4000);
    assert_eq!(stats["tx"], ports.iter().map(Vec::len).sum::<usize>());
    assert_eq!(stats["punted"], punts.len());
    assert_eq!(stats["dropped"], dropped);
    assert_eq!(stats.get("cycles"), None);
    for reason in Reason::ALL.iter().filter(|reason| **reason != Reason::Forwarded) {
        assert_eq!(stats["reasons"][reason.name()], card.reasons()[*reason as usize], "{reason}");
    }
    for (index, (at, _)) in material.scenario.numbered().enumerate() {
        let counters = card.flow_counters(at).unwrap();
        assert_eq!(stats["flows"][index], serde_json::json!({"packets": counters.packets, "bytes": counters.bytes}));
    }
}

impl Material {
    /// Replays the captures of `ports` through `engine`; every result file with its name.
    fn results(&self, engine: &str, ports: &[u8], more: &[&str]) -> Vec<(String, Vec<u8>)> {
        let (flows, out) = (self.path("flows.json"), self.path(engine));
        let rx = ports.iter().flat_map(|port| ["--rx".to_owned(), format!("{port}={}", self.path(&format!("{port}.pcap")))]);
        let rx: Vec<String> = rx.collect();
        let mut arguments = vec!["replay", "--engine", engine, "--flows", &flows, "--out", &out];
        arguments.extend(rx.iter().map(String::as_str).chain(more.iter().copied()));
        let run = fpgaflow(&arguments);
        assert!(run.status.success(), "{engine}: {run:?}");
        let frames: usize = ports.iter().map(|port| self.frames[usize::from(*port)].len()).sum();
        assert!(String::from_utf8_lossy(&run.stdout).starts_with(&format!("{frames} frames came in, ")), "{run:?}");
        let mut files: Vec<_> = std::fs::read_dir(&out).unwrap().map(|file| file.unwrap().path()).collect();
        files.sort();
        let name = |path: &Path| path.file_name().unwrap().to_str().unwrap().to_owned();
        files.into_iter().map(|file| (name(&file), std::fs::read(file).unwrap())).collect()
    }
}

#[cfg(feature = "sim")]
mod rtl {
    use fpgaflow_abi::entry::Entry;
    use fpgaflow_abi::key::Family;
    use fpgaflow_abi::wire::{PROTO_GRE, PROTO_TCP, PROTO_UDP};
    use fpgaflow_traffic::Shape;

    use super::*;

    /// Statistics without the clocks, which only the card has.
    fn without_cycles(stats: &[u8]) -> (u64, Value) {
        let mut stats: Value = serde_json::from_slice(stats).unwrap();
        let cycles = stats.as_object_mut().unwrap().remove("cycles").map_or(0, |cycles| cycles.as_u64().unwrap());
        (cycles, stats)
    }

    /// Widths of the data path, in bits.
    const WIDTHS: [&str; 2] = ["64", "512"];
    /// Reasons that no frame of a replay can have: ports, lookup and next hops are on, no MAC marks a frame bad, and nothing is lost.
    const NEVER: [Reason; 7] = [
        Reason::PortDisabled,
        Reason::RxError,
        Reason::LookupDisabled,
        Reason::Parity,
        Reason::NoNextHop,
        Reason::HostFull,
        Reason::TxFull,
    ];

    /// Between them the replays, whose statistics these are, forwarded flows of every family, protocol and encapsulation on either
    /// side, and refused frames for every reason.
    fn assert_varied(material: &Material, replays: &[Value]) {
        let counted = |look: &dyn Fn(&Value) -> &Value| replays.iter().any(|stats| look(stats).as_u64() != Some(0));
        for reason in Reason::ALL.iter().filter(|reason| !NEVER.contains(reason) && **reason != Reason::Forwarded) {
            assert!(counted(&|stats| &stats["reasons"][reason.name()]), "no frame is refused for {reason}");
        }
        let forwarded: Vec<_> = (0..)
            .zip(&material.scenario.flows)
            .filter(|(index, _): &(usize, _)| counted(&|stats| &stats["flows"][index]["packets"]))
            .map(|(_, flow)| flow)
            .collect();
        for family in [Family::V4, Family::V6] {
            for protocol in [PROTO_TCP, PROTO_UDP, PROTO_GRE] {
                let is_one = |flow: &&Entry| flow.key.family() == family && flow.key.protocol == protocol;
                assert!(forwarded.iter().any(is_one), "protocol {protocol} of {family:?}");
            }
        }
        for shape in Shape::ALL {
            assert!(forwarded.iter().any(|flow| Shape::of(&flow.key.encap) == shape), "nothing came in {shape:?}");
            let left = |flow: &Entry| Shape::of(&material.scenario.next_hop_of(flow).encap) == shape;
            assert!(forwarded.iter().any(|flow| left(flow)), "nothing left in {shape:?}");
        }
    }

    #[test]
    fn the_verilated_card_writes_the_same_files_as_the_model_at_both_widths() {
        let seed = seed();
        let material = Material::draw(seed, 8000, &Variety::everything());
        let mut replays = Vec::new();
        for (port, pace) in [(0, "back-to-back"), (1, "timestamps")] {
            let golden = material.results("golden", &[port], &["--pace", pace]);
            for width in WIDTHS {
                let rtl = material.results("rtl", &[port], &["--pace", pace, "--width", width]);
                assert_eq!(golden.len(), rtl.len());
                for ((name, golden), (rtl_name, rtl)) in golden.iter().zip(&rtl) {
                    assert_eq!(name, rtl_name);
                    if name == "stats.json" {
                        let (cycles, rtl) = without_cycles(rtl);
                        assert_eq!(without_cycles(golden), (0, rtl.clone()), "{width} bits, FPGAFLOW_SEED={seed}");
                        let beats = |bits: usize| {
                            let beats = material.frames[usize::from(port)].iter().map(|frame| frame.len() * 8 / bits);
                            beats.sum::<usize>() as u64
                        };
                        let plausible = beats(width.parse().unwrap())..20 * beats(64);
                        assert!(plausible.contains(&cycles), "{cycles} clocks at {width} bits, not {plausible:?}");
                        replays.push(rtl);
                    } else {
                        assert!(golden == rtl, "{name} differs, {pace}, {width} bits (FPGAFLOW_SEED={seed})");
                    }
                }
            }
        }
        assert_varied(&material, &replays);
    }

    #[test]
    fn frames_of_two_ports_may_overtake_each_other_but_none_is_lost_or_changed() {
        let seed = seed();
        let material = Material::draw(seed, 4000, &Variety::everything());
        let golden = material.results("golden", &[0, 1], &[]);
        for width in WIDTHS {
            let rtl = material.results("rtl", &[0, 1], &["--width", width]);
            for ((name, golden), (_, rtl)) in golden.iter().zip(&rtl) {
                let lines = |bytes: &[u8]| bytes.split(|byte| *byte == b'\n').map(<[u8]>::to_owned).collect::<Vec<_>>();
                let mut sides = match name.as_str() {
                    "stats.json" => {
                        assert_eq!(without_cycles(golden).1, without_cycles(rtl).1, "{width} bits, FPGAFLOW_SEED={seed}");
                        continue;
                    }
                    "punts.jsonl" => [lines(golden), lines(rtl)],
                    _ => ["golden", "rtl"].map(|engine| read_pcap(&Path::new(&material.path(engine)).join(name))),
                };
                sides.iter_mut().for_each(|side| side.sort());
                assert!(sides[0] == sides[1], "{name} differs at {width} bits (FPGAFLOW_SEED={seed})");
            }
        }
    }
}

#[test]
fn golden_and_software_write_the_same_files() {
    for seed in [seed(), 1, 2] {
        let material = Material::draw(seed, 5000, &Variety::everything());
        let results = ["golden", "software"].map(|engine| material.results(engine, &[0, 1], &[]));
        assert_eq!(results[0].len(), 5, "two ports, the host, punts and statistics");
        for (golden, software) in results[0].iter().zip(&results[1]) {
            assert_eq!(golden.0, software.0);
            assert!(golden.1 == software.1, "{:?} differs (FPGAFLOW_SEED={seed})", golden.0);
        }
    }
}

/// Frames come a microsecond apart, those of port 1 three microseconds later; of equal times port 0 is given first.
fn in_order_of_time(frames: &[Vec<Vec<u8>>; 2]) -> Vec<(u8, &Vec<u8>)> {
    let of =
        |port: u8, late: usize| frames[usize::from(port)].iter().enumerate().map(move |(i, frame)| ((i + late, port), frame));
    let all: BTreeMap<_, _> = of(0, 0).chain(of(1, 3)).collect();
    all.into_iter().map(|((_, port), frame)| (port, frame)).collect()
}

#[test]
fn every_kind_of_capture_is_read_alike() {
    let material = Material::draw(seed(), 300, &Variety::everything());
    let frames = &material.frames[0];
    let kinds = [
        (TsResolution::NanoSecond, Endianness::Little),
        (TsResolution::NanoSecond, Endianness::Big),
        (TsResolution::MicroSecond, Endianness::Little),
        (TsResolution::MicroSecond, Endianness::Big),
    ];
    let mut results = Vec::new();
    let mut replay = |name: &str| {
        let (flows, rx, out) = (material.path("flows.json"), format!("0={}", material.path(name)), material.path("out"));
        let run = fpgaflow(&["replay", "--engine", "golden", "--flows", &flows, "--rx", &rx, "--out", &out]);
        assert!(run.status.success(), "{name}: {run:?}");
        results.push(
            ["port0.pcap", "port1.pcap", "host.pcap"].map(|file| std::fs::read(material.path("out") + "/" + file).unwrap()),
        );
    };
    for (resolution, endianness) in kinds {
        write_pcap(&material.dir.path().join("in.pcap"), frames, 7, resolution, endianness);
        replay("in.pcap");
    }
    for (nanoseconds, name) in [(true, "ns.pcapng"), (false, "us.pcapng")] {
        std::fs::write(material.dir.path().join(name), pcapng(frames, 7, nanoseconds)).unwrap();
        replay(name);
    }
    assert!(results.iter().all(|result| *result == results[0]));
    assert!(results[0].iter().all(|file| file.len() > 1000));
}

/// A little-endian pcapng file as its specification lays it out (draft-ietf-opsawg-pcapng 4), times in the units that the
/// interface states or, stating none, microseconds.
fn pcapng(frames: &[Vec<u8>], start_us: u64, nanoseconds: bool) -> Vec<u8> {
    let block = |kind: u32, body: &[u8]| {
        let padded = body.len().next_multiple_of(4);
        let total = (padded as u32 + 12).to_le_bytes();
        [&kind.to_le_bytes()[..], &total, body, &vec![0; padded - body.len()], &total].concat()
    };
    let mut file = block(0x0a0d_0d0a, &[&0x1a2b_3c4d_u32.to_le_bytes()[..], &[1, 0, 0, 0], &[0xff; 8]].concat());
    let resolution: &[u8] = if nanoseconds { &[9, 0, 1, 0, 9, 0, 0, 0, 0, 0, 0, 0] } else { &[] };
    file.extend(block(1, &[&[1, 0, 0, 0][..], &[0; 4], resolution].concat()));
    for (time, frame) in (start_us..).zip(frames) {
        let time = if nanoseconds { time * 1000 } else { time };
        let length = (frame.len() as u32).to_le_bytes();
        let time = [((time >> 32) as u32).to_le_bytes(), (time as u32).to_le_bytes()].concat();
        file.extend(block(6, &[&[0; 4][..], &time, &length, &length, frame].concat()));
    }
    file
}

/// Flows, captures by port, and the error.
type Case<'a> = (&'a str, &'a [(u8, &'a str)], String);

#[test]
fn input_that_cannot_be_used_is_refused_in_one_line_and_nothing_is_written() {
    let material = Material::draw(seed(), 20, &Variety::plain());
    let file = |name: &str, bytes: &[u8]| {
        std::fs::write(material.dir.path().join(name), bytes).unwrap();
        material.path(name)
    };
    let good = std::fs::read(material.path("0.pcap")).unwrap();
    let edited = |name: &str, edits: &[(usize, u8)]| {
        let mut bytes = good.clone();
        edits.iter().for_each(|(at, byte)| bytes[*at] = *byte);
        file(name, &bytes)
    };
    let flows = material.path("flows.json");
    let unknown = file("unknown.json", br#"{"next_hops": [], "flows": [], "colour": 1}"#);
    let dangling = file(
        "dangling.json",
        br#"{"next_hops": [], "flows": [{"match": {"port": 0, "proto": "udp", "src": "192.0.2.1", "sport": 1,
            "dst": "192.0.2.2", "dport": 2}, "action": {"next_hop": 7}}]}"#,
    );
    let long = file(
        "long.json",
        br#"{"next_hops": [{"id": 1, "port": 1, "src_mac": "02:00:00:00:00:01", "dst_mac": "02:00:00:00:00:02",
            "encap": [{"vlan": 5}], "mtu": 9013}], "flows": []}"#,
    );
    let gre = file(
        "gre.json",
        br#"{"next_hops": [{"id": 1, "port": "host"}], "flows": [{"match": {"port": 0, "proto": "gre", "src": "2001:db8::1",
            "dst": "2001:db8::2"}, "action": {"src": "2001:db8::3", "next_hop": 1}}]}"#,
    );
    let far = file(
        "far.json",
        br#"{"next_hops": [{"id": 1, "port": "host"}], "flows": [], "ports": [{"port": 2, "mac": "02:00:00:00:00:01"}]}"#,
    );
    let empty = file("empty.pcap", b"");
    let text = file("text.pcap", b"this is not a capture, it is a line of text");
    let cut = file("cut.pcap", &good[..good.len() - 1]);
    // Link type 101 is raw IP; the first packet's original length is at 36.
    let raw = edited("raw.pcap", &[(20, 101)]);
    let snapped = edited("snapped.pcap", &[(39, 1)]);
    let missing = material.path("missing");
    let ok = material.path("0.pcap");
    let cases: &[Case<'_>] = &[
        (&missing, &[(0, &ok)], format!("{missing}: cannot be read: ")),
        (&unknown, &[(0, &ok)], format!("{unknown}: colour: unknown field `colour`")),
        (&dangling, &[(0, &ok)], format!("{dangling}: flows[0].action.next_hop: no next hop has id 7")),
        (&long, &[(0, &ok)], format!("{long}: next_hops[0].mtu: packets of up to 9013 bytes leave as frames of up to 9031 ")),
        (&gre, &[(0, &ok)], format!("{gre}: flows[0].action.src: gre is not translated")),
        (&far, &[(0, &ok)], format!("{far}: ports[0].port: there is no port 2; the ports are 0 to 1")),
        (&flows, &[(2, &ok)], format!("--rx 2={ok}: there is no port 2; the ports are 0 to 1")),
        (&flows, &[(0, &ok), (0, &ok)], format!("--rx 0={ok}: port 0 has a capture already")),
        (&flows, &[(0, &missing)], format!("{missing}: cannot be opened: ")),
        (&flows, &[(0, &empty)], format!("{empty}: is too short to be a capture")),
        (&flows, &[(0, &text)], format!("{text}: is not a pcap file")),
        (&flows, &[(0, &cut)], format!("{cut}: packet {}", material.frames[0].len())),
        (&flows, &[(0, &raw)], format!("{raw}: link type 101 is not Ethernet")),
        (&flows, &[(0, &snapped)], format!("{snapped}: packet 1: ")),
    ];
    for (flows, inputs, message) in cases {
        let out = material.path("never");
        let rx: Vec<_> = inputs.iter().flat_map(|(port, file)| ["--rx".into(), format!("{port}={file}")]).collect();
        let mut arguments = vec!["replay", "--engine", "golden", "--flows", flows, "--out", &out];
        arguments.extend(rx.iter().map(String::as_str));
        let run = fpgaflow(&arguments);
        let said = String::from_utf8(run.stderr).unwrap();
        assert_eq!(run.status.code(), Some(1), "{message}: {said}");
        assert!(said.starts_with(&format!("fpgaflow: {message}")), "{said}\n{message}");
        assert_eq!(said.lines().count(), 1, "{said}");
        assert!(!Path::new(&out).exists(), "{message}");
    }
}

#[test]
fn a_directory_that_cannot_be_written_is_named() {
    let material = Material::draw(seed(), 20, &Variety::plain());
    std::fs::write(material.path("file"), "").unwrap();
    let run = material.replay("golden", "file/out", &[]);
    assert_eq!(run.status.code(), Some(1));
    let said = String::from_utf8(run.stderr).unwrap();
    assert!(said.starts_with(&format!("fpgaflow: {}: cannot be created: ", material.path("file/out"))), "{said}");
}
