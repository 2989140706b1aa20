//! Every length around every boundary, every protocol, every flag: one by one, not at random.

use fpgaflow_abi::key::{Encap, Tag, TagKind};
use fpgaflow_hdl::prelude::Block;
use fpgaflow_hdl_guard::rng;
use rand_chacha::ChaCha8Rng;

use crate::frames::{Frame, GRE, TCP, UDP, good_packet};
use crate::reference::fill_checksum;
use crate::rig::{Front64, Front512, Rig};

/// Bytes and lengths that are near the ends of what can be written.
const FAR: [usize; 5] = [0x00ff, 0x0100, 0x7fff, 0x8000, 0xffff];

/// A header that is good as TCP's (20 bytes, only ACK), as UDP's (a datagram of 20 bytes) and as GRE's (version 0).
const LAYER4: [u8; 20] = [0, 0, 0, 1, 0, 20, 0, 0, 0, 0, 0, 0, 0x50, 0x10, 0, 0, 0, 0, 0, 0];

/// Sends frames to port 0 through one rig.
struct Sender {
    rig: Rig,
    rng: ChaCha8Rng,
}

impl Sender {
    fn new(name: &str, dut: impl Block) -> Self {
        let mut rng = rng();
        let rig = Rig::new(&mut rng, name, dut);
        Self { rig, rng }
    }

    fn send(&mut self, frame: &Frame) {
        let bytes = frame.bytes(&mut self.rng);
        self.rig.clock(&mut self.rng, Some((bytes, 0)));
    }

    /// A packet of IPv4 cut to, or filled up to, some bytes, with the checksum made right before.
    fn v4(&mut self, bytes: usize, total: usize, edit: impl Fn(&mut [u8])) {
        let mut packet = good_packet(&mut self.rng, false, UDP);
        packet.resize(bytes.max(60), 0);
        packet[2..4].copy_from_slice(&(total as u16).to_be_bytes());
        edit(&mut packet);
        fill_checksum(&mut packet);
        packet.truncate(bytes);
        self.send(&Frame::new(0, self.rig.config.macs[0], Encap::NONE, false, packet));
    }

    /// The same of IPv6, with a payload length.
    fn v6(&mut self, bytes: usize, payload: usize, edit: impl Fn(&mut [u8])) {
        let mut packet = good_packet(&mut self.rng, true, UDP);
        packet.resize(bytes.max(80), 0);
        packet[4..6].copy_from_slice(&(payload as u16).to_be_bytes());
        edit(&mut packet);
        packet.truncate(bytes);
        self.send(&Frame::new(0, self.rig.config.macs[0], Encap::NONE, true, packet));
    }

    /// Ends the run; says which reasons there were.
    fn reasons(mut self) -> Vec<&'static str> {
        self.rig.drain(&mut self.rng);
        let mut names: Vec<_> = self.rig.reasons.into_keys().map(|(name, _)| name).collect();
        names.sort_unstable();
        names.dedup();
        names
    }
}

#[test]
fn every_length_around_every_boundary_of_ipv4_is_judged_right() {
    let mut sender = Sender::new("front64", Front64::default());
    for bytes in 0..66 {
        for total in (0..66).chain(FAR) {
            for version_and_ihl in [0x44, 0x45, 0x46, 0x4f, 0x40, 0x35, 0x55, 0x65, 0x05] {
                sender.v4(bytes, total, |packet| packet[0] = version_and_ihl);
            }
        }
    }
    for total in 18..70 {
        for datagram in (0..60).chain(FAR) {
            sender.v4(80, total, |packet| packet[24..26].copy_from_slice(&(datagram as u16).to_be_bytes()));
        }
    }
    for total in 18..90 {
        for offset in 0..16 {
            sender.v4(90, total, |packet| {
                packet[9] = TCP;
                packet[32] = offset << 4;
            });
        }
    }
    assert_eq!(sender.reasons(), ["forwarded", "ip_options", "malformed"]);
}

#[test]
fn every_length_around_every_boundary_of_ipv6_is_judged_right() {
    let mut sender = Sender::new("front512", Front512::default());
    for bytes in 0..110 {
        for payload in (0..70).chain(FAR).chain([0xffd7, 0xffd8, 0xffd9]) {
            for version in [0x60, 0x6f, 0x40, 0x00, 0xf0] {
                sender.v6(bytes, payload, |packet| packet[0] = version);
            }
        }
    }
    for payload in 0..60 {
        for datagram in (0..60).chain(FAR) {
            sender.v6(100, payload, |packet| packet[44..46].copy_from_slice(&(datagram as u16).to_be_bytes()));
        }
        for offset in 0..16 {
            sender.v6(100, payload, |packet| {
                packet[6] = TCP;
                packet[52] = offset << 4;
            });
        }
    }
    assert_eq!(sender.reasons(), ["forwarded", "malformed"]);
}

#[test]
fn every_protocol_and_next_header_has_its_reason() {
    let mut sender = Sender::new("front64", Front64::default());
    for protocol in 0..=255 {
        sender.v4(80, 60, |packet| {
            packet[9] = protocol;
            packet[20..40].copy_from_slice(&LAYER4);
        });
        sender.v6(100, 40, |packet| {
            packet[6] = protocol;
            packet[40..60].copy_from_slice(&LAYER4);
        });
    }
    assert_eq!(sender.reasons(), ["forwarded", "fragment", "icmp", "ip_extension", "other_protocol"]);
}

#[test]
fn every_flag_of_ipv4_and_tcp_is_judged_right() {
    let mut sender = Sender::new("front512", Front512::default());
    for bit in 0..16 {
        sender.v4(80, 60, |packet| {
            packet[6..8].copy_from_slice(&(1_u16 << bit).to_be_bytes());
            packet[24..26].copy_from_slice(&40_u16.to_be_bytes());
        });
    }
    for flags in 0..=255 {
        sender.v4(80, 60, |packet| {
            packet[9] = TCP;
            packet[32..34].copy_from_slice(&[0x50, flags]);
        });
        sender.v6(100, 40, |packet| {
            packet[6] = TCP;
            packet[52..54].copy_from_slice(&[0x50, flags]);
        });
    }
    assert_eq!(sender.reasons(), ["forwarded", "fragment"]);
}

#[test]
fn every_fragment_field_of_both_families_is_judged_right() {
    for (on, reasons) in [(false, &["fragment"][..]), (true, &["forwarded", "fragment", "malformed"])] {
        let mut sender = Sender::new("front64", Front64::default());
        sender.rig.set_fragments(&mut sender.rng, on);
        for protocol in [TCP, UDP, GRE, 1, 44, 0] {
            for word in
                (0..16).flat_map(|bit| [1_u16 << bit, 0x2000 | 1 << bit, 0x3fff ^ 1 << bit]).filter(|word| word & 0x3fff != 0)
            {
                for total in [20, 21, 27, 28, 29, 36, 39, 40, 60] {
                    sender.v4(80, total, |packet| {
                        packet[6..8].copy_from_slice(&word.to_be_bytes());
                        packet[9] = protocol;
                    });
                }
            }
            for word in (0..16).flat_map(|bit| [1_u16 << bit, 1 | 1 << bit, 0]) {
                for payload in [0, 1, 7, 8, 9, 15, 16, 17, 40] {
                    sender.v6(100, payload, |packet| {
                        packet[6] = 44;
                        packet[40] = protocol;
                        packet[42..44].copy_from_slice(&word.to_be_bytes());
                        // A datagram far longer than its first part, and one that is too short to be one.
                        packet[52..54].copy_from_slice(&(if payload == 17 { 7_u16 } else { 9_000 }).to_be_bytes());
                    });
                }
            }
        }
        assert_eq!(sender.reasons(), reasons);
    }
}

#[test]
fn gre_has_to_have_a_header_and_version_0() {
    let mut sender = Sender::new("front64", Front64::default());
    for payload in 0..12 {
        for version in 0..8 {
            for flags in [0x00, 0x20, 0x80, 0xff] {
                sender.v4(60, 20 + payload, |packet| {
                    packet[9] = GRE;
                    packet[20..22].copy_from_slice(&[flags, 0xf8 | version]);
                });
                sender.v6(100, payload, |packet| {
                    packet[6] = GRE;
                    packet[40..42].copy_from_slice(&[flags, version]);
                });
            }
        }
    }
    assert_eq!(sender.reasons(), ["forwarded", "malformed", "other_protocol"]);
}

/// All that may stand before a packet.
fn encaps() -> Vec<Encap> {
    let tag = |kind, vid| Some(Tag { kind, vid });
    let mut encaps = vec![];
    for pppoe in [None, Some(0), Some(0xbeef)] {
        encaps.push(Encap { tags: [None, None], pppoe });
        for outer in [tag(TagKind::Dot1Q, 0), tag(TagKind::Dot1ad, 4095)] {
            encaps.push(Encap { tags: [outer, None], pppoe });
            for inner in [tag(TagKind::Dot1Q, 1), tag(TagKind::Dot1ad, 0)] {
                encaps.push(Encap { tags: [outer, inner], pppoe });
            }
        }
    }
    encaps
}

/// Every encapsulation of both families and all protocols, cut at every length; the head shows what was cut off.
fn every_cut(name: &str, dut: impl Block) {
    let mut sender = Sender::new(name, dut);
    for encap in encaps() {
        for v6 in [false, true] {
            for protocol in [TCP, UDP, GRE] {
                let packet = good_packet(&mut sender.rng, v6, protocol);
                let mut frame = Frame::new(0, sender.rig.config.macs[0], encap, v6, packet);
                let whole = frame.bytes(&mut sender.rng);
                for cut in (14..120).filter(|cut| *cut < whole.len()) {
                    sender.rig.clock_cut(&mut sender.rng, &whole, Some((whole[..cut].to_vec(), 0)));
                }
                frame.third_tag = true;
                sender.send(&frame);
            }
        }
    }
    assert_eq!(sender.reasons(), ["forwarded", "malformed", "not_ip"]);
}

#[test]
fn frames_with_every_encapsulation_are_judged_right_cut_at_every_length_of_64_bit_beats() {
    every_cut("front64", Front64::default());
}

#[test]
fn frames_with_every_encapsulation_are_judged_right_cut_at_every_length_of_512_bit_beats() {
    every_cut("front512", Front512::default());
}

#[test]
fn a_pppoe_length_leaves_the_packet_no_more_room_than_it_says() {
    let mut sender = Sender::new("front64", Front64::default());
    for encap in encaps().into_iter().filter(|encap| encap.pppoe.is_some()) {
        for v6 in [false, true] {
            let ip = if v6 { 40 } else { 20 };
            for protocol in [TCP, UDP, GRE] {
                // The packet without what may be behind it, so that its length is known; then with padding.
                let mut packet = good_packet(&mut sender.rng, v6, protocol);
                let total =
                    if v6 { 40 + u16::from_be_bytes([packet[4], packet[5]]) } else { u16::from_be_bytes([packet[2], packet[3]]) };
                packet.truncate(total.into());
                for padding in [0, 1, 7] {
                    packet.resize(usize::from(total) + padding, 0);
                    let mut frame = Frame::new(0, sender.rig.config.macs[0], encap, v6, packet.clone());
                    let near = (total..total + 12).chain(0..6).chain(ip..ip + 6).chain([0x7fff, 0xfffe, 0xffff]);
                    for length in near {
                        frame.pppoe_length = Some(length);
                        sender.send(&frame);
                    }
                }
            }
        }
    }
    assert_eq!(sender.reasons(), ["forwarded", "malformed"]);
}

#[test]
fn a_pppoe_header_that_is_not_session_data_of_ip_is_not_layer_2() {
    let mut sender = Sender::new("front512", Front512::default());
    for encap in encaps().into_iter().filter(|encap| encap.pppoe.is_some()) {
        for v6 in [false, true] {
            let packet = good_packet(&mut sender.rng, v6, UDP);
            let good = Frame::new(0, sender.rig.config.macs[0], encap, v6, packet);
            for bit in 0..16 {
                sender.send(&Frame { pppoe_code: 0x1100 ^ 1 << bit, ..good.clone() });
                let protocol = if v6 { 0x0057 } else { 0x0021 };
                sender.send(&Frame { ppp_protocol: Some(protocol ^ 1 << bit), ..good.clone() });
            }
        }
    }
    assert_eq!(sender.reasons(), ["not_ip"]);
}

#[test]
fn a_packet_of_the_other_family_than_its_ethertype_is_malformed() {
    let mut sender = Sender::new("front64", Front64::default());
    for encap in encaps() {
        for v6 in [false, true] {
            let packet = good_packet(&mut sender.rng, v6, TCP);
            sender.send(&Frame::new(0, sender.rig.config.macs[0], encap, !v6, packet));
        }
    }
    assert_eq!(sender.reasons(), ["malformed"]);
}
