//! Entries: full key and action in one wide row, compared and applied by the card.

use core::net::{Ipv4Addr, Ipv6Addr};

use crate::bits::{Field, Row};
use crate::checksum;
use crate::key::{Addresses, Family, FlowKey, KEY_BITS_V4, KEY_BITS_V6, KEY_WORDS};

/// Words of an entry row of either family.
pub const ENTRY_WORDS: usize = 11;
/// An entry as the card stores it.
pub type EntryBits = Row<ENTRY_WORDS>;

/// Positions of the action's fields in a row whose key ends at `key_bits` and whose addresses have `address_bits`.
#[derive(Debug, Clone, Copy)]
pub struct ActionLayout {
    /// Destination port to write.
    pub dport: Field,
    /// Source port to write.
    pub sport: Field,
    /// Destination address to write.
    pub dst: Field,
    /// Source address to write.
    pub src: Field,
    /// Index of the next hop.
    pub next_hop: Field,
    /// 1 for an entry that may hit. Three zero bits follow.
    pub valid: Field,
    /// Added to the IPv4 header checksum besides [`checksum::TTL_DELTA`].
    pub l3_delta: Field,
    /// Added to the TCP or UDP checksum.
    pub l4_delta: Field,
}

impl ActionLayout {
    const fn new(key_bits: usize, address_bits: usize) -> Self {
        let dport = Field::new(key_bits, 16);
        let sport = dport.then(16);
        let dst = sport.then(address_bits);
        let src = dst.then(address_bits);
        let next_hop = src.then(NEXT_HOP_BITS);
        let valid = next_hop.then(1);
        let l3_delta = Field::new(valid.end() + 3, 16);
        Self { dport, sport, dst, src, next_hop, valid, l3_delta, l4_delta: l3_delta.then(16) }
    }
}

/// Width of a next hop's index.
pub const NEXT_HOP_BITS: usize = 12;
/// Action of an IPv4 entry.
pub const ACTION_V4: ActionLayout = ActionLayout::new(KEY_BITS_V4, 32);
/// Action of an IPv6 entry.
pub const ACTION_V6: ActionLayout = ActionLayout::new(KEY_BITS_V6, 128);
/// Bits of an IPv4 entry.
pub const ENTRY_BITS_V4: usize = ACTION_V4.l4_delta.end();
/// Bits of an IPv6 entry.
pub const ENTRY_BITS_V6: usize = ACTION_V6.l4_delta.end();

/// What the card does to a packet of a flow, besides lowering TTL or hop limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Action {
    /// Addresses to write; the key's own where nothing changes. Same family as the key.
    pub addresses: Addresses,
    /// Source port to write.
    pub sport: u16,
    /// Destination port to write.
    pub dport: u16,
    /// Next hop to leave by.
    pub next_hop: u16,
}

/// One direction of one flow as the card holds it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Entry {
    /// What it matches.
    pub key: FlowKey,
    /// What is done on a match.
    pub action: Action,
    /// An invalid entry never hits.
    pub valid: bool,
}

impl Entry {
    /// Delta for the IPv4 header checksum: the change of the two addresses. 0 for IPv6, which has none.
    pub fn l3_delta(&self) -> u16 {
        match self.key.family() {
            Family::V4 => checksum::delta(&words(&self.key.addresses)[..4], &words(&self.action.addresses)[..4]),
            Family::V6 => 0,
        }
    }

    /// Delta for the TCP or UDP checksum: the change of addresses (pseudo header, RFC 9293 3.1, RFC 768) and ports.
    pub fn l4_delta(&self) -> u16 {
        let side = |addresses: &Addresses, sport, dport| {
            let mut all = [0; 18];
            all[..16].copy_from_slice(&words(addresses));
            all[16] = sport;
            all[17] = dport;
            all
        };
        checksum::delta(
            &side(&self.key.addresses, self.key.sport, self.key.dport),
            &side(&self.action.addresses, self.action.sport, self.action.dport),
        )
    }

    /// The row that the card stores.
    ///
    /// # Panics
    /// When key and action are of different families, which the type's contract excludes.
    pub fn to_bits(&self) -> EntryBits {
        let mut row = Row([0; ENTRY_WORDS]);
        row.0[..KEY_WORDS].copy_from_slice(&self.key.to_bits().0);
        let layout = match (self.key.family(), &self.action.addresses) {
            (Family::V4, Addresses::V4 { src, dst }) => {
                row.set(ACTION_V4.src, src.to_bits().into());
                row.set(ACTION_V4.dst, dst.to_bits().into());
                ACTION_V4
            }
            (Family::V6, Addresses::V6 { src, dst }) => {
                row.set(ACTION_V6.src, src.to_bits());
                row.set(ACTION_V6.dst, dst.to_bits());
                ACTION_V6
            }
            _ => panic!("an entry's key and action have one family"),
        };
        row.set(layout.sport, self.action.sport.into());
        row.set(layout.dport, self.action.dport.into());
        row.set(layout.next_hop, self.action.next_hop.into());
        row.set(layout.valid, self.valid.into());
        row.set(layout.l3_delta, self.l3_delta().into());
        row.set(layout.l4_delta, self.l4_delta().into());
        row
    }

    /// Decodes a row of `family`; the deltas are derived, not read. `None` for an encapsulation that does not exist.
    pub fn from_bits(family: Family, row: &EntryBits) -> Option<Self> {
        let mut key = Row([0; KEY_WORDS]);
        let layout = match family {
            Family::V4 => {
                key.0[..3].copy_from_slice(&row.0[..3]);
                key.0[2] &= (1 << (KEY_BITS_V4 - 128)) - 1;
                ACTION_V4
            }
            Family::V6 => {
                key.0.copy_from_slice(&row.0[..KEY_WORDS]);
                key.0[5] &= (1 << (KEY_BITS_V6 - 320)) - 1;
                ACTION_V6
            }
        };
        let addresses = match family {
            Family::V4 => Addresses::V4 {
                src: Ipv4Addr::from_bits(row.get(layout.src) as u32),
                dst: Ipv4Addr::from_bits(row.get(layout.dst) as u32),
            },
            Family::V6 => {
                Addresses::V6 { src: Ipv6Addr::from_bits(row.get(layout.src)), dst: Ipv6Addr::from_bits(row.get(layout.dst)) }
            }
        };
        Some(Self {
            key: FlowKey::from_bits(&key)?,
            action: Action {
                addresses,
                sport: row.get(layout.sport) as u16,
                dport: row.get(layout.dport) as u16,
                next_hop: row.get(layout.next_hop) as u16,
            },
            valid: row.get(layout.valid) == 1,
        })
    }
}

/// Both addresses as 16-bit words, IPv4 in the first four.
fn words(addresses: &Addresses) -> [u16; 16] {
    let mut out = [0; 16];
    match addresses {
        Addresses::V4 { src, dst } => {
            for (i, half) in [src.to_bits() >> 16, src.to_bits(), dst.to_bits() >> 16, dst.to_bits()].iter().enumerate() {
                out[i] = *half as u16;
            }
        }
        Addresses::V6 { src, dst } => {
            out[..8].copy_from_slice(&src.segments());
            out[8..].copy_from_slice(&dst.segments());
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::Encap;

    fn entry() -> Entry {
        Entry {
            key: FlowKey {
                ingress: 1,
                encap: Encap::NONE,
                protocol: 6,
                addresses: Addresses::V4 { src: Ipv4Addr::new(192, 0, 2, 10), dst: Ipv4Addr::new(198, 51, 100, 1) },
                sport: 40000,
                dport: 443,
            },
            action: Action {
                addresses: Addresses::V4 { src: Ipv4Addr::new(203, 0, 113, 5), dst: Ipv4Addr::new(198, 51, 100, 1) },
                sport: 61000,
                dport: 443,
                next_hop: 0xabc,
            },
            valid: true,
        }
    }

    #[test]
    fn an_entry_survives_its_row() {
        let entry = entry();
        assert_eq!(Entry::from_bits(Family::V4, &entry.to_bits()), Some(entry));
    }

    #[test]
    fn an_entry_without_nat_has_no_deltas() {
        let mut entry = entry();
        entry.action = Action { addresses: entry.key.addresses, sport: 40000, dport: 443, next_hop: 1 };
        assert_eq!((entry.l3_delta(), entry.l4_delta()), (0, 0));
    }

    #[test]
    fn an_ipv4_row_fits_one_descriptor_and_an_ipv6_row_three() {
        use crate::descriptor::PAYLOAD_WORDS;
        const { assert!(ENTRY_BITS_V4 <= 64 * PAYLOAD_WORDS) };
        const { assert!(ENTRY_BITS_V6 <= 64 * ENTRY_WORDS && ENTRY_WORDS <= 3 * PAYLOAD_WORDS) };
    }
}
