//! Empties the slot table after reset, before anybody may look it up.
//!
//! ```text
//!                   +-------+
//!  commands' writes |       | write to all tables
//!  ---------------->| Clear |------------------->
//!                   |       |--> done
//!                   +-------+
//! ```
//! Block RAM keeps its contents over a reset, so a card that was reset under traffic would still forward by its old slots. For
//! `2^INDEX_BITS` clocks after reset this writes an empty slot to every place, one a clock; then `done` goes high for good
//! and writes pass, [`LATENCY`] clock later. Writes that arrive before `done` are lost: the engine keeps everything else in reset until then. Stash
//! slots are flip-flops and clear by reset.
//!
//! The row is wide and passes as it is: it must be zero until `done` and stand still behind a write, both of which
//! [`Command`](crate::host::command::Command)'s does.

use crate::prelude::*;
use crate::records::{TableWrite, WriteTarget};

/// Clocks from a command's write to the same write at the tables.
pub const LATENCY: usize = 1;

/// Empties `2^INDEX_BITS` slots; see the module.
#[derive(LogicBlock)]
pub struct Clear<const INDEX_BITS: usize> {
    /// The engine's clock.
    pub clock: Signal<In, Clock>,
    /// Synchronous, active high; starts anew.
    pub reset: Signal<In, Bit>,
    /// A command writes.
    pub s_write_valid: Signal<In, Bit>,
    /// What it writes; the row is that of the table from this clock on.
    pub s_write: Signal<In, TableWrite>,
    /// Something is written.
    pub m_write_valid: Signal<Out, Bit>,
    /// What is written.
    pub m_write: Signal<Out, TableWrite>,
    /// All slots are empty or written since.
    pub done: Signal<Out, Bit>,

    index: DFF<Bits<INDEX_BITS>>,
    done_s1: DFF<Bit>,
    write_valid_s1: DFF<Bit>,
    target_s1: DFF<Bits<2>>,
    index_s1: DFF<Bits<32>>,
    one: Constant<Bits<INDEX_BITS>>,
    last: Constant<Bits<INDEX_BITS>>,
    slot: Constant<Bits<2>>,
}

impl<const INDEX_BITS: usize> Default for Clear<INDEX_BITS> {
    fn default() -> Self {
        Self {
            clock: Signal::default(),
            reset: Signal::default(),
            s_write_valid: Signal::default(),
            s_write: Signal::default(),
            m_write_valid: Signal::default(),
            m_write: Signal::default(),
            done: Signal::default(),
            index: DFF::default(),
            done_s1: DFF::default(),
            write_valid_s1: DFF::default(),
            target_s1: DFF::default(),
            index_s1: DFF::default(),
            one: Constant::new(1_u64.into()),
            last: Constant::new(((1_u64 << INDEX_BITS) - 1).into()),
            slot: Constant::new((WriteTarget::Slot as u64).into()),
        }
    }
}

impl<const INDEX_BITS: usize> Logic for Clear<INDEX_BITS> {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, index, done_s1, write_valid_s1, target_s1, index_s1);
        if self.s_write_valid.val() {
            self.target_s1.d.next = self.s_write.val().target;
            self.index_s1.d.next = self.s_write.val().index;
        }
        self.write_valid_s1.d.next = self.s_write_valid.val() & self.done_s1.q.val();
        if !self.done_s1.q.val() {
            self.write_valid_s1.d.next = true;
            self.target_s1.d.next = self.slot.val();
            self.index_s1.d.next = bit_cast::<32, INDEX_BITS>(self.index.q.val());
            self.index.d.next = self.index.q.val() + self.one.val();
            self.done_s1.d.next = self.index.q.val() == self.last.val();
        }
        self.m_write_valid.next = self.write_valid_s1.q.val();
        self.m_write.next.target = self.target_s1.q.val();
        self.m_write.next.index = self.index_s1.q.val();
        self.m_write.next.row = self.s_write.val().row;
        self.done.next = self.done_s1.q.val();
        if self.reset.val() {
            self.index.d.next = 0.into();
            self.done_s1.d.next = false;
            self.write_valid_s1.d.next = false;
        }
    }
}
