//! Breadth-first search for the shortest chain of moves that frees a slot.

use fpgaflow_abi::slot::BANKS;

use super::BUCKET_SLOTS;
use super::buckets::{At, BucketAt, Buckets};

/// How hard placement tries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Effort {
    /// Most slots whose other bucket is looked at; each look is about one cache miss.
    pub nodes: usize,
    /// Whether a key for which no slot is found may take a stash slot, which keys with equal tags need more.
    pub stash_when_full: bool,
}

impl Effort {
    /// Enough to about 96 % load, and never more than some tens of microseconds.
    pub const QUICK: Self = Self { nodes: 500, stash_when_full: false };
    /// Enough to 97.5 % load and more; up to a millisecond for a key that is refused.
    pub const DEEP: Self = Self { nodes: 20_000, stash_when_full: false };
    /// As deep, and then the stash.
    pub const LAST: Self = Self { stash_when_full: true, ..Self::DEEP };
}

/// A slot that could move, and the slot that could then move to its place.
#[derive(Debug, Clone, Copy)]
struct Node {
    at: At,
    parent: u32,
}

/// Parent of the key's own buckets' slots.
const ROOT: u32 = u32::MAX;

/// Memory of a search, used again by the next.
#[derive(Debug, Clone, Default)]
pub(super) struct Search {
    nodes: Vec<Node>,
    path: Vec<At>,
    epoch: u32,
}

impl Search {
    /// Looks for the shortest chain of moves that frees a slot of `pair`, whose buckets are both full. True when there is one:
    /// [`Search::path`] has it.
    ///
    /// Every bucket is read once at most, so a chain never uses a place twice.
    pub fn run(&mut self, buckets: &mut Buckets, pair: [BucketAt; BANKS], limit: usize) -> bool {
        self.epoch = self.epoch.wrapping_add(1);
        if self.epoch == 0 {
            buckets.unmark_all();
            self.epoch = 1;
        }
        self.nodes.clear();
        // One way of both buckets after the other, so that both banks are tried alike.
        for way in 0..BUCKET_SLOTS as u8 {
            self.nodes.extend(pair.map(|bucket| Node { at: At { bucket, way }, parent: ROOT }));
        }
        for bucket in pair {
            buckets.mark(bucket, self.epoch);
        }
        let mut next = 0;
        while next < self.nodes.len().min(limit) {
            let node = self.nodes[next];
            let other = buckets.other(node.at);
            if buckets.mark(other, self.epoch) {
                if let Some(free) = buckets.free_place(other) {
                    self.trace(free, next);
                    return true;
                }
                // Nodes that the limit keeps from being looked at need not be remembered.
                if self.nodes.len() < limit {
                    let child = |way| Node { at: At { bucket: other, way }, parent: next as u32 };
                    self.nodes.extend((0..BUCKET_SLOTS as u8).map(child));
                }
            }
            next += 1;
        }
        false
    }

    /// The free place, then the places whose slots move, the first to the free place, each to that of the one before it.
    pub fn path(&self) -> &[At] {
        &self.path
    }

    fn trace(&mut self, free: At, last: usize) {
        self.path.clear();
        self.path.push(free);
        let mut at = last as u32;
        while let Some(node) = self.nodes.get(at as usize) {
            self.path.push(node.at);
            at = node.parent;
        }
    }
}
