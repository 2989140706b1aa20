//! The thread that owns the card: frames between card, software flowtable and TAP devices, and the orders of the engine.
//!
//! # Contract
//! A frame that the card punts is forwarded by the software flowtable when that knows its flow; otherwise the kernel gets it from the TAP
//! device of its ingress port. What the kernel sends by a TAP device leaves by its port. A frame that finds no room is dropped and
//! counted; while the ring to the card is full, TAP devices are not read, so that the kernel's own queues hold the rest.
//!
//! One thread, no locks: the card's rings are polled, orders come as closures. It sleeps in poll(2) on the card's eventfds, the TAP
//! devices and the orders' eventfd when polling does not pay ([`idle`]).

mod flows;
mod frames;
mod idle;
mod ledger;
mod orders;
mod stats;

use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;
use std::sync::mpsc::Receiver;
use std::time::{Duration, Instant};

use fpgaflow_abi::descriptor::Command;
use fpgaflow_abi::next_hop::MacAddr;
use fpgaflow_abi::{MAX_PORTS, hash::HashSecret};
use fpgaflow_driver::card::{Card, CardError, CommandEvent, Events, PortSettings, Ticket};

use crate::tap::Tap;
use flows::Flows;
use idle::Patience;
use ledger::Ledger;
pub use orders::{CardTarget, choose};
pub use stats::{CardReport, DatapathStats, FrameTotals};

/// Longest sleep: how often a card that says nothing is looked at.
const LONGEST_SLEEP: Duration = Duration::from_millis(200);
/// Longest sleep while the ring to the card is full.
const RING_FULL_SLEEP: Duration = Duration::from_millis(1);
/// No frame for this long at the end means that there are none on their way.
const QUIET: Duration = Duration::from_millis(20);
/// A card that fails so often within [`RECOVERY_WINDOW`] is given up.
const MOST_RECOVERIES: u32 = 3;
/// See [`MOST_RECOVERIES`].
const RECOVERY_WINDOW: Duration = Duration::from_secs(60);

/// Something to be done by the thread.
type Order = Box<dyn FnOnce(&mut Datapath) + Send>;
/// Something to be done when the card has executed a submission.
type Continuation = Box<dyn FnOnce(&mut Datapath) + Send>;

/// How the thread is to work.
#[derive(Debug, Clone, Copy)]
pub struct DatapathSettings {
    /// Longest time to poll before sleeping.
    pub busy_poll: Duration,
    /// See [`PortSettings::tail_drop`].
    pub tail_drop: bool,
    /// Most time to wait at the end for frames on their way.
    pub drain: Duration,
}

/// The state of the thread.
pub struct Datapath {
    card: Card,
    flows: Flows,
    taps: Vec<Tap>,
    ports: [PortSettings; MAX_PORTS],
    settings: DatapathSettings,
    orders: Receiver<Order>,
    wake: Arc<OwnedFd>,
    waiting: Vec<(Ticket, Continuation)>,
    ledger: Ledger,
    events: Events,
    /// A frame of the kernel, from the TAP device of this port, that found the ring full.
    held: Option<(u8, usize)>,
    /// TAP devices that were deleted under us, one bit each.
    lost_taps: u8,
    buffer: Vec<u8>,
    stats: DatapathStats,
    /// Since when it is being closed, and when the last frame was seen since then.
    closing: Option<(Instant, Instant)>,
    recoveries: (u32, Instant),
}

impl Datapath {
    /// Takes over a card that was just opened with `secret`, whose port `n` Linux sees as `taps[n]`.
    fn new(
        mut card: Card,
        secret: HashSecret,
        taps: Vec<Tap>,
        settings: DatapathSettings,
        orders: Receiver<Order>,
        wake: Arc<OwnedFd>,
        stats: DatapathStats,
    ) -> Result<Self, CardError> {
        card.set_lookup(true)?;
        let buffer_bytes = card.geometry().max_frame_bytes as usize;
        Ok(Self {
            flows: Flows::new(card.geometry(), secret),
            card,
            taps,
            ports: Default::default(),
            settings,
            orders,
            wake,
            waiting: Vec::new(),
            ledger: Ledger::default(),
            events: Events::default(),
            held: None,
            lost_taps: 0,
            buffer: vec![0; buffer_bytes],
            stats,
            closing: None,
            recoveries: (0, Instant::now()),
        })
    }

    /// Works until told to close or until the card is lost. The card is shut down when this returns.
    fn run(mut self) -> Result<(), CardError> {
        let mut patience = Patience::new(self.settings.busy_poll);
        loop {
            let mut worked = self.take_orders();
            match self.exchange() {
                Ok(some) => worked |= some,
                Err(error) => self.recover(error)?,
            }
            let now = Instant::now();
            if self.is_closed(now, worked) {
                break;
            }
            if worked {
                patience.worked();
            } else if patience.look_again(now) {
                std::hint::spin_loop();
            } else {
                self.sleep();
            }
        }
        self.report();
        self.card.shut_down()
    }

    /// Moves what frames there are, both ways; whether there were any, or news of commands.
    fn exchange(&mut self) -> Result<bool, CardError> {
        let mut events = std::mem::take(&mut self.events);
        let polled = self.card.poll(Instant::now(), &mut events);
        let worked = !events.frames.is_empty() || !events.commands.is_empty();
        // What came before an error is as good as ever.
        self.take_commands(&events);
        let forwarded = self.take_frames(&mut events);
        self.events = events;
        polled?;
        forwarded?;
        let sent = self.take_from_taps()?;
        self.card.ring_doorbells()?;
        Ok(worked || sent)
    }

    fn take_orders(&mut self) -> bool {
        let mut some = false;
        while let Ok(order) = self.orders.try_recv() {
            order(self);
            some = true;
        }
        some
    }

    fn take_commands(&mut self, events: &Events) {
        for event in &events.commands {
            match event {
                CommandEvent::Failed { opcode, index, status, .. } => {
                    self.stats.add(|totals| totals.commands_failed += 1);
                    tracing::error!(opcode, index, ?status, "the card refused a command");
                }
                CommandEvent::Done { ticket } => {
                    while let Some(at) = self.waiting.iter().position(|(waiting, _)| waiting <= ticket) {
                        let (_, continuation) = self.waiting.swap_remove(at);
                        continuation(self);
                    }
                }
            }
        }
    }

    /// Submits `commands`; `then` runs when the card has executed them.
    fn submit(&mut self, commands: Vec<Command>, then: Option<Continuation>) -> Result<(), CardError> {
        match self.card.submit(commands) {
            Ok(ticket) => {
                self.waiting.extend(then.map(|then| (ticket, then)));
                Ok(())
            }
            // The tables have changed already; a recovery tells the card.
            Err(error) => self.recover(error),
        }
    }

    /// Resets a card that failed and tells it everything again. Whoever waited for it is told that it failed.
    ///
    /// # Errors
    /// When it cannot be helped, or fails too often.
    fn recover(&mut self, error: CardError) -> Result<(), CardError> {
        let now = Instant::now();
        let (count, since) = &mut self.recoveries;
        if now.saturating_duration_since(*since) > RECOVERY_WINDOW {
            (*count, *since) = (0, now);
        }
        *count += 1;
        if *count > MOST_RECOVERIES {
            return Err(error);
        }
        tracing::error!(error = %crate::error::Chain(&error), "the card failed; resetting it");
        self.stats.add(|totals| totals.recoveries += 1);
        self.waiting.clear();
        self.flows.card_was_reset();
        self.card.recover(self.flows.table().image()).map(drop)
    }

    fn set_port_mac(&mut self, port: u8, mac: MacAddr) -> Result<(), CardError> {
        let enabled = self.closing.is_none();
        let settings = PortSettings { mac, enabled, promiscuous: false, tail_drop: self.settings.tail_drop };
        self.set_port(port, settings)
    }

    fn set_port(&mut self, port: u8, settings: PortSettings) -> Result<(), CardError> {
        self.card.set_port(port, settings)?;
        // The card has it, so software has it too.
        let _ = self.flows.software().set_port(port, &settings);
        self.ports[usize::from(port)] = settings;
        Ok(())
    }

    /// Begins to close: no more frames come in, those on their way are still delivered.
    fn close(&mut self) {
        let now = Instant::now();
        self.closing = Some((now, now));
        for port in 0..self.taps.len() as u8 {
            let settings = PortSettings { enabled: false, ..self.ports[usize::from(port)] };
            if let Err(error) = self.card.set_port(port, settings) {
                tracing::error!(port, error = %crate::error::Chain(&error), "cannot disable a port");
            }
        }
    }

    fn is_closed(&mut self, now: Instant, worked: bool) -> bool {
        let Some((since, last)) = &mut self.closing else { return false };
        if worked {
            *last = now;
        }
        now.saturating_duration_since(*last) >= QUIET || now.saturating_duration_since(*since) >= self.settings.drain
    }

    fn sleep(&mut self) {
        // While the ring to the card is full, frames of the kernel cannot be taken: only the card can change that.
        let limit = match (self.held, self.closing) {
            (Some(_), _) => RING_FULL_SLEEP,
            (None, Some(_)) => QUIET,
            (None, None) => LONGEST_SLEEP,
        };
        let usable = |port: &usize| self.held.is_none() && self.lost_taps >> port & 1 == 0;
        let taps = self.taps.iter().enumerate().filter(|(port, _)| usable(port)).map(|(_, tap)| tap.as_fd());
        let descriptors = self.card.eventfds().into_iter().chain([self.wake.as_fd()]).chain(taps);
        if let Err(error) = idle::sleep(descriptors, limit) {
            tracing::error!(%error, "poll");
        }
        for eventfd in self.card.eventfds().into_iter().chain([self.wake.as_fd()]) {
            // Nothing to read means that it was not this one.
            let _ = rustix::io::read(eventfd, &mut [0; 8]);
        }
    }

    /// Publishes what only the card knows.
    fn report(&mut self) {
        let mut report = CardReport::default();
        match self.card.reason_counters() {
            Ok(reasons) => report.reasons = reasons,
            Err(error) => return tracing::warn!(error = %crate::error::Chain(&error), "cannot read the card's counters"),
        }
        for port in 0..self.card.geometry().ports {
            if let Ok(counters) = self.card.port_counters(port) {
                report.ports.push(counters);
            }
        }
        self.stats.publish(report);
    }
}
