//! The driver's software flowtable as an engine, in batches as the daemon uses it. It has no clock: a frame leaves when it comes.
//! It forwards no fragments, as the kernel's does not.

use std::time::Duration;

use anyhow::Context;
use fpgaflow_abi::hash::{HashSecret, SECRET_WORDS};
use fpgaflow_abi::wire::MIN_FRAME_BYTES;
use fpgaflow_driver::card::PortSettings;
use fpgaflow_driver::frame::{Frame, HEADROOM_BYTES};
use fpgaflow_driver::software::{FlowId, SoftwareTable, Verdict};
use fpgaflow_flows::{FlowSet, Limits};
use fpgaflow_golden::FlowCounters;

use super::engine::{Arrival, Engine, Exit, Pace, Sink, Tally};
use super::golden::geometry;
use crate::width::Width;

/// Frames of a batch.
const BATCH: usize = 64;

/// Secret of the keyed hash: a constant, for nobody aims flows at the buckets of a replay.
const SECRET: HashSecret = HashSecret([0x9e37_79b9_7f4a_7c15; SECRET_WORDS]);

/// A frame that came in, with room around it.
struct Buffered {
    port: u8,
    time: Duration,
    /// The frame behind [`HEADROOM_BYTES`], for layer 2 to grow into, and room to pad it.
    buffer: Vec<u8>,
    frame_bytes: usize,
}

impl From<Arrival> for Buffered {
    fn from(Arrival { port, time, frame }: Arrival) -> Self {
        let mut buffer = vec![0; HEADROOM_BYTES];
        buffer.extend_from_slice(&frame);
        buffer.resize(HEADROOM_BYTES + frame.len().max(MIN_FRAME_BYTES), 0);
        Self { port, time, buffer, frame_bytes: frame.len() }
    }
}

/// The software flowtable.
#[derive(Debug)]
pub struct SoftwareEngine {
    table: SoftwareTable,
    flows: Vec<FlowId>,
}

impl SoftwareEngine {
    /// An empty flowtable.
    pub fn new() -> Self {
        let geometry = geometry(Width::Bits64);
        Self { table: SoftwareTable::new(SECRET, geometry.ports, geometry.max_frame_bytes, 0), flows: Vec::new() }
    }

    /// Handles a batch.
    fn process(&mut self, batch: &mut [Buffered], sink: &mut dyn Sink) -> anyhow::Result<()> {
        let came: Vec<(u8, Duration)> = batch.iter().map(|arrival| (arrival.port, arrival.time)).collect();
        let frames = batch
            .iter_mut()
            .map(|arrival| Frame::new(arrival.port, &mut arrival.buffer, HEADROOM_BYTES..HEADROOM_BYTES + arrival.frame_bytes));
        let mut frames = frames.collect::<Option<Vec<_>>>().context("a frame has no room to be padded")?;
        let mut verdicts = vec![Verdict::default(); frames.len()];
        self.table.process_batch(&mut frames, 0, &mut verdicts);
        for (((ingress, time), frame), verdict) in came.into_iter().zip(&frames).zip(verdicts) {
            match verdict {
                Verdict::Forward { port, .. } => sink.leave(Exit::Port(port), time, frame.bytes())?,
                Verdict::Punt { reason, .. } => sink.leave(Exit::Host { ingress, reason }, time, frame.bytes())?,
                Verdict::Drop { .. } => {}
            }
        }
        Ok(())
    }
}

impl Engine for SoftwareEngine {
    fn limits(&self) -> Limits {
        Limits { engine: "software", geometry: geometry(Width::Bits64) }
    }

    fn configure(&mut self, set: &FlowSet) -> anyhow::Result<()> {
        for port in 0..self.limits().geometry.ports {
            let mac = set.port_mac(port);
            self.table.set_port(
                port,
                &PortSettings { mac: mac.unwrap_or_default(), enabled: true, promiscuous: mac.is_none(), tail_drop: false },
            )?;
        }
        for (index, next_hop) in (0..).zip(&set.next_hops) {
            self.table.set_next_hop(index, &next_hop.hop).with_context(|| format!("next_hops[{index}]"))?;
        }
        for (index, flow) in set.flows.iter().enumerate() {
            self.flows.push(self.table.insert(&flow.key, &flow.action).with_context(|| format!("flows[{index}]"))?);
        }
        Ok(())
    }

    fn forward_fragments(&mut self) -> anyhow::Result<()> {
        eprintln!("software: fragments are punted, this engine forwards none");
        Ok(())
    }

    fn feed(&mut self, mut arrivals: &mut dyn Iterator<Item = Arrival>, _: Pace, sink: &mut dyn Sink) -> anyhow::Result<()> {
        loop {
            let mut batch: Vec<_> = (&mut arrivals).take(BATCH).map(Buffered::from).collect();
            if batch.is_empty() {
                return Ok(());
            }
            self.process(&mut batch, sink)?;
        }
    }

    fn tally(&mut self) -> anyhow::Result<Tally> {
        let counters = self.flows.iter().map(|flow| self.table.counters(*flow));
        let flows = counters.map(|counters| FlowCounters { packets: counters.packets, bytes: counters.bytes }).collect();
        Ok(Tally { cycles: None, reasons: *self.table.reasons(), flows })
    }
}
