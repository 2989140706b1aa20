//! One card: the RTL with everything around it, one clock at a time.

use std::os::fd::OwnedFd;
use std::sync::Arc;

use fpgaflow_abi::descriptor::VECTORS;
use fpgaflow_abi::geometry::Geometry;
use fpgaflow_driver::dma::DmaBuffer;
use fpgaflow_driver::transport::Iova;
use fpgaflow_verilate::{Model, Port};

use crate::axi_lite::{Access, AxiLite};
use crate::foreign_memory::ForeignMemory;
use crate::host_memory::HostMemory;
use crate::model::{Build, Width};
use crate::stalls::Stalls;
use crate::stream::{RxFrame, RxStream, TxFrame, TxStream};

/// Clocks that reset is held.
const RESET_CLOCKS: u64 = 8;
/// Clocks after which a register access counts as unanswered.
const ACCESS_TIMEOUT_CLOCKS: u64 = 10_000;

/// Why a card failed.
#[derive(Debug, thiserror::Error)]
pub enum CardError {
    /// The model could not be made.
    #[error("make the verilated card")]
    Model(#[from] fpgaflow_verilate::Error),
    /// The register port did not answer.
    #[error("register access at {offset:#05x} was not answered within {ACCESS_TIMEOUT_CLOCKS} clocks")]
    Unanswered {
        /// Offset of the register.
        offset: u32,
    },
}

/// How the surroundings of the card behave.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Timing {
    /// Clocks from an address on the host bus to its answer.
    pub bus_latency: u64,
    /// How often, in percent of clocks, each side of the host bus pauses.
    pub bus_stall_percent: u32,
    /// How often each port pauses between the beats that it receives.
    pub rx_stall_percent: u32,
    /// How often each port does not take a beat that the card sends.
    pub tx_stall_percent: u32,
}

/// The verilated card.
#[derive(Debug)]
pub struct Card {
    pub(crate) model: Model,
    reset: Port,
    registers: AxiLite,
    memory: HostMemory,
    build: Build,
    rx: Vec<RxStream>,
    tx: Vec<TxStream>,
    irq_valid: Port,
    irq_vector: Port,
    eventfds: [Option<OwnedFd>; VECTORS],
    interrupts: u64,
    /// Last clock in which anything moved on any interface.
    last_active: u64,
}

impl Card {
    /// The card with a data path of `width`, as after power-on.
    ///
    /// # Errors
    /// [`CardError::Model`] when the linked RTL does not have the pins that this crate drives.
    pub fn new(width: Width) -> Result<Self, CardError> {
        Self::with_model(width.model()?, width.build())
    }

    /// A card whose RTL is `model`, a verilated engine built as `build` says; as after power-on.
    ///
    /// # Errors
    /// [`CardError::Model`] when it does not have the pins that this crate drives.
    pub fn with_model(mut model: Model, build: Build) -> Result<Self, CardError> {
        // Interrupts are taken as they come.
        model.set(model.find_port("irq_ready")?, 1);
        let ports = 0..usize::from(build.geometry.ports);
        let rx = ports.clone().map(|port| RxStream::new(&model, port, build.beat_bytes())).collect::<Result<_, _>>()?;
        let tx = ports.map(|port| TxStream::new(&model, port, build.beat_bytes())).collect::<Result<_, _>>()?;
        let mut card = Self {
            reset: model.find_port("reset")?,
            registers: AxiLite::new(&model)?,
            memory: HostMemory::new(&model)?,
            build,
            rx,
            tx,
            irq_valid: model.find_port("irq_valid")?,
            irq_vector: model.find_port("irq_vector")?,
            eventfds: Default::default(),
            interrupts: 0,
            last_active: 0,
            model,
        };
        card.reset();
        Ok(card)
    }

    /// What its RTL is built as.
    pub fn build(&self) -> &Build {
        &self.build
    }

    /// Its size; the identity registers say the same.
    pub fn geometry(&self) -> Geometry {
        self.build.geometry
    }

    /// Sets the behaviour of the surroundings; `seed` decides where they pause.
    pub fn set_timing(&mut self, timing: Timing, seed: u64) {
        let stalls = |lane: u64, percent| {
            if percent == 0 {
                Stalls::NEVER
            } else {
                Stalls::random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(lane as u32), percent)
            }
        };
        self.memory.latency = timing.bus_latency;
        self.memory.stalls = stalls(1, timing.bus_stall_percent);
        for (port, (rx, tx)) in self.rx.iter_mut().zip(&mut self.tx).enumerate() {
            rx.stalls = stalls(8 + 2 * port as u64, timing.rx_stall_percent);
            tx.stalls = stalls(9 + 2 * port as u64, timing.tx_stall_percent);
        }
    }

    /// Changes how often one port does not take what the card sends; 100 percent blocks it but for a clock in a hundred.
    pub fn set_tx_stall(&mut self, port: usize, percent: u32, seed: u64) {
        self.tx[port].stalls = if percent == 0 { Stalls::NEVER } else { Stalls::random(seed, percent) };
    }

    /// Function-level reset: everything in the card as after power-on; mappings, interrupts and frames that wait to be
    /// received stay.
    pub fn reset(&mut self) {
        self.registers.abandon(&mut self.model);
        self.memory.restart(&mut self.model);
        for (rx, tx) in self.rx.iter_mut().zip(&mut self.tx) {
            rx.restart(&mut self.model);
            tx.restart();
        }
        self.model.set(self.reset, 1);
        for _ in 0..RESET_CLOCKS {
            self.model.tick();
        }
        self.model.set(self.reset, 0);
    }

    /// Clocks since power-on.
    pub fn clocks(&self) -> u64 {
        self.model.clocks()
    }

    /// Clocks in which nothing moved on any interface, until now.
    pub fn idle_clocks(&self) -> u64 {
        self.clocks() - self.last_active
    }

    /// Interrupts that the card has raised.
    pub fn interrupts(&self) -> u64 {
        self.interrupts
    }

    /// Accesses of the card to host memory that is not mapped.
    pub fn bus_faults(&self) -> u64 {
        self.memory.faults
    }

    /// Clocks `count` times.
    pub fn run(&mut self, count: u64) {
        for _ in 0..count {
            self.clock();
        }
    }

    /// One clock of the card and all around it.
    #[inline]
    pub fn clock(&mut self) {
        let clock = self.model.clocks();
        let model = &mut self.model;
        // Outputs are read and inputs set before the edge: no output of the card depends on an input of the same clock.
        let mut active = false;
        for (rx, tx) in self.rx.iter_mut().zip(&mut self.tx) {
            active |= rx.before_edge(model, clock);
            active |= tx.before_edge(model, clock);
        }
        let memory_moves = self.memory.before_edge(model, clock);
        let register_moves = if self.registers.idle() { None } else { Some(self.registers.before_edge(model)) };
        if model.get(self.irq_valid) == 1 {
            self.interrupts += 1;
            // An interrupt is a write to memory, too.
            if self.memory.bus_master {
                signal(&self.eventfds, model.get(self.irq_vector) as usize);
            }
        }
        if active || memory_moves.any || register_moves.is_some() {
            self.last_active = clock;
        }

        model.tick();

        for rx in &mut self.rx {
            rx.after_edge(model);
        }
        self.memory.after_edge(model, memory_moves);
        if let Some(moves) = register_moves {
            self.registers.after_edge(model, moves);
        }
    }

    /// Reads a register, clocking the card until it answers.
    ///
    /// # Errors
    /// [`CardError::Unanswered`].
    pub fn read_register(&mut self, offset: u32) -> Result<u32, CardError> {
        self.access(offset, Access::Read { offset })
    }

    /// Writes a register, clocking the card until it answers.
    ///
    /// # Errors
    /// [`CardError::Unanswered`].
    pub fn write_register(&mut self, offset: u32, value: u32) -> Result<(), CardError> {
        self.access(offset, Access::Write { offset, value }).map(drop)
    }

    fn access(&mut self, offset: u32, access: Access) -> Result<u32, CardError> {
        self.registers.start(&mut self.model, access);
        for _ in 0..ACCESS_TIMEOUT_CLOCKS {
            self.clock();
            if let Some(value) = self.registers.take_answer() {
                return Ok(value);
            }
        }
        self.registers.abandon(&mut self.model);
        Err(CardError::Unanswered { offset })
    }

    /// Gives a frame to a port; it is received when those before it have been.
    pub fn receive(&mut self, port: usize, frame: impl Into<RxFrame>) {
        self.rx[port].push(frame.into());
    }

    /// Frames given to a port that it has not taken whole.
    pub fn receive_waiting(&self, port: usize) -> usize {
        self.rx[port].waiting()
    }

    /// The frames of [`Card::receive_waiting`], the next one first. One that a reset interrupts is received anew.
    pub fn receive_queue(&self, port: usize) -> impl Iterator<Item = &RxFrame> {
        self.rx[port].queue()
    }

    /// The next frame that a port has sent.
    pub fn sent(&mut self, port: usize) -> Option<TxFrame> {
        self.tx[port].sent.pop_front()
    }

    /// Clocks in which a port has sent a beat.
    pub fn beats_sent(&self, port: usize) -> u64 {
        self.tx[port].beats
    }

    /// Keeps, for every frame from now on, the clock in which `port` took the beat with byte `byte`, or the frame's last.
    pub fn mark_received(&mut self, port: usize, byte: usize) {
        self.rx[port].mark_byte = Some(byte);
    }

    /// The next clock kept by [`Card::mark_received`].
    pub fn next_mark(&mut self, port: usize) -> Option<u64> {
        self.rx[port].marks.pop_front()
    }

    /// Connects an interrupt vector to an eventfd, or disconnects it. False when the card does not have the vector.
    pub fn connect_interrupt(&mut self, vector: usize, eventfd: Option<OwnedFd>) -> bool {
        let Some(connected) = self.eventfds.get_mut(vector) else { return false };
        *connected = eventfd;
        true
    }

    /// Raises an interrupt vector as the card would.
    pub fn raise_interrupt(&self, vector: usize) {
        signal(&self.eventfds, vector);
    }

    /// Makes memory of another process reachable by the card at `address`; false when something is mapped there.
    pub fn map_foreign(&mut self, address: u64, memory: ForeignMemory) -> bool {
        self.memory.map_at(address, memory)
    }

    /// Mappings of any kind that the card has.
    pub fn mappings(&self) -> usize {
        self.memory.mappings()
    }

    /// Takes back all mappings from `address` to `last`, and says how many bytes that were; `None`, and nothing is taken back, when a
    /// mapping is only partly in there.
    pub fn unmap_range(&mut self, address: u64, last: u64) -> Option<u64> {
        self.memory.unmap_range(address, last)
    }

    /// Lets the card reach memory and raise interrupts, as after power-on, or not: its bus answers with errors then.
    pub fn set_bus_master(&mut self, enabled: bool) {
        self.memory.bus_master = enabled;
    }

    /// Makes a buffer reachable by the card.
    pub(crate) fn map(&mut self, buffer: Arc<DmaBuffer>) -> Iova {
        self.memory.map(buffer)
    }

    /// Takes a mapping back; false when there is none.
    pub(crate) fn unmap(&mut self, iova: Iova) -> bool {
        self.memory.unmap(iova)
    }
}

/// Adds one to the eventfd of `vector`.
fn signal(eventfds: &[Option<OwnedFd>], vector: usize) {
    if let Some(Some(eventfd)) = eventfds.get(vector) {
        // Fails only when the counter is full, which already means "signalled".
        let _ = rustix::io::write(eventfd, &1_u64.to_ne_bytes());
    }
}
