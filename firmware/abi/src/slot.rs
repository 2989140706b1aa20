//! Slots: the small rows that a lookup reads and a cuckoo move rewrites.

use bitfield_struct::bitfield;

use crate::bits::Field;
use crate::hash::{HASH_BITS, KeyHash};
use crate::key::Family;

/// Banks of buckets; a key has one bucket in each.
pub const BANKS: usize = 2;
/// Slots of a bucket.
pub const WAYS: usize = 4;
/// Width of an [`EntryRef`].
pub const ENTRY_REF_BITS: usize = 24;
/// Width of a slot row.
pub const SLOT_BITS: usize = 41;
/// Width of a stash row: a slot row, then the whole hash.
pub const STASH_BITS: usize = SLOT_BITS + HASH_BITS;

/// Names an entry: its family (bit 23 set for IPv6) and its index in that family's array. Also the index of its counters.
#[bitfield(u32)]
#[derive(PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct EntryRef {
    /// Index in the family's entry array.
    #[bits(23)]
    pub index: u32,
    /// Set for the IPv6 array.
    pub v6: bool,
    #[bits(8)]
    __: u8,
}

impl EntryRef {
    /// The entry `index` of `family`.
    pub const fn of(family: Family, index: u32) -> Self {
        Self::new().with_index(index).with_v6(matches!(family, Family::V6))
    }

    /// Which array it names.
    pub const fn family(self) -> Family {
        if self.v6() { Family::V6 } else { Family::V4 }
    }
}

/// One slot: tag, entry, valid. All zero is an empty slot.
#[bitfield(u64)]
#[derive(PartialEq, Eq)]
pub struct Slot {
    /// Low bits of the key's hash.
    #[bits(16)]
    pub tag: u16,
    /// The entry to read on a tag match.
    #[bits(24, from = EntryRef::from_bits, into = EntryRef::into_bits)]
    pub entry: EntryRef,
    /// Whether a lookup may match it.
    pub valid: bool,
    #[bits(23)]
    __: u32,
}

/// Family of an [`EntryRef`]; its index is below.
pub const ENTRY_REF_FAMILY: Field = Field::new(EntryRef::V6_OFFSET, EntryRef::V6_BITS);
/// Tag of a slot row.
pub const SLOT_TAG: Field = Field::new(Slot::TAG_OFFSET, Slot::TAG_BITS);
/// Entry of a slot row.
pub const SLOT_ENTRY: Field = Field::new(Slot::ENTRY_OFFSET, Slot::ENTRY_BITS);
/// Valid bit of a slot row.
pub const SLOT_VALID: Field = Field::new(Slot::VALID_OFFSET, Slot::VALID_BITS);
/// Whole hash of a stash row; its slot row is below.
pub const STASH_HASH: Field = Field::new(SLOT_BITS, HASH_BITS);

/// Stash slots that a table of `slots` slots needs to take 97 % of them and more without a refusal.
///
/// Two of `n` keys have equal tags and equal buckets with a probability of `2^-16` by buckets of a bank, so a full table has met
/// one such pair for every 16,384 slots. Twice that is there, and [`STASH_BASE`] for small tables and for keys for which no slot is found.
pub const fn stash_for(slots: usize) -> usize {
    STASH_BASE + slots / SLOTS_PER_STASH
}

/// Stash slots of the smallest tables.
pub const STASH_BASE: usize = 8;

/// Slots to a stash slot besides: half of those that meet one pair of keys with equal tags.
const SLOTS_PER_STASH: usize = 1 << (Slot::TAG_BITS - (BANKS * WAYS).ilog2() as usize);

const _: () = assert!(ENTRY_REF_FAMILY.lsb == EntryRef::INDEX_BITS && ENTRY_REF_FAMILY.end() == ENTRY_REF_BITS);
const _: () = assert!(SLOT_VALID.end() == SLOT_BITS && STASH_HASH.end() == STASH_BITS);

/// A stash slot compares the whole hash and wins over bucket slots, so it can hold a key whose tag its buckets already hold.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct StashSlot {
    /// Valid and entry; the tag is unused.
    pub slot: Slot,
    /// The whole hash, 48 bits.
    pub hash: u64,
}

impl StashSlot {
    /// A valid stash slot.
    pub const fn new(hash: KeyHash, entry: EntryRef) -> Self {
        Self { slot: Slot::new().with_tag(hash.tag()).with_entry(entry).with_valid(true), hash: hash.0 }
    }
}

/// Where a slot is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SlotPlace {
    /// 0 or 1.
    pub bank: u8,
    /// Bucket in the bank.
    pub bucket: u32,
    /// Way in the bucket.
    pub way: u8,
}

impl SlotPlace {
    /// The `index` of a slot write: way in bits 0-1, bank in bit 2, bucket above.
    pub const fn index(self) -> u32 {
        self.bucket << 3 | (self.bank as u32) << 2 | self.way as u32
    }

    /// Inverse of [`SlotPlace::index`].
    pub const fn from_index(index: u32) -> Self {
        Self { bank: (index >> 2 & 1) as u8, bucket: index >> 3, way: (index & 3) as u8 }
    }
}
