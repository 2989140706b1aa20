//! What the guest says, and what must be in it.

use std::collections::BTreeMap;

use anyhow::{Context, Result, bail, ensure};
use serde::Deserialize;

/// What `fpgaflow cards --json` says of a card, as far as it matters here.
#[derive(Debug, PartialEq, Eq, Deserialize)]
struct Listed {
    address: String,
    driver: Option<String>,
    group_mates: Vec<String>,
    identity: Identity,
}

/// What the card's registers say.
#[derive(Debug, PartialEq, Eq, Deserialize)]
struct Identity {
    /// Only a card that could be opened has any.
    ports: Option<u8>,
}

/// What `fpgaflow check --json` says.
#[derive(Debug, Deserialize)]
pub struct Checked {
    /// The card.
    pub card: String,
    /// Every check.
    pub checks: Vec<Check>,
}

/// One check.
#[derive(Debug, PartialEq, Eq, Deserialize)]
pub struct Check {
    name: String,
    passed: bool,
    failure: Option<String>,
}

impl Checked {
    /// Reads it.
    pub fn parse(text: &str) -> Result<Self> {
        serde_json::from_str(text).with_context(|| format!("not a report of fpgaflow check: {text:?}"))
    }
}

/// What the guest's first process found.
#[derive(Debug)]
pub struct Facts {
    facts: BTreeMap<String, String>,
    /// What the checks found.
    pub report: Checked,
}

impl Facts {
    /// Reads lines of a name and a value.
    pub fn parse(lines: &[String]) -> Result<Self> {
        let facts: BTreeMap<String, String> = lines
            .iter()
            .filter_map(|line| line.split_once(' '))
            .map(|(name, value)| (name.to_owned(), value.trim().to_owned()))
            .collect();
        if let Some(error) = facts.get("error") {
            bail!("the guest failed: {error}");
        }
        let report = Checked::parse(facts.get("report").context("the guest told of no checks")?)?;
        Ok(Self { facts, report })
    }

    fn fact(&self, name: &str) -> &str {
        self.facts.get(name).map_or("", String::as_str)
    }

    /// Prints them, checks last.
    pub fn print(&self) {
        for (name, value) in self.facts.iter().filter(|(name, _)| *name != "report") {
            println!("guest: {name}: {value}");
        }
        for Check { name, failure, .. } in &self.report.checks {
            match failure {
                None => println!("guest: ok      {name}"),
                Some(failure) => println!("guest: FAILED  {name}: {failure}"),
            }
        }
    }

    /// Fails unless the card was bound to vfio-pci, identified, and given back; was alone behind an IOMMU that translates; could be reset by
    /// function; and passed the same checks as `beside`, which must all have passed too.
    pub fn judge(&self, beside: &Checked) -> Result<()> {
        let address = self.fact("address");
        let expected = [
            ("driver", "vfio-pci"),
            ("driver_after", "none"),
            ("iommu_group", address),
            ("reset_method", "flr"),
            ("status", "0"),
        ];
        for (name, expected) in expected {
            ensure!(self.fact(name) == expected, "{name} in the guest is {:?}, expected {expected:?}", self.fact(name));
        }
        // The other type, identity, leaves all memory to the card.
        let iommu = self.fact("iommu_type");
        ensure!(iommu.starts_with("DMA"), "the IOMMU does not translate in the guest: its type is {iommu:?}");
        let listed: Vec<Listed> = serde_json::from_str(self.fact("cards")).context("read the cards that the guest lists")?;
        ensure!(
            matches!(listed.as_slice(), [card] if card.address == address
                && card.driver.as_deref() == Some("vfio-pci")
                && card.group_mates.is_empty()
                && card.identity.ports.is_some()),
            "the guest lists other cards than {address}, or does not know it: {listed:?}"
        );
        ensure!(self.report.card == format!("pci:{address}"), "the guest checked {}, not pci:{address}", self.report.card);
        ensure!(!self.report.checks.is_empty(), "the guest made no checks");
        for checked in [&self.report, beside] {
            let failed = checked.checks.iter().find(|check| !check.passed);
            ensure!(failed.is_none(), "on card {}: {failed:?}", checked.card);
        }
        ensure!(
            self.report.checks == beside.checks,
            "the guest made other checks than the host:\n{:?}\n{:?}",
            self.report.checks,
            beside.checks
        );
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const REPORT: &str = r#"{"card":"pci:0000:00:03.0","checks":[{"name":"a","passed":true,"failure":null}]}"#;
    const CARDS: &str = r#"[{"address":"0000:00:03.0","driver":"vfio-pci","group_mates":[],"identity":{"ports":2}}]"#;
    const GOOD: [(&str, &str); 9] = [
        ("kernel", "6.12"),
        ("address", "0000:00:03.0"),
        ("iommu_group", "0000:00:03.0 "),
        ("iommu_type", "DMA-FQ"),
        ("reset_method", "flr"),
        ("driver", "vfio-pci"),
        ("driver_after", "none"),
        ("cards", CARDS),
        ("status", "0"),
    ];

    /// The verdict when one fact is another.
    fn verdict(changed: &str, value: &str) -> Result<()> {
        let facts = GOOD.iter().chain(&[("report", REPORT)]);
        let line = |(name, good): &(&str, &str)| format!("{name} {}", if *name == changed { value } else { good });
        Facts::parse(&facts.map(line).collect::<Vec<_>>())?.judge(&Checked::parse(REPORT)?)
    }

    #[test]
    fn every_fact_that_is_not_as_it_must_be_is_an_error() {
        verdict("nothing", "").unwrap();
        for (name, bad) in [
            ("address", "0000:00:04.0"),
            ("iommu_group", "0000:00:03.0 0000:00:04.0"),
            ("iommu_type", "identity"),
            ("reset_method", "bus"),
            ("driver", ""),
            ("driver_after", "vfio-pci"),
            ("cards", "[]"),
            ("cards", &CARDS.replace("vfio-pci", "other")),
            ("cards", &CARDS.replace("\"ports\":2", "\"unknown\":\"in use\"")),
            ("status", "1"),
            ("report", r#"{"card":"pci:0000:00:03.0","checks":[]}"#),
            ("report", r#"{"card":"pci:0000:00:03.0","checks":[{"name":"b","passed":true,"failure":null}]}"#),
            ("report", r#"{"card":"pci:0000:00:03.0","checks":[{"name":"a","passed":false,"failure":"no"}]}"#),
            ("report", r#"{"card":"sim","checks":[{"name":"a","passed":true,"failure":null}]}"#),
            ("report", ""),
        ] {
            assert!(verdict(name, bad).is_err(), "{name} {bad}");
        }
        let error = Facts::parse(&["error no card".to_owned(), "end".to_owned()]).unwrap_err();
        assert_eq!(error.to_string(), "the guest failed: no card");
    }
}
