//! The receive side: each block against a model written from its contract, at both widths, then all of it together.

mod arbiter;
mod chain;
mod gather;
mod port;
mod strip;
mod support;
mod turn;
