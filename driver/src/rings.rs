//! The four rings between driver and card: commands, empty buffers for frames to the host, frames to the card, completions.
//!
//! A ring is memory and two free-running 32-bit counters, nothing else: it touches no register. The owner ([`crate::card::Card`])
//! tells the card about new descriptors by writing the counter that a ring reports to the ring's doorbell.
//!
//! # Contract with a card that may misbehave
//! Nothing that a card writes is used as an index or a length before it is checked. A completion is believed only when its
//! sequence is the expected one and its CRC is right; the counter it carries must lie inside what the driver published; the cookie must
//! be the one that was published there; a length must fit the buffer. What does not is a [`RingError`], and the ring is as it was
//! before: asking again gives the same error until the card is reset.
//!
//! # Ordering
//! - Towards the card: descriptor words and frame bytes are stored first, then the doorbell is written. [`crate::transport::Transport`]
//!   promises that a register write is ordered after every earlier store of the same thread, so the stores may be relaxed.
//! - From the card: it writes word 7 of a completion last and never before the data that the completion announces (PCIe and AXI
//!   keep the order of writes of one source). The driver loads word 7 first, with acquire ordering, and everything else after.
//! - A place in a ring or a buffer is reused only after the card's counter has passed it, and the completion ring's consumer
//!   counter is given to the card only after the driver has read the completions.

mod command;
mod completion;
mod crc;
mod frames;
mod producer;

pub use command::{CommandDone, CommandRing, InFlight};
pub use completion::{CompletionRing, Verified};
pub use crc::{descriptor_crc, seal};
pub use frames::{FrameToCardRing, FrameToHostRing, Received, buffer_bytes};
pub use producer::ProducerRing;

use fpgaflow_abi::descriptor::Ring;

/// Largest `RING_SIZE` that the ABI has, as a power of two.
pub const MAX_RING_BITS: u32 = 15;

/// What a card did that no card may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RingError {
    /// The words of a completion do not have the CRC that it carries.
    #[error("completion {sequence} carries CRC {found:#010x}, its words have {computed:#010x}")]
    BadCrc {
        /// The completion's sequence.
        sequence: u32,
        /// CRC it carries.
        found: u32,
        /// CRC of its words.
        computed: u32,
    },
    /// A completion with a code that the ABI does not have.
    #[error("completion {sequence} has {field} {code}, which does not exist")]
    UnknownCode {
        /// The completion's sequence.
        sequence: u32,
        /// Which field: kind, status or reason.
        field: &'static str,
        /// Its value.
        code: u8,
    },
    /// The card says it consumed descriptors that the driver did not publish, or consumed them before.
    #[error(
        "completion {sequence} puts the consumer of the {ring:?} ring at {consumer}, it was at {from} and {producer} were published"
    )]
    ConsumerBeyondProducer {
        /// The completion's sequence.
        sequence: u32,
        /// Which ring.
        ring: Ring,
        /// The counter in the completion.
        consumer: u32,
        /// The counter before it.
        from: u32,
        /// The driver's published producer counter.
        producer: u32,
    },
    /// The cookie is not that of the descriptor at that place.
    #[error("completion {sequence} returns cookie {cookie:#x}, the {ring:?} ring has {expected:#x} there")]
    UnknownCookie {
        /// The completion's sequence.
        sequence: u32,
        /// Which ring.
        ring: Ring,
        /// The cookie in the completion.
        cookie: u32,
        /// The descriptor's.
        expected: u32,
    },
    /// A frame that is longer than the buffer it should lie in.
    #[error("completion {sequence} announces {length_bytes} bytes in a buffer of {buffer_bytes}")]
    LengthOverBuffer {
        /// The completion's sequence.
        sequence: u32,
        /// Length in the completion.
        length_bytes: u32,
        /// Size of the buffer.
        buffer_bytes: u32,
    },
    /// A frame from a port that the card does not have.
    #[error("completion {sequence} names port {port}, the card has {ports}")]
    UnknownPort {
        /// The completion's sequence.
        sequence: u32,
        /// Port in the completion.
        port: u8,
        /// Ports of the card.
        ports: u8,
    },
}
