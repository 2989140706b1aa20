//! Messages as Linux 6.18 sent them; those about VLAN and PPP devices, which not every kernel has, put together by `if_link.h`.

use netlink_packet_core::{NetlinkMessage, NetlinkPayload};

use super::*;
use crate::test_support::bytes_of_hex;

fn message(hex: &str) -> RouteNetlinkMessage {
    match NetlinkMessage::<RouteNetlinkMessage>::deserialize(&bytes_of_hex(hex)).unwrap().payload {
        NetlinkPayload::InnerMessage(message) => message,
        other => panic!("{other:?}"),
    }
}

/// 203.0.113.9 on interface 3 at ee:a0:f1:31:42:7d, with `state` as its second-lowest byte of the header.
fn neighbour_message(kind: &str, state: &str) -> Option<TopologyEvent> {
    let hex = format!(
        "4c000000{kind}000000000000000000000200000003000000{state}0001\
        08000100cb0071090a000200eea0f131427d000008000400040000001400030000000000000000000000000002000000"
    );
    decode(&message(&hex))
}

#[test]
fn a_neighbour_is_known_stale_or_unknown_by_its_state() {
    let mac = [0xee, 0xa0, 0xf1, 0x31, 0x42, 0x7d];
    let event = |neighbour| Some(TopologyEvent::Neighbour { interface: 3, address: [203, 0, 113, 9].into(), neighbour });
    assert_eq!(neighbour_message("1c00", "0200"), event(Neighbour::Known(mac)), "REACHABLE");
    assert_eq!(neighbour_message("1c00", "1000"), event(Neighbour::Known(mac)), "PROBE");
    assert_eq!(neighbour_message("1c00", "8000"), event(Neighbour::Known(mac)), "PERMANENT");
    assert_eq!(neighbour_message("1c00", "0400"), event(Neighbour::Stale(mac)), "STALE");
    assert_eq!(neighbour_message("1c00", "2000"), event(Neighbour::Unknown), "FAILED keeps its last address");
    assert_eq!(neighbour_message("1d00", "0200"), event(Neighbour::Unknown), "deleted");
}

#[test]
fn a_route_lookup_tells_interface_and_neighbour() {
    let answer = message(
        "680000001800000001000000e87a3ef102202000fe0000010002000008000f00fe00000008000100cb00710908000200c000020a\
        080004000300000008000300020000002400\
        0c00010000001b000000000000000000000000000000000000000000000000000000",
    );
    let RouteNetlinkMessage::NewRoute(answer) = answer else { panic!("{answer:?}") };
    let dst = IpAddr::from([203, 0, 113, 9]);
    assert_eq!(route(&answer, dst), Route::Forward { egress: 3, gateway: dst, mtu: None });
    let mut through = answer.clone();
    let gateway = IpAddr::from([203, 0, 113, 1]);
    through.attributes.push(RouteAttribute::Gateway(gateway.into()));
    through.attributes.push(RouteAttribute::Metrics(vec![RouteMetric::Mtu(1400)]));
    assert_eq!(route(&through, dst), Route::Forward { egress: 3, gateway, mtu: Some(1400) });
    through.header.kind = RouteType::Local;
    assert_eq!(route(&through, dst), Route::Local);
    through.header.kind = RouteType::BlackHole;
    assert_eq!(route(&through, dst), Route::None);
}

#[test]
fn a_link_is_up_only_with_a_carrier() {
    let mut message = LinkMessage::default();
    message.header.index = 3;
    message.header.flags = LinkFlags::Up | LinkFlags::LowerUp;
    message.attributes =
        vec![LinkAttribute::IfName("wan".into()), LinkAttribute::Address(vec![2, 0, 0, 0, 0, 1]), LinkAttribute::Mtu(1500)];
    let expected = Link { index: 3, name: "wan".into(), mac: [2, 0, 0, 0, 0, 1], mtu: 1500, up: true, upper: Upper::None };
    assert_eq!(link(&message), Some(expected.clone()));
    message.header.flags = LinkFlags::Up;
    assert_eq!(link(&message), Some(Link { up: false, ..expected }));
}

fn upper_of(hex: &str) -> Upper {
    match decode(&message(hex)) {
        Some(TopologyEvent::Link(link)) => link.upper,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_vlan_device_tells_its_tag_and_what_it_is_on_top_of() {
    // ifinfomsg, IFLA_IFNAME, IFLA_LINK, IFLA_LINKINFO { IFLA_INFO_KIND vlan, IFLA_INFO_DATA { IFLA_VLAN_ID, IFLA_VLAN_PROTOCOL } }.
    let service = upper_of(
        "5400000010000000000000000000000000000100150000004310010000000000\
        0700030071300000 0800050007000000 24001200 09000100766c616e00000000\
        14000200 060001002c010000 0600050088a80000",
    );
    assert_eq!(service, Upper::Vlan { below: 7, tag: Tag { kind: TagKind::Dot1ad, vid: 300 } });
    let customer = upper_of(
        "6000000010000000000000000000000000000100160000004310010000000000\
        0700030076300000 0800050015000000 30001200 09000100766c616e00000000\
        20000200 060001000a000000 0600050081000000 0c00020001000000ffffffff",
    );
    assert_eq!(customer, Upper::Vlan { below: 21, tag: Tag { kind: TagKind::Dot1Q, vid: 10 } });
}

#[test]
fn a_ppp_device_is_known_for_one() {
    let ppp = upper_of(
        "3c00000010000000000000000000000000000100170000004310010000000000\
        0900030070707030 00000000 10001200 0800010070707000 04000200",
    );
    assert_eq!(ppp, Upper::Ppp);
}
