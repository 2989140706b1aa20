//! The whole daemon in a router whose two ports are those of the verilated card: a real TCP connection, translated and forwarded by the
//! RTL. Needs root (network namespaces) and Verilator.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::sync::Arc;
use std::time::{Duration, Instant};

use fpgaflow_card::ports::{InterfacePort, PortIo};
use fpgaflow_card::{Card, CosimTransport, Runner};
use fpgaflow_driver::transport::Transport;
use fpgaflow_netns::Namespace;
use fpgaflow_sync::config::Config;
use fpgaflow_sync::daemon::{Handle, Summary, run};
use fpgaflow_sync::error::SyncError;
use fpgaflow_sync::stats::{FlowReport, Snapshot};

/// Bytes moved over the TCP connection.
const FILE_BYTES: usize = 512 * 1024;

struct Lab {
    client: Namespace,
    router: Namespace,
    server: Namespace,
    runner: Runner,
    handle: Handle,
    daemon: std::thread::JoinHandle<Result<Summary, SyncError>>,
}

impl Lab {
    /// Client - card port 0, card port 1 - server; the router's kernel sees the ports as `fpga0` and `fpga1`, hides the client, drops what
    /// is invalid, and runs the daemon.
    fn new() -> Self {
        let namespace = |name| Namespace::new(name).unwrap_or_else(|error| panic!("{error}"));
        let (client, router, server, wires) = (namespace("client"), namespace("router"), namespace("server"), namespace("wires"));
        client.connect("eth", &wires, "wire0").unwrap();
        server.connect("eth", &wires, "wire1").unwrap();
        let transport = CosimTransport::new(Card::new().unwrap()).unwrap();
        let card = Arc::clone(&transport);
        let runner = wires.run(move || {
            let ports = ["wire0", "wire1"].map(|name| Box::new(InterfacePort::attach(name).unwrap()) as Box<dyn PortIo>);
            Runner::start(card, Vec::from(ports)).unwrap()
        });
        let (handle, card) = (Handle::default(), Arc::clone(&transport) as Arc<dyn Transport>);
        let theirs = handle.clone();
        let daemon = router.spawn("daemon", move || run(&Config::default(), card, &theirs)).unwrap();
        assert!(handle.wait_ready(Duration::from_secs(60)), "the daemon did not come up: {:?}", daemon.join());
        for (namespace, command) in [
            (&router, "ip addr add 192.0.2.1/24 dev fpga0"),
            (&router, "ip addr add 203.0.113.5/24 dev fpga1"),
            (&client, "ip addr add 192.0.2.10/24 dev eth"),
            (&client, "ip route add default via 192.0.2.1"),
            (&server, "ip addr add 203.0.113.9/24 dev eth"),
        ] {
            namespace.command(command).unwrap();
        }
        router.sysctl("ipv4/ip_forward", "1").unwrap();
        router
            .pipe(
                // Not `masquerade`: the kernel forgets masqueraded connections when their interface goes away (nf_nat_masquerade.c).
                "nft -f -",
                "table ip t {
                    chain forward { type filter hook forward priority 0; ct state invalid counter drop; }
                    chain hide { type nat hook postrouting priority 100; oifname \"fpga1\" snat to 203.0.113.5; }
                }",
            )
            .unwrap();
        Self { client, router, server, runner, handle, daemon }
    }

    fn tcp(&self) -> (TcpStream, TcpStream) {
        let listener = self.server.run(|| TcpListener::bind("203.0.113.9:443")).unwrap();
        let near = self.client.run(|| TcpStream::connect("203.0.113.9:443")).unwrap();
        let (far, _) = listener.accept().unwrap();
        for stream in [&near, &far] {
            stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        }
        (near, far)
    }

    fn wait_for(&self, what: &str, condition: impl Fn(&Snapshot) -> bool) {
        let deadline = Instant::now() + Duration::from_secs(60);
        while !condition(&self.handle.snapshot()) {
            let snapshot = self.handle.snapshot();
            assert!(!self.daemon.is_finished(), "the daemon ended while {what} was waited for");
            assert!(Instant::now() < deadline, "waited for {what}: {snapshot:#?} {:#?}", self.handle.frames());
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// Ends the daemon, then the card.
    fn stop(self) -> Summary {
        self.handle.shut_down();
        let summary =
            self.daemon.join().unwrap().unwrap_or_else(|error| panic!("{error}: {:?}", std::error::Error::source(&error)));
        self.runner.stop().unwrap();
        summary
    }
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
    let lab = Lab::new();
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
    let invalid = lab.router.command("nft list chain ip t forward").unwrap();
    assert!(invalid.contains("packets 0"), "the kernel found packets out of window: {invalid}");
    let summary = lab.stop();
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
    let lab = Lab::new();
    let (mut near, mut far) = lab.tcp();
    near.write_all(b"before").unwrap();
    let mut buffer = [0; 6];
    far.read_exact(&mut buffer).unwrap();
    lab.wait_for("the connection in the card", |snapshot| snapshot.in_card == 1);
    let conntrack = |lab: &Lab| lab.router.command("conntrack -L -p tcp --dport 443").unwrap();
    assert!(conntrack(&lab).contains("ESTABLISHED"));
    lab.handle.shut_down();
    while !lab.daemon.is_finished() {
        std::thread::sleep(Duration::from_millis(10));
    }
    assert!(conntrack(&lab).contains("ESTABLISHED"), "conntrack keeps what the card gave back");
    assert!(lab.router.command("ip link show fpga0").is_err(), "the TAP devices are gone");
    lab.stop();
}
