//! What is done about a card that fails, is gone, or comes back.
//!
//! # Contract
//! The tables kept here are what the card should hold; whatever becomes of the card, they follow the engine's orders, and a card that
//! is reset or comes back is told all of them.
//! - A card that is gone is noticed within [`HEALTH_EVERY`] and one sleep, and searched for until it is back.
//! - A card that fails is reset and told everything again. One that fails more than [`MOST_RECOVERIES`] times within
//!   [`RECOVERY_WINDOW`] rests ([`super::DatapathSettings::rest`]): it looks nothing up, and all frames come to the host, where software
//!   flowtable and kernel forward them.
//!   One that fails even so is let go and opened anew.
//! - A row of its tables that goes bad is written anew from the tables here: on the card's interrupt, or when its health is looked at.

use std::time::{Duration, Instant};

use fpgaflow_driver::card::{Card, CardError};
use fpgaflow_driver::transport::TransportError;

use super::{Datapath, Fate};
use crate::error::Chain;

/// Between two looks at the card's health.
const HEALTH_EVERY: Duration = Duration::from_millis(250);
/// See the module's contract.
const MOST_RECOVERIES: u32 = 3;
/// See the module's contract.
const RECOVERY_WINDOW: Duration = Duration::from_secs(60);

/// What is remembered about the card's health.
#[derive(Debug)]
pub(super) struct Care {
    health_due: Instant,
    /// Recoveries since the beginning of the window.
    recoveries: (u32, Instant),
    /// The card has said that something happened.
    pub event: bool,
}

impl Care {
    pub fn new(now: Instant) -> Self {
        Self { health_due: now + HEALTH_EVERY, recoveries: (0, now), event: false }
    }
}

impl Datapath {
    /// Looks after the card when that is due; whether there was something to do about it.
    pub(super) fn tend(&mut self, now: Instant) -> bool {
        if self.closing.is_some() {
            return false;
        }
        if let Some((card, absent)) = self.link.found(now, *self.flows.table().secret()) {
            self.take_back(card, absent, now);
            return true;
        }
        if std::mem::take(&mut self.care.event) {
            self.mend();
        }
        if now < self.care.health_due {
            return false;
        }
        self.care.health_due = now + HEALTH_EVERY;
        let healthy = match self.link.card() {
            Some(card) => card.check_health(),
            None => return false,
        };
        if let Err(error) = healthy {
            self.card_failed(error);
            return true;
        }
        self.mend();
        if self.link.is_rested(now) {
            tracing::info!("the card has rested; trying it again");
            self.link.resume(now);
            let programmed = self.program();
            self.check(programmed);
            return true;
        }
        // A card without work is asked for some, so that one that executes nothing is noticed.
        if let Some(card) = self.link.commanded()
            && card.pending_commands() == 0
        {
            let submitted = card.submit([]).map(drop);
            self.check(submitted);
        }
        false
    }

    /// Has the card write a row anew that it found bad.
    fn mend(&mut self) {
        let Some(card) = self.link.commanded() else { return };
        let mended = card.bad_row().and_then(|bad| {
            let Some(row) = bad else { return Ok(()) };
            tracing::warn!(?row, "parity: a row of the card's tables went bad; writing it anew");
            card.repair(row, self.flows.table().rewrite(row)).map(drop)
        });
        self.check(mended);
    }

    /// Has the card do something now, if it is there. One that fails is dealt with, and told again what it should be.
    ///
    /// # Errors
    /// What the caller did wrong.
    pub(super) fn tell(&mut self, what: impl FnOnce(&mut Card) -> Result<(), CardError>) -> Result<(), CardError> {
        let Some(card) = self.link.card_mut() else { return Ok(()) };
        match what(card) {
            Err(error) if error.is_of_card() => {
                self.card_failed(error);
                Ok(())
            }
            other => other,
        }
    }

    /// Deals with the outcome of something that only the card can have spoilt.
    pub(super) fn check(&mut self, outcome: Result<(), CardError>) {
        if let Err(error) = outcome {
            self.card_failed(error);
        }
    }

    /// Resets a card that failed and tells it everything again, or lets it rest, or lets it go. Whoever waited for it is told.
    pub(super) fn card_failed(&mut self, error: CardError) {
        if self.link.card().is_none() {
            return;
        }
        let now = Instant::now();
        let waiting = std::mem::take(&mut self.waiting);
        self.switchover = None;
        self.flows.card_was_reset();
        let rested = self.link.commanded().is_none();
        let mended = match error {
            CardError::Transport(TransportError::Gone { .. }) => Err(error),
            error if rested => Err(error),
            error => {
                tracing::error!(error = %Chain(&error), "the card failed; resetting it");
                self.stats.add(|totals| totals.recoveries += 1);
                match self.fails_too_often(now) {
                    false => self.program(),
                    true => self.let_rest(now),
                }
            }
        };
        if let Err(error) = mended {
            self.let_go(&error, now);
        }
        self.stats.set_status(self.link.status());
        for (_, then) in waiting {
            then(self, Fate::Lost);
        }
    }

    fn fails_too_often(&mut self, now: Instant) -> bool {
        let (count, since) = &mut self.care.recoveries;
        if now.saturating_duration_since(*since) > RECOVERY_WINDOW {
            (*count, *since) = (0, now);
        }
        *count += 1;
        *count > MOST_RECOVERIES
    }

    /// Resets the card and tells it everything.
    fn program(&mut self) -> Result<(), CardError> {
        let Some(card) = self.link.card_mut() else { return Ok(()) };
        card.recover(self.flows.table().image())?;
        // It may have been off for the sake of commands that are lost.
        card.set_lookup(self.lookup)?;
        self.stats.set_status(self.link.status());
        Ok(())
    }

    /// Resets the card and has it pass every frame to the host.
    fn let_rest(&mut self, now: Instant) -> Result<(), CardError> {
        let Some(card) = self.link.card_mut() else { return Ok(()) };
        card.set_lookup(false)?;
        card.restart()?;
        self.link.rest(now + self.settings.rest);
        tracing::error!(
            recoveries = MOST_RECOVERIES,
            seconds = self.settings.rest.as_secs(),
            "the card fails again and again; until it is tried again, software flowtable and kernel forward every packet"
        );
        Ok(())
    }

    fn let_go(&mut self, error: &CardError, now: Instant) {
        tracing::error!(error = %Chain(error), "the card is gone; flows stay known, and it is searched for");
        self.stats.add(|totals| totals.absences += 1);
        self.link.detach(now, *self.flows.table().secret());
    }

    /// Takes a card over that was gone, and tells it everything.
    fn take_back(&mut self, mut card: Card, absent: Duration, now: Instant) {
        let told = self.tell_everything(&mut card);
        self.link.attach(card, now);
        match told {
            Ok(()) => tracing::info!(absent_ms = absent.as_millis(), flows = self.flows.in_card(), "the card is back"),
            Err(error) => self.let_go(&error, now),
        }
        self.stats.set_status(self.link.status());
    }

    fn tell_everything(&self, card: &mut Card) -> Result<(), CardError> {
        for (port, settings) in (0..card.geometry().ports).zip(self.ports) {
            card.set_port(port, settings)?;
        }
        card.submit(self.flows.table().image())?;
        card.set_lookup(self.lookup)
    }
}
