//! Every header gets the first reason that applies, one header a clock.

use std::collections::{BTreeMap, VecDeque};

use fpgaflow_abi::key::{Encap, KeyBits};
use fpgaflow_abi::reason::Reason;
use fpgaflow_hdl::parse::{LATENCY, Layer2Check, Layer3Check, Layer4Check, Parser};
use fpgaflow_hdl_guard::{Expect, Model, Port, check_block, model, rng};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;

use crate::frames::{good_packet, random_frame};
use crate::reference::{Config, Frame, Packet, fill_checksum, parse};

const PORTS: usize = 3;
const WINDOW: usize = 64;

/// A record, field by field from bit 0.
#[derive(Default)]
struct Fields {
    words: Vec<u64>,
    at: usize,
}

impl Fields {
    fn push(&mut self, value: u128, width: usize) {
        for bit in 0..width {
            if self.at.is_multiple_of(64) {
                self.words.push(0);
            }
            self.words[self.at / 64] |= ((value >> bit & 1) as u64) << (self.at % 64);
            self.at += 1;
        }
    }

    /// Bytes as a number, the first one the most significant.
    fn push_bytes(&mut self, bytes: &[u8]) {
        bytes.iter().rev().for_each(|byte| self.push((*byte).into(), 8));
    }

    fn take(&mut self, width: usize) -> u64 {
        let value = (0..width).rev().fold(0, |value, bit| {
            let at = self.at + bit;
            value << 1 | self.words[at / 64] >> (at % 64) & 1
        });
        self.at += width;
        value
    }
}

struct Rig {
    m: Model,
    header_valid: Port,
    header: Port,
    promiscuous: Vec<Port>,
    macs: Vec<Port>,
    lookup: Port,
    parsed_valid: Port,
    parsed: Port,
    key_valid: Port,
    key: Port,
    config: Config,
    /// What is inside: for each clock, what has to come out after the latency, and the key that came at once.
    inside: VecDeque<Option<(Frame, usize, KeyBits)>>,
    reasons: BTreeMap<&'static str, u32>,
}

impl Rig {
    fn new(rng: &mut ChaCha8Rng) -> Self {
        let mut m = model("parser3", Parser::<PORTS>::default());
        let reset = m.port("reset");
        m.set(reset, 1);
        m.tick();
        m.set(reset, 0);
        let mut rig = Self {
            header_valid: m.port("header_valid"),
            header: m.port("header"),
            promiscuous: (0..PORTS).map(|port| m.port(&format!("promiscuous_{port}"))).collect(),
            macs: (0..PORTS).map(|port| m.port(&format!("port_mac_{port}"))).collect(),
            lookup: m.port("lookup_enable"),
            parsed_valid: m.port("parsed_valid"),
            parsed: m.port("parsed"),
            key_valid: m.port("key_valid"),
            key: m.port("key"),
            m,
            config: Config { promiscuous: vec![false; PORTS], macs: vec![[2; 6]; PORTS], lookup: true },
            inside: VecDeque::from(vec![None; LATENCY]),
            reasons: BTreeMap::new(),
        };
        rig.configure(rng, false);
        rig
    }

    /// New addresses; the switches at random, or all so that nothing is held back.
    fn configure(&mut self, rng: &mut ChaCha8Rng, strict: bool) {
        for _ in 0..LATENCY {
            self.clock(rng, None);
        }
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
    }

    /// One clock, with a header going in or not. What the frame does not have is random in the window.
    fn clock(&mut self, rng: &mut ChaCha8Rng, frame: Option<Frame>) {
        self.m.set(self.header_valid, frame.is_some().into());
        let l2_bytes = frame.as_ref().map_or(14, |frame| if frame.encap == Encap::NONE { 14 } else { 30 });
        if let Some(frame) = &frame {
            let mut window: [u8; WINDOW] = rng.random();
            let there = frame.packet.len().min(WINDOW);
            window[..there].copy_from_slice(&frame.packet[..there]);
            let mut l2: [u8; 30] = [0; 30];
            rng.fill(&mut l2[..l2_bytes]);
            l2[..6].copy_from_slice(&frame.destination);
            let mut record = Fields::default();
            record.push_bytes(&window);
            record.push_bytes(&l2);
            record.push(l2_bytes as u128, 5);
            record.push(frame.ethertype.into(), 16);
            record.push(frame.encap.to_bits().into(), 48);
            record.push(frame.length(l2_bytes) as u128, 16);
            record.push(frame.port as u128, 4);
            assert_eq!(record.at as u32, self.m.width(self.header));
            self.m.set_words(self.header, &record.words);
        }
        self.m.eval();
        assert_eq!(self.m.get(self.key_valid) == 1, frame.is_some());
        let mut key = KeyBits::default();
        self.m.get_words(self.key, &mut key.0);
        self.inside.push_back(frame.map(|frame| (frame, l2_bytes, key)));
        let due = self.inside.pop_front().flatten();
        assert_eq!(self.m.get(self.parsed_valid) == 1, due.is_some());
        if let Some((frame, l2_bytes, key)) = due {
            self.check(&frame, l2_bytes, key);
        }
        self.m.tick();
    }

    fn check(&mut self, frame: &Frame, l2_bytes: usize, key: KeyBits) {
        let mut parsed = Fields { words: vec![0; 2], at: 0 };
        self.m.get_words(self.parsed, &mut parsed.words);
        let reason = Reason::from_code(parsed.take(8) as u8).expect("a reason of the ABI");
        assert_eq!((parsed.take(16), parsed.take(4)), (frame.length(l2_bytes) as u64, frame.port as u64));
        let packet = Packet {
            key,
            ip_length: parsed.take(16) as u16,
            ttl: parsed.take(8) as u8,
            l3_checksum: parsed.take(16) as u16,
            l4_checksum: parsed.take(16) as u16,
            udp: parsed.take(1) == 1,
            tcp_control: parsed.take(1) == 1,
        };
        let found = if reason == Reason::Forwarded { Ok(packet) } else { Err(reason) };
        assert_eq!(found, parse(frame, &self.config), "{:?}", HeadOf(frame));
        *self.reasons.entry(reason.name()).or_default() += 1;
    }

    fn drain(&mut self, rng: &mut ChaCha8Rng) {
        for _ in 0..LATENCY {
            self.clock(rng, None);
        }
    }
}

/// A frame without its kilobytes.
struct HeadOf<'a>(&'a Frame);

impl std::fmt::Debug for HeadOf<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let frame = self.0;
        let head = &frame.packet[..frame.packet.len().min(WINDOW)];
        write!(
            f,
            "{:02x?} {:#06x} port {}, packet of {}: {head:02x?}",
            frame.destination,
            frame.ethertype,
            frame.port,
            frame.packet.len()
        )
    }
}

#[test]
fn parser_is_clean() {
    check_block("parser1", Parser::<1>::default, Expect::rams(0));
    check_block("parser4", Parser::<4>::default, Expect::rams(0));
    check_block("layer2_check", Layer2Check::<2>::default, Expect::rams(0));
    check_block("layer3_check", Layer3Check::default, Expect::rams(0));
    check_block("layer4_check", Layer4Check::default, Expect::rams(0));
}

#[test]
fn random_headers_get_the_first_reason_at_one_a_clock() {
    let mut rng = rng();
    let mut rig = Rig::new(&mut rng);
    for index in 0..400_000 {
        if index % 1000 == 0 {
            rig.configure(&mut rng, true);
        }
        let frame = random_frame(&mut rng, &rig.config);
        rig.clock(&mut rng, Some(frame));
    }
    rig.drain(&mut rng);
    println!("{:?}", rig.reasons);
    let least = 500;
    for reason in Reason::ALL {
        let expected =
            (Reason::Arp as u8..=Reason::LookupDisabled as u8).contains(&(*reason as u8)) || *reason == Reason::Forwarded;
        let count = rig.reasons.get(reason.name()).copied().unwrap_or(0);
        assert_eq!(count >= least, expected, "{reason}: {count} of 400,000");
    }
}

#[test]
fn headers_with_gaps_between_come_out_with_the_same_gaps() {
    let mut rng = rng();
    let mut rig = Rig::new(&mut rng);
    for _ in 0..20_000 {
        let frame = rng.random_bool(0.5).then(|| random_frame(&mut rng, &rig.config));
        rig.clock(&mut rng, frame);
    }
    rig.drain(&mut rng);
}

/// A frame to port 0 with the given packet.
fn to_port_0(rig: &Rig, packet: Vec<u8>) -> Frame {
    Frame { destination: rig.config.macs[0], ethertype: 0x0800, encap: Encap::NONE, port: 0, packet }
}

#[test]
fn every_length_around_every_boundary_is_judged_right() {
    let mut rng = rng();
    let mut rig = Rig::new(&mut rng);
    let mut set = |rng: &mut ChaCha8Rng, bytes: usize, total: usize, edit: &dyn Fn(&mut [u8])| {
        let mut packet = good_packet(rng, true);
        packet.resize(bytes.max(40), 0);
        packet[2..4].copy_from_slice(&(total as u16).to_be_bytes());
        edit(&mut packet);
        fill_checksum(&mut packet);
        packet.truncate(bytes);
        let frame = to_port_0(&rig, packet);
        rig.clock(rng, Some(frame));
    };
    // Bytes that are there, total length, version and IHL.
    for bytes in 0..66 {
        for total in (0..66).chain([0x00ff, 0x0100, 0x7fff, 0x8000, 0xffff]) {
            for version_and_ihl in [0x44, 0x45, 0x46, 0x4f, 0x40, 0x35, 0x55, 0x65, 0x05] {
                set(&mut rng, bytes, total, &|packet| packet[0] = version_and_ihl);
            }
        }
    }
    // Total length and UDP length.
    for total in 18..70 {
        for datagram in (0..60).chain([0xff, 0x100, 0x8000, 0xffff]) {
            set(&mut rng, 80, total, &|packet| packet[24..26].copy_from_slice(&(datagram as u16).to_be_bytes()));
        }
    }
    // Total length and TCP data offset.
    for total in 18..90 {
        for offset in 0..16 {
            set(&mut rng, 90, total, &|packet| {
                packet[9] = 6;
                packet[32] = offset << 4;
            });
        }
    }
    // Every flag and every bit of the fragment offset, every TCP flag, every protocol.
    for bit in 0..16 {
        set(&mut rng, 80, 60, &|packet| packet[6..8].copy_from_slice(&(1_u16 << bit).to_be_bytes()));
    }
    for flags in 0..=255 {
        set(&mut rng, 80, 60, &|packet| {
            packet[9] = 6;
            packet[32] = 0x50;
            packet[33] = flags;
        });
    }
    for protocol in 0..=255 {
        set(&mut rng, 80, 60, &|packet| packet[9] = protocol);
    }
    rig.drain(&mut rng);
    let seen: u32 = rig.reasons.values().sum();
    assert!(seen > 40_000);
    let names: Vec<_> = rig.reasons.into_keys().collect();
    assert_eq!(names, ["forwarded", "fragment", "icmp", "ip_options", "malformed", "other_protocol"]);
}
