//! Verilog to C++ to objects.
//!
//! Each model is compiled as one unit, so the compiler sees all of it; Verilator's own run-time library is compiled once and
//! shared. Nothing here depends on Verilator's makefiles, whose options differ between versions.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use crate::error::Error;
use crate::memories::parse_root_header;
use crate::ports::parse_header;
use crate::shim;
use crate::source::{Effort, Source, Trace};
use crate::tool::{CLANG, COMPILER, Tool, VERILATOR};

/// What Verilator is told of every model.
const VERILATE: [&str; 10] = [
    "--cc",
    "-O3",
    "--x-assign",
    "fast",
    "--x-initial",
    "fast",
    "--noassert",
    // Widths are rust-hdl's business (its guards look at them); everything else Verilator says is an error.
    "-Wno-WIDTH",
    "-Wno-UNOPTFLAT",
    "-Wno-CASEINCOMPLETE",
];

/// What the compiler is told of every unit, beside how much to optimise and where headers are.
const COMPILE: [&str; 6] = [
    "-std=gnu++17",
    "-fPIC",
    // Several models live in one process, each with its own copy of the run-time library: keep them apart.
    "-fvisibility=hidden",
    "-fvisibility-inlines-hidden",
    "-fno-stack-protector",
    "-w",
];

/// What the compiler is told of the run-time library.
const RUNTIME: &str = "-O2";

/// How much the compiler is told to optimise a model.
fn optimise(effort: Effort) -> &'static str {
    match effort {
        Effort::Quick => "-O1",
        Effort::Full => "-O3",
    }
}

/// All that decides, beside its source and Verilator's version, what becomes of a model.
pub fn recipe(effort: Effort) -> String {
    format!("{VERILATE:?}\n{} {COMPILE:?} {}", compiler(effort).name(), optimise(effort))
}

/// All that decides, beside Verilator's version and the kind of waveform, what becomes of the run-time library.
pub fn runtime_recipe() -> String {
    format!("{} {COMPILE:?} {RUNTIME}", COMPILER.name())
}

/// What the installed Verilator is: part of every cache key, and where its headers are.
#[derive(Debug, Clone)]
pub struct Verilator {
    /// `Verilator 5.006 2023-01-22 …`
    pub version: String,
    include: PathBuf,
}

impl Verilator {
    /// Asks the installed Verilator, once a process.
    ///
    /// # Errors
    /// As [`Tool::run`](crate::tool::Tool::run).
    pub fn installed() -> Result<Self, Error> {
        static INSTALLED: OnceLock<Verilator> = OnceLock::new();
        if let Some(found) = INSTALLED.get() {
            return Ok(found.clone());
        }
        let here = Path::new(".");
        let version = VERILATOR.run(here, ["--version"])?.trim().to_owned();
        let root = VERILATOR.run(here, ["--getenv", "VERILATOR_ROOT"])?;
        let found = Self { version, include: Path::new(root.trim()).join("include") };
        Ok(INSTALLED.get_or_init(|| found).clone())
    }

    /// Compiles the run-time library for models with this `trace` into `directory`; gives its objects.
    ///
    /// # Errors
    /// As [`Tool::run`](crate::tool::Tool::run).
    pub fn runtime(&self, directory: &Path, trace: Option<Trace>) -> Result<Vec<PathBuf>, Error> {
        create_dir(directory)?;
        let mut units = vec!["verilated", "verilated_threads"];
        match trace {
            Some(Trace::Vcd) => units.push("verilated_vcd_c"),
            Some(Trace::Fst) => units.push("verilated_fst_c"),
            None => {}
        }
        let mut objects = Vec::new();
        for unit in units {
            let object = format!("{unit}.o");
            let source = self.include.join(format!("{unit}.cpp"));
            self.compile(COMPILER, directory, &source, &object, trace, RUNTIME)?;
            objects.push(directory.join(object));
        }
        Ok(objects)
    }

    /// Verilates `source` in `directory` and compiles it with its shim; gives the one object.
    ///
    /// # Errors
    /// As [`Tool::run`](crate::tool::Tool::run); [`Error::NoPorts`] if the header cannot be read.
    pub fn model(&self, directory: &Path, source: &Source) -> Result<PathBuf, Error> {
        create_dir(directory)?;
        let class = shim::class_name(&source.name);
        let input = format!("{}.v", source.name);
        write(&directory.join(&input), &source.verilog)?;

        let mut arguments = VERILATE.to_vec();
        match source.trace {
            Some(Trace::Vcd) => arguments.extend(["--trace", "--trace-structs"]),
            Some(Trace::Fst) => arguments.extend(["--trace-fst", "--trace-structs"]),
            None => {}
        }
        arguments.extend(["--top-module", &source.top, "--prefix", &class, "--Mdir", ".", &input]);
        VERILATOR.run(directory, arguments)?;

        let header = directory.join(format!("{class}.h"));
        let ports = parse_header(&read(&header)?);
        if ports.is_empty() {
            return Err(Error::NoPorts { top: source.top.clone(), header });
        }
        let root = read(&directory.join(format!("{class}___024root.h")))?;
        let memories = parse_root_header(&root, &source.top);
        write(&directory.join("shim.cpp"), &shim::generate(source, &ports, &memories))?;
        write(&directory.join("unit.cpp"), &unity(directory, &class)?)?;
        self.compile(
            compiler(source.effort),
            directory,
            Path::new("unit.cpp"),
            "model.o",
            source.trace,
            optimise(source.effort),
        )?;
        Ok(directory.join("model.o"))
    }

    fn compile(
        &self,
        compiler: Tool,
        directory: &Path,
        source: &Path,
        object: &str,
        trace: Option<Trace>,
        optimise: &str,
    ) -> Result<(), Error> {
        let flag = |name: &str, on: bool| format!("-D{name}={}", u8::from(on));
        let include = format!("-I{}", self.include.display());
        let vltstd = format!("-I{}", self.include.join("vltstd").display());
        let arguments = [
            "-I.",
            &include,
            &vltstd,
            &flag("VM_COVERAGE", false),
            &flag("VM_SC", false),
            &flag("VM_TRACE", trace.is_some()),
            &flag("VM_TRACE_VCD", trace == Some(Trace::Vcd)),
            &flag("VM_TRACE_FST", trace == Some(Trace::Fst)),
            "-c",
            &source.display().to_string(),
            "-o",
            object,
        ]
        .map(str::to_owned);
        // Said to g++ for the same reason; clang makes no such symbols and does not know the option.
        let no_unique = (compiler.name() == COMPILER.name()).then(|| "-fno-gnu-unique".to_owned());
        let fixed = COMPILE.iter().copied().chain([optimise]).map(str::to_owned);
        let arguments = fixed.chain(arguments).chain(no_unique);
        compiler.run(directory, arguments).map(drop)
    }
}

/// What compiles a model. Full effort wants clang, whose model of the engine is a seventh faster; without it g++ does.
pub fn compiler(effort: Effort) -> Tool {
    static CLANG_IS_INSTALLED: OnceLock<bool> = OnceLock::new();
    match effort {
        Effort::Full if *CLANG_IS_INSTALLED.get_or_init(|| CLANG.is_installed()) => CLANG,
        Effort::Full | Effort::Quick => COMPILER,
    }
}

/// Libraries the linker needs beside the objects of a model with this `trace`.
pub fn system_libraries(trace: Option<Trace>) -> Vec<&'static str> {
    // clang calls libatomic where g++ does without.
    let mut libraries = vec!["stdc++", "pthread", "atomic"];
    if trace == Some(Trace::Fst) {
        libraries.push("z");
    }
    libraries
}

/// A unit that includes all Verilator wrote, and the shim.
fn unity(directory: &Path, class: &str) -> Result<String, Error> {
    let mut files = Vec::new();
    let entries = fs::read_dir(directory).map_err(Error::io("list", directory))?;
    for entry in entries {
        let name = entry.map_err(Error::io("list", directory))?.file_name().to_string_lossy().into_owned();
        if name.starts_with(class) && name.ends_with(".cpp") {
            files.push(name);
        }
    }
    files.sort();
    files.push("shim.cpp".into());
    Ok(files.iter().map(|name| format!("#include \"{name}\"\n")).collect())
}

pub(crate) fn create_dir(path: &Path) -> Result<(), Error> {
    fs::create_dir_all(path).map_err(Error::io("create directory", path))
}

pub(crate) fn write(path: &Path, text: &str) -> Result<(), Error> {
    fs::write(path, text).map_err(Error::io("write", path))
}

fn read(path: &Path) -> Result<String, Error> {
    fs::read_to_string(path).map_err(Error::io("read", path))
}
