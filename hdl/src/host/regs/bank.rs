//! Words written one by one and read all at once.
//!
//! ```text
//!  wen, index, wdata -->[ Bank ]--> words
//! ```
//! Latency 1 clock. Word 0 is the lowest. Reset clears all.
//!
//! Hand-written: a write into a slice of one wide register, which `#[hdl_gen]` can only say as shifts and masks of the whole.

use crate::prelude::*;

/// Bits of a word.
const WORD_BITS: usize = 32;

/// `BITS / 32` words, `I` bits to name one.
#[derive(LogicBlock)]
pub struct Bank<const BITS: usize, const I: usize> {
    /// The block's clock.
    pub clock: Signal<In, Clock>,
    /// Synchronous, active high.
    pub reset: Signal<In, Bit>,
    /// Write a word in this clock.
    pub wen: Signal<In, Bit>,
    /// Which; none for a number beyond.
    pub index: Signal<In, Bits<I>>,
    /// With what.
    pub wdata: Signal<In, Bits<32>>,
    /// All of them.
    pub words: Signal<Out, Bits<BITS>>,
}

impl<const BITS: usize, const I: usize> Default for Bank<BITS, I> {
    fn default() -> Self {
        assert!(
            BITS.is_multiple_of(WORD_BITS) && BITS / WORD_BITS <= 1 << I,
            "Bank: {I} bits do not name the words of {BITS} bits"
        );
        Self {
            clock: Signal::default(),
            reset: Signal::default(),
            wen: Signal::default(),
            index: Signal::default(),
            wdata: Signal::default(),
            words: Signal::default(),
        }
    }
}

impl<const BITS: usize, const I: usize> Logic for Bank<BITS, I> {
    fn update(&mut self) {
        if !self.clock.pos_edge() {
            return;
        }
        let at = WORD_BITS * self.index.val().index();
        if self.reset.val() {
            self.words.next = Bits::default();
        } else if self.wen.val() && at < BITS {
            let mut words = self.words.val();
            words.set_bits::<WORD_BITS>(at, self.wdata.val());
            self.words.next = words;
        }
    }

    fn connect(&mut self) {
        self.words.connect();
    }

    fn hdl(&self) -> Verilog {
        let writes: String = (0..BITS / WORD_BITS)
            .map(|i| {
                let lsb = WORD_BITS * i;
                format!("            {i}: words[{}:{lsb}] <= wdata;\n", lsb + WORD_BITS - 1)
            })
            .collect();
        Verilog::Custom(format!(
            "\
always @(posedge clock) begin
    if (reset) words <= {BITS}'h0;
    else if (wen) begin
        case (index)
{writes}            default: ;
        endcase
    end
end
"
        ))
    }
}
