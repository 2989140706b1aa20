//! Steps a block in rust-hdl's own simulator.
//!
//! About 8,000 clocks a second for a small block: meant for unit tests and for holding a hand-written `update()` against its
//! Verilog. Everything larger runs under Verilator.

use rust_hdl_core::prelude::*;

/// Rounds of propagation after which a block is taken to oscillate.
const MAX_ROUNDS: usize = 1000;

/// A block and its clock.
pub struct Bench<U: Block> {
    /// The block: set inputs with `.next`, read outputs with `.val()`.
    pub dut: U,
    clock: fn(&mut U) -> &mut Signal<In, Clock>,
}

impl<U: Block> Bench<U> {
    /// Connects `dut` and lets it settle. `clock` names its clock: `|dut| &mut dut.clock`.
    pub fn new(mut dut: U, clock: fn(&mut U) -> &mut Signal<In, Clock>) -> Self {
        dut.connect_all();
        let mut bench = Self { dut, clock };
        bench.settle();
        bench
    }

    /// Lets combinational outputs follow the inputs.
    ///
    /// # Panics
    /// If the block does not come to rest.
    pub fn settle(&mut self) {
        for _ in 0..MAX_ROUNDS {
            self.dut.update_all();
            if !self.dut.has_changed() {
                return;
            }
        }
        panic!("the block still changes after {MAX_ROUNDS} rounds: it has a combinational loop");
    }

    /// One clock: inputs as set, a rising edge, a falling edge. Outputs are settled afterwards, for the same inputs.
    pub fn tick(&mut self) {
        self.settle();
        for level in [true, false] {
            (self.clock)(&mut self.dut).next = level.into();
            self.settle();
        }
    }
}
