//! The life of flows: counters, idleness, conntrack's timeouts, neighbours kept alive, and the end of it all.

use std::time::Duration;

use fpgaflow_abi::wire::PROTO_TCP;

use super::Engine;
use super::offload::Installed;
use super::tracker::{ConnIndex, RecordIndex, Verdict};
use crate::flow::Status;
use crate::kernel::Kernel;
use crate::policy::Refusal;
use crate::target::{FlowId, FlowTarget, Placed};

/// Most connections that one tick asks again about after they were refused for want of room.
const RETRIES_PER_TICK: usize = 256;

impl<T: FlowTarget, K: Kernel> Engine<T, K> {
    /// What is done every second: reads counters, removes idle flows, keeps conntrack entries and neighbours alive.
    pub fn tick(&mut self, now: Duration) {
        self.count_kernel_packets(now);
        self.read_counts(now);
        self.age(now);
        // Resolves what is unknown and confirms what is stale: no packet that the card forwards does.
        self.refresh_all_hops();
        self.retry(now);
        self.settle(now);
    }

    fn read_counts(&mut self, now: Duration) {
        let mut told = Vec::new();
        if let Err(error) = self.target.read_counts(&mut |id, counts| told.push((id, counts))) {
            self.count_card_error(&error);
        }
        for (id, counts) in told {
            let record = self.records.get_mut(RecordIndex(id.0));
            let Some(installed) = record.and_then(|record| record.installed.as_mut()) else { continue };
            let before = std::mem::replace(&mut installed.counts, counts);
            if before.iter().zip(&counts).any(|(before, after)| after.packets() > before.packets()) {
                installed.active = now;
            }
            self.count_forwarded(&before, &counts);
        }
    }

    fn age(&mut self, now: Duration) {
        let installed: Vec<(ConnIndex, Installed)> =
            self.records.installed().map(|(conn, installed)| (conn, *installed)).collect();
        for (conn, installed) in installed {
            if now.saturating_sub(installed.active) >= self.settings.idle {
                self.withdraw(now, conn, Refusal::Idle);
                continue;
            }
            if installed.active != now {
                continue;
            }
            self.assure(conn, &installed);
            let full = self.full_timeout(conn);
            // Half of it left is early enough whatever else delays the daemon, and seldom enough to cost nothing.
            if self.left(now, conn).is_some_and(|left| left < full / 2) {
                self.extend(now, conn, full);
            }
        }
    }

    /// A UDP stream becomes assured when conntrack has seen it for two seconds; of one that the card took before that, it never does,
    /// and would drop it first when it is full.
    fn assure(&mut self, conn: ConnIndex, installed: &Installed) {
        let Some(tracked) = self.tracker.get(conn) else { return };
        let (name, status) = (tracked.conn.name, tracked.conn.status);
        if name.original.protocol == PROTO_TCP || status.any(Status::ASSURED) {
            return;
        }
        if installed.counts.iter().any(|counts| counts.packets() == 0) {
            return;
        }
        match self.kernel.make_assured(&name, status) {
            Ok(true) => {
                if let Some(tracked) = self.tracker.get_mut(conn) {
                    tracked.conn.status.0 |= Status::ASSURED;
                }
            }
            Ok(false) => {}
            Err(error) => self.count_kernel_error(&error),
        }
    }

    /// The timeout that conntrack gives a connection of this kind that carries traffic, in seconds.
    pub(super) fn full_timeout(&self, conn: ConnIndex) -> u32 {
        let timeouts = self.kernel.timeouts();
        match self.tracker.get(conn) {
            Some(tracked) if tracked.conn.name.original.protocol == PROTO_TCP => timeouts.tcp_established_s,
            _ => timeouts.udp_stream_s,
        }
    }

    /// Seconds that a connection has left at least: packets that the kernel saw meanwhile made it longer.
    pub(super) fn left(&self, now: Duration, conn: ConnIndex) -> Option<u32> {
        let tracked = self.tracker.get(conn)?;
        let passed = (now.as_secs() as u32).saturating_sub(tracked.told_at_s);
        Some(tracked.conn.timeout_s?.saturating_sub(passed))
    }

    /// Asks again about connections for which something was missing.
    fn retry(&mut self, now: Duration) {
        let missed = |verdict| match verdict {
            Verdict::Refused(refusal) => refusal.is_passing(),
            Verdict::Offloaded(placed) => placed == Placed::Software,
        };
        let refusals = Refusal::ALL.iter().map(|refusal| Verdict::Refused(*refusal));
        let any = refusals
            .chain([Verdict::Offloaded(Placed::Software)])
            .any(|verdict| missed(verdict) && self.tracker.census().count(verdict) > 0);
        if !std::mem::take(&mut self.room_freed) || !any {
            return;
        }
        let missed: Vec<ConnIndex> = self
            .tracker
            .iter()
            .filter(|(_, tracked)| missed(tracked.verdict()))
            .take(RETRIES_PER_TICK)
            .map(|(conn, _)| conn)
            .collect();
        self.room_freed = missed.len() == RETRIES_PER_TICK;
        for conn in missed {
            match self.tracker.get(conn).map(|tracked| (tracked.verdict(), tracked.record())) {
                Some((Verdict::Offloaded(_), Some(record))) => self.promote(conn, record),
                _ => self.reconsider(now, conn),
            }
        }
    }

    /// Tries to move a flow from software into the card.
    fn promote(&mut self, conn: ConnIndex, record: RecordIndex) {
        match self.target.promote(FlowId(record.0)) {
            Ok(placed) => self.tracker.set_verdict(conn, Verdict::Offloaded(placed)),
            Err(error) => self.count_card_error(&error),
        }
    }

    /// Hands everything back to the kernel: the card stops looking up, so that every frame comes to the host, then flows are removed
    /// and their conntrack entries left with the life that they are due. Nothing is offloaded after this.
    pub fn drain(&mut self, now: Duration) {
        self.draining = true;
        if let Err(error) = self.target.set_lookup(false) {
            self.count_card_error(&error);
        }
        let installed: Vec<_> = self.records.installed().map(|(conn, _)| conn).collect();
        for conn in installed {
            self.withdraw(now, conn, Refusal::Draining);
        }
        self.count_kernel_packets(now);
    }
}
