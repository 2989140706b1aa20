//! Registers `PARITY` and `PARITY_COUNT`.
//!
//! ```text
//!  found, row -->[ ParityLatch ]--> held, count
//!  acknowledge ->[             ]--> latched
//! ```
//! Latency 1 clock. The first row that is found is held until it is acknowledged; `latched` is high in the clock in which it is taken. Clocks with a
//! bad row are counted, whether it is held or not. A row found in the clock of an acknowledgement is counted and not held.

use fpgaflow_abi::regs::PARITY_BAD;

use crate::prelude::*;

/// The block.
#[derive(LogicBlock)]
pub struct ParityLatch {
    /// The block's clock.
    pub clock: Signal<In, Clock>,
    /// Synchronous, active high.
    pub reset: Signal<In, Bit>,
    /// A lookup met a bad row.
    pub found: Signal<In, Bit>,
    /// Which, as `PARITY` has it.
    pub row: Signal<In, Bits<32>>,
    /// The row that is held is done with.
    pub acknowledge: Signal<In, Bit>,
    /// `PARITY`.
    pub held: Signal<Out, Bits<32>>,
    /// `PARITY_COUNT`.
    pub count: Signal<Out, Bits<32>>,
    /// A row is held from the next clock on.
    pub latched: Signal<Out, Bit>,
    word: DFF<Bits<32>>,
    clocks: DFF<Bits<32>>,
    one: Constant<Bits<32>>,
}

impl Default for ParityLatch {
    fn default() -> Self {
        Self {
            clock: Signal::default(),
            reset: Signal::default(),
            found: Signal::default(),
            row: Signal::default(),
            acknowledge: Signal::default(),
            held: Signal::default(),
            count: Signal::default(),
            latched: Signal::default(),
            word: DFF::default(),
            clocks: DFF::default(),
            one: Constant::new(1_u64.into()),
        }
    }
}

impl Logic for ParityLatch {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, word, clocks);
        self.latched.next = false;
        for bad in PARITY_BAD.lsb..(PARITY_BAD.lsb + 1) {
            if self.acknowledge.val() {
                self.word.d.next = 0.into();
            } else if self.found.val() & !self.word.q.val().get_bit(bad) {
                self.word.d.next = self.row.val();
                self.latched.next = true;
            }
        }
        if self.found.val() {
            self.clocks.d.next = self.clocks.q.val() + self.one.val();
        }
        self.held.next = self.word.q.val();
        self.count.next = self.clocks.q.val();
        if self.reset.val() {
            self.word.d.next = 0.into();
            self.clocks.d.next = 0.into();
        }
    }
}
