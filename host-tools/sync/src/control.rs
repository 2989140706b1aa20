//! The control loop: netlink events to the engine, one tick a second, dumps when they are due.
//!
//! Everything happens on one thread, and no source starves another: each turn takes a bounded share of what each one has.

use std::time::{Duration, Instant};

use netlink_packet_netfilter::NetfilterMessage;
use netlink_packet_route::RouteNetlinkMessage;
use netlink_sys::protocols::{NETLINK_NETFILTER, NETLINK_ROUTE};
use tokio::sync::watch;

use crate::conntrack::{self, ConntrackRequests};
use crate::engine::{Engine, Settings};
use crate::kernel::LinuxKernel;
use crate::netlink::{NetlinkError, Received, Subscription};
use crate::stats::{SharedStats, Snapshot};
use crate::target::FlowTarget;
use crate::topology::{self, TopologyEvent};

/// Between two ticks: how often the kernel scans its flowtables too.
const TICK: Duration = Duration::from_secs(1);
/// How long changes of routes are gathered before flows are looked up again.
const SETTLE: Duration = Duration::from_millis(50);
/// At least this long between the ends of two dumps, however many events are lost.
const RESYNC_PAUSE: Duration = Duration::from_secs(1);
/// Between two lines of progress in the log.
const REPORT: Duration = Duration::from_secs(10);
/// Datagrams of a source in one turn.
const TURN_DATAGRAMS: usize = 256;

/// What the user decides about the loop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LoopSettings {
    /// Room for events that were not read yet, in bytes.
    pub event_buffer_bytes: usize,
    /// Between two comparisons with everything that conntrack has.
    pub resync: Duration,
}

impl Default for LoopSettings {
    fn default() -> Self {
        Self { event_buffer_bytes: 16 << 20, resync: Duration::from_secs(60) }
    }
}

/// Engine and sockets of one daemon.
pub struct Control<T> {
    engine: Engine<T, LinuxKernel>,
    settings: LoopSettings,
    conntrack: Subscription,
    topology: Subscription,
    dump: ConntrackRequests,
    resync_due: Instant,
    settle_due: Option<Instant>,
    report_due: Instant,
    started: Instant,
}

impl<T: FlowTarget> Control<T> {
    /// Opens every socket in the caller's network namespace, then takes in links and neighbours. Port `n` of the card is the
    /// interface called `port_names[n]`. Needs a tokio runtime.
    ///
    /// # Errors
    /// [`NetlinkError`]; refusals with `EPERM` mean that CAP_NET_ADMIN is missing.
    pub fn open(settings: Settings, loop_settings: LoopSettings, port_names: &[String], target: T) -> Result<Self, NetlinkError> {
        let buffer_bytes = loop_settings.event_buffer_bytes;
        // Listening begins before anything is asked, so that no change falls between.
        let conntrack = Subscription::open(NETLINK_NETFILTER, &conntrack::GROUPS, buffer_bytes)?;
        let topology = Subscription::open(NETLINK_ROUTE, &topology::GROUPS, buffer_bytes)?;
        let mut kernel = LinuxKernel::open()?;
        let links_and_neighbours = kernel.topology().dump()?;
        let started = Instant::now();
        let mut engine = Engine::new(settings, port_names, target, kernel);
        engine.replace_topology(Duration::ZERO, &links_and_neighbours);
        Ok(Self {
            engine,
            settings: loop_settings,
            conntrack,
            topology,
            dump: ConntrackRequests::open()?,
            resync_due: started,
            settle_due: None,
            report_due: started + REPORT,
            started,
        })
    }

    /// The card, to be closed after [`Control::run`].
    pub fn into_target(self) -> T {
        self.engine.into_target()
    }

    fn now(&self) -> Duration {
        self.started.elapsed()
    }

    /// Runs until `shutdown` is true, then drains: when it returns, the card forwards nothing. `stats` is published every tick.
    ///
    /// # Errors
    /// [`NetlinkError`] when a subscription cannot be read any more.
    pub async fn run(&mut self, shutdown: &mut watch::Receiver<bool>, stats: &SharedStats) -> Result<(), NetlinkError> {
        let mut tick_due = self.started + TICK;
        let outcome = loop {
            if *shutdown.borrow() {
                break Ok(());
            }
            if let Err(error) = self.turn() {
                break Err(error);
            }
            let now = Instant::now();
            if now >= tick_due {
                self.engine.tick(self.now());
                stats.publish(self.engine.snapshot(self.now()));
                self.report_progress(&stats.latest());
                tick_due = (tick_due + TICK).max(Instant::now());
            }
            let mut wake = tick_due.min(self.settle_due.unwrap_or(tick_due));
            if !self.engine.is_resyncing() {
                wake = wake.min(self.resync_due);
            }
            tokio::select! {
                // A sender that is gone cannot ask for anything any more; the others go on.
                Ok(()) = shutdown.changed() => {}
                ready = self.conntrack.ready() => if let Err(error) = ready { break Err(error) },
                ready = self.topology.ready() => if let Err(error) = ready { break Err(error) },
                () = tokio::time::sleep_until(wake.into()) => {}
                () = tokio::task::yield_now(), if self.engine.is_resyncing() => {}
            }
        };
        self.engine.drain(self.now());
        stats.publish(self.engine.snapshot(self.now()));
        outcome
    }

    /// Says now and then how it goes.
    fn report_progress(&mut self, snapshot: &Snapshot) {
        if Instant::now() < self.report_due {
            return;
        }
        self.report_due = Instant::now() + REPORT;
        let totals = &snapshot.totals;
        tracing::info!(
            tracked = snapshot.tracked,
            in_card = snapshot.in_card,
            in_software = snapshot.in_software,
            card_packets = totals.card_packets,
            software_packets = totals.software_packets,
            kernel_packets = totals.kernel_packets,
            "progress"
        );
    }

    /// Handles a bounded share of whatever is there, without waiting.
    fn turn(&mut self) -> Result<(), NetlinkError> {
        self.take_topology()?;
        self.take_conntrack()?;
        self.dump_some();
        if self.engine.is_unsettled() {
            let due = *self.settle_due.get_or_insert_with(|| Instant::now() + SETTLE);
            if Instant::now() >= due {
                self.engine.settle(self.now());
                self.settle_due = None;
            }
        }
        Ok(())
    }

    fn take_conntrack(&mut self) -> Result<(), NetlinkError> {
        let now = self.started.elapsed();
        let engine = &mut self.engine;
        self.conntrack.receive(TURN_DATAGRAMS, |received: Received<NetfilterMessage>| match received {
            Received::Message(_, message) => {
                if let Some(event) = conntrack::decode(&message) {
                    engine.on_conntrack(now, event);
                }
            }
            Received::Undecodable(_) => engine.on_undecodable(),
            Received::Overrun => engine.on_overrun(),
        })?;
        if self.engine.needs_resync() {
            self.resync_due = self.resync_due.min(Instant::now() + RESYNC_PAUSE);
        }
        Ok(())
    }

    fn take_topology(&mut self) -> Result<(), NetlinkError> {
        let now = self.started.elapsed();
        let (engine, mut overrun) = (&mut self.engine, false);
        self.topology.receive(TURN_DATAGRAMS, |received: Received<RouteNetlinkMessage>| match received {
            Received::Message(_, message) => {
                if let Some(event) = topology::decode(&message) {
                    engine.on_topology(now, &event);
                }
            }
            // Nexthop objects are not decoded; that one changed is all there is to know.
            Received::Undecodable(_) => engine.on_topology(now, &TopologyEvent::Routes),
            Received::Overrun => overrun = true,
        })?;
        if overrun {
            self.engine.on_topology_overrun();
            match self.engine.kernel().topology().dump() {
                Ok(dumped) => self.engine.replace_topology(now, &dumped),
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Begins, continues or ends a dump of conntrack.
    fn dump_some(&mut self) {
        let now = self.started.elapsed();
        if !self.engine.is_resyncing() {
            if Instant::now() < self.resync_due {
                return;
            }
            self.engine.begin_resync();
            if let Err(error) = self.dump.dump_start() {
                return self.dump_failed(&error);
            }
        }
        let engine = &mut self.engine;
        match self.dump.dump_next(|conn| engine.on_dumped(now, conn)) {
            Ok(true) => {}
            Ok(false) => {
                self.engine.end_resync();
                let pause = if self.engine.needs_resync() { RESYNC_PAUSE } else { self.settings.resync };
                self.resync_due = Instant::now() + pause;
            }
            Err(error) => self.dump_failed(&error),
        }
    }

    fn dump_failed(&mut self, error: &NetlinkError) {
        self.engine.abort_resync(error);
        self.resync_due = Instant::now() + RESYNC_PAUSE;
    }
}
