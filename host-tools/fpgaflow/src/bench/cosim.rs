//! The verilated card under load: what the engine does in a clock, and how many clocks the simulator does in a second.
//!
//! # What is measured
//! Two flows cross the card, one from each port to the other. Both ports are fed as fast as they take frames, which is twice what the data
//! path carries.
//! - Throughput: frames or beats that leave by both ports in a clock, over a window in the middle of the load.
//! - Latency: from the clock in which a port takes the last beat with a byte of the packet's header to the clock of its first beat out, of
//!   frames as short as Ethernet allows, one at a time, the longest of them.
//! - Speed: clocks a second of CPU time of this thread, under the load of shortest frames with one in sixteen punted to the host
//!   and registers read now and then; driver, rings and ports included. The best of several runs: others may use the machine.

use std::fmt;

use fpgaflow_abi::entry::Entry;
use fpgaflow_abi::wire::{ETH_HEADER_BYTES, MIN_FRAME_BYTES};
use fpgaflow_driver::bench::thread_time;
use fpgaflow_flows::{FlowSet, SetNextHop};
use fpgaflow_traffic::{Packet, datagram_flow, hop};
use serde::Serialize;

use crate::stepped_card::SteppedCard;

/// Ports of the flows.
const PORTS: [u8; 2] = [0, 1];
/// Frames that wait at a port at least: more than it takes in a slice.
const QUEUE: usize = 16;
/// Clocks until the card is full, and clocks of a window.
const WARM_CLOCKS: u64 = 20_000;
const WINDOW_CLOCKS: u64 = 100_000;
/// Bytes of a full-size frame without FCS.
const LONG_FRAME_BYTES: usize = 1514;
/// Frames whose latency is measured, each at another distance from the one before.
const LATENCY_FRAMES: u64 = 64;
/// Clocks in which a frame has left.
const LATENCY_CLOCKS: u64 = 600;
/// Clocks of a run that measures speed, runs, and slices between two reads of all counters.
const SPEED_CLOCKS: u64 = 500_000;
const SPEED_RUNS: usize = 5;
const READ_SLICES: u64 = 256;
/// One frame of so many is of a flow that is not installed.
const MISS_EVERY: u64 = 16;

/// What was found.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Report {
    /// Width of the data path in bits.
    width_bits: u16,
    /// Clocks a second of CPU time.
    clocks_per_s: f64,
    /// Frames of 64 bytes with FCS, in a clock.
    packets_per_clock_64b: f64,
    /// Beats of the longest standard frames, in a clock.
    beats_per_clock: f64,
    /// Clocks from the last beat of a packet's header to its first beat out.
    latency_clocks: u64,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { width_bits, clocks_per_s, packets_per_clock_64b, beats_per_clock, latency_clocks } = self;
        writeln!(f, "data path             {width_bits} bits")?;
        writeln!(f, "simulation            {:.3} M clocks a second of CPU time", clocks_per_s / 1e6)?;
        writeln!(f, "64-byte frames        {packets_per_clock_64b:.4} a clock")?;
        writeln!(f, "1518-byte frames      {beats_per_clock:.4} beats a clock")?;
        write!(f, "latency               {latency_clocks} clocks")
    }
}

/// Runs everything, a few seconds.
///
/// # Errors
/// When the card fails.
pub fn run() -> anyhow::Result<Report> {
    let shortest = Load::start(MIN_FRAME_BYTES, None)?.throughput()?;
    let longest = Load::start(LONG_FRAME_BYTES, None)?.throughput()?;
    Ok(Report {
        width_bits: fpgaflow_card::GEOMETRY.width_bits,
        clocks_per_s: Load::start(MIN_FRAME_BYTES, Some(MISS_EVERY))?.speed()?,
        packets_per_clock_64b: shortest.frames as f64 / shortest.clocks as f64,
        beats_per_clock: longest.beats as f64 / longest.clocks as f64,
        latency_clocks: latency()?,
    })
}

/// The flow that comes in by `port` and leaves by the other; each `number` has its own.
fn flow(port: u8, number: u8) -> Entry {
    datagram_flow(port, number, u16::from(1 - port))
}

fn frame(flow: &Entry, bytes: usize) -> Vec<u8> {
    let headers = ETH_HEADER_BYTES + Packet::new(flow.key, Vec::new()).header_bytes();
    Packet::new(flow.key, vec![0x5a; bytes - headers]).to_frame()
}

/// A card with the two flows.
fn card() -> anyhow::Result<SteppedCard> {
    let next_hops = PORTS.map(|egress| SetNextHop { id: egress.into(), hop: hop(egress) });
    let mut card = SteppedCard::open()?;
    card.configure(&FlowSet { next_hops: next_hops.into(), flows: PORTS.map(|port| flow(port, 0)).into(), ports: Vec::new() })?;
    Ok(card)
}

/// What left in a window.
struct Throughput {
    clocks: u64,
    frames: u64,
    beats: u64,
}

/// A card under load.
struct Load {
    card: SteppedCard,
    /// By port, what hits and what misses.
    frames: [[Vec<u8>; 2]; 2],
    miss_every: Option<u64>,
    fed: u64,
    sent: u64,
}

impl Load {
    fn start(frame_bytes: usize, miss_every: Option<u64>) -> anyhow::Result<Self> {
        let frames = PORTS.map(|port| [0, 1].map(|number| frame(&flow(port, number), frame_bytes)));
        let mut load = Self { card: card()?, frames, miss_every, fed: 0, sent: 0 };
        load.run(WARM_CLOCKS)?;
        Ok(load)
    }

    fn run(&mut self, clocks: u64) -> anyhow::Result<()> {
        let end = self.card.clocks() + clocks;
        while self.card.clocks() < end {
            for (port, [hit, miss]) in PORTS.into_iter().zip(&self.frames) {
                while self.card.receive_waiting(port) < QUEUE {
                    self.fed += 1;
                    let misses = self.miss_every.is_some_and(|every| self.fed.is_multiple_of(every));
                    self.card.receive(port, if misses { miss.clone() } else { hit.clone() });
                }
            }
            self.card.step()?;
            for port in PORTS {
                self.sent += std::iter::from_fn(|| self.card.sent(port)).count() as u64;
            }
        }
        Ok(())
    }

    fn beats(&self) -> u64 {
        PORTS.iter().map(|port| self.card.card().beats_sent((*port).into())).sum()
    }

    fn throughput(mut self) -> anyhow::Result<Throughput> {
        let (clock, sent, beats) = (self.card.clocks(), self.sent, self.beats());
        self.run(WINDOW_CLOCKS)?;
        Ok(Throughput { clocks: self.card.clocks() - clock, frames: self.sent - sent, beats: self.beats() - beats })
    }

    fn speed(mut self) -> anyhow::Result<f64> {
        let mut best = 0_f64;
        for _ in 0..SPEED_RUNS {
            let (begun, first) = (thread_time(), self.card.clocks());
            while self.card.clocks() - first < SPEED_CLOCKS {
                self.run(READ_SLICES * crate::stepped_card::SLICE_CLOCKS)?;
                self.card.reasons()?;
            }
            best = best.max((self.card.clocks() - first) as f64 / (thread_time() - begun).as_secs_f64());
        }
        Ok(best)
    }
}

fn latency() -> anyhow::Result<u64> {
    let [ingress, egress] = PORTS;
    let mut card = card()?;
    let flow = flow(ingress, 0);
    let headers = ETH_HEADER_BYTES + Packet::new(flow.key, Vec::new()).header_bytes();
    let frame = frame(&flow, MIN_FRAME_BYTES);
    card.card().mark_received(ingress.into(), headers - 1);
    let mut longest = 0;
    for gap in 0..LATENCY_FRAMES {
        card.receive(ingress, frame.clone());
        card.card().run(LATENCY_CLOCKS + gap);
        let header = card.card().next_mark(ingress.into());
        let (Some(header), Some(sent)) = (header, card.sent(egress)) else {
            anyhow::bail!("card sim did not forward a frame within {LATENCY_CLOCKS} clocks");
        };
        longest = longest.max(sent.first_clock - header);
        card.step()?;
    }
    Ok(longest)
}
