//! Delay line: what goes in comes out `N` clocks later.
//!
//! ```text
//!         +-------+
//!  din -->| Delay |--> dout
//!         +-------+
//! ```
//! Latency `N` clocks (at least 1), one word a clock, no stall. No reset: a valid bit that must not survive reset belongs in
//! registers of the block that uses it, or is delayed beside a reset held for `N` clocks.

use std::array;

use crate::prelude::*;

/// Delays `din` by `N` clocks.
#[derive(LogicBlock)]
pub struct Delay<T: Synth, const N: usize> {
    /// The block's clock.
    pub clock: Signal<In, Clock>,
    /// The word of this clock.
    pub din: Signal<In, T>,
    /// The word of `N` clocks ago; zero before that.
    pub dout: Signal<Out, T>,
    stage: [DFF<T>; N],
}

impl<T: Synth, const N: usize> Default for Delay<T, N> {
    fn default() -> Self {
        assert!(N > 0, "Delay: a delay of 0 clocks is a wire");
        Self {
            clock: Signal::default(),
            din: Signal::default(),
            dout: Signal::default(),
            stage: array::from_fn(|_| DFF::default()),
        }
    }
}

impl<T: Synth, const N: usize> Logic for Delay<T, N> {
    #[hdl_gen]
    fn update(&mut self) {
        for i in 0..N {
            self.stage[i].clock.next = self.clock.val();
        }
        self.stage[0].d.next = self.din.val();
        for i in 1..N {
            self.stage[i].d.next = self.stage[i - 1].q.val();
        }
        for i in N..(N + 1) {
            self.dout.next = self.stage[i - 1].q.val();
        }
    }
}
