//! Width of an engine's data path, as the command line has it.

use clap::ValueEnum;

/// Width of the data path in bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Width {
    /// A beat is 8 bytes.
    #[value(name = "64")]
    Bits64,
    /// A beat is 64 bytes: a frame as short as Ethernet allows.
    #[value(name = "512")]
    Bits512,
}

impl Width {
    /// In bits.
    pub fn bits(self) -> u16 {
        match self {
            Self::Bits64 => 64,
            Self::Bits512 => 512,
        }
    }
}

#[cfg(feature = "sim")]
impl From<Width> for fpgaflow_card::Width {
    fn from(width: Width) -> Self {
        match width {
            Width::Bits64 => Self::Bits64,
            Width::Bits512 => Self::Bits512,
        }
    }
}
