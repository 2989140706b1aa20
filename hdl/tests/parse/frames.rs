//! Frames of every kind: good ones, and good ones with something wrong.

use fpgaflow_abi::key::{Encap, Tag, TagKind};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;

use crate::reference::{Config, fill_checksum};

/// Protocols that are looked up.
pub const TCP: u8 = 6;
pub const UDP: u8 = 17;
pub const GRE: u8 = 47;

/// A frame before it is bytes.
#[derive(Clone, Debug)]
pub struct Frame {
    pub port: usize,
    pub destination: [u8; 6],
    pub encap: Encap,
    /// What the packet is said to be: an EtherType, whose PPP protocol a PPPoE header has.
    pub ethertype: u16,
    /// A tag more than there may be, behind the others.
    pub third_tag: bool,
    /// Version, type and code of a PPPoE header; its length, unless it is right; its protocol, unless it follows from the EtherType.
    pub pppoe_code: u16,
    pub pppoe_length: Option<u16>,
    pub ppp_protocol: Option<u16>,
    pub packet: Vec<u8>,
    /// The frame ends there, no earlier than its plain header.
    pub cut: Option<usize>,
}

impl Frame {
    /// A frame with nothing wrong with its layer 2.
    pub fn new(port: usize, destination: [u8; 6], encap: Encap, v6: bool, packet: Vec<u8>) -> Self {
        Self {
            port,
            destination,
            encap,
            ethertype: if v6 { 0x86dd } else { 0x0800 },
            third_tag: false,
            pppoe_code: 0x1100,
            pppoe_length: None,
            ppp_protocol: None,
            packet,
            cut: None,
        }
    }

    /// The frame on the wire. Priorities are random: they are nobody's business.
    pub fn bytes(&self, rng: &mut ChaCha8Rng) -> Vec<u8> {
        let mut bytes = self.destination.to_vec();
        bytes.extend(rng.random::<[u8; 6]>());
        let third = self.third_tag.then_some(Tag { kind: TagKind::Dot1Q, vid: 9 });
        for tag in self.encap.tags.into_iter().flatten().chain(third) {
            let tpid: u16 = match tag.kind {
                TagKind::Dot1Q => 0x8100,
                TagKind::Dot1ad => 0x88a8,
            };
            bytes.extend(tpid.to_be_bytes());
            bytes.extend((tag.vid | rng.random::<u16>() & 0xf000).to_be_bytes());
        }
        if let Some(session) = self.encap.pppoe {
            let protocol = if self.ethertype == 0x86dd { 0x0057 } else { 0x0021 };
            let length = self.pppoe_length.unwrap_or_else(|| ip_length(&self.packet).saturating_add(2));
            for field in [0x8864, self.pppoe_code, session, length, self.ppp_protocol.unwrap_or(protocol)] {
                bytes.extend(field.to_be_bytes());
            }
        } else {
            bytes.extend(self.ethertype.to_be_bytes());
        }
        bytes.extend(&self.packet);
        bytes.truncate(self.cut.unwrap_or(usize::MAX).max(14));
        bytes
    }
}

/// Length of a packet by its header.
fn ip_length(packet: &[u8]) -> u16 {
    let sixteen = |at: usize| packet.get(at..at + 2).map_or(0, |bytes| u16::from_be_bytes([bytes[0], bytes[1]]));
    if packet.first().is_some_and(|first| first >> 4 == 6) { sixteen(4).wrapping_add(40) } else { sixteen(2) }
}

/// A packet with nothing wrong.
pub fn good_packet(rng: &mut ChaCha8Rng, v6: bool, protocol: u8) -> Vec<u8> {
    let ip = if v6 { 40 } else { 20 };
    let header = ip
        + match protocol {
            TCP => 20,
            UDP => 8,
            _ => 4,
        };
    let total = match rng.random_range(0..4) {
        0 => header,
        1 => header + rng.random_range(0..30),
        2 => rng.random_range(header..1500),
        _ => rng.random_range(header..9001),
    };
    let mut packet = vec![0; total];
    rng.fill(&mut packet[..header]);
    if v6 {
        packet[0] = 0x60;
        set16(&mut packet, 4, total - ip);
        packet[6] = protocol;
    } else {
        packet[0] = 0x45;
        set16(&mut packet, 2, total);
        packet[6] &= 0xc0;
        packet[7] = 0;
        packet[9] = protocol;
    }
    match protocol {
        TCP => packet[ip + 12] = (rng.random_range(5..=((total - ip) / 4).min(15)) << 4) as u8,
        UDP => {
            let datagram = if rng.random_ratio(1, 3) { rng.random_range(8..=total - ip) } else { total - ip };
            set16(&mut packet, ip + 4, datagram);
        }
        _ => packet[ip + 1] &= !7,
    }
    if !v6 {
        fill_checksum(&mut packet);
    }
    // Ethernet padding, or a trailer.
    packet.resize(total + [0, 0, rng.random_range(0..46)][rng.random_range(0..3)], 0);
    packet
}

fn set16(packet: &mut [u8], at: usize, value: usize) {
    if packet.len() >= at + 2 {
        packet[at..at + 2].copy_from_slice(&(value as u16).to_be_bytes());
    }
}

/// A frame to one of the ports, with up to two things wrong.
pub fn random_frame(rng: &mut ChaCha8Rng, config: &Config) -> Frame {
    let port = rng.random_range(0..config.macs.len());
    let v6 = rng.random();
    let protocol = [TCP, TCP, UDP, UDP, GRE][rng.random_range(0..5)];
    let packet = good_packet(rng, v6, protocol);
    let encap = random_encap(rng);
    let mut frame = Frame::new(port, config.macs[port], encap, v6, packet);
    for _ in 0..[0, 1, 1, 2][rng.random_range(0..4)] {
        spoil(rng, &mut frame, config);
    }
    frame
}

fn random_encap(rng: &mut ChaCha8Rng) -> Encap {
    let mut tag = || Tag { kind: [TagKind::Dot1Q, TagKind::Dot1ad][rng.random_range(0..2)], vid: rng.random_range(0..4096) };
    let [outer, inner] = [tag(), tag()];
    let tags = [[None, None], [Some(outer), None], [Some(outer), Some(inner)]][rng.random_range(0..3)];
    Encap { tags, pppoe: rng.random::<bool>().then(|| rng.random()) }
}

/// Does one thing to a frame that may matter.
fn spoil(rng: &mut ChaCha8Rng, frame: &mut Frame, config: &Config) {
    let length = frame.packet.len();
    let v6 = frame.packet.first().is_some_and(|first| first >> 4 == 6);
    let ip = if v6 { 40 } else { 20 };
    match rng.random_range(0..34) {
        0 => frame.ethertype = [0x0806, 0x0800, 0x86dd, 0x8100, rng.random()][rng.random_range(0..5)],
        1 => frame.destination = [0xff; 6],
        2 => frame.destination[0] |= 1,
        3 => frame.destination[rng.random_range(0..6)] ^= 1 << rng.random_range(0..8),
        4 => frame.destination = config.macs[rng.random_range(0..config.macs.len())],
        5 => frame.packet.truncate(rng.random_range(0..=length.min(80))),
        6 => frame.packet.truncate(length.saturating_sub(rng.random_range(1..50))),
        7 => frame.cut = Some(rng.random_range(14..120)),
        8 => frame.third_tag = true,
        9 => frame.pppoe_code = [0x1101, 0x2100, 0x1200, 0x11a7, rng.random()][rng.random_range(0..5)],
        10 => frame.ppp_protocol = Some([0x0021, 0x0057, 0xc021, 0x8021, rng.random()][rng.random_range(0..5)]),
        11 | 12 => {
            let near = [0, 2, 22, 42, ip_length(&frame.packet) + 2, frame.packet.len() as u16 + 2][rng.random_range(0..6)];
            frame.pppoe_length = Some(near.saturating_add(rng.random_range(0..5)).saturating_sub(2));
        }
        // The version, IHL, flags and offset, protocol: the checksum made right again, so that they alone decide.
        13 => change(rng, frame, 0, 0xf0),
        14 => change(rng, frame, 0, 0x0f),
        15 => change(rng, frame, 6, 0xff),
        16 => change(rng, frame, 7, 0xff),
        17 => change(rng, frame, 9, 0xff),
        18 | 19 => {
            let protocol = [0, 1, 1, 43, 44, 51, 58, 58, 60, 135, 139, 140][rng.random_range(0..12)];
            set_protocol(frame, protocol);
        }
        20 | 21 => {
            // A length near what is there, or near the least.
            let near = [ip, ip + 8, ip + 20, length][rng.random_range(0..4)];
            let near = (near + rng.random_range(0..8)).saturating_sub(4);
            set16(&mut frame.packet, if v6 { 4 } else { 2 }, if v6 { near.wrapping_sub(40) } else { near });
            if !v6 && length >= 20 {
                fill_checksum(&mut frame.packet);
            }
        }
        22 => {
            let at = rng.random_range(0..ip).min(length);
            if at < length {
                frame.packet[at] ^= 1 << rng.random_range(0..8);
            }
        }
        23 => {
            // The other spelling of a checksum that is zero, or the wrong one of one that is not.
            if !v6 && length >= 20 {
                frame.packet[10..12].fill([0x00, 0xff][rng.random_range(0..2)]);
            }
        }
        24 => change(rng, frame, ip + 12, 0xf0),
        25 => {
            let payload = length.saturating_sub(ip);
            let near = [8, payload, 0xffff][rng.random_range(0..3)];
            set16(&mut frame.packet, ip + 4, (near + rng.random_range(0..6)).saturating_sub(3));
        }
        26 => {
            set_protocol(frame, GRE);
            change(rng, frame, ip + 1, 0x07);
        }
        27 => {
            // A packet with no room for a GRE header, and with just enough.
            set_protocol(frame, GRE);
            let total = ip + rng.random_range(0..6);
            set16(&mut frame.packet, if v6 { 4 } else { 2 }, if v6 { total - ip } else { total });
            change(rng, frame, ip + 1, 0x01);
        }
        28..32 => make_part(rng, frame),
        _ => change(rng, frame, ip + 13, 0xff),
    }
}

/// Makes the packet a fragment, the first one or another, the whole datagram's length still in its UDP header.
fn make_part(rng: &mut ChaCha8Rng, frame: &mut Frame) {
    let packet = &mut frame.packet;
    if packet.len() < 40 {
        return;
    }
    let more = rng.random::<u16>() & 1;
    let offset = if rng.random() { 0 } else { [1, 2, 185, 0x1fff, rng.random_range(0..0x2000)][rng.random_range(0..5)] };
    if packet[0] >> 4 == 6 {
        let header = [packet[6], 0, (offset >> 5) as u8, (offset << 3 | more) as u8].into_iter().chain(rng.random::<[u8; 4]>());
        packet.splice(40..40, header);
        packet[6] = 44;
        let payload = usize::from(u16::from_be_bytes([packet[4], packet[5]]));
        // Seldom without room for all of the header.
        let payload = if rng.random_ratio(1, 10) { rng.random_range(0..18) } else { payload + 8 };
        set16(packet, 4, payload);
    } else {
        set16(packet, 6, usize::from(more << 13 | offset));
        if packet[9] == UDP && rng.random() {
            set16(packet, 24, rng.random_range(0..0x1_0000));
        }
        fill_checksum(packet);
    }
}

/// Makes the packet one of another protocol.
fn set_protocol(frame: &mut Frame, protocol: u8) {
    let packet = &mut frame.packet;
    if packet.len() < 20 {
        return;
    }
    if packet[0] >> 4 == 6 {
        packet[6] = protocol;
    } else {
        packet[9] = protocol;
        fill_checksum(packet);
    }
}

/// Makes the bits of `mask` in one byte random, and the checksum of IPv4 right.
fn change(rng: &mut ChaCha8Rng, frame: &mut Frame, at: usize, mask: u8) {
    if frame.packet.len() > at.max(19) {
        let v6 = frame.packet[0] >> 4 == 6;
        let random: u8 = rng.random();
        frame.packet[at] = (frame.packet[at] & !mask) | (random & mask);
        if !v6 {
            fill_checksum(&mut frame.packet);
        }
    }
}
