//! Running programs, and where this workspace puts what it builds.

use std::ffi::{OsStr, OsString};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

/// The workspace's root.
pub fn root() -> &'static Path {
    // This package is two directories below.
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).expect("host-tools/xtask is two directories below the root")
}

/// The release binary that [`cargo_release_binary`] builds.
pub fn release_binary() -> PathBuf {
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from);
    target.join("release/fpgaflow")
}

/// Builds `fpgaflow` with the verilated card.
pub fn cargo_release_binary() -> Result<()> {
    cargo(["build", "--release", "--locked", "--package", "fpgaflow", "--features", "sim"])
}

/// Runs cargo in the workspace and fails when it does.
pub fn cargo<I: IntoIterator<Item: AsRef<OsStr>>>(arguments: I) -> Result<()> {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(arguments).current_dir(root());
    let status = command.status().context("run cargo")?;
    if !status.success() {
        bail!("{command:?}: {status}");
    }
    Ok(())
}

/// Becomes `program`: its signals and exit status are then its own.
pub fn exec(program: PathBuf, arguments: impl Iterator<Item = OsString>) -> Result<()> {
    let error = Command::new(&program).args(arguments).exec();
    Err(error).with_context(|| format!("run {}", program.display()))
}
