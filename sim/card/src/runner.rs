//! Live traffic: a thread that clocks a card whose ports are network interfaces.
//!
//! The card runs as fast as it can while anything moves and sleeps when nothing has for a while; a frame, a register write or the
//! sleep's end wakes it. Its clock counter therefore counts work, not time.

use std::io;
use std::os::fd::AsFd;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use crate::card::Card;
use crate::ports::PortIo;
use crate::transport::CosimTransport;

/// Clocks between two looks at the outside.
const SLICE_CLOCKS: u64 = 512;
/// Idle clocks before sleeping: enough for every pipeline, ring and moderation timer to come to rest.
const REST_CLOCKS: u64 = 8_192;
/// Longest sleep.
const SLEEP: Timespec = Timespec { tv_sec: 0, tv_nsec: 2_000_000 };
/// Frames taken from an interface while so many wait to be received: the rest stays in the interface's own queue.
const RX_BACKLOG: usize = 64;

/// What a runner has done.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RunnerStats {
    /// Clocks that the card ran.
    pub clocks: u64,
    /// Time in which it ran them; sleeping is not counted.
    pub busy: Duration,
    /// Frames that an interface lost because the card did not take them in time.
    pub rx_lost: u64,
    /// Frames that an interface did not take from the card.
    pub tx_lost: u64,
}

#[derive(Debug, Default)]
struct Shared {
    stop: AtomicBool,
    clocks: AtomicU64,
    busy_ns: AtomicU64,
    rx_lost: AtomicU64,
    tx_lost: AtomicU64,
    failure: Mutex<Option<io::Error>>,
}

/// Clocks a card until dropped or stopped.
#[derive(Debug)]
pub struct Runner {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

impl Runner {
    /// Starts clocking the card of `transport`, its port `n` attached to `ports[n]`.
    ///
    /// # Errors
    /// What the operating system said to a new thread.
    pub fn start(transport: Arc<CosimTransport>, mut ports: Vec<Box<dyn PortIo>>) -> io::Result<Self> {
        let shared = Arc::new(Shared::default());
        let theirs = Arc::clone(&shared);
        let thread = std::thread::Builder::new().name("card".to_owned()).spawn(move || {
            if let Err(error) = run(&transport, &mut ports, &theirs) {
                tracing::error!(%error, "the verilated card stopped");
                *theirs.failure.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = Some(error);
            }
        })?;
        Ok(Self { shared, thread: Some(thread) })
    }

    /// What it has done so far.
    pub fn stats(&self) -> RunnerStats {
        RunnerStats {
            clocks: self.shared.clocks.load(Ordering::Relaxed),
            busy: Duration::from_nanos(self.shared.busy_ns.load(Ordering::Relaxed)),
            rx_lost: self.shared.rx_lost.load(Ordering::Relaxed),
            tx_lost: self.shared.tx_lost.load(Ordering::Relaxed),
        }
    }

    /// Stops clocking.
    ///
    /// # Errors
    /// The error of a port that had stopped the card before.
    pub fn stop(mut self) -> io::Result<RunnerStats> {
        self.join();
        match self.shared.failure.lock().unwrap_or_else(std::sync::PoisonError::into_inner).take() {
            Some(error) => Err(error),
            None => Ok(self.stats()),
        }
    }

    fn join(&mut self) {
        self.shared.stop.store(true, Ordering::Release);
        if let Some(thread) = self.thread.take() {
            // A panic was already printed by its thread.
            let _ = thread.join();
        }
    }
}

impl Drop for Runner {
    fn drop(&mut self) {
        self.join();
    }
}

fn run(transport: &CosimTransport, ports: &mut [Box<dyn PortIo>], shared: &Shared) -> io::Result<()> {
    while !shared.stop.load(Ordering::Acquire) {
        let Some(mut card) = transport.card_unless_wanted() else {
            std::thread::yield_now();
            continue;
        };
        let begun = Instant::now();
        let first_clock = card.clocks();
        let lost = slice(&mut card, ports)?;
        if lost.rx + lost.tx > 0 {
            tracing::warn!(rx = lost.rx, tx = lost.tx, "interfaces of the verilated card lost frames");
        }
        let clocks = card.clocks() - first_clock;
        let resting = card.idle_clocks() > REST_CLOCKS;
        drop(card);
        shared.clocks.fetch_add(clocks, Ordering::Relaxed);
        shared.rx_lost.fetch_add(lost.rx, Ordering::Relaxed);
        shared.tx_lost.fetch_add(lost.tx, Ordering::Relaxed);
        shared.busy_ns.fetch_add(begun.elapsed().as_nanos() as u64, Ordering::Relaxed);
        if resting {
            sleep(transport, ports)?;
        }
    }
    Ok(())
}

/// Frames that interfaces lost.
#[derive(Debug, Default)]
struct Lost {
    rx: u64,
    tx: u64,
}

/// Frames in, some clocks, frames out; how many were lost on the way.
fn slice(card: &mut Card, ports: &mut [Box<dyn PortIo>]) -> io::Result<Lost> {
    let mut lost = Lost::default();
    for (index, port) in ports.iter_mut().enumerate() {
        while card.receive_waiting(index) < RX_BACKLOG {
            let Some(frame) = port.receive()? else { break };
            card.receive(index, frame);
        }
        lost.rx += port.take_overruns()?;
    }
    card.run(SLICE_CLOCKS);
    for (index, port) in ports.iter_mut().enumerate() {
        while let Some(frame) = card.sent(index) {
            lost.tx += u64::from(!port.transmit(&frame.bytes)?);
        }
    }
    Ok(lost)
}

/// Sleeps until a frame, a register write, or the longest sleep.
fn sleep(transport: &CosimTransport, ports: &[Box<dyn PortIo>]) -> io::Result<()> {
    let doorbell = transport.doorbell();
    let mut fds = vec![PollFd::from_borrowed_fd(doorbell.as_fd(), PollFlags::IN)];
    fds.extend(ports.iter().filter_map(|port| port.readable()).map(|fd| PollFd::from_borrowed_fd(fd, PollFlags::IN)));
    match poll(&mut fds, Some(&SLEEP)) {
        Ok(_) | Err(rustix::io::Errno::INTR) => {}
        Err(error) => return Err(error.into()),
    }
    let mut counter = [0; 8];
    // Empty when something else woke us.
    let _ = rustix::io::read(doorbell, &mut counter);
    Ok(())
}
