//! Counts between two visits, in few bits: the visitor knows by how many it has grown.
//!
//! ```text
//!  step, add -->[ Tally ]--> count
//! ```
//! Latency 1 clock. Wraps.

use crate::prelude::*;

/// A tally of `N` bits to which up to `2^A - 1` is added in a clock.
#[derive(LogicBlock, Default)]
pub struct Tally<const N: usize, const A: usize> {
    /// The block's clock.
    pub clock: Signal<In, Clock>,
    /// Synchronous, active high.
    pub reset: Signal<In, Bit>,
    /// Count in this clock.
    pub step: Signal<In, Bit>,
    /// How many.
    pub add: Signal<In, Bits<A>>,
    /// What was counted.
    pub count: Signal<Out, Bits<N>>,
    sum: DFF<Bits<N>>,
}

impl<const N: usize, const A: usize> Logic for Tally<N, A> {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, sum);
        if self.step.val() {
            self.sum.d.next = self.sum.q.val() + bit_cast::<N, A>(self.add.val());
        }
        self.count.next = self.sum.q.val();
        if self.reset.val() {
            self.sum.d.next = 0.into();
        }
    }
}
