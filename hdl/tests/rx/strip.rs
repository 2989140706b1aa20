//! The header comes off at every length, and no length costs a clock.

use std::collections::VecDeque;

use fpgaflow_hdl::prelude::Block;
use fpgaflow_hdl::rx::{Strip64, Strip512};
use fpgaflow_hdl_guard::{Expect, Model, Port, check_block, model, rng};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;

use crate::support::{BeatPorts, Steady, beats, frame_info, get_bytes, random_bytes, random_length, reset, set_beat};

const HEADER: usize = 14;

struct Rig {
    m: Model,
    width: usize,
    input: BeatPorts,
    input_frame: Port,
    out: BeatPorts,
    steady: Steady,
    waiting: VecDeque<Vec<u8>>,
    at: usize,
    offered: bool,
    expected: VecDeque<Vec<u8>>,
    out_at: usize,
    done: usize,
}

impl Rig {
    fn new(name: &str, dut: impl Block) -> Self {
        let mut m = model(name, dut);
        reset(&mut m);
        let input = BeatPorts::of(&m, "s_axis");
        Self {
            width: m.width(input.data) as usize / 8,
            input,
            input_frame: m.port("s_frame"),
            out: BeatPorts::of(&m, "m_axis"),
            m,
            steady: Steady::default(),
            waiting: VecDeque::new(),
            at: 0,
            offered: false,
            expected: VecDeque::new(),
            out_at: 0,
            done: 0,
        }
    }

    fn send(&mut self, rng: &mut ChaCha8Rng, length: usize) {
        let frame = random_bytes(rng, length);
        self.expected.push_back(frame.clone());
        self.waiting.push_back(frame);
    }

    /// One clock. Says whether the beat that was offered, if any, was taken.
    fn clock(&mut self, rng: &mut ChaCha8Rng, gap: f64, stall: f64) -> bool {
        self.offered = !self.waiting.is_empty() && (self.offered || !rng.random_bool(gap));
        self.m.set(self.input.valid, self.offered.into());
        match self.waiting.front() {
            Some(frame) if self.offered => {
                let cut = beats(frame, self.width);
                set_beat(&mut self.m, self.input.data, cut[self.at]);
                self.m.set(self.input.last, (self.at + 1 == cut.len()).into());
                self.m.set(self.input_frame, frame_info(frame.len(), rng.random_range(0..16)));
            }
            _ => {
                set_beat(&mut self.m, self.input.data, &[]);
                self.m.set(self.input.last, rng.random_range(0..2));
                self.m.set(self.input_frame, rng.random());
            }
        }
        self.m.set(self.out.ready, (!rng.random_bool(stall)).into());
        self.m.eval();
        let taken = self.input.moves(&self.m);
        if taken {
            self.offered = false;
            self.at += 1;
            if self.m.get(self.input.last) == 1 {
                self.at = 0;
                self.waiting.pop_front();
            }
        }
        self.steady.check(&self.m, self.out);
        if self.m.get(self.out.valid) == 1 {
            self.check_out();
        }
        self.m.tick();
        taken
    }

    fn check_out(&mut self) {
        let frame = self.expected.front().expect("a beat of no frame");
        let cut = beats(&frame[HEADER..], self.width);
        let beat = get_bytes(&self.m, self.out.data);
        assert_eq!(beat[..cut[self.out_at].len()], *cut[self.out_at], "beat {} of a frame of {}", self.out_at, frame.len());
        assert_eq!(self.m.get(self.out.last) == 1, self.out_at + 1 == cut.len(), "beat {} of {}", self.out_at, frame.len());
        if self.m.get(self.out.ready) == 1 {
            self.out_at += 1;
            if self.out_at == cut.len() {
                self.out_at = 0;
                self.expected.pop_front();
                self.done += 1;
            }
        }
    }
}

fn random_run(name: &str, dut: impl Block) {
    let mut rng = rng();
    let mut rig = Rig::new(name, dut);
    for _ in 0..300 {
        let gap = [0.0, 0.1, 0.6][rng.random_range(0..3)];
        let stall = [0.0, 0.2, 0.7][rng.random_range(0..3)];
        for _ in 0..100 {
            let length = random_length(&mut rng, HEADER, 1000);
            rig.send(&mut rng, length);
        }
        while !rig.waiting.is_empty() {
            rig.clock(&mut rng, gap, stall);
        }
    }
    for _ in 0..5 {
        rig.clock(&mut rng, 0.0, 0.0);
    }
    assert!(rig.expected.is_empty(), "a frame does not come out until the next one comes");
    assert_eq!(rig.done, 30_000);
}

/// Every length after every other length: a beat in is taken in every single clock.
fn full_rate(name: &str, dut: impl Block) {
    let mut rng = rng();
    let mut rig = Rig::new(name, dut);
    for stride in 1..40 {
        for index in 0..187 {
            rig.send(&mut rng, HEADER + (index * stride) % 187);
            rig.send(&mut rng, HEADER + index % 70);
        }
        while !rig.waiting.is_empty() {
            assert!(rig.clock(&mut rng, 0.0, 0.0), "a beat had to wait");
        }
    }
    for length in [14, 60, 64, 1514, 9018] {
        for _ in 0..50 {
            rig.send(&mut rng, length);
        }
        while !rig.waiting.is_empty() {
            assert!(rig.clock(&mut rng, 0.0, 0.0), "a beat had to wait, frames of {length}");
        }
    }
    for _ in 0..3 {
        rig.clock(&mut rng, 0.0, 0.0);
    }
    assert!(rig.expected.is_empty());
}

#[test]
fn strip_is_clean() {
    check_block("strip64", Strip64::default, Expect::rams(0));
    check_block("strip512", Strip512::default, Expect::rams(0));
}

#[test]
fn headers_come_off_under_stalls_at_64_bits() {
    random_run("strip64", Strip64::default());
}

#[test]
fn headers_come_off_under_stalls_at_512_bits() {
    random_run("strip512", Strip512::default());
}

#[test]
fn no_length_costs_a_clock_at_64_bits() {
    full_rate("strip64", Strip64::default());
}

#[test]
fn no_length_costs_a_clock_at_512_bits() {
    full_rate("strip512", Strip512::default());
}

#[test]
fn a_beat_comes_its_latency_after_the_last_byte_it_needs() {
    let mut rng = rng();
    let mut rig = Rig::new("strip64", Strip64::default());
    rig.send(&mut rng, 60);
    // Bytes 14 to 21 end with the third beat, taken in clock 2.
    for clock in 0..3 + Strip64::LATENCY {
        assert_eq!(rig.m.get(rig.out.valid) == 1, clock >= 2 + Strip64::LATENCY, "clock {clock}");
        rig.clock(&mut rng, 0.0, 0.0);
    }
}
