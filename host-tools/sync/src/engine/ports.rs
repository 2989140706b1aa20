//! The card's ports as interfaces of Linux, and the neighbours on them.

use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;

use fpgaflow_abi::key::Encap;
use fpgaflow_abi::next_hop::MacAddr;

use crate::topology::{Access, Link, Neighbour, Upper};

/// What a link event meant for the ports and what is on top of them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LinkChange {
    /// Index of the link that changed.
    pub interface: u32,
    /// The port that it is, or was.
    pub port: Option<u8>,
    /// It can no longer be used: down, gone, or another interface now.
    pub lost: bool,
    /// Its Ethernet address is another.
    pub mac: bool,
}

impl LinkChange {
    /// Whether it is about frames of this access: about its interface, or the port below.
    pub fn concerns(&self, access: &Access) -> bool {
        access.interface == self.interface || Some(access.port) == self.port
    }
}

#[derive(Debug)]
struct Port {
    name: String,
    link: Option<Link>,
}

/// Ports by number, with the interface that each one is, and the interfaces on top of others.
#[derive(Debug)]
pub struct Ports {
    ports: Vec<Port>,
    /// By index, whatever they are on top of.
    uppers: BTreeMap<u32, Link>,
    neighbours: HashMap<(u32, IpAddr), Neighbour>,
}

impl Ports {
    /// Port `n` of the card is the interface called `names[n]`.
    pub fn new(names: &[String]) -> Self {
        let ports = names.iter().map(|name| Port { name: name.clone(), link: None }).collect();
        Self { ports, uppers: BTreeMap::new(), neighbours: HashMap::new() }
    }

    /// Links that are ports or on top of another one.
    pub fn links(&self) -> impl Iterator<Item = &Link> {
        self.ports.iter().filter_map(|port| port.link.as_ref()).chain(self.uppers.values())
    }

    /// Every interface whose frames come and leave by a port, with how.
    pub fn accesses(&self) -> impl Iterator<Item = (Access, &Link)> {
        self.links().filter_map(|link| self.access(link.index))
    }

    /// How frames of an interface come and leave; `None` when that is not by a port, or in more tags than the card takes off.
    pub fn access(&self, interface: u32) -> Option<(Access, &Link)> {
        let (mut tags, mut at) = (Vec::new(), interface);
        let port = loop {
            if let Some(port) = self.port_of(at) {
                break port;
            }
            let Upper::Vlan { below, tag } = self.uppers.get(&at)?.upper else { return None };
            if tags.len() == Encap::NONE.tags.len() {
                return None;
            }
            // Further down is further outside.
            tags.insert(0, tag);
            at = below;
        };
        let mut encap = Encap::NONE;
        for (place, tag) in encap.tags.iter_mut().zip(tags) {
            *place = Some(tag);
        }
        let link = self.links().find(|link| link.index == interface)?;
        Some((Access { interface, port, encap }, link))
    }

    /// Whether an interface is a PPP device.
    pub fn is_ppp(&self, interface: u32) -> bool {
        self.uppers.get(&interface).is_some_and(|link| link.upper == Upper::Ppp)
    }

    /// The interface of a port, when it exists.
    pub fn link(&self, port: u8) -> Option<&Link> {
        self.ports.get(usize::from(port))?.link.as_ref()
    }

    /// Ethernet address of an interface that comes and leaves by a port and is up.
    pub fn mac(&self, interface: u32) -> Option<MacAddr> {
        self.access(interface).filter(|(_, link)| link.up).map(|(_, link)| link.mac)
    }

    /// Takes in a link as it is now.
    pub fn set_link(&mut self, link: &Link) -> Option<LinkChange> {
        if let Some(number) = self.ports.iter().position(|port| port.name == link.name) {
            let old = self.ports[number].link.replace(link.clone());
            return self.changed(old, link, Some(number as u8));
        }
        if link.upper == Upper::None || self.port_of(link.index).is_some() {
            // No business of ours, or renamed away from a port's name: to us it is gone.
            return self.remove_link(link.index);
        }
        if link.upper == Upper::Ppp && !self.uppers.contains_key(&link.index) {
            tracing::warn!(
                interface = link.name,
                "flows by a PPP device stay in the kernel: it does not tell their PPPoE session"
            );
        }
        let old = self.uppers.insert(link.index, link.clone());
        self.changed(old, link, None)
    }

    fn changed(&mut self, old: Option<Link>, link: &Link, port: Option<u8>) -> Option<LinkChange> {
        let another = |old: &Link| old.index != link.index || old.upper != link.upper;
        if let Some(old) = old.as_ref().filter(|old| old.index != link.index) {
            self.neighbours.retain(|(on, _), _| *on != old.index);
        }
        let lost = old.as_ref().is_some_and(|old| old.up && (!link.up || another(old)));
        let mac = old.as_ref().is_none_or(|old| old.mac != link.mac);
        (old.as_ref() != Some(link)).then_some(LinkChange { interface: link.index, port, lost, mac })
    }

    /// Takes in that a link is gone.
    pub fn remove_link(&mut self, index: u32) -> Option<LinkChange> {
        let port = self.port_of(index);
        match port {
            Some(port) => self.ports[usize::from(port)].link = None,
            None => drop(self.uppers.remove(&index)?),
        }
        self.neighbours.retain(|(on, _), _| *on != index);
        Some(LinkChange { interface: index, port, lost: true, mac: false })
    }

    /// Takes in what the kernel says about a neighbour; whether it is on a link of ours and something changed.
    pub fn set_neighbour(&mut self, interface: u32, address: IpAddr, neighbour: Neighbour) -> bool {
        if !self.links().any(|link| link.index == interface) {
            return false;
        }
        let old = match neighbour {
            Neighbour::Unknown => self.neighbours.remove(&(interface, address)),
            known => self.neighbours.insert((interface, address), known),
        };
        old.unwrap_or(Neighbour::Unknown) != neighbour
    }

    /// What is known about a neighbour.
    pub fn neighbour(&self, interface: u32, address: IpAddr) -> Neighbour {
        self.neighbours.get(&(interface, address)).copied().unwrap_or(Neighbour::Unknown)
    }

    /// Forgets every neighbour, before a dump tells them anew.
    pub fn forget_neighbours(&mut self) {
        self.neighbours.clear();
    }

    /// The port that an interface is.
    fn port_of(&self, interface: u32) -> Option<u8> {
        let is_it = |port: &Port| port.link.as_ref().is_some_and(|link| link.index == interface);
        self.ports.iter().position(is_it).map(|number| number as u8)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use fpgaflow_abi::key::{Tag, TagKind};

    fn link(up: bool) -> Link {
        Link { index: 7, name: "fpga0".into(), mac: [2, 0, 0, 0, 0, 1], mtu: 1500, up, upper: Upper::None }
    }

    #[test]
    fn a_port_that_goes_down_or_away_is_lost_once() {
        let mut ports = Ports::new(&["fpga0".into()]);
        assert_eq!(ports.set_link(&link(true)), Some(LinkChange { interface: 7, port: Some(0), lost: false, mac: true }));
        assert_eq!(ports.set_link(&link(true)), None);
        assert_eq!(ports.set_link(&link(false)), Some(LinkChange { interface: 7, port: Some(0), lost: true, mac: false }));
        assert_eq!(ports.mac(7), None);
        assert_eq!(ports.set_link(&link(true)), Some(LinkChange { interface: 7, port: Some(0), lost: false, mac: false }));
        let renamed = Link { name: "wan".into(), ..link(true) };
        assert_eq!(ports.set_link(&renamed), Some(LinkChange { interface: 7, port: Some(0), lost: true, mac: false }));
        assert_eq!(ports.remove_link(7), None);
    }

    #[test]
    fn neighbours_on_other_interfaces_and_repetitions_are_nothing_new() {
        let mut ports = Ports::new(&["fpga0".into()]);
        ports.set_link(&link(true));
        let address = IpAddr::from([192, 0, 2, 1]);
        let known = Neighbour::Known([4; 6]);
        assert!(!ports.set_neighbour(8, address, known));
        assert!(ports.set_neighbour(7, address, known));
        assert!(!ports.set_neighbour(7, address, known));
        assert!(ports.set_neighbour(7, address, Neighbour::Stale([4; 6])));
        assert_eq!(ports.neighbour(7, address).mac(), Some([4; 6]));
        ports.set_neighbour(7, address, Neighbour::Unknown);
        assert_eq!(ports.neighbour(7, address), Neighbour::Unknown);
    }

    fn vlan(index: u32, below: u32, kind: TagKind, vid: u16) -> Link {
        Link { index, name: format!("vlan{index}"), upper: Upper::Vlan { below, tag: Tag { kind, vid } }, ..link(true) }
    }

    #[test]
    fn vlan_devices_are_followed_down_to_their_port_outer_tag_first() {
        let mut ports = Ports::new(&["fpga0".into()]);
        for upper in [vlan(21, 20, TagKind::Dot1Q, 5), vlan(20, 7, TagKind::Dot1ad, 300), vlan(22, 21, TagKind::Dot1Q, 6)] {
            ports.set_link(&upper);
        }
        assert_eq!(ports.accesses().count(), 0, "their port is not there yet");
        ports.set_link(&link(true));
        let tags = |interface| ports.access(interface).map(|(access, _)| access.encap.tags.map(|tag| tag.map(|tag| tag.vid)));
        assert_eq!(tags(7), Some([None, None]));
        assert_eq!(tags(20), Some([Some(300), None]));
        assert_eq!(tags(21), Some([Some(300), Some(5)]));
        assert_eq!(tags(22), None, "three tags");
        let gone = ports.remove_link(20).unwrap();
        assert_eq!((gone.port, gone.lost), (None, true));
        assert_eq!(ports.accesses().count(), 1);
    }

    #[test]
    fn a_circle_of_vlan_devices_ends() {
        let mut ports = Ports::new(&["fpga0".into()]);
        ports.set_link(&vlan(20, 21, TagKind::Dot1Q, 1));
        ports.set_link(&vlan(21, 20, TagKind::Dot1Q, 1));
        assert!(ports.access(20).is_none());
    }
}
