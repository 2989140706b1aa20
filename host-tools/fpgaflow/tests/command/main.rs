//! The `fpgaflow` command as its users run it.

#[cfg(feature = "sim")]
mod bench;
mod common;
#[cfg(feature = "sim")]
mod demo;
mod host;
#[cfg(feature = "sim")]
mod offload_sync;
mod replay;
