//! Drives a flow engine: reaches the card, keeps its rings, places flows in its table, and forwards in software what the card
//! punts. Knows the ABI, never the simulation: the driver that tests drive is the driver that ships.
//!
//! | module | what it is |
//! |---|---|
//! | [`transport`], [`dma`], [`mapping`], [`shared_mapping`] | the ways to a card, and memory that both see |
//! | [`rings`] | descriptors and completions; nothing that a card writes is believed unchecked |
//! | [`card`] | one card, opened, set up, polled |
//! | [`hash`], [`placement`] | which slots hold which flows, and the writes that get there without hiding one |
//! | [`table`] | the shadow of a card's tables, and the commands that keep the card equal to it |
//! | [`switchover`] | a new hash secret under traffic |
//! | [`software`], [`frame`] | the software flowtable, with the card's own verdicts |
//! | [`mod@bench`] | the workloads behind the figures |
//!
//! Everything is synchronous and driven by its owner: no thread, no async, no clock inside. Time is passed in; interrupts are
//! eventfds to wait on.
//!
//! # Example
//! Offload a connection, then forward in software what the card punts nevertheless.
//! ```no_run
//! use std::sync::Arc;
//! use std::time::Instant;
//!
//! use fpgaflow_abi::entry::Entry;
//! use fpgaflow_abi::hash::HashSecret;
//! use fpgaflow_abi::next_hop::NextHop;
//! use fpgaflow_driver::card::{Card, Events, Options, PortSettings, Sent};
//! use fpgaflow_driver::placement::Effort;
//! use fpgaflow_driver::software::{SoftwareTable, Verdict};
//! use fpgaflow_driver::table::FlowTable;
//! use fpgaflow_driver::transport::Transport;
//!
//! fn offload(
//!     transport: Arc<dyn Transport>,
//!     secret: HashSecret,
//!     hop: NextHop,
//!     mut both_directions: [Entry; 2],
//! ) -> Result<(), Box<dyn std::error::Error>> {
//!     let mut card = Card::open(transport, secret, Options::default())?;
//!     let (ports, max_frame_bytes) = (card.geometry().ports, card.geometry().max_frame_bytes);
//!     let mut table = FlowTable::new(card.geometry(), secret);
//!     let mut software = SoftwareTable::new(secret, ports, max_frame_bytes, 1 << 16);
//!
//!     let mut commands = Vec::new();
//!     let index = table.add_next_hop(hop, &mut commands)?;
//!     software.set_next_hop(index, &hop)?;
//!     for flow in &mut both_directions {
//!         flow.action.next_hop = index;
//!         software.insert(&flow.key, &flow.action)?;
//!     }
//!     // Both or none.
//!     table.install(both_directions, Effort::QUICK, &mut commands)?;
//!     let _ticket = card.submit(commands)?;
//!
//!     for port in 0..ports {
//!         let settings = PortSettings { mac: [2, 0, 0, 0, 0, port], enabled: true, ..Default::default() };
//!         card.set_port(port, settings)?;
//!         software.set_port(port, &settings)?;
//!     }
//!     card.set_lookup(true)?;
//!
//!     let mut events = Events::default();
//!     loop {
//!         card.poll(Instant::now(), &mut events)?;
//!         for (_info, mut frame) in events.frames.iter_mut() {
//!             if let Verdict::Forward { port, .. } = software.process(&mut frame, 0) {
//!                 if card.queue_frame(port, frame.bytes())? == Sent::RingFull {
//!                     // Drop it, and count it.
//!                 }
//!             }
//!             // Everything else is the kernel's.
//!         }
//!         card.ring_doorbells()?;
//!     }
//! }
//! ```

pub mod bench;
pub mod card;
pub mod dma;
pub mod frame;
pub mod hash;
pub mod mapping;
pub mod placement;
pub mod rings;
pub mod shared_mapping;
pub mod software;
pub mod switchover;
pub mod table;
pub mod transport;

use fpgaflow_abi::entry::Action;
use fpgaflow_abi::key::FlowKey;
use fpgaflow_abi::wire::PROTO_GRE;

/// Whether this is GRE that would be translated, which neither card nor software does: the kernel does not either.
fn translated_gre(key: &FlowKey, action: &Action) -> bool {
    key.protocol == PROTO_GRE && (key.addresses, key.sport, key.dport) != (action.addresses, action.sport, action.dport)
}
