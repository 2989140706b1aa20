//! The one small trait by which the driver reaches a card, and its implementations: VFIO (`pci:`) and [`vfio_user`]. The
//! in-process verilated card is `fpgaflow-card`'s.
//!
//! | module | what it is |
//! |---|---|
//! | [`spec`] | how a user names a card |
//! | [`vfio_user`] | a card behind a socket |
//! | [`config_space`] | the registers of a PCI function that a driver needs |
//!
//! # Contract
//! Register accesses are 32 bits wide, little-endian and in program order. A register write is ordered after every earlier write to DMA
//! memory by the same thread: implementations issue the release fence, so a doorbell never overtakes the descriptors it announces.
//! Methods may block for as long as one access takes on the bus, never for the card's work.

pub mod config_space;
mod dma_space;
mod registers;
pub mod spec;
mod vfio;
pub mod vfio_user;

use std::os::fd::OwnedFd;
use std::sync::Arc;

use crate::dma::DmaBuffer;
use spec::CardSpec;

/// Why an access to a card failed.
#[derive(Debug, thiserror::Error)]
pub enum TransportError {
    /// The card is no longer there: its socket closed, its bus reads all ones, its process ended.
    #[error("card {card} is gone")]
    Gone {
        /// The card's name.
        card: String,
    },
    /// The operating system or the peer refused an operation.
    #[error("{operation} on card {card}")]
    Io {
        /// What was tried, as a verb with its operands.
        operation: String,
        /// The card's name.
        card: String,
        /// What was answered.
        #[source]
        source: std::io::Error,
    },
    /// The transport does not have this operation.
    #[error("card {card} cannot {operation}")]
    Unsupported {
        /// What was asked for.
        operation: &'static str,
        /// The card's name.
        card: String,
    },
}

/// Host memory as the card addresses it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Iova(pub u64);

/// Byte offset in BAR 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct BarOffset(pub u32);

/// How the driver reaches one card.
pub trait Transport: Send + Sync {
    /// Name for logs and errors, as the user spelled the card.
    fn name(&self) -> &str;

    /// Reads a register.
    ///
    /// # Errors
    /// [`TransportError::Gone`] or [`TransportError::Io`]; a card that was pulled may also just read all ones.
    fn read(&self, offset: BarOffset) -> Result<u32, TransportError>;

    /// Writes a register.
    ///
    /// # Errors
    /// As [`Transport::read`].
    fn write(&self, offset: BarOffset, value: u32) -> Result<(), TransportError>;

    /// Makes `buffer` readable and writable by the card at the returned address until [`Transport::dma_unmap`]. The transport keeps
    /// the memory alive as long as it is mapped.
    ///
    /// # Errors
    /// [`TransportError::Io`] names the mapping that was refused.
    fn dma_map(&self, buffer: &Arc<DmaBuffer>) -> Result<Iova, TransportError>;

    /// Takes a mapping back; when it returns the card can no longer reach the memory.
    ///
    /// # Errors
    /// [`TransportError::Io`] when nothing is mapped there.
    fn dma_unmap(&self, iova: Iova) -> Result<(), TransportError>;

    /// Connects interrupt vectors to `eventfds`, one each from vector 0; an empty vector disconnects all.
    ///
    /// # Errors
    /// [`TransportError::Io`] or [`TransportError::Unsupported`].
    fn connect_interrupts(&self, eventfds: Vec<OwnedFd>) -> Result<(), TransportError>;

    /// Function-level reset: registers and rings as after power-on, tables empty. Mappings and interrupts stay connected.
    ///
    /// # Errors
    /// As [`Transport::read`].
    fn reset(&self) -> Result<(), TransportError>;
}

/// A way to open a card as often as it takes: at the start, and again after it was gone. The transport of before is dropped first.
pub type Reach = Arc<dyn Fn() -> Result<Arc<dyn Transport>, TransportError> + Send + Sync>;

/// Opens the card that `spec` names and lets it answer; what it is, [`crate::card::Card::open`] finds out.
///
/// # Errors
/// [`TransportError`] with the card's name; [`CardSpec::Sim`] is [`TransportError::Unsupported`] here, for the driver does not know the
/// simulation.
pub fn open(spec: &CardSpec) -> Result<Arc<dyn Transport>, TransportError> {
    let name = spec.to_string();
    match spec {
        CardSpec::Pci(address) => vfio::open(address, &name),
        CardSpec::VfioUser(path) => Ok(Arc::new(vfio_user::VfioUser::open(path, &name)?)),
        CardSpec::Sim => Err(TransportError::Unsupported { operation: "be opened by the driver", card: name }),
    }
}
