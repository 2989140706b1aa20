//! What went in and came out of a rig, counted beside the card, and compared with what the card counted.

use std::collections::{HashMap, HashSet};

use fpgaflow_abi::key::FlowKey;
use fpgaflow_abi::reason::{REASONS, Reason};
use fpgaflow_abi::regs::MOST_COUNTED_BYTES;
use fpgaflow_abi::slot::EntryRef;
use fpgaflow_golden::{FlowCounters, PortCounters, Summary};

/// Counters of flows, by entry and key: entries are used again.
pub(crate) type Flows = HashMap<(EntryRef, FlowKey), FlowCounters>;

/// What a run came to; everything in it was found right.
#[derive(Debug)]
pub struct Report {
    /// Clocks of the card.
    pub clocks: u64,
    /// The card's reason counters, by code.
    pub reasons: [u64; REASONS],
    /// What the scoreboard adds up to.
    pub summary: Summary,
    /// Frames that the host got.
    pub punts: u64,
}

impl Report {
    /// Frames of one reason.
    pub fn count(&self, reason: Reason) -> u64 {
        self.reasons[reason as usize]
    }
}

/// Counts what the rig gives and takes.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    ports: Vec<PortCounters>,
    /// What flows had counted when they were removed.
    removed: Flows,
    pub(crate) punts: u64,
}

impl Tally {
    pub(crate) fn new(ports: u8) -> Self {
        Self { ports: vec![PortCounters::default(); ports.into()], ..Self::default() }
    }

    pub(crate) fn received(&mut self, port: u8, bytes: usize) {
        let counters = &mut self.ports[usize::from(port)];
        counters.rx_frames += 1;
        counters.rx_bytes += (bytes as u64).min(MOST_COUNTED_BYTES);
    }

    pub(crate) fn sent(&mut self, port: u8, bytes: usize) {
        let counters = &mut self.ports[usize::from(port)];
        counters.tx_frames += 1;
        counters.tx_bytes += bytes as u64;
    }

    pub(crate) fn punted(&mut self) {
        self.punts += 1;
    }

    /// A flow is gone, and this is what it had counted in its entry.
    pub(crate) fn removed(&mut self, entry: EntryRef, key: FlowKey, counters: FlowCounters) {
        let sum = self.removed.entry((entry, key)).or_default();
        sum.packets += counters.packets;
        sum.bytes += counters.bytes;
    }

    /// Holds the card's counters of ports and of `installed` flows to what was seen.
    pub(crate) fn compare(mut self, ports: &[PortCounters], installed: Flows, summary: &Summary) -> u64 {
        assert_eq!(ports, self.ports, "the card's port counters (left) and what went through the ports");
        for ((entry, key), counters) in installed {
            self.removed(entry, key, counters);
        }
        let mut counted = by_flow(self.removed, &summary.moved);
        // A flow that no frame hit is not in the summary.
        counted.retain(|_, counters| *counters != FlowCounters::default());
        // All that differ: a packet that is missing with one flow may be found with another.
        let mut differing: Vec<String> = Vec::new();
        for (flow, expected) in by_flow(summary.flows.clone(), &summary.moved) {
            let found = counted.remove(&flow).unwrap_or_default();
            if found != expected {
                differing.push(format!("{flow:?}: {found:?}, by the model {expected:?}"));
            }
        }
        assert!(differing.is_empty(), "the card's counters of flows:\n{}", differing.join("\n"));
        assert!(counted.is_empty(), "the card counted flows that no frame hit: {counted:?}");
        self.punts
    }
}

/// `flows` by entry and key; those of which it cannot be said which entry counted a frame (`moved`) by key alone.
fn by_flow(flows: Flows, moved: &HashSet<FlowKey>) -> HashMap<(Option<EntryRef>, FlowKey), FlowCounters> {
    let mut sums: HashMap<_, FlowCounters> = HashMap::new();
    for ((entry, key), counters) in flows {
        let sum = sums.entry((Some(entry).filter(|_| !moved.contains(&key)), key)).or_default();
        sum.packets += counters.packets;
        sum.bytes += counters.bytes;
    }
    sums
}
