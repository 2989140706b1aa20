//! A new hash secret under traffic: every frame leaves once, translated, in its flow's order, by the card or by software.

use std::collections::HashMap;
use std::time::Duration;

use fpgaflow_abi::entry::Entry;
use fpgaflow_abi::key::Family;
use fpgaflow_abi::reason::Reason;
use fpgaflow_abi::wire::MIN_FRAME_BYTES;
use fpgaflow_driver::card::PortSettings;
use fpgaflow_driver::software::SoftwareTable;
use fpgaflow_driver::switchover::{Limits, Switched};
use fpgaflow_tests::{Carrier, Rig, Setup, Stream, Width, at_both_widths, datagram_flow_of, forwarded, hop, secret};
use fpgaflow_traffic::{rng, seed};
use rand_chacha::ChaCha8Rng;

/// Flows of each family from each port.
const FLOWS: u8 = 100;
/// Those of them that have frames: few, so that frames of a flow follow each other closely.
const BUSY: u8 = 2;
/// Clocks between two looks.
const STEP_CLOCKS: u64 = 64;
/// Steps of traffic before and after.
const STEPS: u64 = 300;
/// Rekeys of a run.
const REKEYS: u32 = 4;
/// Frames that wait at a port at most.
const QUEUE: usize = 8;

/// Flows both ways through a card, software that knows them too, and what is due at the ports.
struct Lab {
    seed: u64,
    rng: ChaCha8Rng,
    rig: Rig,
    carrier: Carrier,
    wire: Wire,
}

/// What goes in and what is due.
struct Wire {
    streams: Vec<Stream>,
    flows: Vec<Entry>,
    /// Flow and number of every frame that is to leave, by its bytes.
    due: HashMap<Vec<u8>, (usize, u64)>,
    /// Frames of each flow that went in, and the number of the last that left.
    fed: Vec<u64>,
    left: Vec<u64>,
    frames: u64,
    /// Frames that left behind a later one of their flow.
    overtaken: u64,
}

impl Wire {
    fn feed(&mut self, rig: &mut Rig) {
        for (port, stream) in (0..).zip(&mut self.streams) {
            while rig.transport.card().receive_waiting(port) < QUEUE && rig.is_calm(MIN_FRAME_BYTES) {
                let packet = stream.next_packet();
                let flow = self.flows.iter().position(|flow| flow.key == packet.key).expect("a flow of the lab");
                let action = self.flows[flow].action;
                self.fed[flow] += 1;
                self.frames += 1;
                let leaves = forwarded(&packet, &action, &hop(action.next_hop as u8));
                assert_eq!(self.due.insert(leaves, (flow, self.fed[flow])), None, "every frame differs");
                rig.inject(port as u8, packet.to_frame(), false);
            }
        }
    }

    /// Holds what left to what is due.
    fn check(&mut self, rig: &mut Rig) {
        let kept = rig.kept.as_mut().expect("it is kept");
        for frame in kept.sent.iter_mut().flat_map(std::mem::take) {
            let (flow, number) = self.due.remove(&frame).expect("a frame that is due, once, and translated as its flow says");
            self.overtaken += u64::from(number < self.left[flow]);
            self.left[flow] = self.left[flow].max(number);
        }
    }
}

impl Lab {
    fn new(width: Width) -> Self {
        let seed = seed();
        let mut rng = rng(seed);
        let mut rig = Rig::new(Setup { width, ..Setup::new(seed) }, secret(&mut rng));
        rig.keep();
        let mut software = SoftwareTable::new(secret(&mut rng), 2, rig.geometry().max_frame_bytes, 1 << 10);
        software.set_lookup(true);
        for port in 0..2 {
            rig.add_next_hop(hop(port));
            software.set_next_hop(port.into(), &hop(port)).expect("the port exists");
            let settings = PortSettings { mac: [2, 0, 0, 0, 0, port], enabled: true, ..PortSettings::default() };
            software.set_port(port, &settings).expect("the port exists");
        }
        let of_port = |port: u8, flows: u8| {
            let families = [Family::V4, Family::V6];
            families.into_iter().flat_map(move |family| {
                (1..=flows).map(move |number| datagram_flow_of(family, port, number, u16::from(1 - port)))
            })
        };
        let flows: Vec<Entry> = (0..2).flat_map(|port| of_port(port, FLOWS)).collect();
        for flow in &flows {
            rig.install([*flow]).expect("an almost empty table takes a flow");
            software.insert(&flow.key, &flow.action).expect("it is new");
        }
        rig.await_commands();
        let streams =
            (0..2).map(|port| Stream::of(of_port(port, BUSY).map(|flow| flow.key).collect(), MIN_FRAME_BYTES)).collect();
        let none = vec![0; flows.len()];
        let wire = Wire { streams, flows, due: HashMap::new(), fed: none.clone(), left: none, frames: 0, overtaken: 0 };
        Self { seed, rng, rig, carrier: Carrier::new(software), wire }
    }

    /// Goes over to another secret while frames come in.
    fn rekey(&mut self, limits: Limits) -> Switched {
        let Self { rig, carrier, wire, rng, .. } = self;
        rig.switch_over(secret(rng), limits, carrier, |rig| {
            wire.feed(rig);
            wire.check(rig);
        })
    }

    fn run(&mut self, steps: u64) {
        for _ in 0..steps {
            self.wire.feed(&mut self.rig);
            self.rig.run(STEP_CLOCKS);
            self.carrier.carry(&mut self.rig);
            self.wire.check(&mut self.rig);
        }
    }

    /// Lets everything leave.
    fn drain(&mut self) {
        for _ in 0..100_000 {
            if self.wire.due.is_empty() {
                return;
            }
            self.rig.run(STEP_CLOCKS);
            self.carrier.carry(&mut self.rig);
            self.wire.check(&mut self.rig);
        }
        panic!("{} of {} frames never left", self.wire.due.len(), self.wire.frames);
    }
}

fn rekey_under_traffic(width: Width) {
    let mut lab = Lab::new(width);
    lab.run(STEPS);
    assert_eq!(lab.carrier.forwarded, 0, "the card forwards all by itself");
    let mut took = Vec::new();
    for _ in 0..REKEYS {
        let by_software = lab.carrier.forwarded;
        let switched = lab.rekey(Limits::default());
        assert!(switched.in_order, "{switched:?}");
        assert!(lab.carrier.forwarded > by_software, "flows went on in software");
        // A clock is a nanosecond.
        let [out, back] = switched.held.map(|held| held.as_nanos());
        took.push(format!("{} (held for {out} and {back})", switched.total.as_nanos()));
        let by_software = lab.carrier.forwarded;
        lab.run(STEPS);
        assert_eq!(lab.carrier.forwarded, by_software, "the card forwards all by itself again");
    }
    lab.drain();
    assert_eq!((lab.wire.overtaken, lab.carrier.unknown), (0, 0));
    let (fed, by_software) = (lab.wire.frames, lab.carrier.forwarded);
    let (seed, flows) = (lab.seed, lab.wire.flows.len());
    let report = lab.rig.finish();
    println!(
        "{} bits, rekey: seed {seed}, {fed} frames in {} clocks, {by_software} of them by software, none lost or overtaken; {flows} flows rekeyed in \
         {} clocks",
        width.geometry().width_bits,
        report.clocks,
        took.join(", ")
    );
    assert_eq!(report.count(Reason::Forwarded) + by_software, fed, "each frame was forwarded once");
}

/// The same with holds that end before anything has left: the test above would see frames out of order.
fn rekey_without_holds(width: Width) {
    let mut lab = Lab::new(width);
    for _ in 0..REKEYS {
        lab.run(STEPS);
        assert!(!lab.rekey(Limits { hold: Duration::ZERO }).in_order, "it says itself that order was not kept");
    }
    lab.run(STEPS);
    lab.drain();
    println!("{} bits: {} of {} frames were overtaken", width.geometry().width_bits, lab.wire.overtaken, lab.wire.frames);
    assert!(lab.wire.overtaken > 0, "no frame was overtaken, so nothing is shown by none above");
    lab.rig.finish();
}

/// Frames inside leave, those that come wait, and none is lost.
fn hold(width: Width) {
    let mut lab = Lab::new(width);
    lab.run(STEPS);
    lab.rig.driver.set_hold(true).expect("write the register");
    lab.wire.feed(&mut lab.rig);
    // What was inside when the register was written has left by now.
    lab.rig.run(100 * STEP_CLOCKS);
    lab.wire.check(&mut lab.rig);
    let left = lab.wire.left.clone();
    lab.run(STEPS);
    assert_eq!(lab.wire.left, left, "a frame left although all are held");
    assert!(
        lab.rig.driver.has_sent_all().expect("read the counters") && lab.rig.driver.has_punted_all().expect("read the counters")
    );
    lab.rig.driver.set_hold(false).expect("write the register");
    lab.run(STEPS);
    lab.drain();
    assert_eq!((lab.wire.overtaken, lab.carrier.forwarded), (0, 0));
    lab.rig.finish();
}

at_both_widths! {
    fn held_frames_wait_at_the_ports_and_none_is_lost(width) {
        hold(width);
    }

    fn a_rekey_under_traffic_loses_no_frame_and_keeps_every_flows_order(width) {
        rekey_under_traffic(width);
    }

    fn a_rekey_without_holds_puts_frames_out_of_order(width) {
        rekey_without_holds(width);
    }
}
