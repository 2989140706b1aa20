//! The golden model: what the card must do to a frame, found by another method than the hardware's.
//!
//! Where the card hashes a key to slots, [`Card`] looks it up in a `HashMap`; where the card adds stored deltas to checksums,
//! the model sums the whole packet before and after. It shares nothing with the hardware but the ABI's numbers, and answers
//! bit for bit as the card does for any frame, one with a wrong layer 4 checksum too.
//!
//! [`Scoreboard`] holds a card under test to the model while the table changes under traffic.
//!
//! # Contract
//! No frame makes the model panic. A refused table change changes nothing.
#![forbid(unsafe_code)]

mod card;
mod checksum;
mod datagrams;
mod decide;
mod outcome;
mod parse;
mod rewrite;
mod scoreboard;

pub use card::{Card, CardError, Change, FlowCounters, PortConfig, PortCounters};
pub use datagrams::FragmentConfig;
pub use outcome::Outcome;
pub use scoreboard::{Difference, Losses, Mismatch, Scoreboard, Summary};
