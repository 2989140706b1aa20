//! `Merge` against a model that builds whole frames from whole frames.

use fpgaflow_abi::reason::Reason;
use fpgaflow_abi::wire;
use fpgaflow_hdl::prelude::*;
use fpgaflow_hdl::records::{FrameInfo, L2Record, PuntInfo, Verdict};
use fpgaflow_hdl::tx::{Merge, Patch, Planner, Prepend, Route};
use fpgaflow_hdl_guard::{Expect, Model, check_block, model, rng};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;

use crate::support::{Receiver, Sender, Words, beat_bytes, beats, random_bytes, random_rate, reset, words};

pub const PORTS: usize = 2;

/// What goes in for one frame, in Rust's own types.
#[derive(Clone, Debug)]
pub struct Job {
    pub l2: Vec<u8>,
    /// Everything behind layer 2.
    pub body: Vec<u8>,
    pub reason: u8,
    pub ingress: u8,
    pub egress: u8,
    pub ip_length: usize,
    pub udp: bool,
    pub macs: [u8; 12],
    pub ttl: u8,
    pub l3_checksum: u16,
    pub src: u32,
    pub dst: u32,
    pub sport: u16,
    pub dport: u16,
    pub l4_checksum: u16,
    pub hit: bool,
    pub entry: u32,
}

/// What is to come out for it.
#[derive(Clone, Debug, PartialEq)]
pub struct Frame {
    pub bytes: Vec<u8>,
    /// A port, or `PORTS` for the host.
    pub to: usize,
    /// `FrameInfo` or `PuntInfo`.
    pub record: Words,
}

impl Job {
    /// A frame with `body_length` bytes behind a layer 2 header of one of the lengths there are.
    pub fn random(body_length: usize, forward: bool, rng: &mut ChaCha8Rng) -> Self {
        let udp = rng.random();
        // Up to the checksum of the layer 4 header; what a shorter packet has is punted before.
        let shortest = if udp { 28 } else { 40 };
        let forward = forward && body_length >= shortest;
        Self {
            l2: random_bytes(14 + 4 * rng.random_range(0..5), rng),
            body: random_bytes(body_length, rng),
            reason: if forward { Reason::Forwarded as u8 } else { rng.random_range(1..=24) },
            ingress: rng.random_range(0..16),
            egress: rng.random_range(0..PORTS as u8),
            ip_length: if forward { rng.random_range(shortest..=body_length) } else { rng.random_range(0..2000) },
            udp,
            macs: std::array::from_fn(|_| rng.random()),
            ttl: rng.random(),
            l3_checksum: rng.random(),
            src: rng.random(),
            dst: rng.random(),
            sport: rng.random(),
            dport: rng.random(),
            l4_checksum: rng.random(),
            hit: rng.random(),
            entry: rng.random_range(0..1 << 24),
        }
    }

    fn is_forwarded(&self) -> bool {
        self.reason == Reason::Forwarded as u8
    }

    fn length(&self) -> usize {
        self.l2.len() + self.body.len()
    }

    pub fn verdict(&self) -> Words {
        let mac = |bytes: &[u8]| bytes.iter().fold(0_u64, |mac, byte| mac << 8 | u64::from(*byte));
        let verdict = Verdict {
            reason: u64::from(self.reason).into(),
            frame: FrameInfo { length: (self.length() as u64).into(), port: u64::from(self.ingress).into() },
            egress: u64::from(self.egress).into(),
            ip_length: (self.ip_length as u64).into(),
            hit: self.hit,
            entry: u64::from(self.entry).into(),
            src_mac: mac(&self.macs[6..]).into(),
            dst_mac: mac(&self.macs[..6]).into(),
            encap: 0_u64.into(),
            src: u64::from(self.src).into(),
            dst: u64::from(self.dst).into(),
            sport: u64::from(self.sport).into(),
            dport: u64::from(self.dport).into(),
            ttl: u64::from(self.ttl).into(),
            l3_checksum: u64::from(self.l3_checksum).into(),
            l4_checksum: u64::from(self.l4_checksum).into(),
            v6: false,
            gre: false,
            udp: self.udp,
        };
        words::<{ Verdict::BITS }>(verdict.into())
    }

    /// The header left-aligned, noise behind it.
    pub fn l2_record(&self, rng: &mut ChaCha8Rng) -> Words {
        let mut bytes = random_bytes(wire::MAX_L2_BYTES, rng);
        bytes[..self.l2.len()].copy_from_slice(&self.l2);
        let mut record = L2Record { bytes: 0_u64.into(), length: (self.l2.len() as u64).into() };
        for byte in bytes {
            record.bytes = (record.bytes << 8_u64) | u64::from(byte);
        }
        words::<{ L2Record::BITS }>(record.into())
    }

    /// The model.
    pub fn expected(&self) -> Frame {
        if !self.is_forwarded() {
            let punt = PuntInfo {
                frame: FrameInfo { length: (self.length() as u64).into(), port: u64::from(self.ingress).into() },
                reason: u64::from(self.reason).into(),
                hit: self.hit,
                entry: u64::from(self.entry).into(),
            };
            let bytes = [&self.l2[..], &self.body].concat();
            return Frame { bytes, to: PORTS, record: words::<{ PuntInfo::BITS }>(punt.into()) };
        }
        let mut packet = self.body[..self.ip_length].to_vec();
        let l4 = if self.udp { 26 } else { 36 };
        packet[8] = self.ttl;
        packet[10..12].copy_from_slice(&self.l3_checksum.to_be_bytes());
        packet[12..16].copy_from_slice(&self.src.to_be_bytes());
        packet[16..20].copy_from_slice(&self.dst.to_be_bytes());
        packet[20..22].copy_from_slice(&self.sport.to_be_bytes());
        packet[22..24].copy_from_slice(&self.dport.to_be_bytes());
        packet[l4..l4 + 2].copy_from_slice(&self.l4_checksum.to_be_bytes());
        let mut bytes = [&self.macs[..], &wire::ETHERTYPE_IPV4.to_be_bytes(), &packet].concat();
        if bytes.len() < 60 {
            bytes.resize(60, 0);
        }
        let frame = FrameInfo { length: (bytes.len() as u64).into(), port: u64::from(self.egress).into() };
        Frame { bytes, to: self.egress.into(), record: words::<{ FrameInfo::BITS }>(frame.into()) }
    }
}

/// Puts beats together to frames.
#[derive(Default)]
pub struct Assembler {
    beats: Vec<Words>,
    record: Option<Words>,
}

impl Assembler {
    /// Takes data, `last` and record of a beat; gives the frame that it ends.
    pub fn add(&mut self, mut item: Vec<Words>, to: usize) -> Option<Frame> {
        let record = item.pop().expect("a beat has a record");
        let last = item.pop().expect("a beat has an end or not")[0] == 1;
        self.beats.push(item.pop().expect("a beat has data"));
        let first = self.record.get_or_insert_with(|| record.clone());
        assert_eq!(*first, record, "the record beside a frame's beats changed");
        if !last {
            return None;
        }
        let mut bytes: Vec<u8> = self.beats.iter().flat_map(|beat| beat_bytes(beat)).collect();
        // Both records start with the frame's length.
        let length = (record[0] & 0xffff) as usize;
        let beat = bytes.len() / self.beats.len();
        assert_eq!(self.beats.len(), length.div_ceil(beat), "beats of a frame of {length} bytes");
        bytes.truncate(length);
        *self = Self::default();
        Some(Frame { bytes, to, record })
    }
}

/// A merge with a sender or receiver on every stream.
pub struct Rig {
    pub m: Model,
    pub verdicts: Sender,
    pub l2: Sender,
    pub payload: Sender,
    pub outputs: Vec<Receiver>,
    assemblers: Vec<Assembler>,
    width: usize,
}

impl Rig {
    pub fn new(width: usize) -> Self {
        let mut m = match width {
            64 => model("merge64", Merge::<64, PORTS>::default()),
            512 => model("merge512", Merge::<512, PORTS>::default()),
            _ => panic!("no merge of {width} bits"),
        };
        reset(&mut m);
        let verdicts = Sender::new(&m, "s_axis_verdict", &["s_axis_verdict_data"]);
        let l2 = Sender::new(&m, "s_axis_l2", &["s_axis_l2_data"]);
        let payload = Sender::new(&m, "s_axis", &["s_axis_data", "s_axis_last"]);
        let output = |name: &str, record: &str| {
            let port = |signal: &str| format!("{name}_{signal}");
            Receiver::new(&m, &port("valid"), &port("ready"), &[&port("data"), &port("last"), record])
        };
        let mut outputs: Vec<Receiver> = (0..PORTS).map(|i| output(&format!("m_axis_tx_{i}"), "frame")).collect();
        outputs.push(output("m_axis_host", "punt"));
        let assemblers = (0..=PORTS).map(|_| Assembler::default()).collect();
        Self { m, verdicts, l2, payload, outputs, assemblers, width }
    }

    pub fn add(&mut self, job: &Job, rng: &mut ChaCha8Rng) {
        self.verdicts.items.push_back(vec![job.verdict()]);
        self.l2.items.push_back(vec![job.l2_record(rng)]);
        for (data, last) in beats(&job.body, self.width, rng) {
            self.payload.items.push_back(vec![data, vec![last.into()]]);
        }
    }

    /// One clock; each stream moves with its rate: verdict, layer 2, payload, ports, host. Gives the frames that ended.
    pub fn clock(&mut self, rates: &[f64], rng: &mut ChaCha8Rng) -> Vec<Frame> {
        for (sender, rate) in [&mut self.verdicts, &mut self.l2, &mut self.payload].into_iter().zip(rates) {
            let go = rng.random_bool(*rate);
            sender.drive(&mut self.m, go, rng);
        }
        for (output, rate) in self.outputs.iter_mut().zip(&rates[3..]) {
            output.drive(&mut self.m, rng.random_bool(*rate));
        }
        self.m.eval();
        let valid = self.outputs.iter().filter(|output| output.is_valid(&self.m)).count();
        assert!(valid <= 1, "clock {}: a beat goes to {valid} places", self.m.clocks());
        let mut frames = vec![];
        for (to, (output, assembler)) in self.outputs.iter_mut().zip(&mut self.assemblers).enumerate() {
            frames.extend(output.settle(&self.m).and_then(|item| assembler.add(item, to)));
        }
        for sender in [&mut self.verdicts, &mut self.l2, &mut self.payload] {
            sender.settle(&self.m);
        }
        self.m.tick();
        frames
    }

    /// Puts `jobs` through with one set of rates and compares every frame, in order.
    pub fn run(&mut self, jobs: &[Job], rates: &[f64], rng: &mut ChaCha8Rng) {
        for job in jobs {
            self.add(job, rng);
        }
        let mut done = 0;
        let mut idle = 0;
        while done < jobs.len() {
            let frames = self.clock(rates, rng);
            idle = if frames.is_empty() { idle + 1 } else { 0 };
            assert!(idle < 200_000, "stuck at frame {done}: {:?}", jobs[done]);
            for frame in frames {
                let expected = jobs[done].expected();
                assert!(frame == expected, "frame {done}\n{frame:02x?}\nis not\n{expected:02x?}\nfor {:02x?}", jobs[done]);
                done += 1;
            }
        }
    }
}

pub const FULL_RATE: [f64; 4 + PORTS] = [1.0; 4 + PORTS];

fn random_rates(rng: &mut ChaCha8Rng) -> [f64; 4 + PORTS] {
    std::array::from_fn(|_| random_rate(rng))
}

#[test]
fn merge_and_its_parts_are_clean_and_have_no_ram() {
    check_block("planner64", Planner::<64>::default, Expect::rams(0));
    check_block("planner512", Planner::<512>::default, Expect::rams(0));
    check_block("patch64", Patch::<64>::default, Expect::rams(0));
    check_block("patch512", Patch::<512>::default, Expect::rams(0));
    check_block("prepend64", Prepend::<64>::default, Expect::rams(0));
    check_block("prepend512", Prepend::<512>::default, Expect::rams(0));
    check_block("route64", Route::<64, PORTS>::default, Expect::rams(0));
    check_block("merge64", Merge::<64, PORTS>::default, Expect::rams(0));
    check_block("merge512", Merge::<512, PORTS>::default, Expect::rams(0));
}

/// Every length of body from nothing to 300 bytes, forwarded and punted, then random ones up to the longest frame.
fn frames_of_all_lengths(width: usize) {
    let mut rng = rng();
    let mut rig = Rig::new(width);
    for _ in 0..6 {
        let mut jobs: Vec<Job> = (0..=300)
            .flat_map(|length| [(length, true), (length, false)])
            .map(|(length, forward)| Job::random(length, forward, &mut rng))
            .collect();
        for i in (1..jobs.len()).rev() {
            jobs.swap(i, rng.random_range(0..=i));
        }
        let rates = random_rates(&mut rng);
        rig.run(&jobs, &rates, &mut rng);
    }
    for _ in 0..20 {
        let jobs: Vec<Job> = (0..10)
            .map(|_| {
                let length = rng.random_range(0..=9018 - 30);
                let forward = rng.random_bool(0.7);
                Job::random(length, forward, &mut rng)
            })
            .collect();
        let rates = random_rates(&mut rng);
        rig.run(&jobs, &rates, &mut rng);
    }
}

#[test]
fn frames_of_all_lengths_leave_as_the_model_says_at_64_bits() {
    frames_of_all_lengths(64);
}

#[test]
fn frames_of_all_lengths_leave_as_the_model_says_at_512_bits() {
    frames_of_all_lengths(512);
}

#[test]
fn a_stalled_port_delays_frames_and_loses_none() {
    let mut rng = rng();
    for width in [64, 512] {
        let mut rig = Rig::new(width);
        let jobs: Vec<Job> = (0..50).map(|_| Job::random(46, true, &mut rng)).collect();
        for job in &jobs {
            rig.add(job, &mut rng);
        }
        let mut rates = FULL_RATE;
        rates[3..].fill(0.0);
        let mut frames = vec![];
        for _ in 0..1000 {
            frames.extend(rig.clock(&rates, &mut rng));
        }
        assert!(frames.is_empty());
        assert!(rig.verdicts.items.len() >= 46, "a merge that is stalled takes no more than it can hold");
        for _ in 0..1000 {
            frames.extend(rig.clock(&FULL_RATE, &mut rng));
        }
        assert_eq!(frames, jobs.iter().map(Job::expected).collect::<Vec<_>>());
    }
}

#[test]
fn a_frame_to_no_port_is_swallowed_and_the_next_one_passes() {
    let mut rng = rng();
    for width in [64, 512] {
        let mut rig = Rig::new(width);
        let mut lost = Job::random(200, true, &mut rng);
        lost.egress = PORTS as u8;
        rig.add(&lost, &mut rng);
        let jobs = [Job::random(100, true, &mut rng), Job::random(100, false, &mut rng)];
        rig.run(&jobs, &FULL_RATE, &mut rng);
    }
}

#[test]
fn a_packet_that_ends_early_ends_its_frame_and_not_the_next() {
    let mut rng = rng();
    for width in [64, 512] {
        let mut rig = Rig::new(width);
        let mut short = Job::random(600, true, &mut rng);
        (short.ip_length, short.udp) = (500, true);
        let expected = short.expected();
        // The verdict says 500 bytes, 64 come.
        short.body.truncate(64);
        rig.add(&short, &mut rng);
        let next = Job::random(100, false, &mut rng);
        rig.add(&next, &mut rng);
        let mut frames = vec![];
        for _ in 0..1000 {
            frames.extend(rig.clock(&FULL_RATE, &mut rng));
        }
        assert_eq!(frames.len(), 2);
        assert_eq!(frames[0].bytes[..14 + 64], expected.bytes[..14 + 64]);
        assert!(frames[0].bytes.len() == 514 && frames[0].bytes[14 + 64..].iter().all(|byte| *byte == 0));
        assert_eq!(frames[1], next.expected());
    }
}

#[test]
fn reset_forgets_what_was_under_way() {
    let mut rng = rng();
    for width in [64, 512] {
        for clocks in 0..40 {
            let mut rig = Rig::new(width);
            for _ in 0..5 {
                let length = rng.random_range(0..300);
                let forward = rng.random();
                rig.add(&Job::random(length, forward, &mut rng), &mut rng);
            }
            for _ in 0..clocks {
                rig.clock(&[0.9; 4 + PORTS], &mut rng);
            }
            let m = rig.m;
            let mut fresh = Rig { m, ..Rig::new(width) };
            reset(&mut fresh.m);
            let jobs: Vec<Job> = (0..5).map(|i| Job::random(40 * i, i % 2 == 0, &mut rng)).collect();
            fresh.run(&jobs, &FULL_RATE, &mut rng);
        }
    }
}
