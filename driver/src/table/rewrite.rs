//! One row of the card's tables as it should be, for a card that found it bad.

use fpgaflow_abi::descriptor::{Command, entry_parts};
use fpgaflow_abi::regs::TableRow;

use super::FlowTable;

impl FlowTable {
    /// The commands that write `row` as it should be: a row that holds nothing is written as nothing. `row` is one that the card has.
    ///
    /// Executed behind everything that this table appended before, they change nothing but what went bad.
    pub fn rewrite(&self, row: TableRow) -> Vec<Command> {
        match row {
            TableRow::Slot(place) => vec![Command::write_slot(place, self.placement.slot(place))],
            TableRow::Entry(entry) => {
                let row = self.rows.bits(entry);
                (0..entry_parts(entry.family())).map(|part| Command::write_entry(entry, &row, part)).collect()
            }
            TableRow::NextHop(index) => {
                let row = self.next_hops.get(index).map(|hop| hop.to_bits()).unwrap_or_default();
                vec![Command::write_next_hop(index.into(), &row)]
            }
        }
    }
}
