//! Flows: key, action and counters in one cache line each.

use fpgaflow_abi::checksum::{self, TTL_DELTA};
use fpgaflow_abi::counters::CounterRecord;
use fpgaflow_abi::entry::Entry;
use fpgaflow_abi::key::Addresses;

use super::key::{Key, wire_addresses};
use super::pages::vec_in_large_pages;

/// Names a flow of the software flowtable as long as it is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FlowId(pub(super) u32);

impl FlowId {
    /// A small number, used again after the flow is removed: for arrays beside the table.
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// One flow.
#[derive(Debug, Clone, Copy)]
#[repr(C, align(64))]
pub(super) struct Line {
    pub key: Key,
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

const _: () = assert!(size_of::<Line>() == 64);

impl Line {
    const EMPTY: Self = Self {
        key: Key::NONE,
        addresses: [0; 8],
        ports: [0; 4],
        l3_delta_and_ttl: 0,
        l4_delta: 0,
        next_hop: 0,
        last_seen: 0,
        packets: 0,
        bytes: 0,
    };

    /// Books one forwarded packet.
    #[inline(always)]
    pub fn count(&mut self, total_len: u16, tick: u32) {
        self.packets += 1;
        self.bytes += u64::from(total_len);
        self.last_seen = tick;
    }

    fn is_used(&self) -> bool {
        self.key != Key::NONE
    }
}

/// All flows.
#[derive(Debug)]
pub(super) struct Flows {
    lines: Vec<Line>,
    free: Vec<u32>,
}

impl Flows {
    pub fn new(flows: usize) -> Self {
        Self { lines: vec_in_large_pages(flows), free: Vec::new() }
    }

    pub fn len(&self) -> usize {
        self.lines.len() - self.free.len()
    }

    pub fn add(&mut self, key: Key, flow: &Entry) -> FlowId {
        let index = self.free.pop().unwrap_or_else(|| {
            self.lines.push(Line::EMPTY);
            self.lines.len() as u32 - 1
        });
        self.lines[index as usize] = Line::EMPTY;
        let id = FlowId(index);
        self.set(id, key, flow);
        id
    }

    /// Writes key and action of an IPv4 flow, sparing its counters.
    pub fn set(&mut self, id: FlowId, key: Key, flow: &Entry) {
        let line = &mut self.lines[id.index()];
        line.key = key;
        if let Addresses::V4 { src, dst } = flow.action.addresses {
            line.addresses = wire_addresses(src, dst);
        }
        line.ports[..2].copy_from_slice(&flow.action.sport.to_be_bytes());
        line.ports[2..].copy_from_slice(&flow.action.dport.to_be_bytes());
        line.l3_delta_and_ttl = checksum::add(flow.l3_delta(), TTL_DELTA);
        line.l4_delta = flow.l4_delta();
        line.next_hop = flow.action.next_hop;
    }

    pub fn remove(&mut self, id: FlowId) -> CounterRecord {
        let counters = self.counters(id);
        self.lines[id.index()] = Line::EMPTY;
        self.free.push(id.0);
        counters
    }

    /// The line of a number that may be no flow's.
    #[inline(always)]
    pub fn line(&self, id: FlowId) -> Option<&Line> {
        self.lines.get(id.index())
    }

    #[inline(always)]
    pub fn line_mut(&mut self, id: FlowId) -> &mut Line {
        &mut self.lines[id.index()]
    }

    #[inline(always)]
    pub fn has_key(&self, id: FlowId, key: &Key) -> bool {
        self.line(id).is_some_and(|line| line.key == *key)
    }

    pub fn counters(&self, id: FlowId) -> CounterRecord {
        self.lines.get(id.index()).map_or_else(CounterRecord::default, |line| CounterRecord {
            packets: line.packets,
            bytes: line.bytes,
            last_seen: line.last_seen,
        })
    }

    pub fn keys(&self) -> impl Iterator<Item = (FlowId, Key)> {
        (0..).zip(&self.lines).filter(|(_, line)| line.is_used()).map(|(index, line)| (FlowId(index), line.key))
    }
}
