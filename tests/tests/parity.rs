//! Every bit of the rows of a flow goes bad: never a wrong frame, every miss counted as `parity`, every row mended by the driver.
//!
//! Rows that go bad under random traffic are a setting of the differential tests.

use fpgaflow_abi::entry::Entry;
use fpgaflow_abi::key::Family;
use fpgaflow_abi::reason::Reason;
use fpgaflow_abi::regs::TableRow;
use fpgaflow_abi::slot::{EntryRef, SlotPlace};
use fpgaflow_abi::wire::MIN_FRAME_BYTES;
use fpgaflow_tests::{Rig, Setup, Stream, Width, at_both_widths, datagram_flow_of, hop, secret};
use fpgaflow_traffic::{rng, seed};

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

at_both_widths! {
    fn every_bit_of_an_ipv4_flows_rows_is_found_and_mended(width) {
        every_bit(width, Family::V4);
    }

    fn every_bit_of_an_ipv6_flows_rows_is_found_and_mended(width) {
        every_bit(width, Family::V6);
    }
}
