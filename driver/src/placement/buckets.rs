//! Both banks of buckets in one array, a bucket to half a cache line.

use fpgaflow_abi::hash::{KeyHash, other_bucket};
use fpgaflow_abi::slot::{BANKS, EntryRef, Slot, SlotPlace};

use super::BUCKET_SLOTS;

/// A bucket of either bank: bucket number times two, plus the bank.
pub(super) type BucketAt = u32;

/// A slot: its bucket and its way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct At {
    pub bucket: BucketAt,
    pub way: u8,
}

/// Set in an entry word that is in use; an unused one is zero.
const USED: u32 = 1 << 31;

#[derive(Debug, Clone, Copy, Default)]
#[repr(C, align(32))]
struct Bucket {
    entries: [u32; BUCKET_SLOTS],
    tags: [u16; BUCKET_SLOTS],
    /// The search that read this bucket last.
    seen: u32,
}

const _: () = assert!(BANKS == 2 && size_of::<Bucket>() == 32);

#[derive(Debug, Clone)]
pub(super) struct Buckets {
    buckets: Box<[Bucket]>,
    bits: u32,
}

impl Buckets {
    pub fn new(bits: u32) -> Self {
        Self { buckets: vec![Bucket::default(); BANKS << bits].into(), bits }
    }

    pub fn slots(&self) -> usize {
        self.buckets.len() * BUCKET_SLOTS
    }

    /// The buckets of a key, one in each bank.
    #[inline]
    pub fn pair(&self, hash: KeyHash) -> [BucketAt; BANKS] {
        [hash.bucket0(self.bits) << 1, hash.bucket1(self.bits) << 1 | 1]
    }

    /// The bucket in the other bank that the slot at `at` may move to.
    #[inline]
    pub fn other(&self, at: At) -> BucketAt {
        let tag = self.buckets[at.bucket as usize].tags[usize::from(at.way)];
        other_bucket(at.bucket >> 1, tag, self.bits) << 1 | (at.bucket & 1 ^ 1)
    }

    pub fn place(&self, at: At) -> SlotPlace {
        SlotPlace { bank: (at.bucket & 1) as u8, bucket: at.bucket >> 1, way: at.way }
    }

    pub fn at(&self, place: SlotPlace) -> At {
        At { bucket: place.bucket << 1 | u32::from(place.bank), way: place.way }
    }

    #[inline]
    pub fn slot(&self, at: At) -> Slot {
        let bucket = &self.buckets[at.bucket as usize];
        let (entry, tag) = (bucket.entries[usize::from(at.way)], bucket.tags[usize::from(at.way)]);
        if entry & USED == 0 {
            return Slot::new();
        }
        Slot::new().with_tag(tag).with_entry(EntryRef::from_bits(entry & !USED)).with_valid(true)
    }

    #[inline]
    pub fn set(&mut self, at: At, slot: Slot) {
        let bucket = &mut self.buckets[at.bucket as usize];
        bucket.tags[usize::from(at.way)] = slot.tag();
        bucket.entries[usize::from(at.way)] = if slot.valid() { slot.entry().into_bits() | USED } else { 0 };
    }

    /// The entry that has `tag` in these buckets.
    #[inline]
    pub fn tag_holder(&self, pair: [BucketAt; BANKS], tag: u16) -> Option<EntryRef> {
        pair.into_iter().find_map(|at| {
            let bucket = &self.buckets[at as usize];
            (0..BUCKET_SLOTS)
                .find(|way| bucket.tags[*way] == tag && bucket.entries[*way] != 0)
                .map(|way| EntryRef::from_bits(bucket.entries[way] & !USED))
        })
    }

    /// Where `entry` is in these buckets.
    pub fn place_of(&self, pair: [BucketAt; BANKS], entry: EntryRef) -> Option<At> {
        let wanted = entry.into_bits() | USED;
        pair.into_iter().find_map(|bucket| {
            let way = self.buckets[bucket as usize].entries.iter().position(|entry| *entry == wanted)?;
            Some(At { bucket, way: way as u8 })
        })
    }

    /// A free place in the emptier of two buckets.
    #[inline]
    pub fn emptier_place(&self, pair: [BucketAt; BANKS]) -> Option<At> {
        let free = pair.map(|bucket| self.free_mask(bucket));
        let which = usize::from(free[1].count_ones() > free[0].count_ones());
        (free[which] != 0).then(|| At { bucket: pair[which], way: free[which].trailing_zeros() as u8 })
    }

    /// A free place in `bucket`.
    #[inline]
    pub fn free_place(&self, bucket: BucketAt) -> Option<At> {
        let free = self.free_mask(bucket);
        (free != 0).then(|| At { bucket, way: free.trailing_zeros() as u8 })
    }

    /// Marks `bucket` as read by search `epoch`; false when it was already.
    #[inline]
    pub fn mark(&mut self, bucket: BucketAt, epoch: u32) -> bool {
        std::mem::replace(&mut self.buckets[bucket as usize].seen, epoch) != epoch
    }

    /// Forgets all marks.
    pub fn unmark_all(&mut self) {
        self.buckets.iter_mut().for_each(|bucket| bucket.seen = 0);
    }

    pub fn occupied(&self) -> impl Iterator<Item = (SlotPlace, Slot)> {
        (0..self.buckets.len() as u32)
            .flat_map(|bucket| (0..BUCKET_SLOTS as u8).map(move |way| At { bucket, way }))
            .map(|at| (self.place(at), self.slot(at)))
            .filter(|(_, slot)| slot.valid())
    }

    /// One bit for each free way.
    #[inline]
    fn free_mask(&self, bucket: BucketAt) -> u32 {
        let entries = &self.buckets[bucket as usize].entries;
        (0..BUCKET_SLOTS).fold(0, |mask, way| mask | u32::from(entries[way] == 0) << way)
    }
}
