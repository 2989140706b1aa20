//! Workloads that measure this crate: for `fpgaflow bench`, for `benches/`, and for the figures that the documentation claims.
//!
//! Measuring reads the thread's CPU clock, which nothing else in this crate does. Workloads are drawn from a seed that is passed in.

mod clock;
pub mod keys;
pub mod placement;
pub mod software;

pub use clock::thread_time;
