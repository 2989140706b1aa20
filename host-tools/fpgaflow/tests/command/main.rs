//! The `fpgaflow` command as its users run it.

mod common;
#[cfg(feature = "sim")]
mod demo;
#[cfg(feature = "sim")]
mod offload_sync;
mod replay;
