//! Files that are read, written again, and refused.

use fpgaflow_abi::geometry::Geometry;
use fpgaflow_abi::hash::HASH_BITS;
use fpgaflow_abi::key::{Addresses, Encap, Tag, TagKind};
use fpgaflow_abi::next_hop::HOST_PORT;
use fpgaflow_flows::{FlowSet, Limits};
use serde_json::{Value, json};

const LIMITS: Limits = Limits {
    engine: "golden",
    geometry: Geometry {
        width_bits: 64,
        ports: 2,
        hash_bits: HASH_BITS as u8,
        bucket_bits: 4,
        stash: 4,
        entries_v4: 2,
        entries_v6: 0,
        next_hops: 2,
        max_frame_bytes: 9018,
        clock_hz: 0,
        build_id: 0,
    },
};

/// The example of the design document.
fn example() -> Value {
    json!({"next_hops": [{"id": 1, "port": 1, "src_mac": "02:00:00:00:01:01", "dst_mac": "02:00:00:00:01:02",
                          "encap": [{"vlan": 100}], "mtu": 1500}],
           "flows": [{"match": {"port": 0, "encap": [{"vlan": 10}], "proto": "tcp", "src": "192.0.2.10", "sport": 40000,
                                "dst": "198.51.100.1", "dport": 443},
                      "action": {"src": "203.0.113.5", "sport": 61000, "next_hop": 1}}]})
}

/// A file without encapsulation, of one flow and one next hop.
fn plain() -> Value {
    let mut file = example();
    file["next_hops"][0].as_object_mut().unwrap().remove("encap");
    file["flows"][0]["match"].as_object_mut().unwrap().remove("encap");
    file
}

fn parse(file: &Value) -> Result<FlowSet, String> {
    FlowSet::parse("flows.json", &file.to_string()).map_err(|error| error.to_string())
}

#[test]
fn the_example_means_what_the_design_says() {
    let set = parse(&example()).unwrap();
    let (hop, flow) = (&set.next_hops[0], &set.flows[0]);
    let vlan = |vid| Encap { tags: [Some(Tag { kind: TagKind::Dot1Q, vid }), None], pppoe: None };
    assert_eq!((hop.id, hop.hop.egress, hop.hop.mtu, hop.hop.encap, hop.hop.valid), (1, 1, 1500, vlan(100), true));
    assert_eq!((hop.hop.src_mac, hop.hop.dst_mac), ([2, 0, 0, 0, 1, 1], [2, 0, 0, 0, 1, 2]));
    assert_eq!((flow.key.ingress, flow.key.encap, flow.key.protocol), (0, vlan(10), 6));
    assert_eq!((flow.key.sport, flow.key.dport), (40000, 443));
    let to = Addresses::V4 { src: "203.0.113.5".parse().unwrap(), dst: "198.51.100.1".parse().unwrap() };
    assert_eq!((flow.action.addresses, flow.action.sport, flow.action.dport, flow.action.next_hop), (to, 61000, 443, 0));
    assert!(flow.valid);
}

#[test]
fn a_set_survives_its_file() {
    let mut file = example();
    file["next_hops"].as_array_mut().unwrap().push(json!({"id": 70000, "port": "host"}));
    file["next_hops"].as_array_mut().unwrap().push(json!({"id": 2, "port": 0, "src_mac": "02:00:00:00:00:01",
        "dst_mac": "02:00:00:00:00:02", "encap": [{"qinq": 4094}, {"vlan": 1}, {"pppoe": 7}], "mtu": 1492}));
    file["flows"].as_array_mut().unwrap().push(json!({"match": {"port": 1, "proto": "udp", "src": "2001:db8::1", "sport": 1,
        "dst": "2001:db8::2", "dport": 2}, "action": {"dst": "2001:db8::3", "dport": 3, "next_hop": 70000}}));
    file["ports"] = json!([{"port": 1, "mac": "02:00:00:00:00:aa"}]);
    let set = parse(&file).unwrap();
    assert_eq!(set.next_hops[1].hop.egress, HOST_PORT);
    let written = serde_json::to_value(set.to_file()).unwrap();
    assert_eq!(parse(&written).unwrap(), set);
    assert_eq!(written["flows"][0], file["flows"][0], "what stays as it is stays left out");
    assert_eq!(written["ports"], file["ports"]);
}

#[test]
fn an_empty_file_is_an_empty_set() {
    assert_eq!(parse(&json!({"next_hops": [], "flows": []})).unwrap(), FlowSet::default());
    assert!(parse(&json!({"flows": []})).unwrap_err().starts_with("flows.json: .: missing field `next_hops`"));
}

/// Each edit of [`plain`] and the error that it gives.
#[test]
fn what_cannot_be_used_is_refused_by_file_and_field() {
    let cases: &[(&str, Value, &str)] = &[
        ("/flows/0/action/next_hop", json!(7), "flows.json: flows[0].action.next_hop: no next hop has id 7"),
        (
            "/flows/0/action/src",
            json!("2001:db8::1"),
            "flows.json: flows[0].action.src: 2001:db8::1 is not an IPv4 address as match.src is",
        ),
        (
            "/flows/0/match/dst",
            json!("2001:db8::1"),
            "flows.json: flows[0].match.dst: 2001:db8::1 is not an IPv4 address as match.src is",
        ),
        (
            "/flows/0/match/src",
            json!("2001:db8::1"),
            "flows.json: flows[0].match.dst: 198.51.100.1 is not an IPv6 address as match.src is",
        ),
        ("/flows/0/match/port", json!(4), "flows.json: flows[0].match.port: there is no port 4; the ports are 0 to 3"),
        (
            "/next_hops/0/src_mac",
            json!("02:00:00:00:01"),
            "flows.json: next_hops[0].src_mac: \"02:00:00:00:01\" is not an Ethernet address such as 02:00:00:00:01:01",
        ),
        (
            "/next_hops/0/src_mac",
            json!("03:00:00:00:00:01"),
            "flows.json: next_hops[0].src_mac: \"03:00:00:00:00:01\" is a group address",
        ),
        (
            "/next_hops/0/dst_mac",
            Value::Null,
            "flows.json: next_hops[0].dst_mac: is missing; only a next hop to the host needs none",
        ),
        ("/next_hops/0/port", json!(9), "flows.json: next_hops[0].port: there is no port 9; the ports are 0 to 3"),
        (
            "/next_hops/0/encap",
            json!([{"vlan": 4095}]),
            "flows.json: next_hops[0].encap[0]: 4095 is not a VLAN id, which is at most 4094",
        ),
        (
            "/next_hops/0/encap",
            json!([{"vlan": 1}, {"vlan": 2}, {"vlan": 3}]),
            "flows.json: next_hops[0].encap[2]: is too deep; there can be two VLAN tags, then PPPoE",
        ),
        (
            "/flows/0/match/encap",
            json!([{"pppoe": 1}, {"vlan": 2}]),
            "flows.json: flows[0].match.encap[1]: is too deep; there can be two VLAN tags, then PPPoE",
        ),
        (
            "/flows/0/match/encap",
            json!([{"vlan": 1}, {"pppoe": 1}, {"qinq": 2}]),
            "flows.json: flows[0].match.encap[2]: is too deep; there can be two VLAN tags, then PPPoE",
        ),
        (
            "/flows/0/match/encap",
            json!([{"pppoe": 1}, {"pppoe": 2}]),
            "flows.json: flows[0].match.encap[1]: is too deep; there can be two VLAN tags, then PPPoE",
        ),
        (
            "/flows/0/match/encap",
            json!([{"qinq": 1}, {"qinq": 65535}]),
            "flows.json: flows[0].match.encap[1]: 65535 is not a VLAN id, which is at most 4094",
        ),
        (
            "/next_hops/0/encap",
            json!([{"vlan": 1}, {"pppoe": 65535}]),
            "flows.json: next_hops[0].encap[1]: 65535 is not a PPPoE session, which is from 1 to 65534",
        ),
        ("/flows/0/match/proto", json!("gre"), "flows.json: flows[0].match.sport: gre has no ports"),
        ("/flows/0/match/sport", Value::Null, "flows.json: flows[0].match.sport: is missing; only gre has no ports"),
        (
            "/flows/0/match/encap",
            json!([{"pppoe": 0}]),
            "flows.json: flows[0].match.encap[0]: 0 is not a PPPoE session, which is from 1 to 65534",
        ),
        (
            "/ports",
            json!([{"port": 0, "mac": "x"}]),
            "flows.json: ports[0].mac: \"x\" is not an Ethernet address such as 02:00:00:00:01:01",
        ),
        (
            "/ports",
            json!([{"port": 1, "mac": "02:00:00:00:00:01"}, {"port": 1, "mac": "02:00:00:00:00:02"}]),
            "flows.json: ports[1].port: port 1 is already configured by ports[0]",
        ),
        ("/flows/0/match/ttl", json!(1), "flows.json: flows[0].match.ttl: unknown field `ttl`"),
        ("/colour", json!("red"), "flows.json: colour: unknown field `colour`"),
        ("/flows/0/match/sport", json!(70000), "flows.json: flows[0].match.sport: invalid value: integer `70000`, expected u16"),
        (
            "/flows/0/match/proto",
            json!("icmp"),
            "flows.json: flows[0].match.proto: unknown variant `icmp`, expected one of `tcp`, `udp`, `gre`",
        ),
        ("/flows/0/match/src", json!("192.0.2"), "flows.json: flows[0].match.src: invalid IP address syntax"),
        (
            "/next_hops/0/port",
            json!("wan"),
            "flows.json: next_hops[0].port: invalid value: string \"wan\", expected a port number or \"host\"",
        ),
        ("/next_hops/0/encap", json!([{"gre": 1}]), "flows.json: next_hops[0].encap[0]"),
    ];
    for (pointer, value, message) in cases {
        let mut file = plain();
        let (parent, field) = pointer.rsplit_once('/').unwrap();
        file.pointer_mut(parent).unwrap()[field] = value.clone();
        let error = parse(&file).expect_err(pointer);
        assert!(error.starts_with(message), "{error}\n{message}");
        assert_eq!(error.lines().count(), 1, "{error}");
    }
}

#[test]
fn duplicates_and_missing_fields_are_refused() {
    let mut file = plain();
    let flow = file["flows"][0].clone();
    file["flows"].as_array_mut().unwrap().push(flow);
    assert_eq!(parse(&file), Err("flows.json: flows[1].match: matches the same packets as flows[0]".into()));
    let mut file = plain();
    let hop = file["next_hops"][0].clone();
    file["next_hops"].as_array_mut().unwrap().push(hop);
    assert_eq!(parse(&file), Err("flows.json: next_hops[1].id: id 1 is already that of next_hops[0]".into()));
    let mut file = plain();
    file["flows"][0]["match"].as_object_mut().unwrap().remove("dport");
    assert_eq!(parse(&file), Err("flows.json: flows[0].match.dport: is missing; only gre has no ports".into()));
}

/// Each edit of a file with one flow of GRE, and the error that it gives.
#[test]
fn gre_has_no_ports_and_is_not_translated() {
    let good = json!({"match": {"port": 0, "proto": "gre", "src": "192.0.2.1", "dst": "192.0.2.2"}, "action": {"next_hop": 1}});
    let cases: &[(&str, Value, &str)] = &[
        ("match/sport", json!(0), "match.sport: gre has no ports"),
        ("match/dport", json!(7), "match.dport: gre has no ports"),
        ("action/sport", json!(0), "action.sport: gre has no ports"),
        ("action/dport", json!(7), "action.dport: gre has no ports"),
        ("action/src", json!("192.0.2.3"), "action.src: gre is not translated"),
        ("action/dst", json!("192.0.2.1"), "action.dst: gre is not translated"),
        ("action/dst", json!("2001:db8::1"), "action.dst: 2001:db8::1 is not an IPv4 address as match.src is"),
    ];
    let mut file = plain();
    for (pointer, value, message) in cases {
        file["flows"][0] = good.clone();
        let (part, field) = pointer.split_once('/').unwrap();
        file["flows"][0][part][field] = value.clone();
        assert_eq!(parse(&file), Err(format!("flows.json: flows[0].{message}")));
    }
    file["flows"][0] = good.clone();
    let flow = parse(&file).unwrap().flows[0];
    assert_eq!((flow.key.protocol, flow.key.sport, flow.key.dport), (47, 0, 0));
    assert_eq!((flow.action.addresses, flow.action.sport, flow.action.dport), (flow.key.addresses, 0, 0));
    // The address that it has is no translation.
    file["flows"][0]["action"]["src"] = json!("192.0.2.1");
    assert_eq!(parse(&file).unwrap().flows[0], flow);
    file["flows"].as_array_mut().unwrap().push(good);
    assert_eq!(parse(&file), Err("flows.json: flows[1].match: matches the same packets as flows[0]".into()));
}

#[test]
fn every_combination_of_family_protocol_and_encapsulation_survives_its_file() {
    let encaps = [
        json!([]),
        json!([{"vlan": 0}]),
        json!([{"qinq": 4094}]),
        json!([{"qinq": 1}, {"vlan": 2}]),
        json!([{"vlan": 1}, {"vlan": 2}]),
        json!([{"vlan": 1}, {"qinq": 2}]),
        json!([{"qinq": 1}, {"qinq": 2}]),
        json!([{"pppoe": 1}]),
        json!([{"vlan": 7}, {"pppoe": 65534}]),
        json!([{"qinq": 7}, {"vlan": 8}, {"pppoe": 9}]),
    ];
    let hop = |(id, encap): (usize, &Value)| json!({"id": id, "port": 1, "src_mac": "02:00:00:00:01:01", "dst_mac": "02:00:00:00:01:02", "encap": encap, "mtu": 1280});
    let mut flows = Vec::new();
    for (at, encap) in encaps.iter().enumerate() {
        for [src, dst, to] in [["192.0.2.1", "192.0.2.2", "192.0.2.3"], ["2001:db8::1", "2001:db8::2", "2001:db8::3"]] {
            for proto in ["tcp", "udp", "gre"] {
                let mut flow = json!({"match": {"port": 0, "encap": encap, "proto": proto, "src": src, "dst": dst},
                    "action": {"next_hop": at}});
                if proto != "gre" {
                    flow["match"]["sport"] = json!(1000);
                    flow["match"]["dport"] = json!(0);
                    flow["action"]["src"] = json!(to);
                    flow["action"]["dport"] = json!(2000);
                }
                flows.push(flow);
            }
        }
    }
    let file = json!({"next_hops": encaps.iter().enumerate().map(hop).collect::<Vec<_>>(), "flows": flows});
    let set = parse(&file).unwrap();
    assert_eq!(set.flows.len(), 60);
    let written = serde_json::to_value(set.to_file()).unwrap();
    assert_eq!(parse(&written).unwrap(), set);
    for (written, flow) in written["flows"].as_array().unwrap().iter().zip(&flows) {
        let mut flow = flow.clone();
        if flow["match"]["encap"] == json!([]) {
            flow["match"].as_object_mut().unwrap().remove("encap");
        }
        assert_eq!(*written, flow);
    }
}

#[test]
fn a_next_hop_whose_frames_are_too_long_is_refused_by_its_mtu() {
    let check = |encap: Value, mtu: u32| {
        let mut file = plain();
        file["next_hops"][0]["encap"] = encap;
        file["next_hops"][0]["mtu"] = json!(mtu);
        parse(&file).unwrap().check("f.json", &LIMITS).map_err(|error| error.to_string())
    };
    let deepest = json!([{"qinq": 1}, {"vlan": 2}, {"pppoe": 3}]);
    for (encap, largest) in [(json!([{"vlan": 1}]), 9000), (json!([{"pppoe": 1}]), 8996), (deepest.clone(), 8988)] {
        assert_eq!(check(encap.clone(), largest), Ok(()));
        assert!(check(encap.clone(), largest + 1).is_err(), "{encap}");
    }
    assert_eq!(
        check(deepest, 9000),
        Err("f.json: next_hops[0].mtu: packets of up to 9000 bytes leave as frames of up to 9030 in this encapsulation, \
             the golden engine's are at most 9018"
            .into())
    );
    assert_eq!(check(json!([]), 65535), Ok(()), "no packet comes in that would be too large");
}

#[test]
fn text_that_is_not_json_is_refused() {
    for text in ["", "{", "[]", "{} {}", "{\"flows\": [}", "\0"] {
        let error = FlowSet::parse("flows.json", text).expect_err(text).to_string();
        assert!(error.starts_with("flows.json: ") && error.lines().count() == 1, "{error}");
    }
    let error = FlowSet::read("no/such/flows.json".as_ref()).unwrap_err().to_string();
    assert!(error.starts_with("no/such/flows.json: cannot be read: "), "{error}");
}

#[test]
fn what_an_engine_cannot_hold_is_refused_by_field() {
    let check = |file: &Value| parse(file).unwrap().check("f.json", &LIMITS).map_err(|error| error.to_string());
    assert_eq!(check(&plain()), Ok(()));
    assert_eq!(check(&example()), Ok(()));
    let edited = |pointer: &str, value: Value| {
        let mut file = plain();
        *file.pointer_mut(pointer).unwrap() = value;
        file
    };
    let error = check(&edited("/next_hops/0/port", json!(2))).unwrap_err();
    assert_eq!(error, "f.json: next_hops[0].port: there is no port 2; the ports are 0 to 1");
    let error = check(&edited("/flows/0/match/port", json!(3))).unwrap_err();
    assert_eq!(error, "f.json: flows[0].match.port: there is no port 3; the ports are 0 to 1");
    let mut hops = plain();
    for id in 2..4 {
        let mut hop = hops["next_hops"][0].clone();
        hop["id"] = json!(id);
        hops["next_hops"].as_array_mut().unwrap().push(hop);
    }
    assert_eq!(check(&hops), Err("f.json: next_hops: there are 3, the engine has room for 2".into()));
    let mut six = plain();
    six["flows"][0] = json!({"match": {"port": 1, "proto": "udp", "src": "2001:db8::1", "sport": 1, "dst": "2001:db8::2", "dport": 2},
        "action": {"next_hop": 1}});
    assert_eq!(check(&six), Err("f.json: flows: 1 of them are IPv6, the engine has entries for 0".into()));
    let mut many = plain();
    for sport in 0..2 {
        let mut flow = many["flows"][0].clone();
        flow["match"]["sport"] = json!(sport);
        many["flows"].as_array_mut().unwrap().push(flow);
    }
    assert_eq!(check(&many), Err("f.json: flows: 3 of them are IPv4, the engine has entries for 2".into()));
}
