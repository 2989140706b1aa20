//! The card as a PCI function: regions, memory and interrupts, as a client may use them.

use std::os::fd::OwnedFd;
use std::sync::Arc;

use fpgaflow_abi::descriptor::VECTORS;
use fpgaflow_abi::pci::{MSIX_BAR, MSIX_BAR_BYTES, MSIX_TABLE_BYTES, MSIX_TABLE_OFFSET, REGISTER_BAR, REGISTER_BAR_BYTES};
use fpgaflow_card::{CosimTransport, ForeignFiles};
use fpgaflow_driver::dma::PAGE_BYTES;
use fpgaflow_driver::transport::vfio_user::protocol::{
    DMA_READ, DMA_UNMAP_ALL, DMA_WRITE, DmaMap, DmaUnmap, IRQ_ACTION_TRIGGER, IRQ_DATA_BOOL, IRQ_DATA_EVENTFD, IRQ_DATA_NONE,
    PCI_CONFIG_REGION, PCI_IRQS, PCI_MSIX_IRQ, SetIrqs,
};
use fpgaflow_driver::transport::{BarOffset, Transport, TransportError};
use rustix::fs::{OFlags, fcntl_getfl};
use rustix::io::Errno;

use crate::config_space::{CONFIG_BYTES, ConfigSpace, Effect};

/// Bytes of a register.
const REGISTER_BYTES: usize = 4;
/// What a bus reads where nobody answers.
const ALL_ONES: u8 = 0xff;

/// The function. Dropping it leaves the card alone; [`Function::power_off`] does not.
#[derive(Debug)]
pub(crate) struct Function {
    card: Arc<CosimTransport>,
    config: ConfigSpace,
    /// Kept for whoever reads it back; vectors are signalled by eventfd, whatever it says.
    msix_table: [u8; MSIX_TABLE_BYTES],
    files: ForeignFiles,
}

impl Function {
    /// The function as after power-on: the card is reset, and reaches no memory.
    pub(crate) fn power_on(card: Arc<CosimTransport>) -> Self {
        let function =
            Self { card, config: ConfigSpace::new(), msix_table: [0; MSIX_TABLE_BYTES], files: ForeignFiles::default() };
        function.reset_card();
        function
    }

    /// Takes back all that a client gave, and resets the card.
    pub(crate) fn power_off(self) {
        self.disconnect_all();
        self.card.card().unmap_range(0, u64::MAX);
        self.reset_card();
    }

    /// Reset by either way: everything as after power-on, but mappings and interrupts stay, for the client believes them there.
    pub(crate) fn reset(&mut self) {
        self.config = ConfigSpace::new();
        self.msix_table = [0; MSIX_TABLE_BYTES];
        self.reset_card();
    }

    fn reset_card(&self) {
        let mut card = self.card.card();
        card.set_bus_master(self.config.bus_master());
        card.reset();
    }

    /// Bytes of a region; 0 for those that there are not.
    pub(crate) fn region_bytes(region: u32) -> usize {
        const REGISTERS: u32 = REGISTER_BAR as u32;
        const MSIX: u32 = MSIX_BAR as u32;
        match region {
            REGISTERS => REGISTER_BAR_BYTES,
            MSIX => MSIX_BAR_BYTES,
            PCI_CONFIG_REGION => CONFIG_BYTES,
            _ => 0,
        }
    }

    /// Vectors of an interrupt kind.
    pub(crate) fn irq_vectors(index: u32) -> u32 {
        if index == PCI_MSIX_IRQ { VECTORS as u32 } else { 0 }
    }

    /// Reads from a region.
    ///
    /// # Errors
    /// `EINVAL` for what is not in the region, `EIO` when the card does not answer.
    pub(crate) fn read(&self, region: u32, offset: u64, out: &mut [u8]) -> Result<(), Errno> {
        let offset = in_bounds(region, offset, out.len())?;
        if region == PCI_CONFIG_REGION {
            self.config.read(offset, out);
        } else if !self.config.memory_enabled() {
            out.fill(ALL_ONES);
        } else if region == u32::from(REGISTER_BAR) {
            self.read_registers(offset, out)?;
        } else {
            out.fill(0);
            for (at, byte) in (offset..).zip(out) {
                if let Some(kept) = at.checked_sub(MSIX_TABLE_OFFSET).and_then(|at| self.msix_table.get(at)) {
                    *byte = *kept;
                }
            }
        }
        Ok(())
    }

    /// Writes to a region.
    ///
    /// # Errors
    /// As [`Function::read`]; also `EINVAL` for a write of half a register.
    pub(crate) fn write(&mut self, region: u32, offset: u64, bytes: &[u8]) -> Result<(), Errno> {
        let offset = in_bounds(region, offset, bytes.len())?;
        if region == PCI_CONFIG_REGION {
            match self.config.write(offset, bytes) {
                Effect::Reset => self.reset(),
                Effect::None => self.card.card().set_bus_master(self.config.bus_master()),
            }
        } else if !self.config.memory_enabled() {
            // Nobody answers; posted writes end there.
        } else if region == u32::from(REGISTER_BAR) {
            self.write_registers(offset, bytes)?;
        } else {
            for (at, byte) in (offset..).zip(bytes) {
                if let Some(kept) = at.checked_sub(MSIX_TABLE_OFFSET).and_then(|at| self.msix_table.get_mut(at)) {
                    *kept = *byte;
                }
            }
        }
        Ok(())
    }

    /// Registers are read whole, whatever part of them is wanted.
    fn read_registers(&self, offset: usize, out: &mut [u8]) -> Result<(), Errno> {
        let mut read = 0;
        while read < out.len() {
            let at = offset + read;
            let within = at % REGISTER_BYTES;
            let value = self.card.read(BarOffset((at - within) as u32)).map_err(unanswered)?.to_le_bytes();
            let count = (REGISTER_BYTES - within).min(out.len() - read);
            out[read..read + count].copy_from_slice(&value[within..within + count]);
            read += count;
        }
        Ok(())
    }

    fn write_registers(&self, offset: usize, bytes: &[u8]) -> Result<(), Errno> {
        let (words, rest) = bytes.as_chunks::<REGISTER_BYTES>();
        if !offset.is_multiple_of(REGISTER_BYTES) || !rest.is_empty() {
            return Err(Errno::INVAL);
        }
        (offset as u32..)
            .step_by(REGISTER_BYTES)
            .zip(words)
            .try_for_each(|(at, word)| self.card.write(BarOffset(at), u32::from_le_bytes(*word)).map_err(unanswered))
    }

    /// Lets the card use memory. Memory without a file cannot be reached from here: the client may name it (its ROMs, other devices'
    /// BARs), the card's accesses to it are faults.
    ///
    /// # Errors
    /// `EINVAL` for what is not whole pages, or not in a sealed file, `EEXIST` where something is mapped, `ENOSPC` for too many mappings.
    pub(crate) fn dma_map(&mut self, map: &DmaMap, file: Option<OwnedFd>) -> Result<(), Errno> {
        let last = map.address.checked_add(map.size.wrapping_sub(1)).ok_or(Errno::INVAL)?;
        // The card's words must not straddle two mappings.
        if map.size == 0
            || !map.address.is_multiple_of(PAGE_BYTES as u64)
            || map.flags & !(DMA_READ | DMA_WRITE) != 0
            || last < map.address
        {
            return Err(Errno::INVAL);
        }
        let Some(file) = file else { return Ok(()) };
        let memory = self.files.piece(file, map.offset, map.size, map.flags & DMA_WRITE != 0).map_err(|error| {
            tracing::warn!(%error, address = map.address, size = map.size, "memory refused");
            Errno::from_io_error(&error).unwrap_or(Errno::INVAL)
        })?;
        let mut card = self.card.card();
        if card.mappings() >= MOST_MAPPINGS {
            return Err(Errno::NOSPC);
        }
        if card.map_foreign(map.address, memory) { Ok(()) } else { Err(Errno::EXIST) }
    }

    /// Takes memory back, and says how many bytes were mapped there: none is no error.
    ///
    /// # Errors
    /// `EINVAL` for a range that ends within a mapping, or is none; `ENOTSUP` when dirty pages are asked for.
    pub(crate) fn dma_unmap(&mut self, unmap: &DmaUnmap) -> Result<u64, Errno> {
        let (first, last) = match unmap.flags {
            0 => (unmap.address, unmap.address.checked_add(unmap.size.wrapping_sub(1)).ok_or(Errno::INVAL)?),
            DMA_UNMAP_ALL if unmap.address == 0 && unmap.size == 0 => (0, u64::MAX),
            DMA_UNMAP_ALL => return Err(Errno::INVAL),
            _ => return Err(Errno::NOTSUP),
        };
        if last < first || (unmap.size == 0 && unmap.flags == 0) {
            return Err(Errno::INVAL);
        }
        self.card.card().unmap_range(first, last).ok_or(Errno::INVAL)
    }

    /// Connects, disconnects or raises interrupt vectors. `data` is what follows the structure.
    ///
    /// # Errors
    /// `EINVAL` for vectors that there are not, for data that does not fit, and for a descriptor on which raising could block.
    pub(crate) fn set_irqs(&mut self, set: &SetIrqs, data: &[u8], fds: Vec<OwnedFd>) -> Result<(), Errno> {
        let (first, count) = (set.start as usize, set.count as usize);
        let end = set.start.checked_add(set.count).ok_or(Errno::INVAL)?;
        if set.index >= PCI_IRQS || end > Self::irq_vectors(set.index) {
            return Err(Errno::INVAL);
        }
        const CONNECT: u32 = IRQ_ACTION_TRIGGER | IRQ_DATA_EVENTFD;
        const RAISE: u32 = IRQ_ACTION_TRIGGER | IRQ_DATA_NONE;
        const RAISE_SOME: u32 = IRQ_ACTION_TRIGGER | IRQ_DATA_BOOL;
        match set.flags {
            RAISE if set.count == 0 => {
                // Of a kind that the function does not have there is nothing to disconnect, and that is fine.
                if set.index == PCI_MSIX_IRQ {
                    self.disconnect_all();
                }
            }
            RAISE => (first..first + count).for_each(|vector| self.card.card().raise_interrupt(vector)),
            RAISE_SOME => {
                let wanted = data.get(..count).ok_or(Errno::INVAL)?;
                let vectors = (first..).zip(wanted).filter(|(_, wanted)| **wanted != 0);
                vectors.for_each(|(vector, _)| self.card.card().raise_interrupt(vector));
            }
            CONNECT if fds.is_empty() => {
                let mut card = self.card.card();
                for vector in first..first + count {
                    card.connect_interrupt(vector, None);
                }
            }
            CONNECT if fds.len() == count => {
                // The card raises from its own clock, which nobody may hold up.
                if !fds.iter().all(|fd| fcntl_getfl(fd).is_ok_and(|flags| flags.contains(OFlags::NONBLOCK))) {
                    return Err(Errno::INVAL);
                }
                let mut card = self.card.card();
                for (vector, fd) in (first..).zip(fds) {
                    card.connect_interrupt(vector, Some(fd));
                }
            }
            _ => return Err(Errno::INVAL),
        }
        Ok(())
    }

    fn disconnect_all(&self) {
        let mut card = self.card.card();
        for vector in 0..VECTORS {
            card.connect_interrupt(vector, None);
        }
    }
}

/// Mappings that a client may have: as many as QEMU makes at most.
const MOST_MAPPINGS: usize = 1 << 16;

/// The offset of `len` bytes that are in `region`.
fn in_bounds(region: u32, offset: u64, len: usize) -> Result<usize, Errno> {
    let end = offset.checked_add(len as u64).ok_or(Errno::INVAL)?;
    if end > Function::region_bytes(region) as u64 { Err(Errno::INVAL) } else { Ok(offset as usize) }
}

fn unanswered(error: TransportError) -> Errno {
    tracing::error!(%error, "the verilated card did not answer");
    Errno::IO
}
