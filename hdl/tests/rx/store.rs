//! The store of a port against two queues: what is committed, and what is provisional.

use std::collections::VecDeque;

use fpgaflow_hdl::prelude::Block;
use fpgaflow_hdl::rx::{JoinBeats, RxStore};
use fpgaflow_hdl_guard::{Expect, Model, Port, check_block, model, rng};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;

use crate::support::{BeatPorts, Steady, get_bytes, random_bytes, reset, set_beat};

/// Bytes of a beat.
const WIDTH: usize = 8;
/// Beats in the RAM: few, so that it is full most of the time.
const DEPTH: usize = 8;
/// One beat in view, two, several, and more than a frame has.
type One = RxStore<64, 65, 1, 64, 3, 4>;
type Two = RxStore<64, 65, 2, 128, 3, 4>;
type Several = RxStore<64, 65, 3, 192, 3, 4>;
type Many = RxStore<64, 65, 12, 768, 3, 4>;

/// A beat and whether it is its frame's last.
type Beat = (Vec<u8>, bool);

struct Rig {
    m: Model,
    push: Port,
    data: Port,
    last: Port,
    commit: Port,
    rollback: Port,
    space: Port,
    head_valid: Port,
    head: Port,
    out: BeatPorts,
    steady: Steady,
    committed: VecDeque<Beat>,
    provisional: Vec<Beat>,
    at_first: bool,
    /// A beat, the first of a frame with its head, was there in this clock.
    shown: bool,
    passed: usize,
    forgotten: usize,
}

impl Rig {
    fn new(name: &str, dut: impl Block) -> Self {
        let mut m = model(name, dut);
        reset(&mut m);
        Self {
            push: m.port("push"),
            data: m.port("data"),
            last: m.port("last"),
            commit: m.port("commit"),
            rollback: m.port("rollback"),
            space: m.port("space"),
            head_valid: m.port("head_valid"),
            head: m.port("head"),
            out: BeatPorts::of(&m, "m_axis"),
            m,
            steady: Steady::default(),
            committed: VecDeque::new(),
            provisional: vec![],
            at_first: true,
            shown: false,
            passed: 0,
            forgotten: 0,
        }
    }

    /// One clock with a beat or none. A last beat commits. What is at the output is taken if `take`, a first beat only with its head.
    fn clock(&mut self, push: Option<Beat>, rollback: bool, take: bool) {
        let m = &mut self.m;
        assert!(push.is_none() || m.get(self.space) > 0);
        let commit = !rollback && push.as_ref().is_some_and(|(_, last)| *last);
        m.set(self.push, push.is_some().into());
        if let Some((bytes, last)) = &push {
            set_beat(m, self.data, bytes);
            m.set(self.last, (*last).into());
        }
        m.set(self.commit, commit.into());
        m.set(self.rollback, rollback.into());
        let valid = m.get(self.out.valid) == 1;
        self.shown = valid && (!self.at_first || m.get(self.head_valid) == 1);
        m.set(self.out.ready, (take && (self.shown || !valid)).into());
        m.eval();
        self.steady.check(m, self.out);
        if valid {
            let (bytes, last) = self.committed.front().expect("a beat that was not committed is offered");
            assert_eq!((&get_bytes(m, self.out.data), m.get(self.out.last) == 1), (bytes, *last));
        }
        if self.shown && self.at_first {
            let end = self.committed.iter().position(|(_, last)| *last).expect("whole frames are committed");
            let frame: Vec<u8> = self.committed.iter().take(end + 1).flat_map(|(bytes, _)| bytes.clone()).collect();
            let head = get_bytes(m, self.head);
            let seen = frame.len().min(head.len());
            assert_eq!(head[..seen], frame[..seen]);
        }
        if self.out.moves(m) {
            let (_, last) = self.committed.pop_front().expect("checked above");
            self.at_first = last;
            self.passed += 1;
        }
        self.provisional.extend(push);
        if rollback {
            self.forgotten += self.provisional.len();
            self.provisional.clear();
        } else if commit {
            self.committed.extend(self.provisional.drain(..));
        }
        assert!(m.get(self.space) as usize <= DEPTH);
        m.tick();
    }

    fn beat(&self, rng: &mut ChaCha8Rng, last: bool) -> Beat {
        (random_bytes(rng, WIDTH), last)
    }
}

/// Frames of one beat up to all that fit, some of them forgotten at any point, between a fast and a slow reader.
fn random_run(name: &str, dut: impl Block) {
    let mut rng = rng();
    let mut rig = Rig::new(name, dut);
    let (mut rates, mut left, mut was_full) = ((0.5, 0.5), 1, 0);
    for clock in 0..400_000_u32 {
        if clock.is_multiple_of(64) {
            rates = ([0.1, 0.5, 0.9, 1.0][rng.random_range(0..4)], [0.0, 0.1, 0.5, 0.9, 1.0][rng.random_range(0..5)]);
        }
        let rollback = rng.random_bool(0.03);
        let space = rig.m.get(rig.space) > 0;
        was_full += u32::from(!space);
        let push = (space && rng.random_bool(rates.0)).then(|| rig.beat(&mut rng, left == 1));
        if push.is_some() {
            left -= 1;
        }
        if rollback || left == 0 {
            left = rng.random_range(1..=DEPTH);
        }
        let take = rng.random_bool(rates.1);
        rig.clock(push, rollback, take);
    }
    rig.clock(None, true, true);
    for _ in 0..100 {
        rig.clock(None, false, true);
    }
    assert!(rig.committed.is_empty(), "what is committed leaves");
    assert_eq!(rig.m.get(rig.space) as usize, DEPTH, "room is lost");
    assert!(rig.passed > 50_000 && rig.forgotten > 10_000 && was_full > 1000);
}

#[test]
fn rx_store_is_clean_and_one_ram() {
    check_block("rx_store", RxStore::<64, 65, 12, 768, 11, 12>::default, Expect::rams(1).with_bits(65 << 11));
    check_block("join_beats", JoinBeats::<64, 12, 768>::default, Expect::rams(0));
}

#[test]
fn committed_beats_leave_in_order_behind_their_head_and_forgotten_ones_never() {
    random_run("rx_store_one", One::default());
    random_run("rx_store_two", Two::default());
    random_run("rx_store_several", Several::default());
    random_run("rx_store_many", Many::default());
}

/// Whatever its length and the gaps between its beats, a frame that finds nothing before it is there right after its commit.
fn first_beat_follows_commit(name: &str, dut: impl Block, latency: usize) {
    let mut rng = rng();
    let mut rig = Rig::new(name, dut);
    for index in 0..2000 {
        let beats = 1 + index % DEPTH;
        // A part of a frame that is forgotten leaves nothing that is in the way.
        for _ in 0..rng.random_range(0..DEPTH) {
            let beat = rig.beat(&mut rng, false);
            rig.clock(Some(beat), false, true);
        }
        rig.clock(None, true, true);
        for at in 0..beats {
            while rng.random_bool(0.3) {
                rig.clock(None, false, true);
            }
            let beat = rig.beat(&mut rng, at + 1 == beats);
            rig.clock(Some(beat), false, true);
            assert!(!rig.shown, "shown before its end");
        }
        for _ in 1..latency {
            rig.clock(None, false, false);
            assert!(!rig.shown, "{beats} beats: shown early");
        }
        for _ in 0..beats {
            rig.clock(None, false, true);
            assert!(rig.shown, "{beats} beats: late, or with a gap");
        }
        assert!(rig.committed.is_empty());
    }
}

#[test]
fn the_first_beat_and_the_head_come_the_latency_after_the_commit() {
    first_beat_follows_commit("rx_store_one", One::default(), One::LATENCY);
    first_beat_follows_commit("rx_store_two", Two::default(), Two::LATENCY);
    first_beat_follows_commit("rx_store_several", Several::default(), Several::LATENCY);
    first_beat_follows_commit("rx_store_many", Many::default(), Many::LATENCY);
}

/// Frames of all lengths at a beat a clock in, after a reader that let some of them wait: a beat a clock out.
fn no_bubble(name: &str, dut: impl Block) {
    let mut rng = rng();
    let mut rig = Rig::new(name, dut);
    for wait in 0..3 {
        let mut begun = false;
        for length in [1, 2, 3, 4_usize].into_iter().cycle().take(200) {
            for at in 0..length {
                let beat = rig.beat(&mut rng, at + 1 == length);
                let room = rig.m.get(rig.space) > 0;
                rig.clock(room.then_some(beat), false, begun);
                assert!(room, "a beat in does not find room");
                assert!(!begun || rig.shown, "a bubble, {wait} beats behind");
                // As much as the longest frame is there, so that the next one is committed before it is needed.
                begun |= rig.committed.len() >= 4 + wait;
            }
        }
        while !rig.committed.is_empty() {
            rig.clock(None, false, true);
            assert!(rig.shown, "a bubble at the end");
        }
    }
}

#[test]
fn frames_that_wait_leave_without_a_bubble() {
    no_bubble("rx_store_one", One::default());
    no_bubble("rx_store_two", Two::default());
    no_bubble("rx_store_several", Several::default());
    no_bubble("rx_store_many", Many::default());
}
