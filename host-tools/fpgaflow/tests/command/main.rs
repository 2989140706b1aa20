//! The `fpgaflow` command as its users run it.

mod bench;
#[cfg(feature = "sim")]
mod check;
mod common;
#[cfg(feature = "sim")]
mod demo;
mod host;
#[cfg(feature = "sim")]
mod offload_sync;
mod replay;
mod replay_fragments;
mod replay_layers;
#[cfg(feature = "sim")]
mod served;
#[cfg(feature = "sim")]
mod sim_serve;
