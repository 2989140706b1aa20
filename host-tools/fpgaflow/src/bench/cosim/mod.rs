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

mod load;
pub mod sizes;

use std::fmt;

use fpgaflow_abi::wire::MIN_FRAME_BYTES;
use serde::Serialize;

use crate::width::Width;
use load::{Load, PORTS, card, flow, frame, header_bytes};

/// Clocks of a window.
const WINDOW_CLOCKS: u64 = 100_000;
/// Bytes of a full-size frame without FCS.
const LONG_FRAME_BYTES: usize = 1514;
/// Frames whose latency is measured, each at another distance from the one before.
const LATENCY_FRAMES: u64 = 64;
/// Clocks in which a frame has left.
const LATENCY_CLOCKS: u64 = 600;
/// Clocks of a run that measures speed, and runs.
const SPEED_CLOCKS: u64 = 500_000;
const SPEED_RUNS: usize = 5;
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
pub fn run(width: Width) -> anyhow::Result<Report> {
    let shortest = Load::start(width, MIN_FRAME_BYTES, None)?.throughput(WINDOW_CLOCKS)?;
    let longest = Load::start(width, LONG_FRAME_BYTES, None)?.throughput(WINDOW_CLOCKS)?;
    let mut load = Load::start(width, MIN_FRAME_BYTES, Some(MISS_EVERY))?;
    let mut clocks_per_s = 0_f64;
    for _ in 0..SPEED_RUNS {
        clocks_per_s = clocks_per_s.max(load.speed(SPEED_CLOCKS)?);
    }
    Ok(Report {
        width_bits: width.bits(),
        clocks_per_s,
        packets_per_clock_64b: shortest.frames_per_clock,
        beats_per_clock: longest.beats_per_clock,
        latency_clocks: latency(width)?,
    })
}

fn latency(width: Width) -> anyhow::Result<u64> {
    let [ingress, egress] = PORTS;
    let mut card = card(width)?;
    let flow = flow(ingress, 0);
    let frame = frame(&flow, MIN_FRAME_BYTES);
    card.card().mark_received(ingress.into(), header_bytes(&flow) - 1);
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
