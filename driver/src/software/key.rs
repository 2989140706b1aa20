//! Keys as they lie in packets, and their hash.
//!
//! Not the card's key and hash: nothing of them leaves this table, so they take the shortest way from a packet's bytes to a bucket.

use std::net::{Ipv4Addr, Ipv6Addr};

use fpgaflow_abi::hash::{HashSecret, SECRET_WORDS};
use fpgaflow_abi::key::FlowKey;

/// A key as a flow's line holds it.
pub(super) trait WireKey: Copy + PartialEq {
    /// A key that no packet has: there is no such encapsulation.
    const NONE: Self;

    /// Its hash.
    fn hash(&self, hasher: &Hasher) -> KeyHash;
}

/// Encapsulation of no packet.
const NO_ENCAP: u64 = u64::MAX;

/// What makes two IPv4 packets one flow: source and destination address as on the wire; ports as on the wire, protocol, ingress port;
/// encapsulation as [`fpgaflow_abi::key::Encap::to_bits`] has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct KeyV4 {
    pub addresses: u64,
    pub ports: u64,
    pub encap: u64,
}

impl KeyV4 {
    /// The key of a packet with these bytes.
    #[inline(always)]
    pub fn new(addresses: [u8; 8], ports: [u8; 4], protocol: u8, ingress: u8, encap: u64) -> Self {
        Self { addresses: u64::from_le_bytes(addresses), ports: wire_ports(ports, protocol, ingress), encap }
    }

    /// The key of a flow between these addresses, which are those of `key`.
    pub fn of(key: &FlowKey, src: Ipv4Addr, dst: Ipv4Addr) -> Self {
        Self::new(wire_addresses_v4(src, dst), ports_of(key), key.protocol, key.ingress, key.encap.to_bits())
    }
}

impl WireKey for KeyV4 {
    const NONE: Self = Self { addresses: 0, ports: 0, encap: NO_ENCAP };

    #[inline(always)]
    fn hash(&self, hasher: &Hasher) -> KeyHash {
        let [a, b, c, d, ..] = hasher.0;
        KeyHash(fold(fold(self.addresses ^ a, self.ports ^ b) ^ self.encap ^ c, d))
    }
}

/// The same of IPv6 packets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct KeyV6 {
    pub addresses: [u64; 4],
    pub ports: u64,
    pub encap: u64,
}

impl KeyV6 {
    /// The key of a packet with these bytes.
    #[inline(always)]
    pub fn new(addresses: &[u8; 32], ports: [u8; 4], protocol: u8, ingress: u8, encap: u64) -> Self {
        let (words, _) = addresses.as_chunks::<8>();
        let addresses = std::array::from_fn(|i| u64::from_le_bytes(words[i]));
        Self { addresses, ports: wire_ports(ports, protocol, ingress), encap }
    }

    /// The key of a flow between these addresses, which are those of `key`.
    pub fn of(key: &FlowKey, src: Ipv6Addr, dst: Ipv6Addr) -> Self {
        Self::new(&wire_addresses_v6(src, dst), ports_of(key), key.protocol, key.ingress, key.encap.to_bits())
    }
}

impl WireKey for KeyV6 {
    const NONE: Self = Self { addresses: [0; 4], ports: 0, encap: NO_ENCAP };

    #[inline(always)]
    fn hash(&self, hasher: &Hasher) -> KeyHash {
        let [a, b, c, d, e, f, g] = hasher.0;
        let source = fold(self.addresses[0] ^ a, self.addresses[1] ^ b);
        let destination = fold(self.addresses[2] ^ c, self.addresses[3] ^ e);
        KeyHash(fold(fold(source ^ self.ports ^ f, destination ^ self.encap ^ g), d))
    }
}

/// Ports as on the wire, protocol and ingress port in one word.
#[inline(always)]
fn wire_ports(ports: [u8; 4], protocol: u8, ingress: u8) -> u64 {
    let [a, b, c, d] = ports;
    u64::from_le_bytes([a, b, c, d, protocol, ingress, 0, 0])
}

fn ports_of(key: &FlowKey) -> [u8; 4] {
    (u32::from(key.sport) << 16 | u32::from(key.dport)).to_be_bytes()
}

/// Both addresses as they lie in an IPv4 header.
pub(super) fn wire_addresses_v4(src: Ipv4Addr, dst: Ipv4Addr) -> [u8; 8] {
    (u64::from(src.to_bits()) << 32 | u64::from(dst.to_bits())).to_be_bytes()
}

/// Both addresses as they lie in an IPv6 header.
pub(super) fn wire_addresses_v6(src: Ipv6Addr, dst: Ipv6Addr) -> [u8; 32] {
    let mut addresses = [0; 32];
    addresses[..16].copy_from_slice(&src.octets());
    addresses[16..].copy_from_slice(&dst.octets());
    addresses
}

/// Hash of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct KeyHash(pub u64);

/// A keyed hash by folded multiplication (as in wyhash): three words are two multiplications, six are four.
#[derive(Clone)]
pub(super) struct Hasher([u64; SECRET_WORDS]);

impl std::fmt::Debug for Hasher {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Hasher(..)")
    }
}

impl Hasher {
    pub fn new(secret: &HashSecret) -> Self {
        let mut words = secret.0;
        // What multiplies last is odd, so that it never multiplies by zero.
        words[3] |= 1;
        Self(words)
    }
}

/// Both halves of the product, added without carry.
#[inline(always)]
fn fold(a: u64, b: u64) -> u64 {
    let product = u128::from(a) * u128::from(b);
    product as u64 ^ (product >> 64) as u64
}

#[cfg(test)]
mod tests {
    use super::*;
    use fpgaflow_abi::key::Addresses;

    use crate::bench::keys::{KeyShape, Numbers};

    /// The key of an IPv4 flow, and that of the same with IPv4-mapped IPv6 addresses (RFC 4291 2.5.5.2).
    fn both(key: &FlowKey) -> (KeyV4, KeyV6) {
        let Addresses::V4 { src, dst } = key.addresses else { panic!("an IPv4 key") };
        (KeyV4::of(key, src, dst), KeyV6::of(key, src.to_ipv6_mapped(), dst.to_ipv6_mapped()))
    }

    #[test]
    fn keys_of_every_shape_spread_over_buckets_and_tags() {
        let mut numbers = Numbers::new(3);
        for shape in KeyShape::ALL {
            let hasher = Hasher::new(&numbers.secret());
            let keys = shape.keys(1 << 16, &mut numbers);
            let v4: Vec<_> = keys.iter().map(|key| both(key).0.hash(&hasher)).collect();
            let v6: Vec<_> = keys.iter().map(|key| both(key).1.hash(&hasher)).collect();
            for (hashes, family) in [(v4, "IPv4"), (v6, "IPv6")] {
                let (mut high, mut low) = (vec![0u32; 1 << 13], vec![0u32; 1 << 13]);
                for KeyHash(hash) in hashes {
                    high[(hash >> 51) as usize] += 1;
                    low[hash as usize & 0x1fff] += 1;
                }
                // Eight a bucket on average: a random hash has more than 30 in none of 8,192 with a probability of one in 10^5.
                let most = high.iter().chain(&low).max().expect("buckets");
                assert!(*most <= 30, "{}, {family}: {most} keys in one of 8,192 buckets", shape.name());
            }
        }
    }
}
