//! The registers of `abi::regs` behind an AXI4-Lite slave.
//!
//! ```text
//!  s_axil_* ------------------------------------->[      ]--> lookup_enable, hash_secret, rx_enable, promiscuous, ...
//!  irq_pending, bus_error[0..4], bad_row -------->[ Regs ]--> irq_enable, irq_moderation, event
//!  counter_reply_valid, counter_reply ----------->[      ]--> counter_read, counter_index, clock_count
//!  rings: card_step[0..4], idle[0..4] ----------->[      ]--> rings: running, off, base, size_bits, producer, consumer
//! ```
//! A write takes 6 clocks on the bus, a read 8 to 10, of a port or reason counter up to 260.
//!
//! # Contract
//! - Every register answers as `abi::regs` says. Where there is none, reads give 0 and writes do nothing, both with OKAY. Bits that a
//!   register does not have read as 0.
//! - A read that follows a write's response sees the write, and so does everything that is steered by the register, from the clock on in
//!   which the response is offered.
//! - Reading the lower half of a 64-bit counter latches the upper one, in one latch for all of them.
//! - After reset all that can be written is zero; accesses wait for 768 clocks.
//!
//! # How
//! What was written is kept in one block RAM and read back from there, so no wide multiplexer gathers the registers: only what
//! changes by itself is read where it is. Port and reason counters are in the same RAM, behind what can be written: [`stats`](stats::Stats) has its
//! ports in half of all clocks.

pub mod answer;
pub mod axi_lite;
pub mod bank;
pub mod clock_counter;
pub mod controls;
pub mod map;
pub mod parity;
pub mod round;
pub mod stats;
pub mod tally;

use std::array;

use fpgaflow_abi::descriptor::{self, VECTORS};
use fpgaflow_abi::geometry::Geometry;
use fpgaflow_abi::regs::{self, EVENT_BITS, EVENT_PARITY, FRAGMENT_LIFETIME_BITS, PARITY_BAD};

use crate::host::ring::Ring;
use crate::prelude::*;
use crate::records::CLOCK_BITS;

use answer::Answer;
use axi_lite::{ADDRESS_BITS, AxiLite};
use clock_counter::ClockCounter;
use controls::{Controls, SECRET_REG_BITS};
use map::{AT_BITS, KIND_BITS, Kind, Map};
use parity::ParityLatch;
use round::{HALF_AT_BITS, INDEX_BITS};

/// Rings.
pub const RINGS: usize = descriptor::Ring::ALL.len();
/// Bits of an address of the RAM of written values.
const WRITTEN_BITS: usize = 9;
/// Bit of a register's number that no writable register has: the RAM leaves it out.
const SKIPPED_BIT: usize = 8;
/// Words in front of the counters' in that RAM.
const COUNTERS_AT: u64 = (1 << WRITTEN_BITS) - (1 << HALF_AT_BITS);
/// Bits of a number above a ring's registers.
const RING_PREFIX_BITS: usize = 5;

/// The block, for a card with `PORTS` ports.
#[derive(LogicBlock)]
pub struct Regs<const PORTS: usize> {
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
    /// `IRQ_ENABLE`.
    pub irq_enable: Signal<Out, Bits<VECTORS>>,
    /// `IRQ_MODERATION`.
    pub irq_moderation: Signal<Out, Bits<32>>,
    /// `IRQ_PENDING`.
    pub irq_pending: Signal<In, Bits<VECTORS>>,
    /// The bus failed for this ring: sets its bit of `EVENT`.
    pub bus_error: [Signal<In, Bit>; RINGS],
    /// A lookup met a bad row: see [`ParityLatch`].
    pub bad_row_valid: Signal<In, Bit>,
    /// Which.
    pub bad_row: Signal<In, Bits<32>>,
    /// Something went into `EVENT`.
    pub happened: Signal<Out, Bit>,
    /// Read a port or reason counter: see [`Round`](round::Round).
    pub counter_read: Signal<Out, Bit>,
    /// Its place.
    pub counter_index: Signal<Out, Bits<INDEX_BITS>>,
    /// Its lower half is in `counter_reply`, its upper one in the next clock.
    pub counter_reply_valid: Signal<In, Bit>,
    /// Half its value.
    pub counter_reply: Signal<In, Bits<32>>,
    /// The counters' RAM is read: see [`Round`](round::Round).
    pub counter_reads: Signal<In, Bit>,
    /// Where.
    pub counter_raddr: Signal<In, Bits<HALF_AT_BITS>>,
    /// What was read two clocks ago.
    pub counter_rword: Signal<Out, Bits<32>>,
    /// It is written.
    pub counter_writes: Signal<In, Bit>,
    /// Where.
    pub counter_waddr: Signal<In, Bits<HALF_AT_BITS>>,
    /// With what.
    pub counter_wdata: Signal<In, Bits<32>>,
    /// The card's counter goes up, by ring: see [`Ring`].
    pub card_step: [Signal<In, Bit>; RINGS],
    /// Nothing of the ring is in progress.
    pub idle: [Signal<In, Bit>; RINGS],
    /// Host address.
    pub base: [Signal<Out, Bits<64>>; RINGS],
    /// Descriptors, as a power of two.
    pub size_bits: [Signal<Out, Bits<4>>; RINGS],
    /// `RING_PRODUCER`.
    pub producer: [Signal<Out, Bits<32>>; RINGS],
    /// `RING_CONSUMER`.
    pub consumer: [Signal<Out, Bits<32>>; RINGS],
    /// Descriptors may be begun.
    pub running: [Signal<Out, Bit>; RINGS],
    /// Start from the beginning.
    pub off: [Signal<Out, Bit>; RINGS],

    bus: AxiLite,
    map: Map,
    written: Memory<Bits<32>, WRITTEN_BITS>,
    // After reset the RAM is swept.
    sweeping: DFF<Bit>,
    sweep: DFF<Bits<WRITTEN_BITS>>,
    one_place: Constant<Bits<WRITTEN_BITS>>,
    last_place: Constant<Bits<WRITTEN_BITS>>,
    // s1: the register's mask is known.
    write_s1: DFF<Bit>,
    // s2: it is done and its response is due.
    write_s2: DFF<Bit>,
    // Then it waits for the RAM.
    write_waits: DFF<Bit>,
    stores: Signal<Local, Bit>,
    data_s2: DFF<Bits<32>>,
    counters: Constant<Bits<WRITTEN_BITS>>,
    applies: Signal<Local, Bit>,
    applies_s2: DFF<Bit>,
    at: Signal<Local, Bits<AT_BITS>>,
    data: Signal<Local, Bits<32>>,
    controls: Controls<PORTS>,
    clocks: ClockCounter,
    rings: [Ring; RINGS],
    events: DFF<Bits<EVENT_BITS>>,
    raised: Signal<Local, Bits<EVENT_BITS>>,
    parity: ParityLatch,
    // A read waits for the RAM; s1: what has the value is known; s2: it is in `answer`.
    read_waits: DFF<Bit>,
    reads: Signal<Local, Bit>,
    read_s1: DFF<Bit>,
    read_s2: DFF<Bit>,
    waiting: DFF<Bit>,
    word_s2: DFF<Bits<32>>,
    is_counter: Signal<Local, Bit>,
    answer: Answer,

    at_event: Constant<Bits<AT_BITS>>,
    at_parity: Constant<Bits<AT_BITS>>,
    ring_prefix: Constant<Bits<RING_PREFIX_BITS>>,
    ring_numbers: [Constant<Bits<2>>; RINGS],
    kind_counter: Constant<Bits<KIND_BITS>>,
    reasons_at: Constant<Bits<INDEX_BITS>>,
}

/// A register's number.
const fn number(offset: u32) -> u32 {
    offset / 4
}

// The decoding below: blocks of registers start where their prefixes say, and no register that can be written has the skipped bit.
const _: () = assert!(number(regs::RING_BASE_LO).is_multiple_of(32) && number(regs::PORT_COUNTERS).is_multiple_of(32));
const _: () = assert!(EVENT_PARITY.lsb == RINGS && EVENT_BITS == RINGS + 1);
const _: () = assert!(number(regs::REASON_COUNTERS) == 1 << SKIPPED_BIT && stats::REASONS_AT == 32);

impl<const PORTS: usize> Regs<PORTS> {
    /// For a card of this geometry.
    ///
    /// # Panics
    /// When the geometry has another number of ports.
    pub fn new(geometry: &Geometry) -> Self {
        assert_eq!(usize::from(geometry.ports), PORTS, "Regs: ports of the geometry");
        let at = |offset: u32| Constant::new(u64::from(number(offset)).into());
        let kind = |kind: Kind| Constant::new((kind as u64).into());
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
            irq_enable: Signal::default(),
            irq_moderation: Signal::default(),
            irq_pending: Signal::default(),
            bus_error: array::from_fn(|_| Signal::default()),
            bad_row_valid: Signal::default(),
            bad_row: Signal::default(),
            happened: Signal::default(),
            counter_read: Signal::default(),
            counter_index: Signal::default(),
            counter_reply_valid: Signal::default(),
            counter_reply: Signal::default(),
            counter_reads: Signal::default(),
            counter_raddr: Signal::default(),
            counter_rword: Signal::default(),
            counter_writes: Signal::default(),
            counter_waddr: Signal::default(),
            counter_wdata: Signal::default(),
            card_step: array::from_fn(|_| Signal::default()),
            idle: array::from_fn(|_| Signal::default()),
            base: array::from_fn(|_| Signal::default()),
            size_bits: array::from_fn(|_| Signal::default()),
            producer: array::from_fn(|_| Signal::default()),
            consumer: array::from_fn(|_| Signal::default()),
            running: array::from_fn(|_| Signal::default()),
            off: array::from_fn(|_| Signal::default()),
            bus: AxiLite::default(),
            map: Map::new(geometry),
            written: Memory::default(),
            sweeping: DFF::default(),
            sweep: DFF::default(),
            one_place: Constant::new(1_u64.into()),
            last_place: Constant::new((COUNTERS_AT - 1).into()),
            write_s1: DFF::default(),
            write_s2: DFF::default(),
            write_waits: DFF::default(),
            stores: Signal::default(),
            data_s2: DFF::default(),
            counters: Constant::new(COUNTERS_AT.into()),
            applies: Signal::default(),
            applies_s2: DFF::default(),
            at: Signal::default(),
            data: Signal::default(),
            controls: Controls::default(),
            clocks: ClockCounter::default(),
            rings: descriptor::Ring::ALL.map(Ring::new),
            events: DFF::default(),
            raised: Signal::default(),
            parity: ParityLatch::default(),
            read_waits: DFF::default(),
            reads: Signal::default(),
            read_s1: DFF::default(),
            read_s2: DFF::default(),
            waiting: DFF::default(),
            word_s2: DFF::default(),
            is_counter: Signal::default(),
            answer: Answer::default(),
            at_event: at(regs::EVENT),
            at_parity: at(regs::PARITY),
            ring_prefix: Constant::new(u64::from(number(regs::RING_BASE_LO) / 32).into()),
            ring_numbers: array::from_fn(|i| Constant::new((i as u64).into())),
            kind_counter: kind(Kind::Counter),
            reasons_at: Constant::new((stats::REASONS_AT as u64).into()),
        }
    }
}

impl<const PORTS: usize> Logic for Regs<PORTS> {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(
            self,
            clock,
            sweeping,
            sweep,
            write_s1,
            write_s2,
            write_waits,
            applies_s2,
            data_s2,
            events,
            read_waits,
            read_s1,
            read_s2,
            waiting,
            word_s2
        );
        clock!(self, clock, bus, map, written, controls, clocks, parity, answer);
        self.bus.reset.next = self.reset.val();
        self.controls.reset.next = self.reset.val();
        self.clocks.reset.next = self.reset.val();
        self.parity.reset.next = self.reset.val();

        // The bus.
        self.bus.hold.next = self.sweeping.q.val();
        self.bus.s_axil_awaddr.next = self.s_axil_awaddr.val();
        self.bus.s_axil_awvalid.next = self.s_axil_awvalid.val();
        self.s_axil_awready.next = self.bus.s_axil_awready.val();
        self.bus.s_axil_wdata.next = self.s_axil_wdata.val();
        self.bus.s_axil_wstrb.next = self.s_axil_wstrb.val();
        self.bus.s_axil_wvalid.next = self.s_axil_wvalid.val();
        self.s_axil_wready.next = self.bus.s_axil_wready.val();
        self.s_axil_bresp.next = self.bus.s_axil_bresp.val();
        self.s_axil_bvalid.next = self.bus.s_axil_bvalid.val();
        self.bus.s_axil_bready.next = self.s_axil_bready.val();
        self.bus.s_axil_araddr.next = self.s_axil_araddr.val();
        self.bus.s_axil_arvalid.next = self.s_axil_arvalid.val();
        self.s_axil_arready.next = self.bus.s_axil_arready.val();
        self.s_axil_rdata.next = self.bus.s_axil_rdata.val();
        self.s_axil_rresp.next = self.bus.s_axil_rresp.val();
        self.s_axil_rvalid.next = self.bus.s_axil_rvalid.val();
        self.bus.s_axil_rready.next = self.s_axil_rready.val();
        self.map.look.next = self.bus.write_valid.val() | self.bus.read_valid.val();
        self.map.write_at.next = self.bus.write_at.val();
        self.map.read_at.next = self.bus.read_at.val();

        // A write, s1.
        self.write_s1.d.next = self.bus.write_valid.val();
        self.write_s2.d.next = self.write_s1.q.val();
        self.bus.write_done.next = self.write_s2.q.val();
        self.at.next = self.bus.write_at.val();
        self.data.next = self.bus.write_data.val() & self.map.mask.val();
        self.applies.next = self.write_s1.q.val() & self.map.mask.val().any();
        self.applies_s2.d.next = self.applies.val();
        self.data_s2.d.next = self.data.val();
        // s2: it is done, and kept when the counters leave the RAM's port free.
        self.controls.write_valid.next = self.applies_s2.q.val();
        self.controls.at.next = self.bus.write_at.val();
        self.controls.data.next = self.data_s2.q.val();
        if self.applies.val() {
            self.write_waits.d.next = true;
        }
        self.stores.next = (self.write_waits.q.val() | self.sweeping.q.val()) & !self.counter_writes.val();
        self.written.waddr.next = bit_cast::<WRITTEN_BITS, 8>(self.bus.write_at.val().get_bits::<8>(0))
            | (bit_cast::<WRITTEN_BITS, 1>(self.bus.write_at.val().get_bits::<1>(9)) << 8);
        if self.sweeping.q.val() {
            self.written.waddr.next = self.sweep.q.val();
            self.data_s2.d.next = 0.into();
        }
        if self.stores.val() {
            self.write_waits.d.next = false;
            self.sweep.d.next = self.sweep.q.val() + self.one_place.val();
            self.sweeping.d.next = self.sweeping.q.val() & (self.sweep.q.val() != self.last_place.val());
        }
        self.written.wen.next = self.stores.val() | self.counter_writes.val();
        self.written.wdata.next = self.data_s2.q.val();
        if self.counter_writes.val() {
            self.written.waddr.next = bit_cast::<WRITTEN_BITS, HALF_AT_BITS>(self.counter_waddr.val()) | self.counters.val();
            self.written.wdata.next = self.counter_wdata.val();
        }

        // Rings and events.
        self.raised.next = 0.into();
        self.happened.next = false;
        for i in 0..RINGS {
            self.rings[i].clock.next = self.clock.val();
            self.rings[i].reset.next = self.reset.val();
            self.rings[i].write_valid.next = self.applies_s2.q.val()
                & (self.bus.write_at.val().get_bits::<RING_PREFIX_BITS>(5) == self.ring_prefix.val())
                & (self.bus.write_at.val().get_bits::<2>(3) == self.ring_numbers[i].val());
            self.rings[i].offset.next = self.bus.write_at.val().get_bits::<3>(0);
            self.rings[i].write_data.next = self.data_s2.q.val();
            self.rings[i].card_step.next = self.card_step[i].val();
            self.rings[i].idle.next = self.idle[i].val();
            self.base[i].next = self.rings[i].base.val();
            self.size_bits[i].next = self.rings[i].size_bits.val();
            self.producer[i].next = self.rings[i].producer.val();
            self.consumer[i].next = self.rings[i].consumer.val();
            self.running[i].next = self.rings[i].running.val();
            self.off[i].next = self.rings[i].off.val();
            if self.bus_error[i].val() {
                self.raised.next = self.raised.val().replace_bit(i, true);
                self.happened.next = true;
            }
        }
        self.parity.found.next = self.bad_row_valid.val();
        self.parity.row.next = self.bad_row.val();
        self.parity.acknowledge.next = false;
        for bad in PARITY_BAD.lsb..(PARITY_BAD.lsb + 1) {
            if self.applies_s2.q.val() & (self.bus.write_at.val() == self.at_parity.val()) {
                self.parity.acknowledge.next = self.data_s2.q.val().get_bit(bad);
            }
        }
        if self.parity.latched.val() {
            for bit in EVENT_PARITY.lsb..(EVENT_PARITY.lsb + 1) {
                self.raised.next = self.raised.val().replace_bit(bit, true);
            }
            self.happened.next = true;
        }
        self.events.d.next = self.events.q.val() | self.raised.val();
        if self.applies_s2.q.val() & (self.bus.write_at.val() == self.at_event.val()) {
            self.events.d.next = (self.events.q.val() & !self.data_s2.q.val().get_bits::<EVENT_BITS>(0)) | self.raised.val();
        }

        // A read takes the RAM's port when the counters leave it free.
        self.reads.next = self.read_waits.q.val() & !self.counter_reads.val();
        if self.reads.val() {
            self.read_waits.d.next = false;
        }
        if self.bus.read_valid.val() {
            self.read_waits.d.next = true;
        }
        self.read_s1.d.next = self.reads.val();
        self.read_s2.d.next = self.read_s1.q.val();
        self.written.ren.next = true;
        self.written.raddr.next = bit_cast::<WRITTEN_BITS, 8>(self.bus.read_at.val().get_bits::<8>(0))
            | (bit_cast::<WRITTEN_BITS, 1>(self.bus.read_at.val().get_bits::<1>(9)) << 8);
        if self.counter_reads.val() {
            self.written.raddr.next = bit_cast::<WRITTEN_BITS, HALF_AT_BITS>(self.counter_raddr.val()) | self.counters.val();
        }
        self.word_s2.d.next = self.written.rdata.val();
        self.counter_rword.next = self.word_s2.q.val();

        self.answer.kind.next = self.map.kind.val();
        self.answer.identity.next = self.map.identity.val();
        self.answer.at.next = self.bus.read_at.val();
        self.answer.read_s1.next = self.read_s1.q.val();
        self.answer.written.next = self.word_s2.q.val();
        for i in 0..RINGS {
            self.answer.card_counts[i].next = self.rings[i].card_count.val();
            self.answer.used[i].next = self.rings[i].used.val();
            self.answer.told[i].next = self.rings[i].told.val();
        }
        self.answer.irq_pending.next = self.irq_pending.val();
        self.answer.events.next = self.events.q.val();
        self.answer.bad_row.next = self.parity.held.val();
        self.answer.bad_rows.next = self.parity.count.val();
        self.answer.clock_count.next = self.clocks.count.val();
        self.answer.counter_reply_valid.next = self.counter_reply_valid.val();
        self.answer.counter_reply.next = self.counter_reply.val();

        // A counter takes longer.
        self.counter_index.next = bit_cast::<INDEX_BITS, 4>(self.bus.read_at.val().get_bits::<4>(1));
        for skipped in SKIPPED_BIT..(SKIPPED_BIT + 1) {
            if self.bus.read_at.val().get_bit(skipped) {
                self.counter_index.next =
                    bit_cast::<INDEX_BITS, 5>(self.bus.read_at.val().get_bits::<5>(1)) | self.reasons_at.val();
            }
        }
        self.is_counter.next = self.map.kind.val() == self.kind_counter.val();
        if self.read_s2.q.val() {
            self.waiting.d.next = self.is_counter.val();
        }
        if self.counter_reply_valid.val() {
            self.waiting.d.next = false;
        }
        self.bus.read_data.next = self.answer.value.val();
        self.bus.read_done.next = self.counter_reply_valid.val() | (self.read_s2.q.val() & !self.is_counter.val());
        self.counter_read.next = self.waiting.q.val();

        self.lookup_enable.next = self.controls.lookup_enable.val();
        self.hold.next = self.controls.hold.val();
        self.fragments.next = self.controls.fragments.val();
        self.fragment_lifetime.next = self.controls.fragment_lifetime.val();
        self.hash_secret.next = self.controls.hash_secret.val();
        self.rx_enable.next = self.controls.rx_enable.val();
        self.promiscuous.next = self.controls.promiscuous.val();
        self.tail_drop.next = self.controls.tail_drop.val();
        for p in 0..PORTS {
            self.port_mac[p].next = self.controls.port_mac[p].val();
        }
        self.irq_enable.next = self.controls.irq_enable.val();
        self.irq_moderation.next = self.controls.irq_moderation.val();
        self.clock_count.next = self.clocks.count.val();

        if self.reset.val() {
            self.sweeping.d.next = true;
            self.sweep.d.next = 0.into();
            self.write_s1.d.next = false;
            self.write_s2.d.next = false;
            self.write_waits.d.next = false;
            self.applies_s2.d.next = false;
            self.events.d.next = 0.into();
            self.read_waits.d.next = false;
            self.read_s1.d.next = false;
            self.read_s2.d.next = false;
            self.waiting.d.next = false;
        }
    }
}
