//! Workloads that measure this crate: for `fpgaflow bench`, for `benches/`, and for the figures that the documentation claims.
//!
//! Measuring reads clocks, which nothing else in this crate does: the CPU time of the thread for what only computes, time as it passes
//! for what waits for a card. Workloads are drawn from a seed that is passed in.

mod clock;
pub mod keys;
pub mod placement;
pub mod software;
pub mod transport;

pub use clock::thread_time;
