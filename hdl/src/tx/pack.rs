//! A beat as the stores of this side keep it, in one word: wiring only.
//!
//! ```text
//!                         +----------+                  +------------+
//!  data, last, end_byte ->| PackBeat |-> word … word ->| UnpackBeat |-> data, last, end_byte
//!                         +----------+                  +------------+
//! ```
//! Latency 0. From the most significant bit: data, `last`, the low bits of `end_byte` that number a beat's bytes. `WORD` is
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
    low: Signal<Local, Bits<WORD>>,
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
            low: Signal::default(),
            in_beat: Constant::new((W as u64 / 8 - 1).into()),
        }
    }
}

impl<const W: usize, const WORD: usize> Logic for PackBeat<W, WORD> {
    #[hdl_gen]
    fn update(&mut self) {
        self.low.next = 0.into();
        self.word.next = 0.into();
        for bit in beat_shift(W)..(beat_shift(W) + 1) {
            self.low.next =
                bit_cast::<WORD, LENGTH_BITS>(self.end_byte.val() & self.in_beat.val()).replace_bit(bit, self.last.val());
        }
        for lsb in (beat_shift(W) as u64 + 1)..(beat_shift(W) as u64 + 2) {
            self.word.next = (bit_cast::<WORD, W>(self.data.val()) << lsb) | self.low.val();
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
    in_beat: Constant<Bits<LENGTH_BITS>>,
}

impl<const W: usize, const WORD: usize> Default for UnpackBeat<W, WORD> {
    fn default() -> Self {
        assert!(WORD == word_bits(W), "UnpackBeat: stored beats of {W} bits have {} bits, not {WORD}", word_bits(W));
        Self {
            word: Signal::default(),
            data: Signal::default(),
            last: Signal::default(),
            end_byte: Signal::default(),
            in_beat: Constant::new((W as u64 / 8 - 1).into()),
        }
    }
}

impl<const W: usize, const WORD: usize> Logic for UnpackBeat<W, WORD> {
    #[hdl_gen]
    fn update(&mut self) {
        self.data.next = 0.into();
        self.last.next = false;
        for bit in beat_shift(W)..(beat_shift(W) + 1) {
            self.last.next = self.word.val().get_bit(bit);
        }
        for lsb in (beat_shift(W) + 1)..(beat_shift(W) + 2) {
            self.data.next = self.word.val().get_bits::<W>(lsb);
        }
        self.end_byte.next = self.word.val().get_bits::<LENGTH_BITS>(0) & self.in_beat.val();
    }
}
