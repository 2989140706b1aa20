//! All flows of one family, with their index.

use fpgaflow_abi::counters::CounterRecord;
use fpgaflow_abi::entry::Entry;

use super::flow::{Flows, Line, Number};
use super::index::Index;
use super::key::{Hasher, WireKey};

/// Flows of one family.
#[derive(Debug)]
pub(super) struct Store<L> {
    pub index: Index,
    pub flows: Flows<L>,
}

impl<L: Line> Store<L> {
    /// With room for `flows` before it grows.
    pub fn new(flows: usize) -> Self {
        Self { index: Index::new(flows), flows: Flows::new(flows) }
    }

    /// Adds a flow of this family that is not there, with counters at zero; `None` when it is.
    pub fn insert(&mut self, hasher: &Hasher, key: L::Key, flow: &Entry) -> Option<Number> {
        let hash = key.hash(hasher);
        if self.find(hasher, &key).is_some() {
            return None;
        }
        let number = self.flows.add(key, flow);
        if self.index.is_full() {
            self.index.grow(self.flows.keys().map(|(number, key)| (key.hash(hasher), number)));
        } else {
            self.index.add(hash, number);
        }
        Some(number)
    }

    /// Changes the action of a flow that is there.
    pub fn set(&mut self, hasher: &Hasher, key: L::Key, flow: &Entry) -> Option<Number> {
        let number = self.find(hasher, &key)?;
        self.flows.line_mut(number).set(key, flow);
        Some(number)
    }

    /// Removes a flow and returns its last counters.
    pub fn remove(&mut self, hasher: &Hasher, key: &L::Key) -> Option<CounterRecord> {
        let number = self.find(hasher, key)?;
        self.index.remove(key.hash(hasher), number);
        Some(self.flows.remove(number))
    }

    /// The flow with `key`.
    pub fn find(&self, hasher: &Hasher, key: &L::Key) -> Option<Number> {
        self.index.find(key.hash(hasher), |number| self.flows.has_key(number, key))
    }
}
