//! The flow table: exactly when a write counts, and that a move never hides a flow.

use std::collections::VecDeque;

use fpgaflow_abi::entry::Entry;
use fpgaflow_abi::hash::KeyHash;
use fpgaflow_abi::key::{Family, FlowKey, KEY_BITS_V4, KEY_BITS_V6};
use fpgaflow_abi::slot::{EntryRef, SlotPlace};
use fpgaflow_hdl::prim::PARITY_BITS;
use fpgaflow_hdl::table::{ENTRY_READ, FlowTable, LATENCY, SLOT_READ};
use fpgaflow_hdl_guard::{Model, Port, model, rng};
use rand::RngExt;
use rand::seq::IndexedRandom;
use rand_chacha::ChaCha8Rng;

use crate::host::{Flow, Host, Spot};
use crate::records::{self, Answer, Words, entry_row_write, entry_write, random_entry, random_family, random_key, random_secret};

const BB: usize = 5;
const EW4: usize = 9;
const EW6: usize = 6;
const REF: usize = EW4 + 1;
pub const SLOT: usize = REF + 17 + PARITY_BITS;
const STASH: usize = 8;
pub const FAMILIES: [Family; 2] = [Family::V4, Family::V6];
/// Entries of a family.
const fn entries(family: Family) -> u32 {
    match family {
        Family::V4 => 1 << EW4,
        Family::V6 => 1 << EW6,
    }
}

/// The block with a secret set and the answers it owes.
pub struct Rig {
    pub model: Model,
    lookup_valid: Port,
    can_hit: Port,
    key: Port,
    write_valid: Port,
    write: Port,
    answer_valid: Port,
    answer: Port,
    clock: usize,
    /// Whether there is a lookup on its way, oldest first, one a clock.
    on_the_way: VecDeque<bool>,
}

impl Rig {
    pub fn new(host: &Host) -> Self {
        let mut model = model("flow_table", FlowTable::<BB, EW4, EW6, REF, SLOT, STASH>::default());
        let secret = model.port("secret");
        model.set_words(secret, &host.secret.0);
        let port = |name| model.port(name);
        Self {
            lookup_valid: port("lookup_valid"),
            can_hit: port("can_hit"),
            key: port("key"),
            write_valid: port("write_valid"),
            write: port("write"),
            answer_valid: port("answer_valid"),
            answer: port("answer"),
            clock: 0,
            on_the_way: VecDeque::from(vec![false; LATENCY]),
            model,
        }
    }

    /// One clock with a lookup, a write, both or none. Gives the answer of this clock.
    pub fn clock(&mut self, lookup: Option<&FlowKey>, write: Option<Words>) -> Option<Answer> {
        self.model.set(self.lookup_valid, lookup.is_some().into());
        self.model.set(self.can_hit, lookup.is_some().into());
        if let Some(key) = lookup {
            self.model.set_words(self.key, &key.to_bits().0);
        }
        self.model.set(self.write_valid, write.is_some().into());
        if let Some(write) = write {
            self.model.set_words(self.write, &write.0);
        }
        self.on_the_way.push_back(lookup.is_some());
        let due = self.on_the_way.pop_front().expect("it has one place a clock");
        assert_eq!(self.model.get(self.answer_valid) == 1, due, "clock {}: an answer too many or too few", self.clock);
        let answer = due.then(|| Answer::from_words(&records::get(&self.model, self.answer)));
        self.model.tick();
        self.clock += 1;
        answer
    }

    pub fn write(&mut self, write: Words) {
        self.clock(None, Some(write));
    }

    /// Looks one key up with nothing else on the way; `None` for a miss.
    fn look_up(&mut self, key: &FlowKey) -> Option<Answer> {
        self.clock(Some(key), None);
        for _ in 1..LATENCY {
            assert_eq!(self.clock(None, None), None, "an answer came early");
        }
        self.clock(None, None).expect("an answer is due").filter_hit()
    }
}

pub fn host(rng: &mut ChaCha8Rng) -> Host {
    Host::new(random_secret(rng), BB as u32, STASH as u32)
}

/// A flow of its own, not installed yet, and its entry.
pub fn flow(rng: &mut ChaCha8Rng, host: &mut Host, at: EntryRef) -> (Flow, Entry) {
    let key = random_key(rng, at.family());
    let flow = host.install(rng, key, at).expect("the table is all but empty");
    (flow, random_entry(rng, key, 1 << 12))
}

#[test]
fn an_installed_flow_is_found_in_every_place_it_may_be() {
    let mut rng = rng();
    let mut host = host(&mut rng);
    let mut rig = Rig::new(&host);
    let indices = |family| [0, 1, 47, entries(family) - 1].map(|index| EntryRef::of(family, index));
    for at in FAMILIES.into_iter().flat_map(indices) {
        let (mut flow, entry) = flow(&mut rng, &mut host, at);
        rig.write(entry_write(at, &entry));
        let slots = host.places(flow.hash).into_iter().map(Spot::Slot);
        for spot in slots.chain((0..STASH as u32).map(Spot::Stash)) {
            flow.spot = spot;
            assert_eq!(rig.look_up(&flow.key), None);
            rig.write(flow.put());
            assert_eq!(rig.look_up(&flow.key), Some(Answer::of(at, &entry)), "{at:?} at {spot:?}");
            let family = random_family(&mut rng);
            assert_eq!(rig.look_up(&random_key(&mut rng, family)), None);
            rig.write(flow.clear());
        }
    }
}

/// Whether the lookup started `ahead` clocks before `write` (after it, if negative) hits; the flow is otherwise installed.
fn sees(rig: &mut Rig, key: &FlowKey, write: Words, ahead: isize) -> bool {
    const WRITE_AT: isize = 20;
    let mut found = false;
    for clock in 0..2 * WRITE_AT + LATENCY as isize {
        let lookup = (clock == WRITE_AT - ahead).then_some(key);
        if let Some(answer) = rig.clock(lookup, (clock == WRITE_AT).then_some(write)) {
            found = answer.hit;
        }
    }
    found
}

#[test]
fn a_write_counts_for_exactly_the_lookups_that_the_contract_names() {
    for family in FAMILIES {
        a_write_counts_where_it_should(EntryRef::of(family, 5));
    }
}

fn a_write_counts_where_it_should(at: EntryRef) {
    let mut rng = rng();
    let mut host = host(&mut rng);
    let mut rig = Rig::new(&host);
    let (mut flow, entry) = flow(&mut rng, &mut host, at);
    let invalid = entry_write(at, &Entry { valid: false, ..entry });
    let places = host.places(flow.hash).into_iter().map(Spot::Slot).chain((0..STASH as u32).map(Spot::Stash));
    for spot in places {
        flow.spot = spot;
        for (setup, write, undo, reads) in [
            (entry_write(at, &entry), flow.put(), flow.clear(), SLOT_READ),
            (flow.put(), entry_write(at, &entry), invalid, ENTRY_READ),
        ] {
            rig.write(setup);
            for ahead in -3..=10 {
                rig.write(undo);
                assert_eq!(
                    sees(&mut rig, &flow.key, write, ahead),
                    ahead <= reads as isize,
                    "{spot:?}: a lookup {ahead} clocks ahead of a write that is read {reads} clocks in"
                );
                // And the other way round: taken away.
                assert_eq!(sees(&mut rig, &flow.key, undo, ahead), ahead > reads as isize, "{spot:?}: taken away, {ahead} ahead");
            }
        }
        rig.write(flow.clear());
    }
}

#[test]
fn an_entry_written_right_before_its_slot_is_always_there() {
    let mut rng = rng();
    let mut host = host(&mut rng);
    let mut rig = Rig::new(&host);
    for index in 0..200 {
        let (flow, entry) = flow(&mut rng, &mut host, EntryRef::of(FAMILIES[index as usize % 2], index / 2 % 64));
        let mut answers = vec![];
        for clock in 0..40 {
            let write = match clock {
                10 => Some(entry_write(flow.entry, &entry)),
                11 => Some(flow.put()),
                30 => Some(flow.clear()),
                _ => None,
            };
            answers.extend(rig.clock(Some(&flow.key), write));
        }
        // Misses, then hits from the first that can see the slot, then misses: never a gap. `answers[i]` is that of lookup `i`.
        let first = 11 - SLOT_READ;
        let last = 30 - SLOT_READ;
        for (k, answer) in answers.iter().enumerate() {
            let expected = (first..last).contains(&k).then(|| Answer::of(flow.entry, &entry));
            assert_eq!(answer.filter_hit(), expected, "flow {index}, lookup {k}");
        }
        for _ in 0..LATENCY {
            rig.clock(None, None);
        }
        host.remove(0);
    }
}

/// Moves one flow about for `moves` moves of two clocks under a lookup of it in every clock; gives the misses.
fn misses_while_moving(rng: &mut ChaCha8Rng, at: EntryRef, moves: usize, clear_first: bool) -> usize {
    let mut host = host(rng);
    let mut rig = Rig::new(&host);
    let (mut now, entry) = flow(rng, &mut host, at);
    let places: Vec<Spot> = host.places(now.hash).into_iter().map(Spot::Slot).chain((0..STASH as u32).map(Spot::Stash)).collect();
    // Another entry with this key, which a wrongly picked index could name.
    rig.write(entry_write(EntryRef::of(at.family(), 0), &Entry { valid: false, ..entry }));
    rig.write(entry_write(at, &entry));
    rig.write(now.put());
    for _ in 0..LATENCY {
        rig.clock(Some(&now.key), None);
    }
    let mut misses = 0;
    for _ in 0..moves {
        let before = now;
        while now.spot == before.spot {
            now.spot = *places.choose(rng).expect("a key has places");
        }
        let steps = if clear_first { [before.clear(), now.put()] } else { [now.put(), before.clear()] };
        for write in steps {
            match rig.clock(Some(&now.key), Some(write)) {
                Some(answer) if answer.hit => assert_eq!(answer, Answer::of(at, &entry)),
                Some(_) => misses += 1,
                None => {}
            }
        }
        // Now and then a rest, and the entry written again as it is.
        for _ in 0..rng.random_range(0..3) {
            let again = rng.random_bool(0.5).then(|| entry_write(at, &entry));
            if let Some(answer) = rig.clock(Some(&now.key), again) {
                misses += usize::from(!answer.hit);
            }
        }
    }
    for _ in 0..LATENCY {
        misses += rig.clock(None, None).map_or(0, |answer| usize::from(!answer.hit));
    }
    misses
}

#[test]
fn move_never_hides_a_flow() {
    let mut rng = rng();
    for family in FAMILIES {
        assert_eq!(misses_while_moving(&mut rng, EntryRef::of(family, 44), 10_000, false), 0);
    }
}

#[test]
fn a_move_in_the_wrong_order_hides_it() {
    // The test above would see a lookup that misses: here there is one a move.
    let mut rng = rng();
    for family in FAMILIES {
        assert_eq!(misses_while_moving(&mut rng, EntryRef::of(family, 44), 1_000, true), 1_000);
    }
}

#[test]
fn a_tag_that_matches_another_flows_slot_is_a_miss() {
    let mut rng = rng();
    let mut host = host(&mut rng);
    let mut rig = Rig::new(&host);
    for (i, at) in (0..100).zip(FAMILIES.map(|family| EntryRef::of(family, 9)).into_iter().cycle()) {
        let (owner, entry) = flow(&mut rng, &mut host, at);
        rig.write(entry_write(at, &entry));
        rig.write(owner.put());
        // Another key, of either family, all whose slots carry its own tag and name the owner's entry.
        let mut other = owner;
        other.key = random_key(&mut rng, FAMILIES[i / 2 % 2]);
        other.hash = host.secret.hash(&other.key.to_bits());
        for place in host.places(other.hash) {
            other.spot = Spot::Slot(place);
            rig.write(other.put());
        }
        assert_eq!(rig.look_up(&other.key), None);
        for place in host.places(other.hash) {
            other.spot = Spot::Slot(place);
            rig.write(other.clear());
        }
        rig.write(owner.put());
        assert_eq!(rig.look_up(&owner.key), Some(Answer::of(at, &entry)));
        rig.write(owner.clear());
        host.remove(0);
    }
}

#[test]
fn every_bit_of_the_key_counts() {
    let mut rng = rng();
    let mut host = host(&mut rng);
    let mut rig = Rig::new(&host);
    for (at, bits) in FAMILIES.map(|family| EntryRef::of(family, 1)).into_iter().zip([KEY_BITS_V4, KEY_BITS_V6]) {
        let (flow, entry) = flow(&mut rng, &mut host, at);
        rig.write(flow.put());
        let row = entry.to_bits();
        for bit in 0..bits {
            // The entry's key differs in one bit from the packet's, whose slot leads to it.
            let mut strange = row;
            strange.0[bit / 64] ^= 1 << (bit % 64);
            rig.write(entry_row_write(at, &strange));
            assert_eq!(rig.look_up(&flow.key), None, "bit {bit} of the key is not compared in {at:?}");
        }
        rig.write(entry_write(at, &entry));
        assert_eq!(rig.look_up(&flow.key), Some(Answer::of(at, &entry)));
        rig.write(flow.clear());
    }
}

#[test]
fn the_stash_wins_over_slots() {
    let mut rng = rng();
    let mut host = host(&mut rng);
    let mut rig = Rig::new(&host);
    for (ours, other) in FAMILIES.into_iter().flat_map(|ours| FAMILIES.map(|other| (ours, other))) {
        let (at, other_at) = (EntryRef::of(ours, 2), EntryRef::of(other, 3));
        let (mut flow, entry) = flow(&mut rng, &mut host, at);
        let other_key = random_key(&mut rng, other);
        rig.write(entry_write(at, &entry));
        rig.write(entry_write(other_at, &random_entry(&mut rng, other_key, 4)));
        // A slot with the same tag, of another flow.
        let slot = Flow { spot: Spot::Slot(host.places(flow.hash)[6]), entry: other_at, ..flow };
        rig.write(slot.put());
        assert_eq!(rig.look_up(&flow.key), None);
        flow.spot = Spot::Stash(7);
        rig.write(flow.put());
        assert_eq!(rig.look_up(&flow.key), Some(Answer::of(at, &entry)), "{ours:?} in the stash, {other:?} in a slot");
        rig.write(slot.clear());
        rig.write(flow.clear());
        host.remove(0);
    }
}

#[test]
fn the_stash_compares_every_bit_of_the_hash() {
    let mut rng = rng();
    let mut host = host(&mut rng);
    let mut rig = Rig::new(&host);
    let at = EntryRef::of(Family::V6, 2);
    let (mut flow, entry) = flow(&mut rng, &mut host, at);
    rig.write(entry_write(at, &entry));
    let hash = flow.hash;
    flow.spot = Spot::Stash(0);
    for bit in 0..fpgaflow_abi::hash::HASH_BITS {
        flow.hash = KeyHash(hash.0 ^ 1 << bit);
        rig.write(flow.put());
        assert_eq!(rig.look_up(&flow.key), None, "bit {bit} of the hash is not compared");
    }
    flow.hash = hash;
    rig.write(flow.put());
    assert_eq!(rig.look_up(&flow.key), Some(Answer::of(at, &entry)));
}

#[test]
fn writes_of_other_tables_and_places_leave_a_flow_alone() {
    for family in FAMILIES {
        other_writes_leave_it_alone(EntryRef::of(family, 11));
    }
}

fn other_writes_leave_it_alone(at: EntryRef) {
    let mut rng = rng();
    let mut host = host(&mut rng);
    let mut rig = Rig::new(&host);
    let (flow, entry) = flow(&mut rng, &mut host, at);
    rig.write(entry_write(at, &entry));
    rig.write(flow.put());
    for _ in 0..3_000 {
        let family = random_family(&mut rng);
        let mut other = flow;
        other.hash = KeyHash(rng.random::<u64>() >> 16);
        // The same index of the other family now and then.
        let index = if rng.random_bool(0.1) { at.index() } else { rng.random_range(0..entries(family)) };
        other.entry = EntryRef::of(family, index);
        other.spot = if rng.random() {
            Spot::Slot(SlotPlace::from_index(rng.random_range(0..8 << BB)))
        } else {
            Spot::Stash(rng.random_range(0..STASH as u32))
        };
        if other.spot != flow.spot && other.hash.tag() != flow.hash.tag() && other.hash != flow.hash {
            rig.write(other.put());
        }
        if other.entry != at {
            let key = random_key(&mut rng, family);
            rig.write(entry_write(other.entry, &random_entry(&mut rng, key, 4)));
        }
        rig.write(records::next_hop_write(11, &records::random_next_hop(&mut rng)));
    }
    assert_eq!(rig.look_up(&flow.key), Some(Answer::of(at, &entry)));
}

#[test]
fn reset_forgets_lookups_and_keeps_the_tables() {
    let mut rng = rng();
    let mut host = host(&mut rng);
    let mut rig = Rig::new(&host);
    let at = EntryRef::of(Family::V6, 11);
    let (flow, entry) = flow(&mut rng, &mut host, at);
    rig.write(entry_write(at, &entry));
    rig.write(flow.put());
    let reset = rig.model.port("reset");
    for _ in 0..LATENCY / 2 {
        rig.clock(Some(&flow.key), None);
    }
    rig.model.set(reset, 1);
    rig.clock(None, None);
    rig.model.set(reset, 0);
    rig.on_the_way.iter_mut().for_each(|lookup| *lookup = false);
    for _ in 0..2 * LATENCY {
        rig.clock(None, None);
    }
    assert_eq!(rig.look_up(&flow.key), Some(Answer::of(at, &entry)));
}
