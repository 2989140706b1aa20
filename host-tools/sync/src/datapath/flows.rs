//! The flows of the datapath: in the card's table and in the software flowtable, under the engine's names.

use std::collections::HashMap;

use fpgaflow_abi::counters::CounterRecord;
use fpgaflow_abi::descriptor::Command;
use fpgaflow_abi::entry::Entry;
use fpgaflow_abi::geometry::Geometry;
use fpgaflow_abi::hash::HashSecret;
use fpgaflow_abi::key::{Family, FlowKey};
use fpgaflow_abi::next_hop::NextHop;
use fpgaflow_abi::slot::EntryRef;
use fpgaflow_driver::placement::Effort;
use fpgaflow_driver::software::{SoftwareError, SoftwareTable};
use fpgaflow_driver::table::{FlowError, FlowTable, NextHopError};

use crate::target::{Counts, FlowId, Placed, TargetError};

/// Room of the software flowtable before it grows.
const SOFTWARE_FLOWS: usize = 1 << 12;

/// An installed flow, which the software flowtable has in any case.
#[derive(Debug)]
pub struct Flow {
    /// What is matched and done, next hops by the card's indices.
    entries: [Entry; 2],
    /// Where the card has it.
    card: Option<[EntryRef; 2]>,
    /// Card counters of earlier entries, which a reset or a move out of the card ended.
    earlier: [CounterRecord; 2],
    /// Card counters of the current entries as last read.
    last: [CounterRecord; 2],
}

impl Flow {
    /// Where the card has it.
    pub fn card(&self) -> Option<[EntryRef; 2]> {
        self.card
    }

    /// Ends the counters of the current entries.
    fn leave_card(&mut self) {
        self.card = None;
        self.bank();
    }

    fn bank(&mut self) {
        for (earlier, last) in self.earlier.iter_mut().zip(&mut self.last) {
            earlier.packets += last.packets;
            earlier.bytes += last.bytes;
            *last = CounterRecord::default();
        }
    }
}

/// Both tables and what is in them. Commands for the card are appended to what the caller passes.
#[derive(Debug)]
pub struct Flows {
    table: FlowTable,
    software: SoftwareTable,
    flows: HashMap<FlowId, Flow>,
    /// Card's index of the engine's next hops.
    hops: HashMap<u16, u16>,
}

impl Flows {
    /// Empty tables for a card of `geometry` with `secret`.
    pub fn new(geometry: &Geometry, secret: HashSecret) -> Self {
        Self {
            table: FlowTable::new(geometry, secret),
            software: SoftwareTable::new(secret, geometry.ports, geometry.max_frame_bytes, SOFTWARE_FLOWS),
            flows: HashMap::new(),
            hops: HashMap::new(),
        }
    }

    /// The software flowtable, to forward by.
    pub fn software(&mut self) -> &mut SoftwareTable {
        &mut self.software
    }

    /// The card's table, to tell a card everything again.
    pub fn table(&self) -> &FlowTable {
        &self.table
    }

    /// Writes a next hop, in both tables.
    ///
    /// # Errors
    /// [`TargetError::Card`]; nothing has changed then.
    pub fn write_next_hop(&mut self, id: u16, hop: &NextHop, out: &mut Vec<Command>) -> Result<(), TargetError> {
        let failed = |source: NextHopError| defect("write a next hop", source);
        let index = match self.hops.get(&id) {
            Some(index) => {
                self.table.set_next_hop(*index, *hop, out).map_err(failed)?;
                *index
            }
            None => {
                let index = self.table.add_next_hop(*hop, out).map_err(failed)?;
                self.hops.insert(id, index);
                index
            }
        };
        self.software.set_next_hop(index, hop).map_err(|source| defect("write a next hop", source))
    }

    /// Installs both directions of a flow, in the card and in software, or in software alone, or nowhere.
    ///
    /// # Errors
    /// Any [`TargetError`]; nothing has changed then.
    pub fn install(&mut self, id: FlowId, flow: &[Entry; 2], out: &mut Vec<Command>) -> Result<Placed, TargetError> {
        let mut entries = *flow;
        for entry in &mut entries {
            let index = self.hops.get(&entry.action.next_hop);
            entry.action.next_hop = *index.ok_or_else(|| {
                defect("install a flow", FlowError::NoNextHop { key: entry.key, next_hop: entry.action.next_hop })
            })?;
        }
        self.insert_software(&entries)?;
        let card = match self.table.install(entries, Effort::QUICK, out) {
            Ok(refs) => Some(refs),
            Err(FlowError::NoFreeEntry { .. } | FlowError::NoPlace { .. }) => None,
            Err(error) => {
                self.remove_software(&entries);
                return Err(match error {
                    FlowError::Installed { key } => TargetError::KeyInUse(key),
                    other => defect("install a flow", other),
                });
            }
        };
        let counters = [CounterRecord::default(); 2];
        self.flows.insert(id, Flow { entries, card, earlier: counters, last: counters });
        Ok(if card.is_some() { Placed::Card } else { Placed::Software })
    }

    /// Puts a flow that is in software only into the card, if it has room by now.
    pub fn promote(&mut self, id: FlowId, out: &mut Vec<Command>) -> Placed {
        let Some(flow) = self.flows.get_mut(&id) else { return Placed::Software };
        if flow.card.is_none() {
            flow.card = self.table.install(flow.entries, Effort::QUICK, out).ok();
        }
        if flow.card.is_some() { Placed::Card } else { Placed::Software }
    }

    /// Takes both directions of a flow out of both tables. When the card has executed `out`, it forwards no packet by them, and their
    /// entries' counters are final.
    pub fn remove(&mut self, id: FlowId, out: &mut Vec<Command>) -> Option<RemovedFlow> {
        let flow = self.flows.remove(&id)?;
        if flow.card.is_some() {
            for entry in &flow.entries {
                // A flow with a place in the card is in its table.
                let removed = self.table.remove(&entry.key, out);
                debug_assert!(removed.is_ok(), "{removed:?}");
            }
            self.table.settle(out);
        }
        let software = self.remove_software(&flow.entries);
        Some(RemovedFlow { flow, software })
    }

    /// Both directions into software.
    fn insert_software(&mut self, entries: &[Entry; 2]) -> Result<(), TargetError> {
        for (done, entry) in entries.iter().enumerate() {
            let Err(error) = self.software.insert(&entry.key, &entry.action).map(drop) else { continue };
            for earlier in &entries[..done] {
                // It was inserted right above.
                let _ = self.software.remove(&earlier.key);
            }
            return match error {
                SoftwareError::Installed { key } => Err(TargetError::KeyInUse(key)),
                other => Err(defect("install a flow in software", other)),
            };
        }
        Ok(())
    }

    /// Both directions out of software; their packets.
    fn remove_software(&mut self, entries: &[Entry; 2]) -> [u64; 2] {
        entries.map(|entry| self.software.remove(&entry.key).map_or(0, |counters| counters.packets))
    }

    /// Flows that have a place in the card.
    pub fn in_card(&self) -> usize {
        self.flows.values().filter(|flow| flow.card.is_some()).count()
    }

    /// For each family, entries from the first to the last that a flow has.
    pub fn entries_in_use(&self) -> impl Iterator<Item = (Family, std::ops::Range<u32>)> {
        let mut ranges = [None::<std::ops::Range<u32>>, None];
        for entry in self.flows.values().filter_map(Flow::card).flatten() {
            let range = ranges[entry.family() as usize].get_or_insert(entry.index()..entry.index() + 1);
            *range = range.start.min(entry.index())..range.end.max(entry.index() + 1);
        }
        [Family::V4, Family::V6].into_iter().zip(ranges).filter_map(|(family, range)| Some((family, range?)))
    }

    /// What every flow forwarded; `read` has the card's counters as they were just read.
    pub fn counts(&mut self, read: impl Fn(EntryRef) -> Option<CounterRecord>) -> Vec<(FlowId, [Counts; 2])> {
        let software = &self.software;
        let counts = |(id, flow): (&FlowId, &mut Flow)| {
            let of_software = flow.entries.map(|entry| {
                let found = software.find(&entry.key);
                found.map_or(0, |found| software.counters(found).packets)
            });
            (*id, update(flow, of_software, &read))
        };
        self.flows.iter_mut().map(counts).collect()
    }

    /// The card was reset: its counters start at zero again.
    pub fn card_was_reset(&mut self) {
        self.flows.values_mut().for_each(Flow::bank);
    }

    /// Whether the card's hash spreads its keys badly.
    pub fn wants_rekey(&self) -> bool {
        self.table.wants_rekey()
    }

    /// Goes over to another secret, appending the writes to `out`; flows that find no place are in software only after it.
    pub fn rekey(&mut self, secret: HashSecret, out: &mut Vec<Command>) {
        let rekey = self.table.plan_rekey(secret, Effort::DEEP);
        let homeless: Vec<FlowKey> = rekey.homeless().to_vec();
        self.table.rekey(rekey, out);
        for flow in self.flows.values_mut() {
            if flow.card.is_some() && flow.entries.iter().any(|entry| homeless.contains(&entry.key)) {
                // Both directions or none; the homeless one is gone already.
                for entry in &flow.entries {
                    let _ = self.table.remove(&entry.key, out);
                }
                flow.leave_card();
            }
        }
    }
}

/// A flow that was removed.
#[derive(Debug)]
pub struct RemovedFlow {
    flow: Flow,
    software: [u64; 2],
}

impl RemovedFlow {
    /// Where the card had it.
    pub fn card(&self) -> Option<[EntryRef; 2]> {
        self.flow.card
    }

    /// What it forwarded; `read` has the final counters of its entries.
    pub fn counts(mut self, read: impl Fn(EntryRef) -> Option<CounterRecord>) -> [Counts; 2] {
        update(&mut self.flow, self.software, &read)
    }
}

fn update(flow: &mut Flow, software: [u64; 2], read: &impl Fn(EntryRef) -> Option<CounterRecord>) -> [Counts; 2] {
    if let Some(entries) = flow.card {
        for (last, entry) in flow.last.iter_mut().zip(entries) {
            *last = read(entry).unwrap_or(*last);
        }
    }
    std::array::from_fn(|direction| Counts {
        card_packets: flow.earlier[direction].packets + flow.last[direction].packets,
        card_bytes: flow.earlier[direction].bytes + flow.last[direction].bytes,
        software_packets: software[direction],
    })
}

/// An answer that the engine's own bookkeeping should have made impossible.
fn defect(operation: &'static str, source: impl std::error::Error + Send + Sync + 'static) -> TargetError {
    TargetError::Card { operation, source: Box::new(source) }
}
