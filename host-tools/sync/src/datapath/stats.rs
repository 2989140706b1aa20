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
    /// Frames of the kernel that went nowhere because the card is gone.
    pub card_absent: u64,
    /// Commands that the card refused.
    pub commands_failed: u64,
    /// Times that the card failed and was reset.
    pub recoveries: u64,
    /// Times that the card was gone.
    pub absences: u64,
    /// Times that the card's hash got a new secret.
    pub rekeys: u64,
    /// Rows of the card's tables that went bad and were written anew.
    pub repairs: u64,
}

/// What the datapath has of its card.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum CardStatus {
    /// It is there and forwards.
    #[default]
    Attached,
    /// It is there and has failed so often that it only passes frames to the host.
    Resting,
    /// It is gone. Flows stay known; what would be in the card is there when the card is back.
    Absent,
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

#[derive(Debug, Default)]
struct Published {
    totals: FrameTotals,
    report: CardReport,
    status: CardStatus,
}

/// Where the datapath publishes its counters. Clones share it.
#[derive(Debug, Clone, Default)]
pub struct DatapathStats {
    shared: Arc<Mutex<Published>>,
}

impl DatapathStats {
    fn lock(&self) -> MutexGuard<'_, Published> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Frames so far.
    pub fn frames(&self) -> FrameTotals {
        self.lock().totals
    }

    /// What the card said last; it is asked every second.
    pub fn card(&self) -> CardReport {
        self.lock().report.clone()
    }

    /// What there is of the card.
    pub fn status(&self) -> CardStatus {
        self.lock().status
    }

    pub(super) fn add(&self, change: impl FnOnce(&mut FrameTotals)) {
        change(&mut self.lock().totals);
    }

    pub(super) fn publish(&self, report: CardReport) {
        self.lock().report = report;
    }

    pub(super) fn set_status(&self, status: CardStatus) {
        self.lock().status = status;
    }
}
