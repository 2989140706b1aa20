//! What handles packets in a replay.

use std::time::Duration;

use fpgaflow_abi::reason::{REASONS, Reason};
use fpgaflow_flows::{FlowSet, Limits};
use fpgaflow_golden::FlowCounters;

/// A frame that comes in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Arrival {
    /// Ingress port.
    pub port: u8,
    /// When, since the epoch.
    pub time: Duration,
    /// Ethernet frame without FCS.
    pub frame: Vec<u8>,
}

/// Where a frame leaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// By a port.
    Port(u8),
    /// To the host.
    Host {
        /// Port it came in by.
        ingress: u8,
        /// Why.
        reason: Reason,
    },
}

/// Takes what an engine sends.
pub trait Sink {
    /// A frame leaves at `time`.
    ///
    /// # Errors
    /// When it cannot be written.
    fn leave(&mut self, exit: Exit, time: Duration, frame: &[u8]) -> anyhow::Result<()>;
}

/// When frames come in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pace {
    /// As fast as the engine takes them.
    BackToBack,
    /// As their timestamps say.
    Timestamps,
}

/// What an engine counted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tally {
    /// Clocks from the first frame in to the last one out, of engines that have a clock.
    pub cycles: Option<u64>,
    /// Frames by reason code.
    pub reasons: [u64; REASONS],
    /// What was forwarded of each flow, in the order of the flow set.
    pub flows: Vec<FlowCounters>,
}

/// Something that handles packets as the card does.
pub trait Engine {
    /// What it can hold. A flow set is checked against this before [`Engine::configure`].
    fn limits(&self) -> Limits;

    /// Programs a flow set: ports that it does not name are promiscuous.
    ///
    /// # Errors
    /// When the engine refuses; it is then of no further use.
    fn configure(&mut self, set: &FlowSet) -> anyhow::Result<()>;

    /// Forwards fragments from now on as [`fpgaflow_abi::fragment`] has it: told once, behind [`Engine::configure`]. An engine that cannot goes on
    /// punting them.
    ///
    /// # Errors
    /// When the engine fails.
    fn forward_fragments(&mut self) -> anyhow::Result<()>;

    /// Takes frames in, in their order, and gives out what leaves, until the last has left. Frames of one flow leave in order.
    ///
    /// # Errors
    /// When the engine fails, or `sink` does.
    fn feed(&mut self, arrivals: &mut dyn Iterator<Item = Arrival>, pace: Pace, sink: &mut dyn Sink) -> anyhow::Result<()>;

    /// What was counted since [`Engine::configure`].
    ///
    /// # Errors
    /// When the engine fails.
    fn tally(&mut self) -> anyhow::Result<Tally>;
}
