//! Counters of a flow that is hit in every clock, read by DMA again and again while other entries are cleared: each record is of one moment,
//! and in the end every count is exact.

use fpgaflow_abi::counters::{CounterRecord, TICK_SHIFT};
use fpgaflow_abi::entry::Entry;
use fpgaflow_abi::key::Family;
use fpgaflow_abi::reason::Reason;
use fpgaflow_abi::slot::EntryRef;
use fpgaflow_abi::wire::MIN_FRAME_BYTES;
use fpgaflow_tests::{Rig, Setup, Stream, Width, at_both_widths, datagram_flow_of, hop, secret};
use fpgaflow_traffic::{rng, seed};

/// Bulk reads of all counters.
const DUMPS: u64 = 10;
/// Flows that come and go with every bulk read: installing each clears the counters of its entry.
const GUESTS: u8 = 6;
/// Clocks between two looks.
const STEP_CLOCKS: u64 = 64;
/// Steps between two frames of a guest: the flow under test keeps nearly all of the data path.
const GUEST_STEPS: u64 = 5;
/// Beats a clock that count as line rate: a clear costs a clock, and so does the way of the first frame to its port.
const LINE_RATE: f64 = 0.999;

/// A flow, and how its frames are counted.
#[derive(Clone, Copy)]
struct Counted {
    flow: Entry,
    at: EntryRef,
    ip_bytes: u64,
}

impl Counted {
    fn install(rig: &mut Rig, flow: Entry) -> Self {
        let [at] = rig.install([flow]).expect("an almost empty table takes a flow");
        let packet = Stream::new(flow.key, MIN_FRAME_BYTES).next_packet();
        Self { flow, at, ip_bytes: (packet.header_bytes() + packet.payload.len()) as u64 }
    }

    /// The record that the last bulk read brought, which must be of one moment.
    fn record(&self, rig: &Rig) -> CounterRecord {
        let record = rig.driver.counter(self.at).expect("the entry exists");
        assert_eq!(record.bytes, record.packets * self.ip_bytes, "{record:?} mixes two moments");
        let now = rig.clock() >> TICK_SHIFT;
        assert!(u64::from(record.last_seen) <= now, "{record:?} is of the future, it is tick {now}");
        record
    }
}

/// Lets the driver read everything again and again under a flow of `family` that fills the data path.
fn count_under_traffic(width: Width, family: Family) {
    let seed = seed();
    let mut rig = Rig::new(Setup { width, ..Setup::new(seed) }, secret(&mut rng(seed)));
    let hops = [0, 1].map(|egress| rig.add_next_hop(hop(egress)));
    let hot = Counted::install(&mut rig, datagram_flow_of(family, 0, 0, hops[1]));
    rig.await_commands();
    let mut traffic = Stream::new(hot.flow.key, MIN_FRAME_BYTES);

    let begun = rig.clock();
    let (mut dumps, mut steps, mut guests, mut guest_frames) = (0, 0, Vec::<Counted>::new(), 0);
    // Frames that had left when the bulk read under way was asked for.
    let mut left = None;
    let mut last = CounterRecord::default();
    while dumps < DUMPS {
        traffic.feed(&mut rig);
        steps += 1;
        if steps % GUEST_STEPS == 0 && !guests.is_empty() {
            let guest = &guests[(steps / GUEST_STEPS) as usize % guests.len()];
            rig.inject(1, Stream::new(guest.flow.key, MIN_FRAME_BYTES).next_frame(), false);
            guest_frames += 1;
        }
        rig.run(STEP_CLOCKS);
        if rig.commands_under_way() > 0 {
            continue;
        }
        // What follows takes clocks, for it writes and reads registers.
        traffic.feed(&mut rig);
        if let Some(left) = left {
            let record = hot.record(&rig);
            assert!((left..=traffic.sent).contains(&record.packets), "{record:?}, {left} had left");
            assert!(record.packets > last.packets && record.last_seen >= last.last_seen, "{record:?} after {last:?}");
            last = record;
            dumps += 1;
        }
        if guests.is_empty() {
            guest_frames = 0;
            let family_of = |number: u8| if number.is_multiple_of(2) { Family::V4 } else { Family::V6 };
            let install = |number| Counted::install(&mut rig, datagram_flow_of(family_of(number), 1, number, hops[0]));
            guests = (0..GUESTS).map(install).collect();
        } else {
            let counted: u64 = guests.iter().map(|guest| guest.record(&rig).packets).sum();
            assert!(0 < counted && counted <= guest_frames, "{counted} counted of {guest_frames} since the entries were cleared");
            for guest in guests.drain(..) {
                assert!(rig.remove(&guest.flow.key), "nothing else is under way for its entry");
            }
        }
        traffic.feed(&mut rig);
        left = Some(rig.driver.port_counters(1).expect("the port exists").tx_frames);
        for family in [Family::V4, Family::V6] {
            rig.driver.read_counters(family, 0..rig.geometry().entries(family)).expect("the entries exist");
        }
    }
    let clocks = rig.clock() - begun;
    let beats: u64 = [0, 1].map(|port| rig.transport.card().beats_sent(port)).iter().sum();
    let rate = beats as f64 / clocks as f64;
    // Holds the counters of every flow to the model, those that were removed too.
    let report = rig.finish();
    println!(
        "{} bits, {family:?}: {} frames of one flow, {dumps} bulk reads in {clocks} clocks: {:.3} % of all beats used",
        width.geometry().width_bits,
        traffic.sent,
        100.0 * rate
    );
    assert_eq!(
        report.count(Reason::Forwarded) + report.count(Reason::Miss),
        report.summary.injected,
        "guests miss when they are gone"
    );
    assert!(rate > LINE_RATE, "{rate:.5} beats a clock are not the data path's rate");
}

at_both_widths! {
    fn an_ipv4_flow_in_every_clock_is_counted_exactly_and_read_coherently(width) {
        count_under_traffic(width, Family::V4);
    }

    fn an_ipv6_flow_in_every_clock_is_counted_exactly_and_read_coherently(width) {
        count_under_traffic(width, Family::V6);
    }
}
