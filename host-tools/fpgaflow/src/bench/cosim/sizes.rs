//! Frames a clock for every frame size: where a bubble would show.

use std::ops::RangeInclusive;

use fpgaflow_abi::wire::MIN_FRAME_BYTES;
use serde::Serialize;

use super::load::Load;
use crate::width::Width;

/// Sizes that are looked at, in bytes without FCS: the last is a full-size frame with a tag.
pub const SIZES: RangeInclusive<usize> = MIN_FRAME_BYTES..=1518;
/// Frames of a window, and of the time before it in which the card fills.
const WINDOW_FRAMES: u64 = 64;
/// Clocks of a window at least.
const WINDOW_CLOCKS: u64 = 1_024;

/// Frames a clock of one size.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Point {
    /// Bytes of a frame without FCS.
    pub frame_bytes: usize,
    /// Frames that leave in a clock, all ports together.
    pub frames_per_clock: f64,
}

/// Measures every size of [`SIZES`]; `progress` is told of each.
///
/// # Errors
/// When the card fails.
pub fn run(width: Width, mut progress: impl FnMut(Point)) -> anyhow::Result<Vec<Point>> {
    let mut load = Load::start(width, *SIZES.start(), None)?;
    let mut points = Vec::new();
    for frame_bytes in SIZES {
        let beats = (frame_bytes * 8).div_ceil(width.bits().into()) as u64;
        let window = (WINDOW_FRAMES * beats).max(WINDOW_CLOCKS);
        load.change_size(frame_bytes)?;
        load.run(window)?;
        let point = Point { frame_bytes, frames_per_clock: load.throughput(window)?.frames_per_clock };
        progress(point);
        points.push(point);
    }
    Ok(points)
}
