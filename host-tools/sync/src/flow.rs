//! What conntrack says about one connection, as far as offloading cares.
//!
//! Decoded from netlink by [`crate::conntrack`], judged by [`crate::policy`], kept by [`crate::engine`].

use fpgaflow_abi::key::{Addresses, Encap, FlowKey};
use fpgaflow_abi::wire::{PROTO_GRE, PROTO_TCP, PROTO_UDP};

/// Addresses, protocol and ports of one direction, as its packets arrive (before any translation).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Tuple {
    /// Source and destination address.
    pub addresses: Addresses,
    /// Source port, or what the protocol has in its place; 0 where it has none.
    pub sport: u16,
    /// Destination port, as [`Tuple::sport`].
    pub dport: u16,
    /// IP protocol number.
    pub protocol: u8,
}

impl Tuple {
    /// The tuple of a key, whatever port and encapsulation its frames come by.
    pub const fn of_key(key: &FlowKey) -> Self {
        Self { addresses: key.addresses, sport: key.sport, dport: key.dport, protocol: key.protocol }
    }

    /// The key of frames with this tuple that come in by port `ingress` in `encap`.
    pub const fn key(&self, ingress: u8, encap: Encap) -> FlowKey {
        FlowKey { ingress, encap, protocol: self.protocol, addresses: self.addresses, sport: self.sport, dport: self.dport }
    }
}

impl std::fmt::Display for Tuple {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let protocol = match self.protocol {
            PROTO_TCP => "tcp",
            PROTO_UDP => "udp",
            PROTO_GRE => "gre",
            _ => "ip",
        };
        let (src, dst) = (self.addresses.src(), self.addresses.dst());
        let (src, dst) = (std::net::SocketAddr::new(src, self.sport), std::net::SocketAddr::new(dst, self.dport));
        write!(f, "{protocol} {src} > {dst}")
    }
}

/// Conntrack's name of a connection: the original direction's tuple and the zone it is unique in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ConnName {
    /// Original direction.
    pub original: Tuple,
    /// Conntrack zone, 0 by default.
    pub zone: u16,
}

/// Status bits of a connection: `enum ip_conntrack_status` in the kernel's `nf_conntrack_common.h`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Status(pub u32);

impl Status {
    /// `IPS_SEEN_REPLY`: packets went both ways.
    pub const SEEN_REPLY: u32 = 1 << 1;
    /// `IPS_ASSURED`: never dropped early.
    pub const ASSURED: u32 = 1 << 2;
    /// `IPS_CONFIRMED`: the packet that made it left.
    pub const CONFIRMED: u32 = 1 << 3;
    /// `IPS_SEQ_ADJUST`: TCP sequence numbers are shifted by a helper or a SYN proxy.
    pub const SEQ_ADJUST: u32 = 1 << 6;
    /// `IPS_DYING`: on its way out.
    pub const DYING: u32 = 1 << 9;
    /// `IPS_TEMPLATE`: a rule's model, no connection.
    pub const TEMPLATE: u32 = 1 << 11;
    /// `IPS_OFFLOAD` and `IPS_HW_OFFLOAD`: the kernel's own flowtable has it.
    pub const KERNEL_OFFLOAD: u32 = 1 << 14 | 1 << 15;

    /// Whether any of `bits` is set.
    pub const fn any(self, bits: u32) -> bool {
        self.0 & bits != 0
    }
}

/// `TCP_CONNTRACK_ESTABLISHED` of the kernel's `nf_conntrack_tcp.h`.
pub const TCP_ESTABLISHED: u8 = 3;

/// One connection as one netlink message tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conn {
    /// Name.
    pub name: ConnName,
    /// Reply direction's tuple: the original's, turned round and translated.
    pub reply: Tuple,
    /// `CTA_ID`: tells a connection from an earlier one of the same name.
    pub id: u32,
    /// `CTA_STATUS`.
    pub status: Status,
    /// `CTA_MARK`; the kernel leaves it out when it is 0.
    pub mark: u32,
    /// Seconds left when the message was written; `None` in a DESTROY event.
    pub timeout_s: Option<u32>,
    /// TCP state; `None` when the message does not say, which in an event means unchanged.
    pub tcp_state: Option<u8>,
    /// A helper (ALG) watches it.
    pub helper: bool,
    /// A zone that holds for one direction only (`CTA_TUPLE_ZONE`).
    pub directional_zone: bool,
}

/// What happened to a connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ConnEvent {
    /// It is new or changed, or a dump listed it.
    Update(Conn),
    /// It is gone.
    Destroy {
        /// Which.
        name: ConnName,
        /// Its `CTA_ID`.
        id: u32,
    },
}
