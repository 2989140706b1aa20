//! Placement against a reference that knows nothing of it: a table of slots, written one write at a time, and the set of keys that
//! must be found in it.

mod support;

use std::collections::BTreeMap;

use fpgaflow_abi::hash::KeyHash;
use fpgaflow_abi::slot::{BANKS, EntryRef, Slot, SlotPlace, StashSlot, WAYS, stash_for};
use fpgaflow_driver::placement::{Effort, Placement, Plan, Refusal, Write};
use proptest::prelude::*;
use rand::RngExt;

const BUCKET_BITS: u32 = 3;
const STASH: usize = 3;

/// The card's slots, and what must be in them.
struct Reference {
    slots: Vec<Slot>,
    stash: Vec<StashSlot>,
    resident: BTreeMap<EntryRef, KeyHash>,
}

impl Reference {
    fn new() -> Self {
        Self {
            slots: vec![Slot::new(); (BANKS * WAYS) << BUCKET_BITS],
            stash: vec![StashSlot::default(); STASH],
            resident: BTreeMap::new(),
        }
    }

    fn write(&mut self, write: &Write) {
        match *write {
            Write::Slot { place, before, after } => {
                let slot = &mut self.slots[place.index() as usize];
                assert_eq!(*slot, before);
                *slot = after;
            }
            Write::Stash { index, before, after } => {
                assert_eq!(self.stash[index as usize], before);
                self.stash[index as usize] = after;
            }
        }
    }

    fn lookup(&self, hash: KeyHash) -> Option<EntryRef> {
        if let Some(stash) = self.stash.iter().find(|s| s.slot.valid() && s.hash == hash.0) {
            return Some(stash.slot.entry());
        }
        let buckets = [hash.bucket0(BUCKET_BITS), hash.bucket1(BUCKET_BITS)];
        let mut matches = (0..BANKS)
            .flat_map(|bank| (0..WAYS).map(move |way| (bank, way)))
            .map(|(bank, way)| self.slots[SlotPlace { bank: bank as u8, bucket: buckets[bank], way: way as u8 }.index() as usize])
            .filter(|slot| slot.valid() && slot.tag() == hash.tag())
            .map(|slot| slot.entry());
        let first = matches.next()?;
        assert!(matches.all(|entry| entry == first), "two entries match one key");
        Some(first)
    }

    fn check(&self) {
        for (entry, hash) in &self.resident {
            assert_eq!(self.lookup(*hash), Some(*entry), "{hash:x?} is hidden");
        }
    }
}

#[derive(Debug, Clone)]
enum Op {
    Insert { hash: u64, deep: bool },
    Remove { which: prop::sample::Index },
    Unstash,
    InsertAndUndo { hashes: Vec<u64> },
}

/// Few tags, so that tags meet; few hash bits above the bucket, so that whole hashes meet.
fn hash() -> impl Strategy<Value = u64> {
    (0u64..16, 0u64..32).prop_map(|(tag, bucket)| (bucket << 16) | (tag * 0x0805))
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        8 => (hash(), any::<bool>()).prop_map(|(hash, deep)| Op::Insert { hash, deep }),
        3 => any::<prop::sample::Index>().prop_map(|which| Op::Remove { which }),
        1 => Just(Op::Unstash),
        1 => prop::collection::vec(hash(), 1..20).prop_map(|hashes| Op::InsertAndUndo { hashes }),
    ]
}

proptest! {
    #![proptest_config(support::proptest_config())]

    #[test]
    fn move_never_hides_a_flow(ops in prop::collection::vec(op(), 1..250)) {
        let (mut placement, mut reference) = (Placement::new(BUCKET_BITS, STASH), Reference::new());
        let mut next = 0;
        for op in ops {
            let mut plan = Plan::default();
            let hashes = reference.resident.clone();
            let hash_of = |entry: EntryRef| hashes[&entry];
            let mut added = None;
            match op {
                Op::Insert { hash, deep } => {
                    let (hash, entry) = (KeyHash(hash), EntryRef::new().with_index(next));
                    next += 1;
                    let effort = if deep { Effort::LAST } else { Effort { nodes: 4, stash_when_full: false } };
                    match placement.insert(hash, entry, effort, hash_of, &mut plan) {
                        Ok(()) => added = Some((entry, hash)),
                        Err(refusal) => {
                            prop_assert!(plan.is_empty());
                            let taken = hashes.values().any(|other| *other == hash);
                            prop_assert_eq!(refusal == Refusal::HashTaken, taken);
                        }
                    }
                }
                Op::Remove { which } if !hashes.is_empty() => {
                    let entry = *which.get(&hashes.keys().copied().collect::<Vec<_>>());
                    let hash = reference.resident.remove(&entry).unwrap();
                    prop_assert!(placement.remove(hash, entry, &mut plan));
                    prop_assert!(!placement.remove(hash, entry, &mut plan));
                }
                Op::Remove { .. } => prop_assert!(!placement.remove(KeyHash(0), EntryRef::new(), &mut plan)),
                Op::Unstash => {
                    let stashed = placement.stashed();
                    prop_assert_eq!(placement.unstash(&mut plan) + placement.stashed(), stashed);
                }
                Op::InsertAndUndo { hashes: new } => {
                    let before: Vec<_> = placement.occupied().collect();
                    let stash: Vec<_> = placement.stash().collect();
                    let mut all = hashes.clone();
                    for hash in new {
                        let entry = EntryRef::new().with_index(next);
                        next += 1;
                        let asked = all.clone();
                        if placement.insert(KeyHash(hash), entry, Effort::LAST, |e| asked[&e], &mut plan).is_ok() {
                            all.insert(entry, KeyHash(hash));
                        }
                    }
                    placement.undo(&mut plan, 0);
                    prop_assert!(plan.is_empty());
                    prop_assert!(placement.occupied().eq(before));
                    prop_assert!(placement.stash().eq(stash));
                }
            }
            for write in plan.writes() {
                reference.write(write);
                reference.check();
            }
            reference.resident.extend(added);
            reference.check();
            prop_assert_eq!(placement.len(), reference.resident.len());
            for (entry, hash) in &reference.resident {
                prop_assert_eq!(placement.candidate(*hash), Some(*entry));
            }
        }
    }
}

/// Fills a table with random hashes until one is refused, for whatever reason; the load then.
fn first_refusal(bucket_bits: u32, effort: Effort, rng: &mut impl rand::Rng) -> (f64, Placement) {
    let mut placement = Placement::new(bucket_bits, stash_for((BANKS * WAYS) << bucket_bits));
    let mut hashes: Vec<KeyHash> = Vec::new();
    let mut plan = Plan::default();
    loop {
        let hash = KeyHash(rng.random::<u64>() >> 16);
        let entry = EntryRef::new().with_index(hashes.len() as u32);
        plan.clear();
        match placement.insert(hash, entry, effort, |entry| hashes[entry.index() as usize], &mut plan) {
            Ok(()) => hashes.push(hash),
            Err(_) => return (placement.len() as f64 / placement.slots() as f64, placement),
        }
    }
}

#[test]
fn the_first_refusal_comes_late_at_every_size() {
    let mut rng = support::generator(support::seed());
    for bucket_bits in [9, 13, 17] {
        let (load, placement) = first_refusal(bucket_bits, Effort::LAST, &mut rng);
        println!("2^{bucket_bits} buckets: {load:.4}, {:?}", placement.stats());
        assert!(load >= 0.97, "{load} of 2^{bucket_bits} buckets");
    }
}

#[test]
fn a_quick_search_fills_nearly_as_much() {
    let mut rng = support::generator(support::seed());
    for bucket_bits in [9, 11, 13] {
        // A small table is small enough for luck to matter: the median of three must reach the load.
        let mut loads = [(); 3].map(|()| first_refusal(bucket_bits, Effort::QUICK, &mut rng).0);
        loads.sort_by(f64::total_cmp);
        println!("2^{bucket_bits} buckets: {loads:.4?}");
        assert!(loads[1] >= 0.94, "{loads:?} of 2^{bucket_bits} buckets");
    }
}
