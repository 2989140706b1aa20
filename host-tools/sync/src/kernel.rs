//! What the engine asks of Linux: routes, neighbours, and the changes to conntrack. The seam that lets its tests decide what Linux answers.

use std::net::IpAddr;

use crate::conntrack::{ConntrackRequests, Extended};
use crate::flow::{ConnName, Status};
use crate::netlink::NetlinkError;
use crate::topology::request::TopologyRequests;
use crate::topology::{Route, RouteQuery};

/// What conntrack gives connections to live, in seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StateTimeouts {
    /// `nf_conntrack_tcp_timeout_established`.
    pub tcp_established_s: u32,
    /// `nf_conntrack_udp_timeout_stream`.
    pub udp_stream_s: u32,
}

impl Default for StateTimeouts {
    /// The kernel's own defaults (`nf_conntrack_proto_tcp.c`, `nf_conntrack_proto_udp.c`).
    fn default() -> Self {
        Self { tcp_established_s: 5 * 24 * 3600, udp_stream_s: 120 }
    }
}

/// Linux as the engine sees it.
pub trait Kernel {
    /// Where a forwarded packet goes.
    ///
    /// # Errors
    /// When the kernel did not answer; that says nothing about the route.
    fn route(&mut self, query: &RouteQuery) -> Result<Route, NetlinkError>;

    /// Resolves or confirms a neighbour, in the background.
    ///
    /// # Errors
    /// When the kernel refused.
    fn use_neighbour(&mut self, interface: u32, address: IpAddr) -> Result<(), NetlinkError>;

    /// Switches TCP window tracking off for a connection; false when it is gone.
    ///
    /// # Errors
    /// When the kernel refused.
    fn make_tcp_liberal(&mut self, name: &ConnName) -> Result<bool, NetlinkError>;

    /// Sets the status bit that keeps conntrack from dropping a connection early; false when it is gone.
    ///
    /// # Errors
    /// When the kernel refused.
    fn make_assured(&mut self, name: &ConnName, status: Status) -> Result<bool, NetlinkError>;

    /// Lets a connection live at least `seconds` from now.
    ///
    /// # Errors
    /// When the kernel refused.
    fn extend(&mut self, name: &ConnName, id: u32, seconds: u32) -> Result<Extended, NetlinkError>;

    /// What conntrack gives connections to live.
    fn timeouts(&self) -> StateTimeouts;
}

/// The kernel of this machine, in the network namespace of the thread that opened it.
pub struct LinuxKernel {
    conntrack: ConntrackRequests,
    topology: TopologyRequests,
    timeouts: StateTimeouts,
}

impl LinuxKernel {
    /// Opens the sockets and reads the timeouts.
    ///
    /// # Errors
    /// [`NetlinkError::Socket`].
    pub fn open() -> Result<Self, NetlinkError> {
        let defaults = StateTimeouts::default();
        let timeouts = StateTimeouts {
            tcp_established_s: sysctl("nf_conntrack_tcp_timeout_established").unwrap_or(defaults.tcp_established_s),
            udp_stream_s: sysctl("nf_conntrack_udp_timeout_stream").unwrap_or(defaults.udp_stream_s),
        };
        Ok(Self { conntrack: ConntrackRequests::open()?, topology: TopologyRequests::open()?, timeouts })
    }

    /// The requests to rtnetlink, for the dumps that start a daemon.
    pub fn topology(&mut self) -> &mut TopologyRequests {
        &mut self.topology
    }
}

/// A conntrack sysctl of this thread's network namespace; `None` where it cannot be read.
fn sysctl(name: &str) -> Option<u32> {
    std::fs::read_to_string(format!("/proc/sys/net/netfilter/{name}")).ok()?.trim().parse().ok()
}

impl Kernel for LinuxKernel {
    fn route(&mut self, query: &RouteQuery) -> Result<Route, NetlinkError> {
        self.topology.route(query)
    }

    fn use_neighbour(&mut self, interface: u32, address: IpAddr) -> Result<(), NetlinkError> {
        self.topology.use_neighbour(interface, address)
    }

    fn make_tcp_liberal(&mut self, name: &ConnName) -> Result<bool, NetlinkError> {
        self.conntrack.make_tcp_liberal(name)
    }

    fn make_assured(&mut self, name: &ConnName, status: Status) -> Result<bool, NetlinkError> {
        self.conntrack.make_assured(name, status)
    }

    fn extend(&mut self, name: &ConnName, id: u32, seconds: u32) -> Result<Extended, NetlinkError> {
        self.conntrack.extend(name, id, seconds)
    }

    fn timeouts(&self) -> StateTimeouts {
        self.timeouts
    }
}
