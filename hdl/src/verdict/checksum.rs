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
//!
//! # How
//! `~(~checksum + delta)` in ones' complement is `checksum - delta` with a borrow that ends around: one less where `delta` is the larger. So there is no
//! complement to make, neither of what comes nor of what leaves, and a zero that is not to be one is set in the register.

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
    one: Constant<Bits<16>>,
    difference_s1: DFF<Bits<17>>,
    low_s1: Signal<Local, Bits<16>>,
    borrow_s1: Signal<Local, Bits<16>>,
    folded_s2: DFF<Bits<16>>,
    difference_s3: DFF<Bits<17>>,
    low_s3: Signal<Local, Bits<16>>,
    borrow_s3: Signal<Local, Bits<16>>,
    becomes_zero: Signal<Local, Bit>,
    absent_s1: DFF<Bit>,
    absent_s2: DFF<Bit>,
    udp_s1: DFF<Bit>,
    udp_s2: DFF<Bit>,
    udp_s3: DFF<Bit>,
    updated_s4: DFF<Bits<16>>,
    ones: Constant<Bits<16>>,
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
            one: Constant::new(1_u64.into()),
            difference_s1: DFF::default(),
            low_s1: Signal::default(),
            borrow_s1: Signal::default(),
            folded_s2: DFF::default(),
            difference_s3: DFF::default(),
            low_s3: Signal::default(),
            borrow_s3: Signal::default(),
            becomes_zero: Signal::default(),
            absent_s1: DFF::default(),
            absent_s2: DFF::default(),
            udp_s1: DFF::default(),
            udp_s2: DFF::default(),
            udp_s3: DFF::default(),
            updated_s4: DFF::default(),
            ones: Constant::new(0xffff_u64.into()),
        }
    }
}

impl Logic for ChecksumUpdate {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(
            self,
            clock,
            difference_s1,
            folded_s2,
            difference_s3,
            absent_s1,
            absent_s2,
            udp_s1,
            udp_s2,
            udp_s3,
            updated_s4
        );
        self.difference_s1.d.next = bit_cast::<17, 16>(self.checksum.val()) - bit_cast::<17, 16>(self.delta.val());

        self.low_s1.next = self.difference_s1.q.val().get_bits::<16>(0);
        self.borrow_s1.next = bit_cast::<16, 1>(self.difference_s1.q.val().get_bits::<1>(16));
        self.folded_s2.d.next = self.low_s1.val() - self.borrow_s1.val();

        // What was absent is zero from here on, and is left alone.
        self.difference_s3.d.next = bit_cast::<17, 16>(self.folded_s2.q.val()) - bit_cast::<17, 16>(self.second.val());
        if self.absent_s2.q.val() {
            self.difference_s3.d.next = 0.into();
        }

        self.low_s3.next = self.difference_s3.q.val().get_bits::<16>(0);
        self.borrow_s3.next = bit_cast::<16, 1>(self.difference_s3.q.val().get_bits::<1>(16));
        // Beside the subtraction, not behind it: does it come to zero?
        self.becomes_zero.next = !self.low_s3.val().any();
        if self.difference_s3.q.val().get_bit(16) {
            self.becomes_zero.next = self.low_s3.val() == self.one.val();
        }
        self.updated_s4.d.next = self.low_s3.val() - self.borrow_s3.val();
        if self.udp_s3.q.val() & self.becomes_zero.val() {
            self.updated_s4.d.next = self.ones.val();
        }
        self.updated.next = self.updated_s4.q.val();

        self.absent_s1.d.next = self.udp.val() & !self.checksum.val().any();
        self.absent_s2.d.next = self.absent_s1.q.val();
        self.udp_s1.d.next = self.udp.val();
        self.udp_s2.d.next = self.udp_s1.q.val();
        self.udp_s3.d.next = self.udp_s2.q.val() & !self.absent_s2.q.val();
    }
}
