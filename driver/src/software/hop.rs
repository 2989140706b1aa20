//! Next hops as they are written in front of packets.

use fpgaflow_abi::next_hop::{HOST_PORT, NextHop};
use fpgaflow_abi::wire::{ETH_HEADER_BYTES, ETHERTYPE_IPV4};

/// A next hop, ready to use.
#[derive(Debug, Clone, Copy, Default)]
#[repr(align(32))]
pub(super) struct Hop {
    pub header: [u8; ETH_HEADER_BYTES],
    pub mtu: u16,
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

/// Next hops by index; one that was never set is not valid.
#[derive(Debug, Default)]
pub(super) struct Hops(Vec<Hop>);

impl Hops {
    pub fn set(&mut self, index: u16, hop: &NextHop) {
        let at = usize::from(index);
        if self.0.len() <= at {
            self.0.resize(at + 1, Hop::default());
        }
        let mut header = [0; ETH_HEADER_BYTES];
        header[..6].copy_from_slice(&hop.dst_mac);
        header[6..12].copy_from_slice(&hop.src_mac);
        header[12..].copy_from_slice(&ETHERTYPE_IPV4.to_be_bytes());
        self.0[at] = Hop { header, mtu: hop.mtu, egress: hop.egress, valid: hop.valid };
    }

    pub fn remove(&mut self, index: u16) {
        if let Some(hop) = self.0.get_mut(usize::from(index)) {
            hop.valid = false;
        }
    }

    /// The next hop at `index`, if it may be used.
    #[inline(always)]
    pub fn get(&self, index: u16) -> Option<&Hop> {
        self.0.get(usize::from(index)).filter(|hop| hop.valid)
    }
}
