//! `fpgaflow sim`: the verilated card for other processes.

use std::path::PathBuf;
use std::sync::Arc;

use clap::{Args, Subcommand};
use fpgaflow_vfio_user::Server;
use tracing_subscriber::filter::LevelFilter;

use crate::live_card::{LiveCard, Wire};
use crate::width::Width;
use crate::{logging, signals};

/// The verilated card for other processes.
#[derive(Debug, Subcommand)]
pub enum Sim {
    Serve(Serve),
}

/// Serves the verilated card as a PCI device on a vfio-user socket, to one client after another.
///
/// A client is `--card vfio-user:PATH`, or QEMU with `-device vfio-user-pci`. The card is reset between two clients. SIGTERM or
/// SIGINT ends it, and removes the socket.
#[derive(Debug, Args)]
pub struct Serve {
    /// The socket. One that a dead server left is replaced.
    #[arg(long, value_name = "PATH")]
    socket: PathBuf,
    /// Interface that is the wire of a port; once for each port.
    #[arg(long, value_name = "PORT=INTERFACE", required_unless_present = "cable")]
    wire: Vec<Wire>,
    /// Width of the data path in bits.
    #[arg(long, value_enum, default_value = "64")]
    width: Width,
    /// Join ports 0 and 1 by a cable.
    #[arg(long, conflicts_with = "wire")]
    cable: bool,
}

impl Sim {
    pub(super) fn run(self) -> anyhow::Result<()> {
        match self {
            Self::Serve(serve) => serve.run(),
        }
    }
}

impl Serve {
    fn run(self) -> anyhow::Result<()> {
        logging::start(LevelFilter::INFO)?;
        let width = self.width.into();
        let card = if self.cable { LiveCard::cabled(width)? } else { LiveCard::start(width, &self.wire)? };
        let server = Server::bind(&self.socket, Arc::clone(&card.transport))?;
        let stopper = server.stopper();
        signals::on_end(move || stopper.stop())?;
        tracing::info!(socket = %self.socket.display(), "ready");
        let clients = server.serve()?;
        let stats = card.runner.stop()?;
        tracing::info!(clients, clocks = stats.clocks, "ended");
        Ok(())
    }
}
