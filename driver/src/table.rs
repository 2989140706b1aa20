//! The flow table: a shadow of all that a card holds, and the commands that make the card hold it.
//!
//! Pure like [`crate::placement`]: commands are appended to a vector; what becomes of them is the owner's. The owner must have the card
//! execute them in order and completely ([`crate::card::Card::submit`] does), or tell it everything again ([`FlowTable::image`]).
//!
//! # Contract
//! - [`FlowTable::install`] is a transaction: all flows of a call or none. A refusal changes neither table nor commands.
//! - An entry is written before a slot names it, and its counters are cleared before that. Slots are written in the order of a
//!   [`crate::placement::Plan`], so no installed flow is ever missed on the way.
//! - What was unlinked is written for another key only behind a barrier. One barrier serves everything that was unlinked before it, and
//!   none is sent before it is needed.
//! - The parts of an entry are written one after the other, first part first, with no other command between them.
//! - Equal keys are installed once; a flow names a next hop that exists; families fit; GRE is not translated.

mod allocator;
mod error;
mod next_hops;
mod rekey;
mod rewrite;
mod rows;

pub use error::{FlowError, NextHopError};
pub use rekey::Rekey;

use fpgaflow_abi::descriptor::{Command, entry_parts};
use fpgaflow_abi::entry::{Action, Entry};
use fpgaflow_abi::geometry::Geometry;
use fpgaflow_abi::hash::{HashSecret, KeyHash};
use fpgaflow_abi::key::{Family, FlowKey};
use fpgaflow_abi::next_hop::NextHop;
use fpgaflow_abi::slot::EntryRef;

use crate::hash::KeyedHash;
use crate::placement::{Effort, Placement, Plan, Refusal};
use crate::translated_gre;
use allocator::{Allocator, Source};
use next_hops::NextHops;
use rows::Rows;

/// Below this share of the slots a key that finds no slot is the secret's fault, not the load's.
const REKEY_BELOW: f64 = 0.9;

/// The shadow of one card's tables, see the module's contract.
#[derive(Debug, Clone)]
pub struct FlowTable {
    geometry: Geometry,
    hash: KeyedHash,
    placement: Placement,
    rows: Rows,
    entries: [Allocator; 2],
    next_hops: NextHops,
    /// Memory of the plan in the making.
    plan: Plan,
    /// Keys for which no slot was found although the table was not full.
    early_refusals: u64,
}

impl FlowTable {
    /// An empty table for a card of `geometry`, whose hash has `secret`.
    pub fn new(geometry: &Geometry, secret: HashSecret) -> Self {
        Self {
            geometry: *geometry,
            hash: KeyedHash::new(secret).cut(geometry.hash_bits.into()),
            placement: Placement::new(geometry.bucket_bits.into(), geometry.stash.into()),
            rows: Rows::default(),
            entries: [Family::V4, Family::V6].map(|family| Allocator::new(geometry.entries(family))),
            next_hops: NextHops::new(geometry.next_hops, geometry.ports),
            plan: Plan::default(),
            early_refusals: 0,
        }
    }

    /// Installed flows, each direction counted.
    pub fn len(&self) -> usize {
        self.placement.len()
    }

    /// Whether no flow is installed.
    pub fn is_empty(&self) -> bool {
        self.placement.is_empty()
    }

    /// Slots, moves and stash.
    pub fn placement(&self) -> &Placement {
        &self.placement
    }

    /// The secret that the slots are for.
    pub fn secret(&self) -> &HashSecret {
        self.hash.secret()
    }

    /// Whether keys were refused at a load at which a good secret refuses none: time for [`FlowTable::plan_rekey`].
    pub fn wants_rekey(&self) -> bool {
        self.early_refusals > 0
    }

    /// Installs `flows` as one transaction, appending the commands to `out`, and returns their entries in the same order. Counters of the
    /// entries start at zero.
    ///
    /// # Errors
    /// [`FlowError`] names the first flow that has no place or makes no sense; table and `out` are then unchanged.
    pub fn install<const N: usize>(
        &mut self,
        flows: [Entry; N],
        effort: Effort,
        out: &mut Vec<Command>,
    ) -> Result<[EntryRef; N], FlowError> {
        let flows = flows.map(|flow| Entry { valid: true, ..flow });
        let mut taken = Vec::with_capacity(N);
        self.plan.clear();
        for flow in &flows {
            if let Err(error) = self.take(flow, effort, &mut taken) {
                self.give_back(&taken);
                return Err(error);
            }
        }
        if taken.iter().any(|(_, source)| *source == Source::Retired) {
            self.barrier(out);
        }
        for ((entry, _), flow) in taken.iter().zip(&flows) {
            self.next_hops.hold(flow.action.next_hop);
            out.push(Command::clear_counters(*entry));
            write_entry(*entry, flow, out);
        }
        self.emit_plan(out);
        Ok(std::array::from_fn(|i| taken[i].0))
    }

    /// Removes a flow, appending the commands to `out`. Its entry is no longer valid, for fragments that are on their way find it without a slot;
    /// its counters stay as they are on the card until the entry is used again, which is not before a barrier.
    ///
    /// # Errors
    /// [`FlowError::NotInstalled`]; nothing has changed then.
    pub fn remove(&mut self, key: &FlowKey, out: &mut Vec<Command>) -> Result<EntryRef, FlowError> {
        let entry = self.find(key).ok_or(FlowError::NotInstalled { key: *key })?;
        self.plan.clear();
        let removed = self.placement.remove(self.hash_of(key), entry, &mut self.plan);
        debug_assert!(removed, "an entry that was found has a place");
        let old = self.rows.get(entry);
        if let Some(old) = &old {
            self.next_hops.release(old.action.next_hop);
        }
        self.rows.clear(entry);
        self.entries[entry.family() as usize].retire(entry.index());
        if self.placement.stashed() > 0 {
            self.placement.unstash(&mut self.plan);
        }
        self.emit_plan(out);
        if let Some(old) = old {
            write_entry(entry, &Entry { valid: false, ..old }, out);
        }
        Ok(entry)
    }

    /// Changes what is done to an installed flow's packets, with one atomic write; its counters go on.
    ///
    /// # Errors
    /// [`FlowError`]; nothing has changed then.
    pub fn set_action(&mut self, key: &FlowKey, action: Action, out: &mut Vec<Command>) -> Result<EntryRef, FlowError> {
        let entry = self.find(key).ok_or(FlowError::NotInstalled { key: *key })?;
        let flow = Entry { key: *key, action, valid: true };
        self.check(&flow)?;
        if let Some(old) = self.rows.get(entry) {
            self.next_hops.release(old.action.next_hop);
        }
        self.next_hops.hold(action.next_hop);
        self.rows.set(entry, &flow);
        write_entry(entry, &flow, out);
        Ok(entry)
    }

    /// The entry of an installed flow.
    pub fn find(&self, key: &FlowKey) -> Option<EntryRef> {
        let entry = self.placement.candidate(self.hash_of(key))?;
        self.rows.has_key(entry, &key.to_bits()).then_some(entry)
    }

    /// What `entry` holds, if a flow is installed there.
    pub fn entry(&self, entry: EntryRef) -> Option<Entry> {
        self.rows.get(entry)
    }

    /// Every installed flow.
    pub fn iter(&self) -> impl Iterator<Item = (EntryRef, Entry)> {
        self.rows.iter()
    }

    /// Makes every entry and next hop that was unlinked free again, behind one barrier, if there is any.
    ///
    /// Installing does this by itself when it must. Whoever wants the last counters of removed flows has the card execute this, then
    /// read them, then go on.
    pub fn settle(&mut self, out: &mut Vec<Command>) {
        if self.entries.iter().any(|entries| entries.retired() > 0) || self.next_hops.retired() > 0 {
            self.barrier(out);
        }
    }

    /// Adds a next hop and returns its index.
    ///
    /// # Errors
    /// [`NextHopError`]; nothing has changed then.
    pub fn add_next_hop(&mut self, hop: NextHop, out: &mut Vec<Command>) -> Result<u16, NextHopError> {
        let (index, source) = self.next_hops.add(hop)?;
        if source == Source::Retired {
            self.barrier(out);
        }
        out.push(Command::write_next_hop(index.into(), &hop.to_bits()));
        Ok(index)
    }

    /// Changes a next hop: with one write, all flows through it leave by the new one.
    ///
    /// # Errors
    /// [`NextHopError`]; nothing has changed then.
    pub fn set_next_hop(&mut self, index: u16, hop: NextHop, out: &mut Vec<Command>) -> Result<(), NextHopError> {
        self.next_hops.set(index, hop)?;
        out.push(Command::write_next_hop(index.into(), &hop.to_bits()));
        Ok(())
    }

    /// Removes a next hop that no flow uses.
    ///
    /// # Errors
    /// [`NextHopError`]; nothing has changed then.
    pub fn remove_next_hop(&mut self, index: u16, out: &mut Vec<Command>) -> Result<(), NextHopError> {
        self.next_hops.remove(index)?;
        out.push(Command::write_next_hop(index.into(), &Default::default()));
        Ok(())
    }

    /// The next hop at `index`.
    pub fn next_hop(&self, index: u16) -> Option<NextHop> {
        self.next_hops.get(index)
    }

    /// How many flows leave by the next hop at `index`.
    pub fn next_hop_users(&self, index: u16) -> u32 {
        self.next_hops.users(index)
    }

    /// The commands that make an empty card hold this table: next hops, then entries, then the slots that name them. Counters of the
    /// entries start at zero, for the card's memory keeps them over a reset and its clock does not go on from where they were.
    pub fn image(&self) -> impl Iterator<Item = Command> {
        let hops = self.next_hops.iter().map(|(index, hop)| Command::write_next_hop(index.into(), &hop.to_bits()));
        let entries = self.rows.iter().flat_map(|(entry, flow)| {
            let row = flow.to_bits();
            let parts = (0..entry_parts(entry.family())).map(move |part| Command::write_entry(entry, &row, part));
            [Command::clear_counters(entry)].into_iter().chain(parts)
        });
        let slots = self.placement.occupied().map(|(place, slot)| Command::write_slot(place, slot));
        let stash = (0..).zip(self.placement.stash()).filter(|(_, stash)| stash.slot.valid());
        hops.chain(entries).chain(slots).chain(stash.map(|(index, stash)| Command::write_stash(index, stash)))
    }

    fn hash_of(&self, key: &FlowKey) -> KeyHash {
        self.hash.hash(&key.to_bits())
    }

    /// Takes entry and place for one flow of a transaction, in the shadow only.
    fn take(&mut self, flow: &Entry, effort: Effort, taken: &mut Vec<(EntryRef, Source)>) -> Result<(), FlowError> {
        self.check(flow)?;
        if self.find(&flow.key).is_some() {
            return Err(FlowError::Installed { key: flow.key });
        }
        let family = flow.key.family();
        let (index, source) = self.entries[family as usize].take().ok_or(FlowError::NoFreeEntry { family })?;
        let entry = EntryRef::of(family, index);
        let key_bits = flow.key.to_bits();
        let (hash, rows) = (&self.hash, &self.rows);
        let resident = |entry| hash.hash(&rows.key_bits(entry));
        if let Err(refusal) = self.placement.insert(hash.hash(&key_bits), entry, effort, resident, &mut self.plan) {
            self.entries[family as usize].give_back(index, source);
            let load = self.placement.len() as f64 / self.placement.slots() as f64;
            self.early_refusals += u64::from(refusal != Refusal::TagTaken && load < REKEY_BELOW);
            return Err(FlowError::NoPlace { key: flow.key, source: refusal });
        }
        self.rows.set(entry, flow);
        taken.push((entry, source));
        Ok(())
    }

    /// Undoes what [`FlowTable::take`] took.
    fn give_back(&mut self, taken: &[(EntryRef, Source)]) {
        self.placement.undo(&mut self.plan, 0);
        for (entry, source) in taken.iter().rev() {
            self.rows.clear(*entry);
            self.entries[entry.family() as usize].give_back(entry.index(), *source);
        }
    }

    /// What of a flow can be judged without its place.
    fn check(&self, flow: &Entry) -> Result<(), FlowError> {
        let key = flow.key;
        if key.family() != flow.action.addresses.family() {
            return Err(FlowError::FamilyMismatch { key });
        }
        if translated_gre(&key, &flow.action) {
            return Err(FlowError::TranslatedGre { key });
        }
        if key.ingress >= self.geometry.ports {
            return Err(FlowError::NoPort { key, ports: self.geometry.ports });
        }
        if self.next_hops.get(flow.action.next_hop).is_none() {
            return Err(FlowError::NoNextHop { key, next_hop: flow.action.next_hop });
        }
        Ok(())
    }

    fn emit_plan(&mut self, out: &mut Vec<Command>) {
        out.extend(self.plan.writes().iter().map(|write| write.command()));
    }

    fn barrier(&mut self, out: &mut Vec<Command>) {
        out.push(Command::barrier());
        self.entries.iter_mut().for_each(Allocator::settle);
        self.next_hops.settle();
    }
}

fn write_entry(entry: EntryRef, flow: &Entry, out: &mut Vec<Command>) {
    let row = flow.to_bits();
    out.extend((0..entry_parts(entry.family())).map(|part| Command::write_entry(entry, &row, part)));
}
