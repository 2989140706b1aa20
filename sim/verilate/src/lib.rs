//! Builds Verilator models and drives them by port name.
//!
//! - A test says [`Model::build`]: the model is built into a shared object under `target/verilate`, named by a hash of all that
//!   decides what is in it, and loaded; the second run only loads.
//! - A build script says [`build_static`] and the program says [`linked_model!`]: the model is linked in.
//!
//! Either way a [`Model`] is the same: handles resolved once, a port's value read or written in place, no copy in between.
//! Nothing here knows what is being simulated.

mod cache;
mod compile;
mod error;
mod memories;
mod model;
mod ports;
mod shim;
mod source;
mod static_library;
mod tool;

pub use cache::CACHE_VARIABLE;
pub use error::Error;
#[doc(hidden)]
pub use model::Interface;
pub use model::{Memory, Model, Port};
pub use ports::Direction;
pub use source::{Effort, Source, Trace};
pub use static_library::{StaticLibraries, build_static};
