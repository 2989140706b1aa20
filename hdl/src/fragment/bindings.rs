//! Which rows are somebody's, and that of those whose flow's entry is written.
//!
//! ```text
//!  forget ---------------------------->+----------+
//!  row -------------------------------->| Bindings |--> live
//!  change_row, open, close ----------->|          |
//!  tie_row, tie, tie_matched, _entry ->|          |
//!  written, written_entry ------------>+----------+
//! ```
//! Latency 0 from `row` to `live`, 1 clock from a change to what is read behind it.
//!
//! # Contract
//! - `open` makes a row live, `close` makes it nobody's; both concern `change_row`. In the clock of `open` or in the next the same row is `tie_row`
//!   with `tie`: its datagram's flow has `tie_entry` if `tie_matched`, else no entry. `live` is that of `row`.
//! - A row that is bound to `written_entry` is nobody's behind a clock with `written`; one that is opened or bound in that clock stays.
//! - `forget`, or reset, makes every row nobody's; nothing is opened in the same clock.
//!
//! Every row compares its entry with what is written, for a write must be felt by rows that nobody looks at: flip-flops, not RAM.

use fpgaflow_abi::fragment::ROW_BITS;

use crate::prelude::*;

/// `2^RB` rows with entry references of `REF` bits.
#[derive(LogicBlock)]
pub struct Bindings<const REF: usize, const RB: usize = ROW_BITS> {
    /// The block's clock.
    pub clock: Signal<In, Clock>,
    /// Make every row nobody's.
    pub forget: Signal<In, Bit>,
    /// Row to look at.
    pub row: Signal<In, Bits<RB>>,
    /// Row to open or close.
    pub change_row: Signal<In, Bits<RB>>,
    /// It is somebody's from now on.
    pub open: Signal<In, Bit>,
    /// It is nobody's from now on.
    pub close: Signal<In, Bit>,
    /// It is somebody's.
    pub live: Signal<Out, Bit>,
    /// Row whose entry to set.
    pub tie_row: Signal<In, Bits<RB>>,
    /// Set it.
    pub tie: Signal<In, Bit>,
    /// There is an entry.
    pub tie_matched: Signal<In, Bit>,
    /// Which one.
    pub tie_entry: Signal<In, Bits<REF>>,
    /// An entry is written.
    pub written: Signal<In, Bit>,
    /// Which one.
    pub written_entry: Signal<In, Bits<REF>>,
    /// Simulation only: live, bound and entry of each row.
    _rows: Vec<(bool, bool, Bits<REF>)>,
}

impl<const REF: usize, const RB: usize> Default for Bindings<REF, RB> {
    fn default() -> Self {
        Self {
            clock: Signal::default(),
            forget: Signal::default(),
            row: Signal::default(),
            change_row: Signal::default(),
            open: Signal::default(),
            close: Signal::default(),
            live: Signal::default(),
            tie_row: Signal::default(),
            tie: Signal::default(),
            tie_matched: Signal::default(),
            tie_entry: Signal::default(),
            written: Signal::default(),
            written_entry: Signal::default(),
            _rows: vec![(false, false, Bits::default()); 1 << RB],
        }
    }
}

impl<const REF: usize, const RB: usize> Logic for Bindings<REF, RB> {
    fn update(&mut self) {
        let (row, change_row, tie_row) = (self.row.val().index(), self.change_row.val().index(), self.tie_row.val().index());
        if self.clock.pos_edge() {
            if self.written.val() {
                for (i, (live, bound, entry)) in self._rows.iter_mut().enumerate() {
                    let binding = self.tie.val() && i == tie_row;
                    *live &= !(*bound && *entry == self.written_entry.val()) || binding;
                }
            }
            if self.tie.val() {
                (self._rows[tie_row].1, self._rows[tie_row].2) = (self.tie_matched.val(), self.tie_entry.val());
            }
            if self.open.val() || self.close.val() {
                self._rows[change_row].0 = self.open.val();
            }
            if self.forget.val() {
                self._rows.iter_mut().for_each(|(live, ..)| *live = false);
            }
        }
        self.live.next = self._rows[row].0;
    }

    fn connect(&mut self) {
        self.live.connect();
    }

    fn hdl(&self) -> Verilog {
        let mut text =
            format!("reg [{last}:0] is_live;\ninitial is_live = 0;\nalways @(*) live = is_live[row];\n", last = (1 << RB) - 1);
        // A row is written out by itself: of one vector with an index, synthesis makes a multiplexer before every bit instead of a clock enable.
        for row in 0..1 << RB {
            text += &format!(
                "\
reg [{msb}:0] entry_{row};
reg is_bound_{row};
initial is_bound_{row} = 0;
wire ties_{row} = tie && tie_row == {row};
wire ends_{row} = written && is_bound_{row} && entry_{row} == written_entry && !ties_{row};
always @(posedge clock) begin
    if (ties_{row}) begin
        is_bound_{row} <= tie_matched;
        entry_{row} <= tie_entry;
    end
    if (forget) is_live[{row}] <= 1'b0;
    else if ((open | close) && change_row == {row}) is_live[{row}] <= open;
    else if (ends_{row}) is_live[{row}] <= 1'b0;
end
",
                msb = REF - 1,
            );
        }
        Verilog::Custom(text)
    }
}
