//! Placement from empty to full, memory to memory: keys in, slot writes out, the hash included.
//!
//! # Terms
//! - Load: keys with a place, in slots and stash, by slots of both banks.
//! - First refusal: the first key that gets no place, for whatever reason: no slot in reach, or its tag in its buckets already,
//!   and the stash full.
//! - Final load: as many keys were offered as there are slots, refusals or not.

use std::time::Duration;

use fpgaflow_abi::key::{FlowKey, KeyBits};
use fpgaflow_abi::slot::EntryRef;

use super::clock::thread_time;
use super::keys::{KeyShape, Numbers};
use crate::hash::{KeyedHash, choose_secret};
use crate::placement::{Effort, Placement, Plan, Refusal, Stats};

/// What to measure.
#[derive(Debug, Clone, Copy)]
pub struct Workload {
    /// Buckets of a bank, as a power of two.
    pub bucket_bits: u32,
    /// Stash slots.
    pub stash: usize,
    /// How the keys are made.
    pub shape: KeyShape,
    /// Draws keys and secret.
    pub seed: u64,
    /// Take the best of many secrets ([`choose_secret`]) instead of the first.
    pub choose_secret: bool,
}

/// Time of filling a table.
#[derive(Debug, Clone, Copy)]
pub struct Filled {
    /// Keys that got a place.
    pub placed: usize,
    /// Keys that did not.
    pub refused: usize,
    /// Slot writes.
    pub writes: u64,
    /// CPU time it took.
    pub elapsed: Duration,
    /// Moves and stash.
    pub stats: Stats,
}

impl Filled {
    /// Keys placed or refused per second.
    pub fn inserts_per_second(&self) -> f64 {
        (self.placed + self.refused) as f64 / self.elapsed.as_secs_f64()
    }
}

/// The first key that got no place.
#[derive(Debug, Clone, Copy)]
pub struct Refused {
    /// Load before it.
    pub load: f64,
    /// Why; `None` when every key got a place.
    pub refusal: Option<Refusal>,
}

/// What a table was filled with that was offered as many keys as it has slots.
#[derive(Debug, Clone)]
pub struct Saturated {
    /// Slots of both banks, and keys offered.
    pub slots: usize,
    /// The first refusal.
    pub first: Refused,
    /// Load in the end.
    pub load_final: f64,
    /// Moves and stash.
    pub stats: Stats,
    /// What keys cost on the way, in [`STEPS`] parts of equally many keys offered.
    pub steps: Vec<Step>,
}

/// Parts of [`Saturated::steps`].
pub const STEPS: usize = 128;

/// What some keys one after the other cost.
#[derive(Debug, Clone, Copy, Default)]
pub struct Step {
    /// Load in their end.
    pub load: f64,
    /// Keys that got a slot of a bucket.
    pub placed: u64,
    /// Slots that had to move for them.
    pub moves: u64,
}

impl Step {
    /// Slots that had to move for a key; 0 where no key got a slot.
    pub fn moves_per_key(&self) -> f64 {
        self.moves as f64 / self.placed.max(1) as f64
    }
}

/// Fills a table to `load` of its slots, as fast as it goes.
pub fn fill(workload: &Workload, load: f64, effort: Effort) -> Filled {
    let mut table = Table::new(workload, load);
    let mut plan = Plan::default();
    let (mut refused, mut writes) = (0, 0);
    let start = thread_time();
    for i in 0..table.keys.len() {
        plan.clear();
        refused += usize::from(table.insert(i, effort, &mut plan).is_err());
        writes += plan.len() as u64;
    }
    let elapsed = thread_time() - start;
    Filled { placed: table.placement.len(), refused, writes, elapsed, stats: *table.placement.stats() }
}

/// Fills a table until a key gets no place.
pub fn first_refusal(workload: &Workload, effort: Effort) -> Refused {
    let mut table = Table::new(workload, 1.0);
    let mut plan = Plan::default();
    for i in 0..table.keys.len() {
        plan.clear();
        if let Err(refusal) = table.insert(i, effort, &mut plan) {
            return Refused { load: table.load(), refusal: Some(refusal) };
        }
    }
    Refused { load: table.load(), refusal: None }
}

/// Offers a table as many keys as it has slots.
pub fn saturate(workload: &Workload, effort: Effort) -> Saturated {
    let mut table = Table::new(workload, 1.0);
    let mut plan = Plan::default();
    let mut first = None;
    let mut steps = Vec::with_capacity(STEPS);
    let slots = table.keys.len();
    for part in 0..STEPS {
        let before = *table.placement.stats();
        for i in part * slots / STEPS..(part + 1) * slots / STEPS {
            plan.clear();
            if let Err(refusal) = table.insert(i, effort, &mut plan) {
                first.get_or_insert(Refused { load: table.load(), refusal: Some(refusal) });
            }
        }
        let stats = table.placement.stats();
        let placed_by_moves = || stats.moves.iter().zip(before.moves).map(|(after, before)| after - before);
        steps.push(Step {
            load: table.load(),
            placed: placed_by_moves().sum(),
            moves: (0..).zip(placed_by_moves()).map(|(moves, keys): (u64, u64)| moves * keys).sum(),
        });
    }
    let load_final = table.load();
    let first = first.unwrap_or(Refused { load: load_final, refusal: None });
    Saturated { slots, first, load_final, stats: *table.placement.stats(), steps }
}

struct Table {
    keys: Vec<FlowKey>,
    hash: KeyedHash,
    placement: Placement,
}

impl Table {
    fn new(workload: &Workload, load: f64) -> Self {
        let mut numbers = Numbers::new(workload.seed);
        let placement = Placement::new(workload.bucket_bits, workload.stash);
        let count = (placement.slots() as f64 * load) as usize;
        let keys = workload.shape.keys(count, &mut numbers);
        let secret =
            if workload.choose_secret { choose_secret(|| numbers.secret(), workload.bucket_bits) } else { numbers.secret() };
        Self { keys, hash: KeyedHash::new(secret), placement }
    }

    fn load(&self) -> f64 {
        self.placement.len() as f64 / self.placement.slots() as f64
    }

    #[inline]
    fn insert(&mut self, i: usize, effort: Effort, plan: &mut Plan) -> Result<(), Refusal> {
        let bits: KeyBits = self.keys[i].to_bits();
        let hash_of = |entry: EntryRef| self.hash.hash(&self.keys[entry.index() as usize].to_bits());
        self.placement.insert(self.hash.hash(&bits), EntryRef::new().with_index(i as u32), effort, hash_of, plan)
    }
}
