//! Host memory that a card can reach, for as long as the value lives.

use std::sync::Arc;

use crate::dma::DmaBuffer;
use crate::transport::{Iova, Transport, TransportError};

/// A [`DmaBuffer`] mapped through a transport; dropping it takes the mapping back.
pub struct Mapping {
    transport: Arc<dyn Transport>,
    buffer: Arc<DmaBuffer>,
    iova: Iova,
}

impl std::fmt::Debug for Mapping {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Mapping").field("iova", &self.iova).field("buffer", &self.buffer).finish_non_exhaustive()
    }
}

/// What descriptors and rings need of their addresses.
pub const ALIGN_BYTES: u64 = 64;

impl Mapping {
    /// Allocates `len_bytes` of zeroed memory and maps it.
    ///
    /// # Errors
    /// [`TransportError::Io`] when memory or mapping are refused, or the address given is not [`ALIGN_BYTES`] aligned.
    pub fn new(transport: &Arc<dyn Transport>, len_bytes: usize) -> Result<Self, TransportError> {
        let failed = |operation: &str, source| TransportError::Io {
            operation: format!("{operation} {len_bytes} bytes of DMA memory"),
            card: transport.name().to_owned(),
            source,
        };
        let buffer = Arc::new(DmaBuffer::new(len_bytes).map_err(|source| failed("allocate", source))?);
        let iova = transport.dma_map(&buffer)?;
        let mapping = Self { transport: Arc::clone(transport), buffer, iova };
        if !iova.0.is_multiple_of(ALIGN_BYTES) {
            return Err(failed("map", std::io::Error::other(format!("address {:#x} is not 64-byte aligned", iova.0))));
        }
        Ok(mapping)
    }

    /// The memory.
    pub fn buffer(&self) -> &DmaBuffer {
        &self.buffer
    }

    /// Its address as the card sees it.
    pub fn iova(&self) -> Iova {
        self.iova
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        // A card that is gone cannot take the mapping back, and then it cannot reach the memory either.
        let _ = self.transport.dma_unmap(self.iova);
    }
}
