//! What became of the first fragment of the datagram in each row.
//!
//! ```text
//!  row ------------------------->+----------+
//!  decided, forwarded ---------->| Outcomes |--> allowed
//!                                +----------+
//! ```
//! Latency 0 from `row` to `allowed`, 1 clock from `decided` to what is read behind it. Reset leaves it alone: nothing is read of a row before
//! it was decided.

use fpgaflow_abi::fragment::ROW_BITS;

use crate::prelude::*;

/// A bit for each of `2^RB` rows.
#[derive(LogicBlock)]
pub struct Outcomes<const RB: usize = ROW_BITS> {
    /// The block's clock.
    pub clock: Signal<In, Clock>,
    /// Whose datagram.
    pub row: Signal<In, Bits<RB>>,
    /// The row's datagram begins with this packet.
    pub decided: Signal<In, Bit>,
    /// Which is forwarded.
    pub forwarded: Signal<In, Bit>,
    /// The row's datagram was begun by a packet that was.
    pub allowed: Signal<Out, Bit>,
    /// Simulation only.
    _rows: Vec<bool>,
}

impl<const RB: usize> Default for Outcomes<RB> {
    fn default() -> Self {
        Self {
            clock: Signal::default(),
            row: Signal::default(),
            decided: Signal::default(),
            forwarded: Signal::default(),
            allowed: Signal::default(),
            _rows: vec![false; 1 << RB],
        }
    }
}

impl<const RB: usize> Logic for Outcomes<RB> {
    fn update(&mut self) {
        if self.clock.pos_edge() && self.decided.val() {
            self._rows[self.row.val().index()] = self.forwarded.val();
        }
        self.allowed.next = self._rows[self.row.val().index()];
    }

    fn connect(&mut self) {
        self.allowed.connect();
    }

    fn hdl(&self) -> Verilog {
        // A bit is written out by itself, as the rows of `Bindings` are.
        let mut text =
            format!("reg [{last}:0] rows;\ninitial rows = 0;\nalways @(*) allowed = rows[row];\n", last = (1 << RB) - 1);
        for row in 0..1 << RB {
            text += &format!("always @(posedge clock) if (decided && row == {row}) rows[{row}] <= forwarded;\n");
        }
        Verilog::Custom(text)
    }
}
