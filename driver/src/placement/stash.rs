//! The stash: a few slots that compare the whole hash.

use fpgaflow_abi::hash::KeyHash;
use fpgaflow_abi::slot::{EntryRef, StashSlot};

/// Shadow of the card's stash.
#[derive(Debug, Clone)]
pub(super) struct Stash {
    slots: Box<[StashSlot]>,
    used: usize,
}

impl Stash {
    pub fn new(slots: usize) -> Self {
        Self { slots: vec![StashSlot::default(); slots].into(), used: 0 }
    }

    pub fn len(&self) -> usize {
        self.slots.len()
    }

    pub fn used(&self) -> usize {
        self.used
    }

    pub fn slot(&self, index: usize) -> StashSlot {
        self.slots[index]
    }

    pub fn set(&mut self, index: usize, after: StashSlot) {
        let before = std::mem::replace(&mut self.slots[index], after);
        self.used = self.used + usize::from(after.slot.valid()) - usize::from(before.slot.valid());
    }

    pub fn get(&self, index: usize) -> Option<(KeyHash, EntryRef)> {
        let stash = self.slots[index];
        stash.slot.valid().then_some((KeyHash(stash.hash), stash.slot.entry()))
    }

    #[inline]
    pub fn find(&self, hash: KeyHash) -> Option<EntryRef> {
        // Nearly always empty.
        if self.used == 0 {
            return None;
        }
        self.slots.iter().find(|s| s.slot.valid() && s.hash == hash.0).map(|s| s.slot.entry())
    }

    #[inline]
    pub fn holds(&self, hash: KeyHash) -> bool {
        self.find(hash).is_some()
    }

    pub fn place_of(&self, hash: KeyHash, entry: EntryRef) -> Option<usize> {
        self.slots.iter().position(|s| s.slot.valid() && s.hash == hash.0 && s.slot.entry() == entry)
    }

    pub fn free(&self) -> Option<usize> {
        self.slots.iter().position(|s| !s.slot.valid())
    }
}
