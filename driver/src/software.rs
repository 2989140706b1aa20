//! The software flowtable: forwards what the card gives to the host and the host knows, with the card's own verdicts.
//!
//! # Contract
//! - Verdict, reason, order of the checks and bytes of a forwarded frame are the card's ([`fpgaflow_abi::reason`], [`parse`],
//!   [`rewrite`]); a frame that is not forwarded is unchanged.
//! - Nothing panics on what a frame says. A frame lies in a [`Frame`], whose buffer has room to pad it.
//! - No clock inside: the caller passes the tick that `last_seen` shall have.
//!
//! - A frame whose layer 2 header grows needs room in its buffer: [`crate::frame::HEADROOM_BYTES`] in front are always enough. A frame
//!   without it is punted as [`fpgaflow_abi::reason::Reason::Mtu`], which a card never has to do.
//!
//! # Speed
//! Frames are taken in batches: parsed and hashed, then looked up, then rewritten, each step for many frames, with the memory that the
//! next step reads fetched ahead. A lookup costs two cache lines: one of eight tags with their flows, one with the flow's key,
//! action and counters; for IPv6 three. Untagged IPv4 with TCP or UDP goes the shortest way, and what it shares with IPv6, tags,
//! PPPoE and GRE is only what costs it nothing.

mod batch;
mod flow;
mod hop;
mod index;
mod key;
pub(crate) mod pages;
pub mod parse;
mod prefetch;
pub mod rewrite;
mod store;

pub use batch::Verdict;
pub use flow::FlowId;

use fpgaflow_abi::counters::CounterRecord;
use fpgaflow_abi::entry::{Action, Entry};
use fpgaflow_abi::hash::HashSecret;
use fpgaflow_abi::key::{Addresses, Family, FlowKey};
use fpgaflow_abi::next_hop::{HOST_PORT, NextHop};
use fpgaflow_abi::reason::REASONS;

use crate::card::PortSettings;
use crate::frame::Frame;
use crate::translated_gre;
use batch::Waiting;
use flow::{LineV4, LineV6, Number};
use hop::Hops;
use key::{Hasher, KeyV4, KeyV6};
use parse::Port;
use store::Store;

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
    /// An IPv4 flow with an IPv6 action, or the other way round.
    #[error("flow {key:?} has an action of the other address family")]
    FamilyMismatch {
        /// The flow.
        key: FlowKey,
    },
    /// GRE is forwarded as it is, or not at all.
    #[error("flow {key:?} is GRE, whose addresses and ports cannot be translated")]
    TranslatedGre {
        /// The flow.
        key: FlowKey,
    },
    /// A next hop that cannot be used.
    #[error("next hop {index} needs port {egress} of {ports}")]
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
    /// Memory of a batch.
    waiting_v6: Waiting,
}

/// All that frames are decided by.
#[derive(Debug)]
struct State {
    hasher: Hasher,
    v4: Store<LineV4>,
    v6: Store<LineV6>,
    hops: Hops,
    /// As many as there are.
    ports: Vec<Port>,
    max_frame_bytes: u32,
    lookup: bool,
    reasons: [u64; REASONS],
}

impl SoftwareTable {
    /// An empty table for `ports` ports that take frames of up to `max_frame_bytes`, with room for `flows` IPv4 flows before it has to
    /// grow; IPv6 flows have room made for them as they come. All ports are disabled, lookup is on.
    pub fn new(secret: HashSecret, ports: u8, max_frame_bytes: u32, flows: usize) -> Self {
        Self {
            state: State {
                hasher: Hasher::new(&secret),
                v4: Store::new(flows),
                v6: Store::new(0),
                hops: Hops::default(),
                ports: vec![Port::default(); ports.into()],
                max_frame_bytes,
                lookup: true,
                reasons: [0; REASONS],
            },
            waiting_v6: Waiting::default(),
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
    /// [`SoftwareError::NextHop`] for a port that does not exist.
    pub fn set_next_hop(&mut self, index: u16, hop: &NextHop) -> Result<(), SoftwareError> {
        let egress = hop.egress;
        let ports = self.port_count();
        if egress >= ports && egress != HOST_PORT {
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
        check(key, action)?;
        let flow = Entry { key: *key, action: *action, valid: true };
        let State { hasher, v4, v6, .. } = &mut self.state;
        let number = match wire_key(key) {
            Wire::V4(wire) => v4.insert(hasher, wire, &flow),
            Wire::V6(wire) => v6.insert(hasher, wire, &flow),
        };
        flow_id(key, number).ok_or(SoftwareError::Installed { key: *key })
    }

    /// Changes what is done to a flow's packets; its counters go on.
    ///
    /// # Errors
    /// [`SoftwareError`]; nothing has changed then.
    pub fn set_action(&mut self, key: &FlowKey, action: &Action) -> Result<FlowId, SoftwareError> {
        check(key, action)?;
        let flow = Entry { key: *key, action: *action, valid: true };
        let State { hasher, v4, v6, .. } = &mut self.state;
        let number = match wire_key(key) {
            Wire::V4(wire) => v4.set(hasher, wire, &flow),
            Wire::V6(wire) => v6.set(hasher, wire, &flow),
        };
        flow_id(key, number).ok_or(SoftwareError::NotInstalled { key: *key })
    }

    /// Removes a flow and returns its last counters.
    ///
    /// # Errors
    /// [`SoftwareError::NotInstalled`].
    pub fn remove(&mut self, key: &FlowKey) -> Result<CounterRecord, SoftwareError> {
        let State { hasher, v4, v6, .. } = &mut self.state;
        let counters = match wire_key(key) {
            Wire::V4(wire) => v4.remove(hasher, &wire),
            Wire::V6(wire) => v6.remove(hasher, &wire),
        };
        counters.ok_or(SoftwareError::NotInstalled { key: *key })
    }

    /// The flow with `key`.
    pub fn find(&self, key: &FlowKey) -> Option<FlowId> {
        let State { hasher, v4, v6, .. } = &self.state;
        let number = match wire_key(key) {
            Wire::V4(wire) => v4.find(hasher, &wire),
            Wire::V6(wire) => v6.find(hasher, &wire),
        };
        flow_id(key, number)
    }

    /// Counters of a flow; zero for one that is not there.
    pub fn counters(&self, id: FlowId) -> CounterRecord {
        match id.parts() {
            (Family::V4, number) => self.state.v4.flows.counters(number),
            (Family::V6, number) => self.state.v6.flows.counters(number),
        }
    }

    /// Flows there are.
    pub fn len(&self) -> usize {
        self.state.v4.flows.len() + self.state.v6.flows.len()
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
        batch::run(&mut self.state, &mut self.waiting_v6, frames, tick, &mut verdicts[..frames.len()]);
    }

    fn port_count(&self) -> u8 {
        self.state.ports.len() as u8
    }
}

/// A key as packets of its family have it.
enum Wire {
    V4(KeyV4),
    V6(KeyV6),
}

fn wire_key(key: &FlowKey) -> Wire {
    match key.addresses {
        Addresses::V4 { src, dst } => Wire::V4(KeyV4::of(key, src, dst)),
        Addresses::V6 { src, dst } => Wire::V6(KeyV6::of(key, src, dst)),
    }
}

fn flow_id(key: &FlowKey, number: Option<Number>) -> Option<FlowId> {
    number.map(|number| FlowId::new(key.family(), number))
}

/// What of a flow can be judged without the table.
fn check(key: &FlowKey, action: &Action) -> Result<(), SoftwareError> {
    if action.addresses.family() != key.family() {
        return Err(SoftwareError::FamilyMismatch { key: *key });
    }
    if translated_gre(key, action) {
        return Err(SoftwareError::TranslatedGre { key: *key });
    }
    Ok(())
}
