//! Why the table refuses.

use fpgaflow_abi::key::{Family, FlowKey};

use crate::placement::Refusal;

/// Why a flow is not installed, changed or removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FlowError {
    /// It is installed already.
    #[error("flow {key:?} is installed already")]
    Installed {
        /// The flow.
        key: FlowKey,
    },
    /// It is not installed.
    #[error("flow {key:?} is not installed")]
    NotInstalled {
        /// The flow.
        key: FlowKey,
    },
    /// All entries of the family are in use.
    #[error("all {family:?} entries of the card are in use")]
    NoFreeEntry {
        /// Which entries.
        family: Family,
    },
    /// No slot.
    #[error("place flow {key:?}: {source}")]
    NoPlace {
        /// The flow.
        key: FlowKey,
        /// Why.
        #[source]
        source: Refusal,
    },
    /// An IPv4 flow with an IPv6 action, or the other way round.
    #[error("flow {key:?} has an action of the other address family")]
    FamilyMismatch {
        /// The flow.
        key: FlowKey,
    },
    /// GRE is forwarded as it is, or not at all.
    #[error("flow {key:?} is GRE, whose addresses and ports cannot be translated")]
    TranslatedGre {
        /// The flow.
        key: FlowKey,
    },
    /// The flow comes in by a port that the card does not have.
    #[error("flow {key:?} comes in by a port of {ports}")]
    NoPort {
        /// The flow.
        key: FlowKey,
        /// Ports of the card.
        ports: u8,
    },
    /// The flow's next hop does not exist.
    #[error("flow {key:?} leaves by next hop {next_hop}, which does not exist")]
    NoNextHop {
        /// The flow.
        key: FlowKey,
        /// Its next hop.
        next_hop: u16,
    },
}

/// Why a next hop is not added, changed or removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NextHopError {
    /// All of them are in use.
    #[error("all {next_hops} next hops of the card are in use")]
    NoFree {
        /// How many the card has.
        next_hops: u32,
    },
    /// There is none at that index.
    #[error("next hop {index} does not exist")]
    NotThere {
        /// The index.
        index: u16,
    },
    /// Flows leave by it.
    #[error("next hop {index} is used by {users} flows")]
    InUse {
        /// The index.
        index: u16,
        /// How many.
        users: u32,
    },
    /// It leaves by a port that the card does not have.
    #[error("a next hop by port {egress} of {ports}")]
    NoPort {
        /// The port.
        egress: u8,
        /// Ports of the card.
        ports: u8,
    },
}
