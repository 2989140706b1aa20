//! The register BAR, mapped.

use std::fmt;
use std::io;
use std::ptr::NonNull;
use std::sync::atomic::{Ordering, fence};

use fpgaflow_abi::pci::REGISTER_BAR_BYTES;
use volatile_register::RW;

use super::BarOffset;
use crate::shared_mapping::SharedMapping;

/// Bytes of a register.
const REGISTER_BYTES: usize = 4;

/// The registers as they lie in the BAR, 32 bits each. Their offsets are the ABI's ([`fpgaflow_abi::regs`]), which is why they have no
/// names here. All may be written; the card ignores what is read-only.
#[repr(C)]
struct RegisterBlock {
    words: [RW<u32>; REGISTER_BAR_BYTES / REGISTER_BYTES],
}

const _: () = assert!(size_of::<RegisterBlock>() == REGISTER_BAR_BYTES);

/// Owner of a mapping of the register BAR.
pub(super) trait Mapped: Send + Sync {
    /// Its first byte.
    fn base(&self) -> *mut u8;
    /// Its bytes.
    fn len_bytes(&self) -> usize;
}

/// The registers of a card behind a mapping.
pub(super) struct MappedRegisters {
    block: NonNull<RegisterBlock>,
    /// What keeps the mapping there.
    _mapping: Box<dyn Mapped>,
}

// SAFETY: every access is one volatile load or store of a word, which the bus keeps whole; any thread may make them.
unsafe impl Send for MappedRegisters {}
// SAFETY: as above.
unsafe impl Sync for MappedRegisters {}

impl fmt::Debug for MappedRegisters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MappedRegisters").field("block", &self.block).finish_non_exhaustive()
    }
}

impl MappedRegisters {
    /// The registers in `mapping`.
    ///
    /// # Errors
    /// [`io::ErrorKind::InvalidData`] when it is too short or not aligned.
    pub(super) fn new(mapping: Box<dyn Mapped>) -> io::Result<Self> {
        let base = mapping.base().cast::<RegisterBlock>();
        match NonNull::new(base) {
            Some(block) if base.is_aligned() && mapping.len_bytes() >= REGISTER_BAR_BYTES => {
                Ok(Self { block, _mapping: mapping })
            }
            _ => Err(io::Error::new(io::ErrorKind::InvalidData, "the register BAR is too short")),
        }
    }

    /// Reads a register.
    ///
    /// # Errors
    /// [`io::ErrorKind::InvalidInput`] when there is none.
    pub(super) fn read(&self, offset: BarOffset) -> io::Result<u32> {
        Ok(u32::from_le(self.word(offset)?.read()))
    }

    /// Writes a register, after everything that this thread wrote to memory before.
    ///
    /// # Errors
    /// [`io::ErrorKind::InvalidInput`] when there is none.
    pub(super) fn write(&self, offset: BarOffset, value: u32) -> io::Result<()> {
        let word = self.word(offset)?;
        // What orders a doorbell after the descriptors it announces: the fence keeps the compiler from moving the earlier stores
        // below it, and x86-64 makes stores to write-back memory visible before a later store to uncached memory. A machine that
        // does not (AArch64) needs its barrier for devices here, which no Rust fence is.
        fence(Ordering::Release);
        // SAFETY: a register of the card that we own; what the write does is the caller's business.
        unsafe { word.write(value.to_le()) };
        Ok(())
    }

    fn word(&self, offset: BarOffset) -> io::Result<&RW<u32>> {
        let index = register_index(offset)?;
        // SAFETY: the mapping is large enough, aligned and lives as long as `self`; the words are cells that only volatile accesses
        // go through, and `index` is in bounds.
        unsafe { Ok(&(*self.block.as_ptr()).words[index]) }
    }
}

/// Which register is at `offset`.
///
/// # Errors
/// [`io::ErrorKind::InvalidInput`] when there is none.
pub(super) fn register_index(offset: BarOffset) -> io::Result<usize> {
    let at = offset.0 as usize;
    if at.is_multiple_of(REGISTER_BYTES) && at < REGISTER_BAR_BYTES {
        return Ok(at / REGISTER_BYTES);
    }
    Err(io::Error::new(io::ErrorKind::InvalidInput, format!("there is no register at {at:#x}")))
}

impl Mapped for SharedMapping {
    fn base(&self) -> *mut u8 {
        self.base()
    }

    fn len_bytes(&self) -> usize {
        self.len_bytes()
    }
}

#[cfg(test)]
mod tests {
    use fpgaflow_abi::regs;

    use super::*;
    use crate::dma::DmaBuffer;
    use crate::shared_mapping::Protection;

    #[test]
    fn registers_are_where_the_abi_says_and_little_endian() {
        let bar = DmaBuffer::new(REGISTER_BAR_BYTES).unwrap();
        let mapping = SharedMapping::new(bar.fd(), 0, REGISTER_BAR_BYTES, Protection::ReadWrite).unwrap();
        let registers = MappedRegisters::new(Box::new(mapping)).unwrap();
        registers.write(BarOffset(regs::SCRATCH), 0x0403_0201).unwrap();
        let mut bytes = [0; 4];
        bar.read_bytes(regs::SCRATCH as usize, &mut bytes);
        assert_eq!(bytes, [1, 2, 3, 4]);
        assert_eq!(registers.read(BarOffset(regs::SCRATCH)).unwrap(), 0x0403_0201);
    }

    #[test]
    fn what_is_no_register_is_not_touched() {
        for offset in [1, 2, REGISTER_BAR_BYTES as u32, u32::MAX] {
            assert!(register_index(BarOffset(offset)).is_err(), "{offset:#x}");
        }
        assert!(register_index(BarOffset(REGISTER_BAR_BYTES as u32 - 4)).is_ok());
        let small = DmaBuffer::new(1).unwrap();
        let mapping = SharedMapping::new(small.fd(), 0, REGISTER_BAR_BYTES / 2, Protection::ReadWrite).unwrap();
        assert!(MappedRegisters::new(Box::new(mapping)).is_err());
    }
}
