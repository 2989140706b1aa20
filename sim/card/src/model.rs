//! The RTL that is linked in, and what it is.

use fpgaflow_abi::geometry::Geometry;

fpgaflow_verilate::linked_model! {
    /// The engine with a 64-bit data path.
    pub(crate) fn engine64 = "fpgaflow_model_engine64";
}

include!(concat!(env!("OUT_DIR"), "/geometry.rs"));

/// Frames that may be in the card at once, at most, so that its store towards the host takes them all should all be punted.
pub const CALM_FRAMES: usize = HOST_STORE_FRAMES * 3 / 4;
/// Their bytes, at most: each frame may fill its last beat with nothing, and two beats of the store are never used.
pub const CALM_BYTES: usize = HOST_STORE_BYTES - (CALM_FRAMES + 2) * (GEOMETRY.width_bits as usize / 8);

/// Ports of the linked engine.
pub const MAX_CARD_PORTS: usize = GEOMETRY.ports as usize;
