//! The host side with everything around it: bus, registers, engine, interrupts.

use std::collections::{HashMap, VecDeque};

use fpgaflow_abi::counters::CounterRecord;
use fpgaflow_abi::entry::ENTRY_WORDS;
use fpgaflow_hdl::host::HostSide;
use fpgaflow_hdl::host::command::ROW_STANDS;
use fpgaflow_hdl_guard::{Model, Port, model};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;

use crate::memory::{Memory, Pace};
use crate::support::{BARRIER_CLOCKS, GEOMETRY};

/// Clocks after which something that should happen has not.
pub const PATIENCE: u64 = 50_000;
/// Clocks from a counter request to its reply, at most.
const REPLY_CLOCKS: u64 = 9;

/// A punted frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Punt {
    pub bytes: Vec<u8>,
    pub port: u8,
    pub reason: u8,
    /// Entry that was hit.
    pub entry: Option<u32>,
}

/// A table write and the clock of its pulse.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Write {
    pub target: u64,
    pub index: u64,
    pub row: [u64; ENTRY_WORDS],
    pub clock: u64,
}

/// The model and what surrounds it.
pub struct World {
    pub model: Model,
    pub memory: Memory,
    pub rng: ChaCha8Rng,
    ports: HashMap<String, Port>,
    /// Table writes, in order.
    pub writes: Vec<Write>,
    /// Counters of entries.
    pub counters: HashMap<u32, CounterRecord>,
    reply: Option<(u64, CounterRecord)>,
    /// Frames to punt: the first has been told of if `told`.
    pub punts: VecDeque<Punt>,
    info_taken: bool,
    beat: usize,
    offers_beat: bool,
    /// Frames the card has sent for the host: port and bytes.
    pub sent: Vec<(u8, Vec<u8>)>,
    sending: Vec<u8>,
    sending_frame: u64,
    /// How often the ports take no beat.
    pub tx_stall: f64,
    /// Interrupts: clock and vector.
    pub interrupts: Vec<(u64, u64)>,
    /// How often an interrupt is not taken.
    pub irq_stall: f64,
    irq_held: Option<u64>,
}

impl World {
    pub fn new(rng: ChaCha8Rng, pace: Pace) -> Self {
        let model = model("host_side", HostSide::<2, 9, 10>::new(&GEOMETRY, BARRIER_CLOCKS));
        let mut memory = Memory::new(&model);
        memory.pace = pace;
        let ports = model.ports().map(|(name, ..)| (name.to_owned(), model.port(name))).collect();
        let mut world = Self {
            model,
            memory,
            rng,
            ports,
            writes: Vec::new(),
            counters: HashMap::new(),
            reply: None,
            punts: VecDeque::new(),
            info_taken: false,
            beat: 0,
            offers_beat: false,
            sent: Vec::new(),
            sending: Vec::new(),
            sending_frame: 0,
            tx_stall: pace.stall,
            interrupts: Vec::new(),
            irq_stall: pace.stall,
            irq_held: None,
        };
        world.set("reset", 1);
        for _ in 0..4 {
            world.model.tick();
        }
        world.set("reset", 0);
        // Reset is felt one clock late.
        world.model.tick();
        world
    }

    pub fn set(&mut self, name: &str, value: u64) {
        self.model.set(self.ports[name], value);
    }

    pub fn get(&self, name: &str) -> u64 {
        self.model.get(self.ports[name])
    }

    pub fn words<const N: usize>(&self, name: &str) -> [u64; N] {
        let mut words = [0; N];
        self.model.get_words(self.ports[name], &mut words);
        words
    }

    /// One clock of everything.
    pub fn clock(&mut self) {
        let now = self.model.clocks();
        self.offer_punt();
        let takes_beat = !self.chance(self.tx_stall);
        self.set("m_axis_host_beats_ready", takes_beat.into());
        let takes_irq = !self.chance(self.irq_stall);
        self.set("irq_ready", takes_irq.into());
        let takes_request = self.reply.is_none() && !self.chance(0.3);
        self.set("m_axis_request_ready", takes_request.into());
        let reply = self.reply.filter(|(due, _)| *due <= now);
        self.set("reply_valid", reply.is_some().into());
        if let Some((_, record)) = reply {
            self.reply = None;
            let words = [record.packets, record.bytes, record.last_seen.into()];
            self.model.set_words(self.ports["reply"], &words);
        }
        self.memory.before_edge(&mut self.model, now, &mut self.rng);
        self.model.eval();

        let words: [u64; ENTRY_WORDS + 1] = self.words("write");
        let row = std::array::from_fn(|i| words[i] >> 34 | words[i + 1] << 30);
        if let Some(last) = self.writes.last().filter(|last| now <= last.clock + ROW_STANDS as u64) {
            assert_eq!(row, last.row, "clock {now}: the row of clock {} is gone", last.clock);
        }
        if self.get("write_valid") == 1 {
            self.writes.push(Write { target: words[0] & 3, index: words[0] >> 2 & 0xffff_ffff, row, clock: now });
        }
        if takes_request && self.get("m_axis_request_valid") == 1 {
            let request = self.get("m_axis_request_data");
            let entry = (request & 0xff_ffff) as u32;
            let record = self.counters.get(&entry).copied().unwrap_or_default();
            if request >> 24 == 1 {
                self.counters.remove(&entry);
            }
            let due = now + 1 + self.rng.random_range(0..REPLY_CLOCKS);
            self.reply = Some((due, record));
        }
        self.take_punt();
        if takes_beat && self.get("m_axis_host_beats_valid") == 1 {
            let frame = self.get("host_frame");
            if self.sending.is_empty() {
                self.sending_frame = frame;
            }
            assert_eq!(frame, self.sending_frame, "the frame's length and port stay beside its beats");
            self.sending.extend(self.get("m_axis_host_beats_data").to_be_bytes());
            if self.get("m_axis_host_beats_last") == 1 {
                let length = (frame & 0xffff) as usize;
                assert_eq!(self.sending.len(), length.div_ceil(8) * 8, "last is where the length says");
                self.sending.truncate(length);
                self.sent.push(((frame >> 16) as u8, std::mem::take(&mut self.sending)));
            }
        }
        let vector = (self.get("irq_valid") == 1).then(|| self.get("irq_vector"));
        if let Some(held) = self.irq_held {
            assert_eq!(vector, Some(held), "an interrupt that is asked for stays");
        }
        self.irq_held = vector.filter(|_| !takes_irq);
        if let (true, Some(vector)) = (takes_irq, vector) {
            self.interrupts.push((now, vector));
        }
        self.model.tick();
    }

    fn chance(&mut self, probability: f64) -> bool {
        probability > 0.0 && self.rng.random_bool(probability)
    }

    fn offer_punt(&mut self) {
        let Some(punt) = self.punts.front().cloned() else {
            self.set("s_axis_punt_valid", 0);
            self.set("s_axis_punt_beats_valid", 0);
            return;
        };
        self.set("s_axis_punt_valid", u64::from(!self.info_taken));
        let entry = punt.entry.map_or(0, |entry| 1 << 28 | u64::from(entry) << 29);
        let info = punt.bytes.len() as u64 | u64::from(punt.port) << 16 | u64::from(punt.reason) << 20 | entry;
        self.set("s_axis_punt_data", info);
        let mut beat = [0; 8];
        self.rng.fill(&mut beat[..]);
        let rest = &punt.bytes[8 * self.beat..];
        let count = rest.len().min(8);
        beat[..count].copy_from_slice(&rest[..count]);
        self.offers_beat |= !self.chance(self.memory.pace.stall);
        self.set("s_axis_punt_beats_valid", self.offers_beat.into());
        self.set("s_axis_punt_beats_last", u64::from(rest.len() <= 8));
        if self.offers_beat {
            self.set("s_axis_punt_beats_data", u64::from_be_bytes(beat));
        }
    }

    fn take_punt(&mut self) {
        if self.get("s_axis_punt_valid") == 1 && self.get("s_axis_punt_ready") == 1 {
            self.info_taken = true;
        }
        if self.get("s_axis_punt_beats_valid") == 1 && self.get("s_axis_punt_beats_ready") == 1 {
            assert!(self.info_taken, "a beat was taken before its frame was told of");
            self.offers_beat = false;
            self.beat += 1;
            if self.get("s_axis_punt_beats_last") == 1 {
                self.punts.pop_front();
                self.beat = 0;
                self.info_taken = false;
            }
        }
    }

    pub fn run(&mut self, clocks: u64) {
        for _ in 0..clocks {
            self.clock();
        }
    }

    /// Clocks until `done`.
    #[track_caller]
    pub fn until(&mut self, what: &str, mut done: impl FnMut(&mut Self) -> bool) {
        for _ in 0..PATIENCE {
            if done(self) {
                return;
            }
            self.clock();
        }
        panic!("{what}: not within {PATIENCE} clocks");
    }

    /// Writes a register; gives the response.
    #[track_caller]
    pub fn write_with(&mut self, offset: u32, value: u32, strobes: u64) -> u64 {
        // Address and data come apart, in either order.
        let (address_first, gap) = (self.rng.random::<bool>(), self.rng.random_range(0..4));
        self.set("s_axil_awaddr", offset.into());
        self.set("s_axil_wdata", value.into());
        self.set("s_axil_wstrb", strobes);
        self.set(if address_first { "s_axil_awvalid" } else { "s_axil_wvalid" }, 1);
        self.run(gap);
        self.set("s_axil_awvalid", 1);
        self.set("s_axil_wvalid", 1);
        self.until("take a register write", |world| {
            assert_eq!(world.get("s_axil_awready"), world.get("s_axil_wready"));
            world.get("s_axil_awready") == 1
        });
        self.clock();
        self.set("s_axil_awvalid", 0);
        self.set("s_axil_wvalid", 0);
        self.until("answer a register write", |world| world.get("s_axil_bvalid") == 1);
        let gap = self.rng.random_range(0..4);
        self.run(gap);
        assert_eq!(self.get("s_axil_bvalid"), 1, "bvalid stays until bready");
        let response = self.get("s_axil_bresp");
        self.set("s_axil_bready", 1);
        self.clock();
        self.set("s_axil_bready", 0);
        response
    }

    #[track_caller]
    pub fn write(&mut self, offset: u32, value: u32) {
        assert_eq!(self.write_with(offset, value, 0xf), 0, "OKAY");
    }

    #[track_caller]
    pub fn read(&mut self, offset: u32) -> u32 {
        self.set("s_axil_araddr", offset.into());
        self.set("s_axil_arvalid", 1);
        self.until("take a register read", |world| world.get("s_axil_arready") == 1);
        self.clock();
        self.set("s_axil_arvalid", 0);
        self.until("answer a register read", |world| world.get("s_axil_rvalid") == 1);
        let gap = self.rng.random_range(0..4);
        let value = self.get("s_axil_rdata");
        self.run(gap);
        assert_eq!((self.get("s_axil_rvalid"), self.get("s_axil_rdata")), (1, value), "the answer stays");
        assert_eq!(self.get("s_axil_rresp"), 0);
        self.set("s_axil_rready", 1);
        self.clock();
        self.set("s_axil_rready", 0);
        value as u32
    }

    /// Reads a 64-bit counter, lower half first.
    pub fn read64(&mut self, offset: u32) -> u64 {
        let low = self.read(offset);
        u64::from(self.read(offset + 4)) << 32 | u64::from(low)
    }
}
