//! Card access, rings, placement, flow table and software flowtable. Knows the ABI, never the simulation: the driver that tests
//! drive is the driver that ships.

pub mod bench;
pub mod card;
pub mod dma;
pub mod frame;
pub mod hash;
pub mod mapping;
pub mod placement;
pub mod rings;
pub mod software;
pub mod table;
pub mod transport;
