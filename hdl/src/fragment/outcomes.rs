//! What became of the first fragment of the datagram in each row.
//!
//! ```text
//!  row ------------------------->+----------+
//!  decided, forwarded ---------->| Outcomes |--> allowed
//!                                +----------+
//! ```
//! Latency 0 from `row` to `allowed`, 1 clock from `decided` to what is read behind it. Reset leaves it alone: nothing is read of a row before
//! it was decided.

use fpgaflow_abi::fragment::{ROW_BITS, ROWS};

use crate::prelude::*;

/// A bit for each row.
#[derive(LogicBlock)]
pub struct Outcomes {
    /// The block's clock.
    pub clock: Signal<In, Clock>,
    /// Whose datagram.
    pub row: Signal<In, Bits<ROW_BITS>>,
    /// The row's datagram begins with this packet.
    pub decided: Signal<In, Bit>,
    /// Which is forwarded.
    pub forwarded: Signal<In, Bit>,
    /// The row's datagram was begun by a packet that was.
    pub allowed: Signal<Out, Bit>,
    /// Simulation only.
    _rows: Vec<bool>,
}

impl Default for Outcomes {
    fn default() -> Self {
        Self {
            clock: Signal::default(),
            row: Signal::default(),
            decided: Signal::default(),
            forwarded: Signal::default(),
            allowed: Signal::default(),
            _rows: vec![false; ROWS],
        }
    }
}

impl Logic for Outcomes {
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
        Verilog::Custom(format!(
            "\
reg [{last}:0] rows;
initial rows = 0;
always @(*) allowed = rows[row];
always @(posedge clock) if (decided) rows[row] <= forwarded;
",
            last = ROWS - 1,
        ))
    }
}
