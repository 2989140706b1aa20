//! The software flowtable: forwards what the card gives to the host and the host knows, with the card's own verdicts.
//!
//! # Contract
//! - Verdict, reason, order of the checks and bytes of a forwarded frame are the card's ([`fpgaflow_abi::reason`], [`parse`],
//!   [`rewrite`]); a frame that is not forwarded is unchanged.
//! - Nothing panics on what a frame says. A frame lies in a [`Frame`], whose buffer has room to pad it.
//! - No clock inside: the caller passes the tick that `last_seen` shall have.
//!
//! Untagged IPv4 with TCP or UDP, like the engine of this ABI version. Other layer 2 headers and IPv6 are `not_ip`, as there.
//!
//! # Speed
//! Frames are taken in batches: parsed and hashed, then looked up, then rewritten, each step for many frames, with the memory that the
//! next step reads fetched ahead. A lookup costs two cache lines: one of eight tags with their flows, one with the flow's key,
//! action and counters.

mod batch;
mod flow;
mod hop;
mod index;
mod key;
pub(crate) mod pages;
pub mod parse;
mod prefetch;
pub mod rewrite;

pub use batch::Verdict;
pub use flow::FlowId;

use fpgaflow_abi::counters::CounterRecord;
use fpgaflow_abi::entry::{Action, Entry};
use fpgaflow_abi::hash::HashSecret;
use fpgaflow_abi::key::{Encap, Family, FlowKey};
use fpgaflow_abi::next_hop::{HOST_PORT, NextHop};
use fpgaflow_abi::reason::REASONS;

use crate::card::PortSettings;
use crate::frame::Frame;
use flow::Flows;
use hop::Hops;
use index::Index;
use key::{Hasher, Key};
use parse::Port;

/// Why the software flowtable refuses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SoftwareError {
    /// The flow is there already.
    #[error("flow {key:?} is in the software flowtable already")]
    Installed {
        /// The flow.
        key: FlowKey,
    },
    /// The flow is not there.
    #[error("flow {key:?} is not in the software flowtable")]
    NotInstalled {
        /// The flow.
        key: FlowKey,
    },
    /// IPv6, or an encapsulation.
    #[error("the software flowtable forwards untagged IPv4 only, not {key:?}")]
    Unsupported {
        /// The flow.
        key: FlowKey,
    },
    /// A next hop that cannot be used.
    #[error("next hop {index} needs port {egress} of {ports} without encapsulation")]
    NextHop {
        /// Its index.
        index: u16,
        /// Its port.
        egress: u8,
        /// Ports there are.
        ports: u8,
    },
    /// A port that does not exist.
    #[error("there is no port {port} of {ports}")]
    NoPort {
        /// The port.
        port: u8,
        /// Ports there are.
        ports: u8,
    },
}

/// The software flowtable, see the module's contract.
#[derive(Debug)]
pub struct SoftwareTable {
    state: State,
}

/// All that frames are decided by.
#[derive(Debug)]
struct State {
    hasher: Hasher,
    index: Index,
    flows: Flows,
    hops: Hops,
    /// As many as there are.
    ports: Vec<Port>,
    max_frame_bytes: u32,
    lookup: bool,
    reasons: [u64; REASONS],
}

impl SoftwareTable {
    /// An empty table for `ports` ports that take frames of up to `max_frame_bytes`, with room for `flows` flows before it has to
    /// grow. All ports are disabled, lookup is on.
    pub fn new(secret: HashSecret, ports: u8, max_frame_bytes: u32, flows: usize) -> Self {
        Self {
            state: State {
                hasher: Hasher::new(&secret),
                index: Index::new(flows),
                flows: Flows::new(flows),
                hops: Hops::default(),
                ports: vec![Port::default(); ports.into()],
                max_frame_bytes,
                lookup: true,
                reasons: [0; REASONS],
            },
        }
    }

    /// Sets a port up as the card's is. Tail drop is the card's alone.
    ///
    /// # Errors
    /// [`SoftwareError::NoPort`].
    pub fn set_port(&mut self, port: u8, settings: &PortSettings) -> Result<(), SoftwareError> {
        let ports = self.port_count();
        let place = self.state.ports.get_mut(usize::from(port)).ok_or(SoftwareError::NoPort { port, ports })?;
        *place = Port::new(settings);
        Ok(())
    }

    /// Turns lookup on or off: when off, frames that would be looked up are punted as `lookup_disabled`.
    pub fn set_lookup(&mut self, lookup: bool) {
        self.state.lookup = lookup;
    }

    /// Adds or changes the next hop at `index`.
    ///
    /// # Errors
    /// [`SoftwareError::NextHop`] for a port that does not exist or an encapsulation.
    pub fn set_next_hop(&mut self, index: u16, hop: &NextHop) -> Result<(), SoftwareError> {
        let egress = hop.egress;
        let ports = self.port_count();
        if (egress >= ports && egress != HOST_PORT) || hop.encap != Encap::NONE {
            return Err(SoftwareError::NextHop { index, egress, ports });
        }
        self.state.hops.set(index, hop);
        Ok(())
    }

    /// Removes the next hop at `index`; frames of flows through it are punted as `no_next_hop`.
    pub fn remove_next_hop(&mut self, index: u16) {
        self.state.hops.remove(index);
    }

    /// Adds a flow, with counters at zero.
    ///
    /// # Errors
    /// [`SoftwareError`]; nothing has changed then.
    pub fn insert(&mut self, key: &FlowKey, action: &Action) -> Result<FlowId, SoftwareError> {
        let wire = check(key, action)?;
        let State { index, flows, hasher, .. } = &mut self.state;
        if index.find(hasher.hash(&wire), |id| flows.has_key(id, &wire)).is_some() {
            return Err(SoftwareError::Installed { key: *key });
        }
        let id = flows.add(wire, &Entry { key: *key, action: *action, valid: true });
        if index.is_full() {
            index.grow(flows.keys().map(|(id, key)| (hasher.hash(&key), id)));
        } else {
            index.add(hasher.hash(&wire), id);
        }
        Ok(id)
    }

    /// Changes what is done to a flow's packets; its counters go on.
    ///
    /// # Errors
    /// [`SoftwareError`]; nothing has changed then.
    pub fn set_action(&mut self, key: &FlowKey, action: &Action) -> Result<FlowId, SoftwareError> {
        let wire = check(key, action)?;
        let id = self.find(key).ok_or(SoftwareError::NotInstalled { key: *key })?;
        self.state.flows.set(id, wire, &Entry { key: *key, action: *action, valid: true });
        Ok(id)
    }

    /// Removes a flow and returns its last counters.
    ///
    /// # Errors
    /// [`SoftwareError::NotInstalled`].
    pub fn remove(&mut self, key: &FlowKey) -> Result<CounterRecord, SoftwareError> {
        let not_there = SoftwareError::NotInstalled { key: *key };
        let wire = Key::of(key).ok_or(not_there)?;
        let id = self.find(key).ok_or(not_there)?;
        self.state.index.remove(self.state.hasher.hash(&wire), id);
        Ok(self.state.flows.remove(id))
    }

    /// The flow with `key`.
    pub fn find(&self, key: &FlowKey) -> Option<FlowId> {
        let State { index, flows, hasher, .. } = &self.state;
        let wire = Key::of(key)?;
        index.find(hasher.hash(&wire), |id| flows.has_key(id, &wire))
    }

    /// Counters of a flow; zero for one that is not there.
    pub fn counters(&self, id: FlowId) -> CounterRecord {
        self.state.flows.counters(id)
    }

    /// Flows there are.
    pub fn len(&self) -> usize {
        self.state.flows.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Frames by reason, indexed by the reason's code.
    pub fn reasons(&self) -> &[u64; REASONS] {
        &self.state.reasons
    }

    /// Decides about one frame and, when it is to be forwarded, rewrites it. See [`SoftwareTable::process_batch`].
    pub fn process(&mut self, frame: &mut Frame<'_>, tick: u32) -> Verdict {
        let mut verdict = [Verdict::default()];
        self.process_batch(std::slice::from_mut(frame), tick, &mut verdict);
        verdict[0]
    }

    /// Decides about frames in order and rewrites those that are to be forwarded, in their buffers. `tick` becomes the `last_seen`
    /// of their flows.
    ///
    /// # Panics
    /// When `verdicts` is shorter than `frames`.
    pub fn process_batch(&mut self, frames: &mut [Frame<'_>], tick: u32, verdicts: &mut [Verdict]) {
        batch::run(&mut self.state, frames, tick, &mut verdicts[..frames.len()]);
    }

    fn port_count(&self) -> u8 {
        self.state.ports.len() as u8
    }
}

/// The key on the wire, of a flow that this table can hold.
fn check(key: &FlowKey, action: &Action) -> Result<Key, SoftwareError> {
    let wire = Key::of(key).filter(|_| action.addresses.family() == Family::V4 && key.encap == Encap::NONE);
    wire.ok_or(SoftwareError::Unsupported { key: *key })
}
