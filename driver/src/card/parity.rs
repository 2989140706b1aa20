//! Rows of the card's tables that went bad, and their repair.
//!
//! The card keeps the first row whose parity it finds wrong and raises [`Vector::Event`](fpgaflow_abi::descriptor::Vector::Event); lookups that need
//! the row are punted as `parity` until it is written again. The owner asks on that interrupt, and now and then without it; it has the
//! row's true contents in its [`FlowTable`](crate::table::FlowTable):
//! ```no_run
//! # use fpgaflow_driver::{card::{Card, CardError}, table::FlowTable};
//! # fn mend(card: &mut Card, table: &FlowTable) -> Result<(), CardError> {
//! if let Some(row) = card.bad_row()? {
//!     card.repair(row, table.rewrite(row))?;
//! }
//! # Ok(())
//! # }
//! ```
//! The next [`Card::poll`] that finds the commands done acknowledges the row to the card, counts the repair and tells of it in
//! [`Events::repaired`](super::Events::repaired).

use fpgaflow_abi::descriptor::Command;
use fpgaflow_abi::geometry::Geometry;
use fpgaflow_abi::regs::{self, Event, Parity, TableRow};

use super::{Card, CardError, Ticket};
use crate::transport::TransportError;

/// Repairs of one card.
#[derive(Debug, Default)]
pub(super) struct Repairs {
    /// The repair under way; the card holds one row at a time.
    under_way: Option<(Ticket, TableRow)>,
    done: u64,
}

impl Repairs {
    /// The card was reset and knows of no bad row.
    pub fn forget(&mut self) {
        self.under_way = None;
    }
}

impl Card {
    /// The row that the card found bad, if there is one and it is not being repaired: one register read.
    ///
    /// # Errors
    /// The transport's, or [`CardError::NoRow`] for a row that the card does not have.
    pub fn bad_row(&self) -> Result<Option<TableRow>, CardError> {
        if self.repairs.under_way.is_some() {
            return Ok(None);
        }
        let parity = Parity::from_bits(self.registers.read(regs::PARITY)?);
        if !parity.bad() {
            return Ok(None);
        }
        match parity.row().filter(|row| has_row(&self.geometry, *row)) {
            Some(row) => Ok(Some(row)),
            None => Err(CardError::NoRow { card: self.name().to_owned(), parity }),
        }
    }

    /// Has the card execute `commands`, which write `row` anew, and acknowledges the row when they are done.
    ///
    /// Commands that change the row's contents must have been submitted before: these say what it holds now.
    ///
    /// # Errors
    /// The transport's.
    pub fn repair(&mut self, row: TableRow, commands: impl IntoIterator<Item = Command>) -> Result<Ticket, CardError> {
        let ticket = self.submit(commands)?;
        self.repairs.under_way = Some((ticket, row));
        Ok(ticket)
    }

    /// Rows repaired since the card was opened.
    pub fn repairs(&self) -> u64 {
        self.repairs.done
    }

    /// Clocks in which a lookup met a bad row, since the card's reset; wraps.
    ///
    /// # Errors
    /// The transport's.
    pub fn bad_row_clocks(&self) -> Result<u32, CardError> {
        Ok(self.registers.read(regs::PARITY_COUNT)?)
    }

    /// Tells the card that its row is whole, once the commands of `ticket` are the repair's; gives the row.
    pub(super) fn acknowledge(&mut self, ticket: Ticket) -> Result<Option<TableRow>, TransportError> {
        let Some((_, row)) = self.repairs.under_way.take_if(|(repair, _)| *repair == ticket) else { return Ok(None) };
        // The event first: when the row is let go the next one may come at once, and its event with it.
        self.registers.write(regs::EVENT, Event::new().with_parity(true).into_bits())?;
        self.registers.write(regs::PARITY, Parity::new().with_bad(true).into_bits())?;
        self.repairs.done += 1;
        Ok(Some(row))
    }
}

fn has_row(geometry: &Geometry, row: TableRow) -> bool {
    match row {
        TableRow::Slot(place) => place.index() < geometry.slots(),
        TableRow::Entry(entry) => geometry.has_entry(entry),
        TableRow::NextHop(index) => u32::from(index) < geometry.next_hops,
    }
}
