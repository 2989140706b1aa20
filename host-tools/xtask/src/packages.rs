//! Debian packages that the tasks need: looked for by program, installed by apt when missing.

use std::ffi::OsStr;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::run;

/// Something that a task cannot do without.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// C++ for the verilated model.
    Compiler,
    /// The Verilog simulator.
    Verilator,
    /// Namespaces, nftables and offload switches for live traffic.
    Network,
    /// Synthesis checks and proofs.
    Yosys,
    /// A Python that makes environments, for tools of PyPI.
    Python,
}

impl Need {
    /// Programs that show that it is there, each with the package that brings it.
    fn programs(self) -> &'static [(&'static str, &'static str)] {
        match self {
            Self::Compiler => &[("g++", "g++"), ("clang++", "clang"), ("ar", "binutils")],
            Self::Verilator => &[("verilator", "verilator")],
            Self::Network => &[
                ("ip", "iproute2"),
                ("nft", "nftables"),
                ("ethtool", "ethtool"),
                ("conntrack", "conntrack"),
                ("ping", "iputils-ping"),
            ],
            Self::Yosys => &[("yosys", "yosys"), ("yosys-smtbmc", "yosys")],
            Self::Python => &[("python3", "python3-venv")],
        }
    }
}

/// Installs what is missing and says so.
pub fn ensure(needs: &[Need]) -> Result<()> {
    let missing: Vec<&str> = needs
        .iter()
        .flat_map(|need| need.programs())
        .filter(|(program, _)| !is_on_path(program))
        .map(|(_, package)| *package)
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    let list = missing.join(" ");
    if !is_on_path("apt-get") {
        bail!("missing: {list} (names of Debian packages); this system has no apt-get, install them by its own means");
    }
    println!("installing Debian packages: {list}");
    apt_get(["update", "-qq"])?;
    apt_get([&["install", "-y", "-qq", "--no-install-recommends"], missing.as_slice()].concat())
        .with_context(|| format!("install {list}; as another user than root, run: sudo apt-get install {list}"))?;
    println!("installed: {list}");
    Ok(())
}

/// Installs Python with its environments if they are missing; Debian has them in a package apart.
pub fn ensure_python() -> Result<()> {
    let works = Command::new("python3").args(["-c", "import ensurepip, venv"]).output();
    if works.is_ok_and(|output| output.status.success()) {
        return Ok(());
    }
    eprintln!("installing Debian packages: python3-venv");
    apt_get(["update", "-qq"])?;
    apt_get(["install", "-y", "-qq", "--no-install-recommends", "python3-venv"])
        .context("install python3-venv; as another user than root, run: sudo apt-get install python3-venv")?;
    eprintln!("installed: python3-venv");
    Ok(())
}

/// Runs apt-get, and gives what it said on standard output.
pub fn apt_get<I: IntoIterator<Item: AsRef<OsStr>>>(arguments: I) -> Result<String> {
    run::output(Command::new("apt-get").args(arguments).env("DEBIAN_FRONTEND", "noninteractive"))
}

fn is_on_path(program: &str) -> bool {
    // Administrators' programs are not on every user's path.
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .chain(["/usr/sbin", "/sbin"].map(Into::into))
        .any(|directory: std::path::PathBuf| is_executable(&directory.join(program)))
}

fn is_executable(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    path.metadata().is_ok_and(|metadata| metadata.is_file() && metadata.permissions().mode() & 0o111 != 0)
}
