//! What kinds of packets there are, and how often each is drawn.

use std::net::{Ipv4Addr, Ipv6Addr};

use fpgaflow_abi::key::{Addresses, Encap, Family, FlowKey};
use fpgaflow_abi::wire::{PROTO_GRE, PROTO_TCP, PROTO_UDP};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;

use crate::shape::Shape;
use crate::weighted::Weighted;

/// Which families, protocols and encapsulations packets have, and how often.
#[derive(Debug, Clone)]
pub struct Variety {
    families: Weighted<Family>,
    protocols: Weighted<u8>,
    ingress: Weighted<Shape>,
    egress: Weighted<Shape>,
}

impl Variety {
    /// Draws each in proportion to its weight: families, protocols (TCP, UDP and GRE), encapsulations that packets come in, and those
    /// that they leave with.
    ///
    /// # Panics
    /// When all weights of one of them are zero.
    pub fn new(families: &[(Family, u32)], protocols: &[(u8, u32)], ingress: &[(Shape, u32)], egress: &[(Shape, u32)]) -> Self {
        Self {
            families: Weighted::new("a family", families.iter().copied()),
            protocols: Weighted::new("a protocol", protocols.iter().copied()),
            ingress: Weighted::new("an ingress encapsulation", ingress.iter().copied()),
            egress: Weighted::new("an egress encapsulation", egress.iter().copied()),
        }
    }

    /// TCP and UDP over IPv4 right behind the Ethernet header.
    pub fn plain() -> Self {
        Self::new(&[(Family::V4, 1)], &[(PROTO_TCP, 1), (PROTO_UDP, 1)], &[(Shape::NONE, 1)], &[(Shape::NONE, 1)])
    }

    /// Everything: as much of either family and of each encapsulation, more of TCP and UDP than of GRE.
    pub fn everything() -> Self {
        let shapes = Shape::ALL.map(|shape| (shape, 1));
        Self::new(&[(Family::V4, 1), (Family::V6, 1)], &[(PROTO_TCP, 2), (PROTO_UDP, 2), (PROTO_GRE, 1)], &shapes, &shapes)
    }

    /// Whether packets may be of `family`.
    pub fn has_family(&self, family: Family) -> bool {
        self.families.values().contains(&family)
    }

    /// Whether packets may come in an encapsulation.
    pub fn has_encaps(&self) -> bool {
        self.ingress.values().iter().any(|shape| *shape != Shape::NONE)
    }

    /// A key of every kind of packet.
    pub(crate) fn samples(&self) -> Vec<FlowKey> {
        let mut keys = Vec::new();
        for family in self.families.values() {
            for protocol in self.protocols.values() {
                keys.extend(self.ingress.values().iter().map(|shape| FlowKey {
                    ingress: 0,
                    encap: shape.with_ids(|| 0, 0),
                    protocol: *protocol,
                    addresses: unspecified(*family),
                    sport: 0,
                    dport: 0,
                }));
            }
        }
        keys
    }

    /// Encapsulations that packets may leave with.
    pub(crate) fn egress_shapes(&self) -> &[Shape] {
        self.egress.values()
    }

    /// An encapsulation to leave with.
    pub fn egress(&self, rng: &mut ChaCha8Rng) -> Encap {
        self.egress.draw(rng).draw(rng)
    }

    /// A random key.
    pub(crate) fn key(&self, rng: &mut ChaCha8Rng, ports: u8) -> FlowKey {
        let family = self.families.draw(rng);
        self.key_of(rng, ports, family)
    }

    /// A random key of `family`.
    pub(crate) fn key_of(&self, rng: &mut ChaCha8Rng, ports: u8, family: Family) -> FlowKey {
        let protocol = self.protocols.draw(rng);
        let [sport, dport] = if protocol == PROTO_GRE { [0, 0] } else { rng.random() };
        FlowKey {
            ingress: rng.random_range(0..ports),
            encap: self.ingress.draw(rng).draw(rng),
            protocol,
            addresses: random_addresses(rng, family),
            sport,
            dport,
        }
    }
}

fn unspecified(family: Family) -> Addresses {
    match family {
        Family::V4 => Addresses::V4 { src: Ipv4Addr::UNSPECIFIED, dst: Ipv4Addr::UNSPECIFIED },
        Family::V6 => Addresses::V6 { src: Ipv6Addr::UNSPECIFIED, dst: Ipv6Addr::UNSPECIFIED },
    }
}

pub(crate) fn random_addresses(rng: &mut ChaCha8Rng, family: Family) -> Addresses {
    match family {
        Family::V4 => Addresses::V4 { src: rng.random::<u32>().into(), dst: rng.random::<u32>().into() },
        Family::V6 => Addresses::V6 { src: rng.random::<u128>().into(), dst: rng.random::<u128>().into() },
    }
}

/// `addresses` with one bit changed.
pub(crate) fn near_addresses(rng: &mut ChaCha8Rng, addresses: &Addresses) -> Addresses {
    match *addresses {
        Addresses::V4 { src, dst } => {
            let flip = |address: Ipv4Addr, bit: u32| Ipv4Addr::from_bits(address.to_bits() ^ 1 << bit);
            match rng.random_range(0..64) {
                bit @ 0..32 => Addresses::V4 { src: flip(src, bit), dst },
                bit => Addresses::V4 { src, dst: flip(dst, bit - 32) },
            }
        }
        Addresses::V6 { src, dst } => {
            let flip = |address: Ipv6Addr, bit: u32| Ipv6Addr::from_bits(address.to_bits() ^ 1 << bit);
            match rng.random_range(0..256) {
                bit @ 0..128 => Addresses::V6 { src: flip(src, bit), dst },
                bit => Addresses::V6 { src, dst: flip(dst, bit - 128) },
            }
        }
    }
}
