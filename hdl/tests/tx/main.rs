//! The transmit side: each block against a model written from its contract, at both widths.

mod host_rx;
mod merge;
mod merge_pace;
mod port;
mod support;
