//! The driver's transport to a card in the same process.
//!
//! A register access locks the card and clocks it until it answers, so a program that is the card's only user has a fully
//! deterministic card. A [`Runner`](crate::Runner) that clocks the same card steps back while an access waits.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use fpgaflow_abi::descriptor::VECTORS;
use fpgaflow_driver::dma::DmaBuffer;
use fpgaflow_driver::transport::{BarOffset, Iova, Transport, TransportError};
use rustix::event::{EventfdFlags, eventfd};

use crate::card::{Card, CardError};

/// A card behind the driver's trait. Shared by the driver, the runner and the test that watches.
#[derive(Debug)]
pub struct CosimTransport {
    card: Mutex<Card>,
    /// Accesses that wait for the card: the runner lets them go first.
    waiting: AtomicUsize,
    /// Signalled by register writes, so that a runner that sleeps wakes.
    doorbell: OwnedFd,
}

impl CosimTransport {
    /// Name that the command line has for this card.
    pub const NAME: &'static str = "sim";

    /// A transport to `card`.
    ///
    /// # Errors
    /// What eventfd said.
    pub fn new(card: Card) -> io::Result<Arc<Self>> {
        let doorbell = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?;
        Ok(Arc::new(Self { card: Mutex::new(card), waiting: AtomicUsize::new(0), doorbell }))
    }

    /// The card itself, to clock it, give it frames and look at what it sent.
    pub fn card(&self) -> MutexGuard<'_, Card> {
        self.waiting.fetch_add(1, Ordering::SeqCst);
        let card = self.lock();
        self.waiting.fetch_sub(1, Ordering::SeqCst);
        card
    }

    /// The card, for the runner: gives way to whoever waits.
    pub(crate) fn card_unless_wanted(&self) -> Option<MutexGuard<'_, Card>> {
        (self.waiting.load(Ordering::SeqCst) == 0).then(|| self.lock())
    }

    /// Readable after a register write.
    pub(crate) fn doorbell(&self) -> BorrowedFd<'_> {
        self.doorbell.as_fd()
    }

    fn lock(&self) -> MutexGuard<'_, Card> {
        // A panic in another user's assertion leaves the card whole: every method finishes its clock.
        self.card.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn unanswered(operation: &str) -> impl FnOnce(CardError) -> TransportError {
    move |error| TransportError::Io {
        operation: operation.to_owned(),
        card: CosimTransport::NAME.to_owned(),
        source: io::Error::new(io::ErrorKind::TimedOut, error),
    }
}

impl Transport for CosimTransport {
    fn name(&self) -> &str {
        Self::NAME
    }

    fn read(&self, offset: BarOffset) -> Result<u32, TransportError> {
        self.card().read_register(offset.0).map_err(unanswered("read a register"))
    }

    fn write(&self, offset: BarOffset, value: u32) -> Result<(), TransportError> {
        // The lock orders this after all that the caller wrote to DMA memory.
        self.card().write_register(offset.0, value).map_err(unanswered("write a register"))?;
        // Fails only when the counter is full, which wakes as well.
        let _ = rustix::io::write(&self.doorbell, &1_u64.to_ne_bytes());
        Ok(())
    }

    fn dma_map(&self, buffer: &Arc<DmaBuffer>) -> Result<Iova, TransportError> {
        Ok(self.card().map(Arc::clone(buffer)))
    }

    fn dma_unmap(&self, iova: Iova) -> Result<(), TransportError> {
        if self.card().unmap(iova) {
            return Ok(());
        }
        Err(TransportError::Io {
            operation: format!("unmap DMA memory at {:#x}", iova.0),
            card: Self::NAME.to_owned(),
            source: io::ErrorKind::NotFound.into(),
        })
    }

    fn connect_interrupts(&self, eventfds: Vec<OwnedFd>) -> Result<(), TransportError> {
        if eventfds.len() > VECTORS {
            return Err(TransportError::Unsupported { operation: "raise as many interrupts", card: Self::NAME.to_owned() });
        }
        let mut card = self.card();
        let mut eventfds = eventfds.into_iter();
        for vector in 0..VECTORS {
            card.connect_interrupt(vector, eventfds.next());
        }
        Ok(())
    }

    fn reset(&self) -> Result<(), TransportError> {
        self.card().reset();
        Ok(())
    }
}
