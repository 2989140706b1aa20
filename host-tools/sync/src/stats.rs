//! What a running daemon tells about itself: a snapshot that it publishes and others read, in this process or over a control socket.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::engine::Verdict;
use crate::flow::Tuple;
use crate::policy::Refusal;
use crate::target::Counts;

/// Most flows that a snapshot lists, of those that live and of those that ended.
pub const LISTED_FLOWS: usize = 1024;

/// One direction of a flow that was offloaded at least once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DirectionReport {
    /// Its packets as they arrive.
    pub tuple: Tuple,
    /// Forwarded by card and software flowtable.
    pub counts: Counts,
    /// Packets that went to the kernel.
    pub kernel_packets: u64,
}

/// A flow that was offloaded at least once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FlowReport {
    /// Original direction, then reply.
    pub directions: [DirectionReport; 2],
    /// Connmark.
    pub mark: u32,
    /// What became of it; of a flow that ended, what it was last.
    pub verdict: Verdict,
}

/// Sums over every flow since the daemon began.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Totals {
    /// Packets that the card forwarded.
    pub card_packets: u64,
    /// Bytes of those.
    pub card_bytes: u64,
    /// Packets that the software flowtable forwarded.
    pub software_packets: u64,
    /// TCP and UDP packets that went to the kernel.
    pub kernel_packets: u64,
    /// Flows installed.
    pub installed: u64,
    /// Flows removed.
    pub removed: u64,
    /// Conntrack events handled.
    pub conntrack_events: u64,
    /// Rtnetlink events handled.
    pub topology_events: u64,
    /// Messages that could not be decoded.
    pub undecodable: u64,
    /// Times that the kernel's buffer for events was full.
    pub overruns: u64,
    /// Complete dumps of conntrack that were compared with what was known.
    pub resyncs: u64,
    /// Times that a connection's timeout was refreshed.
    pub extended: u64,
    /// Requests that the card failed.
    pub card_errors: u64,
    /// Requests that the kernel failed.
    pub kernel_errors: u64,
}

/// The daemon at one moment.
#[derive(Debug, Clone, Default)]
pub struct Snapshot {
    /// Since it began.
    pub uptime: Duration,
    /// Connections that conntrack has.
    pub tracked: usize,
    /// Of those, in the card.
    pub in_card: usize,
    /// Of those, in the software flowtable only.
    pub in_software: usize,
    /// Connections that are not offloaded, by reason; reasons without any are left out.
    pub refused: Vec<(Refusal, usize)>,
    /// Next hops in use.
    pub next_hops: usize,
    /// Next hops in use whose neighbour is not known.
    pub next_hops_invalid: usize,
    /// Sums.
    pub totals: Totals,
    /// Flows that live and were offloaded at least once, at most [`LISTED_FLOWS`].
    pub flows: Vec<FlowReport>,
    /// The last [`LISTED_FLOWS`] of those that ended, oldest first.
    pub ended: Vec<FlowReport>,
}

/// The place where a daemon publishes its snapshots. Clones share it.
#[derive(Debug, Clone, Default)]
pub struct SharedStats {
    latest: Arc<Mutex<Arc<Snapshot>>>,
}

impl SharedStats {
    /// The last snapshot that was published.
    pub fn latest(&self) -> Arc<Snapshot> {
        self.latest.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Publishes a snapshot.
    pub fn publish(&self, snapshot: Snapshot) {
        *self.latest.lock().unwrap_or_else(PoisonError::into_inner) = Arc::new(snapshot);
    }
}
