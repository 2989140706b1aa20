//! The benchmarks behind `fpgaflow bench`: each measures, and says what it found as one serializable report.

#[cfg(feature = "sim")]
pub mod cosim;
pub mod placement;
mod plot;
pub mod transport;
