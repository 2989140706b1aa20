//! Records as words of a port, and random ones.
//!
//! Field positions are asked of the records themselves; nothing here repeats a number.

use std::net::{Ipv4Addr, Ipv6Addr};

use fpgaflow_abi::bits::{Field, Row};
use fpgaflow_abi::entry::{Action, Entry, EntryBits};
use fpgaflow_abi::hash::{HashSecret, SECRET_WORDS};
use fpgaflow_abi::key::{Addresses, Encap, Family, FlowKey, Tag, TagKind};
use fpgaflow_abi::next_hop::NextHop;
use fpgaflow_abi::slot::{EntryRef, Slot, StashSlot};
use fpgaflow_hdl::prelude::{Bits, Synth};
use fpgaflow_hdl::records::{CounterReply, FlowAction, Parsed, TableWrite, Verdict, WriteTarget};
use fpgaflow_hdl_guard::{Model, Port};
use rand::seq::IndexedRandom;
use rand::{Rng, RngExt};

/// The field of a record that starts at `.0` and is `.1` wide.
macro_rules! field {
    ($record:expr, $offset:ident, $width:ident) => {
        Field::new($record.$offset(), $record.$width())
    };
}

/// Words of the widest record: a verdict, and a table write.
pub const WORDS: usize = if TableWrite::BITS > Verdict::BITS { TableWrite::BITS } else { Verdict::BITS }.div_ceil(64);
/// A record as a port has it.
pub type Words = Row<WORDS>;

/// Reads a port.
pub fn get(model: &Model, port: Port) -> Words {
    let mut row = Row([0; WORDS]);
    model.get_words(port, &mut row.0);
    row
}

/// The low `N` bits of `words`.
pub fn wide<const N: usize>(words: &[u64]) -> Bits<N> {
    (0..N).fold(Bits::default(), |bits, at| bits.replace_bit(at, words[at / 64] >> (at % 64) & 1 == 1))
}

/// A [`TableWrite`] of a row, least significant word first.
pub fn table_write(target: WriteTarget, index: u32, row: &[u64]) -> Words {
    let record = TableWrite::default();
    let mut words = Row([0; WORDS]);
    words.set(field!(record, get_my_offset_target, get_my_width_target), target as u128);
    words.set(field!(record, get_my_offset_index, get_my_width_index), index.into());
    for (i, word) in row.iter().enumerate() {
        words.set(Field::new(record.get_my_offset_row() + 64 * i, 64), (*word).into());
    }
    words
}

/// Writes a slot.
pub fn slot_write(index: u32, slot: Slot) -> Words {
    table_write(WriteTarget::Slot, index, &[slot.into_bits()])
}

/// Writes a stash slot; the row is as the records' documentation has it.
pub fn stash_write(index: u32, slot: StashSlot) -> Words {
    let row = u128::from(slot.slot.into_bits()) | u128::from(slot.hash) << fpgaflow_abi::slot::SLOT_BITS;
    table_write(WriteTarget::Stash, index, &[row as u64, (row >> 64) as u64])
}

/// Writes an entry.
pub fn entry_write(at: EntryRef, entry: &Entry) -> Words {
    entry_row_write(at, &entry.to_bits())
}

/// Writes an entry given as its row.
pub fn entry_row_write(at: EntryRef, row: &EntryBits) -> Words {
    table_write(WriteTarget::Entry, at.into_bits(), &row.0)
}

/// Writes a next hop.
pub fn next_hop_write(index: u32, hop: &NextHop) -> Words {
    table_write(WriteTarget::NextHop, index, &hop.to_bits().0)
}

/// [`Parsed`] in Rust's own types.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Headers {
    pub reason: u8,
    pub frame_length: u16,
    pub port: u8,
    pub ip_length: u16,
    pub ttl: u8,
    pub l3_checksum: u16,
    pub l4_checksum: u16,
    pub v6: bool,
    pub udp: bool,
    pub gre: bool,
    pub tcp_control: bool,
}

impl Headers {
    fn fields() -> [Field; 10] {
        let r = Parsed::default();
        [
            field!(r, get_my_offset_reason, get_my_width_reason),
            field!(r, get_my_offset_frame, get_my_width_frame),
            field!(r, get_my_offset_ip_length, get_my_width_ip_length),
            field!(r, get_my_offset_ttl, get_my_width_ttl),
            field!(r, get_my_offset_l3_checksum, get_my_width_l3_checksum),
            field!(r, get_my_offset_l4_checksum, get_my_width_l4_checksum),
            field!(r, get_my_offset_v6, get_my_width_v6),
            field!(r, get_my_offset_udp, get_my_width_udp),
            field!(r, get_my_offset_gre, get_my_width_gre),
            field!(r, get_my_offset_tcp_control, get_my_width_tcp_control),
        ]
    }

    /// The frame's FrameInfo: length, then port.
    pub fn frame(&self) -> u32 {
        u32::from(self.frame_length) | u32::from(self.port) << 16
    }

    pub fn to_words(self) -> Words {
        let mut words = Row([0; WORDS]);
        let values = [
            self.reason.into(),
            self.frame().into(),
            self.ip_length.into(),
            self.ttl.into(),
            self.l3_checksum.into(),
            self.l4_checksum.into(),
            self.v6.into(),
            self.udp.into(),
            self.gre.into(),
            self.tcp_control.into(),
        ];
        for (field, value) in Self::fields().into_iter().zip(values) {
            words.set(field, value);
        }
        words
    }

    /// Like a packet that is forwarded most of the time, with edges of every check.
    pub fn random(rng: &mut impl Rng) -> Self {
        let gre = rng.random_bool(0.2);
        Self {
            reason: if rng.random_bool(0.1) { rng.random_range(5..=16) } else { 0 },
            frame_length: rng.random(),
            port: rng.random_range(0..16),
            ip_length: if rng.random_bool(0.5) { rng.random_range(1498..=1502) } else { rng.random_range(20..1500) },
            ttl: if rng.random_bool(0.1) { rng.random_range(0..=2) } else { rng.random() },
            l3_checksum: checksum_like(rng),
            l4_checksum: checksum_like(rng),
            v6: rng.random(),
            udp: !gre && rng.random(),
            gre,
            tcp_control: !gre && rng.random_bool(0.05),
        }
    }
}

/// Any checksum, with those that overflow or vanish more often than by chance.
pub fn checksum_like(rng: &mut impl Rng) -> u16 {
    if rng.random_bool(0.3) {
        *[0, 1, 0xfffe, 0xffff, 0x0100, 0xfeff].get(rng.random_range(0..6)).unwrap_or(&0)
    } else {
        rng.random()
    }
}

/// [`FlowAction`] in Rust's own types.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Answer {
    pub hit: bool,
    pub entry: EntryRef,
    pub src: u128,
    pub dst: u128,
    pub sport: u16,
    pub dport: u16,
    pub next_hop: u16,
    pub l3_delta: u16,
    pub l4_delta: u16,
    pub parity: bool,
}

impl Answer {
    fn fields() -> [Field; 10] {
        let r = FlowAction::default();
        [
            field!(r, get_my_offset_hit, get_my_width_hit),
            field!(r, get_my_offset_entry, get_my_width_entry),
            field!(r, get_my_offset_src, get_my_width_src),
            field!(r, get_my_offset_dst, get_my_width_dst),
            field!(r, get_my_offset_sport, get_my_width_sport),
            field!(r, get_my_offset_dport, get_my_width_dport),
            field!(r, get_my_offset_next_hop, get_my_width_next_hop),
            field!(r, get_my_offset_l3_delta, get_my_width_l3_delta),
            field!(r, get_my_offset_l4_delta, get_my_width_l4_delta),
            field!(r, get_my_offset_parity, get_my_width_parity),
        ]
    }

    pub fn from_words(words: &Words) -> Self {
        let [hit, entry, src, dst, sport, dport, next_hop, l3_delta, l4_delta, parity] =
            Self::fields().map(|field| words.get(field));
        Self {
            hit: hit == 1,
            entry: EntryRef::from_bits(entry as u32),
            src,
            dst,
            sport: sport as u16,
            dport: dport as u16,
            next_hop: next_hop as u16,
            l3_delta: l3_delta as u16,
            l4_delta: l4_delta as u16,
            parity: parity == 1,
        }
    }

    pub fn to_words(self) -> Words {
        let mut words = Row([0; WORDS]);
        let values = [
            self.hit.into(),
            self.entry.into_bits().into(),
            self.src,
            self.dst,
            self.sport.into(),
            self.dport.into(),
            self.next_hop.into(),
            self.l3_delta.into(),
            self.l4_delta.into(),
            self.parity.into(),
        ];
        for (field, value) in Self::fields().into_iter().zip(values) {
            words.set(field, value);
        }
        words
    }

    /// `None` for a miss, of which nothing else is defined.
    pub fn filter_hit(self) -> Option<Self> {
        self.hit.then_some(self)
    }

    /// What the table answers to a hit on `entry` at `at`.
    pub fn of(at: EntryRef, entry: &Entry) -> Self {
        let (src, dst) = match entry.action.addresses {
            Addresses::V4 { src, dst } => (src.to_bits().into(), dst.to_bits().into()),
            Addresses::V6 { src, dst } => (src.to_bits(), dst.to_bits()),
        };
        Self {
            hit: true,
            entry: at,
            src,
            dst,
            sport: entry.action.sport,
            dport: entry.action.dport,
            next_hop: entry.action.next_hop,
            l3_delta: entry.l3_delta(),
            l4_delta: entry.l4_delta(),
            parity: false,
        }
    }
}

/// [`Verdict`] in Rust's own types. What is not defined in a verdict is zero here.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Outcome {
    pub reason: u8,
    pub frame: u32,
    pub hit: bool,
    pub entry: EntryRef,
    pub forward: Option<Forward>,
}

/// The part of a verdict that only a forwarded packet has.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Forward {
    pub egress: u8,
    pub ip_length: u16,
    pub src_mac: u64,
    pub dst_mac: u64,
    pub encap: u64,
    pub src: u128,
    pub dst: u128,
    pub sport: u16,
    pub dport: u16,
    pub ttl: u8,
    /// `None` in IPv6.
    pub l3_checksum: Option<u16>,
    /// `None` for GRE.
    pub l4_checksum: Option<u16>,
    pub v6: bool,
    pub udp: bool,
    pub gre: bool,
}

impl Outcome {
    pub fn from_words(words: &Words) -> Self {
        let r = Verdict::default();
        let get = |field| words.get(field);
        let reason = get(field!(r, get_my_offset_reason, get_my_width_reason)) as u8;
        let hit = get(field!(r, get_my_offset_hit, get_my_width_hit)) == 1;
        let v6 = get(field!(r, get_my_offset_v6, get_my_width_v6)) == 1;
        let gre = get(field!(r, get_my_offset_gre, get_my_width_gre)) == 1;
        let entry = EntryRef::from_bits(get(field!(r, get_my_offset_entry, get_my_width_entry)) as u32);
        Self {
            reason,
            frame: get(field!(r, get_my_offset_frame, get_my_width_frame)) as u32,
            hit,
            entry: if hit { entry } else { EntryRef::new() },
            forward: (reason == 0).then(|| Forward {
                egress: get(field!(r, get_my_offset_egress, get_my_width_egress)) as u8,
                ip_length: get(field!(r, get_my_offset_ip_length, get_my_width_ip_length)) as u16,
                src_mac: get(field!(r, get_my_offset_src_mac, get_my_width_src_mac)) as u64,
                dst_mac: get(field!(r, get_my_offset_dst_mac, get_my_width_dst_mac)) as u64,
                encap: get(field!(r, get_my_offset_encap, get_my_width_encap)) as u64,
                src: get(field!(r, get_my_offset_src, get_my_width_src)),
                dst: get(field!(r, get_my_offset_dst, get_my_width_dst)),
                sport: get(field!(r, get_my_offset_sport, get_my_width_sport)) as u16,
                dport: get(field!(r, get_my_offset_dport, get_my_width_dport)) as u16,
                ttl: get(field!(r, get_my_offset_ttl, get_my_width_ttl)) as u8,
                l3_checksum: (!v6).then(|| get(field!(r, get_my_offset_l3_checksum, get_my_width_l3_checksum)) as u16),
                l4_checksum: (!gre).then(|| get(field!(r, get_my_offset_l4_checksum, get_my_width_l4_checksum)) as u16),
                v6,
                gre,
                udp: get(field!(r, get_my_offset_udp, get_my_width_udp)) == 1,
            }),
        }
    }
}

/// Packets, bytes, seen.
pub fn counts_from_words(words: &Words) -> (u64, u64, u32) {
    let r = CounterReply::default();
    (
        words.get(field!(r, get_my_offset_packets, get_my_width_packets)) as u64,
        words.get(field!(r, get_my_offset_bytes, get_my_width_bytes)) as u64,
        words.get(field!(r, get_my_offset_seen, get_my_width_seen)) as u32,
    )
}

pub fn random_secret(rng: &mut impl Rng) -> HashSecret {
    HashSecret(std::array::from_fn::<u64, SECRET_WORDS, _>(|_| rng.random()))
}

pub fn random_encap(rng: &mut impl Rng) -> Encap {
    let tag = |rng: &mut _| Tag {
        kind: if Rng::next_u32(rng) & 1 == 0 { TagKind::Dot1Q } else { TagKind::Dot1ad },
        vid: (Rng::next_u32(rng) & 0xfff) as u16,
    };
    match rng.random_range(0..4) {
        0 | 1 => Encap::NONE,
        2 => Encap { tags: [Some(tag(rng)), None], pppoe: None },
        _ => Encap { tags: [Some(tag(rng)), Some(tag(rng))], pppoe: Some(rng.random()) },
    }
}

/// Any family.
pub fn random_family(rng: &mut impl Rng) -> Family {
    if rng.random() { Family::V6 } else { Family::V4 }
}

/// A key that differs from others in few bits often, in many sometimes.
pub fn random_key(rng: &mut impl Rng, family: Family) -> FlowKey {
    let near = rng.random_bool(0.5);
    let gre = rng.random_bool(0.1);
    FlowKey {
        ingress: rng.random_range(0..4),
        encap: random_encap(rng),
        protocol: if gre { 47 } else { *[6, 17].choose(rng).expect("two") },
        addresses: match family {
            Family::V4 => Addresses::V4 {
                src: Ipv4Addr::from_bits(if near { 0xc000_0200 | rng.random_range(0..4) } else { rng.random() }),
                dst: Ipv4Addr::from_bits(if near { 0xc633_6400 } else { rng.random() }),
            },
            Family::V6 => Addresses::V6 {
                src: Ipv6Addr::from_bits(if near { (0x2001_0db8 << 96) | rng.random_range(0..4) } else { rng.random() }),
                dst: Ipv6Addr::from_bits(if near { 0x2001_0db8 << 96 | 1 << 64 } else { rng.random() }),
            },
        },
        sport: if gre { 0 } else { rng.random() },
        dport: if gre {
            0
        } else if near {
            443
        } else {
            rng.random()
        },
    }
}

pub fn random_entry(rng: &mut impl Rng, key: FlowKey, next_hops: u16) -> Entry {
    let addresses = match key.addresses {
        Addresses::V4 { src, dst } => Addresses::V4 {
            src: if rng.random() { Ipv4Addr::from_bits(rng.random()) } else { src },
            dst: if rng.random() { Ipv4Addr::from_bits(rng.random()) } else { dst },
        },
        Addresses::V6 { src, dst } => Addresses::V6 {
            src: if rng.random() { Ipv6Addr::from_bits(rng.random()) } else { src },
            dst: if rng.random() { Ipv6Addr::from_bits(rng.random()) } else { dst },
        },
    };
    let action = Action {
        addresses,
        sport: if rng.random() { rng.random() } else { key.sport },
        dport: if rng.random() { rng.random() } else { key.dport },
        next_hop: rng.random_range(0..next_hops),
    };
    Entry { key, action, valid: true }
}

pub fn random_next_hop(rng: &mut impl Rng) -> NextHop {
    NextHop {
        egress: if rng.random_bool(0.1) { fpgaflow_abi::next_hop::HOST_PORT } else { rng.random_range(0..4) },
        mtu: if rng.random_bool(0.8) { 1500 } else { rng.random_range(68..=9000) },
        src_mac: rng.random(),
        dst_mac: rng.random(),
        encap: random_encap(rng),
        valid: rng.random_bool(0.9),
    }
}
