//! Lengths that are off by one, and layer 2 headers that end, contradict themselves or go on.

mod common;

use common::{HOP, HOP_INDEX, PORT, PROTOCOLS, addresses, card_with, encaps, key, plain_frame, untranslated};
use fpgaflow_abi::key::{Encap, Family, FlowKey, Tag, TagKind};
use fpgaflow_abi::next_hop::NextHop;
use fpgaflow_abi::reason::Reason;
use fpgaflow_abi::wire::{ETH_HEADER_BYTES, PROTO_GRE, PROTO_ICMP, PROTO_ICMPV6, PROTO_TCP, PROTO_UDP};
use fpgaflow_golden::{Card, Outcome};

const FAMILIES: [Family; 2] = [Family::V4, Family::V6];

/// A key whose packets are translated in nothing.
fn key_of(family: Family, protocol: u8, encap: Encap) -> FlowKey {
    let (sport, dport) = if protocol == PROTO_GRE { (0, 0) } else { (5000, 53) };
    FlowKey { encap, ..key(addresses(family), sport, dport, protocol) }
}

/// A card with the flow of `key`, and a frame of it.
fn card_and_frame(key: FlowKey) -> (Card, Vec<u8>) {
    (card_with(&[untranslated(key)]), plain_frame(&key))
}

fn reason(card: &mut Card, frame: &[u8]) -> Reason {
    card.process(PORT, frame).unwrap().reason()
}

fn l3_at(encap: &Encap) -> usize {
    ETH_HEADER_BYTES + 4 * encap.tags.iter().flatten().count() + if encap.pppoe.is_some() { 8 } else { 0 }
}

/// Writes `value` at `at`.
fn with16(frame: &[u8], at: usize, value: u16) -> Vec<u8> {
    let mut frame = frame.to_vec();
    frame[at..at + 2].copy_from_slice(&value.to_be_bytes());
    frame
}

/// Changes the length that the IP header states by `by`, its checksum with it.
fn stretched(frame: &[u8], l3: usize, family: Family, by: i32) -> Vec<u8> {
    let at = l3 + if family == Family::V4 { 2 } else { 4 };
    let length = i32::from(u16::from_be_bytes([frame[at], frame[at + 1]])) + by;
    let mut frame = with16(frame, at, u16::try_from(length).unwrap());
    if family == Family::V4 {
        frame[l3 + 10..l3 + 12].fill(0);
        let sum = frame[l3..l3 + 20].chunks(2).fold(0u32, |sum, word| sum + u32::from(u16::from_be_bytes([word[0], word[1]])));
        let sum = (sum & 0xffff) + (sum >> 16);
        frame = with16(&frame, l3 + 10, !(((sum & 0xffff) + (sum >> 16)) as u16));
    }
    frame
}

#[test]
fn a_packet_may_fill_its_frame_and_not_one_byte_more() {
    for family in FAMILIES {
        for protocol in PROTOCOLS {
            for encap in encaps() {
                let (mut card, frame) = card_and_frame(key_of(family, protocol, encap));
                let l3 = l3_at(&encap);
                assert_eq!(reason(&mut card, &frame), Reason::Forwarded, "{family:?} {protocol} {encap:?}");
                assert_eq!(reason(&mut card, &stretched(&frame, l3, family, 1)), Reason::Malformed, "{encap:?}");
                // With one byte less in its frame, too, whatever the PPPoE header says.
                assert_eq!(reason(&mut card, &frame[..frame.len() - 1]), Reason::Malformed, "{encap:?}");
                // UDP states its length itself, which must then shrink along.
                let shorter = stretched(&frame, l3, family, -1);
                let expected = if protocol == PROTO_UDP { Reason::Malformed } else { Reason::Forwarded };
                assert_eq!(reason(&mut card, &shorter), expected, "{family:?} {protocol} {encap:?}");
            }
        }
    }
}

#[test]
fn headers_that_end_are_malformed_at_every_length() {
    for family in FAMILIES {
        let l3_bytes = if family == Family::V4 { 20 } else { 40 };
        for (protocol, l4_bytes) in [(PROTO_TCP, 20), (PROTO_UDP, 8), (PROTO_GRE, 4)] {
            for encap in [Encap::NONE, encaps()[13]] {
                let (mut card, frame) = card_and_frame(key_of(family, protocol, encap));
                let l3 = l3_at(&encap);
                for bytes in l3..frame.len() {
                    assert_eq!(reason(&mut card, &frame[..bytes]), Reason::Malformed, "{family:?} {protocol}: {bytes} bytes");
                }
                // The same with lengths that are right: layer 4 alone is too short.
                let payload = (frame.len() - l3 - l3_bytes) as i32;
                for left in 0..l4_bytes {
                    let cut = stretched(&frame, l3, family, left - payload);
                    assert_eq!(reason(&mut card, &cut), Reason::Malformed, "{family:?} {protocol}: {left} bytes of layer 4");
                }
                let mut whole = stretched(&frame, l3, family, l4_bytes - payload);
                if protocol == PROTO_UDP {
                    whole = with16(&whole, l3 + l3_bytes + 4, 8);
                }
                assert_eq!(reason(&mut card, &whole), Reason::Forwarded, "{family:?} {protocol}: its header alone");
            }
        }
    }
}

#[test]
fn a_frame_that_ends_inside_its_tags_or_pppoe_header_is_not_ip() {
    for family in FAMILIES {
        for encap in encaps() {
            let (mut card, frame) = card_and_frame(key_of(family, PROTO_UDP, encap));
            for bytes in 0..l3_at(&encap) {
                let expected = if bytes < ETH_HEADER_BYTES { Reason::Runt } else { Reason::NotIp };
                assert_eq!(reason(&mut card, &frame[..bytes]), expected, "{encap:?}: {bytes} bytes");
            }
            assert_eq!(reason(&mut card, &frame[..l3_at(&encap)]), Reason::Malformed, "{encap:?}: layer 2 alone");
        }
    }
}

#[test]
fn an_ethertype_in_a_tag_that_is_cut_is_not_looked_at() {
    let mut card = card_with(&[]);
    // 802.1Q, VLAN 1, and of the EtherType behind it 0x08 or 0x0806.
    let arp = [&[2; 12][..], &[0x81, 0x00, 0x00, 0x01, 0x08, 0x06]].concat();
    assert_eq!(reason(&mut card, &arp), Reason::Arp);
    assert_eq!(reason(&mut card, &arp[..17]), Reason::NotIp);
    let second_cut = [&arp[..16], &[0x81, 0x00, 0x00, 0x02, 0x08]].concat();
    assert_eq!(reason(&mut card, &second_cut), Reason::NotIp);
    assert_eq!(reason(&mut card, &[&second_cut[..], &[0x06]].concat()), Reason::Arp);
}

#[test]
fn pppoe_leaves_a_packet_the_room_that_its_length_states() {
    for family in FAMILIES {
        for tags in [[None, None], encaps()[13].tags] {
            let encap = Encap { tags, pppoe: Some(0) };
            let (mut card, mut frame) = card_and_frame(key_of(family, PROTO_TCP, encap));
            let length_at = l3_at(&encap) - 4;
            let exact = (frame.len() - l3_at(&encap) + 2) as u16;
            frame.extend([0xee; 9]);
            let mut with = |length| reason(&mut card, &with16(&frame, length_at, length));
            for length in [0, 1, 2, 3, exact - 1] {
                assert_eq!(with(length), Reason::Malformed, "{family:?}: length {length} of {exact}");
            }
            for length in [exact, exact + 1, exact + 9, exact + 10, u16::MAX] {
                assert_eq!(with(length), Reason::Forwarded, "{family:?}: length {length} of {exact}");
            }
        }
    }
}

#[test]
fn only_session_data_of_ip_is_taken_out_of_pppoe() {
    for family in FAMILIES {
        for tags in [[None, None], encaps()[13].tags] {
            let encap = Encap { tags, pppoe: Some(0xffff) };
            let (mut card, frame) = card_and_frame(key_of(family, PROTO_TCP, encap));
            let header = l3_at(&encap) - 8;
            // Version 2, type 2, the codes of discovery, then LCP, IPCP, IPv6CP and a compressed protocol field.
            for version_type_code in [0x2100, 0x1200, 0x0100, 0x1000, 0x1109, 0x1107, 0x1119, 0x1165, 0x11a7, 0x1101] {
                assert_eq!(reason(&mut card, &with16(&frame, header, version_type_code)), Reason::NotIp);
            }
            for ppp in [0xc021, 0x8021, 0x8057, 0x2145, 0x0000, 0x0800, 0x86dd] {
                assert_eq!(reason(&mut card, &with16(&frame, header + 6, ppp)), Reason::NotIp, "PPP protocol {ppp:#06x}");
            }
            // The protocol of the other family: its version is wrong.
            let other = if family == Family::V4 { 0x57 } else { 0x21 };
            assert_eq!(reason(&mut card, &with16(&frame, header + 6, other)), Reason::Malformed);
            assert_eq!(reason(&mut card, &with16(&frame, header - 2, 0x8863)), Reason::NotIp, "discovery");
            assert_eq!(reason(&mut card, &with16(&frame, header + 2, 0xfffe)), Reason::Miss, "another session");
        }
    }
}

#[test]
fn a_third_tag_is_not_ip_wherever_it_is() {
    for encap in encaps().into_iter().filter(|encap| encap.tags[1].is_some()) {
        let (mut card, frame) = card_and_frame(key_of(Family::V4, PROTO_TCP, encap));
        for tag in [[0x81, 0x00, 0x00, 0x01], [0x88, 0xa8, 0x00, 0x01]] {
            for at in [12, 16, 20] {
                let deep = [&frame[..at], &tag, &frame[at..]].concat();
                assert_eq!(reason(&mut card, &deep), Reason::NotIp, "{encap:?} and one at {at}");
            }
        }
    }
    // Other TPIDs that are in use are not tags.
    let (mut card, frame) = card_and_frame(key_of(Family::V4, PROTO_TCP, encaps()[5]));
    for tpid in [0x9100, 0x9200, 0x88e7, 0x8101] {
        assert_eq!(reason(&mut card, &with16(&frame, 12, tpid)), Reason::NotIp);
    }
}

#[test]
fn priority_and_dei_are_no_part_of_a_flow_and_every_other_bit_of_a_tag_is() {
    let encap = Encap {
        tags: [Some(Tag { kind: TagKind::Dot1ad, vid: 0x555 }), Some(Tag { kind: TagKind::Dot1Q, vid: 0xaaa })],
        pppoe: Some(0x5aa5),
    };
    let (mut card, frame) = card_and_frame(key_of(Family::V6, PROTO_TCP, encap));
    for tci in [14, 18] {
        let was = u16::from_be_bytes([frame[tci], frame[tci + 1]]);
        for bit in 0..16 {
            let expected = if bit < 12 { Reason::Miss } else { Reason::Forwarded };
            assert_eq!(reason(&mut card, &with16(&frame, tci, was ^ 1 << bit)), expected, "bit {bit} of the tag at {tci}");
        }
    }
    for bit in 0..16 {
        assert_eq!(reason(&mut card, &with16(&frame, 24, 0x5aa5 ^ 1 << bit)), Reason::Miss, "bit {bit} of the session");
    }
    assert_eq!(reason(&mut card, &with16(&frame, 12, 0x8100)), Reason::Miss, "the other kind outside");
    assert_eq!(reason(&mut card, &with16(&frame, 16, 0x88a8)), Reason::Miss, "the other kind inside");
}

#[test]
fn every_ipv6_header_that_is_not_layer_4_has_its_reason() {
    let (mut card, frame) = card_and_frame(key_of(Family::V6, PROTO_TCP, Encap::NONE));
    for next_header in 0..=u8::MAX {
        let mut frame = frame.clone();
        frame[ETH_HEADER_BYTES + 6] = next_header;
        let expected = match next_header {
            PROTO_TCP => Reason::Forwarded,
            // The segment's acknowledgement number has no sense as a datagram's length; its ports are not GRE of version 0.
            PROTO_UDP => Reason::Malformed,
            44 => Reason::Fragment,
            58 => Reason::Icmp,
            // Hop-by-hop options, routing, authentication, destination options, mobility, HIP, shim6.
            0 | 43 | 51 | 60 | 135 | 139 | 140 => Reason::IpExtension,
            PROTO_GRE => Reason::Miss,
            _ => Reason::OtherProtocol,
        };
        assert_eq!(reason(&mut card, &frame), expected, "next header {next_header}");
    }
}

#[test]
fn icmp_of_one_family_is_another_protocol_in_the_other() {
    for (family, protocol, expected) in [
        (Family::V4, PROTO_ICMP, Reason::Icmp),
        (Family::V4, PROTO_ICMPV6, Reason::OtherProtocol),
        (Family::V6, PROTO_ICMPV6, Reason::Icmp),
        (Family::V6, PROTO_ICMP, Reason::OtherProtocol),
    ] {
        for encap in encaps() {
            let frame = plain_frame(&key_of(family, protocol, encap));
            assert_eq!(reason(&mut card_with(&[]), &frame), expected, "{protocol} in {family:?}, {encap:?}");
        }
    }
}

#[test]
fn gre_of_another_version_is_another_protocol() {
    for family in FAMILIES {
        let (mut card, frame) = card_and_frame(key_of(family, PROTO_GRE, Encap::NONE));
        let at = ETH_HEADER_BYTES + if family == Family::V4 { 20 } else { 40 };
        for version in 0..8 {
            let expected = if version == 0 { Reason::Forwarded } else { Reason::OtherProtocol };
            assert_eq!(reason(&mut card, &with16(&frame, at, 0x2000 | version)), expected, "version {version}");
        }
        // Too short for a version: the length counts first.
        let short = stretched(&with16(&frame, at, 0x2001), ETH_HEADER_BYTES, family, 3 - (frame.len() - at) as i32);
        assert_eq!(reason(&mut card, &short), Reason::Malformed);
    }
}

#[test]
fn the_mtu_is_the_ip_packet_s_whatever_is_around_it() {
    for family in FAMILIES {
        for encap in encaps() {
            let key = key_of(family, PROTO_UDP, encap);
            let (mut card, frame) = card_and_frame(key);
            let ip_bytes = (frame.len() - l3_at(&encap)) as u16;
            for leaves_in in encaps() {
                for (mtu, expected) in [(ip_bytes, Reason::Forwarded), (ip_bytes - 1, Reason::Mtu)] {
                    card.set_next_hop(HOP_INDEX, NextHop { mtu, encap: leaves_in, ..HOP }).unwrap();
                    let outcome = card.process(PORT, &frame).unwrap();
                    assert_eq!(outcome.reason(), expected, "{family:?}, {encap:?} to {leaves_in:?}");
                    if let Outcome::Forwarded { frame, .. } = outcome {
                        assert_eq!(frame.len(), (l3_at(&leaves_in) + usize::from(ip_bytes)).max(60));
                    }
                }
            }
        }
    }
}
