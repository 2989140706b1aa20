//! What Linux knows about the way out: links, neighbours, routes. Types, and their decoding from rtnetlink; the questions are
//! asked in [`request`].

mod decode;
pub mod request;

use std::net::IpAddr;

use fpgaflow_abi::key::{Encap, Tag};
use fpgaflow_abi::next_hop::MacAddr;

pub use decode::decode;

/// Multicast groups (`enum rtnetlink_groups`) after which a next hop can be another: links, neighbours, addresses, routes and rules of
/// both families, nexthop objects.
pub const GROUPS: [u32; 9] = [1, 3, 5, 7, 8, 9, 11, 19, 32];

/// An interface.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// Index.
    pub index: u32,
    /// Name.
    pub name: String,
    /// Ethernet address.
    pub mac: MacAddr,
    /// Largest IP packet in bytes.
    pub mtu: u32,
    /// Administratively up, with a carrier.
    pub up: bool,
    /// What it adds to the frames of another interface.
    pub upper: Upper,
}

/// What an interface on top of another adds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Upper {
    /// Nothing: it stands for itself.
    #[default]
    None,
    /// A VLAN device (`IFLA_INFO_KIND` vlan, `IFLA_VLAN_ID`, `IFLA_VLAN_PROTOCOL`).
    Vlan {
        /// Index of the interface below (`IFLA_LINK`).
        below: u32,
        /// Its tag.
        tag: Tag,
    },
    /// A PPP device. No interface of the kernel tells which PPPoE session it is of: `/proc/net/pppoe` lists sessions without their
    /// PPP devices. The kernel's own flowtable asks the driver itself (`fill_forward_path`).
    Ppp,
}

/// How an interface's frames come and leave: by a port of the card, in an encapsulation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Access {
    /// Index of the interface.
    pub interface: u32,
    /// The card's port below it.
    pub port: u8,
    /// Tags of it and of all interfaces between.
    pub encap: Encap,
}

/// What the kernel's neighbour cache says about one neighbour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Neighbour {
    /// Its address is known: `REACHABLE`, `DELAY`, `PROBE`, `PERMANENT` or `NOARP`.
    Known(MacAddr),
    /// Its address is known but not confirmed for some time, and nothing will confirm it by itself: `STALE`.
    Stale(MacAddr),
    /// Not known: `INCOMPLETE`, `FAILED`, `NONE`.
    Unknown,
}

impl Neighbour {
    /// The address, when it is known.
    pub const fn mac(&self) -> Option<MacAddr> {
        match self {
            Self::Known(mac) | Self::Stale(mac) => Some(*mac),
            Self::Unknown => None,
        }
    }
}

/// A change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TopologyEvent {
    /// A link is new or changed.
    Link(Link),
    /// A link is gone.
    LinkGone {
        /// Its index.
        index: u32,
    },
    /// A neighbour is new, changed or gone ([`Neighbour::Unknown`]).
    Neighbour {
        /// Index of the interface that it is on.
        interface: u32,
        /// Its IP address.
        address: IpAddr,
        /// What is known.
        neighbour: Neighbour,
    },
    /// Routes, rules, addresses or nexthop objects changed: any lookup can have another answer.
    Routes,
}

/// A question to the routing tables: where a forwarded packet goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct RouteQuery {
    /// Source at the time of routing: before source NAT, before destination NAT is undone.
    pub src: IpAddr,
    /// Destination at the time of routing: after destination NAT, after source NAT was undone.
    pub dst: IpAddr,
    /// Index of the interface that it came by.
    pub ingress: u32,
    /// Packet mark, for rules.
    pub mark: u32,
    /// IP protocol number, for rules and multipath.
    pub protocol: u8,
    /// Source port, as `src`.
    pub sport: u16,
    /// Destination port, as `dst`.
    pub dport: u16,
}

/// An answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Route {
    /// It leaves.
    Forward {
        /// Index of the interface that it leaves by.
        egress: u32,
        /// The neighbour that it is sent to: a gateway, or the destination itself.
        gateway: IpAddr,
        /// The route's own MTU, where it has one.
        mtu: Option<u32>,
    },
    /// It is for this host.
    Local,
    /// It goes nowhere: no route, prohibited, or a source that may not come this way.
    None,
}
