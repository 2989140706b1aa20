//! What this machine has for cards: PCI functions, their drivers, and what VFIO and the daemon need of the kernel.

pub mod binding;
pub mod doctor;
pub mod pci;

use std::path::{Path, PathBuf};

/// Where the kernel shows itself; tests show a tree of their own.
#[derive(Debug, Clone)]
pub struct Host {
    root: PathBuf,
}

impl Default for Host {
    fn default() -> Self {
        Self { root: PathBuf::from("/") }
    }
}

impl Host {
    /// A tree that has `sys`, `proc` and `dev` below `root`.
    #[cfg(test)]
    pub fn at(root: &Path) -> Self {
        Self { root: root.to_owned() }
    }

    /// The path of what is `/{path}` on a running system.
    pub fn path(&self, path: impl AsRef<Path>) -> PathBuf {
        self.root.join(path)
    }

    /// What a file says in its first line; `None` where there is no such file.
    fn line(&self, path: impl AsRef<Path>) -> Option<String> {
        let text = std::fs::read_to_string(self.path(path)).ok()?;
        Some(text.lines().next().unwrap_or_default().trim().to_owned())
    }

    /// The number that a file holds.
    fn number(&self, path: impl AsRef<Path>) -> Option<u64> {
        self.line(path)?.parse().ok()
    }

    /// Last part of where a link points.
    fn link_name(&self, path: impl AsRef<Path>) -> Option<String> {
        let target = std::fs::read_link(self.path(path)).ok()?;
        Some(target.file_name()?.to_str()?.to_owned())
    }
}
