//! `fpgaflow check`: whether a card does what the driver relies on.

use std::sync::Arc;

use clap::Args;
use fpgaflow_conformance::Outcome;
use fpgaflow_driver::transport::spec::CardSpec;
use fpgaflow_driver::transport::{self, Transport, TransportError};
use serde_json::json;
use tracing_subscriber::filter::LevelFilter;

use crate::logging;

/// Checks a card whose ports 0 and 1 are joined by a cable: registers, DMA, interrupts, forwarding, counters, reset.
///
/// The card is reset and its tables are emptied. Fails when a check does.
#[derive(Debug, Args)]
pub struct Check {
    /// The card: pci:0000:03:00.0, vfio-user:/path/to/socket or sim.
    #[arg(long, value_name = "CARD")]
    card: CardSpec,
    /// Confirm that a cable joins the card's ports 0 and 1: the checks send frames there. Card sim is given one.
    #[arg(long)]
    cable: bool,
    /// Print what was found as one JSON object at the end.
    #[arg(long)]
    json: bool,
}

impl Check {
    pub(super) fn run(self) -> anyhow::Result<()> {
        logging::start(LevelFilter::WARN)?;
        anyhow::ensure!(
            self.cable,
            "the checks send frames from port 0 to port 1 and back: join the ports by a cable and say --cable"
        );
        let outcomes = match &self.card {
            CardSpec::Sim => self.check_sim()?,
            card => self.check(|| transport::open(card)),
        };
        if self.json {
            println!("{}", to_json(&self.card, &outcomes));
        }
        let failed = outcomes.iter().filter(|outcome| outcome.result.is_err()).count();
        anyhow::ensure!(failed == 0, "{failed} of {} checks failed on card {}", outcomes.len(), self.card);
        Ok(())
    }

    /// Runs the checks, each on the card opened anew, and prints how they went as they end.
    fn check(&self, open: impl FnMut() -> Result<Arc<dyn Transport>, TransportError>) -> Vec<Outcome> {
        let outcomes = fpgaflow_conformance::outcomes(open);
        outcomes
            .inspect(|outcome| {
                if !self.json {
                    println!("{outcome}")
                }
            })
            .collect()
    }

    #[cfg(feature = "sim")]
    fn check_sim(&self) -> anyhow::Result<Vec<Outcome>> {
        let card = crate::live_card::LiveCard::cabled(fpgaflow_card::Width::default())?;
        let outcomes = self.check(|| Ok(Arc::clone(&card.transport) as _));
        card.runner.stop()?;
        Ok(outcomes)
    }

    #[cfg(not(feature = "sim"))]
    fn check_sim(&self) -> anyhow::Result<Vec<Outcome>> {
        Err(super::without_sim())
    }
}

fn to_json(card: &CardSpec, outcomes: &[Outcome]) -> serde_json::Value {
    let check =
        |outcome: &Outcome| json!({ "name": outcome.name, "passed": outcome.result.is_ok(), "failure": outcome.failure() });
    json!({ "card": card.to_string(), "checks": outcomes.iter().map(check).collect::<Vec<_>>() })
}
