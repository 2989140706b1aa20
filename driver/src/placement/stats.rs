//! What placing has cost.

/// Length of [`Stats::moves`]; longer plans count in its last place.
pub const MOVES_COUNTED: usize = 16;

/// What placing has cost since the table was made.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Stats {
    /// Keys placed by how many slots had to move.
    pub moves: [u64; MOVES_COUNTED],
    /// Keys that went to the stash.
    pub stashed: u64,
    /// Most stash slots ever in use.
    pub stash_high_water: usize,
}

impl Stats {
    #[inline]
    pub(super) fn placed(&mut self, moves: usize) {
        self.moves[moves.min(MOVES_COUNTED - 1)] += 1;
    }

    pub(super) fn stashed(&mut self, used: usize) {
        self.stashed += 1;
        self.stash_high_water = self.stash_high_water.max(used);
    }
}
