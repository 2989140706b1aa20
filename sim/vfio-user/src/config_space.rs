//! The function's configuration space: bytes, which of them can be written, and what a write sets off.
//!
//! | offset | what |
//! |---|---|
//! | 0x00 | header: ids, class, two 64-bit memory BARs |
//! | 0x40 | PCI Express capability, version 2, with function-level reset |
//! | 0x80 | MSI-X capability |
//!
//! Source: PCI Express Base Specification 6.0, 7.5.1, 7.5.3 and 7.7.2. There are no extended capabilities.

use fpgaflow_abi::descriptor::VECTORS;
use fpgaflow_abi::pci;
use fpgaflow_driver::transport::config_space::{
    CAP_MSIX, CAP_PCI_EXPRESS, CAPABILITIES, COMMAND, COMMAND_BUS_MASTER, COMMAND_INTX_DISABLE, COMMAND_MEMORY,
    CONVENTIONAL_BYTES, MSIX_CONTROL, STATUS, STATUS_CAPABILITIES, VENDOR_ID,
};

/// Bytes of a PCI Express function's configuration space.
pub(crate) const CONFIG_BYTES: usize = 4096;

const DEVICE_ID: u16 = VENDOR_ID + 2;
const CLASS: u16 = 0x09;
const BAR_BASE: u16 = 0x10;
const SUBSYSTEM_VENDOR_ID: u16 = 0x2c;
const SUBSYSTEM_ID: u16 = 0x2e;
const INTERRUPT_LINE: u16 = 0x3c;
/// [`COMMAND`]: answer to parity errors, report system errors. Settable, without effect.
const COMMAND_ERRORS: u16 = 1 << 6 | 1 << 8;
/// A memory BAR of 64 bits, not prefetchable.
const BAR_64_BITS: u32 = 0b100;

const EXPRESS_AT: u16 = 0x40;
/// Version 2, an endpoint.
const EXPRESS_FLAGS: u16 = 2;
const DEVICE_CAPABILITIES: u16 = EXPRESS_AT + 0x04;
const DEVICE_CONTROL: u16 = EXPRESS_AT + 0x08;
const LINK_CAPABILITIES: u16 = EXPRESS_AT + 0x0c;
const LINK_STATUS: u16 = EXPRESS_AT + 0x12;
/// Role-based error reporting, which version 2 demands, and function-level reset.
const DEVICE_CAPABILITIES_VALUE: u32 = 1 << 15 | 1 << 28;
/// Error reporting, payload and read request sizes; the reset bit always reads 0.
const DEVICE_CONTROL_SETTABLE: u16 = 0x7fff;
const DEVICE_CONTROL_RESET: u16 = 1 << 15;
/// Eight lanes at 8 GT/s: speed in bits 0 to 3, width from bit 4.
const LINK: u16 = 8 << 4 | 3;

const MSIX_AT: u16 = 0x80;
const MSIX_TABLE: u16 = MSIX_AT + 4;
const MSIX_PBA: u16 = MSIX_AT + 8;
/// [`MSIX_CONTROL`]: enable, mask the function.
const MSIX_CONTROL_SETTABLE: u16 = 0b11 << 14;

const _: () = assert!(EXPRESS_AT + 0x3c <= MSIX_AT && MSIX_AT + 12 <= CONVENTIONAL_BYTES);

/// What a write asked for besides being kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub(crate) enum Effect {
    /// Nothing.
    None,
    /// Function-level reset.
    Reset,
}

/// The configuration space of one function.
#[derive(Debug)]
pub(crate) struct ConfigSpace {
    bytes: Box<[u8; CONFIG_BYTES]>,
    /// Bits that a write changes.
    settable: Box<[u8; CONFIG_BYTES]>,
}

impl ConfigSpace {
    /// As after power-on.
    pub(crate) fn new() -> Self {
        let mut space = Self { bytes: Box::new([0; CONFIG_BYTES]), settable: Box::new([0; CONFIG_BYTES]) };
        space.put(VENDOR_ID, &pci::VENDOR_ID.to_le_bytes());
        space.put(DEVICE_ID, &pci::DEVICE_ID.to_le_bytes());
        space.settable(COMMAND, COMMAND_MEMORY | COMMAND_BUS_MASTER | COMMAND_INTX_DISABLE | COMMAND_ERRORS);
        space.put(STATUS, &STATUS_CAPABILITIES.to_le_bytes());
        space.put(CLASS, &pci::CLASS_CODE.to_le_bytes()[..3]);
        space.put_bar(pci::REGISTER_BAR, pci::REGISTER_BAR_BYTES);
        space.put_bar(pci::MSIX_BAR, pci::MSIX_BAR_BYTES);
        space.put(SUBSYSTEM_VENDOR_ID, &pci::VENDOR_ID.to_le_bytes());
        space.put(SUBSYSTEM_ID, &pci::SUBSYSTEM_ID.to_le_bytes());
        space.put(CAPABILITIES, &[EXPRESS_AT as u8]);
        space.settable[usize::from(INTERRUPT_LINE)] = 0xff;

        space.put(EXPRESS_AT, &[CAP_PCI_EXPRESS, MSIX_AT as u8]);
        space.put(EXPRESS_AT + 2, &EXPRESS_FLAGS.to_le_bytes());
        space.put(DEVICE_CAPABILITIES, &DEVICE_CAPABILITIES_VALUE.to_le_bytes());
        space.settable(DEVICE_CONTROL, DEVICE_CONTROL_SETTABLE);
        space.put(LINK_CAPABILITIES, &LINK.to_le_bytes());
        space.put(LINK_STATUS, &LINK.to_le_bytes());

        space.put(MSIX_AT, &[CAP_MSIX, 0]);
        space.put(MSIX_AT + MSIX_CONTROL, &(VECTORS as u16 - 1).to_le_bytes());
        space.settable(MSIX_AT + MSIX_CONTROL, MSIX_CONTROL_SETTABLE);
        space.put(MSIX_TABLE, &(pci::MSIX_TABLE_OFFSET as u32 | u32::from(pci::MSIX_BAR)).to_le_bytes());
        space.put(MSIX_PBA, &(pci::MSIX_PBA_OFFSET as u32 | u32::from(pci::MSIX_BAR)).to_le_bytes());
        space
    }

    /// Reads what is at `offset`, in bounds.
    pub(crate) fn read(&self, offset: usize, out: &mut [u8]) {
        out.copy_from_slice(&self.bytes[offset..offset + out.len()]);
    }

    /// Writes to `offset`, in bounds: what can be set is.
    pub(crate) fn write(&mut self, offset: usize, bytes: &[u8]) -> Effect {
        let reset_at = usize::from(DEVICE_CONTROL) + 1;
        let mut effect = Effect::None;
        for (at, byte) in (offset..).zip(bytes) {
            let settable = self.settable[at];
            self.bytes[at] = self.bytes[at] & !settable | byte & settable;
            if at == reset_at && u16::from(*byte) << 8 & DEVICE_CONTROL_RESET != 0 {
                effect = Effect::Reset;
            }
        }
        effect
    }

    /// Whether the function answers to its BARs.
    pub(crate) fn memory_enabled(&self) -> bool {
        self.command() & COMMAND_MEMORY != 0
    }

    /// Whether the function may use memory.
    pub(crate) fn bus_master(&self) -> bool {
        self.command() & COMMAND_BUS_MASTER != 0
    }

    fn command(&self) -> u16 {
        let at = usize::from(COMMAND);
        u16::from_le_bytes([self.bytes[at], self.bytes[at + 1]])
    }

    fn put(&mut self, offset: u16, bytes: &[u8]) {
        self.bytes[usize::from(offset)..][..bytes.len()].copy_from_slice(bytes);
    }

    fn settable(&mut self, offset: u16, bits: u16) {
        self.settable[usize::from(offset)..][..2].copy_from_slice(&bits.to_le_bytes());
    }

    /// A BAR takes two registers. Its size shows in which address bits can be set.
    fn put_bar(&mut self, index: u8, bytes: usize) {
        let offset = BAR_BASE + 4 * u16::from(index);
        self.put(offset, &BAR_64_BITS.to_le_bytes());
        let address = !(bytes as u64 - 1);
        self.settable[usize::from(offset)..][..8].copy_from_slice(&address.to_le_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_u32(space: &ConfigSpace, offset: u16) -> u32 {
        let mut bytes = [0; 4];
        space.read(offset.into(), &mut bytes);
        u32::from_le_bytes(bytes)
    }

    #[test]
    fn the_function_is_found_by_its_ids_and_class() {
        let space = ConfigSpace::new();
        assert_eq!(read_u32(&space, 0), u32::from(pci::DEVICE_ID) << 16 | u32::from(pci::VENDOR_ID));
        assert_eq!(read_u32(&space, 8) >> 8, pci::CLASS_CODE);
    }

    #[test]
    fn bars_tell_their_size_when_all_bits_are_written() {
        let mut space = ConfigSpace::new();
        for (bar, bytes) in [(pci::REGISTER_BAR, pci::REGISTER_BAR_BYTES), (pci::MSIX_BAR, pci::MSIX_BAR_BYTES)] {
            let offset = BAR_BASE + 4 * u16::from(bar);
            assert_eq!(space.write(offset.into(), &[0xff; 8]), Effect::None);
            assert_eq!(read_u32(&space, offset), !(bytes as u32 - 1) | BAR_64_BITS);
            assert_eq!(read_u32(&space, offset + 4), u32::MAX);
        }
        let behind = BAR_BASE + 16;
        assert_eq!(space.write(behind.into(), &[0xff; 8]), Effect::None);
        assert_eq!(read_u32(&space, behind), 0, "there is no third BAR");
    }

    #[test]
    fn a_reset_is_asked_for_by_its_bit_only_and_the_bit_reads_zero() {
        let mut space = ConfigSpace::new();
        let at = usize::from(DEVICE_CONTROL);
        assert_eq!(space.write(at, &[0xff, 0x7f]), Effect::None);
        assert_eq!(space.write(at, &[0x00, 0x80]), Effect::Reset);
        assert_eq!(space.write(at + 1, &[0x80]), Effect::Reset);
        assert_eq!(space.write(0, &[0xff; 256]), Effect::Reset);
        assert_eq!(read_u32(&space, DEVICE_CONTROL) & u32::from(DEVICE_CONTROL_RESET), 0);
    }

    #[test]
    fn writes_of_everything_leave_the_identity() {
        let mut space = ConfigSpace::new();
        let before = ConfigSpace::new();
        let _ = space.write(0, &[0xff; CONFIG_BYTES]);
        for offset in
            [VENDOR_ID, 8, SUBSYSTEM_VENDOR_ID, CAPABILITIES, EXPRESS_AT, DEVICE_CAPABILITIES, MSIX_TABLE, MSIX_PBA, 0x100]
        {
            assert_eq!(read_u32(&space, offset), read_u32(&before, offset), "{offset:#x}");
        }
        assert!(space.memory_enabled() && space.bus_master());
    }
}
