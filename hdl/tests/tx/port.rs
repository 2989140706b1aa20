//! `TxPort`: both sides' frames against what comes out of the wire.

use fpgaflow_hdl::prelude::*;
use fpgaflow_hdl::records::FrameInfo;
use fpgaflow_hdl::tx::{AxisOut, Pad, TxPort, TxPort64, TxPort512, TxQueue};
use fpgaflow_hdl_guard::{Expect, Model, Port, check_block, model, rng};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;

use crate::support::{Receiver, Sender, Words, beats, random_bytes, random_rate, read, reset, words};

/// Stores of 2 KiB: small enough to be full often.
type Small64 = TxPort<64, 8, 68, 8, 9>;
type Small512 = TxPort<512, 64, 519, 5, 6>;
const STORE_BYTES: usize = 2048;

/// Frames carry their side and number in their first bytes.
const HOST: u8 = 1;
const FLOW: u8 = 2;

fn numbered(side: u8, number: u32, length: usize, rng: &mut ChaCha8Rng) -> Vec<u8> {
    let mut bytes = random_bytes(length, rng);
    bytes[0] = side;
    bytes[1..5].copy_from_slice(&number.to_be_bytes());
    bytes
}

fn number(bytes: &[u8]) -> u32 {
    u32::from_be_bytes(bytes[1..5].try_into().expect("four bytes"))
}

/// What leaves for a frame of the host.
fn padded(bytes: &[u8]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    bytes.resize(bytes.len().max(60), 0);
    bytes
}

struct Rig {
    m: Model,
    flow: Sender,
    host: Sender,
    wire: Receiver,
    tail_drop: Port,
    full_valid: Port,
    sent_valid: Port,
    sent_length: Port,
    width: usize,
    beats: Vec<u8>,
    inside: bool,
    /// Lengths told by `sent_valid`, and `full_valid` pulses.
    sent: Vec<usize>,
    dropped: usize,
    /// Clocks in which the wire would have taken a beat in the middle of a frame and got none.
    gaps: usize,
    /// Clocks in which merge had to wait.
    waits: usize,
}

impl Rig {
    fn new(width: usize) -> Self {
        let mut m = match width {
            64 => model("tx_port64", Small64::default()),
            512 => model("tx_port512", Small512::default()),
            _ => panic!("no port of {width} bits"),
        };
        reset(&mut m);
        let side = |name: &str| {
            let stream = format!("s_axis_{name}");
            let fields = [format!("{stream}_data"), format!("{stream}_last"), format!("frame_{name}")];
            Sender::new(&m, &stream, &fields.each_ref().map(String::as_str))
        };
        Self {
            flow: side("flow"),
            host: side("host"),
            wire: Receiver::new(&m, "m_axis_tvalid", "m_axis_tready", &["m_axis_tdata", "m_axis_tkeep", "m_axis_tlast"]),
            tail_drop: m.port("tail_drop"),
            full_valid: m.port("full_valid"),
            sent_valid: m.port("sent_valid"),
            sent_length: m.port("sent_length"),
            m,
            width,
            beats: vec![],
            inside: false,
            sent: vec![],
            dropped: 0,
            gaps: 0,
            waits: 0,
        }
    }

    fn add(&mut self, bytes: &[u8], rng: &mut ChaCha8Rng) {
        let side = if bytes[0] == HOST { &mut self.host } else { &mut self.flow };
        let frame = FrameInfo { length: (bytes.len() as u64).into(), port: 3_u64.into() };
        let frame: Words = words::<{ FrameInfo::BITS }>(frame.into());
        for (data, last) in beats(bytes, self.width, rng) {
            side.items.push_back(vec![data, vec![last.into()], frame.clone()]);
        }
    }

    /// One clock with rates of flow, host and wire. Gives the frame that ended.
    fn clock(&mut self, rates: [f64; 3], rng: &mut ChaCha8Rng) -> Option<Vec<u8>> {
        let [flow, host, wire] = rates.map(|rate| rng.random_bool(rate));
        self.flow.drive(&mut self.m, flow, rng);
        self.host.drive(&mut self.m, host, rng);
        self.wire.drive(&mut self.m, wire);
        self.m.eval();
        let waiting = self.flow.items.len();
        self.waits += usize::from(!self.flow.settle(&self.m) && flow && waiting > 0);
        self.host.settle(&self.m);
        self.dropped += self.m.get(self.full_valid) as usize;
        if self.m.get(self.sent_valid) == 1 {
            self.sent.push(self.m.get(self.sent_length) as usize);
        }
        self.gaps += usize::from(self.inside && wire && !self.wire.is_valid(&self.m));
        let beat = self.wire.settle(&self.m);
        self.m.tick();
        let [data, keep, last] = beat?.try_into().expect("three signals");
        let count = keep[0].trailing_ones() as usize;
        assert_eq!(keep[0].count_ones() as usize, count, "tkeep has a hole");
        let last = last[0] == 1;
        assert!(count == self.width / 8 || (last && count > 0), "a beat of {count} bytes, last: {last}");
        let lanes: Vec<u8> = data.iter().flat_map(|word| word.to_le_bytes()).collect();
        self.beats.extend(&lanes[..count]);
        self.inside = !last;
        last.then(|| std::mem::take(&mut self.beats))
    }

    /// Runs until both senders are empty and nothing has come for a while.
    fn drain(&mut self, rates: [f64; 3], rng: &mut ChaCha8Rng) -> Vec<Vec<u8>> {
        let (mut frames, mut idle) = (vec![], 0);
        while idle < 2000 {
            let frame = self.clock(rates, rng);
            let busy = self.inside || frame.is_some() || !self.flow.items.is_empty() || !self.host.items.is_empty();
            idle = if busy { 0 } else { idle + 1 };
            assert!(self.m.clocks() < 5_000_000, "stuck with {} and {} beats", self.flow.items.len(), self.host.items.len());
            frames.extend(frame);
        }
        frames
    }
}

#[test]
fn tx_port_and_its_parts_are_clean_and_have_a_ram_for_each_side() {
    check_block("pad64", Pad::<64, 68>::default, Expect::rams(0));
    check_block("pad512", Pad::<512, 519>::default, Expect::rams(0));
    check_block("axis_out64", AxisOut::<64, 8, 68>::default, Expect::rams(0));
    check_block("axis_out512", AxisOut::<512, 64, 519>::default, Expect::rams(0));
    check_block("tx_queue64", TxQueue::<64, 68, 9, 10>::default, Expect::rams(1).with_bits(68 << 9));
    check_block("tx_port64", TxPort64::default, Expect::rams(2).with_bits(2 * (68 << 11)));
    check_block("tx_port512", TxPort512::default, Expect::rams(2).with_bits(2 * (519 << 8)));
}

/// Lengths of the flow side are at least the shortest frame's, the host's may be less.
fn random_frames(side: u8, count: u32, rng: &mut ChaCha8Rng) -> Vec<Vec<u8>> {
    let shortest = if side == HOST { 14 } else { 60 };
    (0..count)
        .map(|i| {
            let longest = if rng.random_bool(0.8) { 300 } else { STORE_BYTES };
            numbered(side, i, rng.random_range(shortest..=longest), rng)
        })
        .collect()
}

#[test]
fn frames_of_both_sides_leave_whole_and_in_order() {
    let mut rng = rng();
    for width in [64, 512] {
        for _ in 0..10 {
            let mut rig = Rig::new(width);
            let flow = random_frames(FLOW, 300, &mut rng);
            // Every length once around the shortest frame, then others.
            let mut host: Vec<Vec<u8>> = (14..=130).map(|length| numbered(HOST, length, length as usize, &mut rng)).collect();
            host.extend(random_frames(HOST, 200, &mut rng));
            for frame in flow.iter().chain(&host) {
                rig.add(frame, &mut rng);
            }
            let rates = std::array::from_fn(|_| random_rate(&mut rng));
            let frames = rig.drain(rates, &mut rng);
            let (from_host, from_flow): (Vec<_>, Vec<_>) = frames.into_iter().partition(|frame| frame[0] == HOST);
            assert!(from_flow == flow, "{width} bits, rates {rates:?}");
            assert!(from_host == host.iter().map(|frame| padded(frame)).collect::<Vec<_>>(), "{width} bits, rates {rates:?}");
            assert_eq!(rig.dropped, 0);
        }
    }
}

#[test]
fn every_frame_sent_is_told_with_its_length() {
    let mut rng = rng();
    for width in [64, 512] {
        let mut rig = Rig::new(width);
        for frame in random_frames(FLOW, 100, &mut rng).iter().chain(&random_frames(HOST, 100, &mut rng)) {
            rig.add(frame, &mut rng);
        }
        let lengths: Vec<usize> = rig.drain([0.9, 0.9, 0.8], &mut rng).iter().map(Vec::len).collect();
        assert_eq!(lengths.len(), 200);
        assert_eq!(rig.sent, lengths);
    }
}

#[test]
fn a_frame_once_begun_has_no_gap_however_the_host_stutters() {
    let mut rng = rng();
    for width in [64, 512] {
        for wire in [1.0, 0.7] {
            let mut rig = Rig::new(width);
            for frame in random_frames(FLOW, 300, &mut rng).iter().chain(&random_frames(HOST, 100, &mut rng)) {
                rig.add(frame, &mut rng);
            }
            assert_eq!(rig.drain([1.0, 0.2, wire], &mut rng).len(), 400);
            assert_eq!(rig.gaps, 0, "{width} bits");
        }
    }
}

#[test]
fn frames_follow_each_other_without_a_bubble() {
    let mut rng = rng();
    for width in [64, 512] {
        let mut rig = Rig::new(width);
        let flow: Vec<_> = (0..200).map(|i| numbered(FLOW, i, 60, &mut rng)).collect();
        let host: Vec<_> = (0..20).map(|i| numbered(HOST, i, 64, &mut rng)).collect();
        for frame in flow.iter().chain(&host) {
            rig.add(frame, &mut rng);
        }
        let beats = 220 * 60_usize.div_ceil(width / 8);
        let (mut moved, mut clocks) = (0, 0);
        while moved < beats {
            rig.clock([1.0; 3], &mut rng);
            moved += usize::from(rig.wire.is_valid(&rig.m));
            clocks += usize::from(moved > 0);
            assert!(clocks <= beats, "{width} bits: {moved} of {beats} beats after {clocks} clocks");
        }
    }
}

/// Clocks from the first beat on the wire to the last, and the beats.
fn pace(rig: &mut Rig, frames: usize, rng: &mut ChaCha8Rng) -> (usize, usize, Vec<u8>) {
    let (mut beats, mut clocks, mut sides) = (0, 0, vec![]);
    while sides.len() < frames {
        sides.extend(rig.clock([1.0; 3], rng).map(|frame| frame[0]));
        beats += usize::from(rig.wire.is_valid(&rig.m));
        clocks += usize::from(beats > 0 && sides.len() < frames);
        assert!(clocks < 1_000_000, "{} of {frames} frames", sides.len());
    }
    (clocks, beats, sides)
}

/// At 512 bits each of these is one beat: a frame a clock from both sides together, each side every second one.
#[test]
fn both_sides_at_full_rate_share_the_wire_evenly_and_leave_no_bubble() {
    let mut rng = rng();
    for width in [64, 512] {
        for length in [60, 64, 65, 128, 200] {
            let mut rig = Rig::new(width);
            for i in 0..300 {
                rig.add(&numbered(FLOW, i, length, &mut rng), &mut rng);
                rig.add(&numbered(HOST, i, length, &mut rng), &mut rng);
            }
            let (clocks, beats, sides) = pace(&mut rig, 600, &mut rng);
            assert_eq!((clocks, beats), (beats, 600 * length.div_ceil(width / 8)), "{width} bits, {length} bytes");
            // Behind the first ones, which came before the host had stored a frame, and before the last, which are one side's.
            let both = &sides[8..500];
            assert!(both.windows(2).all(|pair| pair[0] != pair[1]), "{width} bits, {length} bytes: {both:?}");
        }
    }
}

#[test]
fn a_host_frame_waits_for_one_frame_of_a_saturated_flow_side_at_most() {
    let mut rng = rng();
    for width in [64, 512] {
        let mut rig = Rig::new(width);
        let beats = 60_usize.div_ceil(width / 8);
        for i in 0..600 {
            rig.add(&numbered(FLOW, i, 60, &mut rng), &mut rng);
        }
        for i in 0..20 {
            for _ in 0..rng.random_range(2..10) * beats {
                rig.clock([1.0; 3], &mut rng);
            }
            rig.add(&numbered(HOST, i, 60, &mut rng), &mut rng);
            // Into the store, three clocks there, one frame of the other side, itself, the wire's register.
            let arrives =
                (0..beats + 3 + beats + beats + 2).any(|_| rig.clock([1.0; 3], &mut rng).is_some_and(|frame| frame[0] == HOST));
            assert!(arrives, "{width} bits: frame {i} of the host waits");
        }
    }
}

#[test]
fn the_first_beat_is_on_the_wire_after_the_stated_latency() {
    let mut rng = rng();
    for (width, latency) in [(64, Small64::LATENCY), (512, Small512::LATENCY)] {
        let mut rig = Rig::new(width);
        rig.add(&numbered(FLOW, 0, 100, &mut rng), &mut rng);
        for clock in 1..=latency {
            rig.clock([1.0; 3], &mut rng);
            assert_eq!(rig.wire.is_valid(&rig.m), clock == latency, "{width} bits, clock {clock}");
        }
    }
}

#[test]
fn sides_that_both_have_frames_alternate() {
    let mut rng = rng();
    for width in [64, 512] {
        let mut rig = Rig::new(width);
        for i in 0..50 {
            rig.add(&numbered(FLOW, i, 60 + 3 * i as usize, &mut rng), &mut rng);
            rig.add(&numbered(HOST, i, 200, &mut rng), &mut rng);
        }
        // Both stores fill before anything leaves.
        for _ in 0..100 {
            assert_eq!(rig.clock([1.0, 1.0, 0.0], &mut rng), None);
        }
        let sides: Vec<u8> = rig.drain([1.0; 3], &mut rng).iter().map(|frame| frame[0]).collect();
        assert_eq!(sides.len(), 100);
        // Not the first ones, whose turn it was before the other side had anything, nor the last, which are alone.
        assert!(sides[2..98].windows(2).all(|pair| pair[0] != pair[1]), "{sides:?}");
    }
}

/// A pulse for every frame that is missing, none of any other; merge never waits.
#[test]
fn tail_drop_drops_whole_frames_and_counts_each() {
    let mut rng = rng();
    for width in [64, 512] {
        for _ in 0..10 {
            let mut rig = Rig::new(width);
            rig.m.set(rig.tail_drop, 1);
            let flow = random_frames(FLOW, 500, &mut rng);
            for frame in &flow {
                rig.add(frame, &mut rng);
            }
            let rates = [1.0, 1.0, rng.random_range(0.05..0.9)];
            let frames = rig.drain(rates, &mut rng);
            for frame in &frames {
                assert!(*frame == flow[number(frame) as usize], "{width} bits: a frame is not what was sent");
            }
            assert!(frames.windows(2).all(|pair| number(&pair[0]) < number(&pair[1])), "{width} bits: out of order");
            assert!(rig.dropped > 0);
            assert_eq!(frames.len() + rig.dropped, flow.len(), "{width} bits");
            assert_eq!(rig.waits, 0, "{width} bits: merge had to wait");
            assert_eq!(rig.gaps, 0, "{width} bits");
        }
    }
}

#[test]
fn tail_drop_drops_nothing_that_fits() {
    let mut rng = rng();
    for width in [64, 512] {
        let mut rig = Rig::new(width);
        rig.m.set(rig.tail_drop, 1);
        let beat = width / 8;
        // A frame that leaves the store empty: two beats wait at its end, two in the wire's register.
        rig.add(&numbered(FLOW, 0, (4 * beat).max(60), &mut rng), &mut rng);
        for _ in 0..100 {
            rig.clock([1.0, 1.0, 0.0], &mut rng);
        }
        let behind = (4 * beat).max(60).div_ceil(beat) - 4;
        let exact = STORE_BYTES - (behind + 1) * beat;
        rig.add(&numbered(FLOW, 1, exact + 1, &mut rng), &mut rng);
        rig.add(&numbered(FLOW, 2, exact, &mut rng), &mut rng);
        for _ in 0..1000 {
            rig.clock([1.0, 1.0, 0.0], &mut rng);
        }
        assert_eq!(rig.dropped, 1, "{width} bits");
        let numbers: Vec<u32> = rig.drain([1.0; 3], &mut rng).iter().map(|frame| number(frame)).collect();
        assert_eq!(numbers, [0, 2], "{width} bits");
    }
}

#[test]
fn without_tail_drop_a_stopped_wire_makes_merge_wait_and_loses_nothing() {
    let mut rng = rng();
    for width in [64, 512] {
        let mut rig = Rig::new(width);
        let flow = random_frames(FLOW, 100, &mut rng);
        for frame in &flow {
            rig.add(frame, &mut rng);
        }
        for _ in 0..3000 {
            assert_eq!(rig.clock([1.0, 1.0, 0.0], &mut rng), None);
        }
        assert!(rig.waits > 1000);
        assert!(rig.drain([1.0; 3], &mut rng) == flow);
        assert_eq!(rig.dropped, 0);
    }
}

#[test]
fn a_host_frame_that_is_not_whole_keeps_no_other_waiting() {
    let mut rng = rng();
    for width in [64, 512] {
        let mut rig = Rig::new(width);
        let host = numbered(HOST, 0, 1000, &mut rng);
        rig.add(&host, &mut rng);
        let rest = rig.host.items.split_off(5);
        for i in 0..20 {
            rig.add(&numbered(FLOW, i, 100, &mut rng), &mut rng);
        }
        let frames = rig.drain([1.0; 3], &mut rng);
        assert!(frames.len() == 20 && frames.iter().all(|frame| frame[0] == FLOW));
        rig.host.items = rest;
        assert!(rig.drain([1.0; 3], &mut rng) == [host]);
    }
}

#[test]
fn reset_forgets_what_was_stored() {
    let mut rng = rng();
    for width in [64, 512] {
        for clocks in [1, 5, 17, 60, 300] {
            let mut rig = Rig::new(width);
            for frame in random_frames(FLOW, 20, &mut rng).iter().chain(&random_frames(HOST, 20, &mut rng)) {
                rig.add(frame, &mut rng);
            }
            for _ in 0..clocks {
                rig.clock([0.9, 0.9, 0.5], &mut rng);
            }
            let mut rig = Rig { m: rig.m, ..Rig::new(width) };
            reset(&mut rig.m);
            assert_eq!(read(&rig.m, rig.m.port("m_axis_tvalid")), [0]);
            let flow = random_frames(FLOW, 20, &mut rng);
            for frame in &flow {
                rig.add(frame, &mut rng);
            }
            assert!(rig.drain([1.0; 3], &mut rng) == flow);
        }
    }
}
