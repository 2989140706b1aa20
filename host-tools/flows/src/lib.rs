//! FLOWS.json: what `replay` reads, and `flows export` and `flows import` speak.
//!
//! [`FlowsFile`] is the text, field by field; [`FlowSet`] is what it means, in the ABI's types. Between them stands [`FlowSet::read`]
//! and its relatives, which refuse a file with one error that names file and field, or [`FlowSet::to_file`].
//!
//! # Contract
//! A [`FlowSet`] that was read holds no key twice, and every flow's next hop exists. Reading what [`FlowSet::to_file`] wrote gives the same
//! set. Nothing here panics on a file.
#![forbid(unsafe_code)]

mod encap;
mod error;
mod file;
mod mac;
mod set;

pub use error::{FlowsError, Problem};
pub use file::{ActionFields, Egress, EncapTag, FlowFields, FlowsFile, MatchFields, NextHopFields, PortFields, Protocol};
pub use mac::{MacError, format_mac, parse_mac};
pub use set::{FlowSet, Limits, PortAddress, SetNextHop};
