//! Questions to rtnetlink, and the one request: keep a neighbour alive.

use std::net::IpAddr;

use fpgaflow_abi::wire::{PROTO_TCP, PROTO_UDP};
use netlink_packet_core::NLM_F_CREATE;
use netlink_packet_route::link::LinkMessage;
use netlink_packet_route::neighbour::{NeighbourAddress, NeighbourAttribute, NeighbourFlags, NeighbourMessage, NeighbourState};
use netlink_packet_route::route::{RouteAttribute, RouteMessage, RouteType};
use netlink_packet_route::{AddressFamily, RouteNetlinkMessage};
use netlink_sys::protocols::NETLINK_ROUTE;

use super::{Route, RouteQuery, TopologyEvent, decode};
use crate::netlink::{NetlinkError, Requests};

/// Requests to rtnetlink of one network namespace.
pub struct TopologyRequests {
    requests: Requests,
}

impl TopologyRequests {
    /// Opens a socket in the caller's network namespace.
    ///
    /// # Errors
    /// [`NetlinkError::Socket`].
    pub fn open() -> Result<Self, NetlinkError> {
        Ok(Self { requests: Requests::open(NETLINK_ROUTE)? })
    }

    /// Every link, then every neighbour, as events.
    ///
    /// # Errors
    /// [`NetlinkError::Refused`], [`NetlinkError::Decode`].
    pub fn dump(&mut self) -> Result<Vec<TopologyEvent>, NetlinkError> {
        let links = self.requests.dump("list links", RouteNetlinkMessage::GetLink(LinkMessage::default()))?;
        let neighbours = self.requests.dump("list neighbours", RouteNetlinkMessage::GetNeighbour(NeighbourMessage::default()))?;
        Ok(links.iter().chain(&neighbours).filter_map(decode).collect())
    }

    /// Where a forwarded packet goes.
    ///
    /// # Errors
    /// [`NetlinkError::Decode`], or a refusal that says nothing about the route.
    pub fn route(&mut self, query: &RouteQuery) -> Result<Route, NetlinkError> {
        let mut message = RouteMessage::default();
        let bits = match query.dst {
            IpAddr::V4(_) => 32,
            IpAddr::V6(_) => 128,
        };
        message.header.address_family = family(query.dst);
        message.header.destination_prefix_length = bits;
        message.header.source_prefix_length = bits;
        message.attributes = vec![
            RouteAttribute::Destination(query.dst.into()),
            RouteAttribute::Source(query.src.into()),
            RouteAttribute::Iif(query.ingress),
        ];
        // The kernel takes no other protocols in a question (`rtm_getroute_parse_ip_proto`).
        if matches!(query.protocol, PROTO_TCP | PROTO_UDP) {
            message.attributes.extend([
                RouteAttribute::IpProto(query.protocol),
                RouteAttribute::Sport(query.sport),
                RouteAttribute::Dport(query.dport),
            ]);
        }
        if query.mark != 0 {
            message.attributes.push(RouteAttribute::Mark(query.mark));
        }
        match self.requests.query("look up a route", RouteNetlinkMessage::GetRoute(message), 0) {
            Ok(Some(RouteNetlinkMessage::NewRoute(answer))) => Ok(super::decode::route(&answer, query.dst)),
            Ok(_) => Ok(Route::None),
            Err(error) => match error.errno() {
                // How the kernel says no route, blackhole, prohibit and a source that fails validation.
                Some(libc::ENETUNREACH | libc::EHOSTUNREACH | libc::EINVAL | libc::EACCES | libc::EXDEV | libc::ENODEV) => {
                    Ok(Route::None)
                }
                _ => Err(error),
            },
        }
    }

    /// Tells the kernel that the neighbour is in use: resolves it when it is unknown, confirms it when it is stale
    /// (`NTF_USE`, `neigh_event_send`). Packets that the card forwards do neither.
    ///
    /// # Errors
    /// [`NetlinkError::Refused`].
    pub fn use_neighbour(&mut self, interface: u32, address: IpAddr) -> Result<(), NetlinkError> {
        let mut message = NeighbourMessage::default();
        message.header.family = family(address);
        message.header.ifindex = interface;
        message.header.state = NeighbourState::None;
        message.header.flags = NeighbourFlags::Use;
        message.header.kind = RouteType::Unspec;
        message.attributes = vec![NeighbourAttribute::Destination(NeighbourAddress::from(address))];
        self.requests.execute("use a neighbour", RouteNetlinkMessage::NewNeighbour(message), NLM_F_CREATE)
    }
}

fn family(address: IpAddr) -> AddressFamily {
    match address {
        IpAddr::V4(_) => AddressFamily::Inet,
        IpAddr::V6(_) => AddressFamily::Inet6,
    }
}
