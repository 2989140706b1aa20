//! A driver as small as can be: where flows are, and the writes that put, move and take them away.

use std::collections::HashMap;

use fpgaflow_abi::hash::{HashSecret, KeyHash};
use fpgaflow_abi::key::FlowKey;
use fpgaflow_abi::slot::{BANKS, EntryRef, Slot, SlotPlace, StashSlot, WAYS};
use rand::seq::IndexedRandom;
use rand::{Rng, RngExt};

use crate::records::{Words, slot_write, stash_write};

/// Where a flow is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Spot {
    Slot(SlotPlace),
    Stash(u32),
}

/// An installed flow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Flow {
    pub key: FlowKey,
    pub hash: KeyHash,
    pub entry: EntryRef,
    pub spot: Spot,
}

/// All installed flows of a table.
pub struct Host {
    pub secret: HashSecret,
    bucket_bits: u32,
    stash: u32,
    pub flows: Vec<Flow>,
    taken: HashMap<Spot, u16>,
}

impl Host {
    pub fn new(secret: HashSecret, bucket_bits: u32, stash: u32) -> Self {
        Self { secret, bucket_bits, stash, flows: vec![], taken: HashMap::new() }
    }

    /// The eight slots that `hash` may be in.
    pub fn places(&self, hash: KeyHash) -> Vec<SlotPlace> {
        let buckets = [hash.bucket0(self.bucket_bits), hash.bucket1(self.bucket_bits)];
        let of = |i| SlotPlace { bank: (i / WAYS) as u8, bucket: buckets[i / WAYS], way: (i % WAYS) as u8 };
        (0..BANKS * WAYS).map(of).collect()
    }

    /// The places that `hash` may go to: none of its slots when one of them holds its tag already, or holds it for `but`.
    fn free(&self, hash: KeyHash, but: Option<Spot>) -> Vec<Spot> {
        let slots: Vec<Spot> = self.places(hash).into_iter().map(Spot::Slot).collect();
        let refused = slots.iter().any(|spot| Some(*spot) != but && self.taken.get(spot) == Some(&hash.tag()));
        let slots = slots.into_iter().filter(|_| !refused);
        slots.chain((0..self.stash).map(Spot::Stash)).filter(|spot| !self.taken.contains_key(spot)).collect()
    }

    /// Picks a place for a new flow: the stash only when there is no slot, or seldom.
    pub fn install(&mut self, rng: &mut impl Rng, key: FlowKey, entry: EntryRef) -> Option<Flow> {
        let hash = self.secret.hash(&key.to_bits());
        let free = self.free(hash, None);
        let slots: Vec<Spot> = free.iter().copied().filter(|spot| matches!(spot, Spot::Slot(_))).collect();
        let spot = *if slots.is_empty() || rng.random_bool(0.02) { &free } else { &slots }.choose(rng)?;
        let flow = Flow { key, hash, entry, spot };
        self.taken.insert(spot, hash.tag());
        self.flows.push(flow);
        Some(flow)
    }

    /// Moves flow `at` of the list: to any free place, the stash as likely as a slot. Gives it as it was and as it is.
    pub fn relocate(&mut self, rng: &mut impl Rng, at: usize) -> Option<(Flow, Flow)> {
        let old = self.flows[at];
        let (stash, slots): (Vec<Spot>, _) =
            self.free(old.hash, Some(old.spot)).into_iter().partition(|spot| matches!(spot, Spot::Stash(_)));
        let spot = *if slots.is_empty() || (rng.random_bool(0.3) && !stash.is_empty()) { &stash } else { &slots }.choose(rng)?;
        self.taken.remove(&old.spot);
        self.taken.insert(spot, old.hash.tag());
        self.flows[at].spot = spot;
        Some((old, self.flows[at]))
    }

    /// Forgets flow `at` of the list.
    pub fn remove(&mut self, at: usize) -> Flow {
        let flow = self.flows.swap_remove(at);
        self.taken.remove(&flow.spot);
        flow
    }
}

impl Flow {
    /// The write that makes the flow findable where it is.
    pub fn put(&self) -> Words {
        match self.spot {
            Spot::Slot(place) => {
                slot_write(place.index(), Slot::new().with_tag(self.hash.tag()).with_entry(self.entry).with_valid(true))
            }
            Spot::Stash(index) => stash_write(index, StashSlot::new(self.hash, self.entry)),
        }
    }

    /// The write that clears the place where it is.
    pub fn clear(&self) -> Words {
        match self.spot {
            Spot::Slot(place) => slot_write(place.index(), Slot::new()),
            Spot::Stash(index) => stash_write(index, StashSlot::default()),
        }
    }
}
