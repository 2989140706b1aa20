//! The whole daemon in a router whose two ports are those of the verilated card: a real TCP connection, translated and forwarded by the
//! RTL. Needs root (network namespaces) and Verilator.

use std::io::{Read, Write};
use std::net::UdpSocket;
use std::sync::Arc;
use std::time::Duration;

use fpgaflow_card::{Runner, Width};
use fpgaflow_driver::transport::{Reach, Transport};
use fpgaflow_sync::config::Config;
use fpgaflow_sync::stats::{FlowReport, Snapshot};
use fpgaflow_tests::{RouterLab, run_card, verilated};

/// Bytes moved over the TCP connection.
const FILE_BYTES: usize = 512 * 1024;

/// A router whose card is the verilated one, and what clocks that.
fn lab() -> (RouterLab, Runner) {
    let mut runner = None;
    let lab = RouterLab::new(Config::default(), |wires| {
        let transport = verilated(Width::Bits64);
        let card = Arc::clone(&transport);
        runner = Some(wires.run(move || run_card(card)));
        let reach: Reach = Arc::new(move || Ok(Arc::clone(&transport) as Arc<dyn Transport>));
        reach
    });
    (lab, runner.expect("the lab asks for its card"))
}

/// The flow with this port as its destination, living or ended.
fn flow(snapshot: &Snapshot, dport: u16) -> &FlowReport {
    let mut all = snapshot.flows.iter().chain(&snapshot.ended);
    all.find(|flow| flow.directions[0].tuple.dport == dport).unwrap_or_else(|| panic!("no flow to {dport} in {snapshot:#?}"))
}

/// Bytes that no two places of a file share by chance.
fn file() -> Vec<u8> {
    (0..FILE_BYTES as u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8).collect()
}

#[test]
fn a_tcp_connection_and_a_udp_stream_pass_through_the_rtl() {
    let (lab, runner) = lab();
    let (mut near, mut far) = lab.tcp();
    let sender = std::thread::spawn(move || {
        near.write_all(&file()).unwrap();
        near.shutdown(std::net::Shutdown::Write).unwrap();
        let mut answer = Vec::new();
        near.read_to_end(&mut answer).unwrap();
        answer
    });
    let mut received = Vec::new();
    far.read_to_end(&mut received).unwrap();
    assert!(received == file(), "{} bytes arrived changed", received.len());
    far.write_all(b"thanks").unwrap();
    drop(far);
    assert_eq!(sender.join().unwrap(), b"thanks", "a connection closes through the kernel");

    let service = lab.server.run(|| UdpSocket::bind("203.0.113.9:7000")).unwrap();
    let near = lab.client.run(|| UdpSocket::bind("192.0.2.10:0")).unwrap();
    near.connect("203.0.113.9:7000").unwrap();
    let mut buffer = [0; 256];
    for socket in [&service, &near] {
        socket.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    }
    for number in 0..100u8 {
        near.send(&[number; 100]).unwrap();
        let (length, from) = service.recv_from(&mut buffer).unwrap();
        assert_eq!((&buffer[..length], from.ip().to_string().as_str()), ([number; 100].as_slice(), "203.0.113.5"));
        service.send_to(&buffer[..length], from).unwrap();
        assert_eq!(near.recv(&mut buffer).unwrap(), 100);
    }
    // The last counters come with the next tick.
    lab.wait_for("the stream's packets", |snapshot| {
        let packets = |direction: usize| {
            let direction = flow(snapshot, 7000).directions[direction];
            direction.counts.packets() + direction.kernel_packets
        };
        snapshot.flows.len() + snapshot.ended.len() == 2 && packets(0) == 100 && packets(1) == 100
    });
    assert_eq!(lab.invalid_packets(), 0, "the kernel found packets out of window");
    let summary = lab.stop();
    runner.stop().unwrap();
    for (dport, least) in [(443, 0.9), (7000, 0.9)] {
        let flow = flow(&summary.snapshot, dport);
        let card: u64 = flow.directions.iter().map(|direction| direction.counts.card_packets).sum();
        let all: u64 = flow.directions.iter().map(|d| d.counts.packets() + d.kernel_packets).sum();
        assert!(card as f64 >= all as f64 * least, "the card forwarded {card} of {all} packets to port {dport}: {flow:#?}");
    }
    assert_eq!(summary.snapshot.in_card, 0, "the card is drained");
    assert_eq!((summary.frames.commands_failed, summary.frames.recoveries), (0, 0));
}

#[test]
fn a_connection_outlives_a_daemon_that_drains() {
    let (lab, runner) = lab();
    let (mut near, mut far) = lab.tcp();
    near.write_all(b"before").unwrap();
    let mut buffer = [0; 6];
    far.read_exact(&mut buffer).unwrap();
    lab.wait_for("the connection in the card", |snapshot| snapshot.in_card == 1);
    let conntrack = |lab: &RouterLab| lab.router.command("conntrack -L -p tcp --dport 443").unwrap();
    assert!(conntrack(&lab).contains("ESTABLISHED"));
    lab.handle.shut_down();
    while !lab.daemon_has_ended() {
        std::thread::sleep(Duration::from_millis(10));
    }
    assert!(conntrack(&lab).contains("ESTABLISHED"), "conntrack keeps what the card gave back");
    assert!(lab.router.command("ip link show fpga0").is_err(), "the TAP devices are gone");
    lab.stop();
    runner.stop().unwrap();
}
