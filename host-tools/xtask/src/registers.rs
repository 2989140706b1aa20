//! `docs/registers.md`, generated from the ABI.

use std::fmt::Write as _;
use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use fpgaflow_abi::reason::Reason;
use fpgaflow_abi::regs::{Access, BAR_BYTES, REGISTERS};
use fpgaflow_abi::{ABI_VERSION, MAGIC};

fn path() -> PathBuf {
    crate::run::root().join("docs/registers.md")
}

/// Writes the page.
pub fn write() -> Result<()> {
    std::fs::write(path(), page()).with_context(|| format!("write {}", path().display()))
}

/// Fails when the page in the tree is not the one that the ABI gives.
pub fn check() -> Result<()> {
    let found = std::fs::read_to_string(path()).with_context(|| format!("read {}", path().display()))?;
    if found != page() {
        bail!("{} is not what the ABI says; run: cargo xtask docs", path().display());
    }
    Ok(())
}

fn page() -> String {
    let mut out = String::new();
    let version = (ABI_VERSION >> 16, ABI_VERSION & 0xffff);
    write!(
        out,
        "<!-- Generated from firmware/abi by `cargo xtask docs`. -->\n# Registers\n\n\
         BAR 0, {BAR_BYTES:#x} bytes, 32-bit little-endian accesses. ABI {}.{}, magic `{MAGIC:#010x}`.\n\n\
         | offset | name | count x stride | access | what |\n|---|---|---|---|---|\n",
        version.0, version.1
    )
    .expect("a String takes all");
    for register in REGISTERS {
        let array = if register.count == 1 { String::new() } else { format!("{} x {:#x}", register.count, register.stride) };
        let access = match register.access {
            Access::Ro => "ro",
            Access::Rw => "rw",
        };
        // Links of the source documentation mean nothing here.
        let doc = register.doc.replace(['[', ']'], "").replace("crate::", "");
        writeln!(out, "| `{:#05x}` | `{}` | {array} | {access} | {doc} |", register.offset, register.name)
            .expect("a String takes all");
    }
    out.push_str("\n# Reasons\n\nThe index of a reason's counter is its code.\n\n| code | name | becomes |\n|---|---|---|\n");
    for reason in Reason::ALL {
        writeln!(out, "| {} | `{}` | {:?} |", *reason as u8, reason.name(), reason.disposition()).expect("a String takes all");
    }
    out
}
