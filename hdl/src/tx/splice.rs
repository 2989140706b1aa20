//! A beat out of the end of one and the start of the next.
//!
//! ```text
//!  held, following ->+--------+
//!  shift ----------->| Splice |-> beat
//!                    +--------+
//! ```
//! Latency 0.
//!
//! # Contract
//! - `beat` starts with as many of the last bytes of `held` as the longest header has in its last beat, four fewer for each `shift`, and
//!   goes on with the first bytes of `following`.
//! - `shift` is below [`header_shifts`](super::prepend::header_shifts), else `beat` means nothing.
//!
//! Hand-written, because two slices side by side are two shifts and an or to `#[hdl_gen]`, which a simulator pays for with a function
//! call each at 512 bits.

use super::prepend::{SHIFT_BITS, SHIFT_STEP, header_shifts, longest_rest};
use crate::prelude::*;

/// Splices beats of `W` bits. Wiring and one choice.
#[derive(LogicBlock, Default)]
pub struct Splice<const W: usize> {
    /// The beat before.
    pub held: Signal<In, Bits<W>>,
    /// The beat behind it.
    pub following: Signal<In, Bits<W>>,
    /// How many words of 4 bytes fewer of `held`.
    pub shift: Signal<In, Bits<SHIFT_BITS>>,
    /// The beat between.
    pub beat: Signal<Out, Bits<W>>,
}

/// Bits of `held` at each shift, the longest first.
fn rests(width: usize) -> impl DoubleEndedIterator<Item = u64> {
    (0..header_shifts(width)).map(move |i| longest_rest(width) - SHIFT_STEP * i)
}

impl<const W: usize> Logic for Splice<W> {
    fn update(&mut self) {
        let shift = self.shift.val().index();
        // As in the Verilog: the last choice is for all that is behind it.
        let rest = rests(W).nth(shift).or(rests(W).next_back()).unwrap_or_default();
        self.beat.next = (self.held.val() << (W as u64 - rest)) | (self.following.val() >> rest);
    }

    fn connect(&mut self) {
        self.beat.connect();
    }

    fn hdl(&self) -> Verilog {
        let splice = |rest: u64| format!("beat = {{held[{}:0], following[{}:{rest}]}};", rest - 1, W - 1);
        let last = header_shifts(W) - 1;
        let choices: String = (0..)
            .zip(rests(W))
            .map(
                |(i, rest)| {
                    if i == last { format!("    default: {}\n", splice(rest)) } else { format!("    {i}: {}\n", splice(rest)) }
                },
            )
            .collect();
        Verilog::Custom(format!("always @(*)\n    case (shift)\n{choices}    endcase\n"))
    }
}
