//! Frames to the host and from it, both at once and beside offloaded flows: in order, by the right port, byte for byte.

use fpgaflow_abi::key::FlowKey;
use fpgaflow_abi::reason::Reason;
use fpgaflow_abi::wire::{ETH_HEADER_BYTES, ETHERTYPE_ARP, MIN_FRAME_BYTES};
use fpgaflow_card::Timing;
use fpgaflow_tests::{Rig, Setup, Stream, Width, at_both_widths, datagram_flow, forwarded, hop, secret};
use fpgaflow_traffic::{L3, Packet, fix_ip_checksum, rng, seed, set16};
use rand::seq::IndexedRandom;
use rand::{Rng, RngExt};
use rand_chacha::ChaCha8Rng;

/// Frames that each port gets, and that the host sends, in one run.
const FRAMES: usize = 3_000;
/// Ports of the card.
const PORTS: usize = 2;
/// Clocks between two looks.
const STEP_CLOCKS: u64 = 64;
/// Frames that wait at a port at most.
const QUEUE: usize = 8;
/// EtherType for local experiments (IEEE 802), by which frames of the host are told from forwarded ones.
const ETHERTYPE_LOCAL: u16 = 0x88b5;

/// What is to leave, and why; in order.
#[derive(Default)]
struct Expected {
    /// Punts of each port: reason and bytes.
    punts: [Vec<(Reason, Vec<u8>)>; PORTS],
    /// Frames forwarded by each port.
    forwarded: [Vec<Vec<u8>>; PORTS],
    /// Frames of the host by each port.
    of_host: [Vec<Vec<u8>>; PORTS],
}

/// A packet of `key` with a payload of random length and content.
fn packet(rng: &mut ChaCha8Rng, key: FlowKey, number: usize) -> Packet {
    let bytes = if rng.random_bool(0.05) { rng.random_range(0..1400) } else { rng.random_range(0..80) };
    let mut payload = vec![0; bytes];
    rng.fill_bytes(&mut payload);
    Packet { identification: number as u16, ..Packet::new(key, payload) }
}

/// A frame for `port` that the card must punt, and the reason that this file, not the model, has for it.
fn punted(rng: &mut ChaCha8Rng, port: u8, number: usize) -> (Reason, Vec<u8>) {
    let known = packet(rng, datagram_flow(port, port, 0).key, number);
    let mut frame = known.to_frame();
    let reasons = [Reason::Miss, Reason::Arp, Reason::Broadcast, Reason::WrongMac, Reason::Ttl, Reason::Fragment, Reason::NotIp];
    let reason = *reasons.choose(rng).expect("there are some");
    match reason {
        Reason::Miss => frame = packet(rng, datagram_flow(port, 200, 0).key, number).to_frame(),
        Reason::Arp => set16(&mut frame, 12, ETHERTYPE_ARP),
        Reason::Broadcast => frame[..6].fill(0xff),
        Reason::WrongMac => frame[4] = 0x77,
        Reason::Ttl => frame = Packet { ttl: 1, ..known }.to_frame(),
        Reason::Fragment => {
            set16(&mut frame, L3 + 6, 0x2000);
            fix_ip_checksum(&mut frame);
        }
        _ => set16(&mut frame, 12, ETHERTYPE_LOCAL),
    }
    (reason, frame)
}

/// A frame of the host: as short as a header alone, as long as the card takes, or between.
fn of_host(rng: &mut ChaCha8Rng, number: usize, longest: usize) -> Vec<u8> {
    let lengths = [ETH_HEADER_BYTES, MIN_FRAME_BYTES - 1, MIN_FRAME_BYTES, MIN_FRAME_BYTES + 1, 64, 200];
    let bytes = match rng.random_range(0..200) {
        0 => longest,
        1..10 => rng.random_range(ETH_HEADER_BYTES..=1514),
        _ => *lengths.choose(rng).expect("there are some"),
    };
    let mut frame = vec![0; bytes];
    rng.fill_bytes(&mut frame);
    frame[6..12].copy_from_slice(&(number as u64).to_be_bytes()[2..]);
    set16(&mut frame, 12, ETHERTYPE_LOCAL);
    frame
}

/// Everything at once, in surroundings that behave as `timing`.
fn both_directions(width: Width, timing: Timing) {
    let seed = seed();
    let mut rng = rng(seed);
    let mut rig = Rig::new(Setup { width, timing, ..Setup::new(seed) }, secret(&mut rng));
    rig.keep();
    let hops = [0, 1].map(|egress| rig.add_next_hop(hop(egress)));
    let flows = [0, 1].map(|port| datagram_flow(port, port, hops[usize::from(1 - port)]));
    rig.install(flows).expect("an empty table takes two flows");
    rig.await_commands();

    let mut expected = Expected::default();
    let (mut received, mut sent) = ([0; PORTS], 0);
    let mut held: [Option<Vec<u8>>; PORTS] = Default::default();
    let longest = rig.geometry().max_frame_bytes as usize;
    while received.iter().any(|count| *count < FRAMES) || sent < FRAMES || held.iter().any(Option::is_some) {
        for port in 0..PORTS {
            if held[port].is_none() && received[port] < FRAMES {
                received[port] += 1;
                held[port] = Some(if rng.random() {
                    let (reason, frame) = punted(&mut rng, port as u8, received[port]);
                    expected.punts[port].push((reason, frame.clone()));
                    frame
                } else {
                    let packet = packet(&mut rng, flows[port].key, received[port]);
                    expected.forwarded[1 - port].push(forwarded(&packet, &flows[port].action, &hop(1 - port as u8)));
                    packet.to_frame()
                });
            }
            if rig.transport.card().receive_waiting(port) < QUEUE
                && let Some(frame) = held[port].take_if(|frame| rig.is_calm(frame.len()))
            {
                rig.inject(port as u8, frame, false);
            }
        }
        if sent < FRAMES {
            let (port, mut frame) = (rng.random_range(0..PORTS), of_host(&mut rng, sent, longest));
            if rig.send(port as u8, &frame) {
                frame.resize(frame.len().max(MIN_FRAME_BYTES), 0);
                expected.of_host[port].push(frame);
                sent += 1;
            }
        }
        rig.run(rng.random_range(1..=STEP_CLOCKS));
    }
    rig.rest();

    let kept = rig.kept.take().expect("it was kept");
    for port in 0..PORTS {
        let of_port = kept.punts.iter().filter(|(info, _)| usize::from(info.port) == port);
        let punts: Vec<_> = of_port.map(|(info, bytes)| (info.reason, bytes.clone())).collect();
        assert!(punts == expected.punts[port], "port {port}: reasons, order and bytes of what the host got");
        let is_hosts = |frame: &&Vec<u8>| frame[12..14] == ETHERTYPE_LOCAL.to_be_bytes();
        let (of_host, forwarded): (Vec<_>, Vec<_>) = kept.sent[port].iter().partition(is_hosts);
        assert!(of_host.into_iter().eq(&expected.of_host[port]), "port {port}: what the host sent");
        assert!(forwarded.into_iter().eq(&expected.forwarded[port]), "port {port}: what was forwarded beside it");
    }
    assert!(kept.punts.is_sorted_by_key(|(info, _)| info.clock), "the card's clock says when each was handed over");
    let report = rig.finish();
    assert_eq!(report.count(Reason::HostFull), 0);
}

at_both_widths! {
    fn both_directions_at_once_keep_order_port_and_bytes(width) {
        both_directions(width, Timing::default());
    }

    fn both_directions_at_once_keep_order_port_and_bytes_on_a_slow_bus(width) {
        both_directions(width, Timing { bus_latency: 150, bus_stall_percent: 30, ..Timing::default() });
    }

    fn both_directions_at_once_keep_order_port_and_bytes_amid_stalls(width) {
        both_directions(width, Timing { bus_latency: 20, bus_stall_percent: 50, rx_stall_percent: 50, tx_stall_percent: 60 });
    }

    // What TCP and UDP send before their flows are offloaded. The wide engine once had the narrow one's store for it, and lost datagrams.
    fn a_burst_that_no_flow_has_reaches_the_host_whole_from_both_ports(width) {
        const BURST_BYTES: usize = 60 << 10;
        const LONG_FRAME_BYTES: usize = 1514;
        let seed = seed();
        let mut rng = rng(seed);
        let mut rig = Rig::new(Setup { width, ..Setup::new(seed) }, secret(&mut rng));
        for port in 0..PORTS as u8 {
            let mut burst = Stream::new(datagram_flow(port, 200, 0).key, LONG_FRAME_BYTES);
            for _ in 0..BURST_BYTES / LONG_FRAME_BYTES {
                rig.inject(port, burst.next_frame(), false);
            }
        }
        let report = rig.finish();
        assert_eq!(report.punts as usize, PORTS * (BURST_BYTES / LONG_FRAME_BYTES));
        assert_eq!(report.count(Reason::HostFull), 0);
    }

    fn the_longest_frame_goes_both_ways(width) {
        let seed = seed();
        let mut rng = rng(seed);
        let mut rig = Rig::new(Setup { width, ..Setup::new(seed) }, secret(&mut rng));
        rig.keep();
        let mut frame = vec![0; rig.geometry().max_frame_bytes as usize];
        rng.fill_bytes(&mut frame);
        set16(&mut frame, 12, ETHERTYPE_LOCAL);
        frame[..6].copy_from_slice(&[2, 0, 0, 0, 0, 0]);
        rig.inject(0, frame.clone(), false);
        assert!(rig.send(1, &frame));
        rig.rest();
        let kept = rig.kept.take().expect("it was kept");
        assert!(kept.sent == [vec![], vec![frame.clone()]], "as the host sent it");
        let [(info, punt)] = &kept.punts[..] else { panic!("{} frames reached the host", kept.punts.len()) };
        assert!((info.port, info.reason, info.entry) == (0, Reason::NotIp, None) && *punt == frame, "as it came");
        rig.finish();
    }
}
