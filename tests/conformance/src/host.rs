//! The host of a card under test: driver, table, and the golden model beside them.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use fpgaflow_abi::descriptor::{Command, Status, Vector};
use fpgaflow_abi::entry::{Action, Entry};
use fpgaflow_abi::hash::HashSecret;
use fpgaflow_abi::key::{Addresses, Encap, FlowKey};
use fpgaflow_abi::next_hop::{MacAddr, NextHop};
use fpgaflow_abi::reason::Reason;
use fpgaflow_abi::slot::EntryRef;
use fpgaflow_abi::wire::MIN_FRAME_BYTES;
use fpgaflow_driver::card::{Card, CommandEvent, Events, Options, PortSettings, Sent, Ticket};
use fpgaflow_driver::placement::Effort;
use fpgaflow_driver::table::FlowTable;
use fpgaflow_driver::transport::Transport;
use fpgaflow_golden::{Outcome, PortConfig};
use rand::RngExt;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;

use crate::failure::{Failure, equal};

/// Longest wait for an interrupt. A guest without hardware virtualisation on a busy machine takes seconds over milliseconds.
const PATIENCE: Duration = Duration::from_secs(20);
/// Bytes of frames under way at a time: what the card's store towards the host holds for sure.
const WINDOW_BYTES: usize = 8 << 10;
/// Frames likewise.
const WINDOW_FRAMES: usize = 64;

/// Ports that the cable is between.
pub(crate) const CABLED: u8 = 2;

/// The other end of the cable.
pub(crate) fn far(port: u8) -> u8 {
    1 - port
}

/// Ethernet address of a port.
pub(crate) fn mac(port: u8) -> MacAddr {
    [2, 0, 0, 0, 0, port]
}

/// A frame that the card gave to the host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Punt {
    pub port: u8,
    pub reason: Reason,
    pub entry: Option<EntryRef>,
    pub frame: Vec<u8>,
}

/// Whether frames may overtake each other, and whether others may be among them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Arrival {
    /// All and only these, in this order.
    InOrder,
    /// All and only these.
    AnyOrder,
    /// All of these, between others.
    AmongOthers,
}

/// Driver, table and model of one card.
pub(crate) struct Host {
    pub card: Card,
    pub table: FlowTable,
    pub golden: fpgaflow_golden::Card,
    events: Events,
    punts: VecDeque<Punt>,
    done: Vec<Ticket>,
    failed: Vec<(Ticket, Status)>,
}

impl Host {
    /// Opens the card, turns its cabled ports and lookup on.
    pub fn open(transport: &Arc<dyn Transport>) -> Result<Self, Failure> {
        let mut rng = fpgaflow_traffic::rng(1);
        let secret = HashSecret(std::array::from_fn(|_| rng.random()));
        let mut card = Card::open(Arc::clone(transport), secret, Options::default())?;
        let geometry = *card.geometry();
        if geometry.ports < CABLED {
            equal("ports of the card", geometry.ports, CABLED)?;
        }
        let mut golden = fpgaflow_golden::Card::new(geometry);
        for port in 0..CABLED {
            card.set_port(port, PortSettings { mac: mac(port), enabled: true, ..PortSettings::default() })?;
            golden.set_port(port, PortConfig { rx_enable: true, promiscuous: false, mac: mac(port) })?;
        }
        card.set_lookup(true)?;
        golden.set_lookup(true);
        Ok(Self {
            table: FlowTable::new(&geometry, secret),
            golden,
            card,
            events: Events::default(),
            punts: VecDeque::new(),
            done: Vec::new(),
            failed: Vec::new(),
        })
    }

    /// A next hop for each cabled port; its frames are addressed to the port at the other end. Their indices are the ports'.
    pub fn add_next_hops(&mut self) -> Result<(), Failure> {
        let mut commands = Vec::new();
        for port in 0..CABLED {
            let hop =
                NextHop { egress: port, mtu: 1500, src_mac: mac(port), dst_mac: mac(far(port)), encap: Encap::NONE, valid: true };
            let index = self.table.add_next_hop(hop, &mut commands)?;
            equal("index of a fresh table's next hop", index, port.into())?;
            self.golden.set_next_hop(index, hop)?;
        }
        self.execute(commands)
    }

    /// Installs `flow`, and waits until the card has it.
    pub fn install(&mut self, flow: Entry) -> Result<EntryRef, Failure> {
        let mut commands = Vec::new();
        let [entry] = self.table.install([flow], Effort::LAST, &mut commands)?;
        self.golden.install(entry, flow)?;
        self.execute(commands)?;
        Ok(entry)
    }

    /// Has the card execute commands, which must all succeed.
    pub fn execute(&mut self, commands: Vec<Command>) -> Result<(), Failure> {
        let ticket = self.card.submit(commands)?;
        self.await_ticket(ticket)?;
        equal("refused commands", self.failed.drain(..).next(), None)
    }

    /// Has the card execute one command, and says how it went.
    pub fn try_execute(&mut self, command: Command) -> Result<Status, Failure> {
        let ticket = self.card.submit([command])?;
        self.await_ticket(ticket)?;
        Ok(self.failed.drain(..).find(|(failed, _)| *failed == ticket).map_or(Status::Ok, |(_, status)| status))
    }

    /// Waits until a submission is executed.
    pub fn await_ticket(&mut self, ticket: Ticket) -> Result<(), Failure> {
        self.wait(Vector::Command, "commands to be executed", |host| host.done.contains(&ticket))?;
        self.done.retain(|done| *done > ticket);
        Ok(())
    }

    /// Frames come in by ports, all of them; what the card then gives the host, and what it forwards, is what the model says.
    pub fn exchange(&mut self, frames: Vec<(u8, Vec<u8>)>, arrival: Arrival) -> Result<(), Failure> {
        let mut frames = VecDeque::from(frames);
        while !frames.is_empty() {
            let (mut bytes, mut expected) = (0, VecDeque::new());
            while let Some((port, frame)) = frames.pop_front_if(|(_, frame)| bytes + frame.len() <= WINDOW_BYTES) {
                bytes += frame.len();
                expected.extend(self.send_to(port, frame)?);
                if expected.len() == WINDOW_FRAMES {
                    break;
                }
            }
            self.await_punts(expected, arrival)?;
        }
        Ok(())
    }

    /// Has the host send a frame that comes in by `port`; the punt that it ends as, if it does.
    pub fn send_to(&mut self, port: u8, mut frame: Vec<u8>) -> Result<Option<Punt>, Failure> {
        equal("room for a frame", self.card.send_frame(far(port), &frame)?, Sent::Queued)?;
        frame.resize(frame.len().max(MIN_FRAME_BYTES), 0);
        let (mut port, mut frame) = (port, frame);
        loop {
            match self.golden.process(port, &frame)? {
                Outcome::Punted { reason, entry } => return Ok(Some(Punt { port, reason, entry, frame })),
                Outcome::Dropped { .. } => return Ok(None),
                Outcome::Forwarded { port: egress, frame: rewritten, .. } => (port, frame) = (far(egress), rewritten),
            }
        }
    }

    fn await_punts(&mut self, mut expected: VecDeque<Punt>, arrival: Arrival) -> Result<(), Failure> {
        while !expected.is_empty() {
            self.wait(Vector::FrameToHost, "frames to reach the host", |host| !host.punts.is_empty())?;
            let Some(punt) = self.punts.pop_front() else { continue };
            let place = match arrival {
                Arrival::InOrder => Some(0),
                Arrival::AnyOrder | Arrival::AmongOthers => expected.iter().position(|other| *other == punt),
            };
            match place.and_then(|place| expected.remove(place)) {
                Some(wanted) => equal("a frame that reached the host", punt, wanted)?,
                None if arrival == Arrival::AmongOthers => {}
                None => equal("a frame that reached the host", Some(&punt), expected.front())?,
            }
        }
        if arrival != Arrival::AmongOthers {
            equal("frames that reached the host besides", self.punts.pop_front(), None)?;
        }
        Ok(())
    }

    /// Polls the card at each interrupt of `vector` until `done`.
    fn wait(&mut self, vector: Vector, what: &'static str, done: impl Fn(&Self) -> bool) -> Result<(), Failure> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            self.take()?;
            if done(self) {
                return Ok(());
            }
            self.await_interrupt(vector, deadline, what)?;
        }
    }

    /// Waits for an interrupt, and takes it.
    pub fn await_interrupt(&self, vector: Vector, deadline: Instant, what: &'static str) -> Result<(), Failure> {
        let failed = |operation| move |errno: Errno| Failure::Io { operation, source: errno.into() };
        let eventfd = self.card.eventfd(vector);
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let timeout = Timespec { tv_sec: left.as_secs() as i64, tv_nsec: left.subsec_nanos().into() };
            let mut fds = [PollFd::from_borrowed_fd(eventfd, PollFlags::IN)];
            match poll(&mut fds, Some(&timeout)) {
                Err(Errno::INTR) => continue,
                Err(errno) => return Err(failed("wait for an interrupt")(errno)),
                Ok(0) => return Err(Failure::NoInterrupt { vector, what }),
                Ok(_) => {}
            }
            let mut count = [0; 8];
            return rustix::io::read(eventfd, &mut count).map(drop).map_err(failed("take an interrupt"));
        }
    }

    /// Waits for an interrupt as long as anything is waited for.
    pub fn await_event(&self, what: &'static str) -> Result<(), Failure> {
        self.await_interrupt(Vector::Event, Instant::now() + PATIENCE, what)
    }

    /// Sets the card up again after a reset, with everything that was in it; what was under way is forgotten.
    pub fn recover(&mut self) -> Result<(), Failure> {
        let ticket = self.card.recover(self.table.image())?;
        self.punts.clear();
        self.await_ticket(ticket)
    }

    fn take(&mut self) -> Result<(), Failure> {
        self.card.poll(Instant::now(), &mut self.events)?;
        let refused = (self.events.buffers_refused, self.events.sends_refused);
        equal("buffers and frames that the card refused", refused, (0, 0))?;
        for (info, frame) in self.events.frames.iter() {
            let punt = Punt { port: info.port, reason: info.reason, entry: info.entry, frame: frame.to_vec() };
            self.punts.push_back(punt);
        }
        for event in &self.events.commands {
            match *event {
                CommandEvent::Done { ticket } => self.done.push(ticket),
                CommandEvent::Failed { ticket, status, .. } => self.failed.push((ticket, status)),
            }
        }
        Ok(())
    }
}

/// Flow number `number` of `protocol` that comes in by `port`, its source translated, and leaves by the other end's port.
pub(crate) fn translated(port: u8, protocol: u8, number: u8) -> Entry {
    let dst = [198, 51, 100, 1].into();
    let key = FlowKey {
        ingress: port,
        encap: Encap::NONE,
        protocol,
        addresses: Addresses::V4 { src: [192, 0, 2, number].into(), dst },
        sport: 1000,
        dport: 2000,
    };
    let addresses = Addresses::V4 { src: [203, 0, 113, 5].into(), dst };
    let action = Action { addresses, sport: 61_000 + u16::from(number), dport: 2000, next_hop: far(port).into() };
    Entry { key, action, valid: true }
}
