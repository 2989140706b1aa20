//! What every way to a card must do: one source of checks, run over each transport through the driver that ships.
//!
//! The card under test needs one thing outside: a cable between its ports 0 and 1. A frame that the host sends by port 1 then comes in
//! by port 0, one that the card forwards to port 1 comes in by port 0 again and is punted there as a miss. So everything that leaves is
//! seen, and the same checks run in process, over a socket, in a guest and on a board with a patch cable.
//!
//! What a frame must become is the golden model's to say. Waiting is for interrupts only, never for time: one that is lost ends the
//! check.
#![forbid(unsafe_code)]

mod checks;
mod failure;
mod host;

pub use checks::CHECKS;
pub use failure::Failure;

use std::sync::Arc;

use fpgaflow_driver::transport::{Transport, TransportError};

/// One check. Each leaves the card to the next whatever its state: the first thing any of them does is to reset it.
#[derive(Debug, Clone, Copy)]
pub struct Check {
    /// What is true when it passes.
    pub name: &'static str,
    /// The check.
    pub run: fn(&Arc<dyn Transport>) -> Result<(), Failure>,
}

/// What became of one check.
#[derive(Debug)]
pub struct Outcome {
    /// What is true when it passed.
    pub name: &'static str,
    /// Why it failed.
    pub result: Result<(), Failure>,
}

impl Outcome {
    /// Why it failed, with all causes, on one line.
    pub fn failure(&self) -> Option<String> {
        let failure = self.result.as_ref().err()?;
        let causes = std::iter::successors(Some(failure as &dyn std::error::Error), |error| error.source());
        Some(causes.map(ToString::to_string).collect::<Vec<_>>().join(": "))
    }
}

/// One line.
impl std::fmt::Display for Outcome {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.failure() {
            None => write!(f, "ok      {}", self.name),
            Some(failure) => write!(f, "FAILED  {}: {failure}", self.name),
        }
    }
}

/// What became of all checks on one card.
#[derive(Debug)]
pub struct Report {
    /// Every check.
    pub outcomes: Vec<Outcome>,
}

impl Report {
    /// Whether all passed.
    pub fn conforms(&self) -> bool {
        self.outcomes.iter().all(|outcome| outcome.result.is_ok())
    }
}

/// One line a check.
impl std::fmt::Display for Report {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.outcomes.iter().try_for_each(|outcome| writeln!(f, "{outcome}"))
    }
}

/// Runs every check on a card that `open` opens anew for each, so that leaving and coming back is shown as well. A check is run when
/// its outcome is asked for.
pub fn outcomes(mut open: impl FnMut() -> Result<Arc<dyn Transport>, TransportError>) -> impl Iterator<Item = Outcome> {
    CHECKS.iter().map(move |check| {
        let result = open().map_err(Failure::from).and_then(|transport| (check.run)(&transport));
        Outcome { name: check.name, result }
    })
}

/// Runs all [`outcomes`].
pub fn run(open: impl FnMut() -> Result<Arc<dyn Transport>, TransportError>) -> Report {
    Report { outcomes: outcomes(open).collect() }
}
