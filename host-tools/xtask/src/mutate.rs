//! `cargo xtask mutate`: faults of `hdl/faults/faults.toml`, seeded one at a time into the Verilog that the tests of `fpgaflow-hdl` emit.
//!
//! The test programs are built once: a fault is named in their environment (`fpgaflow_faults::seeded`). For each the tests that it
//! names run first, then, when these find nothing, all of their target. One that is found by none fails the task, and so does one
//! that was not seeded or with which the Verilog does not build.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;
use std::time::Instant;

use anyhow::{Context, Result, bail};
use clap::Args;
use fpgaflow_faults::{FIND_VARIABLE, Fault, REPLACE_VARIABLE, SEEDED, UNBUILT, list};
use serde::Serialize;

use crate::run;

/// The package whose tests emit Verilog.
const PACKAGE: &str = "fpgaflow-hdl";
/// Seconds after which tests of a faulty block are ended: many times what any target needs. A fault that only makes them hang counts as
/// not found, because a slow machine would look the same.
const SECONDS_AT_MOST: &str = "900";
/// What `timeout` exits with then.
const TIMED_OUT: i32 = 124;

/// Which faults, and how they are shown.
#[derive(Debug, Args)]
pub struct Mutate {
    /// Only faults whose name or block has this in it
    #[arg(long, value_name = "NAME")]
    only: Option<String>,
    /// A JSON array instead of lines
    #[arg(long)]
    json: bool,
}

/// What became of a fault.
#[derive(Debug, Serialize)]
struct Row<'a> {
    block: &'a str,
    fault: &'a str,
    /// Tests that failed with it; none for a survivor.
    found_by: Vec<String>,
    /// The fault was made in a Verilog text of these tests.
    seeded: bool,
    /// Verilator takes the Verilog with it; what it refuses, every test "finds".
    builds: bool,
    seconds: f64,
}

impl Row<'_> {
    fn is_found(&self) -> bool {
        self.seeded && self.builds && !self.found_by.is_empty()
    }

    fn print(&self, target: &str) {
        let by = match self.found_by.as_slice() {
            _ if !self.seeded => "NOT SEEDED".to_owned(),
            _ if !self.builds => "DOES NOT BUILD".to_owned(),
            [] => "SURVIVES".to_owned(),
            [test] => format!("{target}: {test}"),
            [test, others @ ..] => format!("{target}: {test} and {} more", others.len()),
        };
        println!("{:<24} {:<64} {:>6.1} s  {by}", self.block, self.fault, self.seconds);
    }
}

/// Runs the tests with every fault and shows what found it.
///
/// # Errors
/// When a fault survives, is not seeded or does not build, after all have run.
pub fn mutate(arguments: &Mutate) -> Result<()> {
    let mut faults = list()?;
    if let Some(only) = &arguments.only {
        faults.retain(|fault| fault.name.contains(only.as_str()) || fault.block.contains(only.as_str()));
    }
    if faults.is_empty() {
        bail!("no fault has {:?} in its name or block", arguments.only.as_deref().unwrap_or_default());
    }
    let programs = test_programs()?;
    let begun = Instant::now();
    let rows = run_all(&faults, &programs, arguments)?;
    let missed: Vec<&str> = rows.iter().filter(|row| !row.is_found()).map(|row| row.fault).collect();
    if arguments.json {
        println!("{}", serde_json::to_string_pretty(&rows)?);
    } else {
        println!("{} of {} faults found, in {:.0} s", rows.len() - missed.len(), rows.len(), begun.elapsed().as_secs_f64());
    }
    if missed.is_empty() { Ok(()) } else { bail!("not found: {}", missed.join("; ")) }
}

/// As many at once as there are processors; in the order of `faults`.
fn run_all<'a>(faults: &'a [Fault], programs: &BTreeMap<String, PathBuf>, arguments: &Mutate) -> Result<Vec<Row<'a>>> {
    let waiting = Mutex::new(faults.iter().enumerate());
    let done = Mutex::new(Vec::new());
    let workers = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| {
                loop {
                    let next = waiting.lock().expect("no worker panics").next();
                    let Some((at, fault)) = next else { return };
                    let row = try_fault(fault, programs);
                    if let Ok(row) = &row
                        && !arguments.json
                    {
                        row.print(&fault.target);
                    }
                    done.lock().expect("no worker panics").push((at, row));
                }
            });
        }
    });
    let mut done = done.into_inner().expect("no worker panics");
    done.sort_by_key(|(at, _)| *at);
    done.into_iter().map(|(_, row)| row).collect()
}

fn try_fault<'a>(fault: &'a Fault, programs: &BTreeMap<String, PathBuf>) -> Result<Row<'a>> {
    let program = programs.get(&fault.target);
    let program = program.with_context(|| format!("{PACKAGE} has no tests {:?} for the fault {:?}", fault.target, fault.name))?;
    let begun = Instant::now();
    let mut row =
        Row { block: &fault.block, fault: &fault.name, found_by: Vec::new(), seeded: false, builds: true, seconds: 0.0 };
    // No name has all tests in it.
    for tests in [fault.tests.as_str(), ""] {
        let said = run_tests(fault, program, tests)?;
        row.seeded |= said.seeded;
        row.builds &= said.builds;
        row.found_by = said.failed;
        if row.is_found() || tests.is_empty() {
            break;
        }
    }
    row.seconds = (begun.elapsed().as_secs_f64() * 10.0).round() / 10.0;
    Ok(row)
}

/// What a run of tests said.
#[derive(Debug, PartialEq, Eq)]
struct Said {
    seeded: bool,
    builds: bool,
    failed: Vec<String>,
}

fn run_tests(fault: &Fault, program: &Path, tests: &str) -> Result<Said> {
    let mut command = Command::new("timeout");
    command.arg(SECONDS_AT_MOST).arg(program).current_dir(run::root().join("hdl"));
    command.env(FIND_VARIABLE, &fault.find).env(REPLACE_VARIABLE, &fault.replace).args(["--test-threads", "1"]);
    if !tests.is_empty() {
        command.arg(tests);
    }
    let output = command.output().with_context(|| format!("run {command:?}"))?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let told = String::from_utf8_lossy(&output.stderr);
    let (seeded, builds) = (told.contains(SEEDED), !told.contains(UNBUILT));
    let failed = failed_in(&text);
    if output.status.code() == Some(TIMED_OUT) {
        return Ok(Said { seeded, builds, failed });
    }
    if output.status.success() != failed.is_empty() {
        bail!("{command:?}: {}, and {} tests failed", output.status, failed.len());
    }
    Ok(Said { seeded, builds, failed })
}

/// Tests that failed, in the order in which they ran: `test NAME ... FAILED`.
fn failed_in(text: &str) -> Vec<String> {
    let name = |line: &str| {
        Some(line.strip_prefix("test ")?.strip_suffix(" ... FAILED")?.trim_end_matches(" - should panic").to_owned())
    };
    text.lines().filter_map(name).collect()
}

/// The test programs of the package by the names of their targets, built if they are not.
fn test_programs() -> Result<BTreeMap<String, PathBuf>> {
    let mut command = run::cargo_command();
    command.args(["test", "--locked", "--package", PACKAGE, "--no-run", "--message-format", "json"]);
    // What the compiler says goes to standard error, as ever.
    let output = command.stderr(std::process::Stdio::inherit()).output().with_context(|| format!("run {command:?}"))?;
    if !output.status.success() {
        bail!("{command:?}: {}", output.status);
    }
    Ok(String::from_utf8_lossy(&output.stdout).lines().filter_map(test_program_in).collect())
}

fn test_program_in(line: &str) -> Option<(String, PathBuf)> {
    let message: serde_json::Value = serde_json::from_str(line).ok()?;
    let target = message.get("target")?;
    let is_test = target.get("kind")?.as_array()?.iter().any(|kind| kind == "test");
    let name = target.get("name")?.as_str()?.to_owned();
    is_test.then_some((name, message.get("executable")?.as_str()?.into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failed_tests_are_named_and_passed_ones_are_not() {
        let text = "running 2 tests\ntest skid::a ... ok\ntest skid::b ... FAILED\ntest result: FAILED. 1 passed; 1 failed\n";
        assert_eq!(failed_in(text), ["skid::b"]);
    }

    #[test]
    fn a_test_program_is_found_by_its_target() {
        let line = r#"{"reason":"compiler-artifact","target":{"kind":["test"],"name":"prim"},"executable":"/x/prim-1"}"#;
        assert_eq!(test_program_in(line), Some(("prim".into(), PathBuf::from("/x/prim-1"))));
        assert_eq!(test_program_in(r#"{"target":{"kind":["lib"],"name":"x"},"executable":null}"#), None);
    }
}
