//! The card: ports, table, next hops and counters, and what they make of a frame.

use std::collections::HashMap;

use fpgaflow_abi::entry::{Action, Entry};
use fpgaflow_abi::geometry::Geometry;
use fpgaflow_abi::key::FlowKey;
use fpgaflow_abi::next_hop::{HOST_PORT, MacAddr, NextHop};
use fpgaflow_abi::reason::{REASONS, Reason};
use fpgaflow_abi::regs::MOST_COUNTED_BYTES;
use fpgaflow_abi::slot::EntryRef;

use crate::datagrams::{Datagrams, FragmentConfig, Meeting};
use crate::decide::{Found, decide, examine, reject};
use crate::outcome::Outcome;
use crate::parse::Packet;

/// What the driver tells one port.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PortConfig {
    /// Take frames in.
    pub rx_enable: bool,
    /// Forward frames whatever their unicast destination.
    pub promiscuous: bool,
    /// The port's own address.
    pub mac: MacAddr,
}

/// One atomic change of what the card holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// Puts a flow where none is.
    Install(EntryRef, Entry),
    /// Gives an installed flow another action.
    Update(EntryRef, Action),
    /// Takes a flow out.
    Remove(EntryRef),
    /// Writes a next hop.
    NextHop(u16, NextHop),
    /// Sets `FLOW_CTRL.LOOKUP`.
    Lookup(bool),
    /// Sets `FLOW_CTRL.FRAGMENTS`, and what goes with it.
    Fragments(Option<FragmentConfig>),
    /// Configures a port.
    Port(u8, PortConfig),
}

/// Why a change was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CardError {
    /// The card does not have the port.
    #[error("port {port} is not one of the card's {ports}")]
    NoSuchPort {
        /// The port.
        port: u8,
        /// How many there are.
        ports: u8,
    },
    /// The card does not have the entry, or not in this family.
    #[error("entry {0:?} does not exist for this flow's family")]
    NoSuchEntry(EntryRef),
    /// The entry holds a flow.
    #[error("entry {0:?} is taken")]
    EntryTaken(EntryRef),
    /// The entry holds no flow.
    #[error("entry {0:?} holds no flow")]
    EntryEmpty(EntryRef),
    /// Another entry holds the key.
    #[error("the flow is installed already, in entry {0:?}")]
    Duplicate(EntryRef),
    /// Key and action are of different families.
    #[error("the action's addresses are not of the key's family")]
    FamilyMismatch,
    /// The card does not have the next hop.
    #[error("next hop {index} is not one of the card's {next_hops}")]
    NoSuchNextHop {
        /// The next hop.
        index: u16,
        /// How many there are.
        next_hops: u32,
    },
}

/// What was forwarded of one flow.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct FlowCounters {
    /// Frames.
    pub packets: u64,
    /// Their IP packets' bytes, as headers state them.
    pub bytes: u64,
}

/// What went through one port.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PortCounters {
    /// Frames received, dropped ones too.
    pub rx_frames: u64,
    /// Bytes of those, at most [`MOST_COUNTED_BYTES`] a frame.
    pub rx_bytes: u64,
    /// Frames sent.
    pub tx_frames: u64,
    /// Bytes of those.
    pub tx_bytes: u64,
}

/// What a card holds of one entry.
#[derive(Debug, Clone)]
struct Resident {
    entry: Entry,
    counters: FlowCounters,
}

/// The golden model of one card.
#[derive(Debug, Clone)]
pub struct Card {
    geometry: Geometry,
    ports: Vec<(PortConfig, PortCounters)>,
    lookup: bool,
    flows: HashMap<FlowKey, EntryRef>,
    entries: HashMap<EntryRef, Resident>,
    next_hops: HashMap<u16, NextHop>,
    reasons: [u64; REASONS],
    fragments: Option<FragmentConfig>,
    datagrams: Datagrams,
    tick: u32,
}

impl Card {
    /// A card after reset: ports off, lookup off, tables empty.
    pub fn new(geometry: Geometry) -> Self {
        Self {
            geometry,
            ports: vec![Default::default(); geometry.ports.into()],
            lookup: false,
            flows: HashMap::new(),
            entries: HashMap::new(),
            next_hops: HashMap::new(),
            reasons: [0; REASONS],
            fragments: None,
            datagrams: Datagrams::new(geometry.width_bits),
            tick: 0,
        }
    }

    /// The card's size.
    pub fn geometry(&self) -> &Geometry {
        &self.geometry
    }

    /// Applies one change.
    ///
    /// # Errors
    /// [`CardError`]; the card is as before.
    pub fn apply(&mut self, change: &Change) -> Result<(), CardError> {
        match *change {
            Change::Install(at, entry) => self.install(at, entry),
            Change::Update(at, action) => self.update(at, action),
            Change::Remove(at) => self.remove(at).map(|_| ()),
            Change::NextHop(index, hop) => self.set_next_hop(index, hop),
            Change::Lookup(on) => {
                self.set_lookup(on);
                Ok(())
            }
            Change::Fragments(config) => {
                self.set_fragments(config);
                Ok(())
            }
            Change::Port(port, config) => self.set_port(port, config),
        }
    }

    /// Configures a port.
    ///
    /// # Errors
    /// [`CardError::NoSuchPort`].
    pub fn set_port(&mut self, port: u8, config: PortConfig) -> Result<(), CardError> {
        self.check_port(port)?;
        self.ports[usize::from(port)].0 = config;
        Ok(())
    }

    /// Sets `FLOW_CTRL.LOOKUP`.
    pub fn set_lookup(&mut self, on: bool) {
        self.lookup = on;
        if !on {
            self.datagrams.clear();
        }
    }

    /// Sets `FLOW_CTRL.FRAGMENTS`: with a configuration, fragments are forwarded as [`fpgaflow_abi::fragment`] has it.
    pub fn set_fragments(&mut self, config: Option<FragmentConfig>) {
        self.fragments = config;
        self.datagrams.clear();
    }

    /// Tells the card the time, by which it forgets datagrams: ticks of [`fpgaflow_abi::counters::TICK_SHIFT`].
    pub fn set_tick(&mut self, tick: u32) {
        self.tick = tick;
    }

    /// Puts a flow into the free entry `at`, its counters at zero.
    ///
    /// # Errors
    /// When the entry does not exist or is taken, or the flow is installed already, or cannot be held.
    pub fn install(&mut self, at: EntryRef, entry: Entry) -> Result<(), CardError> {
        if !self.geometry.has_entry(at) || at.family() != entry.key.family() {
            return Err(CardError::NoSuchEntry(at));
        }
        self.check_action(&entry.key, &entry.action)?;
        self.check_port(entry.key.ingress)?;
        if self.entries.contains_key(&at) {
            return Err(CardError::EntryTaken(at));
        }
        if let Some(other) = self.flows.get(&entry.key) {
            return Err(CardError::Duplicate(*other));
        }
        self.datagrams.entry_written(at);
        self.flows.insert(entry.key, at);
        self.entries.insert(at, Resident { entry, counters: FlowCounters::default() });
        Ok(())
    }

    /// Gives the flow in entry `at` another action; its counters go on.
    ///
    /// # Errors
    /// When there is none, or the action cannot be held.
    pub fn update(&mut self, at: EntryRef, action: Action) -> Result<(), CardError> {
        let key = self.entries.get(&at).ok_or(CardError::EntryEmpty(at))?.entry.key;
        self.check_action(&key, &action)?;
        if let Some(resident) = self.entries.get_mut(&at) {
            resident.entry.action = action;
        }
        self.datagrams.entry_written(at);
        Ok(())
    }

    /// Takes the flow in entry `at` out and returns what it counted.
    ///
    /// # Errors
    /// [`CardError::EntryEmpty`].
    pub fn remove(&mut self, at: EntryRef) -> Result<FlowCounters, CardError> {
        let resident = self.entries.remove(&at).ok_or(CardError::EntryEmpty(at))?;
        self.flows.remove(&resident.entry.key);
        self.datagrams.entry_written(at);
        Ok(resident.counters)
    }

    /// Writes a next hop.
    ///
    /// # Errors
    /// When the card does not have it, or not the port that it leaves by.
    pub fn set_next_hop(&mut self, index: u16, hop: NextHop) -> Result<(), CardError> {
        self.check_next_hop(index)?;
        if hop.egress != HOST_PORT {
            self.check_port(hop.egress)?;
        }
        self.next_hops.insert(index, hop);
        Ok(())
    }

    /// What becomes of a frame that comes by `port`, counted.
    ///
    /// # Errors
    /// [`CardError::NoSuchPort`].
    pub fn process(&mut self, port: u8, frame: &[u8]) -> Result<Outcome, CardError> {
        self.take_in(port, frame, false)
    }

    /// What becomes of a frame that the MAC of `port` marked bad, counted.
    ///
    /// # Errors
    /// [`CardError::NoSuchPort`].
    pub fn process_damaged(&mut self, port: u8, frame: &[u8]) -> Result<Outcome, CardError> {
        self.take_in(port, frame, true)
    }

    fn take_in(&mut self, port: u8, frame: &[u8], damaged: bool) -> Result<Outcome, CardError> {
        self.check_port(port)?;
        let seen = self.examine(port, frame, damaged);
        let outcome = match seen {
            Err(reason) => reject(reason),
            Ok(_) if !self.lookup => reject(Reason::LookupDisabled),
            Ok(packet) => self.judge(frame, &packet),
        };
        let counters = &mut self.ports[usize::from(port)].1;
        counters.rx_frames += 1;
        counters.rx_bytes += (frame.len() as u64).min(MOST_COUNTED_BYTES);
        self.reasons[outcome.reason() as usize] += 1;
        if let (Ok(packet), Outcome::Forwarded { port, frame, entry }) = (seen, &outcome) {
            let counters = &mut self.ports[usize::from(*port)].1;
            counters.tx_frames += 1;
            counters.tx_bytes += frame.len() as u64;
            if let Some(resident) = self.entries.get_mut(entry) {
                resident.counters.packets += 1;
                resident.counters.bytes += packet.total_len as u64;
            }
        }
        Ok(outcome)
    }

    /// Everything before the lookup of a frame that comes by a port that exists.
    pub(crate) fn examine(&self, port: u8, frame: &[u8], damaged: bool) -> Result<Packet, Reason> {
        let max_frame_bytes = self.geometry.max_frame_bytes as usize;
        examine(port, self.port_config(port), self.fragments.is_some(), max_frame_bytes, frame, damaged)
    }

    /// Looks a packet up and decides.
    fn judge(&mut self, frame: &[u8], packet: &Packet) -> Outcome {
        let (Some(part), Some(config)) = (packet.part, self.fragments) else {
            return self.judge_as(frame, packet, &packet.key);
        };
        let entry = self.find(&packet.key).filter(|_| part.is_first()).map(|(at, _)| at);
        match self.datagrams.meet(&config, self.tick, &packet.key, &part, entry) {
            Meeting::Refused => reject(Reason::Fragment),
            Meeting::Later { flow } => self.judge_as(frame, packet, &flow),
            Meeting::First { refused } => {
                let outcome = if refused { reject(Reason::Fragment) } else { self.judge_as(frame, packet, &packet.key) };
                self.datagrams.decide(&packet.key, &part, outcome.reason() == Reason::Forwarded);
                outcome
            }
        }
    }

    /// Decides on a packet of `flow`.
    fn judge_as(&self, frame: &[u8], packet: &Packet, flow: &FlowKey) -> Outcome {
        let found = self.find(flow);
        decide(frame, packet, found, found.and_then(|(_, entry)| self.next_hop(entry.action.next_hop)))
    }

    /// `FLOW_CTRL.FRAGMENTS`.
    pub(crate) fn fragments(&self) -> bool {
        self.fragments.is_some()
    }

    /// The configuration of a port that exists.
    pub(crate) fn port_config(&self, port: u8) -> &PortConfig {
        &self.ports[usize::from(port)].0
    }

    /// `FLOW_CTRL.LOOKUP`.
    pub(crate) fn lookup(&self) -> bool {
        self.lookup
    }

    /// What a lookup of `key` finds.
    pub(crate) fn find(&self, key: &FlowKey) -> Found {
        let at = *self.flows.get(key)?;
        self.entries.get(&at).map(|resident| (at, resident.entry))
    }

    /// The next hop at `index`, if one was ever written.
    pub(crate) fn next_hop(&self, index: u16) -> Option<&NextHop> {
        self.next_hops.get(&index)
    }

    /// Frames by reason, indexed by its code.
    pub fn reasons(&self) -> &[u64; REASONS] {
        &self.reasons
    }

    /// What the flow in entry `at` counted; `None` when there is none.
    pub fn flow_counters(&self, at: EntryRef) -> Option<FlowCounters> {
        self.entries.get(&at).map(|resident| resident.counters)
    }

    /// What `port` counted; `None` when the card does not have it.
    pub fn port_counters(&self, port: u8) -> Option<PortCounters> {
        self.ports.get(usize::from(port)).map(|(_, counters)| *counters)
    }

    /// The flow in entry `at`; `None` when there is none.
    pub fn entry(&self, at: EntryRef) -> Option<&Entry> {
        self.entries.get(&at).map(|resident| &resident.entry)
    }

    pub(crate) fn check_port(&self, port: u8) -> Result<(), CardError> {
        if port < self.geometry.ports { Ok(()) } else { Err(CardError::NoSuchPort { port, ports: self.geometry.ports }) }
    }

    fn check_next_hop(&self, index: u16) -> Result<(), CardError> {
        let next_hops = self.geometry.next_hops;
        if u32::from(index) < next_hops { Ok(()) } else { Err(CardError::NoSuchNextHop { index, next_hops }) }
    }

    fn check_action(&self, key: &FlowKey, action: &Action) -> Result<(), CardError> {
        if key.family() != action.addresses.family() {
            return Err(CardError::FamilyMismatch);
        }
        self.check_next_hop(action.next_hop)
    }
}
