//! The engine's end: a [`FlowTarget`] whose methods are orders to the datapath's thread.

use std::io;
use std::ops::Range;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;
use std::sync::mpsc::{Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use fpgaflow_abi::counters::CounterRecord;
use fpgaflow_abi::entry::Entry;
use fpgaflow_abi::geometry::Geometry;
use fpgaflow_abi::hash::HashSecret;
use fpgaflow_abi::key::{Family, FlowKey};
use fpgaflow_abi::next_hop::{MacAddr, NextHop};
use fpgaflow_abi::slot::EntryRef;
use fpgaflow_driver::card::{Card, CardError, Ticket};
use fpgaflow_driver::hash::choose_secret;
use fpgaflow_driver::transport::Reach;
use rustix::event::{EventfdFlags, eventfd};

use super::{Continuation, Datapath, DatapathSettings, DatapathStats, Fate, Order};
use crate::tap::Tap;
use crate::target::{Counts, FlowId, FlowTarget, Placed, TargetError};

/// At least this long between two new secrets of the hash.
const REKEY_PAUSE: Duration = Duration::from_secs(60);

/// A card whose frames and orders a thread of its own handles.
pub struct CardTarget {
    geometry: Geometry,
    orders: Sender<Order>,
    wake: Arc<OwnedFd>,
    /// Taken when it is waited for.
    thread: Option<JoinHandle<Result<(), CardError>>>,
    rekeyed: Option<Instant>,
    draw: fn() -> io::Result<HashSecret>,
}

/// The way back for an answer; dropped without one, the order failed.
type Answer<R> = Sender<Result<R, TargetError>>;

impl CardTarget {
    /// Starts the thread, in the caller's network namespace. `card` was opened with `secret` and by `reach`, which opens it again when it
    /// was gone; port `n` of it is `taps[n]`; `draw` gives new secrets; `on_end` is called when the thread ends, however it does.
    ///
    /// # Errors
    /// What the system said to a new eventfd or thread, or the card's answer to the first settings.
    #[expect(clippy::too_many_arguments, reason = "each is one part of what the thread owns")]
    pub fn start(
        card: Card,
        reach: Reach,
        secret: HashSecret,
        taps: Vec<Tap>,
        settings: DatapathSettings,
        stats: DatapathStats,
        draw: fn() -> io::Result<HashSecret>,
        on_end: impl FnOnce() + Send + 'static,
    ) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        let wake = Arc::new(eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK).map_err(io::Error::from)?);
        let (orders, inbox) = channel();
        let geometry = *card.geometry();
        let datapath = Datapath::new(card, reach, secret, taps, settings, inbox, Arc::clone(&wake), stats)?;
        let thread = std::thread::Builder::new().name("datapath".into()).spawn(move || {
            let ended = datapath.run();
            on_end();
            ended
        })?;
        Ok(Self { geometry, orders, wake, thread: Some(thread), rekeyed: None, draw })
    }

    /// Delivers the frames that are on their way, then shuts the card down.
    ///
    /// # Errors
    /// Why the card was lost, if it was, or did not shut down.
    pub fn stop(mut self) -> Result<(), CardError> {
        match self.join() {
            Some(Err(panic)) => std::panic::resume_unwind(panic),
            Some(Ok(ended)) => ended,
            None => Ok(()),
        }
    }

    fn join(&mut self) -> Option<std::thread::Result<Result<(), CardError>>> {
        let thread = self.thread.take()?;
        self.order(Box::new(Datapath::close));
        Some(thread.join())
    }

    fn order(&self, order: Order) {
        // A thread that has ended answers nothing; whoever waits for an answer sees that.
        if self.orders.send(order).is_ok() {
            // A full counter is a wake-up that is still to be seen.
            let _ = rustix::io::write(self.wake.as_fd(), &1u64.to_ne_bytes());
        }
    }

    /// Has the thread do something and waits for its answer.
    fn ask<R: Send + 'static>(
        &self,
        operation: &'static str,
        order: impl FnOnce(&mut Datapath, Answer<R>) + Send + 'static,
    ) -> Result<R, TargetError> {
        let (answer, answered) = channel();
        self.order(Box::new(move |datapath| order(datapath, answer)));
        answered.recv().unwrap_or_else(|_| {
            Err(TargetError::Card { operation, source: Box::new(io::Error::other("the card failed or was lost")) })
        })
    }

    /// As [`CardTarget::ask`], for what is answered at once.
    fn call<R: Send + 'static>(
        &self,
        operation: &'static str,
        order: impl FnOnce(&mut Datapath) -> Result<R, TargetError> + Send + 'static,
    ) -> Result<R, TargetError> {
        self.ask(operation, |datapath, answer| {
            // Whoever asked waits.
            let _ = answer.send(order(datapath));
        })
    }

    /// Gives the card's hash a new secret when keys are refused that should find a place.
    fn rekey_when_due(&mut self) -> Result<(), TargetError> {
        if self.rekeyed.is_some_and(|at| at.elapsed() < REKEY_PAUSE) {
            return Ok(());
        }
        let (draw, bucket_bits) = (self.draw, self.geometry.bucket_bits.into());
        let rekeyed = self.call("give the hash a new secret", move |datapath| {
            // A card that is gone is opened with the secret that its tables have.
            if datapath.link.commanded().is_none() || datapath.is_rekeying() || !datapath.flows.wants_rekey() {
                return Ok(false);
            }
            datapath.begin_rekey(choose(draw, bucket_bits).map_err(failed("draw a secret"))?).map_err(failed("rekey"))?;
            Ok(true)
        })?;
        if rekeyed {
            self.rekeyed = Some(Instant::now());
        }
        Ok(())
    }
}

impl Drop for CardTarget {
    fn drop(&mut self) {
        // Whoever wants to know how it ended calls `stop`.
        let _ = self.join();
    }
}

/// The best of many secrets.
///
/// # Errors
/// When there is no randomness.
pub fn choose(draw: fn() -> io::Result<HashSecret>, bucket_bits: u32) -> io::Result<HashSecret> {
    let mut failure = None;
    let fallback = draw()?;
    let drawn = || {
        draw().unwrap_or_else(|error| {
            failure = Some(error);
            fallback
        })
    };
    let secret = choose_secret(drawn, bucket_bits);
    failure.map_or(Ok(secret), Err)
}

fn failed<E: std::error::Error + Send + Sync + 'static>(operation: &'static str) -> impl FnOnce(E) -> TargetError {
    move |source| TargetError::Card { operation, source: Box::new(source) }
}

impl Datapath {
    /// Reads the counters of `ranges`, then `then`.
    fn read_counters(&mut self, ranges: impl IntoIterator<Item = (Family, Range<u32>)>, then: Continuation) {
        let mut outcome = Ok(None::<Ticket>);
        if let Some(card) = self.link.commanded() {
            for (family, range) in ranges {
                outcome = outcome.and_then(|_| card.read_counters(family, range).map(Some));
            }
        }
        match outcome {
            Ok(Some(ticket)) => self.waiting.push((ticket, then)),
            // There is nothing to read, or nobody to read it.
            Ok(None) => then(self, Fate::Lost),
            Err(error) => {
                self.card_failed(error);
                then(self, Fate::Lost);
            }
        }
    }

    /// A counter as it was just read; `None` when it was not.
    fn counter(&self, fate: Fate, entry: EntryRef) -> Option<CounterRecord> {
        self.link.card().filter(|_| fate == Fate::Executed)?.counter(entry)
    }
}

impl FlowTarget for CardTarget {
    fn geometry(&self) -> Geometry {
        self.geometry
    }

    fn write_next_hop(&mut self, id: u16, hop: &NextHop) -> Result<(), TargetError> {
        const OPERATION: &str = "write a next hop";
        let hop = *hop;
        self.call(OPERATION, move |datapath| {
            let mut commands = Vec::new();
            datapath.flows.write_next_hop(id, &hop, &mut commands)?;
            datapath.submit(commands, None);
            Ok(())
        })
    }

    fn set_port_mac(&mut self, port: u8, mac: MacAddr) -> Result<(), TargetError> {
        const OPERATION: &str = "set a port's Ethernet address";
        self.call(OPERATION, move |datapath| datapath.set_port_mac(port, mac).map_err(failed(OPERATION)))
    }

    fn install(&mut self, id: FlowId, flow: &[Entry; 2]) -> Result<Placed, TargetError> {
        const OPERATION: &str = "install a flow";
        let flow = *flow;
        self.call(OPERATION, move |datapath| {
            let mut commands = Vec::new();
            let placed = datapath.flows.install(id, &flow, &mut commands)?;
            if !commands.is_empty() {
                datapath.submit(commands, None);
            }
            Ok(placed)
        })
    }

    fn promote(&mut self, id: FlowId) -> Result<Placed, TargetError> {
        const OPERATION: &str = "move a flow into the card";
        self.call(OPERATION, move |datapath| {
            let mut commands = Vec::new();
            let placed = datapath.flows.promote(id, &mut commands);
            if !commands.is_empty() {
                datapath.submit(commands, None);
            }
            Ok(placed)
        })
    }

    fn remove(&mut self, id: FlowId) -> Result<[Counts; 2], TargetError> {
        const OPERATION: &str = "remove a flow";
        self.ask(OPERATION, move |datapath, answer: Answer<[Counts; 2]>| {
            let mut commands = Vec::new();
            let Some(removed) = datapath.flows.remove(id, &mut commands) else {
                let source = Box::new(io::Error::other("no such flow"));
                let _ = answer.send(Err(TargetError::Card { operation: OPERATION, source }));
                return;
            };
            let Some(entries) = removed.card() else {
                let _ = answer.send(Ok(removed.counts(|_| None)));
                return;
            };
            datapath.submit(commands, None);
            // Behind the barrier that ends them, their counters are final.
            let ranges = entries.map(|entry| (entry.family(), entry.index()..entry.index() + 1));
            datapath.read_counters(
                ranges,
                Box::new(move |datapath, fate| {
                    let _ = answer.send(Ok(removed.counts(|entry| datapath.counter(fate, entry))));
                }),
            );
        })
    }

    fn read_counts(&mut self, each: &mut dyn FnMut(FlowId, [Counts; 2])) -> Result<(), TargetError> {
        const OPERATION: &str = "read counters";
        self.rekey_when_due()?;
        let counts = self.ask(OPERATION, |datapath, answer: Answer<Vec<(FlowId, [Counts; 2])>>| {
            datapath.report();
            let ranges: Vec<_> = datapath.flows.entries_in_use().collect();
            datapath.read_counters(
                ranges,
                Box::new(move |datapath, fate| {
                    let card = datapath.link.card().filter(|_| fate == Fate::Executed);
                    let _ = answer.send(Ok(datapath.flows.counts(|entry| card.and_then(|card| card.counter(entry)))));
                }),
            );
        })?;
        counts.into_iter().for_each(|(id, counts)| each(id, counts));
        Ok(())
    }

    fn take_kernel_packets(&mut self, each: &mut dyn FnMut(&FlowKey, u64)) {
        // A card that is lost has nothing to tell.
        let taken = self.call("count packets", |datapath| Ok(datapath.ledger.take()));
        taken.into_iter().flatten().for_each(|(key, packets)| each(&key, packets));
    }

    fn set_lookup(&mut self, on: bool) -> Result<(), TargetError> {
        const OPERATION: &str = "switch the lookup";
        self.call(OPERATION, move |datapath| {
            datapath.lookup = on;
            // One that rests looks nothing up in any case, and one that gets a new secret looks up when it has it.
            let waits = on && datapath.is_rekeying();
            match datapath.link.commanded() {
                Some(_) if !waits => datapath.tell(|card| card.set_lookup(on)).map_err(failed(OPERATION)),
                _ => Ok(()),
            }
        })
    }
}
