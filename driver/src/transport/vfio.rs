//! A PCI function that the kernel hands over: bound to vfio-pci, behind an IOMMU.
//!
//! The kernel has two doors. [`cdev`] is iommufd with a character device for each function; [`group`] is the older /dev/vfio group in a
//! container. The first is taken where the system has it, and the log says which.
//!
//! # Contract
//! One process opens a card at a time: the kernel sees to it. Dropping the transport gives the card back, its mappings gone. A card
//! that is pulled reads all ones; its registers stay mapped until the transport is dropped.

mod cdev;
mod group;

use std::fmt;
use std::io;
use std::ops::RangeInclusive;
use std::os::fd::{AsRawFd, OwnedFd, RawFd};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::config_space::{self, ConfigSpace};
use super::dma_space::DmaSpace;
use super::registers::MappedRegisters;
use super::spec::PciAddress;
use super::{BarOffset, Iova, Transport, TransportError};
use crate::dma::DmaBuffer;

/// One of the kernel's doors, opened for one function.
trait Door: ConfigSpace + Send + Sync {
    /// Maps the register BAR.
    fn map_registers(&self) -> io::Result<MappedRegisters>;

    /// Addresses that the IOMMU can translate.
    fn iova_ranges(&self) -> Vec<RangeInclusive<u64>>;

    /// Lets the function read and write `buffer` at `iova`.
    ///
    /// # Safety
    /// The buffer outlives the mapping.
    unsafe fn map(&self, iova: u64, buffer: &DmaBuffer) -> io::Result<()>;

    /// Takes a whole mapping back.
    fn unmap(&self, iova: u64, len_bytes: usize) -> io::Result<()>;

    /// Connects MSI-X vectors, from 0. None was connected before.
    fn enable_msix(&self, eventfds: &[RawFd]) -> io::Result<()>;

    /// Disconnects all vectors. Some were connected before.
    fn disable_msix(&self) -> io::Result<()>;

    /// Function-level reset, or what the kernel has in its place.
    fn reset(&self) -> io::Result<()>;
}

/// A card behind one of the kernel's doors. Fields are dropped in order: registers are unmapped before the door is closed, memory goes
/// after it.
struct Vfio<D> {
    name: String,
    registers: MappedRegisters,
    vectors: usize,
    door: D,
    dma: Mutex<DmaSpace>,
    /// What the connected vectors raise.
    interrupts: Mutex<Vec<OwnedFd>>,
}

/// Where the kernel shows PCI functions.
const PCI_DEVICES: &str = "/sys/bus/pci/devices";
/// Where iommufd is.
const IOMMUFD: &str = "/dev/iommu";

/// Opens the function at `address`; `name` is how the user spelled it.
///
/// # Errors
/// [`TransportError::Io`] says what the kernel refused, [`TransportError::Unsupported`] what the function lacks.
pub(super) fn open(address: &PciAddress, name: &str) -> Result<Arc<dyn Transport>, TransportError> {
    let sysfs = Path::new(PCI_DEVICES).join(address.to_string());
    let failed = |operation: &str| {
        let operation = operation.to_owned();
        move |source| TransportError::Io { operation, card: name.to_owned(), source }
    };
    if !sysfs.exists() {
        return Err(failed("find the PCI function")(io::ErrorKind::NotFound.into()));
    }
    let bound = driver_of(&sysfs);
    if bound.as_deref() != Some("vfio-pci") {
        let what = format!("it is bound to {}, not to vfio-pci", bound.as_deref().unwrap_or("no driver"));
        return Err(failed("open the PCI function")(io::Error::other(what)));
    }
    if has_cdev(&sysfs, Path::new(IOMMUFD)) {
        tracing::info!(card = name, "opening by iommufd");
        let door = cdev::Cdev::open(&sysfs).map_err(failed("open the VFIO character device"))?;
        Ok(Arc::new(Vfio::new(door, name)?))
    } else {
        tracing::info!(card = name, "opening by VFIO group");
        let door = group::Group::open(&sysfs).map_err(failed("open the VFIO group"))?;
        Ok(Arc::new(Vfio::new(door, name)?))
    }
}

/// The driver that the function in `sysfs` is bound to.
fn driver_of(sysfs: &Path) -> Option<String> {
    let driver: PathBuf = std::fs::read_link(sysfs.join("driver")).ok()?;
    Some(driver.file_name()?.to_string_lossy().into_owned())
}

/// Whether the system has iommufd and a character device for the function in `sysfs`.
fn has_cdev(sysfs: &Path, iommufd: &Path) -> bool {
    let mut entries = std::fs::read_dir(sysfs.join("vfio-dev")).into_iter().flatten();
    iommufd.exists() && entries.next().is_some()
}

impl<D: Door> Vfio<D> {
    fn new(door: D, name: &str) -> Result<Self, TransportError> {
        let failed = |operation: &str| {
            let operation = operation.to_owned();
            move |source| TransportError::Io { operation, card: name.to_owned(), source }
        };
        // Before the BAR is touched: a function that does not answer to it faults.
        config_space::enable(&door).map_err(failed("enable the function"))?;
        let vectors = config_space::msix_vectors(&door).map_err(failed("look for MSI-X"))?;
        let registers = door.map_registers().map_err(failed("map the register BAR"))?;
        Ok(Self {
            name: name.to_owned(),
            registers,
            vectors,
            dma: Mutex::new(DmaSpace::new(door.iova_ranges())),
            door,
            interrupts: Mutex::new(Vec::new()),
        })
    }

    fn failed(&self, operation: impl Into<String>) -> impl FnOnce(io::Error) -> TransportError {
        let operation = operation.into();
        move |source| TransportError::Io { operation, card: self.name.clone(), source }
    }

    fn dma(&self) -> MutexGuard<'_, DmaSpace> {
        // Changed by single insertions and removals only.
        self.dma.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<D> fmt::Debug for Vfio<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Vfio").field("name", &self.name).field("vectors", &self.vectors).finish_non_exhaustive()
    }
}

impl<D: Door> Transport for Vfio<D> {
    fn name(&self) -> &str {
        &self.name
    }

    fn read(&self, offset: BarOffset) -> Result<u32, TransportError> {
        self.registers.read(offset).map_err(self.failed("read a register"))
    }

    fn write(&self, offset: BarOffset, value: u32) -> Result<(), TransportError> {
        self.registers.write(offset, value).map_err(self.failed("write a register"))
    }

    fn dma_map(&self, buffer: &Arc<DmaBuffer>) -> Result<Iova, TransportError> {
        let failed = self.failed(format!("map {} bytes of DMA memory", buffer.len_bytes()));
        let mut dma = self.dma();
        let Some(iova) = dma.insert(buffer) else { return Err(failed(io::ErrorKind::OutOfMemory.into())) };
        // SAFETY: `dma` keeps the buffer until its mapping is taken back, or until the door is closed.
        if let Err(source) = unsafe { self.door.map(iova.0, buffer) } {
            dma.remove(iova);
            return Err(failed(source));
        }
        Ok(iova)
    }

    fn dma_unmap(&self, iova: Iova) -> Result<(), TransportError> {
        let failed = self.failed(format!("unmap DMA memory at {:#x}", iova.0));
        let mut dma = self.dma();
        let Some(len_bytes) = dma.get(iova).map(|buffer| buffer.len_bytes()) else {
            return Err(failed(io::ErrorKind::NotFound.into()));
        };
        // Memory that the card may still reach stays.
        self.door.unmap(iova.0, len_bytes).map_err(failed)?;
        dma.remove(iova);
        Ok(())
    }

    fn connect_interrupts(&self, eventfds: Vec<OwnedFd>) -> Result<(), TransportError> {
        if eventfds.len() > self.vectors {
            return Err(TransportError::Unsupported { operation: "raise as many interrupts", card: self.name.clone() });
        }
        let mut interrupts = self.interrupts.lock().unwrap_or_else(PoisonError::into_inner);
        // The kernel refuses to disconnect what is not connected, and to connect what is.
        if !interrupts.is_empty() {
            self.door.disable_msix().map_err(self.failed("disconnect the interrupts"))?;
            interrupts.clear();
        }
        if !eventfds.is_empty() {
            let raw: Vec<RawFd> = eventfds.iter().map(AsRawFd::as_raw_fd).collect();
            self.door.enable_msix(&raw).map_err(self.failed(format!("connect {} interrupts", eventfds.len())))?;
            *interrupts = eventfds;
        }
        Ok(())
    }

    fn reset(&self) -> Result<(), TransportError> {
        // The kernel saves and restores configuration space, the MSI-X table with it; that the function answers again is stated all
        // the same, for nothing works without.
        self.door.reset().map_err(self.failed("reset the function"))?;
        config_space::enable(&self.door).map_err(self.failed("enable the function"))
    }
}

#[cfg(test)]
mod tests;
