//! Store and forward: every frame ends exactly once, as itself or as a reason.

use std::collections::VecDeque;

use fpgaflow_abi::reason::Reason;
use fpgaflow_hdl::rx::{HEAD_64, HEAD_512, RxPort, RxPort64, RxPort512};
use fpgaflow_hdl_guard::{Expect, Model, Port, check_block, model, rng};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;

use crate::support::{BeatPorts, Steady, beats, frame_info, get_bytes, random_bytes, random_length, reset, set_lanes};

/// A small store, so that it is full most of the time.
type Small64 = RxPort<64, 8, 65, 12, HEAD_64, 6, 7>;
type Small512 = RxPort<512, 64, 513, 2, HEAD_512, 4, 5>;
const SMALL_MAX: usize = 400;
const SMALL_PORT: usize = 3;
const MAX: usize = 9018;

struct Ports {
    tdata: Port,
    tkeep: Port,
    tlast: Port,
    tuser: Port,
    tvalid: Port,
    tready: Port,
    enable: Port,
    info: Port,
    info_valid: Port,
    info_ready: Port,
    head_valid: Port,
    head: Port,
    beats: BeatPorts,
    drop_valid: Port,
    drop_reason: Port,
    received_valid: Port,
    received_length: Port,
}

impl Ports {
    fn of(m: &Model) -> Self {
        Self {
            tdata: m.port("s_axis_tdata"),
            tkeep: m.port("s_axis_tkeep"),
            tlast: m.port("s_axis_tlast"),
            tuser: m.port("s_axis_tuser"),
            tvalid: m.port("s_axis_tvalid"),
            tready: m.port("s_axis_tready"),
            enable: m.port("enable"),
            info: m.port("m_axis_frame_data"),
            info_valid: m.port("m_axis_frame_valid"),
            info_ready: m.port("m_axis_frame_ready"),
            head_valid: m.port("m_head_valid"),
            head: m.port("m_head"),
            beats: BeatPorts::of(m, "m_axis_beats"),
            drop_valid: m.port("drop_valid"),
            drop_reason: m.port("drop_reason"),
            received_valid: m.port("received_valid"),
            received_length: m.port("received_length"),
        }
    }
}

/// One beat as a MAC gives it.
struct WireBeat {
    bytes: Vec<u8>,
    keep: u64,
    last: bool,
    user: bool,
}

/// What is wrong with a frame before its length is looked at.
#[derive(Clone, Copy, PartialEq)]
enum Flaw {
    None,
    /// `tuser` with the last beat.
    Error,
    /// `tuser` with another beat, which means nothing.
    EarlyUser,
    /// A beat that is not full and not last.
    ShortBeat,
    /// `tkeep` of the last beat does not start at lane 0.
    Hole,
    /// A last beat with nothing in it behind others.
    EmptyLast,
}

fn full(width: usize) -> u64 {
    u64::MAX >> (64 - width)
}

/// Beats of a frame with a flaw, and whether it makes the frame bad.
fn wire_beats(frame: &[u8], width: usize, flaw: Flaw) -> (Vec<WireBeat>, bool) {
    let cut = beats(frame, width);
    let mut out: Vec<WireBeat> = cut
        .iter()
        .enumerate()
        .map(|(i, bytes)| WireBeat {
            bytes: bytes.to_vec(),
            keep: full(width) & (1_u128 << bytes.len()).wrapping_sub(1) as u64,
            last: i + 1 == cut.len(),
            user: false,
        })
        .collect();
    let end = out.len() - 1;
    let bad = match flaw {
        Flaw::None => false,
        Flaw::Error => {
            out[end].user = true;
            true
        }
        Flaw::EarlyUser if end > 0 => {
            out[0].user = true;
            false
        }
        Flaw::ShortBeat if end > 0 => {
            out[0].keep >>= 1;
            true
        }
        Flaw::Hole if out[end].bytes.len() > 1 => {
            out[end].keep ^= 1;
            true
        }
        Flaw::EmptyLast if end > 0 || out[end].bytes.len() == width => {
            out[end].last = false;
            out[end].keep = full(width);
            out.push(WireBeat { bytes: vec![], keep: 0, last: true, user: false });
            true
        }
        _ => false,
    };
    (out, bad)
}

/// The contract, and the clock-by-clock comparison with it.
struct Check {
    width: usize,
    port: usize,
    max: usize,
    infos: VecDeque<u64>,
    frames: VecDeque<Vec<u8>>,
    at: usize,
    infos_taken: u64,
    frames_done: u64,
    drops: VecDeque<Reason>,
    lengths: VecDeque<Option<u64>>,
    steady: Steady,
    passed: usize,
    dropped: usize,
}

impl Check {
    fn new(width: usize, port: usize, max: usize) -> Self {
        Self {
            width,
            port,
            max,
            infos: VecDeque::new(),
            frames: VecDeque::new(),
            at: 0,
            infos_taken: 0,
            frames_done: 0,
            drops: VecDeque::new(),
            lengths: VecDeque::new(),
            steady: Steady::default(),
            passed: 0,
            dropped: 0,
        }
    }

    /// A frame has gone in whole.
    fn ended(&mut self, frame: Vec<u8>, on: bool, bad: bool, holed: bool) {
        self.lengths.push_back((!holed).then_some(frame.len().min(65_535) as u64));
        let reason = if !on {
            Some(Reason::PortDisabled)
        } else if bad {
            Some(Reason::RxError)
        } else if frame.len() > self.max {
            Some(Reason::Oversize)
        } else if frame.len() < 14 {
            Some(Reason::Runt)
        } else {
            None
        };
        match reason {
            Some(reason) => self.drops.push_back(reason),
            None => {
                self.infos.push_back(frame_info(frame.len(), self.port));
                self.frames.push_back(frame);
            }
        }
    }

    /// Takes the next beat if `willing`, but a frame's first one only with its head.
    fn set_ready(&self, m: &mut Model, p: &Ports, willing: bool) {
        let ready = willing && (self.at > 0 || m.get(p.head_valid) == 1);
        m.set(p.beats.ready, ready.into());
    }

    /// With everything settled, before the clock's edge.
    fn clock(&mut self, m: &Model, p: &Ports) {
        self.steady.check(m, p.beats);
        // While the reader itself leaves an earlier frame's info untaken, there is nothing to be said.
        if m.get(p.beats.valid) == 1 && self.infos_taken >= self.frames_done {
            let told = self.infos_taken + m.get(p.info_valid);
            assert!(told > self.frames_done, "a beat is offered before its frame's info");
        }
        if m.get(p.info_valid) == 1 && m.get(p.info_ready) == 1 {
            assert_eq!(Some(m.get(p.info)), self.infos.pop_front());
            self.infos_taken += 1;
        }
        if m.get(p.beats.valid) == 1 && self.at == 0 && m.get(p.head_valid) == 1 {
            let frame = self.frames.front().expect("a head of no frame");
            let head = get_bytes(m, p.head);
            let seen = frame.len().min(head.len());
            assert_eq!(head[..seen], frame[..seen], "head of a frame of {}", frame.len());
        }
        if p.beats.moves(m) {
            let frame = self.frames.front().expect("a beat of no frame");
            let cut = beats(frame, self.width);
            assert_eq!(get_bytes(m, p.beats.data)[..cut[self.at].len()], *cut[self.at], "beat {} of {}", self.at, cut.len());
            assert_eq!(m.get(p.beats.last) == 1, self.at + 1 == cut.len(), "last at beat {} of {}", self.at, cut.len());
            self.at += 1;
            if self.at == cut.len() {
                self.at = 0;
                self.frames.pop_front();
                self.frames_done += 1;
                self.passed += 1;
            }
        }
        if m.get(p.drop_valid) == 1 {
            assert_eq!(Reason::from_code(m.get(p.drop_reason) as u8), self.drops.pop_front());
            self.dropped += 1;
        }
        if m.get(p.received_valid) == 1 {
            let length = self.lengths.pop_front().expect("a length of no frame");
            assert!(length.is_none_or(|length| length == m.get(p.received_length)), "{length:?} received as another length");
        }
    }

    fn assert_done(&self) {
        assert!(self.infos.is_empty() && self.frames.is_empty() && self.drops.is_empty() && self.lengths.is_empty());
    }
}

fn set_wire(m: &mut Model, p: &Ports, beat: Option<&WireBeat>, rng: &mut ChaCha8Rng) {
    m.set(p.tvalid, beat.is_some().into());
    match beat {
        Some(beat) => {
            set_lanes(m, p.tdata, &beat.bytes);
            m.set(p.tkeep, beat.keep);
            m.set(p.tlast, beat.last.into());
            m.set(p.tuser, beat.user.into());
        }
        None => {
            set_lanes(m, p.tdata, &[]);
            m.set(p.tkeep, rng.random());
            m.set(p.tlast, rng.random_range(0..2));
            m.set(p.tuser, rng.random_range(0..2));
        }
    }
}

fn random_frame(rng: &mut ChaCha8Rng, max: usize) -> (Vec<u8>, Flaw) {
    let length = match rng.random_range(0..20) {
        0 => rng.random_range(0..14),
        1 => rng.random_range(max - 8..max + 9),
        2 => rng.random_range(max + 1..2 * max + 200),
        _ => random_length(rng, 14, max),
    };
    let flaw = match rng.random_range(0..40) {
        0 => Flaw::Error,
        1 => Flaw::EarlyUser,
        2 => Flaw::ShortBeat,
        3 => Flaw::Hole,
        4 => Flaw::EmptyLast,
        _ => Flaw::None,
    };
    (random_bytes(rng, length), flaw)
}

/// Random frames with every flaw, gaps in, stalls out, the switch flipped at any time.
fn random_run(mut m: Model, port: usize, max: usize, frames: usize) {
    let mut rng = rng();
    let p = Ports::of(&m);
    let width = m.width(p.tkeep) as usize;
    let mut check = Check::new(width, port, max);
    reset(&mut m);
    m.set(p.enable, 1);
    let (mut gaps, mut stalls) = (0.0, 0.0);
    let mut was_full = 0;
    for index in 0..frames {
        if index % 64 == 0 {
            // Weather: from a quiet wire and a fast reader to the opposite of both.
            gaps = [0.0, 0.2, 0.7][rng.random_range(0..3)];
            stalls = [0.0, 0.3, 0.8][rng.random_range(0..3)];
        }
        let (frame, flaw) = random_frame(&mut rng, max);
        let (mut wire, bad) = wire_beats(&frame, width, flaw);
        wire.reverse();
        let (mut on, mut first) = (true, true);
        let mut offered = false;
        while let Some(beat) = wire.last() {
            offered |= !rng.random_bool(gaps);
            set_wire(&mut m, &p, offered.then_some(beat), &mut rng);
            if rng.random_ratio(1, 50) {
                m.set(p.enable, rng.random_bool(0.8).into());
            }
            m.set(p.info_ready, rng.random_bool(1.0 - stalls).into());
            check.set_ready(&mut m, &p, rng.random_bool(1.0 - stalls));
            m.eval();
            was_full += u32::from(offered && m.get(p.tready) == 0);
            check.clock(&m, &p);
            if offered && m.get(p.tready) == 1 {
                if first {
                    on = m.get(p.enable) == 1;
                    first = false;
                }
                wire.pop();
                offered = false;
            }
            m.tick();
        }
        // Broken lanes make a length that is nobody's; everything else is counted by the byte.
        check.ended(frame, on, bad, bad && flaw != Flaw::Error);
    }
    set_wire(&mut m, &p, None, &mut rng);
    m.set(p.info_ready, 1);
    for _ in 0..5000 {
        check.set_ready(&mut m, &p, true);
        m.eval();
        check.clock(&m, &p);
        m.tick();
    }
    check.assert_done();
    assert!(check.passed > frames / 2 && check.dropped > frames / 20, "{} passed, {} dropped", check.passed, check.dropped);
    assert!(was_full > 0, "the store was never full");
}

#[test]
fn rx_port_is_clean_and_two_rams() {
    check_block("rx_port64", || RxPort64::new(0, MAX), Expect::rams(2).with_bits(2048 * 65 + 256 * 20));
    check_block("rx_port512", || RxPort512::new(1, MAX), Expect::rams(2).with_bits(256 * 513 + 256 * 20));
}

#[test]
fn every_frame_ends_once_at_64_bits() {
    random_run(model("rx_port_small64", Small64::new(SMALL_PORT, SMALL_MAX)), SMALL_PORT, SMALL_MAX, 20_000);
}

#[test]
fn every_frame_ends_once_at_512_bits() {
    random_run(model("rx_port_small512", Small512::new(SMALL_PORT, SMALL_MAX)), SMALL_PORT, SMALL_MAX, 20_000);
}

#[test]
fn every_frame_ends_once_with_jumbo_frames() {
    random_run(model("rx_port64", RxPort64::new(0, MAX)), 0, MAX, 1500);
}

/// Sends frames back to back and gives, for every clock, whether a beat came out.
fn back_to_back(m: &mut Model, lengths: &[usize]) -> Vec<bool> {
    let mut rng = rng();
    let p = Ports::of(m);
    let width = m.width(p.tkeep) as usize;
    reset(m);
    m.set(p.enable, 1);
    m.set(p.info_ready, 1);
    m.tick();
    let mut check = Check::new(width, 0, MAX);
    let mut out = vec![];
    for &length in lengths {
        let frame = random_bytes(&mut rng, length);
        for beat in wire_beats(&frame, width, Flaw::None).0 {
            set_wire(m, &p, Some(&beat), &mut rng);
            check.set_ready(m, &p, true);
            m.eval();
            assert_eq!(m.get(p.tready), 1, "the port stalls at full rate");
            check.clock(m, &p);
            out.push(p.beats.moves(m));
            m.tick();
        }
        check.ended(frame, true, false, false);
    }
    set_wire(m, &p, None, &mut rng);
    for _ in 0..2000 {
        check.set_ready(m, &p, true);
        m.eval();
        check.clock(m, &p);
        out.push(p.beats.moves(m));
        m.tick();
    }
    check.assert_done();
    out
}

fn no_bubble(out: &[bool], beats: usize) {
    let first = out.iter().position(|beat| *beat).expect("beats come out");
    assert!(out[first..first + beats].iter().all(|beat| *beat), "a bubble between frames");
    assert!(!out[first + beats..].contains(&true));
}

#[test]
fn equal_frames_back_to_back_have_no_bubble() {
    let mut m = model("rx_port64", RxPort64::new(0, MAX));
    for length in [14, 16, 60, 64, 65, 1514] {
        no_bubble(&back_to_back(&mut m, &[length; 300]), 300 * length.div_ceil(8));
    }
    let mut m = model("rx_port512_port0", RxPort512::new(0, MAX));
    for length in [14, 60, 64, 65, 128, 1514] {
        no_bubble(&back_to_back(&mut m, &[length; 200]), 200 * length.div_ceil(64));
    }
}

#[test]
fn the_first_beat_comes_its_latency_after_the_last() {
    let mut m = model("rx_port64", RxPort64::new(0, MAX));
    for length in [14, 60, 74, 90, 97, MAX] {
        let out = back_to_back(&mut m, &[length]);
        let first = out.iter().position(|beat| *beat);
        assert_eq!(first, Some(length.div_ceil(8) - 1 + RxPort64::LATENCY), "{length} bytes");
    }
    let mut m = model("rx_port512_port0", RxPort512::new(0, MAX));
    for length in [14, 60, 64, 65, 150, MAX] {
        let out = back_to_back(&mut m, &[length]);
        let first = out.iter().position(|beat| *beat);
        assert_eq!(first, Some(length.div_ceil(64) - 1 + RxPort512::LATENCY), "{length} bytes");
    }
}

#[test]
fn a_frame_without_end_is_swallowed_and_the_next_one_passes() {
    let mut rng = rng();
    let mut m = model("rx_port64", RxPort64::new(0, MAX));
    let p = Ports::of(&m);
    reset(&mut m);
    m.set(p.enable, 1);
    let mut check = Check::new(8, 0, MAX);
    m.tick();
    for length in [200_000, 60] {
        let frame = random_bytes(&mut rng, length);
        for beat in wire_beats(&frame, 8, Flaw::None).0 {
            set_wire(&mut m, &p, Some(&beat), &mut rng);
            m.eval();
            assert_eq!(m.get(p.tready), 1, "nobody reads, but there is nothing to read");
            check.clock(&m, &p);
            m.tick();
        }
        check.ended(frame, true, false, false);
    }
    set_wire(&mut m, &p, None, &mut rng);
    m.set(p.info_ready, 1);
    for _ in 0..100 {
        check.set_ready(&mut m, &p, true);
        m.eval();
        check.clock(&m, &p);
        m.tick();
    }
    check.assert_done();
    assert_eq!((check.passed, check.dropped), (1, 1));
}

#[test]
fn a_full_store_waits_and_loses_nothing() {
    let mut rng = rng();
    let mut m = model("rx_port64", RxPort64::new(0, MAX));
    let p = Ports::of(&m);
    reset(&mut m);
    m.set(p.enable, 1);
    m.tick();
    let mut check = Check::new(8, 0, MAX);
    let (mut clocks, mut waited) = (0, 0);
    for _ in 0..600 {
        let frame = random_bytes(&mut rng, 60);
        for beat in wire_beats(&frame, 8, Flaw::None).0 {
            loop {
                // Nobody reads for the first 5,000 clocks, far longer than the store lasts.
                m.set(p.info_ready, (clocks > 5000).into());
                check.set_ready(&mut m, &p, clocks > 5000);
                set_wire(&mut m, &p, Some(&beat), &mut rng);
                m.eval();
                let taken = m.get(p.tready) == 1;
                check.clock(&m, &p);
                m.tick();
                clocks += 1;
                if taken {
                    break;
                }
                waited += 1;
            }
        }
        check.ended(frame, true, false, false);
    }
    set_wire(&mut m, &p, None, &mut rng);
    for _ in 0..5000 {
        check.set_ready(&mut m, &p, true);
        m.eval();
        check.clock(&m, &p);
        m.tick();
    }
    check.assert_done();
    assert_eq!((check.passed, check.dropped), (600, 0));
    assert!(waited > 1000, "the store took {waited} clocks less than it should have");
}

#[test]
#[should_panic(expected = "does not fit a store")]
fn a_store_that_the_longest_frame_does_not_fit_is_refused() {
    let _ = Small64::new(0, 61 * 8);
}
