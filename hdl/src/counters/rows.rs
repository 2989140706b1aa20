//! One copy of all counters: a RAM for each family behind one write port and one read port.
//!
//! ```text
//!                       +-------------+
//!  wen, written, wdata >| CounterRows |
//!  ren, reads --------->|             |--> rdata
//!                       +-------------+
//! ```
//! Latency 2 clocks from `reads` to `rdata`, one read and one write a clock; which writes a read sees depends on its pace, as [`RamReg`] has
//! it. `rdata` is two LUTs behind flip-flops.

#![allow(missing_docs, reason = "the derive of rust-hdl writes public methods without a word; every item of ours has one")]

use super::{BYTES_BITS, PACKETS_BITS};
use crate::prelude::*;
use crate::prim::Pace;
use crate::records::SEEN_BITS;

/// Counters of one entry.
#[derive(Copy, Clone, Debug, Default, PartialEq, LogicStruct)]
pub struct CounterRow {
    /// Packets.
    pub packets: Bits<PACKETS_BITS>,
    /// Bytes.
    pub bytes: Bits<BYTES_BITS>,
    /// Tick of the last packet.
    pub seen: Bits<SEEN_BITS>,
}

/// `2^EW4` IPv4 and `2^EW6` IPv6 rows, named by references of `REF` bits whose top bit is the family.
#[derive(LogicBlock)]
pub struct CounterRows<const EW4: usize, const EW6: usize, const REF: usize> {
    /// The block's clock.
    pub clock: Signal<In, Clock>,
    /// Write `wdata` in this clock.
    pub wen: Signal<In, Bit>,
    /// Of this entry.
    pub written: Signal<In, Bits<REF>>,
    /// What.
    pub wdata: Signal<In, CounterRow>,
    /// Read in this clock.
    pub ren: Signal<In, Bit>,
    /// This entry.
    pub reads: Signal<In, Bits<REF>>,
    /// The row read two clocks ago; not defined when there was no `ren` then.
    pub rdata: Signal<Out, CounterRow>,

    v4: RamReg<CounterRow, EW4>,
    v6: RamReg<CounterRow, EW6>,
    writes_v6: Signal<Local, Bit>,
    reads_v6: Signal<Local, Bit>,
    is_v6_s1: DFF<Bit>,
    is_v6_s2: DFF<Bit>,
}

impl<const EW4: usize, const EW6: usize, const REF: usize> Default for CounterRows<EW4, EW6, REF> {
    fn default() -> Self {
        Self::new(Pace::EveryClock)
    }
}

impl<const EW4: usize, const EW6: usize, const REF: usize> CounterRows<EW4, EW6, REF> {
    /// For reads of this pace.
    ///
    /// # Panics
    /// When `REF` is not one bit more than the index of the larger family.
    pub fn new(reads: Pace) -> Self {
        assert!(REF == EW4.max(EW6) + 1, "CounterRows: a family and {EW4} or {EW6} bits of index are not {REF} bits");
        Self {
            clock: Signal::default(),
            wen: Signal::default(),
            written: Signal::default(),
            wdata: Signal::default(),
            ren: Signal::default(),
            reads: Signal::default(),
            rdata: Signal::default(),
            v4: RamReg::new(reads),
            v6: RamReg::new(reads),
            writes_v6: Signal::default(),
            reads_v6: Signal::default(),
            is_v6_s1: DFF::default(),
            is_v6_s2: DFF::default(),
        }
    }
}

impl<const EW4: usize, const EW6: usize, const REF: usize> Logic for CounterRows<EW4, EW6, REF> {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, is_v6_s1, is_v6_s2);
        clock!(self, clock, v4, v6);
        for family in (REF - 1)..REF {
            self.writes_v6.next = self.written.val().get_bit(family);
            self.reads_v6.next = self.reads.val().get_bit(family);
        }
        self.v4.wen.next = self.wen.val() & !self.writes_v6.val();
        self.v4.waddr.next = self.written.val().get_bits::<EW4>(0);
        self.v4.wdata.next = self.wdata.val();
        self.v4.ren.next = self.ren.val() & !self.reads_v6.val();
        self.v4.raddr.next = self.reads.val().get_bits::<EW4>(0);
        self.v6.wen.next = self.wen.val() & self.writes_v6.val();
        self.v6.waddr.next = self.written.val().get_bits::<EW6>(0);
        self.v6.wdata.next = self.wdata.val();
        self.v6.ren.next = self.ren.val() & self.reads_v6.val();
        self.v6.raddr.next = self.reads.val().get_bits::<EW6>(0);
        self.is_v6_s1.d.next = self.reads_v6.val();
        self.is_v6_s2.d.next = self.is_v6_s1.q.val();
        self.rdata.next = self.v4.rdata.val();
        if self.is_v6_s2.q.val() {
            self.rdata.next = self.v6.rdata.val();
        }
    }
}
