//! For build scripts: models as archives to be linked into a program.

use std::path::{Path, PathBuf};
use std::{fs, io};

use crate::cache;
use crate::compile::{Verilator, system_libraries, write};
use crate::error::Error;
use crate::source::{Source, Trace};
use crate::tool::ARCHIVER;

/// Archives and what has to be linked with them.
#[derive(Debug, Clone)]
pub struct StaticLibraries {
    directory: PathBuf,
    archives: Vec<String>,
    system: Vec<&'static str>,
}

impl StaticLibraries {
    /// The lines a build script prints for cargo.
    pub fn cargo_directives(&self) -> Vec<String> {
        let mut lines = vec![format!("cargo::rustc-link-search=native={}", self.directory.display())];
        lines.extend(self.archives.iter().map(|name| format!("cargo::rustc-link-lib=static={name}")));
        lines.extend(self.system.iter().map(|name| format!("cargo::rustc-link-lib=dylib={name}")));
        lines
    }
}

/// Builds `sources` in `directory` (a build script's `OUT_DIR`); what has not changed since the last time is kept.
///
/// All models share one run-time library, so all can write the same kind of waveform: `trace` overrides what the sources say.
///
/// # Errors
/// Those of the tools and of the file system.
pub fn build_static(directory: &Path, sources: &[Source], trace: Option<Trace>) -> Result<StaticLibraries, Error> {
    let verilator = Verilator::installed()?;
    let mut archives = Vec::new();
    for source in sources {
        let source = Source { trace, ..source.clone() };
        let name = format!("fpgaflow_model_{}", source.name);
        archive(directory, &name, &cache::key(&source, &verilator.version), |work| {
            verilator.model(work, &source).map(|object| vec![object])
        })?;
        archives.push(name);
    }
    let name = "fpgaflow_verilated".to_owned();
    let key = cache::runtime_key(trace, &verilator.version);
    archive(directory, &name, &key, |work| verilator.runtime(work, trace))?;
    archives.push(name);
    Ok(StaticLibraries { directory: directory.to_owned(), archives, system: system_libraries(trace) })
}

/// Makes `lib<name>.a` from the objects `build` gives, unless the one there was made for the same `key`.
fn archive(
    directory: &Path,
    name: &str,
    key: &str,
    build: impl FnOnce(&Path) -> Result<Vec<PathBuf>, Error>,
) -> Result<(), Error> {
    let library = format!("lib{name}.a");
    let stamp = directory.join(format!("{name}.key"));
    if directory.join(&library).is_file() && fs::read_to_string(&stamp).is_ok_and(|found| found == key) {
        return Ok(());
    }
    let work = directory.join(name);
    match fs::remove_dir_all(&work) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(Error::io("remove", work)(error)),
        _ => {}
    }
    let objects = build(&work)?;
    // `ar` adds to an archive that is there.
    let path = directory.join(&library);
    if path.exists() {
        fs::remove_file(&path).map_err(Error::io("remove", &path))?;
    }
    let mut arguments = vec!["crs".to_owned(), library];
    arguments.extend(objects.iter().map(|object| object.display().to_string()));
    ARCHIVER.run(directory, arguments)?;
    write(&stamp, key)
}
