//! The engine: every block, wired; and the builds of it that exist.

mod clear;
mod credits;
mod datapath;
mod top;

pub use clear::Clear;
pub use credits::Credits;
pub use datapath::{Datapath64x2, Datapath512x2, FRAMES_AW};
pub use top::{Engine64, Engine512, GEOMETRY_64, GEOMETRY_512};
