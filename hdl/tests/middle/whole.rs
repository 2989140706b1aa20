//! Flow table, verdict and counters at one packet a clock, against hash maps, while flows come, move and go.
//!
//! The model has no slots, no tags and no pipeline: maps of what is installed, looked at in the clocks that the contracts name.
//! Nothing is tolerated: every answer, verdict and counter of every clock is compared.

use std::collections::{HashMap, VecDeque};

use fpgaflow_abi::entry::Entry;
use fpgaflow_abi::key::{Family, FlowKey};
use fpgaflow_abi::next_hop::NextHop;
use fpgaflow_abi::reason::Reason;
use fpgaflow_abi::slot::EntryRef;
use fpgaflow_hdl::counters::{BARRIER_CLOCKS, REPLY_AFTER, SEEN_AFTER};
use fpgaflow_hdl::prim::PARITY_BITS;
use fpgaflow_hdl::records::CounterRequest;
use fpgaflow_hdl::table::{ENTRY_READ, LATENCY, SLOT_READ};
use fpgaflow_hdl::verdict::{self, NEXT_HOP_READ};
use fpgaflow_hdl_guard::{Model, Port, model, rng};
use rand::RngExt;
use rand::seq::IndexedRandom;
use rand_chacha::ChaCha8Rng;

use crate::host::{Flow, Host};
use crate::middle_block::Middle;
use crate::records::{
    self, Answer, Headers, Outcome, Words, counts_from_words, entry_write, next_hop_write, random_entry, random_family,
    random_key, random_next_hop, random_secret,
};
use crate::verdict::expected;

const BB: usize = 5;
const EW4: usize = 8;
const EW6: usize = 7;
const REF: usize = EW4 + 1;
const SLOT: usize = REF + 17 + PARITY_BITS;
const NW: usize = 4;
const STASH: u32 = 8;
const ENTRIES_V4: u32 = 1 << EW4;
const ENTRIES_V6: u32 = 1 << EW6;
/// Entries that flows get: no more than there are slots.
const ENTRIES: u32 = 256;
const CLOCKS: usize = 600_000;
/// Clock, counted from a lookup's key, of its next hop's read and of its verdict.
const HOP_READ: usize = LATENCY + NEXT_HOP_READ;
const VERDICT: usize = LATENCY + verdict::LATENCY;

/// What a write changes in the model.
#[derive(Debug, Clone, Copy)]
enum Effect {
    Found(Flow),
    Gone(Flow),
    Entry(EntryRef, Entry),
    Hop(u16, NextHop),
    /// A flow moved: to be seen nowhere.
    None,
}

/// What is installed.
#[derive(Default)]
struct Maps {
    flows: HashMap<FlowKey, EntryRef>,
    entries: HashMap<EntryRef, Entry>,
    hops: HashMap<u16, NextHop>,
    counts: HashMap<EntryRef, (u64, u64, u32)>,
    /// Clock in which the last slot of an entry was cleared.
    gone: HashMap<EntryRef, usize>,
}

impl Maps {
    fn apply(&mut self, clock: usize, effect: Effect) {
        match effect {
            Effect::Found(flow) => {
                self.gone.remove(&flow.entry);
                self.flows.insert(flow.key, flow.entry);
            }
            Effect::Gone(flow) => {
                self.gone.insert(flow.entry, clock);
                self.flows.remove(&flow.key);
            }
            Effect::Entry(index, entry) => drop(self.entries.insert(index, entry)),
            Effect::Hop(index, hop) => drop(self.hops.insert(index, hop)),
            Effect::None => {}
        }
    }
}

/// A lookup on its way, filled in as it passes the clocks in which it looks at a map.
#[derive(Debug, Clone, Copy)]
struct Lookup {
    key: FlowKey,
    headers: Headers,
    found: Option<EntryRef>,
    answer: Answer,
    outcome: Outcome,
}

/// The writes to come: each with its effect, in order.
type Queue = VecDeque<(Words, Effect)>;

/// The driver's side: what is installed, and what it does next.
struct Driver {
    host: Host,
    /// Of each family.
    free: [Vec<EntryRef>; 2],
    /// Entries whose slot is cleared, and the clock of the write.
    retired: VecDeque<(EntryRef, usize)>,
    moves: usize,
}

impl Driver {
    fn new(rng: &mut ChaCha8Rng) -> Self {
        Self {
            host: Host::new(random_secret(rng), BB as u32, STASH),
            free: [(Family::V4, ENTRIES_V4 / 2), (Family::V6, ENTRIES_V6)]
                .map(|(family, entries)| (0..entries).map(|index| EntryRef::of(family, index)).collect()),
            retired: VecDeque::new(),
            moves: 0,
        }
    }

    /// Thinks of something and queues its writes.
    fn act(&mut self, rng: &mut ChaCha8Rng, pool: &[FlowKey], queue: &mut Queue) {
        let flows = self.host.flows.len();
        match rng.random_range(0..100) {
            0..25 => self.install(rng, pool, queue),
            // About as many leave as come, once the table is nearly full.
            25..45 if flows > 3 * ENTRIES as usize / 4 || rng.random_bool(0.3) => self.remove(rng, queue),
            45..80 if flows > 0 => {
                let at = rng.random_range(0..flows);
                if let Some((old, new)) = self.host.relocate(rng, at) {
                    queue.push_back((new.put(), Effect::None));
                    queue.push_back((old.clear(), Effect::None));
                    self.moves += 1;
                }
            }
            80..92 if flows > 0 => {
                // Another action, or out of order for a while, in place.
                let flow = self.host.flows[rng.random_range(0..flows)];
                let entry = Entry { valid: rng.random_bool(0.8), ..random_entry(rng, flow.key, 1 << NW) };
                queue.push_back((entry_write(flow.entry, &entry), Effect::Entry(flow.entry, entry)));
            }
            92.. => {
                let (index, hop) = (rng.random_range(0..1 << NW), random_next_hop(rng));
                queue.push_back((next_hop_write(index, &hop), Effect::Hop(index as u16, hop)));
            }
            _ => {}
        }
    }

    fn install(&mut self, rng: &mut ChaCha8Rng, pool: &[FlowKey], queue: &mut Queue) {
        let Some(key) = pool.choose(rng).copied() else { return };
        let family = key.family();
        let Some(index) = self.free[family as usize].last().copied() else { return };
        if self.host.flows.iter().any(|flow| flow.key == key) {
            return;
        }
        let Some(flow) = self.host.install(rng, key, index) else { return };
        self.free[family as usize].pop();
        let entry = random_entry(rng, key, 1 << NW);
        queue.push_back((entry_write(index, &entry), Effect::Entry(index, entry)));
        queue.push_back((flow.put(), Effect::Found(flow)));
    }

    fn remove(&mut self, rng: &mut ChaCha8Rng, queue: &mut Queue) {
        if self.host.flows.is_empty() {
            return;
        }
        let flow = self.host.remove(rng.random_range(0..self.host.flows.len()));
        queue.push_back((flow.clear(), Effect::Gone(flow)));
    }

    /// A write is made in this clock.
    fn made(&mut self, clock: usize, effect: Effect) {
        if let Effect::Gone(flow) = effect {
            self.retired.push_back((flow.entry, clock));
        }
    }

    /// Entries behind their barrier are free again.
    fn reclaim(&mut self, clock: usize) {
        while let Some((entry, _)) = self.retired.pop_front_if(|(_, gone)| clock >= *gone + BARRIER_CLOCKS) {
            self.free[entry.family() as usize].push(entry);
        }
    }
}

/// The ports of [`Middle`].
struct Ports {
    lookup_valid: Port,
    key: Port,
    parsed: Port,
    write_valid: Port,
    write: Port,
    tick: Port,
    answer_valid: Port,
    answer: Port,
    verdict_valid: Port,
    verdict: Port,
    request: Port,
    request_valid: Port,
    request_ready: Port,
    reply_valid: Port,
    reply: Port,
}

impl Ports {
    fn of(model: &Model) -> Self {
        let port = |name| model.port(name);
        Self {
            lookup_valid: port("lookup_valid"),
            key: port("key"),
            parsed: port("parsed"),
            write_valid: port("write_valid"),
            write: port("write"),
            tick: port("tick"),
            answer_valid: port("answer_valid"),
            answer: port("answer"),
            verdict_valid: port("verdict_valid"),
            verdict: port("verdict"),
            request: port("s_axis_request_data"),
            request_valid: port("s_axis_request_valid"),
            request_ready: port("s_axis_request_ready"),
            reply_valid: port("reply_valid"),
            reply: port("reply"),
        }
    }
}

/// The tick of a clock.
fn tick_of(clock: usize) -> u32 {
    (clock as u32).wrapping_mul(0x9e37_79b9) | 1
}

fn any_key(rng: &mut ChaCha8Rng) -> FlowKey {
    let family = random_family(rng);
    random_key(rng, family)
}

fn any_entry(rng: &mut ChaCha8Rng) -> EntryRef {
    match random_family(rng) {
        Family::V4 => EntryRef::of(Family::V4, rng.random_range(0..ENTRIES_V4)),
        Family::V6 => EntryRef::of(Family::V6, rng.random_range(0..ENTRIES_V6)),
    }
}

/// What was met, so that a run that tests nothing fails.
#[derive(Default, Debug)]
struct Seen {
    lookups: usize,
    hits: usize,
    reasons: HashMap<u8, usize>,
    replies: usize,
    nonzero_replies: usize,
    /// Latest count of an entry after its slot was cleared, in clocks.
    latest_count: usize,
}

#[test]
fn every_answer_verdict_and_counter_is_the_hash_maps() {
    let mut rng = rng();
    let mut m = model("middle", Middle::<BB, EW4, EW6, REF, SLOT, NW>::default());
    let ports = Ports::of(&m);
    let mut driver = Driver::new(&mut rng);
    m.set_words(m.port("secret"), &driver.host.secret.0);
    let pool: Vec<FlowKey> = (0..ENTRIES as usize * 5 / 4).map(|_| any_key(&mut rng)).collect();
    let strangers: Vec<FlowKey> = (0..64).map(|_| any_key(&mut rng)).collect();
    let mut maps = Maps::default();
    let mut queue = Queue::new();
    // `lookups[i]` was given `i` clocks ago.
    let mut lookups: VecDeque<Option<Lookup>> = VecDeque::from(vec![None; VERDICT + 1]);
    let mut replies: VecDeque<(usize, (u64, u64, u32))> = VecDeque::new();
    let mut hot = pool[0];
    let mut seen = Seen::default();

    for clock in 0..CLOCKS {
        // Writes: mostly back to back.
        driver.reclaim(clock);
        if queue.is_empty() && rng.random_bool(0.7) {
            driver.act(&mut rng, &pool, &mut queue);
        }
        let write = if rng.random_bool(0.9) { queue.pop_front() } else { None };
        m.set(ports.write_valid, write.is_some().into());
        if let Some((words, effect)) = write {
            m.set_words(ports.write, &words.0);
            maps.apply(clock, effect);
            driver.made(clock, effect);
        }

        // A lookup: of one key for a while, of the flow being changed, of any, of none that is installed.
        if rng.random_bool(0.02) {
            hot = *pool.choose(&mut rng).expect("the pool is not empty");
        }
        let key = match rng.random_range(0..10) {
            0..4 => hot,
            4..7 => driver.host.flows.choose(&mut rng).map_or(hot, |flow| flow.key),
            7..9 => *pool.choose(&mut rng).expect("the pool is not empty"),
            _ => *strangers.choose(&mut rng).expect("there are strangers"),
        };
        let headers = Headers::random(&mut rng);
        // Stretches of one a clock, and gaps that let requests in.
        let is_valid = clock % 1_000 < 800 || rng.random_bool(0.4);
        m.set(ports.lookup_valid, is_valid.into());
        m.set_words(ports.key, &key.to_bits().0);
        m.set_words(ports.parsed, &headers.to_words().0);
        let lookup = Lookup { key, headers, found: None, answer: Answer::default(), outcome: Outcome::default() };
        lookups.push_front(is_valid.then_some(lookup));
        lookups.truncate(VERDICT + 1);

        // The maps, in the clocks in which the hardware looks at its tables.
        if let Some(lookup) = &mut lookups[SLOT_READ] {
            lookup.found = maps.flows.get(&lookup.key).copied();
        }
        if let Some(lookup) = &mut lookups[ENTRY_READ] {
            let entry = lookup.found.and_then(|index| Some((index, maps.entries.get(&index)?)));
            let entry = entry.filter(|(_, entry)| entry.valid && entry.key == lookup.key);
            lookup.answer = entry.map_or(Answer::default(), |(index, entry)| Answer::of(index, entry));
        }
        if let Some(lookup) = &mut lookups[HOP_READ] {
            lookup.outcome = expected(&lookup.headers, &lookup.answer, &maps.hops);
        }

        // A request, and everything the block says in this clock.
        m.set(ports.tick, tick_of(clock).into());
        let request_entry = any_entry(&mut rng);
        let (is_request, clear) = (rng.random_bool(0.5), rng.random_bool(0.1));
        let record = CounterRequest::default();
        let request = u64::from(request_entry.into_bits()) << record.get_my_offset_entry()
            | u64::from(clear) << record.get_my_offset_clear();
        m.set(ports.request, request);
        m.set(ports.request_valid, is_request.into());
        m.eval();

        let answered = (m.get(ports.answer_valid) == 1).then(|| Answer::from_words(&records::get(&m, ports.answer)).filter_hit());
        let due = lookups[LATENCY].map(|lookup| lookup.answer.filter_hit());
        assert_eq!(answered, due, "clock {clock}: answer to {:?}", lookups[LATENCY]);
        let verdict = (m.get(ports.verdict_valid) == 1).then(|| Outcome::from_words(&records::get(&m, ports.verdict)));
        assert_eq!(verdict, lookups[VERDICT].map(|lookup| lookup.outcome), "clock {clock}: verdict on {:?}", lookups[VERDICT]);
        let replied = (m.get(ports.reply_valid) == 1).then(|| counts_from_words(&records::get(&m, ports.reply)));
        let due = replies.pop_front_if(|(due, _)| *due == clock).map(|(_, counts)| counts);
        assert_eq!(replied, due, "clock {clock}: reply");

        // Counts and requests change the counters in their order; a request does not see the count of its clock.
        let counted = lookups[VERDICT].filter(|lookup| lookup.outcome.reason == 0);
        let taken = counted.is_none() || !clear;
        assert_eq!(m.get(ports.request_ready) == 1, taken, "clock {clock}: only clears wait, and for counts only");
        if is_request && taken {
            let counts = maps.counts.get(&request_entry).copied().unwrap_or_default();
            replies.push_back((clock + REPLY_AFTER, counts));
            if clear {
                maps.counts.remove(&request_entry);
            }
        }
        if let Some(lookup) = counted {
            let counts = maps.counts.entry(lookup.answer.entry).or_default();
            let bytes = counts.1 + u64::from(lookup.headers.ip_length);
            *counts = (counts.0 + 1, bytes, tick_of(clock + SEEN_AFTER));
            if let Some(gone) = maps.gone.get(&lookup.answer.entry) {
                assert!(clock < gone + BARRIER_CLOCKS, "entry {:?} counted behind its barrier", lookup.answer.entry);
                seen.latest_count = seen.latest_count.max(clock - gone);
            }
        }

        if let Some(lookup) = lookups[VERDICT] {
            seen.lookups += 1;
            seen.hits += usize::from(lookup.outcome.hit);
            *seen.reasons.entry(lookup.outcome.reason).or_default() += 1;
        }
        seen.replies += usize::from(replied.is_some());
        seen.nonzero_replies += usize::from(replied.is_some_and(|counts| counts.0 > 0));
        m.tick();
    }

    println!("{} moves, {} flows at the end, {seen:?}", driver.moves, driver.host.flows.len());
    assert!(seen.lookups >= 500_000 && seen.hits >= 150_000);
    assert!(driver.moves >= 20_000 && driver.host.flows.len() > ENTRIES as usize / 2);
    assert!(seen.nonzero_replies > 10_000);
    for reason in
        [Reason::Forwarded, Reason::Miss, Reason::NoNextHop, Reason::HostAddressed, Reason::TcpFlags, Reason::Ttl, Reason::Mtu]
    {
        assert!(seen.reasons.get(&(reason as u8)).copied().unwrap_or(0) > 500, "{reason} was hardly ever met");
    }
    // The barrier is not longer than it has to be: a count came in its last clock.
    assert_eq!(seen.latest_count, BARRIER_CLOCKS - 1);
}
