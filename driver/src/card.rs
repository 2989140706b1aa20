//! One card: identified, set up, and driven by polling.
//!
//! No thread, no async, no clock inside: the owner waits on [`Card::eventfds`] or a timer as it likes, calls [`Card::poll`] with the
//! time, and handles the [`Events`]. Nothing blocks longer than register accesses take.
//!
//! # Contract
//! - [`Card::open`] refuses by name what is not a flow engine of this ABI, and resets the card, so that its tables are empty.
//! - [`Card::submit`] never fails for lack of room: what does not fit the ring waits in order. Commands execute in the order of
//!   submission; each submission ends with [`CommandEvent::Done`].
//! - A card that breaks the rules of its rings, stalls or vanishes is a [`CardError`]; after it only [`Card::recover`] helps, which
//!   resets the card and tells it everything again.

mod error;
mod events;
mod health;
mod parity;
mod queues;
mod registers;
mod settings;
mod settle;

pub use error::CardError;
pub use events::{CommandEvent, Events, Ticket};
pub use settings::{FRAGMENT_LIFETIME, Options, PortSettings};

use std::collections::VecDeque;
use std::ops::Range;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

use fpgaflow_abi::counters::{CounterRecord, RECORD_BYTES};
use fpgaflow_abi::descriptor::{Command, CompletionKind, Ring, Status, VECTORS, Vector};
use fpgaflow_abi::geometry::Geometry;
use fpgaflow_abi::hash::HashSecret;
use fpgaflow_abi::key::Family;
use fpgaflow_abi::next_hop::mac_to_int;
use fpgaflow_abi::reason::{REASONS, Reason};
use fpgaflow_abi::regs::{self, FlowCtrl, PortCounter};
use fpgaflow_abi::slot::EntryRef;
use fpgaflow_abi::wire::ETH_HEADER_BYTES;
use rustix::event::{EventfdFlags, eventfd};

use crate::frame::FrameInfo;
use crate::mapping::Mapping;
use crate::rings::{RingError, Verified};
use crate::transport::{Transport, TransportError};
use parity::Repairs;
use queues::Queues;
use registers::Registers;
use settings::Desired;

/// Counters of one port since the card's reset.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PortCounters {
    /// Frames received, dropped ones too.
    pub rx_frames: u64,
    /// Bytes of those, at most [`regs::MOST_COUNTED_BYTES`] a frame.
    pub rx_bytes: u64,
    /// Frames sent.
    pub tx_frames: u64,
    /// Bytes of those.
    pub tx_bytes: u64,
}

/// What became of a frame given to [`Card::send_frame`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum Sent {
    /// It is copied and queued.
    Queued,
    /// The ring is full; the frame is still the caller's.
    RingFull,
}

/// A command that waits for room in the ring.
struct Waiting {
    command: Command,
    ticket: u64,
    last: bool,
}

/// One card, see the module's contract.
pub struct Card {
    registers: Registers,
    geometry: Geometry,
    options: Options,
    desired: Desired,
    queues: Queues,
    /// Counter records, IPv4 and IPv6, as [`Card::read_counters`] has the card write them.
    counters: [Option<Mapping>; 2],
    eventfds: [OwnedFd; VECTORS],
    backlog: VecDeque<Waiting>,
    next_ticket: u64,
    /// Counter last written to each ring's doorbell.
    rung: [u32; Ring::ALL.len()],
    /// Since when the oldest command in flight is the oldest, and which position it has.
    oldest: Option<(u32, Instant)>,
    repairs: Repairs,
    /// Received frames are held at the ports.
    hold: bool,
    /// The last submission that was executed.
    executed: Option<Ticket>,
    /// Buffers that the card could not use since its reset.
    buffers_refused: u32,
    /// Set once the card was told to stop.
    quiet: bool,
}

impl std::fmt::Debug for Card {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Card").field("name", &self.name()).field("geometry", &self.geometry).finish_non_exhaustive()
    }
}

impl Card {
    /// Identifies the card behind `transport`, resets it and sets it up: rings, interrupts, `secret`. Ports and lookup are off.
    ///
    /// # Errors
    /// What is not a flow engine of this ABI is refused by name; see [`CardError`].
    pub fn open(transport: Arc<dyn Transport>, secret: HashSecret, options: Options) -> Result<Self, CardError> {
        options.check()?;
        let registers = Registers::new(transport);
        let geometry = registers.identify()?;
        let transport = registers.transport();
        transport.reset()?;
        let eventfds = connect_interrupts(transport.as_ref())?;
        let records = |family| match geometry.entries(family) {
            0 => Ok(None),
            entries => Mapping::new(transport, entries as usize * RECORD_BYTES).map(Some),
        };
        let mut card = Self {
            counters: [records(Family::V4)?, records(Family::V6)?],
            queues: Queues::new(transport, &geometry, &options)?,
            geometry,
            options,
            desired: Desired::new(secret),
            eventfds,
            backlog: VecDeque::new(),
            next_ticket: 0,
            rung: [0; Ring::ALL.len()],
            oldest: None,
            repairs: Repairs::default(),
            hold: false,
            executed: None,
            buffers_refused: 0,
            quiet: false,
            registers,
        };
        card.start()?;
        Ok(card)
    }

    /// Name of the card, as the user spelled it.
    pub fn name(&self) -> &str {
        self.registers.transport().name()
    }

    /// What the card is.
    pub fn geometry(&self) -> &Geometry {
        &self.geometry
    }

    /// One eventfd for each of [`Vector`], in its order: readable when the card has news of that kind. Read it, then poll.
    pub fn eventfds(&self) -> [BorrowedFd<'_>; VECTORS] {
        self.eventfds.each_ref().map(AsFd::as_fd)
    }

    /// The eventfd of one vector.
    pub fn eventfd(&self, vector: Vector) -> BorrowedFd<'_> {
        self.eventfds[vector as usize].as_fd()
    }

    /// Sets a port up.
    ///
    /// # Errors
    /// [`CardError::NoPort`], or the transport's.
    pub fn set_port(&mut self, port: u8, settings: PortSettings) -> Result<(), CardError> {
        self.check_port(port)?;
        self.write_port(port, &settings)?;
        self.desired.ports[usize::from(port)] = settings;
        Ok(())
    }

    /// Turns lookup on or off. When off, every frame that would be looked up comes to the host as `lookup_disabled`.
    ///
    /// # Errors
    /// The transport's.
    pub fn set_lookup(&mut self, lookup: bool) -> Result<(), CardError> {
        self.desired.lookup = lookup;
        self.write_flow_ctrl()
    }

    /// Has the card forward fragments as [`fpgaflow_abi::fragment`] has it, or punt them all. `lifetime` is how long it remembers a datagram,
    /// in ticks of [`TICK_SHIFT`](fpgaflow_abi::counters::TICK_SHIFT) clocks; [`FRAGMENT_LIFETIME`] is a good one.
    ///
    /// # Errors
    /// The transport's.
    pub fn set_fragments(&mut self, lifetime: Option<u16>) -> Result<(), CardError> {
        self.desired.fragments = lifetime;
        self.write_fragments()
    }

    fn write_fragments(&self) -> Result<(), CardError> {
        if let Some(lifetime) = self.desired.fragments {
            self.registers.write(regs::FRAGMENT_LIFETIME, lifetime.into())?;
        }
        self.write_flow_ctrl()
    }

    /// Writes a new hash secret. Lookup is off during it and stays off: the slots that the card holds are of the old secret.
    ///
    /// # Errors
    /// The transport's.
    pub fn set_secret(&mut self, secret: HashSecret) -> Result<(), CardError> {
        self.set_lookup(false)?;
        self.registers.write_secret(&secret)?;
        self.desired.secret = secret;
        Ok(())
    }

    /// Counters of a port.
    ///
    /// # Errors
    /// [`CardError::NoPort`], or the transport's.
    pub fn port_counters(&self, port: u8) -> Result<PortCounters, CardError> {
        self.check_port(port)?;
        let read = |counter| self.registers.read_u64(regs::port_counter(port, counter));
        Ok(PortCounters {
            rx_frames: read(PortCounter::RxFrames)?,
            rx_bytes: read(PortCounter::RxBytes)?,
            tx_frames: read(PortCounter::TxFrames)?,
            tx_bytes: read(PortCounter::TxBytes)?,
        })
    }

    /// Frames by reason, indexed by the reason's code.
    ///
    /// # Errors
    /// The transport's.
    pub fn reason_counters(&self) -> Result<[u64; REASONS], CardError> {
        let mut counters = [0; REASONS];
        for reason in Reason::ALL {
            counters[*reason as usize] = self.registers.read_u64(regs::reason_counter(*reason))?;
        }
        Ok(counters)
    }

    /// The card's clock counter.
    ///
    /// # Errors
    /// The transport's.
    pub fn clock(&self) -> Result<u64, CardError> {
        const { assert!(regs::CLOCK_HI == regs::CLOCK_LO + 4) };
        Ok(self.registers.read_u64(regs::CLOCK_LO)?)
    }

    /// Queues commands, to be executed in order after everything submitted before.
    ///
    /// # Errors
    /// The transport's, from the doorbell.
    pub fn submit(&mut self, commands: impl IntoIterator<Item = Command>) -> Result<Ticket, CardError> {
        let ticket = self.next_ticket;
        self.next_ticket += 1;
        let mut commands = commands.into_iter().peekable();
        // A submission of nothing still completes.
        let mut next = commands.next().or_else(|| Some(Command::nop()));
        while let Some(command) = next {
            next = commands.next();
            self.backlog.push_back(Waiting { command, ticket, last: next.is_none() });
        }
        self.pump()?;
        Ok(Ticket(ticket))
    }

    /// Commands that are submitted but not known to be executed.
    pub fn pending_commands(&self) -> usize {
        self.backlog.len() + self.queues.command.ring().in_flight() as usize
    }

    /// Has the card write the counters of `entries` of `family` to host memory; when the ticket is done, [`Card::counter`] has them.
    ///
    /// # Errors
    /// [`CardError::NoEntries`], or the transport's.
    pub fn read_counters(&mut self, family: Family, entries: Range<u32>) -> Result<Ticket, CardError> {
        let records = self.counters[family as usize].as_ref();
        let (Some(records), true) = (records, entries.start < entries.end && entries.end <= self.geometry.entries(family)) else {
            return Err(CardError::NoEntries {
                card: self.name().to_owned(),
                family,
                first: entries.start,
                end: entries.end,
                entries: self.geometry.entries(family),
            });
        };
        let iova = records.iova().0 + entries.start as u64 * RECORD_BYTES as u64;
        let first = EntryRef::of(family, entries.start);
        self.submit([Command::read_counters(first, iova, entries.end - entries.start)])
    }

    /// The counters of `entry` as [`Card::read_counters`] last brought them; `None` for an entry that the card does not have.
    pub fn counter(&self, entry: EntryRef) -> Option<CounterRecord> {
        let records = self.counters[entry.family() as usize].as_ref()?;
        if !self.geometry.has_entry(entry) {
            return None;
        }
        let base = entry.index() as usize * RECORD_BYTES;
        let word = |i| records.buffer().word(base + 8 * i).load(Ordering::Relaxed);
        Some(CounterRecord::from_words(std::array::from_fn(word)))
    }

    /// Copies `frame` into the card's ring, to leave by `port`; it is padded to the shortest frame of the wire.
    ///
    /// # Errors
    /// [`CardError::NoPort`], [`CardError::FrameLength`], or the transport's.
    pub fn send_frame(&mut self, port: u8, frame: &[u8]) -> Result<Sent, CardError> {
        let sent = self.queue_frame(port, frame)?;
        self.ring_doorbells()?;
        Ok(sent)
    }

    /// As [`Card::send_frame`], but the card is told only by the next [`Card::ring_doorbells`], [`Card::send_frame`] or [`Card::poll`]:
    /// one register write for many frames.
    ///
    /// # Errors
    /// [`CardError::NoPort`] or [`CardError::FrameLength`].
    pub fn queue_frame(&mut self, port: u8, frame: &[u8]) -> Result<Sent, CardError> {
        self.check_port(port)?;
        let max_bytes = self.geometry.max_frame_bytes;
        if frame.len() < ETH_HEADER_BYTES || frame.len() > max_bytes as usize {
            return Err(CardError::FrameLength { card: self.name().to_owned(), length_bytes: frame.len(), max_bytes });
        }
        Ok(if self.queues.to_card.push(port, frame) { Sent::Queued } else { Sent::RingFull })
    }

    /// Tells the card of everything that is queued.
    ///
    /// # Errors
    /// The transport's.
    pub fn ring_doorbells(&mut self) -> Result<(), CardError> {
        for (ring, counter) in [
            (Ring::Completion, self.queues.completion.consumer()),
            (Ring::Command, self.queues.command.ring().producer()),
            (Ring::FrameToHost, self.queues.to_host.ring().producer()),
            (Ring::FrameToCard, self.queues.to_card.ring().producer()),
        ] {
            if self.rung[ring as usize] != counter {
                let register = if ring == Ring::Completion { regs::RING_CONSUMER } else { regs::RING_PRODUCER };
                // The transport orders this after the stores that the counter announces.
                self.registers.write(regs::ring(register, ring), counter)?;
                self.rung[ring as usize] = counter;
            }
        }
        Ok(())
    }

    /// Takes what the card has completed by now into `events`, which is cleared first, and keeps its rings fed. At most one ring's
    /// worth of completions a call.
    ///
    /// # Errors
    /// A card that misbehaves, stalls or is gone. `events` then holds what came before.
    pub fn poll(&mut self, now: Instant, events: &mut Events) -> Result<(), CardError> {
        events.clear();
        for _ in 0..1u32 << self.queues.completion.bits() {
            let next = self.queues.completion.peek().map_err(|source| self.misbehaves(source))?;
            let Some(verified) = next else { break };
            self.take(&verified, events).map_err(|source| self.misbehaves(source))?;
            self.queues.completion.advance();
        }
        self.queues.to_host.post();
        self.pump()?;
        for event in &events.commands {
            if let CommandEvent::Done { ticket } = event {
                events.repaired.extend(self.acknowledge(*ticket)?);
            }
        }
        self.check_progress(now)
    }

    /// Resets the card and tells it everything again: rings, ports, secret, then `image`, the commands that make its tables what they
    /// should be ([`crate::table::FlowTable::image`]), then lookup as it was. Whatever was in flight is lost: earlier tickets never
    /// complete. Returns the ticket of the image; lookup goes on at once, a flow whose entry is not there yet is a miss.
    /// Counters of ports, reasons and the image's flows start at zero, and so does the card's clock.
    ///
    /// # Errors
    /// A card that is gone or became another one.
    pub fn recover(&mut self, image: impl IntoIterator<Item = Command>) -> Result<Ticket, CardError> {
        self.restart()?;
        self.submit(image)
    }

    /// As [`Card::recover`], with tables left empty and no command given: of a card that executes none, frames may still come.
    ///
    /// # Errors
    /// A card that is gone or became another one.
    pub fn restart(&mut self) -> Result<(), CardError> {
        let transport = Arc::clone(self.registers.transport());
        transport.reset()?;
        let after = self.registers.identify()?;
        if after != self.geometry {
            return Err(CardError::GeometryChanged {
                card: self.name().to_owned(),
                before: Box::new(self.geometry),
                after: Box::new(after),
            });
        }
        // Fresh memory: what the card wrote before the reset must not be taken for new completions.
        self.queues = Queues::new(&transport, &self.geometry, &self.options)?;
        self.backlog.clear();
        self.rung = [0; Ring::ALL.len()];
        self.oldest = None;
        self.repairs.forget();
        self.hold = false;
        self.buffers_refused = 0;
        self.start()
    }

    /// Turns lookup, ports, interrupts and rings off; frames then go nowhere. What [`Drop`] does, but with its errors.
    ///
    /// # Errors
    /// The transport's.
    pub fn shut_down(mut self) -> Result<(), CardError> {
        Ok(self.quiesce()?)
    }

    /// Sets a freshly reset card up as `desired` has it.
    fn start(&mut self) -> Result<(), CardError> {
        self.registers.write(regs::FLOW_CTRL, FlowCtrl::new().into_bits())?;
        self.registers.write_secret(&self.desired.secret)?;
        self.queues.enable(&self.registers)?;
        self.registers.write(regs::IRQ_MODERATION, self.options.irq_moderation_clocks)?;
        self.registers.write(regs::IRQ_ENABLE, (1 << VECTORS) - 1)?;
        self.queues.to_host.post();
        self.ring_doorbells()?;
        for (port, settings) in self.desired.ports(&self.geometry) {
            self.write_port(port, settings)?;
        }
        self.write_fragments()
    }

    fn write_flow_ctrl(&self) -> Result<(), CardError> {
        let ctrl = self.desired.flow_ctrl().with_hold(self.hold);
        Ok(self.registers.write(regs::FLOW_CTRL, ctrl.into_bits())?)
    }

    fn write_port(&self, port: u8, settings: &PortSettings) -> Result<(), TransportError> {
        let mac = mac_to_int(settings.mac);
        self.registers.write(regs::port(regs::PORT_MAC_LO, port), mac as u32)?;
        self.registers.write(regs::port(regs::PORT_MAC_HI, port), (mac >> 32) as u32)?;
        self.registers.write(regs::port(regs::PORT_CTRL, port), settings.control().into_bits())
    }

    fn check_port(&self, port: u8) -> Result<(), CardError> {
        if port < self.geometry.ports {
            return Ok(());
        }
        Err(CardError::NoPort { card: self.name().to_owned(), port, ports: self.geometry.ports })
    }

    /// Moves waiting commands into the ring and rings the doorbells.
    fn pump(&mut self) -> Result<(), CardError> {
        while let Some(waiting) = self.backlog.front() {
            if !self.queues.command.push(&waiting.command, waiting.ticket, waiting.last) {
                break;
            }
            self.backlog.pop_front();
        }
        self.ring_doorbells()
    }

    /// Books one completion.
    fn take(&mut self, verified: &Verified, events: &mut Events) -> Result<(), RingError> {
        match verified.kind {
            CompletionKind::Command => {
                let done = self.queues.command.complete(verified)?;
                let ticket = Ticket(done.command.ticket);
                if done.status != Status::Ok {
                    let (opcode, index, status) = (done.command.opcode, done.command.index, done.status);
                    events.commands.push(CommandEvent::Failed { ticket, opcode, index, status });
                }
                if done.command.last {
                    self.executed = Some(ticket);
                    events.commands.push(CommandEvent::Done { ticket });
                }
            }
            CompletionKind::FrameToHost => match self.queues.to_host.complete(verified)? {
                Some(received) => {
                    let info =
                        FrameInfo { port: received.port, reason: received.reason, entry: received.entry, clock: received.clock };
                    let to_host = &self.queues.to_host;
                    events.frames.push(info, received.length_bytes as usize, |out| to_host.copy_out(&received, out));
                }
                None => {
                    events.buffers_refused += 1;
                    self.buffers_refused = self.buffers_refused.wrapping_add(1);
                }
            },
            CompletionKind::FrameToCard => {
                if self.queues.to_card.complete(verified)? != Status::Ok {
                    events.sends_refused += 1;
                }
            }
        }
        Ok(())
    }

    fn misbehaves(&self, source: RingError) -> CardError {
        CardError::Ring { card: self.name().to_owned(), source }
    }

    fn quiesce(&mut self) -> Result<(), TransportError> {
        if std::mem::replace(&mut self.quiet, true) {
            return Ok(());
        }
        self.registers.write(regs::FLOW_CTRL, FlowCtrl::new().into_bits())?;
        for port in 0..self.geometry.ports {
            self.registers.write(regs::port(regs::PORT_CTRL, port), PortSettings::default().control().into_bits())?;
        }
        self.registers.write(regs::IRQ_ENABLE, 0)?;
        Queues::disable(&self.registers)?;
        self.registers.transport().connect_interrupts(Vec::new())
    }
}

impl Drop for Card {
    fn drop(&mut self) {
        // A card that is gone needs no farewell; for one that is there, the memory is unmapped after this in any case.
        let _ = self.quiesce();
    }
}

/// Makes an eventfd for every vector and connects them.
fn connect_interrupts(transport: &dyn Transport) -> Result<[OwnedFd; VECTORS], CardError> {
    let failed = |source: std::io::Error| CardError::Eventfd { card: transport.name().to_owned(), source };
    let mut ours = Vec::with_capacity(VECTORS);
    let mut theirs = Vec::with_capacity(VECTORS);
    for _ in 0..VECTORS {
        let fd = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK).map_err(|errno| failed(errno.into()))?;
        theirs.push(fd.try_clone().map_err(failed)?);
        ours.push(fd);
    }
    transport.connect_interrupts(theirs)?;
    ours.try_into().map_err(|_| failed(std::io::Error::other("the number of eventfds changed")))
}
