//! Verilates the engine and links it in; writes its geometry for `model.rs`.

use std::env;
use std::error::Error;
use std::fs;
use std::path::PathBuf;

use fpgaflow_hdl::engine::{Engine64, GEOMETRY_64};
use fpgaflow_hdl::tx::HostRx64;
use fpgaflow_verilate::{Source, build_static};

fn main() -> Result<(), Box<dyn Error>> {
    let out = PathBuf::from(env::var_os("OUT_DIR").ok_or("cargo sets OUT_DIR")?);
    let verilog = fpgaflow_hdl::emit::emit(Engine64::default(), "engine")?;
    let mut engine = Source::new(verilog, "engine").with_full_effort();
    engine.name = "engine64".to_owned();
    for directive in build_static(&out, &[engine], None)?.cargo_directives() {
        println!("{directive}");
    }
    // A geometry's Debug form is the expression that makes it.
    let geometry = format!(
        "/// What the linked engine is built as.\npub const GEOMETRY: Geometry = {GEOMETRY_64:?};\n\
         const HOST_STORE_BYTES: usize = {};\nconst HOST_STORE_FRAMES: usize = {};\n",
        HostRx64::STORE_BYTES,
        HostRx64::STORE_FRAMES
    );
    fs::write(out.join("geometry.rs"), geometry)?;
    // The engine's source comes in by the dependency; cargo rebuilds and reruns this when it changes.
    println!("cargo::rerun-if-changed=build.rs");
    Ok(())
}
