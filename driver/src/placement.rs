//! Placement: decide which slots hold which entries, and in which order slots are written to get there.
//!
//! Pure: no I/O, no clock, no randomness. The table is a 2 x 4 index cuckoo with partial keys ([`fpgaflow_abi::hash`]): a key has one
//! bucket in each of two banks, a slot holds a tag and names an entry, and a slot can move to its other bucket knowing only its
//! tag and place. A small stash compares whole hashes and wins over the buckets.
//!
//! # How full it gets
//! Two banks of four-slot buckets cannot hold more than about 98 % (the threshold of cuckoo hashing with two buckets of four). A search of
//! [`Effort::DEEP`] comes within half a percent of that at any size; in small tables it reads every bucket there is. Long before
//! that, pairs of keys with equal tags and buckets need stash slots, the more of them the larger the table: [`fpgaflow_abi::slot::stash_for`].
//! `fpgaflow bench placement` measures both.
//!
//! # Contract
//! - Written in order, a [`Plan`] never makes a resident key unfindable: after every prefix of its writes, a lookup of all eight
//!   slots and the stash finds every resident entry. A slot moves by being written at its new place before its old place is overwritten;
//!   between the two, both name the same entry.
//! - One match: no two resident entries have equal tags in a bucket pair (two keys with equal tags that share one bucket share
//!   both), except where one of them is in the stash; no two have equal whole hashes. A key that would break this is refused or stashed.
//! - A refused key changes nothing. [`Placement::undo`] takes the writes of a plan back.

mod buckets;
mod plan;
mod search;
mod stash;
mod stats;

pub use plan::{Plan, Write};
pub use search::Effort;
pub use stats::{MOVES_COUNTED, Stats};

use fpgaflow_abi::hash::KeyHash;
use fpgaflow_abi::slot::{EntryRef, Slot, SlotPlace, StashSlot, WAYS};

use buckets::Buckets;
use search::Search;
use stash::Stash;

/// Why a key has no place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Refusal {
    /// No free slot was found within the effort, and the stash was not to be used or is full.
    #[error("no free slot was found")]
    Full,
    /// Another key has this tag in these buckets, and the stash is full.
    #[error("another flow has the same tag and buckets, and the stash is full")]
    TagTaken,
    /// Another key has the very same hash: only another secret can tell them apart.
    #[error("another flow has the same hash")]
    HashTaken,
}

/// Which slot holds what: the shadow of the card's slots and stash.
#[derive(Debug, Clone)]
pub struct Placement {
    buckets: Buckets,
    stash: Stash,
    search: Search,
    stats: Stats,
    resident: usize,
}

impl Placement {
    /// An empty table of two banks of `1 << bucket_bits` buckets and `stash` stash slots.
    pub fn new(bucket_bits: u32, stash: usize) -> Self {
        Self {
            buckets: Buckets::new(bucket_bits),
            stash: Stash::new(stash),
            search: Search::default(),
            stats: Stats::default(),
            resident: 0,
        }
    }

    /// Entries that have a place, in slots and stash.
    pub fn len(&self) -> usize {
        self.resident
    }

    /// Whether no entry has a place.
    pub fn is_empty(&self) -> bool {
        self.resident == 0
    }

    /// Slots of both banks, without the stash.
    pub fn slots(&self) -> usize {
        self.buckets.slots()
    }

    /// Stash slots in use.
    pub fn stashed(&self) -> usize {
        self.stash.used()
    }

    /// What placing has cost so far.
    pub fn stats(&self) -> &Stats {
        &self.stats
    }

    /// Gives `entry`, whose key hashes to `hash`, a place, and appends the writes that bring it about to `plan`. `hash_of` tells the
    /// whole hash of a resident entry; it is asked only when tags are equal.
    ///
    /// # Errors
    /// [`Refusal`]; then nothing has changed.
    #[inline]
    pub fn insert(
        &mut self,
        hash: KeyHash,
        entry: EntryRef,
        effort: Effort,
        hash_of: impl Fn(EntryRef) -> KeyHash,
        plan: &mut Plan,
    ) -> Result<(), Refusal> {
        if self.stash.holds(hash) {
            return Err(Refusal::HashTaken);
        }
        let pair = self.buckets.pair(hash);
        if let Some(other) = self.buckets.tag_holder(pair, hash.tag()) {
            if hash_of(other) == hash {
                return Err(Refusal::HashTaken);
            }
            return self.insert_into_stash(hash, entry, plan).ok_or(Refusal::TagTaken);
        }
        let slot = Slot::new().with_tag(hash.tag()).with_entry(entry).with_valid(true);
        if let Some(free) = self.buckets.emptier_place(pair) {
            self.write_slot(free, slot, plan);
            self.placed(0);
            return Ok(());
        }
        if self.search.run(&mut self.buckets, pair, effort.nodes) {
            // From the free place backwards: each write duplicates a slot before the next write overwrites its old place.
            let moves = self.search.path().len() - 1;
            for step in 0..moves {
                let (to, from) = (self.search.path()[step], self.search.path()[step + 1]);
                let moved = self.buckets.slot(from);
                self.write_slot(to, moved, plan);
            }
            let root = self.search.path()[moves];
            self.write_slot(root, slot, plan);
            self.placed(moves);
            return Ok(());
        }
        if effort.stash_when_full { self.insert_into_stash(hash, entry, plan).ok_or(Refusal::Full) } else { Err(Refusal::Full) }
    }

    /// Takes the place of `entry` away, appending the write to `plan`. False when it has none.
    pub fn remove(&mut self, hash: KeyHash, entry: EntryRef, plan: &mut Plan) -> bool {
        if let Some(at) = self.buckets.place_of(self.buckets.pair(hash), entry) {
            self.write_slot(at, Slot::new(), plan);
        } else if let Some(index) = self.stash.place_of(hash, entry) {
            self.write_stash(index, StashSlot::default(), plan);
        } else {
            return false;
        }
        self.resident -= 1;
        true
    }

    /// Moves what the stash holds to buckets that have room for it now, appending the writes to `plan`. Returns how many moved.
    pub fn unstash(&mut self, plan: &mut Plan) -> usize {
        let mut moved = 0;
        for index in 0..self.stash.len() {
            let Some((hash, entry)) = self.stash.get(index) else { continue };
            let pair = self.buckets.pair(hash);
            if self.buckets.tag_holder(pair, hash.tag()).is_some() {
                continue;
            }
            let Some(free) = self.buckets.emptier_place(pair) else { continue };
            let slot = Slot::new().with_tag(hash.tag()).with_entry(entry).with_valid(true);
            self.write_slot(free, slot, plan);
            self.write_stash(index, StashSlot::default(), plan);
            moved += 1;
        }
        moved
    }

    /// Takes back the writes of `plan` from the `from`-th on, and forgets them: slots, stash and count are as they were.
    pub fn undo(&mut self, plan: &mut Plan, from: usize) {
        for write in plan.0.drain(from..).rev() {
            match write {
                Write::Slot { place, before, after } => {
                    self.resident = self.resident + usize::from(before.valid()) - usize::from(after.valid());
                    self.buckets.set(self.buckets.at(place), before);
                }
                Write::Stash { index, before, after } => {
                    self.resident = self.resident + usize::from(before.slot.valid()) - usize::from(after.slot.valid());
                    self.stash.set(index as usize, before);
                }
            }
        }
    }

    /// The entry that a lookup of `hash` reads, as the card finds it: the stash first, then the one tag match. Whether it is the
    /// key's entry only the key can tell.
    #[inline]
    pub fn candidate(&self, hash: KeyHash) -> Option<EntryRef> {
        self.stash.find(hash).or_else(|| self.buckets.tag_holder(self.buckets.pair(hash), hash.tag()))
    }

    /// Every slot that is in use.
    pub fn occupied(&self) -> impl Iterator<Item = (SlotPlace, Slot)> {
        self.buckets.occupied()
    }

    /// The slot at `place`.
    pub fn slot(&self, place: SlotPlace) -> Slot {
        self.buckets.slot(self.buckets.at(place))
    }

    /// Every stash slot.
    pub fn stash(&self) -> impl Iterator<Item = StashSlot> {
        (0..self.stash.len()).map(|index| self.stash.slot(index))
    }

    fn insert_into_stash(&mut self, hash: KeyHash, entry: EntryRef, plan: &mut Plan) -> Option<()> {
        let index = self.stash.free()?;
        self.write_stash(index, StashSlot::new(hash, entry), plan);
        self.resident += 1;
        self.stats.stashed(self.stash.used());
        Some(())
    }

    #[inline]
    fn placed(&mut self, moves: usize) {
        self.resident += 1;
        self.stats.placed(moves);
    }

    #[inline]
    fn write_slot(&mut self, at: buckets::At, after: Slot, plan: &mut Plan) {
        let before = self.buckets.slot(at);
        self.buckets.set(at, after);
        plan.0.push(Write::Slot { place: self.buckets.place(at), before, after });
    }

    fn write_stash(&mut self, index: usize, after: StashSlot, plan: &mut Plan) {
        let before = self.stash.slot(index);
        self.stash.set(index, after);
        plan.0.push(Write::Stash { index: index as u32, before, after });
    }
}

/// Ways of a bucket, where loops want a `usize` name for it.
const BUCKET_SLOTS: usize = WAYS;
