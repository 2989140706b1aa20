//! Frames written out byte by byte from the formats of IEEE 802.1Q, RFC 2516, RFC 791, RFC 8200, RFC 9293, RFC 768 and RFC 2784.

mod common;

use std::net::IpAddr;

use common::{HOP, HOP_INDEX, PORT, card_with, entry_of};
use fpgaflow_abi::entry::{Action, Entry};
use fpgaflow_abi::key::{Addresses, Encap, FlowKey, Tag, TagKind};
use fpgaflow_abi::next_hop::NextHop;
use fpgaflow_abi::wire::{PROTO_GRE, PROTO_TCP, PROTO_UDP};
use fpgaflow_golden::Outcome;

/// Bytes from hexadecimal digits, one text a header.
fn bytes(headers: &[&str]) -> Vec<u8> {
    let digits: String = headers.concat().split_whitespace().collect();
    (0..digits.len()).step_by(2).map(|at| u8::from_str_radix(&digits[at..at + 2], 16).expect("hexadecimal digits")).collect()
}

const fn tags(outer: Option<(TagKind, u16)>, inner: Option<(TagKind, u16)>) -> [Option<Tag>; 2] {
    const fn tag(of: Option<(TagKind, u16)>) -> Option<Tag> {
        match of {
            Some((kind, vid)) => Some(Tag { kind, vid }),
            None => None,
        }
    }
    [tag(outer), tag(inner)]
}

fn addresses(src: &str, dst: &str) -> Addresses {
    let parse = |text: &str| text.parse::<IpAddr>().expect("an address");
    Addresses::new(parse(src), parse(dst)).expect("one family")
}

/// One flow, the encapsulation it leaves with, and a frame of it as it comes and as it goes.
struct Case {
    key: FlowKey,
    to: (Addresses, u16, u16),
    leaves_in: Encap,
    came: Vec<u8>,
    left: Vec<u8>,
}

fn check(case: Case) {
    let Case { key, to: (addresses, sport, dport), leaves_in, came, left } = case;
    let flow = Entry { key, action: Action { addresses, sport, dport, next_hop: HOP_INDEX }, valid: true };
    let mut card = card_with(&[flow]);
    card.set_next_hop(HOP_INDEX, NextHop { encap: leaves_in, ..HOP }).unwrap();
    match card.process(PORT, &came).unwrap() {
        Outcome::Forwarded { port, frame, entry } => {
            assert_eq!((port, entry), (HOP.egress, entry_of(&flow, 0)));
            assert_eq!(frame, left, "\n{frame:02x?}\n{left:02x?}");
        }
        other => panic!("{other:?}"),
    }
}

/// Addresses of the frames that come, up to the first EtherType or TPID.
const ETHERNET_IN: &str = "02 00 00 00 00 00  02 aa 00 00 00 01";
/// Those of [`HOP`].
const ETHERNET_OUT: &str = "02 00 00 00 01 02  02 00 00 00 01 01";

#[test]
fn a_tagged_tcp_segment_leaves_in_qinq_with_its_source_translated() {
    let came = [
        ETHERNET_IN,
        "81 00 a0 0a  08 00", // priority 5, VLAN 10
        "45 00 00 2d 12 34 40 00 40 06 3c 58 c0 00 02 0a c6 33 64 01",
        "9c 40 01 bb 01 02 03 04 05 06 07 08 50 18 01 f6 49 1d 00 00",
        "47 45 54 20 2f",
    ];
    let left = [
        ETHERNET_OUT,
        "88 a8 00 64  81 00 0f fe  08 00", // service VLAN 100, VLAN 4094
        "45 00 00 2d 12 34 40 00 3f 06 c3 5c cb 00 71 05 c6 33 64 01",
        "ee 48 01 bb 01 02 03 04 05 06 07 08 50 18 01 f6 7d 19 00 00",
        "47 45 54 20 2f",
    ];
    check(Case {
        key: FlowKey {
            ingress: PORT,
            encap: Encap { tags: tags(Some((TagKind::Dot1Q, 10)), None), pppoe: None },
            protocol: PROTO_TCP,
            addresses: addresses("192.0.2.10", "198.51.100.1"),
            sport: 40_000,
            dport: 443,
        },
        to: (addresses("203.0.113.5", "198.51.100.1"), 61_000, 443),
        leaves_in: Encap { tags: tags(Some((TagKind::Dot1ad, 100)), Some((TagKind::Dot1Q, 4094))), pppoe: None },
        came: bytes(&came),
        left: bytes(&left),
    });
}

#[test]
fn an_ipv6_datagram_leaves_in_pppoe_behind_a_tag_with_its_source_translated() {
    let came = [
        ETHERNET_IN,
        "86 dd",
        "60 01 23 45 00 0d 11 40",
        "20 01 0d b8 00 0a 00 00 00 00 00 00 00 00 00 10",
        "20 01 0d b8 00 0b 00 00 00 00 00 00 00 00 00 01",
        "13 88 00 35 00 0d 90 ae",
        "70 69 6e 67 21",
        "de ad", // behind the packet
    ];
    let left = [
        ETHERNET_OUT,
        "81 00 00 23  88 64  11 00 be ef 00 37 00 57", // VLAN 35, session 0xbeef, 55 bytes: protocol and packet
        "60 01 23 45 00 0d 11 3f",
        "20 01 0d b8 ff ff 00 00 00 00 00 00 00 00 00 05",
        "20 01 0d b8 00 0b 00 00 00 00 00 00 00 00 00 01",
        "13 89 00 35 00 0d 90 c2",
        "70 69 6e 67 21",
    ];
    check(Case {
        key: FlowKey {
            ingress: PORT,
            encap: Encap::NONE,
            protocol: PROTO_UDP,
            addresses: addresses("2001:db8:a::10", "2001:db8:b::1"),
            sport: 5000,
            dport: 53,
        },
        to: (addresses("2001:db8:ffff::5", "2001:db8:b::1"), 5001, 53),
        leaves_in: Encap { tags: tags(Some((TagKind::Dot1Q, 35)), None), pppoe: Some(0xbeef) },
        came: bytes(&came),
        left: bytes(&left),
    });
}

#[test]
fn an_ipv6_datagram_without_a_checksum_keeps_none_and_loses_tags_and_session() {
    let came = [
        ETHERNET_IN,
        "81 00 20 00  81 00 10 07  88 64  11 00 00 07 00 37 00 57", // priority 1, VLAN 0; DEI, VLAN 7; session 7
        "60 01 23 45 00 0d 11 40",
        "20 01 0d b8 00 0a 00 00 00 00 00 00 00 00 00 10",
        "20 01 0d b8 00 0b 00 00 00 00 00 00 00 00 00 01",
        "13 88 00 35 00 0d 00 00",
        "70 69 6e 67 21",
    ];
    let left = [
        ETHERNET_OUT,
        "86 dd",
        "60 01 23 45 00 0d 11 3f",
        "20 01 0d b8 ff ff 00 00 00 00 00 00 00 00 00 05",
        "20 01 0d b8 00 0b 00 00 00 00 00 00 00 00 00 01",
        "13 89 00 35 00 0d 00 00",
        "70 69 6e 67 21",
    ];
    check(Case {
        key: FlowKey {
            ingress: PORT,
            encap: Encap { tags: tags(Some((TagKind::Dot1Q, 0)), Some((TagKind::Dot1Q, 7))), pppoe: Some(7) },
            protocol: PROTO_UDP,
            addresses: addresses("2001:db8:a::10", "2001:db8:b::1"),
            sport: 5000,
            dport: 53,
        },
        to: (addresses("2001:db8:ffff::5", "2001:db8:b::1"), 5001, 53),
        leaves_in: Encap::NONE,
        came: bytes(&came),
        left: bytes(&left),
    });
}

#[test]
fn an_ipv6_segment_between_two_provider_networks_changes_tags_and_hop_limit_only() {
    let packet = |hop_limit: &str, headers: &[&str]| {
        let rest = [
            "60 01 23 45 00 19 06",
            hop_limit,
            "20 01 0d b8 00 0a 00 00 00 00 00 00 00 00 00 10",
            "20 01 0d b8 00 0b 00 00 00 00 00 00 00 00 00 01",
            "13 88 01 bb 01 02 03 04 05 06 07 08 50 18 01 f6 62 7d 00 00",
            "47 45 54 20 2f",
        ];
        bytes(&[headers, &rest].concat())
    };
    let key = FlowKey {
        ingress: PORT,
        encap: Encap { tags: tags(Some((TagKind::Dot1ad, 2)), Some((TagKind::Dot1Q, 3))), pppoe: None },
        protocol: PROTO_TCP,
        addresses: addresses("2001:db8:a::10", "2001:db8:b::1"),
        sport: 5000,
        dport: 443,
    };
    check(Case {
        key,
        to: (key.addresses, key.sport, key.dport),
        leaves_in: Encap { tags: tags(Some((TagKind::Dot1Q, 4)), Some((TagKind::Dot1ad, 5))), pppoe: None },
        came: packet("02", &[ETHERNET_IN, "88 a8 00 02  81 00 00 03  86 dd"]),
        left: packet("01", &[ETHERNET_OUT, "81 00 00 04  88 a8 00 05  86 dd"]),
    });
}

#[test]
fn a_gre_packet_out_of_pppoe_is_padded_with_zeros_and_keeps_its_key_and_payload() {
    let came = [
        ETHERNET_IN,
        "88 64  11 00 00 01 00 24 00 21", // session 1, 36 bytes: protocol and packet
        "45 00 00 22 12 34 40 00 40 2f 3c 3a c0 00 02 0a c6 33 64 01",
        "20 00 08 00  00 00 00 2a", // with a key: RFC 2890
        "69 6e 73 69 64 65",
        "ff ff ff ff ff ff ff ff", // padding, which is not to become payload
    ];
    let left = [
        ETHERNET_OUT,
        "08 00",
        "45 00 00 22 12 34 40 00 3f 2f 3d 3a c0 00 02 0a c6 33 64 01",
        "20 00 08 00  00 00 00 2a",
        "69 6e 73 69 64 65",
        "00 00 00 00 00 00 00 00 00 00 00 00",
    ];
    let key = FlowKey {
        ingress: PORT,
        encap: Encap { pppoe: Some(1), ..Encap::NONE },
        protocol: PROTO_GRE,
        addresses: addresses("192.0.2.10", "198.51.100.1"),
        sport: 0,
        dport: 0,
    };
    check(Case { key, to: (key.addresses, 0, 0), leaves_in: Encap::NONE, came: bytes(&came), left: bytes(&left) });
}
