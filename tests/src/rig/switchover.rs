//! A new hash secret under traffic, with software that carries what the card punts meanwhile.

use std::collections::VecDeque;

use fpgaflow_abi::hash::HashSecret;
use fpgaflow_driver::placement::Effort;
use fpgaflow_driver::software::{SoftwareTable, Verdict};
use fpgaflow_driver::switchover::{Limits, Step, Switched, Switchover};
use fpgaflow_golden::Change;

use super::{Rig, SLICE_CLOCKS};

/// The host's software flowtable behind a rig: it forwards what the card punts, in order.
#[derive(Debug)]
pub struct Carrier {
    table: SoftwareTable,
    /// Frames that found the ring to the card full.
    waiting: VecDeque<(u8, Vec<u8>)>,
    /// Frames that it forwarded.
    pub forwarded: u64,
    /// Frames that it did not know.
    pub unknown: u64,
}

impl Carrier {
    /// Software that forwards by `table`.
    pub fn new(table: SoftwareTable) -> Self {
        Self { table, waiting: VecDeque::new(), forwarded: 0, unknown: 0 }
    }

    /// Takes what the card punted and sends what is known.
    ///
    /// # Panics
    /// When the rig does not keep what leaves.
    pub fn carry(&mut self, rig: &mut Rig) {
        let punts = std::mem::take(&mut rig.kept.as_mut().expect("a rig that keeps what leaves").punts);
        for (info, bytes) in punts {
            let mut batch = fpgaflow_driver::frame::FrameArena::default();
            batch.push(info, bytes.len(), |out| out.copy_from_slice(&bytes));
            for (_, mut frame) in batch.iter_mut() {
                match self.table.process(&mut frame, 0) {
                    Verdict::Forward { port, .. } => {
                        self.forwarded += 1;
                        self.waiting.push_back((port, frame.bytes().to_vec()));
                    }
                    Verdict::Punt { .. } | Verdict::Drop { .. } => self.unknown += 1,
                }
            }
        }
        while let Some((port, bytes)) = self.waiting.front() {
            if !rig.send(*port, bytes) {
                break;
            }
            self.waiting.pop_front();
        }
    }

    /// Whether everything that it took is sent.
    pub fn is_idle(&self) -> bool {
        self.waiting.is_empty()
    }
}

impl Rig {
    /// Goes over to `secret` with no frame lost, out of order or mistranslated: see [`fpgaflow_driver::switchover`]. `feed` keeps the ports fed.
    ///
    /// # Panics
    /// When a flow has no place under the secret.
    pub fn switch_over(
        &mut self,
        secret: HashSecret,
        limits: Limits,
        carrier: &mut Carrier,
        mut feed: impl FnMut(&mut Self),
    ) -> Switched {
        self.await_commands();
        let clock = self.clock();
        self.board.table_change_begins(&Change::Lookup(false), clock).expect("the model takes what the driver takes");
        let now = self.now();
        let mut switchover = Switchover::begin(&mut self.driver, secret, limits, now).expect("begin");
        loop {
            feed(self);
            self.run(SLICE_CLOCKS);
            carrier.carry(self);
            let now = self.now();
            match switchover.step(&mut self.driver, carrier.is_idle(), now).expect("step") {
                Step::Wait => {}
                Step::Rebuild => {
                    self.board.table_change_ends(self.clock());
                    let plan = self.table.plan_rekey(secret, Effort::LAST);
                    assert!(plan.homeless().is_empty(), "flows without a place under a secret drawn at random");
                    let mut commands = Vec::new();
                    self.table.rekey(plan, &mut commands);
                    switchover.rebuilding(self.driver.submit(commands).expect("submit"));
                    self.board
                        .table_change_begins(&Change::Lookup(true), self.clock())
                        .expect("the model takes what the driver takes");
                }
                Step::Done(switched) => {
                    self.board.table_change_ends(self.clock());
                    return switched;
                }
            }
        }
    }
}
