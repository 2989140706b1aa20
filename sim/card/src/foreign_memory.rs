//! Memory of another process that the card may use, by the file it lies in.
//!
//! # Contract
//! Only files that are sealed against shrinking are taken (memfds with `F_SEAL_SHRINK`, as QEMU's and the driver's are): memory behind
//! the end of a file is a fault that would end this process, and the other one must not be able to cause it. What it writes into the
//! memory is data.

use std::io;
use std::os::fd::AsFd;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Weak};

use fpgaflow_driver::dma::PAGE_BYTES;
use fpgaflow_driver::shared_mapping::{Protection, SharedMapping};
use rustix::fs::{OFlags, SealFlags, fcntl_get_seals, fcntl_getfl, fstat};

/// A file, mapped whole.
#[derive(Debug)]
struct ForeignFile {
    mapping: SharedMapping,
    writable: bool,
}

impl ForeignFile {
    fn map(file: impl AsFd, len_bytes: u64) -> io::Result<Self> {
        let file = file.as_fd();
        let unsealed = || io::Error::new(io::ErrorKind::InvalidInput, "the memory's file is not sealed against shrinking");
        // Files that cannot be sealed at all have no seals to ask for.
        if !fcntl_get_seals(file).map_err(|_| unsealed())?.contains(SealFlags::SHRINK) {
            return Err(unsealed());
        }
        let len_bytes = usize::try_from(len_bytes).map_err(|_| io::Error::from(io::ErrorKind::OutOfMemory))?;
        let writable = fcntl_getfl(file)?.contains(OFlags::RDWR);
        let protection = if writable { Protection::ReadWrite } else { Protection::ReadOnly };
        Ok(Self { mapping: SharedMapping::new(file, 0, len_bytes, protection)?, writable })
    }
}

/// A piece of such a file.
#[derive(Debug, Clone)]
pub struct ForeignMemory {
    file: Arc<ForeignFile>,
    offset: usize,
    len_bytes: usize,
    writable: bool,
}

impl ForeignMemory {
    /// Length in bytes.
    pub fn len_bytes(&self) -> usize {
        self.len_bytes
    }

    /// Whether the card may write it.
    pub(crate) fn is_writable(&self) -> bool {
        self.writable
    }

    /// The word at byte `offset`, a multiple of 8 in bounds.
    pub(crate) fn word(&self, offset: usize) -> &AtomicU64 {
        assert!(offset.is_multiple_of(8) && offset + 8 <= self.len_bytes, "word at {offset} of {} bytes", self.len_bytes);
        // In bounds of the file by `ForeignFiles::piece`. A file mapped read-only is only loaded from: its pieces are never writable.
        self.file.mapping.word(self.offset + offset)
    }
}

/// Files of one other process: each is mapped once, however many pieces of it are used.
#[derive(Debug, Default)]
pub struct ForeignFiles {
    mapped: Vec<(FileId, Weak<ForeignFile>)>,
}

/// Device and inode.
type FileId = (u64, u64);

impl ForeignFiles {
    /// The piece of `file` of `len_bytes` from `offset`, for the card to read, or to write as well.
    ///
    /// # Errors
    /// [`io::ErrorKind::InvalidInput`] for what is not whole pages in the file, or for a file that is not sealed,
    /// [`io::ErrorKind::PermissionDenied`] for one that cannot be written but should be, or what the operating system said.
    pub fn piece(&mut self, file: impl AsFd, offset: u64, len_bytes: u64, writable: bool) -> io::Result<ForeignMemory> {
        let stat = fstat(&file)?;
        let file_bytes = stat.st_size.cast_unsigned();
        let pages = offset.is_multiple_of(PAGE_BYTES as u64) && len_bytes.is_multiple_of(PAGE_BYTES as u64) && len_bytes > 0;
        if !pages || offset.checked_add(len_bytes).is_none_or(|end| end > file_bytes) {
            let what = format!("{len_bytes:#x} bytes from {offset:#x} are not pages of a file of {file_bytes:#x}");
            return Err(io::Error::new(io::ErrorKind::InvalidInput, what));
        }
        let mapped = self.mapped(&file, (stat.st_dev, stat.st_ino), file_bytes)?;
        if writable && !mapped.writable {
            return Err(io::ErrorKind::PermissionDenied.into());
        }
        // Both fit, for the whole file was mapped.
        Ok(ForeignMemory { file: mapped, offset: offset as usize, len_bytes: len_bytes as usize, writable })
    }

    fn mapped(&mut self, file: impl AsFd, id: FileId, len_bytes: u64) -> io::Result<Arc<ForeignFile>> {
        self.mapped.retain(|(_, mapped)| mapped.strong_count() > 0);
        let writable = fcntl_getfl(&file)?.contains(OFlags::RDWR);
        // One that has grown since, or is now given with more rights, is mapped again.
        let good = |mapped: &ForeignFile| mapped.mapping.len_bytes() as u64 >= len_bytes && (mapped.writable || !writable);
        let known = self.mapped.iter().filter(|(known, _)| *known == id).filter_map(|(_, mapped)| mapped.upgrade());
        if let Some(mapped) = known.into_iter().find(|mapped| good(mapped)) {
            return Ok(mapped);
        }
        let mapped = Arc::new(ForeignFile::map(file, len_bytes)?);
        self.mapped.push((id, Arc::downgrade(&mapped)));
        Ok(mapped)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::Ordering;

    use fpgaflow_driver::dma::DmaBuffer;
    use rustix::fs::{MemfdFlags, ftruncate, memfd_create};

    use super::*;

    const PAGE: u64 = PAGE_BYTES as u64;

    #[test]
    fn pieces_show_what_the_other_process_has_and_share_one_mapping() {
        let theirs = DmaBuffer::new(4 * PAGE_BYTES).unwrap();
        theirs.word(2 * PAGE_BYTES + 8).store(42, Ordering::Relaxed);
        let mut files = ForeignFiles::default();
        let piece = files.piece(theirs.fd(), 2 * PAGE, PAGE, true).unwrap();
        let other = files.piece(theirs.fd(), 0, PAGE, false).unwrap();
        assert!(Arc::ptr_eq(&piece.file, &other.file));
        assert_eq!(piece.word(8).load(Ordering::Relaxed), 42);
        piece.word(16).store(7, Ordering::Relaxed);
        assert_eq!(theirs.word(2 * PAGE_BYTES + 16).load(Ordering::Relaxed), 7);
    }

    #[test]
    fn what_is_not_in_the_file_is_refused() {
        let theirs = DmaBuffer::new(4 * PAGE_BYTES).unwrap();
        let mut files = ForeignFiles::default();
        for (offset, len) in [(0, 5 * PAGE), (4 * PAGE, PAGE), (1, PAGE), (0, PAGE + 1), (0, 0), (u64::MAX - PAGE + 1, PAGE)] {
            let error = files.piece(theirs.fd(), offset, len, true).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::InvalidInput, "{len:#x} from {offset:#x}");
        }
    }

    #[test]
    fn a_file_that_could_shrink_is_refused() {
        let unsealed = memfd_create("unsealed", MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING).unwrap();
        ftruncate(&unsealed, PAGE).unwrap();
        assert_eq!(ForeignFiles::default().piece(&unsealed, 0, PAGE, true).unwrap_err().kind(), io::ErrorKind::InvalidInput);
        let plain = tempfile::tempfile().unwrap();
        plain.set_len(PAGE).unwrap();
        assert_eq!(ForeignFiles::default().piece(&plain, 0, PAGE, true).unwrap_err().kind(), io::ErrorKind::InvalidInput);
    }
}
