//! `fpgaflow offload-sync`: the shipped binary as a router's daemon, and how it refuses what it cannot use. Needs root.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, ChildStderr, Command, Stdio};
use std::time::Duration;

use crate::common::fpgaflow;
use crate::served::Served;
use fpgaflow_netns::Namespace;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

/// The card's wires in the router.
const WIRES: [&str; 4] = ["--wire", "0=wire0", "--wire", "1=wire1"];

/// A router between a client and a server; its interfaces `wire0` and `wire1` are the card's wires.
struct Lab {
    client: Namespace,
    router: Namespace,
    server: Namespace,
}

impl Lab {
    fn new() -> Self {
        let [client, router, server] = ["client", "router", "server"].map(|name| Namespace::new(name).unwrap());
        for (host, wire, address, gateway) in
            [(&client, "wire0", "192.0.2.10", "192.0.2.1"), (&server, "wire1", "198.51.100.10", "198.51.100.1")]
        {
            host.connect("eth0", &router, wire).unwrap();
            host.command(&format!("ip addr add {address}/24 dev eth0")).unwrap();
            host.command(&format!("ip route add default via {gateway}")).unwrap();
            // The wire's end belongs to the card: the router's own stack must not answer there.
            router.sysctl(&format!("ipv4/conf/{wire}/arp_ignore"), "8").unwrap();
            router.sysctl(&format!("ipv6/conf/{wire}/disable_ipv6"), "1").unwrap();
        }
        Self { client, router, server }
    }

    /// Starts the daemon in the router, and lets the router forward.
    fn start_daemon(&self, card: &[&str]) -> Daemon {
        let card: Vec<String> = card.iter().map(ToString::to_string).collect();
        let mut child = self.router.run(move || {
            let mut command = Command::new(env!("CARGO_BIN_EXE_fpgaflow"));
            command.args(["offload-sync", "--json", "--card"]).args(card).stdout(Stdio::piped()).stderr(Stdio::piped());
            command.spawn().unwrap()
        });
        let mut log = BufReader::new(child.stderr.take().unwrap());
        let mut line = String::new();
        while !line.contains("ready") {
            line.clear();
            assert_ne!(log.read_line(&mut line).unwrap(), 0, "the daemon ended before it was ready");
        }
        self.router.command("ip addr add 192.0.2.1/24 dev fpga0").unwrap();
        self.router.command("ip addr add 198.51.100.1/24 dev fpga1").unwrap();
        self.router.sysctl("ipv4/ip_forward", "1").unwrap();
        // Without a rule that needs it, the kernel tracks no connections.
        let ruleset = "table ip t { chain c { type filter hook forward priority 0; ct state invalid drop; }; }";
        self.router.pipe("nft -f -", ruleset).unwrap();
        Daemon { child, log }
    }

    /// A TCP connection from the client to the server: 200 times 1,000 bytes there and back.
    fn talk(&self) {
        let listener = self.server.run(|| TcpListener::bind("198.51.100.10:7")).unwrap();
        let mut near = self.client.run(|| TcpStream::connect("198.51.100.10:7")).unwrap();
        let (mut far, _) = listener.accept().unwrap();
        let mut buffer = [0; 1000];
        for stream in [&near, &far] {
            stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        }
        for round in 0..200 {
            near.write_all(&[round; 1000]).unwrap();
            far.read_exact(&mut buffer).unwrap();
            assert_eq!(buffer, [round; 1000]);
            far.write_all(&buffer).unwrap();
            near.read_exact(&mut buffer).unwrap();
        }
    }
}

/// A daemon that is ready; killed when dropped.
struct Daemon {
    child: Child,
    log: BufReader<ChildStderr>,
}

impl Daemon {
    /// Ends it by SIGTERM after [`Lab::talk`]: it has offloaded that connection and gives it back.
    fn end_after_talk(mut self) {
        kill_process(Pid::from_child(&self.child), Signal::TERM).unwrap();
        let log: Vec<String> = (&mut self.log).lines().map(Result::unwrap).collect();
        let mut said = String::new();
        self.child.stdout.take().unwrap().read_to_string(&mut said).unwrap();
        assert!(self.child.wait().unwrap().success(), "{said} {log:?}");
        let summary: Value = serde_json::from_str(&said).unwrap();
        assert_eq!((&summary["flows_installed"], &summary["flows_removed"]), (&1.into(), &1.into()), "{summary}");
        assert!(summary["packets"]["card"].as_u64().unwrap() > 350, "{summary}");
        assert_eq!((&summary["recoveries"], &summary["frames_lost"]), (&0.into(), &0.into()), "{summary}");
        assert!(log.iter().any(|line| line.contains("handing every flow back")), "{log:?}");
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        // It may have ended as it should.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn the_daemon_offloads_a_connection_and_gives_it_back_at_sigterm() {
    let lab = Lab::new();
    let daemon = lab.start_daemon(&[&["sim"][..], &WIRES].concat());
    lab.talk();
    daemon.end_after_talk();
}

#[test]
fn a_running_daemon_has_no_rights_but_those_it_needs() {
    /// CAP_NET_ADMIN alone, as /proc writes a set.
    const NET_ADMIN: &str = "0000000000001000";
    let lab = Lab::new();
    let daemon = lab.start_daemon(&[&["sim"][..], &WIRES].concat());
    let process = format!("/proc/{}", daemon.child.id());
    let field = |status: &str, name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_else(|| panic!("{name} in {status}"));
        line.trim_start_matches(':').trim().to_owned()
    };
    let mut confined = 0;
    for thread in std::fs::read_dir(format!("{process}/task")).unwrap() {
        let status = std::fs::read_to_string(thread.unwrap().path().join("status")).unwrap();
        assert_eq!(field(&status, "Seccomp"), "2", "a filter holds for every thread: {status}");
        // Threads of card sim, and the one that waits for signals, began before.
        let is_main = field(&status, "Pid") == daemon.child.id().to_string();
        if is_main || field(&status, "Name") == "datapath" {
            confined += 1;
            assert_eq!(field(&status, "NoNewPrivs"), "1", "{status}");
            for set in ["CapEff", "CapPrm", "CapBnd"] {
                assert_eq!(field(&status, set), NET_ADMIN, "{set} in {status}");
            }
        }
    }
    assert_eq!(confined, 2, "control loop and datapath");
    lab.talk();
    daemon.end_after_talk();
}

#[test]
fn the_card_of_another_process_offloads_too_for_one_daemon_after_another() {
    let lab = Lab::new();
    let dir = tempfile::tempdir().unwrap();
    let its_dir = dir.path().to_owned();
    let mut served = lab.router.run(move || Served::start(&its_dir, &WIRES));
    for _ in 0..2 {
        let daemon = lab.start_daemon(&[&served.card()]);
        lab.talk();
        daemon.end_after_talk();
        served.await_line("client left");
        lab.router.command("nft flush ruleset").unwrap();
        // The next daemon's ports have other addresses.
        for host in [&lab.client, &lab.server] {
            host.command("ip neigh flush all").unwrap();
        }
    }
    let (status, _) = served.end(Signal::TERM);
    assert!(status.success());
}

#[test]
fn what_cannot_be_used_is_refused_in_one_line() {
    let dir = tempfile::tempdir().unwrap();
    let config = dir.path().join("daemon.toml").display().to_string();
    std::fs::write(&config, "[policy]\nmodus = \"all\"\n").unwrap();
    let cases: [(&[&str], String); 6] = [
        (&["--card", "sim", "--config", &config], format!("{config}: policy.modus: unknown field `modus`")),
        (&["--card", "sim", "--config", "/nonexistent.toml"], "read /nonexistent.toml: ".to_owned()),
        (&["--card", "sim"], "port 0 of card sim has 0 wires; say --wire 0=INTERFACE once".to_owned()),
        (
            &["--card", "sim", "--wire", "0=nothere", "--wire", "1=lo"],
            "attach port 0 of card sim to interface nothere: No such device".to_owned(),
        ),
        (
            &["--card", "vfio-user:/nonexistent.sock", "--wire", "0=lo"],
            "--wire is for card sim; the wires of card vfio-user:/nonexistent.sock are its own".to_owned(),
        ),
        (&["--card", "pci:0000:ff:1f.7"], "find the PCI function on card pci:0000:ff:1f.7: ".to_owned()),
    ];
    for (arguments, message) in cases {
        let run = fpgaflow(&[&["offload-sync"], arguments].concat());
        let said = String::from_utf8(run.stderr).unwrap();
        assert_eq!(run.status.code(), Some(1), "{message}: {said}");
        assert!(said.starts_with(&format!("fpgaflow: {message}")) && said.lines().count() == 1, "{said}\n{message}");
    }
}

#[test]
fn missing_rights_are_said_in_one_line_with_the_remedy() {
    for arguments in [&["offload-sync", "--card", "sim"][..], &["demo"]] {
        let run = Command::new("setpriv")
            .args(["--bounding-set", "-all", "--inh-caps", "-all", env!("CARGO_BIN_EXE_fpgaflow")])
            .args(arguments)
            .output()
            .unwrap();
        let said = String::from_utf8(run.stderr).unwrap();
        assert_eq!(run.status.code(), Some(1), "{said}");
        assert!(said.starts_with("fpgaflow: ") && said.contains("needs CAP_NET_ADMIN: run as root, or"), "{said}");
        assert_eq!(said.lines().count(), 1, "{said}");
    }
}
