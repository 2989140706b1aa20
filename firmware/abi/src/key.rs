//! The flow key: what makes two packets the same flow. Seven selectors as in the kernel's flowtable (`nf_flow_table.h`,
//! `struct flow_offload_tuple`): addresses, layer 3 and 4 protocol, ports, ingress port, and the ingress encapsulation.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::bits::{Field, Row};
use crate::wire::{PPPOE_BYTES, TAG_BYTES};

/// Words of a [`KeyBits`] row: the wider of the two families.
pub const KEY_WORDS: usize = 6;
/// A key as the card hashes and compares it.
pub type KeyBits = Row<KEY_WORDS>;

/// Destination port.
pub const DPORT: Field = Field::new(0, 16);
/// Source port.
pub const SPORT: Field = DPORT.then(16);
/// IP protocol number.
pub const PROTOCOL: Field = SPORT.then(8);
/// Port the frame came in by.
pub const INGRESS: Field = PROTOCOL.then(4);
/// 1 for IPv6. Three zero bits follow.
pub const FAMILY: Field = INGRESS.then(1);
/// Ingress encapsulation, see [`Encap`].
pub const ENCAP: Field = Field::new(48, 48);
/// IPv4 destination address.
pub const DST_V4: Field = ENCAP.then(32);
/// IPv4 source address.
pub const SRC_V4: Field = DST_V4.then(32);
/// IPv6 destination address.
pub const DST_V6: Field = ENCAP.then(128);
/// IPv6 source address.
pub const SRC_V6: Field = DST_V6.then(128);

/// Bits of an IPv4 key.
pub const KEY_BITS_V4: usize = SRC_V4.end();
/// Bits of an IPv6 key; an IPv4 key is hashed as if extended to this with zeros.
pub const KEY_BITS_V6: usize = SRC_V6.end();

/// Layer 3 family.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Family {
    /// IPv4.
    V4,
    /// IPv6.
    V6,
}

/// Source and destination of one family.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Addresses {
    /// IPv4 pair.
    V4 {
        /// Source.
        src: Ipv4Addr,
        /// Destination.
        dst: Ipv4Addr,
    },
    /// IPv6 pair.
    V6 {
        /// Source.
        src: Ipv6Addr,
        /// Destination.
        dst: Ipv6Addr,
    },
}

impl Addresses {
    /// Pairs two addresses; `None` when their families differ.
    pub const fn new(src: IpAddr, dst: IpAddr) -> Option<Self> {
        match (src, dst) {
            (IpAddr::V4(src), IpAddr::V4(dst)) => Some(Self::V4 { src, dst }),
            (IpAddr::V6(src), IpAddr::V6(dst)) => Some(Self::V6 { src, dst }),
            _ => None,
        }
    }

    /// The pair's family.
    pub const fn family(&self) -> Family {
        match self {
            Self::V4 { .. } => Family::V4,
            Self::V6 { .. } => Family::V6,
        }
    }

    /// Source address.
    pub const fn src(&self) -> IpAddr {
        match *self {
            Self::V4 { src, .. } => IpAddr::V4(src),
            Self::V6 { src, .. } => IpAddr::V6(src),
        }
    }

    /// Destination address.
    pub const fn dst(&self) -> IpAddr {
        match *self {
            Self::V4 { dst, .. } => IpAddr::V4(dst),
            Self::V6 { dst, .. } => IpAddr::V6(dst),
        }
    }
}

/// Kind of a VLAN tag, as its TPID tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum TagKind {
    /// 802.1Q customer tag, TPID 0x8100.
    Dot1Q,
    /// 802.1ad service tag, TPID 0x88a8.
    Dot1ad,
}

/// One VLAN tag; priority bits are not part of a flow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Tag {
    /// Which TPID it has.
    pub kind: TagKind,
    /// VLAN id, 12 bits.
    pub vid: u16,
}

/// Encapsulation between the Ethernet addresses and the IP header: up to two tags, then PPPoE.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Encap {
    /// Tags from the outside in; the second is `None` unless the first is there.
    pub tags: [Option<Tag>; 2],
    /// PPPoE session (RFC 2516).
    pub pppoe: Option<u16>,
}

/// Kind of the outer tag: 0 none, 1 [`TagKind::Dot1Q`], 2 [`TagKind::Dot1ad`].
pub const ENCAP_OUTER_KIND: Field = Field::new(0, 2);
/// VLAN id of the outer tag.
pub const ENCAP_OUTER_VID: Field = ENCAP_OUTER_KIND.then(12);
/// Kind of the inner tag.
pub const ENCAP_INNER_KIND: Field = ENCAP_OUTER_VID.then(2);
/// VLAN id of the inner tag.
pub const ENCAP_INNER_VID: Field = ENCAP_INNER_KIND.then(12);
/// 1 when there is a PPPoE header.
pub const ENCAP_PPPOE: Field = ENCAP_INNER_VID.then(1);
/// PPPoE session id.
pub const ENCAP_SESSION: Field = ENCAP_PPPOE.then(16);

impl Encap {
    /// No encapsulation: IP right behind the EtherType.
    pub const NONE: Self = Self { tags: [None, None], pppoe: None };

    /// Bytes by which it makes a frame longer.
    pub const fn bytes(&self) -> usize {
        let tags = self.tags[0].is_some() as usize + self.tags[1].is_some() as usize;
        tags * TAG_BYTES + if self.pppoe.is_some() { PPPOE_BYTES } else { 0 }
    }

    /// The 48-bit row.
    pub const fn to_bits(&self) -> u64 {
        let mut row = Row::<1>([0]);
        let places = [(ENCAP_OUTER_KIND, ENCAP_OUTER_VID), (ENCAP_INNER_KIND, ENCAP_INNER_VID)];
        let mut i = 0;
        while i < places.len() {
            if let Some(tag) = self.tags[i] {
                row.set(
                    places[i].0,
                    match tag.kind {
                        TagKind::Dot1Q => 1,
                        TagKind::Dot1ad => 2,
                    },
                );
                row.set(places[i].1, tag.vid as u128);
            }
            i += 1;
        }
        if let Some(session) = self.pppoe {
            row.set(ENCAP_PPPOE, 1);
            row.set(ENCAP_SESSION, session as u128);
        }
        row.0[0]
    }

    /// Decodes a row; `None` for a tag kind that does not exist or an inner tag without an outer one.
    pub fn from_bits(bits: u64) -> Option<Self> {
        let row = Row::<1>([bits]);
        let tag = |kind, vid| match row.get(kind) {
            0 => Some(None),
            1 => Some(Some(Tag { kind: TagKind::Dot1Q, vid: row.get(vid) as u16 })),
            2 => Some(Some(Tag { kind: TagKind::Dot1ad, vid: row.get(vid) as u16 })),
            _ => None,
        };
        let tags = [tag(ENCAP_OUTER_KIND, ENCAP_OUTER_VID)?, tag(ENCAP_INNER_KIND, ENCAP_INNER_VID)?];
        if tags[0].is_none() && tags[1].is_some() {
            return None;
        }
        let pppoe = (row.get(ENCAP_PPPOE) == 1).then(|| row.get(ENCAP_SESSION) as u16);
        Some(Self { tags, pppoe })
    }
}

/// What makes two packets the same flow, in one direction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FlowKey {
    /// Port the frames come in by.
    pub ingress: u8,
    /// Encapsulation they come in with.
    pub encap: Encap,
    /// IP protocol number.
    pub protocol: u8,
    /// Source and destination address.
    pub addresses: Addresses,
    /// Source port, 0 where the protocol has none.
    pub sport: u16,
    /// Destination port, 0 where the protocol has none.
    pub dport: u16,
}

impl FlowKey {
    /// The row that the card hashes and compares.
    pub const fn to_bits(&self) -> KeyBits {
        let mut row = Row([0; KEY_WORDS]);
        row.set(DPORT, self.dport as u128);
        row.set(SPORT, self.sport as u128);
        row.set(PROTOCOL, self.protocol as u128);
        row.set(INGRESS, self.ingress as u128);
        row.set(ENCAP, self.encap.to_bits() as u128);
        match self.addresses {
            Addresses::V4 { src, dst } => {
                row.set(DST_V4, dst.to_bits() as u128);
                row.set(SRC_V4, src.to_bits() as u128);
            }
            Addresses::V6 { src, dst } => {
                row.set(FAMILY, 1);
                row.set(DST_V6, dst.to_bits());
                row.set(SRC_V6, src.to_bits());
            }
        }
        row
    }

    /// Decodes a row; `None` where [`Encap::from_bits`] finds none.
    pub fn from_bits(row: &KeyBits) -> Option<Self> {
        let addresses = if row.get(FAMILY) == 0 {
            Addresses::V4 { src: Ipv4Addr::from_bits(row.get(SRC_V4) as u32), dst: Ipv4Addr::from_bits(row.get(DST_V4) as u32) }
        } else {
            Addresses::V6 { src: Ipv6Addr::from_bits(row.get(SRC_V6)), dst: Ipv6Addr::from_bits(row.get(DST_V6)) }
        };
        Some(Self {
            ingress: row.get(INGRESS) as u8,
            encap: Encap::from_bits(row.get(ENCAP) as u64)?,
            protocol: row.get(PROTOCOL) as u8,
            addresses,
            sport: row.get(SPORT) as u16,
            dport: row.get(DPORT) as u16,
        })
    }

    /// Layer 3 family.
    pub const fn family(&self) -> Family {
        self.addresses.family()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_survives_its_row() {
        let key = FlowKey {
            ingress: 3,
            encap: Encap {
                tags: [Some(Tag { kind: TagKind::Dot1ad, vid: 4094 }), Some(Tag { kind: TagKind::Dot1Q, vid: 7 })],
                pppoe: Some(0xbeef),
            },
            protocol: 17,
            addresses: Addresses::V6 { src: "2001:db8::1".parse().unwrap(), dst: "2001:db8:ffff::2".parse().unwrap() },
            sport: 0x1234,
            dport: 0xfedc,
        };
        assert_eq!(FlowKey::from_bits(&key.to_bits()), Some(key));
        let v4 = FlowKey {
            addresses: Addresses::V4 { src: Ipv4Addr::new(192, 0, 2, 1), dst: Ipv4Addr::new(198, 51, 100, 2) },
            encap: Encap::NONE,
            ..key
        };
        assert_eq!(FlowKey::from_bits(&v4.to_bits()), Some(v4));
        assert_eq!(v4.to_bits().0[3..], [0; 3], "an IPv4 key ends below bit {KEY_BITS_V4}");
    }

    #[test]
    fn an_encapsulation_is_as_long_as_its_headers() {
        let tag = Some(Tag { kind: TagKind::Dot1Q, vid: 1 });
        for (tags, pppoe, bytes) in [
            ([None, None], None, 0),
            ([tag, None], None, 4),
            ([tag, tag], None, 8),
            ([None, None], Some(1), 8),
            ([tag, tag], Some(1), 16),
        ] {
            assert_eq!(Encap { tags, pppoe }.bytes(), bytes);
        }
    }

    #[test]
    fn an_inner_tag_alone_is_refused() {
        let mut row = Row::<1>([0]);
        row.set(ENCAP_INNER_KIND, 1);
        assert_eq!(Encap::from_bits(row.0[0]), None);
    }
}
