//! Builds each model once: directories named by the hash of everything that decides what is in them.
//!
//! # Contract
//! A directory under its final name is complete. It is built under a name of its own and renamed, so any number of processes
//! and threads may want the same model at once. Threads of one process wait for the first; among processes the first to finish
//! wins and the others throw theirs away.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::{env, fs, process};

use sha2::{Digest, Sha256};

use crate::compile::{create_dir, recipe, runtime_recipe};
use crate::error::Error;
use crate::shim::INTERFACE_VERSION;
use crate::source::{Source, Trace};

/// Where to keep built models when the environment says otherwise than `target/verilate`.
pub const CACHE_VARIABLE: &str = "FPGAFLOW_VERILATE_CACHE";

/// The directory all models of this target directory are kept in.
pub fn directory() -> PathBuf {
    if let Some(path) = env::var_os(CACHE_VARIABLE) {
        return path.into();
    }
    // A test runs from target/<profile>/deps/, a binary from target/<profile>/.
    let exe = env::current_exe().unwrap_or_default();
    let mut profile = exe.parent();
    if profile.and_then(Path::file_name).is_some_and(|name| name == "deps") {
        profile = profile.and_then(Path::parent);
    }
    match profile.and_then(Path::parent) {
        Some(target) => target.join("verilate"),
        None => env::temp_dir().join("fpgaflow-verilate"),
    }
}

/// Everything that decides what a built model is, as one short name.
pub fn key(source: &Source, verilator: &str) -> String {
    digest(&format!("{INTERFACE_VERSION}\n{verilator}\n{}\n{source:?}", recipe(source.effort)))
}

/// Everything that decides what a built run-time library is, as one short name.
pub fn runtime_key(trace: Option<Trace>, verilator: &str) -> String {
    digest(&format!("{verilator}\n{}\n{trace:?}", runtime_recipe()))
}

/// The first half of a SHA-256, in hexadecimal.
fn digest(text: &str) -> String {
    let hash = Sha256::digest(text.as_bytes());
    hash[..16].iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Gives `cache/name`, built by `build` in a directory of its own unless it is there already.
///
/// # Errors
/// Those of `build`, and [`Error::Io`].
pub fn get_or_build(cache: &Path, name: &str, build: impl FnOnce(&Path) -> Result<(), Error>) -> Result<PathBuf, Error> {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let wanted = cache.join(name);
    let turn = turn_for(&wanted);
    let _turn = turn.lock().unwrap_or_else(PoisonError::into_inner);
    if wanted.is_dir() {
        return Ok(wanted);
    }
    create_dir(cache)?;
    let own = cache.join(format!("{name}.{}.{}", process::id(), NEXT.fetch_add(1, Ordering::Relaxed)));
    create_dir(&own)?;
    build(&own)?;
    if let Err(error) = fs::rename(&own, &wanted) {
        if !wanted.is_dir() {
            return Err(Error::io("rename into the cache", own)(error));
        }
        fs::remove_dir_all(&own).map_err(Error::io("remove", &own))?;
    }
    Ok(wanted)
}

/// The lock that lets one thread of this process build `path` while the others wait.
fn turn_for(path: &Path) -> Arc<Mutex<()>> {
    static TURNS: Mutex<Option<HashMap<PathBuf, Arc<Mutex<()>>>>> = Mutex::new(None);
    let mut turns = TURNS.lock().unwrap_or_else(PoisonError::into_inner);
    turns.get_or_insert_default().entry(path.to_owned()).or_default().clone()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_changes_the_model_changes_its_key() {
        let base = Source::new("module m; endmodule", "m");
        let keys = [
            key(&base, "5.006"),
            key(&base, "5.048"),
            key(&Source::new("module m; wire a; endmodule", "m"), "5.006"),
            key(&base.clone().with_full_effort(), "5.006"),
            key(&base.with_trace(crate::Trace::Vcd), "5.006"),
        ];
        for (i, a) in keys.iter().enumerate() {
            assert!(!keys[..i].contains(a), "{keys:?}");
        }
    }
}
