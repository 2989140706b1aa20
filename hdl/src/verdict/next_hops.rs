//! The next-hop table.
//!
//! ```text
//!                        +----------+
//!  read, index --------->| NextHops |--> row, usable
//!  write_valid, write -->|          |--> bad, one clock later
//!                        +----------+
//! ```
//! Latency [`LATENCY`] clocks, one row a clock. A next-hop write counts as [`RamReg`] has it. An index beyond the
//! table's `2^NW` rows gives `usable = 0`, as a row that is not valid does. `row` and `usable` come from the RAM's output register,
//! through its bypass if it has one; they are not defined two clocks after a clock without `read`. `bad` says of the row of one clock ago that its parity is wrong.

use fpgaflow_abi::entry::NEXT_HOP_BITS;
use fpgaflow_abi::next_hop::{NEXT_HOP_ROW_BITS, VALID};

use crate::prelude::*;
use crate::prim::Pace;
use crate::records::{TableWrite, WRITE_ROW_BITS, WriteTarget};

/// Clocks from `index` to `row`.
pub const LATENCY: usize = 2;
/// Bits of a row as it is stored.
const STORED: usize = NEXT_HOP_ROW_BITS + PARITY_BITS;

/// `2^NW` next hops.
#[derive(LogicBlock)]
pub struct NextHops<const NW: usize> {
    /// The block's clock.
    pub clock: Signal<In, Clock>,
    /// Read a next hop.
    pub read: Signal<In, Bit>,
    /// Which one.
    pub index: Signal<In, Bits<NEXT_HOP_BITS>>,
    /// There is a table write in this clock.
    pub write_valid: Signal<In, Bit>,
    /// The write; ignored unless it is of a next hop.
    pub write: Signal<In, TableWrite>,
    /// The row, as [`fpgaflow_abi::next_hop`] has it.
    pub row: Signal<Out, Bits<NEXT_HOP_ROW_BITS>>,
    /// The row is there and valid.
    pub usable: Signal<Out, Bit>,
    /// The row of one clock ago is there and bad; a few LUTs behind flip-flops.
    pub bad: Signal<Out, Bit>,

    next_hop_target: Constant<Bits<2>>,
    index_in: Signal<Local, Bits<32>>,
    row_in: Signal<Local, Bits<WRITE_ROW_BITS>>,
    parity: AddParity<STORED>,
    rows: ParityRam<STORED, NW>,
    address: Signal<Local, Bits<NW>>,
    within_s1: DFF<Bit>,
    within_s2: DFF<Bit>,
    within_s3: DFF<Bit>,
    row_s2: Signal<Local, Bits<NEXT_HOP_ROW_BITS>>,
}

impl<const NW: usize> Default for NextHops<NW> {
    fn default() -> Self {
        Self::new(Pace::EveryClock)
    }
}

impl<const NW: usize> NextHops<NW> {
    /// For reads of this pace.
    ///
    /// # Panics
    /// When an entry cannot name so many rows.
    pub fn new(reads: Pace) -> Self {
        assert!(NW <= NEXT_HOP_BITS, "NextHops: {NW} bits of index are more than an entry's {NEXT_HOP_BITS}");
        Self {
            clock: Signal::default(),
            read: Signal::default(),
            index: Signal::default(),
            write_valid: Signal::default(),
            write: Signal::default(),
            row: Signal::default(),
            usable: Signal::default(),
            bad: Signal::default(),
            next_hop_target: Constant::new((WriteTarget::NextHop as u64).into()),
            index_in: Signal::default(),
            row_in: Signal::default(),
            parity: AddParity::default(),
            rows: ParityRam::new(reads),
            address: Signal::default(),
            within_s1: DFF::default(),
            within_s2: DFF::default(),
            within_s3: DFF::default(),
            row_s2: Signal::default(),
        }
    }
}

impl<const NW: usize> Logic for NextHops<NW> {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, within_s1, within_s2, within_s3);
        self.index_in.next = self.write.val().index;
        self.row_in.next = self.write.val().row;
        self.address.next = self.index.val().get_bits::<NW>(0);
        self.rows.clock.next = self.clock.val();
        self.rows.wen.next = self.write_valid.val() & (self.write.val().target == self.next_hop_target.val());
        self.rows.waddr.next = self.index_in.val().get_bits::<NW>(0);
        self.parity.row.next = self.row_in.val().get_bits::<STORED>(0);
        self.rows.wdata.next = self.parity.stored.val();
        self.rows.ren.next = self.read.val();
        self.rows.raddr.next = self.address.val();
        self.within_s1.d.next = bit_cast::<NEXT_HOP_BITS, NW>(self.address.val()) == self.index.val();
        self.within_s2.d.next = self.within_s1.q.val();
        self.within_s3.d.next = self.within_s2.q.val();
        self.row_s2.next = self.rows.rdata.val().get_bits::<NEXT_HOP_ROW_BITS>(0);
        self.row.next = self.row_s2.val();
        for at in VALID.lsb..(VALID.lsb + 1) {
            self.usable.next = self.within_s2.q.val() & self.row_s2.val().get_bit(at);
        }
        self.bad.next = self.within_s3.q.val() & self.rows.bad.val();
    }
}
