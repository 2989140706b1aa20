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

/// What became of all checks on one card.
#[derive(Debug)]
pub struct Report {
    /// Every check, and why it failed.
    pub results: Vec<(&'static str, Result<(), Failure>)>,
}

impl Report {
    /// Whether all passed.
    pub fn conforms(&self) -> bool {
        self.results.iter().all(|(_, result)| result.is_ok())
    }
}

/// One line a check, with the cause of each failure.
impl std::fmt::Display for Report {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (name, result) in &self.results {
            match result {
                Ok(()) => writeln!(f, "ok      {name}")?,
                Err(failure) => {
                    write!(f, "FAILED  {name}: {failure}")?;
                    let mut cause = std::error::Error::source(failure);
                    while let Some(error) = cause {
                        write!(f, ": {error}")?;
                        cause = error.source();
                    }
                    writeln!(f)?;
                }
            }
        }
        Ok(())
    }
}

/// Runs every check on a card that `open` opens anew for each, so that leaving and coming back is shown as well.
pub fn run(mut open: impl FnMut() -> Result<Arc<dyn Transport>, TransportError>) -> Report {
    let run = |check: &Check| (check.name, open().map_err(Failure::from).and_then(|transport| (check.run)(&transport)));
    Report { results: CHECKS.iter().map(run).collect() }
}
