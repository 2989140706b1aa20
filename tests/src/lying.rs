//! A card that is not what it says: one register reads as something else.

use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use fpgaflow_driver::dma::DmaBuffer;
use fpgaflow_driver::transport::{BarOffset, Iova, Transport, TransportError};

/// A transport behind which one register reads `value`.
pub struct Lying {
    inner: Arc<dyn Transport>,
    offset: u32,
    value: u32,
    lies: AtomicBool,
}

impl Lying {
    /// `inner`, with the register at `offset` reading `value`.
    pub fn new(inner: Arc<dyn Transport>, offset: u32, value: u32) -> Arc<Self> {
        let lying = Self::later(inner, offset, value);
        lying.lie();
        lying
    }

    /// As [`Lying::new`], but honest until [`Lying::lie`].
    pub fn later(inner: Arc<dyn Transport>, offset: u32, value: u32) -> Arc<Self> {
        Arc::new(Self { inner, offset, value, lies: AtomicBool::new(false) })
    }

    /// From now on the register reads as what it is not.
    pub fn lie(&self) {
        self.lies.store(true, Ordering::Relaxed);
    }
}

impl Transport for Lying {
    fn name(&self) -> &str {
        self.inner.name()
    }

    fn read(&self, offset: BarOffset) -> Result<u32, TransportError> {
        let value = self.inner.read(offset)?;
        Ok(if offset.0 == self.offset && self.lies.load(Ordering::Relaxed) { self.value } else { value })
    }

    fn write(&self, offset: BarOffset, value: u32) -> Result<(), TransportError> {
        self.inner.write(offset, value)
    }

    fn dma_map(&self, buffer: &Arc<DmaBuffer>) -> Result<Iova, TransportError> {
        self.inner.dma_map(buffer)
    }

    fn dma_unmap(&self, iova: Iova) -> Result<(), TransportError> {
        self.inner.dma_unmap(iova)
    }

    fn connect_interrupts(&self, eventfds: Vec<OwnedFd>) -> Result<(), TransportError> {
        self.inner.connect_interrupts(eventfds)
    }

    fn reset(&self) -> Result<(), TransportError> {
        self.inner.reset()
    }
}
