//! Card, driver and golden model, wired.
//!
//! ```text
//!  Scenario --> FlowTable --commands--> driver --rings--> verilated card <-- frames --- inject
//!                   |                     |                     |                         |
//!                   `---- changes ----> Scoreboard <- punts, completions, frames sent ----'
//! ```
//! The scoreboard hears of a frame before the card does, of a table change before its first command is posted, and of its end when its
//! completion was seen. What leaves the card is held to it within [`Rig::run`].

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use fpgaflow_abi::descriptor::Command;
use fpgaflow_abi::entry::{Action, Entry};
use fpgaflow_abi::geometry::Geometry;
use fpgaflow_abi::hash::HashSecret;
use fpgaflow_abi::key::{Family, FlowKey};
use fpgaflow_abi::next_hop::NextHop;
use fpgaflow_abi::regs::TableRow;
use fpgaflow_abi::slot::EntryRef;
use fpgaflow_abi::wire::MIN_FRAME_BYTES;
use fpgaflow_card::{Build, CosimTransport, RxFrame, Timing, Width};
use fpgaflow_driver::card::{Card, CommandEvent, Events, Options, PortSettings, Sent, Ticket};
use fpgaflow_driver::placement::Effort;
use fpgaflow_driver::table::{FlowError, FlowTable};
use fpgaflow_driver::transport::Transport;
use fpgaflow_golden::{Change, FlowCounters, FragmentConfig, Losses, PortConfig, PortCounters, Scoreboard};
use fpgaflow_traffic::Scenario;

use crate::kept::Kept;
use crate::tally::{Report, Tally};

mod damage;
mod recovery;
mod switchover;

pub use switchover::Carrier;

/// Clocks between two looks at what the card did.
const SLICE_CLOCKS: u64 = 64;
/// Clocks without any movement after which nothing will move any more: longer than a port that is stalled 99 % pauses.
const REST_CLOCKS: u64 = 4_096;
/// Clocks after which whatever is waited for counts as hung.
const HANG_CLOCKS: u64 = 20_000_000;

/// How a rig is set up.
#[derive(Debug, Clone, Copy)]
pub struct Setup {
    /// The run's seed: decides the secret's and the stalls' draws, and is named by every report.
    pub seed: u64,
    /// Width of the card's data path.
    pub width: Width,
    /// How card and host bus pause.
    pub timing: Timing,
    /// What may be lost.
    pub losses: Losses,
    /// The driver's rings.
    pub options: Options,
    /// Every port.
    pub port: PortSetup,
    /// Ticks that the card remembers a datagram for its fragments; `None` for one that punts them.
    pub fragments: Option<u16>,
}

/// How every port of a rig is set up; addresses are those of `fpgaflow_traffic`'s packets.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PortSetup {
    /// Forward frames whatever their unicast destination.
    pub promiscuous: bool,
    /// Drop what does not fit at an egress port.
    pub tail_drop: bool,
}

impl Setup {
    /// No pauses, nothing may be lost, 64 bits.
    pub fn new(seed: u64) -> Self {
        Self {
            seed,
            width: Width::Bits64,
            timing: Timing::default(),
            losses: Losses::default(),
            options: Options::default(),
            port: PortSetup::default(),
            fragments: None,
        }
    }
}

/// A submission whose end the scoreboard or the tally waits for.
struct UnderWay {
    ticket: Ticket,
    /// Changes that end with it.
    changes: usize,
    /// The flow whose last counters it brings.
    last_counters: Option<(EntryRef, FlowKey)>,
}

/// Card, driver and golden model.
pub struct Rig {
    /// The card's own side: ports, timing, statistics.
    pub transport: Arc<CosimTransport>,
    /// The driver.
    pub driver: Card,
    /// Its flow table. Change it by the rig's methods, so that the scoreboard knows.
    pub table: FlowTable,
    /// The golden model. Taken out by [`Rig::finish`].
    pub board: Scoreboard,
    /// What left, when [`Rig::keep`] asked for it.
    pub kept: Option<Kept>,
    setup: Setup,
    build: Build,
    events: Events,
    under_way: VecDeque<UnderWay>,
    /// Rows that the driver has repaired.
    pub repaired: Vec<TableRow>,
    tally: Tally,
    /// Time of clock 0: time is a function of the clock, so that a run replays.
    epoch: Instant,
}

impl Rig {
    /// The card of `setup.width` with lookup and all ports on, its tables empty.
    pub fn new(setup: Setup, secret: HashSecret) -> Self {
        Self::with_card(crate::verilated(setup.width), setup, secret)
    }

    /// The same with a card that was made before, whatever its width.
    pub fn with_card(transport: Arc<CosimTransport>, setup: Setup, secret: HashSecret) -> Self {
        let build = *transport.card().build();
        transport.card().set_timing(setup.timing, setup.seed);
        let driver = Card::open(Arc::clone(&transport) as Arc<dyn Transport>, secret, setup.options).expect("open the card");
        let geometry = *driver.geometry();
        let mut rig = Self {
            table: FlowTable::new(&geometry, secret),
            board: Scoreboard::new(geometry, setup.losses, setup.seed),
            kept: None,
            events: Events::default(),
            under_way: VecDeque::new(),
            repaired: Vec::new(),
            tally: Tally::new(geometry.ports),
            epoch: Instant::now(),
            transport,
            driver,
            setup,
            build,
        };
        for port in 0..geometry.ports {
            rig.set_port(port, true);
        }
        rig.set_lookup(true);
        rig.tell_fragments();
        rig
    }

    /// The card's size.
    pub fn geometry(&self) -> Geometry {
        *self.driver.geometry()
    }

    /// Frames of the shortest kind that the card takes between two looks at it.
    pub fn frames_per_slice(&self) -> usize {
        SLICE_CLOCKS as usize / MIN_FRAME_BYTES.div_ceil(self.build.beat_bytes())
    }

    /// Clocks since power-on.
    pub fn clock(&self) -> u64 {
        self.transport.card().clocks()
    }

    /// The time of the driver: a clock is a nanosecond.
    pub fn now(&self) -> Instant {
        self.epoch + Duration::from_nanos(self.clock())
    }

    /// From now on keeps all that leaves, for a test that says itself what should.
    pub fn keep(&mut self) {
        self.kept = Some(Kept::new(self.driver.geometry().ports));
    }

    /// Adds the scenario's next hops, whose indices are then those in its flows. Call it on an empty table.
    pub fn add_next_hops(&mut self, scenario: &Scenario) {
        for (index, hop) in scenario.next_hops.iter().enumerate() {
            assert_eq!(usize::from(self.add_next_hop(*hop)), index, "a fresh table numbers next hops from 0");
        }
    }

    /// Adds a next hop.
    pub fn add_next_hop(&mut self, hop: NextHop) -> u16 {
        let mut commands = Vec::new();
        let index = self.table.add_next_hop(hop, &mut commands).expect("the card has the next hop");
        self.post(&[Change::NextHop(index, hop)], commands);
        index
    }

    /// Installs `flows` as one transaction; they are looked up when the ticket is done.
    pub fn install<const N: usize>(&mut self, flows: [Entry; N]) -> Result<[EntryRef; N], FlowError> {
        let mut commands = Vec::new();
        let entries = self.table.install(flows, Effort::LAST, &mut commands)?;
        let changes: [Change; N] = std::array::from_fn(|i| Change::Install(entries[i], flows[i]));
        self.post(&changes, commands);
        Ok(entries)
    }

    /// Removes a flow, and keeps what it counted. False when its entry's last counters are still under way.
    pub fn remove(&mut self, key: &FlowKey) -> bool {
        let entry = self.table.find(key).expect("the flow is installed");
        if self.under_way.iter().any(|submission| submission.last_counters.is_some_and(|(at, _)| at == entry)) {
            return false;
        }
        let mut commands = Vec::new();
        self.table.remove(key, &mut commands).expect("the flow is installed");
        self.table.settle(&mut commands);
        self.post(&[Change::Remove(entry)], commands);
        let ticket = self.driver.read_counters(entry.family(), entry.index()..entry.index() + 1).expect("the entry exists");
        self.under_way.push_back(UnderWay { ticket, changes: 0, last_counters: Some((entry, *key)) });
        true
    }

    /// Gives an installed flow another action.
    pub fn set_action(&mut self, key: &FlowKey, action: Action) {
        let mut commands = Vec::new();
        let entry = self.table.set_action(key, action, &mut commands).expect("the flow is installed and the next hop exists");
        self.post(&[Change::Update(entry, action)], commands);
    }

    /// Changes a next hop.
    pub fn set_next_hop(&mut self, index: u16, hop: NextHop) {
        let mut commands = Vec::new();
        self.table.set_next_hop(index, hop, &mut commands).expect("the next hop exists");
        self.post(&[Change::NextHop(index, hop)], commands);
    }

    /// Turns lookup on or off, when all commands are done.
    pub fn set_lookup(&mut self, on: bool) {
        self.register_change(Change::Lookup(on), |driver| driver.set_lookup(on));
    }

    /// Turns a port's receive side on or off, when all commands are done.
    pub fn set_port(&mut self, port: u8, enabled: bool) {
        let config = self.port_config(port, enabled);
        let PortConfig { promiscuous, mac, .. } = config;
        let settings = PortSettings { mac, enabled, promiscuous, tail_drop: self.setup.port.tail_drop };
        self.register_change(Change::Port(port, config), |driver| driver.set_port(port, settings));
    }

    /// Tells card and model of the setup how to treat fragments.
    fn tell_fragments(&mut self) {
        if let Some(lifetime) = self.setup.fragments {
            let config = FragmentConfig { secret: *self.table.secret(), lifetime };
            self.register_change(Change::Fragments(Some(config)), |driver| driver.set_fragments(Some(lifetime)));
        }
    }

    /// Makes the card forget every datagram.
    pub fn forget_datagrams(&mut self) {
        self.register_change(Change::Fragments(None), |driver| driver.set_fragments(None));
        self.tell_fragments();
    }

    fn port_config(&self, port: u8, rx_enable: bool) -> PortConfig {
        PortConfig { rx_enable, promiscuous: self.setup.port.promiscuous, mac: [2, 0, 0, 0, 0, port] }
    }

    /// Goes over to another hash secret under traffic: lookup is off meanwhile. Flows without a place under it are removed; returns how
    /// many.
    pub fn rekey(&mut self, secret: HashSecret) -> usize {
        self.await_commands();
        self.register_change(Change::Lookup(false), |driver| driver.set_secret(secret));
        let mut removed = 0;
        let plan = loop {
            let plan = self.table.plan_rekey(secret, Effort::LAST);
            if plan.homeless().is_empty() {
                break plan;
            }
            for key in plan.homeless() {
                removed += 1;
                while !self.remove(key) {
                    self.run(SLICE_CLOCKS);
                }
            }
        };
        let mut commands = Vec::new();
        self.table.rekey(plan, &mut commands);
        self.submit(commands);
        self.set_lookup(true);
        self.tell_fragments();
        removed
    }

    /// Executes commands that change no outcome: moves, barriers.
    pub fn submit(&mut self, commands: Vec<Command>) {
        self.post(&[], commands);
    }

    /// Commands that are not known to be executed.
    pub fn commands_under_way(&self) -> usize {
        self.driver.pending_commands()
    }

    /// Runs until all commands are done and booked.
    pub fn await_commands(&mut self) {
        let give_up = self.clock() + HANG_CLOCKS;
        while !self.under_way.is_empty() {
            assert!(self.clock() < give_up, "commands hang");
            self.run(SLICE_CLOCKS);
        }
    }

    /// Gives a frame to a port.
    pub fn inject(&mut self, port: u8, bytes: Vec<u8>, damaged: bool) {
        let mut card = self.transport.card();
        let clock = card.clocks();
        let injected =
            if damaged { self.board.inject_damaged(port, &bytes, clock) } else { self.board.inject(port, &bytes, clock) };
        injected.expect("the port exists");
        self.tally.received(port, bytes.len());
        card.receive(port.into(), RxFrame { bytes, error: damaged });
    }

    /// Sends a frame of the host by a port. False when the ring is full.
    pub fn send(&mut self, port: u8, frame: &[u8]) -> bool {
        match self.driver.queue_frame(port, frame).expect("a frame that the card can send") {
            Sent::RingFull => false,
            Sent::Queued => {
                self.board.send(port, frame, self.clock()).expect("the port exists");
                self.driver.ring_doorbells().expect("ring the doorbell");
                true
            }
        }
    }

    /// Whether a frame of `bytes` more could not overrun the store towards the host, even if all frames in the card were punted.
    pub fn is_calm(&self, bytes: usize) -> bool {
        let (frames, waiting_bytes) = self.board.leaving();
        self.build.is_calm(frames + 1, waiting_bytes + bytes)
    }

    /// Clocks the card `clocks` times with the driver looking at it every [`SLICE_CLOCKS`], and holds what left to the model.
    pub fn run(&mut self, clocks: u64) {
        let end = self.clock() + clocks;
        loop {
            let left = end.saturating_sub(self.clock());
            if left == 0 {
                break;
            }
            self.run_without_driver(left.min(SLICE_CLOCKS));
            self.poll();
        }
    }

    /// Clocks the card with a driver that does not look at it.
    pub fn run_without_driver(&mut self, clocks: u64) {
        let mut card = self.transport.card();
        card.run(clocks);
        let clock = card.clocks();
        for port in 0..self.driver.geometry().ports {
            while let Some(frame) = card.sent(port.into()) {
                self.tally.sent(port, frame.bytes.len());
                if let Err(mismatch) = self.board.observe_tx(port, &frame.bytes, clock) {
                    panic!("{mismatch}");
                }
                if let Some(kept) = &mut self.kept {
                    kept.sent[usize::from(port)].push(frame.bytes);
                }
            }
        }
    }

    /// The driver takes what the card has for it.
    pub fn poll(&mut self) {
        let clock = self.clock();
        let now = self.now();
        self.driver.poll(now, &mut self.events).expect("poll the card");
        assert_eq!((self.events.buffers_refused, self.events.sends_refused), (0, 0), "buffers and frames refused by the card");
        for (info, frame) in self.events.frames.iter() {
            self.tally.punted();
            if let Err(mismatch) = self.board.observe_punt(info.port, info.reason, info.entry, frame, clock) {
                panic!("{mismatch}");
            }
            if let Some(kept) = &mut self.kept {
                kept.punts.push((info, frame.to_vec()));
            }
        }
        self.repaired.append(&mut self.events.repaired);
        for event in &self.events.commands {
            match event {
                CommandEvent::Failed { opcode, index, status, .. } => {
                    panic!("the card refused command {opcode} at index {index:#x}: {status:?}")
                }
                CommandEvent::Done { ticket } => {
                    let Some(done) = self.under_way.pop_front_if(|front| front.ticket == *ticket) else { continue };
                    for _ in 0..done.changes {
                        self.board.table_change_ends(clock);
                    }
                    if let Some((entry, key)) = done.last_counters {
                        let record = self.driver.counter(entry).expect("the entry exists");
                        self.tally.removed(entry, key, FlowCounters { packets: record.packets, bytes: record.bytes });
                    }
                }
            }
        }
        self.mend();
    }

    /// Runs until nothing moves any more.
    pub fn rest(&mut self) {
        let give_up = self.clock() + HANG_CLOCKS;
        loop {
            let card = self.transport.card();
            let (idle, waiting) =
                (card.idle_clocks(), (0..self.driver.geometry().ports).map(|p| card.receive_waiting(p.into())).sum::<usize>());
            drop(card);
            if waiting == 0 && self.under_way.is_empty() && idle > REST_CLOCKS {
                return;
            }
            assert!(self.clock() < give_up, "the card hangs: {waiting} frames wait to be received, idle for {idle} clocks");
            self.run(SLICE_CLOCKS);
        }
    }

    /// Lets everything leave, and compares every counter of the card with what the model says.
    pub fn finish(mut self) -> Report {
        self.rest();
        let counters = self.flow_counters();
        let reasons = self.driver.reason_counters().expect("read the reason counters");
        let ports: Vec<PortCounters> = (0..self.driver.geometry().ports)
            .map(|port| {
                let counters = self.driver.port_counters(port).expect("read the port counters");
                PortCounters {
                    rx_frames: counters.rx_frames,
                    rx_bytes: counters.rx_bytes,
                    tx_frames: counters.tx_frames,
                    tx_bytes: counters.tx_bytes,
                }
            })
            .collect();
        let faults = self.transport.card().bus_faults();
        assert_eq!(faults, 0, "accesses of the card to memory that is not mapped");
        let clocks = self.clock();
        let summary = match self.board.finish(Some(&reasons), clocks) {
            Ok(summary) => summary,
            Err(mismatch) => panic!("{mismatch}"),
        };
        let punts = self.tally.compare(&ports, counters, &summary);
        Report { clocks, reasons, summary, punts }
    }

    /// Counters of every flow that is installed, read by DMA.
    pub fn flow_counters(&mut self) -> HashMap<(EntryRef, FlowKey), FlowCounters> {
        for family in [Family::V4, Family::V6] {
            let entries = self.driver.geometry().entries(family);
            if entries > 0 {
                let ticket = self.driver.read_counters(family, 0..entries).expect("the entries exist");
                self.under_way.push_back(UnderWay { ticket, changes: 0, last_counters: None });
            }
        }
        self.await_commands();
        let read = |entry| self.driver.counter(entry).expect("the entry exists");
        let flows = self.table.iter().map(|(entry, flow)| {
            let record = read(entry);
            ((entry, flow.key), FlowCounters { packets: record.packets, bytes: record.bytes })
        });
        flows.collect()
    }

    fn post(&mut self, changes: &[Change], commands: Vec<Command>) {
        let clock = self.clock();
        for change in changes {
            self.board.table_change_begins(change, clock).expect("the model takes what the driver takes");
        }
        let ticket = self.driver.submit(commands).expect("submit commands");
        self.under_way.push_back(UnderWay { ticket, changes: changes.len(), last_counters: None });
    }

    /// A change that a register makes. Those by commands must have ended, for changes end in the order in which they began.
    fn register_change(&mut self, change: Change, write: impl FnOnce(&mut Card) -> Result<(), fpgaflow_driver::card::CardError>) {
        self.await_commands();
        self.board.table_change_begins(&change, self.clock()).expect("the model takes what the driver takes");
        write(&mut self.driver).expect("write the registers");
        self.board.table_change_ends(self.clock());
    }
}
