//! The machine: QEMU as Debian builds it, run from where it was unpacked.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use fpgaflow_abi::pci::{DEVICE_ID, VENDOR_ID};
use serde_json::json;

use super::debian::Debian;
use super::process::Running;
use crate::run;

/// The first version with vfio-user-pci.
const MIN_VERSION: (u32, u32) = (10, 1);
/// The guest's memory.
const MEMORY: &str = "1G";
/// Longest that QEMU waits for an answer of the card, in ms: a busy host is no reason to take the card away.
const ANSWER_MS: u32 = 60_000;
/// What the guest's kernel says, in the directory of logs.
const CONSOLE: &str = "console.log";
/// What the guest's first process says, likewise.
const FACTS: &str = "guest.log";

/// QEMU.
pub struct Qemu {
    root: PathBuf,
    version: String,
}

impl Qemu {
    /// Looks at the QEMU that was fetched, which must be new enough.
    pub fn new(debian: &Debian) -> Result<Self> {
        let mut qemu = Self { root: debian.root.clone(), version: String::new() };
        let said = run::output(qemu.command().arg("--version"))?;
        qemu.version = said.lines().next().unwrap_or_default().to_owned();
        let found = version(&qemu.version).with_context(|| format!("{said:?} tells no version of QEMU"))?;
        ensure!(found >= MIN_VERSION, "QEMU {MIN_VERSION:?} or later is needed for vfio-user-pci; this is {}", qemu.version);
        Ok(qemu)
    }

    /// What it calls itself.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// Its libraries are its own, not this system's.
    fn command(&self) -> Command {
        let usr = self.root.join("usr");
        let mut command = Command::new(usr.join("lib64/ld-linux-x86-64.so.2"));
        command.arg("--library-path").arg(usr.join("lib/x86_64-linux-gnu")).arg(usr.join("bin/qemu-system-x86_64"));
        command
    }

    /// Starts a guest that has the card on `socket`. The lines are those of its first process.
    ///
    /// There is no hardware virtualisation: it would be faster, but not everywhere. Memory is shared, for the card's process reads and
    /// writes it; caching mode makes the IOMMU tell QEMU of every mapping, which tells the card of it.
    pub fn start(&self, kernel: &Path, initramfs: &Path, socket: &Path, logs: &Path) -> Result<Running> {
        let share = self.root.join("usr/share");
        let card = json!({
            "driver": "vfio-user-pci",
            "socket": { "type": "unix", "path": socket },
            "x-msg-timeout": ANSWER_MS,
            "bus": "port0",
        });
        let mut command = self.command();
        command.arg("-L").arg(share.join("qemu")).arg("-L").arg(share.join("seabios"));
        command.args(["-nodefaults", "-no-user-config", "-no-reboot", "-display", "none", "-accel", "tcg", "-cpu", "max"]);
        command.args(["-machine", "q35,kernel-irqchip=split,memory-backend=memory", "-m", MEMORY]);
        command.args(["-object", &format!("memory-backend-memfd,id=memory,size={MEMORY},share=on")]);
        command.args(["-device", "intel-iommu,intremap=on,caching-mode=on"]);
        command.args(["-device", "pcie-root-port,id=port0,slot=1", "-device", &card.to_string()]);
        command.arg("-serial").arg(format!("file:{}", logs.join(CONSOLE).display()));
        command.args(["-serial", "stdio"]);
        command.arg("-kernel").arg(kernel).arg("-initrd").arg(initramfs).arg("-append");
        // What the kernel does not know becomes the environment of the first process.
        command.arg(format!("console=ttyS0 panic=-1 intel_iommu=on card_vendor={VENDOR_ID:#06x} card_device={DEVICE_ID:#06x}"));
        Running::start_by_stdout(command, &logs.join(FACTS))
    }
}

/// The end of what the guest's kernel said.
pub fn console(logs: &Path) -> String {
    const LINES: usize = 40;
    let said = std::fs::read(logs.join(CONSOLE)).unwrap_or_default();
    let said = String::from_utf8_lossy(&said);
    let lines: Vec<&str> = said.lines().collect();
    lines[lines.len().saturating_sub(LINES)..].join("\n")
}

/// Major and minor of `QEMU emulator version 11.1.3 (...)`.
fn version(line: &str) -> Option<(u32, u32)> {
    let number = line.strip_prefix("QEMU emulator version ")?.split(' ').next()?;
    let mut parts = number.split('.').map(|part| part.parse().ok());
    Some((parts.next()??, parts.next()??))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_compared_as_numbers() {
        assert_eq!(version("QEMU emulator version 11.1.3 (Debian 1:11.1.3+ds-1~bpo13+1)"), Some((11, 1)));
        assert!(version("QEMU emulator version 9.2.0").unwrap() < MIN_VERSION);
        assert!(version("QEMU emulator version 10.0.13 (Debian)").unwrap() < MIN_VERSION);
        assert_eq!(version("qemu: cannot open shared object file"), None);
    }
}
