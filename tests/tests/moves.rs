//! A flow under traffic at line rate while its slot moves: it is never missed.

use std::ops::Range;

use fpgaflow_abi::descriptor::Command;
use fpgaflow_abi::geometry::Geometry;
use fpgaflow_abi::hash::{HashSecret, KeyHash};
use fpgaflow_abi::reason::Reason;
use fpgaflow_abi::slot::{BANKS, EntryRef, Slot, SlotPlace, StashSlot, WAYS};
use fpgaflow_abi::wire::MIN_FRAME_BYTES;
use fpgaflow_tests::{GEOMETRY, Rig, Setup, Stream, datagram_flow, hop, secret};
use fpgaflow_traffic::{rng, seed};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;

/// Moves of each flow.
const MOVES: u64 = 5_000;
/// Clocks between two looks: commands are posted and ports fed in between.
const STEP_CLOCKS: u64 = 64;
/// Commands under way at most: a few moves, so that the card never waits for the next.
const COMMANDS: usize = 16;

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
    stream: Stream,
    entry: EntryRef,
    hash: KeyHash,
    at: Place,
    places: Vec<Place>,
    moves: u64,
}

impl Mover {
    /// Installs the flow of `port`, to leave by the other port; `stash` are the stash slots that it may use.
    fn new(rig: &mut Rig, secret: &HashSecret, port: u8, stash: Range<u32>) -> Self {
        let flow = datagram_flow(port, port, u16::from(1 - port));
        let [entry] = rig.install([flow]).expect("an almost empty table takes a flow");
        let hash = hash_of(secret, port);
        let slots = slots_of(hash, &rig.geometry());
        let holds_it = |place: &&SlotPlace| {
            let slot = rig.table.placement().slot(**place);
            slot.valid() && slot.entry() == entry
        };
        let at = Place::Slot(*slots.iter().find(holds_it).expect("the driver put it into one of its slots"));
        let places = slots.into_iter().map(Place::Slot).chain(stash.map(Place::Stash)).collect();
        Self { stream: Stream::new(flow.key, MIN_FRAME_BYTES), entry, hash, at, places, moves: 0 }
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

fn hash_of(secret: &HashSecret, port: u8) -> KeyHash {
    secret.hash(&datagram_flow(port, port, 0).key.to_bits())
}

/// All slots that may hold a key.
fn slots_of(hash: KeyHash, geometry: &Geometry) -> Vec<SlotPlace> {
    let bits = geometry.bucket_bits.into();
    let buckets = [hash.bucket0(bits), hash.bucket1(bits)];
    let place = |at: usize| SlotPlace { bank: (at / WAYS) as u8, bucket: buckets[at / WAYS], way: (at % WAYS) as u8 };
    (0..BANKS * WAYS).map(place).collect()
}

/// A secret under which the flows of both ports share no bucket, so that neither is moved over the other.
fn secret_that_separates(rng: &mut ChaCha8Rng) -> HashSecret {
    loop {
        let secret = secret(rng);
        let [a, b] = [0, 1].map(|port| slots_of(hash_of(&secret, port), &GEOMETRY));
        if !a.iter().any(|place| b.contains(place)) {
            return secret;
        }
    }
}

/// Beats that have left by any port.
fn beats(rig: &Rig) -> u64 {
    let card = rig.transport.card();
    (0..GEOMETRY.ports).map(|port| card.beats_sent(port.into())).sum()
}

/// Moves the flows of `ports` while each of them fills its port. Returns how many beats a clock left.
fn move_under_traffic(ports: Range<u8>) -> f64 {
    let seed = seed();
    let mut rng = rng(seed);
    let secret = secret_that_separates(&mut rng);
    let mut rig = Rig::new(Setup::new(seed), secret);
    for egress in 0..2 {
        rig.add_next_hop(hop(egress));
    }
    let stash = u32::from(rig.geometry().stash) / u32::from(ports.end);
    let mut movers: Vec<_> =
        ports.map(|port| Mover::new(&mut rig, &secret, port, u32::from(port) * stash..u32::from(port + 1) * stash)).collect();
    rig.await_commands();

    let begun = rig.clock();
    while movers.iter().any(|mover| mover.moves < MOVES) {
        for mover in &mut movers {
            mover.stream.feed(&mut rig);
            while mover.moves < MOVES && rig.commands_under_way() < COMMANDS {
                mover.step(&mut rng, &mut rig);
            }
        }
        rig.run(STEP_CLOCKS);
    }
    let clocks = rig.clock() - begun;
    let rate = beats(&rig) as f64 / clocks as f64;
    let moves: u64 = movers.iter().map(|mover| mover.moves).sum();
    let report = rig.finish();
    println!(
        "{moves} moves under {} frames in {clocks} clocks: {:.2} % of all beats used",
        report.summary.injected,
        100.0 * rate
    );
    assert_eq!(report.count(Reason::Miss), 0, "a lookup missed an installed flow");
    assert_eq!(report.count(Reason::Forwarded), report.summary.injected, "every frame is forwarded");
    rate
}

#[test]
fn move_never_hides_a_flow_at_line_rate_of_its_port() {
    let rate = move_under_traffic(0..1);
    assert!(rate > 0.99, "{rate:.4} beats a clock is not line rate");
}

#[test]
fn moves_never_hide_flows_when_both_ports_fill_the_data_path() {
    let rate = move_under_traffic(0..2);
    assert!(rate > 0.99, "{rate:.4} beats a clock is not the data path's rate");
}
