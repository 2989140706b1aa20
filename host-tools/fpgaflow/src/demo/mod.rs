//! The demonstration: a client, a router and a server in network namespaces, real TCP and UDP through the verilated card.
//!
//! ```text
//! lab (namespaces, rules) --> card, daemon --> traffic --> live figures --> report
//! ```

mod lab;
mod live;
mod report;
mod traffic;

use std::net::{SocketAddr, TcpListener, UdpSocket};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::{Context, anyhow, bail};
use fpgaflow_sync::config::{Config, PortConfig};
use fpgaflow_sync::daemon::{self, Handle, Summary};
use fpgaflow_sync::error::SyncError;
use fpgaflow_sync::policy::{Mode, Policy};
use fpgaflow_sync::privileges::Rights;

use crate::live_card::{LiveCard, Wire};
use crate::width::Width;
use lab::{CLIENT, Lab, OFFLOAD_MARK, ROUTER, SERVER, TAPS, TCP_PORT, UDP_PORT, UDP_SERVICE_PORT, WIRES};
use report::Report;
pub use traffic::Stop;
use traffic::{Echoes, Progress, Transfer};

/// Time between two looks at the traffic.
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// Longest wait for the daemon to be ready, and for its last counters.
const PATIENCE: Duration = Duration::from_secs(30);

/// How much is moved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Size {
    /// Bytes of the file.
    pub file_bytes: u64,
    /// Datagrams.
    pub datagrams: u64,
}

/// Runs the demonstration on the card of `width`, printing live figures.
///
/// # Errors
/// Whatever kept it from coming to its end, also when `stop` was asked. What it found is judged by [`Report::failure`].
pub fn run(width: Width, size: Size, stop: &Stop) -> anyhow::Result<Report> {
    daemon::check_rights()?;
    println!("building a client, a router and a server in network namespaces");
    let lab = Lab::new()?;
    let card = lab.wires.run(move || {
        let wires = [0, 1].map(|port| Wire { port, interface: WIRES[port].to_owned() });
        LiveCard::start(width.into(), &wires)
    })?;
    println!("starting the daemon on the verilated card");
    let mut router = Router::start(&lab, &card)?;
    let progress = Arc::new(Progress { stop: stop.clone(), ..Progress::default() });
    let outcome = Traffic::start(&lab, size, &progress).and_then(|traffic| {
        traffic.watch(&mut router, &card, size, &progress)?;
        let (transfer, echoes) = traffic.join()?;
        router.wait_for_counters(&echoes);
        Ok((transfer, echoes))
    });
    // The daemon hands its flows back, whatever became of the traffic.
    let summary = router.stop();
    let (transfer, echoes) = outcome?;
    let summary = summary?;
    Ok(Report { transfer, file_bytes: size.file_bytes, echoes, summary, card: card.runner.stop()? })
}

/// The daemon in the router's namespace.
struct Router {
    handle: Handle,
    thread: Option<JoinHandle<Result<Summary, SyncError>>>,
}

impl Router {
    fn start(lab: &Lab, card: &LiveCard) -> anyhow::Result<Self> {
        let config = Config {
            ports: TAPS.map(|name| PortConfig { name: name.to_owned(), mac: None, mtu: None }).into(),
            policy: Policy { mode: Mode::Mark, mark: OFFLOAD_MARK, mask: OFFLOAD_MARK, ..Policy::default() },
            ..Config::default()
        };
        let (handle, reach) = (Handle::default(), card.reach());
        let theirs = handle.clone();
        let thread = lab
            .router
            .spawn("daemon", move || daemon::run(&config, &reach, &theirs, Rights::Keep))
            .context("start the daemon")?;
        let mut router = Self { handle, thread: Some(thread) };
        if router.handle.wait_ready(PATIENCE) {
            return Ok(router);
        }
        router.stop()?;
        bail!("the daemon was not ready within {} s", PATIENCE.as_secs())
    }

    /// Whether it still runs, when it should.
    fn check(&mut self) -> anyhow::Result<()> {
        if self.thread.as_ref().is_some_and(JoinHandle::is_finished) {
            self.stop()?;
            bail!("the daemon ended before the traffic did");
        }
        Ok(())
    }

    /// Waits until the counters, which come once a second, tell of every datagram.
    fn wait_for_counters(&self, echoes: &Echoes) {
        let deadline = Instant::now() + PATIENCE;
        let expected = echoes.sent + echoes.returned;
        while report::udp(&self.handle.snapshot()).total() < expected && Instant::now() < deadline {
            std::thread::sleep(LOOK_EVERY);
        }
    }

    fn stop(&mut self) -> anyhow::Result<Summary> {
        self.handle.shut_down();
        let thread = self.thread.take().ok_or_else(|| anyhow!("the daemon has ended"))?;
        Ok(joined(thread, "daemon")??)
    }
}

/// Client and server at work.
struct Traffic {
    file: JoinHandle<std::io::Result<Transfer>>,
    server: JoinHandle<std::io::Result<()>>,
    datagrams: JoinHandle<std::io::Result<Echoes>>,
    /// Ends the echo service when the datagrams are through.
    echo_stop: Stop,
    echo: JoinHandle<std::io::Result<()>>,
}

impl Traffic {
    fn start(lab: &Lab, size: Size, progress: &Arc<Progress>) -> anyhow::Result<Self> {
        let address = |host: &str, port: u16| -> anyhow::Result<SocketAddr> { Ok(SocketAddr::new(host.parse()?, port)) };
        let service = address(SERVER, TCP_PORT)?;
        let listener = lab.server.run(move || TcpListener::bind(service)).context("listen on the server")?;
        let echo_address = address(SERVER, UDP_SERVICE_PORT)?;
        let echo_socket = lab.server.run(move || UdpSocket::bind(echo_address)).context("bind the server's UDP socket")?;
        let (near, far) = (address(CLIENT, 0)?, address(ROUTER, UDP_PORT)?);
        let socket = lab.client.run(move || UdpSocket::bind(near).and_then(|socket| socket.connect(far).map(|()| socket)));
        let socket = socket.context("connect the client's UDP socket")?;
        let (server, client) = (&lab.server, &lab.client);
        let echo_stop = Stop::default();
        let (theirs, for_file, for_datagrams) = (echo_stop.clone(), Arc::clone(progress), Arc::clone(progress));
        Ok(Self {
            server: server.spawn("file server", move || traffic::serve_file(listener))?,
            echo: server.spawn("echo", move || traffic::serve_echo(&echo_socket, &theirs))?,
            file: client.spawn("file", move || traffic::send_file(service, size.file_bytes, &for_file))?,
            datagrams: client.spawn("datagrams", move || traffic::send_datagrams(&socket, size.datagrams, &for_datagrams))?,
            echo_stop,
        })
    }

    /// Prints live figures until all was sent and answered.
    fn watch(&self, router: &mut Router, card: &LiveCard, size: Size, progress: &Progress) -> anyhow::Result<()> {
        let mut live = live::Live::start(size);
        while !(self.file.is_finished() && self.datagrams.is_finished()) {
            if progress.stop.is_asked() {
                bail!("interrupted");
            }
            router.check()?;
            live.look(progress, &router.handle.snapshot(), card.runner.stats());
            std::thread::sleep(LOOK_EVERY);
        }
        Ok(())
    }

    fn join(self) -> anyhow::Result<(Transfer, Echoes)> {
        let transfer = joined(self.file, "file")?.context("send the file")?;
        joined(self.server, "file server")?.context("receive the file")?;
        let echoes = joined(self.datagrams, "datagrams")?.context("send datagrams")?;
        self.echo_stop.ask();
        joined(self.echo, "echo")?.context("echo datagrams")?;
        Ok((transfer, echoes))
    }
}

/// What a thread returned; a panic was printed by the thread itself.
fn joined<T>(thread: JoinHandle<T>, name: &str) -> anyhow::Result<T> {
    thread.join().map_err(|_| anyhow!("thread {name} panicked"))
}
