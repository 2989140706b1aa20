//! stats.json.

use std::collections::BTreeMap;
use std::fmt;

use fpgaflow_abi::reason::{Disposition, Reason};
use serde::Serialize;

use super::engine::Tally;
use super::output::OutputDir;

/// What a replay adds up to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Stats {
    /// Clocks, of engines that have a clock.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cycles: Option<u64>,
    /// Frames that came in.
    pub rx: u64,
    /// Frames that left by ports.
    pub tx: u64,
    /// Frames that went to the host.
    pub punted: u64,
    /// Frames that ended in the engine.
    pub dropped: u64,
    /// Frames that were not forwarded, by the reason's name.
    pub reasons: BTreeMap<&'static str, u64>,
    /// What was forwarded of each flow, in the order of FLOWS.json.
    pub flows: Vec<FlowStats>,
}

/// What was forwarded of one flow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct FlowStats {
    /// Frames.
    pub packets: u64,
    /// Their IP packets' bytes.
    pub bytes: u64,
}

impl Stats {
    /// Adds up what was received, what left, and what the engine counted.
    pub fn new(received: u64, out: &OutputDir, tally: Tally) -> Self {
        let count = |reason: &Reason| tally.reasons[*reason as usize];
        let not_forwarded = || Reason::ALL.iter().filter(|reason| reason.disposition() != Disposition::Forward);
        let dropped = not_forwarded().filter(|reason| reason.disposition() == Disposition::Drop).map(count).sum();
        Self {
            cycles: tally.cycles,
            rx: received,
            tx: out.sent(),
            punted: out.punted(),
            dropped,
            reasons: not_forwarded().map(|reason| (reason.name(), count(reason))).collect(),
            flows: tally.flows.iter().map(|flow| FlowStats { packets: flow.packets, bytes: flow.bytes }).collect(),
        }
    }
}

impl fmt::Display for Stats {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} frames came in, {} left, {} went to the host, {} were dropped",
            self.rx, self.tx, self.punted, self.dropped
        )?;
        self.cycles.map_or(Ok(()), |cycles| write!(f, " in {cycles} clocks"))
    }
}
