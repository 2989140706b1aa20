//! A checksum brought up to date by two deltas (RFC 1624, eqn. 3), in four clocks.
//!
//! ```text
//!                          +----------------+
//!  checksum, delta, udp -->| ChecksumUpdate |--> updated
//!                          +----------------+
//! ```
//! Latency [`LATENCY`] clocks, one checksum a clock. `updated = ~(~checksum + delta + second)` in ones' complement sums, as
//! [`fpgaflow_abi::checksum`] has them; `second` is fixed when the block is made. With `udp` a checksum of zero (none was
//! computed) stays zero, and one that becomes zero is given as 0xffff (RFC 768).

use crate::prelude::*;

/// Clocks from `checksum` to `updated`.
pub const LATENCY: usize = 4;

/// Adds a packet's delta and a fixed one.
#[derive(LogicBlock)]
pub struct ChecksumUpdate {
    /// The block's clock.
    pub clock: Signal<In, Clock>,
    /// As it came.
    pub checksum: Signal<In, Bits<16>>,
    /// What to add.
    pub delta: Signal<In, Bits<16>>,
    /// Zero means that there is none.
    pub udp: Signal<In, Bit>,
    /// As it leaves.
    pub updated: Signal<Out, Bits<16>>,

    second: Constant<Bits<16>>,
    /// 0xffff, and 0xfffe: what folds to it with a carry.
    ones: Constant<Bits<16>>,
    ones_less: Constant<Bits<16>>,
    complement: Signal<Local, Bits<16>>,
    sum_s1: DFF<Bits<17>>,
    low_s1: Signal<Local, Bits<16>>,
    carry_s1: Signal<Local, Bits<16>>,
    folded_s2: DFF<Bits<16>>,
    sum_s3: DFF<Bits<17>>,
    low_s3: Signal<Local, Bits<16>>,
    carry_s3: Signal<Local, Bits<16>>,
    folded: Signal<Local, Bits<16>>,
    becomes_zero: Signal<Local, Bit>,
    absent_s1: DFF<Bit>,
    absent_s2: DFF<Bit>,
    absent_s3: DFF<Bit>,
    udp_s1: DFF<Bit>,
    udp_s2: DFF<Bit>,
    udp_s3: DFF<Bit>,
    updated_s4: DFF<Bits<16>>,
}

impl ChecksumUpdate {
    /// Adds `second` to every checksum besides the packet's delta; 0 for nothing.
    pub fn new(second: u16) -> Self {
        Self {
            clock: Signal::default(),
            checksum: Signal::default(),
            delta: Signal::default(),
            udp: Signal::default(),
            updated: Signal::default(),
            second: Constant::new(u64::from(second).into()),
            ones: Constant::new(0xffff_u64.into()),
            ones_less: Constant::new(0xfffe_u64.into()),
            complement: Signal::default(),
            sum_s1: DFF::default(),
            low_s1: Signal::default(),
            carry_s1: Signal::default(),
            folded_s2: DFF::default(),
            sum_s3: DFF::default(),
            low_s3: Signal::default(),
            carry_s3: Signal::default(),
            folded: Signal::default(),
            becomes_zero: Signal::default(),
            absent_s1: DFF::default(),
            absent_s2: DFF::default(),
            absent_s3: DFF::default(),
            udp_s1: DFF::default(),
            udp_s2: DFF::default(),
            udp_s3: DFF::default(),
            updated_s4: DFF::default(),
        }
    }
}

impl Logic for ChecksumUpdate {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, sum_s1, folded_s2, sum_s3, absent_s1, absent_s2, absent_s3, udp_s1, udp_s2, udp_s3, updated_s4);
        self.complement.next = !self.checksum.val();
        self.sum_s1.d.next = bit_cast::<17, 16>(self.complement.val()) + bit_cast::<17, 16>(self.delta.val());

        self.low_s1.next = self.sum_s1.q.val().get_bits::<16>(0);
        self.carry_s1.next = bit_cast::<16, 1>(self.sum_s1.q.val().get_bits::<1>(16));
        self.folded_s2.d.next = self.low_s1.val() + self.carry_s1.val();

        self.sum_s3.d.next = bit_cast::<17, 16>(self.folded_s2.q.val()) + bit_cast::<17, 16>(self.second.val());

        self.low_s3.next = self.sum_s3.q.val().get_bits::<16>(0);
        self.carry_s3.next = bit_cast::<16, 1>(self.sum_s3.q.val().get_bits::<1>(16));
        self.folded.next = self.low_s3.val() + self.carry_s3.val();
        // Beside the addition, not behind it: does the sum fold to 0xffff?
        self.becomes_zero.next = self.low_s3.val() == self.ones.val();
        if self.sum_s3.q.val().get_bit(16) {
            self.becomes_zero.next = self.low_s3.val() == self.ones_less.val();
        }

        self.absent_s1.d.next = self.udp.val() & !self.checksum.val().any();
        self.absent_s2.d.next = self.absent_s1.q.val();
        self.absent_s3.d.next = self.absent_s2.q.val();
        self.udp_s1.d.next = self.udp.val();
        self.udp_s2.d.next = self.udp_s1.q.val();
        self.udp_s3.d.next = self.udp_s2.q.val();
        self.updated_s4.d.next = !self.folded.val();
        if self.absent_s3.q.val() {
            self.updated_s4.d.next = 0.into();
        } else if self.udp_s3.q.val() & self.becomes_zero.val() {
            self.updated_s4.d.next = self.ones.val();
        }
        self.updated.next = self.updated_s4.q.val();
    }
}
