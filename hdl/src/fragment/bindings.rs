//! Which rows are somebody's, and the entries that their datagrams' flows have.
//!
//! ```text
//!  forget ------------------------------->+----------+
//!  row, open, close --------------------->|          |--> live
//!  tie_row, tie, tie_matched, _entry ->| Bindings |--> entry
//!  written, written_entry --------------->|          |
//!                                         +----------+
//! ```
//! Latency 0 from `row` to `live` and from `tie_row` to `entry`, 1 clock from a change to what is read behind it.
//!
//! # Contract
//! - `open` makes a row live, `close` makes it nobody's; both concern `row`. A clock after `open` the same row is `tie_row` with `tie`: its
//!   datagram's flow has `tie_entry` if `tie_matched`, else no entry. `live` is that of `row`, `entry` that of `tie_row`.
//! - A row that is bound to `written_entry` is nobody's behind a clock with `written`; one that is opened or bound in that clock stays.
//! - `forget`, or reset, makes every row nobody's; nothing is opened in the same clock.
//!
//! Every row compares its entry with what is written, for a write must be felt by rows that nobody looks at: flip-flops, not RAM.

use fpgaflow_abi::fragment::{ROW_BITS, ROWS};

use crate::prelude::*;

/// Rows with entry references of `REF` bits.
#[derive(LogicBlock)]
pub struct Bindings<const REF: usize> {
    /// The block's clock.
    pub clock: Signal<In, Clock>,
    /// Make every row nobody's.
    pub forget: Signal<In, Bit>,
    /// Row to look at, open or close.
    pub row: Signal<In, Bits<ROW_BITS>>,
    /// It is somebody's from now on.
    pub open: Signal<In, Bit>,
    /// It is nobody's from now on.
    pub close: Signal<In, Bit>,
    /// It is somebody's.
    pub live: Signal<Out, Bit>,
    /// Row whose entry to read or set.
    pub tie_row: Signal<In, Bits<ROW_BITS>>,
    /// Set it.
    pub tie: Signal<In, Bit>,
    /// There is an entry.
    pub tie_matched: Signal<In, Bit>,
    /// Which one.
    pub tie_entry: Signal<In, Bits<REF>>,
    /// The entry of `tie_row`.
    pub entry: Signal<Out, Bits<REF>>,
    /// An entry is written.
    pub written: Signal<In, Bit>,
    /// Which one.
    pub written_entry: Signal<In, Bits<REF>>,
    /// Simulation only: live, bound and entry of each row.
    _rows: Vec<(bool, bool, Bits<REF>)>,
}

impl<const REF: usize> Default for Bindings<REF> {
    fn default() -> Self {
        Self {
            clock: Signal::default(),
            forget: Signal::default(),
            row: Signal::default(),
            open: Signal::default(),
            close: Signal::default(),
            live: Signal::default(),
            tie_row: Signal::default(),
            tie: Signal::default(),
            tie_matched: Signal::default(),
            tie_entry: Signal::default(),
            entry: Signal::default(),
            written: Signal::default(),
            written_entry: Signal::default(),
            _rows: vec![(false, false, Bits::default()); ROWS],
        }
    }
}

impl<const REF: usize> Logic for Bindings<REF> {
    fn update(&mut self) {
        let (row, tie_row) = (self.row.val().index(), self.tie_row.val().index());
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
                self._rows[row].0 = self.open.val();
            }
            if self.forget.val() {
                self._rows.iter_mut().for_each(|(live, ..)| *live = false);
            }
        }
        self.live.next = self._rows[row].0;
        self.entry.next = self._rows[tie_row].2;
    }

    fn connect(&mut self) {
        self.live.connect();
        self.entry.connect();
    }

    fn hdl(&self) -> Verilog {
        Verilog::Custom(format!(
            "\
reg [{last}:0] is_live;
reg [{last}:0] is_bound;
reg [{bits}-1:0] entries;
integer i;

initial begin
    is_live = 0;
    is_bound = 0;
    entries = 0;
end

always @(*) live = is_live[row];
always @(*) entry = entries[tie_row * {REF} +: {REF}];

always @(posedge clock) begin
    if (written) begin
        for (i = 0; i < {ROWS}; i = i + 1) begin
            if (is_bound[i] && entries[i * {REF} +: {REF}] == written_entry && !(tie && tie_row == i))
                is_live[i] <= 1'b0;
        end
    end
    if (tie) begin
        is_bound[tie_row] <= tie_matched;
        entries[tie_row * {REF} +: {REF}] <= tie_entry;
    end
    if (open | close) is_live[row] <= open;
    if (forget) is_live <= 0;
end
",
            last = ROWS - 1,
            bits = ROWS * REF,
        ))
    }
}
