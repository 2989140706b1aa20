//! A frame that is edited, and where its headers are.

use etherparse::checksum::Sum16BitWords;
use fpgaflow_abi::key::{Family, FlowKey};
use fpgaflow_abi::wire::{ETH_HEADER_BYTES, PROTO_UDP, TAG_BYTES};

use crate::packet::{Packet, l2_bytes, l3_header_bytes};

/// Where the IPv4 header of an untagged frame starts.
pub const L3: usize = ETH_HEADER_BYTES;
/// Where the layer 4 header starts behind an IPv4 header without options in an untagged frame.
pub const L4: usize = L3 + 20;
/// Where an untagged frame has its EtherType, and a tagged one its first TPID.
pub(crate) const ETHERTYPE_AT: usize = 12;

/// Makes the IPv4 header checksum of an untagged frame right again. Frames that end before the header does are left alone.
pub fn fix_ip_checksum(frame: &mut [u8]) {
    fix_ip_checksum_at(frame, L3);
}

/// Makes the checksum of the IPv4 header at `l3` right again.
fn fix_ip_checksum_at(frame: &mut [u8], l3: usize) {
    if let Some(header) = frame.get_mut(l3..l3 + l3_header_bytes(Family::V4)) {
        header[10..12].fill(0);
        let sum = Sum16BitWords::new().add_slice(header).ones_complement();
        // etherparse keeps its sum in native byte order.
        header[10..12].copy_from_slice(&sum.to_ne_bytes());
    }
}

/// Writes a big-endian field.
///
/// # Panics
/// When it is not in the frame.
pub fn set16(frame: &mut [u8], at: usize, value: u16) {
    frame[at..at + 2].copy_from_slice(&value.to_be_bytes());
}

/// A well-formed frame of a packet, and what became of it.
#[derive(Debug, Clone)]
pub(crate) struct Draft {
    /// The frame.
    pub bytes: Vec<u8>,
    /// What it was made of.
    pub key: FlowKey,
    /// Where the IP header starts.
    pub l3: usize,
    /// Where the layer 4 header starts.
    pub l4: usize,
}

impl Draft {
    pub fn of(packet: &Packet) -> Self {
        let l3 = l2_bytes(&packet.key.encap);
        Self { bytes: packet.to_frame(), key: packet.key, l3, l4: l3 + l3_header_bytes(packet.key.family()) }
    }

    pub fn is_v4(&self) -> bool {
        self.key.family() == Family::V4
    }

    pub fn get16(&self, at: usize) -> u16 {
        u16::from_be_bytes([self.bytes[at], self.bytes[at + 1]])
    }

    pub fn set16(&mut self, at: usize, value: u16) {
        set16(&mut self.bytes, at, value);
    }

    /// Where the EtherType behind all tags is.
    pub fn ethertype_at(&self) -> usize {
        ETHERTYPE_AT + TAG_BYTES * self.key.encap.tags.iter().flatten().count()
    }

    /// Where the PPPoE header is, in frames that have one.
    pub fn pppoe_at(&self) -> Option<usize> {
        self.key.encap.pppoe.map(|_| self.ethertype_at() + 2)
    }

    /// Where the checksum of TCP or UDP is.
    pub fn l4_checksum_at(&self) -> usize {
        self.l4 + if self.key.protocol == PROTO_UDP { 6 } else { 16 }
    }

    /// Lets the IP header say that `protocol` follows it.
    pub fn set_protocol(&mut self, protocol: u8) {
        let at = self.l3 + if self.is_v4() { 9 } else { 6 };
        self.bytes[at] = protocol;
    }

    /// Where the IP header states a length: of the packet in IPv4, of what follows the header in IPv6.
    pub fn ip_length_at(&self) -> usize {
        self.l3 + if self.is_v4() { 2 } else { 4 }
    }

    /// Bytes of layer 4, as the IP header says.
    pub fn l4_bytes(&self) -> u16 {
        let stated = self.get16(self.ip_length_at());
        if self.is_v4() { stated - (self.l4 - self.l3) as u16 } else { stated }
    }

    /// Lets the IP header say that layer 4 has `bytes`.
    pub fn set_l4_bytes(&mut self, bytes: u16) {
        let stated = if self.is_v4() { bytes + (self.l4 - self.l3) as u16 } else { bytes };
        self.set16(self.ip_length_at(), stated);
    }

    /// Puts `header` between the IP header and layer 4, and into every length.
    pub fn insert_behind_ip_header(&mut self, header: &[u8]) {
        let grown = |stated: u16| stated + header.len() as u16;
        self.set16(self.ip_length_at(), grown(self.get16(self.ip_length_at())));
        if let Some(pppoe) = self.pppoe_at() {
            self.set16(pppoe + 4, grown(self.get16(pppoe + 4)));
        }
        self.bytes.splice(self.l4..self.l4, header.iter().copied());
    }

    /// Makes the IPv4 header checksum right again, if there is one.
    pub fn fix_ip_checksum(&mut self) {
        if self.is_v4() {
            fix_ip_checksum_at(&mut self.bytes, self.l3);
        }
    }
}
