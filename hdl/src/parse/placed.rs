//! A field of layer 4, which lies in one of three places, a clock later.
//!
//! ```text
//!  v6, fragment_header ->+--------+
//!  behind_v4, ---------->| Placed |--> field
//!  behind_v6, ---------->|        |
//!  behind_fragment ----->+--------+
//! ```
//! Latency 1 clock, a header a clock. `field` is one LUT behind flip-flops: each place has a register that is cleared when the field is not there, and the
//! field is all of them in one OR. That is one LUT a bit where a choice of three takes two.

use crate::prelude::*;

/// A field of `N` bits.
#[derive(LogicBlock, Default)]
pub struct Placed<const N: usize> {
    /// The block's clock.
    pub clock: Signal<In, Clock>,
    /// The packet is IPv6's.
    pub v6: Signal<In, Bit>,
    /// A fragment header follows; IPv6's alone.
    pub fragment_header: Signal<In, Bit>,
    /// What is in its place behind a header of IPv4.
    pub behind_v4: Signal<In, Bits<N>>,
    /// Behind one of IPv6.
    pub behind_v6: Signal<In, Bits<N>>,
    /// Behind a fragment header.
    pub behind_fragment: Signal<In, Bits<N>>,
    /// The field of one clock ago.
    pub field: Signal<Out, Bits<N>>,
    // Conditions with an OR on top, high when a register is to be cleared: yosys makes an inverter for every bit that a low signal clears.
    not_behind_v6: Signal<Local, Bit>,
    not_behind_fragment: Signal<Local, Bit>,
    v4_s1: DFF<Bits<N>>,
    v6_s1: DFF<Bits<N>>,
    fragment_s1: DFF<Bits<N>>,
}

impl<const N: usize> Logic for Placed<N> {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, v4_s1, v6_s1, fragment_s1);
        self.not_behind_v6.next = !self.v6.val() | self.fragment_header.val();
        self.not_behind_fragment.next = !self.v6.val() | !self.fragment_header.val();
        self.v4_s1.d.next = self.behind_v4.val();
        if self.v6.val() {
            self.v4_s1.d.next = 0.into();
        }
        self.v6_s1.d.next = self.behind_v6.val();
        if self.not_behind_v6.val() {
            self.v6_s1.d.next = 0.into();
        }
        self.fragment_s1.d.next = self.behind_fragment.val();
        if self.not_behind_fragment.val() {
            self.fragment_s1.d.next = 0.into();
        }
        self.field.next = self.v4_s1.q.val() | self.v6_s1.q.val() | self.fragment_s1.q.val();
    }
}
