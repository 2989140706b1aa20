//! The verilated card and its driver on one thread, clocked on demand: the same input gives the same run in every clock.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use fpgaflow_abi::geometry::Geometry;
use fpgaflow_abi::hash::HashSecret;
use fpgaflow_abi::key::Family;
use fpgaflow_abi::reason::REASONS;
use fpgaflow_abi::slot::EntryRef;
use fpgaflow_card::{Build, CosimTransport, RxFrame, TxFrame, Width};
use fpgaflow_driver::card::{Card, CommandEvent, Events, FRAGMENT_LIFETIME, Options, PortSettings};
use fpgaflow_driver::placement::Effort;
use fpgaflow_driver::table::FlowTable;
use fpgaflow_driver::transport::Transport;
use fpgaflow_flows::FlowSet;
use fpgaflow_golden::FlowCounters;

use crate::secret::fixed_secret;

/// Clocks between two looks of the driver.
pub const SLICE_CLOCKS: u64 = 64;
/// Clocks without any movement at its pins after which nothing in the card will move any more: the longest frame is copied from store
/// to store at a beat a clock, unseen, and some such frames may stand one behind the other.
fn rest_clocks(build: &Build) -> u64 {
    4 * u64::from(build.geometry.max_frame_bytes) / build.beat_bytes() as u64
}

/// Clocks after which whatever is waited for counts as hung.
const HANG_CLOCKS: u64 = 20_000_000;

/// Card and driver.
pub struct SteppedCard {
    transport: Arc<CosimTransport>,
    driver: Card,
    /// What card and table hash with.
    secret: HashSecret,
    events: Events,
    /// Entries of the flows, in the order of the flow set.
    flows: Vec<EntryRef>,
    /// The driver's time of clock 0.
    epoch: Instant,
}

impl SteppedCard {
    /// The card with a data path of `width` as after power-on, opened by the driver.
    ///
    /// # Errors
    /// What the driver said of the card.
    pub fn open(width: Width) -> anyhow::Result<Self> {
        let transport = CosimTransport::new(fpgaflow_card::Card::new(width)?).context("make card sim")?;
        let secret = fixed_secret(width.geometry().bucket_bits);
        let driver = Card::open(Arc::clone(&transport) as Arc<dyn Transport>, secret, Options::default())?;
        Ok(Self { transport, driver, secret, events: Events::default(), flows: Vec::new(), epoch: Instant::now() })
    }

    /// Its size.
    pub fn geometry(&self) -> &Geometry {
        self.driver.geometry()
    }

    /// Programs a flow set and turns ports and lookup on. Ports that the set does not name are promiscuous.
    ///
    /// # Errors
    /// What does not fit, by its place in the set, and failures of the card.
    pub fn configure(&mut self, set: &FlowSet) -> anyhow::Result<()> {
        let mut table = FlowTable::new(self.geometry(), self.secret);
        let mut commands = Vec::new();
        for (index, next_hop) in set.next_hops.iter().enumerate() {
            // A fresh table numbers next hops in their order, as the flow set does.
            table.add_next_hop(next_hop.hop, &mut commands).with_context(|| format!("next_hops[{index}]"))?;
        }
        for (index, flow) in set.flows.iter().enumerate() {
            let [entry] = table.install([*flow], Effort::LAST, &mut commands).with_context(|| format!("flows[{index}]"))?;
            self.flows.push(entry);
        }
        self.driver.submit(commands)?;
        self.await_commands()?;
        for port in 0..self.geometry().ports {
            let mac = set.port_mac(port);
            self.driver.set_port(
                port,
                PortSettings { mac: mac.unwrap_or_default(), enabled: true, promiscuous: mac.is_none(), tail_drop: false },
            )?;
        }
        self.driver.set_lookup(true)?;
        Ok(())
    }

    /// Has the card forward fragments.
    ///
    /// # Errors
    /// Failures of the card.
    pub fn forward_fragments(&mut self) -> anyhow::Result<()> {
        Ok(self.driver.set_fragments(Some(FRAGMENT_LIFETIME))?)
    }

    /// Clocks since power-on.
    pub fn clocks(&self) -> u64 {
        self.transport.card().clocks()
    }

    /// Gives a frame to a port.
    pub fn receive(&self, port: u8, frame: Vec<u8>) {
        self.transport.card().receive(port.into(), RxFrame::from(frame));
    }

    /// Frames that wait at a port.
    pub fn receive_waiting(&self, port: u8) -> usize {
        self.transport.card().receive_waiting(port.into())
    }

    /// The card itself, to be looked at.
    pub fn card(&self) -> impl std::ops::DerefMut<Target = fpgaflow_card::Card> {
        self.transport.card()
    }

    /// The next frame that a port has sent.
    pub fn sent(&self, port: u8) -> Option<TxFrame> {
        self.transport.card().sent(port.into())
    }

    /// Whether nothing moves any more and no frame waits.
    pub fn is_at_rest(&self) -> bool {
        let card = self.transport.card();
        card.idle_clocks() > rest_clocks(card.build())
            && (0..self.driver.geometry().ports).all(|port| card.receive_waiting(port.into()) == 0)
    }

    /// Clocks the card [`SLICE_CLOCKS`] times, then has the driver look at it.
    ///
    /// # Errors
    /// What the driver found wrong, and commands that the card refused.
    pub fn step(&mut self) -> anyhow::Result<&Events> {
        self.transport.card().run(SLICE_CLOCKS);
        let now = self.epoch + Duration::from_nanos(self.clocks());
        self.driver.poll(now, &mut self.events)?;
        for event in &self.events.commands {
            if let CommandEvent::Failed { opcode, index, status, .. } = event {
                bail!("card sim refused command {opcode} at index {index:#x}: {status:?}");
            }
        }
        Ok(&self.events)
    }

    /// Frames by reason code.
    ///
    /// # Errors
    /// When the card does not answer.
    pub fn reasons(&self) -> anyhow::Result<[u64; REASONS]> {
        Ok(self.driver.reason_counters()?)
    }

    /// What every flow of the set has forwarded, in its order.
    ///
    /// # Errors
    /// When the card does not answer.
    pub fn flow_counters(&mut self) -> anyhow::Result<Vec<FlowCounters>> {
        for family in [Family::V4, Family::V6] {
            let entries = self.geometry().entries(family);
            if entries > 0 {
                self.driver.read_counters(family, 0..entries)?;
            }
        }
        self.await_commands()?;
        let records = self.flows.iter().map(|entry| self.driver.counter(*entry).unwrap_or_default());
        Ok(records.map(|record| FlowCounters { packets: record.packets, bytes: record.bytes }).collect())
    }

    fn await_commands(&mut self) -> anyhow::Result<()> {
        let give_up = self.clocks() + HANG_CLOCKS;
        while self.driver.pending_commands() > 0 {
            self.step()?;
            if self.clocks() > give_up {
                bail!("card sim does not execute its commands");
            }
        }
        Ok(())
    }
}
