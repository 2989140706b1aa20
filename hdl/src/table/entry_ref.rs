//! Entry references as slots store them: no more bits than this card's entries need.
//!
//! ```text
//!  entry (24 bits) -->[ NarrowRef ]--> stored (REF bits)
//!  stored (REF bits) -->[ WideRef ]--> entry (24 bits)
//! ```
//! Wiring. The family is the top bit of both; below it are the low bits of the index. The command engine has checked that an index
//! has no others.

use fpgaflow_abi::slot::{ENTRY_REF_BITS, ENTRY_REF_FAMILY};

use crate::prelude::*;

/// Leaves out the bits of an index that this card does not have.
#[derive(LogicBlock)]
pub struct NarrowRef<const REF: usize> {
    /// As `abi::slot::EntryRef` has it.
    pub entry: Signal<In, Bits<ENTRY_REF_BITS>>,
    /// As a slot stores it.
    pub stored: Signal<Out, Bits<REF>>,
    index: Signal<Local, Bits<REF>>,
}

impl<const REF: usize> Default for NarrowRef<REF> {
    fn default() -> Self {
        assert!((2..=ENTRY_REF_BITS).contains(&REF), "NarrowRef: {REF} bits are not an index and a family");
        Self { entry: Signal::default(), stored: Signal::default(), index: Signal::default() }
    }
}

impl<const REF: usize> Logic for NarrowRef<REF> {
    #[hdl_gen]
    fn update(&mut self) {
        self.index.next = self.entry.val().get_bits::<REF>(0);
        for top in (REF - 1)..REF {
            for family in ENTRY_REF_FAMILY.lsb..(ENTRY_REF_FAMILY.lsb + 1) {
                self.stored.next = self.index.val().replace_bit(top, self.entry.val().get_bit(family));
            }
        }
    }
}

/// Puts them back, as zeros.
#[derive(LogicBlock, Default)]
pub struct WideRef<const REF: usize> {
    /// As a slot stores it.
    pub stored: Signal<In, Bits<REF>>,
    /// As `abi::slot::EntryRef` has it.
    pub entry: Signal<Out, Bits<ENTRY_REF_BITS>>,
    index: Signal<Local, Bits<REF>>,
    wide: Signal<Local, Bits<ENTRY_REF_BITS>>,
}

impl<const REF: usize> Logic for WideRef<REF> {
    #[hdl_gen]
    fn update(&mut self) {
        for top in (REF - 1)..REF {
            self.index.next = self.stored.val().replace_bit(top, false);
            self.wide.next = bit_cast::<ENTRY_REF_BITS, REF>(self.index.val());
            for family in ENTRY_REF_FAMILY.lsb..(ENTRY_REF_FAMILY.lsb + 1) {
                self.entry.next = self.wide.val().replace_bit(family, self.stored.val().get_bit(top));
            }
        }
    }
}
