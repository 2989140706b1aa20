//! What waits, what drops, and what goes on when somebody does not take his frames.

use fpgaflow_abi::reason::Reason;
use fpgaflow_abi::wire::MIN_FRAME_BYTES;
use fpgaflow_card::Timing;
use fpgaflow_driver::card::Options;
use fpgaflow_golden::Losses;
use fpgaflow_tests::{Churn, Feeder, PortSetup, Rig, Setup, Stream, Width, at_both_widths, datagram_flow, hop, secret};
use fpgaflow_traffic::{Frames, Mix, Scenario, Sizes, Variety, rng, seed};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

/// Clocks between two looks.
const STEP_CLOCKS: u64 = 64;
/// Clocks until every store in the card has filled.
const FILL_CLOCKS: u64 = 30_000;
/// Clocks over which rates are measured.
const WINDOW_CLOCKS: u64 = 50_000;
/// The port that is blocked or watched.
const EGRESS: usize = 1;
/// As good as blocked.
const BLOCKED_PERCENT: u32 = 99;

/// A rig with a flow from port 0 to port 1 and one from port 1 to port 0, and their frames.
fn crossing(setup: Setup) -> (Rig, [Stream; 2]) {
    let mut rig = Rig::new(setup, secret(&mut rng(setup.seed)));
    let hops = [0, 1].map(|egress| rig.add_next_hop(hop(egress)));
    let flows = [datagram_flow(0, 0, hops[1]), datagram_flow(1, 1, hops[0])];
    rig.install(flows).expect("an empty table takes two flows");
    rig.await_commands();
    (rig, flows.map(|flow| Stream::new(flow.key, MIN_FRAME_BYTES)))
}

fn feed_for(rig: &mut Rig, streams: &mut [Stream], clocks: u64) {
    let end = rig.clock() + clocks;
    while rig.clock() < end {
        streams.iter_mut().for_each(|stream| stream.feed(rig));
        rig.run(STEP_CLOCKS);
    }
}

/// Beats a clock that leave by `port` while `run` goes on.
fn beats_per_clock(rig: &mut Rig, port: usize, run: impl FnOnce(&mut Rig)) -> f64 {
    let look = |rig: &Rig| {
        let card = rig.transport.card();
        (card.clocks(), card.beats_sent(port))
    };
    let (clocks, beats) = look(rig);
    run(rig);
    let (clocks_after, beats_after) = look(rig);
    (beats_after - beats) as f64 / (clocks_after - clocks) as f64
}

/// Beats a clock of an offloaded flow beside another port's misses; with or without a host that takes those.
fn rate_beside_misses(width: Width, host_takes_them: bool) -> f64 {
    let seed = seed();
    let setup = Setup {
        losses: Losses { host_full: true, tx_full: false },
        options: Options { to_host_bits: 4, ..Options::default() },
        width,
        ..Setup::new(seed)
    };
    let (mut rig, [mut hits, _]) = crossing(setup);
    let mut misses = Stream::new(datagram_flow(1, 99, 0).key, MIN_FRAME_BYTES);
    let mut run = |rig: &mut Rig, clocks| {
        let end = rig.clock() + clocks;
        while rig.clock() < end {
            hits.feed(rig);
            misses.feed(rig);
            rig.run_without_driver(STEP_CLOCKS);
            if host_takes_them {
                rig.poll();
            }
        }
    };
    run(&mut rig, FILL_CLOCKS);
    let rate = beats_per_clock(&mut rig, EGRESS, |rig| run(rig, WINDOW_CLOCKS));
    let report = rig.finish();
    let (lost, punted) = (report.count(Reason::HostFull), report.count(Reason::Miss));
    println!("host takes them: {host_takes_them}; {rate:.4} beats a clock, {punted} punted, {lost} lost");
    assert_eq!(report.count(Reason::Forwarded), hits.sent, "offloaded frames are not concerned");
    assert_eq!(punted, misses.sent, "every miss is counted as one, lost or not");
    assert_eq!(report.punts, punted - lost, "the host got what was not counted as lost");
    if !host_takes_them {
        assert!(lost > WINDOW_CLOCKS / 32, "{lost} frames lost by a host that takes none");
    }
    rate
}

at_both_widths! {
    fn a_blocked_port_holds_everything_up_and_loses_nothing(width) {
        let seed = seed();
        let (mut rig, mut streams) = crossing(Setup { width, ..Setup::new(seed) });
        rig.transport.card().set_tx_stall(EGRESS, BLOCKED_PERCENT, seed);
        feed_for(&mut rig, &mut streams, FILL_CLOCKS);
        let before = streams.clone().map(|stream| stream.sent);
        feed_for(&mut rig, &mut streams, WINDOW_CLOCKS);
        let taken = streams.iter().zip(before).map(|(stream, before)| stream.sent - before).sum::<u64>();
        // One beat in a hundred clocks leaves, so one frame in 800 by either port at 64 bits: they share the data path frame by frame.
        let beats = MIN_FRAME_BYTES.div_ceil(width.build().beat_bytes()) as u64;
        assert!(taken < 4 * WINDOW_CLOCKS / (100 * beats), "{taken} frames went into a card that cannot be rid of them");
        rig.transport.card().set_tx_stall(EGRESS, 0, seed);
        let rate = beats_per_clock(&mut rig, EGRESS, |rig| feed_for(rig, &mut streams, WINDOW_CLOCKS));
        assert!(rate > 0.49, "{rate:.3} beats a clock: traffic does not resume");
        let report = rig.finish();
        assert_eq!(report.count(Reason::Forwarded), report.summary.injected, "everything is forwarded in the end");
    }

    fn a_port_that_drops_holds_up_nobody(width) {
        let seed = seed();
        let setup = Setup {
            losses: Losses { host_full: false, tx_full: true },
            port: PortSetup { tail_drop: true, promiscuous: false },
            width,
            ..Setup::new(seed)
        };
        let (mut rig, mut streams) = crossing(setup);
        rig.transport.card().set_tx_stall(EGRESS, BLOCKED_PERCENT, seed);
        feed_for(&mut rig, &mut streams, FILL_CLOCKS);
        let rate = beats_per_clock(&mut rig, 1 - EGRESS, |rig| feed_for(rig, &mut streams, WINDOW_CLOCKS));
        assert!(rate > 0.49, "{rate:.3} beats a clock by the other port: half of the data path is its share");
        let report = rig.finish();
        let (dropped, forwarded) = (report.count(Reason::TxFull), report.count(Reason::Forwarded));
        println!("{dropped} dropped, {forwarded} forwarded");
        assert!(dropped > WINDOW_CLOCKS / 32, "{dropped} frames dropped by a port that took hardly any");
        assert_eq!(report.summary.injected, forwarded, "every frame is decided on, and counted so, before it finds its port full");
    }

    fn offloaded_flows_keep_their_rate_when_the_host_has_no_buffers(width) {
        let (with, without) = (rate_beside_misses(width, true), rate_beside_misses(width, false));
        assert!((with - without).abs() < 0.005, "{with:.4} beats a clock with a host, {without:.4} without");
        assert!(without > 0.495, "{without:.4} beats a clock: half of the data path is its share");
    }

    fn nothing_deadlocks_when_everything_stalls_90_percent(width) {
        const FRAMES: u64 = 4_000;
        let seed = seed();
        let mut rng = rng(seed);
        let timing = Timing { bus_latency: 100, bus_stall_percent: 90, rx_stall_percent: 90, tx_stall_percent: 90 };
        let mut rig = Rig::new(Setup { width, timing, ..Setup::new(seed) }, secret(&mut rng));
        let scenario = Scenario::draw(&mut rng, rig.geometry(), 50, &Variety::everything());
        let mut child = || ChaCha8Rng::seed_from_u64(rand::RngExt::random(&mut rng));
        let mut churn = Churn::new(child(), &scenario, 60);
        churn.fill(&mut rig);
        let mut feeder = Feeder::new(Frames::new(child(), &scenario, Mix::everything(), Sizes::Small), 0, true);
        let mut from_host = Frames::new(child(), &scenario, Mix::hits(), Sizes::Small);
        while feeder.fed() < FRAMES {
            feeder.feed(&mut rig, FRAMES);
            churn.step(&mut rig);
            let frame = from_host.draw();
            rig.send(frame.port, &frame.bytes);
            rig.run(8 * STEP_CLOCKS);
        }
        let report = rig.finish();
        assert!(report.summary.injected >= FRAMES && report.summary.sent > 0, "both directions carried traffic");
    }
}
