//! The write half of the AXI4 master: three clients share one bus.
//!
//! ```text
//!  s_axis_completion, s_axis_completion_beat -->[             ]--> m_axi_aw*, m_axi_w*
//!  s_axis_record,     s_axis_record_beat ------>[ WriteMaster ]<-- m_axi_b*
//!  s_axis_frame,      s_axis_frame_beat ------->[             ]--> *_done (pulses)
//! ```
//! A request is on the bus 1 clock after it is taken, its data 1 clock after it is offered; one beat a clock, no bubble between
//! bursts. A response is handed on 1 clock after the bus gave it.
//!
//! # Contract
//! - INCR bursts of 64-bit beats, one ID, data in the order of the addresses. Up to 16 bursts wait for their response.
//! - A client that asks has its data: between its request and its last beat no other client's data moves.
//! - `m_axi_bready` is always high. Clients get their responses in the order of their requests.
//! - Clients take turns, burst by burst.
//! - **Ordering**: this block promises none between clients. Who announces data (a completion, an interrupt) waits for the
//!   response of that data first.
//! - Everything towards the bus comes from flip-flops.

#![allow(missing_docs, reason = "the derive of rust-hdl writes public methods without a word; every item of ours has one")]

use crate::host::shelf::Shelf;
use crate::host::turn::Turn;
use crate::host::types::{WriteBeat, WriteDone, WriteRequest};
use crate::prelude::*;

/// A beat on its way to the pins.
#[derive(Copy, Clone, Debug, Default, PartialEq, LogicStruct)]
pub struct LastBeat {
    /// Data and strobes.
    pub data: Bits<64>,
    /// See [`WriteBeat`].
    pub strobes: Bits<8>,
    /// Last of its burst.
    pub last: Bit,
}

/// Whose burst waits for its response.
#[derive(Copy, Clone, Debug, Default, PartialEq, LogicStruct)]
pub struct Owner {
    /// 0 completions, 1 records, 2 frames.
    pub client: Bits<2>,
    /// See [`WriteRequest`].
    pub closing: Bit,
}

/// The block.
#[derive(LogicBlock)]
pub struct WriteMaster {
    /// The block's clock.
    pub clock: Signal<In, Clock>,
    /// Synchronous, active high. The bus must have no write under way.
    pub reset: Signal<In, Bit>,
    /// Requests for completions.
    pub s_axis_completion: StreamSink<WriteRequest>,
    /// Their data.
    pub s_axis_completion_beat: StreamSink<WriteBeat>,
    /// Requests for counter records.
    pub s_axis_record: StreamSink<WriteRequest>,
    /// Their data.
    pub s_axis_record_beat: StreamSink<WriteBeat>,
    /// Requests for frames.
    pub s_axis_frame: StreamSink<WriteRequest>,
    /// Their data.
    pub s_axis_frame_beat: StreamSink<WriteBeat>,
    /// A burst of a completion was answered.
    pub completion_done: Signal<Out, Bit>,
    /// A burst of counter records was answered.
    pub record_done: Signal<Out, Bit>,
    /// A burst of a frame was answered.
    pub frame_done: Signal<Out, Bit>,
    /// The answer, to whoever has a pulse.
    pub done: Signal<Out, WriteDone>,
    /// AXI4 write address.
    pub m_axi_awaddr: Signal<Out, Bits<64>>,
    /// Beats of the burst, less one.
    pub m_axi_awlen: Signal<Out, Bits<8>>,
    /// AXI4 handshake.
    pub m_axi_awvalid: Signal<Out, Bit>,
    /// AXI4 handshake.
    pub m_axi_awready: Signal<In, Bit>,
    /// AXI4 write data.
    pub m_axi_wdata: Signal<Out, Bits<64>>,
    /// Bytes that count.
    pub m_axi_wstrb: Signal<Out, Bits<8>>,
    /// Last beat of a burst.
    pub m_axi_wlast: Signal<Out, Bit>,
    /// AXI4 handshake.
    pub m_axi_wvalid: Signal<Out, Bit>,
    /// AXI4 handshake.
    pub m_axi_wready: Signal<In, Bit>,
    /// AXI4 response.
    pub m_axi_bresp: Signal<In, Bits<2>>,
    /// AXI4 handshake.
    pub m_axi_bvalid: Signal<In, Bit>,
    /// AXI4 handshake.
    pub m_axi_bready: Signal<Out, Bit>,

    // A burst whose data moves.
    moving: DFF<Bit>,
    client: DFF<Bits<2>>,
    left: DFF<Bits<8>>,
    address: DFF<Bits<64>>,
    beats: DFF<Bits<8>>,
    address_valid: DFF<Bit>,
    pins: Skid<LastBeat>,
    owners: Shelf<Owner, 4, 5>,
    answered_s1: DFF<Bit>,
    error_s1: DFF<Bit>,

    turn: Turn,
    free: Signal<Local, Bit>,
    chosen: Signal<Local, Bits<2>>,
    chosen_valid: Signal<Local, Bit>,
    request: Signal<Local, WriteRequest>,
    beat: Signal<Local, WriteBeat>,
    beat_valid: Signal<Local, Bit>,
    beat_moves: Signal<Local, Bit>,
    last: Signal<Local, Bit>,
    one: Constant<Bits<8>>,
    completions: Constant<Bits<2>>,
    records: Constant<Bits<2>>,
    frames: Constant<Bits<2>>,
}

impl Default for WriteMaster {
    fn default() -> Self {
        Self {
            clock: Signal::default(),
            reset: Signal::default(),
            s_axis_completion: StreamSink::default(),
            s_axis_completion_beat: StreamSink::default(),
            s_axis_record: StreamSink::default(),
            s_axis_record_beat: StreamSink::default(),
            s_axis_frame: StreamSink::default(),
            s_axis_frame_beat: StreamSink::default(),
            completion_done: Signal::default(),
            record_done: Signal::default(),
            frame_done: Signal::default(),
            done: Signal::default(),
            m_axi_awaddr: Signal::default(),
            m_axi_awlen: Signal::default(),
            m_axi_awvalid: Signal::default(),
            m_axi_awready: Signal::default(),
            m_axi_wdata: Signal::default(),
            m_axi_wstrb: Signal::default(),
            m_axi_wlast: Signal::default(),
            m_axi_wvalid: Signal::default(),
            m_axi_wready: Signal::default(),
            m_axi_bresp: Signal::default(),
            m_axi_bvalid: Signal::default(),
            m_axi_bready: Signal::default(),
            moving: DFF::default(),
            client: DFF::default(),
            left: DFF::default(),
            address: DFF::default(),
            beats: DFF::default(),
            address_valid: DFF::default(),
            pins: Skid::default(),
            owners: Shelf::default(),
            answered_s1: DFF::default(),
            error_s1: DFF::default(),
            turn: Turn::default(),
            free: Signal::default(),
            chosen: Signal::default(),
            chosen_valid: Signal::default(),
            request: Signal::default(),
            beat: Signal::default(),
            beat_valid: Signal::default(),
            beat_moves: Signal::default(),
            last: Signal::default(),
            one: Constant::new(1_u64.into()),
            completions: Constant::new(0_u64.into()),
            records: Constant::new(1_u64.into()),
            frames: Constant::new(2_u64.into()),
        }
    }
}

impl Logic for WriteMaster {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, moving, client, left, address, beats, address_valid, answered_s1, error_s1);
        clock!(self, clock, pins, owners);
        self.pins.reset.next = self.reset.val();
        self.owners.reset.next = self.reset.val();

        // Whose turn.
        self.turn.last.next = self.client.q.val();
        self.turn.wants[0].next = self.s_axis_completion.valid.val();
        self.turn.wants[1].next = self.s_axis_record.valid.val();
        self.turn.wants[2].next = self.s_axis_frame.valid.val();
        self.chosen.next = self.turn.choice.val();
        self.chosen_valid.next = self.turn.found.val();
        self.request.next = self.s_axis_frame.data.val();
        if self.chosen.val() == self.completions.val() {
            self.request.next = self.s_axis_completion.data.val();
        } else if self.chosen.val() == self.records.val() {
            self.request.next = self.s_axis_record.data.val();
        }

        // Data of the burst that moves.
        self.beat.next = self.s_axis_frame_beat.data.val();
        self.beat_valid.next = self.moving.q.val() & self.s_axis_frame_beat.valid.val();
        if self.client.q.val() == self.completions.val() {
            self.beat.next = self.s_axis_completion_beat.data.val();
            self.beat_valid.next = self.moving.q.val() & self.s_axis_completion_beat.valid.val();
        } else if self.client.q.val() == self.records.val() {
            self.beat.next = self.s_axis_record_beat.data.val();
            self.beat_valid.next = self.moving.q.val() & self.s_axis_record_beat.valid.val();
        }
        self.last.next = !self.left.q.val().any();
        self.pins.s_axis.valid.next = self.beat_valid.val();
        self.pins.s_axis.data.next.data = self.beat.val().data;
        self.pins.s_axis.data.next.strobes = self.beat.val().strobes;
        self.pins.s_axis.data.next.last = self.last.val();
        self.s_axis_completion_beat.ready.next =
            self.moving.q.val() & self.pins.s_axis.ready.val() & (self.client.q.val() == self.completions.val());
        self.s_axis_record_beat.ready.next =
            self.moving.q.val() & self.pins.s_axis.ready.val() & (self.client.q.val() == self.records.val());
        self.s_axis_frame_beat.ready.next =
            self.moving.q.val() & self.pins.s_axis.ready.val() & (self.client.q.val() == self.frames.val());
        self.beat_moves.next = self.beat_valid.val() & self.pins.s_axis.ready.val();
        if self.beat_moves.val() {
            self.left.d.next = self.left.q.val() - self.one.val();
            self.moving.d.next = !self.last.val();
        }

        // The next burst starts when the data of this one is through.
        self.free.next = !self.address_valid.q.val()
            & self.owners.s_axis.ready.val()
            & (!self.moving.q.val() | (self.beat_moves.val() & self.last.val()));
        self.s_axis_completion.ready.next = self.free.val() & (self.chosen.val() == self.completions.val());
        self.s_axis_record.ready.next = self.free.val() & (self.chosen.val() == self.records.val());
        self.s_axis_frame.ready.next = self.free.val() & (self.chosen.val() == self.frames.val());
        self.owners.s_axis.valid.next = self.free.val() & self.chosen_valid.val();
        self.owners.s_axis.data.next.client = self.chosen.val();
        self.owners.s_axis.data.next.closing = self.request.val().closing;
        if self.m_axi_awready.val() {
            self.address_valid.d.next = false;
        }
        // What stands on the bus while nothing is asked for does not matter.
        if !self.address_valid.q.val() {
            self.address.d.next = self.request.val().address;
            self.beats.d.next = self.request.val().beats;
        }
        if self.free.val() & self.chosen_valid.val() {
            self.address_valid.d.next = true;
            self.client.d.next = self.chosen.val();
            self.left.d.next = self.request.val().beats;
            self.moving.d.next = true;
        }
        self.m_axi_awaddr.next = self.address.q.val();
        self.m_axi_awlen.next = self.beats.q.val();
        self.m_axi_awvalid.next = self.address_valid.q.val();
        self.m_axi_wdata.next = self.pins.m_axis.data.val().data;
        self.m_axi_wstrb.next = self.pins.m_axis.data.val().strobes;
        self.m_axi_wlast.next = self.pins.m_axis.data.val().last;
        self.m_axi_wvalid.next = self.pins.m_axis.valid.val();
        self.pins.m_axis.ready.next = self.m_axi_wready.val();

        // Responses.
        self.m_axi_bready.next = true;
        self.answered_s1.d.next = self.m_axi_bvalid.val();
        self.error_s1.d.next = self.m_axi_bresp.val().get_bit(1);
        self.owners.m_axis.ready.next = self.answered_s1.q.val();
        self.completion_done.next = self.answered_s1.q.val() & (self.owners.m_axis.data.val().client == self.completions.val());
        self.record_done.next = self.answered_s1.q.val() & (self.owners.m_axis.data.val().client == self.records.val());
        self.frame_done.next = self.answered_s1.q.val() & (self.owners.m_axis.data.val().client == self.frames.val());
        self.done.next.closing = self.owners.m_axis.data.val().closing;
        self.done.next.error = self.error_s1.q.val();

        if self.reset.val() {
            self.moving.d.next = false;
            self.address_valid.d.next = false;
            self.answered_s1.d.next = false;
        }
    }
}
