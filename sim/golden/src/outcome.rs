//! What becomes of one frame.

use fpgaflow_abi::reason::Reason;
use fpgaflow_abi::slot::EntryRef;

/// What becomes of one frame.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// Leaves by a port, rewritten.
    Forwarded {
        /// Egress port.
        port: u8,
        /// The frame as it leaves, padded, without FCS.
        frame: Vec<u8>,
        /// The entry it hit.
        entry: EntryRef,
    },
    /// Goes to the host, unchanged.
    Punted {
        /// Why.
        reason: Reason,
        /// The entry it hit, when it hit one.
        entry: Option<EntryRef>,
    },
    /// Ends in the card.
    Dropped {
        /// Why.
        reason: Reason,
    },
}

impl Outcome {
    /// The reason it is counted under.
    pub fn reason(&self) -> Reason {
        match self {
            Self::Forwarded { .. } => Reason::Forwarded,
            Self::Punted { reason, .. } | Self::Dropped { reason } => *reason,
        }
    }
}
