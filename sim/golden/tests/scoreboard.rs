//! The scoreboard itself: a card that works passes, and each kind of fault is caught and named.

mod common;

use std::collections::VecDeque;
use std::net::Ipv4Addr;

use common::{GEOMETRY, HOP, HOP_INDEX, entry_ref, flow, seeded};
use etherparse::PacketBuilder;
use fpgaflow_abi::next_hop::NextHop;
use fpgaflow_abi::reason::{REASONS, Reason};
use fpgaflow_abi::wire::PROTO_UDP;
use fpgaflow_golden::{Card, Change, Difference, Losses, Mismatch, Outcome, PortConfig, Scoreboard, Summary};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;

const SEED: u64 = 77;
const DST: Ipv4Addr = Ipv4Addr::new(198, 51, 100, 1);

/// A datagram of flow `flow`, told apart by `mark` even when it is cut behind its source address.
fn frame(flow: u8, ttl: u8, mark: u64) -> Vec<u8> {
    let mut frame = Vec::new();
    let [.., a, b, c, d] = mark.to_be_bytes();
    let builder = PacketBuilder::ethernet2([4, 0, a, b, c, d], [2; 6]).ipv4([192, 0, 2, flow], DST.octets(), ttl);
    builder.udp(1000, 2000).write(&mut frame, &[&mark.to_be_bytes()[..], b"twelve bytes"].concat()).unwrap();
    frame
}

fn install(at: u32, index: u8) -> Change {
    let mut entry = flow(Ipv4Addr::new(192, 0, 2, index), 1000, DST, 2000, PROTO_UDP);
    entry.action.sport = 61000;
    Change::Install(entry_ref(at), entry)
}

fn start() -> Vec<Change> {
    let port = |port| Change::Port(port, PortConfig { rx_enable: true, promiscuous: true, mac: [2; 6] });
    vec![port(0), port(1), Change::Lookup(true), Change::NextHop(HOP_INDEX, HOP), install(0, 0), install(1, 1)]
}

/// A scoreboard and a working card, both with flows 0 and 1 installed.
fn pair(losses: Losses) -> (Scoreboard, Card) {
    let (mut board, mut card) = (Scoreboard::new(GEOMETRY, losses, SEED), Card::new(GEOMETRY));
    for change in start() {
        board.table_change_begins(&change, 0).unwrap();
        card.apply(&change).unwrap();
        board.table_change_ends(0);
    }
    (board, card)
}

/// Tells the scoreboard what became of a frame that came by `port`.
fn observe(board: &mut Scoreboard, port: u8, came: &[u8], outcome: &Outcome, clock: u64) -> Result<(), Mismatch> {
    match outcome {
        Outcome::Forwarded { port, frame, .. } => board.observe_tx(*port, frame, clock),
        Outcome::Punted { reason, entry } => board.observe_punt(port, *reason, *entry, came, clock),
        Outcome::Dropped { .. } => Ok(()),
    }
}

/// Injects one frame of every flow in `flows` by port 0 and returns what the working card makes of them.
fn run(board: &mut Scoreboard, card: &mut Card, flows: &[u8]) -> Vec<(Vec<u8>, Outcome)> {
    let mut outcomes = Vec::new();
    for (mark, flow) in flows.iter().enumerate() {
        let frame = frame(*flow, 64, mark as u64);
        board.inject(0, &frame, mark as u64).unwrap();
        let outcome = card.process(0, &frame).unwrap();
        outcomes.push((frame, outcome));
    }
    outcomes
}

/// Observes everything and closes, with the working card's counters.
fn close(mut board: Scoreboard, card: &Card, outcomes: &[(Vec<u8>, Outcome)]) -> Result<Summary, Mismatch> {
    for (came, outcome) in outcomes {
        observe(&mut board, 0, came, outcome, 100)?;
    }
    board.finish(Some(card.reasons()), 200)
}

fn difference(result: Result<Summary, Mismatch>) -> Difference {
    let mismatch = result.expect_err("a fault");
    assert!(mismatch.to_string().contains("FPGAFLOW_SEED=77"), "{mismatch}");
    mismatch.difference
}

#[test]
fn a_swapped_byte_is_caught_and_shown() {
    let (mut board, mut card) = pair(Losses::default());
    let mut outcomes = run(&mut board, &mut card, &[0, 1, 9]);
    let Outcome::Forwarded { frame, .. } = &mut outcomes[0].1 else { panic!("a hit") };
    frame.swap(50, 51);
    let mismatch = close(board, &card, &outcomes).unwrap_err();
    assert_eq!(mismatch.difference, Difference::Bytes);
    assert!(mismatch.detail.contains("> 000030"), "{mismatch}");
}

#[test]
fn a_changed_byte_on_the_way_to_the_host_is_caught() {
    let (mut board, mut card) = pair(Losses::default());
    let mut outcomes = run(&mut board, &mut card, &[9, 9]);
    outcomes[1].0[20] ^= 1;
    assert_eq!(difference(close(board, &card, &outcomes)), Difference::Bytes);
}

#[test]
fn a_lost_frame_is_caught_at_the_end_or_by_the_next_one() {
    for (lost, caught) in [(2, Difference::Lost), (0, Difference::Order), (4, Difference::Lost)] {
        let (mut board, mut card) = pair(Losses::default());
        let mut outcomes = run(&mut board, &mut card, &[0, 0, 0, 9, 9]);
        outcomes.remove(lost);
        assert_eq!(difference(close(board, &card, &outcomes)), caught, "frame {lost}");
    }
}

#[test]
fn a_duplicated_frame_is_caught() {
    for twice in 0..3 {
        let (mut board, mut card) = pair(Losses::default());
        let mut outcomes = run(&mut board, &mut card, &[0, 9, 1]);
        outcomes.insert(twice, outcomes[twice].clone());
        assert_eq!(difference(close(board, &card, &outcomes)), Difference::Duplicate, "frame {twice}");
    }
}

#[test]
fn a_reordered_pair_of_one_flow_is_caught() {
    for losses in [Losses::default(), Losses { host_full: true, tx_full: false }] {
        let (mut board, mut card) = pair(losses);
        let mut outcomes = run(&mut board, &mut card, &[0, 1, 0]);
        outcomes.swap(0, 2);
        assert_eq!(difference(close(board, &card, &outcomes)), Difference::Order);
    }
}

#[test]
fn forwarded_and_punted_frames_may_pass_each_other() {
    let (mut board, mut card) = pair(Losses::default());
    let mut outcomes = run(&mut board, &mut card, &[9, 0, 9, 1]);
    outcomes.sort_by_key(|(_, outcome)| outcome.reason() as u8);
    let summary = close(board, &card, &outcomes).unwrap();
    assert_eq!((summary.forwarded(), summary.reasons[Reason::Miss as usize]), (2, 2));
    assert_eq!(summary.flows.values().map(|flow| flow.packets).sum::<u64>(), 2);
}

#[test]
fn a_wrong_reason_entry_or_port_is_caught() {
    let faults: [fn(&mut Outcome); 4] = [
        |outcome| *outcome = Outcome::Punted { reason: Reason::Ttl, entry: None },
        |outcome| *outcome = Outcome::Punted { reason: Reason::Miss, entry: Some(entry_ref(3)) },
        |outcome| *outcome = Outcome::Forwarded { port: 1, frame: frame(9, 64, 0), entry: entry_ref(0) },
        |outcome| *outcome = Outcome::Forwarded { port: 0, frame: frame(9, 64, 0), entry: entry_ref(0) },
    ];
    for fault in faults {
        let (mut board, mut card) = pair(Losses::default());
        let mut outcomes = run(&mut board, &mut card, &[9, 9]);
        fault(&mut outcomes[0].1);
        assert_eq!(difference(close(board, &card, &outcomes)), Difference::Way);
    }
    let (mut board, mut card) = pair(Losses::default());
    let mut outcomes = run(&mut board, &mut card, &[0]);
    let Outcome::Forwarded { port, .. } = &mut outcomes[0].1 else { panic!("a hit") };
    *port = 0;
    assert_eq!(difference(close(board, &card, &outcomes)), Difference::Way);
}

#[test]
fn a_wrong_counter_is_caught() {
    let (mut board, mut card) = pair(Losses::default());
    let outcomes = run(&mut board, &mut card, &[0, 9]);
    card.process(0, &frame(9, 64, 99)).unwrap();
    assert_eq!(difference(close(board, &card, &outcomes)), Difference::Counter);
}

#[test]
fn a_frame_from_nowhere_is_caught() {
    let (mut board, _) = pair(Losses::default());
    assert_eq!(board.observe_tx(1, &frame(0, 64, 0), 5).unwrap_err().difference, Difference::Unexpected);
    assert_eq!(board.observe_tx(200, &frame(0, 64, 0), 5).unwrap_err().difference, Difference::Unexpected);
}

#[test]
fn punts_that_found_the_host_full_must_be_counted() {
    let full = Losses { host_full: true, tx_full: false };
    for (counted, agrees) in [(3, true), (2, false), (0, false)] {
        let (mut board, mut card) = pair(full);
        let outcomes = run(&mut board, &mut card, &[9, 9, 0, 9, 9]);
        let taken = [outcomes[1].clone(), outcomes[2].clone()];
        let mut counters = *card.reasons();
        counters[Reason::HostFull as usize] = counted;
        for (came, outcome) in &taken {
            observe(&mut board, 0, came, outcome, 10).unwrap();
        }
        match board.finish(Some(&counters), 20) {
            Ok(summary) => assert!(agrees && summary.reasons[Reason::HostFull as usize] == 3),
            Err(mismatch) => assert!(!agrees && mismatch.difference == Difference::Counter, "{mismatch}"),
        }
    }
}

#[test]
fn a_frame_that_may_have_been_lost_on_one_of_its_ways_is_not_due_on_the_other() {
    let (mut board, mut card) = pair(Losses { host_full: true, tx_full: false });
    let change = Change::NextHop(HOP_INDEX, NextHop { mtu: 20, ..HOP });
    board.table_change_begins(&change, 1).unwrap();
    let (first, second, third) = (frame(0, 64, 1), frame(9, 64, 2), frame(0, 64, 3));
    board.inject(0, &first, 2).unwrap();
    board.inject(0, &second, 3).unwrap();
    board.table_change_ends(4);
    // The card has made the change before the first frame, whose punt finds the host full. The second is punted: only this shows
    // that the first is not to be punted any more; it must not be taken as forwarded then.
    card.apply(&change).unwrap();
    card.process(0, &first).unwrap();
    let outcome = card.process(0, &second).unwrap();
    observe(&mut board, 0, &second, &outcome, 5).unwrap();
    board.table_change_begins(&Change::NextHop(HOP_INDEX, HOP), 6).unwrap();
    board.table_change_ends(7);
    card.apply(&Change::NextHop(HOP_INDEX, HOP)).unwrap();
    board.inject(0, &third, 8).unwrap();
    let outcome = card.process(0, &third).unwrap();
    observe(&mut board, 0, &third, &outcome, 9).unwrap();
    let mut counters = *card.reasons();
    counters[Reason::HostFull as usize] = 1;
    assert_eq!(board.finish(Some(&counters), 20).unwrap().reasons, counters);
}

#[test]
fn frames_that_found_a_port_full_must_be_counted_and_count_for_their_flow() {
    let (mut board, mut card) = pair(Losses { host_full: false, tx_full: true });
    let outcomes = run(&mut board, &mut card, &[0, 0, 0, 1]);
    let mut counters = *card.reasons();
    counters[Reason::TxFull as usize] = 2;
    for (came, outcome) in &outcomes[1..3] {
        observe(&mut board, 0, came, outcome, 10).unwrap();
    }
    let summary = board.finish(Some(&counters), 20).unwrap();
    let flow = |index: usize| summary.flows[&(entry_ref(index as u32), card.entry(entry_ref(index as u32)).unwrap().key)];
    assert_eq!((flow(0).packets, flow(1).packets), (3, 1));
    assert_eq!(summary.reasons, counters);
}

#[test]
fn drops_are_confirmed_by_later_frames_and_counted() {
    let (mut board, mut card) = pair(Losses::default());
    board.inject(0, b"runt", 1).unwrap();
    board.inject_damaged(0, &frame(0, 64, 0), 2).unwrap();
    card.process(0, b"runt").unwrap();
    card.process_damaged(0, &frame(0, 64, 0)).unwrap();
    assert_eq!(board.waiting(), 2);
    let outcomes = run(&mut board, &mut card, &[0]);
    observe(&mut board, 0, &outcomes[0].0, &outcomes[0].1, 9).unwrap();
    assert_eq!(board.waiting(), 0);
    let summary = board.finish(Some(card.reasons()), 10).unwrap();
    assert_eq!((summary.reasons[Reason::Runt as usize], summary.reasons[Reason::RxError as usize]), (1, 1));
}

#[test]
fn a_forwarded_frame_is_never_excused_by_a_full_host() {
    let (mut board, mut card) = pair(Losses { host_full: true, tx_full: false });
    let mut outcomes = run(&mut board, &mut card, &[0, 1, 9]);
    outcomes.remove(1);
    assert_eq!(difference(close(board, &card, &outcomes)), Difference::Lost);
}

#[test]
fn frames_of_the_host_leave_in_order_and_padded() {
    let (mut board, _) = pair(Losses::default());
    board.send(1, b"short frame of the host", 1).unwrap();
    board.send(1, &[7; 100], 2).unwrap();
    let mut padded = b"short frame of the host".to_vec();
    padded.resize(60, 0);
    assert_eq!(board.observe_tx(1, &[7; 100], 3).unwrap_err().difference, Difference::Order);
    board.observe_tx(1, &padded, 4).unwrap();
    board.observe_tx(1, &[7; 100], 5).unwrap();
    assert_eq!(board.finish(Some(&[0; REASONS]), 6).unwrap().sent, 2);
}

#[test]
fn a_change_under_way_allows_both_states_and_an_ended_one_only_the_new() {
    let change = Change::NextHop(HOP_INDEX, NextHop { valid: false, ..HOP });
    let punted = Outcome::Punted { reason: Reason::NoNextHop, entry: Some(entry_ref(0)) };
    // Injected before, while, after the change is under way.
    for inject in 0..3 {
        for is_new in [false, true] {
            let (mut board, mut card) = pair(Losses::default());
            let came = frame(0, 64, 1);
            let way = if is_new { punted.clone() } else { card.process(0, &came).unwrap() };
            for step in 0..3 {
                if step == inject {
                    board.inject(0, &came, step).unwrap();
                }
                match step {
                    0 => board.table_change_begins(&change, step).unwrap(),
                    1 => board.table_change_ends(step),
                    _ => {}
                }
            }
            let seen = observe(&mut board, 0, &came, &way, 9);
            assert_eq!(seen.is_ok(), is_new || inject < 2, "injected at {inject}, new {is_new}: {seen:?}");
        }
    }
}

/// Seed 8747750853742683338 of `tests/differential` at line rate: a flow without translation went out of one entry and into another while its frames
/// passed.
#[test]
fn a_frame_that_either_entry_of_a_flow_may_have_counted_is_told_of() {
    for is_moved in [false, true] {
        let (mut board, mut card) = pair(Losses::default());
        let came = frame(0, 64, 1);
        let way = card.process(0, &came).unwrap();
        board.table_change_begins(&Change::Remove(entry_ref(0)), 0).unwrap();
        board.inject(0, &came, 1).unwrap();
        if is_moved {
            board.table_change_begins(&install(2, 0), 2).unwrap();
        }
        observe(&mut board, 0, &came, &way, 3).unwrap();
        let summary = board.finish(None, 4).unwrap();
        assert_eq!(summary.forwarded(), 1);
        let (_, key) = *summary.flows.keys().next().unwrap();
        assert_eq!(summary.moved.contains(&key), is_moved);
    }
}

#[test]
fn a_frame_that_was_overtaken_by_a_later_one_cannot_meet_later_changes() {
    let (mut board, mut card) = pair(Losses::default());
    let outcomes = run(&mut board, &mut card, &[9, 0]);
    observe(&mut board, 0, &outcomes[1].0, &outcomes[1].1, 5).unwrap();
    let change = install(9, 9);
    board.table_change_begins(&change, 6).unwrap();
    card.apply(&change).unwrap();
    let late = card.process(0, &outcomes[0].0).unwrap();
    assert!(observe(&mut board, 0, &outcomes[0].0, &late, 7).is_err());
}

/// A card with a pipeline: decides in order some time after a frame came, and sends it some time after that.
struct Delayed {
    card: Card,
    entering: VecDeque<(u8, Vec<u8>)>,
    leaving: [VecDeque<(u8, Vec<u8>, Outcome)>; 3],
    commands: VecDeque<Change>,
}

impl Delayed {
    /// One step of any part; `true` when a change was carried out.
    fn step(&mut self, rng: &mut ChaCha8Rng, board: &mut Scoreboard, clock: u64) -> bool {
        match rng.random_range(0..8) {
            0..=2 => {
                if let Some((port, frame)) = self.entering.pop_front() {
                    let outcome = self.card.process(port, &frame).unwrap();
                    let exit = match &outcome {
                        Outcome::Forwarded { port, .. } => usize::from(*port),
                        _ => 2,
                    };
                    self.leaving[exit].push_back((port, frame, outcome));
                }
            }
            3..=6 => {
                let exit = rng.random_range(0..3);
                if let Some((port, frame, outcome)) = self.leaving[exit].pop_front() {
                    observe(board, port, &frame, &outcome, clock).unwrap_or_else(|mismatch| panic!("{mismatch}"));
                }
            }
            _ => {
                if let Some(change) = self.commands.pop_front() {
                    self.card.apply(&change).unwrap();
                    return true;
                }
            }
        }
        false
    }
}

#[test]
fn a_working_card_passes_while_its_table_changes_under_traffic() {
    let mut rng = seeded();
    for _ in 0..20 {
        let (mut board, card) = pair(Losses::default());
        let mut delayed = Delayed { card, entering: VecDeque::new(), leaving: Default::default(), commands: VecDeque::new() };
        let mut installed = [true, true, false, false, false, false];
        let mut last_hop = HOP;
        for clock in 0..20_000u64 {
            if rng.random_bool(0.25) {
                let (flow, ttl) = (rng.random_range(0..7), if rng.random_bool(0.1) { 1 } else { 9 });
                let mut frame = frame(flow, ttl, clock);
                frame.truncate(if rng.random_bool(0.05) { rng.random_range(0..30) } else { frame.len() });
                let port = u8::from(rng.random_bool(0.2));
                board.inject(port, &frame, clock).unwrap();
                delayed.entering.push_back((port, frame));
            }
            if rng.random_bool(0.05) {
                let flow = rng.random_range(0..6u8);
                let change = match rng.random_range(0..20) {
                    0 => Change::Lookup(rng.random()),
                    1 => Change::Port(
                        rng.random_range(0..2),
                        PortConfig { rx_enable: rng.random(), promiscuous: rng.random(), mac: [2; 6] },
                    ),
                    2..5 => {
                        last_hop = NextHop { egress: rng.random_range(0..2), mtu: 48 + rng.random_range(0..2), ..last_hop };
                        Change::NextHop(HOP_INDEX, last_hop)
                    }
                    _ if installed[usize::from(flow)] => Change::Remove(entry_ref(flow.into())),
                    _ => install(flow.into(), flow),
                };
                match change {
                    Change::Install(..) => installed[usize::from(flow)] = true,
                    Change::Remove(..) => installed[usize::from(flow)] = false,
                    _ => {}
                }
                board.table_change_begins(&change, clock).unwrap();
                delayed.commands.push_back(change);
            }
            if delayed.step(&mut rng, &mut board, clock) {
                board.table_change_ends(clock);
            }
        }
        while !delayed.entering.is_empty() || delayed.leaving.iter().any(|exit| !exit.is_empty()) {
            if delayed.step(&mut rng, &mut board, 20_000) {
                board.table_change_ends(20_000);
            }
        }
        let summary = board.finish(Some(delayed.card.reasons()), 30_000).unwrap_or_else(|mismatch| panic!("{mismatch}"));
        assert!(summary.forwarded() > 100, "{summary:?}");
    }
}

#[test]
fn a_punt_for_a_bad_row_is_right_only_while_rows_may_be_bad() {
    let came = |mark| frame(0, 64, mark);
    let parity = |board: &mut Scoreboard, entry, mark| board.observe_punt(0, Reason::Parity, entry, &came(mark), 9);
    let (mut board, _) = pair(Losses::default());
    board.inject(0, &came(1), 1).unwrap();
    assert_eq!(parity(&mut board, None, 1).unwrap_err().difference, Difference::Way);

    // Of the slot or the entry, of the next hop; also of a frame that was on its way when the damage began.
    let (mut board, mut card) = pair(Losses::default());
    board.inject(0, &came(1), 1).unwrap();
    board.damage_begins();
    board.inject(0, &came(2), 2).unwrap();
    board.inject(0, &came(3), 3).unwrap();
    parity(&mut board, None, 1).unwrap();
    parity(&mut board, Some(entry_ref(0)), 2).unwrap();
    // It need not be.
    observe(&mut board, 0, &came(3), &card.process(0, &came(3)).unwrap(), 9).unwrap();
    // Whatever has a reason without a lookup keeps it.
    let mut arp = came(4);
    arp[12..14].copy_from_slice(&[8, 6]);
    board.inject(0, &arp, 4).unwrap();
    assert_eq!(board.observe_punt(0, Reason::Parity, None, &arp, 9).unwrap_err().difference, Difference::Way);

    let (mut board, _) = pair(Losses::default());
    board.damage_begins();
    board.damage_ends();
    board.inject(0, &came(1), 1).unwrap();
    assert_eq!(parity(&mut board, None, 1).unwrap_err().difference, Difference::Way);
}
