//! Host memory behind the AXI4 master: slow, stalling, and watching the protocol.
//!
//! Reads are answered in order, each no sooner than a random latency after its address. A write reaches memory when its response is
//! given, as late as the protocol allows: who looks for data before its response finds the old.

use std::collections::{HashMap, HashSet, VecDeque};

use fpgaflow_hdl_guard::{Model, Port};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;

/// Bytes of a page: no burst crosses one.
pub const PAGE: u64 = 4096;
const OKAY: u64 = 0;
const SLVERR: u64 = 2;

/// How the bus behaves.
#[derive(Debug, Clone, Copy)]
pub struct Pace {
    /// Chance that a channel pauses in a clock.
    pub stall: f64,
    /// Most clocks from an address, or the last data written, to the answer.
    pub latency: u64,
}

impl Pace {
    /// No pause, answers at once.
    pub const FAST: Self = Self { stall: 0.0, latency: 0 };
    /// No pause, but answers so late that everything that can be under way is.
    pub const FAR: Self = Self { stall: 0.0, latency: 1500 };
    /// Pauses everywhere.
    pub const ROUGH: Self = Self { stall: 0.4, latency: 60 };
}

#[derive(Debug, Clone, Copy)]
struct Burst {
    address: u64,
    beats: u64,
    due: u64,
}

/// One beat written: data, strobes, last.
type Beat = (u64, u8, bool);

/// What moves at the coming edge.
#[derive(Debug, Clone, Copy, Default)]
struct Moves {
    ar: bool,
    r: bool,
    aw: bool,
    w: bool,
    b: bool,
}

/// The memory and its bus.
pub struct Memory {
    pages: HashMap<u64, Box<[u8; PAGE as usize]>>,
    /// Pages whose accesses fail.
    pub failing: HashSet<u64>,
    pub pace: Pace,
    reads: VecDeque<Burst>,
    read_beat: u64,
    addresses: VecDeque<Burst>,
    beats: VecDeque<Beat>,
    written: VecDeque<(Burst, Vec<Beat>)>,
    /// What the channels towards the bus showed in the last clock, if it was not taken.
    held: HashMap<&'static str, Vec<u64>>,
    moves: Moves,
    r_valid: bool,
    b_valid: bool,
    /// Bursts read and written, for tests that count.
    pub bursts: usize,
    pins: HashMap<&'static str, Port>,
}

impl Memory {
    pub fn new(model: &Model) -> Self {
        let names = [
            "m_axi_awaddr",
            "m_axi_awlen",
            "m_axi_awsize",
            "m_axi_awburst",
            "m_axi_awvalid",
            "m_axi_awready",
            "m_axi_wdata",
            "m_axi_wstrb",
            "m_axi_wlast",
            "m_axi_wvalid",
            "m_axi_wready",
            "m_axi_bresp",
            "m_axi_bvalid",
            "m_axi_bready",
            "m_axi_araddr",
            "m_axi_arlen",
            "m_axi_arsize",
            "m_axi_arburst",
            "m_axi_arvalid",
            "m_axi_arready",
            "m_axi_rdata",
            "m_axi_rresp",
            "m_axi_rlast",
            "m_axi_rvalid",
            "m_axi_rready",
        ];
        Self {
            pages: HashMap::new(),
            failing: HashSet::new(),
            pace: Pace::FAST,
            reads: VecDeque::new(),
            read_beat: 0,
            addresses: VecDeque::new(),
            beats: VecDeque::new(),
            written: VecDeque::new(),
            held: HashMap::new(),
            moves: Moves::default(),
            r_valid: false,
            b_valid: false,
            bursts: 0,
            pins: names.map(|name| (name, model.port(name))).into(),
        }
    }

    pub fn write(&mut self, address: u64, bytes: &[u8]) {
        for (at, byte) in (address..).zip(bytes) {
            let page = self.pages.entry(at / PAGE).or_insert_with(|| Box::new([0; PAGE as usize]));
            page[(at % PAGE) as usize] = *byte;
        }
    }

    pub fn read(&self, address: u64, count: usize) -> Vec<u8> {
        (address..).take(count).map(|at| self.pages.get(&(at / PAGE)).map_or(0, |page| page[(at % PAGE) as usize])).collect()
    }

    pub fn word(&self, address: u64) -> u64 {
        u64::from_le_bytes(self.read(address, 8).try_into().expect("eight bytes"))
    }

    /// Accesses to the page of `address` fail from now on, or no longer.
    pub fn fail(&mut self, address: u64, fails: bool) {
        if fails {
            self.failing.insert(address / PAGE);
        } else {
            self.failing.remove(&(address / PAGE));
        }
    }

    /// Nothing is under way.
    pub fn quiet(&self) -> bool {
        self.reads.is_empty() && self.addresses.is_empty() && self.beats.is_empty() && self.written.is_empty()
    }

    fn response(&self, address: u64) -> u64 {
        if self.failing.contains(&(address / PAGE)) { SLVERR } else { OKAY }
    }

    /// Sets the inputs of the coming clock and looks at the outputs.
    pub fn before_edge(&mut self, model: &mut Model, clock: u64, rng: &mut ChaCha8Rng) {
        let stalls = |rng: &mut ChaCha8Rng, pace: Pace| pace.stall > 0.0 && rng.random_bool(pace.stall);
        let pace = self.pace;
        let ready = ["m_axi_arready", "m_axi_awready", "m_axi_wready"];
        for name in ready {
            model.set(self.pins[name], u64::from(!stalls(rng, pace)));
        }
        // An answer that is offered stays.
        self.r_valid = self.reads.front().is_some_and(|burst| burst.due <= clock) && (self.r_valid || !stalls(rng, pace));
        model.set(self.pins["m_axi_rvalid"], self.r_valid.into());
        if let (true, Some(burst)) = (self.r_valid, self.reads.front()) {
            let address = burst.address + 8 * self.read_beat;
            model.set(self.pins["m_axi_rdata"], self.word(address));
            model.set(self.pins["m_axi_rresp"], self.response(address));
            model.set(self.pins["m_axi_rlast"], u64::from(self.read_beat + 1 == burst.beats));
        } else {
            model.set(self.pins["m_axi_rdata"], rng.random());
            model.set(self.pins["m_axi_rlast"], rng.random::<bool>().into());
        }
        self.b_valid = self.written.front().is_some_and(|(burst, _)| burst.due <= clock) && (self.b_valid || !stalls(rng, pace));
        model.set(self.pins["m_axi_bvalid"], self.b_valid.into());
        if let (true, Some((burst, _))) = (self.b_valid, self.written.front()) {
            model.set(self.pins["m_axi_bresp"], self.response(burst.address));
        }
        self.watch(model, "m_axi_arvalid", "m_axi_arready", &["m_axi_araddr", "m_axi_arlen", "m_axi_arsize", "m_axi_arburst"]);
        self.watch(model, "m_axi_awvalid", "m_axi_awready", &["m_axi_awaddr", "m_axi_awlen", "m_axi_awsize", "m_axi_awburst"]);
        self.watch(model, "m_axi_wvalid", "m_axi_wready", &["m_axi_wdata", "m_axi_wstrb", "m_axi_wlast"]);
        let both = |a, b| model.get(self.pins[a]) == 1 && model.get(self.pins[b]) == 1;
        self.moves = Moves {
            ar: both("m_axi_arvalid", "m_axi_arready"),
            r: both("m_axi_rvalid", "m_axi_rready"),
            aw: both("m_axi_awvalid", "m_axi_awready"),
            w: both("m_axi_wvalid", "m_axi_wready"),
            b: both("m_axi_bvalid", "m_axi_bready"),
        };
        let due = clock + 1 + if pace.latency == 0 { 0 } else { rng.random_range(0..=pace.latency) };
        if self.moves.ar {
            self.bursts += 1;
            let burst = self.burst(model, "ar", due);
            self.reads.push_back(burst);
        }
        if self.moves.aw {
            self.bursts += 1;
            let burst = self.burst(model, "aw", 0);
            self.addresses.push_back(burst);
        }
        if self.moves.w {
            let pin = |name| model.get(self.pins[name]);
            self.beats.push_back((pin("m_axi_wdata"), pin("m_axi_wstrb") as u8, pin("m_axi_wlast") == 1));
        }
        if self.moves.b {
            let (burst, beats) = self.written.pop_front().expect("an answer belongs to a burst");
            if self.response(burst.address) == OKAY {
                self.store(burst.address, &beats);
            }
            self.b_valid = false;
        }
        if self.moves.r {
            self.read_beat += 1;
            if self.reads.front().is_some_and(|burst| burst.beats == self.read_beat) {
                self.reads.pop_front();
                self.read_beat = 0;
            }
            self.r_valid = false;
        }
        self.match_writes(due);
    }

    /// Valid stays, and so does what it is beside, until ready.
    fn watch(&mut self, model: &Model, valid: &'static str, ready: &'static str, beside: &[&'static str]) {
        let pin = |name| model.get(self.pins[name]);
        let now: Vec<u64> = beside.iter().map(|name| pin(*name)).collect();
        let (is_valid, is_ready) = (pin(valid) == 1, pin(ready) == 1);
        if let Some(before) = self.held.remove(valid) {
            assert!(is_valid, "{valid} fell before {ready}");
            assert_eq!(before, now, "{beside:?} changed before {ready}");
        }
        if is_valid && !is_ready {
            self.held.insert(valid, now);
        }
    }

    fn burst(&self, model: &Model, channel: &str, due: u64) -> Burst {
        let pin = |name: &str| model.get(self.pins[format!("m_axi_{channel}{name}").as_str()]);
        let (address, beats) = (pin("addr"), pin("len") + 1);
        assert_eq!((pin("size"), pin("burst")), (3, 1), "{channel}: 8-byte beats, INCR");
        assert_eq!(address % 8, 0, "{channel}: {address:#x} is not 8-byte aligned");
        assert_eq!(address / PAGE, (address + 8 * beats - 1) / PAGE, "{channel}: {beats} beats at {address:#x} cross 4 KiB");
        Burst { address, beats, due }
    }

    /// Puts addresses and data together, each in its order; `wlast` is where the address says.
    fn match_writes(&mut self, due: u64) {
        while let Some(burst) = self.addresses.front().copied() {
            let count = burst.beats as usize;
            for (i, beat) in self.beats.iter().take(count).enumerate() {
                assert_eq!(beat.2, i + 1 == count, "wlast at beat {i} of {count}");
            }
            if self.beats.len() < count {
                return;
            }
            self.addresses.pop_front();
            let beats = self.beats.drain(..count).collect();
            self.written.push_back((Burst { due, ..burst }, beats));
        }
    }

    fn store(&mut self, address: u64, beats: &[Beat]) {
        for (at, (data, strobes, _)) in (address..).step_by(8).zip(beats) {
            for lane in (0..8).filter(|lane| strobes >> lane & 1 == 1) {
                self.write(at + lane, &[(data >> (8 * lane)) as u8]);
            }
        }
    }
}
