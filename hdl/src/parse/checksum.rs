//! Is the checksum of an IPv4 header right?
//!
//! ```text
//!            +----------------+
//!  rows[5] ->| HeaderChecksum |--> correct
//!            +----------------+
//! ```
//! Latency [`HeaderChecksum::LATENCY`] clocks, a header a clock, no stall. `correct` is an AND of four flip-flops.
//!
//! # Contract
//! `correct` says whether the ones' complement sum of the header's ten 16-bit words is 0xffff (RFC 1071), of every header but one:
//! that of only ones is called wrong. Its version is wrong anyway.
//!
//! # How
//! Adding the words up would take a chain of carries a stage; carry-save adders take none. [`CarrySave`] makes of three words
//! two with the same sum modulo 0xffff, the carry out of the top coming in again at the bottom. Ten words become two in five levels.
//! They are zeros only for a header of zeros, and both all ones only for a header of ones, since an adder gives such words
//! only for such words; for any other header their sum is 0xffff modulo 0xffff exactly when one is the other's complement.
//! So the last step is no addition either.

use std::array;

use crate::prelude::*;

/// Bits of a header row as the RFCs draw it.
const ROW_BITS: usize = 32;
/// Rows of a header without options.
const ROWS: usize = 5;
/// Groups of four bits that the words are compared in before the register; behind it the groups are put together.
const GROUPS: usize = 4;

/// Three words into two of the same ones' complement sum. Combinational.
#[derive(LogicBlock, Default)]
pub struct CarrySave {
    /// First word.
    pub a: Signal<In, Bits<16>>,
    /// Second word.
    pub b: Signal<In, Bits<16>>,
    /// Third word.
    pub c: Signal<In, Bits<16>>,
    /// Sum bit by bit.
    pub sum: Signal<Out, Bits<16>>,
    /// The carries, one up, the topmost at the bottom.
    pub carry: Signal<Out, Bits<16>>,
    majority: Signal<Local, Bits<16>>,
}

impl Logic for CarrySave {
    #[hdl_gen]
    fn update(&mut self) {
        self.sum.next = (self.a.val() ^ self.b.val()) ^ self.c.val();
        self.majority.next = (self.a.val() & self.b.val()) | (self.a.val() & self.c.val()) | (self.b.val() & self.c.val());
        self.carry.next = (self.majority.val() << 1) | (self.majority.val() >> 15);
    }
}

/// Checks the checksum of an IPv4 header of 20 bytes.
#[derive(LogicBlock)]
pub struct HeaderChecksum {
    /// The block's clock.
    pub clock: Signal<In, Clock>,
    /// The header, 32 bits a row.
    pub rows: [Signal<In, Bits<ROW_BITS>>; ROWS],
    /// The header of two clocks ago has the right checksum.
    pub correct: Signal<Out, Bit>,

    adder: [CarrySave; 8],
    word_s1: [DFF<Bits<16>>; 4],
    differ: Signal<Local, Bits<16>>,
    complement_s2: [DFF<Bit>; GROUPS],
}

impl HeaderChecksum {
    /// Clocks from a header to its verdict.
    pub const LATENCY: usize = 2;
}

impl Default for HeaderChecksum {
    fn default() -> Self {
        Self {
            clock: Signal::default(),
            rows: array::from_fn(|_| Signal::default()),
            correct: Signal::default(),
            adder: array::from_fn(|_| CarrySave::default()),
            word_s1: array::from_fn(|_| DFF::default()),
            differ: Signal::default(),
            complement_s2: array::from_fn(|_| DFF::default()),
        }
    }
}

impl Logic for HeaderChecksum {
    #[hdl_gen]
    fn update(&mut self) {
        for i in 0..4 {
            self.word_s1[i].clock.next = self.clock.val();
        }
        for i in 0..GROUPS {
            self.complement_s2[i].clock.next = self.clock.val();
        }

        // Ten words into seven, five, four.
        for i in 0..3 {
            self.adder[i].a.next = self.rows[i].val().get_bits::<16>(16);
            self.adder[i].b.next = self.rows[i].val().get_bits::<16>(0);
        }
        self.adder[0].c.next = self.rows[3].val().get_bits::<16>(16);
        self.adder[1].c.next = self.rows[3].val().get_bits::<16>(0);
        self.adder[2].c.next = self.rows[4].val().get_bits::<16>(16);
        self.adder[3].a.next = self.adder[0].sum.val();
        self.adder[3].b.next = self.adder[0].carry.val();
        self.adder[3].c.next = self.adder[1].sum.val();
        self.adder[4].a.next = self.adder[1].carry.val();
        self.adder[4].b.next = self.adder[2].sum.val();
        self.adder[4].c.next = self.adder[2].carry.val();
        self.adder[5].a.next = self.adder[3].sum.val();
        self.adder[5].b.next = self.adder[3].carry.val();
        self.adder[5].c.next = self.adder[4].sum.val();
        self.word_s1[0].d.next = self.adder[5].sum.val();
        self.word_s1[1].d.next = self.adder[5].carry.val();
        self.word_s1[2].d.next = self.adder[4].carry.val();
        self.word_s1[3].d.next = self.rows[4].val().get_bits::<16>(0);

        // Four into three, two; are they complements.
        self.adder[6].a.next = self.word_s1[0].q.val();
        self.adder[6].b.next = self.word_s1[1].q.val();
        self.adder[6].c.next = self.word_s1[2].q.val();
        self.adder[7].a.next = self.adder[6].sum.val();
        self.adder[7].b.next = self.adder[6].carry.val();
        self.adder[7].c.next = self.word_s1[3].q.val();
        self.differ.next = self.adder[7].sum.val() ^ self.adder[7].carry.val();
        for i in 0..GROUPS {
            self.complement_s2[i].d.next = self.differ.val().get_bits::<4>(i * 4).all();
        }

        self.correct.next = self.complement_s2[0].q.val()
            & self.complement_s2[1].q.val()
            & self.complement_s2[2].q.val()
            & self.complement_s2[3].q.val();
    }
}
