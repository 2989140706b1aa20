//! A card in memory: registers, rings and tables, executing commands the moment their doorbell rings. It checks the driver's side of the
//! rings (CRC, alignment, room) and can be told to misbehave. It forwards nothing: that is the verilated card's business.

#![allow(dead_code, reason = "each test binary uses its own part of the model")]

pub mod reference;
pub mod tables;

use std::collections::{BTreeMap, VecDeque};
use std::os::fd::OwnedFd;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, MutexGuard};

use fpgaflow_abi::counters::{CounterRecord, RECORD_BYTES};
use fpgaflow_abi::descriptor::*;
use fpgaflow_abi::geometry::Geometry;
use fpgaflow_abi::hash::HASH_BITS;
use fpgaflow_abi::hash::HashSecret;
use fpgaflow_abi::reason::Reason;
use fpgaflow_abi::regs::{self, RingCtrl};
use fpgaflow_abi::slot::EntryRef;
use fpgaflow_driver::dma::DmaBuffer;
use fpgaflow_driver::rings::{descriptor_crc, seal};
use fpgaflow_driver::transport::{BarOffset, Iova, Transport, TransportError};
use rand::SeedableRng;
use tables::Tables;

/// A small card.
pub const GEOMETRY: Geometry = Geometry {
    width_bits: 64,
    ports: 2,
    hash_bits: HASH_BITS as u8,
    bucket_bits: 5,
    stash: 4,
    entries_v4: 256,
    entries_v6: 64,
    next_hops: 16,
    max_frame_bytes: 1518,
    clock_hz: 0,
    build_id: 7,
};

/// The seed of this run, printed so that a failure can be replayed with `FPGAFLOW_SEED`.
pub fn seed() -> u64 {
    let seed = match std::env::var("FPGAFLOW_SEED") {
        Ok(text) => text.parse().expect("FPGAFLOW_SEED is a number"),
        Err(_) => rand::random(),
    };
    println!("FPGAFLOW_SEED={seed}");
    seed
}

/// Property tests that run from [`seed`].
pub fn proptest_config() -> proptest::test_runner::Config {
    let rng_seed = proptest::test_runner::RngSeed::Fixed(seed());
    proptest::test_runner::Config { rng_seed, failure_persistence: None, ..Default::default() }
}

/// A generator for `seed`.
pub fn generator(seed: u64) -> rand_chacha::ChaCha8Rng {
    rand_chacha::ChaCha8Rng::seed_from_u64(seed)
}

/// A secret drawn from `rng`.
pub fn secret(rng: &mut impl rand::Rng) -> HashSecret {
    HashSecret(std::array::from_fn(|_| rng.next_u64()))
}

/// What the model does to its next completion, before (or after) it seals it.
#[derive(Debug, Clone, Copy)]
pub enum Fault {
    Crc,
    Kind(u8),
    Status(u8),
    Cookie(u32),
    Consumer(u32),
    Length(u32),
    Port(u8),
    Reason(u8),
    /// All that a completion says.
    Everything {
        head: u64,
        consumer: u32,
        length: u32,
        flow: u64,
    },
}

#[derive(Debug, Clone, Copy, Default)]
struct RingState {
    base: u64,
    bits: u32,
    enabled: bool,
    producer: u32,
    consumer: u32,
}

/// A register access, as a test asserts it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    Write(u32, u32),
    Reset,
}

pub struct State {
    pub geometry: Geometry,
    pub registers: BTreeMap<u32, u32>,
    pub log: Vec<Access>,
    pub tables: Tables,
    pub sent: Vec<(u8, Vec<u8>)>,
    pub executed: Vec<Command>,
    pub faults: VecDeque<Fault>,
    pub refuse: VecDeque<Status>,
    pub gone: bool,
    /// Commands wait while this is set.
    pub hold: bool,
    pub vectors: usize,
    mappings: BTreeMap<u64, Arc<DmaBuffer>>,
    next_iova: u64,
    rings: [RingState; 4],
    latch: u32,
}

/// The transport of a model card.
pub struct ModelCard {
    state: Mutex<State>,
}

impl ModelCard {
    pub fn new(geometry: Geometry) -> Arc<Self> {
        Arc::new(Self {
            state: Mutex::new(State {
                geometry,
                registers: BTreeMap::new(),
                log: Vec::new(),
                tables: Tables::new(&geometry),
                sent: Vec::new(),
                executed: Vec::new(),
                faults: VecDeque::new(),
                refuse: VecDeque::new(),
                gone: false,
                hold: false,
                vectors: 0,
                mappings: BTreeMap::new(),
                next_iova: 0x10_0000,
                rings: Default::default(),
                latch: 0,
            }),
        })
    }

    pub fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// A frame that the card punts. False when the host gave it no buffer.
    pub fn punt(&self, port: u8, reason: Reason, entry: Option<EntryRef>, frame: &[u8]) -> bool {
        self.state().punt(port, reason, entry, frame)
    }

    /// Executes the commands that were held.
    pub fn release(&self) {
        let mut state = self.state();
        state.hold = false;
        state.run_commands();
    }

    /// How many DMA mappings there are.
    pub fn mappings(&self) -> usize {
        self.state().mappings.len()
    }
}

impl State {
    /// The buffer that holds `iova` and the offset in it.
    fn memory(&self, iova: u64) -> (&DmaBuffer, usize) {
        let (base, buffer) = self.mappings.range(..=iova).next_back().expect("an address below every mapping");
        let offset = (iova - base) as usize;
        assert!(offset < buffer.len_bytes(), "the card was given an address that is not mapped: {iova:#x}");
        (buffer, offset)
    }

    fn read_words(&self, iova: u64) -> DescriptorWords {
        let (buffer, offset) = self.memory(iova);
        std::array::from_fn(|i| buffer.word(offset + 8 * i).load(Ordering::Relaxed))
    }

    fn fetch(&mut self, ring: Ring) -> Option<DescriptorWords> {
        let state = self.rings[ring as usize];
        if !state.enabled || state.consumer == state.producer {
            return None;
        }
        let place = u64::from(state.consumer & ((1 << state.bits) - 1));
        let words = self.read_words(state.base + place * DESCRIPTOR_BYTES as u64);
        assert_eq!(words[7] as u32, descriptor_crc(&words), "a descriptor of the {ring:?} ring has a wrong CRC");
        self.rings[ring as usize].consumer = state.consumer.wrapping_add(1);
        Some(words)
    }

    fn complete(&mut self, ring: Ring, head: CompletionHead, length: u32, entry: Option<EntryRef>) {
        let kind = match ring {
            Ring::Command => CompletionKind::Command,
            Ring::FrameToHost => CompletionKind::FrameToHost,
            _ => CompletionKind::FrameToCard,
        };
        let mut flow = CompletionFlow::new();
        if let Some(entry) = entry {
            flow = flow.with_entry(entry).with_hit(true);
        }
        let state = self.rings[Ring::Completion as usize];
        assert!(state.enabled, "a completion without a ring for it");
        assert!(state.producer.wrapping_sub(state.consumer) < 1 << state.bits, "the driver let the completion ring run full");
        let sequence = state.producer.wrapping_add(1);
        let mut completion = Completion {
            head: head.with_kind(kind as u8),
            consumer: self.rings[ring as usize].consumer,
            length,
            clock: u64::from(sequence),
            flow,
            tail: CompletionTail::new().with_sequence(sequence),
        };
        let fault = self.faults.pop_front();
        match fault {
            Some(Fault::Kind(code)) => completion.head.set_kind(code),
            Some(Fault::Status(code)) => completion.head.set_status(code),
            Some(Fault::Cookie(cookie)) => completion.head.set_cookie(cookie),
            Some(Fault::Port(port)) => completion.head.set_port(port),
            Some(Fault::Reason(code)) => completion.head.set_reason(code),
            Some(Fault::Consumer(consumer)) => completion.consumer = consumer,
            Some(Fault::Length(length)) => completion.length = length,
            Some(Fault::Everything { head, consumer, length, flow }) => {
                completion.head = CompletionHead::from_bits(head);
                completion.flow = CompletionFlow::from_bits(flow);
                (completion.consumer, completion.length) = (consumer, length);
            }
            Some(Fault::Crc) | None => (),
        }
        let mut words = seal(completion.to_words());
        if matches!(fault, Some(Fault::Crc)) {
            words[3] ^= 1 << 40;
        }
        let place = u64::from(state.producer & ((1 << state.bits) - 1));
        let (buffer, offset) = self.memory(state.base + place * DESCRIPTOR_BYTES as u64);
        for (i, word) in words.into_iter().enumerate() {
            buffer.word(offset + 8 * i).store(word, Ordering::Release);
        }
        self.rings[Ring::Completion as usize].producer = sequence;
    }

    fn punt(&mut self, port: u8, reason: Reason, entry: Option<EntryRef>, frame: &[u8]) -> bool {
        let Some(words) = self.fetch(Ring::FrameToHost) else { return false };
        let descriptor = FrameDescriptor::from_words(&words);
        assert_eq!(descriptor.head.kind(), FrameKind::Buffer as u8);
        assert!(descriptor.iova.is_multiple_of(64));
        assert!(frame.len() <= descriptor.length as usize);
        let (buffer, offset) = self.memory(descriptor.iova);
        buffer.write_bytes(offset, frame);
        let head = CompletionHead::new().with_port(port).with_reason(reason as u8).with_cookie(descriptor.head.cookie());
        self.complete(Ring::FrameToHost, head, frame.len() as u32, entry);
        true
    }

    fn run_commands(&mut self) {
        while !self.hold
            && let Some(words) = self.fetch(Ring::Command)
        {
            let command = Command::from_words(&words);
            self.executed.push(command);
            let status = self.refuse.pop_front().filter(|status| *status != Status::Ok).unwrap_or_else(|| self.execute(&command));
            if status != Status::Ok || command.head.flags() & FLAG_COMPLETE != 0 {
                let length = if command.head.opcode() == Opcode::ReadCounters as u8 { command.payload[1] as u32 } else { 0 };
                let head = CompletionHead::new().with_status(status as u8).with_cookie(command.head.cookie());
                self.complete(Ring::Command, head, length, None);
            }
        }
    }

    fn execute(&mut self, command: &Command) -> Status {
        if command.head.opcode() == Opcode::ReadCounters as u8 {
            let first = EntryRef::from_bits(command.index);
            for i in 0..command.payload[1] {
                let record: CounterRecord = self.tables.counter(EntryRef::of(first.family(), first.index() + i as u32));
                let (buffer, offset) = self.memory(command.payload[0] + i * RECORD_BYTES as u64);
                for (at, word) in record.to_words().into_iter().enumerate() {
                    buffer.word(offset + 8 * at).store(word, Ordering::Relaxed);
                }
            }
            return Status::Ok;
        }
        self.tables.execute(command)
    }

    fn run_frames(&mut self) {
        while let Some(words) = self.fetch(Ring::FrameToCard) {
            let descriptor = FrameDescriptor::from_words(&words);
            assert_eq!(descriptor.head.kind(), FrameKind::Send as u8);
            let mut frame = vec![0; descriptor.length as usize];
            let (buffer, offset) = self.memory(descriptor.iova);
            buffer.read_bytes(offset, &mut frame);
            self.sent.push((descriptor.head.port(), frame));
            if descriptor.head.flags() & FLAG_COMPLETE != 0 {
                self.complete(Ring::FrameToCard, CompletionHead::new().with_cookie(descriptor.head.cookie()), 0, None);
            }
        }
    }

    fn write(&mut self, offset: u32, value: u32) {
        self.log.push(Access::Write(offset, value));
        self.registers.insert(offset, value);
        for ring in Ring::ALL {
            let state = &mut self.rings[ring as usize];
            match offset.wrapping_sub(0x20 * ring as u32) {
                regs::RING_BASE_LO => state.base = state.base & !0xffff_ffff | u64::from(value),
                regs::RING_BASE_HI => state.base = state.base & 0xffff_ffff | u64::from(value) << 32,
                regs::RING_SIZE => state.bits = value,
                regs::RING_CTRL => {
                    state.enabled = RingCtrl::from_bits(value).enable();
                    (state.producer, state.consumer) = (0, 0);
                }
                regs::RING_PRODUCER if ring != Ring::Completion => state.producer = value,
                regs::RING_CONSUMER if ring == Ring::Completion => state.consumer = value,
                _ => continue,
            }
            match ring {
                Ring::Command => self.run_commands(),
                Ring::FrameToCard => self.run_frames(),
                Ring::FrameToHost | Ring::Completion => (),
            }
            return;
        }
    }
}

impl Transport for ModelCard {
    fn name(&self) -> &str {
        "model"
    }

    fn read(&self, offset: BarOffset) -> Result<u32, TransportError> {
        let mut state = self.state();
        if state.gone {
            return Ok(u32::MAX);
        }
        let value = state.geometry.register(offset.0).or_else(|| state.registers.get(&offset.0).copied()).unwrap_or(0);
        // Reading the lower half of a counter latches the upper.
        if offset.0 >= regs::PORT_COUNTERS && offset.0 < regs::HASH_SECRET {
            if offset.0.is_multiple_of(8) {
                state.latch = state.registers.get(&(offset.0 + 4)).copied().unwrap_or(0);
            } else {
                return Ok(state.latch);
            }
        }
        Ok(value)
    }

    fn write(&self, offset: BarOffset, value: u32) -> Result<(), TransportError> {
        let mut state = self.state();
        if !state.gone {
            state.write(offset.0, value);
        }
        Ok(())
    }

    fn dma_map(&self, buffer: &Arc<DmaBuffer>) -> Result<Iova, TransportError> {
        let mut state = self.state();
        let iova = state.next_iova;
        state.mappings.insert(iova, Arc::clone(buffer));
        // A hole behind every mapping: an access past the end hits nothing.
        state.next_iova += buffer.len_bytes() as u64 + 0x1000;
        Ok(Iova(iova))
    }

    fn dma_unmap(&self, iova: Iova) -> Result<(), TransportError> {
        assert!(self.state().mappings.remove(&iova.0).is_some(), "nothing is mapped at {iova:?}");
        Ok(())
    }

    fn connect_interrupts(&self, eventfds: Vec<OwnedFd>) -> Result<(), TransportError> {
        self.state().vectors = eventfds.len();
        Ok(())
    }

    fn reset(&self) -> Result<(), TransportError> {
        let mut state = self.state();
        state.log.push(Access::Reset);
        state.registers.clear();
        state.rings = Default::default();
        state.tables = Tables::new(&state.geometry);
        Ok(())
    }
}
