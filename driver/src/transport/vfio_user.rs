//! A card behind a vfio-user socket: the verilated card in another process, or any other that QEMU could use.
//!
//! [`protocol`], [`channel`] and [`version`] are what a server needs as well.

pub mod channel;
pub mod client;
pub mod protocol;
pub mod version;

use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use fpgaflow_abi::pci::{REGISTER_BAR, REGISTER_BAR_BYTES};
use fpgaflow_abi::regs;

use super::config_space::{self, ConfigSpace};
use super::dma_space::DmaSpace;
use super::registers::{MappedRegisters, register_index};
use super::{BarOffset, Iova, Transport, TransportError};
use crate::dma::{DmaBuffer, PAGE_BYTES};
use crate::shared_mapping::{Protection, SharedMapping};
use channel::ChannelError;
use client::{Client, ClientError, Region};
use protocol::{DEVICE_PCI, DEVICE_RESET, PCI_CONFIG_REGION, PCI_MSIX_IRQ, REGION_READ, REGION_WRITE};

/// The region of the registers.
const REGISTER_REGION: u32 = REGISTER_BAR as u32;

/// A card behind a socket.
#[derive(Debug)]
pub struct VfioUser {
    name: String,
    client: Mutex<Client>,
    /// Set when the server lets the registers be mapped; else every access is a message.
    registers: Option<MappedRegisters>,
    dma: Mutex<DmaSpace>,
    vectors: usize,
}

impl VfioUser {
    /// Connects to the card at `path`; `name` is how the user spelled it.
    ///
    /// # Errors
    /// [`TransportError::Io`] says what of it is not a card, or [`TransportError::Unsupported`].
    pub fn open(path: &Path, name: &str) -> Result<Self, TransportError> {
        let at = |operation: &'static str| move |error| failed(name, operation.to_owned(), error);
        let mut client = Client::connect(path).map_err(at("open a vfio-user connection"))?;
        let info = client.device_info().map_err(at("ask for the device"))?;
        if info.flags & DEVICE_PCI == 0 || info.num_regions <= PCI_CONFIG_REGION || info.num_irqs <= PCI_MSIX_IRQ {
            return Err(unsupported(name, "be a PCI function"));
        }
        if info.flags & DEVICE_RESET == 0 {
            return Err(unsupported(name, "be reset"));
        }
        let bar = client.region(REGISTER_REGION).map_err(at("ask for the register BAR"))?;
        if bar.size < REGISTER_BAR_BYTES as u64 || bar.flags & (REGION_READ | REGION_WRITE) != REGION_READ | REGION_WRITE {
            return Err(unsupported(name, "have its registers in BAR 0"));
        }
        let registers = map_registers(bar).map_err(|source| io_error(name, "map the register BAR".to_owned(), source))?;
        let vectors = client.irq_vectors(PCI_MSIX_IRQ).map_err(at("ask for interrupts"))? as usize;
        let card = Self {
            name: name.to_owned(),
            client: Mutex::new(client),
            registers,
            dma: Mutex::new(DmaSpace::new(vec![PAGE_BYTES as u64..=u64::MAX])),
            vectors,
        };
        card.enable()?;
        Ok(card)
    }

    /// Lets the card answer to its BARs and use memory.
    fn enable(&self) -> Result<(), TransportError> {
        let config = Config { card: self };
        config_space::enable(&config).map_err(|source| match source.kind() {
            io::ErrorKind::NotConnected => TransportError::Gone { card: self.name.clone() },
            _ => io_error(&self.name, "enable the function".to_owned(), source),
        })
    }

    fn client(&self) -> MutexGuard<'_, Client> {
        // Every command ends with the connection usable or over.
        self.client.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn dma(&self) -> MutexGuard<'_, DmaSpace> {
        self.dma.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn failed(&self, operation: impl FnOnce() -> String) -> impl FnOnce(ClientError) -> TransportError {
        move |error| failed(&self.name, operation(), error)
    }

    /// # Errors
    /// [`TransportError::Io`] when there is no register at `offset`.
    fn check(&self, offset: BarOffset) -> Result<(), TransportError> {
        let checked = register_index(offset).map(drop);
        checked.map_err(|source| io_error(&self.name, "access a register".to_owned(), source))
    }
}

impl Transport for VfioUser {
    fn name(&self) -> &str {
        &self.name
    }

    fn read(&self, offset: BarOffset) -> Result<u32, TransportError> {
        self.check(offset)?;
        let operation = || format!("read the register at {:#x}", offset.0);
        // A mapping outlives its server, so whether the card is there is always asked for by message.
        if let Some(registers) = &self.registers
            && offset.0 != regs::MAGIC
        {
            return registers.read(offset).map_err(|source| io_error(&self.name, operation(), source));
        }
        let mut bytes = [0; 4];
        let read = self.client().region_read(REGISTER_REGION, offset.0.into(), &mut bytes);
        read.map_err(self.failed(operation))?;
        Ok(u32::from_le_bytes(bytes))
    }

    fn write(&self, offset: BarOffset, value: u32) -> Result<(), TransportError> {
        self.check(offset)?;
        let operation = || format!("write the register at {:#x}", offset.0);
        if let Some(registers) = &self.registers {
            return registers.write(offset, value).map_err(|source| io_error(&self.name, operation(), source));
        }
        // What this thread wrote to DMA memory is seen before the doorbell: sending a message is a release, receiving it an acquire.
        let written = self.client().region_write(REGISTER_REGION, offset.0.into(), &value.to_le_bytes());
        written.map_err(self.failed(operation))
    }

    fn dma_map(&self, buffer: &Arc<DmaBuffer>) -> Result<Iova, TransportError> {
        let len = buffer.len_bytes() as u64;
        let operation = || format!("map {len} bytes of DMA memory");
        let mut dma = self.dma();
        let iova = dma.insert(buffer).ok_or_else(|| io_error(&self.name, operation(), io::ErrorKind::OutOfMemory.into()))?;
        if let Err(error) = self.client().dma_map(buffer.fd(), iova.0, len) {
            dma.remove(iova);
            return Err(self.failed(operation)(error));
        }
        Ok(iova)
    }

    fn dma_unmap(&self, iova: Iova) -> Result<(), TransportError> {
        let operation = || format!("unmap DMA memory at {:#x}", iova.0);
        let mut dma = self.dma();
        let buffer = dma.get(iova).ok_or_else(|| io_error(&self.name, operation(), io::ErrorKind::NotFound.into()))?;
        let len = buffer.len_bytes() as u64;
        // A server that refuses may still use the memory, so it stays.
        self.client().dma_unmap(iova.0, len).map_err(self.failed(operation))?;
        dma.remove(iova);
        Ok(())
    }

    fn connect_interrupts(&self, eventfds: Vec<OwnedFd>) -> Result<(), TransportError> {
        if eventfds.len() > self.vectors {
            return Err(unsupported(&self.name, "raise as many interrupts"));
        }
        let set = self.client().set_irqs(PCI_MSIX_IRQ, &eventfds);
        set.map_err(self.failed(|| format!("connect {} interrupts", eventfds.len())))
    }

    fn reset(&self) -> Result<(), TransportError> {
        self.client().reset().map_err(self.failed(|| "reset".to_owned()))?;
        self.enable()
    }
}

/// Configuration space by messages.
struct Config<'a> {
    card: &'a VfioUser,
}

impl ConfigSpace for Config<'_> {
    fn read_u16(&self, offset: u16) -> io::Result<u16> {
        let mut bytes = [0; 2];
        self.card.client().region_read(PCI_CONFIG_REGION, offset.into(), &mut bytes).map_err(into_io)?;
        Ok(u16::from_le_bytes(bytes))
    }

    fn write_u16(&self, offset: u16, value: u16) -> io::Result<()> {
        self.card.client().region_write(PCI_CONFIG_REGION, offset.into(), &value.to_le_bytes()).map_err(into_io)
    }
}

/// Maps the registers when the server offers a part that holds them all.
fn map_registers(bar: Region) -> io::Result<Option<MappedRegisters>> {
    let Some(offered) = bar.file else { return Ok(None) };
    let whole = offered.areas.iter().any(|area| area.offset == 0 && area.size >= REGISTER_BAR_BYTES as u64);
    if !whole {
        return Ok(None);
    }
    // Memory behind the end of a file would be a fault at the first access.
    let file_bytes = rustix::fs::fstat(&offered.file)?.st_size as u64;
    if offered.offset.checked_add(REGISTER_BAR_BYTES as u64).is_none_or(|end| end > file_bytes) {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "the file behind the register BAR is too short"));
    }
    let mapping = SharedMapping::new(&offered.file, offered.offset, REGISTER_BAR_BYTES, Protection::ReadWrite)?;
    MappedRegisters::new(Box::new(mapping)).map(Some)
}

fn into_io(error: ClientError) -> io::Error {
    match error {
        ClientError::Channel(ChannelError::Closed) => io::ErrorKind::NotConnected.into(),
        ClientError::Channel(error @ ChannelError::TimedOut { .. }) => io::Error::new(io::ErrorKind::TimedOut, error),
        ClientError::Connect(source) | ClientError::Refused(source) => source,
        error => io::Error::new(io::ErrorKind::InvalidData, error),
    }
}

fn failed(card: &str, operation: String, error: ClientError) -> TransportError {
    match error {
        ClientError::Channel(ChannelError::Closed) => TransportError::Gone { card: card.to_owned() },
        error => io_error(card, operation, into_io(error)),
    }
}

fn io_error(card: &str, operation: String, source: io::Error) -> TransportError {
    TransportError::Io { operation, card: card.to_owned(), source }
}

fn unsupported(card: &str, operation: &'static str) -> TransportError {
    TransportError::Unsupported { operation, card: card.to_owned() }
}
