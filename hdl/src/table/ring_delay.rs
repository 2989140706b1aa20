//! Delay line in distributed RAM: for what is wide and waits long.
//!
//! ```text
//!                    +-----------+
//!  din_valid, din -->| RingDelay |--> dout
//!                    +-----------+
//! ```
//! Latency `N` clocks, 2 to 17; one word a clock, no stall, no reset. `dout` comes from a flip-flop.
//!
//! A word is written once and read once where [`Delay`] moves it `N` times: a fraction of the flip-flops in hardware and of the
//! copying in simulation, and none at all without `din_valid`. `dout` is not defined `N` clocks after a clock without it; the valid
//! bit that goes with `dout` is the block's that uses it.

use crate::prelude::*;

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
    /// Simulation only: the words on their way, and the place of the oldest.
    _ring: Vec<Option<T>>,
    _at: usize,
}

impl<T: Synth, const N: usize> Default for RingDelay<T, N> {
    fn default() -> Self {
        assert!((2..=17).contains(&N), "RingDelay: a delay of {N} clocks is not in 2..=17");
        Self {
            clock: Signal::default(),
            din_valid: Signal::default(),
            din: Signal::default(),
            dout: Signal::default(),
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
        let last = N - 2;
        let older = if last > 0 { format!("live[{}:0], ", last - 1) } else { String::new() };
        Verilog::Custom(format!(
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
        ))
    }
}
