//! A router between a client and a server, in network namespaces, whose two ports are those of a card and that the daemon offloads.
//!
//! Client - card port 0, card port 1 - server. The router's kernel sees the ports as `fpga0` and `fpga1`, hides the client behind
//! [`RouterLab::OUTSIDE`], and drops what conntrack finds invalid. Needs root.

use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use fpgaflow_card::ports::{InterfacePort, PortIo};
use fpgaflow_card::{CosimTransport, Runner};
use fpgaflow_driver::transport::Reach;
use fpgaflow_netns::Namespace;
use fpgaflow_sync::config::Config;
use fpgaflow_sync::daemon::{Handle, Summary, run};
use fpgaflow_sync::error::SyncError;
use fpgaflow_sync::privileges::Rights;
use fpgaflow_sync::stats::Snapshot;

/// Longest that anything is waited for.
const PATIENCE: Duration = Duration::from_secs(60);

type Daemon = JoinHandle<Result<Summary, SyncError>>;

/// The router and its neighbours, the daemon running.
pub struct RouterLab {
    /// Where connections come from.
    pub client: Namespace,
    /// Where the daemon runs.
    pub router: Namespace,
    /// Where connections go.
    pub server: Namespace,
    /// Where the wires of the card's ports are.
    pub wires: Namespace,
    /// The daemon.
    pub handle: Handle,
    daemon: Option<Daemon>,
}

impl RouterLab {
    /// Where the server is.
    pub const SERVER: &'static str = "203.0.113.9";
    /// Where the server sees the client.
    pub const OUTSIDE: &'static str = "203.0.113.5";
    /// Where the client is.
    pub const CLIENT: &'static str = "192.0.2.10";

    /// A router whose card `reach` opens when it is given the namespace with the card's wires, see [`run_card`].
    pub fn new(config: Config, reach: impl FnOnce(&Namespace) -> Reach) -> Self {
        let namespace = |name| Namespace::new(name).unwrap_or_else(|error| panic!("{error}"));
        let (client, router, server, wires) = (namespace("client"), namespace("router"), namespace("server"), namespace("wires"));
        client.connect("eth", &wires, WIRES[0]).unwrap();
        server.connect("eth", &wires, WIRES[1]).unwrap();
        let (handle, reach) = (Handle::default(), reach(&wires));
        let theirs = handle.clone();
        let daemon = router.spawn("daemon", move || run(&config, &reach, &theirs, Rights::Keep)).unwrap();
        assert!(handle.wait_ready(PATIENCE), "the daemon did not come up: {:?}", daemon.join());
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
        Self { client, router, server, wires, handle, daemon: Some(daemon) }
    }

    /// A TCP connection from client to server, port 443; the client's end first.
    pub fn tcp(&self) -> (TcpStream, TcpStream) {
        let listener = self.server.run(|| TcpListener::bind((Self::SERVER, 443))).unwrap();
        let near = self.client.run(|| TcpStream::connect((Self::SERVER, 443))).unwrap();
        let (far, _) = listener.accept().unwrap();
        for stream in [&near, &far] {
            stream.set_read_timeout(Some(PATIENCE)).unwrap();
        }
        (near, far)
    }

    /// Waits until the daemon's snapshot meets `condition`; it is a second old at most.
    pub fn wait_for(&self, what: &str, condition: impl Fn(&Snapshot) -> bool) {
        self.wait_until(what, || condition(&self.handle.snapshot()));
    }

    /// Waits until `condition` is met.
    pub fn wait_until(&self, what: &str, condition: impl Fn() -> bool) {
        let deadline = Instant::now() + PATIENCE;
        while !condition() {
            assert!(!self.daemon_has_ended(), "the daemon ended while {what} was waited for");
            let (snapshot, frames) = (self.handle.snapshot(), self.handle.frames());
            assert!(Instant::now() < deadline, "waited for {what}: {snapshot:#?} {frames:#?} {:?}", self.handle.card_status());
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    /// Whether the daemon runs no more.
    pub fn daemon_has_ended(&self) -> bool {
        self.daemon.as_ref().is_none_or(JoinHandle::is_finished)
    }

    /// Packets that the router's conntrack found invalid.
    pub fn invalid_packets(&self) -> u64 {
        let rules = self.router.command("nft list chain ip t forward").unwrap();
        let mut words = rules.split_whitespace().skip_while(|word| *word != "packets").skip(1);
        words.next().and_then(|count| count.parse().ok()).unwrap_or_else(|| panic!("no counter in {rules}"))
    }

    /// Ends the daemon.
    pub fn stop(mut self) -> Summary {
        self.handle.shut_down();
        let daemon = self.daemon.take().expect("it is taken here and in drop only");
        daemon.join().unwrap().unwrap_or_else(|error| panic!("{error}: {:?}", std::error::Error::source(&error)))
    }
}

impl Drop for RouterLab {
    fn drop(&mut self) {
        self.handle.shut_down();
        if let Some(daemon) = self.daemon.take() {
            // A test that failed has said why.
            let _ = daemon.join();
        }
    }
}

/// Interfaces of [`RouterLab::wires`] where the wires of the card's ports end.
const WIRES: [&str; 2] = ["wire0", "wire1"];

/// Clocks `card`, its ports on the wires in the caller's network namespace.
pub fn run_card(card: Arc<CosimTransport>) -> Runner {
    let ports = WIRES.map(|name| Box::new(InterfacePort::attach(name).unwrap()) as Box<dyn PortIo>);
    Runner::start(card, Vec::from(ports)).unwrap()
}
