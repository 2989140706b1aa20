//! The header comes off at every length, and no length costs a clock.

use std::collections::VecDeque;

use fpgaflow_hdl::prelude::Block;
use fpgaflow_hdl::rx::Strip;
use fpgaflow_hdl_guard::{Expect, Model, Port, check_block, model, rng};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;

use crate::support::{BeatPorts, Steady, beats, get_bytes, random_bytes, random_length, reset, set_beat};

/// Frames that may be told of ahead, as a power of two.
const AW: usize = 4;
type Strip64 = Strip<64, AW, 5>;
type Strip512 = Strip<512, AW, 5>;
/// What layer 2 may have.
const HEADERS: [usize; 5] = [14, 18, 22, 26, 30];

struct Rig {
    m: Model,
    width: usize,
    header_valid: Port,
    l2_length: Port,
    length: Port,
    input: BeatPorts,
    out: BeatPorts,
    steady: Steady,
    waiting: VecDeque<Vec<u8>>,
    at: usize,
    offered: bool,
    /// Headers not yet told, and how many were told of frames not yet begun.
    untold: VecDeque<(usize, usize)>,
    ahead: usize,
    /// What must come out: what is behind the header.
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
            header_valid: m.port("header_valid"),
            l2_length: m.port("l2_length"),
            length: m.port("length"),
            input,
            out: BeatPorts::of(&m, "m_axis"),
            m,
            steady: Steady::default(),
            waiting: VecDeque::new(),
            at: 0,
            offered: false,
            untold: VecDeque::new(),
            ahead: 0,
            expected: VecDeque::new(),
            out_at: 0,
            done: 0,
        }
    }

    fn send(&mut self, rng: &mut ChaCha8Rng, header: usize, length: usize) {
        let frame = random_bytes(rng, length);
        self.expected.push_back(frame[header..].to_vec());
        self.untold.push_back((header, length));
        self.waiting.push_back(frame);
    }

    /// One clock. Says whether the beat that was offered, if any, was taken.
    fn clock(&mut self, rng: &mut ChaCha8Rng, gap: f64, late: f64, stall: f64) -> bool {
        let tell = (self.ahead < 1 << AW && !rng.random_bool(late)).then(|| self.untold.pop_front()).flatten();
        self.m.set(self.header_valid, tell.is_some().into());
        let (header, length) = tell.unwrap_or_else(|| (rng.random_range(0..32), rng.random_range(0..10_000)));
        self.m.set(self.l2_length, header as u64);
        self.m.set(self.length, length as u64);
        self.offered = !self.waiting.is_empty() && (self.offered || !rng.random_bool(gap));
        self.m.set(self.input.valid, self.offered.into());
        match self.waiting.front() {
            Some(frame) if self.offered => {
                let cut = beats(frame, self.width);
                set_beat(&mut self.m, self.input.data, cut[self.at]);
                self.m.set(self.input.last, (self.at + 1 == cut.len()).into());
            }
            _ => {
                set_beat(&mut self.m, self.input.data, &[]);
                self.m.set(self.input.last, rng.random_range(0..2));
            }
        }
        self.m.set(self.out.ready, (!rng.random_bool(stall)).into());
        self.m.eval();
        let taken = self.input.moves(&self.m);
        if taken {
            if self.at == 0 {
                self.ahead = self.ahead.checked_sub(1).expect("a frame begins before its header is known");
            }
            self.offered = false;
            self.at += 1;
            if self.m.get(self.input.last) == 1 {
                self.at = 0;
                self.waiting.pop_front();
            }
        }
        self.ahead += usize::from(tell.is_some());
        self.steady.check(&self.m, self.out);
        if self.m.get(self.out.valid) == 1 {
            self.check_out();
        }
        self.m.tick();
        taken
    }

    fn check_out(&mut self) {
        let packet = self.expected.front().expect("a beat of no frame");
        let cut = beats(packet, self.width);
        let beat = get_bytes(&self.m, self.out.data);
        assert_eq!(beat[..cut[self.out_at].len()], *cut[self.out_at], "beat {} of a packet of {}", self.out_at, packet.len());
        assert_eq!(self.m.get(self.out.last) == 1, self.out_at + 1 == cut.len(), "beat {} of {}", self.out_at, packet.len());
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
        let late = [0.0, 0.2, 0.9][rng.random_range(0..3)];
        let stall = [0.0, 0.2, 0.7][rng.random_range(0..3)];
        for _ in 0..100 {
            let header = HEADERS[rng.random_range(0..5)];
            let length = random_length(&mut rng, header, 1000);
            rig.send(&mut rng, header, length);
        }
        while !rig.waiting.is_empty() {
            rig.clock(&mut rng, gap, late, stall);
        }
    }
    for _ in 0..5 {
        rig.clock(&mut rng, 0.0, 0.0, 0.0);
    }
    assert!(rig.expected.is_empty(), "a frame does not come out until the next one comes");
    assert_eq!(rig.done, 30_000);
}

/// Every length after every other length, with headers of every length: a beat in is taken in every single clock.
fn full_rate(name: &str, dut: impl Block) {
    let mut rng = rng();
    let mut rig = Rig::new(name, dut);
    let drain = |rig: &mut Rig, rng: &mut ChaCha8Rng| {
        // Headers are known long before beats come, as they are in the engine: for two clocks no beat is offered.
        for _ in 0..2 {
            rig.clock(rng, 1.0, 0.0, 0.0);
        }
        while !rig.waiting.is_empty() {
            assert!(rig.clock(rng, 0.0, 0.0, 0.0), "a beat had to wait");
        }
    };
    for stride in 1..40 {
        for index in 0..187 {
            let headers = [HEADERS[index % 5], HEADERS[(index * stride + stride) % 5]];
            rig.send(&mut rng, headers[0], headers[0] + (index * stride) % 187);
            rig.send(&mut rng, headers[1], headers[1] + index % 70);
        }
        drain(&mut rig, &mut rng);
    }
    for length in [30, 60, 64, 1514, 9018] {
        for index in 0..50 {
            rig.send(&mut rng, HEADERS[index % 5], length);
        }
        drain(&mut rig, &mut rng);
    }
    for _ in 0..3 {
        rig.clock(&mut rng, 0.0, 0.0, 0.0);
    }
    assert!(rig.expected.is_empty());
}

#[test]
fn strip_is_clean_and_one_ram() {
    check_block("strip64", Strip64::default, Expect::rams(1));
    check_block("strip512", Strip512::default, Expect::rams(1));
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
fn a_frame_waits_until_its_header_is_known() {
    let mut rng = rng();
    let mut rig = Rig::new("strip64", Strip64::default());
    for clocks in 0..20 {
        rig.send(&mut rng, 26, 100);
        for _ in 0..clocks {
            assert!(!rig.clock(&mut rng, 0.0, 1.0, 0.0));
        }
        assert!(!rig.clock(&mut rng, 0.0, 0.0, 0.0), "the clock in which the header is told");
        while !rig.waiting.is_empty() {
            assert!(rig.clock(&mut rng, 0.0, 0.0, 0.0), "the header is known");
        }
    }
}

#[test]
fn a_beat_comes_its_latency_after_the_last_byte_it_needs() {
    let mut rng = rng();
    for header in HEADERS {
        let mut rig = Rig::new("strip64", Strip64::default());
        rig.send(&mut rng, header, 60);
        for _ in 0..2 {
            rig.clock(&mut rng, 1.0, 0.0, 0.0);
        }
        // The first eight bytes behind the header end with this beat, taken in the clock of the same number.
        let needed = header.div_ceil(8);
        for clock in 0..=needed + Strip64::LATENCY {
            assert_eq!(rig.m.get(rig.out.valid) == 1, clock >= needed + Strip64::LATENCY, "clock {clock}");
            rig.clock(&mut rng, 0.0, 0.0, 0.0);
        }
    }
}
