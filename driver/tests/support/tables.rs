//! The tables of the model card and the reference lookup: all eight slots and the stash, hashed as the ABI defines it.

use std::collections::HashMap;

use fpgaflow_abi::counters::CounterRecord;
use fpgaflow_abi::descriptor::{Command, Opcode, PAYLOAD_WORDS, Status, entry_parts};
use fpgaflow_abi::entry::{ENTRY_WORDS, Entry, EntryBits};
use fpgaflow_abi::geometry::Geometry;
use fpgaflow_abi::hash::{HashSecret, KeyHash};
use fpgaflow_abi::key::{Family, FlowKey};
use fpgaflow_abi::next_hop::{NEXT_HOP_WORDS, NextHop, NextHopBits};
use fpgaflow_abi::slot::{BANKS, EntryRef, Slot, SlotPlace, StashSlot, WAYS};

/// The ABI's hash, remembered: it goes bit by bit.
#[derive(Default)]
pub struct Hashes(HashMap<FlowKey, KeyHash>);

impl Hashes {
    pub fn of(&mut self, secret: &HashSecret, key: &FlowKey) -> KeyHash {
        *self.0.entry(*key).or_insert_with(|| secret.hash(&key.to_bits()))
    }
}

pub struct Tables {
    geometry: Geometry,
    pub slots: Vec<Slot>,
    pub stash: Vec<StashSlot>,
    pub entries: [Vec<EntryBits>; 2],
    pub next_hops: Vec<NextHopBits>,
    pub counters: [Vec<CounterRecord>; 2],
    /// Entries that were unlinked and not yet seen by a barrier: writing one of them is a defect of the driver.
    pub unsettled: Vec<EntryRef>,
    partial: EntryBits,
    /// The entry and part that must come next once an entry was begun.
    next_part: Option<(u32, u8)>,
}

impl Tables {
    pub fn new(geometry: &Geometry) -> Self {
        let each = |family| geometry.entries(family) as usize;
        Self {
            geometry: *geometry,
            slots: vec![Slot::new(); geometry.slots() as usize],
            stash: vec![StashSlot::default(); geometry.stash.into()],
            entries: [Family::V4, Family::V6].map(|family| vec![EntryBits::default(); each(family)]),
            next_hops: vec![NextHopBits::default(); geometry.next_hops as usize],
            counters: [Family::V4, Family::V6].map(|family| vec![CounterRecord::default(); each(family)]),
            unsettled: Vec::new(),
            partial: EntryBits::default(),
            next_part: None,
        }
    }

    pub fn counter(&self, entry: EntryRef) -> CounterRecord {
        self.counters[entry.family() as usize][entry.index() as usize]
    }

    pub fn execute(&mut self, command: &Command) -> Status {
        let payload = &command.payload;
        let index = command.index as usize;
        let Some(opcode) = Opcode::from_code(command.head.opcode()) else { return Status::BadOpcode };
        let due = self.next_part.take();
        assert!(due.is_none() || opcode == Opcode::WriteEntry, "{opcode:?} between the parts of an entry");
        match opcode {
            Opcode::Nop | Opcode::ReadCounters => (),
            Opcode::WriteSlot => {
                let Some(slot) = self.slots.get_mut(index) else { return Status::BadIndex };
                let before = std::mem::replace(slot, Slot::from_bits(payload[0]));
                self.unlinked(before);
            }
            Opcode::WriteStash => {
                let Some(stash) = self.stash.get_mut(index) else { return Status::BadIndex };
                let after = StashSlot { slot: Slot::from_bits(payload[0]), hash: payload[1] };
                let before = std::mem::replace(stash, after);
                self.unlinked(before.slot);
            }
            Opcode::WriteEntry => {
                let entry = EntryRef::from_bits(command.index);
                if !self.geometry.has_entry(entry) {
                    return Status::BadIndex;
                }
                let part = command.head.part();
                if part >= entry_parts(entry.family()) || due.unwrap_or((command.index, 0)) != (command.index, part) {
                    return Status::BadOpcode;
                }
                for (i, word) in payload.iter().enumerate() {
                    if let Some(at) = self.partial.0.get_mut(usize::from(part) * PAYLOAD_WORDS + i) {
                        *at = *word;
                    }
                }
                if part + 1 == entry_parts(entry.family()) {
                    let row = std::mem::replace(&mut self.partial, EntryBits { 0: [0; ENTRY_WORDS] });
                    let place = &mut self.entries[entry.family() as usize][entry.index() as usize];
                    let same_key = Entry::from_bits(entry.family(), place).map(|e| e.key)
                        == Entry::from_bits(entry.family(), &row).map(|e| e.key);
                    assert!(same_key || !self.unsettled.contains(&entry), "{entry:?} rewritten without a barrier");
                    *place = row;
                } else {
                    self.next_part = Some((command.index, part + 1));
                }
            }
            Opcode::WriteNextHop => {
                let Some(hop) = self.next_hops.get_mut(index) else { return Status::BadIndex };
                hop.0.copy_from_slice(&payload[..NEXT_HOP_WORDS]);
            }
            Opcode::Barrier => self.unsettled.clear(),
            Opcode::ClearCounters => {
                let entry = EntryRef::from_bits(command.index);
                if !self.geometry.has_entry(entry) {
                    return Status::BadIndex;
                }
                self.counters[entry.family() as usize][entry.index() as usize] = CounterRecord::default();
            }
        }
        Status::Ok
    }

    /// Books a slot that was overwritten: its entry is unsettled unless another slot still links it.
    fn unlinked(&mut self, before: Slot) {
        if before.valid() && !self.linked(before.entry()) {
            self.unsettled.push(before.entry());
        }
    }

    fn linked(&self, entry: EntryRef) -> bool {
        let links = |slot: &Slot| slot.valid() && slot.entry() == entry;
        self.slots.iter().any(links) || self.stash.iter().any(|stash| links(&stash.slot))
    }

    /// What a lookup of `key` with `hash` finds, as the card does it: the stash wins over the slots, and two slots may match only if
    /// they name one entry.
    pub fn lookup(&self, key: &FlowKey, hash: KeyHash) -> Option<(EntryRef, Entry)> {
        let matched = self.stash.iter().find(|s| s.slot.valid() && s.hash == hash.0).map(|s| s.slot.entry());
        let matched = matched.or_else(|| {
            let bits = self.geometry.bucket_bits.into();
            let buckets = [hash.bucket0(bits), hash.bucket1(bits)];
            let mut found = None;
            for (bank, way) in (0..BANKS).flat_map(|bank| (0..WAYS).map(move |way| (bank, way))) {
                let place = SlotPlace { bank: bank as u8, bucket: buckets[bank], way: way as u8 };
                let slot = self.slots[place.index() as usize];
                if slot.valid() && slot.tag() == hash.tag() {
                    assert!(found.is_none_or(|entry| entry == slot.entry()), "two entries match one tag in {buckets:?}");
                    found = Some(slot.entry());
                }
            }
            found
        })?;
        let row = &self.entries[matched.family() as usize][matched.index() as usize];
        let entry = Entry::from_bits(matched.family(), row).expect("an entry that the driver wrote");
        (entry.valid && entry.key == *key).then_some((matched, entry))
    }

    pub fn next_hop(&self, index: u16) -> Option<NextHop> {
        NextHop::from_bits(self.next_hops.get(usize::from(index))?)
    }
}
