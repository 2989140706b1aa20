//! Tools that are packages of PyPI, in an environment of the project: `target/venv`.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result};

use crate::{packages, run};

/// Installs what is missing of `packages` (`NAME==VERSION`), says so, and gives the directory with their programs.
///
/// # Errors
/// When the environment cannot be made, or a package not be installed.
pub fn ensure(packages: &[&str]) -> Result<PathBuf> {
    let venv = run::target().join("venv");
    let programs = venv.join("bin");
    if !programs.join("pip").is_file() {
        packages::ensure_python()?;
        fs::create_dir_all(run::target()).with_context(|| format!("make {}", run::target().display()))?;
        run::output(Command::new("python3").args(["-m", "venv"]).arg(&venv))?;
    }
    let installed = run::output(Command::new(programs.join("pip")).args(["list", "--format", "freeze"]))?;
    let missing: Vec<&&str> = packages.iter().filter(|package| !installed.lines().any(|line| line == **package)).collect();
    if !missing.is_empty() {
        let list = missing.iter().map(|package| **package).collect::<Vec<_>>().join(" ");
        // To standard error: what a task prints may be read by a program.
        eprintln!("installing packages of PyPI into {}: {list}", venv.display());
        run::output(Command::new(programs.join("pip")).args(["install", "--quiet"]).args(missing))?;
        eprintln!("installed: {list}");
    }
    Ok(programs)
}
