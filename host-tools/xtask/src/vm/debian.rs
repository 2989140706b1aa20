//! QEMU, a guest kernel and busybox, from Debian's archive, unpacked beside this workspace's other build products.
//!
//! The archive is the one that this system's apt is set up for, whatever its own release; the release is named here, so every system
//! runs the same. apt verifies what it fetches. A finished directory is kept and needs no network.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};

use crate::{packages, run};

/// The release whose kernel the guest runs.
const RELEASE: &str = "trixie";
/// Where that release has a QEMU with vfio-user-pci.
const BACKPORTS: &str = "trixie-backports";
/// From [`BACKPORTS`], with what they depend on: the machine.
const MACHINE: &[&str] = &["qemu-system-x86", "seabios"];
/// From [`RELEASE`]: what runs in it.
const GUEST: &[&str] = &["linux-image-amd64", "busybox-static"];
/// Keys of the archive, as the package debian-archive-keyring installs them.
const KEYS: &str = "/usr/share/keyrings/debian-archive-keyring.gpg";
/// Says in a finished directory what it was made of.
const STAMP: &str = "made-of";

/// What was fetched.
pub struct Debian {
    /// Where the packages are unpacked.
    pub root: PathBuf,
    /// The guest's kernel.
    pub kernel: PathBuf,
    /// The directory of its modules.
    pub modules: PathBuf,
}

/// Has everything in `directory`.
pub fn fetch(directory: &Path) -> Result<Debian> {
    let recipe = format!("{BACKPORTS} {MACHINE:?} {RELEASE} {GUEST:?}");
    let stamp = directory.join(STAMP);
    if std::fs::read_to_string(&stamp).is_ok_and(|made| made == recipe) {
        return Debian::find(directory);
    }
    println!("fetching from Debian: {} ({BACKPORTS}), {} ({RELEASE})", MACHINE.join(" "), GUEST.join(" "));
    if directory.exists() {
        std::fs::remove_dir_all(directory).with_context(|| format!("remove {}", directory.display()))?;
    }
    let apt = PrivateApt::new(&directory.join("apt"))?;
    apt.get(&["update"])?;
    for (suite, packages) in [(BACKPORTS, MACHINE), (RELEASE, GUEST)] {
        apt.get(&[&["install", "--download-only", "--yes", "--target-release", suite][..], packages].concat())?;
    }
    let root = directory.join("root");
    std::fs::create_dir_all(&root).with_context(|| format!("make {}", root.display()))?;
    for package in list(&apt.archives(), |name| name.ends_with(".deb"))? {
        run::output(Command::new("dpkg").arg("--extract").arg(package).arg(&root))?;
    }
    std::fs::remove_dir_all(&apt.directory).with_context(|| format!("remove {}", apt.directory.display()))?;
    let found = Debian::find(directory)?;
    std::fs::write(&stamp, recipe).with_context(|| format!("write {}", stamp.display()))?;
    Ok(found)
}

impl Debian {
    fn find(directory: &Path) -> Result<Self> {
        let root = directory.join("root");
        let kernel = the_one(&root.join("boot"), |name| name.starts_with("vmlinuz-"))?;
        let modules = the_one(&root.join("usr/lib/modules"), |_| true)?;
        Ok(Self { root, kernel, modules })
    }
}

/// An apt that knows of no installed package and keeps everything in a directory of its own; keys, proxies and credentials are the
/// system's.
struct PrivateApt {
    directory: PathBuf,
}

impl PrivateApt {
    fn new(directory: &Path) -> Result<Self> {
        let apt = Self { directory: directory.to_owned() };
        for needed in [apt.archives().join("partial"), directory.join("state/lists/partial")] {
            std::fs::create_dir_all(&needed).with_context(|| format!("make {}", needed.display()))?;
        }
        ensure!(Path::new(KEYS).exists(), "{KEYS} is missing; it comes with the Debian package debian-archive-keyring");
        let sources = format!(
            "Types: deb\nURIs: {}\nSuites: {RELEASE} {BACKPORTS}\nComponents: main\nTargets: Packages\nSigned-By: {KEYS}\n",
            archive()?
        );
        for (name, content) in [("debian.sources", sources.as_str()), ("status", "")] {
            let path = directory.join(name);
            std::fs::write(&path, content).with_context(|| format!("write {}", path.display()))?;
        }
        Ok(apt)
    }

    fn archives(&self) -> PathBuf {
        self.directory.join("cache/archives")
    }

    fn get(&self, arguments: &[&str]) -> Result<()> {
        let here = self.directory.display();
        let settings = [
            format!("Dir::State={here}/state"),
            format!("Dir::State::status={here}/status"),
            format!("Dir::Cache={here}/cache"),
            format!("Dir::Etc::SourceList={here}/debian.sources"),
            "Dir::Etc::SourceParts=/dev/null".to_owned(),
            "Dir::Etc::Preferences=/dev/null".to_owned(),
            "Dir::Etc::PreferencesParts=/dev/null".to_owned(),
            "APT::Architecture=amd64".to_owned(),
            "APT::Install-Recommends=false".to_owned(),
            // The user that apt would fetch as may not write here.
            "APT::Sandbox::User=root".to_owned(),
            "Acquire::Languages=none".to_owned(),
            "Acquire::Retries=3".to_owned(),
        ];
        let settings = settings.iter().flat_map(|setting| ["--option", setting.as_str()]);
        packages::apt_get(["-qq"].into_iter().chain(settings).chain(arguments.iter().copied())).map(drop)
    }
}

/// The Debian archive that this system's apt uses.
fn archive() -> Result<String> {
    let known = || -> Result<Option<String>> {
        // Origin and label are the archive's own words, which apt has once it has fetched them. Security updates have another label.
        let format = "$(REPO_URI) $(ORIGIN) $(LABEL)";
        let targets = packages::apt_get(["indextargets", "--format", format, "Identifier: Packages"])?;
        let archive = targets.lines().find_map(|line| line.strip_suffix(" Debian Debian").map(str::to_owned));
        Ok(archive)
    };
    if let Some(archive) = known()? {
        return Ok(archive);
    }
    packages::apt_get(["update", "-qq"])?;
    match known()? {
        Some(archive) => Ok(archive),
        None => bail!("apt on this system has no Debian archive among its sources; test-vm takes QEMU and a kernel from one"),
    }
}

/// What is in a directory and has a name that is wanted, sorted.
fn list(directory: &Path, wanted: impl Fn(&str) -> bool) -> Result<Vec<PathBuf>> {
    let entries = std::fs::read_dir(directory).with_context(|| format!("read {}", directory.display()))?;
    let mut found = Vec::new();
    for entry in entries {
        let path = entry.with_context(|| format!("read {}", directory.display()))?.path();
        if path.file_name().is_some_and(|name| wanted(&name.to_string_lossy())) {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

fn the_one(directory: &Path, wanted: impl Fn(&str) -> bool) -> Result<PathBuf> {
    match <[PathBuf; 1]>::try_from(list(directory, wanted)?) {
        Ok([path]) => Ok(path),
        Err(found) => bail!("{} things in {} where one was expected: {found:?}", found.len(), directory.display()),
    }
}
