//! Verilates the engines and links them in; writes what they are for `model.rs`.

use std::env;
use std::error::Error;
use std::fmt::Write;
use std::fs;
use std::path::PathBuf;

use fpgaflow_hdl::engine::{Engine64, Engine512, GEOMETRY_64, GEOMETRY_512, engine64, engine512};
use fpgaflow_verilate::{Source, build_static};

fn main() -> Result<(), Box<dyn Error>> {
    let out = PathBuf::from(env::var_os("OUT_DIR").ok_or("cargo sets OUT_DIR")?);
    let engines = [
        ("engine64", fpgaflow_hdl::emit::emit(Engine64::default(), "engine")?),
        ("engine512", fpgaflow_hdl::emit::emit(Engine512::default(), "engine")?),
    ]
    .map(|(name, verilog)| {
        let mut engine = Source::new(verilog, "engine").with_full_effort();
        engine.name = name.to_owned();
        engine
    });
    for directive in build_static(&out, &engines, None)?.cargo_directives() {
        println!("{directive}");
    }
    let mut builds = String::new();
    for (name, geometry, store_bytes, store_frames) in [
        ("BUILD_64", GEOMETRY_64, engine64::HostRx::STORE_BYTES, engine64::HostRx::STORE_FRAMES),
        ("BUILD_512", GEOMETRY_512, engine512::HostRx::STORE_BYTES, engine512::HostRx::STORE_FRAMES),
    ] {
        // A geometry's Debug form is the expression that makes it.
        writeln!(
            builds,
            "const {name}: Build = Build {{ geometry: {geometry:?}, host_store_bytes: {store_bytes}, host_store_frames: {store_frames} }};"
        )?;
    }
    fs::write(out.join("builds.rs"), builds)?;
    // The engines' source comes in by the dependency; cargo rebuilds and reruns this when it changes.
    println!("cargo::rerun-if-changed=build.rs");
    Ok(())
}
