//! How many frames may be between the receive side and the verdict's end: no more than the FIFO there holds.
//!
//! ```text
//!             +---------+
//!  taken ---->| Credits |--> credit
//!  returned ->|         |
//!             +---------+
//! ```
//! `credit` comes from a flip-flop and follows a change by 1 clock.
//!
//! # Contract
//! - `credit` is high while fewer than `2^AW - 1` frames are out. The one in reserve is the frame that is taken in the clock in
//!   which `credit` still says what was true before it.
//! - `taken` comes only with `credit`, `returned` only for a frame that was taken: the count stays between 0 and `2^AW`.

use crate::prelude::*;

/// Counts frames between two places; `2^AW` fit. `CW` is `AW + 1`.
#[derive(LogicBlock)]
pub struct Credits<const AW: usize, const CW: usize> {
    /// The engine's clock.
    pub clock: Signal<In, Clock>,
    /// Synchronous, active high; all credits are back.
    pub reset: Signal<In, Bit>,
    /// A frame goes in.
    pub taken: Signal<In, Bit>,
    /// A frame came out.
    pub returned: Signal<In, Bit>,
    /// One more may go in.
    pub credit: Signal<Out, Bit>,

    count: DFF<Bits<CW>>,
    next: Signal<Local, Bits<CW>>,
    credit_s1: DFF<Bit>,
    one: Constant<Bits<CW>>,
    most: Constant<Bits<CW>>,
}

impl<const AW: usize, const CW: usize> Default for Credits<AW, CW> {
    fn default() -> Self {
        assert!(CW == AW + 1, "Credits: count width {CW} is not {AW} + 1");
        Self {
            clock: Signal::default(),
            reset: Signal::default(),
            taken: Signal::default(),
            returned: Signal::default(),
            credit: Signal::default(),
            count: DFF::default(),
            next: Signal::default(),
            credit_s1: DFF::default(),
            one: Constant::new(1_u64.into()),
            most: Constant::new(((1_u64 << AW) - 1).into()),
        }
    }
}

impl<const AW: usize, const CW: usize> Logic for Credits<AW, CW> {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, count, credit_s1);
        self.next.next = self.count.q.val();
        if self.taken.val() & !self.returned.val() {
            self.next.next = self.count.q.val() + self.one.val();
        }
        if self.returned.val() & !self.taken.val() {
            self.next.next = self.count.q.val() - self.one.val();
        }
        self.count.d.next = self.next.val();
        self.credit_s1.d.next = self.next.val() < self.most.val();
        self.credit.next = self.credit_s1.q.val();
        if self.reset.val() {
            self.count.d.next = 0.into();
            self.credit_s1.d.next = false;
        }
    }
}
