//! The receive side: each block against a model written from its contract, at both widths, then all of it together.

mod arbiter;
mod chain;
#[path = "../parse/layer2.rs"]
mod layer2;
mod live;
mod port;
mod split_head;
mod store;
mod strip;
mod support;
mod turn;
