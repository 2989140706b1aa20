//! RAM whose rows carry parity.
//!
//! ```text
//!          +-----------+
//!  row --->| AddParity |--> stored
//!          +-----------+
//!                      +-----------+
//!  wen, waddr, wdata ->| ParityRam |--> rdata
//!  ren, raddr -------->|           |--> bad, one clock later
//!                      +-----------+
//! ```
//! A stored row has [`PARITY_BITS`] bits more than the row, above it: one makes the number of ones at even places even, one that at odd
//! places. So the flip of any bit is seen, and that of any two neighbours, which one particle may cause. A row of zeros is stored as
//! zeros: a row that was never written is good.
//!
//! Latency: [`AddParity`] 0; [`ParityRam`] as [`RamReg`], and `bad` a clock after `rdata`, three clocks after `ren`. The exclusive or of a
//! row is cut in two by a register behind [`ParityCheck`]'s columns: two or three levels of LUTs before it, with the RAM's bypass, and two or three behind.
//!
//! Hand-written: wide trees of exclusive ors.

use super::Pace;
use super::xor_tree::xor_tree;
use crate::prelude::*;

/// Bits of a stored row besides the row's own.
pub const PARITY_BITS: usize = 2;
/// Bits of a row that one column of [`ParityCheck`] adds up at most.
const COLUMN_BITS: usize = 24;
/// Bits that a simulator adds at once.
const WORD_BITS: usize = 64;
/// Fewest columns.
const FEWEST_COLUMNS: usize = 4;

/// Columns in which a stored row of `stored` bits is added up: a power of two, so that each has bits of one parity.
const fn columns(stored: usize) -> usize {
    let mut columns = FEWEST_COLUMNS;
    while stored.div_ceil(columns) > COLUMN_BITS {
        columns *= 2;
    }
    columns
}

/// Verilog of the sum of `word`'s lowest `bits` bits in `columns` columns. Slices, because a simulator adds them as words.
fn sum(word: &str, bits: usize, columns: usize) -> String {
    let slice = |lsb: usize| format!("{word}[{}:{lsb}]", (lsb + columns).min(bits) - 1);
    xor_tree((0..bits).step_by(columns).map(slice).collect())
}

/// A Verilog constant of `columns` bits with ones at the places `first`, `first + PARITY_BITS`, ...
fn places(columns: usize, first: usize) -> String {
    let ones: String = (0..columns).rev().map(|at| if at % PARITY_BITS == first { '1' } else { '0' }).collect();
    format!("{columns}'b{ones}")
}

/// Makes of a row the row that is stored.
#[derive(LogicBlock)]
pub struct AddParity<const STORED: usize> {
    /// The row; its highest [`PARITY_BITS`] bits are not looked at.
    pub row: Signal<In, Bits<STORED>>,
    /// The row with its parity.
    pub stored: Signal<Out, Bits<STORED>>,
}

impl<const STORED: usize> Default for AddParity<STORED> {
    fn default() -> Self {
        assert!(STORED > 2 * PARITY_BITS, "AddParity: {STORED} bits are hardly more than a row's parity");
        Self { row: Signal::default(), stored: Signal::default() }
    }
}

impl<const STORED: usize> Logic for AddParity<STORED> {
    fn update(&mut self) {
        let mut stored = self.row.val();
        let row_bits = STORED - PARITY_BITS;
        for at in row_bits..STORED {
            let odd = (at % PARITY_BITS..row_bits).step_by(PARITY_BITS).fold(false, |odd, bit| odd ^ stored.get_bit(bit));
            stored = stored.replace_bit(at, odd);
        }
        self.stored.next = stored;
    }

    fn connect(&mut self) {
        self.stored.connect();
    }

    fn hdl(&self) -> Verilog {
        let row_bits = STORED - PARITY_BITS;
        let columns = row_bits.next_power_of_two().min(WORD_BITS);
        let parity = (row_bits..STORED).rev().map(|at| format!("^(columns & {})", places(columns, at % PARITY_BITS)));
        let parity: Vec<String> = parity.collect();
        Verilog::Custom(format!(
            "\
wire [{top}:0] columns = {columns};
always @(*) stored = {{{parity}, row[{msb}:0]}};
",
            top = columns - 1,
            columns = sum("row", row_bits, columns),
            parity = parity.join(", "),
            msb = row_bits - 1
        ))
    }
}

/// Whether the parity of a stored row is wrong.
#[derive(LogicBlock)]
pub struct ParityCheck<const STORED: usize> {
    /// The block's clock.
    pub clock: Signal<In, Clock>,
    /// Look at a row in this clock.
    pub check: Signal<In, Bit>,
    /// The row.
    pub stored: Signal<In, Bits<STORED>>,
    /// The row of the last `check` is bad; two or three LUTs behind flip-flops.
    pub bad: Signal<Out, Bit>,
}

impl<const STORED: usize> Default for ParityCheck<STORED> {
    fn default() -> Self {
        Self { clock: Signal::default(), check: Signal::default(), stored: Signal::default(), bad: Signal::default() }
    }
}

impl<const STORED: usize> Logic for ParityCheck<STORED> {
    fn update(&mut self) {
        if !(self.clock.pos_edge() && self.check.val()) {
            return;
        }
        let stored = self.stored.val();
        let odd = |first: usize| (first..STORED).step_by(PARITY_BITS).fold(false, |odd, bit| odd ^ stored.get_bit(bit));
        self.bad.next = (0..PARITY_BITS).any(odd);
    }

    fn connect(&mut self) {
        self.bad.connect();
    }

    fn hdl(&self) -> Verilog {
        let columns = columns(STORED);
        let bad: Vec<String> = (0..PARITY_BITS).map(|first| format!("(^(odd & {}))", places(columns, first))).collect();
        Verilog::Custom(format!(
            "\
reg [{msb}:0] odd;
initial odd = {columns}'d0;
always @(posedge clock) if (check) odd <= {next};
always @(*) bad = {bad};
",
            msb = columns - 1,
            next = sum("stored", STORED, columns),
            bad = bad.join(" | ")
        ))
    }
}

/// `2^AW` stored rows of `STORED` bits, read latency 2 clocks; see the module.
#[derive(LogicBlock)]
pub struct ParityRam<const STORED: usize, const AW: usize> {
    /// The block's clock.
    pub clock: Signal<In, Clock>,
    /// Write `wdata` at `waddr`, as [`RamReg`] does; with seldom reads a clock later than that, for which `wdata` stands still.
    pub wen: Signal<In, Bit>,
    /// Where to write.
    pub waddr: Signal<In, Bits<AW>>,
    /// What to write, from [`AddParity`].
    pub wdata: Signal<In, Bits<STORED>>,
    /// Read `raddr` in this clock.
    pub ren: Signal<In, Bit>,
    /// Where to read.
    pub raddr: Signal<In, Bits<AW>>,
    /// The row at the `raddr` of two clocks ago, as [`RamReg`] has it.
    pub rdata: Signal<Out, Bits<STORED>>,
    /// The row at the `raddr` of three clocks ago is bad; not defined when there was no `ren` then.
    pub bad: Signal<Out, Bit>,
    // Parity of what is written: the sum over a wide row leaves no time for the way to the memory.
    writes_wait: Constant<Bit>,
    wen_s1: DFF<Bit>,
    waddr_s1: DFF<Bits<AW>>,
    parity_s1: DFF<Bits<PARITY_BITS>>,
    rows: RamReg<Bits<STORED>, AW>,
    ren_s1: DFF<Bit>,
    ren_s2: DFF<Bit>,
    parity: ParityCheck<STORED>,
}

impl<const STORED: usize, const AW: usize> ParityRam<STORED, AW> {
    /// For reads of this pace.
    pub fn new(reads: Pace) -> Self {
        Self {
            clock: Signal::default(),
            wen: Signal::default(),
            waddr: Signal::default(),
            wdata: Signal::default(),
            ren: Signal::default(),
            raddr: Signal::default(),
            rdata: Signal::default(),
            bad: Signal::default(),
            writes_wait: Constant::new(reads == Pace::Seldom),
            wen_s1: DFF::default(),
            waddr_s1: DFF::default(),
            parity_s1: DFF::default(),
            rows: RamReg::new(reads),
            ren_s1: DFF::default(),
            ren_s2: DFF::default(),
            parity: ParityCheck::default(),
        }
    }
}

impl<const STORED: usize, const AW: usize> Default for ParityRam<STORED, AW> {
    fn default() -> Self {
        Self::new(Pace::EveryClock)
    }
}

impl<const STORED: usize, const AW: usize> Logic for ParityRam<STORED, AW> {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, ren_s1, ren_s2, wen_s1, waddr_s1, parity_s1);
        clock!(self, clock, rows, parity);
        self.rows.wen.next = self.wen.val();
        self.rows.waddr.next = self.waddr.val();
        self.rows.wdata.next = self.wdata.val();
        self.wen_s1.d.next = self.wen.val();
        self.waddr_s1.d.next = self.waddr.val();
        for lowest in (STORED - PARITY_BITS)..(STORED - PARITY_BITS + 1) {
            self.parity_s1.d.next = self.wdata.val().get_bits::<PARITY_BITS>(lowest);
            if self.writes_wait.val() {
                self.rows.wen.next = self.wen_s1.q.val();
                self.rows.waddr.next = self.waddr_s1.q.val();
                self.rows.wdata.next = self
                    .wdata
                    .val()
                    .replace_bit(lowest, self.parity_s1.q.val().get_bit(0))
                    .replace_bit(lowest + 1, self.parity_s1.q.val().get_bit(1));
            }
        }
        self.rows.ren.next = self.ren.val();
        self.rows.raddr.next = self.raddr.val();
        self.rdata.next = self.rows.rdata.val();
        self.ren_s1.d.next = self.ren.val();
        self.ren_s2.d.next = self.ren_s1.q.val();
        self.parity.check.next = self.ren_s2.q.val();
        self.parity.stored.next = self.rows.rdata.val();
        self.bad.next = self.parity.bad.val();
    }
}
