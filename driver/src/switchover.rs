//! A new hash secret under traffic: from the card to software, the table rebuilt, and back, every flow's frames in order.
//!
//! ```text
//!  card forwards | hold |   software forwards what the card punts   | hold | card forwards
//!                ^ 1    ^ 2 lookup off, new secret                  ^ 4    ^ 5 lookup on
//!                                3 slots of the table rebuilt
//! ```
//! # Contract
//! - Between 1 and 2 no frame enters the card until all that it forwards have left; so no frame that software sends overtakes one that the card sent.
//!   Between 4 and 5 none enters until the host has taken what was punted, and all that it sends has left; so no frame that the card sends overtakes
//!   one that software sent.
//! - Held frames wait at the ports: none is lost while ports' stores and wires hold them.
//! - A hold ends after [`Limits::hold`] whatever has left by then, for a port that takes no frames must not stop the others; [`Switched::in_order`] says
//!   whether that was needed.
//! - Entries and their counters stay where they are: only slots change.
//! - A card that is reset meanwhile forgets the hold; the switchover is then to be dropped, and the card told of the table as ever.

use std::time::{Duration, Instant};

use fpgaflow_abi::descriptor::Command;
use fpgaflow_abi::hash::HashSecret;

use crate::card::{Card, CardError, Ticket};

/// How long a switchover may take hold of the ports.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Longest time of each hold.
    pub hold: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self { hold: Duration::from_millis(5) }
    }
}

/// What a switchover came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Switched {
    /// From the beginning to the end.
    pub total: Duration,
    /// How long frames were held before software took over, and before the card did again.
    pub held: [Duration; 2],
    /// Both holds ended because everything had left.
    pub in_order: bool,
}

/// What is to be done for a switchover.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum Step {
    /// Go on as ever.
    Wait,
    /// Rebuild the table for the new secret ([`crate::table::FlowTable::rekey`]), have the card execute that, and say so by [`Switchover::rebuilding`].
    Rebuild,
    /// The card forwards again.
    Done(Switched),
}

#[derive(Debug, Clone, Copy)]
enum Stage {
    /// Frames are held once the ticket's command is executed.
    Leave { held: Instant, verdicts: Ticket },
    /// Software forwards; the ticket is that of the new slots.
    Software { slots: Option<Ticket> },
    /// As `Leave`.
    Return { held: Instant, verdicts: Ticket },
}

/// A switchover under way.
#[derive(Debug)]
pub struct Switchover {
    secret: HashSecret,
    limits: Limits,
    begun: Instant,
    held: [Duration; 2],
    in_order: bool,
    stage: Stage,
}

impl Switchover {
    /// Begins: holds the ports of a card that looks frames up.
    ///
    /// # Errors
    /// The card's.
    pub fn begin(card: &mut Card, secret: HashSecret, limits: Limits, now: Instant) -> Result<Self, CardError> {
        let stage = Stage::Leave { held: now, verdicts: hold(card)? };
        Ok(Self { secret, limits, begun: now, held: [Duration::ZERO; 2], in_order: true, stage })
    }

    /// Goes on. Call it behind every [`Card::poll`], when what that brought is dealt with; `idle` says that no frame of the card is left with
    /// the host that is still to be sent.
    ///
    /// # Errors
    /// The card's. The switchover is then at an end.
    pub fn step(&mut self, card: &mut Card, idle: bool, now: Instant) -> Result<Step, CardError> {
        match self.stage {
            Stage::Leave { held, verdicts } => {
                let Some(in_order) = self.is_over(held, now, || Ok(card.is_executed(verdicts) && card.has_sent_all()?))? else {
                    return Ok(Step::Wait);
                };
                self.in_order &= in_order;
                self.held[0] = now.saturating_duration_since(held);
                // Turns lookup off.
                card.set_secret(self.secret)?;
                card.set_hold(false)?;
                self.stage = Stage::Software { slots: None };
                Ok(Step::Rebuild)
            }
            Stage::Software { slots } => {
                if slots.is_some_and(|slots| card.is_executed(slots)) {
                    self.stage = Stage::Return { held: now, verdicts: hold(card)? };
                }
                Ok(Step::Wait)
            }
            Stage::Return { held, verdicts } => {
                let all = || Ok(idle && card.is_executed(verdicts) && card.has_punted_all()? && card.has_sent_all()?);
                let Some(in_order) = self.is_over(held, now, all)? else { return Ok(Step::Wait) };
                self.in_order &= in_order;
                self.held[1] = now.saturating_duration_since(held);
                card.set_lookup(true)?;
                card.set_hold(false)?;
                let total = now.saturating_duration_since(self.begun);
                Ok(Step::Done(Switched { total, held: self.held, in_order: self.in_order }))
            }
        }
    }

    /// The commands of [`Step::Rebuild`] are `ticket`.
    pub fn rebuilding(&mut self, ticket: Ticket) {
        self.stage = Stage::Software { slots: Some(ticket) };
    }

    /// The secret that the card goes over to.
    pub fn secret(&self) -> &HashSecret {
        &self.secret
    }

    /// Whether a hold is over: because `all` have left (true), or because it has lasted too long.
    fn is_over(
        &self,
        held: Instant,
        now: Instant,
        all: impl FnOnce() -> Result<bool, CardError>,
    ) -> Result<Option<bool>, CardError> {
        if all()? {
            return Ok(Some(true));
        }
        Ok((now.saturating_duration_since(held) >= self.limits.hold).then_some(false))
    }
}

/// Holds the ports; when the ticket's command is executed, every frame inside has its verdict.
fn hold(card: &mut Card) -> Result<Ticket, CardError> {
    card.set_hold(true)?;
    card.submit([Command::barrier()])
}
