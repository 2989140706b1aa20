//! The transmit side: each block against a model written from its contract, at both widths.

mod host_rx;
mod job;
mod merge;
mod merge_pace;
mod merge_rig;
mod port;
mod splice;
mod support;
mod widen;
