//! The host side, whole: registers, rings, DMA, interrupts.
//!
//! ```text
//!  s_axil_* <-->[          ]<--> m_axi_*
//!               [          ]--> irq_valid, irq_vector; irq_ready <--
//!               [ HostSide ]--> write_valid, write          to the tables
//!               [          ]<-> m_axis_request, reply       the counters
//!               [          ]<-- s_axis_punt, s_axis_punt_beats
//!               [          ]--> m_axis_host_beats, host_frame
//!               [          ]--> lookup_enable, hash_secret, ...; received, sent, drop, verdict pulses <--
//! ```
//! Latencies and throughput are those of its parts.
//!
//! # Contract
//! - Registers as `abi::regs`, descriptors as `abi::descriptor` have them.
//! - **Order on the bus**: a completion is written when the bus has answered every write that it tells of; the interrupt is asked for,
//!   and the completion ring's producer goes up, when the bus has answered the completion. Two clients' writes have no other order.
//! - Bursts are INCR, of 64-bit beats, 128 bytes at most and inside one aligned block of 128; IDs are 0.
//! - Reset is for a quiet bus: what is under way on `m_axi_*` when it comes must not be answered after it. It takes hold 1 clock late.
//! - No input reaches an output, nor more than the register next to it, within a clock: that is what a bus's pins need, and a
//!   simulator computes only once a clock what no pin can change in between.

use std::array;

use fpgaflow_abi::descriptor::{Ring, VECTORS, Vector};
use fpgaflow_abi::geometry::Geometry;
use fpgaflow_abi::regs::FRAGMENT_LIFETIME_BITS;

use crate::host::c2h::C2h;
use crate::host::command::Command;
use crate::host::completions::Completions;
use crate::host::fetch::{COUNT_BITS, Fetch};
use crate::host::h2c::H2c;
use crate::host::irq::Irq;
use crate::host::read_master::ReadMaster;
use crate::host::regs::Regs;
use crate::host::regs::axi_lite::ADDRESS_BITS;
use crate::host::regs::controls::SECRET_REG_BITS;
use crate::host::regs::stats::Stats;
use crate::host::types::{HOST_RINGS, Outcome, ReadRequest, WriteBeat, WriteRequest};
use crate::host::write_master::WriteMaster;
use crate::prelude::*;
use crate::records::{
    BeatSink, BeatSource, CLOCK_BITS, CounterReply, CounterRequest, FrameInfo, LENGTH_BITS, PuntInfo, REASON_BITS, TableWrite,
};

// Arrays of rings and vectors below are indexed by these numbers.
const _: () = assert!(Ring::Command as usize == 0 && Ring::FrameToHost as usize == 1 && Ring::FrameToCard as usize == 2);
const _: () = assert!(Ring::Completion as usize == 3 && Vector::Event as usize == 3 && VECTORS == 4);

/// The block, for a card with `PORTS` ports; `AW` and `CW` are the frame store's, see [`H2c`].
#[derive(LogicBlock)]
pub struct HostSide<const PORTS: usize, const AW: usize, const CW: usize> {
    /// The block's clock.
    pub clock: Signal<In, Clock>,
    /// Synchronous, active high.
    pub reset: Signal<In, Bit>,

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

    /// AXI4 write ID: 0.
    pub m_axi_awid: Signal<Out, Bits<1>>,
    /// AXI4 write address.
    pub m_axi_awaddr: Signal<Out, Bits<64>>,
    /// Beats, less one.
    pub m_axi_awlen: Signal<Out, Bits<8>>,
    /// Bytes of a beat, as a power of two.
    pub m_axi_awsize: Signal<Out, Bits<3>>,
    /// INCR.
    pub m_axi_awburst: Signal<Out, Bits<2>>,
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
    /// AXI4 read ID: 0.
    pub m_axi_arid: Signal<Out, Bits<1>>,
    /// AXI4 read address.
    pub m_axi_araddr: Signal<Out, Bits<64>>,
    /// Beats, less one.
    pub m_axi_arlen: Signal<Out, Bits<8>>,
    /// Bytes of a beat, as a power of two.
    pub m_axi_arsize: Signal<Out, Bits<3>>,
    /// INCR.
    pub m_axi_arburst: Signal<Out, Bits<2>>,
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

    /// An interrupt is asked for.
    pub irq_valid: Signal<Out, Bit>,
    /// Which.
    pub irq_vector: Signal<Out, Bits<2>>,
    /// It is taken.
    pub irq_ready: Signal<In, Bit>,

    /// `FLOW_CTRL.LOOKUP`.
    pub lookup_enable: Signal<Out, Bit>,
    /// `FLOW_CTRL.HOLD`.
    pub hold: Signal<Out, Bit>,
    /// `FLOW_CTRL.FRAGMENTS`.
    pub fragments: Signal<Out, Bit>,
    /// `FRAGMENT_LIFETIME`.
    pub fragment_lifetime: Signal<Out, Bits<FRAGMENT_LIFETIME_BITS>>,
    /// `HASH_SECRET`, lowest bits first.
    pub hash_secret: Signal<Out, Bits<SECRET_REG_BITS>>,
    /// `PORT_CTRL.RX_ENABLE`, a bit a port.
    pub rx_enable: Signal<Out, Bits<PORTS>>,
    /// `PORT_CTRL.PROMISCUOUS`.
    pub promiscuous: Signal<Out, Bits<PORTS>>,
    /// `PORT_CTRL.TAIL_DROP`.
    pub tail_drop: Signal<Out, Bits<PORTS>>,
    /// `PORT_MAC_HI` and `PORT_MAC_LO`.
    pub port_mac: [Signal<Out, Bits<48>>; PORTS],
    /// Clocks since reset.
    pub clock_count: Signal<Out, Bits<CLOCK_BITS>>,

    /// A table is written.
    pub write_valid: Signal<Out, Bit>,
    /// What and where.
    pub write: Signal<Out, TableWrite>,
    /// Reads and clears of an entry's counters.
    pub m_axis_request: StreamSource<CounterRequest>,
    /// Their answer is there.
    pub reply_valid: Signal<In, Bit>,
    /// The answer.
    pub reply: Signal<In, CounterReply>,
    /// Frames to the host.
    pub s_axis_punt: StreamSink<PuntInfo>,
    /// Their beats.
    pub s_axis_punt_beats: BeatSink<64>,
    /// Beats of frames of the host.
    pub m_axis_host_beats: BeatSource<64>,
    /// Length and port of the frame, beside its beats.
    pub host_frame: Signal<Out, FrameInfo>,

    /// See [`Stats`].
    pub received_valid: [Signal<In, Bit>; PORTS],
    /// See [`Stats`].
    pub received_length: [Signal<In, Bits<LENGTH_BITS>>; PORTS],
    /// See [`Stats`].
    pub sent_valid: [Signal<In, Bit>; PORTS],
    /// See [`Stats`].
    pub sent_length: [Signal<In, Bits<LENGTH_BITS>>; PORTS],
    /// See [`Stats`].
    pub drop_valid: [Signal<In, Bit>; PORTS],
    /// See [`Stats`].
    pub drop_reason: [Signal<In, Bits<REASON_BITS>>; PORTS],
    /// See [`Stats`].
    pub tx_full_valid: [Signal<In, Bit>; PORTS],
    /// See [`Stats`].
    pub verdict_valid: Signal<In, Bit>,
    /// See [`Stats`].
    pub verdict_reason: Signal<In, Bits<REASON_BITS>>,
    /// The store towards the host dropped a frame.
    pub host_full_valid: Signal<In, Bit>,
    /// A lookup met a row of a table that is bad.
    pub bad_row_valid: Signal<In, Bit>,
    /// Which, as register `PARITY` has it.
    pub bad_row: Signal<In, Bits<32>>,

    /// Reset goes everywhere: from a flip-flop of its own.
    reset_s1: DFF<Bit>,
    regs: Regs<PORTS>,
    stats: Stats<PORTS>,
    interrupts: Irq,
    reads: ReadMaster,
    writes: WriteMaster,
    fetch: Fetch,
    command: Command,
    c2h: C2h,
    h2c: H2c<AW, CW>,
    completions: Completions,
    id: Constant<Bits<1>>,
    beat_size: Constant<Bits<3>>,
    incrementing: Constant<Bits<2>>,
}

impl<const PORTS: usize, const AW: usize, const CW: usize> HostSide<PORTS, AW, CW> {
    /// For a card of this geometry whose barriers wait `barrier_clocks` clocks.
    ///
    /// # Panics
    /// When the geometry has another number of ports, no entries, or a longest frame that the store does not hold.
    pub fn new(geometry: &Geometry, barrier_clocks: u64) -> Self {
        Self {
            clock: Signal::default(),
            reset: Signal::default(),
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
            m_axi_awid: Signal::default(),
            m_axi_awaddr: Signal::default(),
            m_axi_awlen: Signal::default(),
            m_axi_awsize: Signal::default(),
            m_axi_awburst: Signal::default(),
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
            m_axi_arid: Signal::default(),
            m_axi_araddr: Signal::default(),
            m_axi_arlen: Signal::default(),
            m_axi_arsize: Signal::default(),
            m_axi_arburst: Signal::default(),
            m_axi_arvalid: Signal::default(),
            m_axi_arready: Signal::default(),
            m_axi_rdata: Signal::default(),
            m_axi_rresp: Signal::default(),
            m_axi_rlast: Signal::default(),
            m_axi_rvalid: Signal::default(),
            m_axi_rready: Signal::default(),
            irq_valid: Signal::default(),
            irq_vector: Signal::default(),
            irq_ready: Signal::default(),
            lookup_enable: Signal::default(),
            hold: Signal::default(),
            fragments: Signal::default(),
            fragment_lifetime: Signal::default(),
            hash_secret: Signal::default(),
            rx_enable: Signal::default(),
            promiscuous: Signal::default(),
            tail_drop: Signal::default(),
            port_mac: array::from_fn(|_| Signal::default()),
            clock_count: Signal::default(),
            write_valid: Signal::default(),
            write: Signal::default(),
            m_axis_request: StreamSource::default(),
            reply_valid: Signal::default(),
            reply: Signal::default(),
            s_axis_punt: StreamSink::default(),
            s_axis_punt_beats: BeatSink::default(),
            m_axis_host_beats: BeatSource::default(),
            host_frame: Signal::default(),
            received_valid: array::from_fn(|_| Signal::default()),
            received_length: array::from_fn(|_| Signal::default()),
            sent_valid: array::from_fn(|_| Signal::default()),
            sent_length: array::from_fn(|_| Signal::default()),
            drop_valid: array::from_fn(|_| Signal::default()),
            drop_reason: array::from_fn(|_| Signal::default()),
            tx_full_valid: array::from_fn(|_| Signal::default()),
            verdict_valid: Signal::default(),
            verdict_reason: Signal::default(),
            host_full_valid: Signal::default(),
            bad_row_valid: Signal::default(),
            bad_row: Signal::default(),
            reset_s1: DFF::default(),
            regs: Regs::new(geometry),
            stats: Stats::default(),
            interrupts: Irq::default(),
            reads: ReadMaster::default(),
            writes: WriteMaster::default(),
            fetch: Fetch::default(),
            command: Command::new(geometry, barrier_clocks),
            c2h: C2h::default(),
            h2c: H2c::new(geometry),
            completions: Completions::default(),
            id: Constant::new(0_u64.into()),
            beat_size: Constant::new(3_u64.into()),
            incrementing: Constant::new(1_u64.into()),
        }
    }
}

impl<const PORTS: usize, const AW: usize, const CW: usize> Logic for HostSide<PORTS, AW, CW> {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, reset_s1);
        clock!(self, clock, regs, stats, interrupts, reads, writes, fetch, command, c2h, h2c, completions);
        self.reset_s1.d.next = self.reset.val();
        self.regs.reset.next = self.reset_s1.q.val();
        self.stats.reset.next = self.reset_s1.q.val();
        self.interrupts.reset.next = self.reset_s1.q.val();
        self.reads.reset.next = self.reset_s1.q.val();
        self.writes.reset.next = self.reset_s1.q.val();
        self.fetch.reset.next = self.reset_s1.q.val();
        self.command.reset.next = self.reset_s1.q.val();
        self.c2h.reset.next = self.reset_s1.q.val();
        self.h2c.reset.next = self.reset_s1.q.val();
        self.completions.reset.next = self.reset_s1.q.val();

        // Registers.
        self.regs.s_axil_awaddr.next = self.s_axil_awaddr.val();
        self.regs.s_axil_awvalid.next = self.s_axil_awvalid.val();
        self.s_axil_awready.next = self.regs.s_axil_awready.val();
        self.regs.s_axil_wdata.next = self.s_axil_wdata.val();
        self.regs.s_axil_wstrb.next = self.s_axil_wstrb.val();
        self.regs.s_axil_wvalid.next = self.s_axil_wvalid.val();
        self.s_axil_wready.next = self.regs.s_axil_wready.val();
        self.s_axil_bresp.next = self.regs.s_axil_bresp.val();
        self.s_axil_bvalid.next = self.regs.s_axil_bvalid.val();
        self.regs.s_axil_bready.next = self.s_axil_bready.val();
        self.regs.s_axil_araddr.next = self.s_axil_araddr.val();
        self.regs.s_axil_arvalid.next = self.s_axil_arvalid.val();
        self.s_axil_arready.next = self.regs.s_axil_arready.val();
        self.s_axil_rdata.next = self.regs.s_axil_rdata.val();
        self.s_axil_rresp.next = self.regs.s_axil_rresp.val();
        self.s_axil_rvalid.next = self.regs.s_axil_rvalid.val();
        self.regs.s_axil_rready.next = self.s_axil_rready.val();
        self.lookup_enable.next = self.regs.lookup_enable.val();
        self.hold.next = self.regs.hold.val();
        self.fragments.next = self.regs.fragments.val();
        self.fragment_lifetime.next = self.regs.fragment_lifetime.val();
        self.hash_secret.next = self.regs.hash_secret.val();
        self.rx_enable.next = self.regs.rx_enable.val();
        self.promiscuous.next = self.regs.promiscuous.val();
        self.tail_drop.next = self.regs.tail_drop.val();
        self.clock_count.next = self.regs.clock_count.val();
        self.stats.read.next = self.regs.counter_read.val();
        self.stats.index.next = self.regs.counter_index.val();
        self.regs.counter_reply_valid.next = self.stats.reply_valid.val();
        self.regs.counter_reply.next = self.stats.reply.val();
        self.regs.counter_reads.next = self.stats.reads.val();
        self.regs.counter_raddr.next = self.stats.raddr.val();
        self.stats.rword.next = self.regs.counter_rword.val();
        self.regs.counter_writes.next = self.stats.writes.val();
        self.regs.counter_waddr.next = self.stats.waddr.val();
        self.regs.counter_wdata.next = self.stats.wdata.val();
        for p in 0..PORTS {
            self.port_mac[p].next = self.regs.port_mac[p].val();
            self.stats.rx_valid[p].next = self.received_valid[p].val();
            self.stats.rx_length[p].next = self.received_length[p].val();
            self.stats.tx_valid[p].next = self.sent_valid[p].val();
            self.stats.tx_length[p].next = self.sent_length[p].val();
            self.stats.drop_valid[p].next = self.drop_valid[p].val();
            self.stats.drop_reason[p].next = self.drop_reason[p].val();
            self.stats.tx_full[p].next = self.tx_full_valid[p].val();
        }
        self.stats.verdict_valid.next = self.verdict_valid.val();
        self.stats.verdict_reason.next = self.verdict_reason.val();
        self.stats.host_full[0].next = self.host_full_valid.val();
        self.regs.bad_row_valid.next = self.bad_row_valid.val();
        self.regs.bad_row.next = self.bad_row.val();
        self.stats.host_full[1].next = self.c2h.host_full.val();

        // Rings.
        for i in 0..HOST_RINGS {
            self.fetch.running[i].next = self.regs.running[i].val();
            self.fetch.off[i].next = self.regs.off[i].val();
            self.fetch.base[i].next = self.regs.base[i].val();
            self.fetch.size_bits[i].next = self.regs.size_bits[i].val();
            self.fetch.producer[i].next = self.regs.producer[i].val().get_bits::<COUNT_BITS>(0);
            self.completions.consumer[i].next = self.regs.consumer[i].val();
            self.interrupts.events[i].next = self.completions.events[i].val();
        }
        self.interrupts.events[3].next = self.regs.happened.val();
        self.fetch.wanted[0].next = self.command.wanted.val();
        self.fetch.wanted[1].next = self.c2h.wanted.val();
        self.fetch.wanted[2].next = self.h2c.wanted.val();
        self.regs.idle[0].next = self.fetch.idle[0].val() & self.command.idle.val();
        self.regs.idle[1].next = self.fetch.idle[1].val() & self.c2h.idle.val();
        self.regs.idle[2].next = self.fetch.idle[2].val() & self.h2c.idle.val();
        self.regs.idle[3].next = self.completions.idle.val();
        self.regs.card_step[0].next = self.command.retired.val();
        self.regs.card_step[1].next = self.c2h.retired.val();
        self.regs.card_step[2].next = self.h2c.retired.val();
        self.regs.card_step[3].next = self.completions.card_step.val();
        self.regs.bus_error[0].next = self.command.bus_error.val();
        self.regs.bus_error[1].next = self.c2h.bus_error.val();
        self.regs.bus_error[2].next = self.h2c.bus_error.val();
        self.regs.bus_error[3].next = self.completions.bus_error.val();

        // Descriptors to those who carry them out.
        self.command.running.next = self.regs.running[0].val();
        self.command.word_valid.next = self.fetch.word_valid[0].val();
        self.command.word.next = self.fetch.word.val();
        self.command.place.next = self.fetch.place.val();
        self.command.desc_done.next = self.fetch.done[0].val();
        self.command.status.next = self.fetch.status.val();
        self.c2h.running.next = self.regs.running[1].val();
        self.c2h.word_valid.next = self.fetch.word_valid[1].val();
        self.c2h.word.next = self.fetch.word.val();
        self.c2h.place.next = self.fetch.place.val();
        self.c2h.desc_done.next = self.fetch.done[1].val();
        self.c2h.status.next = self.fetch.status.val();
        self.h2c.running.next = self.regs.running[2].val();
        self.h2c.word_valid.next = self.fetch.word_valid[2].val();
        self.h2c.word.next = self.fetch.word.val();
        self.h2c.place.next = self.fetch.place.val();
        self.h2c.desc_done.next = self.fetch.done[2].val();
        self.h2c.status.next = self.fetch.status.val();

        // The engine.
        self.write_valid.next = self.command.write_valid.val();
        self.write.next = self.command.write.val();
        StreamSource::<CounterRequest>::link(&mut self.m_axis_request, &mut self.command.m_axis_counter);
        self.command.counter_reply_valid.next = self.reply_valid.val();
        self.command.counter_reply.next = self.reply.val();
        StreamSink::<PuntInfo>::link(&mut self.s_axis_punt, &mut self.c2h.s_axis_punt);
        BeatSink::<64>::link(&mut self.s_axis_punt_beats, &mut self.c2h.s_axis_punt_beat);
        BeatSource::<64>::link(&mut self.m_axis_host_beats, &mut self.h2c.m_axis_frame_beat);
        self.host_frame.next = self.h2c.frame.val();

        // Reads.
        StreamSource::<ReadRequest>::join(&mut self.fetch.m_axis, &mut self.reads.s_axis_descriptor);
        StreamSource::<ReadRequest>::join(&mut self.h2c.m_axis, &mut self.reads.s_axis_frame);
        self.fetch.beat_valid.next = self.reads.beat_valid.val();
        self.fetch.beat.next = self.reads.beat.val();
        self.h2c.beat_valid.next = self.reads.beat_valid.val();
        self.h2c.beat.next = self.reads.beat.val();
        self.m_axi_arid.next = self.id.val();
        self.m_axi_araddr.next = self.reads.m_axi_araddr.val();
        self.m_axi_arlen.next = self.reads.m_axi_arlen.val();
        self.m_axi_arsize.next = self.beat_size.val();
        self.m_axi_arburst.next = self.incrementing.val();
        self.m_axi_arvalid.next = self.reads.m_axi_arvalid.val();
        self.reads.m_axi_arready.next = self.m_axi_arready.val();
        self.reads.m_axi_rdata.next = self.m_axi_rdata.val();
        self.reads.m_axi_rresp.next = self.m_axi_rresp.val();
        self.reads.m_axi_rlast.next = self.m_axi_rlast.val();
        self.reads.m_axi_rvalid.next = self.m_axi_rvalid.val();
        self.m_axi_rready.next = self.reads.m_axi_rready.val();

        // Writes.
        StreamSource::<WriteRequest>::join(&mut self.completions.m_axis, &mut self.writes.s_axis_completion);
        StreamSource::<WriteBeat>::join(&mut self.completions.m_axis_beat, &mut self.writes.s_axis_completion_beat);
        StreamSource::<WriteRequest>::join(&mut self.command.m_axis, &mut self.writes.s_axis_record);
        StreamSource::<WriteBeat>::join(&mut self.command.m_axis_beat, &mut self.writes.s_axis_record_beat);
        StreamSource::<WriteRequest>::join(&mut self.c2h.m_axis, &mut self.writes.s_axis_frame);
        StreamSource::<WriteBeat>::join(&mut self.c2h.m_axis_beat, &mut self.writes.s_axis_frame_beat);
        self.completions.written.next = self.writes.completion_done.val();
        self.completions.done.next = self.writes.done.val();
        self.command.record_done.next = self.writes.record_done.val();
        self.command.write_done.next = self.writes.done.val();
        self.c2h.frame_done.next = self.writes.frame_done.val();
        self.c2h.write_done.next = self.writes.done.val();
        self.m_axi_awid.next = self.id.val();
        self.m_axi_awaddr.next = self.writes.m_axi_awaddr.val();
        self.m_axi_awlen.next = self.writes.m_axi_awlen.val();
        self.m_axi_awsize.next = self.beat_size.val();
        self.m_axi_awburst.next = self.incrementing.val();
        self.m_axi_awvalid.next = self.writes.m_axi_awvalid.val();
        self.writes.m_axi_awready.next = self.m_axi_awready.val();
        self.m_axi_wdata.next = self.writes.m_axi_wdata.val();
        self.m_axi_wstrb.next = self.writes.m_axi_wstrb.val();
        self.m_axi_wlast.next = self.writes.m_axi_wlast.val();
        self.m_axi_wvalid.next = self.writes.m_axi_wvalid.val();
        self.writes.m_axi_wready.next = self.m_axi_wready.val();
        self.writes.m_axi_bresp.next = self.m_axi_bresp.val();
        self.writes.m_axi_bvalid.next = self.m_axi_bvalid.val();
        self.m_axi_bready.next = self.writes.m_axi_bready.val();

        // Completions and interrupts.
        StreamSource::<Outcome>::join(&mut self.command.m_axis_outcome, &mut self.completions.s_axis_command);
        StreamSource::<Outcome>::join(&mut self.c2h.m_axis_outcome, &mut self.completions.s_axis_to_host);
        StreamSource::<Outcome>::join(&mut self.h2c.m_axis_outcome, &mut self.completions.s_axis_to_card);
        self.completions.clock_count.next = self.regs.clock_count.val();
        self.completions.running.next = self.regs.running[3].val();
        self.completions.off.next = self.regs.off[3].val();
        self.completions.base.next = self.regs.base[3].val();
        self.completions.size_bits.next = self.regs.size_bits[3].val();
        self.completions.host_counter.next = self.regs.consumer[3].val().get_bits::<COUNT_BITS>(0);
        self.interrupts.enable.next = self.regs.irq_enable.val();
        self.interrupts.moderation.next = self.regs.irq_moderation.val();
        self.regs.irq_pending.next = self.interrupts.pending.val();
        self.irq_valid.next = self.interrupts.irq_valid.val();
        self.irq_vector.next = self.interrupts.irq_vector.val();
        self.interrupts.irq_ready.next = self.irq_ready.val();
    }
}
