//! A PCI function's configuration space: the few registers that a driver and a model of a card need.
//!
//! Source: PCI Express Base Specification 6.0, 7.5.1 (header), 7.5.3 (PCI Express capability), 7.7.2 (MSI-X).

use std::io;

/// Offset of the vendor id; the device id is behind it.
pub const VENDOR_ID: u16 = 0x00;
/// Offset of the command register.
pub const COMMAND: u16 = 0x04;
/// Offset of the status register.
pub const STATUS: u16 = 0x06;
/// Offset of the first capability's offset.
pub const CAPABILITIES: u16 = 0x34;
/// End of the part that capabilities can be in.
pub const CONVENTIONAL_BYTES: u16 = 0x100;

/// [`COMMAND`]: the function answers to its memory BARs.
pub const COMMAND_MEMORY: u16 = 1 << 1;
/// [`COMMAND`]: the function may read and write memory, and raise interrupts by it.
pub const COMMAND_BUS_MASTER: u16 = 1 << 2;
/// [`COMMAND`]: no INTx.
pub const COMMAND_INTX_DISABLE: u16 = 1 << 10;
/// [`STATUS`]: there are capabilities.
pub const STATUS_CAPABILITIES: u16 = 1 << 4;

/// Id of the PCI Express capability.
pub const CAP_PCI_EXPRESS: u8 = 0x10;
/// Id of the MSI-X capability.
pub const CAP_MSIX: u8 = 0x11;
/// Message control, in the MSI-X capability: vectors less one, and two flags.
pub const MSIX_CONTROL: u16 = 2;
/// [`MSIX_CONTROL`]: vectors less one.
pub const MSIX_CONTROL_VECTORS: u16 = 0x7ff;

/// Offset of the first thing behind the header.
const HEADER_END: u8 = 0x40;
/// More capabilities than fit: whoever counts so many runs in a circle.
const MOST_CAPABILITIES: u16 = CONVENTIONAL_BYTES / 4;

/// Access to a configuration space.
pub trait ConfigSpace {
    /// Reads two bytes at an even offset.
    ///
    /// # Errors
    /// What the way to the card said.
    fn read_u16(&self, offset: u16) -> io::Result<u16>;

    /// Writes two bytes at an even offset.
    ///
    /// # Errors
    /// As [`ConfigSpace::read_u16`].
    fn write_u16(&self, offset: u16, value: u16) -> io::Result<()>;
}

/// Lets the function answer to its BARs and use memory. A reset undoes it.
///
/// # Errors
/// What the way to the card said.
pub fn enable(config: &impl ConfigSpace) -> io::Result<()> {
    let command = config.read_u16(COMMAND)?;
    config.write_u16(COMMAND, command | COMMAND_MEMORY | COMMAND_BUS_MASTER | COMMAND_INTX_DISABLE)
}

/// Offset of the capability `id`.
///
/// # Errors
/// What the way to the card said, or [`io::ErrorKind::InvalidData`] for a list that leads nowhere.
pub fn find_capability(config: &impl ConfigSpace, id: u8) -> io::Result<Option<u16>> {
    if config.read_u16(STATUS)? & STATUS_CAPABILITIES == 0 {
        return Ok(None);
    }
    let mut next = config.read_u16(CAPABILITIES)? as u8;
    for _ in 0..MOST_CAPABILITIES {
        if next == 0 {
            return Ok(None);
        }
        // The two lowest bits are reserved.
        let at = next & !3;
        if at < HEADER_END {
            break;
        }
        let [found, behind] = config.read_u16(at.into())?.to_le_bytes();
        if found == id {
            return Ok(Some(at.into()));
        }
        next = behind;
    }
    Err(io::Error::new(io::ErrorKind::InvalidData, "the list of PCI capabilities leads nowhere"))
}

/// Vectors that the function's MSI-X capability has; 0 without one.
///
/// # Errors
/// As [`find_capability`].
pub fn msix_vectors(config: &impl ConfigSpace) -> io::Result<usize> {
    match find_capability(config, CAP_MSIX)? {
        Some(at) => Ok(usize::from(config.read_u16(at + MSIX_CONTROL)? & MSIX_CONTROL_VECTORS) + 1),
        None => Ok(0),
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;

    struct Bytes(RefCell<[u8; 256]>);

    impl Bytes {
        /// A function with the capabilities `(offset, id, next)`.
        fn with(first: u8, capabilities: &[(u8, u8, u8)]) -> Self {
            let mut bytes = [0; 256];
            bytes[usize::from(STATUS)] = STATUS_CAPABILITIES as u8;
            bytes[usize::from(CAPABILITIES)] = first;
            for &(at, id, next) in capabilities {
                bytes[usize::from(at)] = id;
                bytes[usize::from(at) + 1] = next;
            }
            Self(RefCell::new(bytes))
        }
    }

    impl ConfigSpace for Bytes {
        fn read_u16(&self, offset: u16) -> io::Result<u16> {
            let (at, bytes) = (usize::from(offset), self.0.borrow());
            Ok(u16::from_le_bytes([bytes[at], bytes[at + 1]]))
        }

        fn write_u16(&self, offset: u16, value: u16) -> io::Result<()> {
            self.0.borrow_mut()[usize::from(offset)..][..2].copy_from_slice(&value.to_le_bytes());
            Ok(())
        }
    }

    #[test]
    fn capabilities_are_found_wherever_they_are() {
        let config = Bytes::with(0x43, &[(0x40, 1, 0xf0), (0xf0, CAP_MSIX, 0x80), (0x80, CAP_PCI_EXPRESS, 0)]);
        config.write_u16(0xf0 + MSIX_CONTROL, 0x8003).unwrap();
        assert_eq!(find_capability(&config, CAP_PCI_EXPRESS).unwrap(), Some(0x80));
        assert_eq!(find_capability(&config, 5).unwrap(), None);
        assert_eq!(msix_vectors(&config).unwrap(), 4);
        assert_eq!(msix_vectors(&Bytes::with(0, &[])).unwrap(), 0);
        assert_eq!(msix_vectors(&Bytes(RefCell::new([0; 256]))).unwrap(), 0);
    }

    #[test]
    fn a_list_that_runs_in_a_circle_ends() {
        for capabilities in [&[(0x40, 1, 0x40)][..], &[(0x40, 1, 0x50), (0x50, 2, 0x40)], &[(0x40, 1, 0x04)]] {
            let config = Bytes::with(0x40, capabilities);
            assert_eq!(find_capability(&config, 9).unwrap_err().kind(), io::ErrorKind::InvalidData, "{capabilities:?}");
        }
        // All ones, as of a card that was pulled.
        let gone = Bytes(RefCell::new([0xff; 256]));
        assert_eq!(find_capability(&gone, 9).unwrap_err().kind(), io::ErrorKind::InvalidData);
    }

    #[test]
    fn enabling_keeps_what_was_on() {
        let config = Bytes::with(0, &[]);
        config.write_u16(COMMAND, 1 << 8).unwrap();
        enable(&config).unwrap();
        let on = COMMAND_MEMORY | COMMAND_BUS_MASTER | COMMAND_INTX_DISABLE;
        assert_eq!(config.read_u16(COMMAND).unwrap(), 1 << 8 | on);
    }
}
