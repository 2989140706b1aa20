//! Counts clocks, 64 bits wide and exact, without an adder that long.
//!
//! ```text
//!  [ ClockCounter ]--> count
//! ```
//! The upper half goes up in the clock in which the lower one becomes zero: that clock is known one clock before.

use crate::prelude::*;
use crate::records::CLOCK_BITS;

/// Bits of each half.
const HALF_BITS: usize = CLOCK_BITS / 2;

/// The block.
#[derive(LogicBlock)]
pub struct ClockCounter {
    /// The block's clock.
    pub clock: Signal<In, Clock>,
    /// Synchronous, active high.
    pub reset: Signal<In, Bit>,
    /// Clocks since reset.
    pub count: Signal<Out, Bits<CLOCK_BITS>>,
    low: DFF<Bits<HALF_BITS>>,
    high: DFF<Bits<HALF_BITS>>,
    wraps: DFF<Bit>,
    one: Constant<Bits<HALF_BITS>>,
    before_last: Constant<Bits<HALF_BITS>>,
}

impl Default for ClockCounter {
    fn default() -> Self {
        Self {
            clock: Signal::default(),
            reset: Signal::default(),
            count: Signal::default(),
            low: DFF::default(),
            high: DFF::default(),
            wraps: DFF::default(),
            one: Constant::new(1_u64.into()),
            before_last: Constant::new(u64::from(u32::MAX - 1).into()),
        }
    }
}

impl Logic for ClockCounter {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, low, high, wraps);
        self.low.d.next = self.low.q.val() + self.one.val();
        self.wraps.d.next = self.low.q.val() == self.before_last.val();
        if self.wraps.q.val() {
            self.high.d.next = self.high.q.val() + self.one.val();
        }
        self.count.next =
            bit_cast::<CLOCK_BITS, HALF_BITS>(self.low.q.val()) | (bit_cast::<CLOCK_BITS, HALF_BITS>(self.high.q.val()) << 32);
        if self.reset.val() {
            self.low.d.next = 0.into();
            self.high.d.next = 0.into();
            self.wraps.d.next = false;
        }
    }
}
