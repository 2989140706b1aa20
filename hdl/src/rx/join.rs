//! Beats beside each other as one word: wiring only.
//!
//! ```text
//!  beats[0], beats[1], … -->[ JoinBeats ]--> joined
//! ```
//! Latency 0. `beats[0]`, the first of them, becomes the most significant.
//!
//! Hand-written for the reason that [`TurnBytes`](super::TurnBytes) is: shifts and ors of wide words cost a simulator dearly.

use std::array;

use crate::prelude::*;

/// Joins `SLOTS` beats of `W` bits; `CAT` is `SLOTS * W`.
#[derive(LogicBlock)]
pub struct JoinBeats<const W: usize, const SLOTS: usize, const CAT: usize> {
    /// The beats, the first one first.
    pub beats: [Signal<In, Bits<W>>; SLOTS],
    /// All of them.
    pub joined: Signal<Out, Bits<CAT>>,
}

impl<const W: usize, const SLOTS: usize, const CAT: usize> Default for JoinBeats<W, SLOTS, CAT> {
    fn default() -> Self {
        assert!(CAT == SLOTS * W, "JoinBeats: {SLOTS} beats of {W} bits do not make {CAT} bits");
        Self { beats: array::from_fn(|_| Signal::default()), joined: Signal::default() }
    }
}

impl<const W: usize, const SLOTS: usize, const CAT: usize> Logic for JoinBeats<W, SLOTS, CAT> {
    fn update(&mut self) {
        let mut joined = Bits::<CAT>::default();
        for (i, beat) in self.beats.iter().enumerate() {
            joined.set_bits::<W>((SLOTS - 1 - i) * W, beat.val());
        }
        self.joined.next = joined;
    }

    fn connect(&mut self) {
        self.joined.connect();
    }

    fn hdl(&self) -> Verilog {
        let beats: Vec<String> = (0..SLOTS).map(|i| format!("beats${i}")).collect();
        Verilog::Custom(format!("always @(*) joined = {{{}}};\n", beats.join(", ")))
    }
}
