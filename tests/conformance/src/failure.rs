//! Why a card does not conform.

use fpgaflow_abi::descriptor::Vector;
use fpgaflow_driver::card::CardError;
use fpgaflow_driver::table::{FlowError, NextHopError};
use fpgaflow_driver::transport::TransportError;

/// Why a card does not conform.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The driver failed.
    #[error(transparent)]
    Card(#[from] CardError),
    /// The way to the card failed.
    #[error(transparent)]
    Transport(#[from] TransportError),
    /// The driver's table refused a flow.
    #[error(transparent)]
    Flow(#[from] FlowError),
    /// The driver's table refused a next hop.
    #[error(transparent)]
    NextHop(#[from] NextHopError),
    /// The golden model refused what the driver took.
    #[error("the golden model refused what the driver took")]
    Golden(#[from] fpgaflow_golden::CardError),
    /// The operating system refused.
    #[error("{operation}")]
    Io {
        /// What was tried, as a verb.
        operation: &'static str,
        /// What was answered.
        #[source]
        source: std::io::Error,
    },
    /// An interrupt did not come.
    #[error("no interrupt of vector {vector:?} while waiting for {what}")]
    NoInterrupt {
        /// The vector.
        vector: Vector,
        /// What should have happened.
        what: &'static str,
    },
    /// Something is not what it must be.
    #[error("{what}: found {found}, expected {expected}")]
    Differs {
        /// What it is.
        what: &'static str,
        /// What was found.
        found: String,
        /// What was expected.
        expected: String,
    },
}

/// Two things that must be equal.
pub(crate) fn equal<T: PartialEq + std::fmt::Debug>(what: &'static str, found: T, expected: T) -> Result<(), Failure> {
    if found == expected {
        return Ok(());
    }
    Err(Failure::Differs { what, found: format!("{found:?}"), expected: format!("{expected:?}") })
}
