//! Which bits of which signals are written on every path through a block's code.
//!
//! `check_all` accepts a signal that is written somewhere; a bit that is not written on some path becomes a latch, or stays
//! undriven when only parts of a struct are written.

use std::collections::BTreeMap;

/// For each signal, its bits that are written for certain.
#[derive(Debug, Default, Clone)]
pub struct Coverage(BTreeMap<String, Vec<bool>>);

impl Coverage {
    /// All of `name` is written.
    pub fn write(&mut self, name: &str, width: usize) {
        self.0.insert(name.to_owned(), vec![true; width]);
    }

    /// `count` bits of `name` from bit `at` are written; `at` is `None` where it is not known.
    pub fn write_part(&mut self, name: &str, width: usize, at: Option<usize>, count: usize) {
        let bits = self.0.entry(name.to_owned()).or_insert_with(|| vec![false; width]);
        if let Some(at) = at {
            for bit in bits.iter_mut().skip(at).take(count) {
                *bit = true;
            }
        }
    }

    /// What is written for certain when any one of `paths` was taken. A signal written on one of them stays listed.
    pub fn join(paths: &[Self]) -> Self {
        let mut joined = Self::default();
        for path in paths {
            for (name, bits) in &path.0 {
                joined.0.entry(name.clone()).or_insert_with(|| vec![true; bits.len()]);
            }
        }
        for (name, bits) in &mut joined.0 {
            for path in paths {
                let written = path.0.get(name);
                for (at, bit) in bits.iter_mut().enumerate() {
                    *bit &= written.is_some_and(|written| written[at]);
                }
            }
        }
        joined
    }

    /// Signals with a bit that some path does not write, and the lowest such bit.
    pub fn gaps(&self) -> impl Iterator<Item = (&str, usize)> {
        self.0.iter().filter_map(|(name, bits)| bits.iter().position(|bit| !bit).map(|at| (name.as_str(), at)))
    }
}
