//! Next hops: where and how a frame leaves. Their own small table, so one write repairs every flow through a neighbour.

use crate::bits::{Field, Row};
use crate::key::Encap;

/// Ethernet address, first byte on the wire first.
pub type MacAddr = [u8; 6];

/// Egress port of a next hop whose flows are handed to the host (reason `host_addressed`).
pub const HOST_PORT: u8 = 15;

/// Words of a next-hop row.
pub const NEXT_HOP_WORDS: usize = 3;
/// A next hop as the card stores it.
pub type NextHopBits = Row<NEXT_HOP_WORDS>;

/// Source Ethernet address of frames that leave, as the integer its bytes spell.
pub const SRC_MAC: Field = Field::new(0, 48);
/// Destination Ethernet address.
pub const DST_MAC: Field = SRC_MAC.then(48);
/// Encapsulation to leave with.
pub const ENCAP: Field = DST_MAC.then(48);
/// Largest IP packet.
pub const MTU: Field = ENCAP.then(16);
/// Port to leave by, or [`HOST_PORT`].
pub const EGRESS: Field = MTU.then(4);
/// 1 for a next hop that may be used.
pub const VALID: Field = EGRESS.then(1);
/// Bits of a next-hop row.
pub const NEXT_HOP_ROW_BITS: usize = VALID.end();

/// Where and how frames of a flow leave.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct NextHop {
    /// Port to leave by, or [`HOST_PORT`].
    pub egress: u8,
    /// Largest IP packet in bytes; larger ones are punted.
    pub mtu: u16,
    /// Source Ethernet address.
    pub src_mac: MacAddr,
    /// Destination Ethernet address.
    pub dst_mac: MacAddr,
    /// Encapsulation.
    pub encap: Encap,
    /// Frames of flows through an invalid next hop are punted.
    pub valid: bool,
}

impl NextHop {
    /// The row that the card stores.
    pub fn to_bits(&self) -> NextHopBits {
        let mut row = Row([0; NEXT_HOP_WORDS]);
        row.set(SRC_MAC, mac_to_int(self.src_mac).into());
        row.set(DST_MAC, mac_to_int(self.dst_mac).into());
        row.set(ENCAP, self.encap.to_bits().into());
        row.set(MTU, self.mtu.into());
        row.set(EGRESS, self.egress.into());
        row.set(VALID, self.valid.into());
        row
    }

    /// Decodes a row; `None` for an encapsulation that does not exist.
    pub fn from_bits(row: &NextHopBits) -> Option<Self> {
        Some(Self {
            egress: row.get(EGRESS) as u8,
            mtu: row.get(MTU) as u16,
            src_mac: mac_from_int(row.get(SRC_MAC) as u64),
            dst_mac: mac_from_int(row.get(DST_MAC) as u64),
            encap: Encap::from_bits(row.get(ENCAP) as u64)?,
            valid: row.get(VALID) == 1,
        })
    }
}

/// The integer that the bytes of an Ethernet address spell.
pub const fn mac_to_int(mac: MacAddr) -> u64 {
    let [a, b, c, d, e, f] = mac;
    u64::from_be_bytes([0, 0, a, b, c, d, e, f])
}

/// Inverse of [`mac_to_int`].
pub const fn mac_from_int(value: u64) -> MacAddr {
    let [_, _, a, b, c, d, e, f] = value.to_be_bytes();
    [a, b, c, d, e, f]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_next_hop_survives_its_row() {
        let hop = NextHop {
            egress: 2,
            mtu: 9000,
            src_mac: [2, 0, 0, 0, 1, 1],
            dst_mac: [2, 0, 0, 0, 1, 2],
            encap: Encap { pppoe: Some(9), ..Encap::NONE },
            valid: true,
        };
        assert_eq!(NextHop::from_bits(&hop.to_bits()), Some(hop));
    }
}
