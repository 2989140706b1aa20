//! The RTL that is linked in, and what it is.

use fpgaflow_abi::geometry::Geometry;
use fpgaflow_verilate::{Error, Model};

fpgaflow_verilate::linked_model! {
    /// The engine with a 64-bit data path.
    fn engine64 = "fpgaflow_model_engine64";
}

fpgaflow_verilate::linked_model! {
    /// The engine with a 512-bit data path.
    fn engine512 = "fpgaflow_model_engine512";
}

include!(concat!(env!("OUT_DIR"), "/builds.rs"));

/// What an engine is built as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Build {
    /// What its identity registers say.
    pub geometry: Geometry,
    /// Bytes of its store for frames to the host.
    pub host_store_bytes: usize,
    /// Frames that the store holds at most.
    pub host_store_frames: usize,
}

impl Build {
    /// Whether the store towards the host surely takes `frames` frames of `bytes` in all, should everything in the card be punted: each may
    /// fill its last beat with nothing, and two beats of the store are never used.
    pub const fn is_calm(&self, frames: usize, bytes: usize) -> bool {
        frames <= self.host_store_frames * 3 / 4 && bytes + (frames + 2) * self.beat_bytes() <= self.host_store_bytes
    }

    /// Bytes of a beat.
    pub const fn beat_bytes(&self) -> usize {
        self.geometry.width_bits as usize / 8
    }
}

/// The engines that are linked in, by the width of their data path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Width {
    /// 64 bits.
    #[default]
    Bits64,
    /// 512 bits.
    Bits512,
}

impl Width {
    /// Every width.
    pub const ALL: [Self; 2] = [Self::Bits64, Self::Bits512];

    /// What the engine of this width is.
    pub const fn build(self) -> Build {
        match self {
            Self::Bits64 => BUILD_64,
            Self::Bits512 => BUILD_512,
        }
    }

    /// Its size.
    pub const fn geometry(self) -> Geometry {
        self.build().geometry
    }

    pub(crate) fn model(self) -> Result<Model, Error> {
        match self {
            Self::Bits64 => engine64(),
            Self::Bits512 => engine512(),
        }
    }
}
