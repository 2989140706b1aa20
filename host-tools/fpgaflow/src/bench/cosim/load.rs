//! A verilated card whose ports are fed as fast as they take frames.

use fpgaflow_abi::entry::Entry;
use fpgaflow_abi::next_hop::NextHop;
use fpgaflow_abi::wire::ETH_HEADER_BYTES;
use fpgaflow_driver::bench::thread_time;
use fpgaflow_flows::{FlowSet, SetNextHop};
use fpgaflow_traffic::{Packet, datagram_flow, hop};

use crate::stepped_card::{SLICE_CLOCKS, SteppedCard};
use crate::width::Width;

/// Ports of the flows.
pub const PORTS: [u8; 2] = [0, 1];
/// Frames that wait at a port at least: more than it takes in a slice.
const QUEUE: usize = SLICE_CLOCKS as usize + 16;
/// Clocks until the card is full.
const WARM_CLOCKS: u64 = 20_000;
/// Clocks between two reads of all counters while speed is measured.
const READ_CLOCKS: u64 = 256 * SLICE_CLOCKS;

/// The flow that comes in by `port` and leaves by the other; each `number` has its own.
pub fn flow(port: u8, number: u8) -> Entry {
    datagram_flow(port, number, u16::from(1 - port))
}

/// Bytes of a packet's headers in a frame of `flow`.
pub fn header_bytes(flow: &Entry) -> usize {
    ETH_HEADER_BYTES + Packet::new(flow.key, Vec::new()).header_bytes()
}

/// A frame of `flow`, `bytes` long without FCS.
pub fn frame(flow: &Entry, bytes: usize) -> Vec<u8> {
    Packet::new(flow.key, vec![0x5a; bytes - header_bytes(flow)]).to_frame()
}

/// A card with the two flows numbered 0, whose next hops take packets as long as the card does.
pub fn card(width: Width) -> anyhow::Result<SteppedCard> {
    let mut card = SteppedCard::open(width.into())?;
    let mtu = card.geometry().max_frame_bytes as u16 - ETH_HEADER_BYTES as u16;
    let next_hops = PORTS.map(|egress| SetNextHop { id: egress.into(), hop: NextHop { mtu, ..hop(egress) } });
    card.configure(&FlowSet { next_hops: next_hops.into(), flows: PORTS.map(|port| flow(port, 0)).into(), ports: Vec::new() })?;
    Ok(card)
}

/// What left in a window, both ports together.
#[derive(Debug, Clone, Copy)]
pub struct Throughput {
    /// Frames a clock.
    pub frames_per_clock: f64,
    /// Beats a clock.
    pub beats_per_clock: f64,
}

/// A card under load.
pub struct Load {
    card: SteppedCard,
    /// By port, what hits and what misses.
    frames: [[Vec<u8>; 2]; 2],
    miss_every: Option<u64>,
    fed: u64,
    /// Frames that left, and in which clock the last of them began to.
    sent: u64,
    last_sent: u64,
}

impl Load {
    /// A card that is full of frames of `frame_bytes` without FCS; one in `miss_every` is of a flow that is not installed.
    ///
    /// # Errors
    /// When the card fails.
    pub fn start(width: Width, frame_bytes: usize, miss_every: Option<u64>) -> anyhow::Result<Self> {
        let mut load = Self { card: card(width)?, frames: frames(frame_bytes), miss_every, fed: 0, sent: 0, last_sent: 0 };
        load.run(WARM_CLOCKS)?;
        Ok(load)
    }

    /// Goes over to frames of another size.
    ///
    /// # Errors
    /// When the card fails.
    pub fn change_size(&mut self, frame_bytes: usize) -> anyhow::Result<()> {
        while PORTS.iter().any(|port| self.card.receive_waiting(*port) > 0) || !self.card.is_at_rest() {
            self.step()?;
        }
        self.frames = frames(frame_bytes);
        Ok(())
    }

    /// Runs for `clocks`.
    ///
    /// # Errors
    /// When the card fails.
    pub fn run(&mut self, clocks: u64) -> anyhow::Result<()> {
        let end = self.card.clocks() + clocks;
        while self.card.clocks() < end {
            for (port, [hit, miss]) in PORTS.into_iter().zip(&self.frames) {
                for _ in self.card.receive_waiting(port)..QUEUE {
                    self.fed += 1;
                    let misses = self.miss_every.is_some_and(|every| self.fed.is_multiple_of(every));
                    self.card.receive(port, if misses { miss.clone() } else { hit.clone() });
                }
            }
            self.step()?;
        }
        Ok(())
    }

    /// What leaves in the next `clocks`: counted from the frame that begins to leave first to the one that does last.
    ///
    /// # Errors
    /// When the card fails.
    pub fn throughput(&mut self, clocks: u64) -> anyhow::Result<Throughput> {
        let (first, sent, beats, clock) = (self.last_sent, self.sent, self.beats(), self.card.clocks());
        self.run(clocks)?;
        Ok(Throughput {
            // Frames are timed by themselves: the window's ends cut frames.
            frames_per_clock: (self.sent - sent) as f64 / (self.last_sent - first).max(1) as f64,
            beats_per_clock: (self.beats() - beats) as f64 / (self.card.clocks() - clock) as f64,
        })
    }

    /// Clocks a second of this thread's CPU time while `clocks` are run and all counters read now and then.
    ///
    /// # Errors
    /// When the card fails.
    pub fn speed(&mut self, clocks: u64) -> anyhow::Result<f64> {
        let (begun, first) = (thread_time(), self.card.clocks());
        while self.card.clocks() - first < clocks {
            self.run(READ_CLOCKS)?;
            self.card.reasons()?;
        }
        Ok((self.card.clocks() - first) as f64 / (thread_time() - begun).as_secs_f64())
    }

    fn step(&mut self) -> anyhow::Result<()> {
        self.card.step()?;
        for port in PORTS {
            while let Some(frame) = self.card.sent(port) {
                self.sent += 1;
                self.last_sent = self.last_sent.max(frame.first_clock);
            }
        }
        Ok(())
    }

    fn beats(&self) -> u64 {
        PORTS.iter().map(|port| self.card.card().beats_sent((*port).into())).sum()
    }
}

fn frames(bytes: usize) -> [[Vec<u8>; 2]; 2] {
    PORTS.map(|port| [0, 1].map(|number| frame(&flow(port, number), bytes)))
}
