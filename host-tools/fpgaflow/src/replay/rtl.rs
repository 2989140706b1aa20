//! The verilated card as an engine, programmed by the driver that ships.
//!
//! Frames of different ports come in at once, so frames of different flows may leave in another order than they came; those of one
//! flow never do. The card loses no frame: no more is let in than its store towards the host takes, should all be punted.

use std::iter::Peekable;
use std::time::Duration;

use anyhow::ensure;
use fpgaflow_abi::wire::MIN_FRAME_BYTES;
use fpgaflow_card::Build;
use fpgaflow_driver::frame::HEADROOM_BYTES;
use fpgaflow_flows::{FlowSet, Limits};

use super::engine::{Arrival, Engine, Exit, Pace, Sink, Tally};
use super::golden::COSIMULATED_BUCKET_BITS;
use super::times::Times;
use crate::stepped_card::SteppedCard;
use crate::width::Width;

/// Frames that wait at a port at most: more than it takes in a slice.
const QUEUE: usize = 16;
/// Clock by which timestamps become clocks: 10 Gbit/s at 64 bits.
const CLOCK_HZ: u128 = 156_250_000;

/// The verilated card.
pub struct RtlEngine {
    card: SteppedCard,
    times: Times,
    /// Clocks from the first frame in to the last one out.
    cycles: u64,
}

impl RtlEngine {
    /// A card with a data path of `width` after reset.
    ///
    /// # Errors
    /// What the driver said of the card.
    pub fn new(width: Width) -> anyhow::Result<Self> {
        let card = SteppedCard::open(width.into())?;
        ensure!(
            card.geometry().bucket_bits == COSIMULATED_BUCKET_BITS,
            "the model's secret is for another card than {:?}",
            card.geometry()
        );
        Ok(Self { card, times: Times::new(), cycles: 0 })
    }
}

impl Engine for RtlEngine {
    fn limits(&self) -> Limits {
        Limits { engine: "rtl", geometry: *self.card.geometry() }
    }

    fn configure(&mut self, set: &FlowSet) -> anyhow::Result<()> {
        self.times.configure(set)?;
        self.card.configure(set)
    }

    fn forward_fragments(&mut self) -> anyhow::Result<()> {
        self.times.forward_fragments()?;
        self.card.forward_fragments()
    }

    fn feed(&mut self, arrivals: &mut dyn Iterator<Item = Arrival>, pace: Pace, sink: &mut dyn Sink) -> anyhow::Result<()> {
        let mut arrivals = arrivals.peekable();
        let Some(first_time) = arrivals.peek().map(|arrival| arrival.time) else { return Ok(()) };
        let first_clock = self.card.clocks();
        let mut last_out = first_clock;
        let build = *self.card.card().build();
        let mut budget = Budget::of(build);
        // Clocks that were not run because nothing could have happened in them.
        let mut skipped = 0;
        let clock_of = |arrival: &Arrival| match pace {
            Pace::BackToBack => first_clock,
            Pace::Timestamps => first_clock + clocks(arrival.time.saturating_sub(first_time)),
        };
        loop {
            let now = self.card.clocks() + skipped;
            self.let_in(&mut arrivals, |arrival| clock_of(arrival) <= now, &mut budget)?;
            let left = self.step(sink, &mut budget)?;
            if left {
                last_out = self.card.clocks() + skipped;
            }
            if !self.card.is_at_rest() {
                continue;
            }
            // What has not left by now was dropped.
            budget = Budget::of(build);
            match arrivals.peek() {
                None => break,
                Some(next) => skipped = skipped.max(clock_of(next).saturating_sub(self.card.clocks())),
            }
        }
        self.cycles = last_out - first_clock;
        Ok(())
    }

    fn tally(&mut self) -> anyhow::Result<Tally> {
        Ok(Tally { cycles: Some(self.cycles), reasons: self.card.reasons()?, flows: self.card.flow_counters()? })
    }
}

impl RtlEngine {
    /// Gives the ports what is due, as far as they and the budget have room. Frames keep the order of their arrival times: one that
    /// must wait holds up those behind it.
    fn let_in(
        &mut self,
        arrivals: &mut Peekable<&mut dyn Iterator<Item = Arrival>>,
        due: impl Fn(&Arrival) -> bool,
        budget: &mut Budget,
    ) -> anyhow::Result<()> {
        while let Some(next) = arrivals
            .next_if(|next| due(next) && self.card.receive_waiting(next.port) < QUEUE && budget.has_room(next.frame.len()))
        {
            budget.enter(next.frame.len());
            self.times.expect(&next)?;
            self.card.receive(next.port, next.frame);
        }
        Ok(())
    }

    /// Clocks the card and hands on what left; whether anything did.
    fn step(&mut self, sink: &mut dyn Sink, budget: &mut Budget) -> anyhow::Result<bool> {
        let mut any = false;
        for (info, frame) in self.card.step()?.frames.iter() {
            let exit = Exit::Host { ingress: info.port, reason: info.reason };
            sink.leave(exit, self.times.take(exit, frame), frame)?;
            budget.leave(frame.len());
            any = true;
        }
        for port in 0..self.card.geometry().ports {
            while let Some(frame) = self.card.sent(port) {
                let exit = Exit::Port(port);
                sink.leave(exit, self.times.take(exit, &frame.bytes), &frame.bytes)?;
                budget.leave(frame.bytes.len());
                any = true;
            }
        }
        Ok(any)
    }
}

/// Time as clocks.
fn clocks(time: Duration) -> u64 {
    u64::try_from(time.as_nanos() * CLOCK_HZ / 1_000_000_000).unwrap_or(u64::MAX / 2)
}

/// What may be in the card, at most.
#[derive(Debug)]
struct Budget {
    build: Build,
    frames: usize,
    bytes: usize,
}

impl Budget {
    /// Nothing is in a card of this build.
    fn of(build: Build) -> Self {
        Self { build, frames: 0, bytes: 0 }
    }

    /// A frame that is alone always has room: the card drops it if it is too long for it.
    fn has_room(&self, bytes: usize) -> bool {
        self.frames == 0 || self.build.is_calm(self.frames + 1, self.bytes + bytes)
    }

    /// Counts what a frame may at most become on its way.
    fn enter(&mut self, bytes: usize) {
        self.frames += 1;
        self.bytes += bytes.max(MIN_FRAME_BYTES) + HEADROOM_BYTES;
    }

    fn leave(&mut self, bytes: usize) {
        self.frames = self.frames.saturating_sub(1);
        self.bytes = self.bytes.saturating_sub(bytes);
    }
}
