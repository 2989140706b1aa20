//! What yosys makes of a block: no latch, nothing undriven, no loop, and the RAMs that were planned.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

/// Lines of a failed run's output that are kept: the last ones say why.
const OUTPUT_LINES: usize = 30;

/// Why a block did not pass.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// yosys is not installed.
    #[error("run yosys: not found; on Debian: apt-get install yosys")]
    Missing,
    /// A file could not be used.
    #[error("{verb} {}: {source}", .path.display())]
    Io {
        /// What was tried.
        verb: &'static str,
        /// On what.
        path: PathBuf,
        /// Why it failed.
        source: io::Error,
    },
    /// yosys refused the Verilog, or `check -assert` found a loop, a conflict or something undriven.
    #[error("synthesise {top} in {}:\n{output}", .directory.display())]
    Refused {
        /// The top module.
        top: String,
        /// Where the Verilog is.
        directory: PathBuf,
        /// The last lines of the output.
        output: String,
    },
    /// Some bits keep their value without a clock.
    #[error("synthesise {top}: {count} latches, in {}", .directory.display())]
    Latches {
        /// The top module.
        top: String,
        /// Where the Verilog is.
        directory: PathBuf,
        /// `$dlatch` cells.
        count: usize,
    },
    /// Another number of memories, or of bits in them, than was planned.
    #[error("synthesise {top}: planned {planned:?}, found {found:?}")]
    Memories {
        /// The top module.
        top: String,
        /// What the test says.
        planned: Expect,
        /// What yosys says.
        found: Memories,
    },
}

/// What a block is planned to need.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Expect {
    rams: usize,
    bits: Option<usize>,
}

impl Expect {
    /// `count` memories, of any size.
    pub fn rams(count: usize) -> Self {
        Self { rams: count, bits: None }
    }

    /// The same memories with `bits` bits in all.
    #[must_use]
    pub fn with_bits(self, bits: usize) -> Self {
        Self { bits: Some(bits), ..self }
    }
}

/// The memories yosys found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Memories {
    /// How many.
    pub count: usize,
    /// Bits in all of them.
    pub bits: usize,
}

/// Synthesises `verilog` as far as cells that are still independent of a device.
///
/// # Errors
/// One [`Error`] variant for each way to fail; the Verilog stays where the error says.
pub fn check_synth(verilog: &str, top: &str, expect: Expect) -> Result<Memories, Error> {
    let directory = work_directory(top)?;
    write(&directory.join("top.v"), verilog)?;
    let script = format!(
        "read_verilog top.v; hierarchy -check -top {top}; proc; flatten; opt_clean; check -assert; \
         tee -q -o stat.txt stat; tee -q -o latches.txt select -count t:$dlatch t:$_DLATCH* t:$dlatchsr t:$adlatch"
    );
    run_yosys(&directory, top, &script)?;
    let stat = read(&directory.join("stat.txt"))?;
    let memories = Memories { count: figure(&stat, "Number of memories:"), bits: figure(&stat, "Number of memory bits:") };
    let latches = first_number(&read(&directory.join("latches.txt"))?);
    if latches > 0 {
        return Err(Error::Latches { top: top.into(), directory, count: latches });
    }
    if memories.count != expect.rams || expect.bits.is_some_and(|bits| bits != memories.bits) {
        return Err(Error::Memories { top: top.into(), planned: expect, found: memories });
    }
    remove(&directory)?;
    Ok(memories)
}

/// Counts the cells of one type, such as `DP16KD`, that `synth` (such as `synth_ecp5`) makes of `verilog`.
///
/// # Errors
/// As [`check_synth`].
pub fn count_cells(verilog: &str, top: &str, synth: &str, cell: &str) -> Result<usize, Error> {
    let directory = work_directory(top)?;
    write(&directory.join("top.v"), verilog)?;
    let script = format!("read_verilog top.v; {synth} -top {top}; tee -q -o count.txt select -count t:{cell}");
    run_yosys(&directory, top, &script)?;
    let count = first_number(&read(&directory.join("count.txt"))?);
    remove(&directory)?;
    Ok(count)
}

/// Proves that two texts with a module `top` do the same in every clock, whatever their registers hold: both have the same registers.
/// Without memories, or with small ones.
///
/// # Errors
/// As [`check_synth`]; [`Error::Refused`] also when there is a signal that is not proven to be the same.
pub fn check_equivalent(gold: &str, gate: &str, top: &str) -> Result<(), Error> {
    let directory = work_directory(top)?;
    let mut script = String::new();
    for (name, verilog) in [("gold", gold), ("gate", gate)] {
        write(&directory.join(format!("{name}.v")), verilog)?;
        script += &format!(
            "read_verilog {name}.v; hierarchy -check -top {top}; proc; flatten; memory; opt_clean; rename {top} {name}; \
             design -stash {name}; "
        );
    }
    script += "design -copy-from gold -as gold gold; design -copy-from gate -as gate gate; equiv_make gold gate equiv; \
               hierarchy -top equiv; equiv_simple; equiv_induct; equiv_status -assert";
    run_yosys(&directory, top, &script)?;
    remove(&directory)
}

fn run_yosys(directory: &Path, top: &str, script: &str) -> Result<(), Error> {
    let run = Command::new("yosys").args(["-q", "-p", script]).current_dir(directory).output();
    let output = run.map_err(|source| match source.kind() {
        io::ErrorKind::NotFound => Error::Missing,
        _ => Error::Io { verb: "run yosys in", path: directory.to_owned(), source },
    })?;
    if output.status.success() {
        return Ok(());
    }
    let text = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    let lines: Vec<&str> = text.lines().collect();
    Err(Error::Refused {
        top: top.into(),
        directory: directory.to_owned(),
        output: lines[lines.len().saturating_sub(OUTPUT_LINES)..].join("\n"),
    })
}

/// A directory of its own for each run.
fn work_directory(top: &str) -> Result<PathBuf, Error> {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let unique = format!("fpgaflow-synth-{top}-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
    let path = std::env::temp_dir().join(unique);
    fs::create_dir_all(&path).map_err(|source| Error::Io { verb: "create directory", path: path.clone(), source })?;
    Ok(path)
}

fn write(path: &Path, text: &str) -> Result<(), Error> {
    fs::write(path, text).map_err(|source| Error::Io { verb: "write", path: path.to_owned(), source })
}

fn read(path: &Path) -> Result<String, Error> {
    fs::read_to_string(path).map_err(|source| Error::Io { verb: "read", path: path.to_owned(), source })
}

fn remove(path: &Path) -> Result<(), Error> {
    fs::remove_dir_all(path).map_err(|source| Error::Io { verb: "remove", path: path.to_owned(), source })
}

/// The number behind `label` in the last table of `stat` (with a hierarchy there is one a module).
fn figure(stat: &str, label: &str) -> usize {
    stat.lines().rev().find_map(|line| line.trim().strip_prefix(label)).map_or(0, first_number)
}

fn first_number(text: &str) -> usize {
    let digits: String = text.chars().skip_while(|c| !c.is_ascii_digit()).take_while(char::is_ascii_digit).collect();
    digits.parse().unwrap_or(0)
}
