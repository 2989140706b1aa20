//! The benchmarks behind `fpgaflow bench`: each measures, and says what it found as one serializable report.

pub mod cosim;
