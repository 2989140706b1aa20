//! Changes under way: until one has ended, what it replaces may still be what the card uses.

use std::collections::VecDeque;

use fpgaflow_abi::key::FlowKey;
use fpgaflow_abi::next_hop::NextHop;

use crate::card::{Card, Change, PortConfig};
use crate::decide::Found;

use super::waiting::{HOST_EXIT, Waiting};

/// What a change replaces: as much of the state as it touches, with its value before.
#[derive(Debug, Clone, Copy)]
pub(super) enum Replaced {
    Flow(FlowKey, Found),
    NextHop(u16, Option<NextHop>),
    Lookup(bool),
    Port(u8, PortConfig),
    /// How fragments are treated: of them there are none meanwhile.
    Fragments,
}

impl Replaced {
    /// What `change` is about to replace; `None` for one that the card will refuse.
    pub(super) fn by(change: &Change, card: &Card) -> Option<Self> {
        let flow = |key| Self::Flow(key, card.find(&key));
        Some(match change {
            Change::Install(_, entry) => flow(entry.key),
            Change::Update(at, _) | Change::Remove(at) => flow(card.entry(*at)?.key),
            Change::NextHop(index, _) => Self::NextHop(*index, card.next_hop(*index).copied()),
            Change::Fragments(_) => Self::Fragments,
            Change::Lookup(_) => Self::Lookup(card.lookup()),
            Change::Port(port, _) => {
                card.check_port(*port).ok()?;
                Self::Port(*port, *card.port_config(*port))
            }
        })
    }
}

impl Replaced {
    /// Whether a frame that waits may meet something else by it.
    pub(super) fn touches(&self, waiting: &Waiting) -> bool {
        waiting.from != HOST_EXIT
            && match self {
                Self::Port(port, _) => waiting.from == *port,
                Self::Lookup(_) => true,
                Self::Fragments => false,
                Self::Flow(key, _) => waiting.packet.is_some_and(|packet| packet.key == *key),
                Self::NextHop(index, _) => waiting.found.iter().flatten().any(|(_, entry)| entry.action.next_hop == *index),
            }
    }
}

/// The changes that have begun and not ended, oldest first.
#[derive(Debug, Default)]
pub(super) struct Changes {
    under_way: VecDeque<(Replaced, u64)>,
    ended: u64,
    last_end: u64,
    /// Rows of the tables may be bad.
    pub damaged: bool,
}

impl Changes {
    pub(super) fn begin(&mut self, replaced: Replaced, clock: u64) {
        self.under_way.push_back((replaced, clock));
    }

    /// Ends the oldest change; `false` when there is none.
    pub(super) fn end(&mut self, clock: u64) -> bool {
        self.ended += 1;
        self.last_end = clock;
        self.under_way.pop_front().is_some()
    }

    fn replaced(&self) -> impl Iterator<Item = &Replaced> {
        self.under_way.iter().map(|(replaced, _)| replaced)
    }

    /// Whether no change is under way.
    pub(super) fn are_none(&self) -> bool {
        self.under_way.is_empty()
    }

    /// All configurations that a port may have now.
    pub(super) fn port_configs<'a>(&'a self, card: &'a Card, port: u8) -> impl Iterator<Item = &'a PortConfig> {
        let earlier = self.replaced().filter_map(move |replaced| match replaced {
            Replaced::Port(at, config) if *at == port => Some(config),
            _ => None,
        });
        earlier.chain([card.port_config(port)])
    }

    /// All values that `FLOW_CTRL.LOOKUP` may have now.
    pub(super) fn lookups(&self, card: &Card) -> Vec<bool> {
        let earlier = self.replaced().filter_map(|replaced| match replaced {
            Replaced::Lookup(on) => Some(*on),
            _ => None,
        });
        earlier.chain([card.lookup()]).collect()
    }

    /// All that a lookup of `key` may find now.
    pub(super) fn found(&self, card: &Card, key: &FlowKey) -> impl Iterator<Item = Found> {
        let earlier = self.replaced().filter_map(move |replaced| match replaced {
            Replaced::Flow(at, found) if at == key => Some(*found),
            _ => None,
        });
        earlier.chain([card.find(key)])
    }

    /// All that the next hop `index` may be now.
    pub(super) fn next_hops<'a>(&'a self, card: &'a Card, index: u16) -> impl Iterator<Item = Option<&'a NextHop>> {
        let earlier = self.replaced().filter_map(move |replaced| match replaced {
            Replaced::NextHop(at, hop) if *at == index => Some(hop.as_ref()),
            _ => None,
        });
        earlier.chain([card.next_hop(index)])
    }
}

impl std::fmt::Display for Changes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "table changes: {} ended, the last at clock {}", self.ended, self.last_end)?;
        if self.damaged {
            write!(f, "; rows are damaged")?;
        }
        self.under_way
            .iter()
            .try_for_each(|(replaced, clock)| write!(f, "; since clock {clock} under way, replacing {replaced:?}"))
    }
}
