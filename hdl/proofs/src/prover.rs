//! Runs a proof: yosys makes SMT of block and property, yosys-smtbmc and z3 answer.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use crate::error::Error;
use crate::property::{Property, library};
use crate::{blocks, memory};

/// Lines of a tool's output that are kept: the last ones say why it failed.
const OUTPUT_LINES: usize = 20;
/// Longest run of a tool, in seconds: many times what any needs.
const SECONDS_AT_MOST: &str = "600";

/// Where z3 is; yosys and yosys-smtbmc are on the path.
#[derive(Debug, Clone)]
pub struct Tools {
    /// The directory with `z3`.
    pub z3: PathBuf,
}

/// How a mutant was caught.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caught {
    /// Clocks after the beginning.
    pub step: u32,
    /// The assertion that it breaks.
    pub assertion: String,
}

/// A proof that holds and whose mutant was caught.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// Of the proof, without the mutant.
    pub took: Duration,
    /// How the mutant was caught.
    pub caught: Caught,
}

/// What yosys-smtbmc found.
enum Answer {
    Holds,
    Fails(Caught),
}

/// Proves `property` and refutes its mutant, in `directory`, which is made.
///
/// # Errors
/// Every way in which it is no proof, see [`Error`].
pub fn check(property: &Property, tools: &Tools, directory: &Path) -> Result<Outcome, Error> {
    let name = || property.name.clone();
    let block = blocks::verilog(&property.block)
        .ok_or_else(|| Error::NoBlock { name: name(), block: property.block.clone() })?
        .map_err(|source| Error::Emit { name: name(), source })?;
    let source = block + &library()?;
    let mutant = property.change.apply(&source);
    let mutant = mutant.map_err(|source| Error::Mutant { name: name(), mutant: property.mutant.clone(), source })?;

    let begun = Instant::now();
    let run = Run::new(property, tools, directory.join(&property.name))?;
    match property.cases {
        None => run.prove(&source, "-D INVARIANTS")?,
        Some(cases) => (0..cases).try_for_each(|case| run.prove(&source, &format!("-D INVARIANTS -D CASE={case}")))?,
    }
    let took = begun.elapsed();

    let run = Run::new(property, tools, directory.join(format!("{}-mutant", property.name)))?;
    run.prepare(&mutant, "")?;
    match run.solve(&["-t", &property.depth.to_string()])? {
        Answer::Fails(caught) => Ok(Outcome { took, caught }),
        Answer::Holds => Err(Error::NotCaught {
            name: name(),
            mutant: property.mutant.clone(),
            depth: property.depth,
            directory: run.directory,
        }),
    }
}

/// One text, in a directory of its own.
struct Run<'a> {
    property: &'a Property,
    tools: &'a Tools,
    directory: PathBuf,
}

impl<'a> Run<'a> {
    fn new(property: &'a Property, tools: &'a Tools, directory: PathBuf) -> Result<Self, Error> {
        fs::create_dir_all(&directory).map_err(|source| Error::Io { verb: "make", path: directory.clone(), source })?;
        Ok(Self { property, tools, directory })
    }

    /// Proves one part, or all of a proof in one.
    fn prove(&self, source: &str, defines: &str) -> Result<(), Error> {
        self.prepare(source, defines)?;
        let name = || self.property.name.clone();
        // The first clocks, as many as the induction builds on, or all there are to be.
        let steps = self.property.induction.unwrap_or(self.property.depth);
        if let Answer::Fails(Caught { step, assertion }) = self.solve(&["-t", &steps.to_string()])? {
            return Err(Error::Refuted { name: name(), step, assertion, directory: self.directory.clone() });
        }
        if let Some(clocks) = self.property.induction
            && let Answer::Fails(Caught { assertion, .. }) = self.solve(&["-i", "-t", &clocks.to_string()])?
        {
            return Err(Error::NotInductive { name: name(), clocks, assertion, directory: self.directory.clone() });
        }
        Ok(())
    }

    /// Makes `proof.smt2`.
    fn prepare(&self, source: &str, defines: &str) -> Result<(), Error> {
        let path = self.directory.join("proof.sv");
        let text = memory::open(source) + &self.property.text;
        fs::write(&path, text).map_err(|source| Error::Io { verb: "write", path, source })?;
        // Flip-flops stay beside their memories, so that an invariant can name them.
        let script = format!(
            "read_verilog -formal -sv {defines} proof.sv; prep -nordff -flatten -top proof; write_smt2 -wires proof.smt2"
        );
        let (success, said) = self.run("yosys", Command::new("yosys").args(["-q", "-p", &script]))?;
        if success { Ok(()) } else { Err(self.failed("yosys", &said)) }
    }

    fn solve(&self, arguments: &[&str]) -> Result<Answer, Error> {
        let mut command = Command::new("timeout");
        command.args([SECONDS_AT_MOST, "yosys-smtbmc", "-s", "z3", "--noprogress", "--dump-vcd", "trace.vcd"]);
        command.args(arguments).arg("proof.smt2");
        let path = std::env::var_os("PATH").unwrap_or_default();
        let path = std::iter::once(self.tools.z3.clone()).chain(std::env::split_paths(&path));
        command.env("PATH", std::env::join_paths(path).expect("directories of a path have no colon"));
        let (success, said) = self.run("yosys-smtbmc", &mut command)?;
        let caught = caught_in(&said);
        match (success, said.contains("Status: PASSED"), caught) {
            (true, true, _) => Ok(Answer::Holds),
            (false, false, Some(caught)) => Ok(Answer::Fails(caught)),
            _ => Err(self.failed("yosys-smtbmc", &said)),
        }
    }

    fn run(&self, tool: &'static str, command: &mut Command) -> Result<(bool, String), Error> {
        let output = command.current_dir(&self.directory).output();
        let output = output.map_err(|source| Error::Io { verb: "run a tool in", path: self.directory.clone(), source })?;
        let said = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
        match output.status.code() {
            Some(code) => Ok((code == 0, said)),
            None => Err(self.failed(tool, &said)),
        }
    }

    fn failed(&self, tool: &'static str, said: &str) -> Error {
        let lines: Vec<&str> = said.lines().collect();
        Error::Tool {
            name: self.property.name.clone(),
            tool,
            directory: self.directory.clone(),
            output: lines[lines.len().saturating_sub(OUTPUT_LINES)..].join("\n"),
        }
    }
}

/// The last step that was looked at and the first assertion that failed there.
fn caught_in(said: &str) -> Option<Caught> {
    let step = said.lines().rev().find_map(|line| line.split_once(" in step ")?.1.trim_end_matches('.').parse().ok())?;
    let failed = said.lines().find_map(|line| line.split_once("Assert failed in proof: "))?.1;
    // One without a name is shown by its place: `proof.sv:LINE.COLUMN-... ($assert$...)`.
    let assertion = failed.split_once(" (").map_or(failed, |(place, _)| place);
    Some(Caught { step, assertion: assertion.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_assertion_is_found_with_its_step() {
        let said = "##   0:00:00  Checking assertions in step 2..\n##   0:00:00  Checking assertions in step 3..\n\
                    ##   0:00:00  BMC failed!\n##   0:00:00  Assert failed in proof: order.as_it_went_in\n\
                    ##   0:00:00  Assert failed in proof: order.followed\n##   0:00:00  Status: FAILED\n";
        assert_eq!(caught_in(said), Some(Caught { step: 3, assertion: "order.as_it_went_in".into() }));
        assert_eq!(caught_in("##   0:00:00  Status: PASSED\n"), None);
    }
}
