//! What runs in the guest: the release binary, and the initramfs around it.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use cpio::newc::{Builder, ModeFileType, trailer};

use super::debian::Debian;
use crate::run;

/// The target that the guest is.
const TARGET: &str = "x86_64-unknown-linux-gnu";
/// Modules that the guest's first process loads, below the directory of all.
const MODULES: &[&str] = &[
    "kernel/virt/lib/irqbypass.ko.xz",
    "kernel/drivers/vfio/vfio.ko.xz",
    "kernel/drivers/vfio/vfio_iommu_type1.ko.xz",
    "kernel/drivers/vfio/pci/vfio-pci-core.ko.xz",
    "kernel/drivers/vfio/pci/vfio-pci.ko.xz",
];
/// The guest's first process.
const INIT: &str = include_str!("init.sh");

/// Builds the release binary in `directory`, without the verilated card and without shared libraries, of which the guest has none.
pub fn build(directory: &Path) -> Result<PathBuf> {
    let mut command = run::cargo_command();
    command.args(["build", "--release", "--locked", "--package", "fpgaflow", "--target", TARGET, "--target-dir"]).arg(directory);
    run::succeed(command.env("RUSTFLAGS", "-C target-feature=+crt-static"))?;
    Ok(directory.join(TARGET).join("release/fpgaflow"))
}

/// Writes the guest's file system.
pub fn write_initramfs(path: &Path, debian: &Debian, fpgaflow: &Path) -> Result<()> {
    let file = File::create(path).with_context(|| format!("make {}", path.display()))?;
    let mut archive = Archive { out: BufWriter::new(file), next_inode: 1 };
    let mut write = || -> Result<()> {
        for directory in ["bin", "modules"] {
            archive.add(directory, ModeFileType::Directory, &[])?;
        }
        archive.add("init", ModeFileType::Regular, INIT.as_bytes())?;
        archive.copy("bin/busybox", &debian.root.join("usr/bin/busybox"))?;
        archive.copy("bin/fpgaflow", fpgaflow)?;
        for module in MODULES {
            let source = debian.modules.join(module);
            let name = source.file_name().unwrap_or_default().to_string_lossy().into_owned();
            archive.copy(&format!("modules/{name}"), &source)?;
        }
        Ok(())
    };
    write()?;
    trailer(&mut archive.out).and_then(|out| out.flush()).with_context(|| format!("write {}", path.display()))
}

/// A cpio archive as kernels take it (`driver-api/early-userspace/buffer-format.rst` of the kernel's documentation).
struct Archive {
    out: BufWriter<File>,
    next_inode: u32,
}

impl Archive {
    fn copy(&mut self, name: &str, source: &Path) -> Result<()> {
        let content = std::fs::read(source).with_context(|| format!("read {}", source.display()))?;
        self.add(name, ModeFileType::Regular, &content)
    }

    /// Everything in it may be read and run by root.
    fn add(&mut self, name: &str, kind: ModeFileType, content: &[u8]) -> Result<()> {
        let bytes = u32::try_from(content.len()).with_context(|| format!("{name} is too long for an initramfs"))?;
        let entry = Builder::new(name).ino(self.next_inode).nlink(1).mode(0o755).set_mode_file_type(kind);
        self.next_inode += 1;
        let mut writer = entry.write(&mut self.out, bytes);
        let written = writer.write_all(content).and_then(|()| writer.finish().map(drop));
        written.with_context(|| format!("write {name} to the initramfs"))
    }
}
