//! Conntrack over netlink (ctnetlink): decoding what the kernel says, and the few changes that a daemon may ask for.
//!
//! Sources: `nfnetlink_conntrack.h`, `nf_conntrack_netlink.c`. `netlink-packet-netfilter` reads and writes the messages; the
//! attributes it does not know (zone, id, helper) are read here.
//!
//! # Contract
//! Nothing here deletes a connection, and no change takes anything away from one: lives only get longer, status bits are only set. The
//! kernel names a connection to change by tuple and zone alone, so a change can meet a successor of the same name; each one is
//! harmless there.

mod decode;
mod request;

pub use decode::decode;
pub use request::{ConntrackRequests, Extended};

/// Multicast groups (`enum nfnetlink_groups`): NEW, UPDATE and DESTROY of connections.
pub const GROUPS: [u32; 3] = [1, 2, 3];

/// `CTA_ID`.
const CTA_ID: u16 = 12;
/// `CTA_HELP`.
const CTA_HELP: u16 = 5;
/// `CTA_ZONE`.
const CTA_ZONE: u16 = 18;
/// `CTA_TUPLE_ZONE`, inside a tuple.
const CTA_TUPLE_ZONE: u16 = 3;
/// `NFNETLINK_V0`.
const VERSION: u8 = 0;
