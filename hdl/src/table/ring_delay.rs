//! Delay line for what is wide and waits long.
//!
//! ```text
//!                    +-----------+
//!  din_valid, din -->| RingDelay |--> dout
//!                    +-----------+
//! ```
//! Latency `N` clocks, 2 to 17; one word a clock, or words of [`Pace::Seldom`]; no stall, no reset. `dout` comes from a flip-flop.
//!
//! A word is written once and read once where [`Delay`] moves it `N` times: a fraction of the flip-flops in hardware and of the
//! copying in simulation, and none at all without `din_valid`. `dout` is not defined `N` clocks after a clock without it; the valid
//! bit that goes with `dout` is the block's that uses it.
//!
//! With a word a clock they wait in distributed RAM. Seldom ones wait in registers, each for as many clocks as the next word is behind: no
//! lookup table at all.

use crate::prelude::*;
use crate::prim::Pace;

/// Delays `din` by `N` clocks.
#[derive(LogicBlock)]
pub struct RingDelay<T: Synth, const N: usize> {
    /// The block's clock.
    pub clock: Signal<In, Clock>,
    /// There is a word in this clock.
    pub din_valid: Signal<In, Bit>,
    /// The word.
    pub din: Signal<In, T>,
    /// The word of `N` clocks ago.
    pub dout: Signal<Out, T>,
    _words: Pace,
    /// Simulation only: the words on their way, and the place of the oldest.
    _ring: Vec<Option<T>>,
    _at: usize,
}

impl<T: Synth, const N: usize> Default for RingDelay<T, N> {
    fn default() -> Self {
        Self::new(Pace::EveryClock)
    }
}

impl<T: Synth, const N: usize> RingDelay<T, N> {
    /// For words of this pace.
    ///
    /// # Panics
    /// When `N` is out of its range.
    pub fn new(words: Pace) -> Self {
        assert!((2..=17).contains(&N), "RingDelay: a delay of {N} clocks is not in 2..=17");
        Self {
            clock: Signal::default(),
            din_valid: Signal::default(),
            din: Signal::default(),
            dout: Signal::default(),
            _words: words,
            _ring: vec![None; N - 1],
            _at: 0,
        }
    }
}

impl<T: Synth, const N: usize> Logic for RingDelay<T, N> {
    fn update(&mut self) {
        if self.clock.pos_edge() {
            if let Some(word) = self._ring[self._at] {
                self.dout.next = word;
            }
            self._ring[self._at] = self.din_valid.val().then(|| self.din.val());
            self._at = (self._at + 1) % (N - 1);
        }
    }

    fn connect(&mut self) {
        self.dout.connect();
    }

    fn hdl(&self) -> Verilog {
        Verilog::Custom(match self._words {
            Pace::EveryClock => Self::ring(),
            Pace::Seldom => Self::chain(),
        })
    }
}

impl<T: Synth, const N: usize> RingDelay<T, N> {
    /// Registers that hand a word on when the next may come.
    fn chain() -> String {
        let msb = T::BITS - 1;
        let last = (N - 1) / Pace::SELDOM;
        let mut registers = String::new();
        let mut moves = String::new();
        for stage in 0..=last {
            let (word, moved) = match stage {
                0 => ("din".to_owned(), "din_valid".to_owned()),
                _ => (format!("word_{}", stage - 1), format!("live[{}]", Pace::SELDOM * stage - 1)),
            };
            registers += &format!("reg [{msb}:0] word_{stage};\n");
            moves += &format!("    if ({moved}) word_{stage} <= {word};\n");
        }
        format!(
            "\
{registers}reg [{top}:0] live;
initial live = 0;
always @(*) dout = word_{last};
always @(posedge clock) begin
    live <= {{live, din_valid}};
{moves}end
",
            top = (Pace::SELDOM * last).max(1) - 1,
        )
    }

    fn ring() -> String {
        let last = N - 2;
        let older = if last > 0 { format!("live[{}:0], ", last - 1) } else { String::new() };
        format!(
            "\
(* ram_style = \"distributed\" *)
reg [{msb}:0] ring [0:{last}];
reg [3:0] at;
reg [{last}:0] live;

initial begin
    at = 4'd0;
    live = 0;
end

always @(posedge clock) begin
    live <= {{{older}din_valid}};
    if (live[{last}]) dout <= ring[at];
    if (din_valid) ring[at] <= din;
    if (at == 4'd{last}) at <= 4'd0;
    else at <= at + 4'd1;
end
",
            msb = T::BITS - 1,
        )
    }
}
