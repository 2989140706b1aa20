//! `fpgaflow cards`, `bind`, `unbind` and `doctor`: the cards of this machine.

use clap::Args;
use fpgaflow_abi::geometry::Geometry;
use fpgaflow_driver::transport::spec::{CardSpec, PciAddress};
use fpgaflow_driver::transport::{self, BarOffset};
use serde_json::json;

use crate::host::Host;
use crate::host::binding::VFIO_PCI;
use crate::host::doctor::{self, Level};
use crate::host::pci::Function;

/// Lists the cards of this machine: driver, IOMMU group, link, and what those bound to vfio-pci say of themselves.
#[derive(Debug, Args)]
pub struct Cards {
    /// Print one JSON array.
    #[arg(long)]
    json: bool,
}

impl Cards {
    pub(super) fn run(self) -> anyhow::Result<()> {
        let cards: Vec<_> = Host::default().cards()?.into_iter().map(|card| (identity(&card), card)).collect();
        if self.json {
            let objects: Vec<_> = cards
                .iter()
                .map(|(identity, card)| {
                    let mut object = json!(card);
                    object["identity"] = match identity {
                        Ok(geometry) => json_of(geometry),
                        Err(why) => json!({ "unknown": why }),
                    };
                    object
                })
                .collect();
            println!("{}", serde_json::Value::from(objects));
            return Ok(());
        }
        if cards.is_empty() {
            println!("no cards; `fpgaflow doctor` says what to look at");
        }
        for (identity, card) in &cards {
            let or = |value: Option<String>, without: &str| value.unwrap_or_else(|| without.to_owned());
            println!(
                "pci:{}  driver {}, IOMMU group {}, link {}",
                card.address,
                or(card.driver.clone(), "none"),
                or(card.iommu_group.map(|group| group.to_string()), "none"),
                or(card.link.clone(), "unknown")
            );
            match identity {
                Ok(geometry) => println!("    {}", text_of(geometry)),
                Err(why) => println!("    not identified: {why}"),
            }
        }
        Ok(())
    }
}

/// What a card's registers say, without changing anything; otherwise why not.
fn identity(card: &Function) -> Result<Geometry, String> {
    if card.driver.as_deref() != Some(VFIO_PCI) {
        return Err(format!("not bound to {VFIO_PCI}; run `fpgaflow bind {}`", card.address));
    }
    let chain = |error: &dyn std::error::Error| fpgaflow_sync::error::Chain(error).to_string();
    // In use by a daemon, it cannot be opened a second time.
    let transport = transport::open(&CardSpec::Pci(card.address)).map_err(|error| chain(&error))?;
    let mut failure = None;
    let identified = Geometry::identify(|offset| {
        transport.read(BarOffset(offset)).unwrap_or_else(|error| {
            failure.get_or_insert(error);
            0
        })
    });
    match failure {
        Some(error) => Err(chain(&error)),
        None => identified.map_err(|error| chain(&error)),
    }
}

fn json_of(geometry: &Geometry) -> serde_json::Value {
    json!({
        "build_id": geometry.build_id,
        "width_bits": geometry.width_bits,
        "ports": geometry.ports,
        "entries_v4": geometry.entries_v4,
        "entries_v6": geometry.entries_v6,
        "next_hops": geometry.next_hops,
        "max_frame_bytes": geometry.max_frame_bytes,
        "clock_hz": geometry.clock_hz,
    })
}

fn text_of(geometry: &Geometry) -> String {
    format!(
        "build {:08x}, {} ports, {} bits, {} IPv4 and {} IPv6 flows, {} next hops, frames of up to {} bytes",
        geometry.build_id,
        geometry.ports,
        geometry.width_bits,
        geometry.entries_v4,
        geometry.entries_v6,
        geometry.next_hops,
        geometry.max_frame_bytes
    )
}

/// Hands a card to vfio-pci, so that the daemon can open it.
#[derive(Debug, Args)]
pub struct Bind {
    /// Its PCI address, like 0000:03:00.0.
    address: PciAddress,
}

impl Bind {
    pub(super) fn run(self) -> anyhow::Result<()> {
        Host::default().bind(self.address)?;
        println!("{} is bound to {VFIO_PCI}; use it as --card pci:{}", self.address, self.address);
        Ok(())
    }
}

/// Takes a card back from vfio-pci.
#[derive(Debug, Args)]
pub struct Unbind {
    /// Its PCI address, like 0000:03:00.0.
    address: PciAddress,
}

impl Unbind {
    pub(super) fn run(self) -> anyhow::Result<()> {
        Host::default().unbind(self.address)?;
        println!("{} is the kernel's again", self.address);
        Ok(())
    }
}

/// Checks what cards and daemon need of this machine and names the remedy for each finding. Fails when something will not work.
#[derive(Debug, Args)]
pub struct Doctor {
    /// Print one JSON array.
    #[arg(long)]
    json: bool,
}

impl Doctor {
    pub(super) fn run(self) -> anyhow::Result<()> {
        let findings = doctor::examine(&Host::default())?;
        if self.json {
            println!("{}", serde_json::to_string(&findings)?);
        } else {
            for finding in &findings {
                let mark = match finding.level {
                    Level::Ok => "ok  ",
                    Level::Warning => "warn",
                    Level::Failure => "FAIL",
                };
                println!("{mark}  {:<18}{}", finding.check, finding.found);
                if let Some(remedy) = &finding.remedy {
                    println!("      {:<18}{remedy}", "");
                }
            }
        }
        match findings.iter().filter(|finding| finding.level == Level::Failure).count() {
            0 => Ok(()),
            failures => anyhow::bail!("{failures} of {} checks failed", findings.len()),
        }
    }
}
