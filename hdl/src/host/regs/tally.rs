//! Counts between two visits: small, and emptied when it is looked at.
//!
//! ```text
//!  add, take -->[ Tally ]--> held
//! ```
//! What is added in the clock of `take` counts for the next visit. `held` is zero without `take`, so the tallies of a round are
//! gathered by a wide OR, which synthesis balances as it cannot a chain of multiplexers.

use crate::prelude::*;

/// Bits of `held`: any tally's, at least.
pub const HELD_BITS: usize = 23;

/// A tally of `N` bits to which up to `2^A - 1` is added in a clock.
#[derive(LogicBlock, Default)]
pub struct Tally<const N: usize, const A: usize> {
    /// The block's clock.
    pub clock: Signal<In, Clock>,
    /// Synchronous, active high.
    pub reset: Signal<In, Bit>,
    /// What comes on top in this clock.
    pub add: Signal<In, Bits<A>>,
    /// `held` is taken in this clock.
    pub take: Signal<In, Bit>,
    /// With `take`, what was added since it was last taken.
    pub held: Signal<Out, Bits<HELD_BITS>>,
    count: DFF<Bits<N>>,
}

impl<const N: usize, const A: usize> Logic for Tally<N, A> {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, count);
        self.held.next = 0.into();
        self.count.d.next = self.count.q.val() + bit_cast::<N, A>(self.add.val());
        if self.take.val() {
            self.held.next = bit_cast::<HELD_BITS, N>(self.count.q.val());
            self.count.d.next = bit_cast::<N, A>(self.add.val());
        }
        if self.reset.val() {
            self.count.d.next = 0.into();
        }
    }
}
