//! What every block of this crate imports.
//!
//! The derive and `#[hdl_gen]` macros of rust-hdl expand to bare paths (`ast::…`, `logic::…`, `probe::…`), so its prelude
//! has to be in scope wherever they are used; `dff_setup!` must be reachable by its bare name for the same reason.

pub use rust_hdl_core::prelude::*;
pub use rust_hdl_widgets::dff::DFF;
pub use rust_hdl_widgets::dff_setup;

pub use crate::prim::{
    AddParity, CutFifo, Delay, FrameFifo, Memory, PARITY_BITS, ParityRam, RamReg, Skid, SmallFifo, SmallRam, StreamFifo,
    StreamSink, StreamSource,
};
