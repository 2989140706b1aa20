//! Card access, rings, placement, flow table and software flowtable. Knows the ABI, never the simulation: the driver that tests
//! drive is the driver that ships.

pub mod dma;
pub mod transport;
