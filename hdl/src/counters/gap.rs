//! Asks for a clock without a packet, for a clear that finds none.
//!
//! ```text
//!  refused -->[     ]--> wanted
//!  served --->[ Gap ]
//! ```
//! `wanted` comes from a flip-flop: a pulse of one clock, one clock after the first refusal, and again every [`AGAIN_AFTER`] clocks for
//! as long as the clear is refused. One pulse is enough when the data path keeps what [`super`] asks of it.

use crate::prelude::*;

/// Clocks between two pulses for one clear: more than a gap takes from where it is made to the counters.
pub const AGAIN_AFTER: usize = 64;
/// Bits that count them.
const PAUSE_BITS: usize = 6;

const _: () = assert!(AGAIN_AFTER == 1 << PAUSE_BITS);

/// The block.
#[derive(LogicBlock)]
pub struct Gap {
    /// The block's clock.
    pub clock: Signal<In, Clock>,
    /// Synchronous, active high.
    pub reset: Signal<In, Bit>,
    /// A clear waits and there is a packet in this clock.
    pub refused: Signal<In, Bit>,
    /// A clear has its clock.
    pub served: Signal<In, Bit>,
    /// Take in no packet in this clock.
    pub wanted: Signal<Out, Bit>,
    wanted_s1: DFF<Bit>,
    pause: DFF<Bits<PAUSE_BITS>>,
    one: Constant<Bits<PAUSE_BITS>>,
    most: Constant<Bits<PAUSE_BITS>>,
}

impl Default for Gap {
    fn default() -> Self {
        Self {
            clock: Signal::default(),
            reset: Signal::default(),
            refused: Signal::default(),
            served: Signal::default(),
            wanted: Signal::default(),
            wanted_s1: DFF::default(),
            pause: DFF::default(),
            one: Constant::new(1_u64.into()),
            most: Constant::new((AGAIN_AFTER as u64 - 1).into()),
        }
    }
}

impl Logic for Gap {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, wanted_s1, pause);
        self.wanted_s1.d.next = false;
        if self.served.val() {
            self.pause.d.next = 0.into();
        } else if self.pause.q.val().any() {
            self.pause.d.next = self.pause.q.val() - self.one.val();
        } else if self.refused.val() {
            self.wanted_s1.d.next = true;
            self.pause.d.next = self.most.val();
        }
        self.wanted.next = self.wanted_s1.q.val();
        if self.reset.val() {
            self.wanted_s1.d.next = false;
            self.pause.d.next = 0.into();
        }
    }
}
