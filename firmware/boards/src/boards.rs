//! The boards that there are: device, geometry, and what has been shown for each.

use fpgaflow_abi::geometry::Geometry;
use fpgaflow_abi::wire::MAX_L2_BYTES;
use fpgaflow_hdl::emit::{self, emit};
use fpgaflow_hdl::engine::Tables;

use crate::export::CORE;
use crate::memory::{Memory, Place};

fpgaflow_hdl::engine! {
    /// The engine of [`ECP5_45F`].
    ///
    /// Packets of up to 1,500 bytes, because stores for longer ones would take eight blocks each where these take two.
    pub mod ecp5_45f = Geometry {
        max_frame_bytes: 1500 + MAX_L2_BYTES as u32,
        clock_hz: 156_250_000,
        ..Tables { bucket_bits: 9, entries_v4: 1 << 11, entries_v6: 1 << 9, next_hops: 1 << 8 }.geometry(64, 2)
    };
}

fpgaflow_hdl::engine! {
    /// The engine of [`ALVEO_U50`], in the clock of a 100G MAC with beats of 512 bits.
    pub mod alveo_u50 = Geometry {
        clock_hz: 322_265_625,
        ..Tables { bucket_bits: 14, entries_v4: 1 << 16, entries_v6: 1 << 14, next_hops: 1 << 12 }.geometry(512, 2)
    };
}

fpgaflow_hdl::engine! {
    /// The engine of [`KCU3P`].
    pub mod kcu3p = Geometry {
        clock_hz: 322_265_625,
        ..Tables { bucket_bits: 12, entries_v4: 1 << 14, entries_v6: 1 << 12, next_hops: 1 << 10 }.geometry(512, 4)
    };
}

/// A family of devices: what its RAM is, and which tools there are for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Family {
    /// Placed and routed by nextpnr.
    Ecp5,
    /// Synthesized by yosys, placed and routed by Vivado.
    UltraScalePlus,
}

/// A device and its memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Device {
    /// Its family.
    pub family: Family,
    /// What its maker calls it, package and speed grade included.
    pub part: &'static str,
    /// Blocks of 18 kbit; a block of 36 kbit counts as two.
    pub blocks: usize,
    /// UltraRAM blocks of 4,096 words of 72 bits.
    pub ultra: usize,
}

/// Something that is claimed of a board, and how it is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Proof {
    /// It is done in this repository by what is named.
    Done(&'static str),
    /// It has not been done.
    NotDone(&'static str),
}

/// A board.
#[derive(Debug, Clone, Copy)]
pub struct Board {
    /// What the command line calls it.
    pub name: &'static str,
    /// Its device.
    pub device: Device,
    /// Its engine.
    pub geometry: Geometry,
    /// What is known of it.
    pub proofs: &'static [Proof],
    /// What a memory is made of that may be made of anything.
    pub(crate) place: fn(&Memory) -> Place,
    /// The engine's Verilog.
    pub(crate) emit: fn() -> Result<String, emit::Error>,
}

/// Words below which a memory is made of lookup tables: a block would be empty but for a few of its words.
const SHALLOW: usize = 64;
/// Words of an UltraRAM block.
const ULTRA_WORDS: usize = 4096;
/// Bits of a word of an UltraRAM block.
const ULTRA_BITS: usize = 72;

const LINT: Proof =
    Proof::Done("the exported Verilog passes Verilator's lint and yosys' checks (`cargo test -p fpgaflow-boards`)");
const ACCOUNT: Proof = Proof::Done("the memories below are those that yosys finds, and the device holds them (the same tests)");
const NOT_PLACED: Proof = Proof::NotDone("synthesised for the device, placed and routed: the clock is an aim, no result");
const NOT_BUILT: Proof = Proof::NotDone("a shell with MACs, PCIe, clocks and pins; no bitstream is made, no board was run");
const VIVADO: Proof =
    Proof::NotDone("read by Vivado: the interface attributes follow its documentation and were checked as text only");

/// LFE5UM5G-45F: 64 bits, two ports.
pub const ECP5_45F: Board = Board {
    name: "ecp5-45f",
    device: Device { family: Family::Ecp5, part: "LFE5UM5G-45F-8BG381C", blocks: 108, ultra: 0 },
    geometry: ecp5_45f::GEOMETRY,
    proofs: &[
        LINT,
        ACCOUNT,
        Proof::Done("the engine of this width, with larger tables, is co-simulated against the golden model (`tests/`)"),
        Proof::NotDone(
            "4,096 IPv4 entries: entries of 304 bits and counters of 152 bits would take 102 blocks of 108, and the rest takes 57",
        ),
        NOT_PLACED,
        NOT_BUILT,
    ],
    place: |memory| if memory.words <= SHALLOW { Place::Lut } else { Place::Block },
    emit: || emit(ecp5_45f::Engine::default(), CORE),
};

/// Alveo U50: 512 bits, two ports.
pub const ALVEO_U50: Board = Board {
    name: "alveo-u50",
    device: Device { family: Family::UltraScalePlus, part: "xcu50-fsvh2104-2-e", blocks: 2 * 1344, ultra: 640 },
    geometry: alveo_u50::GEOMETRY,
    proofs: &[
        LINT,
        ACCOUNT,
        Proof::Done("the engine of this width, with smaller tables, is co-simulated against the golden model (`tests/`)"),
        VIVADO,
        NOT_PLACED,
        NOT_BUILT,
    ],
    place: |memory| match memory.words {
        0..=SHALLOW => Place::Lut,
        ULTRA_WORDS.. if memory.width > ULTRA_BITS => Place::Ultra,
        _ => Place::Block,
    },
    emit: || emit(alveo_u50::Engine::default(), CORE),
};

/// A board with a Kintex UltraScale+ KU3P: 512 bits, four ports.
pub const KCU3P: Board = Board {
    name: "kcu3p",
    device: Device { family: Family::UltraScalePlus, part: "xcku3p-ffvb676-2-e", blocks: 2 * 360, ultra: 48 },
    geometry: kcu3p::GEOMETRY,
    proofs: &[
        LINT,
        ACCOUNT,
        Proof::Done("the engine of this width and these ports, with smaller tables, is co-simulated (`tests/tests/ports.rs`)"),
        Proof::NotDone(
            "32,768 IPv4 and 8,192 IPv6 entries: entries would take 60 UltraRAM blocks of 48, counters 680 of 720 others",
        ),
        VIVADO,
        NOT_PLACED,
        NOT_BUILT,
    ],
    // Entries alone: with the counters there would be more than the device has.
    place: |memory| match memory.words {
        0..=SHALLOW => Place::Lut,
        ULTRA_WORDS.. if memory.width > 4 * ULTRA_BITS => Place::Ultra,
        _ => Place::Block,
    },
    emit: || emit(kcu3p::Engine::default(), CORE),
};

/// Every board.
pub const BOARDS: [Board; 3] = [ECP5_45F, ALVEO_U50, KCU3P];

impl Board {
    /// The board called `name`.
    pub fn find(name: &str) -> Option<Self> {
        BOARDS.into_iter().find(|board| board.name == name)
    }

    /// What `memory` is made of on this board.
    pub fn place_of(&self, memory: &Memory) -> Place {
        if memory.lut { Place::Lut } else { (self.place)(memory) }
    }
}
