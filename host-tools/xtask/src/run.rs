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

/// The release binary.
pub fn release_binary() -> PathBuf {
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from);
    target.join("release/fpgaflow")
}

/// Runs cargo in the workspace and fails when it does.
pub fn cargo<I: IntoIterator<Item: AsRef<OsStr>>>(arguments: I) -> Result<()> {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    succeed(command.args(arguments).current_dir(root()))
}

/// Runs a subcommand of the release binary and fails when it does.
pub fn fpgaflow(subcommand: &str, arguments: &[String]) -> Result<()> {
    succeed(Command::new(release_binary()).arg(subcommand).args(arguments))
}

fn succeed(command: &mut Command) -> Result<()> {
    let status = command.status().with_context(|| format!("run {command:?}"))?;
    if !status.success() {
        bail!("{command:?}: {status}");
    }
    Ok(())
}
