//! A property as its file states it.
//!
//! ```text
//! // What is shown, in words, to the first line with nothing in it.
//! //
//! // block: the block it is shown of (`blocks`)
//! // depth: steps in which the mutant is caught; without an induction also those in which the property is shown
//! // induction: clocks of the induction, when there is one
//! // cases: how many parts the proof is in, when it is: each has CASE defined as its number, from 0
//! // long: minutes that the proof takes, when it takes more than a few seconds
//! // mutant: what is wrong with the mutant, in words
//! // find: what stands in the block's Verilog, or in `lib/`, once; \n is a line's end
//! // replace: what stands there in the mutant
//! module proof(...); ... endmodule
//! ```
//! Assertions between `` `ifdef INVARIANTS`` and its end are there for the induction alone: of a mutant they are left out, so that it is
//! the property that catches it.

use std::fs;
use std::path::{Path, PathBuf};

use fpgaflow_faults::Change;

use crate::error::Error;

/// One proof.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Property {
    /// The file's name.
    pub name: String,
    /// What is shown.
    pub claim: String,
    /// Of which block.
    pub block: String,
    /// Steps of the search for the mutant, and of the proof when it is bounded.
    pub depth: u32,
    /// Clocks of the induction; `None` for a bounded proof.
    pub induction: Option<u32>,
    /// Parts of the proof; `None` for one in one.
    pub cases: Option<u32>,
    /// Minutes that the proof takes, about; `None` for seconds.
    pub long: Option<u32>,
    /// What is wrong with the mutant.
    pub mutant: String,
    /// What makes the mutant.
    pub change: Change,
    /// The file's text.
    pub text: String,
}

/// Where the files are.
fn directory() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("properties")
}

/// All properties, by name.
///
/// # Errors
/// [`Error::Io`], and [`Error::Head`] for a file that does not say what it has to.
pub fn properties() -> Result<Vec<Property>, Error> {
    verilog_files(&directory())?.iter().map(|path| read(path).and_then(|text| parse(path, text))).collect()
}

/// What all properties may use.
pub(crate) fn library() -> Result<String, Error> {
    verilog_files(&directory().join("lib"))?.iter().map(|path| read(path)).collect()
}

fn verilog_files(directory: &Path) -> Result<Vec<PathBuf>, Error> {
    let failed = |source| Error::Io { verb: "list", path: directory.to_owned(), source };
    let entries = fs::read_dir(directory).map_err(failed)?.map(|entry| entry.map(|entry| entry.path()));
    let mut paths = entries.collect::<Result<Vec<_>, _>>().map_err(failed)?;
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "sv"));
    paths.sort();
    Ok(paths)
}

fn read(path: &Path) -> Result<String, Error> {
    fs::read_to_string(path).map_err(|source| Error::Io { verb: "read", path: path.to_owned(), source })
}

fn parse(path: &Path, text: String) -> Result<Property, Error> {
    let head = || text.lines().map_while(|line| line.strip_prefix("//")).map(str::trim);
    let value = |key: &'static str| {
        let line = head().find_map(|line| line.strip_prefix(key)?.strip_prefix(": "));
        line.map(|value| value.replace("\\n", "\n")).ok_or(Error::Head { path: path.to_owned(), key })
    };
    let number = |key: &'static str| value(key)?.parse().map_err(|_| Error::Head { path: path.to_owned(), key });
    let optional = |key: &'static str| if value(key).is_ok() { number(key).map(Some) } else { Ok(None) };
    Ok(Property {
        name: path.file_stem().unwrap_or_default().to_string_lossy().into_owned(),
        claim: head().take_while(|line| !line.is_empty()).collect::<Vec<_>>().join(" "),
        block: value("block")?,
        depth: number("depth")?,
        induction: optional("induction")?,
        cases: optional("cases")?,
        long: optional("long")?,
        mutant: value("mutant")?,
        change: Change { find: value("find")?, replace: value("replace")? },
        text,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::blocks;

    #[test]
    fn every_property_names_a_block_and_every_block_has_a_property() {
        let properties = properties().expect("every file is one");
        for property in &properties {
            assert!(blocks::BLOCKS.iter().any(|(name, _)| *name == property.block), "{}: {}", property.name, property.block);
            assert!(property.induction.is_none_or(|clocks| clocks >= 1) && property.depth >= 1, "{}", property.name);
        }
        for (block, _) in blocks::BLOCKS {
            assert!(properties.iter().any(|property| property.block == *block), "{block}");
        }
    }

    #[test]
    fn the_page_says_of_every_property_what_it_shows_and_how() {
        let page = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).expect("two folders above").join("docs/proofs.md");
        let page = read(&page).expect("there is a page");
        for Property { name, claim, induction, depth, .. } in properties().expect("every file is one") {
            let method = induction.map_or(format!("bounded, {depth} clocks"), |clocks| format!("induction, {clocks}"));
            let row = format!("| `{name}` | {method} | {claim} |");
            assert!(page.contains(&row), "docs/proofs.md has no row\n{row}");
        }
    }

    #[test]
    fn a_head_without_a_line_is_refused_by_its_name() {
        let error = parse(Path::new("x.sv"), "// A claim.\n//\n// block: skid\n// depth: 3\n".into()).expect_err("no mutant");
        assert_eq!(error.to_string(), "x.sv: no usable line `// mutant: ...` in its head");
    }
}
