//! The golden model as an engine. It has no clock: a frame leaves when it comes, and no datagram is ever too old for a fragment.

use std::collections::HashMap;

use anyhow::Context;
use fpgaflow_abi::geometry::{Geometry, MAX_FRAME_BYTES};
use fpgaflow_abi::hash::HASH_BITS;
use fpgaflow_abi::slot::EntryRef;
use fpgaflow_flows::{FlowSet, Limits};
use fpgaflow_golden::{Card, FragmentConfig, Outcome, PortConfig};

use super::engine::{Arrival, Engine, Exit, Pace, Sink, Tally};
use crate::secret::fixed_secret;
use crate::width::Width;

/// Size of the modelled card: ports and frames as the co-simulated one, tables as large as any card's.
pub(super) fn geometry(width: Width) -> Geometry {
    Geometry {
        width_bits: width.bits(),
        ports: 2,
        hash_bits: HASH_BITS as u8,
        bucket_bits: 20,
        stash: 8,
        entries_v4: 1 << 20,
        entries_v6: 1 << 20,
        next_hops: 1 << fpgaflow_abi::entry::NEXT_HOP_BITS,
        max_frame_bytes: MAX_FRAME_BYTES,
        clock_hz: 0,
        build_id: 0,
    }
}

/// Buckets of a bank of the co-simulated card, as a power of two.
pub(super) const COSIMULATED_BUCKET_BITS: u8 = 10;

/// The golden model.
#[derive(Debug)]
pub struct GoldenEngine {
    card: Card,
    flows: Vec<EntryRef>,
}

impl GoldenEngine {
    /// A card after reset.
    pub fn new(width: Width) -> Self {
        Self { card: Card::new(geometry(width)), flows: Vec::new() }
    }
}

impl Engine for GoldenEngine {
    fn limits(&self) -> Limits {
        Limits { engine: "golden", geometry: *self.card.geometry() }
    }

    fn configure(&mut self, set: &FlowSet) -> anyhow::Result<()> {
        for port in 0..self.card.geometry().ports {
            let mac = set.port_mac(port);
            let config = PortConfig { rx_enable: true, promiscuous: mac.is_none(), mac: mac.unwrap_or_default() };
            self.card.set_port(port, config)?;
        }
        for (index, next_hop) in (0..).zip(&set.next_hops) {
            self.card.set_next_hop(index, next_hop.hop).with_context(|| format!("next_hops[{index}]"))?;
        }
        let mut entries = HashMap::new();
        for (index, flow) in set.flows.iter().enumerate() {
            let family = flow.key.family();
            let next = entries.entry(family).or_insert(0);
            let at = EntryRef::of(family, *next);
            *next += 1;
            self.card.install(at, *flow).with_context(|| format!("flows[{index}]"))?;
            self.flows.push(at);
        }
        self.card.set_lookup(true);
        Ok(())
    }

    fn forward_fragments(&mut self) -> anyhow::Result<()> {
        // The co-simulated card's, so that the same datagrams meet in a row.
        let secret = fixed_secret(COSIMULATED_BUCKET_BITS);
        self.card.set_fragments(Some(FragmentConfig { secret, lifetime: u16::MAX }));
        Ok(())
    }

    fn feed(&mut self, arrivals: &mut dyn Iterator<Item = Arrival>, _: Pace, sink: &mut dyn Sink) -> anyhow::Result<()> {
        for Arrival { port, time, frame } in arrivals {
            match self.card.process(port, &frame)? {
                Outcome::Forwarded { port, frame, .. } => sink.leave(Exit::Port(port), time, &frame)?,
                Outcome::Punted { reason, .. } => sink.leave(Exit::Host { ingress: port, reason }, time, &frame)?,
                Outcome::Dropped { .. } => {}
            }
        }
        Ok(())
    }

    fn tally(&mut self) -> anyhow::Result<Tally> {
        let flows = self.flows.iter().map(|at| self.card.flow_counters(*at).unwrap_or_default()).collect();
        Ok(Tally { cycles: None, reasons: *self.card.reasons(), flows })
    }
}
