//! A beat as the stores of this side keep it, in one word: wiring only.
//!
//! ```text
//!                         +----------+                  +------------+
//!  data, last, end_byte ->| PackBeat |-> word … word ->| UnpackBeat |-> data, last, end_byte
//!                         +----------+                  +------------+
//! ```
//! Latency 0. From the least significant bit: data, `last`, the low bits of `end_byte` that number a beat's bytes. `WORD` is
//! `tx::word_bits(W)`. `end_byte` means something in a last beat only: bytes that are the frame's, less one.

use super::{beat_shift, word_bits};
use crate::prelude::*;
use crate::records::LENGTH_BITS;

/// Beat to word.
#[derive(LogicBlock)]
pub struct PackBeat<const W: usize, const WORD: usize> {
    /// The beat.
    pub data: Signal<In, Bits<W>>,
    /// Last of its frame.
    pub last: Signal<In, Bit>,
    /// Bytes of the frame, or of the beat, less one.
    pub end_byte: Signal<In, Bits<LENGTH_BITS>>,
    /// All of it.
    pub word: Signal<Out, Bits<WORD>>,
    above: Signal<Local, Bits<WORD>>,
    in_beat: Constant<Bits<LENGTH_BITS>>,
}

impl<const W: usize, const WORD: usize> Default for PackBeat<W, WORD> {
    fn default() -> Self {
        assert!(WORD == word_bits(W), "PackBeat: stored beats of {W} bits have {} bits, not {WORD}", word_bits(W));
        Self {
            data: Signal::default(),
            last: Signal::default(),
            end_byte: Signal::default(),
            word: Signal::default(),
            above: Signal::default(),
            in_beat: Constant::new((W as u64 / 8 - 1).into()),
        }
    }
}

impl<const W: usize, const WORD: usize> Logic for PackBeat<W, WORD> {
    #[hdl_gen]
    fn update(&mut self) {
        self.above.next = 0.into();
        self.word.next = 0.into();
        for at in (W as u64)..(W as u64 + 1) {
            self.above.next = bit_cast::<WORD, LENGTH_BITS>(self.end_byte.val() & self.in_beat.val()) << (at + 1);
        }
        for at in W..(W + 1) {
            self.word.next = (bit_cast::<WORD, W>(self.data.val()) | self.above.val()).replace_bit(at, self.last.val());
        }
    }
}

/// Word to beat.
#[derive(LogicBlock)]
pub struct UnpackBeat<const W: usize, const WORD: usize> {
    /// All of it.
    pub word: Signal<In, Bits<WORD>>,
    /// The beat.
    pub data: Signal<Out, Bits<W>>,
    /// Last of its frame.
    pub last: Signal<Out, Bit>,
    /// Bytes of the beat, less one.
    pub end_byte: Signal<Out, Bits<LENGTH_BITS>>,
    above: Signal<Local, Bits<LENGTH_BITS>>,
}

impl<const W: usize, const WORD: usize> Default for UnpackBeat<W, WORD> {
    fn default() -> Self {
        assert!(WORD == word_bits(W), "UnpackBeat: stored beats of {W} bits have {} bits, not {WORD}", word_bits(W));
        Self {
            word: Signal::default(),
            data: Signal::default(),
            last: Signal::default(),
            end_byte: Signal::default(),
            above: Signal::default(),
        }
    }
}

impl<const W: usize, const WORD: usize> Logic for UnpackBeat<W, WORD> {
    #[hdl_gen]
    fn update(&mut self) {
        self.data.next = self.word.val().get_bits::<W>(0);
        self.last.next = false;
        self.above.next = 0.into();
        for at in W..(W + 1) {
            self.last.next = self.word.val().get_bit(at);
            for i in 0..beat_shift(W) {
                self.above.next = self.above.val().replace_bit(i, self.word.val().get_bit(at + 1 + i));
            }
        }
        self.end_byte.next = self.above.val();
    }
}
