//! Single faults in emitted Verilog: what shows that a proof or a test can fail.
//!
//! A fault is a change of text. It has to fit exactly one place: one that fits none would be "found" by nothing, one that fits
//! several would be many faults at once.
//!
//! Two ways to use one. A proof applies its own ([`Change::apply`]). For the tests there is a list ([`list`], `faults.toml`), and
//! `cargo xtask mutate` names one of it in the environment of test programs that are built already: what emits Verilog in tests passes
//! it through [`seeded`]. Nothing that ships does; this crate is a dependency of test tools only.

mod list;

use std::io::Write;

pub use list::{Fault, ListError, list};

/// Environment variables that say what [`seeded`] changes.
pub const FIND_VARIABLE: &str = "FPGAFLOW_FAULT_FIND";
/// See [`FIND_VARIABLE`].
pub const REPLACE_VARIABLE: &str = "FPGAFLOW_FAULT_REPLACE";
/// What [`seeded`] writes to standard error when it has made the change.
pub const SEEDED: &str = "fpgaflow: a fault was seeded";

/// What [`say_unbuilt`] writes to standard error.
pub const UNBUILT: &str = "fpgaflow: Verilog with the fault does not build";

/// A change of one place of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// What stands there.
    pub find: String,
    /// What is to stand there.
    pub replace: String,
}

/// A change does not fit a text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("replace {find:?}: it is there {count} times, not once")]
pub struct NotOnce {
    /// What was looked for.
    pub find: String,
    /// How often it is there.
    pub count: usize,
}

impl Change {
    /// The text with the change made.
    ///
    /// # Errors
    /// When what is to be replaced is not there exactly once.
    pub fn apply(&self, text: &str) -> Result<String, NotOnce> {
        match text.matches(&self.find).count() {
            1 => Ok(text.replacen(&self.find, &self.replace, 1)),
            count => Err(NotOnce { find: self.find.clone(), count }),
        }
    }

    /// The change that the environment asks for.
    pub fn of_environment() -> Option<Self> {
        let read = |name| std::env::var(name).ok();
        Some(Self { find: read(FIND_VARIABLE)?, replace: read(REPLACE_VARIABLE)? })
    }
}

/// The text with the change that the environment asks for, if it asks for one that fits; says on standard error that it was made.
/// A test emits other blocks too: a text that the change does not fit is left alone.
pub fn seeded(text: String) -> String {
    let Some(Ok(changed)) = Change::of_environment().map(|change| change.apply(&text)) else { return text };
    // Past the capture of the test harness, which shows nothing of a test that passes. If it cannot be said, the run counts as one
    // in which nothing was seeded.
    let _ = writeln!(std::io::stderr(), "{SEEDED}");
    changed
}

/// Says on standard error that no model could be built, if the environment asks for a fault: tests that fail for that have found
/// nothing.
pub fn say_unbuilt() {
    if Change::of_environment().is_some() {
        let _ = writeln!(std::io::stderr(), "{UNBUILT}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_fits_one_place_or_none_is_made() {
        let change = |find: &str| Change { find: find.into(), replace: "x".into() };
        assert_eq!(change("b").apply("abc").as_deref(), Ok("axc"));
        assert_eq!(change("b").apply("abcb"), Err(NotOnce { find: "b".into(), count: 2 }));
        assert_eq!(change("d").apply("abc"), Err(NotOnce { find: "d".into(), count: 0 }));
    }
}
