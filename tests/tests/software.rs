//! The software flowtable against the golden model: the same frames out, the same reasons, the same counters, on random traffic whose
//! table changes between any two batches.

use std::collections::HashMap;

use fpgaflow_abi::entry::{Action, Entry};
use fpgaflow_abi::geometry::Geometry;
use fpgaflow_abi::hash::HASH_BITS;
use fpgaflow_abi::key::{Family, FlowKey};
use fpgaflow_abi::next_hop::HOST_PORT;
use fpgaflow_abi::reason::Reason;
use fpgaflow_abi::slot::EntryRef;
use fpgaflow_abi::wire::{MIN_FRAME_BYTES, PROTO_GRE};
use fpgaflow_driver::card::PortSettings;
use fpgaflow_driver::frame::{Frame, HEADROOM_BYTES};
use fpgaflow_driver::software::{SoftwareTable, Verdict};
use fpgaflow_golden::{Card, Outcome, PortConfig};
use fpgaflow_tests::secret;
use fpgaflow_traffic::{Frames, Mix, Scenario, Sizes, Variety, rng, seed};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Size of the model: as many entries of either family as a card of this project's default size has of IPv4.
const GEOMETRY: Geometry = Geometry {
    width_bits: 64,
    ports: 2,
    hash_bits: HASH_BITS as u8,
    bucket_bits: 10,
    stash: 8,
    entries_v4: 4096,
    entries_v6: 4096,
    next_hops: 256,
    max_frame_bytes: 9018,
    clock_hz: 0,
    build_id: 0,
};

/// Most frames of a batch: several times what the table works on at once.
const BATCH: usize = 100;

/// Table and model, told the same things.
struct Pair<'a> {
    table: SoftwareTable,
    model: Card,
    scenario: &'a Scenario,
    rng: ChaCha8Rng,
    /// Entries that the model has free, by family.
    free: [Vec<u32>; 2],
    installed: HashMap<FlowKey, EntryRef>,
    changes: u64,
}

impl<'a> Pair<'a> {
    fn new(mut rng: ChaCha8Rng, scenario: &'a Scenario) -> Self {
        let table = SoftwareTable::new(secret(&mut rng), GEOMETRY.ports, GEOMETRY.max_frame_bytes, 0);
        let free = [Family::V4, Family::V6].map(|family| (0..GEOMETRY.entries(family)).collect());
        let mut pair = Self { table, model: Card::new(GEOMETRY), scenario, rng, free, installed: HashMap::new(), changes: 0 };
        pair.set_lookup(true);
        for port in 0..GEOMETRY.ports {
            pair.set_port(port, true, false);
        }
        for (index, hop) in (0..).zip(&scenario.next_hops) {
            pair.table.set_next_hop(index, hop).expect("the table takes what the model takes");
            pair.model.set_next_hop(index, *hop).expect("a next hop of the scenario");
        }
        for flow in &scenario.flows[..scenario.flows.len() * 4 / 5] {
            pair.install(flow);
        }
        pair
    }

    fn set_port(&mut self, port: u8, enabled: bool, promiscuous: bool) {
        let mac = [2, 0, 0, 0, 0, port];
        self.table.set_port(port, &PortSettings { mac, enabled, promiscuous, tail_drop: false }).expect("the port exists");
        self.model.set_port(port, PortConfig { mac, rx_enable: enabled, promiscuous }).expect("the port exists");
    }

    fn set_lookup(&mut self, on: bool) {
        self.table.set_lookup(on);
        self.model.set_lookup(on);
    }

    fn install(&mut self, flow: &Entry) {
        let family = flow.key.family();
        let at = EntryRef::of(family, self.free[family as usize].pop().expect("an entry for every flow"));
        self.table.insert(&flow.key, &flow.action).expect("the table takes what the model takes");
        self.model.install(at, *flow).expect("a flow of the scenario");
        self.installed.insert(flow.key, at);
    }

    /// Removes a flow, whose last counters must be the same.
    fn remove(&mut self, key: &FlowKey) {
        let at = self.installed.remove(key).expect("it is installed");
        let record = self.table.remove(key).expect("it is installed");
        let counters = self.model.remove(at).expect("it is installed");
        assert_eq!((record.packets, record.bytes), (counters.packets, counters.bytes), "last counters of {key:?}");
        self.free[at.family() as usize].push(at.index());
    }

    /// Changes something, or nothing.
    fn change(&mut self) {
        self.changes += 1;
        let hop = self.rng.random_range(0..self.scenario.next_hops.len());
        let flow = self.scenario.flows[self.rng.random_range(0..self.scenario.flows.len())];
        let installed = self.installed.get(&flow.key).copied();
        match (self.rng.random_range(0..20), installed) {
            (0, _) => {
                let on = self.rng.random_bool(0.9);
                self.set_lookup(on);
            }
            (1, _) => {
                let (port, enabled, promiscuous) =
                    (self.rng.random_range(0..GEOMETRY.ports), self.rng.random_bool(0.9), self.rng.random_bool(0.3));
                self.set_port(port, enabled, promiscuous);
            }
            (2..6, _) => {
                let mut next = self.scenario.next_hops[hop];
                next.egress = [0, 1, HOST_PORT][self.rng.random_range(0..3)];
                next.mtu = self.rng.random_range(40..3_000);
                next.valid = self.rng.random_bool(0.9);
                next.src_mac[5] = self.rng.random();
                next.encap = self.scenario.variety.egress(&mut self.rng);
                self.table.set_next_hop(hop as u16, &next).expect("the table takes what the model takes");
                self.model.set_next_hop(hop as u16, next).expect("the port exists");
            }
            (6..10, Some(at)) => {
                let mut action = Action { next_hop: hop as u16, ..flow.action };
                if flow.key.protocol != PROTO_GRE {
                    action.sport = self.rng.random();
                }
                self.table.set_action(&flow.key, &action).expect("it is installed");
                self.model.update(at, action).expect("it is installed");
            }
            (10..15, Some(_)) => self.remove(&flow.key),
            (10..20, None) => self.install(&flow),
            _ => {}
        }
    }

    /// What becomes of one frame, by both.
    fn compare(&mut self, port: u8, came: &[u8], verdict: Verdict, left: &[u8]) {
        let outcome = self.model.process(port, came).expect("the port exists");
        let flow_of = |entry: EntryRef| self.model.entry(entry).and_then(|entry| self.table.find(&entry.key));
        let expected = match &outcome {
            Outcome::Forwarded { port, entry, .. } => {
                Verdict::Forward { port: *port, flow: flow_of(*entry).expect("the table has the flow, too") }
            }
            Outcome::Punted { reason, entry } => Verdict::Punt { reason: *reason, flow: entry.and_then(flow_of) },
            Outcome::Dropped { reason } => Verdict::Drop { reason: *reason },
        };
        assert_eq!(verdict, expected, "by port {port}: {came:02x?}");
        let expected = if let Outcome::Forwarded { frame, .. } = &outcome { frame } else { came };
        assert!(left == expected, "{verdict:?}\n came {came:02x?}\n left {left:02x?}\n want {expected:02x?}");
    }
}

/// `count` frames of random traffic through both.
fn agree(count: usize, sizes: Sizes, variety: &Variety, flows: usize, change_share: f64) {
    let seed = seed();
    let mut rng = rng(seed);
    let scenario = Scenario::draw(&mut rng, GEOMETRY, flows, variety);
    let mut child = || ChaCha8Rng::seed_from_u64(rng.random());
    let mut pair = Pair::new(child(), &scenario);
    let mut frames = Frames::new(child(), &scenario, Mix::everything(), sizes);
    let mut rng = child();
    let mut done = 0;
    while done < count {
        let batch: Vec<_> = (0..rng.random_range(1..=BATCH)).map(|_| frames.draw()).collect();
        // Buffers are dirty behind their frames and in front of them, as those of an arena that is used again.
        let mut buffers: Vec<Vec<u8>> = batch
            .iter()
            .map(|frame| {
                let mut buffer = vec![0xdb; HEADROOM_BYTES + frame.bytes.len().max(MIN_FRAME_BYTES)];
                buffer[HEADROOM_BYTES..HEADROOM_BYTES + frame.bytes.len()].copy_from_slice(&frame.bytes);
                buffer
            })
            .collect();
        let mut views: Vec<_> = batch
            .iter()
            .zip(&mut buffers)
            .map(|(frame, buffer)| {
                Frame::new(frame.port, buffer, HEADROOM_BYTES..HEADROOM_BYTES + frame.bytes.len()).expect("room to pad")
            })
            .collect();
        let mut verdicts = vec![Verdict::default(); batch.len()];
        pair.table.process_batch(&mut views, 7, &mut verdicts);
        for ((frame, view), verdict) in batch.iter().zip(&views).zip(verdicts) {
            pair.compare(frame.port, &frame.bytes, verdict, view.bytes());
        }
        done += batch.len();
        while rng.random_bool(change_share) {
            pair.change();
        }
    }
    assert_eq!(pair.table.reasons(), pair.model.reasons());
    let forwarded = pair.model.reasons()[Reason::Forwarded as usize] as usize;
    println!("{done} frames, {forwarded} forwarded, {} changes", pair.changes);
    assert!(forwarded > done / 20, "too little was forwarded to say anything");
    let keys: Vec<_> = pair.installed.keys().copied().collect();
    for key in keys {
        pair.remove(&key);
    }
    assert!(pair.table.is_empty());
}

#[test]
fn software_and_model_agree_on_small_frames_while_everything_changes() {
    agree(600_000, Sizes::Small, &Variety::everything(), 400, 0.6);
}

#[test]
fn software_and_model_agree_on_frames_of_every_size() {
    agree(150_000, Sizes::Mixed, &Variety::everything(), 50, 0.3);
}

#[test]
fn software_and_model_agree_on_many_flows_that_stay() {
    agree(450_000, Sizes::Small, &Variety::everything(), GEOMETRY.entries_v4 as usize, 0.05);
}

#[test]
fn software_and_model_agree_on_plain_frames() {
    agree(300_000, Sizes::Small, &Variety::plain(), 400, 0.3);
}
