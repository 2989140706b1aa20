//! `cargo xtask test-vm`: the driver that ships drives a PCI card through the kernel's VFIO.
//!
//! ```text
//!   fpgaflow sim serve --cable <---vfio-user---> QEMU: vfio-user-pci behind an emulated IOMMU
//!     the verilated RTL                            Debian guest kernel: vfio-pci
//!                                                    fpgaflow check --card pci:...
//! ```
//! The guest finds the card on its bus, binds vfio-pci to it and runs the conformance suite with the release binary. What it says is
//! held to account here. Nothing is installed on this system: QEMU and kernel are fetched from Debian into the target directory.

mod debian;
mod guest;
mod process;
mod qemu;
mod report;

use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use rustix::process::Signal;

use crate::run;
use process::Running;
use report::{Checked, Facts};

/// Longest that the guest may take from its first instruction to power-off; after that it hangs. It takes seconds on an idle machine.
const GUEST_PATIENCE: Duration = Duration::from_secs(300);
/// Longest that the server may take to be ready, and to end.
const SERVER_PATIENCE: Duration = Duration::from_secs(60);

/// Runs the test. Processes that it started end with it, however it ends.
pub fn test() -> Result<()> {
    ensure!(cfg!(target_arch = "x86_64"), "test-vm needs a system of x86-64: it runs this system's binary in the guest");
    let home = run::target().join("vm");
    let debian = debian::fetch(&home.join("debian"))?;
    let qemu = qemu::Qemu::new(&debian)?;
    run::cargo(["build", "--locked", "--package", "fpgaflow", "--features", "sim"])?;
    let fpgaflow = run::target().join("debug/fpgaflow");
    let shipped = guest::build(&home.join("guest"))?;

    let logs = home.join("run");
    if logs.exists() {
        std::fs::remove_dir_all(&logs).with_context(|| format!("remove {}", logs.display()))?;
    }
    std::fs::create_dir_all(&logs).with_context(|| format!("make {}", logs.display()))?;
    let initramfs = logs.join("initramfs.cpio");
    guest::write_initramfs(&initramfs, &debian, &shipped)?;

    // The names of sockets are short, the target directory's may not be.
    let sockets = tempfile::tempdir().context("make a directory for the socket")?;
    let socket = sockets.path().join("card.sock");
    let mut serve = Command::new(&fpgaflow);
    serve.args(["sim", "serve", "--cable", "--socket"]).arg(&socket);
    let mut server = Running::start_by_stderr(serve, &logs.join("server.log"))?;
    server.lines().until(Instant::now() + SERVER_PATIENCE, |line| line.contains("ready"))?;

    println!("guest: {}", qemu.version());
    let begun = Instant::now();
    let mut machine = qemu.start(&debian.kernel, &initramfs, &socket, &logs)?;
    let said = machine.lines().until(Instant::now() + GUEST_PATIENCE, |line| line == "end");
    let facts = said.and_then(|lines| Facts::parse(&lines)).with_context(|| {
        format!("test-vm, logs in {}; the guest's kernel said last:\n{}", logs.display(), qemu::console(&logs))
    })?;
    facts.print();
    println!("guest: {:.1} s from start to the end of the checks", begun.elapsed().as_secs_f64());
    ensure!(machine.wait(Instant::now() + GUEST_PATIENCE)?.success(), "the guest did not power off");

    // The server outlives QEMU; and by this way to the card the same checks must pass.
    let mut check = Command::new(&fpgaflow);
    check.args(["check", "--cable", "--json", "--card"]).arg(format!("vfio-user:{}", socket.display()));
    let beside = Checked::parse(&run::output(&mut check)?)?;
    facts.judge(&beside)?;

    server.signal(Signal::TERM)?;
    ensure!(server.wait(Instant::now() + SERVER_PATIENCE)?.success(), "the server did not end well at SIGTERM");
    ensure!(!socket.exists(), "the server left its socket");
    println!("test-vm: {} checks passed in the guest, by {}", facts.report.checks.len(), facts.report.card);
    Ok(())
}
