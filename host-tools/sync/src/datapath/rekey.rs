//! A new secret for the card's hash, while frames flow: see [`fpgaflow_driver::switchover`].

use std::time::Instant;

use fpgaflow_abi::hash::HashSecret;
use fpgaflow_driver::card::CardError;
use fpgaflow_driver::switchover::{Limits, Step, Switchover};

use super::Datapath;

impl Datapath {
    /// Begins to go over to another secret. Until the card has the new slots, software forwards what the card did.
    ///
    /// # Errors
    /// The card's.
    pub(super) fn begin_rekey(&mut self, secret: HashSecret) -> Result<(), CardError> {
        let Some(card) = self.link.commanded() else { return Ok(()) };
        self.switchover = Some(Switchover::begin(card, secret, Limits::default(), Instant::now())?);
        Ok(())
    }

    /// Whether the card is on its way to another secret.
    pub(super) fn is_rekeying(&self) -> bool {
        self.switchover.is_some()
    }

    /// Goes on with a rekey; whether there is one. What the last poll brought has been dealt with: software sends at once or not at all.
    pub(super) fn go_on_rekeying(&mut self, now: Instant) -> bool {
        let Some(mut switchover) = self.switchover.take() else { return false };
        match self.step(&mut switchover, now) {
            Ok(false) => self.switchover = Some(switchover),
            Ok(true) => {}
            Err(error) => self.card_failed(error),
        }
        true
    }

    /// Whether the rekey is at its end.
    fn step(&mut self, switchover: &mut Switchover, now: Instant) -> Result<bool, CardError> {
        // A card that is given no commands any more was reset, or is gone.
        let Some(card) = self.link.commanded() else { return Ok(true) };
        match switchover.step(card, true, now)? {
            Step::Wait => Ok(false),
            Step::Rebuild => {
                let mut commands = Vec::new();
                self.flows.rekey(*switchover.secret(), &mut commands);
                switchover.rebuilding(card.submit(commands)?);
                Ok(false)
            }
            Step::Done(switched) => {
                card.set_lookup(self.lookup)?;
                self.stats.add(|totals| totals.rekeys += 1);
                tracing::info!(
                    total_us = switched.total.as_micros(),
                    held_us = ?switched.held.map(|held| held.as_micros()),
                    in_order = switched.in_order,
                    flows = self.flows.in_card(),
                    "the card's hash has a new secret"
                );
                Ok(true)
            }
        }
    }
}
