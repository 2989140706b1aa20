//! `fpgaflow replay` of IPv6, GRE, tags and PPPoE: files as a user writes them, captures made by code, results put together by etherparse.

use fpgaflow_abi::entry::Entry;
use fpgaflow_abi::next_hop::NextHop;
use fpgaflow_flows::FlowSet;
use fpgaflow_traffic::{Packet, forwarded};
use serde_json::{Value, json};

use crate::common::replay;

/// Ways in and out: none, a tag, a service tag, QinQ, two tags, PPPoE alone, behind a tag and behind two.
fn encaps() -> Vec<Value> {
    vec![
        json!([]),
        json!([{"vlan": 10}]),
        json!([{"qinq": 20}]),
        json!([{"qinq": 30}, {"vlan": 31}]),
        json!([{"vlan": 40}, {"vlan": 41}]),
        json!([{"pppoe": 5}]),
        json!([{"vlan": 60}, {"pppoe": 6}]),
        json!([{"qinq": 70}, {"vlan": 71}, {"pppoe": 7}]),
    ]
}

/// One next hop for each encapsulation, and to each a flow from each encapsulation for both families and all protocols.
fn file() -> Value {
    let hop = |(id, encap)| {
        json!({"id": id, "port": 1, "src_mac": "02:00:00:00:01:01", "dst_mac": format!("02:00:00:00:02:{id:02x}"),
               "encap": encap, "mtu": 1500})
    };
    let mut flows = Vec::new();
    for comes_in in encaps() {
        for (leaves_by, _) in encaps().iter().enumerate() {
            // The flow's number is in its source address.
            let number = flows.len();
            for (proto, src, dst, to) in [
                ("tcp", format!("10.0.{}.{}", number >> 8, number & 255), "198.51.100.1", "203.0.113.5"),
                ("udp", format!("2001:db8::{number:x}"), "2001:db8:1::1", "2001:db8:ffff::5"),
            ] {
                flows.push(json!({"match": {"port": 0, "encap": comes_in, "proto": proto, "src": src, "sport": 1000, "dst": dst,
                    "dport": 443}, "action": {"src": to, "sport": 61000, "next_hop": leaves_by}}));
                flows.push(json!({"match": {"port": 0, "encap": comes_in, "proto": "gre", "src": src, "dst": dst},
                    "action": {"next_hop": leaves_by}}));
            }
        }
    }
    json!({"next_hops": encaps().into_iter().enumerate().map(hop).collect::<Vec<_>>(), "flows": flows})
}

/// A packet of each flow, of many sizes, as it comes and as it must leave.
fn traffic(set: &FlowSet) -> (Vec<Vec<u8>>, Vec<Vec<u8>>) {
    let hop_of = |flow: &Entry| -> NextHop { set.next_hops[usize::from(flow.action.next_hop)].hop };
    let packet = |(number, flow): (usize, &Entry)| {
        let payload = (0..number * 7 % 1_400).map(|byte| byte as u8).collect();
        let packet = Packet { identification: number as u16, priority: number as u8 % 16, ..Packet::new(flow.key, payload) };
        (packet.to_frame(), forwarded(&packet, &flow.action, &hop_of(flow)))
    };
    set.flows.iter().enumerate().map(packet).unzip()
}

/// Every flow's packet leaves translated in its next hop's encapsulation, and is counted.
fn every_flow_leaves_as_it_must(engine: &[&str]) {
    let dir = tempfile::tempdir().unwrap();
    let text = file().to_string();
    std::fs::write(dir.path().join("flows.json"), &text).unwrap();
    let set = FlowSet::parse("flows.json", &text).unwrap();
    let (came, due) = traffic(&set);
    assert_eq!(came.len(), 8 * 8 * 4);
    let (left, punted, stats) = replay(engine, dir.path(), &came);
    assert!(punted.is_empty(), "{}", stats["reasons"]);
    assert_eq!(left.len(), due.len());
    for ((left, due), flow) in left.iter().zip(&due).zip(&set.flows) {
        assert_eq!(left, due, "{flow:?}");
    }
    assert!(stats["flows"].as_array().unwrap().iter().all(|flow| flow["packets"] == 1), "{}", stats["flows"]);
}

/// What the engine must not take, by reason.
fn the_rest_is_punted_by_its_reason(engine: &[&str]) {
    let dir = tempfile::tempdir().unwrap();
    let text = file().to_string();
    std::fs::write(dir.path().join("flows.json"), &text).unwrap();
    let set = FlowSet::parse("flows.json", &text).unwrap();
    // The last encapsulation is the deepest: two tags at 12 and 16, PPPoE at 22, IPv4 at 30.
    let [.., tcp, gre, _, gre_v6] = &set.flows[..] else { panic!("there are flows") };
    let frame = |flow: &Entry| Packet::new(flow.key, vec![0; 40]).to_frame();
    let edited = |flow: &Entry, edits: &[(usize, u8)]| {
        let mut frame = frame(flow);
        edits.iter().for_each(|(at, byte)| frame[*at] = *byte);
        frame
    };
    let third_tag = [&frame(tcp)[..12], &[0x81, 0x00, 0x00, 0x01], &frame(tcp)[12..]].concat();
    let frames = [
        (edited(tcp, &[(25, 0x06)]), "miss"),
        (frame(tcp)[..21].to_vec(), "not_ip"),
        (third_tag, "not_ip"),
        (edited(tcp, &[(28, 0xc0)]), "not_ip"),
        (edited(tcp, &[(23, 0x09)]), "not_ip"),
        (edited(tcp, &[(27, 0x10)]), "malformed"),
        (edited(gre_v6, &[(36, 0)]), "ip_extension"),
        (edited(gre_v6, &[(36, 44)]), "fragment"),
        (edited(gre_v6, &[(36, 58)]), "icmp"),
        (edited(gre_v6, &[(36, 59)]), "other_protocol"),
        (edited(gre_v6, &[(37, 1)]), "ttl"),
        (edited(gre_v6, &[(71, 1)]), "other_protocol"),
        (edited(gre, &[(51, 1)]), "other_protocol"),
        (edited(gre, &[(20, 0x08), (21, 0x06)]), "arp"),
        (Packet::new(gre_v6.key, vec![0; 1457]).to_frame(), "mtu"),
    ];
    let came: Vec<_> = frames.iter().map(|(frame, _)| frame.clone()).collect();
    let (left, punted, stats) = replay(engine, dir.path(), &came);
    assert!(left.is_empty());
    assert_eq!(punted, came, "unchanged and in order");
    assert_eq!(stats["punted"], frames.len());
    let punts = std::fs::read_to_string(dir.path().join("out/punts.jsonl")).unwrap();
    for (line, (frame, reason)) in punts.lines().zip(&frames) {
        let line: Value = serde_json::from_str(line).unwrap();
        assert_eq!(line, json!({"port": 0, "reason": reason}), "{frame:02x?}");
    }
}

#[test]
fn the_model_takes_ipv6_gre_tags_and_pppoe_from_files() {
    every_flow_leaves_as_it_must(&["golden"]);
}

#[test]
fn the_model_punts_what_is_wrong_with_them_by_its_reason() {
    the_rest_is_punted_by_its_reason(&["golden"]);
}

#[test]
fn the_software_flowtable_takes_ipv6_gre_tags_and_pppoe_from_files() {
    every_flow_leaves_as_it_must(&["software"]);
}

#[test]
fn the_software_flowtable_punts_what_is_wrong_with_them_by_its_reason() {
    the_rest_is_punted_by_its_reason(&["software"]);
}

#[cfg(feature = "sim")]
#[test]
fn the_verilated_card_takes_ipv6_gre_tags_and_pppoe_from_files() {
    for width in ["64", "512"] {
        every_flow_leaves_as_it_must(&["rtl", "--width", width]);
    }
}

#[cfg(feature = "sim")]
#[test]
fn the_verilated_card_punts_what_is_wrong_with_them_by_its_reason() {
    for width in ["64", "512"] {
        the_rest_is_punted_by_its_reason(&["rtl", "--width", width]);
    }
}
