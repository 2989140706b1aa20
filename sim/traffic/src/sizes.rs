//! Lengths of frames, weighted towards the borders where padding, beats and MTUs begin and end.

use fpgaflow_abi::wire::ETH_HEADER_BYTES;
use rand::RngExt;
use rand_chacha::ChaCha8Rng;

/// Which lengths to draw.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sizes {
    /// All have this many bytes, as far as their headers let them.
    Fixed(usize),
    /// Up to 128 bytes: most frames a clock.
    Small,
    /// Mostly small; borders; a few up to the longest that the card takes.
    Mixed,
}

impl Sizes {
    /// Bytes of one frame, without FCS.
    pub(crate) fn draw(self, rng: &mut ChaCha8Rng, max_frame_bytes: usize) -> usize {
        let bytes = match self {
            Self::Fixed(bytes) => bytes,
            Self::Small => rng.random_range(ETH_HEADER_BYTES..=128),
            Self::Mixed => match rng.random_range(0..100) {
                0..55 => rng.random_range(ETH_HEADER_BYTES..=128),
                // The shortest frame, and the first beat of 64 bytes.
                55..75 => rng.random_range(59..=65),
                75..85 => rng.random_range(129..=520),
                85..93 => rng.random_range(521..=1514),
                93..97 => rng.random_range(1510..=1518),
                97..98 => rng.random_range(1519.min(max_frame_bytes)..=max_frame_bytes),
                _ => max_frame_bytes.saturating_sub(rng.random_range(0..=3)),
            },
        };
        bytes.min(max_frame_bytes)
    }
}
