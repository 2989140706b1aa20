//! The header is there as soon as it can be; the beats notice nothing.

use std::collections::VecDeque;

use fpgaflow_hdl::prelude::Block;
use fpgaflow_hdl::rx::{Gather64, Gather512};
use fpgaflow_hdl_guard::{Expect, Model, Port, check_block, model, rng};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;

use crate::support::{BeatPorts, Steady, beats, frame_info, random_bytes, random_length, reset, set_beat};

/// Bytes that decide how long a header is waited for: IPv4 and TCP.
const NEEDED: usize = 40;
const WINDOW: usize = 64;

/// What is beside the beats of one packet.
#[derive(Clone)]
struct Packet {
    bytes: Vec<u8>,
    l2: Vec<u8>,
    ethertype: u16,
    encap: u64,
    frame: u64,
}

impl Packet {
    fn random(rng: &mut ChaCha8Rng) -> Self {
        let length = random_length(rng, 0, 700);
        Self {
            bytes: random_bytes(rng, length),
            l2: random_bytes(rng, 31),
            ethertype: rng.random(),
            encap: rng.random_range(0..1 << 48),
            frame: frame_info(length + 14, rng.random_range(0..16)),
        }
    }

    /// The `L2Record` as a number, in 64-bit words: 30 bytes, above them 5 bits of length.
    fn l2_words(&self) -> [u64; 4] {
        let mut words = std::array::from_fn(|word| {
            (0..8)
                .rev()
                .fold(0, |value, i| value << 8 | self.l2[..30].iter().rev().nth(8 * word + i).map_or(0, |byte| u64::from(*byte)))
        });
        words[3] |= u64::from(self.l2[30] & 31) << 48;
        words
    }
}

struct Rig {
    m: Model,
    width: usize,
    credit: Port,
    credit_taken: Port,
    input: BeatPorts,
    l2: Port,
    ethertype: Port,
    encap: Port,
    frame: Port,
    out: BeatPorts,
    header_valid: Port,
    header: Port,
    steady: Steady,
    waiting: VecDeque<Packet>,
    at: usize,
    offered: bool,
    credits: u32,
    /// Packets whose beats come out next; whose header comes next.
    beats_of: VecDeque<Packet>,
    out_at: usize,
    headers_of: VecDeque<Packet>,
    /// A header must come in this clock, or must not.
    due: bool,
    taken: usize,
}

impl Rig {
    fn new(name: &str, dut: impl Block) -> Self {
        let mut m = model(name, dut);
        reset(&mut m);
        let input = BeatPorts::of(&m, "s_axis");
        Self {
            width: m.width(input.data) as usize / 8,
            credit: m.port("credit"),
            credit_taken: m.port("credit_taken"),
            input,
            l2: m.port("s_l2"),
            ethertype: m.port("s_ethertype"),
            encap: m.port("s_encap"),
            frame: m.port("s_frame"),
            out: BeatPorts::of(&m, "m_axis"),
            header_valid: m.port("header_valid"),
            header: m.port("header"),
            m,
            steady: Steady::default(),
            waiting: VecDeque::new(),
            at: 0,
            offered: false,
            credits: 0,
            beats_of: VecDeque::new(),
            out_at: 0,
            headers_of: VecDeque::new(),
            due: false,
            taken: 0,
        }
    }

    /// One clock. Says whether a beat passed.
    fn clock(&mut self, rng: &mut ChaCha8Rng, gap: f64, stall: f64) -> bool {
        self.offered = !self.waiting.is_empty() && (self.offered || !rng.random_bool(gap));
        self.m.set(self.input.valid, self.offered.into());
        let shown = self.waiting.front().filter(|_| self.offered).cloned().unwrap_or_else(|| Packet::random(rng));
        let cut = beats(&shown.bytes, self.width);
        let at = if self.offered { self.at } else { 0 };
        set_beat(&mut self.m, self.input.data, cut[at]);
        self.m.set(self.input.last, (at + 1 == cut.len()).into());
        self.m.set_words(self.l2, &shown.l2_words());
        self.m.set(self.ethertype, shown.ethertype.into());
        self.m.set(self.encap, shown.encap);
        self.m.set(self.frame, shown.frame);
        self.m.set(self.credit, (self.credits > 0).into());
        self.m.set(self.out.ready, (!rng.random_bool(stall)).into());
        self.m.eval();

        self.steady.check(&self.m, self.out);
        assert_eq!(self.m.get(self.header_valid) == 1, self.due, "a header at the wrong time");
        if self.due {
            let packet = self.headers_of.pop_front().expect("a header of no packet");
            self.check_header(&packet);
        }
        let passes = self.out.moves(&self.m);
        assert_eq!(passes, self.input.moves(&self.m), "a beat passes in one clock");
        let allowed = self.at > 0 || self.credits > 0;
        assert_eq!(passes, self.offered && allowed && self.m.get(self.out.ready) == 1, "a beat waits for nothing but a credit");
        let first = passes && self.at == 0;
        assert_eq!(self.m.get(self.credit_taken) == 1, first, "one credit a packet, with its first beat");
        self.due = false;
        if passes {
            if first {
                assert!(self.credits > 0, "a packet without a credit");
                self.credits -= 1;
                self.headers_of.push_back(shown.clone());
                self.beats_of.push_back(shown.clone());
                self.taken += 1;
            }
            let enough = (NEEDED - 1) / self.width;
            self.due = self.at == enough.min(cut.len() - 1);
            self.check_beat();
            self.offered = false;
            self.at += 1;
            if self.at == cut.len() {
                self.at = 0;
                self.waiting.pop_front();
            }
        }
        self.m.tick();
        passes
    }

    fn check_beat(&mut self) {
        let packet = self.beats_of.front().expect("a beat of no packet");
        let cut = beats(&packet.bytes, self.width);
        let beat = crate::support::get_bytes(&self.m, self.out.data);
        assert_eq!(beat[..cut[self.out_at].len()], *cut[self.out_at]);
        assert_eq!(self.m.get(self.out.last) == 1, self.out_at + 1 == cut.len());
        self.out_at += 1;
        if self.out_at == cut.len() {
            self.out_at = 0;
            self.beats_of.pop_front();
        }
    }

    fn check_header(&self, packet: &Packet) {
        // HeaderRecord from bit 0: window, layer 2 bytes and length, EtherType, encapsulation, frame.
        let mut words = [0; 14];
        self.m.get_words(self.header, &mut words);
        let bits = |lsb: usize, width: usize| {
            (0..width).rev().fold(0_u64, |v, i| v << 1 | words[(lsb + i) / 64] >> ((lsb + i) % 64) & 1)
        };
        let window: Vec<u8> = words[..8].iter().rev().flat_map(|word| word.to_be_bytes()).collect();
        let seen = packet.bytes.len().min(NEEDED.next_multiple_of(self.width)).min(WINDOW);
        assert_eq!(window[..seen], packet.bytes[..seen]);
        let l2 = packet.l2_words();
        for (word, expected) in l2.iter().enumerate() {
            let width = if word == 3 { 53 } else { 64 };
            assert_eq!(bits(512 + 64 * word, width), *expected, "word {word} of the layer 2 record");
        }
        assert_eq!(bits(757, 16), u64::from(packet.ethertype));
        assert_eq!(bits(773, 48), packet.encap);
        assert_eq!(bits(821, 20), packet.frame);
    }
}

fn random_run(name: &str, dut: impl Block) {
    let mut rng = rng();
    let mut rig = Rig::new(name, dut);
    let (mut gap, mut stall, mut give) = (0.0, 0.0, 1.0);
    let mut without_credit = 0;
    while rig.taken < 20_000 {
        if rng.random_ratio(1, 300) {
            gap = [0.0, 0.1, 0.6][rng.random_range(0..3)];
            stall = [0.0, 0.2, 0.7][rng.random_range(0..3)];
            give = [1.0, 0.1, 0.01][rng.random_range(0..3)];
        }
        if rig.waiting.len() < 3 {
            rig.waiting.push_back(Packet::random(&mut rng));
        }
        if rng.random_bool(give) && rig.credits < 4 {
            rig.credits += 1;
        }
        without_credit += u32::from(rig.credits == 0 && rig.at == 0);
        rig.clock(&mut rng, gap, stall);
    }
    assert!(without_credit > 1000, "credits were never short");
}

#[test]
fn gather_is_clean() {
    check_block("gather64", Gather64::default, Expect::rams(0));
    check_block("gather512", Gather512::default, Expect::rams(0));
}

#[test]
fn every_packet_gives_one_header_in_time_at_64_bits() {
    random_run("gather64", Gather64::default());
}

#[test]
fn every_packet_gives_one_header_in_time_at_512_bits() {
    random_run("gather512", Gather512::default());
}

#[test]
fn packets_of_one_beat_give_a_header_a_clock() {
    let mut rng = rng();
    for (name, mut rig) in
        [("64", Rig::new("gather64", Gather64::default())), ("512", Rig::new("gather512", Gather512::default()))]
    {
        for _ in 0..200 {
            let mut packet = Packet::random(&mut rng);
            packet.bytes.truncate(rig.width.min(46));
            rig.waiting.push_back(packet);
        }
        rig.credits = 1000;
        for clock in 0..200 {
            assert!(rig.clock(&mut rng, 0.0, 0.0), "a bubble at clock {clock} of {name} bits");
        }
    }
}
