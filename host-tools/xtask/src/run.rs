//! Running programs, and where this workspace puts what it builds.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

/// The workspace's root.
pub fn root() -> &'static Path {
    // This package is two directories below.
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).expect("host-tools/xtask is two directories below the root")
}

/// What is built goes there.
pub fn target() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from)
}

/// The release binary.
pub fn release_binary() -> PathBuf {
    target().join("release/fpgaflow")
}

/// Runs cargo in the workspace and fails when it does.
pub fn cargo<I: IntoIterator<Item: AsRef<OsStr>>>(arguments: I) -> Result<()> {
    succeed(cargo_command().args(arguments))
}

/// Cargo in the workspace, without arguments.
pub fn cargo_command() -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(root());
    command
}

/// Runs a subcommand of the release binary and fails when it does.
pub fn fpgaflow(subcommand: &str, arguments: &[String]) -> Result<()> {
    succeed(Command::new(release_binary()).arg(subcommand).args(arguments))
}

/// Runs a command, and gives what it said on standard output; fails when the command does, with what it said.
pub fn output(command: &mut Command) -> Result<String> {
    let output = command.output().with_context(|| format!("run {command:?}"))?;
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    if !output.status.success() {
        bail!("{command:?}: {}\n{said}{}", output.status, String::from_utf8_lossy(&output.stderr).trim_end());
    }
    Ok(said)
}

/// Runs a command and fails when it does.
pub fn succeed(command: &mut Command) -> Result<()> {
    let status = command.status().with_context(|| format!("run {command:?}"))?;
    if !status.success() {
        bail!("{command:?}: {status}");
    }
    Ok(())
}
