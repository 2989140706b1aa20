//! Many ports into one: whole frames, each port in order, nobody starved, no bubble.

use std::collections::VecDeque;

use fpgaflow_hdl::rx::{HEAD_64, HEAD_512, RxArbiter};
use fpgaflow_hdl_guard::{Expect, Model, Port, check_block, model, rng};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;

use crate::support::{BeatPorts, Steady, beats, frame_info, get_bytes, random_bytes, random_length, reset, set_beat};

struct Sender {
    info: Port,
    info_valid: Port,
    info_ready: Port,
    head: Port,
    head_valid: Port,
    beats: BeatPorts,
    /// The head of the frame that is next, once it is there.
    head_bytes: Option<Vec<u8>>,
    /// Frames not yet sent whole, and where the stream of beats is in the first of them.
    waiting: VecDeque<Vec<u8>>,
    at: usize,
    info_taken: bool,
    beat_offered: bool,
    /// Frames that have gone in whole or in part, to be seen at the other end; their heads.
    expected: VecDeque<Vec<u8>>,
    heads: VecDeque<Vec<u8>>,
}

struct Rig {
    m: Model,
    width: usize,
    senders: Vec<Sender>,
    out: BeatPorts,
    out_frame: Port,
    out_head: Port,
    out_head_valid: Port,
    credit: Port,
    credit_taken: Port,
    credits: u32,
    steady: Steady,
    /// Frame that is coming out: its port and beats so far.
    current: Option<(usize, usize)>,
    /// A head must come in this clock, of this port; or must not.
    due: Option<usize>,
    /// Ports of the frames that came out, in order.
    order: Vec<usize>,
}

impl Rig {
    fn new<const W: usize, const HEAD: usize, const PORTS: usize>() -> Self {
        let mut m = model(&format!("rx_arbiter{W}_{PORTS}"), RxArbiter::<W, HEAD, PORTS>::default());
        let senders = (0..PORTS)
            .map(|port| Sender {
                info: m.port(&format!("s_axis_frame_{port}_data")),
                info_valid: m.port(&format!("s_axis_frame_{port}_valid")),
                info_ready: m.port(&format!("s_axis_frame_{port}_ready")),
                head: m.port(&format!("s_head_{port}")),
                head_valid: m.port(&format!("s_head_valid_{port}")),
                head_bytes: None,
                beats: BeatPorts::of(&m, &format!("s_axis_beats_{port}")),
                waiting: VecDeque::new(),
                at: 0,
                info_taken: false,
                beat_offered: false,
                expected: VecDeque::new(),
                heads: VecDeque::new(),
            })
            .collect();
        let (out, out_frame) = (BeatPorts::of(&m, "m_axis"), m.port("m_frame"));
        reset(&mut m);
        Self {
            out_head: m.port("m_head"),
            out_head_valid: m.port("m_head_valid"),
            credit: m.port("credit"),
            credit_taken: m.port("credit_taken"),
            credits: u32::MAX,
            m,
            width: W / 8,
            senders,
            out,
            out_frame,
            steady: Steady::default(),
            current: None,
            due: None,
            order: vec![],
        }
    }

    /// One clock; every port with a frame offers its next beat unless `gap`. Says whether a beat came out.
    fn clock(&mut self, rng: &mut ChaCha8Rng, gap: f64, stall: f64) -> bool {
        let (m, width) = (&mut self.m, self.width);
        for (port, sender) in self.senders.iter_mut().enumerate() {
            let frame = sender.waiting.front();
            m.set(sender.info_valid, (frame.is_some() && !sender.info_taken).into());
            m.set(sender.info, frame.map_or_else(|| rng.random(), |frame| frame_info(frame.len(), port)));
            sender.beat_offered = frame.is_some() && (sender.beat_offered || !rng.random_bool(gap));
            // The head comes with the first beat or later, and is anything beside the other beats.
            if sender.at == 0 && sender.beat_offered && sender.head_bytes.is_none() && !rng.random_bool(gap) {
                sender.head_bytes = Some(random_bytes(rng, m.width(sender.head) as usize / 8));
            }
            let head_offered = if sender.at == 0 { sender.head_bytes.is_some() } else { rng.random() };
            m.set(sender.head_valid, head_offered.into());
            set_beat(m, sender.head, sender.head_bytes.as_deref().filter(|_| sender.at == 0).unwrap_or(&[]));
            m.set(sender.beats.valid, sender.beat_offered.into());
            if let Some(frame) = frame {
                let cut = beats(frame, width);
                set_beat(m, sender.beats.data, cut[sender.at]);
                m.set(sender.beats.last, (sender.at + 1 == cut.len()).into());
            }
        }
        m.set(self.out.ready, (!rng.random_bool(stall)).into());
        m.set(self.credit, (self.credits > 0).into());
        m.eval();
        let told = (m.get(self.out_head_valid) == 1).then(|| (m.get(self.out_frame) >> 16) as usize);
        assert_eq!(told, self.due.take(), "the head of a frame follows its first beat");
        if let Some(port) = told {
            assert_eq!(Some(get_bytes(m, self.out_head)), self.senders[port].heads.pop_front());
        }
        for (port, sender) in self.senders.iter_mut().enumerate() {
            if m.get(sender.info_valid) == 1 && m.get(sender.info_ready) == 1 {
                sender.info_taken = true;
            }
            if sender.beats.moves(m) {
                sender.beat_offered = false;
                assert!(sender.info_taken, "a beat was taken before the info");
                if sender.at == 0 {
                    assert!(self.credits > 0, "a frame without a credit");
                    self.due = Some(port);
                    sender.heads.push_back(sender.head_bytes.take().expect("a frame was taken before its head"));
                    sender.expected.push_back(sender.waiting[0].clone());
                }
                sender.at += 1;
                if m.get(sender.beats.last) == 1 {
                    sender.at = 0;
                    sender.info_taken = false;
                    sender.waiting.pop_front();
                }
            }
        }
        assert_eq!(m.get(self.credit_taken) == 1, self.due.is_some(), "one credit a frame, with its first beat");
        self.credits -= u32::from(self.due.is_some());
        self.steady.check(m, self.out);
        let moved = self.out.moves(m);
        if moved {
            let info = m.get(self.out_frame);
            let (port, at) = self.current.unwrap_or(((info >> 16) as usize, 0));
            let frame = self.senders[port].expected.front().expect("a frame that was not sent");
            assert_eq!(info, frame_info(frame.len(), port), "info beside beat {at}");
            let cut = beats(frame, width);
            assert_eq!(get_bytes(m, self.out.data)[..cut[at].len()], *cut[at]);
            let last = at + 1 == cut.len();
            assert_eq!(m.get(self.out.last) == 1, last);
            self.current = (!last).then_some((port, at + 1));
            if last {
                self.senders[port].expected.pop_front();
                self.order.push(port);
            }
        }
        m.tick();
        moved
    }

    fn is_empty(&self) -> bool {
        self.senders.iter().all(|sender| sender.waiting.is_empty() && sender.expected.is_empty())
    }
}

fn random_run<const W: usize, const HEAD: usize, const PORTS: usize>() {
    let mut rng = rng();
    let mut rig = Rig::new::<W, HEAD, PORTS>();
    rig.credits = 0;
    let (mut sent, mut gap, mut stall, mut give) = (0, 0.0, 0.0, 1.0);
    let mut without_credit = 0;
    while sent < 20_000 {
        if rng.random_ratio(1, 500) {
            gap = [0.0, 0.1, 0.6][rng.random_range(0..3)];
            stall = [0.0, 0.2, 0.7][rng.random_range(0..3)];
            give = [1.0, 0.1, 0.01][rng.random_range(0..3)];
        }
        if rig.credits < 4 && rng.random_bool(give) {
            rig.credits += 1;
        }
        without_credit += u32::from(rig.credits == 0);
        let port = rng.random_range(0..PORTS);
        if rig.senders[port].waiting.len() < 3 && rng.random_bool(0.4) {
            let length = random_length(&mut rng, 14, 700);
            rig.senders[port].waiting.push_back(random_bytes(&mut rng, length));
            sent += 1;
        }
        rig.clock(&mut rng, gap, stall);
    }
    rig.credits = u32::MAX;
    for _ in 0..2000 {
        rig.clock(&mut rng, 0.0, 0.0);
    }
    assert!(rig.is_empty());
    assert_eq!(rig.order.len(), 20_000);
    assert!(without_credit > 1000, "credits were never short");
}

#[test]
fn rx_arbiter_is_clean() {
    check_block("rx_arbiter64_1", RxArbiter::<64, HEAD_64, 1>::default, Expect::rams(0));
    check_block("rx_arbiter64_2", RxArbiter::<64, HEAD_64, 2>::default, Expect::rams(0));
    check_block("rx_arbiter512_4", RxArbiter::<512, HEAD_512, 4>::default, Expect::rams(0));
}

#[test]
fn frames_of_every_port_pass_whole_and_in_order() {
    random_run::<64, HEAD_64, 1>();
    random_run::<64, HEAD_64, 2>();
    random_run::<64, HEAD_64, 3>();
}

#[test]
fn frames_of_every_port_pass_whole_and_in_order_at_512_bits() {
    random_run::<512, HEAD_512, 4>();
}

/// Every port has frames all the time: each is served once before any is served again, and no clock goes without a beat.
fn takes_turns<const W: usize, const HEAD: usize, const PORTS: usize>(length: impl Fn(&mut ChaCha8Rng) -> usize) {
    let mut rng = rng();
    let mut rig = Rig::new::<W, HEAD, PORTS>();
    let mut beats_out = 0;
    for clock in 0..3000 {
        for port in 0..PORTS {
            if rig.senders[port].waiting.len() < 2 {
                let length = length(&mut rng);
                rig.senders[port].waiting.push_back(random_bytes(&mut rng, length));
            }
        }
        let moved = rig.clock(&mut rng, 0.0, 0.0);
        assert!(moved || clock < RxArbiter::<W, HEAD, PORTS>::LATENCY, "a bubble at clock {clock}");
        beats_out += usize::from(moved);
    }
    assert!(beats_out >= 2990 && rig.order.len() > 50);
    for (index, port) in rig.order.iter().enumerate() {
        assert_eq!(*port, index % PORTS, "frame {index}");
    }
}

#[test]
fn ports_take_turns_without_a_bubble() {
    takes_turns::<64, HEAD_64, 2>(|_| 60);
    takes_turns::<64, HEAD_64, 3>(|rng| rng.random_range(14..300));
    takes_turns::<512, HEAD_512, 4>(|_| 60);
    takes_turns::<512, HEAD_512, 4>(|rng| rng.random_range(14..300));
}

#[test]
fn a_lone_port_has_no_bubble() {
    let mut rng = rng();
    let mut rig = Rig::new::<512, HEAD_512, 4>();
    for _ in 0..100 {
        rig.senders[2].waiting.push_back(random_bytes(&mut rng, 60));
    }
    assert!(!rig.clock(&mut rng, 0.0, 0.0));
    for clock in 0..100 {
        assert!(rig.clock(&mut rng, 0.0, 0.0), "clock {clock}");
    }
}
