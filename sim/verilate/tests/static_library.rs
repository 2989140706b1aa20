//! What a build script gets: archives that link into a program beside each other.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::SystemTime;
use std::{fs, io};

use fpgaflow_verilate::{Error, Source, build_static};

fn adder(name: &str, step: u32) -> Source {
    let verilog = format!(
        "module {name}(input wire clock, output reg [7:0] q);\ninitial q = 0;\nalways @(posedge clock) q <= q + {step};\nendmodule\n"
    );
    Source::new(verilog, name)
}

fn fresh(name: &str) -> io::Result<PathBuf> {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    if path.exists() {
        fs::remove_dir_all(&path)?;
    }
    fs::create_dir_all(&path)?;
    Ok(path)
}

fn built_at(directory: &Path, model: &str) -> SystemTime {
    let path = directory.join(format!("libfpgaflow_model_{model}.a"));
    fs::metadata(path).and_then(|meta| meta.modified()).expect("the archive is there")
}

/// Two models in one program is what the 64-bit and the 512-bit card are.
#[test]
fn two_models_link_into_one_program() -> Result<(), Box<dyn std::error::Error>> {
    let directory = fresh("two_models")?;
    let libraries = build_static(&directory, &[adder("step1", 1), adder("step3", 3)], None)?;
    let program = "extern \"C\" const unsigned* fpgaflow_model_step1();\nextern \"C\" const unsigned* fpgaflow_model_step3();\n\
                   int main() { return fpgaflow_model_step1()[1] == 2 && fpgaflow_model_step3()[1] == 2 ? 0 : 1; }\n";
    fs::write(directory.join("main.cpp"), program)?;
    let mut link = Command::new("g++");
    link.current_dir(&directory).args(["main.cpp", "-o", "main", "-L."]);
    for line in libraries.cargo_directives() {
        if let Some(library) = line.rsplit_once("rustc-link-lib=").and_then(|(_, what)| what.split_once('=')) {
            link.arg(format!("-l{}", library.1));
        }
    }
    assert!(link.status()?.success());
    assert!(Command::new(directory.join("main")).status()?.success(), "both models have two ports");
    Ok(())
}

#[test]
fn only_what_changed_is_built_again() -> Result<(), Error> {
    let directory = fresh("rebuild").map_err(|source| Error::Io { verb: "make", path: "rebuild".into(), source })?;
    build_static(&directory, &[adder("kept", 1), adder("changed", 1)], None)?;
    let before = (built_at(&directory, "kept"), built_at(&directory, "changed"));
    build_static(&directory, &[adder("kept", 1), adder("changed", 2)], None)?;
    assert_eq!(built_at(&directory, "kept"), before.0);
    assert_ne!(built_at(&directory, "changed"), before.1);
    Ok(())
}
