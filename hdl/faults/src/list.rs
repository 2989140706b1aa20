//! The list of faults that the tests are to find: `faults.toml`.

use std::path::{Path, PathBuf};
use std::{fs, io};

use serde::Deserialize;

use crate::Change;

/// A fault, and where the tests are that are to find it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// What is wrong with the block, in a few words; no two are the same.
    pub name: String,
    /// File of `hdl/src` whose block has it.
    pub block: String,
    /// Test target of `fpgaflow-hdl` that is to find it.
    pub target: String,
    /// What the names of the tests that run first have in them; all of the target run when these find nothing.
    pub tests: String,
    /// What stands in the emitted Verilog, once.
    pub find: String,
    /// What stands there with the fault.
    pub replace: String,
}

impl Fault {
    /// The change of the Verilog.
    pub fn change(&self) -> Change {
        Change { find: self.find.clone(), replace: self.replace.clone() }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    fault: Vec<Fault>,
}

/// The list cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ListError {
    /// The file cannot be read.
    #[error("read {}: {source}", .path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// It is not what a list has to be.
    #[error("read {}: {source}", .path.display())]
    Parse {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: Box<toml::de::Error>,
    },
}

/// All faults of the list.
///
/// # Errors
/// When the file cannot be read or says something else than faults.
pub fn list() -> Result<Vec<Fault>, ListError> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("faults.toml");
    let text = fs::read_to_string(&path).map_err(|source| ListError::Read { path: path.clone(), source })?;
    let file: File = toml::from_str(&text).map_err(|source| ListError::Parse { path, source: Box::new(source) })?;
    Ok(file.fault)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_fault_has_a_name_of_its_own_a_block_that_exists_and_changes_something() {
        let faults = list().expect("a list");
        let names: BTreeSet<&str> = faults.iter().map(|fault| fault.name.as_str()).collect();
        assert_eq!(names.len(), faults.len());
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("a folder above").join("src");
        for fault in &faults {
            assert!(source.join(&fault.block).is_file(), "{}: {}", fault.name, fault.block);
            assert_ne!(fault.find, fault.replace, "{}", fault.name);
        }
    }
}
