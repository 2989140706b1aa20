//! Messages as Linux 6.18 sent them: a TCP connection of 192.0.2.10 hidden behind 203.0.113.5, marked 1 by a rule.

use netlink_packet_core::{NetlinkMessage, NetlinkPayload};

use super::*;
use crate::flow::TCP_ESTABLISHED;
use crate::test_support::bytes_of_hex;

const TUPLES: &str = "340001801400018008000100c000020a08000200cb0071091c0002800500010006000000060002009c4000000600030001bb0000\
    340002801400018008000100cb00710908000200cb0071051c00028005000100060000000600020001bb0000060003009c400000";

/// A message of `kind` and `flags` with the two tuples and `rest`.
fn message(kind: &str, flags: &str, rest: &str) -> Option<ConnEvent> {
    let body = format!("{kind}{flags}000000000000000002000000{TUPLES}{rest}");
    let length = (body.len() / 2 + 4) as u32;
    let mut bytes = length.to_le_bytes().to_vec();
    bytes.extend(bytes_of_hex(&body));
    match NetlinkMessage::<NetfilterMessage>::deserialize(&bytes).unwrap().payload {
        NetlinkPayload::InnerMessage(message) => decode(&message),
        other => panic!("{other:?}"),
    }
}

fn update(rest: &str) -> Conn {
    match message("0001", "0000", rest) {
        Some(ConnEvent::Update(conn)) => conn,
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_event_that_establishes_a_connection_has_everything_that_the_policy_asks() {
    let conn = update(
        "08000c00e0cd8523080003000000019e080007000006978030\
        0004802c0001800500010003000000050002000a000000050003000a00000006000400230000000600050023000000\
        0800080000000001",
    );
    let tuple = |src: [u8; 4], dst: [u8; 4], sport, dport| Tuple {
        addresses: Addresses::V4 { src: src.into(), dst: dst.into() },
        sport,
        dport,
        protocol: 6,
    };
    let expected = Conn {
        name: ConnName { original: tuple([192, 0, 2, 10], [203, 0, 113, 9], 40000, 443), zone: 0 },
        reply: tuple([203, 0, 113, 9], [203, 0, 113, 5], 443, 40000),
        id: 0xe0cd_8523,
        status: Status(0x19e),
        mark: 1,
        timeout_s: Some(432_000),
        tcp_state: Some(TCP_ESTABLISHED),
        helper: false,
        directional_zone: false,
    };
    assert_eq!(conn, expected);
    assert_eq!(crate::policy::admit(&crate::policy::Policy::default(), &conn), Ok(()));
}

#[test]
fn a_destroy_event_names_the_connection_and_its_id() {
    let rest = "08000c00e0cd8523080003000000039e0800070000000077100004800c00018005000100070000000800080000000001";
    let Some(ConnEvent::Destroy { name, id }) = message("0201", "0000", rest) else { panic!("not a destroy event") };
    assert_eq!((name.original.dport, name.zone, id), (443, 0, 0xe0cd_8523));
}

#[test]
fn a_dumped_connection_decodes_as_an_event_does() {
    let conn = update(
        "080003000000019e080008000000000108000c00e0cd852308000b0000000001080007000006977f\
        300004802c0001800500010003000000050002000a000000050003000a00000006000400230000000600050023000000",
    );
    assert_eq!((conn.mark, conn.timeout_s, conn.tcp_state, conn.id), (1, Some(431_999), Some(3), 0xe0cd_8523));
}

#[test]
fn zone_and_helper_are_seen_and_what_is_absent_stays_absent() {
    let conn = update("080003000000000e0600120000070000 0c0005800800010066747000");
    assert_eq!((conn.name.zone, conn.helper), (7, true));
    assert_eq!((conn.mark, conn.timeout_s, conn.tcp_state, conn.id), (0, None, None, 0));
}

#[test]
fn a_message_without_a_reply_tuple_is_nothing() {
    let without = format!("0001000000000000000000000200 0000{}", &TUPLES[..104]);
    let mut bytes = ((without.replace(' ', "").len() / 2 + 4) as u32).to_le_bytes().to_vec();
    bytes.extend(bytes_of_hex(&without));
    let NetlinkPayload::InnerMessage(message) = NetlinkMessage::<NetfilterMessage>::deserialize(&bytes).unwrap().payload else {
        panic!("no inner message")
    };
    assert_eq!(decode(&message), None);
}
