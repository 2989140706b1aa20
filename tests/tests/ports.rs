//! Engines of one port and of four: the same to the model as those of two, and fair.
//!
//! The card's claim is that whoever waits, waits for one frame of each of the others: of every other port on the way in, of the flow
//! table or the host on the way out. Nothing here measures time, only clocks.

use std::sync::{Arc, OnceLock};

use fpgaflow_card::{Build, Card, CosimTransport};
use fpgaflow_hdl::emit::emit;
use fpgaflow_hdl::engine::Tables;
use fpgaflow_hdl::prelude::Block;
use fpgaflow_tests::{Churn, Feeder, Rig, Setup, Stream, datagram_flow, hop, secret};
use fpgaflow_traffic::{Frames, Mix, Scenario, Sizes, Variety, rng, seed};
use fpgaflow_verilate::{Model, Source};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

fpgaflow_hdl::engine! {
    /// One port, 64 bits: the smallest.
    mod engine64x1 = Tables::COSIMULATED.geometry(64, 1);
}

fpgaflow_hdl::engine! {
    /// Four ports, 512 bits: the largest.
    mod engine512x4 = Tables::COSIMULATED.geometry(512, 4);
}

/// Clocks between two changes of what goes in.
const STEP_CLOCKS: u64 = 64;
/// Frames of a differential run.
const FRAMES: u64 = 15_000;
/// Steps in which they have gone in.
const MOST_STEPS: u64 = 200_000;
/// Shortest and longest frame of the traffic that saturates a port.
const SHORT: usize = 60;
const LONG: usize = 1514;
/// Bytes of a beat of the engine of four ports.
const BEAT: usize = 64;

/// An engine as a model's source: made once, on a stack that it fits, every bit of it a byte.
fn source<U: Block + 'static>(name: &str, make: fn() -> U) -> Source {
    let emitted = std::thread::Builder::new().stack_size(64 << 20).spawn(move || emit(make(), "engine"));
    let verilog = emitted.expect("a thread starts").join().expect("the engine is made").expect("the engine is clean");
    Source { name: name.to_owned(), ..Source::new(verilog, "engine") }
}

fn card(source: &Source, build: Build) -> Arc<CosimTransport> {
    let model = Model::build(source).unwrap_or_else(|error| panic!("{error}"));
    CosimTransport::new(Card::with_model(model, build).expect("make the card")).expect("make an eventfd")
}

fn one_port() -> Arc<CosimTransport> {
    static SOURCE: OnceLock<Source> = OnceLock::new();
    let build = Build {
        geometry: engine64x1::GEOMETRY,
        host_store_bytes: engine64x1::HostRx::STORE_BYTES,
        host_store_frames: engine64x1::HostRx::STORE_FRAMES,
    };
    card(SOURCE.get_or_init(|| source("engine64x1", engine64x1::Engine::default)), build)
}

fn four_ports() -> Arc<CosimTransport> {
    static SOURCE: OnceLock<Source> = OnceLock::new();
    let build = Build {
        geometry: engine512x4::GEOMETRY,
        host_store_bytes: engine512x4::HostRx::STORE_BYTES,
        host_store_frames: engine512x4::HostRx::STORE_FRAMES,
    };
    card(SOURCE.get_or_init(|| source("engine512x4", engine512x4::Engine::default)), build)
}

/// Random frames of every variety and changing tables, held to the golden model by the rig.
fn agree(transport: Arc<CosimTransport>) {
    let seed = seed();
    let mut rng = rng(seed);
    let mut rig = Rig::with_card(transport, Setup::new(seed), secret(&mut rng));
    let ports = rig.geometry().ports;
    let scenario = Scenario::draw(&mut rng, rig.geometry(), 300, &Variety::everything());
    let mut child = || ChaCha8Rng::seed_from_u64(rng.random());
    let mut churn = Churn::new(child(), &scenario, 85);
    churn.fill(&mut rig);
    let mut feeder = Feeder::new(Frames::new(child(), &scenario, Mix::everything(), Sizes::Mixed), 97, true);
    let mut from_host = Frames::new(child(), &scenario, Mix::hits(), Sizes::Mixed);
    let mut step = 0;
    while feeder.fed() < FRAMES {
        step += 1;
        assert!(step < MOST_STEPS, "{} of {FRAMES} frames went in", feeder.fed());
        feeder.feed(&mut rig, FRAMES);
        if step % 4 == 0 {
            churn.step(&mut rig);
        }
        if step % 16 == 0 {
            let frame = from_host.draw();
            rig.send(frame.port, &frame.bytes);
        }
        rig.run(STEP_CLOCKS);
    }
    let report = rig.finish();
    println!(
        "{ports} ports: {} frames in {} clocks, {} forwarded",
        report.summary.injected,
        report.clocks,
        report.summary.forwarded()
    );
    assert!(report.summary.forwarded() > FRAMES / 10 && report.punts > FRAMES / 100, "too little to say anything");
}

#[test]
fn rtl_and_model_agree_on_an_engine_of_one_port() {
    agree(one_port());
}

#[test]
fn rtl_and_model_agree_on_a_wide_engine_of_four_ports() {
    agree(four_ports());
}

/// An engine of four ports with a flow from each port `p` to `egress[p]`.
fn crossing(egress: [u8; 4]) -> (Rig, [fpgaflow_abi::entry::Entry; 4]) {
    let seed = seed();
    let mut rig = Rig::with_card(four_ports(), Setup::new(seed), secret(&mut rng(seed)));
    let flows = [0, 1, 2, 3].map(|port: u8| {
        let next_hop = rig.add_next_hop(hop(egress[usize::from(port)]));
        datagram_flow(port, port, next_hop)
    });
    rig.install(flows).expect("an empty table takes four flows");
    rig.await_commands();
    (rig, flows)
}

/// Keeps more frames waiting at the stream's port than it takes in two steps.
fn saturate(rig: &mut Rig, stream: &mut Stream, port: u8) {
    while rig.transport.card().receive_waiting(port.into()) < 2 * STEP_CLOCKS as usize {
        let frame = stream.next_frame();
        rig.inject(port, frame, false);
    }
}

#[test]
fn saturated_ports_get_equal_shares_of_a_frame_a_clock() {
    let (mut rig, flows) = crossing([1, 2, 3, 0]);
    let mut streams = flows.map(|flow| Stream::new(flow.key, SHORT));
    rig.keep();
    let sent = |rig: &Rig| -> Vec<u64> {
        rig.kept.as_ref().expect("frames are kept").sent.iter().map(|frames| frames.len() as u64).collect()
    };
    let mut run = |steps: u64, rig: &mut Rig| {
        for _ in 0..steps {
            for (port, stream) in (0..).zip(&mut streams) {
                saturate(rig, stream, port);
            }
            rig.run(STEP_CLOCKS);
        }
    };
    // Until every store is full.
    run(40, &mut rig);
    let before = sent(&rig);
    let window = 100 * STEP_CLOCKS;
    run(100, &mut rig);
    let shares: Vec<u64> = sent(&rig).iter().zip(before).map(|(after, before)| after - before).collect();
    println!("{shares:?} frames of {SHORT} bytes in {window} clocks");
    let fair = window / 4;
    for share in &shares {
        assert!(share.abs_diff(fair) <= fair / 100, "{shares:?} frames in {window} clocks");
    }
    rig.finish();
}

/// Most clocks from a frame's last beat at port 3 to its first beat out, one frame now and then, while the other ports are
/// saturated with frames of `others` bytes, or have nothing to do.
fn longest_wait(others: Option<usize>) -> u64 {
    const FRAMES: u64 = 300;
    // More than a frame stays that waits for one of every other port.
    const EVERY: u64 = 120;
    let (mut rig, flows) = crossing([1, 2, 0, 3]);
    let mut streams = flows.map(|flow| Stream::new(flow.key, others.unwrap_or(SHORT)));
    let [.., lone] = flows;
    let mut seldom = Stream::new(lone.key, SHORT);
    let mut most = 0;
    for number in 0..FRAMES + 20 {
        if others.is_some() {
            for (port, stream) in (0..3).zip(&mut streams) {
                saturate(&mut rig, stream, port);
            }
        }
        // At any distance from the others' turns.
        let frame = seldom.next_frame();
        let mut card = rig.transport.card();
        card.mark_received(3, SHORT - 1);
        drop(card);
        rig.inject(3, frame, false);
        let mut card = rig.transport.card();
        let mut left = EVERY + number % 7;
        let mut waited = None;
        while left > 0 {
            card.clock();
            left -= 1;
            for port in 0..4 {
                while let Some(sent) = card.sent(port) {
                    if port == 3 {
                        let mark = card.next_mark(3).expect("the port took the frame");
                        waited = Some(sent.first_clock - mark);
                    }
                    let clock = card.clocks();
                    rig.board.observe_tx(port as u8, &sent.bytes, clock).expect("the frame is one that is due");
                }
            }
        }
        drop(card);
        let waited = waited.expect("the frame left before the next came");
        // The first ones come before every store is full.
        if number >= 20 {
            most = most.max(waited);
        }
    }
    most
}

#[test]
fn a_port_that_sends_little_waits_for_one_frame_of_every_other_port_at_most() {
    let alone = longest_wait(None);
    for others in [SHORT, LONG] {
        let most = longest_wait(Some(others));
        let bound = alone + 3 * others.div_ceil(BEAT) as u64;
        println!("beside three ports with frames of {others} bytes: {most} clocks, alone {alone}, the bound is {bound}");
        assert!(most <= bound, "{most} clocks, alone {alone}");
    }
}

#[test]
fn a_frame_of_the_host_waits_for_one_frame_of_a_saturated_port_at_most() {
    const FRAMES: usize = 24;
    let (mut rig, flows) = crossing([0, 0, 0, 0]);
    let mut streams = flows.map(|flow| Stream::new(flow.key, SHORT));
    let mut feed = |rig: &mut Rig| {
        for (port, stream) in (0..).zip(&mut streams) {
            saturate(rig, stream, port);
        }
    };
    // The wire all but stands still, a beat in a hundred clocks, until both sides have frames stored.
    rig.transport.card().set_tx_stall(0, 100, 1);
    let from_host: Vec<u8> = (0..SHORT as u8).map(|byte| byte | 1).collect();
    for _ in 0..FRAMES {
        assert!(rig.send(0, &from_host), "the ring has room");
    }
    for _ in 0..16 {
        feed(&mut rig);
        rig.run(STEP_CLOCKS);
    }
    rig.keep();
    rig.transport.card().set_tx_stall(0, 0, 1);
    for _ in 0..4 {
        feed(&mut rig);
        rig.run(STEP_CLOCKS);
    }
    let kept = rig.kept.as_ref().expect("frames are kept");
    let is_host: Vec<bool> = kept.sent[0].iter().map(|frame| *frame == from_host).collect();
    let left = is_host.iter().filter(|is_host| **is_host).count();
    println!("{left} frames of the host among {}", is_host.len());
    assert!(left > FRAMES / 2, "too few waited for the wire to say anything");
    let last = is_host.iter().rposition(|is_host| *is_host).expect("a frame of the host left");
    assert!(is_host[..=last].windows(2).all(|pair| pair.contains(&true)), "two frames of flows while one of the host waits");
    assert!(is_host[..=last].windows(2).all(|pair| pair.contains(&false)), "two frames of the host while flows wait");
    assert!(is_host.len() > 200, "the wire is full");
    rig.finish();
}
