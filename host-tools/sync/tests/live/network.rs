//! Client, router and server in network namespaces, the router hiding the client, and the daemon's control loop in the router.

use std::io::{Read, Write};
use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::os::fd::OwnedFd;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use fpgaflow_netns::Namespace;
use fpgaflow_sync::control::{Control, LoopSettings};
use fpgaflow_sync::engine::Settings;
use fpgaflow_sync::stats::{SharedStats, Snapshot};
use tokio::sync::watch;

use super::recorder::{Held, Recorder};

/// The server's address.
pub const SERVER: &str = "203.0.113.9";
/// The client's address.
pub const CLIENT: &str = "192.0.2.10";
/// The router's address on the server's side.
pub const HIDDEN: &str = "203.0.113.5";

/// Three namespaces, joined.
pub struct Network {
    pub client: Namespace,
    pub router: Namespace,
    pub server: Namespace,
}

impl Network {
    /// Client - router (`lan`, `wan`) - server, IPv4 and IPv6, masquerade for IPv4. Established connections get connmark 1.
    ///
    /// # Panics
    /// Without the rights for it, saying so.
    pub fn new() -> Self {
        let namespace = |name| Namespace::new(name).unwrap_or_else(|error| panic!("{error}"));
        let (client, router, server) = (namespace("client"), namespace("router"), namespace("server"));
        router.connect("lan", &client, "eth").unwrap();
        router.connect("wan", &server, "eth").unwrap();
        for (namespace, commands) in [
            (&client, ["ip addr add 192.0.2.10/24 dev eth", "ip addr add 2001:db8:1::10/64 dev eth nodad"].as_slice()),
            (&client, &["ip route add default via 192.0.2.1", "ip route add default via 2001:db8:1::1"]),
            (&router, &["ip addr add 192.0.2.1/24 dev lan", "ip addr add 203.0.113.5/24 dev wan"]),
            (&router, &["ip addr add 2001:db8:1::1/64 dev lan nodad", "ip addr add 2001:db8:2::1/64 dev wan nodad"]),
            (&server, &["ip addr add 203.0.113.9/24 dev eth", "ip addr add 2001:db8:2::9/64 dev eth nodad"]),
            (&server, &["ip route add default via 2001:db8:2::1"]),
        ] {
            for command in commands {
                // Commands for a router that is not up yet would fail: addresses come before routes above.
                namespace.command(command).unwrap();
            }
        }
        router.sysctl("ipv4/ip_forward", "1").unwrap();
        router.sysctl("ipv6/conf/all/forwarding", "1").unwrap();
        router
            .pipe(
                "nft -f -",
                "table inet t {
                    chain forward { type filter hook forward priority 0; ct state established ct mark set 1; }
                    chain hide { type nat hook postrouting priority 100; meta nfproto ipv4 oifname \"wan\" masquerade; }
                }",
            )
            .unwrap();
        Self { client, router, server }
    }

    /// A TCP connection from the client's port `sport` to the server, client's end first.
    pub fn tcp(&self, client: &str, sport: u16, server: &str) -> (TcpStream, TcpStream) {
        let server: SocketAddr = server.parse().unwrap();
        let listener = self.server.run(move || TcpListener::bind(server)).unwrap();
        let from: SocketAddr = SocketAddr::new(client.parse().unwrap(), sport);
        let near = self.client.run(move || connect_from(from, server)).unwrap();
        let (far, _) = listener.accept().unwrap();
        (near, far)
    }

    /// A UDP socket at the client's port `sport`, and one of the server that answered it.
    pub fn udp(&self, sport: u16) -> (UdpSocket, UdpSocket) {
        let near = self.client.run(move || UdpSocket::bind((CLIENT, sport))).unwrap();
        let far = self.server.run(|| UdpSocket::bind((SERVER, 7000))).unwrap();
        near.connect((SERVER, 7000)).unwrap();
        near.send(b"question").unwrap();
        let mut buffer = [0; 64];
        far.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
        let (_, from) = far.recv_from(&mut buffer).unwrap();
        far.send_to(b"answer", from).unwrap();
        near.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
        near.recv(&mut buffer).unwrap();
        (near, far)
    }

    /// A raw socket of GRE at each end, a packet of version 0 having gone each way.
    pub fn gre(&self, client: &str, server: &str) -> (OwnedFd, OwnedFd) {
        let [client, server]: [IpAddr; 2] = [client, server].map(|address| address.parse().unwrap());
        let near = self.client.run(move || gre_socket(client)).unwrap();
        let far = self.server.run(move || gre_socket(server)).unwrap();
        send_gre(&near, server);
        let asked_by = receive_gre(&far);
        send_gre(&far, asked_by);
        receive_gre(&near);
        (near, far)
    }

    /// What the router's conntrack has about connections from the client's port `sport`, as `conntrack -L` prints it.
    pub fn conntrack(&self, protocol: &str, sport: u16) -> String {
        // With nothing to list it prints nothing and succeeds.
        self.router.command(&format!("conntrack -L -p {protocol} --sport {sport}")).unwrap()
    }
}

/// Moves a few bytes each way.
pub fn exchange(near: &mut TcpStream, far: &mut TcpStream) {
    send(near, far);
    send(far, near);
}

fn send(from: &mut TcpStream, to: &mut TcpStream) {
    from.write_all(b"0123456789").unwrap();
    let mut buffer = [0; 10];
    to.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
    to.read_exact(&mut buffer).unwrap();
}

fn connect_from(from: SocketAddr, to: SocketAddr) -> std::io::Result<TcpStream> {
    use rustix::net::{AddressFamily, SocketType, bind, connect, socket, sockopt};
    let family = if from.is_ipv4() { AddressFamily::INET } else { AddressFamily::INET6 };
    let socket = socket(family, SocketType::STREAM, None)?;
    sockopt::set_socket_reuseaddr(&socket, true)?;
    bind(&socket, &from)?;
    connect(&socket, &to)?;
    Ok(socket.into())
}

/// IP protocol number of GRE.
const PROTO_GRE: u32 = fpgaflow_abi::wire::PROTO_GRE as u32;

fn gre_socket(address: IpAddr) -> std::io::Result<OwnedFd> {
    use rustix::net::{AddressFamily, Protocol, SocketType, bind, socket, sockopt};
    let family = if address.is_ipv4() { AddressFamily::INET } else { AddressFamily::INET6 };
    let protocol = std::num::NonZero::new(PROTO_GRE).map(Protocol::from_raw);
    let socket = socket(family, SocketType::RAW, protocol)?;
    sockopt::set_socket_timeout(&socket, sockopt::Timeout::Recv, Some(Duration::from_secs(5)))?;
    bind(&socket, &SocketAddr::new(address, 0))?;
    Ok(socket)
}

/// A GRE header without options and a few bytes.
fn send_gre(socket: &OwnedFd, to: IpAddr) {
    let packet = [0, 0, 0x65, 0x58, 1, 2, 3, 4];
    rustix::net::sendto(socket, &packet, rustix::net::SendFlags::empty(), &SocketAddr::new(to, 0)).unwrap();
}

/// Who sent the next packet.
fn receive_gre(socket: &OwnedFd) -> IpAddr {
    let (_, _, from) = rustix::net::recvfrom(socket, &mut [0; 256], rustix::net::RecvFlags::empty()).unwrap();
    SocketAddr::try_from(from.unwrap()).unwrap().ip()
}

/// A control loop on a thread of the router's namespace.
pub struct Daemon {
    pub recorder: Recorder,
    pub stats: SharedStats,
    shutdown: watch::Sender<bool>,
    thread: JoinHandle<()>,
}

impl Daemon {
    /// Starts it and waits for its first tick.
    pub fn start(network: &Network, settings: Settings, loop_settings: LoopSettings) -> Self {
        let recorder = Recorder::default();
        recorder.held.lock().unwrap().lookup = true;
        let (target, stats) = (recorder.clone(), SharedStats::default());
        let (shutdown, mut asked) = watch::channel(false);
        let published = stats.clone();
        let body = move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async move {
                let names = ["lan".to_owned(), "wan".to_owned()];
                let mut control = Control::open(settings, loop_settings, &names, target).unwrap();
                control.run(&mut asked, &published).await.unwrap();
            });
        };
        let thread = network.router.spawn("sync", body).unwrap();
        let daemon = Self { recorder, stats, shutdown, thread };
        daemon.wait_for("the first tick", |_, snapshot| snapshot.totals.resyncs > 0);
        daemon
    }

    /// Waits until `condition` holds, ten seconds at most.
    ///
    /// # Panics
    /// When it does not, showing what there is.
    pub fn wait_for(&self, what: &str, condition: impl Fn(&Held, &Snapshot) -> bool) {
        self.wait_longer(what, Duration::from_secs(10), condition);
    }

    /// As [`Daemon::wait_for`], `limit` at most.
    pub fn wait_longer(&self, what: &str, limit: Duration, condition: impl Fn(&Held, &Snapshot) -> bool) {
        let deadline = Instant::now() + limit;
        loop {
            let snapshot = self.stats.latest();
            let held = self.recorder.held.lock().unwrap();
            if condition(&held, &snapshot) {
                return;
            }
            assert!(Instant::now() < deadline, "waited for {what}; the target holds {held:#?}, the daemon says {snapshot:#?}");
            drop(held);
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Asks it to stop and waits for it.
    pub fn stop(self) -> Recorder {
        self.shutdown.send(true).unwrap();
        self.thread.join().unwrap();
        self.recorder
    }
}
