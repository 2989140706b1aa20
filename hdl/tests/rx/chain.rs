//! The receive side in one piece: two ports, arbiter, the split of heads, payload FIFO and strip, as the engine has them.

use std::collections::VecDeque;

use fpgaflow_hdl::prelude::*;
use fpgaflow_hdl::rx::{Receive64, Receive512};
use fpgaflow_hdl_guard::{Expect, Model, Port, check_block, model, rng};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;

use crate::layer2::Layer2;
use crate::support::{
    BeatPorts, HeaderFields, Steady, beats, every_layer2, get_bytes, random_frame, random_length, reset, set_lanes,
};

const PORTS: usize = 2;
const MAX: usize = 9018;
const LEAST: usize = 14;

/// Stores of 16 KiB, as `engine64` and `engine512` have them.
type Chain64 = Receive64<PORTS, 11, 12, 8, 9, 7, 8>;
type Chain512 = Receive512<PORTS, 8, 9, 8, 9, 7, 8>;

/// Bytes of layer 2 with a PPPoE header that may turn out to be of no protocol that counts: the window is filled as if it did.
fn longest_l2(frame: &[u8]) -> usize {
    let tags =
        (0..2).take_while(|tag| matches!(frame.get(12 + 4 * tag..14 + 4 * tag), Some([0x81, 0x00] | [0x88, 0xa8]))).count();
    let session = frame.get(12 + 4 * tags..16 + 4 * tags) == Some(&[0x88, 0x64, 0x11, 0x00]);
    14 + 4 * tags + if session { 8 } else { 0 }
}

/// A frame to send.
struct Sent {
    bytes: Vec<u8>,
    /// What the lanes show behind its end.
    beyond: Vec<u8>,
    /// The MAC finds it bad.
    bad: bool,
}

struct Wire {
    tdata: Port,
    tkeep: Port,
    tlast: Port,
    tuser: Port,
    tvalid: Port,
    tready: Port,
    waiting: VecDeque<Sent>,
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
    /// Beats of the frame that was told last, and of those the ones that its header is made of when they pass one by one.
    told_beats: usize,
    told_head: usize,
    taken: bool,
}

impl Rig {
    fn new(name: &str, dut: impl Block) -> Self {
        let mut m = model(name, dut);
        reset(&mut m);
        let wires = (0..PORTS)
            .map(|port| {
                let signal = |name: &str| m.port(&format!("s_axis_{port}_{name}"));
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
        for port in 0..PORTS {
            let enable = m.port(&format!("enable_{port}"));
            m.set(enable, 1);
        }
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
            told_head: 0,
            taken: false,
        }
    }

    fn send(&mut self, port: usize, frame: Vec<u8>) {
        self.wires[port].expected.push_back(frame.clone());
        self.wires[port].waiting.push_back(Sent { bytes: frame, beyond: vec![], bad: false });
    }

    /// A frame that must not pass: bad, too short or too long.
    fn send_bad(&mut self, rng: &mut ChaCha8Rng, port: usize) {
        let length = match rng.random_range(0..8) {
            0..2 => rng.random_range(1..LEAST),
            2 => rng.random_range(MAX + 1..MAX + 1000),
            3 => rng.random_range(LEAST..2000),
            _ => rng.random_range(LEAST..200),
        };
        let start = random_frame(rng, length.max(LEAST));
        let (bytes, bad) = (start[..length].to_vec(), (LEAST..=MAX).contains(&length));
        self.wires[port].waiting.push_back(Sent { bytes, beyond: vec![], bad });
    }

    fn clock(&mut self, rng: &mut ChaCha8Rng, gap: f64, stall: f64) {
        let m = &mut self.m;
        for wire in &mut self.wires {
            wire.offered = !wire.waiting.is_empty() && (wire.offered || !rng.random_bool(gap));
            m.set(wire.tvalid, wire.offered.into());
            if let Some(sent) = wire.waiting.front() {
                let cut = beats(&sent.bytes, self.width);
                let lanes: Vec<u8> = cut[wire.at].iter().chain(&sent.beyond).take(self.width).copied().collect();
                set_lanes(m, wire.tdata, &lanes);
                m.set(wire.tkeep, ((1_u128 << cut[wire.at].len()) - 1) as u64);
                m.set(wire.tlast, (wire.at + 1 == cut.len()).into());
                m.set(wire.tuser, (sent.bad && wire.at + 1 == cut.len()).into());
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
        let head = frame.len().min(longest_l2(&frame) + 64);
        self.told_head = if self.width == 8 { head.div_ceil(self.width) } else { 0 };
        self.headers.push_back(frame[Layer2::of(&frame).bytes..].to_vec());
    }

    fn assert_empty(&self) {
        assert!(self.wires.iter().all(|wire| wire.waiting.is_empty() && wire.expected.is_empty()));
        assert!(self.packets.is_empty() && self.headers.is_empty() && self.current.is_empty());
    }
}

#[test]
fn chain_is_clean_and_six_rams() {
    check_block("rx_chain64_2", || Chain64::new(MAX), Expect::rams(6));
    check_block("rx_chain512_2", || Chain512::new(MAX), Expect::rams(6));
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
                if rng.random_ratio(1, 6) {
                    rig.send_bad(&mut rng, port);
                }
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
    random_run("rx_chain64_2", Chain64::new(MAX));
}

#[test]
fn frames_of_both_ports_become_headers_and_beats_at_512_bits() {
    random_run("rx_chain512_2", Chain512::new(MAX));
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
            headers.push((clock, rig.told_beats, rig.told_head));
        }
    }
    rig.assert_empty();
    assert_eq!(headers.len(), ports * FRAMES);
    // A header comes when the beats that it is made of have passed, and those of the frames before it. One that was told later than that, because its
    // frame had not ended, says nothing of the next one's haste.
    for pair in headers.windows(2) {
        let (clocks, more) = (pair[1].0 - pair[0].0, pair[1].2.saturating_sub(pair[0].2));
        if rig.width == 8 {
            assert!(clocks <= pair[0].1 + more, "{lengths:?} bytes: a bubble between frames");
        } else {
            // All of a head is there with its frame's first beat.
            assert_eq!(clocks, pair[0].1, "{lengths:?} bytes: a bubble between frames");
        }
    }
    let (first, last) = (headers[0], headers[headers.len() - 1]);
    let most = beats - last.1 + last.2.saturating_sub(first.2);
    assert!(last.0 - first.0 <= most, "{lengths:?} bytes: {most} clocks became {}", last.0 - first.0);
}

#[test]
fn frames_of_one_port_pass_at_a_beat_a_clock() {
    for length in [14, 22, 60, 64, 65, 128, 1514] {
        no_bubble("rx_chain64_2", Chain64::new(MAX), 1, &[length], 0);
        no_bubble("rx_chain512_2", Chain512::new(MAX), 1, &[length], 0);
    }
}

/// 512 bits: a frame a clock, of one port and of two, whatever layer 2 they have.
#[test]
fn the_shortest_frames_pass_at_one_a_clock_at_512_bits() {
    for ports in [1, 2] {
        no_bubble("rx_chain512_2", Chain512::new(MAX), ports, &[60, 61, 62, 63, 64], 0);
    }
}

/// Both wires together bring twice what the data path can carry: it is never idle, and they share it evenly.
#[test]
fn two_full_wires_leave_no_bubble() {
    for length in [60, 64, 128] {
        no_bubble("rx_chain64_2", Chain64::new(MAX), 2, &[length], 0);
        no_bubble("rx_chain512_2", Chain512::new(MAX), 2, &[length], 0);
    }
}

#[test]
fn frames_of_mixed_lengths_that_wait_leave_no_bubble() {
    let lengths = [60, 64, 60, 65, 61, 128, 129, 60, 150, 14, 64, 590, 63];
    no_bubble("rx_chain64_2", Chain64::new(MAX), 2, &lengths, 3000);
    no_bubble("rx_chain512_2", Chain512::new(MAX), 2, &lengths, 500);
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
    header_comes_after("rx_chain64_2", Chain64::new(MAX), Chain64::LATENCY);
    header_comes_after("rx_chain512_2", Chain512::new(MAX), Chain512::LATENCY);
}

/// Every layer 2, cut at every length, while the last beat shows what was cut off.
fn every_cut(name: &str, dut: impl Block) {
    let mut rng = rng();
    let mut rig = Rig::new(name, dut);
    let mut frames = 0;
    for whole in every_layer2(&mut rng) {
        for length in LEAST..64 {
            let (bytes, beyond) = (whole[..length].to_vec(), whole[length..].to_vec());
            rig.wires[0].expected.push_back(bytes.clone());
            rig.wires[0].waiting.push_back(Sent { bytes, beyond, bad: false });
            frames += 1;
        }
    }
    rig.credits = u32::MAX;
    for _ in 0..10 * frames {
        rig.clock(&mut rng, 0.1, 0.1);
    }
    rig.assert_empty();
    assert_eq!(rig.done, 15 * 8 * 50);
}

#[test]
fn a_frame_that_ends_inside_layer_2_has_a_plain_header() {
    every_cut("rx_chain64_2", Chain64::new(MAX));
    every_cut("rx_chain512_2", Chain512::new(MAX));
}
