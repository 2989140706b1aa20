//! The receive side in one piece: two ports, arbiter, strip, gather, as the engine has them.

use std::collections::VecDeque;

use fpgaflow_hdl::prelude::*;
use fpgaflow_hdl::records::{BeatSource, FrameInfo, HeaderRecord};
use fpgaflow_hdl::rx::{Gather64, RxArbiter, RxPort64, Strip64, WireSink};
use fpgaflow_hdl_guard::{Expect, Model, Port, check_block, model, rng};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;

use crate::support::{BeatPorts, Steady, beats, frame_info, get_bytes, random_bytes, random_length, reset, set_lanes};

const PORTS: usize = 2;
const WIDTH: usize = 8;
const MAX: usize = 9018;
const HEADER: usize = 14;

/// Two ports at 64 bits.
#[derive(LogicBlock)]
struct Chain {
    clock: Signal<In, Clock>,
    reset: Signal<In, Bit>,
    s_axis_rx: [WireSink<64, 8>; PORTS],
    credit: Signal<In, Bit>,
    credit_taken: Signal<Out, Bit>,
    m_axis: BeatSource<64>,
    header_valid: Signal<Out, Bit>,
    header: Signal<Out, HeaderRecord>,
    port: [RxPort64; PORTS],
    arbiter: RxArbiter<64, PORTS>,
    strip: Strip64,
    gather: Gather64,
}

impl Default for Chain {
    fn default() -> Self {
        Self {
            clock: Signal::default(),
            reset: Signal::default(),
            s_axis_rx: std::array::from_fn(|_| WireSink::default()),
            credit: Signal::default(),
            credit_taken: Signal::default(),
            m_axis: BeatSource::default(),
            header_valid: Signal::default(),
            header: Signal::default(),
            port: std::array::from_fn(|port| RxPort64::new(port, MAX)),
            arbiter: RxArbiter::default(),
            strip: Strip64::default(),
            gather: Gather64::default(),
        }
    }
}

impl Logic for Chain {
    #[hdl_gen]
    fn update(&mut self) {
        clock!(self, clock, arbiter, strip, gather);
        self.arbiter.reset.next = self.reset.val();
        self.strip.reset.next = self.reset.val();
        self.gather.reset.next = self.reset.val();
        for i in 0..PORTS {
            self.port[i].clock.next = self.clock.val();
            self.port[i].reset.next = self.reset.val();
            self.port[i].enable.next = true;
            WireSink::<64, 8>::link(&mut self.s_axis_rx[i], &mut self.port[i].s_axis);
            StreamSource::<FrameInfo>::join(&mut self.port[i].m_axis_frame, &mut self.arbiter.s_axis_frame[i]);
            BeatSource::<64>::join(&mut self.port[i].m_axis_beats, &mut self.arbiter.s_axis_beats[i]);
        }
        BeatSource::<64>::join(&mut self.arbiter.m_axis, &mut self.strip.s_axis);
        self.strip.s_frame.next = self.arbiter.m_frame.val();
        BeatSource::<64>::join(&mut self.strip.m_axis, &mut self.gather.s_axis);
        self.gather.s_l2.next = self.strip.m_l2.val();
        self.gather.s_ethertype.next = self.strip.m_ethertype.val();
        self.gather.s_encap.next = self.strip.m_encap.val();
        self.gather.s_frame.next = self.strip.m_frame.val();
        self.gather.credit.next = self.credit.val();
        self.credit_taken.next = self.gather.credit_taken.val();
        BeatSource::<64>::link(&mut self.m_axis, &mut self.gather.m_axis);
        self.header_valid.next = self.gather.header_valid.val();
        self.header.next = self.gather.header.val();
    }
}

struct Wire {
    tdata: Port,
    tkeep: Port,
    tlast: Port,
    tuser: Port,
    tvalid: Port,
    tready: Port,
    waiting: VecDeque<Vec<u8>>,
    at: usize,
    offered: bool,
    expected: VecDeque<Vec<u8>>,
}

struct Rig {
    m: Model,
    wires: Vec<Wire>,
    out: BeatPorts,
    header_valid: Port,
    header: Port,
    credit: Port,
    credit_taken: Port,
    credits: u32,
    steady: Steady,
    /// Beats of the packet that is coming out, and packets whose header has not come yet.
    current: Vec<u8>,
    packets: VecDeque<Vec<u8>>,
    headers: VecDeque<(Vec<u8>, usize)>,
    done: usize,
    /// What this clock showed.
    beat: bool,
    told: bool,
    taken: bool,
}

impl Rig {
    fn new() -> Self {
        let mut m = model("rx_chain64_2", Chain::default());
        reset(&mut m);
        let wires = (0..PORTS)
            .map(|port| {
                let signal = |name: &str| m.port(&format!("s_axis_rx_{port}_{name}"));
                Wire {
                    tdata: signal("tdata"),
                    tkeep: signal("tkeep"),
                    tlast: signal("tlast"),
                    tuser: signal("tuser"),
                    tvalid: signal("tvalid"),
                    tready: signal("tready"),
                    waiting: VecDeque::new(),
                    at: 0,
                    offered: false,
                    expected: VecDeque::new(),
                }
            })
            .collect();
        m.tick();
        Self {
            wires,
            out: BeatPorts::of(&m, "m_axis"),
            header_valid: m.port("header_valid"),
            header: m.port("header"),
            credit: m.port("credit"),
            credit_taken: m.port("credit_taken"),
            m,
            credits: 1,
            steady: Steady::default(),
            current: vec![],
            packets: VecDeque::new(),
            headers: VecDeque::new(),
            done: 0,
            beat: false,
            told: false,
            taken: false,
        }
    }

    fn send(&mut self, port: usize, frame: Vec<u8>) {
        self.wires[port].expected.push_back(frame.clone());
        self.wires[port].waiting.push_back(frame);
    }

    fn clock(&mut self, rng: &mut ChaCha8Rng, gap: f64, stall: f64) {
        let m = &mut self.m;
        for wire in &mut self.wires {
            wire.offered = !wire.waiting.is_empty() && (wire.offered || !rng.random_bool(gap));
            m.set(wire.tvalid, wire.offered.into());
            if let Some(frame) = wire.waiting.front() {
                let cut = beats(frame, WIDTH);
                set_lanes(m, wire.tdata, cut[wire.at]);
                m.set(wire.tkeep, (1 << cut[wire.at].len()) - 1);
                m.set(wire.tlast, (wire.at + 1 == cut.len()).into());
                m.set(wire.tuser, 0);
            }
        }
        m.set(self.credit, (self.credits > 0).into());
        m.set(self.out.ready, (!rng.random_bool(stall)).into());
        m.eval();
        self.taken = false;
        for wire in &mut self.wires {
            if m.get(wire.tvalid) == 1 && m.get(wire.tready) == 1 {
                self.taken = true;
                wire.offered = false;
                wire.at += 1;
                if m.get(wire.tlast) == 1 {
                    wire.at = 0;
                    wire.waiting.pop_front();
                }
            }
        }
        self.steady.check(m, self.out);
        self.beat = self.out.moves(m);
        if self.beat {
            self.current.extend(get_bytes(m, self.out.data));
            if m.get(self.out.last) == 1 {
                self.packets.push_back(std::mem::take(&mut self.current));
            }
        }
        self.credits -= u32::from(m.get(self.credit_taken) == 1);
        self.told = m.get(self.header_valid) == 1;
        if self.told {
            self.take_header();
        }
        while !self.packets.is_empty() && !self.headers.is_empty() {
            let (packet, (expected, seen)) = (self.packets.pop_front().unwrap(), self.headers.pop_front().unwrap());
            assert_eq!(packet.len(), expected.len().max(1).next_multiple_of(WIDTH), "beats of a packet of {}", expected.len());
            assert_eq!(packet[..expected.len()], expected[..]);
            assert_eq!(seen, expected.len());
            self.done += 1;
        }
        self.m.tick();
    }

    /// The header names its port; the next frame of that port is what it must be.
    fn take_header(&mut self) {
        let mut words = [0; 14];
        self.m.get_words(self.header, &mut words);
        let bits = |lsb: usize, width: usize| {
            (0..width).rev().fold(0_u64, |v, i| v << 1 | words[(lsb + i) / 64] >> ((lsb + i) % 64) & 1)
        };
        let info = bits(821, 20);
        let port = (info >> 16) as usize;
        let frame = self.wires[port].expected.pop_front().expect("a header of no frame");
        assert_eq!(info, frame_info(frame.len(), port));
        let (l2, packet) = frame.split_at(HEADER);
        let shown: Vec<u8> = (0..30).map(|byte| bits(512 + 240 - 8 - 8 * byte, 8) as u8).collect();
        assert_eq!(shown[..HEADER], *l2);
        assert_eq!(bits(752, 5), HEADER as u64);
        assert_eq!(bits(757, 16), u64::from(u16::from_be_bytes([l2[12], l2[13]])));
        assert_eq!(bits(773, 48), 0);
        let window: Vec<u8> = words[..8].iter().rev().flat_map(|word| word.to_be_bytes()).collect();
        let seen = packet.len().min(40);
        assert_eq!(window[..seen], packet[..seen]);
        self.headers.push_back((packet.to_vec(), packet.len()));
    }

    fn assert_empty(&self) {
        assert!(self.wires.iter().all(|wire| wire.waiting.is_empty() && wire.expected.is_empty()));
        assert!(self.packets.is_empty() && self.headers.is_empty() && self.current.is_empty());
    }
}

#[test]
fn chain_is_clean_and_four_rams() {
    check_block("rx_chain64_2", Chain::default, Expect::rams(4));
}

#[test]
fn frames_of_both_ports_become_headers_and_beats() {
    let mut rng = rng();
    let mut rig = Rig::new();
    let (mut sent, mut gap, mut stall, mut give) = (0, 0.0, 0.0, 1.0);
    while sent < 10_000 {
        if rng.random_ratio(1, 2000) {
            gap = [0.0, 0.2, 0.6][rng.random_range(0..3)];
            stall = [0.0, 0.2, 0.7][rng.random_range(0..3)];
            give = [1.0, 0.1, 0.02][rng.random_range(0..3)];
        }
        for port in 0..PORTS {
            if rig.wires[port].waiting.len() < 2 && rng.random_bool(0.1) {
                let most = if rng.random_ratio(1, 50) { MAX } else { 1000 };
                let length = random_length(&mut rng, HEADER, most);
                rig.send(port, random_bytes(&mut rng, length));
                sent += 1;
            }
        }
        if rig.credits < 3 && rng.random_bool(give) {
            rig.credits += 1;
        }
        rig.clock(&mut rng, gap, stall);
    }
    for _ in 0..20_000 {
        rig.credits = 2;
        rig.clock(&mut rng, 0.0, 0.0);
    }
    rig.assert_empty();
    assert_eq!(rig.done, 10_000);
}

/// Frames that follow each other on one port, 60 bytes each: eight beats in, six out, in every eight clocks.
#[test]
fn short_frames_pass_at_a_beat_a_clock() {
    let mut rng = rng();
    let mut rig = Rig::new();
    const FRAMES: usize = 500;
    for _ in 0..FRAMES {
        rig.send(0, random_bytes(&mut rng, 60));
    }
    rig.credits = u32::MAX;
    let mut headers = vec![];
    for clock in 0..FRAMES * 8 + 40 {
        rig.clock(&mut rng, 0.0, 0.0);
        assert!(rig.taken || clock >= FRAMES * 8, "the wire waits at clock {clock}");
        if rig.told {
            headers.push(clock);
        }
    }
    rig.assert_empty();
    assert_eq!(headers.len(), FRAMES);
    assert!(headers.windows(2).all(|pair| pair[1] - pair[0] == 8), "a frame came late");
}

/// Both wires together bring twice what the data path can carry: it is never idle, and they share it evenly.
#[test]
fn two_full_wires_leave_no_bubble() {
    let mut rng = rng();
    let mut rig = Rig::new();
    const FRAMES: usize = 300;
    for port in 0..PORTS {
        for _ in 0..FRAMES {
            rig.send(port, random_bytes(&mut rng, 60));
        }
    }
    rig.credits = u32::MAX;
    let mut headers = vec![];
    for clock in 0..2 * FRAMES * 8 + 40 {
        rig.clock(&mut rng, 0.0, 0.0);
        if rig.told {
            headers.push(clock);
        }
    }
    rig.assert_empty();
    assert!(headers.windows(2).all(|pair| pair[1] - pair[0] == 8), "a bubble between frames");
}

/// From the wire's last beat through the store to the header: what the rest of the engine's budget starts from.
#[test]
fn latency_is_the_sum_of_the_blocks() {
    let mut rng = rng();
    let mut rig = Rig::new();
    rig.send(0, random_bytes(&mut rng, 60));
    let (mut first_beat, mut header) = (None, None);
    for clock in 0..60 {
        rig.clock(&mut rng, 0.0, 0.0);
        if rig.beat && first_beat.is_none() {
            first_beat = Some(clock);
        }
        if rig.told {
            header = Some(clock);
        }
    }
    let last_in = 7;
    // Two more beats until the bytes of the first beat out are there, and four more until byte 40 of the packet is.
    let first_out = last_in + RxPort64::LATENCY + RxArbiter::<64, PORTS>::LATENCY + 2 + Strip64::LATENCY;
    assert_eq!(first_beat, Some(first_out));
    assert_eq!(header, Some(first_out + 4 + Gather64::LATENCY));
    println!("first beat {} clocks after the wire's last, header {}", first_out - last_in, header.unwrap() - last_in);
}
