//! Rows of a rig's tables that go bad at random while frames flow.

use std::collections::{HashMap, HashSet};

use fpgaflow_abi::reason::Reason;
use fpgaflow_abi::regs::TableRow;
use fpgaflow_abi::wire::MIN_FRAME_BYTES;
use rand::RngExt;
use rand::seq::IteratorRandom;
use rand_chacha::ChaCha8Rng;

use crate::{Rig, Stream};

/// Clocks between two frames of [`Damage::mend_all`].
const PACE_CLOCKS: u64 = 256;
/// Times that every flow is tried in [`Damage::mend_all`], each of which finds a row at least.
const MOST_PASSES: u32 = 200;

/// Damages rows that flows need.
#[derive(Debug)]
pub struct Damage {
    rng: ChaCha8Rng,
    /// Rows that are bad, as far as is known: none is damaged twice, for two flips can undo each other's parity.
    bad: HashSet<TableRow>,
    /// Rows that were damaged.
    pub flips: u64,
    /// Rows that the driver wrote anew, by table.
    pub mended: HashMap<&'static str, u64>,
}

impl Damage {
    /// Draws rows and bits from `rng`.
    pub fn new(rng: ChaCha8Rng) -> Self {
        Self { rng, bad: HashSet::new(), flips: 0, mended: HashMap::new() }
    }

    /// Turns a bit of a row around that a flow or its next hop, of the first `hops`, needs.
    pub fn step(&mut self, rig: &mut Rig, hops: usize) {
        self.take_mended(rig);
        let row = match self.rng.random_range(0..10) {
            0..5 => rig.table.placement().occupied().choose(&mut self.rng).map(|(place, _)| TableRow::Slot(place)),
            5..9 => rig.table.iter().choose(&mut self.rng).map(|(entry, _)| TableRow::Entry(entry)),
            _ => Some(TableRow::NextHop(self.rng.random_range(0..hops) as u16)),
        };
        let Some(row) = row.filter(|row| self.bad.insert(*row)) else { return };
        let bit = self.rng.random_range(0..rig.stored_bits(row));
        rig.damage(row, bit);
        self.flips += 1;
    }

    /// Gives every installed flow frames until none is punted as `parity` any more; from then on none may be.
    ///
    /// # Panics
    /// When rows stay bad.
    pub fn mend_all(&mut self, rig: &mut Rig) {
        rig.rest();
        let mut passes = 0;
        while pass_all(rig) > 0 {
            passes += 1;
            assert!(passes < MOST_PASSES, "rows stay bad");
        }
        rig.damage_is_mended();
        assert_eq!(pass_all(rig), 0, "every flow hits again");
        self.take_mended(rig);
    }

    fn take_mended(&mut self, rig: &mut Rig) {
        for row in rig.repaired.drain(..) {
            self.bad.remove(&row);
            let table = match row {
                TableRow::Slot(_) => "slots",
                TableRow::Entry(_) => "entries",
                TableRow::NextHop(_) => "next hops",
            };
            *self.mended.entry(table).or_default() += 1;
        }
    }
}

/// A frame of every installed flow, one after the other; how many of them were punted as `parity`.
fn pass_all(rig: &mut Rig) -> u64 {
    let parity = |rig: &Rig| rig.driver.reason_counters().expect("read the reason counters")[Reason::Parity as usize];
    let before = parity(rig);
    let keys: Vec<_> = rig.table.iter().map(|(_, flow)| flow.key).collect();
    for key in keys {
        let frame = Stream::new(key, MIN_FRAME_BYTES).next_frame();
        rig.inject(key.ingress, frame, false);
        rig.run(PACE_CLOCKS);
    }
    rig.rest();
    parity(rig) - before
}
