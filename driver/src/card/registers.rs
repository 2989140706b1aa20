//! Register access that notices a card that is gone: its bus reads all ones.

use std::sync::Arc;

use fpgaflow_abi::geometry::{Geometry, IdentityError};
use fpgaflow_abi::hash::{HashSecret, SECRET_REGS};
use fpgaflow_abi::regs;

use super::CardError;
use crate::transport::{BarOffset, Transport, TransportError};

/// What an absent card reads.
const ALL_ONES: u32 = u32::MAX;

/// Distance of two registers of the secret.
const SECRET_STRIDE: u32 = 4;

/// The registers of one card.
#[derive(Clone)]
pub(super) struct Registers {
    transport: Arc<dyn Transport>,
}

impl Registers {
    pub fn new(transport: Arc<dyn Transport>) -> Self {
        Self { transport }
    }

    pub fn transport(&self) -> &Arc<dyn Transport> {
        &self.transport
    }

    pub fn read(&self, offset: u32) -> Result<u32, TransportError> {
        let value = self.transport.read(BarOffset(offset))?;
        // Some registers may hold all ones; the magic never does.
        if value == ALL_ONES && self.transport.read(BarOffset(regs::MAGIC))? == ALL_ONES {
            return Err(TransportError::Gone { card: self.transport.name().to_owned() });
        }
        Ok(value)
    }

    pub fn write(&self, offset: u32, value: u32) -> Result<(), TransportError> {
        self.transport.write(BarOffset(offset), value)
    }

    /// A 64-bit counter: reading the lower half latches the upper.
    pub fn read_u64(&self, offset: u32) -> Result<u64, TransportError> {
        let low = self.read(offset)?;
        Ok(u64::from(self.read(offset + 4)?) << 32 | u64::from(low))
    }

    /// Identifies the card and shows that writes arrive.
    pub fn identify(&self) -> Result<Geometry, CardError> {
        let mut failure = None;
        let identified = Geometry::identify(|offset| {
            self.transport.read(BarOffset(offset)).unwrap_or_else(|error| {
                failure.get_or_insert(error);
                0
            })
        });
        let card = || self.transport.name().to_owned();
        if let Some(error) = failure {
            return Err(error.into());
        }
        let geometry = identified.map_err(|source| match source {
            IdentityError::Magic(ALL_ONES) => TransportError::Gone { card: card() }.into(),
            source => CardError::Identity { card: card(), source },
        })?;
        for wrote in [0x5a5a_a5a5, !0x5a5a_a5a5] {
            self.write(regs::SCRATCH, wrote)?;
            let read = self.read(regs::SCRATCH)?;
            if read != wrote {
                return Err(CardError::Scratch { card: card(), wrote, read });
            }
        }
        Ok(geometry)
    }

    pub fn write_secret(&self, secret: &HashSecret) -> Result<(), TransportError> {
        (0..SECRET_REGS)
            .zip((regs::HASH_SECRET..).step_by(SECRET_STRIDE as usize))
            .try_for_each(|(i, offset)| self.write(offset, secret.register(i)))
    }
}
