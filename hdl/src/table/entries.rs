//! The entry array: one wide row read at the picked index, its key compared in two clocks.
//!
//! ```text
//!                        +------------+
//!  read, index, key_s2 ->| EntryArray |--> same, action, bad
//!  write_valid, write -->|            |
//!                        +------------+
//! ```
//! Latency [`LATENCY`] clocks from `index`, one row a clock. [The module above](super) says when a write counts. The key to
//! compare is given two clocks after the index, when the row has been read. `action` comes from a flip-flop, `same` and
//! `bad` are a few LUTs behind flip-flops; none is defined three clocks after a clock without `read`. Of a row that is `bad` nothing else is to
//! be believed.
//!
//! IPv4 and IPv6 entries are two arrays of different widths. A write is of the array whose family its index names.
//!
//! Parameters: `KEY` bits of a key, compared in `PARTS` parts of [`PART_BITS`]; `ROW = KEY + ACTION + 2` bits of a
//! stored row: key, action, parity; `2^EW` rows.

use std::array;

use fpgaflow_abi::key::Family;
use fpgaflow_abi::slot::ENTRY_REF_FAMILY;

use crate::prelude::*;
use crate::prim::Pace;
use crate::records::{TableWrite, WRITE_ROW_BITS, WriteTarget};

/// Clocks from `index` to `same` and `action`.
pub const LATENCY: usize = 3;
/// Bits of a key that are compared by themselves in the first clock: three levels of 4-input LUTs with a RAM's bypass.
pub const PART_BITS: usize = 16;

/// `2^EW` entries of one family.
#[derive(LogicBlock)]
pub struct EntryArray<const KEY: usize, const PARTS: usize, const ACTION: usize, const ROW: usize, const EW: usize> {
    /// The block's clock.
    pub clock: Signal<In, Clock>,
    /// Read a row.
    pub read: Signal<In, Bit>,
    /// Which one.
    pub index: Signal<In, Bits<EW>>,
    /// Key to compare with the row that `index` named two clocks ago.
    pub key_s2: Signal<In, Bits<KEY>>,
    /// There is a table write in this clock.
    pub write_valid: Signal<In, Bit>,
    /// The write; ignored unless it is of an entry of this family.
    pub write: Signal<In, TableWrite>,
    /// The row has the key.
    pub same: Signal<Out, Bit>,
    /// The row above its key.
    pub action: Signal<Out, Bits<ACTION>>,
    /// The row's parity is wrong.
    pub bad: Signal<Out, Bit>,

    entry_target: Constant<Bits<2>>,
    family: Constant<Bits<1>>,
    row_in: Signal<Local, Bits<WRITE_ROW_BITS>>,
    index_in: Signal<Local, Bits<32>>,
    is_ours: Signal<Local, Bit>,
    read_s1: DFF<Bit>,
    read_s2: DFF<Bit>,
    parity: AddParity<ROW>,
    rows: ParityRam<ROW, EW>,
    row_s2: Signal<Local, Bits<ROW>>,
    same_s3: [DFF<Bit>; PARTS],
    action_s3: DFF<Bits<ACTION>>,
    all_same: Signal<Local, Bit>,
}

impl<const KEY: usize, const PARTS: usize, const ACTION: usize, const ROW: usize, const EW: usize>
    EntryArray<KEY, PARTS, ACTION, ROW, EW>
{
    /// The entries of `family`, for lookups of this pace.
    ///
    /// # Panics
    /// When the widths do not fit each other.
    pub fn new(family: Family, lookups: Pace) -> Self {
        assert!(KEY == PARTS * PART_BITS, "EntryArray: {PARTS} parts of {PART_BITS} bits are not a key of {KEY}");
        let bits = KEY + ACTION + PARITY_BITS;
        assert!(
            ROW == bits,
            "EntryArray: key, action and parity of {KEY}, {ACTION} and {PARITY_BITS} bits are not a row of {ROW}"
        );
        assert!(ROW <= WRITE_ROW_BITS, "EntryArray: a row of {ROW} bits does not fit a write of {WRITE_ROW_BITS}");
        Self {
            clock: Signal::default(),
            read: Signal::default(),
            index: Signal::default(),
            key_s2: Signal::default(),
            write_valid: Signal::default(),
            write: Signal::default(),
            same: Signal::default(),
            action: Signal::default(),
            bad: Signal::default(),
            entry_target: Constant::new((WriteTarget::Entry as u64).into()),
            family: Constant::new(u64::from(family == Family::V6).into()),
            row_in: Signal::default(),
            index_in: Signal::default(),
            is_ours: Signal::default(),
            read_s1: DFF::default(),
            read_s2: DFF::default(),
            parity: AddParity::default(),
            rows: ParityRam::new(lookups),
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
        dff_setup!(self, clock, read_s1, read_s2, action_s3);
        self.index_in.next = self.write.val().index;
        self.row_in.next = self.write.val().row;
        self.rows.clock.next = self.clock.val();
        self.is_ours.next = self.write.val().target == self.entry_target.val();
        for at in ENTRY_REF_FAMILY.lsb..(ENTRY_REF_FAMILY.lsb + 1) {
            self.is_ours.next = self.is_ours.val() & (self.index_in.val().get_bits::<1>(at) == self.family.val());
        }
        self.rows.wen.next = self.write_valid.val() & self.is_ours.val();
        self.rows.waddr.next = self.index_in.val().get_bits::<EW>(0);
        self.parity.row.next = self.row_in.val().get_bits::<ROW>(0);
        self.rows.wdata.next = self.parity.stored.val();
        self.rows.ren.next = self.read.val();
        self.rows.raddr.next = self.index.val();
        self.read_s1.d.next = self.read.val();
        self.read_s2.d.next = self.read_s1.q.val();

        // 2: what was not read is not looked at, so that wide rows stand still.
        self.row_s2.next = self.rows.rdata.val();
        for i in 0..PARTS {
            self.same_s3[i].clock.next = self.clock.val();
            self.same_s3[i].d.next = self.same_s3[i].q.val();
        }
        if self.read_s2.q.val() {
            for i in 0..PARTS {
                for part in PART_BITS..(PART_BITS + 1) {
                    self.same_s3[i].d.next =
                        self.row_s2.val().get_bits::<PART_BITS>(i * part) == self.key_s2.val().get_bits::<PART_BITS>(i * part);
                }
            }
            for at in KEY..(KEY + 1) {
                self.action_s3.d.next = self.row_s2.val().get_bits::<ACTION>(at);
            }
        }

        self.all_same.next = true;
        for i in 0..PARTS {
            self.all_same.next = self.all_same.val() & self.same_s3[i].q.val();
        }
        self.same.next = self.all_same.val();
        self.action.next = self.action_s3.q.val();
        self.bad.next = self.rows.bad.val();
    }
}
