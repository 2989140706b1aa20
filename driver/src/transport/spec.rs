//! How a user names a card: `pci:0000:03:00.0`, `vfio-user:/run/card.sock`, `sim`.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

/// A card as the user names it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum CardSpec {
    /// A PCI function that is bound to vfio-pci.
    Pci(PciAddress),
    /// The socket of a vfio-user server.
    VfioUser(PathBuf),
    /// The verilated card in this process. The simulation provides it, not this crate.
    Sim,
}

/// Where a PCI function is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PciAddress {
    /// Domain; those behind Intel's VMD have more than 16 bits.
    pub domain: u32,
    /// Bus.
    pub bus: u8,
    /// Device, 0 to 31.
    pub device: u8,
    /// Function, 0 to 7.
    pub function: u8,
}

/// A name that is not a card's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SpecError {
    /// None of the kinds.
    #[error("{0:?} names no card: give pci:0000:03:00.0, vfio-user:/path/to/socket or sim")]
    Kind(String),
    /// Not a PCI address.
    #[error("{0:?} is not a PCI address like 0000:03:00.0")]
    Address(String),
    /// A socket without a path.
    #[error("{0:?} lacks the path of a socket")]
    NoPath(String),
}

impl FromStr for CardSpec {
    type Err = SpecError;

    fn from_str(text: &str) -> Result<Self, SpecError> {
        match text.split_once(':') {
            None if text == "sim" => Ok(Self::Sim),
            Some(("pci", address)) => address.parse().map(Self::Pci),
            Some(("vfio-user", "")) => Err(SpecError::NoPath(text.to_owned())),
            Some(("vfio-user", path)) => Ok(Self::VfioUser(path.into())),
            _ => Err(SpecError::Kind(text.to_owned())),
        }
    }
}

impl fmt::Display for CardSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Pci(address) => write!(f, "pci:{address}"),
            Self::VfioUser(path) => write!(f, "vfio-user:{}", path.display()),
            Self::Sim => f.write_str("sim"),
        }
    }
}

impl FromStr for PciAddress {
    type Err = SpecError;

    fn from_str(text: &str) -> Result<Self, SpecError> {
        // from_str_radix alone would take a sign.
        let hex = |digits: &str, most: usize| {
            let fits = (1..=most).contains(&digits.len()) && digits.bytes().all(|digit| digit.is_ascii_hexdigit());
            fits.then(|| u32::from_str_radix(digits, 16).ok()).flatten()
        };
        let parse = || {
            let (rest, function) = text.rsplit_once('.')?;
            let (rest, device) = rest.rsplit_once(':')?;
            // As lspci writes it: without a domain it is the first.
            let (domain, bus) = rest.rsplit_once(':').unwrap_or(("0", rest));
            let address = Self {
                domain: hex(domain, 8)?,
                bus: hex(bus, 2)? as u8,
                device: hex(device, 2)? as u8,
                function: hex(function, 1)? as u8,
            };
            (address.device < 32 && address.function < 8).then_some(address)
        };
        parse().ok_or_else(|| SpecError::Address(text.to_owned()))
    }
}

/// As sysfs names it.
impl fmt::Display for PciAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04x}:{:02x}:{:02x}.{:x}", self.domain, self.bus, self.device, self.function)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cards_are_read_and_written_alike() {
        for text in ["pci:0000:03:00.0", "pci:10000:e1:1f.7", "vfio-user:/run/a card:1.sock", "sim"] {
            assert_eq!(text.parse::<CardSpec>().unwrap().to_string(), text);
        }
        assert_eq!("pci:03:00.0".parse::<CardSpec>().unwrap().to_string(), "pci:0000:03:00.0");
    }

    #[test]
    fn what_is_not_a_card_is_refused_by_name() {
        for text in ["", "eth0", "sim:", "PCI:0000:03:00.0"] {
            assert_eq!(text.parse::<CardSpec>(), Err(SpecError::Kind(text.to_owned())));
        }
        for address in
            ["", "3", "03:00", "0000:03:20.0", "0000:03:00.8", "0000:003:00.0", "+000:03:00.0", "0000:03:00.0 ", "a:b:c:0.0"]
        {
            assert_eq!(format!("pci:{address}").parse::<CardSpec>(), Err(SpecError::Address(address.to_owned())));
        }
        assert_eq!("vfio-user:".parse::<CardSpec>(), Err(SpecError::NoPath("vfio-user:".to_owned())));
    }
}
