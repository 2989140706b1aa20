//! Placement from empty to full, memory to memory: keys in, slot writes out, the hash included.

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

/// Load at which the first key found no slot.
#[derive(Debug, Clone, Copy)]
pub struct Refused {
    /// Keys with a place by slots of both banks.
    pub load: f64,
    /// Keys before it that were refused for their tags, the stash being full.
    pub tag_refusals: usize,
    /// Moves and stash.
    pub stats: Stats,
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

/// Fills a table until a key finds no slot.
pub fn first_refusal(workload: &Workload, effort: Effort) -> Refused {
    let mut table = Table::new(workload, 1.0);
    let mut plan = Plan::default();
    let mut tag_refusals = 0;
    for i in 0..table.keys.len() {
        plan.clear();
        match table.insert(i, effort, &mut plan) {
            Ok(()) => (),
            Err(Refusal::Full) => break,
            Err(Refusal::TagTaken | Refusal::HashTaken) => tag_refusals += 1,
        }
    }
    let load = table.placement.len() as f64 / table.placement.slots() as f64;
    Refused { load, tag_refusals, stats: *table.placement.stats() }
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

    #[inline]
    fn insert(&mut self, i: usize, effort: Effort, plan: &mut Plan) -> Result<(), Refusal> {
        let bits: KeyBits = self.keys[i].to_bits();
        let hash_of = |entry: EntryRef| self.hash.hash(&self.keys[entry.index() as usize].to_bits());
        self.placement.insert(self.hash.hash(&bits), EntryRef::new().with_index(i as u32), effort, hash_of, plan)
    }
}
