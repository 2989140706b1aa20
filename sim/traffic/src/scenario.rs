//! Next hops and flows for a card, and keys that are not among them.

use std::collections::HashSet;
use std::net::Ipv4Addr;

use fpgaflow_abi::entry::{Action, Entry};
use fpgaflow_abi::geometry::Geometry;
use fpgaflow_abi::key::{Addresses, Encap, FlowKey};
use fpgaflow_abi::next_hop::{HOST_PORT, NextHop};
use fpgaflow_abi::wire::{ETH_HEADER_BYTES, PROTO_TCP, PROTO_UDP};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;

/// What a card is programmed with.
#[derive(Debug, Clone)]
pub struct Scenario {
    /// The card's size.
    pub geometry: Geometry,
    /// Next hops, by index: the last two are one that is not valid and the host.
    pub next_hops: Vec<NextHop>,
    /// Flows, each key once.
    pub flows: Vec<Entry>,
}

/// Every how many flows one goes to a next hop that does not forward.
const ODD_NEXT_HOP: usize = 16;

impl Scenario {
    /// Draws `flows` flows with every combination of translations: source, destination, either port, and swaps that leave the
    /// checksum as it was.
    ///
    /// # Panics
    /// When the card has fewer than three next hops.
    pub fn draw(rng: &mut ChaCha8Rng, geometry: Geometry, flows: usize) -> Self {
        let next_hops = draw_next_hops(rng, &geometry);
        let forwarding = next_hops.len() - 2;
        let mut scenario = Self { geometry, next_hops, flows: Vec::with_capacity(flows) };
        let mut keys = HashSet::new();
        while scenario.flows.len() < flows {
            let key = random_key(rng, geometry.ports);
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
}

fn draw_next_hops(rng: &mut ChaCha8Rng, geometry: &Geometry) -> Vec<NextHop> {
    let largest = (geometry.max_frame_bytes as usize - ETH_HEADER_BYTES) as u16;
    let mtus = [1500, 576, 100, largest];
    let forwarding = (geometry.next_hops as usize - 2).min(mtus.len() * usize::from(geometry.ports));
    let hop = |index: usize, egress, valid, mac: [u8; 4]| {
        let [a, b, c, d] = mac;
        let mtu = mtus[index / usize::from(geometry.ports) % mtus.len()].min(largest);
        NextHop { egress, mtu, src_mac: [2, 1, a, b, c, d], dst_mac: [2, 2, d, c, b, a], encap: Encap::NONE, valid }
    };
    let mut hops: Vec<_> =
        (0..forwarding).map(|index| hop(index, (index % usize::from(geometry.ports)) as u8, true, rng.random())).collect();
    hops.push(hop(0, 0, false, rng.random()));
    hops.push(hop(0, HOST_PORT, true, rng.random()));
    hops
}

/// A key of TCP or UDP over IPv4.
pub fn random_key(rng: &mut ChaCha8Rng, ports: u8) -> FlowKey {
    FlowKey {
        ingress: rng.random_range(0..ports),
        encap: Encap::NONE,
        protocol: if rng.random() { PROTO_TCP } else { PROTO_UDP },
        addresses: Addresses::V4 { src: random_address(rng), dst: random_address(rng) },
        sport: rng.random(),
        dport: rng.random(),
    }
}

fn random_address(rng: &mut ChaCha8Rng) -> Ipv4Addr {
    rng.random::<u32>().into()
}

fn translation(rng: &mut ChaCha8Rng, key: &FlowKey, next_hop: u16) -> Action {
    let (src, dst) = v4(key);
    let (mut to_src, mut to_dst, mut sport, mut dport) = (src, dst, key.sport, key.dport);
    match rng.random_range(0..18) {
        16 => (to_src, to_dst) = (dst, src),
        17 => (sport, dport) = (dport, sport),
        parts => {
            if parts & 1 != 0 {
                to_src = random_address(rng);
            }
            if parts & 2 != 0 {
                to_dst = random_address(rng);
            }
            if parts & 4 != 0 {
                sport = rng.random();
            }
            if parts & 8 != 0 {
                dport = rng.random();
            }
        }
    }
    Action { addresses: Addresses::V4 { src: to_src, dst: to_dst }, sport, dport, next_hop }
}

/// `key` with one bit changed, or the other protocol: the keys that a table with a flaw would take for it.
pub fn near_miss(rng: &mut ChaCha8Rng, key: &FlowKey, ports: u8) -> FlowKey {
    let (src, dst) = v4(key);
    let mut near = *key;
    let flipped = |address: Ipv4Addr, bit: u32| Ipv4Addr::from_bits(address.to_bits() ^ 1 << bit);
    match rng.random_range(0..98) {
        bit @ 0..32 => near.addresses = Addresses::V4 { src: flipped(src, bit), dst },
        bit @ 32..64 => near.addresses = Addresses::V4 { src, dst: flipped(dst, bit - 32) },
        bit @ 64..80 => near.sport ^= 1 << (bit - 64),
        bit @ 80..96 => near.dport ^= 1 << (bit - 80),
        96 if ports > 1 => near.ingress = (key.ingress + 1) % ports,
        _ => near.protocol = if key.protocol == PROTO_TCP { PROTO_UDP } else { PROTO_TCP },
    }
    near
}

fn v4(key: &FlowKey) -> (Ipv4Addr, Ipv4Addr) {
    match key.addresses {
        Addresses::V4 { src, dst } => (src, dst),
        Addresses::V6 { .. } => (Ipv4Addr::UNSPECIFIED, Ipv4Addr::UNSPECIFIED),
    }
}
