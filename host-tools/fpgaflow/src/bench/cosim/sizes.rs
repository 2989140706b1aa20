//! Frames a clock for every frame size, at both widths: where a bubble would show.
//!
//! A data path without bubbles sends the frames of its most loaded side back to back: one frame in as many clocks as it has beats.

use std::ops::RangeInclusive;
use std::path::Path;

use anyhow::Context;
use fpgaflow_abi::wire::MIN_FRAME_BYTES;
use serde::Serialize;

use super::load::Load;
use crate::bench::plot::{Plot, Series};
use crate::width::Width;

/// Sizes that are looked at, in bytes without FCS: the last is a full-size frame with a tag.
pub const SIZES: RangeInclusive<usize> = MIN_FRAME_BYTES..=1518;
/// Frames of a window, and of the time before it in which the card fills.
const WINDOW_FRAMES: u64 = 64;
/// Clocks of a window at least.
const WINDOW_CLOCKS: u64 = 1_024;
/// Sizes between two words of progress.
const PROGRESS_EVERY: usize = 250;

/// One width's figures.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Sweep {
    /// Width of the data path in bits.
    width_bits: u16,
    /// Every size of [`SIZES`].
    points: Vec<Point>,
}

/// Frames a clock of one size.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Point {
    /// Bytes of a frame without FCS.
    frame_bytes: usize,
    /// Frames that leave in a clock, all ports together.
    frames_per_clock: f64,
    /// The same without bubbles: one frame in as many clocks as it has beats.
    without_bubbles: f64,
}

/// Measures every size at both widths; progress goes to standard error.
///
/// # Errors
/// When the card fails.
pub fn run() -> anyhow::Result<[Sweep; 2]> {
    Ok([sweep(Width::Bits64)?, sweep(Width::Bits512)?])
}

fn sweep(width: Width) -> anyhow::Result<Sweep> {
    let mut load = Load::start(width, *SIZES.start(), None)?;
    let mut points = Vec::new();
    for frame_bytes in SIZES {
        let beats = (frame_bytes * 8).div_ceil(width.bits().into()) as u64;
        let window = (WINDOW_FRAMES * beats).max(WINDOW_CLOCKS);
        load.change_size(frame_bytes)?;
        load.run(window)?;
        let frames_per_clock = load.throughput(window)?.frames_per_clock;
        points.push(Point { frame_bytes, frames_per_clock, without_bubbles: 1.0 / beats as f64 });
        if points.len().is_multiple_of(PROGRESS_EVERY) {
            eprintln!("{} bits: {} of {} sizes", width.bits(), points.len(), SIZES.count());
        }
    }
    Ok(Sweep { width_bits: width.bits(), points })
}

/// Writes `frames_per_clock.json` and a plot of it, `frames_per_clock.svg`, into a directory that is made where there is none.
///
/// # Errors
/// When a file cannot be written; names it.
pub fn write_report(sweeps: &[Sweep], dir: &Path) -> anyhow::Result<()> {
    std::fs::create_dir_all(dir).with_context(|| format!("make directory {}", dir.display()))?;
    let path = dir.join("frames_per_clock.json");
    std::fs::write(&path, serde_json::to_string(sweeps)?).with_context(|| format!("write {}", path.display()))?;
    let series = |sweep: &Sweep| Series {
        name: format!("{} bits", sweep.width_bits),
        points: sweep.points.iter().map(|point| (point.frame_bytes as f64, point.frames_per_clock)).collect(),
    };
    let plot = Plot {
        title: "Frames that leave the card, co-simulated".to_owned(),
        x_axis: "frame (bytes without FCS)".to_owned(),
        y_axis: "rate (frames per clock)".to_owned(),
        series: sweeps.iter().map(series).collect(),
    };
    plot.write_svg(&dir.join("frames_per_clock.svg"))
}

impl Sweep {
    /// Width of the data path in bits.
    pub fn width_bits(&self) -> u16 {
        self.width_bits
    }

    /// The size at which it is furthest from a data path without bubbles, and its share of it.
    pub fn worst(&self) -> Option<(usize, f64)> {
        let shares = self.points.iter().map(|point| (point.frame_bytes, point.frames_per_clock / point.without_bubbles));
        shares.min_by(|a, b| a.1.total_cmp(&b.1))
    }
}
