//! A card behind a vfio-user socket whose server ends, is killed, and comes back.

use std::net::UdpSocket;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use fpgaflow_card::Width;
use fpgaflow_driver::transport::spec::CardSpec;
use fpgaflow_driver::transport::vfio_user::client::PATIENCE;
use fpgaflow_driver::transport::{self, Reach};
use fpgaflow_netns::Namespace;
use fpgaflow_sync::datapath::CardStatus;
use fpgaflow_tests::{RouterLab, run_card, verilated};
use fpgaflow_vfio_user::Server;
use rustix::process::{Pid, Signal, kill_process};

use crate::campaign::{NOTICED_WITHIN, config, conntrack_id};
use crate::echo::Echo;

/// Tells this program which socket to serve.
const SOCKET: &str = "FPGAFLOW_FAULTS_SOCKET";

/// Not a test by itself: the server of the others, in a process of its own. It is this program, so that no other binary has to be built
/// and found first; ignored, because without a test that names its socket it has nothing to serve.
#[test]
#[ignore = "the server of the other tests, which start it"]
fn serve_a_card() {
    let path = PathBuf::from(std::env::var(SOCKET).expect("the test that starts this names the socket"));
    let card = verilated(Width::Bits64);
    let _runner = run_card(Arc::clone(&card));
    Server::bind(&path, card).unwrap().serve().unwrap();
}

/// A server in a process of its own, in the namespace of the card's wires.
struct Process(Child);

impl Process {
    fn start(wires: &Namespace, socket: &Path) -> Self {
        let socket = socket.to_owned();
        // A process inherits the namespace of the thread that starts it.
        let start = move || {
            let mut command = Command::new(std::env::current_exe().unwrap());
            command.args(["--exact", "server::serve_a_card", "--ignored"]).env(SOCKET, &socket);
            let child = command.stdout(Stdio::null()).spawn().unwrap();
            let deadline = Instant::now() + Duration::from_secs(60);
            while std::os::unix::net::UnixStream::connect(&socket).is_err() {
                assert!(Instant::now() < deadline, "the server does not come up");
                std::thread::sleep(Duration::from_millis(5));
            }
            child
        };
        Self(wires.run(start))
    }

    /// SIGSTOP and SIGCONT: it is there, and does nothing.
    fn signal(&self, signal: Signal) {
        let pid = Pid::from_child(&self.0);
        kill_process(pid, signal).unwrap();
    }

    /// SIGKILL: nothing is tidied up.
    fn kill(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may be dead already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Opens the card behind `socket`.
fn reach(socket: &Path) -> Reach {
    let spec = CardSpec::VfioUser(socket.to_owned());
    Arc::new(move || transport::open(&spec))
}

/// A router whose card is behind `socket`, served by a process.
fn lab(socket: &Path) -> (RouterLab, Process) {
    let mut process = None;
    let lab = RouterLab::new(config(), |wires| {
        process = Some(Process::start(wires, socket));
        reach(socket)
    });
    (lab, process.expect("the lab asks for its card"))
}

/// The stream of a router, in the card.
struct Stream<'a> {
    lab: &'a RouterLab,
    echo: Echo,
    conntrack_id: String,
}

impl<'a> Stream<'a> {
    fn start(lab: &'a RouterLab) -> Self {
        let echo = Echo::start(lab);
        lab.wait_for("the stream in the card", |snapshot| snapshot.in_card == 1 && snapshot.totals.card_packets > 0);
        Self { lab, echo, conntrack_id: conntrack_id(lab) }
    }

    /// How long the daemon takes to find the card gone that broke at `broken`.
    fn wait_until_absent(&self, broken: Instant) -> Duration {
        self.lab.wait_until("the card to be found gone", || self.lab.handle.card_status() == CardStatus::Absent);
        broken.elapsed()
    }

    /// Waits until the card forwards again that broke at `broken` and was mended at `mended`, and says how long it took.
    fn wait_until_back(&self, fault: &str, broken: Instant, noticed: Duration, mended: Instant) {
        let lab = self.lab;
        lab.wait_until("the card to be back", || lab.handle.card_status() == CardStatus::Attached);
        let (attached, back) = (mended.elapsed(), Instant::now());
        lab.wait_until("the stream to go on", || self.echo.answered_since(back).is_some());
        let before = lab.handle.snapshot().totals.card_packets;
        lab.wait_for("the card to forward", |snapshot| snapshot.totals.card_packets > before + 100);
        println!(
            "{fault}: noticed after {} ms, card told everything {} ms after it was there again; longest silence {} ms",
            noticed.as_millis(),
            attached.as_millis(),
            self.echo.longest_silence(broken).as_millis()
        );
    }

    /// Ends the stream; nothing of it arrived wrong, and it is one connection.
    fn finish(self) {
        let wrong = self.echo.stop();
        assert!(wrong.is_empty(), "{} datagrams arrived wrong, the first: {}", wrong.len(), wrong[0]);
        assert_eq!(conntrack_id(self.lab), self.conntrack_id, "conntrack has another connection than before");
        assert_eq!(self.lab.invalid_packets(), 0, "the kernel found packets invalid");
    }
}

#[test]
fn a_server_that_is_killed_and_started_again_gets_every_flow_back() {
    let dir = tempfile::tempdir().unwrap();
    let socket = dir.path().join("card.sock");
    let (lab, mut process) = lab(&socket);
    let stream = Stream::start(&lab);
    for _ in 0..2 {
        let killed = Instant::now();
        process.kill();
        let noticed = stream.wait_until_absent(killed);
        assert!(noticed < NOTICED_WITHIN, "noticed after {noticed:?}");
        // The daemon goes on following what the router itself does.
        let tracked = lab.handle.snapshot().tracked;
        lab.router.run(|| UdpSocket::bind("127.0.0.1:0").unwrap().send_to(b"hello", "127.0.0.1:9").unwrap());
        lab.wait_for("conntrack's events", |snapshot| snapshot.tracked > tracked);
        assert_eq!(lab.handle.snapshot().in_card, 1, "the flow keeps its place");

        let started = Instant::now();
        process = Process::start(&lab.wires, &socket);
        stream.wait_until_back("server killed", killed, noticed, started);
    }
    stream.finish();
    assert_eq!(lab.stop().frames.absences, 2);
}

#[test]
fn a_server_that_answers_nothing_is_left_and_connected_again_when_it_answers() {
    let dir = tempfile::tempdir().unwrap();
    let socket = dir.path().join("card.sock");
    let (lab, process) = lab(&socket);
    let stream = Stream::start(&lab);
    let stopped = Instant::now();
    process.signal(Signal::STOP);
    let noticed = stream.wait_until_absent(stopped);
    assert!(noticed < PATIENCE + 2 * NOTICED_WITHIN, "noticed after {noticed:?}");
    process.signal(Signal::CONT);
    stream.wait_until_back("server hangs", stopped, noticed, Instant::now());
    stream.finish();
    assert_eq!(lab.stop().frames.absences, 1);
}

#[test]
fn a_socket_that_closes_is_connected_again() {
    let dir = tempfile::tempdir().unwrap();
    let socket = dir.path().join("card.sock");
    let card = verilated(Width::Bits64);
    let serve = || {
        let server = Server::bind(&socket, Arc::clone(&card)).unwrap();
        let stopper = server.stopper();
        (std::thread::spawn(move || server.serve().unwrap()), stopper)
    };
    let (serving, stopper) = serve();
    let mut runner = None;
    let lab = RouterLab::new(config(), |wires| {
        let theirs = Arc::clone(&card);
        runner = Some(wires.run(move || run_card(theirs)));
        reach(&socket)
    });
    let stream = Stream::start(&lab);
    let closed = Instant::now();
    stopper.stop();
    serving.join().unwrap();
    let noticed = stream.wait_until_absent(closed);
    assert!(noticed < NOTICED_WITHIN, "noticed after {noticed:?}");
    let (mended, (serving, stopper)) = (Instant::now(), serve());
    stream.wait_until_back("socket closed", closed, noticed, mended);
    stream.finish();
    assert_eq!(lab.stop().frames.absences, 1);
    stopper.stop();
    serving.join().unwrap();
    runner.expect("the lab asks for its card").stop().unwrap();
}
