//! Damage to the rows of the card's tables, as a particle does it: behind the back of card and driver.

use fpgaflow_abi::key::Family;
use fpgaflow_abi::regs::TableRow;
use fpgaflow_abi::slot::WAYS;
use fpgaflow_verilate::{Error, Memory};

use crate::card::Card;

/// Memory and word of a row, as the engine has them.
fn place(row: TableRow) -> (String, u32) {
    let (table, word) = match row {
        TableRow::Slot(place) => {
            (format!("flows.slots.slots_{}", usize::from(place.bank) * WAYS + usize::from(place.way)), place.bucket)
        }
        TableRow::Entry(entry) => match entry.family() {
            Family::V4 => ("flows.entries_v4.rows".to_owned(), entry.index()),
            Family::V6 => ("flows.entries_v6.rows".to_owned(), entry.index()),
        },
        TableRow::NextHop(index) => ("stage.next_hops.rows".to_owned(), index.into()),
    };
    (format!("datapath.{table}.rows.memory.mem"), word)
}

impl Card {
    fn cell(&self, row: TableRow) -> Result<(Memory, u32), Error> {
        let (path, word) = place(row);
        Ok((self.model.find_memory(&path)?, word))
    }

    /// Bits that the card stores of `row`, parity included.
    ///
    /// # Errors
    /// [`Error::NoMemory`] when the linked RTL has no such table.
    pub fn stored_bits(&self, row: TableRow) -> Result<u32, Error> {
        let (memory, _) = self.cell(row)?;
        Ok(self.model.memory_shape(memory).0)
    }

    /// Turns one stored bit of `row` around. A lookup that has already read the row is not changed by it.
    ///
    /// # Errors
    /// As [`Card::stored_bits`].
    ///
    /// # Panics
    /// When the table does not have the row, or the row the bit.
    pub fn flip(&mut self, row: TableRow, bit: u32) -> Result<(), Error> {
        let (memory, word) = self.cell(row)?;
        self.model.flip_memory_bit(memory, word, bit);
        Ok(())
    }
}
