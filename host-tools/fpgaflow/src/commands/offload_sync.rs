//! `fpgaflow offload-sync`: the daemon.

use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use fpgaflow_driver::transport::spec::CardSpec;
use fpgaflow_driver::transport::{self, Reach};
use fpgaflow_sync::config::Config;
use fpgaflow_sync::daemon::{self, Handle, Summary};
use fpgaflow_sync::privileges::Rights;
use serde_json::json;
use tracing_subscriber::filter::LevelFilter;

use crate::{logging, signals};

/// Hands the flows that conntrack has established and policy selects to a card, and takes them back when they end.
///
/// The card's ports become TAP devices of this network namespace. SIGTERM or SIGINT hands every flow back to the kernel, then
/// ends. Needs CAP_NET_ADMIN, and once everything is open keeps nothing else.
#[derive(Debug, Args)]
pub struct OffloadSync {
    /// Configuration, TOML; every setting has a default.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// The card: pci:0000:03:00.0, vfio-user:/path/to/socket or sim.
    #[arg(long, value_name = "CARD")]
    card: CardSpec,
    /// Interface that is the wire of a port of card sim; once for each port.
    #[cfg(feature = "sim")]
    #[arg(long, value_name = "PORT=INTERFACE")]
    wire: Vec<crate::live_card::Wire>,
    /// Width of card sim's data path in bits.
    #[cfg(feature = "sim")]
    #[arg(long, value_enum, default_value = "64")]
    width: crate::width::Width,
    /// Print what was done as one JSON object at the end.
    #[arg(long)]
    json: bool,
}

impl OffloadSync {
    pub(super) fn run(self) -> anyhow::Result<()> {
        logging::start(LevelFilter::INFO)?;
        let config = match &self.config {
            Some(file) => Config::load(file)?,
            None => Config::default(),
        };
        daemon::check_rights()?;
        let handle = Handle::default();
        let theirs = handle.clone();
        signals::on_end(move || {
            tracing::info!("handing every flow back to the kernel");
            theirs.shut_down();
        })?;
        let summary = self.with_card(|reach| Ok(daemon::run(&config, reach, &handle, Rights::Drop)?))?;
        match self.json {
            true => println!("{}", to_json(&summary)),
            false => println!("{}", to_text(&summary)),
        }
        Ok(())
    }

    fn with_card(&self, run: impl FnOnce(&Reach) -> anyhow::Result<Summary>) -> anyhow::Result<Summary> {
        if self.card == CardSpec::Sim {
            return self.with_sim(run);
        }
        #[cfg(feature = "sim")]
        anyhow::ensure!(self.wire.is_empty(), "--wire is for card sim; the wires of card {} are its own", self.card);
        let card = self.card.clone();
        let reach: Reach = Arc::new(move || transport::open(&card));
        run(&reach)
    }

    #[cfg(feature = "sim")]
    fn with_sim(&self, run: impl FnOnce(&Reach) -> anyhow::Result<Summary>) -> anyhow::Result<Summary> {
        let card = crate::live_card::LiveCard::start(self.width.into(), &self.wire)?;
        let summary = run(&card.reach())?;
        card.runner.stop()?;
        Ok(summary)
    }

    #[cfg(not(feature = "sim"))]
    fn with_sim(&self, _: impl FnOnce(&Reach) -> anyhow::Result<Summary>) -> anyhow::Result<Summary> {
        Err(super::without_sim())
    }
}

fn to_json(summary: &Summary) -> serde_json::Value {
    let (totals, frames) = (summary.snapshot.totals, summary.frames);
    json!({
        "uptime_s": summary.snapshot.uptime.as_secs_f64(),
        "flows_installed": totals.installed,
        "flows_removed": totals.removed,
        "packets": { "card": totals.card_packets, "software": totals.software_packets, "kernel": totals.kernel_packets },
        "conntrack_events": totals.conntrack_events,
        "resyncs": totals.resyncs,
        "recoveries": frames.recoveries,
        "repairs": frames.repairs,
        "rekeys": frames.rekeys,
        "frames_lost": frames.ring_full + frames.refused_by_kernel + frames.refused_by_card + frames.card_absent,
    })
}

fn to_text(summary: &Summary) -> String {
    let totals = summary.snapshot.totals;
    format!(
        "{} flows were installed and {} removed in {:.1} s; packets forwarded by card {}, software {}, kernel {}",
        totals.installed,
        totals.removed,
        summary.snapshot.uptime.as_secs_f64(),
        totals.card_packets,
        totals.software_packets,
        totals.kernel_packets
    )
}
