//! The control loop on real traffic: Linux decides, a recorder stands for the card. Needs root (network namespaces).

#[path = "live/network.rs"]
mod network;
#[path = "live/recorder.rs"]
mod recorder;

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use fpgaflow_sync::control::LoopSettings;
use fpgaflow_sync::engine::Settings;
use fpgaflow_sync::policy::{Mode, Policy, Refusal};
use network::{CLIENT, Daemon, HIDDEN, Network, SERVER, exchange};

const SERVER_TCP: &str = "203.0.113.9:443";

fn start(network: &Network) -> Daemon {
    Daemon::start(network, Settings::default(), LoopSettings::default())
}

fn ip(address: &str) -> IpAddr {
    address.parse().unwrap()
}

/// Value of `field=` in a line of `conntrack -L`, from the third word on the seconds left.
fn seconds_left(listing: &str) -> u32 {
    listing.split_whitespace().nth(2).unwrap_or_default().parse().unwrap_or_else(|_| panic!("no timeout in {listing:?}"))
}

#[test]
fn a_tcp_connection_goes_to_the_card_both_ways_and_leaves_it_with_its_fin() {
    let network = Network::new();
    let daemon = start(&network);
    let (mut near, mut far) = network.tcp(CLIENT, 40001, SERVER_TCP);
    daemon.wait_for("the connection in the card", |held, _| held.flow(40001).is_some());
    let (_, [forth, back], hops) = daemon.recorder.held.lock().unwrap().flow(40001).unwrap();
    assert_eq!((forth.key.ingress, back.key.ingress), (0, 1));
    assert_eq!((forth.action.addresses.src(), forth.action.addresses.dst()), (ip(HIDDEN), ip(SERVER)));
    assert_eq!((back.action.addresses.src(), back.action.addresses.dst()), (ip(SERVER), ip(CLIENT)));
    assert_eq!((back.action.sport, back.action.dport), (443, 40001));
    assert_eq!(hops.map(|hop| (hop.egress, hop.mtu)), [(1, 1500), (0, 1500)]);
    for (namespace, hop) in [(&network.server, hops[0]), (&network.client, hops[1])] {
        let mac = hop.dst_mac.map(|byte| format!("{byte:02x}")).join(":");
        let link = namespace.command("ip link show eth").unwrap();
        assert!(hop.valid && link.contains(&mac), "{hop:?} does not lead to {link}");
    }
    // Liberal: what the kernel does not see must not make the rest look out of window. `conntrack -L -o` does not show the flag, but a
    // window's worth of bytes that never passed the kernel would end in INVALID; that the flag is set is what `ss` cannot tell either,
    // so ask the kernel over netlink.
    assert!(is_liberal(&network, 40001), "window tracking is still on");
    exchange(&mut near, &mut far);
    drop((near, far));
    daemon.wait_for("the card to be empty", |held, _| held.flows.is_empty());
    daemon.stop();
}

/// Whether both directions of the client's connection from `sport` are liberal, in the kernel's words.
fn is_liberal(network: &Network, sport: u16) -> bool {
    network.router.run(move || {
        use netlink_packet_core::{NLM_F_DUMP, NLM_F_REQUEST, NetlinkHeader, NetlinkMessage, NetlinkPayload};
        use netlink_packet_netfilter::conntrack::{ConntrackAttribute, ConntrackMessage, ProtoInfo, ProtoInfoTCP};
        use netlink_packet_netfilter::{NetfilterHeader, NetfilterMessage, NetfilterMessageInner, NetfilterProtoFamily};
        let socket = netlink_sys::Socket::new(netlink_sys::protocols::NETLINK_NETFILTER).unwrap();
        let mut header = NetlinkHeader::default();
        header.flags = NLM_F_REQUEST | NLM_F_DUMP;
        let body =
            NetfilterMessage::new(NetfilterHeader::new(NetfilterProtoFamily::IPv4, 0, 0), ConntrackMessage::Get(Vec::new()));
        let mut message = NetlinkMessage::new(header, NetlinkPayload::from(body));
        message.finalize();
        let mut bytes = vec![0; message.buffer_len()];
        message.serialize(&mut bytes);
        socket.send_to(&bytes, &netlink_sys::SocketAddr::new(0, 0), 0).unwrap();
        let (answer, _) = socket.recv_from_full().unwrap();
        let mut rest = answer.as_slice();
        while let Ok(message) = NetlinkMessage::<NetfilterMessage>::deserialize(rest) {
            rest = &rest[(message.header.length as usize).next_multiple_of(4).min(rest.len())..];
            let NetlinkPayload::InnerMessage(message) = message.payload else { continue };
            let NetfilterMessageInner::Conntrack(ConntrackMessage::New(attributes)) = message.inner else { continue };
            if !format!("{attributes:?}").contains(&format!("SourcePort({sport})")) {
                continue;
            }
            let flags = attributes.iter().filter_map(|attribute| match attribute {
                ConntrackAttribute::CtaProtoInfo(infos) => Some(infos),
                _ => None,
            });
            let parts = flags.flatten().flat_map(|info| match info {
                ProtoInfo::TCP(parts) => parts.as_slice(),
                _ => &[],
            });
            let liberal = parts.filter(|part| {
                matches!(part, ProtoInfoTCP::OriginalFlags(flags) | ProtoInfoTCP::ReplyFlags(flags) if flags.flags & 8 != 0)
            });
            return liberal.count() == 2;
        }
        false
    })
}

#[test]
fn connections_older_than_the_daemon_are_found_by_its_first_dump() {
    let network = Network::new();
    let (_near, _far) = network.tcp(CLIENT, 40002, SERVER_TCP);
    let _udp = network.udp(41002);
    let daemon = start(&network);
    daemon.wait_for("both connections in the card", |held, _| held.flow(40002).is_some() && held.flow(41002).is_some());
    daemon.stop();
}

#[test]
fn a_udp_exchange_is_offloaded_kept_alive_and_made_assured() {
    let network = Network::new();
    network.router.sysctl("netfilter/nf_conntrack_udp_timeout", "6").unwrap();
    network.router.sysctl("netfilter/nf_conntrack_udp_timeout_stream", "8").unwrap();
    let daemon = start(&network);
    let _sockets = network.udp(41003);
    daemon.wait_for("the stream in the card", |held, _| held.flow(41003).is_some());
    assert!(!network.conntrack("udp", 41003).contains("ASSURED"));
    // No packet passes the kernel any more, for longer than conntrack would keep it.
    for _ in 0..12 {
        daemon.recorder.held.lock().unwrap().forward();
        std::thread::sleep(Duration::from_secs(1));
        let listing = network.conntrack("udp", 41003);
        assert!(seconds_left(&listing) > 0, "conntrack let it go: {listing:?}");
    }
    assert!(network.conntrack("udp", 41003).contains("ASSURED"));
    assert!(daemon.stats.latest().totals.extended > 0);
    daemon.stop();
}

#[test]
fn a_refresh_never_shortens_and_a_deleted_connection_leaves_the_card() {
    let network = Network::new();
    let daemon = start(&network);
    let (_near, _far) = network.tcp(CLIENT, 40004, SERVER_TCP);
    daemon.wait_for("the connection in the card", |held, _| held.flow(40004).is_some());
    for _ in 0..3 {
        daemon.recorder.held.lock().unwrap().forward();
        std::thread::sleep(Duration::from_secs(1));
    }
    assert!(seconds_left(&network.conntrack("tcp", 40004)) > 431_000);
    assert_eq!(daemon.stats.latest().totals.extended, 0);
    network.router.command("conntrack -D -p tcp --sport 40004").unwrap();
    daemon.wait_for("the deleted connection to leave", |held, _| held.flows.is_empty());
    daemon.stop();
}

#[test]
fn the_connmark_of_the_policy_decides() {
    let network = Network::new();
    let policy = Policy { mode: Mode::Mark, mark: 2, mask: 0xff, ..Policy::default() };
    let daemon = Daemon::start(&network, Settings { policy, ..Settings::default() }, LoopSettings::default());
    let (mut near, mut far) = network.tcp(CLIENT, 40005, SERVER_TCP);
    let refused = |snapshot: &fpgaflow_sync::stats::Snapshot| snapshot.refused.iter().any(|(why, _)| *why == Refusal::Mark);
    daemon.wait_for("the refusal", |_, snapshot| refused(snapshot));
    let mut mark = |value: u32| {
        let rules = format!("flush chain inet t forward\nadd rule inet t forward ct mark set {value}\n");
        network.router.pipe("nft -f -", &rules).unwrap();
        exchange(&mut near, &mut far);
    };
    mark(0x302);
    daemon.wait_for("the marked connection in the card", |held, _| held.flow(40005).is_some());
    mark(1);
    daemon.wait_for("the unmarked connection to leave", |held, _| held.flows.is_empty());
    daemon.stop();
}

#[test]
fn a_neighbour_that_moves_fails_and_returns_is_followed() {
    let network = Network::new();
    let daemon = start(&network);
    let (_near, _far) = network.tcp(CLIENT, 40006, SERVER_TCP);
    daemon.wait_for("the connection in the card", |held, _| held.flow(40006).is_some());
    network.router.command("ip neigh replace 203.0.113.9 dev wan lladdr 02:00:00:00:00:77 nud reachable").unwrap();
    let moved = [2, 0, 0, 0, 0, 0x77];
    daemon.wait_for("the new address", |held, _| held.flow(40006).is_some_and(|(_, _, hops)| hops[0].dst_mac == moved));
    // Nobody has that address: probing it fails, and asking for the neighbour anew finds the real one.
    network.router.command("ip neigh replace 203.0.113.9 dev wan lladdr 02:00:00:00:00:77 nud stale").unwrap();
    daemon.wait_longer("the real neighbour", Duration::from_secs(30), |held, _| {
        held.flow(40006).is_some_and(|(_, _, hops)| hops[0].valid && hops[0].dst_mac != moved)
    });
    network.server.command("ip link set eth arp off").unwrap();
    network.router.command("ip neigh flush dev wan").unwrap();
    daemon.wait_for("the next hop to be invalid", |held, _| held.flow(40006).is_some_and(|(_, _, hops)| !hops[0].valid));
    network.server.command("ip link set eth arp on").unwrap();
    daemon.wait_longer("the neighbour to be found again", Duration::from_secs(30), |held, _| {
        held.flow(40006).is_some_and(|(_, _, hops)| hops[0].valid)
    });
    daemon.stop();
}

#[test]
fn a_stale_neighbour_of_a_busy_flow_is_confirmed() {
    let network = Network::new();
    let daemon = start(&network);
    let (_near, _far) = network.tcp(CLIENT, 40007, SERVER_TCP);
    daemon.wait_for("the connection in the card", |held, _| held.flow(40007).is_some());
    network.router.sysctl("ipv4/neigh/wan/delay_first_probe_time", "1").unwrap();
    let mac = network.router.command("ip neigh show 203.0.113.9 dev wan").unwrap();
    let mac = mac.split_whitespace().nth(2).unwrap().to_owned();
    network.router.command(&format!("ip neigh replace 203.0.113.9 dev wan lladdr {mac} nud stale")).unwrap();
    let deadline = std::time::Instant::now() + Duration::from_secs(15);
    while !network.router.command("ip neigh show 203.0.113.9 dev wan").unwrap().contains("REACHABLE") {
        assert!(std::time::Instant::now() < deadline, "it is still not confirmed");
        std::thread::sleep(Duration::from_millis(100));
    }
    daemon.stop();
}

#[test]
fn routes_mtu_and_links_are_followed() {
    let network = Network::new();
    let daemon = start(&network);
    let (_near, _far) = network.tcp(CLIENT, 40008, SERVER_TCP);
    let mtu = |held: &recorder::Held| held.flow(40008).map(|(_, _, hops)| hops[0].mtu);
    daemon.wait_for("the connection in the card", |held, _| mtu(held) == Some(1500));
    network.router.command("ip link set wan mtu 1400").unwrap();
    daemon.wait_for("the interface's MTU", |held, _| mtu(held) == Some(1400));
    network.router.command("ip route add 203.0.113.9/32 dev wan mtu 1300").unwrap();
    daemon.wait_for("the route's MTU", |held, _| mtu(held) == Some(1300));
    network.router.command("ip route replace 203.0.113.9/32 via 203.0.113.7 dev wan").unwrap();
    daemon.wait_for("a gateway that is not there", |held, _| held.flow(40008).is_some_and(|(_, _, hops)| !hops[0].valid));
    network.router.command("ip route replace unreachable 203.0.113.9/32").unwrap();
    daemon.wait_for("the flow to leave", |held, _| held.flows.is_empty());
    network.router.command("ip route del unreachable 203.0.113.9/32").unwrap();
    daemon.wait_for("the flow to return", |held, _| mtu(held) == Some(1400));
    network.router.command("ip link set lan down").unwrap();
    daemon.wait_for("the port's flows to be flushed", |held, _| held.flows.is_empty());
    network.router.command("ip link set lan up").unwrap();
    daemon.wait_for("the flow to return with its port", |held, _| held.flow(40008).is_some());
    daemon.stop();
}

#[test]
fn an_ipv6_connection_is_resolved_like_an_ipv4_one() {
    let network = Network::new();
    let daemon = start(&network);
    let (_near, _far) = network.tcp("2001:db8:1::10", 40009, "[2001:db8:2::9]:443");
    daemon.wait_for("the connection in the card", |held, _| {
        held.flow(40009).is_some_and(|(_, _, hops)| hops.iter().all(|hop| hop.valid))
    });
    daemon.stop();
}

#[test]
fn an_ipv6_next_hop_is_its_link_local_neighbour() {
    let network = Network::new();
    // The server's network is behind a router that is known by its link-local address only.
    let link_local = "fe80::1234";
    network.server.command(&format!("ip addr add {link_local}/64 dev eth nodad")).unwrap();
    network.server.command("ip addr add 2001:db8:3::9/128 dev lo nodad").unwrap();
    network.router.command(&format!("ip route add 2001:db8:3::/64 via {link_local} dev wan")).unwrap();
    let daemon = start(&network);
    let (mut near, mut far) = network.tcp("2001:db8:1::10", 40011, "[2001:db8:3::9]:443");
    daemon.wait_for("the connection in the card", |held, _| {
        held.flow(40011).is_some_and(|(_, _, hops)| hops.iter().all(|hop| hop.valid))
    });
    let (_, [forth, back], hops) = daemon.recorder.held.lock().unwrap().flow(40011).unwrap();
    assert_eq!((forth.key.addresses.dst(), back.key.addresses.src()), (ip("2001:db8:3::9"), ip("2001:db8:3::9")));
    let mac = hops[0].dst_mac.map(|byte| format!("{byte:02x}")).join(":");
    assert!(network.server.command("ip link show eth").unwrap().contains(&mac), "{hops:?}");
    exchange(&mut near, &mut far);
    daemon.stop();
}

#[test]
fn gre_is_offloaded_unless_it_is_hidden() {
    let network = Network::new();
    let daemon = start(&network);
    let _hidden = network.gre(CLIENT, SERVER);
    let refused =
        |snapshot: &fpgaflow_sync::stats::Snapshot| snapshot.refused.iter().any(|(why, _)| *why == Refusal::TranslatedGre);
    daemon.wait_for("the refusal of what is masqueraded", |held, snapshot| refused(snapshot) && held.flows.is_empty());
    let _plain = network.gre("2001:db8:1::10", "2001:db8:2::9");
    daemon
        .wait_for("the tunnel in the card", |held, _| held.flow(0).is_some_and(|(_, _, hops)| hops.iter().all(|hop| hop.valid)));
    let (_, [forth, back], _) = daemon.recorder.held.lock().unwrap().flow(0).unwrap();
    assert_eq!((forth.key.protocol, forth.key.addresses), (47, forth.action.addresses));
    assert_eq!((back.key.ingress, back.key.addresses.src()), (1, ip("2001:db8:2::9")));
    daemon.stop();
}

#[test]
fn connections_to_the_router_itself_are_refused_as_local() {
    let network = Network::new();
    let daemon = start(&network);
    let listener = network.router.run(|| std::net::TcpListener::bind((Ipv4Addr::new(192, 0, 2, 1), 22))).unwrap();
    let _near = network.client.run(|| std::net::TcpStream::connect("192.0.2.1:22")).unwrap();
    let _far = listener.accept().unwrap();
    daemon.wait_for("the refusal", |_, snapshot| snapshot.refused.iter().any(|(why, _)| *why == Refusal::Local));
    assert!(daemon.recorder.held.lock().unwrap().flows.is_empty());
    daemon.stop();
}

#[test]
fn lost_events_are_made_up_for_by_a_dump() {
    let network = Network::new();
    // The smallest buffer there is holds a few events.
    let loop_settings = LoopSettings { event_buffer_bytes: 1, ..LoopSettings::default() };
    let daemon = Daemon::start(&network, Settings::default(), loop_settings);
    let far = network.server.run(|| std::net::UdpSocket::bind((SERVER, 7001))).unwrap();
    let mut buffer = [0; 64];
    far.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
    for port in 20_000..20_400u16 {
        let near = network.client.run(move || std::net::UdpSocket::bind((CLIENT, port))).unwrap();
        near.send_to(b"question", (SERVER, 7001)).unwrap();
        let (_, from) = far.recv_from(&mut buffer).unwrap();
        far.send_to(b"answer", from).unwrap();
    }
    daemon.wait_for("every stream in the card", |held, _| held.flows.len() == 400);
    network.router.command("conntrack -F").unwrap();
    daemon.wait_for("the card to be empty", |held, snapshot| held.flows.is_empty() && snapshot.tracked == 0);
    assert!(daemon.stats.latest().totals.overruns > 0, "no event was lost: this shows nothing");
    daemon.stop();
}

#[test]
fn shutting_down_drains_the_card() {
    let network = Network::new();
    let daemon = start(&network);
    let (mut near, mut far) = network.tcp(CLIENT, 40010, SERVER_TCP);
    daemon.wait_for("the connection in the card", |held, _| held.flow(40010).is_some());
    let recorder = daemon.stop();
    let held = recorder.held.lock().unwrap();
    assert!(held.flows.is_empty() && !held.lookup);
    exchange(&mut near, &mut far);
}
