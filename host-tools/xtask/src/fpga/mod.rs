//! What the open tools make of a board's engine: `cargo xtask pnr`, `cargo xtask synth`, and the page with what they came to.

mod block;
mod fan_out;
mod harness;
mod page;
mod pnr;
mod report;
mod route;
mod synth;
mod tools;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use fpgaflow_boards::{BOARDS, Board, Family};
use serde::Serialize;
use serde::de::DeserializeOwned;

pub use page::{check, write};
pub use pnr::{Pnr, pnr};
pub use synth::{Synth, synth};

use crate::run;

/// The board called `name`, whose device is of `family`.
fn board(name: &str, family: Family) -> Result<Board> {
    let has = |board: &&Board| board.device.family == family;
    let Some(board) = BOARDS.iter().filter(has).find(|board| board.name == name) else {
        let names: Vec<&str> = BOARDS.iter().filter(has).map(|board| board.name).collect();
        bail!("{name:?} is no board for this; there are {}", names.join(", "));
    };
    Ok(*board)
}

/// An empty directory for a run's files, under `target/`.
fn directory(task: &str, board: &Board) -> Result<PathBuf> {
    let directory = run::target().join(task).join(board.name);
    if directory.exists() {
        fs::remove_dir_all(&directory).with_context(|| format!("remove {}", directory.display()))?;
    }
    fs::create_dir_all(&directory).with_context(|| format!("make {}", directory.display()))?;
    Ok(directory)
}

fn write_file(path: &Path, text: &str) -> Result<()> {
    fs::write(path, text).with_context(|| format!("write {}", path.display()))
}

fn read_file(path: &Path) -> Result<String> {
    fs::read_to_string(path).with_context(|| format!("read {}", path.display()))
}

/// Where the last result of a board is kept, for the page.
fn result_path(board: &Board) -> PathBuf {
    run::root().join("firmware/boards/results").join(format!("{}.json", board.name))
}

fn keep<T: Serialize>(board: &Board, result: &T) -> Result<()> {
    let path = result_path(board);
    fs::create_dir_all(path.parent().unwrap_or(Path::new(".")))
        .with_context(|| format!("make the folder of {}", path.display()))?;
    write_file(&path, &(serde_json::to_string_pretty(result)? + "\n"))?;
    eprintln!("kept in {}; cargo xtask docs puts it into the page", path.display());
    Ok(())
}

/// The result that is kept of a board, if there is one.
fn kept<T: DeserializeOwned>(board: &Board) -> Result<Option<T>> {
    let path = result_path(board);
    if !path.exists() {
        return Ok(None);
    }
    serde_json::from_str(&read_file(&path)?).map(Some).with_context(|| format!("read {}", path.display()))
}
