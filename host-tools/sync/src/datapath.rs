//! The thread that owns the card: frames between card, software flowtable and TAP devices, and the orders of the engine.
//!
//! # Contract
//! A frame that the card punts is forwarded by the software flowtable when that knows its flow; otherwise the kernel gets it from the TAP
//! device of its ingress port. What the kernel sends by a TAP device leaves by its port. A frame that finds no room is dropped and
//! counted; while the ring to the card is full, TAP devices are not read, so that the kernel's own queues hold the rest. A card that
//! fails or is gone ends nothing: see [`care`].
//!
//! One thread, no locks: the card's rings are polled, orders come as closures. It sleeps in poll(2) on the card's eventfds, the TAP
//! devices and the orders' eventfd when polling does not pay ([`idle`]).

mod care;
mod flows;
mod frames;
mod idle;
mod ledger;
mod link;
mod orders;
mod rekey;
mod stats;

use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;
use std::sync::mpsc::Receiver;
use std::time::{Duration, Instant};

use fpgaflow_abi::descriptor::{Command, Vector};
use fpgaflow_abi::next_hop::MacAddr;
use fpgaflow_abi::{MAX_PORTS, hash::HashSecret};
use fpgaflow_driver::card::{Card, CardError, CommandEvent, Events, Options, PortSettings, Ticket};
use fpgaflow_driver::switchover::Switchover;
use fpgaflow_driver::transport::Reach;

use crate::tap::Tap;
use care::Care;
use flows::Flows;
use idle::Patience;
use ledger::Ledger;
use link::{Link, Opening};
pub use orders::{CardTarget, choose};
pub use stats::{CardReport, CardStatus, DatapathStats, FrameTotals};

/// Longest sleep: how often a card that says nothing is looked at.
const LONGEST_SLEEP: Duration = Duration::from_millis(200);
/// Longest sleep while the ring to the card is full.
const RING_FULL_SLEEP: Duration = Duration::from_millis(1);
/// No frame for this long at the end means that there are none on their way.
const QUIET: Duration = Duration::from_millis(20);

/// Something to be done by the thread.
type Order = Box<dyn FnOnce(&mut Datapath) + Send>;
/// Something to be done when the card has executed a submission, or failed before.
type Continuation = Box<dyn FnOnce(&mut Datapath, Fate) + Send>;

/// What became of a submission.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    /// The card has executed it.
    Executed,
    /// The card failed; it is told everything again, but nobody will know of this submission.
    Lost,
}

/// How the thread is to work.
#[derive(Debug, Clone, Copy)]
pub struct DatapathSettings {
    /// Longest time to poll before sleeping.
    pub busy_poll: Duration,
    /// See [`PortSettings::tail_drop`].
    pub tail_drop: bool,
    /// Most time to wait at the end for frames on their way.
    pub drain: Duration,
    /// How long a card that fails again and again is given no commands.
    pub rest: Duration,
    /// How the card was opened, and is opened again.
    pub options: Options,
}

/// The state of the thread.
pub struct Datapath {
    link: Link,
    care: Care,
    flows: Flows,
    taps: Vec<Tap>,
    ports: [PortSettings; MAX_PORTS],
    /// Whether the card is to look frames up.
    lookup: bool,
    settings: DatapathSettings,
    orders: Receiver<Order>,
    wake: Arc<OwnedFd>,
    waiting: Vec<(Ticket, Continuation)>,
    /// The card is on its way to another secret.
    switchover: Option<Switchover>,
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
}

impl Datapath {
    /// Takes over a card that was just opened by `reach` with `secret`, whose port `n` Linux sees as `taps[n]`.
    #[expect(clippy::too_many_arguments, reason = "each is one part of what the thread owns")]
    fn new(
        mut card: Card,
        reach: Reach,
        secret: HashSecret,
        taps: Vec<Tap>,
        settings: DatapathSettings,
        orders: Receiver<Order>,
        wake: Arc<OwnedFd>,
        stats: DatapathStats,
    ) -> Result<Self, CardError> {
        card.set_lookup(true)?;
        let geometry = *card.geometry();
        let opening = Opening { reach, options: settings.options, geometry };
        Ok(Self {
            flows: Flows::new(&geometry, secret),
            link: Link::new(card, opening, Arc::clone(&wake)),
            care: Care::new(Instant::now()),
            taps,
            ports: Default::default(),
            lookup: true,
            settings,
            orders,
            wake,
            waiting: Vec::new(),
            switchover: None,
            ledger: Ledger::default(),
            events: Events::default(),
            held: None,
            lost_taps: 0,
            buffer: vec![0; geometry.max_frame_bytes as usize],
            stats,
            closing: None,
        })
    }

    /// Works until told to close. The card is shut down when this returns, if it is there.
    fn run(mut self) -> Result<(), CardError> {
        let mut patience = Patience::new(self.settings.busy_poll);
        loop {
            let mut worked = self.take_orders();
            match self.exchange() {
                Ok(some) => worked |= some,
                Err(error) => self.card_failed(error),
            }
            let now = Instant::now();
            worked |= self.go_on_rekeying(now);
            worked |= self.tend(now);
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
        self.link.into_card().map_or(Ok(()), Card::shut_down)
    }

    /// Moves what frames there are, both ways; whether there were any, or news of commands.
    fn exchange(&mut self) -> Result<bool, CardError> {
        let Some(card) = self.link.card_mut() else { return self.take_from_taps() };
        let mut events = std::mem::take(&mut self.events);
        let polled = card.poll(Instant::now(), &mut events);
        let worked = !events.frames.is_empty() || !events.commands.is_empty();
        // What came before an error is as good as ever.
        self.take_commands(&events);
        let forwarded = self.take_frames(&mut events);
        self.events = events;
        polled?;
        forwarded?;
        let sent = self.take_from_taps()?;
        if let Some(card) = self.link.card_mut() {
            card.ring_doorbells()?;
        }
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
        if !events.repaired.is_empty() {
            self.stats.add(|totals| totals.repairs += events.repaired.len() as u64);
        }
        for event in &events.commands {
            match event {
                CommandEvent::Failed { opcode, index, status, .. } => {
                    self.stats.add(|totals| totals.commands_failed += 1);
                    tracing::error!(opcode, index, ?status, "the card refused a command");
                }
                CommandEvent::Done { ticket } => {
                    while let Some(at) = self.waiting.iter().position(|(waiting, _)| waiting <= ticket) {
                        let (_, continuation) = self.waiting.swap_remove(at);
                        continuation(self, Fate::Executed);
                    }
                }
            }
        }
    }

    /// Submits `commands`; `then` runs when the card has executed them. While the card takes none, they are as good as lost: the
    /// tables have changed already, and the card is told of that when it is back.
    fn submit(&mut self, commands: Vec<Command>, then: Option<Continuation>) {
        let submitted = self.link.commanded().map(|card| card.submit(commands));
        match (submitted, then) {
            (Some(Ok(ticket)), then) => self.waiting.extend(then.map(|then| (ticket, then))),
            (lost, then) => {
                if let Some(Err(error)) = lost {
                    self.card_failed(error);
                }
                if let Some(then) = then {
                    then(self, Fate::Lost);
                }
            }
        }
    }

    fn set_port_mac(&mut self, port: u8, mac: MacAddr) -> Result<(), CardError> {
        let enabled = self.closing.is_none();
        let settings = PortSettings { mac, enabled, promiscuous: false, tail_drop: self.settings.tail_drop };
        self.set_port(port, settings)
    }

    fn set_port(&mut self, port: u8, settings: PortSettings) -> Result<(), CardError> {
        self.tell(|card| card.set_port(port, settings))?;
        // The card has it, so software has it too.
        let _ = self.flows.software().set_port(port, &settings);
        if let Some(kept) = self.ports.get_mut(usize::from(port)) {
            *kept = settings;
        }
        Ok(())
    }

    /// Begins to close: no more frames come in, those on their way are still delivered.
    fn close(&mut self) {
        let now = Instant::now();
        self.closing = Some((now, now));
        for port in 0..self.taps.len() as u8 {
            let settings = PortSettings { enabled: false, ..self.ports[usize::from(port)] };
            if let Some(card) = self.link.card_mut()
                && let Err(error) = card.set_port(port, settings)
            {
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
        let descriptors = self.link.eventfds().chain([self.wake.as_fd()]).chain(taps);
        if let Err(error) = idle::sleep(descriptors, limit) {
            tracing::error!(%error, "poll");
        }
        for (vector, eventfd) in self.link.eventfds().enumerate() {
            // Nothing to read means that it was not this one.
            let signalled = rustix::io::read(eventfd, &mut [0; 8]).is_ok();
            self.care.event |= signalled && vector == Vector::Event as usize;
        }
        // Likewise.
        let _ = rustix::io::read(self.wake.as_fd(), &mut [0; 8]);
    }

    /// Publishes what only the card knows.
    fn report(&mut self) {
        let Some(card) = self.link.card() else { return };
        let mut report = CardReport::default();
        match card.reason_counters() {
            Ok(reasons) => report.reasons = reasons,
            Err(error) => return tracing::warn!(error = %crate::error::Chain(&error), "cannot read the card's counters"),
        }
        for port in 0..card.geometry().ports {
            if let Ok(counters) = card.port_counters(port) {
                report.ports.push(counters);
            }
        }
        self.stats.publish(report);
    }
}
