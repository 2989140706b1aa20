//! The stream of frames.

use fpgaflow_abi::entry::Entry;
use fpgaflow_abi::key::{Family, FlowKey};
use fpgaflow_abi::wire::{
    ETH_HEADER_BYTES, ETHERTYPE_ARP, ETHERTYPE_IPV4, ETHERTYPE_IPV6, ETHERTYPE_PPPOE, GRE_VERSION, NEXT_HEADER_EXTENSIONS,
    NEXT_HEADER_FRAGMENT, PROTO_GRE, PROTO_ICMP, PROTO_ICMPV6, TCP_CONTROL_FLAGS, TPID_DOT1AD, TPID_DOT1Q,
};
use rand::RngExt;
use rand::seq::IndexedRandom;
use rand_chacha::ChaCha8Rng;

use crate::draft::{Draft, ETHERTYPE_AT};
use crate::fragments::Datagrams;
use crate::malformed::{move_pppoe_length, spoil, spoil_pppoe_kind};
use crate::mix::{Kind, Mix};
use crate::near::near_miss;
use crate::packet::{Packet, TCP_ACK, l2_bytes};
use crate::scenario::Scenario;
use crate::shape::Shape;
use crate::sizes::Sizes;

/// EtherType of PPPoE discovery (RFC 2516 4).
const ETHERTYPE_PPPOE_DISCOVERY: u16 = 0x8863;
/// Protocol of the authentication header, which states its length in other units (RFC 4302 2.2).
const NEXT_HEADER_AUTHENTICATION: u8 = 51;

/// A frame for a card.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    /// Port to come in by.
    pub port: u8,
    /// Ethernet frame without FCS.
    pub bytes: Vec<u8>,
    /// What it is meant to be.
    pub kind: Kind,
    /// What encapsulation it was made with.
    pub shape: Shape,
}

/// Draws frames for a scenario.
#[derive(Debug, Clone)]
pub struct Frames<'a> {
    rng: ChaCha8Rng,
    scenario: &'a Scenario,
    mix: Mix,
    sizes: Sizes,
    drawn: u32,
    /// Datagrams in fragments among the others, by one port.
    datagrams: Option<(u8, Datagrams)>,
}

impl<'a> Frames<'a> {
    /// A stream for `scenario`, whose flows it takes as installed. Kinds that none of its packets can be made into are not drawn.
    ///
    /// # Panics
    /// When no kind is left.
    pub fn new(rng: ChaCha8Rng, scenario: &'a Scenario, mix: Mix, sizes: Sizes) -> Self {
        Self { rng, scenario, mix: mix.within(&scenario.variety), sizes, drawn: 0, datagrams: None }
    }

    /// With datagrams in fragments among the others, all by `port`: of flows that come in there, in order and not, one into the other, with
    /// parts that are missing or come twice.
    pub fn with_datagrams(mut self, port: u8) -> Self {
        self.datagrams = Some((port, Datagrams::default()));
        self
    }

    /// The next frame. Where no installed flow can be of its kind, its key is a random one that can.
    pub fn draw(&mut self) -> Frame {
        if let Some(frame) = self.draw_fragment() {
            return frame;
        }
        let kind = self.mix.draw(&mut self.rng);
        self.drawn = self.drawn.wrapping_add(1);
        let flow = if kind == Kind::Miss { None } else { self.flow_for(kind) };
        let key = flow.map_or_else(|| self.random_key(kind), |flow| flow.key);
        let key = match kind {
            Kind::NearMiss => near_miss(&mut self.rng, &key, self.scenario.geometry.ports, &self.scenario.variety),
            _ => key,
        };
        let bytes = match kind {
            Kind::Runt => {
                let mut bytes = self.plain(key, 0).bytes;
                bytes.truncate(self.rng.random_range(0..ETH_HEADER_BYTES));
                bytes
            }
            Kind::CutEncap => {
                let mut bytes = self.plain(key, 0).bytes;
                bytes.truncate(self.rng.random_range(ETH_HEADER_BYTES..l2_bytes(&key.encap)));
                bytes
            }
            Kind::Noise => {
                let mut bytes = self.plain(key, 0).bytes;
                bytes.truncate(l2_bytes(&key.encap));
                bytes.extend(self.random_bytes(0..100));
                bytes
            }
            Kind::Giant => {
                let longest = self.scenario.geometry.max_frame_bytes as usize;
                // One large packet, or a small one in a frame that is mostly trailer.
                let mut bytes = if self.rng.random() { self.plain(key, longest) } else { self.plain(key, 0) }.bytes;
                bytes.resize(longest + self.rng.random_range(0..=2), 0xaa);
                bytes
            }
            Kind::MtuBorder => {
                let mtu = flow.map_or(1500, |flow| usize::from(self.scenario.next_hop_of(&flow).mtu));
                let off = self.rng.random_range(0..3);
                self.plain(key, l2_bytes(&key.encap) + mtu + off - 1).bytes
            }
            Kind::TtlBorder => {
                let mut packet = self.base(key);
                packet.ttl = self.rng.random_range(0..=2);
                packet.to_frame()
            }
            Kind::TcpFlags => {
                let mut packet = self.base(key);
                packet.tcp_flags = self.rng.random_range(1..=TCP_CONTROL_FLAGS) | self.rng.random::<u8>() & !TCP_CONTROL_FLAGS;
                packet.to_frame()
            }
            Kind::OtherProtocol => {
                let key = FlowKey { protocol: self.other_protocol(key.family()), ..key };
                self.sized(key).bytes
            }
            _ => {
                let mut draft = self.sized(key);
                self.edit(kind, &mut draft, flow);
                draft.bytes
            }
        };
        Frame { port: key.ingress, bytes, kind, shape: Shape::of(&key.encap) }
    }

    /// A fragment of a datagram, now and then, if there are to be any.
    fn draw_fragment(&mut self) -> Option<Frame> {
        if self.datagrams.is_none() || self.rng.random_bool(0.4) {
            return None;
        }
        let (port, mut datagrams) = self.datagrams.take()?;
        if datagrams.wants_more(&mut self.rng) {
            let flows: Vec<_> = self.scenario.flows.iter().filter(|flow| flow.key.ingress == port).collect();
            if let Some(flow) = flows.choose(&mut self.rng) {
                let bytes = self.rng.random_range(80..700);
                let draft = self.plain(flow.key, bytes);
                datagrams.add(&mut self.rng, &draft);
            }
        }
        self.drawn = self.drawn.wrapping_add(1);
        let frame = datagrams.next(&mut self.rng, self.drawn);
        self.datagrams = Some((port, datagrams));
        frame
    }

    /// Makes a packet what `kind` says.
    fn edit(&mut self, kind: Kind, draft: &mut Draft, flow: Option<Entry>) {
        let rng = &mut self.rng;
        match kind {
            Kind::HitWithTrailer => {
                let trailer = self.random_bytes(1..50);
                draft.bytes.extend(trailer);
            }
            Kind::HitWithWrongChecksum if draft.key.protocol != PROTO_GRE => {
                let checksum = *[0xffff, 0x0001, 0xfffe, rng.random()].choose(rng).unwrap_or(&0xffff);
                draft.set16(draft.l4_checksum_at(), checksum);
            }
            Kind::UdpWithoutChecksum => draft.set16(draft.l4_checksum_at(), 0),
            // `~(~HC + delta)` is 0 for `HC = delta`.
            Kind::UdpBecomingZero => draft.set16(draft.l4_checksum_at(), flow.map_or(0, |flow| flow.l4_delta())),
            Kind::ShortDatagram => {
                let length = draft.get16(draft.l4 + 4);
                draft.set16(draft.l4 + 4, rng.random_range(8..=length));
            }
            Kind::Fragment => self.fragment(draft),
            Kind::Options => {
                let words = rng.random_range(1..=10u8);
                // No-operations, RFC 791 3.1.
                draft.insert_behind_ip_header(&vec![1; usize::from(words) * 4]);
                draft.bytes[draft.l3] += words;
                draft.fix_ip_checksum();
            }
            Kind::Extension => self.extend_header(draft),
            Kind::WrongIpChecksum => {
                let at = draft.l3 + 10;
                draft.set16(at, draft.get16(at) ^ 1 << rng.random_range(0..16));
            }
            Kind::GreVersion => {
                let word = rng.random::<u16>() & !GRE_VERSION | rng.random_range(1..=GRE_VERSION);
                draft.set16(draft.l4, word);
            }
            Kind::OtherEtherType => {
                let ethertype = self.other_ethertype();
                draft.set16(draft.ethertype_at(), ethertype);
            }
            Kind::ThirdTag => {
                let tags = draft.key.encap.tags.iter().flatten().count();
                for _ in tags..rng.random_range(3..=4) {
                    let tag = [*[TPID_DOT1Q, TPID_DOT1AD].choose(rng).unwrap_or(&TPID_DOT1Q), rng.random()];
                    let bytes = tag.map(u16::to_be_bytes).concat();
                    draft.bytes.splice(ETHERTYPE_AT..ETHERTYPE_AT, bytes);
                }
            }
            Kind::OtherPppoe => spoil_pppoe_kind(rng, draft),
            Kind::PppoeLength => {
                move_pppoe_length(rng, draft);
                let trailer = self.random_bytes(0..4);
                draft.bytes.extend(trailer);
            }
            Kind::Group if rng.random() => draft.bytes[..6].fill(0xff),
            Kind::Group => draft.bytes[0] |= 1,
            Kind::Stranger => draft.bytes[5] ^= 1 << rng.random_range(4..8),
            Kind::Malformed => spoil(rng, draft),
            _ => {}
        }
    }

    fn fragment(&mut self, draft: &mut Draft) {
        let more = self.rng.random();
        let offset = if more && self.rng.random() { 0 } else { self.rng.random_range(1..0x2000) };
        if draft.is_v4() {
            draft.set16(draft.l3 + 6, u16::from(more) << 13 | offset);
            draft.fix_ip_checksum();
        } else {
            // RFC 8200 4.5; one that is the whole packet (RFC 6946) is a fragment, too.
            let word = if self.rng.random_bool(0.2) { 0 } else { offset << 3 | u16::from(more) };
            let [a, b] = word.to_be_bytes();
            let [c, d, e, f] = self.rng.random();
            draft.insert_behind_ip_header(&[draft.key.protocol, 0, a, b, c, d, e, f]);
            draft.set_protocol(NEXT_HEADER_FRAGMENT);
        }
    }

    /// Puts an extension header (RFC 8200 4) before layer 4.
    fn extend_header(&mut self, draft: &mut Draft) {
        let kind = *NEXT_HEADER_EXTENSIONS.choose(&mut self.rng).unwrap_or(&0);
        let units = self.rng.random_range(1..=4u8);
        let length = if kind == NEXT_HEADER_AUTHENTICATION { units * 2 - 2 } else { units - 1 };
        let mut header = vec![0; usize::from(units) * 8];
        // Options that are padding (RFC 8200 4.2), or zeros where there are none.
        header[..2].copy_from_slice(&[draft.key.protocol, length]);
        draft.insert_behind_ip_header(&header);
        draft.set_protocol(kind);
    }

    /// A protocol that is not looked up, or that is another one in the other family.
    fn other_protocol(&mut self, family: Family) -> u8 {
        let protocols: &[u8] = match family {
            Family::V4 => &[PROTO_ICMP, PROTO_ICMP, PROTO_ICMPV6, 0, 2, NEXT_HEADER_FRAGMENT, 50, 51, 60, 132, 255],
            Family::V6 => &[PROTO_ICMPV6, PROTO_ICMPV6, PROTO_ICMP, 2, 50, 59, 132, 255],
        };
        *protocols.choose(&mut self.rng).unwrap_or(&PROTO_ICMP)
    }

    fn other_ethertype(&mut self) -> u16 {
        let variety = &self.scenario.variety;
        let mut types = vec![ETHERTYPE_ARP, 0x0000, 0x0801, 0x88cc, 0xffff, ETHERTYPE_PPPOE_DISCOVERY];
        if variety.has_family(Family::V6) {
            types.extend([ETHERTYPE_IPV4, ETHERTYPE_IPV6]);
        }
        if variety.has_encaps() {
            types.extend([TPID_DOT1Q, TPID_DOT1AD, ETHERTYPE_PPPOE]);
        }
        *types.choose(&mut self.rng).unwrap_or(&ETHERTYPE_ARP)
    }

    /// A random flow that frames of `kind` can be of, where there is one.
    fn flow_for(&mut self, kind: Kind) -> Option<Entry> {
        let flows = &self.scenario.flows;
        let from = self.rng.random_range(0..flows.len().max(1));
        flows.iter().cycle().skip(from).take(flows.len()).find(|flow| kind.suits(&flow.key)).copied()
    }

    /// A random key that frames of `kind` can have.
    fn random_key(&mut self, kind: Kind) -> FlowKey {
        loop {
            let key = self.scenario.variety.key(&mut self.rng, self.scenario.geometry.ports);
            // The variety has such keys, or the kind were not in the mix.
            if kind.suits(&key) {
                return key;
            }
        }
    }

    fn random_bytes(&mut self, lengths: std::ops::Range<usize>) -> Vec<u8> {
        let mut bytes = vec![0; self.rng.random_range(lengths)];
        self.rng.fill(&mut bytes[..]);
        bytes
    }

    /// A packet of a size that is drawn.
    fn sized(&mut self, key: FlowKey) -> Draft {
        let bytes = self.sizes.draw(&mut self.rng, self.scenario.geometry.max_frame_bytes as usize);
        self.plain(key, bytes)
    }

    /// A packet in a frame of `bytes`, or as near as its headers let it.
    fn plain(&mut self, key: FlowKey, bytes: usize) -> Draft {
        let mut packet = self.base(key);
        let wanted = bytes.saturating_sub(l2_bytes(&key.encap) + packet.header_bytes());
        packet.payload = self.random_bytes(wanted..wanted + 1);
        let mut draft = Draft::of(&packet);
        if key.protocol == PROTO_GRE {
            // Any flags (RFC 2784 2.1, RFC 2890 2): the card looks at the version only.
            draft.set16(draft.l4, self.rng.random::<u16>() & !GRE_VERSION);
        }
        draft
    }

    /// A packet without payload that bears this frame's mark.
    fn base(&mut self, key: FlowKey) -> Packet {
        let [a, b, c, d] = self.drawn.to_be_bytes();
        Packet {
            src_mac: [2, 0xaa, a, b, c, d],
            priority: self.rng.random_range(0..16),
            traffic_class: self.rng.random(),
            ttl: self.rng.random_range(2..=255),
            identification: self.drawn as u16,
            tcp_flags: TCP_ACK | self.rng.random::<u8>() & !TCP_CONTROL_FLAGS,
            tcp_option_words: if self.rng.random_bool(0.2) { self.rng.random_range(1..=10) } else { 0 },
            ..Packet::new(key, Vec::new())
        }
    }
}
