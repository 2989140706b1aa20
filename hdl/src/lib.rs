//! The flow engine in rust-hdl; emits Verilog.
//!
//! How a block is written here, and how it is tested, is one page: `README.md` in this crate's directory.

pub mod counters;
pub mod emit;
pub mod engine;
pub mod fragment;
pub mod host;
pub mod parse;
pub mod prelude;
pub mod prim;
pub mod records;
pub mod rx;
pub mod table;
pub mod tx;
pub mod verdict;
