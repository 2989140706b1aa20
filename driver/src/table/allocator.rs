//! Numbers that are free, in use, or unlinked but perhaps still being read by a lookup.

/// Where a number was taken from, to give it back there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Source {
    /// Never used before.
    Fresh,
    /// Used before, and behind a barrier since.
    Free,
    /// Unlinked with no barrier since: one must come before it is written.
    Retired,
}

/// Numbers below a limit.
#[derive(Debug, Clone)]
pub(super) struct Allocator {
    limit: u32,
    fresh: u32,
    free: Vec<u32>,
    retired: Vec<u32>,
}

impl Allocator {
    pub fn new(limit: u32) -> Self {
        Self { limit, fresh: 0, free: Vec::new(), retired: Vec::new() }
    }

    pub fn limit(&self) -> u32 {
        self.limit
    }

    /// A number; those that need a barrier come last.
    pub fn take(&mut self) -> Option<(u32, Source)> {
        if let Some(number) = self.free.pop() {
            return Some((number, Source::Free));
        }
        if self.fresh < self.limit {
            self.fresh += 1;
            return Some((self.fresh - 1, Source::Fresh));
        }
        self.retired.pop().map(|number| (number, Source::Retired))
    }

    /// Undoes [`Allocator::take`]; what was taken last is given back first.
    pub fn give_back(&mut self, number: u32, source: Source) {
        match source {
            Source::Fresh => self.fresh -= 1,
            Source::Free => self.free.push(number),
            Source::Retired => self.retired.push(number),
        }
    }

    /// A number in use is no longer.
    pub fn retire(&mut self, number: u32) {
        self.retired.push(number);
    }

    /// How many wait for a barrier.
    pub fn retired(&self) -> usize {
        self.retired.len()
    }

    /// A barrier: what was retired is free.
    pub fn settle(&mut self) {
        self.free.append(&mut self.retired);
    }
}
