//! Errors of the daemon, and how an error is written with its causes.

use fpgaflow_driver::transport::TransportError;

use crate::netlink::NetlinkError;

/// Why the daemon could not start or go on.
#[derive(Debug, thiserror::Error)]
pub enum SyncError {
    /// The process may not do what the daemon does.
    #[error("{operation} needs CAP_NET_ADMIN: run as root, or `setcap cap_net_admin+ep` the binary")]
    Rights {
        /// What was tried.
        operation: String,
    },
    /// Netlink failed.
    #[error(transparent)]
    Netlink(#[from] NetlinkError),
    /// A TAP device could not be made or used.
    #[error("cannot {operation} TAP device {name}")]
    Tap {
        /// What was tried, as a verb.
        operation: &'static str,
        /// The device.
        name: String,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// The configuration names more ports than the card has, or none.
    #[error("the configuration names {named} ports, card {card} has {present}")]
    Ports {
        /// Ports of the configuration.
        named: usize,
        /// The card's name.
        card: String,
        /// Ports of the card.
        present: u8,
    },
    /// The card cannot be opened.
    #[error(transparent)]
    Reach(#[from] TransportError),
    /// The card failed or was refused.
    #[error("card {card}")]
    Card {
        /// The card's name.
        card: String,
        /// Why.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A thread or the runtime could not be started.
    #[error("cannot start {what}")]
    Start {
        /// What.
        what: &'static str,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
}

/// Writes an error and its causes in one line.
pub struct Chain<'a>(pub &'a dyn std::error::Error);

impl std::fmt::Display for Chain<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.0)?;
        let mut cause = self.0.source();
        while let Some(error) = cause {
            write!(f, ": {error}")?;
            cause = error.source();
        }
        Ok(())
    }
}
