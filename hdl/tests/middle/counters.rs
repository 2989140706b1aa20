//! Counters: exact under every pattern, requests in order with counts, clears served whatever the traffic.

use std::collections::VecDeque;

use fpgaflow_abi::bits::{Field, Row};
use fpgaflow_abi::key::Family;
use fpgaflow_abi::slot::EntryRef;
use fpgaflow_hdl::counters::{AGAIN_AFTER, CounterRows, Counters, Gap, REPLY_AFTER, SEEN_AFTER, seldom};
use fpgaflow_hdl::records::CounterRequest;
use fpgaflow_hdl_guard::{Expect, Model, Port, check_block, model, rng};
use rand::RngExt;

use crate::records::{self, counts_from_words};

const EW4: usize = 5;
const EW6: usize = 3;
const REF: usize = EW4 + 1;
const ENTRIES_V4: usize = 1 << EW4;
const ENTRIES_V6: usize = 1 << EW6;
const ENTRIES: usize = ENTRIES_V4 + ENTRIES_V6;
/// Bits of a row: packets 56, bytes 64, seen 32.
const ROW_BITS: usize = 152;

/// The form for packets that are far apart.
type Seldom = Counters<EW4, EW6, REF, 0, 1>;

#[test]
fn counters_are_clean() {
    check_block("gap", Gap::default, Expect::rams(0));
    check_block("counter_rows", CounterRows::<EW4, EW6, REF>::default, Expect::rams(2).with_bits(ROW_BITS * ENTRIES));
    // Two copies of both families.
    check_block("counters", Counters::<EW4, EW6, REF>::default, Expect::rams(4).with_bits(2 * ROW_BITS * ENTRIES));
    check_block("counters_seldom", Seldom::default, Expect::rams(2).with_bits(ROW_BITS * ENTRIES));
}

/// The entry of a number: both families in turn for as long as there are.
fn entry_ref(number: usize) -> EntryRef {
    let (half, odd) = (number / 2, number % 2 == 1);
    let (family, index) = match odd {
        true if half < ENTRIES_V6 => (Family::V6, half),
        false if half < ENTRIES_V6 => (Family::V4, half),
        _ => (Family::V4, number - ENTRIES_V6),
    };
    EntryRef::of(family, index as u32)
}

#[test]
fn every_entry_has_a_number() {
    let all: std::collections::BTreeSet<EntryRef> = (0..ENTRIES).map(entry_ref).collect();
    let of = |family, entries| (0..entries as u32).map(move |index| EntryRef::of(family, index));
    assert_eq!(all, of(Family::V4, ENTRIES_V4).chain(of(Family::V6, ENTRIES_V6)).collect());
}

/// A count or a request of one clock.
#[derive(Clone, Copy, Debug)]
enum Input {
    Count { entry: usize, bytes: u16 },
    Request { entry: usize, clear: bool },
    Nothing,
}

/// Packets, bytes, seen.
type Counts = (u64, u64, u32);

/// What the model of the form for packets that are far apart has besides.
#[derive(Default)]
struct SeldomRig {
    /// Counts that no reply of this clock holds, with their clocks.
    young: VecDeque<(u32, usize, u16)>,
    /// The request that waits for its reply, and its clock.
    asked: Option<(u32, usize, bool)>,
}

/// The block and a plain model of it.
struct Rig {
    model: Model,
    count_valid: Port,
    count_entry: Port,
    count_bytes: Port,
    tick: Port,
    request: Port,
    request_valid: Port,
    request_ready: Port,
    reply_valid: Port,
    reply: Port,
    gap_wanted: Port,
    clock: u32,
    /// Packets, bytes, and the tick to come.
    counts: Vec<Counts>,
    /// Clock in which a reply is due, and what it holds.
    due: VecDeque<(u32, Counts)>,
    /// Of the form for packets that are far apart.
    seldom: Option<SeldomRig>,
    replies: usize,
}

impl Rig {
    fn new() -> Self {
        Self::of(model("counters", Counters::<EW4, EW6, REF>::default()), None)
    }

    /// The form for packets that are far apart.
    fn seldom() -> Self {
        Self::of(model("counters_seldom", Seldom::default()), Some(SeldomRig::default()))
    }

    fn of(model: Model, seldom: Option<SeldomRig>) -> Self {
        let port = |name| model.port(name);
        Self {
            count_valid: port("count_valid"),
            count_entry: port("count_entry"),
            count_bytes: port("count_bytes"),
            tick: port("tick"),
            request: port("s_axis_request_data"),
            request_valid: port("s_axis_request_valid"),
            request_ready: port("s_axis_request_ready"),
            reply_valid: port("reply_valid"),
            reply: port("reply"),
            gap_wanted: port("gap_wanted"),
            clock: 0,
            counts: vec![(0, 0, 0); ENTRIES],
            due: VecDeque::new(),
            seldom,
            replies: 0,
            model,
        }
    }

    /// The tick of a clock: another one every clock, to tell them apart.
    fn tick_of(clock: u32) -> u32 {
        clock.wrapping_mul(0x9e37_79b9) | 1
    }

    /// One clock. Gives whether the request, if there is one, was taken.
    fn clock(&mut self, count: Option<(usize, u16)>, request: Option<(usize, bool)>) -> bool {
        let (entry, bytes) = count.unwrap_or((self.clock as usize % ENTRIES, 0xffff));
        self.model.set(self.count_valid, count.is_some().into());
        self.model.set(self.count_entry, entry_ref(entry).into_bits().into());
        self.model.set(self.count_bytes, bytes.into());
        self.model.set(self.tick, Self::tick_of(self.clock).into());
        let r = CounterRequest::default();
        let mut word = Row::<1>([0]);
        if let Some((entry, clear)) = request {
            word.set(Field::new(r.get_my_offset_entry(), r.get_my_width_entry()), entry_ref(entry).into_bits().into());
            word.set(Field::new(r.get_my_offset_clear(), r.get_my_width_clear()), clear.into());
        }
        self.model.set(self.request, word.0[0]);
        self.model.set(self.request_valid, request.is_some().into());
        self.model.eval();
        let ready = self.model.get(self.request_ready) == 1;
        let replied = (self.model.get(self.reply_valid) == 1).then(|| counts_from_words(&records::get(&self.model, self.reply)));
        self.replies += usize::from(replied.is_some());
        if self.seldom.is_some() {
            self.check_seldom(ready, replied, count, request);
        } else {
            self.check_every_clock(ready, replied, count, request);
        }
        self.model.tick();
        self.clock += 1;
        request.is_some() && ready
    }

    fn check_every_clock(
        &mut self,
        ready: bool,
        replied: Option<Counts>,
        count: Option<(usize, u16)>,
        request: Option<(usize, bool)>,
    ) {
        if let Some((_, clear)) = request {
            assert_eq!(
                ready,
                !clear || count.is_none(),
                "clock {}: a read is taken at once, a clear in a clock without a count",
                self.clock
            );
        }
        let due = self.due.pop_front_if(|(clock, _)| *clock == self.clock).map(|(_, counts)| counts);
        assert_eq!(replied, due, "clock {}: packets, bytes, seen", self.clock);
        if let Some((entry, clear)) = request.filter(|_| ready) {
            self.due.push_back((self.clock + REPLY_AFTER as u32, self.counts[entry]));
            if clear {
                self.counts[entry] = (0, 0, 0);
            }
        }
        // Behind the request: a reply holds no count of its own clock.
        if let Some((entry, bytes)) = count {
            self.count(self.clock + SEEN_AFTER as u32, entry, bytes);
        }
    }

    fn check_seldom(
        &mut self,
        ready: bool,
        replied: Option<Counts>,
        count: Option<(usize, u16)>,
        request: Option<(usize, bool)>,
    ) {
        let now = self.clock;
        let mut seldom = self.seldom.take().expect("the model of this form");
        while let Some((clock, entry, bytes)) = seldom.young.pop_front_if(|(clock, ..)| now - *clock > seldom::FOUND_AFTER as u32)
        {
            self.count(clock + seldom::SEEN_AFTER as u32, entry, bytes);
        }
        if let Some(replied) = replied {
            let (asked, entry, clear) = seldom.asked.take().expect("a reply that nobody asked for");
            assert_eq!(replied, self.counts[entry], "clock {now}: packets, bytes, seen, asked for in {asked}");
            assert!(
                now - asked >= seldom::FOUND_AFTER as u32,
                "clock {now}: a reply to a request of {asked} cannot hold all before it"
            );
            if clear {
                self.counts[entry] = (0, 0, 0);
            }
        }
        if let Some((asked, ..)) = seldom.asked {
            assert!(now - asked < seldom::REPLY_WITHIN as u32, "clock {now}: no reply to a request of {asked}");
        }
        assert_eq!(ready, seldom.asked.is_none(), "clock {now}: ready when there is no request to reply to");
        if let Some((entry, clear)) = request.filter(|_| ready) {
            seldom.asked = Some((now, entry, clear));
        }
        if let Some((entry, bytes)) = count {
            if let Some((last, ..)) = seldom.young.back() {
                assert!(now - last >= seldom::COUNT_APART as u32, "clock {now}: a count that the form does not take");
            }
            seldom.young.push_back((now, entry, bytes));
        }
        self.seldom = Some(seldom);
    }

    fn count(&mut self, seen: u32, entry: usize, bytes: u16) {
        let counts = &mut self.counts[entry];
        *counts = (counts.0 + 1, counts.1 + u64::from(bytes), Self::tick_of(seen));
    }

    /// Whether the data path is asked for a gap in the clock to come.
    fn gap_wanted(&self) -> bool {
        self.model.get(self.gap_wanted) == 1
    }

    fn feed(&mut self, input: Input) {
        match input {
            Input::Count { entry, bytes } => self.clock(Some((entry, bytes)), None),
            Input::Request { entry, clear } => self.clock(None, Some((entry, clear))),
            Input::Nothing => self.clock(None, None),
        };
    }

    /// Reads every entry and waits for the last reply.
    fn audit(&mut self) {
        for entry in 0..ENTRIES {
            while !self.clock(None, Some((entry, false))) {}
        }
        for _ in 0..=REPLY_AFTER.max(seldom::REPLY_WITHIN) {
            self.feed(Input::Nothing);
        }
        assert!(self.due.is_empty(), "replies that never came: {:?}", self.due);
        assert!(self.seldom.as_ref().is_none_or(|seldom| seldom.asked.is_none()), "a reply that never came");
    }
}

#[test]
fn one_entry_counted_in_every_clock_is_exact() {
    let mut rig = Rig::new();
    // Beyond 2^20 packets and 2^32 bytes, where the low parts carry into the high ones.
    for _ in 0..1_100_000 {
        rig.feed(Input::Count { entry: 3, bytes: 0xffff });
    }
    assert!(rig.counts[3].0 > 1 << 20 && rig.counts[3].1 > 1 << 36);
    rig.audit();
}

#[test]
fn entries_taken_in_turns_are_exact_at_every_distance() {
    let mut rng = rng();
    let mut rig = Rig::new();
    for among in 1..=10 {
        for i in 0..5_000 {
            rig.feed(Input::Count { entry: i % among, bytes: rng.random() });
        }
        rig.audit();
    }
}

#[test]
fn any_pattern_of_counts_reads_and_clears_is_exact() {
    let mut rig = Rig::new();
    let mut rng = rng();
    for _ in 0..300 {
        let (among, counts, requests) = (rng.random_range(1..=8), rng.random_range(0.0..=1.0), rng.random_range(0.0..=1.0));
        for _ in 0..1_000 {
            let entry = rng.random_range(0..among);
            rig.feed(if rng.random_bool(counts) {
                Input::Count { entry, bytes: rng.random() }
            } else if rng.random_bool(requests) {
                Input::Request { entry, clear: rng.random_bool(0.2) }
            } else {
                Input::Nothing
            });
        }
    }
    rig.audit();
    assert!(rig.replies > 10_000, "only {} replies were compared", rig.replies);
}

#[test]
fn reads_need_no_free_clock() {
    let mut rng = rng();
    let mut rig = Rig::new();
    for clock in 0..200_000 {
        // A count and a read in every clock, often of the entry that is counted.
        let among = 1 + clock / 1_000 % 8;
        let request = (rng.random_range(0..among), false);
        assert!(rig.clock(Some((rng.random_range(0..among), rng.random())), Some(request)), "a read waited");
        assert!(!rig.gap_wanted(), "a read asked for a gap");
    }
    rig.audit();
    assert!(rig.replies >= 200_000);
}

#[test]
fn seldom_counts_with_reads_and_clears_in_any_pattern_are_exact() {
    let mut rng = rng();
    let mut rig = Rig::seldom();
    for _ in 0..600 {
        let (among, counts, requests) = (rng.random_range(1..=4), rng.random_range(0.0..=1.0), rng.random_range(0.0..=1.0));
        let clears = rng.random_range(0.0..=1.0);
        let mut free_for = 0;
        for _ in 0..1_000 {
            let count =
                (free_for >= seldom::COUNT_APART && rng.random_bool(counts)).then(|| (rng.random_range(0..among), rng.random()));
            free_for = if count.is_some() { 1 } else { free_for + 1 };
            let request = rng.random_bool(requests).then(|| (rng.random_range(0..among), rng.random_bool(clears)));
            rig.clock(count, request);
        }
        for _ in 0..seldom::COUNT_APART {
            rig.feed(Input::Nothing);
        }
    }
    rig.audit();
    assert!(rig.replies > 50_000, "only {} replies were compared", rig.replies);
}

#[test]
fn a_seldom_request_has_its_clock_at_every_distance_from_counts_of_its_entry() {
    let mut rng = rng();
    let mut rig = Rig::seldom();
    for apart in seldom::COUNT_APART..3 * seldom::COUNT_APART {
        for clock in 0..30_000 {
            // Counts in both families in turn, or of one entry; a request whenever one is taken.
            let among = 1 + clock / 1_000 % 3;
            let count = (clock % apart == 0).then(|| (rng.random_range(0..among), rng.random()));
            rig.clock(count, Some((rng.random_range(0..among), clock / 5_000 % 2 == 0)));
        }
        for _ in 0..seldom::COUNT_APART {
            rig.feed(Input::Nothing);
        }
    }
    rig.audit();
    assert!(rig.replies > 30_000, "only {} replies were compared", rig.replies);
}

#[test]
fn one_entry_counted_seldom_is_exact() {
    let mut rig = Rig::seldom();
    // Beyond 2^32 bytes.
    for clock in 0..70_000 * seldom::COUNT_APART {
        rig.clock((clock % seldom::COUNT_APART == 0).then_some((3, 0xffff)), None);
    }
    rig.audit();
    assert!(rig.counts[3].1 > 1 << 32);
}

/// A data path that has a packet in every clock unless it was asked for a gap `depth` clocks before: every clear is taken in time and
/// costs one packet, every count and reply is exact.
fn clears_are_served_at_depth(depth: usize) {
    let mut rng = rng();
    let mut rig = Rig::new();
    // Whether there is a packet, for the clocks to come.
    let mut coming: VecDeque<bool> = VecDeque::from(vec![true; depth]);
    let (mut clears, mut gaps, mut waited) = (0, 0, 0);
    let mut request = None;
    for _ in 0..60_000 {
        coming.push_back(!rig.gap_wanted());
        let is_packet = coming.pop_front().expect("one a clock");
        gaps += usize::from(!is_packet);
        let count = is_packet.then(|| (rng.random_range(0..4), rng.random()));
        if request.is_none() && rng.random_bool(0.5) {
            request = Some((rng.random_range(0..4), rng.random_bool(0.05)));
        }
        if rig.clock(count, request) {
            clears += usize::from(request.is_some_and(|(_, clear)| clear));
            (request, waited) = (None, 0);
        } else if request.is_some() {
            waited += 1;
            assert!(waited <= depth + 1, "a clear waits for more than {} clocks", depth + 1);
        }
    }
    rig.audit();
    assert!(clears > 500, "only {clears} clears were served");
    assert!((clears..=clears + 1).contains(&gaps), "{clears} clears cost {gaps} packets");
}

#[test]
fn a_clear_gets_its_clock_from_a_data_path_that_never_rests() {
    for depth in [1, 2, 17, AGAIN_AFTER - 2] {
        clears_are_served_at_depth(depth);
    }
}

#[test]
fn a_gap_that_was_not_given_is_asked_for_again() {
    let mut rig = Rig::new();
    let mut asked = vec![];
    for clock in 0..10 * AGAIN_AFTER {
        assert!(!rig.clock(Some((1, 100)), Some((0, true))));
        if rig.gap_wanted() {
            asked.push(clock);
        }
    }
    assert_eq!(asked, (0..10).map(|i| i * AGAIN_AFTER).collect::<Vec<_>>());
    assert!(rig.clock(None, Some((0, true))));
    rig.audit();
}

#[test]
fn a_clear_in_a_free_clock_asks_for_nothing() {
    let mut rig = Rig::new();
    for i in 0..1_000 {
        assert!(rig.clock(None, Some((i % ENTRIES, true))));
        assert!(!rig.gap_wanted());
        rig.feed(Input::Count { entry: i % ENTRIES, bytes: 64 });
    }
    rig.audit();
}

#[test]
fn reset_leaves_the_counters_alone() {
    let mut rig = Rig::new();
    for i in 0..100 {
        rig.feed(Input::Count { entry: i % 4, bytes: 1500 });
    }
    for _ in 0..REPLY_AFTER {
        rig.feed(Input::Nothing);
    }
    let reset = rig.model.port("reset");
    rig.model.set(reset, 1);
    rig.feed(Input::Nothing);
    rig.model.set(reset, 0);
    rig.audit();
}

#[test]
fn reset_drops_a_request_on_its_way() {
    let mut rig = Rig::new();
    rig.feed(Input::Request { entry: 1, clear: false });
    rig.due.clear();
    let reset = rig.model.port("reset");
    rig.model.set(reset, 1);
    rig.feed(Input::Nothing);
    rig.model.set(reset, 0);
    for _ in 0..2 * REPLY_AFTER {
        rig.feed(Input::Nothing);
    }
    assert_eq!(rig.replies, 0);
}
