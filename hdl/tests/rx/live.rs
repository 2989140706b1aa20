//! The receive side at 64 bits, block by block: a port whose frames are read before they have ended, and what is read on trial.

use std::collections::VecDeque;

use fpgaflow_abi::reason::Reason;
use fpgaflow_hdl::prelude::Bits;
use fpgaflow_hdl::rx::{BeatKind, Gather, Kind, LivePort, LiveStore, NextPort, PassingLayer2, TrialFifo};
use fpgaflow_hdl_guard::{Expect, check_block, model, rng};
use rand::RngExt;

use crate::support::{BeatPorts, Steady, beats, get_bytes, random_bytes, random_length, reset, set_beat, set_lanes};

/// A small store, so that it is full most of the time.
type Small = LivePort<6, 7, 4, 5>;
const MAX: usize = 400;

#[test]
fn the_blocks_are_clean() {
    let rams = |rams| Expect::rams(rams);
    check_block("rx_live_port", || LivePort::<11, 12, 8, 9>::new(9018), rams(2).with_bits(2048 * 71 + 256 * 17));
    check_block("rx_live_store", LiveStore::<71, 11, 12>::default, rams(1).with_bits(71 << 11));
    check_block("rx_trial_fifo", TrialFifo::<Bits<65>, 5, 6>::default, rams(1).with_bits(65 << 5));
    check_block("rx_next_port", NextPort::<3>::default, rams(0));
    check_block("rx_beat_kind", BeatKind::default, rams(0));
    check_block("rx_passing_layer2", PassingLayer2::default, rams(0));
    check_block("rx_gather1", Gather::<1>::default, rams(0));
    check_block("rx_gather4", Gather::<4>::default, rams(0));
}

/// A frame that was sent to a port that is on.
struct Stored {
    bytes: Vec<u8>,
    bad: bool,
}

/// Frames good and bad, gaps, stalls, and a reader that starts again at any time while a frame has not ended.
#[test]
fn a_port_offers_every_frame_and_says_how_it_ended() {
    let mut rng = rng();
    let mut m = model("rx_live_port_small", Small::new(MAX));
    let port = |name: &str| m.port(name);
    let (tdata, tkeep, tlast) = (port("s_axis_tdata"), port("s_axis_tkeep"), port("s_axis_tlast"));
    let (tuser, tvalid, tready) = (port("s_axis_tuser"), port("s_axis_tvalid"), port("s_axis_tready"));
    let (enable, hold, restart) = (port("enable"), port("hold"), port("restart"));
    let (ended, ended_valid, ended_ready) = (port("m_axis_ended_data"), port("m_axis_ended_valid"), port("m_axis_ended_ready"));
    let (drop_valid, drop_reason) = (port("drop_valid"), port("drop_reason"));
    let (received_valid, received_length) = (port("received_valid"), port("received_length"));
    let out = BeatPorts::of(&m, "m_axis_beats");
    reset(&mut m);
    m.tick();

    let mut stored: VecDeque<Stored> = VecDeque::new();
    let (mut drops, mut lengths) = (VecDeque::new(), VecDeque::new());
    let (mut sending, mut sent_at, mut offered, mut on): (Option<Stored>, _, _, _) = (None, 0, false, true);
    let (mut at, mut known, mut pop) = (0, false, false);
    let (mut gaps, mut stalls) = (0.0, 0.0);
    let (mut passed, mut dropped, mut restarts, mut was_full) = (0, 0, 0, 0);
    let mut steady = Steady::default();
    for clock in 0..400_000 {
        if clock % 1000 == 0 {
            gaps = [0.0, 0.2, 0.7][rng.random_range(0..3)];
            stalls = [0.0, 0.3, 0.8][rng.random_range(0..3)];
        }
        if sending.is_none() && clock < 390_000 {
            let length = match rng.random_range(0..20) {
                0 => rng.random_range(1..14),
                1 => rng.random_range(MAX - 8..2 * MAX),
                _ => random_length(&mut rng, 14, MAX),
            };
            let error = rng.random_ratio(1, 10);
            on = !rng.random_ratio(1, 10);
            let bytes = random_bytes(&mut rng, length);
            let reason = if !on {
                Some(Reason::PortDisabled)
            } else if error {
                Some(Reason::RxError)
            } else if length > MAX {
                Some(Reason::Oversize)
            } else if length < 14 {
                Some(Reason::Runt)
            } else {
                None
            };
            drops.extend(reason);
            lengths.push_back(length as u64);
            if on {
                stored.push_back(Stored { bytes: bytes.clone(), bad: reason.is_some() });
            }
            sending = Some(Stored { bytes, bad: error });
            sent_at = 0;
        }
        m.set(enable, on.into());
        offered = sending.is_some() && (offered || !rng.random_bool(gaps));
        m.set(tvalid, offered.into());
        if let Some(frame) = &sending {
            let cut = beats(&frame.bytes, 8);
            let last = sent_at + 1 == cut.len();
            set_lanes(&mut m, tdata, cut[sent_at]);
            m.set(tkeep, (1 << cut[sent_at].len()) - 1);
            m.set(tlast, last.into());
            m.set(tuser, (last && frame.bad).into());
        }
        // The reader keeps to what `Gather` does: it holds behind a frame's first beat until it has seen how the frame ended.
        let holds = at > 0 && !known;
        let restarts_now = holds && rng.random_ratio(1, 40);
        m.set(hold, holds.into());
        m.set(restart, restarts_now.into());
        m.set(out.ready, (!restarts_now && !rng.random_bool(stalls)).into());
        m.set(ended_ready, pop.into());
        m.eval();
        if restarts_now {
            steady = Steady::default();
        } else {
            steady.check(&m, out);
        }
        known = !pop && m.get(ended_valid) == 1;
        pop = false;
        if restarts_now {
            at = 0;
            known = false;
            restarts += 1;
        } else if out.moves(&m) {
            let frame = stored.front().expect("a beat of no frame");
            let cut = beats(&frame.bytes, 8);
            let last = m.get(out.last) == 1;
            if frame.bytes.len() > MAX {
                assert!(at < MAX / 8 + 3, "more of an oversize frame than must be kept");
            } else {
                assert_eq!(get_bytes(&m, out.data)[..cut[at].len()], *cut[at]);
                assert_eq!(last, at + 1 == cut.len());
            }
            at += 1;
            if last {
                // A frame of one beat may be gone before the one before it has let go of its word.
                if frame.bytes.len() > 8 {
                    assert!(known, "the last beat comes before the word that says what it is");
                    assert_eq!(m.get(ended), frame.bytes.len() as u64 | u64::from(frame.bad) << 16);
                }
                passed += u32::from(!frame.bad);
                stored.pop_front();
                pop = true;
                at = 0;
                known = false;
            }
        }
        if m.get(drop_valid) == 1 {
            assert_eq!(Reason::from_code(m.get(drop_reason) as u8), drops.pop_front());
            dropped += 1;
        }
        if m.get(received_valid) == 1 {
            assert_eq!(Some(m.get(received_length)), lengths.pop_front());
        }
        was_full += u32::from(offered && m.get(tready) == 0);
        if offered && m.get(tready) == 1 {
            offered = false;
            sent_at += 1;
            if sending.as_ref().is_some_and(|frame| sent_at == beats(&frame.bytes, 8).len()) {
                sending = None;
            }
        }
        m.tick();
    }
    assert!(stored.is_empty() && drops.is_empty() && lengths.is_empty());
    assert!(passed > 5000 && dropped > 1000 && restarts > 500 && was_full > 1000, "{passed} {dropped} {restarts} {was_full}");
}

#[test]
#[should_panic(expected = "does not fit a store")]
fn a_store_that_the_longest_frame_does_not_fit_is_refused() {
    let _ = Small::new(54 * 8);
}

/// Words in order, those that were forgotten never, `room` as said.
#[test]
fn words_on_trial_leave_when_they_are_committed() {
    type Fifo = TrialFifo<Bits<64>, 4, 5>;
    let mut rng = rng();
    let mut m = model("rx_trial_fifo_small", Fifo::default());
    let port = |name: &str| m.port(name);
    let (push, word, commit, rollback, room) = (port("push"), port("word"), port("commit"), port("rollback"), port("room"));
    let (data, valid, ready) = (port("m_axis_data"), port("m_axis_valid"), port("m_axis_ready"));
    reset(&mut m);
    let (mut committed, mut trial) = (VecDeque::new(), vec![]);
    let mut had_room = VecDeque::from(vec![false; Fifo::UNDER_WAY + 1]);
    let (mut passed, mut forgotten, mut was_full, mut slow) = (0, 0, 0, 0.5);
    for clock in 0..200_000 {
        if clock % 500 == 0 {
            slow = [0.0, 0.3, 0.9][rng.random_range(0..3)];
        }
        had_room.push_back(m.get(room) == 1);
        had_room.pop_front();
        // What is pushed was under way when there was room.
        let pushes = had_room[0] && rng.random_bool(0.8);
        was_full += u32::from(!had_room[0]);
        let bytes = random_bytes(&mut rng, 8);
        // A fifo full of words on trial is stuck: somebody has to decide.
        let (forgets, commits) = (rng.random_ratio(1, 30), rng.random_ratio(1, 5));
        set_beat(&mut m, word, &bytes);
        m.set(push, pushes.into());
        m.set(commit, commits.into());
        m.set(rollback, forgets.into());
        m.set(ready, (!rng.random_bool(slow)).into());
        m.eval();
        if m.get(valid) == 1 && m.get(ready) == 1 {
            assert_eq!(Some(get_bytes(&m, data)), committed.pop_front());
            passed += 1;
        }
        if pushes {
            trial.push(bytes);
        }
        if forgets {
            forgotten += trial.len();
            trial.clear();
        } else if commits {
            committed.extend(trial.drain(..));
        }
        m.tick();
    }
    assert!(passed > 30_000 && forgotten > 5000 && was_full > 5000, "{passed} {forgotten} {was_full}");
}

/// Whoever has a frame that has ended is chosen before any other port is chosen twice; the others when nobody has.
#[test]
fn ports_with_a_frame_that_has_ended_come_first_and_in_turn() {
    const PORTS: usize = 3;
    let mut rng = rng();
    let mut m = model("rx_next_port", NextPort::<PORTS>::default());
    let each = |name: &str| -> [_; PORTS] { std::array::from_fn(|i| m.port(&format!("{name}_{i}"))) };
    let (ended, here, chosen, hidden) = (each("ended"), each("here"), each("chosen"), each("hidden"));
    let (stay, change) = (m.port("stay"), m.port("change"));
    reset(&mut m);
    for _ in 0..20_000 {
        let now: Vec<usize> = (0..PORTS).filter(|i| m.get(chosen[*i]) == 1).collect();
        assert_eq!(now.len(), 1, "one port is chosen");
        assert!((0..PORTS).all(|i| m.get(chosen[i]) != m.get(hidden[i])));
        let has = |rng: &mut rand_chacha::ChaCha8Rng| -> [bool; PORTS] { std::array::from_fn(|_| rng.random_ratio(1, 3)) };
        let (ends, shows, stays, changes) = (has(&mut rng), has(&mut rng), rng.random::<bool>(), rng.random::<bool>());
        for i in 0..PORTS {
            m.set(ended[i], ends[i].into());
            m.set(here[i], shows[i].into());
        }
        m.set(stay, stays.into());
        m.set(change, changes.into());
        let others = (1..PORTS).map(|step| (now[0] + step) % PORTS);
        let next = others.clone().find(|i| ends[*i]).or_else(|| if stays { None } else { others.clone().find(|i| shows[*i]) });
        m.tick();
        let expected = next.filter(|_| changes).unwrap_or(now[0]);
        assert_eq!(m.get(chosen[expected]), 1, "{now:?} {ends:?} {shows:?} {stays}");
    }
}

/// Every code, in both halves.
#[test]
fn halves_of_a_beat_are_told_by_their_first_bytes() {
    let mut rng = rng();
    let mut m = model("rx_beat_kind", BeatKind::default());
    let (beat, kinds) = (m.port("beat"), m.port("kinds"));
    let known: [([u8; 4], Kind); 9] = [
        ([0x86, 0xdd, 1, 2], Kind::Ipv6),
        ([0x00, 0x21, 1, 2], Kind::PppIpv4),
        ([0x00, 0x57, 1, 2], Kind::PppIpv6),
        ([0x81, 0x00, 1, 2], Kind::Dot1q),
        ([0x88, 0xa8, 1, 2], Kind::Dot1ad),
        ([0x88, 0x64, 0x11, 0x01], Kind::PppoeType),
        ([0x88, 0x64, 0x11, 0x00], Kind::Pppoe),
        ([0x08, 0x00, 0x45, 0x00], Kind::Other),
        ([0x88, 0x63, 0x11, 0x00], Kind::Other),
    ];
    for _ in 0..1000 {
        let (first, second) = (known[rng.random_range(0..9)], known[rng.random_range(0..9)]);
        set_beat(&mut m, beat, &[first.0, second.0].concat());
        m.eval();
        assert_eq!(m.get(kinds), (first.1 as u64) << 3 | second.1 as u64);
    }
}
