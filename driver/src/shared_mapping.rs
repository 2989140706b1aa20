//! A file's memory in this process, shared with whoever else has the file: another process, a device.

use std::io;
use std::os::fd::AsFd;
use std::ptr::NonNull;
use std::sync::atomic::AtomicU64;

use rustix::mm::{MapFlags, ProtFlags, mmap, munmap};

/// What may be done with a mapping.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protection {
    /// Loads only; a store ends the process.
    ReadOnly,
    /// Loads and stores.
    ReadWrite,
}

/// A shared mapping, taken back when dropped.
///
/// Others change it at any time, so it is never borrowed as a slice.
#[derive(Debug)]
pub struct SharedMapping {
    base: NonNull<u8>,
    len_bytes: usize,
}

// SAFETY: the mapping is owned and lives until drop; access goes through atomic words or through raw pointers, whose users answer for
// themselves.
unsafe impl Send for SharedMapping {}
// SAFETY: as above.
unsafe impl Sync for SharedMapping {}

impl SharedMapping {
    /// Maps `len_bytes` of `file` from `offset`, a multiple of the page.
    ///
    /// # Errors
    /// What mmap said.
    pub fn new(file: impl AsFd, offset: u64, len_bytes: usize, protection: Protection) -> io::Result<Self> {
        let prot = match protection {
            Protection::ReadOnly => ProtFlags::READ,
            Protection::ReadWrite => ProtFlags::READ | ProtFlags::WRITE,
        };
        // SAFETY: a fresh shared mapping at an address the kernel chooses; nothing else refers to it.
        let base = unsafe { mmap(std::ptr::null_mut(), len_bytes, prot, MapFlags::SHARED, file, offset)? };
        let base = NonNull::new(base.cast()).ok_or_else(|| io::Error::other("mmap returned the null page"))?;
        Ok(Self { base, len_bytes })
    }

    /// First byte.
    pub fn base(&self) -> *mut u8 {
        self.base.as_ptr()
    }

    /// Length in bytes.
    pub fn len_bytes(&self) -> usize {
        self.len_bytes
    }

    /// The aligned word at byte `offset` of memory; device registers are not for this.
    ///
    /// # Panics
    /// When `offset` is unaligned or outside the mapping.
    pub fn word(&self, offset: usize) -> &AtomicU64 {
        let inside = offset.is_multiple_of(8) && offset.checked_add(8).is_some_and(|end| end <= self.len_bytes);
        assert!(inside, "word at {offset} of a {}-byte buffer", self.len_bytes);
        // SAFETY: in bounds by the assertion, aligned for the base is a page's; the mapping lives as long as `self`; every access by
        // this process is atomic. What others write meanwhile, in whole words or in parts, is data.
        unsafe { AtomicU64::from_ptr(self.base().cast::<u64>().add(offset / 8)) }
    }
}

impl Drop for SharedMapping {
    fn drop(&mut self) {
        // SAFETY: the mapping made in `new`, of this length, not used after this.
        // An error would mean that it is not ours; there is nothing left to do with it.
        let _ = unsafe { munmap(self.base().cast(), self.len_bytes) };
    }
}
