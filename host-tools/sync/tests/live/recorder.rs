//! A target that holds flows like a card with endless room and lets a test look inside.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use fpgaflow_abi::entry::Entry;
use fpgaflow_abi::geometry::Geometry;
use fpgaflow_abi::hash::HASH_BITS;
use fpgaflow_abi::key::FlowKey;
use fpgaflow_abi::next_hop::{MacAddr, NextHop};
use fpgaflow_sync::target::{Counts, FlowId, FlowTarget, Placed, TargetError};

/// What the target was told.
#[derive(Debug, Default)]
pub struct Held {
    /// Installed flows.
    pub flows: BTreeMap<FlowId, [Entry; 2]>,
    /// Next hops ever written.
    pub hops: BTreeMap<u16, NextHop>,
    /// What it says that it forwarded.
    pub counts: BTreeMap<FlowId, [Counts; 2]>,
    /// Whether it looks up.
    pub lookup: bool,
}

impl Held {
    /// The installed flow whose original direction comes from source port `sport`, with its next hops.
    pub fn flow(&self, sport: u16) -> Option<(FlowId, [Entry; 2], [NextHop; 2])> {
        let (id, entries) = self.flows.iter().find(|(_, flow)| flow[0].key.sport == sport)?;
        Some((*id, *entries, entries.map(|entry| self.hops[&entry.action.next_hop])))
    }

    /// Lets every installed flow have forwarded one packet more each way.
    pub fn forward(&mut self) {
        for id in self.flows.keys() {
            self.counts.entry(*id).or_default().iter_mut().for_each(|counts| counts.card_packets += 1);
        }
    }
}

/// See the module.
#[derive(Debug, Clone, Default)]
pub struct Recorder {
    /// What it was told.
    pub held: Arc<Mutex<Held>>,
}

impl FlowTarget for Recorder {
    fn geometry(&self) -> Geometry {
        Geometry {
            width_bits: 64,
            ports: 2,
            hash_bits: HASH_BITS as u8,
            bucket_bits: 9,
            stash: 8,
            entries_v4: 4096,
            entries_v6: 4096,
            next_hops: 256,
            max_frame_bytes: 1518,
            clock_hz: 0,
            build_id: 0,
        }
    }

    fn write_next_hop(&mut self, id: u16, hop: &NextHop) -> Result<(), TargetError> {
        self.held.lock().unwrap().hops.insert(id, *hop);
        Ok(())
    }

    fn set_port_mac(&mut self, _: u8, _: MacAddr) -> Result<(), TargetError> {
        Ok(())
    }

    fn install(&mut self, id: FlowId, flow: &[Entry; 2]) -> Result<Placed, TargetError> {
        let before = self.held.lock().unwrap().flows.insert(id, *flow);
        assert!(before.is_none(), "{id:?} was installed twice");
        Ok(Placed::Card)
    }

    fn promote(&mut self, _: FlowId) -> Result<Placed, TargetError> {
        Ok(Placed::Card)
    }

    fn remove(&mut self, id: FlowId) -> Result<[Counts; 2], TargetError> {
        let mut held = self.held.lock().unwrap();
        held.flows.remove(&id).expect("only installed flows are removed");
        Ok(held.counts.remove(&id).unwrap_or_default())
    }

    fn read_counts(&mut self, each: &mut dyn FnMut(FlowId, [Counts; 2])) -> Result<(), TargetError> {
        self.held.lock().unwrap().counts.iter().for_each(|(id, counts)| each(*id, *counts));
        Ok(())
    }

    fn take_kernel_packets(&mut self, _: &mut dyn FnMut(&FlowKey, u64)) {}

    fn set_lookup(&mut self, on: bool) -> Result<(), TargetError> {
        self.held.lock().unwrap().lookup = on;
        Ok(())
    }
}
