//! From hash to flow: buckets of one cache line with eight tags and eight flows; what does not fit goes to the next bucket.
//!
//! Not the card's cuckoo: software has the memory for a sparser table, and one line is half of two.

use super::flow::Number;
use super::key::KeyHash;
use super::pages::vec_in_large_pages;

/// Flows of a bucket.
const WAYS: usize = 8;

/// Flows to a bucket before the index grows: at 4 of 8, fewer than one in a hundred lies behind its bucket (Poisson).
const FILL: usize = 4;

#[derive(Debug, Clone, Copy)]
#[repr(C, align(64))]
struct Bucket {
    /// Tags of the even ways, and of the odd ones, sixteen bits each.
    tags: [u64; 2],
    /// Flow number plus one; 0 for a free way.
    flows: [u32; WAYS],
    /// Flows that belong here or before and lie behind: a lookup goes on while this is not 0.
    overflowed: u32,
}

/// The low bit of every tag in a word of them.
const TAG_LOW: u64 = 0x0001_0001_0001_0001;
/// The high bit of every tag in a word of them.
const TAG_HIGH: u64 = TAG_LOW << 15;

impl Bucket {
    const EMPTY: Self = Self { tags: [0; 2], flows: [0; WAYS], overflowed: 0 };

    /// One bit for each way with `tag`, in the way's byte; ways that are not used have tag 0 and may be among them.
    #[inline(always)]
    fn matches(&self, tag: u16) -> u64 {
        let wanted = u64::from(tag) * TAG_LOW;
        // The high bit of every tag that is equal: without a carry between tags, so it is exact.
        let equal = |tags: u64| {
            let differs = tags ^ wanted;
            !(((differs & !TAG_HIGH) + !TAG_HIGH) | differs) & TAG_HIGH
        };
        equal(self.tags[0]) >> 8 | equal(self.tags[1])
    }

    fn set(&mut self, way: usize, tag: u16, flow: u32) {
        let (word, shift) = (&mut self.tags[way % 2], way / 2 * 16);
        *word = *word & !(0xffff << shift) | u64::from(tag) << shift;
        self.flows[way] = flow;
    }
}

/// The way of the lowest bit that [`Bucket::matches`] set; some way when it set none.
#[inline(always)]
fn first_way(matches: u64) -> usize {
    matches.trailing_zeros() as usize / 8 % WAYS
}

/// Where a hash starts looking, and for what.
#[derive(Debug, Clone, Copy)]
pub(super) struct Start {
    bucket: u32,
    tag: u16,
}

impl Start {
    /// The first bucket, which every index has.
    pub const EMPTY: Self = Self { bucket: 0, tag: 0 };
}

/// The index of all flows.
#[derive(Debug)]
pub(super) struct Index {
    buckets: Vec<Bucket>,
    flows: usize,
}

impl Index {
    /// With room for `flows`.
    pub fn new(flows: usize) -> Self {
        Self::with_buckets(flows.div_ceil(FILL).max(2))
    }

    fn with_buckets(count: usize) -> Self {
        let mut buckets = vec_in_large_pages(count);
        buckets.resize(count, Bucket::EMPTY);
        Self { buckets, flows: 0 }
    }

    /// Whether it should grow before it takes another flow.
    pub fn is_full(&self) -> bool {
        self.flows >= self.buckets.len() * FILL
    }

    /// Doubles it and adds everything anew.
    pub fn grow(&mut self, flows: impl Iterator<Item = (KeyHash, Number)>) {
        *self = Self::with_buckets(self.buckets.len() * 2);
        for (hash, id) in flows {
            self.add(hash, id);
        }
    }

    /// Where to look for `hash`. A multiplication scales it to any number of buckets (Lemire 2019), so that memory is what is needed
    /// and not the next power of two.
    #[inline(always)]
    pub fn start(&self, hash: KeyHash) -> Start {
        let bucket = ((hash.0 >> 32) * self.buckets.len() as u64) >> 32;
        Start { bucket: bucket as u32, tag: hash.0 as u16 }
    }

    #[inline(always)]
    fn next(&self, bucket: usize) -> usize {
        if bucket + 1 == self.buckets.len() { 0 } else { bucket + 1 }
    }

    /// Adds a flow to an index that is not full.
    pub fn add(&mut self, hash: KeyHash, id: Number) {
        let start = self.start(hash);
        let mut at = start.bucket as usize;
        loop {
            let bucket = &mut self.buckets[at];
            if let Some(way) = bucket.flows.iter().position(|flow| *flow == 0) {
                bucket.set(way, start.tag, id.0 + 1);
                self.flows += 1;
                return;
            }
            bucket.overflowed += 1;
            at = self.next(at);
        }
    }

    pub fn remove(&mut self, hash: KeyHash, id: Number) {
        let mut at = self.start(hash).bucket as usize;
        let mut passed = Vec::new();
        loop {
            let bucket = &mut self.buckets[at];
            if let Some(way) = bucket.flows.iter().position(|flow| *flow == id.0 + 1) {
                bucket.set(way, 0, 0);
                self.flows -= 1;
                break;
            }
            if bucket.overflowed == 0 {
                return;
            }
            passed.push(at);
            at = self.next(at);
        }
        for at in passed {
            self.buckets[at].overflowed -= 1;
        }
    }

    /// The flow with `hash` that `is_it` accepts.
    pub fn find(&self, hash: KeyHash, is_it: impl Fn(Number) -> bool) -> Option<Number> {
        self.find_from(self.start(hash), is_it)
    }

    /// As [`Index::find`], from a start.
    #[inline(always)]
    pub fn find_from(&self, start: Start, is_it: impl Fn(Number) -> bool) -> Option<Number> {
        let mut at = start.bucket as usize;
        // Buckets there are bounds the walk even if all of them had overflowed.
        for _ in 0..self.buckets.len() {
            let bucket = &self.buckets[at];
            let mut matches = bucket.matches(start.tag);
            while matches != 0 {
                let flow = bucket.flows[first_way(matches)];
                if flow != 0 && is_it(Number(flow - 1)) {
                    return Some(Number(flow - 1));
                }
                matches &= matches - 1;
            }
            if bucket.overflowed == 0 {
                return None;
            }
            at = self.next(at);
        }
        None
    }

    /// The first flow with the start's tag in its first bucket: most likely the one. A number that no flow has if there is none.
    #[inline(always)]
    pub fn likely(&self, start: Start) -> Number {
        let bucket = &self.buckets[start.bucket as usize];
        let matches = bucket.matches(start.tag);
        let flow = bucket.flows[first_way(matches)];
        // An empty way's number wraps to one that no flow has.
        Number(if matches == 0 { 0 } else { flow }.wrapping_sub(1))
    }

    /// Fetches a start's bucket ahead.
    #[inline(always)]
    pub fn prefetch(&self, start: Start) {
        super::prefetch::prefetch(&self.buckets[start.bucket as usize]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_emptied_index_is_as_new() {
        let mut index = Index::new(3 * FILL);
        // All to the first bucket, with equal tags.
        let flows = || (0..20).map(|i| (KeyHash(7), Number(i)));
        for (hash, id) in flows() {
            index.add(hash, id);
        }
        assert!(index.buckets[0].overflowed > 0 && index.buckets[1].overflowed > 0);
        for (hash, id) in flows() {
            assert_eq!(index.find(hash, |found| found == id), Some(id));
            index.remove(hash, id);
            assert_eq!(index.find(hash, |found| found == id), None);
        }
        assert_eq!(index.flows, 0);
        assert!(index.buckets.iter().all(|bucket| bucket.overflowed == 0 && bucket.flows == [0; WAYS]));
    }
}
