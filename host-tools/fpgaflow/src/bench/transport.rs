//! The ways to a card, measured by the same workload: register reads, commands and frames in a second.

use std::fmt;
use std::sync::Arc;

use anyhow::Context;
use fpgaflow_driver::bench::transport::{Workload, run as measure};
use fpgaflow_driver::transport::spec::CardSpec;
use fpgaflow_driver::transport::{self, Transport};
use serde::Serialize;

/// What was found of one card.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Report {
    /// The card as the user names it.
    card: String,
    register_reads_per_s: f64,
    commands_per_s: f64,
    frames_to_card_per_s: f64,
    frames_to_host_per_s: f64,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:<28} {:>12.0} register reads/s {:>10.0} commands/s {:>10.0} frames/s to the card {:>10.0} to the host",
            self.card, self.register_reads_per_s, self.commands_per_s, self.frames_to_card_per_s, self.frames_to_host_per_s
        )
    }
}

/// Measures a card. The verilated one gets a cable between its ports.
///
/// # Errors
/// When the card cannot be opened, or fails.
pub fn run(card: &CardSpec, workload: &Workload) -> anyhow::Result<Report> {
    match card {
        CardSpec::Sim => sim::in_process(workload),
        other => report(other.to_string(), transport::open(other)?, workload),
    }
}

/// Measures every way to the verilated card: in this process, and over a socket.
///
/// # Errors
/// As [`run`].
pub fn run_all(workload: &Workload) -> anyhow::Result<Vec<Report>> {
    Ok(vec![sim::in_process(workload)?, sim::over_a_socket(workload)?])
}

fn report(card: String, transport: Arc<dyn Transport>, workload: &Workload) -> anyhow::Result<Report> {
    let rates = measure(transport, workload).with_context(|| format!("measure card {card}"))?;
    Ok(Report {
        card,
        register_reads_per_s: rates.register_reads.per_second(),
        commands_per_s: rates.commands.per_second(),
        frames_to_card_per_s: rates.frames_to_card.per_second(),
        frames_to_host_per_s: rates.frames_to_host.per_second(),
    })
}

#[cfg(feature = "sim")]
mod sim {
    use fpgaflow_vfio_user::Server;

    use super::*;
    use crate::live_card::LiveCard;

    pub(super) fn in_process(workload: &Workload) -> anyhow::Result<Report> {
        let card = LiveCard::cabled(fpgaflow_card::Width::default())?;
        report(CardSpec::Sim.to_string(), Arc::clone(&card.transport) as Arc<dyn Transport>, workload)
    }

    pub(super) fn over_a_socket(workload: &Workload) -> anyhow::Result<Report> {
        let dir = tempfile::tempdir().context("make a directory for a socket")?;
        let socket = dir.path().join("card.sock");
        let card = LiveCard::cabled(fpgaflow_card::Width::default())?;
        let server = Server::bind(&socket, Arc::clone(&card.transport))?;
        let stopper = server.stopper();
        std::thread::scope(|scope| {
            let serving = scope.spawn(|| server.serve());
            let opened = transport::open(&CardSpec::VfioUser(socket.clone()));
            let measured = opened.map_err(anyhow::Error::from).and_then(|card| report("vfio-user".to_owned(), card, workload));
            stopper.stop();
            // A panic was printed by its thread.
            serving.join().map_err(|_| anyhow::anyhow!("the server panicked"))??;
            measured
        })
    }
}

#[cfg(not(feature = "sim"))]
mod sim {
    use super::{Report, Workload};
    use crate::commands::without_sim;

    pub(super) fn in_process(_: &Workload) -> anyhow::Result<Report> {
        Err(without_sim())
    }

    pub(super) fn over_a_socket(_: &Workload) -> anyhow::Result<Report> {
        Err(without_sim())
    }
}
