//! FLOWS.json: what `replay` reads, and `flows export` and `flows import` speak.
//!
//! [`FlowsFile`] is the text, field by field; [`FlowSet`] is what it means, in the ABI's types. Between them stands [`FlowSet::read`]
//! and its relatives, which refuse a file with one error that names file and field, or [`FlowSet::to_file`].
//!
//! # Format
//! ```
//! let text = r#"{"next_hops": [{"id": 1, "port": 1, "src_mac": "02:00:00:00:01:01", "dst_mac": "02:00:00:00:01:02",
//!                 "encap": [{"vlan": 35}, {"pppoe": 7}], "mtu": 1492},
//!                {"id": 2, "port": "host"}],
//!  "flows": [{"match": {"port": 0, "encap": [{"qinq": 100}, {"vlan": 10}], "proto": "udp", "src": "2001:db8::1", "sport": 5000,
//!                       "dst": "2001:db8:1::1", "dport": 53},
//!             "action": {"src": "2001:db8:ffff::5", "sport": 61000, "next_hop": 1}},
//!            {"match": {"port": 0, "proto": "gre", "src": "192.0.2.1", "dst": "192.0.2.2"}, "action": {"next_hop": 2}}],
//!  "ports": [{"port": 0, "mac": "02:00:00:00:00:01"}]}"#;
//! let set = fpgaflow_flows::FlowSet::parse("flows.json", text)?;
//! assert_eq!((set.next_hops.len(), set.flows.len()), (2, 2));
//! # Ok::<(), fpgaflow_flows::FlowsError>(())
//! ```
//!
//! `encap` lists headers from the outside in: at most two tags (`vlan` for 802.1Q, `qinq` for 802.1ad, in any order), then at most one `pppoe`
//! session. `proto` is `tcp`, `udp` or `gre`; GRE has no ports and is not translated. What an action leaves out stays as it is. An MTU is
//! the IP packet's; frames of such packets must fit the engine's longest frame.
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
