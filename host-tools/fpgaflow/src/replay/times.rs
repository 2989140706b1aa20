//! When the frames that leave a card had come.
//!
//! The card does not carry arrival times, and the results of all engines are to be the same files: so a frame bears the arrival time of the
//! frame that the golden model says it was. One that the model does not expect bears the last arrival's.

use std::collections::{HashMap, VecDeque};
use std::iter::once;
use std::time::Duration;

use fpgaflow_flows::FlowSet;

use super::engine::{Arrival, Engine, Exit, Pace, Sink};
use super::golden::GoldenEngine;
use crate::width::Width;

/// By exit port (none is the host) and ingress port, in order.
type Expected = HashMap<(Option<u8>, u8), VecDeque<(Duration, Vec<u8>)>>;

/// What is expected to leave.
#[derive(Debug)]
pub struct Times {
    model: GoldenEngine,
    expected: Expected,
    last: Duration,
}

impl Times {
    /// Nothing is expected.
    pub fn new() -> Self {
        Self { model: GoldenEngine::new(Width::Bits64), expected: Expected::new(), last: Duration::ZERO }
    }

    /// Tells the model what the card is told.
    ///
    /// # Errors
    /// What the model refuses.
    pub fn configure(&mut self, set: &FlowSet) -> anyhow::Result<()> {
        self.model.configure(set)
    }

    /// The card forwards fragments.
    ///
    /// # Errors
    /// What the model refuses.
    pub fn forward_fragments(&mut self) -> anyhow::Result<()> {
        self.model.forward_fragments()
    }

    /// A frame goes into the card.
    ///
    /// # Errors
    /// What the model refuses.
    pub fn expect(&mut self, arrival: &Arrival) -> anyhow::Result<()> {
        self.last = arrival.time;
        let mut recorder = Recorder { ingress: arrival.port, expected: &mut self.expected };
        self.model.feed(&mut once(arrival.clone()), Pace::BackToBack, &mut recorder)
    }

    /// The arrival time of a frame that left by `exit`.
    pub fn take(&mut self, exit: Exit, frame: &[u8]) -> Duration {
        let found = self.expected.iter_mut().filter(|((port, ingress), _)| match exit {
            Exit::Port(exit) => *port == Some(exit),
            Exit::Host { ingress: came_by, .. } => port.is_none() && *ingress == came_by,
        });
        let found = found.filter_map(|(_, queue)| Some((queue.iter().position(|(_, bytes)| bytes == frame)?, queue)));
        // Frames of one port leave in order: what is before it will not come any more.
        let time = found.min_by_key(|(at, queue)| queue[*at].0).and_then(|(at, queue)| queue.drain(..=at).next_back());
        time.map_or(self.last, |(time, _)| time)
    }
}

struct Recorder<'a> {
    ingress: u8,
    expected: &'a mut Expected,
}

impl Sink for Recorder<'_> {
    fn leave(&mut self, exit: Exit, time: Duration, frame: &[u8]) -> anyhow::Result<()> {
        let port = match exit {
            Exit::Port(port) => Some(port),
            Exit::Host { .. } => None,
        };
        self.expected.entry((port, self.ingress)).or_default().push_back((time, frame.to_owned()));
        Ok(())
    }
}
