//! Rows of the card's tables that go bad, and the driver that mends them.

use fpgaflow_abi::descriptor::Vector;
use fpgaflow_abi::regs::TableRow;

use super::{Rig, UnderWay};

impl Rig {
    /// Turns a stored bit of `row` around. From now on frames may be punted as `parity`, until [`Rig::damage_is_mended`].
    pub fn damage(&mut self, row: TableRow, bit: u32) {
        self.board.damage_begins();
        self.transport.card().flip(row, bit).expect("the engine has the table");
    }

    /// Bits that the card stores of `row`.
    pub fn stored_bits(&self, row: TableRow) -> u32 {
        self.transport.card().stored_bits(row).expect("the engine has the table")
    }

    /// Every row is good again: no frame that enters from now on is punted as `parity`.
    pub fn damage_is_mended(&mut self) {
        self.board.damage_ends();
    }

    /// On the card's event interrupt, and only then, asks for the row that is bad and has it written anew.
    pub(super) fn mend(&mut self) {
        // Nothing to read: no interrupt.
        if rustix::io::read(self.driver.eventfd(Vector::Event), &mut [0; 8]).is_err() {
            return;
        }
        if let Some(row) = self.driver.bad_row().expect("ask for the bad row") {
            let ticket = self.driver.repair(row, self.table.rewrite(row)).expect("submit the repair");
            self.under_way.push_back(UnderWay { ticket, changes: 0, last_counters: None });
        }
    }
}
