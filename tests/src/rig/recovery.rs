//! A card that is reset in the midst of everything, and told everything again.

use fpgaflow_driver::transport::Transport;
use fpgaflow_golden::{Change, Scoreboard};

use super::{Rig, UnderWay};
use crate::tally::Tally;

impl Rig {
    /// Resets the card whatever it does, and has the driver tell it everything again. What is in the card is lost; frames that wait at
    /// its ports, and the one that is just coming in, meet a card whose ports, lookup and tables come back one by one.
    ///
    /// The model starts anew with those frames, so do all counts: what [`Rig::finish`] compares is what happened since.
    ///
    /// # Panics
    /// When lookup or a port is off: a rig does not remember it.
    pub fn reset_and_recover(&mut self) {
        // What left before the reset is held to the model as it was.
        self.poll();
        // The driver's doorbells clock the card: only now it has sent its last.
        self.run_without_driver(0);
        self.transport.reset().expect("reset the card");

        let clock = self.clock();
        let geometry = self.geometry();
        self.board = Scoreboard::new(geometry, self.setup.losses, self.setup.seed);
        self.tally = Tally::new(geometry.ports);
        self.under_way.clear();
        for port in 0..geometry.ports {
            let card = self.transport.card();
            for frame in card.receive_queue(port.into()) {
                let inject = if frame.error { Scoreboard::inject_damaged } else { Scoreboard::inject };
                inject(&mut self.board, port, &frame.bytes, clock).expect("the port exists");
                self.tally.received(port, frame.bytes.len());
            }
        }
        let changes = self.everything();
        for change in &changes {
            self.board.table_change_begins(change, clock).expect("the model takes what the driver takes");
        }
        let ticket = self.driver.recover(self.table.image()).expect("recover the card");
        self.under_way.push_back(UnderWay { ticket, changes: changes.len(), last_counters: None });
    }

    /// The changes that make a card after reset what this one was.
    fn everything(&self) -> Vec<Change> {
        let ports = (0..self.geometry().ports).map(|port| Change::Port(port, self.port_config(port, true)));
        let hops = (0..self.geometry().next_hops as u16)
            .filter_map(|index| self.table.next_hop(index).map(|hop| Change::NextHop(index, hop)));
        let flows = self.table.iter().map(|(at, entry)| Change::Install(at, entry));
        ports.chain(hops).chain(flows).chain([Change::Lookup(true)]).collect()
    }
}
