//! AXI4-Lite slave: one access at a time, turned into plain requests.
//!
//! ```text
//!  s_axil_aw*, s_axil_w*, s_axil_b* -->[         ]--> write_valid, write_at, write_data; write_done <--
//!  s_axil_ar*, s_axil_r* ------------->[ AxiLite ]--> read_valid, read_at; read_done, read_data <--
//!  hold ------------------------------>[         ]
//! ```
//! A write and a read take 3 clocks and what they wait for.
//!
//! # Contract
//! - A write is a pulse `write_valid`; `write_at` and `write_data` stay until `write_done`, and its response comes in the clock after:
//!   who has the response may rely on the write. Registers have 32 bits: a write without all four strobes changes nothing and is
//!   answered with SLVERR.
//! - A read is a pulse `read_valid`; `read_at` stays until `read_done` comes with `read_data`.
//! - All else is answered with OKAY. While `hold` is high no access is begun.
//! - Everything towards the bus comes from flip-flops.

use super::map::AT_BITS;
use crate::prelude::*;

/// Bits of an address: `abi::regs::BAR_BYTES`.
pub const ADDRESS_BITS: usize = AT_BITS + 2;

/// The block.
#[derive(LogicBlock)]
pub struct AxiLite {
    /// The block's clock.
    pub clock: Signal<In, Clock>,
    /// Synchronous, active high.
    pub reset: Signal<In, Bit>,
    /// Begin no access.
    pub hold: Signal<In, Bit>,
    /// AXI4-Lite write address.
    pub s_axil_awaddr: Signal<In, Bits<ADDRESS_BITS>>,
    /// AXI4-Lite handshake.
    pub s_axil_awvalid: Signal<In, Bit>,
    /// AXI4-Lite handshake.
    pub s_axil_awready: Signal<Out, Bit>,
    /// AXI4-Lite write data.
    pub s_axil_wdata: Signal<In, Bits<32>>,
    /// AXI4-Lite strobes.
    pub s_axil_wstrb: Signal<In, Bits<4>>,
    /// AXI4-Lite handshake.
    pub s_axil_wvalid: Signal<In, Bit>,
    /// AXI4-Lite handshake.
    pub s_axil_wready: Signal<Out, Bit>,
    /// AXI4-Lite response.
    pub s_axil_bresp: Signal<Out, Bits<2>>,
    /// AXI4-Lite handshake.
    pub s_axil_bvalid: Signal<Out, Bit>,
    /// AXI4-Lite handshake.
    pub s_axil_bready: Signal<In, Bit>,
    /// AXI4-Lite read address.
    pub s_axil_araddr: Signal<In, Bits<ADDRESS_BITS>>,
    /// AXI4-Lite handshake.
    pub s_axil_arvalid: Signal<In, Bit>,
    /// AXI4-Lite handshake.
    pub s_axil_arready: Signal<Out, Bit>,
    /// AXI4-Lite read data.
    pub s_axil_rdata: Signal<Out, Bits<32>>,
    /// AXI4-Lite response.
    pub s_axil_rresp: Signal<Out, Bits<2>>,
    /// AXI4-Lite handshake.
    pub s_axil_rvalid: Signal<Out, Bit>,
    /// AXI4-Lite handshake.
    pub s_axil_rready: Signal<In, Bit>,
    /// A register is written.
    pub write_valid: Signal<Out, Bit>,
    /// Its number.
    pub write_at: Signal<Out, Bits<AT_BITS>>,
    /// With what.
    pub write_data: Signal<Out, Bits<32>>,
    /// What was written is in effect in the next clock.
    pub write_done: Signal<In, Bit>,
    /// A register is read.
    pub read_valid: Signal<Out, Bit>,
    /// Its number.
    pub read_at: Signal<Out, Bits<AT_BITS>>,
    /// The read is answered.
    pub read_done: Signal<In, Bit>,
    /// By what.
    pub read_data: Signal<In, Bits<32>>,
    write_take: DFF<Bit>,
    write_go: DFF<Bit>,
    write_number: DFF<Bits<AT_BITS>>,
    write_word: DFF<Bits<32>>,
    refused: DFF<Bit>,
    writing: DFF<Bit>,
    answer: DFF<Bit>,
    read_take: DFF<Bit>,
    read_go: DFF<Bit>,
    read_number: DFF<Bits<AT_BITS>>,
    reading: DFF<Bit>,
    word: DFF<Bits<32>>,
    word_valid: DFF<Bit>,
    slave_error: Constant<Bits<2>>,
}

impl Default for AxiLite {
    fn default() -> Self {
        Self {
            clock: Signal::default(),
            reset: Signal::default(),
            hold: Signal::default(),
            s_axil_awaddr: Signal::default(),
            s_axil_awvalid: Signal::default(),
            s_axil_awready: Signal::default(),
            s_axil_wdata: Signal::default(),
            s_axil_wstrb: Signal::default(),
            s_axil_wvalid: Signal::default(),
            s_axil_wready: Signal::default(),
            s_axil_bresp: Signal::default(),
            s_axil_bvalid: Signal::default(),
            s_axil_bready: Signal::default(),
            s_axil_araddr: Signal::default(),
            s_axil_arvalid: Signal::default(),
            s_axil_arready: Signal::default(),
            s_axil_rdata: Signal::default(),
            s_axil_rresp: Signal::default(),
            s_axil_rvalid: Signal::default(),
            s_axil_rready: Signal::default(),
            write_valid: Signal::default(),
            write_at: Signal::default(),
            write_data: Signal::default(),
            write_done: Signal::default(),
            read_valid: Signal::default(),
            read_at: Signal::default(),
            read_done: Signal::default(),
            read_data: Signal::default(),
            write_take: DFF::default(),
            write_go: DFF::default(),
            write_number: DFF::default(),
            write_word: DFF::default(),
            refused: DFF::default(),
            writing: DFF::default(),
            answer: DFF::default(),
            read_take: DFF::default(),
            read_go: DFF::default(),
            read_number: DFF::default(),
            reading: DFF::default(),
            word: DFF::default(),
            word_valid: DFF::default(),
            slave_error: Constant::new(2_u64.into()),
        }
    }
}

impl Logic for AxiLite {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, write_take, write_go, write_number, write_word, refused, writing, answer);
        dff_setup!(self, clock, read_take, read_go, read_number, reading, word, word_valid);

        // A write: both halves are taken in one clock, looked at in the next.
        self.write_take.d.next = self.s_axil_awvalid.val()
            & self.s_axil_wvalid.val()
            & !self.write_take.q.val()
            & !self.writing.q.val()
            & !self.answer.q.val()
            & !self.hold.val();
        self.s_axil_awready.next = self.write_take.q.val();
        self.s_axil_wready.next = self.write_take.q.val();
        self.write_go.d.next = self.write_take.q.val();
        if self.write_take.q.val() {
            self.write_number.d.next = self.s_axil_awaddr.val().get_bits::<AT_BITS>(2);
            self.write_word.d.next = self.s_axil_wdata.val();
            self.refused.d.next = !self.s_axil_wstrb.val().all();
            self.writing.d.next = true;
        }
        self.write_valid.next = self.write_go.q.val() & !self.refused.q.val();
        self.write_at.next = self.write_number.q.val();
        self.write_data.next = self.write_word.q.val();
        if self.s_axil_bready.val() {
            self.answer.d.next = false;
        }
        if self.write_done.val() | (self.write_go.q.val() & self.refused.q.val()) {
            self.writing.d.next = false;
            self.answer.d.next = true;
        }
        self.s_axil_bvalid.next = self.answer.q.val();
        self.s_axil_bresp.next = 0.into();
        if self.refused.q.val() {
            self.s_axil_bresp.next = self.slave_error.val();
        }

        // A read.
        self.read_take.d.next = self.s_axil_arvalid.val()
            & !self.read_take.q.val()
            & !self.reading.q.val()
            & !self.word_valid.q.val()
            & !self.hold.val();
        self.s_axil_arready.next = self.read_take.q.val();
        self.read_go.d.next = self.read_take.q.val();
        if self.read_take.q.val() {
            self.read_number.d.next = self.s_axil_araddr.val().get_bits::<AT_BITS>(2);
            self.reading.d.next = true;
        }
        self.read_valid.next = self.read_go.q.val();
        self.read_at.next = self.read_number.q.val();
        if self.s_axil_rready.val() {
            self.word_valid.d.next = false;
        }
        if self.read_done.val() {
            self.reading.d.next = false;
            self.word.d.next = self.read_data.val();
            self.word_valid.d.next = true;
        }
        self.s_axil_rvalid.next = self.word_valid.q.val();
        self.s_axil_rdata.next = self.word.q.val();
        self.s_axil_rresp.next = 0.into();

        if self.reset.val() {
            self.write_take.d.next = false;
            self.write_go.d.next = false;
            self.writing.d.next = false;
            self.answer.d.next = false;
            self.read_take.d.next = false;
            self.read_go.d.next = false;
            self.reading.d.next = false;
            self.word_valid.d.next = false;
        }
    }
}
