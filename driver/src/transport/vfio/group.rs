//! The older door: a VFIO group in a container of its own, through `pci-driver`.
//!
//! What of that crate needs care: the last address of an IOVA range is given as its end; a 64-bit BAR is mapped, its own accessors
//! stop at 32 bits; vectors are enabled from 0 only, which is all that is needed here.

use std::fmt;
use std::io;
use std::ops::RangeInclusive;
use std::os::fd::RawFd;
use std::path::Path;

use fpgaflow_abi::pci::{REGISTER_BAR, REGISTER_BAR_BYTES};
use pci_driver::backends::vfio::VfioPciDevice;
use pci_driver::device::PciDevice;
use pci_driver::regions::{AsPciSubregion, MappedOwningPciRegion, PciRegion, Permissions};

use super::Door;
use crate::dma::DmaBuffer;
use crate::transport::config_space::ConfigSpace;
use crate::transport::registers::{Mapped, MappedRegisters};

/// A function opened by its group.
pub(super) struct Group {
    device: VfioPciDevice,
}

impl fmt::Debug for Group {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Group").finish_non_exhaustive()
    }
}

impl Group {
    /// Opens the function in `sysfs` and its group.
    pub(super) fn open(sysfs: &Path) -> io::Result<Self> {
        Ok(Self { device: VfioPciDevice::open(sysfs)? })
    }
}

impl ConfigSpace for Group {
    fn read_u16(&self, offset: u16) -> io::Result<u16> {
        self.device.config().as_subregion().read_le_u16(offset.into())
    }

    fn write_u16(&self, offset: u16, value: u16) -> io::Result<()> {
        self.device.config().as_subregion().write_le_u16(offset.into(), value)
    }
}

impl Door for Group {
    fn map_registers(&self) -> io::Result<MappedRegisters> {
        let missing = || io::Error::new(io::ErrorKind::InvalidData, format!("the function has no BAR {REGISTER_BAR}"));
        let bar = self.device.bar(REGISTER_BAR.into()).ok_or_else(missing)?;
        // The crate would map what lies behind a shorter BAR.
        if bar.len() < REGISTER_BAR_BYTES as u64 {
            return Err(io::Error::new(io::ErrorKind::InvalidData, format!("the register BAR has {} bytes", bar.len())));
        }
        let mapped = bar.map(..REGISTER_BAR_BYTES as u64, Permissions::ReadWrite)?;
        MappedRegisters::new(Box::new(mapped))
    }

    fn iova_ranges(&self) -> Vec<RangeInclusive<u64>> {
        self.device.iommu().valid_iova_ranges().iter().map(|range| range.start..=range.end).collect()
    }

    unsafe fn map(&self, iova: u64, buffer: &DmaBuffer) -> io::Result<()> {
        // SAFETY: the buffer is mapped in this process for its whole length, outlives the mapping by this function's contract, and
        // is only ever accessed by atomic words.
        unsafe { self.device.iommu().map(iova, buffer.len_bytes(), buffer.address(), Permissions::ReadWrite) }
    }

    fn unmap(&self, iova: u64, len_bytes: usize) -> io::Result<()> {
        self.device.iommu().unmap(iova, len_bytes)
    }

    fn enable_msix(&self, eventfds: &[RawFd]) -> io::Result<()> {
        self.device.interrupts().msi_x().enable(eventfds)
    }

    fn disable_msix(&self) -> io::Result<()> {
        self.device.interrupts().msi_x().disable()
    }

    fn reset(&self) -> io::Result<()> {
        self.device.reset()
    }
}

impl Mapped for MappedOwningPciRegion {
    fn base(&self) -> *mut u8 {
        self.as_mut_ptr()
    }

    fn len_bytes(&self) -> usize {
        self.len()
    }
}
