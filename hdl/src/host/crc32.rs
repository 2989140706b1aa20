//! CRC-32/ISO-HDLC over 64-bit words, one word a clock.
//!
//! ```text
//!                    +-------+
//!  first, word_valid |       |
//!  word ------------>| Crc32 |--> crc
//!                    +-------+
//! ```
//! Latency 1 clock: `crc` is the CRC of the words since the one marked `first`, as they lie little-endian in memory. No reset: `first`
//! starts afresh.
//!
//! The next state is linear in the 64 bits of `word ^ state`; the matrix is made here from the definition of the code
//! (polynomial 0x04c11db7 reflected, initial value and final XOR all ones), once, when the block is made.

use crate::prelude::*;

/// The polynomial, reflected.
const POLYNOMIAL: u32 = 0xedb8_8320;
/// Initial state and final XOR.
const ALL_ONES: u32 = u32::MAX;
/// Bits of a word.
const WORD_BITS: usize = 64;

/// CRC-32 of a descriptor's words.
#[derive(LogicBlock)]
pub struct Crc32 {
    /// The block's clock.
    pub clock: Signal<In, Clock>,
    /// `word` is the first of its sequence.
    pub first: Signal<In, Bit>,
    /// Take `word` in this clock.
    pub word_valid: Signal<In, Bit>,
    /// Eight bytes, the first the least significant.
    pub word: Signal<In, Bits<64>>,
    /// CRC of the words so far.
    pub crc: Signal<Out, Bits<32>>,
    /// Bit `i` of the next state is the parity of `word ^ state` under mask `i`.
    _masks: [u64; 32],
    _state: u32,
}

impl Default for Crc32 {
    fn default() -> Self {
        Self {
            clock: Signal::default(),
            first: Signal::default(),
            word_valid: Signal::default(),
            word: Signal::default(),
            crc: Signal::default(),
            _masks: masks(),
            _state: 0,
        }
    }
}

/// The rows of the matrix from a word to the next state.
fn masks() -> [u64; 32] {
    let mut masks = [0; 32];
    for bit in 0..WORD_BITS {
        // What a single set bit of the word becomes after the 64 shifts of the definition.
        let mut state = 0_u32;
        for at in 0..WORD_BITS {
            let feedback = (state & 1) ^ u32::from(at == bit);
            state = (state >> 1) ^ (feedback * POLYNOMIAL);
        }
        for (row, mask) in masks.iter_mut().enumerate() {
            *mask |= u64::from(state >> row & 1) << bit;
        }
    }
    masks
}

impl Logic for Crc32 {
    fn update(&mut self) {
        if self.clock.pos_edge() && self.word_valid.val() {
            let state = if self.first.val() { ALL_ONES } else { self._state };
            let word: u64 = self.word.val().into();
            let mixed = word ^ u64::from(state);
            self._state = (0..32).fold(0, |next, i| next | ((mixed & self._masks[i]).count_ones() & 1) << i);
        }
        self.crc.next = u64::from(self._state ^ ALL_ONES).into();
    }

    fn connect(&mut self) {
        self.crc.connect();
    }

    // Hand-written: 32 parities read better as masks, and a simulator computes them only in the clocks that have a word.
    fn hdl(&self) -> Verilog {
        let rows: String = (0..32).map(|i| format!("        state[{i}] <= ^(mixed & 64'h{:x});\n", self._masks[i])).collect();
        Verilog::Custom(format!(
            "\
reg [31:0] state;
wire [63:0] mixed = word ^ {{32'h0, first ? 32'h{ALL_ONES:x} : state}};

always @(posedge clock) begin
    if (word_valid) begin
{rows}    end
end

always @(*) crc = state ^ 32'h{ALL_ONES:x};
"
        ))
    }
}
