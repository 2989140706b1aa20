//! Next hops and flows for a card.

use std::collections::HashSet;

use fpgaflow_abi::entry::{Action, Entry};
use fpgaflow_abi::geometry::Geometry;
use fpgaflow_abi::key::{Addresses, Encap, Family, FlowKey};
use fpgaflow_abi::next_hop::{HOST_PORT, NextHop};
use fpgaflow_abi::slot::EntryRef;
use fpgaflow_abi::wire::PROTO_GRE;
use rand::RngExt;
use rand_chacha::ChaCha8Rng;

use crate::packet::l2_bytes;
use crate::variety::{Variety, random_addresses};

/// What a card is programmed with.
#[derive(Debug, Clone)]
pub struct Scenario {
    /// The card's size.
    pub geometry: Geometry,
    /// What packets there are.
    pub variety: Variety,
    /// Next hops, by index: the last two are one that is not valid and the host.
    pub next_hops: Vec<NextHop>,
    /// Flows, each key once.
    pub flows: Vec<Entry>,
}

/// Every how many flows one goes to a next hop that does not forward.
const ODD_NEXT_HOP: usize = 16;

impl Scenario {
    /// Draws `flows` flows with every combination of translations: source, destination, either port, and swaps that leave the
    /// checksum as it was; GRE is not translated. Of a variety with both families the card gets as much of each as it has entries for.
    ///
    /// # Panics
    /// When the card has fewer than three next hops, or no entries of any family of the variety.
    pub fn draw(rng: &mut ChaCha8Rng, geometry: Geometry, flows: usize, variety: &Variety) -> Self {
        let next_hops = draw_next_hops(rng, &geometry, variety);
        let forwarding = next_hops.len() - 2;
        let mut scenario = Self { geometry, variety: variety.clone(), next_hops, flows: Vec::with_capacity(flows) };
        let entries = |family| if variety.has_family(family) { geometry.entries(family) } else { 0 };
        let (v4, v6) = (entries(Family::V4), entries(Family::V6));
        assert!(v4 + v6 > 0 || flows == 0, "the card has no entries of any family that flows are to be of");
        let mut keys = HashSet::new();
        while scenario.flows.len() < flows {
            let family = if rng.random_range(0..v4 + v6) < v4 { Family::V4 } else { Family::V6 };
            let key = variety.key_of(rng, geometry.ports, family);
            if keys.insert(key) {
                let among =
                    if rng.random_range(0..ODD_NEXT_HOP) == 0 { forwarding..scenario.next_hops.len() } else { 0..forwarding };
                let next_hop = rng.random_range(among) as u16;
                scenario.flows.push(Entry { key, action: translation(rng, &key, next_hop), valid: true });
            }
        }
        scenario
    }

    /// The next hop of a flow.
    pub fn next_hop_of(&self, flow: &Entry) -> &NextHop {
        &self.next_hops[usize::from(flow.action.next_hop)]
    }

    /// The flows and an entry for each, those of either family from 0 on.
    pub fn numbered(&self) -> impl Iterator<Item = (EntryRef, &Entry)> {
        let mut next = [0; 2];
        self.flows.iter().map(move |flow| {
            let family = flow.key.family();
            let index = &mut next[usize::from(family == Family::V6)];
            *index += 1;
            (EntryRef::of(family, *index - 1), flow)
        })
    }
}

/// Largest IP packet that leaves a card in `encap` as a frame that is not too long for it.
pub fn largest_mtu(geometry: &Geometry, encap: &Encap) -> u16 {
    (geometry.max_frame_bytes as usize - l2_bytes(encap)) as u16
}

/// Next hops by every port, with every encapsulation and MTU, as far as the card has room for them.
fn draw_next_hops(rng: &mut ChaCha8Rng, geometry: &Geometry, variety: &Variety) -> Vec<NextHop> {
    const MTUS: [u16; 4] = [1500, 576, 100, u16::MAX];
    let (ports, shapes) = (usize::from(geometry.ports), variety.egress_shapes());
    let forwarding = (geometry.next_hops as usize - 2).min(MTUS.len() * shapes.len() * ports);
    let hop = |rng: &mut ChaCha8Rng, index: usize, egress, valid| {
        let [a, b, c, d]: [u8; 4] = rng.random();
        let encap = shapes[index / ports % shapes.len()].draw(rng);
        let mtu = MTUS[index / (ports * shapes.len()) % MTUS.len()].min(largest_mtu(geometry, &encap));
        NextHop { egress, mtu, src_mac: [2, 1, a, b, c, d], dst_mac: [2, 2, d, c, b, a], encap, valid }
    };
    let mut hops: Vec<_> = (0..forwarding).map(|index| hop(rng, index, (index % ports) as u8, true)).collect();
    hops.push(hop(rng, 0, 0, false));
    hops.push(hop(rng, 0, HOST_PORT, true));
    hops
}

fn translation(rng: &mut ChaCha8Rng, key: &FlowKey, next_hop: u16) -> Action {
    let FlowKey { addresses, sport, dport, protocol, .. } = *key;
    let mut action = Action { addresses, sport, dport, next_hop };
    if protocol == PROTO_GRE {
        return action;
    }
    match rng.random_range(0..18) {
        16 => action.addresses = swapped(&addresses),
        17 => (action.sport, action.dport) = (dport, sport),
        parts => {
            let fresh = random_addresses(rng, key.family());
            action.addresses = mixed(&addresses, &fresh, parts & 1 != 0, parts & 2 != 0);
            if parts & 4 != 0 {
                action.sport = rng.random();
            }
            if parts & 8 != 0 {
                action.dport = rng.random();
            }
        }
    }
    action
}

fn swapped(addresses: &Addresses) -> Addresses {
    match *addresses {
        Addresses::V4 { src, dst } => Addresses::V4 { src: dst, dst: src },
        Addresses::V6 { src, dst } => Addresses::V6 { src: dst, dst: src },
    }
}

/// `old` with the source or destination of `new`, which is of the same family.
fn mixed(old: &Addresses, new: &Addresses, take_src: bool, take_dst: bool) -> Addresses {
    let src = if take_src { new } else { old }.src();
    let dst = if take_dst { new } else { old }.dst();
    Addresses::new(src, dst).expect("addresses of one family")
}
