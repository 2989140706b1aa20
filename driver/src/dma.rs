//! Host memory that a card reads and writes: memfds, so that VFIO can use the address and vfio-user the file.
//!
//! Large buffers lie in huge pages when the system has any free: fewer entries for the IOMMU to look up. Every file is sealed, so
//! that whoever maps it can rely on its length.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::atomic::{AtomicU64, Ordering};

use rustix::fs::{MemfdFlags, SealFlags, fcntl_add_seals, ftruncate, memfd_create};

use crate::shared_mapping::{Protection, SharedMapping};

/// Anonymous shared memory, zeroed, page aligned, whose length is a multiple of the page.
///
/// The card writes it at any time, so it is never borrowed as a slice: words are read and written one at a time, volatile, and a
/// torn or malicious word is just data.
#[derive(Debug)]
pub struct DmaBuffer {
    mapping: SharedMapping,
    page_bytes: usize,
    fd: OwnedFd,
}

/// Granule of lengths and mappings.
pub const PAGE_BYTES: usize = 4096;
/// A huge page of x86-64; a buffer of at least this size lies in huge pages when there are enough.
pub const HUGE_PAGE_BYTES: usize = 2 << 20;

impl DmaBuffer {
    /// Allocates at least `len_bytes`, rounded up to pages.
    ///
    /// # Errors
    /// What memfd_create, ftruncate, fcntl or mmap said.
    pub fn new(len_bytes: usize) -> std::io::Result<Self> {
        if len_bytes >= HUGE_PAGE_BYTES {
            // No huge pages, none free, or none for this user: what follows works everywhere.
            if let Ok(buffer) = Self::with_pages(len_bytes, HUGE_PAGE_BYTES, MemfdFlags::HUGETLB | MemfdFlags::HUGE_2MB) {
                return Ok(buffer);
            }
        }
        Self::with_pages(len_bytes, PAGE_BYTES, MemfdFlags::empty())
    }

    fn with_pages(len_bytes: usize, page_bytes: usize, pages: MemfdFlags) -> std::io::Result<Self> {
        let len_bytes = len_bytes.max(1).next_multiple_of(page_bytes);
        let fd = memfd_create("fpgaflow-dma", MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING | pages)?;
        ftruncate(&fd, len_bytes as u64)?;
        fcntl_add_seals(&fd, SealFlags::SHRINK | SealFlags::GROW | SealFlags::SEAL)?;
        // Mapping reserves huge pages, so that none is missing when it is first touched.
        let mapping = SharedMapping::new(&fd, 0, len_bytes, Protection::ReadWrite)?;
        Ok(Self { mapping, page_bytes, fd })
    }

    /// Bytes of the pages that it lies in: [`PAGE_BYTES`] or [`HUGE_PAGE_BYTES`].
    pub fn page_bytes(&self) -> usize {
        self.page_bytes
    }

    /// Length in bytes.
    pub fn len_bytes(&self) -> usize {
        self.mapping.len_bytes()
    }

    /// Address in this process, for transports that map by address.
    pub fn address(&self) -> *mut u8 {
        self.mapping.base()
    }

    /// The memory's file, for transports that map by file.
    pub fn fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }

    /// The aligned little-endian word at byte `offset`.
    ///
    /// # Panics
    /// When `offset` is unaligned or outside the buffer.
    pub fn word(&self, offset: usize) -> &AtomicU64 {
        self.mapping.word(offset)
    }

    /// Copies bytes out, from byte `offset`, which must be a multiple of 8.
    ///
    /// # Panics
    /// When the range is outside the buffer.
    pub fn read_bytes(&self, offset: usize, out: &mut [u8]) {
        for (i, chunk) in out.chunks_mut(8).enumerate() {
            let word = self.word(offset + 8 * i).load(Ordering::Relaxed).to_le_bytes();
            chunk.copy_from_slice(&word[..chunk.len()]);
        }
    }

    /// Copies bytes in, to byte `offset`, which must be a multiple of 8; the last word is filled up with zeros.
    ///
    /// # Panics
    /// When the range is outside the buffer.
    pub fn write_bytes(&self, offset: usize, bytes: &[u8]) {
        for (i, chunk) in bytes.chunks(8).enumerate() {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            self.word(offset + 8 * i).store(u64::from_le_bytes(word), Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_survive_and_a_short_write_pads_its_last_word() {
        let buffer = DmaBuffer::new(100).unwrap();
        assert_eq!(buffer.len_bytes(), PAGE_BYTES);
        buffer.word(16).store(u64::MAX, Ordering::Relaxed);
        buffer.write_bytes(8, b"a frame in me");
        let mut out = [0; 13];
        buffer.read_bytes(8, &mut out);
        assert_eq!(&out, b"a frame in me");
        assert_eq!(buffer.word(16).load(Ordering::Relaxed) >> 40, 0);
    }

    #[test]
    fn a_large_buffer_is_whole_pages_whether_huge_ones_are_there_or_not() {
        let buffer = DmaBuffer::new(HUGE_PAGE_BYTES + 1).unwrap();
        assert!(matches!(buffer.page_bytes(), PAGE_BYTES | HUGE_PAGE_BYTES));
        assert_eq!(buffer.len_bytes(), (HUGE_PAGE_BYTES + 1).next_multiple_of(buffer.page_bytes()));
        buffer.word(HUGE_PAGE_BYTES).store(7, Ordering::Relaxed);
    }

    #[test]
    fn the_length_is_there_to_stay() {
        let buffer = DmaBuffer::new(PAGE_BYTES).unwrap();
        assert!(ftruncate(buffer.fd(), 0).is_err());
        assert!(ftruncate(buffer.fd(), 2 * PAGE_BYTES as u64).is_err());
    }

    #[test]
    #[should_panic(expected = "4096-byte buffer")]
    fn a_word_outside_is_refused() {
        let _ = DmaBuffer::new(1).unwrap().word(4096);
    }
}
