//! How many packets of which flow went to the kernel, between two looks at it.

use std::collections::HashMap;
use std::net::{Ipv4Addr, Ipv6Addr};

use fpgaflow_abi::key::{Addresses, FlowKey};
use fpgaflow_abi::wire::{ETHERTYPE_IPV4, ETHERTYPE_IPV6, PROTO_GRE, PROTO_TCP, PROTO_UDP};
use fpgaflow_driver::frame::Layer2;

/// Most keys between two looks: a port scan must not take memory for each of its packets.
const MOST_KEYS: usize = 1 << 16;

/// Packets by key.
#[derive(Debug, Default)]
pub struct Ledger {
    packets: HashMap<FlowKey, u64>,
}

impl Ledger {
    /// Counts a frame that came by `port`, when it is TCP, UDP or GRE.
    pub fn count(&mut self, port: u8, frame: &[u8]) {
        let Some(key) = key_of(port, frame) else { return };
        if let Some(packets) = self.packets.get_mut(&key) {
            *packets += 1;
        } else if self.packets.len() < MOST_KEYS {
            self.packets.insert(key, 1);
        }
    }

    /// Everything since the last call.
    pub fn take(&mut self) -> HashMap<FlowKey, u64> {
        std::mem::take(&mut self.packets)
    }
}

/// The key of a TCP, UDP or GRE packet; a fragment has none, because its ports are not there.
fn key_of(port: u8, frame: &[u8]) -> Option<FlowKey> {
    let layer2 = Layer2::of(frame)?;
    let packet = frame.get(layer2.bytes..)?;
    let (addresses, protocol, payload) = match layer2.ethertype {
        ETHERTYPE_IPV4 => {
            let header = packet.get(..20)?;
            // More fragments, or an offset.
            if header[0] >> 4 != 4 || u16::from_be_bytes([header[6], header[7]]) & 0x3fff != 0 {
                return None;
            }
            let address = |at: usize| Some(Ipv4Addr::from(*header.get(at..)?.first_chunk::<4>()?));
            (Addresses::V4 { src: address(12)?, dst: address(16)? }, header[9], packet.get(usize::from(header[0] & 15) * 4..)?)
        }
        ETHERTYPE_IPV6 => {
            let header = packet.get(..40)?;
            let address = |at: usize| Some(Ipv6Addr::from(*header.get(at..)?.first_chunk::<16>()?));
            (Addresses::V6 { src: address(8)?, dst: address(24)? }, header[6], packet.get(40..)?)
        }
        _ => return None,
    };
    let ports = match protocol {
        PROTO_TCP | PROTO_UDP => *payload.first_chunk::<4>()?,
        PROTO_GRE => [0; 4],
        _ => return None,
    };
    Some(FlowKey {
        ingress: port,
        encap: layer2.encap,
        protocol,
        addresses,
        sport: u16::from_be_bytes([ports[0], ports[1]]),
        dport: u16::from_be_bytes([ports[2], ports[3]]),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use fpgaflow_abi::key::{Encap, Tag, TagKind};

    fn udp_frame() -> Vec<u8> {
        let mut frame = vec![0; 60];
        frame[12..14].copy_from_slice(&ETHERTYPE_IPV4.to_be_bytes());
        frame[14] = 0x45;
        frame[23] = PROTO_UDP;
        frame[26..30].copy_from_slice(&[192, 0, 2, 1]);
        frame[30..34].copy_from_slice(&[198, 51, 100, 2]);
        frame[34..38].copy_from_slice(&[0x9c, 0x40, 0x01, 0xbb]);
        frame
    }

    #[test]
    fn packets_are_counted_by_key_and_taken_once() {
        let mut ledger = Ledger::default();
        ledger.count(1, &udp_frame());
        ledger.count(1, &udp_frame());
        let taken = ledger.take();
        let (key, packets) = taken.iter().next().unwrap();
        assert_eq!((key.ingress, key.protocol, key.sport, key.dport, *packets), (1, PROTO_UDP, 40000, 443, 2));
        assert_eq!(key.addresses.dst().to_string(), "198.51.100.2");
        assert!(ledger.take().is_empty());
    }

    #[test]
    fn a_tagged_frame_has_its_tag_in_its_key_and_gre_has_no_ports() {
        let plain = udp_frame();
        let tagged = [&plain[..12], &[0x81, 0, 0, 7], &plain[12..]].concat();
        let key = key_of(1, &tagged).unwrap();
        let encap = Encap { tags: [Some(Tag { kind: TagKind::Dot1Q, vid: 7 }), None], pppoe: None };
        assert_eq!(key, FlowKey { encap, ..key_of(1, &plain).unwrap() });
        let mut gre = plain;
        gre[23] = PROTO_GRE;
        let key = key_of(1, &gre).unwrap();
        assert_eq!((key.protocol, key.sport, key.dport), (PROTO_GRE, 0, 0));
    }

    #[test]
    fn fragments_short_frames_and_other_protocols_have_no_key() {
        let mut fragment = udp_frame();
        fragment[20] = 0x20;
        let mut icmp = udp_frame();
        icmp[23] = 1;
        assert_eq!(key_of(0, &fragment), None);
        assert_eq!(key_of(0, &icmp), None);
        for length in 0..38 {
            assert_eq!(key_of(0, &udp_frame()[..length]), None, "{length} bytes");
        }
    }
}
