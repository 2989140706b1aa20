//! Next hops as they are written in front of packets.

use fpgaflow_abi::key::{Encap, Family, TagKind};
use fpgaflow_abi::next_hop::{HOST_PORT, NextHop};
use fpgaflow_abi::wire::{
    ETH_HEADER_BYTES, ETHERTYPE_IPV4, ETHERTYPE_IPV6, ETHERTYPE_PPPOE, MAX_L2_BYTES, PPP_IPV4, PPP_IPV6, PPP_PROTOCOL_BYTES,
    PPPOE_SESSION_DATA, TPID_DOT1AD, TPID_DOT1Q,
};

/// A next hop, ready to use.
#[derive(Debug, Clone, Copy, Default)]
#[repr(align(32))]
pub(super) struct Hop {
    /// Header of an IPv4 packet, for a next hop without encapsulation.
    pub header: [u8; ETH_HEADER_BYTES],
    /// Largest packet that leaves with `header`: none by a next hop with encapsulation.
    pub plain_mtu: u16,
    pub egress: u8,
    pub valid: bool,
}

impl Hop {
    /// Whether its flows are the host's.
    #[inline(always)]
    pub fn is_host(&self) -> bool {
        self.egress == HOST_PORT
    }
}

/// Layer 2 header of any next hop and family.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Header {
    mtu: u16,
    bytes: [u8; MAX_L2_BYTES],
    len: u8,
    pppoe: bool,
}

impl Header {
    fn new(hop: &NextHop) -> Self {
        let mut header = Self { mtu: hop.mtu, pppoe: hop.encap.pppoe.is_some(), ..Self::default() };
        header.push(&hop.dst_mac);
        header.push(&hop.src_mac);
        for tag in hop.encap.tags.iter().flatten() {
            let tpid = match tag.kind {
                TagKind::Dot1Q => TPID_DOT1Q,
                TagKind::Dot1ad => TPID_DOT1AD,
            };
            header.push(&tpid.to_be_bytes());
            header.push(&tag.vid.to_be_bytes());
        }
        if let Some(session) = hop.encap.pppoe {
            for word in [ETHERTYPE_PPPOE, PPPOE_SESSION_DATA, session, 0] {
                header.push(&word.to_be_bytes());
            }
        }
        // EtherType or PPP protocol, by family.
        header.push(&[0; 2]);
        header
    }

    fn push(&mut self, bytes: &[u8]) {
        let at = usize::from(self.len);
        self.bytes[at..at + bytes.len()].copy_from_slice(bytes);
        self.len += bytes.len() as u8;
    }

    /// Whether a packet of `ip_bytes` may leave with it.
    pub fn admits(&self, ip_bytes: usize) -> bool {
        ip_bytes <= self.mtu.into()
    }

    /// Its length in bytes.
    pub fn bytes(&self) -> usize {
        self.len.into()
    }

    /// Writes it to the start of `out`, in front of a packet of `family` with `ip_bytes`. A packet that came in a frame fits PPPoE's
    /// length field.
    pub fn write(&self, out: &mut [u8], family: Family, ip_bytes: usize) {
        let (len, protocol_at) = (self.bytes(), self.bytes() - 2);
        out[..len].copy_from_slice(&self.bytes[..len]);
        let protocol = match (family, self.pppoe) {
            (Family::V4, false) => ETHERTYPE_IPV4,
            (Family::V6, false) => ETHERTYPE_IPV6,
            (Family::V4, true) => PPP_IPV4,
            (Family::V6, true) => PPP_IPV6,
        };
        out[protocol_at..len].copy_from_slice(&protocol.to_be_bytes());
        if self.pppoe {
            let stated = (ip_bytes + PPP_PROTOCOL_BYTES) as u16;
            out[protocol_at - 2..protocol_at].copy_from_slice(&stated.to_be_bytes());
        }
    }
}

/// Next hops by index; one that was never set is not valid.
#[derive(Debug, Default)]
pub(super) struct Hops {
    hops: Vec<Hop>,
    headers: Vec<Header>,
}

impl Hops {
    pub fn set(&mut self, index: u16, hop: &NextHop) {
        let at = usize::from(index);
        if self.hops.len() <= at {
            self.hops.resize(at + 1, Hop::default());
            self.headers.resize(at + 1, Header::default());
        }
        let mut header = [0; ETH_HEADER_BYTES];
        header[..6].copy_from_slice(&hop.dst_mac);
        header[6..12].copy_from_slice(&hop.src_mac);
        header[12..].copy_from_slice(&ETHERTYPE_IPV4.to_be_bytes());
        let plain_mtu = if hop.encap == Encap::NONE { hop.mtu } else { 0 };
        self.hops[at] = Hop { header, plain_mtu, egress: hop.egress, valid: hop.valid };
        self.headers[at] = Header::new(hop);
    }

    pub fn remove(&mut self, index: u16) {
        if let Some(hop) = self.hops.get_mut(usize::from(index)) {
            hop.valid = false;
        }
    }

    /// The next hop at `index`, if it may be used.
    #[inline(always)]
    pub fn get(&self, index: u16) -> Option<&Hop> {
        self.hops.get(usize::from(index)).filter(|hop| hop.valid)
    }

    /// Header of the next hop at `index`, which [`Hops::get`] found.
    pub fn header(&self, index: u16) -> &Header {
        &self.headers[usize::from(index)]
    }
}
