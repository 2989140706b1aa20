//! Connections whose ways lead through VLAN devices, PPP devices, IPv6 and GRE.

use std::net::Ipv6Addr;

use fpgaflow_abi::key::{Tag, TagKind};
use fpgaflow_abi::wire::PROTO_GRE;

use super::*;

const LAN_VLAN: u32 = 21;
const WAN_VLAN: u32 = 22;
const WAN_VLAN_MAC: MacAddr = [2, 0, 0, 0, 0, 0x22];

fn vlan(index: u32, below: u32, vid: u16, mac: MacAddr, up: bool) -> TopologyEvent {
    let upper = Upper::Vlan { below, tag: Tag { kind: TagKind::Dot1Q, vid } };
    TopologyEvent::Link(Link { index, name: format!("vlan{vid}"), mac, mtu: 1400, up, upper })
}

fn tagged(vid: u16) -> Encap {
    Encap { tags: [Some(Tag { kind: TagKind::Dot1Q, vid }), None], pppoe: None }
}

fn through(engine: &mut Engine<Recorder, FakeKernel>, port: u32, interface: u32) {
    engine.kernel.instead.insert(port, interface);
}

#[test]
fn vlan_devices_give_ingress_and_egress_their_tags() {
    let mut engine = engine();
    let now = Duration::ZERO;
    engine.on_topology(now, &vlan(LAN_VLAN, LAN, 10, LAN_MAC, true));
    engine.on_topology(now, &vlan(WAN_VLAN, WAN, 300, WAN_VLAN_MAC, true));
    through(&mut engine, LAN, LAN_VLAN);
    through(&mut engine, WAN, WAN_VLAN);
    let neighbour = Neighbour::Known(SERVER_MAC);
    engine.on_topology(now, &TopologyEvent::Neighbour { interface: WAN_VLAN, address: SERVER.into(), neighbour });
    engine.on_conntrack(now, ConnEvent::Update(tcp_conn(1)));
    let [forth, back] = *engine.target.flows.values().next().expect("it is installed");
    assert_eq!((forth.key.ingress, forth.key.encap, back.key.ingress, back.key.encap), (0, tagged(10), 1, tagged(300)));
    let hop = engine.target.hops[&forth.action.next_hop];
    let expected = NextHop { egress: 1, mtu: 1400, src_mac: WAN_VLAN_MAC, dst_mac: SERVER_MAC, encap: tagged(300), valid: true };
    assert_eq!(hop, expected);
    assert_eq!(engine.target.hops[&back.action.next_hop].encap, tagged(10));
    // What one device loses does not concern the port below.
    engine.on_topology(now, &vlan(WAN_VLAN, WAN, 300, WAN_VLAN_MAC, false));
    assert!(engine.target.flows.is_empty());
    assert_eq!(engine.verdict_of(&tcp_conn(1).name.original), Some(Verdict::Refused(Refusal::LinkDown)));
    engine.on_topology(now, &vlan(WAN_VLAN, WAN, 300, WAN_VLAN_MAC, true));
    engine.settle(now);
    assert_eq!(engine.target.flows.len(), 1);
}

#[test]
fn two_vlans_of_one_port_are_two_ways() {
    let mut engine = engine();
    let now = Duration::ZERO;
    engine.on_topology(now, &vlan(LAN_VLAN, WAN, 10, LAN_MAC, true));
    through(&mut engine, LAN, LAN_VLAN);
    engine.on_conntrack(now, ConnEvent::Update(tcp_conn(1)));
    let [forth, back] = *engine.target.flows.values().next().expect("it is installed");
    assert_eq!((forth.key.ingress, forth.key.encap, back.key.ingress, back.key.encap), (1, tagged(10), 1, Encap::NONE));
}

#[test]
fn a_ppp_device_is_refused_by_its_own_name() {
    let mut engine = engine();
    let now = Duration::ZERO;
    let ppp = Link { index: 30, name: "ppp0".into(), mac: [0; 6], mtu: 1492, up: true, upper: Upper::Ppp };
    engine.on_topology(now, &TopologyEvent::Link(ppp));
    through(&mut engine, WAN, 30);
    engine.on_conntrack(now, ConnEvent::Update(tcp_conn(1)));
    assert_eq!(engine.verdict_of(&tcp_conn(1).name.original), Some(Verdict::Refused(Refusal::PppDevice)));
}

#[test]
fn an_ipv6_connection_leaves_by_its_link_local_neighbour() {
    let mut engine = engine();
    let now = Duration::ZERO;
    let (client, server) = (Ipv6Addr::new(0x2001, 0xdb8, 10, 0, 0, 0, 0, 1), Ipv6Addr::new(0x2001, 0xdb8, 20, 0, 0, 0, 0, 1));
    let mut conn = tcp_conn(1);
    (conn.name.original.addresses, conn.reply.addresses) =
        (Addresses::V6 { src: client, dst: server }, Addresses::V6 { src: server, dst: client });
    let neighbour = Neighbour::Known(SERVER_MAC);
    let gateway = Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 1);
    engine.kernel.gateway_v6 = Some(gateway);
    engine.on_topology(now, &TopologyEvent::Neighbour { interface: LAN, address: gateway.into(), neighbour: Neighbour::Unknown });
    engine.on_topology(now, &TopologyEvent::Neighbour { interface: WAN, address: gateway.into(), neighbour });
    let key = conn.name.original.key(0, Encap::NONE);
    engine.on_conntrack(now, ConnEvent::Update(conn));
    let [forth, back] = *engine.target.flows.values().next().expect("it is installed");
    assert_eq!(forth.key, key);
    assert_eq!(engine.target.hops[&forth.action.next_hop].dst_mac, SERVER_MAC);
    assert!(!engine.target.hops[&back.action.next_hop].valid, "the same address on the other link is another neighbour");
}

#[test]
fn gre_is_offloaded_where_nothing_of_it_is_translated() {
    let mut engine = engine();
    let gre = |number| {
        let mut conn = udp_conn(number);
        for tuple in [&mut conn.name.original, &mut conn.reply] {
            (tuple.protocol, tuple.sport, tuple.dport) = (PROTO_GRE, 0, 0);
        }
        conn
    };
    let translated = gre(1);
    let mut plain = gre(2);
    let Addresses::V4 { src, dst } = plain.name.original.addresses else { panic!("an IPv4 connection") };
    plain.reply.addresses = Addresses::V4 { src: dst, dst: src };
    let mut version_1 = plain.clone();
    version_1.id = 3;
    version_1.name.original.sport = 7;
    for conn in [&translated, &plain, &version_1] {
        engine.on_conntrack(Duration::ZERO, ConnEvent::Update(conn.clone()));
    }
    let verdict = |conn: &Conn| engine.verdict_of(&conn.name.original);
    assert_eq!(verdict(&translated), Some(Verdict::Refused(Refusal::TranslatedGre)));
    assert_eq!(verdict(&version_1), Some(Verdict::Refused(Refusal::TranslatedGre)));
    assert_eq!(verdict(&plain), Some(Verdict::Offloaded(Placed::Card)));
    let [forth, back] = *engine.target.flows.values().next().expect("it is installed");
    assert_eq!((forth.key.protocol, forth.action.sport, back.key.protocol), (PROTO_GRE, 0, PROTO_GRE));
    assert_eq!(forth.action.addresses, forth.key.addresses);
}
