//! What a run adds up to, and whether the card's counters say the same.

use std::collections::{BTreeSet, HashMap, HashSet};

use fpgaflow_abi::key::FlowKey;
use fpgaflow_abi::reason::{REASONS, Reason};
use fpgaflow_abi::slot::EntryRef;

use crate::card::FlowCounters;

use super::Losses;
use super::waiting::{Waiting, Way};

/// What a run adds up to.
#[derive(Debug, Clone, Default)]
pub struct Summary {
    /// Frames injected and sent by the host.
    pub injected: u64,
    /// Frames that the host sent and that left.
    pub sent: u64,
    /// Frames by reason, indexed by code, without those of `ambiguous`.
    pub reasons: [u64; REASONS],
    /// Counts, at the least, of frames that were dropped for one of several reasons, for a change was under way.
    pub ambiguous: u64,
    /// How many more counts it may be: a frame that was lost behind its verdict counts twice.
    ambiguous_more: u64,
    /// Fragments forwarded.
    pub fragments_forwarded: u64,
    /// What was forwarded of each flow, by entry and key: entries are used again.
    pub flows: HashMap<(EntryRef, FlowKey), FlowCounters>,
    /// Flows of which a frame left while they went from one entry to another that does the same: which of the two counted it cannot be seen.
    pub moved: HashSet<FlowKey>,
    /// The reasons of `ambiguous`.
    doubtful: BTreeSet<Reason>,
}

impl Summary {
    /// Frames forwarded.
    pub fn forwarded(&self) -> u64 {
        self.reasons[Reason::Forwarded as usize]
    }

    /// Counts a frame that took `way`.
    pub(super) fn count(&mut self, waiting: &Waiting, way: &Way) {
        match way {
            Way::Port { entry: None, .. } => self.sent += 1,
            Way::Port { entry: Some(entry), .. } => {
                self.reasons[Reason::Forwarded as usize] += 1;
                self.count_flow(waiting, *entry);
            }
            Way::Host { reason, .. } | Way::Nowhere { reason } => self.reasons[*reason as usize] += 1,
            Way::Lost { reason, entry, full } => {
                self.reasons[*reason as usize] += 1;
                self.reasons[*full as usize] += 1;
                if let Some(entry) = entry {
                    self.count_flow(waiting, *entry);
                }
            }
        }
    }

    fn count_flow(&mut self, waiting: &Waiting, entry: EntryRef) {
        if let Some(packet) = waiting.packet {
            self.fragments_forwarded += u64::from(packet.part.is_some());
            let counters = self.flows.entry((entry, packet.key)).or_default();
            counters.packets += 1;
            counters.bytes += packet.total_len as u64;
        }
    }

    /// A frame that was counted for one entry may have been counted in another of the same flow.
    pub(super) fn doubt_entry(&mut self, waiting: &Waiting) {
        self.moved.extend(waiting.packet.map(|packet| packet.key));
    }

    /// Counts a frame that did not leave; `false` when it had to. Ways on which nothing is lost are none that it took: it would have
    /// been seen.
    pub(super) fn count_missing(&mut self, waiting: &Waiting, losses: Losses) -> bool {
        let mut endings: Vec<Way> = Vec::new();
        for way in &waiting.ways {
            let ending = if way.exit().is_none() { Some(way.clone()) } else { way.lost(losses) };
            endings.extend(ending.filter(|ending| !endings.contains(ending)));
        }
        match &endings[..] {
            [] => return false,
            [ending] => self.count(waiting, ending),
            _ => {
                let counts = |way: &Way| if matches!(way, Way::Lost { .. }) { 2 } else { 1 };
                let fewest = endings.iter().map(counts).min().unwrap_or_default();
                self.ambiguous += fewest;
                self.ambiguous_more += endings.iter().map(counts).max().unwrap_or_default() - fewest;
                for ending in &endings {
                    match ending {
                        Way::Lost { reason, full, .. } => self.doubtful.extend([*reason, *full]),
                        Way::Host { reason, .. } | Way::Nowhere { reason } => self.doubtful.extend([*reason]),
                        Way::Port { .. } => {}
                    }
                }
            }
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
        let (least, found) = (sum(&self.reasons) + self.ambiguous, sum(counters));
        let most = least + self.ambiguous_more;
        if !(least..=most).contains(&found) {
            let names: Vec<_> = self.doubtful.iter().map(|reason| reason.name()).collect();
            return Err(format!("counters {} sum up to {found}, the run to {least} to {most}", names.join(" + ")));
        }
        Ok(())
    }
}
