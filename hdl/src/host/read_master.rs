//! The read half of the AXI4 master: two clients share one bus.
//!
//! ```text
//!  s_axis_descriptor -->[            ]--> m_axi_ar*
//!  s_axis_frame ------->[ ReadMaster ]<-- m_axi_r*
//!                       [            ]--> beat (pulses)
//! ```
//! A request is on the bus 1 clock after it is taken, one request every 2 clocks; a beat is handed on 2 clocks after the bus gave
//! it.
//!
//! # Contract
//! - INCR bursts of 64-bit beats, one ID, so data comes in the order of the requests. Up to 16 bursts are under way.
//! - `m_axi_rready` is always high: a client asks only for what it has room for.
//! - Clients alternate when both have a request.
//! - Everything towards the bus comes from flip-flops.

use crate::host::shelf::Shelf;
use crate::host::types::{ReadBeat, ReadRequest, TAG_BITS};
use crate::prelude::*;

/// The block.
#[derive(LogicBlock, Default)]
pub struct ReadMaster {
    /// The block's clock.
    pub clock: Signal<In, Clock>,
    /// Synchronous, active high. The bus must have no read under way.
    pub reset: Signal<In, Bit>,
    /// Requests for descriptors.
    pub s_axis_descriptor: StreamSink<ReadRequest>,
    /// Requests for frames.
    pub s_axis_frame: StreamSink<ReadRequest>,
    /// A beat was read.
    pub beat_valid: Signal<Out, Bit>,
    /// The beat.
    pub beat: Signal<Out, ReadBeat>,
    /// AXI4 read address.
    pub m_axi_araddr: Signal<Out, Bits<64>>,
    /// Beats of the burst, less one.
    pub m_axi_arlen: Signal<Out, Bits<8>>,
    /// AXI4 handshake.
    pub m_axi_arvalid: Signal<Out, Bit>,
    /// AXI4 handshake.
    pub m_axi_arready: Signal<In, Bit>,
    /// AXI4 read data.
    pub m_axi_rdata: Signal<In, Bits<64>>,
    /// AXI4 response.
    pub m_axi_rresp: Signal<In, Bits<2>>,
    /// Last beat of a burst.
    pub m_axi_rlast: Signal<In, Bit>,
    /// AXI4 handshake.
    pub m_axi_rvalid: Signal<In, Bit>,
    /// AXI4 handshake.
    pub m_axi_rready: Signal<Out, Bit>,
    /// The other client goes first next time.
    frame_first: DFF<Bit>,
    address: DFF<Bits<64>>,
    beats: DFF<Bits<8>>,
    address_valid: DFF<Bit>,
    tags: Shelf<Bits<TAG_BITS>, 4, 5>,
    // s1: as the bus gave it; s2: with whose it is.
    data_s1: DFF<Bits<64>>,
    last_s1: DFF<Bit>,
    error_s1: DFF<Bit>,
    valid_s1: DFF<Bit>,
    beat_s2: DFF<ReadBeat>,
    valid_s2: DFF<Bit>,
    free: Signal<Local, Bit>,
    take_frame: Signal<Local, Bit>,
    chosen: Signal<Local, ReadRequest>,
    chosen_valid: Signal<Local, Bit>,
}

impl Logic for ReadMaster {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, frame_first, address, beats, address_valid, data_s1, last_s1, error_s1, valid_s1);
        dff_setup!(self, clock, beat_s2, valid_s2);
        self.tags.clock.next = self.clock.val();
        self.tags.reset.next = self.reset.val();

        // Requests.
        self.free.next = !self.address_valid.q.val() & self.tags.s_axis.ready.val();
        self.take_frame.next = self.s_axis_frame.valid.val() & (self.frame_first.q.val() | !self.s_axis_descriptor.valid.val());
        self.chosen.next = self.s_axis_descriptor.data.val();
        self.chosen_valid.next = self.s_axis_descriptor.valid.val();
        if self.take_frame.val() {
            self.chosen.next = self.s_axis_frame.data.val();
            self.chosen_valid.next = true;
        }
        self.s_axis_frame.ready.next = self.free.val() & self.take_frame.val();
        self.s_axis_descriptor.ready.next = self.free.val() & !self.take_frame.val();
        self.tags.s_axis.valid.next = self.free.val() & self.chosen_valid.val();
        self.tags.s_axis.data.next = self.chosen.val().tag;
        if self.m_axi_arready.val() {
            self.address_valid.d.next = false;
        }
        if self.free.val() & self.chosen_valid.val() {
            self.address_valid.d.next = true;
            self.address.d.next = self.chosen.val().address;
            self.beats.d.next = self.chosen.val().beats;
            self.frame_first.d.next = !self.take_frame.val();
        }
        self.m_axi_araddr.next = self.address.q.val();
        self.m_axi_arlen.next = self.beats.q.val();
        self.m_axi_arvalid.next = self.address_valid.q.val();

        // Data.
        self.m_axi_rready.next = true;
        self.data_s1.d.next = self.m_axi_rdata.val();
        self.last_s1.d.next = self.m_axi_rlast.val();
        self.error_s1.d.next = self.m_axi_rresp.val().get_bit(1);
        self.valid_s1.d.next = self.m_axi_rvalid.val();
        self.beat_s2.d.next.data = self.data_s1.q.val();
        self.beat_s2.d.next.tag = self.tags.m_axis.data.val();
        self.beat_s2.d.next.last = self.last_s1.q.val();
        self.beat_s2.d.next.error = self.error_s1.q.val();
        self.valid_s2.d.next = self.valid_s1.q.val();
        self.beat.next = self.beat_s2.q.val();
        self.beat_valid.next = self.valid_s2.q.val();
        self.tags.m_axis.ready.next = self.valid_s1.q.val() & self.last_s1.q.val();

        if self.reset.val() {
            self.address_valid.d.next = false;
            self.valid_s1.d.next = false;
            self.valid_s2.d.next = false;
        }
    }
}
