//! The stream of frames.

use fpgaflow_abi::entry::Entry;
use fpgaflow_abi::key::FlowKey;
use fpgaflow_abi::wire::{
    ETH_HEADER_BYTES, ETHERTYPE_ARP, ETHERTYPE_IPV6, PROTO_ICMP, PROTO_TCP, PROTO_UDP, TCP_CONTROL_FLAGS, TPID_DOT1AD, TPID_DOT1Q,
};
use rand::RngExt;
use rand::seq::IndexedRandom;
use rand_chacha::ChaCha8Rng;

use crate::malformed::{L4, fix_ip_checksum, get16, set16, spoil, total_len};
use crate::mix::{Kind, Mix};
use crate::packet::{Packet, TCP_ACK};
use crate::scenario::{Scenario, near_miss, random_key};
use crate::sizes::Sizes;

/// Where the EtherType is.
const ETHERTYPE_AT: usize = 12;

/// A frame for a card.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    /// Port to come in by.
    pub port: u8,
    /// Ethernet frame without FCS.
    pub bytes: Vec<u8>,
    /// What it is meant to be.
    pub kind: Kind,
}

/// Draws frames for a scenario.
#[derive(Debug, Clone)]
pub struct Frames<'a> {
    rng: ChaCha8Rng,
    scenario: &'a Scenario,
    mix: Mix,
    sizes: Sizes,
    drawn: u32,
}

impl<'a> Frames<'a> {
    /// A stream for `scenario`, whose flows it takes as installed.
    pub fn new(rng: ChaCha8Rng, scenario: &'a Scenario, mix: Mix, sizes: Sizes) -> Self {
        Self { rng, scenario, mix, sizes, drawn: 0 }
    }

    /// The next frame. Without flows in the scenario, keys are random where an installed one was meant.
    pub fn draw(&mut self) -> Frame {
        let kind = self.mix.draw(&mut self.rng);
        self.drawn = self.drawn.wrapping_add(1);
        let flow = match kind {
            Kind::UdpWithoutChecksum | Kind::UdpBecomingZero | Kind::ShortDatagram => self.datagram_flow(),
            _ => None,
        };
        let flow = flow.or_else(|| self.scenario.flows.choose(&mut self.rng).copied());
        let key = flow.map_or_else(|| self.random_key(), |flow| flow.key);
        let key = match kind {
            Kind::NearMiss => near_miss(&mut self.rng, &key, self.scenario.geometry.ports),
            Kind::Miss => self.random_key(),
            _ => key,
        };
        let bytes = match kind {
            Kind::Runt => {
                let mut bytes = self.plain(key, ETH_HEADER_BYTES);
                bytes.truncate(self.rng.random_range(0..ETH_HEADER_BYTES));
                bytes
            }
            Kind::Noise => {
                let mut bytes = self.plain(key, ETH_HEADER_BYTES);
                bytes.truncate(ETH_HEADER_BYTES);
                bytes.extend(self.random_bytes(0..100));
                bytes
            }
            Kind::Giant => {
                let longest = self.scenario.geometry.max_frame_bytes as usize;
                // One large packet, or a small one in a frame that is mostly trailer.
                let mut bytes = if self.rng.random() { self.plain(key, longest) } else { self.plain(key, 0) };
                bytes.resize(longest + self.rng.random_range(0..=2), 0xaa);
                bytes
            }
            Kind::Group => {
                let mut bytes = self.sized(key);
                if self.rng.random() {
                    bytes[..6].fill(0xff);
                } else {
                    bytes[0] |= 1;
                }
                bytes
            }
            Kind::Stranger => {
                let mut bytes = self.sized(key);
                bytes[5] ^= 1 << self.rng.random_range(4..8);
                bytes
            }
            Kind::OtherEtherType => {
                let types = [ETHERTYPE_ARP, ETHERTYPE_IPV6, TPID_DOT1Q, TPID_DOT1AD, 0x0000, 0x0801, 0x88cc, 0xffff];
                let mut bytes = self.sized(key);
                set16(&mut bytes, ETHERTYPE_AT, *types.choose(&mut self.rng).unwrap_or(&0));
                bytes
            }
            _ => self.packet(kind, key, flow),
        };
        Frame { port: key.ingress, bytes, kind }
    }

    /// Kinds that are packets of TCP or UDP, or were.
    fn packet(&mut self, kind: Kind, mut key: FlowKey, flow: Option<Entry>) -> Vec<u8> {
        match kind {
            Kind::MtuBorder => {
                let mtu = flow.map_or(1500, |flow| usize::from(self.scenario.next_hop_of(&flow).mtu));
                let off = self.rng.random_range(0..3);
                return self.plain(key, ETH_HEADER_BYTES + mtu + off - 1);
            }
            Kind::TtlBorder => {
                let mut packet = self.base(key);
                packet.ttl = self.rng.random_range(0..=2);
                return packet.to_frame();
            }
            Kind::TcpFlags => {
                let mut packet = self.base(key);
                packet.tcp_flags = self.rng.random_range(1..=TCP_CONTROL_FLAGS) | self.rng.random::<u8>() & !TCP_CONTROL_FLAGS;
                return packet.to_frame();
            }
            Kind::OtherProtocol => {
                key.protocol = *[PROTO_ICMP, 0, 2, 47, 50, 132, 255].choose(&mut self.rng).unwrap_or(&PROTO_ICMP);
            }
            _ => {}
        }
        let mut frame = self.sized(key);
        match kind {
            Kind::HitWithTrailer => frame.extend(self.random_bytes(1..50)),
            Kind::HitWithWrongChecksum => {
                let at = L4 + if key.protocol == PROTO_TCP { 16 } else { 6 };
                let checksum = *[0xffff, 0x0001, 0xfffe, self.rng.random()].choose(&mut self.rng).unwrap_or(&0xffff);
                set16(&mut frame, at, checksum);
            }
            Kind::Fragment => {
                let more = u16::from(self.rng.random::<bool>()) << 13;
                let offset = if more != 0 && self.rng.random() { 0 } else { self.rng.random_range(1..0x2000) };
                set16(&mut frame, 20, more | offset);
                fix_ip_checksum(&mut frame);
            }
            Kind::Options => {
                let words = self.rng.random_range(1..=10u8);
                let options = vec![1; usize::from(words) * 4];
                frame.splice(L4..L4, options);
                let total = total_len(&frame) + u16::from(words) * 4;
                set16(&mut frame, 16, total);
                frame[ETH_HEADER_BYTES] += words;
                fix_ip_checksum(&mut frame);
            }
            Kind::WrongIpChecksum => {
                let wrong = get16(&frame, 24) ^ 1 << self.rng.random_range(0..16);
                set16(&mut frame, 24, wrong);
            }
            Kind::ShortDatagram if key.protocol == PROTO_UDP => {
                let length = get16(&frame, L4 + 4);
                set16(&mut frame, L4 + 4, self.rng.random_range(8..=length));
            }
            Kind::UdpWithoutChecksum if key.protocol == PROTO_UDP => set16(&mut frame, L4 + 6, 0),
            // `~(~HC + delta)` is 0 for `HC = delta`.
            Kind::UdpBecomingZero if key.protocol == PROTO_UDP => {
                set16(&mut frame, L4 + 6, flow.map_or(0, |flow| flow.l4_delta()));
            }
            Kind::Malformed => spoil(&mut self.rng, &mut frame, key.protocol),
            _ => {}
        }
        frame
    }

    /// A random flow of UDP, where there is one.
    fn datagram_flow(&mut self) -> Option<Entry> {
        let flows = &self.scenario.flows;
        let from = self.rng.random_range(0..flows.len().max(1));
        flows.iter().cycle().skip(from).take(flows.len()).find(|flow| flow.key.protocol == PROTO_UDP).copied()
    }

    fn random_key(&mut self) -> FlowKey {
        random_key(&mut self.rng, self.scenario.geometry.ports)
    }

    fn random_bytes(&mut self, lengths: std::ops::Range<usize>) -> Vec<u8> {
        let mut bytes = vec![0; self.rng.random_range(lengths)];
        self.rng.fill(&mut bytes[..]);
        bytes
    }

    /// A packet of a size that is drawn.
    fn sized(&mut self, key: FlowKey) -> Vec<u8> {
        let bytes = self.sizes.draw(&mut self.rng, self.scenario.geometry.max_frame_bytes as usize);
        self.plain(key, bytes)
    }

    /// A packet of `bytes`, or as near as its headers let it.
    fn plain(&mut self, key: FlowKey, bytes: usize) -> Vec<u8> {
        let mut packet = self.base(key);
        let wanted = bytes.saturating_sub(ETH_HEADER_BYTES + packet.header_bytes());
        packet.payload = self.random_bytes(wanted..wanted + 1);
        packet.to_frame()
    }

    /// A packet without payload that bears this frame's mark.
    fn base(&mut self, key: FlowKey) -> Packet {
        let [a, b, c, d] = self.drawn.to_be_bytes();
        Packet {
            src_mac: [2, 0xaa, a, b, c, d],
            ttl: self.rng.random_range(2..=255),
            identification: self.drawn as u16,
            tcp_flags: TCP_ACK | self.rng.random::<u8>() & !TCP_CONTROL_FLAGS,
            tcp_option_words: if self.rng.random_bool(0.2) { self.rng.random_range(1..=10) } else { 0 },
            ..Packet::new(key, Vec::new())
        }
    }
}
