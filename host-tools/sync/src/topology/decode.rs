//! rtnetlink messages to [`TopologyEvent`]s and [`Route`]s.

use std::net::IpAddr;

use fpgaflow_abi::key::{Tag, TagKind};
use netlink_packet_route::RouteNetlinkMessage;
use netlink_packet_route::link::{InfoData, InfoKind, InfoVlan, LinkAttribute, LinkFlags, LinkInfo, LinkMessage, VlanProtocol};
use netlink_packet_route::neighbour::{NeighbourAddress, NeighbourAttribute, NeighbourMessage, NeighbourState};
use netlink_packet_route::route::{RouteAddress, RouteAttribute, RouteMessage, RouteMetric, RouteType, RouteVia};

use super::{Link, Neighbour, Route, TopologyEvent, Upper};

/// Decodes an event; `None` for what cannot change a next hop.
pub fn decode(message: &RouteNetlinkMessage) -> Option<TopologyEvent> {
    match message {
        RouteNetlinkMessage::NewLink(message) => link(message).map(TopologyEvent::Link),
        RouteNetlinkMessage::DelLink(message) => Some(TopologyEvent::LinkGone { index: message.header.index }),
        RouteNetlinkMessage::NewNeighbour(message) => neighbour(message),
        RouteNetlinkMessage::DelNeighbour(message) => match neighbour(message)? {
            TopologyEvent::Neighbour { interface, address, .. } => {
                Some(TopologyEvent::Neighbour { interface, address, neighbour: Neighbour::Unknown })
            }
            other => Some(other),
        },
        RouteNetlinkMessage::NewRoute(_)
        | RouteNetlinkMessage::DelRoute(_)
        | RouteNetlinkMessage::NewRule(_)
        | RouteNetlinkMessage::DelRule(_)
        | RouteNetlinkMessage::NewAddress(_)
        | RouteNetlinkMessage::DelAddress(_) => Some(TopologyEvent::Routes),
        _ => None,
    }
}

fn link(message: &LinkMessage) -> Option<Link> {
    let (mut name, mut mac, mut mtu, mut below, mut info) = (None, [0; 6], 0, None, &[][..]);
    for attribute in &message.attributes {
        match attribute {
            LinkAttribute::IfName(value) => name = Some(value.clone()),
            LinkAttribute::Address(bytes) => mac = bytes.as_slice().try_into().unwrap_or(mac),
            LinkAttribute::Mtu(value) => mtu = *value,
            LinkAttribute::Link(index) => below = Some(*index),
            LinkAttribute::LinkInfo(parts) => info = parts,
            _ => {}
        }
    }
    let up = message.header.flags.contains(LinkFlags::Up | LinkFlags::LowerUp);
    Some(Link { index: message.header.index, name: name?, mac, mtu, up, upper: upper(info, below) })
}

fn upper(info: &[LinkInfo], below: Option<u32>) -> Upper {
    let kind = info.iter().find_map(|part| if let LinkInfo::Kind(kind) = part { Some(kind) } else { None });
    match kind {
        Some(InfoKind::Vlan) => vlan(info, below).unwrap_or_default(),
        Some(InfoKind::Other(kind)) if kind == "ppp" => Upper::Ppp,
        _ => Upper::None,
    }
}

fn vlan(info: &[LinkInfo], below: Option<u32>) -> Option<Upper> {
    let data = info.iter().find_map(|part| if let LinkInfo::Data(InfoData::Vlan(data)) = part { Some(data) } else { None })?;
    let vid = data.iter().find_map(|part| if let InfoVlan::Id(vid) = part { Some(*vid) } else { None })?;
    let protocol = data.iter().find_map(|part| if let InfoVlan::Protocol(protocol) = part { Some(*protocol) } else { None });
    let kind = match protocol {
        Some(VlanProtocol::Ieee8021Q) | None => TagKind::Dot1Q,
        Some(VlanProtocol::Ieee8021Ad) => TagKind::Dot1ad,
        Some(_) => return None,
    };
    Some(Upper::Vlan { below: below?, tag: Tag { kind, vid } })
}

fn neighbour(message: &NeighbourMessage) -> Option<TopologyEvent> {
    let (mut address, mut mac) = (None, None);
    for attribute in &message.attributes {
        match attribute {
            NeighbourAttribute::Destination(NeighbourAddress::Inet(value)) => address = Some(IpAddr::V4(*value)),
            NeighbourAttribute::Destination(NeighbourAddress::Inet6(value)) => address = Some(IpAddr::V6(*value)),
            NeighbourAttribute::LinkLayerAddress(bytes) => mac = bytes.as_slice().try_into().ok(),
            _ => {}
        }
    }
    let neighbour = match (message.header.state, mac) {
        (
            NeighbourState::Reachable
            | NeighbourState::Delay
            | NeighbourState::Probe
            | NeighbourState::Permanent
            | NeighbourState::Noarp,
            Some(mac),
        ) => Neighbour::Known(mac),
        (NeighbourState::Stale, Some(mac)) => Neighbour::Stale(mac),
        _ => Neighbour::Unknown,
    };
    Some(TopologyEvent::Neighbour { interface: message.header.ifindex, address: address?, neighbour })
}

/// Decodes the answer to a lookup of `dst`.
pub(super) fn route(message: &RouteMessage, dst: IpAddr) -> Route {
    match message.header.kind {
        RouteType::Unicast => {}
        RouteType::Local | RouteType::Broadcast | RouteType::Anycast | RouteType::Multicast => return Route::Local,
        _ => return Route::None,
    }
    let (mut egress, mut gateway, mut mtu) = (None, dst, None);
    for attribute in &message.attributes {
        match attribute {
            RouteAttribute::Oif(index) => egress = Some(*index),
            RouteAttribute::Gateway(RouteAddress::Inet(address)) => gateway = IpAddr::V4(*address),
            RouteAttribute::Gateway(RouteAddress::Inet6(address)) => gateway = IpAddr::V6(*address),
            RouteAttribute::Via(RouteVia::Inet(address)) => gateway = IpAddr::V4(*address),
            RouteAttribute::Via(RouteVia::Inet6(address)) => gateway = IpAddr::V6(*address),
            // Tunnels by route (MPLS, SRv6, VXLAN) add headers that the card does not.
            RouteAttribute::Encap(_) => return Route::None,
            RouteAttribute::Metrics(metrics) => {
                mtu = metrics.iter().find_map(|metric| match metric {
                    RouteMetric::Mtu(bytes) if *bytes > 0 => Some(*bytes),
                    _ => None,
                });
            }
            _ => {}
        }
    }
    match egress {
        Some(egress) => Route::Forward { egress, gateway, mtu },
        None => Route::None,
    }
}

#[cfg(test)]
mod tests;
