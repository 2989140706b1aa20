//! What is said when a card differs from the model.

use std::fmt::Write;

/// How a card differs from the model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Difference {
    /// A frame left with other bytes.
    Bytes,
    /// A frame left, but by another way than any that it may take: other port, reason or entry.
    Way,
    /// A frame left before one that came in before it and must leave by the same way, which is lost or was overtaken.
    Order,
    /// A frame left twice.
    Duplicate,
    /// A frame left that resembles none that is due.
    Unexpected,
    /// A frame never left.
    Lost,
    /// A reason's counter is not the number of frames that had it.
    Counter,
}

/// The first difference between a card and the model, told in full by its `Display`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{difference:?} at clock {clock} (replay with FPGAFLOW_SEED={seed}): {detail}")]
pub struct Mismatch {
    /// What kind.
    pub difference: Difference,
    /// The run's seed.
    pub seed: u64,
    /// When it was seen.
    pub clock: u64,
    /// Frames and bytes in words.
    pub detail: String,
}

/// Both frames side by side, 16 bytes a line, `>` marking lines that differ.
pub(super) fn hexdump_difference(expected: &[u8], found: &[u8]) -> String {
    let mut out = format!("\n  offset  {:<48} found\n", "expected");
    for at in (0..expected.len().max(found.len())).step_by(16) {
        let line = |bytes: &[u8]| {
            let bytes = bytes.get(at..).unwrap_or(&[]);
            bytes[..bytes.len().min(16)].iter().fold(String::new(), |mut line, byte| {
                // Writing to a String cannot fail.
                let _ = write!(line, "{byte:02x} ");
                line
            })
        };
        let (expected, found) = (line(expected), line(found));
        let mark = if expected == found { ' ' } else { '>' };
        let _ = writeln!(out, "{mark} {at:06x}  {expected:<48} {found}");
    }
    out
}

/// Bytes at which two frames differ, the difference of their lengths included.
pub(super) fn distance(a: &[u8], b: &[u8]) -> usize {
    a.iter().zip(b).filter(|(a, b)| a != b).count() + a.len().abs_diff(b.len())
}
