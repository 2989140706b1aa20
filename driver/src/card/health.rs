//! Whether a card is there, still set up, and gets on with its work.

use std::time::Instant;

use fpgaflow_abi::MAGIC;
use fpgaflow_abi::descriptor::Ring;
use fpgaflow_abi::geometry::IdentityError;
use fpgaflow_abi::regs::{self, Event, RingCtrl};

use super::{Card, CardError, Ticket};

impl Card {
    /// Asks the card whether it is there.
    ///
    /// # Errors
    /// [`TransportError::Gone`](crate::transport::TransportError::Gone) or [`CardError::Identity`].
    pub fn check_alive(&self) -> Result<(), CardError> {
        self.registers.identify().map(drop)
    }

    /// Asks the card whether it is there, remembers its rings and met no bus error: three register reads, cheap enough to ask
    /// several times a second.
    ///
    /// # Errors
    /// [`TransportError::Gone`](crate::transport::TransportError::Gone), [`CardError::Identity`], [`CardError::Forgot`] or
    /// [`CardError::BusFault`].
    pub fn check_health(&self) -> Result<(), CardError> {
        let card = || self.name().to_owned();
        // The one register that every transport asks the card itself for.
        let magic = self.registers.read(regs::MAGIC)?;
        if magic != MAGIC {
            return Err(CardError::Identity { card: card(), source: IdentityError::Magic(magic) });
        }
        if !RingCtrl::from_bits(self.registers.read(regs::ring(regs::RING_CTRL, Ring::Completion))?).enable() {
            return Err(CardError::Forgot { card: card() });
        }
        // A bad row is no fault of the bus: see `parity`.
        let event = Event::from_bits(self.registers.read(regs::EVENT)?).with_parity(false);
        if event != Event::new() {
            return Err(CardError::BusFault { card: card(), event });
        }
        Ok(())
    }

    /// Errors when the oldest command has been the oldest for too long.
    pub(super) fn check_progress(&mut self, now: Instant) -> Result<(), CardError> {
        let Some(command) = self.queues.command.oldest() else {
            self.oldest = None;
            return Ok(());
        };
        let position = self.queues.command.ring().consumer();
        match self.oldest {
            Some((at, since)) if at == position => {
                let waited = now.saturating_duration_since(since);
                if waited > self.options.command_timeout {
                    self.check_alive()?;
                    return Err(CardError::Stalled {
                        card: self.name().to_owned(),
                        ticket: Ticket(command.ticket),
                        waited_ms: waited.as_millis(),
                    });
                }
            }
            _ => self.oldest = Some((position, now)),
        }
        Ok(())
    }
}
