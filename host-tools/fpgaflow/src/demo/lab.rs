//! The demonstration's network: a client, a router whose two ports are the card's, and a server.
//!
//! ```text
//!  client 192.0.2.10 --- wire0 [card port 0 | card port 1] wire1 --- server 198.51.100.10
//!                                fpga0          fpga1
//!                            192.0.2.1   router  198.51.100.1
//! ```
//! The wires end in a namespace of their own, where the verilated card picks frames up; the router's kernel sees only the card's
//! TAP devices. Everything is gone when the lab is dropped or the program ends.

use fpgaflow_netns::{Error, Namespace};

/// Interfaces that the card's ports attach to.
pub const WIRES: [&str; 2] = ["wire0", "wire1"];
/// The card's ports as the router's kernel sees them.
pub const TAPS: [&str; 2] = ["fpga0", "fpga1"];
/// Address of the client.
pub const CLIENT: &str = "192.0.2.10";
/// Address of the server, known to the client for TCP.
pub const SERVER: &str = "198.51.100.10";
/// Address of the router towards the client; UDP sent there is redirected to the server.
pub const ROUTER: &str = "192.0.2.1";
/// Port of the server's TCP service.
pub const TCP_PORT: u16 = 8080;
/// Port of the router that redirects to the server's UDP service.
pub const UDP_PORT: u16 = 5000;
/// Port of the server's UDP service.
pub const UDP_SERVICE_PORT: u16 = 5001;
/// Connection mark that selects flows for the card.
pub const OFFLOAD_MARK: u32 = 1;

/// Source NAT for all that leaves towards the server, destination NAT for one UDP service; established flows are marked for
/// offload, and packets that conntrack cannot place are dropped, as careful routers do.
const RULES: &str = "
table ip fpgaflow {
    chain translate_in {
        type nat hook prerouting priority dstnat
        iifname @TAP0@ udp dport @UDP@ dnat to @SERVER@:@SERVICE@
    }
    chain translate_out {
        type nat hook postrouting priority srcnat
        oifname @TAP1@ masquerade
    }
    chain police {
        type filter hook forward priority filter
        policy drop
        ct state invalid counter drop
        ct state established ct mark set @MARK@
        ct state established,related counter accept
        iifname @TAP0@ ct state new accept
    }
}
";

/// The four namespaces.
#[derive(Debug)]
pub struct Lab {
    /// Runs the client.
    pub client: Namespace,
    /// Runs the daemon; its kernel decides.
    pub router: Namespace,
    /// Runs the server.
    pub server: Namespace,
    /// Holds the ends of the wires.
    pub wires: Namespace,
}

impl Lab {
    /// Builds it.
    ///
    /// # Errors
    /// The command that the system refused, or that namespaces need root.
    pub fn new() -> Result<Self, Error> {
        let lab = Self {
            client: Namespace::new("client")?,
            router: Namespace::new("router")?,
            server: Namespace::new("server")?,
            wires: Namespace::new("wires")?,
        };
        for (host, address, router, wire) in
            [(&lab.client, CLIENT, ROUTER, WIRES[0]), (&lab.server, SERVER, "198.51.100.1", WIRES[1])]
        {
            host.connect("eth0", &lab.wires, wire)?;
            host.command(&format!("ip addr add {address}/24 dev eth0"))?;
            host.command(&format!("ip route add default via {router}"))?;
            // The wire's end has no stack of its own to answer with.
            lab.wires.sysctl(&format!("ipv6/conf/{wire}/disable_ipv6"), "1")?;
        }
        for (tap, address) in TAPS.iter().zip([ROUTER, "198.51.100.1"]) {
            lab.router.command(&format!("ip tuntap add dev {tap} mode tap"))?;
            lab.router.command(&format!("ip addr add {address}/24 dev {tap}"))?;
            lab.router.command(&format!("ip link set {tap} up"))?;
        }
        lab.router.sysctl("ipv4/ip_forward", "1")?;
        let rules = RULES
            .replace("@TAP0@", TAPS[0])
            .replace("@TAP1@", TAPS[1])
            .replace("@UDP@", &UDP_PORT.to_string())
            .replace("@SERVER@", SERVER)
            .replace("@SERVICE@", &UDP_SERVICE_PORT.to_string())
            .replace("@MARK@", &OFFLOAD_MARK.to_string());
        lab.router.pipe("nft -f -", &rules)?;
        Ok(lab)
    }
}
