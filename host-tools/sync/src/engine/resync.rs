//! Comparing what is known with a dump of everything: at the start, after lost events, and now and then because connections older
//! than the first listener have no events at all (`nf_conntrack_events` = 2).
//!
//! Events go on while a dump is read, and a dump's record can be older than an event that was taken in before it. So a connection that
//! an event told about since the dump began is left as the event told it, and one that was destroyed since is not brought back.

use std::collections::HashSet;
use std::time::Duration;

use super::Engine;
use crate::flow::{Conn, ConnName};
use crate::kernel::Kernel;
use crate::netlink::NetlinkError;
use crate::target::FlowTarget;

/// The state of comparing.
#[derive(Debug, Default)]
pub(super) struct Resync {
    generation: u32,
    running: bool,
    destroyed: HashSet<(ConnName, u32)>,
    /// Events were lost that no dump has made up for yet.
    needed: bool,
}

impl Resync {
    /// What is confirmed now carries this number.
    pub fn generation(&self) -> u32 {
        self.generation
    }

    /// Remembers that a connection is gone, in case that the running dump still lists it.
    pub fn destroyed(&mut self, name: ConnName, id: u32) {
        if self.running {
            self.destroyed.insert((name, id));
        }
    }
}

impl<T: FlowTarget, K: Kernel> Engine<T, K> {
    /// Events of conntrack were lost; a dump has to make up for them.
    pub fn on_overrun(&mut self) {
        self.totals.overruns += 1;
        self.resync.needed = true;
    }

    /// Events of rtnetlink were lost; [`Engine::replace_topology`] makes up for them.
    pub fn on_topology_overrun(&mut self) {
        self.totals.overruns += 1;
    }

    /// Whether a dump should begin: events were lost, and none is being read.
    pub fn needs_resync(&self) -> bool {
        self.resync.needed && !self.resync.running
    }

    /// Whether a dump is being read.
    pub fn is_resyncing(&self) -> bool {
        self.resync.running
    }

    /// A dump begins. Call it before the kernel is asked, so that nothing falls between.
    pub fn begin_resync(&mut self) {
        self.resync.generation = self.resync.generation.wrapping_add(1);
        self.resync.running = true;
        self.resync.needed = false;
        self.resync.destroyed.clear();
    }

    /// Takes in a connection that the dump lists.
    pub fn on_dumped(&mut self, now: Duration, conn: Conn) {
        if self.resync.destroyed.contains(&(conn.name, conn.id)) {
            return;
        }
        let known = self.tracker.find(&conn.name).and_then(|index| self.tracker.get(index));
        if known.is_none_or(|known| known.generation != self.resync.generation) {
            self.update(now, conn);
        }
    }

    /// The dump is complete: what it did not list is gone.
    pub fn end_resync(&mut self) {
        self.resync.running = false;
        self.resync.destroyed = HashSet::new();
        // Where events were lost meanwhile, the next dump decides; what this one did not list may be newer than it.
        if self.resync.needed {
            return;
        }
        self.totals.resyncs += 1;
        let generation = self.resync.generation;
        let gone: Vec<_> =
            self.tracker.iter().filter(|(_, tracked)| tracked.generation != generation).map(|(index, _)| index).collect();
        for index in gone {
            self.forget(index);
        }
    }

    /// The dump failed; another one is needed.
    pub fn abort_resync(&mut self, error: &NetlinkError) {
        self.count_kernel_error(error);
        self.resync.running = false;
        self.resync.needed = true;
        self.resync.destroyed = HashSet::new();
    }
}
