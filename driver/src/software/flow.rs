//! Flows: key, action and counters side by side.

use fpgaflow_abi::checksum::{self, TTL_DELTA};
use fpgaflow_abi::counters::CounterRecord;
use fpgaflow_abi::entry::{Action, Entry};
use fpgaflow_abi::key::{Addresses, Family};

use super::key::{KeyV4, KeyV6, WireKey, wire_addresses_v4, wire_addresses_v6};
use super::pages::vec_in_large_pages;

/// Names a flow of the software flowtable as long as it is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FlowId(u32);

/// Set in the names of IPv6 flows.
const V6: u32 = 1 << 31;

impl FlowId {
    /// The flow of `family` with this number.
    #[inline(always)]
    pub(super) fn new(family: Family, number: Number) -> Self {
        match family {
            Family::V4 => Self(number.0),
            Family::V6 => Self(number.0 | V6),
        }
    }

    /// Family and number.
    pub(super) fn parts(self) -> (Family, Number) {
        if self.0 & V6 == 0 { (Family::V4, Number(self.0)) } else { (Family::V6, Number(self.0 & !V6)) }
    }
}

/// Number of a flow among those of its family, used again after the flow is removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Number(pub u32);

/// One flow: key, what is written to its packets, counters.
pub(super) trait Line: Copy {
    /// What it is found by.
    type Key: WireKey;

    /// No flow's.
    const EMPTY: Self;

    fn key(&self) -> &Self::Key;

    /// Writes key and action of a flow of the line's family, sparing the counters.
    fn set(&mut self, key: Self::Key, flow: &Entry);

    fn counters(&self) -> CounterRecord;
}

/// An IPv4 flow, in one cache line.
#[derive(Debug, Clone, Copy)]
#[repr(C, align(64))]
pub(super) struct LineV4 {
    pub key: KeyV4,
    /// Source and destination to write, as on the wire.
    pub addresses: [u8; 8],
    /// Source and destination port to write, as on the wire.
    pub ports: [u8; 4],
    /// What the IPv4 header checksum changes by, one hop included.
    pub l3_delta_and_ttl: u16,
    pub l4_delta: u16,
    pub next_hop: u16,
    pub last_seen: u32,
    pub packets: u64,
    pub bytes: u64,
}

const _: () = assert!(size_of::<LineV4>() == 64);

impl LineV4 {
    /// Books one forwarded packet.
    #[inline(always)]
    pub fn count(&mut self, total_len: u16, tick: u32) {
        self.packets += 1;
        self.bytes += u64::from(total_len);
        self.last_seen = tick;
    }
}

impl Line for LineV4 {
    type Key = KeyV4;

    const EMPTY: Self = Self {
        key: KeyV4::NONE,
        addresses: [0; 8],
        ports: [0; 4],
        l3_delta_and_ttl: 0,
        l4_delta: 0,
        next_hop: 0,
        last_seen: 0,
        packets: 0,
        bytes: 0,
    };

    #[inline(always)]
    fn key(&self) -> &KeyV4 {
        &self.key
    }

    fn set(&mut self, key: KeyV4, flow: &Entry) {
        self.key = key;
        if let Addresses::V4 { src, dst } = flow.action.addresses {
            self.addresses = wire_addresses_v4(src, dst);
        }
        self.ports = wire_ports(&flow.action);
        self.l3_delta_and_ttl = checksum::add(flow.l3_delta(), TTL_DELTA);
        self.l4_delta = flow.l4_delta();
        self.next_hop = flow.action.next_hop;
    }

    fn counters(&self) -> CounterRecord {
        CounterRecord { packets: self.packets, bytes: self.bytes, last_seen: self.last_seen }
    }
}

/// An IPv6 flow, in two cache lines: the key in the first, counters in the second.
#[derive(Debug, Clone, Copy)]
#[repr(C, align(64))]
pub(super) struct LineV6 {
    pub key: KeyV6,
    /// Source and destination port to write, as on the wire.
    pub ports: [u8; 4],
    pub l4_delta: u16,
    pub next_hop: u16,
    pub last_seen: u32,
    /// Source and destination to write, as on the wire.
    pub addresses: [u8; 32],
    pub packets: u64,
    pub bytes: u64,
}

const _: () = assert!(size_of::<LineV6>() == 128);

impl LineV6 {
    /// Books one forwarded packet.
    #[inline(always)]
    pub fn count(&mut self, length: u32, tick: u32) {
        self.packets += 1;
        self.bytes += u64::from(length);
        self.last_seen = tick;
    }
}

impl Line for LineV6 {
    type Key = KeyV6;

    const EMPTY: Self = Self {
        key: KeyV6::NONE,
        ports: [0; 4],
        l4_delta: 0,
        next_hop: 0,
        last_seen: 0,
        addresses: [0; 32],
        packets: 0,
        bytes: 0,
    };

    #[inline(always)]
    fn key(&self) -> &KeyV6 {
        &self.key
    }

    fn set(&mut self, key: KeyV6, flow: &Entry) {
        self.key = key;
        if let Addresses::V6 { src, dst } = flow.action.addresses {
            self.addresses = wire_addresses_v6(src, dst);
        }
        self.ports = wire_ports(&flow.action);
        self.l4_delta = flow.l4_delta();
        self.next_hop = flow.action.next_hop;
    }

    fn counters(&self) -> CounterRecord {
        CounterRecord { packets: self.packets, bytes: self.bytes, last_seen: self.last_seen }
    }
}

fn wire_ports(action: &Action) -> [u8; 4] {
    (u32::from(action.sport) << 16 | u32::from(action.dport)).to_be_bytes()
}

/// All flows of a family.
#[derive(Debug)]
pub(super) struct Flows<L> {
    lines: Vec<L>,
    free: Vec<u32>,
}

impl<L: Line> Flows<L> {
    pub fn new(flows: usize) -> Self {
        Self { lines: vec_in_large_pages(flows), free: Vec::new() }
    }

    pub fn len(&self) -> usize {
        self.lines.len() - self.free.len()
    }

    pub fn add(&mut self, key: L::Key, flow: &Entry) -> Number {
        let number = self.free.pop().unwrap_or_else(|| {
            self.lines.push(L::EMPTY);
            self.lines.len() as u32 - 1
        });
        let line = &mut self.lines[number as usize];
        *line = L::EMPTY;
        line.set(key, flow);
        Number(number)
    }

    pub fn remove(&mut self, number: Number) -> CounterRecord {
        let line = std::mem::replace(&mut self.lines[number.0 as usize], L::EMPTY);
        self.free.push(number.0);
        line.counters()
    }

    /// The line of a number that may be no flow's.
    #[inline(always)]
    pub fn line(&self, number: Number) -> Option<&L> {
        self.lines.get(number.0 as usize)
    }

    #[inline(always)]
    pub fn line_mut(&mut self, number: Number) -> &mut L {
        &mut self.lines[number.0 as usize]
    }

    #[inline(always)]
    pub fn has_key(&self, number: Number, key: &L::Key) -> bool {
        self.line(number).is_some_and(|line| line.key() == key)
    }

    pub fn counters(&self, number: Number) -> CounterRecord {
        self.line(number).map_or_else(CounterRecord::default, L::counters)
    }

    pub fn keys(&self) -> impl Iterator<Item = (Number, L::Key)> {
        let used = (0..).zip(&self.lines).filter(|(_, line)| *line.key() != L::Key::NONE);
        used.map(|(number, line)| (Number(number), *line.key()))
    }
}
