//! What tests that cross crates share.
//!
//! [`Rig`] is the verilated card, the driver that programs it and the golden model that watches it, on one thread: the same seed
//! gives the same run in every clock. [`Feeder`] keeps its ports fed, [`Churn`] changes its tables under traffic, [`Damage`] flips their bits, [`Carrier`] is software behind it, [`BareHost`] speaks
//! to the rings without the driver, [`Lying`] is a card that is not what it says, [`Faulty`] one that breaks when it is told to.
//! [`RouterLab`] is the whole daemon on live traffic. [`at_both_widths!`] makes a test of each width.
//!
//! A rig reports by panicking: whatever differs ends the test with the words of the scoreboard.
#![forbid(unsafe_code)]

mod bare_host;
mod churn;
mod damage;
mod faulty;
mod feeder;
mod kept;
mod lying;
mod rig;
mod router;
mod stream;
mod tally;
mod widths;

pub use bare_host::BareHost;
pub use churn::{Churn, ChurnCounts};
pub use damage::Damage;
pub use faulty::{Fault, Faulty, Forgery};
pub use feeder::Feeder;
pub use fpgaflow_card::Width;
pub use fpgaflow_traffic::{datagram_flow, datagram_flow_of, forwarded, hop};
pub use kept::Kept;
pub use lying::Lying;
pub use rig::{Carrier, PortSetup, Rig, Setup};
pub use router::{RouterLab, run_card};
pub use stream::Stream;
pub use tally::Report;

use std::sync::Arc;

use fpgaflow_abi::geometry::Geometry;
use fpgaflow_card::{Card, CosimTransport};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;

/// Size of the card of tests that one width is enough for.
pub const GEOMETRY: Geometry = Width::Bits64.geometry();

/// A verilated card as after power-on.
pub fn verilated(width: Width) -> Arc<CosimTransport> {
    CosimTransport::new(Card::new(width).expect("make the card")).expect("make an eventfd")
}

/// A secret for the keyed hash.
pub fn secret(rng: &mut ChaCha8Rng) -> fpgaflow_abi::hash::HashSecret {
    fpgaflow_abi::hash::HashSecret(std::array::from_fn(|_| rng.random()))
}
