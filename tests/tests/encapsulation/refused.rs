//! What layer 2 has to say before anything is looked up: destinations, other protocols behind tags, headers that are none.

use fpgaflow_abi::entry::Entry;
use fpgaflow_abi::key::TagKind::{Dot1Q, Dot1ad};
use fpgaflow_abi::key::{Encap, Family};
use fpgaflow_abi::next_hop::MacAddr;
use fpgaflow_abi::reason::Reason;
use fpgaflow_abi::wire::{ETH_HEADER_BYTES, ETHERTYPE_ARP, TAG_BYTES};
use fpgaflow_tests::{Width, at_both_widths, forwarded};
use fpgaflow_traffic::{Packet, set16};

use crate::lab::{Lab, Outcome, encap};

const BROADCAST: MacAddr = [0xff; 6];
/// All systems of IPv4 (RFC 1112 6.4) and all nodes of IPv6 (RFC 2464 7).
const GROUPS: [MacAddr; 2] = [[0x01, 0, 0x5e, 0, 0, 1], [0x33, 0x33, 0, 0, 0, 1]];
const STRANGER: MacAddr = [2, 0, 0, 0, 0, 0x77];

fn tag() -> Encap {
    encap([Some((Dot1Q, 10)), None], None)
}

fn two_tags() -> Encap {
    encap([Some((Dot1ad, 20)), Some((Dot1Q, 21))], None)
}

fn session() -> Encap {
    encap([Some((Dot1Q, 30)), None], Some(3))
}

/// What frames of the flows come in, from the shallowest.
fn encaps() -> [Encap; 4] {
    [Encap::NONE, tag(), two_tags(), session()]
}

/// Edits a flow's frame, behind whose addresses and tags `edit` is told to begin, and expects it punted for `reason`, of either family.
fn refused(width: Width, comes_in: Encap, reason: Reason, edit: impl Fn(&mut Vec<u8>, usize)) {
    let mut lab = Lab::new(width, false);
    for family in [Family::V4, Family::V6] {
        let (flow, hop) = lab.flow(family, 0, comes_in, Encap::NONE, 1500);
        let packet = Packet::new(flow.key, vec![0x33; 40]);
        let mut frame = packet.to_frame();
        assert_eq!(lab.send(&frame), Outcome::Left(forwarded(&packet, &flow.action, &hop)), "but for its edit it is right");
        let ethertype = 12 + TAG_BYTES * comes_in.tags.iter().flatten().count();
        edit(&mut frame, ethertype);
        assert_eq!(lab.send(&frame), Outcome::Punted(reason), "{family:?} {comes_in:?}");
    }
    lab.finish();
}

/// What comes of a flow's frame to `dst_mac`, in every encapsulation.
fn outcomes(width: Width, promiscuous: bool, dst_mac: MacAddr, check: impl Fn(Outcome, &Packet, &Entry)) {
    let mut lab = Lab::new(width, promiscuous);
    for (number, comes_in) in (0..).zip(encaps()) {
        for family in [Family::V4, Family::V6] {
            let (flow, _) = lab.flow(family, number, comes_in, Encap::NONE, 1500);
            let packet = Packet { dst_mac, ..Packet::new(flow.key, vec![0x33; 40]) };
            check(lab.send(&packet.to_frame()), &packet, &flow);
        }
    }
    lab.finish();
}

at_both_widths! {
    fn a_port_takes_only_its_own_address(width) {
        outcomes(width, false, STRANGER, |outcome, _, flow| assert_eq!(outcome, Outcome::Punted(Reason::WrongMac), "{flow:?}"));
    }

    fn a_promiscuous_port_takes_any_station_s_address(width) {
        outcomes(width, true, STRANGER, |outcome, packet, flow| {
            let due = forwarded(packet, &flow.action, &fpgaflow_tests::hop(crate::lab::EGRESS));
            assert_eq!(outcome, Outcome::Left(due), "{flow:?}");
        });
    }

    fn a_promiscuous_port_punts_what_is_for_everybody(width) {
        outcomes(width, true, BROADCAST, |outcome, _, flow| assert_eq!(outcome, Outcome::Punted(Reason::Broadcast), "{flow:?}"));
    }

    fn a_promiscuous_port_punts_what_is_for_a_group(width) {
        for group in GROUPS {
            outcomes(width, true, group, |outcome, _, flow| {
                assert_eq!(outcome, Outcome::Punted(Reason::Multicast), "{flow:?}");
            });
        }
    }

    fn arp_is_arp_behind_any_tags(width) {
        for tags in [Encap::NONE, tag(), two_tags()] {
            refused(width, tags, Reason::Arp, |frame, ethertype| {
                // A request as it is sent: to everybody.
                frame[..6].fill(0xff);
                set16(frame, ethertype, ETHERTYPE_ARP);
            });
        }
    }

    fn a_third_tag_is_not_ip(width) {
        refused(width, two_tags(), Reason::NotIp, |frame, _| {
            frame.splice(12..12, [0x81, 0x00, 0x00, 0x05]);
        });
    }

    fn another_protocol_behind_tags_is_not_ip(width) {
        // LLDP, MPLS, PPPoE discovery.
        for other in [0x88cc, 0x8847, 0x8863] {
            for comes_in in encaps() {
                refused(width, comes_in, Reason::NotIp, |frame, ethertype| set16(frame, ethertype, other));
            }
        }
    }

    fn a_pppoe_packet_that_is_not_ip_is_not_ip(width) {
        // LCP and IPCP (RFC 1661 2), and a protocol of one byte.
        for protocol in [0xc021, 0x8021, 0x2145] {
            refused(width, session(), Reason::NotIp, |frame, ethertype| set16(frame, ethertype + 8, protocol));
        }
    }

    fn a_pppoe_header_that_carries_no_session_data_is_not_ip(width) {
        // Version, type, code (RFC 2516 4).
        for word in [0x2100, 0x1200, 0x1109, 0x11a7] {
            refused(width, session(), Reason::NotIp, |frame, ethertype| set16(frame, ethertype + 2, word));
        }
    }

    fn a_pppoe_length_below_its_packets_is_malformed(width) {
        for length in [0, 1, 2, 21, 28] {
            refused(width, session(), Reason::Malformed, |frame, ethertype| set16(frame, ethertype + 6, length));
        }
    }

    fn another_vlan_or_session_is_another_flow(width) {
        refused(width, tag(), Reason::Miss, |frame, _| frame[15] ^= 1);
        refused(width, two_tags(), Reason::Miss, |frame, _| frame[19] ^= 1);
        refused(width, two_tags(), Reason::Miss, |frame, _| set16(frame, 12, 0x8100));
        refused(width, session(), Reason::Miss, |frame, ethertype| frame[ethertype + 5] ^= 1);
    }

    fn a_packet_without_its_tag_is_another_flow(width) {
        refused(width, tag(), Reason::Miss, |frame, _| {
            frame.drain(12..16);
        });
    }

    fn a_frame_that_ends_in_its_tags_is_not_ip(width) {
        refused(width, two_tags(), Reason::NotIp, |frame, ethertype| frame.truncate(ethertype));
        refused(width, tag(), Reason::NotIp, |frame, ethertype| frame.truncate(ethertype + 1));
    }

    fn a_frame_that_ends_in_its_pppoe_header_is_not_ip(width) {
        refused(width, session(), Reason::NotIp, |frame, ethertype| frame.truncate(ethertype + 9));
    }

    fn a_frame_that_is_all_layer_2_is_malformed(width) {
        for comes_in in encaps() {
            refused(width, comes_in, Reason::Malformed, |frame, _| frame.truncate(ETH_HEADER_BYTES + comes_in.bytes()));
        }
    }
}
