//! Why an operation on a card failed.

use fpgaflow_abi::descriptor::Ring;
use fpgaflow_abi::geometry::{Geometry, IdentityError};
use fpgaflow_abi::key::Family;
use fpgaflow_abi::regs::{Event, Parity};

use super::Ticket;
use crate::rings::RingError;
use crate::transport::TransportError;

/// Why an operation on a card failed.
#[derive(Debug, thiserror::Error)]
pub enum CardError {
    /// The way to the card failed.
    #[error(transparent)]
    Transport(#[from] TransportError),
    /// It is not a flow engine that this driver speaks to.
    #[error("card {card} refused: {source}")]
    Identity {
        /// The card's name.
        card: String,
        /// The register that does not fit.
        #[source]
        source: IdentityError,
    },
    /// Register writes do not arrive.
    #[error("card {card} refused: register SCRATCH reads {read:#010x} after {wrote:#010x} was written")]
    Scratch {
        /// The card's name.
        card: String,
        /// Value written.
        wrote: u32,
        /// Value read.
        read: u32,
    },
    /// After a reset the card is another one.
    #[error("card {card} is not what it was before its reset: {before:?} became {after:?}")]
    GeometryChanged {
        /// The card's name.
        card: String,
        /// What it was.
        before: Box<Geometry>,
        /// What it is.
        after: Box<Geometry>,
    },
    /// The card broke the rules of a ring. It stays so until [`super::Card::recover`].
    #[error("card {card} misbehaves: {source}")]
    Ring {
        /// The card's name.
        card: String,
        /// The rule.
        #[source]
        source: RingError,
    },
    /// The oldest command is not executed in time.
    #[error("card {card} has not executed a command of submission {} for {waited_ms} ms", ticket.0)]
    Stalled {
        /// The card's name.
        card: String,
        /// The submission it belongs to.
        ticket: Ticket,
        /// How long it has waited.
        waited_ms: u128,
    },
    /// The card has forgotten its rings: somebody else reset it.
    #[error("card {card} was reset behind the driver's back")]
    Forgot {
        /// The card's name.
        card: String,
    },
    /// The bus or the IOMMU refused accesses of the card to memory.
    #[error("card {card} met bus errors at: {}", faulty_rings(*event))]
    BusFault {
        /// The card's name.
        card: String,
        /// Where.
        event: Event,
    },
    /// The card says that a row is bad which it does not have.
    #[error("card {card} says that a row is bad which it does not have: PARITY reads {:#010x}", parity.into_bits())]
    NoRow {
        /// The card's name.
        card: String,
        /// The register.
        parity: Parity,
    },
    /// Eventfds could not be made.
    #[error("create the interrupt eventfds of card {card}")]
    Eventfd {
        /// The card's name.
        card: String,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// A ring's size is not one that the ABI has.
    #[error("a {ring:?} ring of 2^{bits} descriptors does not exist")]
    RingSize {
        /// Which ring.
        ring: Ring,
        /// The size asked for, as a power of two.
        bits: u32,
    },
    /// A port that the card does not have.
    #[error("card {card} has {ports} ports, there is no port {port}")]
    NoPort {
        /// The card's name.
        card: String,
        /// The port asked for.
        port: u8,
        /// Ports of the card.
        ports: u8,
    },
    /// A frame that the card cannot send.
    #[error("card {card} sends frames of 14 to {max_bytes} bytes, not {length_bytes}")]
    FrameLength {
        /// The card's name.
        card: String,
        /// Length of the frame.
        length_bytes: usize,
        /// Longest frame of the card.
        max_bytes: u32,
    },
    /// Counters of entries that the card does not have.
    #[error("card {card} has {entries} {family:?} entries, not {first}..{end}")]
    NoEntries {
        /// The card's name.
        card: String,
        /// Family asked for.
        family: Family,
        /// First entry asked for.
        first: u32,
        /// Entry behind the last one asked for.
        end: u32,
        /// Entries of that family.
        entries: u32,
    },
}

impl CardError {
    /// Whether the card is to blame: [`super::Card::recover`] may help then. The other errors are of what was asked for.
    pub fn is_of_card(&self) -> bool {
        match self {
            Self::Transport(_)
            | Self::Identity { .. }
            | Self::Scratch { .. }
            | Self::GeometryChanged { .. }
            | Self::Ring { .. }
            | Self::Stalled { .. }
            | Self::Forgot { .. }
            | Self::BusFault { .. }
            | Self::NoRow { .. } => true,
            Self::Eventfd { .. }
            | Self::RingSize { .. }
            | Self::NoPort { .. }
            | Self::FrameLength { .. }
            | Self::NoEntries { .. } => false,
        }
    }
}

fn faulty_rings(event: Event) -> String {
    let rings = [
        (event.command(), "commands"),
        (event.frame_to_host(), "frames to the host"),
        (event.frame_to_card(), "frames to the card"),
        (event.completion(), "completions"),
    ];
    rings.into_iter().filter(|(faulty, _)| *faulty).map(|(_, name)| name).collect::<Vec<_>>().join(", ")
}
