//! Flows and frames for tests and benches, from one seed.
//!
//! [`datagram_flow_of`] and [`hop`] are single flows without variety. [`Variety`] says which families, protocols and encapsulations there are;
//! [`Scenario`] draws next hops and flows of it for a card; [`Frames`] draws frames for them: hits of every shape, near misses, and
//! everything that a card must refuse, in the proportions of a [`Mix`]. Packets are put together with etherparse, which neither the card nor its
//! golden model uses.
//!
//! # Contract
//! The same seed and calls give the same bytes. Frames of one [`Frames`] differ from each other from 12 bytes on, by a mark in the source
//! address, and packets by their identification or flow label within 65,536.
#![forbid(unsafe_code)]

mod crossing;
mod draft;
mod fragments;
mod frames;
mod malformed;
mod mix;
mod near;
mod packet;
mod scenario;
mod shape;
mod sizes;
mod variety;
mod weighted;

pub use crossing::{datagram_flow, datagram_flow_of, forwarded, forwarded_fragments, hop};
pub use draft::{L3, L4, fix_ip_checksum, set16};
pub use fragments::fragments_of;
pub use frames::{Frame, Frames};
pub use mix::{Kind, Mix};
pub use packet::Packet;
pub use scenario::{Scenario, largest_mtu};
pub use shape::Shape;
pub use sizes::Sizes;
pub use variety::Variety;

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

/// Environment variable that replays a run.
pub const SEED_VARIABLE: &str = "FPGAFLOW_SEED";

/// Environment variable that says how many frames the long random tests get.
pub const FRAMES_VARIABLE: &str = "FPGAFLOW_FRAMES";

/// The seed of this run: from [`SEED_VARIABLE`], else drawn from the system. Printed, so that a failing test shows it.
///
/// # Panics
/// When the variable is set and not a number, for a replay of another run would mislead.
pub fn seed() -> u64 {
    let seed = match std::env::var(SEED_VARIABLE) {
        Ok(text) => text.parse().unwrap_or_else(|_| panic!("{SEED_VARIABLE}={text} is not a number")),
        Err(_) => rand::random(),
    };
    println!("{SEED_VARIABLE}={seed}");
    seed
}

/// The generator of a run.
pub fn rng(seed: u64) -> ChaCha8Rng {
    ChaCha8Rng::seed_from_u64(seed)
}
