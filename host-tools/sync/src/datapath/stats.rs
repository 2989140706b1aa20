//! What the datapath counts, shared with whoever looks.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use fpgaflow_abi::reason::REASONS;
use fpgaflow_driver::card::PortCounters;

/// Frames that passed the host.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct FrameTotals {
    /// Punted frames that the software flowtable forwarded.
    pub software: u64,
    /// Punted frames that the kernel got.
    pub to_kernel: u64,
    /// Frames of the kernel that were given to the card.
    pub from_kernel: u64,
    /// Frames that found the ring to the card full and were dropped.
    pub ring_full: u64,
    /// Frames that the kernel did not take (its device is down) or that belong to no device.
    pub refused_by_kernel: u64,
    /// Frames of the kernel that the card cannot send: too long or too short.
    pub refused_by_card: u64,
    /// Commands that the card refused.
    pub commands_failed: u64,
    /// Times that the card failed and was reset.
    pub recoveries: u64,
    /// Times that the card's hash got a new secret.
    pub rekeys: u64,
}

/// What the card counts itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CardReport {
    /// Frames by reason, indexed by [`fpgaflow_abi::reason::Reason`].
    pub reasons: [u64; REASONS],
    /// Counters of each port.
    pub ports: Vec<PortCounters>,
}

impl Default for CardReport {
    fn default() -> Self {
        Self { reasons: [0; REASONS], ports: Vec::new() }
    }
}

/// Where the datapath publishes its counters. Clones share it.
#[derive(Debug, Clone, Default)]
pub struct DatapathStats {
    shared: Arc<Mutex<(FrameTotals, CardReport)>>,
}

impl DatapathStats {
    fn lock(&self) -> MutexGuard<'_, (FrameTotals, CardReport)> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Frames so far.
    pub fn frames(&self) -> FrameTotals {
        self.lock().0
    }

    /// What the card said last; it is asked every second.
    pub fn card(&self) -> CardReport {
        self.lock().1.clone()
    }

    pub(super) fn add(&self, change: impl FnOnce(&mut FrameTotals)) {
        change(&mut self.lock().0);
    }

    pub(super) fn publish(&self, report: CardReport) {
        self.lock().1 = report;
    }
}
