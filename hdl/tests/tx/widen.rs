//! `Widen`: the host's frames in beats of 64 bits, and what comes out in wider ones.

use fpgaflow_hdl::prelude::*;
use fpgaflow_hdl::records::FrameInfo;
use fpgaflow_hdl::tx::Widen;
use fpgaflow_hdl_guard::{Expect, Model, check_block, model, rng};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;

use crate::support::{Receiver, Sender, Words, beat_bytes, beats, random_bytes, random_rate, reset, words};

/// A frame and its record.
type Frame = (Vec<u8>, Words);

struct Rig {
    m: Model,
    host: Sender,
    wide: Receiver,
    width: usize,
    bytes: Vec<u8>,
    beats: usize,
    /// The clock of the last beat of 64 bits that was taken.
    taken: u64,
}

impl Rig {
    fn new(width: usize) -> Self {
        let mut m = match width {
            64 => model("widen64", Widen::<64>::default()),
            512 => model("widen512", Widen::<512>::default()),
            _ => panic!("no beats of {width} bits"),
        };
        reset(&mut m);
        Self {
            host: Sender::new(&m, "s_axis", &["s_axis_data", "s_axis_last", "frame"]),
            wide: Receiver::new(&m, "m_axis_valid", "m_axis_ready", &["m_axis_data", "m_axis_last", "frame_out"]),
            m,
            width,
            bytes: vec![],
            beats: 0,
            taken: 0,
        }
    }

    fn add(&mut self, (bytes, frame): &Frame, rng: &mut ChaCha8Rng) {
        for (data, last) in beats(bytes, 64, rng) {
            self.host.items.push_back(vec![data, vec![last.into()], frame.clone()]);
        }
    }

    /// One clock with rates of the host and of what takes the wide beats. Gives the frame that ended.
    fn clock(&mut self, rates: [f64; 2], rng: &mut ChaCha8Rng) -> Option<Frame> {
        let [host, wide] = rates.map(|rate| rng.random_bool(rate));
        self.host.drive(&mut self.m, host, rng);
        self.wide.drive(&mut self.m, wide);
        self.m.eval();
        if self.host.settle(&self.m) {
            self.taken = self.m.clocks();
        }
        let beat = self.wide.settle(&self.m);
        self.m.tick();
        let [data, last, frame] = beat?.try_into().expect("three signals");
        self.bytes.extend(beat_bytes(&data));
        self.beats += 1;
        if last[0] == 0 {
            return None;
        }
        let length = (frame[0] & 0xffff) as usize;
        assert_eq!(std::mem::take(&mut self.beats), length.div_ceil(self.width / 8), "beats of a frame of {length} bytes");
        // What the last beat of 64 bits had behind the frame's end may be there, nothing behind that.
        let sent = length.next_multiple_of(8);
        assert!(self.bytes[sent..].iter().all(|byte| *byte == 0), "frame of {length} bytes: {:02x?}", &self.bytes[sent..]);
        self.bytes.truncate(length);
        Some((std::mem::take(&mut self.bytes), frame))
    }

    fn run(&mut self, frames: &[Frame], rates: [f64; 2], rng: &mut ChaCha8Rng) {
        for frame in frames {
            self.add(frame, rng);
        }
        let (mut done, mut idle) = (0, 0);
        while done < frames.len() {
            idle += 1;
            if let Some(frame) = self.clock(rates, rng) {
                assert!(frame == frames[done], "frame {done} of {} bytes changed", frames[done].0.len());
                (done, idle) = (done + 1, 0);
            }
            assert!(idle < 100_000, "stuck at frame {done}");
        }
    }
}

fn random_frame(length: usize, rng: &mut ChaCha8Rng) -> Frame {
    let frame = FrameInfo { length: (length as u64).into(), port: rng.random_range(0..16_u64).into() };
    (random_bytes(length, rng), words::<{ FrameInfo::BITS }>(frame.into()))
}

#[test]
fn widen_is_clean_and_has_no_ram() {
    check_block("widen64", Widen::<64>::default, Expect::rams(0));
    check_block("widen512", Widen::<512>::default, Expect::rams(0));
}

#[test]
fn frames_of_every_length_come_out_as_they_went_in() {
    let mut rng = rng();
    for width in [64, 512] {
        for _ in 0..6 {
            let mut rig = Rig::new(width);
            let mut frames: Vec<Frame> = (1..=300).map(|length| random_frame(length, &mut rng)).collect();
            frames.extend((0..20).map(|_| {
                let length = rng.random_range(1..=9018);
                random_frame(length, &mut rng)
            }));
            for i in (1..frames.len()).rev() {
                frames.swap(i, rng.random_range(0..=i));
            }
            let rates = std::array::from_fn(|_| random_rate(&mut rng));
            rig.run(&frames, rates, &mut rng);
        }
    }
}

#[test]
fn a_beat_of_the_host_is_taken_in_every_clock() {
    let mut rng = rng();
    for width in [64, 512] {
        let mut rig = Rig::new(width);
        for length in 1..=200 {
            rig.add(&random_frame(length, &mut rng), &mut rng);
        }
        while !rig.host.items.is_empty() {
            let waiting = rig.host.items.len();
            rig.clock([1.0; 2], &mut rng);
            assert_eq!(rig.host.items.len(), waiting - 1, "{width} bits");
        }
    }
}

#[test]
fn a_wide_beat_is_there_after_the_stated_latency() {
    let mut rng = rng();
    for (width, latency) in [(64, Widen::<64>::LATENCY), (512, Widen::<512>::LATENCY)] {
        for length in [8, 60, 64] {
            let mut rig = Rig::new(width);
            rig.add(&random_frame(length, &mut rng), &mut rng);
            while !rig.host.items.is_empty() {
                rig.clock([1.0, 1.0], &mut rng);
            }
            assert_eq!(rig.m.clocks() - rig.taken, latency as u64);
            assert!(rig.wide.is_valid(&rig.m), "{width} bits, {length} bytes");
        }
    }
}

#[test]
fn reset_forgets_what_was_gathered() {
    let mut rng = rng();
    for width in [64, 512] {
        for clocks in 0..20 {
            let mut rig = Rig::new(width);
            rig.add(&random_frame(200, &mut rng), &mut rng);
            for _ in 0..clocks {
                rig.clock([1.0, 0.5], &mut rng);
            }
            let mut rig = Rig { m: rig.m, ..Rig::new(width) };
            reset(&mut rig.m);
            let frames: Vec<Frame> = (1..5).map(|i| random_frame(30 * i, &mut rng)).collect();
            rig.run(&frames, [1.0; 2], &mut rng);
        }
    }
}
