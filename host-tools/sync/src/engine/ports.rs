//! The card's ports as interfaces of Linux, and the neighbours on them.

use std::collections::HashMap;
use std::net::IpAddr;

use fpgaflow_abi::next_hop::MacAddr;

use crate::topology::{Link, Neighbour};

/// What a link event meant for the ports.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LinkChange {
    /// The port that changed.
    pub port: u8,
    /// It can no longer be used: down, gone, or another interface now.
    pub lost: bool,
    /// Its Ethernet address is another.
    pub mac: bool,
}

#[derive(Debug)]
struct Port {
    name: String,
    link: Option<Link>,
}

/// Ports by number, with the interface that each one is.
#[derive(Debug)]
pub struct Ports {
    ports: Vec<Port>,
    neighbours: HashMap<(u8, IpAddr), Neighbour>,
}

impl Ports {
    /// Port `n` of the card is the interface called `names[n]`.
    pub fn new(names: &[String]) -> Self {
        let ports = names.iter().map(|name| Port { name: name.clone(), link: None }).collect();
        Self { ports, neighbours: HashMap::new() }
    }

    /// Ports whose interface exists, with it.
    pub fn iter(&self) -> impl Iterator<Item = (u8, &Link)> {
        self.ports.iter().enumerate().filter_map(|(number, port)| Some((number as u8, port.link.as_ref()?)))
    }

    /// The interface of a port, when it exists.
    pub fn link(&self, port: u8) -> Option<&Link> {
        self.ports.get(usize::from(port))?.link.as_ref()
    }

    /// The port that an interface is.
    pub fn by_index(&self, index: u32) -> Option<(u8, &Link)> {
        self.iter().find(|(_, link)| link.index == index)
    }

    /// Ethernet address of a port that is up.
    pub fn mac(&self, port: u8) -> Option<MacAddr> {
        self.link(port).filter(|link| link.up).map(|link| link.mac)
    }

    /// Takes in a link as it is now.
    pub fn set_link(&mut self, link: &Link) -> Option<LinkChange> {
        let number = match self.ports.iter().position(|port| port.name == link.name) {
            Some(number) => number,
            // Renamed away from a port's name: to us it is gone.
            None => return self.remove_link(link.index),
        };
        let old = self.ports[number].link.replace(link.clone());
        let port = number as u8;
        if old.as_ref().is_some_and(|old| old.index != link.index) {
            self.neighbours.retain(|(on, _), _| *on != port);
        }
        let lost = old.as_ref().is_some_and(|old| old.up && (!link.up || old.index != link.index));
        let mac = old.as_ref().is_none_or(|old| old.mac != link.mac);
        (old.as_ref() != Some(link)).then_some(LinkChange { port, lost, mac })
    }

    /// Takes in that a link is gone.
    pub fn remove_link(&mut self, index: u32) -> Option<LinkChange> {
        let (port, _) = self.by_index(index)?;
        self.ports[usize::from(port)].link = None;
        self.neighbours.retain(|(on, _), _| *on != port);
        Some(LinkChange { port, lost: true, mac: false })
    }

    /// Takes in what the kernel says about a neighbour; the port that it is on, when it is on one and something changed.
    pub fn set_neighbour(&mut self, interface: u32, address: IpAddr, neighbour: Neighbour) -> Option<u8> {
        let (port, _) = self.by_index(interface)?;
        let old = match neighbour {
            Neighbour::Unknown => self.neighbours.remove(&(port, address)),
            known => self.neighbours.insert((port, address), known),
        };
        (old.unwrap_or(Neighbour::Unknown) != neighbour).then_some(port)
    }

    /// What is known about a neighbour.
    pub fn neighbour(&self, port: u8, address: IpAddr) -> Neighbour {
        self.neighbours.get(&(port, address)).copied().unwrap_or(Neighbour::Unknown)
    }

    /// Forgets every neighbour, before a dump tells them anew.
    pub fn forget_neighbours(&mut self) {
        self.neighbours.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn link(up: bool) -> Link {
        Link { index: 7, name: "fpga0".into(), mac: [2, 0, 0, 0, 0, 1], mtu: 1500, up }
    }

    #[test]
    fn a_port_that_goes_down_or_away_is_lost_once() {
        let mut ports = Ports::new(&["fpga0".into()]);
        assert_eq!(ports.set_link(&link(true)), Some(LinkChange { port: 0, lost: false, mac: true }));
        assert_eq!(ports.set_link(&link(true)), None);
        assert_eq!(ports.set_link(&link(false)), Some(LinkChange { port: 0, lost: true, mac: false }));
        assert_eq!(ports.mac(0), None);
        assert_eq!(ports.set_link(&link(true)), Some(LinkChange { port: 0, lost: false, mac: false }));
        let renamed = Link { name: "wan".into(), ..link(true) };
        assert_eq!(ports.set_link(&renamed), Some(LinkChange { port: 0, lost: true, mac: false }));
        assert_eq!(ports.remove_link(7), None);
    }

    #[test]
    fn neighbours_on_other_interfaces_and_repetitions_are_nothing_new() {
        let mut ports = Ports::new(&["fpga0".into()]);
        ports.set_link(&link(true));
        let address = IpAddr::from([192, 0, 2, 1]);
        let known = Neighbour::Known([4; 6]);
        assert_eq!(ports.set_neighbour(8, address, known), None);
        assert_eq!(ports.set_neighbour(7, address, known), Some(0));
        assert_eq!(ports.set_neighbour(7, address, known), None);
        assert_eq!(ports.set_neighbour(7, address, Neighbour::Stale([4; 6])), Some(0));
        assert_eq!(ports.neighbour(0, address).mac(), Some([4; 6]));
        ports.set_neighbour(7, address, Neighbour::Unknown);
        assert_eq!(ports.neighbour(0, address), Neighbour::Unknown);
    }
}
