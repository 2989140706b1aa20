//! A Verilated `Merge` with a sender or receiver on every stream.

use fpgaflow_hdl::tx::{Merge, NarrowMerge};
use fpgaflow_hdl_guard::{Model, model};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;

use crate::job::{Frame, Job, PORTS};
use crate::support::{Receiver, Sender, Words, beat_bytes, beats, random_rate, reset};

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
    pub assemblers: Vec<Assembler>,
    pub width: usize,
}

impl Rig {
    pub fn new(width: usize) -> Self {
        let mut m = match width {
            64 => model("merge64", NarrowMerge::<PORTS>::default()),
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

    /// Puts `jobs` through at full rate; gives the frames.
    pub fn all(&mut self, jobs: &[Job], rng: &mut ChaCha8Rng) -> Vec<Frame> {
        for job in jobs {
            self.add(job, rng);
        }
        let (mut frames, mut idle) = (vec![], 0);
        while frames.len() < jobs.len() {
            let ended = self.clock(&FULL_RATE, rng);
            idle = if ended.is_empty() { idle + 1 } else { 0 };
            assert!(idle < 5_000, "stuck at frame {}", frames.len());
            frames.extend(ended);
        }
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

/// A rate for every stream.
pub fn random_rates(rng: &mut ChaCha8Rng) -> [f64; 4 + PORTS] {
    std::array::from_fn(|_| random_rate(rng))
}
