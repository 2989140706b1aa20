//! What can go wrong between a Verilog text and a running model.

use std::io;
use std::path::PathBuf;

/// Names the operation and what it was done to.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A program of the tool chain is not installed.
    #[error("run {tool}: not found; on Debian: apt-get install {package}")]
    ToolMissing {
        /// The program.
        tool: &'static str,
        /// The Debian package that holds it.
        package: &'static str,
    },
    /// A program of the tool chain refused its input.
    #[error("run {tool} in {}: {status}\n{output}", .directory.display())]
    ToolFailed {
        /// The program.
        tool: &'static str,
        /// Where it ran; its input is still there.
        directory: PathBuf,
        /// How it ended.
        status: std::process::ExitStatus,
        /// What it wrote, shortened to its last lines.
        output: String,
    },
    /// A file or directory could not be used.
    #[error("{verb} {}: {source}", .path.display())]
    Io {
        /// What was tried.
        verb: &'static str,
        /// On what.
        path: PathBuf,
        /// Why it failed.
        source: io::Error,
    },
    /// Verilator's header names no port.
    #[error("read the ports of {top} from {}: none found", .header.display())]
    NoPorts {
        /// The top module.
        top: String,
        /// Verilator's header.
        header: PathBuf,
    },
    /// The built model could not be loaded.
    #[error("load {}: {source}", .path.display())]
    Load {
        /// The shared object.
        path: PathBuf,
        /// The loader's reason.
        source: libloading::Error,
    },
    /// A model was built by another version of this crate.
    #[error("load {what}: its interface is version {found}, this program speaks {expected}")]
    InterfaceVersion {
        /// The model.
        what: String,
        /// Its version.
        found: u32,
        /// Ours.
        expected: u32,
    },
    /// The top module has no such port.
    #[error("no port {name} on {top}; there are {}", .ports.join(", "))]
    NoPort {
        /// The top module.
        top: String,
        /// What was asked for.
        name: String,
        /// What there is.
        ports: Vec<String>,
    },
    /// The design has no such memory.
    #[error("no memory {name} in {top}; there are {}", .memories.join(", "))]
    NoMemory {
        /// The top module.
        top: String,
        /// What was asked for.
        name: String,
        /// What there is.
        memories: Vec<String>,
    },
    /// The model cannot write the waveform asked for.
    #[error("trace {top} to {}: {reason}", .path.display())]
    Trace {
        /// The top module.
        top: String,
        /// The waveform file.
        path: PathBuf,
        /// Why not.
        reason: &'static str,
    },
}

impl Error {
    pub(crate) fn io(verb: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::Io { verb, path, source }
    }
}
