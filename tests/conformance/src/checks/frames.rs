//! Rings and frames.

use std::sync::Arc;

use fpgaflow_abi::descriptor::{Command, Ring};
use fpgaflow_abi::key::Family;
use fpgaflow_abi::reason::Reason;
use fpgaflow_abi::wire::{PROTO_ICMP, PROTO_TCP, PROTO_UDP};
use fpgaflow_driver::card::Options;
use fpgaflow_driver::transport::Transport;
use fpgaflow_traffic::Packet;

use crate::failure::{Failure, equal};
use crate::host::{Arrival, CABLED, Host, far, mac, translated};

/// Flows of each protocol and port.
const FLOWS: u8 = 8;
/// Payloads around every length that a data path may get wrong, up to the longest that fits an MTU of 1500 with TCP.
const PAYLOADS: [usize; 14] = [0, 1, 6, 7, 8, 17, 18, 19, 64, 65, 511, 512, 1400, 1460];

/// Every flow of the suite.
fn flows() -> impl Iterator<Item = fpgaflow_abi::entry::Entry> {
    let ports = (0..CABLED).flat_map(|port| [PROTO_TCP, PROTO_UDP].map(|protocol| (port, protocol)));
    ports.flat_map(|(port, protocol)| (1..=FLOWS).map(move |number| translated(port, protocol, number)))
}

/// A host whose card has them.
fn with_flows(transport: &Arc<dyn Transport>) -> Result<Host, Failure> {
    let mut host = Host::open(transport)?;
    host.add_next_hops()?;
    flows().try_for_each(|flow| host.install(flow).map(drop))?;
    Ok(host)
}

/// A frame of a flow for every payload, each with its own identification.
fn frames_of(flow: &fpgaflow_abi::entry::Entry) -> Vec<(u8, Vec<u8>)> {
    let packet = |(identification, payload): (u16, &usize)| {
        let packet = Packet { identification, ..Packet::new(flow.key, vec![0x5a; *payload]) };
        (flow.key.ingress, packet.to_frame())
    };
    (0..).zip(&PAYLOADS).map(packet).collect()
}

/// The driver keeps the ring full; nothing is lost or out of order, or the driver would say so.
pub(super) fn commands(transport: &Arc<dyn Transport>) -> Result<(), Failure> {
    let mut host = Host::open(transport)?;
    let ring = 1 << Options::default().ring_bits(Ring::Command);
    host.execute(vec![Command::nop(); 3 * ring + 1])?;
    equal("commands under way", host.card.pending_commands(), 0)?;
    // One at a time, each with its interrupt.
    (0..100).try_for_each(|_| host.execute(vec![Command::nop()]))
}

/// They come in at the other end of the cable, where nobody knows them.
pub(super) fn sends(transport: &Arc<dyn Transport>) -> Result<(), Failure> {
    let mut host = Host::open(transport)?;
    for port in 0..CABLED {
        let frames = frames_of(&translated(port, PROTO_UDP, 1));
        let sent = frames.len() as u64;
        host.exchange(frames, Arrival::InOrder)?;
        equal("frames sent by a port", host.card.port_counters(far(port))?.tx_frames, sent)?;
    }
    // More than the ring holds, so that every descriptor of it is used again.
    let ring = 1 << Options::default().ring_bits(Ring::FrameToCard);
    let frame = Packet::new(translated(0, PROTO_UDP, 1).key, Vec::new()).to_frame();
    host.exchange(vec![(0, frame); ring + 10], Arrival::InOrder)
}

/// One frame for each reason that a well-behaved neighbour causes.
pub(super) fn punts(transport: &Arc<dyn Transport>) -> Result<(), Failure> {
    /// Offsets in an IPv4 frame.
    const ETHERTYPE: usize = 12;
    const FRAGMENT: usize = 20;
    const HEADER_CHECKSUM: usize = 24;

    let mut host = with_flows(transport)?;
    let known = translated(0, PROTO_TCP, 1).key;
    let packet = Packet::new(known, vec![1; 40]);
    let changed = |change: &dyn Fn(&mut Vec<u8>)| {
        let mut frame = packet.to_frame();
        change(&mut frame);
        frame
    };
    let frames = [
        (Reason::Arp, changed(&|frame| frame[ETHERTYPE..][..2].copy_from_slice(&[0x08, 0x06]))),
        (Reason::Broadcast, Packet { dst_mac: [0xff; 6], ..packet.clone() }.to_frame()),
        (Reason::Multicast, Packet { dst_mac: [1, 0, 0x5e, 0, 0, 1], ..packet.clone() }.to_frame()),
        (Reason::WrongMac, Packet { dst_mac: mac(9), ..packet.clone() }.to_frame()),
        (Reason::NotIp, changed(&|frame| frame[ETHERTYPE..][..2].copy_from_slice(&[0x88, 0xcc]))),
        (Reason::IpChecksum, changed(&|frame| frame[HEADER_CHECKSUM] ^= 1)),
        // More fragments, and the checksum to it.
        (
            Reason::Fragment,
            changed(&|frame| {
                frame[FRAGMENT] |= 0x20;
                let sum = u16::from_be_bytes([frame[HEADER_CHECKSUM], frame[HEADER_CHECKSUM + 1]]);
                let sum = if sum >= 0x2000 { sum - 0x2000 } else { sum.wrapping_sub(0x2001) };
                frame[HEADER_CHECKSUM..][..2].copy_from_slice(&sum.to_be_bytes());
            }),
        ),
        (Reason::Icmp, {
            let mut key = known;
            key.protocol = PROTO_ICMP;
            Packet::new(key, vec![8, 0, 0xf7, 0xff, 0, 0, 0, 0]).to_frame()
        }),
        (Reason::Miss, Packet::new(translated(0, PROTO_TCP, FLOWS + 1).key, vec![1; 40]).to_frame()),
        (Reason::TcpFlags, Packet { tcp_flags: 2, ..packet.clone() }.to_frame()),
        (Reason::Ttl, Packet { ttl: 1, ..packet.clone() }.to_frame()),
        (Reason::Mtu, Packet::new(known, vec![1; 1461]).to_frame()),
    ];
    for (reason, frame) in frames {
        let before = host.card.reason_counters()?[reason as usize];
        host.exchange(vec![(0, frame)], Arrival::InOrder)?;
        let counted = host.card.reason_counters()?[reason as usize] - before;
        equal(reason.name(), counted, 1)?;
    }
    Ok(())
}

/// Every flow, every length; each flow's frames stay in order.
pub(super) fn forwards(transport: &Arc<dyn Transport>) -> Result<(), Failure> {
    let mut host = with_flows(transport)?;
    flows().try_for_each(|flow| host.exchange(frames_of(&flow), Arrival::InOrder))?;
    let forwarded = host.card.reason_counters()?[Reason::Forwarded as usize];
    equal("frames forwarded", forwarded, flows().count() as u64 * PAYLOADS.len() as u64)?;
    // All flows at once, in both directions.
    let of_flows: Vec<_> = flows().map(|flow| frames_of(&flow)).collect();
    let mixed = (0..PAYLOADS.len()).flat_map(|i| of_flows.iter().map(move |frames| frames[i].clone())).collect();
    host.exchange(mixed, Arrival::AnyOrder)
}

/// Counters that are read by registers, and those that come by DMA.
pub(super) fn counters(transport: &Arc<dyn Transport>) -> Result<(), Failure> {
    let mut host = with_flows(transport)?;
    flows().step_by(3).try_for_each(|flow| host.exchange(frames_of(&flow), Arrival::InOrder))?;

    let entries = host.card.geometry().entries(Family::V4);
    let ticket = host.card.read_counters(Family::V4, 0..entries)?;
    host.await_ticket(ticket)?;
    for (entry, _) in host.table.iter() {
        let record = host.card.counter(entry).unwrap_or_default();
        let expected = host.golden.flow_counters(entry).unwrap_or_default();
        equal("packets and bytes of a flow", (record.packets, record.bytes), (expected.packets, expected.bytes))?;
    }
    equal("frames by reason", &host.card.reason_counters()?, host.golden.reasons())?;
    for port in 0..CABLED {
        let (found, expected) = (host.card.port_counters(port)?, host.golden.port_counters(port).unwrap_or_default());
        let received = (found.rx_frames, found.rx_bytes);
        equal("frames and bytes received by a port", received, (expected.rx_frames, expected.rx_bytes))?;
        // What one end receives the other has sent, whoever made it.
        let other = host.card.port_counters(far(port))?;
        equal("frames and bytes sent by the other end", (other.tx_frames, other.tx_bytes), received)?;
    }
    Ok(())
}

/// Function-level reset with frames everywhere: nothing of it is left, and the flows are back.
pub(super) fn reset_under_traffic(transport: &Arc<dyn Transport>) -> Result<(), Failure> {
    let mut host = with_flows(transport)?;
    for _ in 0..3 {
        for flow in flows() {
            host.send_to(flow.key.ingress, Packet::new(flow.key, vec![2; 64]).to_frame())?;
        }
        host.recover()?;
        // What was on the cable may still come in, between these.
        for flow in flows() {
            host.exchange(frames_of(&flow), Arrival::AmongOthers)?;
        }
    }
    Ok(())
}
