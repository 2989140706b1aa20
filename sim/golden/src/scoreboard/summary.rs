//! What a run adds up to, and whether the card's counters say the same.

use std::collections::{BTreeSet, HashMap};

use fpgaflow_abi::key::FlowKey;
use fpgaflow_abi::reason::{REASONS, Reason};
use fpgaflow_abi::slot::EntryRef;

use crate::card::FlowCounters;

use super::Losses;
use super::waiting::{HOST_EXIT, Waiting, Way};

/// What a run adds up to.
#[derive(Debug, Clone, Default)]
pub struct Summary {
    /// Frames injected and sent by the host.
    pub injected: u64,
    /// Frames that the host sent and that left.
    pub sent: u64,
    /// Frames by reason, indexed by code, without those of `ambiguous`.
    pub reasons: [u64; REASONS],
    /// Frames that were dropped for one of several reasons, for a change was under way.
    pub ambiguous: u64,
    /// What was forwarded of each flow, by entry and key: entries are used again.
    pub flows: HashMap<(EntryRef, FlowKey), FlowCounters>,
    /// The reasons of `ambiguous`.
    doubtful: BTreeSet<Reason>,
}

impl Summary {
    /// Frames forwarded.
    pub fn forwarded(&self) -> u64 {
        self.reasons[Reason::Forwarded as usize]
    }

    /// Counts a frame that left.
    pub(super) fn count(&mut self, waiting: &Waiting, way: &Way) {
        match way {
            Way::Port { entry: None, .. } => self.sent += 1,
            Way::Port { entry: Some(entry), .. } => {
                self.reasons[Reason::Forwarded as usize] += 1;
                self.count_flow(waiting, *entry);
            }
            Way::Host { reason, .. } | Way::Nowhere { reason } => self.reasons[*reason as usize] += 1,
        }
    }

    fn count_flow(&mut self, waiting: &Waiting, entry: EntryRef) {
        if let Some(packet) = waiting.packet {
            let counters = self.flows.entry((entry, packet.key)).or_default();
            counters.packets += 1;
            counters.bytes += packet.total_len as u64;
        }
    }

    /// Counts a frame that did not leave; `false` when it had to.
    pub(super) fn count_missing(&mut self, waiting: &Waiting, losses: Losses) -> bool {
        let dropped = |way: &Way| match way {
            Way::Nowhere { reason } => Some(*reason),
            _ => None,
        };
        let dropped: BTreeSet<_> = waiting.ways.iter().filter_map(dropped).collect();
        match dropped.len() {
            0 => return self.count_loss(waiting, losses),
            1 => dropped.iter().for_each(|reason| self.reasons[*reason as usize] += 1),
            _ => {
                self.ambiguous += 1;
                self.doubtful.extend(dropped);
            }
        }
        true
    }

    /// Counts a frame that found no room where it was to go; `false` when nothing may be lost there. The card counts it when its
    /// lookup decides, as if it had left, and once more when it finds the exit full.
    fn count_loss(&mut self, waiting: &Waiting, losses: Losses) -> bool {
        let lost = |way: &Way| match way.exit() {
            Some(HOST_EXIT) => losses.host_full.then_some(Reason::HostFull),
            _ => losses.tx_full.then_some(Reason::TxFull),
        };
        let found: BTreeSet<_> = waiting.ways.iter().filter_map(lost).collect();
        if found.is_empty() {
            return false;
        }
        if let [way] = &waiting.ways[..] {
            self.count(waiting, way);
            found.iter().for_each(|reason| self.reasons[*reason as usize] += 1);
        } else {
            // One of its ways, and one of the exits: two counts among these reasons.
            self.ambiguous += 2;
            self.doubtful.extend(found);
            self.doubtful.extend(waiting.ways.iter().map(Way::reason));
        }
        true
    }

    /// Compares with the card's counters; reasons in doubt are compared by their sum.
    pub(super) fn agree(&self, counters: &[u64; REASONS]) -> Result<(), String> {
        for reason in Reason::ALL.iter().filter(|reason| !self.doubtful.contains(reason)) {
            let (expected, found) = (self.reasons[*reason as usize], counters[*reason as usize]);
            if expected != found {
                return Err(format!("counter {reason} is {found}, the run adds up to {expected}"));
            }
        }
        let sum = |of: &[u64; REASONS]| self.doubtful.iter().map(|reason| of[*reason as usize]).sum::<u64>();
        let (expected, found) = (sum(&self.reasons) + self.ambiguous, sum(counters));
        if expected != found {
            let names: Vec<_> = self.doubtful.iter().map(|reason| reason.name()).collect();
            return Err(format!("counters {} sum up to {found}, the run to {expected}", names.join(" + ")));
        }
        Ok(())
    }
}
