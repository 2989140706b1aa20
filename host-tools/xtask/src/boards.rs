//! `cargo xtask verilog`, and the integration pages of the boards: docs/boards/.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use fpgaflow_boards::{BOARDS, Board, TOP};

use crate::run;

fn page_path(board: &Board) -> PathBuf {
    run::root().join("docs/boards").join(format!("{}.md", board.name))
}

/// Writes the Verilog of the board called `name` into `out`, or where builds go.
pub fn write_verilog(name: &str, out: Option<&Path>) -> Result<()> {
    let Some(board) = Board::find(name) else {
        let names: Vec<&str> = BOARDS.iter().map(|board| board.name).collect();
        bail!("there is no board {name:?}; there are {}", names.join(", "));
    };
    let directory = out.map_or_else(|| run::target().join("boards").join(name), Path::to_path_buf);
    let export = board.export()?;
    fs::create_dir_all(&directory).with_context(|| format!("make {}", directory.display()))?;
    let path = directory.join(format!("{TOP}.v"));
    fs::write(&path, &export.verilog).with_context(|| format!("write {}", path.display()))?;
    println!(
        "{}: module {TOP}, {} ports; how to connect it: {}",
        path.display(),
        export.ports.len(),
        page_path(&board).display()
    );
    Ok(())
}

/// Writes the pages.
pub fn write_pages() -> Result<()> {
    for board in &BOARDS {
        let path = page_path(board);
        fs::create_dir_all(path.parent().unwrap_or(Path::new(".")))
            .with_context(|| format!("make the folder of {}", path.display()))?;
        fs::write(&path, board.export()?.page()).with_context(|| format!("write {}", path.display()))?;
    }
    Ok(())
}

/// Fails when a page in the tree is not the one that its board gives.
pub fn check_pages() -> Result<()> {
    for board in &BOARDS {
        let path = page_path(board);
        let found = fs::read_to_string(&path).with_context(|| format!("read {}", path.display()))?;
        if found != board.export()?.page() {
            bail!("{} is not what the board gives; run: cargo xtask docs", path.display());
        }
    }
    Ok(())
}
