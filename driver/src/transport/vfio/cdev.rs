//! The newer door: a VFIO character device bound to iommufd, through `vfio-ioctls`.
//!
//! What of that crate needs care: reads and writes of regions only warn when they fail, so configuration space is reached through the
//! device's file here; a failed reset is not told, so the ioctl is made here; dropping a device that is gone panics, which is caught.

use std::fmt;
use std::io;
use std::mem::ManuallyDrop;
use std::ops::RangeInclusive;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, RawFd};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;

use fpgaflow_abi::pci::{REGISTER_BAR, REGISTER_BAR_BYTES};
use iommufd_ioctls::IommuFd;
use rustix::ioctl::{NoArg, opcode};
use vfio_ioctls::{VfioDevice, VfioIommufd};
use vmm_sys_util::eventfd::EventFd;

use super::Door;
use crate::dma::DmaBuffer;
use crate::shared_mapping::{Protection, SharedMapping};
use crate::transport::config_space::ConfigSpace;
use crate::transport::registers::MappedRegisters;
use crate::transport::vfio_user::protocol::{PCI_CONFIG_REGION, PCI_MSIX_IRQ, REGION_MMAP};

/// Addresses that every IOMMU of x86-64 with 39 bits and more translates, and none keeps for itself. The crate cannot ask iommufd for
/// the real ones; an address outside them would be refused, not mistranslated.
const IOVA_RANGE: RangeInclusive<u64> = 1 << 32..=(1 << 38) - 1;

/// VFIO_DEVICE_RESET of `linux/vfio.h`.
const VFIO_DEVICE_RESET: rustix::ioctl::Opcode = opcode::none(b';', 111);

/// A function opened by its character device.
pub(super) struct Cdev {
    device: ManuallyDrop<VfioDevice>,
    iommufd: Arc<VfioIommufd>,
}

impl fmt::Debug for Cdev {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cdev").finish_non_exhaustive()
    }
}

impl Cdev {
    /// Opens the function in `sysfs` and attaches it to an address space of its own.
    pub(super) fn open(sysfs: &Path) -> io::Result<Self> {
        let iommufd = Arc::new(IommuFd::new().map_err(io::Error::other)?);
        let iommufd = Arc::new(VfioIommufd::new(iommufd, None, None).map_err(io::Error::other)?);
        let device = VfioDevice::new(sysfs, Arc::clone(&iommufd) as _, true).map_err(io::Error::other)?;
        Ok(Self { device: ManuallyDrop::new(device), iommufd })
    }

    fn file(&self) -> BorrowedFd<'_> {
        // SAFETY: the device keeps its file open as long as it lives.
        unsafe { BorrowedFd::borrow_raw(self.device.as_raw_fd()) }
    }

    /// Where in the device's file the two bytes of configuration space at `offset` are.
    fn config_at(&self, offset: u16) -> io::Result<u64> {
        if u64::from(offset) + 2 > self.device.get_region_size(PCI_CONFIG_REGION) {
            let what = format!("configuration space ends before {offset:#x}");
            return Err(io::Error::new(io::ErrorKind::InvalidData, what));
        }
        Ok(self.device.get_region_offset(PCI_CONFIG_REGION) + u64::from(offset))
    }
}

/// A transfer of configuration space is whole or failed.
fn whole(bytes: usize) -> io::Result<()> {
    if bytes == 2 { Ok(()) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
}

impl ConfigSpace for Cdev {
    fn read_u16(&self, offset: u16) -> io::Result<u16> {
        let mut bytes = [0; 2];
        whole(rustix::io::pread(self.file(), &mut bytes, self.config_at(offset)?)?)?;
        Ok(u16::from_le_bytes(bytes))
    }

    fn write_u16(&self, offset: u16, value: u16) -> io::Result<()> {
        whole(rustix::io::pwrite(self.file(), &value.to_le_bytes(), self.config_at(offset)?)?)
    }
}

impl Door for Cdev {
    fn map_registers(&self) -> io::Result<MappedRegisters> {
        let (flags, size) = (self.device.get_region_flags(REGISTER_BAR.into()), self.device.get_region_size(REGISTER_BAR.into()));
        if flags & REGION_MMAP == 0 || size < REGISTER_BAR_BYTES as u64 {
            let what = format!("BAR {REGISTER_BAR} has {size} bytes and flags {flags:#x}");
            return Err(io::Error::new(io::ErrorKind::InvalidData, what));
        }
        let offset = self.device.get_region_offset(REGISTER_BAR.into());
        MappedRegisters::new(Box::new(SharedMapping::new(self.file(), offset, REGISTER_BAR_BYTES, Protection::ReadWrite)?))
    }

    fn iova_ranges(&self) -> Vec<RangeInclusive<u64>> {
        vec![IOVA_RANGE]
    }

    unsafe fn map(&self, iova: u64, buffer: &DmaBuffer) -> io::Result<()> {
        // SAFETY: the buffer outlives the mapping by this function's contract, and is only ever accessed by atomic words.
        unsafe { self.iommufd.vfio_dma_map(iova, buffer.len_bytes(), buffer.address()) }.map_err(io::Error::other)
    }

    fn unmap(&self, iova: u64, len_bytes: usize) -> io::Result<()> {
        self.iommufd.vfio_dma_unmap(iova, len_bytes).map_err(io::Error::other)
    }

    fn enable_msix(&self, eventfds: &[RawFd]) -> io::Result<()> {
        // The crate wants eventfds in a type of its own; never dropping them leaves the descriptors to their owner.
        // SAFETY: open descriptors, lent for this call.
        let lent = eventfds.iter().map(|fd| ManuallyDrop::new(unsafe { EventFd::from_raw_fd(*fd) }));
        let lent: Vec<_> = lent.collect();
        let lent = lent.iter().map(|eventfd| &**eventfd).collect();
        self.device.enable_irq(PCI_MSIX_IRQ, lent).map_err(io::Error::other)
    }

    fn disable_msix(&self) -> io::Result<()> {
        self.device.disable_irq(PCI_MSIX_IRQ).map_err(io::Error::other)
    }

    fn reset(&self) -> io::Result<()> {
        // SAFETY: VFIO_DEVICE_RESET takes no argument and touches no memory of this process.
        Ok(unsafe { rustix::ioctl::ioctl(self.file(), NoArg::<VFIO_DEVICE_RESET>::new()) }?)
    }
}

impl Drop for Cdev {
    fn drop(&mut self) {
        // A device that was pulled cannot be detached, and the crate unwraps that. Its file then stays open, which harms nobody.
        // SAFETY: dropped here and nowhere else; nothing uses it after this.
        if catch_unwind(AssertUnwindSafe(|| unsafe { ManuallyDrop::drop(&mut self.device) })).is_err() {
            tracing::warn!("the VFIO device could not be detached: is it gone?");
        }
    }
}
