//! The receive side in one piece: two ports, arbiter, the split of heads, payload FIFO and strip, as the engine has them.

use std::collections::VecDeque;

use fpgaflow_hdl::prelude::*;
use fpgaflow_hdl::records::{BeatSource, FrameInfo, HeaderRecord, L2Record};
use fpgaflow_hdl::rx::{HEAD_64, HEAD_512, RxArbiter, RxPort64, RxPort512, SplitHead, Strip, WireSink};
use fpgaflow_hdl_guard::{Expect, Model, Port, check_block, model, rng};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;

use crate::layer2::Layer2;
use crate::support::{BeatPorts, HeaderFields, Steady, beats, get_bytes, random_frame, random_length, reset, set_lanes};

const PORTS: usize = 2;
const MAX: usize = 9018;
const LEAST: usize = 14;

macro_rules! chain {
    ($name:ident: width $w:tt, lanes $b:tt, word $word:tt, head $head:tt, port $port:ty) => {
        #[derive(LogicBlock)]
        struct $name {
            clock: Signal<In, Clock>,
            reset: Signal<In, Bit>,
            s_axis_rx: [WireSink<$w, $b>; PORTS],
            credit: Signal<In, Bit>,
            credit_taken: Signal<Out, Bit>,
            m_axis: BeatSource<$w>,
            header_valid: Signal<Out, Bit>,
            header: Signal<Out, HeaderRecord>,
            port: [$port; PORTS],
            arbiter: RxArbiter<$w, $head, PORTS>,
            split: SplitHead<$head>,
            payload: StreamFifo<Bits<$word>, 6, 7>,
            payload_in: Signal<Local, Bits<$word>>,
            payload_out: Signal<Local, Bits<$word>>,
            strip: Strip<$w, 7, 8>,
            l2: Signal<Local, L2Record>,
            frame: Signal<Local, FrameInfo>,
        }

        impl Default for $name {
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
                    port: std::array::from_fn(|port| <$port>::new(port, MAX)),
                    arbiter: RxArbiter::default(),
                    split: SplitHead::default(),
                    payload: StreamFifo::default(),
                    payload_in: Signal::default(),
                    payload_out: Signal::default(),
                    strip: Strip::default(),
                    l2: Signal::default(),
                    frame: Signal::default(),
                }
            }
        }

        impl Logic for $name {
            #[hdl_gen]
            fn update(&mut self) {
                clock!(self, clock, arbiter, split, payload, strip);
                self.arbiter.reset.next = self.reset.val();
                self.split.reset.next = self.reset.val();
                self.payload.reset.next = self.reset.val();
                self.strip.reset.next = self.reset.val();
                for i in 0..PORTS {
                    self.port[i].clock.next = self.clock.val();
                    self.port[i].reset.next = self.reset.val();
                    self.port[i].enable.next = true;
                    WireSink::<$w, $b>::link(&mut self.s_axis_rx[i], &mut self.port[i].s_axis);
                    StreamSource::<FrameInfo>::join(&mut self.port[i].m_axis_frame, &mut self.arbiter.s_axis_frame[i]);
                    self.arbiter.s_head_valid[i].next = self.port[i].m_head_valid.val();
                    self.arbiter.s_head[i].next = self.port[i].m_head.val();
                    BeatSource::<$w>::join(&mut self.port[i].m_axis_beats, &mut self.arbiter.s_axis_beats[i]);
                }
                self.arbiter.credit.next = self.credit.val();
                self.credit_taken.next = self.arbiter.credit_taken.val();
                self.split.head_valid.next = self.arbiter.m_head_valid.val();
                self.split.head.next = self.arbiter.m_head.val();
                self.split.frame.next = self.arbiter.m_frame.val();
                self.header_valid.next = self.split.header_valid.val();
                self.header.next = self.split.header.val();
                self.payload_in.next = bit_cast::<$word, $w>(self.arbiter.m_axis.data.val());
                self.payload.s_axis.data.next = self.payload_in.val().replace_bit($w, self.arbiter.m_axis.last.val());
                self.payload.s_axis.valid.next = self.arbiter.m_axis.valid.val();
                self.arbiter.m_axis.ready.next = self.payload.s_axis.ready.val();
                self.payload_out.next = self.payload.m_axis.data.val();
                self.strip.s_axis.data.next = self.payload_out.val().get_bits::<$w>(0);
                self.strip.s_axis.last.next = self.payload_out.val().get_bit($w);
                self.strip.s_axis.valid.next = self.payload.m_axis.valid.val();
                self.payload.m_axis.ready.next = self.strip.s_axis.ready.val();
                self.l2.next = self.split.header.val().l2;
                self.frame.next = self.split.header.val().frame;
                self.strip.header_valid.next = self.split.header_valid.val();
                self.strip.l2_length.next = self.l2.val().length;
                self.strip.length.next = self.frame.val().length;
                BeatSource::<$w>::link(&mut self.m_axis, &mut self.strip.m_axis);
            }
        }
    };
}

chain!(Chain64: width 64, lanes 8, word 65, head HEAD_64, port RxPort64);
chain!(Chain512: width 512, lanes 64, word 513, head HEAD_512, port RxPort512);

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
    width: usize,
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
    headers: VecDeque<Vec<u8>>,
    done: usize,
    /// What this clock showed.
    beat: bool,
    told: bool,
    /// Beats of the frame that was told last.
    told_beats: usize,
    taken: bool,
}

impl Rig {
    fn new(name: &str, dut: impl Block) -> Self {
        let mut m = model(name, dut);
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
        let out = BeatPorts::of(&m, "m_axis");
        Self {
            width: m.width(out.data) as usize / 8,
            wires,
            out,
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
            told_beats: 0,
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
                let cut = beats(frame, self.width);
                set_lanes(m, wire.tdata, cut[wire.at]);
                m.set(wire.tkeep, ((1_u128 << cut[wire.at].len()) - 1) as u64);
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
            let (packet, expected) = (self.packets.pop_front().unwrap(), self.headers.pop_front().unwrap());
            assert_eq!(
                packet.len(),
                expected.len().max(1).next_multiple_of(self.width),
                "beats of a packet of {}",
                expected.len()
            );
            assert_eq!(packet[..expected.len()], expected[..]);
            self.done += 1;
        }
        self.m.tick();
    }

    /// The header names its port; the next frame of that port is what it must be.
    fn take_header(&mut self) {
        let header = HeaderFields::read(&self.m, self.header);
        let port = (header.frame >> 16) as usize;
        let frame = self.wires[port].expected.pop_front().expect("a header of no frame");
        header.check(&frame, port);
        self.told_beats = frame.len().div_ceil(self.width);
        self.headers.push_back(frame[Layer2::of(&frame).bytes..].to_vec());
    }

    fn assert_empty(&self) {
        assert!(self.wires.iter().all(|wire| wire.waiting.is_empty() && wire.expected.is_empty()));
        assert!(self.packets.is_empty() && self.headers.is_empty() && self.current.is_empty());
    }
}

#[test]
fn chain_is_clean_and_six_rams() {
    check_block("rx_chain64_2", Chain64::default, Expect::rams(6));
    check_block("rx_chain512_2", Chain512::default, Expect::rams(6));
}

fn random_run(name: &str, dut: impl Block) {
    const FRAMES: usize = 10_000;
    let mut rng = rng();
    let mut rig = Rig::new(name, dut);
    let (mut sent, mut gap, mut stall, mut give) = (0, 0.0, 0.0, 1.0);
    while sent < FRAMES {
        if rng.random_ratio(1, 2000) {
            gap = [0.0, 0.2, 0.6][rng.random_range(0..3)];
            stall = [0.0, 0.2, 0.7][rng.random_range(0..3)];
            give = [1.0, 0.1, 0.02][rng.random_range(0..3)];
        }
        for port in 0..PORTS {
            if rig.wires[port].waiting.len() < 2 && rng.random_bool(0.1) {
                let most = if rng.random_ratio(1, 50) { MAX } else { 1000 };
                let length = random_length(&mut rng, LEAST, most);
                rig.send(port, random_frame(&mut rng, length));
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
    // Both ports may have been given one in the last clock.
    assert_eq!(rig.done, sent);
}

#[test]
fn frames_of_both_ports_become_headers_and_beats_at_64_bits() {
    random_run("rx_chain64_2", Chain64::default());
}

#[test]
fn frames_of_both_ports_become_headers_and_beats_at_512_bits() {
    random_run("rx_chain512_2", Chain512::default());
}

/// Frames of `lengths`, back to back on the first `ports` ports: one takes as many clocks as it has beats, no more. With `wait` nothing
/// leaves the ports until they are full, so that there is always a frame to take: a long one must come in before it can go on.
fn no_bubble(name: &str, dut: impl Block, ports: usize, lengths: &[usize], wait: usize) {
    const FRAMES: usize = 300;
    let mut rng = rng();
    let mut rig = Rig::new(name, dut);
    let mut beats = 0;
    for port in 0..ports {
        for index in 0..FRAMES {
            let length = lengths[(index + port) % lengths.len()];
            beats += length.div_ceil(rig.width);
            rig.send(port, random_frame(&mut rng, length));
        }
    }
    rig.credits = 0;
    for _ in 0..wait {
        rig.clock(&mut rng, 0.0, 0.0);
    }
    rig.credits = u32::MAX;
    let mut headers = vec![];
    for clock in 0..beats + 500 {
        rig.clock(&mut rng, 0.0, 0.0);
        assert!(ports > 1 || rig.taken || rig.wires[0].waiting.is_empty(), "the wire waits at clock {clock}");
        if rig.told {
            headers.push((clock, rig.told_beats));
        }
    }
    rig.assert_empty();
    assert_eq!(headers.len(), ports * FRAMES);
    for pair in headers.windows(2) {
        assert_eq!(pair[1].0 - pair[0].0, pair[0].1, "{lengths:?} bytes: a bubble between frames");
    }
}

#[test]
fn frames_of_one_port_pass_at_a_beat_a_clock() {
    for length in [14, 22, 60, 64, 65, 128, 1514] {
        no_bubble("rx_chain64_2", Chain64::default(), 1, &[length], 0);
        no_bubble("rx_chain512_2", Chain512::default(), 1, &[length], 0);
    }
}

/// 512 bits: a frame a clock, of one port and of two, whatever layer 2 they have.
#[test]
fn the_shortest_frames_pass_at_one_a_clock_at_512_bits() {
    for ports in [1, 2] {
        no_bubble("rx_chain512_2", Chain512::default(), ports, &[60, 61, 62, 63, 64], 0);
    }
}

/// Both wires together bring twice what the data path can carry: it is never idle, and they share it evenly.
#[test]
fn two_full_wires_leave_no_bubble() {
    for length in [60, 64, 128] {
        no_bubble("rx_chain64_2", Chain64::default(), 2, &[length], 0);
        no_bubble("rx_chain512_2", Chain512::default(), 2, &[length], 0);
    }
}

#[test]
fn frames_of_mixed_lengths_that_wait_leave_no_bubble() {
    let lengths = [60, 64, 60, 65, 61, 128, 129, 60, 150, 14, 64, 590, 63];
    no_bubble("rx_chain64_2", Chain64::default(), 2, &lengths, 3000);
    no_bubble("rx_chain512_2", Chain512::default(), 2, &lengths, 500);
}

/// From the wire's last beat through the store to the header: what the rest of the engine's budget starts from.
fn header_comes_after(name: &str, dut: impl Block, latency: usize) {
    let mut rng = rng();
    let mut rig = Rig::new(name, dut);
    for length in [14, 60, 64, 74, 94, 128, 1514] {
        rig.send(0, random_frame(&mut rng, length));
        rig.credits = 1;
        let last_in = length.div_ceil(rig.width) - 1;
        for clock in 0..last_in + 250 {
            rig.clock(&mut rng, 0.0, 0.0);
            assert_eq!(rig.told, clock == last_in + latency, "{length} bytes, clock {clock}");
        }
    }
    rig.assert_empty();
}

#[test]
fn the_header_comes_the_latency_of_port_arbiter_and_split_after_the_last_beat() {
    let behind_64 = RxArbiter::<64, HEAD_64, PORTS>::LATENCY + SplitHead::<HEAD_64>::LATENCY;
    let behind_512 = RxArbiter::<512, HEAD_512, PORTS>::LATENCY + SplitHead::<HEAD_512>::LATENCY;
    header_comes_after("rx_chain64_2", Chain64::default(), RxPort64::LATENCY + behind_64);
    header_comes_after("rx_chain512_2", Chain512::default(), RxPort512::LATENCY + behind_512);
}
