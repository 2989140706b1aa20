//! A card that is reset while frames flow, and told everything again: no wrong frame leaves, and its flows go on.

use std::time::{Duration, Instant};

use fpgaflow_abi::reason::{REASONS, Reason};
use fpgaflow_abi::wire::MIN_FRAME_BYTES;
use fpgaflow_card::Timing;
use fpgaflow_driver::card::{CardError, Events, PortCounters};
use fpgaflow_driver::table::FlowTable;
use fpgaflow_driver::transport::Transport;
use fpgaflow_golden::Losses;
use fpgaflow_tests::{Churn, Feeder, Rig, Setup, Stream, Width, at_both_widths, datagram_flow, hop, secret};
use fpgaflow_traffic::{Frames, Mix, Scenario, Sizes, Variety, rng, seed};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Clocks between two changes of what goes in.
const STEP_CLOCKS: u64 = 64;
/// Resets of one run.
const RESETS: u64 = 12;
/// Frames between two of them, about.
const FRAMES_BETWEEN: u64 = 1_500;

/// Resets a card again and again while random frames flow and tables change, in surroundings that behave as `timing`.
fn reset_under_traffic(width: Width, timing: Timing, sizes: Sizes) {
    let seed = seed();
    let mut rng = rng(seed);
    let losses = Losses { host_full: true, tx_full: false };
    let mut rig = Rig::new(Setup { width, timing, losses, ..Setup::new(seed) }, secret(&mut rng));
    let scenario = Scenario::draw(&mut rng, rig.geometry(), 300, &Variety::everything());
    let mut child = || ChaCha8Rng::seed_from_u64(rng.random());
    let mut churn = Churn::new(child(), &scenario, 85);
    churn.fill(&mut rig);
    let mut feeder = Feeder::new(Frames::new(child(), &scenario, Mix::everything(), sizes), 97, false);
    let mut from_host = Frames::new(child(), &scenario, Mix::hits(), sizes);
    let mut when = child();
    for _ in 0..RESETS {
        let until = feeder.fed() + when.random_range(1..2 * FRAMES_BETWEEN);
        while feeder.fed() < until {
            feeder.feed(&mut rig, until);
            churn.step(&mut rig);
            let frame = from_host.draw();
            rig.send(frame.port, &frame.bytes);
            rig.run(when.random_range(1..2 * STEP_CLOCKS));
        }
        rig.reset_and_recover();
    }
    rig.await_commands();
    let until = feeder.fed() + FRAMES_BETWEEN;
    while feeder.fed() < until {
        feeder.feed(&mut rig, until);
        rig.run(STEP_CLOCKS);
    }
    // Everything since the last reset is compared with the model, counters of flows, ports and reasons among it.
    let report = rig.finish();
    println!("{} frames since the last reset, {} forwarded", report.summary.injected, report.summary.forwarded());
    assert!(report.summary.forwarded() > FRAMES_BETWEEN / 10, "the flows are not forwarded again");
}

/// A rig with a flow from port 0 to port 1, under whose frames it was until a moment ago.
fn busy_rig(width: Width) -> (Rig, Stream) {
    let seed = seed();
    let mut rig = Rig::new(Setup { width, ..Setup::new(seed) }, secret(&mut rng(seed)));
    let next_hop = rig.add_next_hop(hop(1));
    let flow = datagram_flow(0, 1, next_hop);
    rig.install([flow]).expect("an empty table takes a flow");
    rig.await_commands();
    let mut stream = Stream::new(flow.key, MIN_FRAME_BYTES);
    for _ in 0..20 {
        stream.feed(&mut rig);
        rig.run(STEP_CLOCKS);
    }
    (rig, stream)
}

at_both_widths! {
    fn a_card_goes_on_after_resets_at_line_rate(width) {
        reset_under_traffic(width, Timing::default(), Sizes::Small);
    }

    fn a_card_goes_on_after_resets_amid_stalls_and_long_frames(width) {
        let timing = Timing { bus_latency: 60, bus_stall_percent: 40, rx_stall_percent: 30, tx_stall_percent: 40 };
        reset_under_traffic(width, timing, Sizes::Mixed);
    }

    fn counters_and_clock_start_anew(width) {
        let (rig, _) = busy_rig(width);
        let driver = &rig.driver;
        let clock = || driver.clock().expect("read the clock");
        let before = clock();
        assert!(driver.reason_counters().expect("read")[Reason::Forwarded as usize] > 0, "there is something to forget");
        rig.transport.reset().expect("reset the card");
        let after = clock();
        assert!(after < before, "clock {after} after the reset, {before} before it");
        assert_eq!(driver.reason_counters().expect("read")[Reason::Forwarded as usize], 0);
        // What waited at the port came in since, and found it off.
        let mut reasons = driver.reason_counters().expect("read");
        let dropped = std::mem::take(&mut reasons[Reason::PortDisabled as usize]);
        assert_eq!(reasons, [0; REASONS]);
        let ports = [0, 1].map(|port| driver.port_counters(port).expect("the port exists"));
        let came = PortCounters { rx_frames: dropped, rx_bytes: dropped * MIN_FRAME_BYTES as u64, ..PortCounters::default() };
        assert_eq!(ports, [came, PortCounters::default()]);
    }

    fn no_flow_is_left_in_the_table(width) {
        let (mut rig, mut stream) = busy_rig(width);
        rig.rest();
        // The card is told of everything but the table, of which the model is told nothing either.
        let empty = FlowTable::new(&rig.geometry(), *rig.table.secret());
        rig.table = empty;
        rig.reset_and_recover();
        rig.await_commands();
        stream.feed(&mut rig);
        rig.rest();
        let report = rig.finish();
        assert_eq!(report.count(Reason::Miss), report.summary.injected, "an empty table knows no flow");
        assert!(report.summary.injected >= 16);
    }

    fn a_reset_that_the_driver_was_not_told_of_is_a_stall_and_is_recovered_from(width) {
        let (mut rig, mut stream) = busy_rig(width);
        rig.rest();
        rig.transport.reset().expect("reset the card");
        rig.driver.submit([]).expect("submit commands");
        let mut events = Events::default();
        let begun = Instant::now();
        rig.driver.poll(begun, &mut events).expect("not long enough to complain");
        rig.transport.card().run(10_000);
        let error = rig.driver.poll(begun + Duration::from_secs(11), &mut events).expect_err("a card that forgot its rings");
        assert!(matches!(error, CardError::Stalled { .. }), "{error:?}");
        assert!(error.to_string().starts_with("card sim has not executed a command"), "{error}");
        rig.reset_and_recover();
        rig.await_commands();
        let before = stream.sent;
        stream.feed(&mut rig);
        rig.rest();
        let report = rig.finish();
        assert_eq!(report.count(Reason::Forwarded), stream.sent - before, "the flow is back");
    }
}
