//! Host memory as the card's AXI4 master sees it: mapped memory behind read and write channels.
//!
//! Bursts are answered in order, each `latency` clocks after its address, with random pauses if wished. An address outside every
//! mapping is answered with SLVERR and counted, as an IOMMU would fault it; so is a write to memory that is to be read only, and
//! everything while the card is not bus master. Nothing is written then.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use fpgaflow_driver::dma::{DmaBuffer, PAGE_BYTES};
use fpgaflow_driver::transport::Iova;
use fpgaflow_verilate::{Error, Model, Port};

use crate::foreign_memory::ForeignMemory;
use crate::stalls::Stalls;

/// First address handed out: none that a forgotten upper half of a register could hit.
const FIRST_IOVA: u64 = 1 << 32;
/// Bursts accepted ahead of their data.
const QUEUED_BURSTS: usize = 4;
/// AXI response codes.
const OKAY: u64 = 0;
const SLVERR: u64 = 2;

/// A burst of 64-bit beats that is under way.
#[derive(Debug, Clone, Copy)]
struct Burst {
    address: u64,
    beats_left: u64,
    /// First clock in which it may be answered.
    due: u64,
}

/// What is mapped at one address.
#[derive(Debug)]
enum Memory {
    Own(Arc<DmaBuffer>),
    Foreign(ForeignMemory),
}

impl Memory {
    fn len_bytes(&self) -> usize {
        match self {
            Self::Own(buffer) => buffer.len_bytes(),
            Self::Foreign(memory) => memory.len_bytes(),
        }
    }

    fn word(&self, offset: usize) -> &AtomicU64 {
        match self {
            Self::Own(buffer) => buffer.word(offset),
            Self::Foreign(memory) => memory.word(offset),
        }
    }

    fn is_writable(&self) -> bool {
        match self {
            Self::Own(_) => true,
            Self::Foreign(memory) => memory.is_writable(),
        }
    }
}

#[derive(Debug)]
pub(crate) struct HostMemory {
    pins: Pins,
    mappings: BTreeMap<u64, Memory>,
    next_iova: u64,
    /// Whether the card may reach memory at all.
    pub(crate) bus_master: bool,
    reads: VecDeque<Burst>,
    read_offered: bool,
    writes: VecDeque<Burst>,
    write_failed: bool,
    /// Clock from which each finished write may be answered, and how.
    answers: VecDeque<(u64, u64)>,
    answer_offered: bool,
    pub(crate) latency: u64,
    pub(crate) stalls: Stalls,
    pub(crate) faults: u64,
}

#[derive(Debug, Clone, Copy)]
struct Pins {
    awaddr: Port,
    awlen: Port,
    awvalid: Port,
    awready: Port,
    wdata: Port,
    wstrb: Port,
    wlast: Port,
    wvalid: Port,
    wready: Port,
    bresp: Port,
    bvalid: Port,
    bready: Port,
    araddr: Port,
    arlen: Port,
    arvalid: Port,
    arready: Port,
    rdata: Port,
    rresp: Port,
    rlast: Port,
    rvalid: Port,
    rready: Port,
}

/// What moves at the coming edge.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Moves {
    read_beat: bool,
    answer: bool,
    /// Anything at all.
    pub(crate) any: bool,
}

impl HostMemory {
    pub(crate) fn new(model: &Model) -> Result<Self, Error> {
        let pin = |name: &str| model.find_port(&format!("m_axi_{name}"));
        let pins = Pins {
            awaddr: pin("awaddr")?,
            awlen: pin("awlen")?,
            awvalid: pin("awvalid")?,
            awready: pin("awready")?,
            wdata: pin("wdata")?,
            wstrb: pin("wstrb")?,
            wlast: pin("wlast")?,
            wvalid: pin("wvalid")?,
            wready: pin("wready")?,
            bresp: pin("bresp")?,
            bvalid: pin("bvalid")?,
            bready: pin("bready")?,
            araddr: pin("araddr")?,
            arlen: pin("arlen")?,
            arvalid: pin("arvalid")?,
            arready: pin("arready")?,
            rdata: pin("rdata")?,
            rresp: pin("rresp")?,
            rlast: pin("rlast")?,
            rvalid: pin("rvalid")?,
            rready: pin("rready")?,
        };
        Ok(Self {
            pins,
            mappings: BTreeMap::new(),
            next_iova: FIRST_IOVA,
            bus_master: true,
            reads: VecDeque::new(),
            read_offered: false,
            writes: VecDeque::new(),
            write_failed: false,
            answers: VecDeque::new(),
            answer_offered: false,
            latency: 0,
            stalls: Stalls::NEVER,
            faults: 0,
        })
    }

    /// Makes a buffer reachable. A page stays unmapped between any two, so a card that runs over an end is caught.
    pub(crate) fn map(&mut self, buffer: Arc<DmaBuffer>) -> Iova {
        let iova = self.next_iova;
        self.next_iova += (buffer.len_bytes() + PAGE_BYTES) as u64;
        self.mappings.insert(iova, Memory::Own(buffer));
        Iova(iova)
    }

    /// Takes a mapping back; false when there is none at `iova`.
    pub(crate) fn unmap(&mut self, iova: Iova) -> bool {
        self.mappings.remove(&iova.0).is_some()
    }

    /// Makes foreign memory reachable at `address`; false when something is mapped there, or it would go round the end.
    pub(crate) fn map_at(&mut self, address: u64, memory: ForeignMemory) -> bool {
        let Some(last) = address.checked_add(memory.len_bytes() as u64 - 1) else { return false };
        let overlaps = self.mappings.range(..=last).next_back().is_some_and(|(base, other)| last_of(*base, other) >= address);
        if !overlaps {
            self.mappings.insert(address, Memory::Foreign(memory));
        }
        !overlaps
    }

    /// How many mappings there are.
    pub(crate) fn mappings(&self) -> usize {
        self.mappings.len()
    }

    /// Takes back everything from `address` to `last`, and says how many bytes that were. `None`, and nothing is taken back, when a
    /// mapping is only partly in there.
    pub(crate) fn unmap_range(&mut self, address: u64, last: u64) -> Option<u64> {
        let before = self.mappings.range(..address).next_back();
        if before.is_some_and(|(base, memory)| last_of(*base, memory) >= address) {
            return None;
        }
        if let Some((base, memory)) = self.mappings.range(address..=last).next_back()
            && last_of(*base, memory) > last
        {
            return None;
        }
        let bases: Vec<u64> = self.mappings.range(address..=last).map(|(base, _)| *base).collect();
        let taken = bases.iter().filter_map(|base| self.mappings.remove(base));
        Some(taken.map(|memory| memory.len_bytes() as u64).sum())
    }

    /// Forgets what a reset cut off.
    pub(crate) fn restart(&mut self, model: &mut Model) {
        self.reads.clear();
        self.writes.clear();
        self.answers.clear();
        self.read_offered = false;
        self.answer_offered = false;
        self.write_failed = false;
        model.set(self.pins.rvalid, 0);
        model.set(self.pins.bvalid, 0);
    }

    /// The memory that holds the 8 bytes at `address`, and where in it.
    fn find(&self, address: u64) -> Option<(&Memory, usize)> {
        let (base, memory) = self.mappings.range(..=address).next_back()?;
        let offset = usize::try_from(address - base).ok()?;
        (self.bus_master && offset + 8 <= memory.len_bytes()).then_some((memory, offset))
    }

    /// Sets the inputs for the coming edge.
    #[inline]
    pub(crate) fn before_edge(&mut self, model: &mut Model, clock: u64) -> Moves {
        let mut moves = Moves::default();
        self.write_channels(model, clock, &mut moves);
        self.read_channels(model, clock, &mut moves);
        moves
    }

    fn write_channels(&mut self, model: &mut Model, clock: u64, moves: &mut Moves) {
        let take_address = self.writes.len() < QUEUED_BURSTS && !self.stalls.pause();
        model.set(self.pins.awready, take_address.into());
        // Data is taken only for a burst whose address came in an earlier clock.
        let take_data = !self.writes.is_empty() && !self.stalls.pause();
        model.set(self.pins.wready, take_data.into());
        if take_data && model.get(self.pins.wvalid) == 1 {
            moves.any = true;
            self.take_write_beat(model, clock);
        }
        if take_address && model.get(self.pins.awvalid) == 1 {
            moves.any = true;
            let beats_left = model.get(self.pins.awlen) + 1;
            self.writes.push_back(Burst { address: model.get(self.pins.awaddr), beats_left, due: 0 });
        }
        if !self.answer_offered
            && let Some(&(due, response)) = self.answers.front()
            && due <= clock
        {
            model.set(self.pins.bresp, response);
            model.set(self.pins.bvalid, 1);
            self.answer_offered = true;
        }
        moves.answer = self.answer_offered && model.get(self.pins.bready) == 1;
        moves.any |= moves.answer;
    }

    fn take_write_beat(&mut self, model: &Model, clock: u64) {
        let Some(burst) = self.writes.front_mut() else { return };
        let address = burst.address & !7;
        burst.address = address.wrapping_add(8);
        burst.beats_left -= 1;
        let ended = burst.beats_left == 0;
        debug_assert_eq!(ended, model.get(self.pins.wlast) == 1, "wlast is not on the last beat of its burst");
        let (data, strobe) = (model.get(self.pins.wdata), model.get(self.pins.wstrb));
        if let Some((memory, offset)) = self.find(address).filter(|(memory, _)| memory.is_writable()) {
            let word = memory.word(offset);
            let mask = byte_mask(strobe);
            let merged = if mask == u64::MAX { data } else { (word.load(Ordering::Relaxed) & !mask) | (data & mask) };
            // In order: whoever sees a completion's last word sees all that the card wrote before.
            word.store(merged, Ordering::Release);
        } else {
            self.write_failed = true;
            self.faults += 1;
        }
        if ended {
            self.writes.pop_front();
            let response = if std::mem::take(&mut self.write_failed) { SLVERR } else { OKAY };
            self.answers.push_back((clock + 1 + self.latency, response));
        }
    }

    fn read_channels(&mut self, model: &mut Model, clock: u64, moves: &mut Moves) {
        let take_address = self.reads.len() < QUEUED_BURSTS && !self.stalls.pause();
        model.set(self.pins.arready, take_address.into());
        if !self.read_offered
            && let Some(&burst) = self.reads.front()
            && burst.due <= clock
            && !self.stalls.pause()
        {
            let (data, response) = match self.find(burst.address & !7) {
                Some((memory, offset)) => (memory.word(offset).load(Ordering::Acquire), OKAY),
                None => {
                    self.faults += 1;
                    (0, SLVERR)
                }
            };
            model.set(self.pins.rdata, data);
            model.set(self.pins.rresp, response);
            model.set(self.pins.rlast, (burst.beats_left == 1).into());
            model.set(self.pins.rvalid, 1);
            self.read_offered = true;
        }
        moves.read_beat = self.read_offered && model.get(self.pins.rready) == 1;
        moves.any |= moves.read_beat;
        if take_address && model.get(self.pins.arvalid) == 1 {
            moves.any = true;
            let beats_left = model.get(self.pins.arlen) + 1;
            let due = clock + 1 + self.latency;
            self.reads.push_back(Burst { address: model.get(self.pins.araddr), beats_left, due });
        }
    }

    /// What the edge did.
    #[inline]
    pub(crate) fn after_edge(&mut self, model: &mut Model, moves: Moves) {
        if moves.answer {
            model.set(self.pins.bvalid, 0);
            self.answers.pop_front();
            self.answer_offered = false;
        }
        if moves.read_beat {
            model.set(self.pins.rvalid, 0);
            self.read_offered = false;
            if let Some(burst) = self.reads.front_mut() {
                burst.address = (burst.address & !7).wrapping_add(8);
                burst.beats_left -= 1;
                if burst.beats_left == 0 {
                    self.reads.pop_front();
                }
            }
        }
    }
}

/// Last address of a mapping.
fn last_of(base: u64, memory: &Memory) -> u64 {
    base + (memory.len_bytes() as u64 - 1)
}

/// A byte of ones for every strobe bit.
fn byte_mask(strobe: u64) -> u64 {
    (0..8).filter(|i| strobe >> i & 1 == 1).fold(0, |mask, i| mask | 0xff << (8 * i))
}
