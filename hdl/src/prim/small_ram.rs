//! RAM in lookup tables whose reads see the write of the same clock: for few words that are looked at in the clock behind the read.
//!
//! ```text
//!                      +----------+
//!  wen, waddr, wdata ->| SmallRam |
//!  ren, raddr -------->|          |--> rdata
//!                      +----------+
//! ```
//! Latency 1 clock from `raddr` to `rdata`, which comes from a flip-flop and holds its word until the next `ren`. One read and one write a clock.
//!
//! # Contract
//! That of [`RamReg`](super::RamReg): a write in clock `n` is seen by every read issued in clock `n` or later. All words are zero after
//! configuration; reset does not clear them. A block RAM's slow output would leave half a clock for what follows; lookup tables in front of a
//! flip-flop leave all of it.

use crate::prelude::*;

/// Largest address width: 256 words.
const MAX_ADDRESS_WIDTH: usize = 8;

/// `2^AW` words of `T`.
#[derive(LogicBlock)]
pub struct SmallRam<T: Synth, const AW: usize> {
    /// The block's clock.
    pub clock: Signal<In, Clock>,
    /// Write `wdata` at `waddr` in this clock.
    pub wen: Signal<In, Bit>,
    /// Where to write.
    pub waddr: Signal<In, Bits<AW>>,
    /// What to write.
    pub wdata: Signal<In, T>,
    /// Read `raddr` in this clock.
    pub ren: Signal<In, Bit>,
    /// Where to read.
    pub raddr: Signal<In, Bits<AW>>,
    /// The word that the last `ren` read.
    pub rdata: Signal<Out, T>,
    /// Simulation only.
    _words: Vec<T>,
}

impl<T: Synth, const AW: usize> Default for SmallRam<T, AW> {
    fn default() -> Self {
        assert!((1..=MAX_ADDRESS_WIDTH).contains(&AW), "SmallRam: address width {AW} is not in 1..={MAX_ADDRESS_WIDTH}");
        Self {
            clock: Signal::default(),
            wen: Signal::default(),
            waddr: Signal::default(),
            wdata: Signal::default(),
            ren: Signal::default(),
            raddr: Signal::default(),
            rdata: Signal::default(),
            _words: vec![T::default(); 1 << AW],
        }
    }
}

impl<T: Synth, const AW: usize> Logic for SmallRam<T, AW> {
    fn update(&mut self) {
        if !self.clock.pos_edge() {
            return;
        }
        if self.wen.val() {
            self._words[self.waddr.val().index()] = self.wdata.val();
        }
        if self.ren.val() {
            self.rdata.next = self._words[self.raddr.val().index()];
        }
    }

    fn connect(&mut self) {
        self.rdata.connect();
    }

    fn hdl(&self) -> Verilog {
        let (msb, last) = (T::BITS - 1, (1_usize << AW) - 1);
        Verilog::Custom(format!(
            "\
(* ram_style = \"distributed\" *)
reg [{msb}:0] mem [0:{last}];
always @(posedge clock) begin
    if (wen) mem[waddr] <= wdata;
    if (ren) rdata <= (wen && waddr == raddr) ? wdata : mem[raddr];
end
"
        ))
    }
}
