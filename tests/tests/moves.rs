//! Flows of both families under traffic at line rate while their slots move: none is ever missed.

use std::ops::Range;

use fpgaflow_abi::descriptor::Command;
use fpgaflow_abi::hash::{HashSecret, KeyHash};
use fpgaflow_abi::key::{Family, FlowKey};
use fpgaflow_abi::reason::Reason;
use fpgaflow_abi::slot::{BANKS, EntryRef, Slot, SlotPlace, StashSlot, WAYS};
use fpgaflow_abi::wire::MIN_FRAME_BYTES;
use fpgaflow_tests::{Rig, Setup, Stream, Width, at_both_widths, datagram_flow_of, hop, secret};
use fpgaflow_traffic::{rng, seed};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;

/// Moves of each flow.
const MOVES: u64 = 5_000;
/// Clocks between two looks: commands are posted and ports fed in between.
const STEP_CLOCKS: u64 = 64;
/// Commands under way at most: a few moves, so that the card never waits for the next.
const COMMANDS: usize = 16;
/// Each port has a flow of each.
const FAMILIES: [Family; 2] = [Family::V4, Family::V6];
/// Beats a clock that count as line rate: what is missing is the way of the first frames to their port.
const LINE_RATE: f64 = 0.999;

/// Where a flow can be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Slot(SlotPlace),
    Stash(u32),
}

impl Place {
    fn write(self, hash: KeyHash, entry: EntryRef) -> Command {
        match self {
            Self::Slot(place) => Command::write_slot(place, Slot::new().with_tag(hash.tag()).with_entry(entry).with_valid(true)),
            Self::Stash(index) => Command::write_stash(index, StashSlot::new(hash, entry)),
        }
    }

    fn clear(self) -> Command {
        match self {
            Self::Slot(place) => Command::write_slot(place, Slot::new()),
            Self::Stash(index) => Command::write_stash(index, StashSlot::default()),
        }
    }
}

/// A flow that is moved from place to place under its traffic.
struct Mover {
    entry: EntryRef,
    hash: KeyHash,
    at: Place,
    places: Vec<Place>,
    moves: u64,
}

impl Mover {
    /// Installs a flow of `port`, to leave by the other port; `stash` are the stash slots that it may use.
    fn new(rig: &mut Rig, secret: &HashSecret, (port, family): (u8, Family), stash: Range<u32>) -> Self {
        let flow = datagram_flow_of(family, port, port, u16::from(1 - port));
        let [entry] = rig.install([flow]).expect("an almost empty table takes a flow");
        let hash = secret.hash(&flow.key.to_bits());
        let slots = slots_of(hash, rig.geometry().bucket_bits.into());
        let holds_it = |place: &&SlotPlace| {
            let slot = rig.table.placement().slot(**place);
            slot.valid() && slot.entry() == entry
        };
        let at = Place::Slot(*slots.iter().find(holds_it).expect("the driver put it into one of its slots"));
        let places = slots.into_iter().map(Place::Slot).chain(stash.map(Place::Stash)).collect();
        Self { entry, hash, at, places, moves: 0 }
    }

    /// Writes the slot at another place, then clears it at its old one.
    fn step(&mut self, rng: &mut ChaCha8Rng, rig: &mut Rig) {
        let to = self.places[rng.random_range(0..self.places.len())];
        if to != self.at {
            rig.submit(vec![to.write(self.hash, self.entry), self.at.clear()]);
            self.at = to;
            self.moves += 1;
        }
    }
}

/// The keys of a port's flows.
fn keys_of(port: u8) -> [FlowKey; 2] {
    FAMILIES.map(|family| datagram_flow_of(family, port, port, 0).key)
}

/// All slots that may hold a key.
fn slots_of(hash: KeyHash, bucket_bits: u32) -> Vec<SlotPlace> {
    let buckets = [hash.bucket0(bucket_bits), hash.bucket1(bucket_bits)];
    let place = |at: usize| SlotPlace { bank: (at / WAYS) as u8, bucket: buckets[at / WAYS], way: (at % WAYS) as u8 };
    (0..BANKS * WAYS).map(place).collect()
}

/// A secret under which no two flows share a bucket, so that none is moved over another.
fn secret_that_separates(rng: &mut ChaCha8Rng, width: Width) -> HashSecret {
    let geometry = width.geometry();
    loop {
        let secret = secret(rng);
        let keys = (0..geometry.ports).flat_map(keys_of);
        let mut slots: Vec<_> = keys.flat_map(|key| slots_of(secret.hash(&key.to_bits()), geometry.bucket_bits.into())).collect();
        let all = slots.len();
        slots.sort_by_key(|place| (place.bank, place.bucket, place.way));
        slots.dedup();
        if slots.len() == all {
            return secret;
        }
    }
}

/// Beats that have left by any port.
fn beats(rig: &Rig) -> u64 {
    let card = rig.transport.card();
    (0..rig.geometry().ports).map(|port| card.beats_sent(port.into())).sum()
}

/// Moves the flows of `ports` while they fill their ports: at 512 bits each of their frames is a beat.
fn move_under_traffic(width: Width, ports: Range<u8>) {
    let seed = seed();
    let mut rng = rng(seed);
    let secret = secret_that_separates(&mut rng, width);
    let mut rig = Rig::new(Setup { width, ..Setup::new(seed) }, secret);
    for egress in 0..2 {
        rig.add_next_hop(hop(egress));
    }
    let mut streams: Vec<_> = ports.clone().map(|port| Stream::of(keys_of(port).into(), MIN_FRAME_BYTES)).collect();
    let flows: Vec<_> = ports.flat_map(|port| FAMILIES.map(|family| (port, family))).collect();
    let stash = u32::from(rig.geometry().stash) / flows.len() as u32;
    assert!(stash > 0, "every flow may use the stash, too");
    let mut movers: Vec<_> = (0..)
        .zip(flows)
        .map(|(number, flow)| Mover::new(&mut rig, &secret, flow, number * stash..(number + 1) * stash))
        .collect();
    rig.await_commands();

    let begun = rig.clock();
    while movers.iter().any(|mover| mover.moves < MOVES) {
        streams.iter_mut().for_each(|stream| stream.feed(&mut rig));
        while rig.commands_under_way() < COMMANDS && movers.iter().any(|mover| mover.moves < MOVES) {
            movers.iter_mut().for_each(|mover| mover.step(&mut rng, &mut rig));
        }
        rig.run(STEP_CLOCKS);
    }
    let clocks = rig.clock() - begun;
    let rate = beats(&rig) as f64 / clocks as f64;
    let moves: u64 = movers.iter().map(|mover| mover.moves).sum();
    let report = rig.finish();
    println!(
        "{} bits: {moves} moves under {} frames in {clocks} clocks: {:.3} % of all beats used",
        width.geometry().width_bits,
        report.summary.injected,
        100.0 * rate
    );
    assert_eq!(report.count(Reason::Miss), 0, "a lookup missed an installed flow");
    assert_eq!(report.count(Reason::Forwarded), report.summary.injected, "every frame is forwarded");
    assert!(rate > LINE_RATE, "{rate:.5} beats a clock are not the data path's rate");
}

at_both_widths! {
    fn move_never_hides_a_flow_at_line_rate_of_its_port(width) {
        move_under_traffic(width, 0..1);
    }

    fn moves_never_hide_flows_when_both_ports_fill_the_data_path(width) {
        move_under_traffic(width, 0..2);
    }
}
