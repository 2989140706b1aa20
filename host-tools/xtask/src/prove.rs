//! `cargo xtask prove`: every proof of `hdl/proofs`, and for each a mutant that it catches.

use std::sync::Mutex;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use clap::Args;
use fpgaflow_proofs::{Outcome, Property, Tools, check, properties};
use serde::Serialize;

use crate::{run, venv};

/// The solver: Debian's is too old, some proofs that take this one a second take it hours.
const Z3: &str = "z3-solver==5.4.1.0";

/// Which proofs, and how they are shown.
#[derive(Debug, Default, Args)]
pub struct Prove {
    /// Only this one, by the name of its file in hdl/proofs/properties
    #[arg(long, value_name = "NAME")]
    only: Option<String>,
    /// Without those whose head says that they are long
    #[arg(long, conflicts_with = "only")]
    quick: bool,
    /// A JSON array instead of a table
    #[arg(long)]
    json: bool,
}

/// A line of the table.
#[derive(Serialize)]
struct Row<'a> {
    proof: &'a str,
    claim: &'a str,
    block: &'a str,
    method: &'static str,
    depth: u32,
    seconds: f64,
    mutant: &'a str,
    caught_at_step: u32,
    caught_by: &'a str,
}

impl<'a> Row<'a> {
    fn new(property: &'a Property, outcome: &'a Outcome) -> Self {
        Self {
            proof: &property.name,
            claim: &property.claim,
            block: &property.block,
            method: if property.induction.is_some() { "induction" } else { "bounded" },
            depth: property.induction.unwrap_or(property.depth),
            seconds: (outcome.took.as_secs_f64() * 100.0).round() / 100.0,
            mutant: &property.mutant,
            caught_at_step: outcome.caught.step,
            caught_by: &outcome.caught.assertion,
        }
    }

    fn print(&self) {
        println!(
            "{:<16} {:<9} {:>5} {:>8.2}  {} ({}, step {})",
            self.proof, self.method, self.depth, self.seconds, self.mutant, self.caught_by, self.caught_at_step
        );
    }
}

/// The proofs that take seconds: those that belong to every test.
///
/// # Errors
/// As [`prove`].
pub fn quick() -> Result<()> {
    prove(&Prove { quick: true, ..Prove::default() })
}

/// Runs the proofs and shows them.
///
/// # Errors
/// When one does not hold or its mutant is not caught, after all have run.
pub fn prove(arguments: &Prove) -> Result<()> {
    let mut properties = properties()?;
    if let Some(only) = &arguments.only {
        let names: Vec<String> = properties.iter().map(|property| property.name.clone()).collect();
        properties.retain(|property| property.name == *only);
        if properties.is_empty() {
            bail!("there is no proof {only:?}; there are {}", names.join(", "));
        }
    }
    if arguments.quick {
        properties.retain(|property| property.long.is_none());
    }
    let tools = Tools { z3: venv::ensure(&[Z3])? };
    let begun = Instant::now();
    let results = run_all(&properties, &tools);
    show(arguments, &properties, &results, begun.elapsed())
}

type Results = Vec<Result<Outcome, fpgaflow_proofs::Error>>;

/// As many at once as there are processors; in the order of `properties`.
fn run_all(properties: &[Property], tools: &Tools) -> Results {
    let directory = run::target().join("proofs");
    let waiting = Mutex::new(properties.iter().enumerate());
    let done = Mutex::new(Vec::new());
    let workers = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| {
                loop {
                    let next = waiting.lock().expect("no worker panics").next();
                    let Some((at, property)) = next else { return };
                    let result = check(property, tools, &directory);
                    done.lock().expect("no worker panics").push((at, result));
                }
            });
        }
    });
    let mut done = done.into_inner().expect("no worker panics");
    done.sort_by_key(|(at, _)| *at);
    done.into_iter().map(|(_, result)| result).collect()
}

fn show(arguments: &Prove, properties: &[Property], results: &Results, took: Duration) -> Result<()> {
    let pairs = || properties.iter().zip(results);
    let rows: Vec<Row> = pairs().filter_map(|(property, result)| Some(Row::new(property, result.as_ref().ok()?))).collect();
    if arguments.json {
        println!("{}", serde_json::to_string_pretty(&rows)?);
    } else {
        println!(
            "{:<16} {:<9} {:>5} {:>8}  mutant that is caught (by which assertion, at which step)",
            "proof", "method", "depth", "seconds"
        );
        rows.iter().for_each(Row::print);
        println!(
            "{} of {} properties proven, their mutants caught, in {:.0} s",
            rows.len(),
            properties.len(),
            took.as_secs_f64()
        );
    }
    let failures: Vec<String> = results.iter().filter_map(|result| Some(result.as_ref().err()?.to_string())).collect();
    if failures.is_empty() { Ok(()) } else { bail!("{}", failures.join("\n")) }
}
