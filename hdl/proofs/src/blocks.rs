//! The blocks that properties are proven of, by name: emitted as the engine's are, with their own module called `block`.
//!
//! Where a size is a parameter it is small, so that a solver sees every case of it: a FIFO of four words fills, empties and goes
//! around within a dozen clocks. What the engine has in one size only is that size here.

use fpgaflow_abi::checksum::TTL_DELTA;
use fpgaflow_hdl::emit::{Error, emit};
use fpgaflow_hdl::engine::{Credits, Tables, sizes};
use fpgaflow_hdl::host::bursts::Bursts;
use fpgaflow_hdl::host::irq::Irq;
use fpgaflow_hdl::host::read_master::ReadMaster;
use fpgaflow_hdl::host::regs::axi_lite::AxiLite;
use fpgaflow_hdl::host::shelf::Shelf;
use fpgaflow_hdl::host::turn::Turn;
use fpgaflow_hdl::host::write_master::WriteMaster;
use fpgaflow_hdl::prelude::*;
use fpgaflow_hdl::rx::RxArbiter;
use fpgaflow_hdl::table::SlotBanks;
use fpgaflow_hdl::tx::{AxisOut, TxPort, word_bits};
use fpgaflow_hdl::verdict::ChecksumUpdate;

/// What a block's own module is called.
pub const TOP: &str = "block";

/// A table of 4 buckets a bank, 4 IPv4 and 2 IPv6 entries.
const SMALL: fpgaflow_abi::geometry::Geometry =
    Tables { bucket_bits: 2, entries_v4: 4, entries_v6: 2, next_hops: 2 }.geometry(64, 1);
const SMALL_BB: usize = SMALL.bucket_bits as usize;
const SMALL_REF: usize = sizes::entry_ref_bits(&SMALL);
const SMALL_SLOT: usize = sizes::slot_bits(&SMALL);

/// An engine is made on the stack, every bit of it a byte.
const STACK_BYTES: usize = 64 << 20;

fn text<U: Block>(block: U) -> Result<String, Error> {
    emit(block, TOP)
}

/// A block's Verilog; `None` for a name that is not one.
///
/// # Errors
/// When the block fails one of the checks of [`emit`].
pub fn verilog(name: &str) -> Option<Result<String, Error>> {
    let (_, make) = BLOCKS.iter().find(|(found, _)| *found == name)?;
    let thread = std::thread::Builder::new().stack_size(STACK_BYTES).spawn(*make);
    Some(thread.expect("a thread starts").join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
}

type Make = fn() -> Result<String, Error>;

/// Every block by its name.
pub const BLOCKS: &[(&str, Make)] = &[
    ("skid", || text(Skid::<Bits<8>>::default())),
    ("stream_fifo", || text(StreamFifo::<Bits<4>, 2, 3>::default())),
    ("frame_fifo", || text(FrameFifo::<Bits<4>, 2, 3>::default())),
    ("cut_fifo", || text(CutFifo::<Bits<4>, 2, 3>::default())),
    ("small_fifo", || text(SmallFifo::<Bits<4>, 2, 3>::default())),
    ("shelf", || text(Shelf::<Bits<4>, 2, 3>::default())),
    ("credits", || text(Credits::<6, 7>::default())),
    ("rx_arbiter", || text(RxArbiter::<8, 8, 4>::default())),
    ("turn", || text(Turn::default())),
    ("tx_port", || text(TxPort::<64, 8, { word_bits(64) }, 3, 4>::default())),
    ("axis_out", || text(AxisOut::<64, 8, { word_bits(64) }>::default())),
    ("read_master", || text(ReadMaster::default())),
    ("write_master", || text(WriteMaster::default())),
    ("axi_lite", || text(AxiLite::default())),
    ("irq", || text(Irq::default())),
    ("bursts", || text(Bursts::<11, 8>::default())),
    ("checksum", || text(ChecksumUpdate::new(0))),
    ("checksum_ttl", || text(ChecksumUpdate::new(TTL_DELTA))),
    ("slots", || text(SlotBanks::<SMALL_BB, SMALL_REF, SMALL_SLOT>::default())),
];
