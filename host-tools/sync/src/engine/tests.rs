//! The engine against a Linux and a card that do as they are told and remember what they were asked.

use std::collections::{BTreeMap, HashMap};
use std::io;
use std::net::IpAddr;

use fpgaflow_abi::entry::Entry;
use fpgaflow_abi::geometry::Geometry;
use fpgaflow_abi::hash::HASH_BITS;
use fpgaflow_abi::key::{Addresses, Encap};
use fpgaflow_abi::next_hop::{MacAddr, NextHop};

use super::*;
use crate::flow::{Status, TCP_ESTABLISHED};
use crate::kernel::StateTimeouts;
use crate::target::{Counts, FlowId};
use crate::test_support::{ROUTER, SERVER, client, tcp_conn, udp_conn};
use crate::topology::{Link, Neighbour, Route, RouteQuery, TopologyEvent, Upper};

mod access;

/// Interface indices of the two ports.
const LAN: u32 = 11;
const WAN: u32 = 12;
const LAN_MAC: MacAddr = [2, 0, 0, 0, 0, 1];
const WAN_MAC: MacAddr = [2, 0, 0, 0, 0, 2];
const CLIENT_MAC: MacAddr = [2, 0, 0, 0, 1, 1];
const SERVER_MAC: MacAddr = [2, 0, 0, 0, 1, 2];

/// A Linux whose clients are behind [`LAN`] and whose everything else is behind [`WAN`].
#[derive(Default)]
struct FakeKernel {
    liberal: Vec<ConnName>,
    assured: Vec<ConnName>,
    extended: Vec<(ConnName, u32)>,
    used: Vec<(u32, IpAddr)>,
    gone: bool,
    wan_mtu: Option<u32>,
    wan_unreachable: bool,
    /// Interfaces that stand for [`LAN`] and [`WAN`], where they are others.
    instead: HashMap<u32, u32>,
    /// Router of everything over IPv6.
    gateway_v6: Option<std::net::Ipv6Addr>,
}

impl FakeKernel {
    fn through(&self, interface: u32) -> u32 {
        self.instead.get(&interface).copied().unwrap_or(interface)
    }
}

impl Kernel for FakeKernel {
    fn route(&mut self, query: &RouteQuery) -> Result<Route, NetlinkError> {
        let to_client = match query.dst {
            IpAddr::V4(dst) => dst.octets()[0] == 10,
            IpAddr::V6(dst) => dst.segments()[2] == 10,
        };
        if query.dst == IpAddr::V4(ROUTER) {
            return Ok(Route::Local);
        }
        let gateway = match (query.dst, self.gateway_v6) {
            (IpAddr::V6(_), Some(router)) => router.into(),
            (direct, _) => direct,
        };
        Ok(match (to_client, self.wan_unreachable) {
            (true, _) => Route::Forward { egress: self.through(LAN), gateway, mtu: None },
            (false, true) => Route::None,
            (false, false) => Route::Forward { egress: self.through(WAN), gateway, mtu: self.wan_mtu },
        })
    }

    fn use_neighbour(&mut self, interface: u32, address: IpAddr) -> Result<(), NetlinkError> {
        self.used.push((interface, address));
        Ok(())
    }

    fn make_tcp_liberal(&mut self, name: &ConnName) -> Result<bool, NetlinkError> {
        self.liberal.push(*name);
        Ok(!self.gone)
    }

    fn make_assured(&mut self, name: &ConnName, _: Status) -> Result<bool, NetlinkError> {
        self.assured.push(*name);
        Ok(!self.gone)
    }

    fn extend(&mut self, name: &ConnName, _: u32, seconds: u32) -> Result<Extended, NetlinkError> {
        self.extended.push((*name, seconds));
        Ok(if self.gone { Extended::Gone } else { Extended::To(seconds) })
    }

    fn timeouts(&self) -> StateTimeouts {
        StateTimeouts { tcp_established_s: 400, udp_stream_s: 120 }
    }
}

/// A card that remembers what it holds, with room for `room` flows.
struct Recorder {
    flows: BTreeMap<FlowId, [Entry; 2]>,
    hops: HashMap<u16, NextHop>,
    macs: BTreeMap<u8, MacAddr>,
    counts: HashMap<FlowId, [Counts; 2]>,
    kernel_packets: Vec<(FlowKey, u64)>,
    room: usize,
    lookup: bool,
    failing: bool,
}

impl Recorder {
    fn new(room: usize) -> Self {
        Self {
            flows: BTreeMap::new(),
            hops: HashMap::new(),
            macs: BTreeMap::new(),
            counts: HashMap::new(),
            kernel_packets: Vec::new(),
            room,
            lookup: true,
            failing: false,
        }
    }

    fn forward(&mut self, packets: [u64; 2]) {
        for id in self.flows.keys() {
            let counts = self.counts.entry(*id).or_default();
            for (count, more) in counts.iter_mut().zip(packets) {
                count.card_packets += more;
            }
        }
    }
}

impl FlowTarget for Recorder {
    fn geometry(&self) -> Geometry {
        Geometry {
            width_bits: 64,
            ports: 2,
            hash_bits: HASH_BITS as u8,
            bucket_bits: 9,
            stash: 8,
            entries_v4: 4096,
            entries_v6: 0,
            next_hops: 16,
            max_frame_bytes: 1518,
            clock_hz: 0,
            build_id: 0,
        }
    }

    fn write_next_hop(&mut self, id: u16, hop: &NextHop) -> Result<(), TargetError> {
        if self.failing {
            let source = Box::new(io::Error::other("asked to fail"));
            return Err(TargetError::Card { operation: "write a next hop", source });
        }
        self.hops.insert(id, *hop);
        Ok(())
    }

    fn set_port_mac(&mut self, port: u8, mac: MacAddr) -> Result<(), TargetError> {
        self.macs.insert(port, mac);
        Ok(())
    }

    fn install(&mut self, id: FlowId, flow: &[Entry; 2]) -> Result<Placed, TargetError> {
        assert!(!self.flows.contains_key(&id), "{id:?} is installed already");
        for entry in flow {
            assert!(self.hops.contains_key(&entry.action.next_hop), "next hop {} was never written", entry.action.next_hop);
            if self.flows.values().flatten().any(|other| other.key == entry.key) {
                return Err(TargetError::KeyInUse(entry.key));
            }
        }
        if self.flows.len() == self.room {
            return Err(TargetError::Full);
        }
        self.flows.insert(id, *flow);
        self.counts.insert(id, Default::default());
        Ok(Placed::Card)
    }

    fn promote(&mut self, _: FlowId) -> Result<Placed, TargetError> {
        Ok(Placed::Card)
    }

    fn remove(&mut self, id: FlowId) -> Result<[Counts; 2], TargetError> {
        self.flows.remove(&id).expect("only installed flows are removed");
        Ok(self.counts.remove(&id).unwrap_or_default())
    }

    fn read_counts(&mut self, each: &mut dyn FnMut(FlowId, [Counts; 2])) -> Result<(), TargetError> {
        self.counts.iter().for_each(|(id, counts)| each(*id, *counts));
        Ok(())
    }

    fn take_kernel_packets(&mut self, each: &mut dyn FnMut(&FlowKey, u64)) {
        self.kernel_packets.drain(..).for_each(|(key, packets)| each(&key, packets));
    }

    fn set_lookup(&mut self, on: bool) -> Result<(), TargetError> {
        self.lookup = on;
        Ok(())
    }
}

type TestEngine = Engine<Recorder, FakeKernel>;

fn at(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn link(index: u32, up: bool) -> TopologyEvent {
    let (name, mac) = if index == LAN { ("lan", LAN_MAC) } else { ("wan", WAN_MAC) };
    TopologyEvent::Link(Link { index, name: name.into(), mac, mtu: 1500, up, upper: Upper::None })
}

fn neighbour(interface: u32, address: impl Into<IpAddr>, neighbour: Neighbour) -> TopologyEvent {
    TopologyEvent::Neighbour { interface, address: address.into(), neighbour }
}

/// Both ports up, client 1 and the server known.
fn engine_with(settings: Settings, room: usize) -> TestEngine {
    let mut engine = Engine::new(settings, &["lan".into(), "wan".into()], Recorder::new(room), FakeKernel::default());
    for event in [
        link(LAN, true),
        link(WAN, true),
        neighbour(LAN, client(1), Neighbour::Known(CLIENT_MAC)),
        neighbour(WAN, SERVER, Neighbour::Known(SERVER_MAC)),
    ] {
        engine.on_topology(at(0), &event);
    }
    engine.settle(at(0));
    engine
}

fn engine() -> TestEngine {
    engine_with(Settings::default(), 100)
}

fn see(engine: &mut TestEngine, seconds: u64, conn: Conn) {
    engine.on_conntrack(at(seconds), ConnEvent::Update(conn));
}

fn verdict(engine: &TestEngine, conn: &Conn) -> Verdict {
    engine.verdict_of(&conn.name.original).expect("the connection is tracked")
}

const IN_CARD: Verdict = Verdict::Offloaded(Placed::Card);

#[test]
fn both_directions_are_installed_with_the_translation_that_conntrack_decided() {
    let mut engine = engine();
    let conn = tcp_conn(1);
    see(&mut engine, 1, conn.clone());
    assert_eq!(verdict(&engine, &conn), IN_CARD);
    assert_eq!(engine.kernel.liberal, [conn.name], "windows are not checked before the first unseen packet");
    let card = &engine.target;
    let [forth, back] = card.flows.values().next().unwrap();
    assert_eq!((forth.key.ingress, back.key.ingress), (0, 1));
    assert_eq!(forth.action.addresses.src(), IpAddr::V4(ROUTER), "the source is translated");
    assert_eq!((forth.action.sport, forth.action.dport), (conn.reply.dport, 443));
    assert_eq!(forth.action.addresses.dst(), IpAddr::V4(SERVER));
    assert_eq!(back.action.addresses.dst(), IpAddr::V4(client(1)), "and translated back");
    assert_eq!((back.action.sport, back.action.dport), (443, 40_000));
    let hop = card.hops[&forth.action.next_hop];
    assert_eq!((hop.egress, hop.src_mac, hop.dst_mac, hop.mtu, hop.valid), (1, WAN_MAC, SERVER_MAC, 1500, true));
    assert_eq!(card.hops[&back.action.next_hop].dst_mac, CLIENT_MAC);
    assert_eq!(card.macs, BTreeMap::from([(0, LAN_MAC), (1, WAN_MAC)]));
}

#[test]
fn a_closing_connection_leaves_the_card_and_a_destroyed_one_is_forgotten() {
    let mut engine = engine();
    let conn = tcp_conn(1);
    see(&mut engine, 1, conn.clone());
    engine.target.forward([5, 7]);
    see(&mut engine, 2, Conn { tcp_state: Some(TCP_ESTABLISHED + 1), ..conn.clone() });
    assert_eq!(verdict(&engine, &conn), Verdict::Refused(Refusal::TcpState));
    assert!(engine.target.flows.is_empty());
    assert!(engine.kernel.extended.is_empty(), "the kernel decided the timeout of a closing connection");
    engine.on_conntrack(at(3), ConnEvent::Destroy { name: conn.name, id: conn.id });
    assert_eq!(engine.verdict_of(&conn.name.original), None);
    let ended = &engine.snapshot(at(3)).ended[0];
    assert_eq!(ended.directions.map(|direction| direction.counts.card_packets), [5, 7]);
}

#[test]
fn a_destroy_of_an_offloaded_connection_removes_it_and_one_of_a_predecessor_does_not() {
    let mut engine = engine();
    let conn = tcp_conn(1);
    see(&mut engine, 1, conn.clone());
    // The tuple is used again before the end of its first connection is told.
    let successor = Conn { id: 99, ..conn.clone() };
    see(&mut engine, 2, successor.clone());
    assert_eq!((verdict(&engine, &successor), engine.target.flows.len()), (IN_CARD, 1));
    engine.on_conntrack(at(2), ConnEvent::Destroy { name: conn.name, id: conn.id });
    assert_eq!(verdict(&engine, &successor), IN_CARD);
    engine.on_conntrack(at(3), ConnEvent::Destroy { name: conn.name, id: 99 });
    assert!(engine.target.flows.is_empty());
}

#[test]
fn events_that_leave_out_the_tcp_state_do_not_change_it_but_an_absent_mark_is_zero() {
    let policy = Policy { mode: crate::policy::Mode::Mark, mark: 1, ..Policy::default() };
    let mut engine = engine_with(Settings { policy, ..Settings::default() }, 100);
    let conn = Conn { mark: 1, ..tcp_conn(1) };
    see(&mut engine, 1, conn.clone());
    see(&mut engine, 2, Conn { tcp_state: None, ..conn.clone() });
    assert_eq!(verdict(&engine, &conn), IN_CARD);
    see(&mut engine, 3, Conn { tcp_state: None, mark: 0, ..conn.clone() });
    assert_eq!(verdict(&engine, &conn), Verdict::Refused(Refusal::Mark));
}

#[test]
fn a_moving_neighbour_is_one_write_and_a_lost_one_makes_its_next_hop_invalid() {
    let mut engine = engine();
    for number in 1..=2 {
        engine.on_topology(at(0), &neighbour(LAN, client(number), Neighbour::Known(CLIENT_MAC)));
        see(&mut engine, 1, tcp_conn(number));
    }
    let to_server = engine.target.flows.values().map(|[forth, _]| forth.action.next_hop).collect::<Vec<_>>();
    assert_eq!(to_server[0], to_server[1], "flows to one neighbour share their next hop");
    let id = to_server[0];
    engine.on_topology(at(2), &neighbour(WAN, SERVER, Neighbour::Known([6; 6])));
    assert_eq!(engine.target.hops[&id].dst_mac, [6; 6]);
    engine.on_topology(at(3), &neighbour(WAN, SERVER, Neighbour::Unknown));
    assert!(!engine.target.hops[&id].valid);
    assert_eq!(engine.kernel.used, [(WAN, IpAddr::V4(SERVER))], "the kernel is asked to find it again");
    assert_eq!(engine.target.flows.len(), 2, "its flows stay: they are punted until it is found");
    engine.on_topology(at(4), &neighbour(WAN, SERVER, Neighbour::Known(SERVER_MAC)));
    assert!(engine.target.hops[&id].valid);
}

#[test]
fn a_stale_neighbour_in_use_is_probed_and_stays_valid_meanwhile() {
    let mut engine = engine();
    see(&mut engine, 1, tcp_conn(1));
    engine.on_topology(at(2), &neighbour(WAN, SERVER, Neighbour::Stale(SERVER_MAC)));
    assert_eq!(engine.kernel.used, [(WAN, IpAddr::V4(SERVER))]);
    assert!(engine.target.hops.values().all(|hop| hop.valid));
    engine.on_topology(at(3), &neighbour(WAN, [203, 0, 113, 77], Neighbour::Stale([8; 6])));
    assert_eq!(engine.kernel.used.len(), 1, "nobody uses that one");
}

#[test]
fn an_idle_flow_leaves_the_card_with_the_rest_of_its_life_and_a_packet_brings_it_back() {
    let mut engine = engine();
    let conn = Conn { timeout_s: Some(400), ..tcp_conn(1) };
    see(&mut engine, 0, conn.clone());
    engine.target.forward([1, 0]);
    engine.tick(at(10));
    engine.tick(at(39));
    assert_eq!(verdict(&engine, &conn), IN_CARD, "29 seconds are not 30");
    engine.tick(at(40));
    assert_eq!(verdict(&engine, &conn), Verdict::Refused(Refusal::Idle));
    assert_eq!(engine.kernel.extended.last(), Some(&(conn.name, 400 - 30)), "its state's timeout less the idle time");
    see(&mut engine, 40, conn.clone());
    assert_eq!(verdict(&engine, &conn), Verdict::Refused(Refusal::Idle), "its own extension does not wake it");
    engine.target.kernel_packets.push((conn.reply.key(1, Encap::NONE), 3));
    engine.tick(at(41));
    assert_eq!(verdict(&engine, &conn), IN_CARD);
    let flow = &engine.snapshot(at(41)).flows[0];
    assert_eq!((flow.directions[0].counts.card_packets, flow.directions[1].kernel_packets), (1, 3), "counts go on");
}

#[test]
fn a_conntrack_timeout_is_refreshed_only_while_packets_flow_and_only_when_it_is_low() {
    let mut engine = engine();
    see(&mut engine, 0, Conn { timeout_s: Some(400), ..tcp_conn(1) });
    for second in (10..=200).step_by(10) {
        engine.target.forward([1, 1]);
        engine.tick(at(second));
    }
    assert!(engine.kernel.extended.is_empty(), "half of it is left");
    engine.target.forward([1, 1]);
    engine.tick(at(201));
    assert_eq!(engine.kernel.extended, [(tcp_conn(1).name, 400)]);
    engine.tick(at(202));
    engine.target.forward([1, 1]);
    engine.tick(at(203));
    assert_eq!(engine.kernel.extended.len(), 1, "it has its full life again");
}

#[test]
fn a_connection_that_is_gone_when_it_is_refreshed_leaves_the_card() {
    let mut engine = engine();
    see(&mut engine, 0, Conn { timeout_s: Some(10), ..tcp_conn(1) });
    engine.kernel.gone = true;
    engine.target.forward([1, 1]);
    engine.tick(at(1));
    assert!(engine.target.flows.is_empty());
    assert_eq!(engine.verdict_of(&tcp_conn(1).name.original), None);
}

#[test]
fn a_udp_stream_that_the_card_sees_both_ways_is_assured() {
    let mut engine = engine();
    let mut conn = udp_conn(1);
    conn.status.0 &= !Status::ASSURED;
    see(&mut engine, 0, conn.clone());
    engine.target.forward([1, 0]);
    engine.tick(at(1));
    assert!(engine.kernel.assured.is_empty());
    engine.target.forward([1, 1]);
    engine.tick(at(2));
    engine.target.forward([1, 1]);
    engine.tick(at(3));
    assert_eq!(engine.kernel.assured, [conn.name]);
    assert!(engine.kernel.liberal.is_empty(), "UDP has no windows");
}

#[test]
fn a_port_that_goes_down_loses_its_flows_and_gets_them_back_when_it_comes_up() {
    let mut engine = engine();
    see(&mut engine, 0, tcp_conn(1));
    engine.on_topology(at(1), &link(WAN, false));
    assert!(engine.target.flows.is_empty());
    engine.settle(at(1));
    assert_eq!(verdict(&engine, &tcp_conn(1)), Verdict::Refused(Refusal::LinkDown));
    engine.on_topology(at(2), &link(WAN, true));
    engine.settle(at(2));
    assert_eq!(verdict(&engine, &tcp_conn(1)), IN_CARD);
}

#[test]
fn a_route_that_goes_takes_its_flows_along_and_a_new_mtu_moves_them() {
    let mut engine = engine();
    see(&mut engine, 0, tcp_conn(1));
    engine.kernel.wan_mtu = Some(1400);
    engine.on_topology(at(1), &TopologyEvent::Routes);
    assert!(engine.is_unsettled());
    engine.settle(at(1));
    let [forth, _] = engine.target.flows.values().next().unwrap();
    assert_eq!(engine.target.hops[&forth.action.next_hop].mtu, 1400);
    engine.kernel.wan_unreachable = true;
    engine.on_topology(at(2), &TopologyEvent::Routes);
    engine.settle(at(2));
    assert_eq!(verdict(&engine, &tcp_conn(1)), Verdict::Refused(Refusal::NoRoute));
    assert!(engine.target.flows.is_empty() && engine.hops.is_empty());
    engine.kernel.wan_unreachable = false;
    engine.on_topology(at(3), &TopologyEvent::Routes);
    engine.settle(at(3));
    assert_eq!(verdict(&engine, &tcp_conn(1)), IN_CARD);
}

#[test]
fn connections_of_this_host_and_of_other_interfaces_are_refused_by_name() {
    let mut engine = engine();
    let mut local = tcp_conn(1);
    local.reply.addresses = Addresses::V4 { src: ROUTER, dst: client(1) };
    see(&mut engine, 0, local.clone());
    assert_eq!(verdict(&engine, &local), Verdict::Refused(Refusal::Local));
    engine.on_topology(at(1), &TopologyEvent::LinkGone { index: WAN });
    engine.settle(at(1));
    see(&mut engine, 1, tcp_conn(2));
    assert_eq!(verdict(&engine, &tcp_conn(2)), Verdict::Refused(Refusal::NotACardPort));
}

#[test]
fn a_full_card_refuses_and_takes_the_flow_when_room_is_freed() {
    let mut engine = engine_with(Settings::default(), 1);
    see(&mut engine, 0, tcp_conn(1));
    see(&mut engine, 0, tcp_conn(2));
    assert_eq!(verdict(&engine, &tcp_conn(2)), Verdict::Refused(Refusal::TableFull));
    assert_eq!(engine.hops.len(), 2, "a refused flow holds no next hop");
    engine.on_conntrack(at(1), ConnEvent::Destroy { name: tcp_conn(1).name, id: 1 });
    engine.tick(at(1));
    assert_eq!(verdict(&engine, &tcp_conn(2)), IN_CARD);
}

#[test]
fn a_card_that_fails_refuses_the_flow_and_is_counted() {
    let mut engine = engine();
    engine.target.failing = true;
    see(&mut engine, 0, tcp_conn(1));
    assert_eq!(verdict(&engine, &tcp_conn(1)), Verdict::Refused(Refusal::CardError));
    assert_eq!(engine.snapshot(at(0)).totals.card_errors, 1);
    assert!(engine.hops.is_empty() && engine.kernel.liberal.is_empty());
}

#[test]
fn a_resync_removes_what_is_gone_and_believes_events_over_an_older_dump() {
    let mut engine = engine();
    for number in 1..=3 {
        see(&mut engine, 0, tcp_conn(number));
    }
    engine.on_overrun();
    assert!(engine.needs_resync());
    engine.begin_resync();
    assert!(!engine.needs_resync());
    // While the dump is read: 1 is destroyed, 2 closes; the dump still has both as they were. 3 went unnoticed.
    engine.on_conntrack(at(1), ConnEvent::Destroy { name: tcp_conn(1).name, id: 1 });
    see(&mut engine, 1, Conn { tcp_state: Some(TCP_ESTABLISHED + 2), ..tcp_conn(2) });
    engine.on_dumped(at(1), tcp_conn(1));
    engine.on_dumped(at(1), tcp_conn(2));
    engine.on_dumped(at(1), tcp_conn(4));
    engine.end_resync();
    assert_eq!(engine.verdict_of(&tcp_conn(1).name.original), None, "a dump does not bring the dead back");
    assert_eq!(verdict(&engine, &tcp_conn(2)), Verdict::Refused(Refusal::TcpState));
    assert_eq!(engine.verdict_of(&tcp_conn(3).name.original), None);
    assert_eq!(verdict(&engine, &tcp_conn(4)), IN_CARD);
    assert_eq!(engine.target.flows.len(), 1);
}

#[test]
fn events_lost_during_a_resync_ask_for_another_and_nothing_is_forgotten_in_between() {
    let mut engine = engine();
    see(&mut engine, 0, tcp_conn(1));
    engine.begin_resync();
    engine.on_overrun();
    engine.end_resync();
    assert_eq!(verdict(&engine, &tcp_conn(1)), IN_CARD);
    assert!(engine.needs_resync());
}

#[test]
fn draining_stops_the_lookup_first_and_leaves_every_connection_its_life() {
    let mut engine = engine();
    see(&mut engine, 0, Conn { timeout_s: Some(20), ..tcp_conn(1) });
    see(&mut engine, 0, Conn { timeout_s: Some(400), ..tcp_conn(2) });
    engine.drain(at(5));
    assert!(!engine.target.lookup && engine.target.flows.is_empty() && engine.hops.is_empty());
    assert_eq!(engine.kernel.extended, [(tcp_conn(1).name, 395)], "the other one has it already");
    see(&mut engine, 6, tcp_conn(3));
    assert_eq!(verdict(&engine, &tcp_conn(3)), Verdict::Refused(Refusal::Draining));
}

#[test]
fn packets_of_the_kernel_are_counted_for_flows_that_just_ended_too() {
    let mut engine = engine();
    let conn = tcp_conn(1);
    see(&mut engine, 0, conn.clone());
    engine.on_conntrack(at(1), ConnEvent::Destroy { name: conn.name, id: conn.id });
    engine.target.kernel_packets.extend([(conn.name.original.key(0, Encap::NONE), 4), (conn.reply.key(1, Encap::NONE), 2)]);
    engine.tick(at(1));
    let snapshot = engine.snapshot(at(1));
    assert_eq!(snapshot.ended[0].directions.map(|direction| direction.kernel_packets), [4, 2]);
    assert_eq!(snapshot.totals.kernel_packets, 6);
}
