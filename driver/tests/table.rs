//! The flow table against a map of flows, with every command executed by a model card and every lookup checked between commands.

mod support;

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, Ipv6Addr};

use fpgaflow_abi::counters::CounterRecord;
use fpgaflow_abi::descriptor::{Command, Opcode, Status};
use fpgaflow_abi::entry::{Action, Entry};
use fpgaflow_abi::geometry::Geometry;
use fpgaflow_abi::hash::HashSecret;
use fpgaflow_abi::key::{Addresses, Encap, Family, FlowKey};
use fpgaflow_abi::next_hop::{HOST_PORT, NextHop};
use fpgaflow_abi::regs::TableRow;
use fpgaflow_abi::slot::{EntryRef, Slot, SlotPlace};
use fpgaflow_driver::placement::{Effort, Refusal};
use fpgaflow_driver::table::{FlowError, FlowTable, NextHopError};
use rand::{Rng, RngExt};
use support::GEOMETRY;
use support::tables::{Hashes, Tables};

const TINY: Geometry = Geometry { bucket_bits: 3, stash: 3, entries_v4: 50, entries_v6: 20, next_hops: 3, ..GEOMETRY };

const HOP: NextHop =
    NextHop { egress: 1, mtu: 1500, src_mac: [2, 0, 0, 0, 0, 1], dst_mac: [2, 0, 0, 0, 0, 2], encap: Encap::NONE, valid: true };

/// Flow `number` of `family`, translated to something that depends on `variant`.
fn flow(family: Family, number: u16, variant: u16, next_hop: u16) -> Entry {
    let pair = |src: u16, dst: u16| match family {
        Family::V4 => Addresses::V4 {
            src: Ipv4Addr::new(10, 0, (src >> 8) as u8, src as u8),
            dst: Ipv4Addr::new(198, 51, (dst >> 8) as u8, dst as u8),
        },
        Family::V6 => Addresses::V6 {
            src: Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, src),
            dst: Ipv6Addr::new(0x2001, 0xdb8, 1, 0, 0, 0, 0, dst),
        },
    };
    let key =
        FlowKey { ingress: 0, encap: Encap::NONE, protocol: 6, addresses: pair(number, 7), sport: 40_000 + number, dport: 443 };
    Entry { key, action: Action { addresses: pair(variant, 7), sport: variant, dport: 443, next_hop }, valid: true }
}

/// The other direction of `flow`.
fn reverse(flow: &Entry) -> Entry {
    let turned = |addresses| match addresses {
        Addresses::V4 { src, dst } => Addresses::V4 { src: dst, dst: src },
        Addresses::V6 { src, dst } => Addresses::V6 { src: dst, dst: src },
    };
    Entry {
        key: FlowKey {
            ingress: 1,
            addresses: turned(flow.action.addresses),
            sport: flow.action.dport,
            dport: flow.action.sport,
            ..flow.key
        },
        action: Action {
            addresses: turned(flow.key.addresses),
            sport: flow.key.dport,
            dport: flow.key.sport,
            next_hop: flow.action.next_hop,
        },
        valid: true,
    }
}

/// A table, the card that executes its commands, and the flows that should be in both.
struct Rig {
    table: FlowTable,
    card: Tables,
    secret: HashSecret,
    hashes: Hashes,
    flows: BTreeMap<FlowKey, Action>,
    out: Vec<Command>,
    barriers: usize,
}

impl Rig {
    fn new(geometry: &Geometry, secret: HashSecret) -> Self {
        let mut rig = Self {
            table: FlowTable::new(geometry, secret),
            card: Tables::new(geometry),
            secret,
            hashes: Hashes::default(),
            flows: BTreeMap::new(),
            out: Vec::new(),
            barriers: 0,
        };
        for index in 0..2 {
            assert_eq!(rig.table.add_next_hop(HOP, &mut rig.out), Ok(index));
        }
        rig.execute(&BTreeMap::new());
        rig
    }

    /// Executes what the table emitted; after every command every flow in `lasting` is found with one of its actions.
    fn execute(&mut self, lasting: &BTreeMap<FlowKey, Vec<Action>>) {
        for command in std::mem::take(&mut self.out) {
            assert_eq!(self.card.execute(&command), Status::Ok, "{command:?}");
            self.barriers += usize::from(command.head.opcode() == Opcode::Barrier as u8);
            if command.head.opcode() == Opcode::ClearCounters as u8 {
                let entry = EntryRef::from_bits(command.index);
                let linked = self.card.slots.iter().chain(self.card.stash.iter().map(|s| &s.slot));
                let mut linked = linked.filter(|slot| slot.valid()).map(|slot| slot.entry());
                assert!(linked.all(|other| other != entry), "counters of {entry:?} cleared while a slot names it");
            }
            for (key, actions) in lasting {
                let hash = self.hashes.of(&self.secret, key);
                let (_, found) = self.card.lookup(key, hash).unwrap_or_else(|| panic!("{key:?} hidden by {command:?}"));
                assert!(actions.contains(&found.action));
            }
        }
    }

    /// The flows that must be found whatever happens to `changed`.
    fn lasting(&self, changed: &[FlowKey]) -> BTreeMap<FlowKey, Vec<Action>> {
        self.flows.iter().filter(|(key, _)| !changed.contains(key)).map(|(key, action)| (*key, vec![*action])).collect()
    }

    /// Table and card both hold the flows and nothing else.
    fn check(&mut self) {
        assert_eq!(self.table.len(), self.flows.len());
        for (key, action) in &self.flows {
            let entry = self.table.find(key).unwrap();
            let hash = self.hashes.of(&self.secret, key);
            let (found, held) = self.card.lookup(key, hash).unwrap();
            assert_eq!((found, held.action), (entry, *action));
            assert_eq!(self.table.entry(entry), Some(Entry { key: *key, action: *action, valid: true }));
        }
        let listed: BTreeMap<_, _> = self.table.iter().map(|(_, flow)| (flow.key, flow.action)).collect();
        assert_eq!(listed, self.flows);
        let used = |index| self.flows.values().filter(|action| action.next_hop == index).count() as u32;
        assert_eq!([0, 1].map(|index| self.table.next_hop_users(index)), [0, 1].map(used));
    }

    fn install(&mut self, flows: [Entry; 2]) -> Result<[EntryRef; 2], FlowError> {
        let lasting = self.lasting(&[]);
        let before = (self.table.len(), self.table.placement().occupied().collect::<Vec<_>>());
        let result = self.table.install(flows, Effort::LAST, &mut self.out);
        match &result {
            Ok(_) => self.flows.extend(flows.map(|flow| (flow.key, flow.action))),
            Err(_) => {
                assert!(self.out.is_empty(), "a refusal emits nothing");
                assert_eq!(before, (self.table.len(), self.table.placement().occupied().collect::<Vec<_>>()));
            }
        }
        self.execute(&lasting);
        result
    }

    fn remove(&mut self, key: &FlowKey) {
        let lasting = self.lasting(&[*key]);
        self.table.remove(key, &mut self.out).unwrap();
        self.flows.remove(key);
        self.execute(&lasting);
    }
}

#[test]
fn flows_come_and_go_and_no_command_hides_one() {
    let mut rng = support::generator(support::seed());
    let (mut refused, mut installed, mut barriers, mut rekeys) = (0, 0, 0, 0);
    for _ in 0..6 {
        let mut rig = Rig::new(&TINY, support::secret(&mut rng));
        for _ in 0..400 {
            let family = if rng.random_bool(0.7) { Family::V4 } else { Family::V6 };
            let key_at = |rig: &Rig, rng: &mut rand_chacha::ChaCha8Rng| {
                rig.flows.keys().nth(rng.random_range(0..rig.flows.len().max(1))).copied()
            };
            match rng.random_range(0..10) {
                0..6 => {
                    let there = flow(family, rng.random_range(0..60), rng.random(), rng.random_range(0..2));
                    match rig.install([there, reverse(&there)]) {
                        Ok(_) => installed += 1,
                        Err(_) => refused += 1,
                    }
                }
                6..9 => {
                    if let Some(key) = key_at(&rig, &mut rng) {
                        rig.remove(&key);
                    }
                }
                _ => {
                    if let Some(key) = key_at(&rig, &mut rng) {
                        let action = flow(key.family(), 0, rng.random(), rng.random_range(0..2)).action;
                        let mut lasting = rig.lasting(&[]);
                        lasting.get_mut(&key).unwrap().push(action);
                        rig.table.set_action(&key, action, &mut rig.out).unwrap();
                        rig.flows.insert(key, action);
                        rig.execute(&lasting);
                    }
                }
            }
            rig.check();
            if rng.random_bool(0.02) {
                rekeys += 1;
                rekey(&mut rig, support::secret(&mut rng));
                rig.check();
            }
        }
        barriers += rig.barriers;
    }
    println!("{installed} pairs installed, {refused} refused, {barriers} barriers, {rekeys} rekeys");
    assert!(refused > 0 && barriers > 0 && barriers < installed / 2, "one barrier serves many");
}

fn rekey(rig: &mut Rig, secret: HashSecret) {
    let plan = rig.table.plan_rekey(secret, Effort::LAST);
    for key in plan.homeless() {
        rig.flows.remove(key);
    }
    assert_eq!(*plan.secret(), secret);
    rig.table.rekey(plan, &mut rig.out);
    // Lookup is off while these are executed.
    rig.execute(&BTreeMap::new());
    rig.secret = secret;
    rig.hashes = Hashes::default();
}

#[test]
fn a_card_that_lost_everything_is_told_everything() {
    let mut rng = support::generator(support::seed());
    let mut rig = Rig::new(&TINY, support::secret(&mut rng));
    for number in 0..28 {
        let there = flow(if number % 4 == 0 { Family::V6 } else { Family::V4 }, number, rng.next_u32() as u16, number % 2);
        let _ = rig.install([there, reverse(&there)]);
    }
    let gone = *rig.flows.keys().next().unwrap();
    rig.remove(&gone);
    rig.card = Tables::new(&TINY);
    rig.out = rig.table.image().collect();
    let first = |opcode| rig.out.iter().position(|command| command.head.opcode() == opcode as u8).unwrap();
    let last = |opcode| rig.out.iter().rposition(|command| command.head.opcode() == opcode as u8).unwrap();
    assert!(last(Opcode::WriteNextHop) < first(Opcode::WriteEntry) && last(Opcode::WriteEntry) < first(Opcode::WriteSlot));
    rig.execute(&BTreeMap::new());
    rig.check();
    assert_eq!(rig.card.next_hop(1), Some(HOP));
}

#[test]
fn counters_start_anew_on_a_card_that_is_told_everything() {
    let mut rig = Rig::new(&TINY, HashSecret([0x1234_5678_9abc_def1; 7]));
    let there = flow(Family::V4, 1, 77, 0);
    let entries = rig.install([there, reverse(&there)]).unwrap();
    // A reset empties the slots; counters live in memory that keeps what it holds.
    rig.card = Tables::new(&TINY);
    for entry in entries {
        rig.card.counters[0][entry.index() as usize] = CounterRecord { packets: 5, bytes: 500, last_seen: 7 };
    }
    rig.out = rig.table.image().collect();
    rig.execute(&BTreeMap::new());
    for entry in entries {
        assert_eq!(rig.card.counters[0][entry.index() as usize], CounterRecord::default());
    }
}

#[test]
fn both_directions_or_none() {
    let mut rig = Rig::new(&TINY, HashSecret([0x1234_5678_9abc_def1; 7]));
    let there = flow(Family::V4, 1, 77, 0);
    let mut back = reverse(&there);
    back.action.next_hop = 2;
    assert_eq!(rig.install([there, back]), Err(FlowError::NoNextHop { key: back.key, next_hop: 2 }));
    back.action.next_hop = 0;
    back.key.ingress = 2;
    assert_eq!(rig.install([there, back]), Err(FlowError::NoPort { key: back.key, ports: 2 }));
    let mixed = Entry { action: flow(Family::V6, 1, 1, 0).action, ..there };
    assert_eq!(rig.install([mixed, there]), Err(FlowError::FamilyMismatch { key: mixed.key }));
    assert_eq!(rig.install([there, there]), Err(FlowError::Installed { key: there.key }));
    assert!(rig.table.is_empty());
    rig.install([there, reverse(&there)]).unwrap();
    assert_eq!(rig.install([there, reverse(&there)]), Err(FlowError::Installed { key: there.key }));
    rig.check();
}

#[test]
fn an_entry_is_reused_with_zero_counters_and_behind_one_barrier_for_all() {
    let geometry = Geometry { entries_v4: 8, ..TINY };
    let mut rig = Rig::new(&geometry, HashSecret([0x9e37_79b9_7f4a_7c15, 2, 3, 0xffff_1234_0000_0001, 5, 6, 7]));
    let pairs: Vec<_> =
        (0..4).map(|number| flow(Family::V4, number, 900 + number, 0)).map(|there| [there, reverse(&there)]).collect();
    for pair in &pairs {
        rig.install(*pair).unwrap();
    }
    let more = flow(Family::V4, 9, 999, 0);
    assert_eq!(rig.install([more, reverse(&more)]), Err(FlowError::NoFreeEntry { family: Family::V4 }));
    rig.card.counters[0].fill(CounterRecord { packets: 1, bytes: 60, last_seen: 3 });
    for key in pairs.iter().flatten().map(|flow| flow.key) {
        rig.remove(&key);
    }
    assert_eq!(rig.barriers, 0, "none before it is needed");
    for pair in &pairs {
        for entry in rig.install(*pair).unwrap() {
            assert_eq!(rig.card.counter(entry), CounterRecord::default());
        }
    }
    assert_eq!(rig.barriers, 1);
}

#[test]
fn settling_frees_everything_at_once_and_only_when_there_is_something() {
    let mut rig = Rig::new(&TINY, HashSecret([3; 7]));
    rig.table.settle(&mut rig.out);
    assert!(rig.out.is_empty());
    let there = flow(Family::V4, 1, 1, 0);
    let there_v6 = flow(Family::V6, 1, 1, 1);
    rig.install([there, reverse(&there)]).unwrap();
    rig.install([there_v6, reverse(&there_v6)]).unwrap();
    for key in [there.key, there_v6.key, reverse(&there_v6).key] {
        rig.remove(&key);
    }
    rig.table.remove_next_hop(1, &mut rig.out).unwrap();
    rig.out.clear();
    rig.table.settle(&mut rig.out);
    rig.table.settle(&mut rig.out);
    assert_eq!(rig.out, [Command::barrier()]);
}

#[test]
fn a_next_hop_is_changed_by_one_write_and_kept_while_it_is_used() {
    let mut rig = Rig::new(&TINY, HashSecret([5; 7]));
    let there = flow(Family::V4, 1, 1, 1);
    rig.install([there, reverse(&there)]).unwrap();
    let moved = NextHop { dst_mac: [2, 0, 0, 0, 9, 9], ..HOP };
    rig.table.set_next_hop(1, moved, &mut rig.out).unwrap();
    assert_eq!(rig.out.len(), 1);
    rig.execute(&rig.lasting(&[]));
    assert_eq!(rig.card.next_hop(1), Some(moved));
    let table = &mut rig.table;
    assert_eq!(table.remove_next_hop(1, &mut rig.out), Err(NextHopError::InUse { index: 1, users: 2 }));
    assert_eq!(table.set_next_hop(2, HOP, &mut rig.out), Err(NextHopError::NotThere { index: 2 }));
    assert_eq!(table.add_next_hop(NextHop { egress: 2, ..HOP }, &mut rig.out), Err(NextHopError::NoPort { egress: 2, ports: 2 }));
    assert_eq!(table.add_next_hop(NextHop { egress: HOST_PORT, ..HOP }, &mut rig.out), Ok(2));
    assert_eq!(table.add_next_hop(HOP, &mut rig.out), Err(NextHopError::NoFree { next_hops: 3 }));
    rig.out.clear();
    table.remove_next_hop(0, &mut rig.out).unwrap();
    assert_eq!(table.add_next_hop(HOP, &mut rig.out), Ok(0));
    let opcodes: Vec<_> = rig.out.iter().map(|command| Opcode::from_code(command.head.opcode()).unwrap()).collect();
    assert_eq!(opcodes, [Opcode::WriteNextHop, Opcode::Barrier, Opcode::WriteNextHop]);
}

#[test]
fn a_bad_secret_is_noticed_and_a_new_one_repairs_it() {
    // Under a secret of zeros every key has hash 0.
    let mut rig = Rig::new(&TINY, HashSecret([0; 7]));
    let flows: Vec<_> = (0..20).map(|number| flow(Family::V4, number, 800 + number, 0)).collect();
    rig.install([flows[0], flows[1]]).unwrap_err();
    let error = rig
        .table
        .install([flows[0]], Effort::LAST, &mut rig.out)
        .and_then(|_| rig.table.install([flows[1]], Effort::LAST, &mut rig.out));
    assert_eq!(error, Err(FlowError::NoPlace { key: flows[1].key, source: Refusal::HashTaken }));
    assert!(rig.table.wants_rekey());
    rig.flows.insert(flows[0].key, flows[0].action);
    rig.execute(&BTreeMap::new());
    let mut rng = support::generator(support::seed());
    rekey(&mut rig, support::secret(&mut rng));
    assert!(!rig.table.wants_rekey());
    rig.check();
    for flow in &flows[1..] {
        rig.table.install([*flow], Effort::LAST, &mut rig.out).unwrap();
        rig.flows.insert(flow.key, flow.action);
    }
    rig.execute(&BTreeMap::new());
    rig.check();
}

#[test]
fn an_ipv6_entry_goes_in_three_parts_of_which_the_model_card_takes_no_other_order() {
    let mut rig = Rig::new(&TINY, support::secret(&mut support::generator(support::seed())));
    let flow = flow(Family::V6, 1, 2, 0);
    let [entry, _] = rig.install([flow, reverse(&flow)]).unwrap();
    assert_eq!(entry.family(), Family::V6);
    rig.check();
    let row = flow.to_bits();
    let part = |part| Command::write_entry(entry, &row, part);
    for (first, second) in [(0, 2), (0, 0), (1, 2)] {
        let statuses = [part(first), part(second)].map(|command| rig.card.execute(&command));
        assert!(statuses.contains(&Status::BadOpcode), "parts {first}, {second}");
    }
    rig.check();
}

#[test]
fn gre_is_taken_as_it_is_or_refused() {
    let mut rig = Rig::new(&TINY, support::secret(&mut support::generator(support::seed())));
    for family in [Family::V4, Family::V6] {
        let translated =
            Entry { key: FlowKey { protocol: 47, sport: 0, dport: 0, ..flow(family, 1, 2, 0).key }, ..flow(family, 1, 2, 0) };
        let action = Action { addresses: translated.key.addresses, sport: 0, dport: 0, next_hop: 0 };
        let plain = Entry { action, ..translated };
        let refused = rig.install([plain, translated]);
        assert_eq!(refused, Err(FlowError::TranslatedGre { key: translated.key }));
        rig.install([plain, reverse(&plain)]).unwrap();
        rig.check();
        assert_eq!(
            rig.table.set_action(&plain.key, translated.action, &mut rig.out),
            Err(FlowError::TranslatedGre { key: plain.key })
        );
    }
}

#[test]
fn every_row_that_went_bad_is_written_as_it_was() {
    let mut rig = Rig::new(&TINY, support::secret(&mut support::generator(support::seed())));
    for number in 0..8 {
        for family in [Family::V4, Family::V6] {
            let flow = flow(family, number, 800 + number, 0);
            rig.install([flow, reverse(&flow)]).unwrap();
        }
    }
    rig.check();
    let slots = (0..TINY.slots()).map(|index| TableRow::Slot(SlotPlace::from_index(index)));
    let entries = rig.table.iter().map(|(entry, _)| TableRow::Entry(entry));
    let hops = (0..TINY.next_hops as u16).map(TableRow::NextHop);
    let rows: Vec<_> = slots.chain(entries).chain(hops).collect();
    let (slots, entries, next_hops) = (rig.card.slots.clone(), rig.card.entries.clone(), rig.card.next_hops.clone());
    for row in rows {
        match row {
            TableRow::Slot(place) => rig.card.slots[place.index() as usize] = Slot::new().with_valid(true).with_tag(1),
            TableRow::Entry(entry) => rig.card.entries[entry.family() as usize][entry.index() as usize].0[0] ^= 1,
            TableRow::NextHop(index) => rig.card.next_hops[usize::from(index)].0[0] ^= 1,
        }
        for command in rig.table.rewrite(row) {
            assert_eq!(rig.card.execute(&command), Status::Ok, "{row:?}");
        }
        assert_eq!(rig.card.slots, slots, "{row:?}");
        assert_eq!((&rig.card.entries, &rig.card.next_hops), (&entries, &next_hops), "{row:?}");
    }
    rig.check();
}
