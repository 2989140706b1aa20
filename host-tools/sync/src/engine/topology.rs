//! Following links, neighbours and routes.

use std::time::Duration;

use super::Engine;
use super::ports::LinkChange;
use super::tracker::{ConnIndex, Verdict};
use crate::kernel::Kernel;
use crate::policy::Refusal;
use crate::target::FlowTarget;
use crate::topology::{Access, TopologyEvent};

impl<T: FlowTarget, K: Kernel> Engine<T, K> {
    /// Takes in a topology event. Neighbours and links take effect at once; routes at the next [`Engine::settle`], because they come
    /// in bursts.
    pub fn on_topology(&mut self, now: Duration, event: &TopologyEvent) {
        self.totals.topology_events += 1;
        let change = match event {
            TopologyEvent::Routes => {
                self.routes_changed = true;
                return;
            }
            TopologyEvent::Neighbour { interface, address, neighbour } => {
                if self.ports.set_neighbour(*interface, *address, *neighbour) {
                    self.refresh_hops(|egress, gateway| egress.interface == *interface && gateway == *address);
                }
                return;
            }
            TopologyEvent::Link(link) => self.ports.set_link(link),
            TopologyEvent::LinkGone { index } => self.ports.remove_link(*index),
        };
        let Some(change) = change else { return };
        // A new MTU or a link that came up decides about flows as a new route does.
        self.routes_changed = true;
        if change.mac
            && let Some(port) = change.port
            && let Some(mac) = self.ports.link(port).map(|link| link.mac)
            && let Err(error) = self.target.set_port_mac(port, mac)
        {
            self.count_card_error(&error);
        }
        if change.lost {
            self.flush(now, &change);
        }
        self.refresh_hops(|egress, _| change.concerns(&egress));
    }

    /// Takes in everything that there is, as dumped: what the dump does not tell is no more.
    pub fn replace_topology(&mut self, now: Duration, dumped: &[TopologyEvent]) {
        let listed = |index: u32| dumped.iter().any(|event| matches!(event, TopologyEvent::Link(link) if link.index == index));
        let gone: Vec<u32> = self.ports.links().map(|link| link.index).filter(|index| !listed(*index)).collect();
        for index in gone {
            self.on_topology(now, &TopologyEvent::LinkGone { index });
        }
        self.ports.forget_neighbours();
        for event in dumped {
            self.on_topology(now, event);
        }
        self.routes_changed = true;
        self.refresh_all_hops();
    }

    /// Writes every next hop as it should be, and has the kernel resolve what is unknown and confirm what is stale.
    pub(super) fn refresh_all_hops(&mut self) {
        self.refresh_hops(|_, _| true);
    }

    fn refresh_hops(&mut self, concerned: impl Fn(Access, std::net::IpAddr) -> bool) {
        let ids: Vec<_> = self.hops.iter().filter(|(_, key, _)| concerned(key.egress, key.gateway)).map(|(id, ..)| id).collect();
        for id in ids {
            if let Err(error) = self.refresh_hop(id) {
                self.count_card_error(&error);
            }
        }
    }

    /// Takes every flow that comes or leaves by a link that was lost out of the card.
    fn flush(&mut self, now: Duration, lost: &LinkChange) {
        let through: Vec<_> = self
            .records
            .installed()
            .filter(|(_, flow)| flow.legs.iter().any(|leg| lost.concerns(&leg.ingress) || lost.concerns(&leg.hop.egress)))
            .map(|(conn, _)| conn)
            .collect();
        for conn in through {
            self.withdraw(now, conn, Refusal::LinkDown);
        }
    }

    /// Whether [`Engine::settle`] has something to do.
    pub fn is_unsettled(&self) -> bool {
        self.routes_changed
    }

    /// Looks the routes of every flow up again that a change of topology can concern.
    pub fn settle(&mut self, now: Duration) {
        if !std::mem::take(&mut self.routes_changed) {
            return;
        }
        let concerned: Vec<ConnIndex> = self
            .tracker
            .iter()
            .filter(|(_, tracked)| match tracked.verdict() {
                Verdict::Offloaded(_) => true,
                Verdict::Refused(refusal) => refusal.is_topology(),
            })
            .map(|(conn, _)| conn)
            .collect();
        for conn in concerned {
            let Some(tracked) = self.tracker.get(conn) else { continue };
            if matches!(tracked.verdict(), Verdict::Refused(_)) {
                self.reconsider(now, conn);
                continue;
            }
            let Some(old) = tracked.record().and_then(|record| self.records.get_mut(record)).and_then(|record| record.installed)
            else {
                continue;
            };
            match self.legs(conn) {
                Ok(legs) if legs == old.legs => {}
                // Between the two it goes on in the kernel, which has the new route already.
                Ok(_) => {
                    self.uninstall(conn);
                    self.offload(now, conn);
                }
                Err(refusal) => self.withdraw(now, conn, refusal),
            }
        }
    }
}
