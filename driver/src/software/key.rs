//! Keys as they lie in packets, and their hash.
//!
//! Not the card's key and hash: nothing of them leaves this table, so they take the shortest way from a packet's bytes to a bucket.

use fpgaflow_abi::hash::HashSecret;
use fpgaflow_abi::key::{Addresses, FlowKey};

/// What makes two packets one flow: source and destination address as on the wire; ports as on the wire, protocol, ingress port;
/// encapsulation as [`fpgaflow_abi::key::Encap::to_bits`] has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Key {
    pub addresses: u64,
    pub ports: u64,
    pub encap: u64,
}

impl Key {
    /// A key that no packet has: there is no such encapsulation.
    pub const NONE: Self = Self { addresses: 0, ports: 0, encap: u64::MAX };

    /// The key of a packet with these bytes.
    #[inline(always)]
    pub fn new(addresses: [u8; 8], ports: [u8; 4], protocol: u8, ingress: u8, encap: u64) -> Self {
        let [a, b, c, d] = ports;
        Self { addresses: u64::from_le_bytes(addresses), ports: u64::from_le_bytes([a, b, c, d, protocol, ingress, 0, 0]), encap }
    }

    /// The same of an IPv4 flow; `None` for another.
    pub fn of(key: &FlowKey) -> Option<Self> {
        let Addresses::V4 { src, dst } = key.addresses else { return None };
        let ports = u32::from(key.sport) << 16 | u32::from(key.dport);
        Some(Self::new(wire_addresses(src, dst), ports.to_be_bytes(), key.protocol, key.ingress, key.encap.to_bits()))
    }
}

/// Both addresses as they lie in an IPv4 header.
pub(super) fn wire_addresses(src: std::net::Ipv4Addr, dst: std::net::Ipv4Addr) -> [u8; 8] {
    (u64::from(src.to_bits()) << 32 | u64::from(dst.to_bits())).to_be_bytes()
}

/// Hash of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct KeyHash(pub u64);

/// A keyed hash by folded multiplication (as in wyhash): three words are two multiplications.
#[derive(Clone)]
pub(super) struct Hasher([u64; 4]);

impl std::fmt::Debug for Hasher {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Hasher(..)")
    }
}

impl Hasher {
    pub fn new(secret: &HashSecret) -> Self {
        let mut words = [0; 4];
        words.copy_from_slice(&secret.0[..4]);
        // Odd, so that it never multiplies by zero.
        words[3] |= 1;
        Self(words)
    }

    #[inline(always)]
    pub fn hash(&self, key: &Key) -> KeyHash {
        let [a, b, c, d] = self.0;
        KeyHash(fold(fold(key.addresses ^ a, key.ports ^ b) ^ key.encap ^ c, d))
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
    use crate::bench::keys::{KeyShape, Numbers};

    #[test]
    fn keys_of_every_shape_spread_over_buckets_and_tags() {
        let mut numbers = Numbers::new(3);
        for shape in KeyShape::ALL {
            let hasher = Hasher::new(&numbers.secret());
            let keys = shape.keys(1 << 16, &mut numbers);
            let (mut high, mut low) = (vec![0u32; 1 << 13], vec![0u32; 1 << 13]);
            for key in &keys {
                let hash = hasher.hash(&Key::of(key).expect("an IPv4 key")).0;
                high[(hash >> 51) as usize] += 1;
                low[hash as usize & 0x1fff] += 1;
            }
            // Eight a bucket on average: a random hash has more than 30 in none of 8,192 with a probability of one in 10^5.
            let most = high.iter().chain(&low).max().expect("buckets");
            assert!(*most <= 30, "{}: {most} keys in one of 8,192 buckets", shape.name());
        }
    }
}
