//! Runs the programs of the tool chain.

use std::io;
use std::path::Path;
use std::process::Command;

use crate::error::Error;

/// Lines of a failed program's output that are kept: the last ones say why.
const OUTPUT_LINES: usize = 40;

/// A program and the Debian package it comes from.
#[derive(Debug, Clone, Copy)]
pub struct Tool {
    name: &'static str,
    package: &'static str,
}

/// Verilog to C++.
pub const VERILATOR: Tool = Tool { name: "verilator", package: "verilator" };
/// C++ to objects and shared objects.
pub const COMPILER: Tool = Tool { name: "g++", package: "g++" };
/// The same; what it makes of a large model is faster.
pub const CLANG: Tool = Tool { name: "clang++", package: "clang" };
/// Objects to an archive.
pub const ARCHIVER: Tool = Tool { name: "ar", package: "binutils" };

impl Tool {
    /// The program's name.
    pub fn name(self) -> &'static str {
        self.name
    }

    /// Whether the program can be run.
    pub fn is_installed(self) -> bool {
        self.run(Path::new("."), ["--version"]).is_ok()
    }

    /// Runs the program in `directory` and gives what it wrote to standard output.
    ///
    /// # Errors
    /// [`Error::ToolMissing`] or [`Error::ToolFailed`].
    pub fn run<I, S>(self, directory: &Path, arguments: I) -> Result<String, Error>
    where
        I: IntoIterator<Item = S>,
        S: AsRef<std::ffi::OsStr>,
    {
        let run = Command::new(self.name).args(arguments).current_dir(directory).output();
        let output = run.map_err(|source| match source.kind() {
            io::ErrorKind::NotFound if directory.is_dir() => Error::ToolMissing { tool: self.name, package: self.package },
            _ => Error::Io { verb: "run a program in", path: directory.to_owned(), source },
        })?;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        if output.status.success() {
            return Ok(text);
        }
        let all = text + &String::from_utf8_lossy(&output.stderr);
        let lines: Vec<&str> = all.lines().collect();
        Err(Error::ToolFailed {
            tool: self.name,
            directory: directory.to_owned(),
            status: output.status,
            output: lines[lines.len().saturating_sub(OUTPUT_LINES)..].join("\n"),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_program_is_named_with_its_debian_package() {
        let tool = Tool { name: "no-such-program", package: "some-package" };
        let error = tool.run(Path::new("."), ["--version"]).expect_err("there is no such program");
        assert_eq!(error.to_string(), "run no-such-program: not found; on Debian: apt-get install some-package");
    }

    #[test]
    fn a_failing_program_is_quoted() {
        let error = COMPILER.run(Path::new("."), ["no-such-file.cpp"]).expect_err("there is no such file");
        assert!(error.to_string().contains("no-such-file.cpp"), "{error}");
    }
}
