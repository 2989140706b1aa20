//! Rows of the card's tables go bad: never a wrong frame, every miss counted as `parity`, every row mended by the driver.

use std::collections::{HashMap, HashSet};

use fpgaflow_abi::entry::Entry;
use fpgaflow_abi::key::Family;
use fpgaflow_abi::reason::Reason;
use fpgaflow_abi::regs::TableRow;
use fpgaflow_abi::slot::{EntryRef, SlotPlace};
use fpgaflow_abi::wire::MIN_FRAME_BYTES;
use fpgaflow_golden::Losses;
use fpgaflow_tests::{Churn, Feeder, Rig, Setup, Stream, Width, at_both_widths, datagram_flow_of, hop, secret};
use fpgaflow_traffic::{Frames, Mix, Scenario, Sizes, Variety, rng, seed};
use rand::seq::IteratorRandom;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Clocks between two looks.
const STEP_CLOCKS: u64 = 64;
/// Clocks after which a frame has left, or a repair is done.
const HANG_CLOCKS: u64 = 100_000;

/// A flow by itself on a card.
struct Lab {
    rig: Rig,
    stream: Stream,
    flow: Entry,
    at: EntryRef,
}

impl Lab {
    /// A flow of `family` from port 0 to port 1.
    fn new(width: Width, family: Family) -> Self {
        let seed = seed();
        let mut rig = Rig::new(Setup { width, ..Setup::new(seed) }, secret(&mut rng(seed)));
        for egress in 0..2 {
            rig.add_next_hop(hop(egress));
        }
        let flow = datagram_flow_of(family, 0, 1, 1);
        let [at] = rig.install([flow]).expect("an empty table takes a flow");
        rig.await_commands();
        rig.keep();
        Self { stream: Stream::new(flow.key, MIN_FRAME_BYTES), rig, flow, at }
    }

    /// The slot of the flow.
    fn slot(&self) -> SlotPlace {
        let mut occupied = self.rig.table.placement().occupied();
        occupied.find(|(_, slot)| slot.entry() == self.at).expect("the flow has a slot").0
    }

    /// Why the next frame of the flow was punted; `None` when it was forwarded.
    fn pass(&mut self) -> Option<Reason> {
        let frame = self.stream.next_frame();
        self.rig.inject(self.flow.key.ingress, frame, false);
        let give_up = self.rig.clock() + HANG_CLOCKS;
        loop {
            self.rig.run(STEP_CLOCKS);
            let kept = self.rig.kept.as_mut().expect("it is kept");
            if let Some((info, _)) = kept.punts.pop() {
                return Some(info.reason);
            }
            if kept.sent[1].pop().is_some() {
                return None;
            }
            assert!(self.rig.clock() < give_up, "the frame is lost");
        }
    }

    /// Waits for a repair and gives its row.
    fn mended(&mut self) -> TableRow {
        let give_up = self.rig.clock() + HANG_CLOCKS;
        while self.rig.repaired.is_empty() {
            assert!(self.rig.clock() < give_up, "no row is mended");
            self.rig.run(STEP_CLOCKS);
        }
        self.rig.damage_is_mended();
        self.rig.repaired.pop().expect("just seen")
    }
}

fn every_bit(width: Width, family: Family) {
    let mut lab = Lab::new(width, family);
    let slot = lab.slot();
    let beside = SlotPlace { way: (slot.way + 1) % 4, ..slot };
    assert_eq!(lab.pass(), None);
    let (mut bits, mut misses) = (0, 0);
    for (row, hides) in [
        (TableRow::Slot(slot), true),
        // Never written but by the card itself after its reset, and read with the flow's own.
        (TableRow::Slot(beside), false),
        (TableRow::Entry(lab.at), true),
        (TableRow::NextHop(1), true),
    ] {
        for bit in 0..lab.rig.stored_bits(row) {
            lab.rig.damage(row, bit);
            assert_eq!(lab.pass(), hides.then_some(Reason::Parity), "bit {bit} of {row:?} is bad");
            assert_eq!(lab.mended(), row, "bit {bit}");
            assert_eq!(lab.pass(), None, "bit {bit} of {row:?} was mended");
            bits += 1;
            misses += u64::from(hides);
        }
    }
    assert_eq!(lab.rig.driver.repairs(), bits);
    assert_eq!(u64::from(lab.rig.driver.bad_row_clocks().expect("read PARITY_COUNT")), bits, "each was met once");
    lab.rig.driver.check_health().expect("a bad row is no fault of the card");
    let report = lab.rig.finish();
    println!("{} bits, {family:?}: {bits} bits flipped, {misses} frames punted for it", width.geometry().width_bits);
    assert_eq!(report.count(Reason::Parity), misses);
}

/// A row that some flow or its next hop needs; never one that is bad already, for two flips can undo each other's parity.
fn some_row(rng: &mut ChaCha8Rng, rig: &Rig, hops: usize, bad: &HashSet<TableRow>) -> Option<TableRow> {
    let row = match rng.random_range(0..10) {
        0..5 => TableRow::Slot(rig.table.placement().occupied().choose(rng)?.0),
        5..9 => TableRow::Entry(rig.table.iter().choose(rng)?.0),
        _ => TableRow::NextHop(rng.random_range(0..hops) as u16),
    };
    (!bad.contains(&row)).then_some(row)
}

fn parity_punts(rig: &Rig) -> u64 {
    rig.driver.reason_counters().expect("read the reason counters")[Reason::Parity as usize]
}

/// A frame of every flow that is installed, one after the other; how many of them were punted as `parity`.
fn pass_all(rig: &mut Rig) -> u64 {
    let before = parity_punts(rig);
    let keys: Vec<_> = rig.table.iter().map(|(_, flow)| flow.key).collect();
    for key in keys {
        let frame = Stream::new(key, MIN_FRAME_BYTES).next_frame();
        rig.inject(key.ingress, frame, false);
        rig.run(4 * STEP_CLOCKS);
    }
    rig.rest();
    parity_punts(rig) - before
}

fn under_traffic(width: Width) {
    const FRAMES: u64 = 60_000;
    const FLOWS: usize = 300;
    /// Steps between two flips: a few rows are bad at any time.
    const DAMAGE_EVERY: u64 = 12;
    let seed = seed();
    let mut rng = rng(seed);
    let losses = Losses { host_full: true, ..Losses::default() };
    let mut rig = Rig::new(Setup { width, losses, ..Setup::new(seed) }, secret(&mut rng));
    let scenario = Scenario::draw(&mut rng, rig.geometry(), FLOWS, &Variety::everything());
    let mut child = || ChaCha8Rng::seed_from_u64(rng.random());
    let mut churn = Churn::new(child(), &scenario, 85);
    churn.fill(&mut rig);
    let mut feeder = Feeder::new(Frames::new(child(), &scenario, Mix::everything(), Sizes::Small), 0, false);
    let mut damage_rng = child();

    let (mut bad, mut flips) = (HashSet::new(), 0);
    let mut mended: HashMap<&str, u64> = HashMap::new();
    let mut step = 0;
    while feeder.fed() < FRAMES {
        step += 1;
        feeder.feed(&mut rig, FRAMES);
        if step % 4 == 0 {
            churn.step(&mut rig);
        }
        if step % DAMAGE_EVERY == 0
            && let Some(row) = some_row(&mut damage_rng, &rig, scenario.next_hops.len(), &bad)
        {
            let bit = damage_rng.random_range(0..rig.stored_bits(row));
            rig.damage(row, bit);
            bad.insert(row);
            flips += 1;
        }
        rig.run(STEP_CLOCKS);
        for row in rig.repaired.drain(..) {
            bad.remove(&row);
            let table = match row {
                TableRow::Slot(_) => "slots",
                TableRow::Entry(_) => "entries",
                TableRow::NextHop(_) => "next hops",
            };
            *mended.entry(table).or_default() += 1;
        }
    }
    rig.rest();
    // Each pass finds what the flows still need; there are not more bad rows than were damaged.
    let mut passes = 0;
    while pass_all(&mut rig) > 0 {
        passes += 1;
        assert!(passes < 100, "rows stay bad");
    }
    rig.damage_is_mended();
    assert_eq!(pass_all(&mut rig), 0, "every flow hits again");
    let repairs = rig.driver.repairs();
    let report = rig.finish();
    let parity = report.count(Reason::Parity);
    println!(
        "{} bits: seed {seed}, {flips} rows damaged under {} frames, {parity} punted for it, {repairs} rows mended: {mended:?}",
        width.geometry().width_bits,
        report.summary.injected
    );
    for table in ["slots", "entries", "next hops"] {
        assert!(mended.contains_key(table), "no row of the {table} was mended: {mended:?}");
    }
    assert!(parity > 0, "no frame was punted for {repairs} bad rows");
}

at_both_widths! {
    fn every_bit_of_an_ipv4_flows_rows_is_found_and_mended(width) {
        every_bit(width, Family::V4);
    }

    fn every_bit_of_an_ipv6_flows_rows_is_found_and_mended(width) {
        every_bit(width, Family::V6);
    }

    fn rows_that_go_bad_under_random_traffic_are_mended_and_no_frame_is_wrong(width) {
        under_traffic(width);
    }
}
