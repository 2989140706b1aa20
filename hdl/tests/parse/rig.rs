//! The split of heads and the parser in one piece, fed with frames and held against the reference clock by clock.

use std::collections::{BTreeMap, VecDeque};

use fpgaflow_abi::key::{KEY_BITS_V6, KeyBits};
use fpgaflow_abi::reason::Reason;
use fpgaflow_hdl::parse::{LATENCY, Parser};
use fpgaflow_hdl::prelude::*;
use fpgaflow_hdl::records::{Fragment, FrameInfo, MARK_BITS, Parsed};
use fpgaflow_hdl::rx::{HEAD_64, HEAD_512, SplitHead};
use fpgaflow_hdl_guard::{Model, Port, model};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;

use crate::reference::{Config, Packet, Part, parse};

/// Ports of the card.
pub const PORTS: usize = 3;
/// Clocks from a head to its key, and to what the parser says.
const KEY_AFTER: usize = SplitHead::<HEAD_64>::LATENCY;
const PARSED_AFTER: usize = KEY_AFTER + LATENCY;

macro_rules! front {
    ($name:ident: head $head:tt) => {
        /// From a head to its key and its reason.
        #[derive(LogicBlock)]
        pub struct $name {
            clock: Signal<In, Clock>,
            reset: Signal<In, Bit>,
            head_valid: Signal<In, Bit>,
            head: Signal<In, Bits<$head>>,
            frame: Signal<In, FrameInfo>,
            promiscuous: [Signal<In, Bit>; PORTS],
            port_mac: [Signal<In, Bits<48>>; PORTS],
            lookup_enable: Signal<In, Bit>,
            fragments: Signal<In, Bit>,
            key_valid: Signal<Out, Bit>,
            key: Signal<Out, Bits<KEY_BITS_V6>>,
            mark: Signal<Out, Bits<MARK_BITS>>,
            parsed_valid: Signal<Out, Bit>,
            parsed: Signal<Out, Parsed>,
            fragment: Signal<Out, Fragment>,
            split: SplitHead<$head>,
            parser: Parser<PORTS>,
        }

        impl Default for $name {
            fn default() -> Self {
                Self {
                    clock: Signal::default(),
                    reset: Signal::default(),
                    head_valid: Signal::default(),
                    head: Signal::default(),
                    frame: Signal::default(),
                    promiscuous: std::array::from_fn(|_| Signal::default()),
                    port_mac: std::array::from_fn(|_| Signal::default()),
                    lookup_enable: Signal::default(),
                    fragments: Signal::default(),
                    key_valid: Signal::default(),
                    key: Signal::default(),
                    mark: Signal::default(),
                    parsed_valid: Signal::default(),
                    parsed: Signal::default(),
                    fragment: Signal::default(),
                    split: SplitHead::default(),
                    parser: Parser::default(),
                }
            }
        }

        impl Logic for $name {
            #[hdl_gen]
            fn update(&mut self) {
                clock!(self, clock, split, parser);
                self.split.reset.next = self.reset.val();
                self.parser.reset.next = self.reset.val();
                self.split.head_valid.next = self.head_valid.val();
                self.split.head.next = self.head.val();
                self.split.frame.next = self.frame.val();
                self.parser.header_valid.next = self.split.header_valid.val();
                self.parser.header.next = self.split.header.val();
                for i in 0..PORTS {
                    self.parser.promiscuous[i].next = self.promiscuous[i].val();
                    self.parser.port_mac[i].next = self.port_mac[i].val();
                }
                self.parser.lookup_enable.next = self.lookup_enable.val();
                self.parser.fragments.next = self.fragments.val();
                self.key_valid.next = self.parser.key_valid.val();
                self.key.next = self.parser.key.val();
                self.mark.next = self.parser.mark.val();
                self.parsed_valid.next = self.parser.parsed_valid.val();
                self.parsed.next = self.parser.parsed.val();
                self.fragment.next = self.parser.fragment.val();
            }
        }
    };
}

front!(Front64: head HEAD_64);
front!(Front512: head HEAD_512);

/// A frame, its port, its key and its fragment's mark.
type Keyed = (Vec<u8>, usize, KeyBits, u32);

/// A model of [`Front64`] or [`Front512`], and what is inside it.
pub struct Rig {
    m: Model,
    head_valid: Port,
    head: Port,
    frame: Port,
    promiscuous: Vec<Port>,
    macs: Vec<Port>,
    lookup: Port,
    fragments: Port,
    parsed_valid: Port,
    parsed: Port,
    fragment: Port,
    key_valid: Port,
    key: Port,
    mark: Port,
    pub config: Config,
    /// A clock each: frames whose key is due, frames and keys whose reason is due.
    keys: VecDeque<Option<(Vec<u8>, usize)>>,
    inside: VecDeque<Option<Keyed>>,
    /// How often a first and a later fragment were to be looked up.
    pub parts: [u32; 2],
    /// How often each reason was found, in each family.
    pub reasons: BTreeMap<(&'static str, bool), u32>,
}

impl Rig {
    pub fn new(rng: &mut ChaCha8Rng, name: &str, dut: impl Block) -> Self {
        let mut m = model(name, dut);
        let reset = m.port("reset");
        m.set(reset, 1);
        m.tick();
        m.tick();
        m.set(reset, 0);
        let mut rig = Self {
            head_valid: m.port("head_valid"),
            head: m.port("head"),
            frame: m.port("frame"),
            promiscuous: (0..PORTS).map(|port| m.port(&format!("promiscuous_{port}"))).collect(),
            macs: (0..PORTS).map(|port| m.port(&format!("port_mac_{port}"))).collect(),
            lookup: m.port("lookup_enable"),
            fragments: m.port("fragments"),
            parsed_valid: m.port("parsed_valid"),
            parsed: m.port("parsed"),
            fragment: m.port("fragment"),
            key_valid: m.port("key_valid"),
            key: m.port("key"),
            mark: m.port("mark"),
            m,
            config: Config { promiscuous: vec![false; PORTS], macs: vec![[2; 6]; PORTS], lookup: true, fragments: false },
            keys: VecDeque::from(vec![None; KEY_AFTER]),
            inside: VecDeque::from(vec![None; PARSED_AFTER - KEY_AFTER]),
            parts: [0; 2],
            reasons: BTreeMap::new(),
        };
        rig.configure(rng, false);
        rig
    }

    /// New addresses; the switches at random, or all so that nothing is held back.
    pub fn configure(&mut self, rng: &mut ChaCha8Rng, strict: bool) {
        self.drain(rng);
        for port in 0..PORTS {
            let mut mac: [u8; 6] = rng.random();
            mac[0] &= !1;
            self.config.macs[port] = mac;
            self.config.promiscuous[port] = strict && rng.random_ratio(1, 3);
            self.m.set(self.promiscuous[port], self.config.promiscuous[port].into());
            self.m.set(self.macs[port], mac.iter().fold(0, |value, byte| value << 8 | u64::from(*byte)));
        }
        self.config.lookup = !(strict && rng.random_ratio(1, 10));
        self.m.set(self.lookup, self.config.lookup.into());
        let fragments = strict && rng.random();
        self.set_fragments(rng, fragments);
    }

    /// Looks fragments up or not.
    pub fn set_fragments(&mut self, rng: &mut ChaCha8Rng, on: bool) {
        self.drain(rng);
        self.config.fragments = on;
        self.m.set(self.fragments, on.into());
    }

    /// One clock, with a frame by a port going in or not. What the frame does not have is random in the head.
    pub fn clock(&mut self, rng: &mut ChaCha8Rng, frame: Option<(Vec<u8>, usize)>) {
        let uncut = frame.as_ref().map(|(frame, _)| frame.clone());
        self.clock_cut(rng, uncut.as_deref().unwrap_or(&[]), frame);
    }

    /// As [`Rig::clock`], with a head that goes on behind the frame's end as the frame did before it was cut.
    pub fn clock_cut(&mut self, rng: &mut ChaCha8Rng, uncut: &[u8], frame: Option<(Vec<u8>, usize)>) {
        self.m.set(self.head_valid, frame.is_some().into());
        let bytes = self.m.width(self.head) as usize / 8;
        let mut head = vec![0; bytes];
        rng.fill(&mut head[..]);
        let there = uncut.len().min(bytes);
        head[..there].copy_from_slice(&uncut[..there]);
        let words: Vec<u64> = head.rchunks(8).map(|word| u64::from_be_bytes(word.try_into().unwrap())).collect();
        self.m.set_words(self.head, &words);
        let info = frame.as_ref().map_or_else(|| rng.random_range(0..1 << 20), |(frame, port)| port << 16 | frame.len());
        self.m.set(self.frame, info as u64);
        self.m.eval();

        self.keys.push_back(frame);
        let keyed = self.keys.pop_front().flatten();
        assert_eq!(self.m.get(self.key_valid) == 1, keyed.is_some());
        let mut key = KeyBits::default();
        self.m.get_words(self.key, &mut key.0);
        let mark = self.m.get(self.mark) as u32;
        self.inside.push_back(keyed.map(|(frame, port)| (frame, port, key, mark)));
        let due = self.inside.pop_front().flatten();
        assert_eq!(self.m.get(self.parsed_valid) == 1, due.is_some());
        if let Some((frame, port, key, mark)) = due {
            self.check(&frame, port, key, mark);
        } else {
            assert_eq!(self.m.get(self.fragment) & 3, 0, "a fragment without a header");
        }
        self.m.tick();
    }

    fn check(&mut self, frame: &[u8], port: usize, mut key: KeyBits, mark: u32) {
        let mut words = [0; 2];
        self.m.get_words(self.parsed, &mut words);
        let mut fields = Fields { words, at: 0 };
        let reason = Reason::from_code(fields.take(8) as u8).expect("a reason of the ABI");
        assert_eq!((fields.take(16), fields.take(4)), (frame.len() as u64, port as u64));
        let part = self.part(&mut key, mark);
        let mut packet = Packet {
            key,
            ip_length: fields.take(16) as u16,
            ttl: fields.take(8) as u8,
            l3_checksum: fields.take(16) as u16,
            l4_checksum: fields.take(16) as u16,
            v6: fields.take(1) == 1,
            udp: fields.take(1) == 1,
            gre: fields.take(1) == 1,
            tcp_control: fields.take(1) == 1,
            fragment_header: fields.take(1) == 1,
            part,
        };
        assert_eq!(fields.at as u32, self.m.width(self.parsed));
        let v6 = packet.v6;
        if v6 {
            packet.l3_checksum = 0;
        }
        if packet.gre {
            packet.l4_checksum = 0;
        }
        let found = if reason == Reason::Forwarded { Ok(packet) } else { Err(reason) };
        let head = &frame[..frame.len().min(94)];
        assert_eq!(found, parse(frame, port, &self.config), "port {port}, frame of {}: {head:02x?}", frame.len());
        *self.reasons.entry((reason.name(), v6)).or_default() += 1;
    }

    /// What fragment the packet is, if any. The ports of a later one mean nothing: they are taken out of its key.
    fn part(&mut self, key: &mut KeyBits, mark: u32) -> Option<Part> {
        let mut words = [0; 2];
        self.m.get_words(self.fragment, &mut words);
        let mut fields = Fields { words, at: 0 };
        let (first, later) = (fields.take(1) == 1, fields.take(1) == 1);
        assert!(!(first && later), "a fragment is the first or it is not");
        let part = Part {
            more: fields.take(1) == 1,
            id: fields.take(32) as u32,
            offset: fields.take(13) as u16,
            units: fields.take(13) as u16,
        };
        let ports = fields.take(32) as u32;
        assert_eq!(fields.at as u32, self.m.width(self.fragment));
        (first || later).then(|| {
            assert_eq!(
                (ports, ports ^ part.id),
                (key.0[0] as u32, mark),
                "ports, and the mark that puts the identification there"
            );
            assert_eq!(later, part.offset != 0);
            self.parts[usize::from(later)] += 1;
            if later {
                key.0[0] &= !0xffff_ffff;
            }
            part
        })
    }

    pub fn drain(&mut self, rng: &mut ChaCha8Rng) {
        for _ in 0..PARSED_AFTER {
            self.clock(rng, None);
        }
    }
}

/// A record, field by field from bit 0.
struct Fields {
    words: [u64; 2],
    at: usize,
}

impl Fields {
    fn take(&mut self, width: usize) -> u64 {
        let value = (0..width).rev().fold(0, |value, bit| {
            let at = self.at + bit;
            value << 1 | self.words[at / 64] >> (at % 64) & 1
        });
        self.at += width;
        value
    }
}
