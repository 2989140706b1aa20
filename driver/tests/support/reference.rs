//! What should become of a frame, the slow way: fields cut out one by one, a map for a table, checksums summed over the whole packet.

use std::collections::HashMap;
use std::net::Ipv4Addr;

use fpgaflow_abi::entry::Action;
use fpgaflow_abi::key::{Addresses, Encap, FlowKey};
use fpgaflow_abi::next_hop::{HOST_PORT, NextHop};
use fpgaflow_abi::reason::Reason;
use fpgaflow_driver::card::PortSettings;

/// Everything that frames are decided by.
pub struct Reference {
    pub ports: Vec<PortSettings>,
    pub flows: HashMap<FlowKey, Action>,
    pub hops: HashMap<u16, NextHop>,
    pub lookup: bool,
    pub max_frame_bytes: usize,
}

/// The ones' complement sum of `bytes`, folded (RFC 1071).
pub fn sum(bytes: &[u8]) -> u16 {
    let words = bytes.chunks(2).map(|pair| u64::from(pair[0]) << 8 | u64::from(*pair.get(1).unwrap_or(&0)));
    let mut sum: u64 = words.sum();
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    sum as u16
}

/// The TCP or UDP checksum that an IPv4 packet should have, its checksum field being taken for zero.
pub fn l4_checksum(packet: &[u8]) -> u16 {
    let total = usize::from(u16::from_be_bytes([packet[2], packet[3]]));
    let segment_bytes = if packet[9] == 17 { usize::from(u16::from_be_bytes([packet[24], packet[25]])) } else { total - 20 };
    let mut bytes = packet[12..20].to_vec();
    bytes.extend([0, packet[9]]);
    bytes.extend((segment_bytes as u16).to_be_bytes());
    let mut segment = packet[20..20 + segment_bytes].to_vec();
    let at = if packet[9] == 6 { 16 } else { 6 };
    segment[at..at + 2].fill(0);
    bytes.extend(segment);
    !sum(&bytes)
}

impl Reference {
    /// The frame that leaves and its port, or the reason.
    pub fn decide(&self, port: u8, frame: &[u8]) -> Result<(u8, Vec<u8>), Reason> {
        let Some(settings) = self.ports.get(usize::from(port)).filter(|settings| settings.enabled) else {
            return Err(Reason::PortDisabled);
        };
        let fail = |condition: bool, reason| if condition { Err(reason) } else { Ok(()) };
        let be16 = |bytes: &[u8], at: usize| u16::from_be_bytes([bytes[at], bytes[at + 1]]);
        fail(frame.len() > self.max_frame_bytes, Reason::Oversize)?;
        fail(frame.len() < 14, Reason::Runt)?;
        fail(be16(frame, 12) == 0x0806, Reason::Arp)?;
        fail(frame[..6] == [0xff; 6], Reason::Broadcast)?;
        fail(frame[0] & 1 == 1, Reason::Multicast)?;
        fail(frame[..6] != settings.mac && !settings.promiscuous, Reason::WrongMac)?;
        fail(be16(frame, 12) != 0x0800, Reason::NotIp)?;
        let packet = &frame[14..];
        fail(packet.len() < 20, Reason::Malformed)?;
        let (ihl, total) = (usize::from(packet[0] & 15) * 4, usize::from(be16(packet, 2)));
        fail(packet[0] >> 4 != 4 || ihl < 20 || ihl > total || total > packet.len(), Reason::Malformed)?;
        fail(ihl > 20, Reason::IpOptions)?;
        fail(sum(&packet[..20]) != 0xffff, Reason::IpChecksum)?;
        fail(be16(packet, 6) & 0x2000 != 0 || be16(packet, 6) & 0x1fff != 0, Reason::Fragment)?;
        fail(packet[9] == 1, Reason::Icmp)?;
        let packet = &packet[..total];
        if packet[9] == 47 {
            fail(total < 24, Reason::Malformed)?;
            fail(packet[21] & 7 != 0, Reason::OtherProtocol)?;
            fail(!self.lookup, Reason::LookupDisabled)?;
            // No flow of the reference is GRE.
            return Err(Reason::Miss);
        }
        fail(packet[9] != 6 && packet[9] != 17, Reason::OtherProtocol)?;
        let tcp = packet[9] == 6;
        if tcp {
            fail(total < 40, Reason::Malformed)?;
            let header = usize::from(packet[32] >> 4) * 4;
            fail(header < 20 || 20 + header > total, Reason::Malformed)?;
        } else {
            fail(total < 28, Reason::Malformed)?;
            let udp = usize::from(be16(packet, 24));
            fail(udp < 8 || udp > total - 20, Reason::Malformed)?;
        }
        fail(!self.lookup, Reason::LookupDisabled)?;
        let address = |at: usize| Ipv4Addr::new(packet[at], packet[at + 1], packet[at + 2], packet[at + 3]);
        let key = FlowKey {
            ingress: port,
            encap: Encap::NONE,
            protocol: packet[9],
            addresses: Addresses::V4 { src: address(12), dst: address(16) },
            sport: be16(packet, 20),
            dport: be16(packet, 22),
        };
        let action = self.flows.get(&key).ok_or(Reason::Miss)?;
        let hop = self.hops.get(&action.next_hop).filter(|hop| hop.valid).ok_or(Reason::NoNextHop)?;
        fail(hop.egress == HOST_PORT, Reason::HostAddressed)?;
        fail(tcp && packet[33] & 7 != 0, Reason::TcpFlags)?;
        fail(packet[8] <= 1, Reason::Ttl)?;
        fail(total > usize::from(hop.mtu), Reason::Mtu)?;
        Ok((hop.egress, self.forward(packet, action, hop)))
    }

    fn forward(&self, packet: &[u8], action: &Action, hop: &NextHop) -> Vec<u8> {
        let Addresses::V4 { src, dst } = action.addresses else { panic!("an IPv4 action") };
        let before = packet;
        let mut packet = packet.to_vec();
        packet[8] -= 1;
        packet[12..16].copy_from_slice(&src.octets());
        packet[16..20].copy_from_slice(&dst.octets());
        packet[20..22].copy_from_slice(&action.sport.to_be_bytes());
        packet[22..24].copy_from_slice(&action.dport.to_be_bytes());
        packet[10..12].fill(0);
        let header = !sum(&packet[..20]);
        packet[10..12].copy_from_slice(&header.to_be_bytes());
        let at = if packet[9] == 6 { 36 } else { 26 };
        let old = u16::from_be_bytes([before[at], before[at + 1]]);
        if packet[9] == 6 || old != 0 {
            // A checksum that was wrong stays wrong by as much: the difference of what should be, before and after.
            let (should_before, should_after) = (l4_checksum(before), l4_checksum(&packet));
            let wrong = sum(&[should_before.to_be_bytes(), (!old).to_be_bytes()].concat());
            let new = match !sum(&[(!should_after).to_be_bytes(), wrong.to_be_bytes()].concat()) {
                _ if should_before == should_after => old,
                0 if packet[9] == 17 => 0xffff,
                new => new,
            };
            packet[at..at + 2].copy_from_slice(&new.to_be_bytes());
        }
        let mut frame = [hop.dst_mac, hop.src_mac].concat();
        frame.extend([0x08, 0x00]);
        frame.extend(packet);
        frame.resize(frame.len().max(60), 0);
        frame
    }
}
