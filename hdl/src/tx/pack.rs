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
}

impl<const W: usize, const WORD: usize> Default for PackBeat<W, WORD> {
    fn default() -> Self {
        assert!(WORD == word_bits(W), "PackBeat: stored beats of {W} bits have {} bits, not {WORD}", word_bits(W));
        Self { data: Signal::default(), last: Signal::default(), end_byte: Signal::default(), word: Signal::default() }
    }
}

impl<const W: usize, const WORD: usize> Logic for PackBeat<W, WORD> {
    fn update(&mut self) {
        let in_beat: Bits<LENGTH_BITS> = (W as u64 / 8 - 1).into();
        let mut word = Bits::<WORD>::default();
        word.set_bits::<W>(0, self.data.val());
        for i in 0..beat_shift(W) {
            word = word.replace_bit(W + 1 + i, (self.end_byte.val() & in_beat).get_bit(i));
        }
        self.word.next = word.replace_bit(W, self.last.val());
    }

    fn connect(&mut self) {
        self.word.connect();
    }

    // Hand-written: put together by shifts, a simulator pays for each of the word's words several times a clock.
    fn hdl(&self) -> Verilog {
        Verilog::Custom(format!("always @(*) word = {{end_byte[{}:0], last, data}};\n", beat_shift(W) - 1))
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
