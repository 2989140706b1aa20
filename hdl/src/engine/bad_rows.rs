//! One report of a bad row from the three tables that make them.
//!
//! ```text
//!  slot_valid, slot --------->+---------+
//!  entry_valid, entry ------->| BadRows |--> found, row
//!  next_hop_valid, next_hop ->+---------+
//! ```
//! Latency 1 clock. `row` is as register `PARITY` has it. Of reports in the same clock one passes: what is still bad is found again when it
//! is read again.

use fpgaflow_abi::entry::NEXT_HOP_BITS;
use fpgaflow_abi::regs::{Parity, RowTable};
use fpgaflow_abi::slot::ENTRY_REF_BITS;

use crate::prelude::*;

/// The block.
#[derive(LogicBlock)]
pub struct BadRows {
    /// The engine's clock.
    pub clock: Signal<In, Clock>,
    /// A slot is bad.
    pub slot_valid: Signal<In, Bit>,
    /// Which, as `SlotPlace::index` has it.
    pub slot: Signal<In, Bits<32>>,
    /// An entry is bad.
    pub entry_valid: Signal<In, Bit>,
    /// Which.
    pub entry: Signal<In, Bits<ENTRY_REF_BITS>>,
    /// A next hop is bad.
    pub next_hop_valid: Signal<In, Bit>,
    /// Which.
    pub next_hop: Signal<In, Bits<NEXT_HOP_BITS>>,
    /// A lookup met a bad row.
    pub found: Signal<Out, Bit>,
    /// Which.
    pub row: Signal<Out, Bits<32>>,

    found_s1: DFF<Bit>,
    row_s1: DFF<Bits<32>>,
    is_slot: Constant<Bits<32>>,
    is_entry: Constant<Bits<32>>,
    is_next_hop: Constant<Bits<32>>,
}

impl Default for BadRows {
    fn default() -> Self {
        let of = |table: RowTable| {
            let parity = Parity::new().with_bad(true).with_table(table as u8);
            Constant::new(u64::from(parity.into_bits()).into())
        };
        Self {
            clock: Signal::default(),
            slot_valid: Signal::default(),
            slot: Signal::default(),
            entry_valid: Signal::default(),
            entry: Signal::default(),
            next_hop_valid: Signal::default(),
            next_hop: Signal::default(),
            found: Signal::default(),
            row: Signal::default(),
            found_s1: DFF::default(),
            row_s1: DFF::default(),
            is_slot: of(RowTable::Slot),
            is_entry: of(RowTable::Entry),
            is_next_hop: of(RowTable::NextHop),
        }
    }
}

impl Logic for BadRows {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, found_s1, row_s1);
        self.found_s1.d.next = (self.slot_valid.val() | self.entry_valid.val()) | self.next_hop_valid.val();
        if self.slot_valid.val() {
            self.row_s1.d.next = self.is_slot.val() | self.slot.val();
        } else if self.entry_valid.val() {
            self.row_s1.d.next = self.is_entry.val() | bit_cast::<32, ENTRY_REF_BITS>(self.entry.val());
        } else if self.next_hop_valid.val() {
            self.row_s1.d.next = self.is_next_hop.val() | bit_cast::<32, NEXT_HOP_BITS>(self.next_hop.val());
        }
        self.found.next = self.found_s1.q.val();
        self.row.next = self.row_s1.q.val();
    }
}
