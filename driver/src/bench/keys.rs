//! Flow keys as networks have them: most are anything but random.

use std::net::Ipv4Addr;

use fpgaflow_abi::hash::{HashSecret, SECRET_WORDS};
use fpgaflow_abi::key::{Addresses, Encap, FlowKey};
use fpgaflow_abi::wire::{PROTO_TCP, PROTO_UDP};

/// SplitMix64 (Steele, Lea, Flood 2014): the stream of numbers that a seed names. For workloads only; secrets of cards come from
/// the system.
#[derive(Debug, Clone)]
pub struct Numbers(u64);

impl Numbers {
    /// The stream of `seed`.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next number.
    pub fn draw(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ self.0 >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ mixed >> 31
    }

    /// A number below `limit`, which is not 0.
    pub fn below(&mut self, limit: u64) -> u64 {
        ((u128::from(self.draw()) * u128::from(limit)) >> 64) as u64
    }

    /// A secret.
    pub fn secret(&mut self) -> HashSecret {
        HashSecret([(); SECRET_WORDS].map(|()| self.draw()))
    }
}

/// How the keys of a workload are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyShape {
    /// Random addresses and ports.
    Random,
    /// One client, one server, source ports one after the other; then the next client address.
    SequentialPorts,
    /// Source addresses one after the other, all ports equal.
    SequentialAddresses,
    /// 256 clients, a few hundred ports each from one range, to 4 servers: a CGNAT's inside.
    Subscribers,
    /// Both directions of masqueraded connections behind one public address with sequential ports.
    Masquerade,
}

impl KeyShape {
    /// Every shape.
    pub const ALL: [Self; 5] =
        [Self::Random, Self::SequentialPorts, Self::SequentialAddresses, Self::Subscribers, Self::Masquerade];

    /// Name in reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Random => "random",
            Self::SequentialPorts => "sequential ports",
            Self::SequentialAddresses => "sequential addresses",
            Self::Subscribers => "subscribers",
            Self::Masquerade => "masquerade",
        }
    }

    /// `count` different keys.
    pub fn keys(self, count: usize, numbers: &mut Numbers) -> Vec<FlowKey> {
        let server = Ipv4Addr::from_bits(0xc633_6400 | numbers.below(256) as u32);
        let key = |ingress, protocol, src: u32, sport, dst: Ipv4Addr, dport| FlowKey {
            ingress,
            encap: Encap::NONE,
            protocol,
            addresses: Addresses::V4 { src: Ipv4Addr::from_bits(src), dst },
            sport,
            dport,
        };
        let inside = |i: usize| 0x0a00_0000 + i as u32;
        (0..count)
            .map(|i| match self {
                Self::Random => {
                    let (a, b) = (numbers.draw(), numbers.draw());
                    let protocol = if b >> 63 == 0 { PROTO_TCP } else { PROTO_UDP };
                    // The number in the source address makes the keys different.
                    let src = inside(i) ^ ((b >> 32) as u32) << 30;
                    key(0, protocol, src, a as u16, Ipv4Addr::from_bits((a >> 32) as u32), b as u16)
                }
                Self::SequentialPorts => key(0, PROTO_TCP, inside(i / 0xf000), 0x1000 + (i % 0xf000) as u16, server, 443),
                Self::SequentialAddresses => key(0, PROTO_UDP, inside(i), 5000, server, 53),
                Self::Subscribers => {
                    let (subscriber, connection) = (i % 256, i / 256);
                    let server = Ipv4Addr::from_bits(server.to_bits() ^ (connection % 4) as u32);
                    key(0, PROTO_TCP, inside(subscriber), 40_000u16.wrapping_add((connection / 4) as u16), server, 443)
                }
                Self::Masquerade => {
                    let (connection, port) = (i / 2, 1024u16.wrapping_add((i / 2) as u16));
                    if i % 2 == 0 {
                        key(0, PROTO_TCP, inside(connection), 50_000, server, 443)
                    } else {
                        let public = 0xcb00_7105 + (connection / 0xfc00) as u32;
                        key(1, PROTO_TCP, server.to_bits(), 443, Ipv4Addr::from_bits(public), port)
                    }
                }
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_of_every_shape_are_different() {
        for shape in KeyShape::ALL {
            let mut keys = shape.keys(100_000, &mut Numbers::new(1));
            keys.sort_unstable();
            keys.dedup();
            assert_eq!(keys.len(), 100_000, "{}", shape.name());
        }
    }
}
