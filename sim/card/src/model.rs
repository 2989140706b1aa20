//! The RTL that is linked in, and what it is.

use fpgaflow_abi::geometry::Geometry;

fpgaflow_verilate::linked_model! {
    /// The engine with a 64-bit data path.
    pub(crate) fn engine64 = "fpgaflow_model_engine64";
}

include!(concat!(env!("OUT_DIR"), "/geometry.rs"));

/// Ports of the linked engine.
pub const MAX_CARD_PORTS: usize = GEOMETRY.ports as usize;
