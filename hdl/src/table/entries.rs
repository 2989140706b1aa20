//! The entry array: one wide row read at the picked index, its key compared in two clocks.
//!
//! ```text
//!                        +------------+
//!  index, key_s2 ------->| EntryArray |--> same, action
//!  write_valid, write -->|            |
//!                        +------------+
//! ```
//! Latency [`LATENCY`] clocks from `index`, one row a clock. An entry write in the clock of `index` or before is seen. The key to
//! compare is given two clocks after the index, when the row has been read. `action` comes from a flip-flop, `same` is a few
//! LUTs behind flip-flops.
//!
//! Parameters: `KEY` bits of a key, compared in `PARTS` parts of [`PART_BITS`]; `ROW = KEY + ACTION` bits of a row; `2^EW` rows.
//! IPv4 and IPv6 entries are two arrays of different widths.

use std::array;

use crate::prelude::*;
use crate::records::{TableWrite, WRITE_ROW_BITS, WriteTarget};

/// Clocks from `index` to `same` and `action`.
pub const LATENCY: usize = 3;
/// Bits of a key that are compared by themselves in the first clock: three levels of 4-input LUTs with the RAM's bypass.
pub const PART_BITS: usize = 16;

/// `2^EW` entries.
#[derive(LogicBlock)]
pub struct EntryArray<const KEY: usize, const PARTS: usize, const ACTION: usize, const ROW: usize, const EW: usize> {
    /// The block's clock.
    pub clock: Signal<In, Clock>,
    /// Row to read.
    pub index: Signal<In, Bits<EW>>,
    /// Key to compare with the row that `index` named two clocks ago.
    pub key_s2: Signal<In, Bits<KEY>>,
    /// There is a table write in this clock.
    pub write_valid: Signal<In, Bit>,
    /// The write; ignored unless it is of an entry.
    pub write: Signal<In, TableWrite>,
    /// The row has the key.
    pub same: Signal<Out, Bit>,
    /// The row above its key.
    pub action: Signal<Out, Bits<ACTION>>,

    entry_target: Constant<Bits<2>>,
    row_in: Signal<Local, Bits<WRITE_ROW_BITS>>,
    index_in: Signal<Local, Bits<32>>,
    rows: RamReg<Bits<ROW>, EW>,
    row_s2: Signal<Local, Bits<ROW>>,
    same_s3: [DFF<Bit>; PARTS],
    action_s3: DFF<Bits<ACTION>>,
    all_same: Signal<Local, Bit>,
}

impl<const KEY: usize, const PARTS: usize, const ACTION: usize, const ROW: usize, const EW: usize> Default
    for EntryArray<KEY, PARTS, ACTION, ROW, EW>
{
    fn default() -> Self {
        assert!(KEY == PARTS * PART_BITS, "EntryArray: {PARTS} parts of {PART_BITS} bits are not a key of {KEY}");
        assert!(ROW == KEY + ACTION, "EntryArray: a key of {KEY} and an action of {ACTION} bits are not a row of {ROW}");
        assert!(ROW <= WRITE_ROW_BITS, "EntryArray: a row of {ROW} bits does not fit a write of {WRITE_ROW_BITS}");
        Self {
            clock: Signal::default(),
            index: Signal::default(),
            key_s2: Signal::default(),
            write_valid: Signal::default(),
            write: Signal::default(),
            same: Signal::default(),
            action: Signal::default(),
            entry_target: Constant::new((WriteTarget::Entry as u64).into()),
            row_in: Signal::default(),
            index_in: Signal::default(),
            rows: RamReg::default(),
            row_s2: Signal::default(),
            same_s3: array::from_fn(|_| DFF::default()),
            action_s3: DFF::default(),
            all_same: Signal::default(),
        }
    }
}

impl<const KEY: usize, const PARTS: usize, const ACTION: usize, const ROW: usize, const EW: usize> Logic
    for EntryArray<KEY, PARTS, ACTION, ROW, EW>
{
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, action_s3);
        self.index_in.next = self.write.val().index;
        self.row_in.next = self.write.val().row;
        self.rows.clock.next = self.clock.val();
        self.rows.wen.next = self.write_valid.val() & (self.write.val().target == self.entry_target.val());
        self.rows.waddr.next = self.index_in.val().get_bits::<EW>(0);
        self.rows.wdata.next = self.row_in.val().get_bits::<ROW>(0);
        self.rows.raddr.next = self.index.val();

        self.row_s2.next = self.rows.rdata.val();
        for i in 0..PARTS {
            self.same_s3[i].clock.next = self.clock.val();
            for part in PART_BITS..(PART_BITS + 1) {
                self.same_s3[i].d.next =
                    self.row_s2.val().get_bits::<PART_BITS>(i * part) == self.key_s2.val().get_bits::<PART_BITS>(i * part);
            }
        }
        for at in KEY..(KEY + 1) {
            self.action_s3.d.next = self.row_s2.val().get_bits::<ACTION>(at);
        }

        self.all_same.next = true;
        for i in 0..PARTS {
            self.all_same.next = self.all_same.val() & self.same_s3[i].q.val();
        }
        self.same.next = self.all_same.val();
        self.action.next = self.action_s3.q.val();
    }
}
