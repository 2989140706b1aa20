//! Plans: ordered writes, with what each of them replaces.

use fpgaflow_abi::descriptor::Command;
use fpgaflow_abi::slot::{Slot, SlotPlace, StashSlot};

/// One write of a plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Write {
    /// A slot of a bucket.
    Slot {
        /// Where.
        place: SlotPlace,
        /// What was there.
        before: Slot,
        /// What is there now.
        after: Slot,
    },
    /// A slot of the stash.
    Stash {
        /// Which.
        index: u32,
        /// What was there.
        before: StashSlot,
        /// What is there now.
        after: StashSlot,
    },
}

impl Write {
    /// The command that makes the card do it.
    pub fn command(&self) -> Command {
        match *self {
            Self::Slot { place, after, .. } => Command::write_slot(place, after),
            Self::Stash { index, after, .. } => Command::write_stash(index, after),
        }
    }
}

/// Ordered writes. Made to be used again.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Plan(pub(super) Vec<Write>);

impl Plan {
    /// How many writes it has.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether it changes nothing.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Forgets the writes, keeping the memory.
    pub fn clear(&mut self) {
        self.0.clear();
    }

    /// The writes in the order in which the card must see them.
    pub fn writes(&self) -> &[Write] {
        &self.0
    }
}
