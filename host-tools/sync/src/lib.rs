//! The offload-sync daemon's engine: what conntrack decided goes to the card, and what the card does goes back to conntrack.
//!
//! The way through these modules: [`conntrack`] and [`topology`] listen to the kernel over [`netlink`]; the [`engine`] judges each
//! connection by [`policy`] and finds its next [`hops`]; a [`target`] (the card) is told, the [`kernel`] is asked.

pub mod config;
pub mod conntrack;
pub mod control;
pub mod daemon;
pub mod datapath;
pub mod engine;
pub mod error;
pub mod flow;
pub mod hops;
pub mod kernel;
pub mod netlink;
pub mod policy;
pub mod privileges;
mod station;
pub mod stats;
pub mod tap;
pub mod target;
pub mod topology;

#[cfg(test)]
mod test_support;
