//! Fragments through flow table and verdict, at one packet a clock, against maps of datagrams.
//!
//! Few flows, few identifications and 64 rows: datagrams meet in rows all the time, in successive clocks too, while entries are written, time
//! passes and everything is forgotten now and then. Every answer and verdict of every clock is compared.

use std::collections::{HashMap, VecDeque};

use fpgaflow_abi::entry::Entry;
use fpgaflow_abi::fragment::{OFFSET_BITS, ROW_BITS, ROWS, identity, row};
use fpgaflow_abi::hash::HashSecret;
use fpgaflow_abi::key::{Family, FlowKey};
use fpgaflow_abi::next_hop::NextHop;
use fpgaflow_abi::reason::Reason;
use fpgaflow_abi::slot::EntryRef;
use fpgaflow_hdl::prelude::{Bits, Synth};
use fpgaflow_hdl::prim::PARITY_BITS;
use fpgaflow_hdl::records::Fragment;
use fpgaflow_hdl::table::{ENTRY_READ, LATENCY, SLOT_READ};
use fpgaflow_hdl::verdict::{self, NEXT_HOP_READ};
use fpgaflow_hdl_guard::{Model, model, rng};
use rand::RngExt;
use rand::seq::{IndexedRandom, SliceRandom};
use rand_chacha::ChaCha8Rng;

use crate::host::Host;
use crate::middle_block::Middle;
use crate::records::{
    self, Answer, Headers, Outcome, Words, entry_write, next_hop_write, random_entry, random_key, random_secret,
};
use crate::verdict::expected;

const BB: usize = 5;
const EW4: usize = 8;
const EW6: usize = 7;
const REF: usize = EW4 + 1;
const SLOT: usize = REF + 17 + PARITY_BITS;
const NW: usize = 4;
const CLOCKS: usize = 300_000;
/// Ticks that a datagram is remembered, and clocks of a tick here.
const LIFETIME: u32 = 3;
const TICK_CLOCKS: usize = 200;
/// Clocks from a key to the choice of its row, and from there to the choice of an entry.
const DECIDED: usize = SLOT_READ + 2;
const TIED: usize = DECIDED + 1;
const HOP_READ: usize = LATENCY + NEXT_HOP_READ;
const VERDICT: usize = LATENCY + verdict::LATENCY;

/// Which part of its datagram a packet is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Part {
    id: u32,
    offset: u16,
    units: u16,
    more: bool,
}

/// What a row remembers.
#[derive(Debug, Clone, Copy)]
struct Datagram {
    identity: FlowKey,
    flow: FlowKey,
    since: u32,
    due: u16,
}

/// What a packet is to its datagram.
#[derive(Debug, Clone, Copy, Default)]
struct Role {
    row: usize,
    opens: bool,
    follows: bool,
    lost: bool,
    /// The entry that a later fragment takes over, and its flow.
    taken: Option<(Option<EntryRef>, FlowKey)>,
}

/// A packet on its way.
#[derive(Debug, Clone, Copy)]
struct Packet {
    key: FlowKey,
    part: Option<Part>,
    headers: Headers,
    role: Role,
    answer: Answer,
    outcome: Outcome,
}

/// Rows by their number, and what became of their datagrams.
struct Rows {
    secret: HashSecret,
    live: HashMap<usize, Datagram>,
    /// The entry of the flow of each row's datagram, also of one that is over.
    bound: [Option<EntryRef>; ROWS],
    forwarded: [bool; ROWS],
}

impl Rows {
    /// Clock 4: whose row it is.
    fn decide(&mut self, key: &FlowKey, part: &Part, now: u32, oldest: u32) -> Role {
        let datagram = identity(key, part.id);
        let row = row(self.secret.hash(&datagram.to_bits()), ROW_BITS);
        let alive = |kept: &&Datagram| kept.since.wrapping_sub(oldest) < 1 << 31;
        let kept = self.live.get(&row).filter(alive).copied();
        let (first, role) = (part.offset == 0, Role { row, ..Role::default() });
        let new = Datagram { identity: datagram, flow: *key, since: now, due: if first { part.units } else { 0 } };
        match kept {
            None => {
                self.live.insert(row, new);
                Role { opens: true, lost: !first, ..role }
            }
            Some(kept) if kept.identity != datagram => Role { lost: true, ..role },
            Some(_) if first => {
                self.live.insert(row, new);
                Role { opens: true, follows: true, ..role }
            }
            Some(kept) => {
                let in_order = kept.due == part.offset;
                if in_order && !part.more {
                    self.live.remove(&row);
                } else {
                    let due = if in_order { (part.offset + part.units) % (1 << OFFSET_BITS) } else { 0 };
                    self.live.insert(row, Datagram { due, ..kept });
                }
                Role { follows: true, taken: Some((None, kept.flow)), ..role }
            }
        }
    }
}

/// Datagrams that are being sent.
#[derive(Default)]
struct Source {
    /// Each with what is still to come of it.
    under_way: Vec<(FlowKey, Vec<Part>)>,
}

impl Source {
    /// The next packet: often of the datagram of the packet before.
    fn draw(&mut self, rng: &mut ChaCha8Rng, flows: &[FlowKey]) -> (FlowKey, Option<Part>) {
        if self.under_way.is_empty() || rng.random_bool(0.25) {
            let key = *flows.choose(rng).expect("there are flows");
            if rng.random_bool(0.3) {
                return (key, None);
            }
            let id = if rng.random_bool(0.9) { rng.random_range(0..40) } else { rng.random() };
            let count = rng.random_range(2..6);
            let mut parts = Vec::new();
            let mut offset = 0;
            for i in 0..count {
                let units = rng.random_range(1..20);
                parts.push(Part { id, offset, units, more: i + 1 < count });
                offset += units;
            }
            match rng.random_range(0..6) {
                0 => parts.shuffle(rng),
                1 => drop(parts.remove(rng.random_range(0..parts.len()))),
                2 => parts.push(*parts.choose(rng).expect("there are parts")),
                _ => {}
            }
            parts.reverse();
            self.under_way.push((key, parts));
        }
        let last = self.under_way.len() - 1;
        let at = if rng.random_bool(0.7) { last } else { rng.random_range(0..=last) };
        let (key, parts) = &mut self.under_way[at];
        let (key, part) = (*key, parts.pop().expect("a datagram without parts is not under way"));
        if parts.is_empty() {
            self.under_way.remove(at);
        }
        (key, Some(part))
    }
}

/// The record of a packet: zero for a whole one, or for one that is not to be looked up.
fn fragment_words(part: Option<Part>, key: &FlowKey) -> [u64; 2] {
    let fragment = part.map_or_else(Fragment::default, |part| Fragment {
        first: part.offset == 0,
        later: part.offset != 0,
        more: part.more,
        id: u64::from(part.id).into(),
        offset: u64::from(part.offset).into(),
        units: u64::from(part.units).into(),
        ports: (u64::from(key.sport) << 16 | u64::from(key.dport)).into(),
    });
    let bits: Bits<{ Fragment::BITS }> = fragment.into();
    [bits.get_bits::<64>(0).to_u64(), (bits >> 64_u64).get_bits::<{ Fragment::BITS - 64 }>(0).to_u64()]
}

struct Rig {
    m: Model,
    flows: Vec<FlowKey>,
    entries: HashMap<EntryRef, Entry>,
    places: HashMap<FlowKey, EntryRef>,
    hops: HashMap<u16, NextHop>,
    secret: HashSecret,
}

impl Rig {
    /// A table with a few flows; writes every entry, slot and next hop.
    fn new(rng: &mut ChaCha8Rng) -> Self {
        let mut m = model("middle", Middle::<BB, EW4, EW6, REF, SLOT, NW>::default());
        let mut host = Host::new(random_secret(rng), BB as u32, 8);
        m.set_words(m.port("secret"), &host.secret.0);
        m.set(m.port("fragment_lifetime"), LIFETIME.into());
        let mut writes: Vec<Words> = Vec::new();
        let mut hops = HashMap::new();
        for index in 0..1 << NW {
            let mut hop = records::random_next_hop(rng);
            (hop.valid, hop.mtu) = (index != 3, 1500);
            writes.push(next_hop_write(index, &hop));
            hops.insert(index as u16, hop);
        }
        let (mut entries, mut places, mut flows) = (HashMap::new(), HashMap::new(), Vec::new());
        for index in 0..6 {
            for family in [Family::V4, Family::V6] {
                let key = FlowKey { protocol: 17, ..random_key(rng, family) };
                let at = EntryRef::of(family, index);
                if flows.contains(&key) {
                    continue;
                }
                let flow = host.install(rng, key, at).expect("the table is all but empty");
                let entry = random_entry(rng, key, 1 << NW);
                writes.extend([entry_write(at, &entry), flow.put()]);
                entries.insert(at, entry);
                places.insert(key, at);
                flows.push(key);
            }
        }
        // One that is not installed.
        flows.push(FlowKey { protocol: 17, ..random_key(rng, Family::V4) });
        let [write_valid, write] = ["write_valid", "write"].map(|name| m.port(name));
        m.set(write_valid, 1);
        for words in writes {
            m.set_words(write, &words.0);
            m.tick();
        }
        m.set(write_valid, 0);
        Self { m, flows, entries, places, hops, secret: host.secret }
    }
}

#[test]
fn every_fragment_goes_the_way_of_its_datagram_at_one_a_clock() {
    let mut rng = rng();
    let Rig { mut m, flows, mut entries, places, hops, secret } = Rig::new(&mut rng);
    let port = |name| m.port(name);
    let [lookup_valid, key, mark, fragment, parsed] = ["lookup_valid", "key", "mark", "fragment", "parsed"].map(port);
    let [write_valid, write, tick, forget] = ["write_valid", "write", "tick", "forget"].map(port);
    let [answer_valid, answer, verdict_valid, verdict] = ["answer_valid", "answer", "verdict_valid", "verdict"].map(port);
    let mut rows = Rows { secret, live: HashMap::new(), bound: [None; ROWS], forwarded: [false; ROWS] };
    let mut source = Source::default();
    let mut packets: VecDeque<Option<Packet>> = VecDeque::from(vec![None; VERDICT + 1]);
    // `written[i]` is the entry that was written `i` clocks ago.
    let mut written: VecDeque<Option<EntryRef>> = VecDeque::from(vec![None; 3]);
    let mut oldest = 0_u32;
    let mut seen: HashMap<&str, usize> = HashMap::new();

    for clock in 0..CLOCKS {
        let now = u32::try_from(clock / TICK_CLOCKS).expect("few ticks").wrapping_sub(50);
        m.set(tick, now.into());
        // Now and then time stands still long enough for rows to be full.
        let forgets = rng.random_bool(0.0005);
        m.set(forget, forgets.into());
        let change = rng.random_bool(0.03).then(|| *flows[..flows.len() - 1].choose(&mut rng).expect("there are flows"));
        m.set(write_valid, change.is_some().into());
        written.push_front(change.map(|key| places[&key]));
        written.truncate(3);
        if let Some(key) = change {
            let entry = Entry { valid: rng.random_bool(0.9), ..random_entry(&mut rng, key, 1 << NW) };
            m.set_words(write, &entry_write(places[&key], &entry).0);
            entries.insert(places[&key], entry);
        }

        let is_valid = clock % 500 < 450 || rng.random();
        let (flow, part) = source.draw(&mut rng, &flows);
        let mut headers = Headers { v6: flow.family() == Family::V6, ..Headers::random(&mut rng) };
        let part = part.filter(|_| is_valid);
        if headers.ip_length > 1500 {
            headers.ip_length = if rng.random_bool(0.1) { 1501 } else { 1500 };
        }
        if rng.random_bool(0.7) {
            headers.reason = 0;
        }
        let mut packet_key = flow;
        if part.is_some_and(|part| part.offset != 0) {
            // What is in the ports' place.
            (packet_key.sport, packet_key.dport) = (rng.random(), rng.random());
        }
        let part = part.filter(|_| headers.reason == 0);
        m.set(lookup_valid, is_valid.into());
        m.set_words(key, &packet_key.to_bits().0);
        let ports = u32::from(packet_key.sport) << 16 | u32::from(packet_key.dport);
        m.set(mark, u64::from(ports ^ part.map_or(0, |part| part.id)));
        m.set_words(fragment, &fragment_words(part, &packet_key));
        m.set_words(parsed, &headers.to_words().0);
        packets.push_front(is_valid.then_some(Packet {
            key: packet_key,
            part,
            headers,
            role: Role::default(),
            answer: Answer::default(),
            outcome: Outcome::default(),
        }));
        packets.truncate(VERDICT + 1);

        // Clock 5 first: it is the packet ahead. Then 4, then what the write of this clock takes away.
        let mut tied = None;
        if let Some(Packet { key, part: Some(part), role, .. }) = &mut packets[TIED] {
            if role.opens {
                tied = Some(role.row);
                rows.bound[role.row] = places.get(key).copied().filter(|_| part.offset == 0);
            } else if let Some((entry, _)) = &mut role.taken {
                *entry = rows.bound[role.row];
            }
        }
        let mut opened = None;
        if let Some(Packet { key, part: Some(part), role, .. }) = &mut packets[DECIDED] {
            *role = rows.decide(key, part, now, oldest);
            opened = role.opens.then_some(role.row);
        }
        if let Some(at) = written[0] {
            let Rows { live, bound, .. } = &mut rows;
            live.retain(|row, _| bound[*row] != Some(at) || [tied, opened].contains(&Some(*row)));
        }
        if forgets {
            rows.live.clear();
        }
        if let Some(packet) = &mut packets[ENTRY_READ] {
            let (at, key) = match packet.role.taken {
                Some((entry, flow)) => (entry, flow),
                None if packet.part.is_some_and(|part| part.offset != 0) => (None, packet.key),
                None => (places.get(&packet.key).copied(), packet.key),
            };
            let entry = at.and_then(|at| Some((at, entries.get(&at)?))).filter(|(_, entry)| entry.valid && entry.key == key);
            packet.answer = entry.map_or(Answer::default(), |(at, entry)| Answer::of(at, entry));
            if packet.role.taken.is_some() && at.is_some_and(|at| written.contains(&Some(at))) {
                packet.role.lost = true;
                *seen.entry("changed").or_default() += 1;
            }
        }
        if let Some(packet) = &mut packets[HOP_READ] {
            packet.outcome = expected(&packet.headers, &packet.answer, &hops);
        }
        if let Some(Packet { part: Some(part), role, outcome, headers, .. }) = &mut packets[VERDICT - 1] {
            if role.lost || (role.follows && !rows.forwarded[role.row]) {
                let reason = Reason::Fragment as u8;
                *outcome = Outcome { reason, frame: headers.frame(), hit: false, entry: EntryRef::new(), forward: None };
            }
            if role.opens {
                rows.forwarded[role.row] = outcome.reason == 0;
            }
            let what = match (part.offset, outcome.reason) {
                (0, 0) => "first forwarded",
                (_, 0) => "later forwarded",
                (0, _) if role.lost => "first without a place",
                (0, _) if role.follows && outcome.reason == Reason::Fragment as u8 => "first behind one that was punted",
                (0, _) => "first punted",
                _ if role.opens => "later unknown",
                _ if role.lost => "later without a place",
                _ => "later of a punted datagram",
            };
            *seen.entry(what).or_default() += 1;
        }

        m.eval();
        let answered = (m.get(answer_valid) == 1).then(|| Answer::from_words(&records::get(&m, answer)).filter_hit());
        let due = packets[LATENCY].map(|packet| packet.answer.filter_hit());
        assert_eq!(answered, due, "clock {clock}: answer to {:?}", packets[LATENCY]);
        let found = (m.get(verdict_valid) == 1).then(|| Outcome::from_words(&records::get(&m, verdict)));
        assert_eq!(found, packets[VERDICT].map(|packet| packet.outcome), "clock {clock}: verdict on {:?}", packets[VERDICT]);
        oldest = now.wrapping_sub(LIFETIME);
        m.tick();
    }
    println!("{seen:?}");
    for what in [
        "first forwarded",
        "later forwarded",
        "first punted",
        "first without a place",
        "first behind one that was punted",
        "later unknown",
        "later without a place",
        "later of a punted datagram",
        "changed",
    ] {
        assert!(seen.get(what).copied().unwrap_or(0) > 50, "{what} was hardly ever met: {seen:?}");
    }
    assert!(seen["later forwarded"] > 10_000, "{seen:?}");
}
