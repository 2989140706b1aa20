//! From hash to flow: buckets of one cache line with eight tags and eight flows; what does not fit goes to the next bucket.
//!
//! Not the card's cuckoo: software has the memory for a sparser table, and one line is half of two.

use fpgaflow_abi::hash::KeyHash;

use super::flow::FlowId;

/// Flows of a bucket.
const WAYS: usize = 8;

#[derive(Debug, Clone, Copy)]
#[repr(C, align(64))]
struct Bucket {
    tags: [u16; WAYS],
    /// Flow number plus one; 0 for a free way.
    flows: [u32; WAYS],
    /// Flows that belong here or before and lie behind: a lookup goes on while this is not 0.
    overflowed: u32,
}

impl Bucket {
    const EMPTY: Self = Self { tags: [0; WAYS], flows: [0; WAYS], overflowed: 0 };

    /// One bit for each way with `tag`; ways that are not used have tag 0 and may be among them.
    #[inline(always)]
    fn matches(&self, tag: u16) -> u32 {
        (0..WAYS).fold(0, |mask, way| mask | u32::from(self.tags[way] == tag) << way)
    }
}

/// Where a hash starts looking, and for what.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Start {
    bucket: u32,
    tag: u16,
}

/// The index of all flows.
#[derive(Debug)]
pub(super) struct Index {
    buckets: Box<[Bucket]>,
    flows: usize,
}

impl Index {
    /// With room for `flows`.
    pub fn new(flows: usize) -> Self {
        let buckets = (flows * 4).div_ceil(WAYS * 3).next_power_of_two().max(2);
        Self { buckets: vec![Bucket::EMPTY; buckets].into(), flows: 0 }
    }

    /// Whether it should grow before it takes another flow.
    pub fn is_full(&self) -> bool {
        (self.flows + 1) * 4 > self.buckets.len() * WAYS * 3
    }

    /// Doubles it and adds everything anew.
    pub fn grow(&mut self, flows: impl Iterator<Item = (KeyHash, FlowId)>) {
        *self = Self { buckets: vec![Bucket::EMPTY; self.buckets.len() * 2].into(), flows: 0 };
        for (hash, id) in flows {
            self.add(hash, id);
        }
    }

    /// Where to look for `hash`. The keyed hash is linear, and sequences of keys could crowd into few buckets; a multiplication
    /// (Fibonacci hashing, Knuth 6.4) is not.
    #[inline(always)]
    pub fn start(&self, hash: KeyHash) -> Start {
        let mixed = hash.0.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        Start { bucket: (mixed >> 32) as u32 & (self.buckets.len() as u32 - 1), tag: hash.tag() }
    }

    pub fn add(&mut self, hash: KeyHash, id: FlowId) {
        let start = self.start(hash);
        let mut at = start.bucket as usize;
        loop {
            let last = self.buckets.len() - 1;
            let bucket = &mut self.buckets[at];
            if let Some(way) = bucket.flows.iter().position(|flow| *flow == 0) {
                bucket.tags[way] = start.tag;
                bucket.flows[way] = id.0 + 1;
                self.flows += 1;
                return;
            }
            bucket.overflowed += 1;
            at = (at + 1) & last;
        }
    }

    pub fn remove(&mut self, hash: KeyHash, id: FlowId) {
        let mut at = self.start(hash).bucket as usize;
        let mut passed = Vec::new();
        loop {
            let last = self.buckets.len() - 1;
            let bucket = &mut self.buckets[at];
            if let Some(way) = bucket.flows.iter().position(|flow| *flow == id.0 + 1) {
                bucket.tags[way] = 0;
                bucket.flows[way] = 0;
                self.flows -= 1;
                break;
            }
            if bucket.overflowed == 0 {
                return;
            }
            passed.push(at);
            at = (at + 1) & last;
        }
        for at in passed {
            self.buckets[at].overflowed -= 1;
        }
    }

    /// The flow with `hash` that `is_it` accepts.
    pub fn find(&self, hash: KeyHash, is_it: impl Fn(FlowId) -> bool) -> Option<FlowId> {
        self.find_from(self.start(hash), is_it)
    }

    /// As [`Index::find`], from a start.
    #[inline(always)]
    pub fn find_from(&self, start: Start, is_it: impl Fn(FlowId) -> bool) -> Option<FlowId> {
        let mut at = start.bucket as usize;
        // Buckets there are bounds the walk even if all of them had overflowed.
        for _ in 0..self.buckets.len() {
            let bucket = &self.buckets[at];
            let mut matches = bucket.matches(start.tag);
            while matches != 0 {
                let flow = bucket.flows[matches.trailing_zeros() as usize % WAYS];
                if flow != 0 && is_it(FlowId(flow - 1)) {
                    return Some(FlowId(flow - 1));
                }
                matches &= matches - 1;
            }
            if bucket.overflowed == 0 {
                return None;
            }
            at = (at + 1) & (self.buckets.len() - 1);
        }
        None
    }

    /// The first flow with the start's tag in its first bucket: most likely the one, to be fetched ahead.
    #[inline(always)]
    pub fn likely(&self, start: Start) -> Option<FlowId> {
        let bucket = &self.buckets[start.bucket as usize];
        let matches = bucket.matches(start.tag);
        let flow = bucket.flows[matches.trailing_zeros() as usize % WAYS];
        (matches != 0 && flow != 0).then(|| FlowId(flow - 1))
    }

    /// Fetches a start's bucket ahead.
    #[inline(always)]
    pub fn prefetch(&self, start: Start) {
        super::prefetch::prefetch(&self.buckets[start.bucket as usize]);
    }
}
