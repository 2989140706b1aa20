//! Counters: exact under every pattern, requests in order with counts.

use std::collections::VecDeque;

use fpgaflow_abi::bits::{Field, Row};
use fpgaflow_hdl::counters::{Counters, REPLY_AFTER, SEEN_AFTER};
use fpgaflow_hdl::records::CounterRequest;
use fpgaflow_hdl_guard::{Expect, Model, Port, check_block, model, rng};
use rand::RngExt;

use crate::records::{self, counts_from_words};

const EW: usize = 5;
const ENTRIES: usize = 1 << EW;
/// Bits of a row: packets 56, bytes 64, seen 32.
const ROW_BITS: usize = 152;

#[test]
fn counters_are_clean() {
    check_block("counters", Counters::<EW>::default, Expect::rams(1).with_bits(ROW_BITS << EW));
}

/// A count or a request of one clock.
#[derive(Clone, Copy, Debug)]
enum Input {
    Count { entry: usize, bytes: u16 },
    Request { entry: usize, clear: bool },
    Nothing,
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
    clock: u32,
    /// Packets, bytes, and the tick to come.
    counts: Vec<(u64, u64, u32)>,
    /// Clock in which a reply is due, and what it holds.
    due: VecDeque<(u32, (u64, u64, u32))>,
    replies: usize,
}

impl Rig {
    fn new() -> Self {
        let model = model("counters", Counters::<EW>::default());
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
            clock: 0,
            counts: vec![(0, 0, 0); ENTRIES],
            due: VecDeque::new(),
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
        self.model.set(self.count_entry, entry as u64);
        self.model.set(self.count_bytes, bytes.into());
        self.model.set(self.tick, Self::tick_of(self.clock).into());
        let r = CounterRequest::default();
        let mut word = Row::<1>([0]);
        if let Some((entry, clear)) = request {
            word.set(Field::new(r.get_my_offset_entry(), r.get_my_width_entry()), entry as u128);
            word.set(Field::new(r.get_my_offset_clear(), r.get_my_width_clear()), clear.into());
        }
        self.model.set(self.request, word.0[0]);
        self.model.set(self.request_valid, request.is_some().into());
        self.model.eval();
        let ready = self.model.get(self.request_ready) == 1;
        assert_eq!(ready, count.is_none(), "clock {}: a request is taken exactly in a clock without a count", self.clock);

        let replied = (self.model.get(self.reply_valid) == 1).then(|| counts_from_words(&records::get(&self.model, self.reply)));
        let due = self.due.pop_front_if(|(clock, _)| *clock == self.clock).map(|(_, counts)| counts);
        assert_eq!(replied, due, "clock {}: packets, bytes, seen", self.clock);
        self.replies += usize::from(replied.is_some());

        if let Some((entry, bytes)) = count {
            let counts = &mut self.counts[entry];
            *counts = (counts.0 + 1, counts.1 + u64::from(bytes), Self::tick_of(self.clock + SEEN_AFTER as u32));
        }
        let taken = request.filter(|_| ready);
        if let Some((entry, clear)) = taken {
            self.due.push_back((self.clock + REPLY_AFTER as u32, self.counts[entry]));
            if clear {
                self.counts[entry] = (0, 0, 0);
            }
        }
        self.model.tick();
        self.clock += 1;
        taken.is_some()
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
            self.feed(Input::Request { entry, clear: false });
        }
        for _ in 0..=REPLY_AFTER {
            self.feed(Input::Nothing);
        }
        assert!(self.due.is_empty(), "replies that never came: {:?}", self.due);
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
    let mut rng = rng();
    let mut rig = Rig::new();
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
fn a_request_waits_one_clock_when_packets_come_every_second() {
    let mut rig = Rig::new();
    for i in 0..1_000 {
        let request = Some((i % ENTRIES, i % 3 == 0));
        let count = Some((7, 64));
        assert!(!rig.clock(count, request));
        assert!(rig.clock(None, request));
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
