//! The daemon's decisions: conntrack and topology events in, orders to card and kernel out.
//!
//! # Contract
//! No clock and no sockets of its own: time is an argument (since the daemon began), Linux and the card are the two traits that it was
//! given. A connection is in the card in both directions or in neither. What the engine gives up (flows removed, next hops invalid)
//! goes on in software and the kernel: no packet is lost by any decision made here.

mod life;
mod offload;
mod path;
mod ports;
mod resync;
mod topology;
mod tracker;

use std::collections::VecDeque;
use std::time::Duration;

use fpgaflow_abi::key::FlowKey;

use crate::conntrack::Extended;
use crate::flow::{Conn, ConnEvent, ConnName, Tuple};
use crate::hops::Hops;
use crate::kernel::Kernel;
use crate::netlink::NetlinkError;
use crate::policy::{Policy, Refusal, admit};
use crate::stats::{DirectionReport, FlowReport, LISTED_FLOWS, Snapshot, Totals};
use crate::target::{FlowTarget, Placed, TargetError};

use offload::Records;
use ports::Ports;
use resync::Resync;
use tracker::{ConnIndex, Tracked, Tracker};
pub use tracker::{Direction, Verdict};

/// What the user decides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// Which connections are offloaded.
    pub policy: Policy,
    /// A flow without packets for this long leaves the card (`nf_flowtable_tcp_timeout`, `nf_flowtable_udp_timeout`).
    pub idle: Duration,
    /// Bits of the connmark that are the packet mark of route lookups.
    pub route_mark_mask: u32,
}

impl Default for Settings {
    fn default() -> Self {
        Self { policy: Policy::default(), idle: Duration::from_secs(30), route_mark_mask: 0 }
    }
}

/// The engine.
pub struct Engine<T, K> {
    target: T,
    kernel: K,
    settings: Settings,
    ports: Ports,
    hops: Hops,
    tracker: Tracker,
    records: Records,
    resync: Resync,
    totals: Totals,
    ended: VecDeque<FlowReport>,
    /// Flows that ended since the last count of what went to the kernel.
    ending: Vec<FlowReport>,
    /// A route may be another since the last time they were looked up.
    routes_changed: bool,
    /// Room was freed since flows were last refused for want of it.
    room_freed: bool,
    draining: bool,
}

impl<T: FlowTarget, K: Kernel> Engine<T, K> {
    /// An engine that knows no connection yet. Port `n` of the card is the interface called `port_names[n]`.
    pub fn new(settings: Settings, port_names: &[String], target: T, kernel: K) -> Self {
        let hops = Hops::new(target.geometry().next_hops);
        Self {
            target,
            kernel,
            settings,
            ports: Ports::new(port_names),
            hops,
            tracker: Tracker::default(),
            records: Records::default(),
            resync: Resync::default(),
            totals: Totals::default(),
            ended: VecDeque::new(),
            ending: Vec::new(),
            routes_changed: false,
            room_freed: false,
            draining: false,
        }
    }

    /// The card, to be closed after [`Engine::drain`].
    pub fn into_target(self) -> T {
        self.target
    }

    /// Linux, for what is not the engine's business.
    pub fn kernel(&mut self) -> &mut K {
        &mut self.kernel
    }

    /// Takes in an event of conntrack.
    pub fn on_conntrack(&mut self, now: Duration, event: ConnEvent) {
        self.totals.conntrack_events += 1;
        match event {
            ConnEvent::Update(conn) => self.update(now, conn),
            ConnEvent::Destroy { name, id } => {
                self.resync.destroyed(name, id);
                // A predecessor of the same name may be reported gone after its successor came.
                if let Some(index) = self.find_same(&name, id) {
                    self.forget(index);
                }
            }
        }
    }

    /// Counts a message that could not be decoded.
    pub fn on_undecodable(&mut self) {
        self.totals.undecodable += 1;
    }

    fn find_same(&self, name: &ConnName, id: u32) -> Option<ConnIndex> {
        self.tracker.find(name).filter(|index| self.tracker.get(*index).is_some_and(|tracked| tracked.conn.id == id))
    }

    fn update(&mut self, now: Duration, conn: Conn) {
        let (told_at_s, generation) = (now.as_secs() as u32, self.resync.generation());
        let index = match self.tracker.find(&conn.name) {
            Some(index) if self.find_same(&conn.name, conn.id).is_some() => index,
            other => {
                if let Some(predecessor) = other {
                    self.forget(predecessor);
                }
                let index = self.tracker.insert(Tracked::new(conn, told_at_s, generation));
                return self.reconsider(now, index);
            }
        };
        let Some(tracked) = self.tracker.get_mut(index) else { return };
        // What an event leaves out is unchanged, but for the mark, which is left out when it is 0.
        let tcp_state = conn.tcp_state.or(tracked.conn.tcp_state);
        let timeout_s = conn.timeout_s.or(tracked.conn.timeout_s);
        if conn.timeout_s.is_some() {
            tracked.told_at_s = told_at_s;
        }
        tracked.generation = generation;
        tracked.conn = Conn { tcp_state, timeout_s, name: tracked.conn.name, reply: tracked.conn.reply, ..conn };
        self.reconsider(now, index);
    }

    /// Asks policy and topology again about one connection, and does what they say.
    fn reconsider(&mut self, now: Duration, index: ConnIndex) {
        let Some(tracked) = self.tracker.get(index) else { return };
        let admitted = match self.draining {
            true => Err(Refusal::Draining),
            false => admit(&self.settings.policy, &tracked.conn),
        };
        match (admitted, tracked.verdict()) {
            (Ok(()), Verdict::Offloaded(_)) => {}
            // Only a packet wakes it; our own changes to its timeout are events too.
            (Ok(()), Verdict::Refused(Refusal::Idle)) => {}
            (Ok(()), Verdict::Refused(_)) => self.offload(now, index),
            (Err(refusal), Verdict::Offloaded(_)) => self.withdraw(now, index, refusal),
            (Err(refusal), Verdict::Refused(_)) => self.refuse(index, refusal),
        }
    }

    fn refuse(&mut self, index: ConnIndex, refusal: Refusal) {
        self.tracker.set_verdict(index, Verdict::Refused(refusal));
    }

    /// Drops everything about a connection that is gone.
    fn forget(&mut self, index: ConnIndex) {
        let Some(tracked) = self.tracker.get(index) else { return };
        let verdict = tracked.verdict();
        if matches!(verdict, Verdict::Offloaded(_)) {
            self.uninstall(index);
        }
        let Some(tracked) = self.tracker.remove(index) else { return };
        if let Some(record) = tracked.record()
            && let Some(counts) = self.records.remove(record)
        {
            self.ending.push(report(&tracked, counts, verdict));
        }
    }

    /// What became of the connection that packets with this tuple belong to; `None` when conntrack has none.
    pub fn verdict_of(&self, tuple: &Tuple) -> Option<Verdict> {
        let (index, _) = self.tracker.find_packet(tuple)?;
        Some(self.tracker.get(index)?.verdict())
    }

    /// The daemon as it is.
    pub fn snapshot(&self, now: Duration) -> Snapshot {
        let census = self.tracker.census();
        let flows = self.records.iter().take(LISTED_FLOWS).filter_map(|(_, record)| {
            let tracked = self.tracker.get(record.conn)?;
            Some(report(tracked, record.counts(), tracked.verdict()))
        });
        let refused = Refusal::ALL.iter().map(|refusal| (*refusal, census.count(Verdict::Refused(*refusal))));
        Snapshot {
            uptime: now,
            tracked: self.tracker.len(),
            in_card: census.count(Verdict::Offloaded(Placed::Card)),
            in_software: census.count(Verdict::Offloaded(Placed::Software)),
            refused: refused.filter(|(_, count)| *count > 0).collect(),
            next_hops: self.hops.len(),
            next_hops_invalid: self.hops.iter().filter(|(_, _, row)| !row.is_some_and(|row| row.valid)).count(),
            totals: self.totals,
            flows: flows.collect(),
            ended: self.ended.iter().chain(&self.ending).cloned().collect(),
        }
    }

    fn count_card_error(&mut self, error: &TargetError) {
        self.totals.card_errors += 1;
        tracing::warn!(error = %crate::error::Chain(error), "card");
    }

    fn count_kernel_error(&mut self, error: &NetlinkError) {
        self.totals.kernel_errors += 1;
        tracing::warn!(error = %crate::error::Chain(error), "kernel");
    }

    /// Attributes packets that went to the kernel to their connections, and wakes those that were idle.
    fn count_kernel_packets(&mut self, now: Duration) {
        let (tracker, ending, totals) = (&mut self.tracker, &mut self.ending, &mut self.totals);
        let mut awake = Vec::new();
        self.target.take_kernel_packets(&mut |key: &FlowKey, packets| {
            totals.kernel_packets += packets;
            let tuple = Tuple::of_key(key);
            if let Some((index, direction)) = tracker.find_packet(&tuple) {
                if let Some(tracked) = tracker.get_mut(index) {
                    let count = &mut tracked.kernel_packets[direction as usize];
                    *count = count.saturating_add(packets.try_into().unwrap_or(u32::MAX));
                    if tracked.verdict() == Verdict::Refused(Refusal::Idle) {
                        awake.push(index);
                    }
                }
            } else if let Some(direction) =
                ending.iter_mut().flat_map(|flow| &mut flow.directions).find(|direction| direction.tuple == tuple)
            {
                direction.kernel_packets += packets;
            }
        });
        for index in awake {
            self.refuse(index, Refusal::Unconfirmed);
            self.reconsider(now, index);
        }
        self.ended.extend(self.ending.drain(..));
        self.ended.drain(..self.ended.len().saturating_sub(LISTED_FLOWS));
    }

    /// Lets a connection live `seconds` from now at least; forgets it when it turns out to be gone.
    fn extend(&mut self, now: Duration, index: ConnIndex, seconds: u32) {
        let Some(tracked) = self.tracker.get(index) else { return };
        let (name, id) = (tracked.conn.name, tracked.conn.id);
        match self.kernel.extend(&name, id, seconds) {
            Ok(Extended::To(left_s)) => {
                self.totals.extended += 1;
                if let Some(tracked) = self.tracker.get_mut(index) {
                    (tracked.conn.timeout_s, tracked.told_at_s) = (Some(left_s), now.as_secs() as u32);
                }
            }
            Ok(Extended::Gone) => self.forget(index),
            Err(error) => self.count_kernel_error(&error),
        }
    }
}

fn report(tracked: &Tracked, counts: [crate::target::Counts; 2], verdict: Verdict) -> FlowReport {
    let direction = |direction: Direction, tuple| DirectionReport {
        tuple,
        counts: counts[direction as usize],
        kernel_packets: tracked.kernel_packets[direction as usize].into(),
    };
    FlowReport {
        directions: [direction(Direction::Original, tracked.conn.name.original), direction(Direction::Reply, tracked.conn.reply)],
        mark: tracked.conn.mark,
        verdict,
    }
}

#[cfg(test)]
mod tests;
