//! Port and reason counters: 64 bits each, exact however many events come in one clock.
//!
//! ```text
//!  rx, tx: valid, length (one each a port) -->[       ]
//!  drop_valid, drop_reason, tx_full (a port) >[ Stats ]<-- read, index
//!  verdict_valid, verdict_reason ------------>[       ]--> reply_valid, reply
//!  host_full (two) -------------------------->[       ]
//! ```
//! An event is in a reply whose `read` rises 4 clocks later or more. A reply comes at most 250 clocks after `read` rises.
//!
//! # Contract
//! - `read` stays high with `index` until `reply_valid`; the upper half of the counter is in `reply` 1 clock after the lower one. `index` is the
//!   counter's place: `port * 4 + PortCounter`, or [`REASONS_AT`] and the reason. `reply` is zero when it is none.
//! - Counters are zero after reset. Verdicts begin [`QUIET_CLOCKS`] clocks after it at the earliest: nobody can switch a receive side on before.
//! - The counters' RAM is [`Regs`](super::Regs)': see [`Round`].
//!
//! # How
//! Every counter has a tally of a few bits, which [`Round`] carries over into the counter's word of a RAM, a counter in 4 clocks: a tally needs to
//! tell one round only. Tallies of what happens at most once in a clock, by reason, are in LUT RAM, twice: read to count and read to visit.

use std::array;

use fpgaflow_abi::MAX_PORTS;
use fpgaflow_abi::reason::Reason;
use fpgaflow_abi::regs::PortCounter;

use super::round::{EVENT_BITS, FEW_BITS, HALF_AT_BITS, INDEX_BITS, Round, TALLY_BITS, VISIT_CLOCKS};
use super::tally::Tally;
use crate::host::shelf::LutMemory;
use crate::prelude::*;
use crate::records::{LENGTH_BITS, REASON_BITS};

/// Place of the first reason counter.
pub const REASONS_AT: usize = 32;
/// Counters of a port.
pub const PORT_COUNTERS: usize = 4;
/// Sources of `host_full`: the store towards the host, and buffers that were too small.
pub const HOST_FULL_SOURCES: usize = 2;
/// Reasons that exist; their codes are 0 to this.
const REASON_COUNT: usize = Reason::ALL.len();
/// Reasons that may come several times in a clock and have tallies in flip-flops: those that a receive side drops for, `host_full`, `tx_full`.
const OWN: [Reason; OWN_COUNT] =
    [Reason::PortDisabled, Reason::RxError, Reason::Oversize, Reason::Runt, Reason::HostFull, Reason::TxFull];
const OWN_COUNT: usize = 6;
/// The place of `host_full` among them: those before it are a receive side's.
const HOST_FULL: usize = 4;
/// That of `tx_full`.
const TX_FULL: usize = 5;
/// Bits that tell a receive side's reasons apart.
const DROP_BITS: usize = 3;
/// Bits of what is added to a tally of events in a clock.
const EVENTS_BITS: usize = 3;
/// Bits of a reason that name a tally in LUT RAM.
const CODE_BITS: usize = 5;
/// Clocks from reset to the first verdict.
pub const QUIET_CLOCKS: usize = (VISIT_CLOCKS << CODE_BITS) + 3;

/// Places that are visited.
const PLACES: usize = REASONS_AT + REASON_COUNT;
/// Clocks of a round.
const ROUND_CLOCKS: usize = PLACES * VISIT_CLOCKS;

const _: () = assert!(PORT_COUNTERS * MAX_PORTS <= REASONS_AT && REASONS_AT == 1 << CODE_BITS && REASON_COUNT <= 1 << CODE_BITS);
const _: () = assert!(MAX_PORTS < 1 << EVENTS_BITS && (OWN[HOST_FULL - 1] as usize) < 1 << DROP_BITS);
// Bytes are counted at odd places; what is counted in a round, a tally tells.
const _: () =
    assert!(PortCounter::RxBytes as usize % 2 == 1 && PortCounter::TxBytes as usize % 2 == 1 && PORT_COUNTERS.is_multiple_of(2));
const _: () = assert!(ROUND_CLOCKS << LENGTH_BITS <= 1 << TALLY_BITS && ROUND_CLOCKS * MAX_PORTS < 1 << EVENT_BITS);

/// The counters of a card with `PORTS` ports.
#[derive(LogicBlock)]
pub struct Stats<const PORTS: usize> {
    /// The block's clock.
    pub clock: Signal<In, Clock>,
    /// Synchronous, active high.
    pub reset: Signal<In, Bit>,
    /// A frame was received, dropped or not.
    pub rx_valid: [Signal<In, Bit>; PORTS],
    /// Its bytes.
    pub rx_length: [Signal<In, Bits<LENGTH_BITS>>; PORTS],
    /// A frame was sent.
    pub tx_valid: [Signal<In, Bit>; PORTS],
    /// Its bytes.
    pub tx_length: [Signal<In, Bits<LENGTH_BITS>>; PORTS],
    /// The receive side dropped a frame.
    pub drop_valid: [Signal<In, Bit>; PORTS],
    /// Why: `port_disabled`, `rx_error`, `oversize` or `runt`.
    pub drop_reason: [Signal<In, Bits<REASON_BITS>>; PORTS],
    /// A frame found no room at this port.
    pub tx_full: [Signal<In, Bit>; PORTS],
    /// A frame has been decided on.
    pub verdict_valid: Signal<In, Bit>,
    /// How: `forwarded` or the reason of a punt.
    pub verdict_reason: Signal<In, Bits<REASON_BITS>>,
    /// A punted frame found no room.
    pub host_full: [Signal<In, Bit>; HOST_FULL_SOURCES],
    /// Read the counter at `index`.
    pub read: Signal<In, Bit>,
    /// Its place.
    pub index: Signal<In, Bits<INDEX_BITS>>,
    /// Its lower half is in `reply`, its upper one in the next clock.
    pub reply_valid: Signal<Out, Bit>,
    /// Half its value.
    pub reply: Signal<Out, Bits<32>>,
    /// See [`Round`].
    pub reads: Signal<Out, Bit>,
    /// See [`Round`].
    pub raddr: Signal<Out, Bits<HALF_AT_BITS>>,
    /// See [`Round`].
    pub rword: Signal<In, Bits<32>>,
    /// See [`Round`].
    pub writes: Signal<Out, Bit>,
    /// See [`Round`].
    pub waddr: Signal<Out, Bits<HALF_AT_BITS>>,
    /// See [`Round`].
    pub wdata: Signal<Out, Bits<32>>,

    rx_frames: [Tally<EVENT_BITS, 1>; PORTS],
    rx_bytes: [Tally<TALLY_BITS, LENGTH_BITS>; PORTS],
    tx_frames: [Tally<EVENT_BITS, 1>; PORTS],
    tx_bytes: [Tally<TALLY_BITS, LENGTH_BITS>; PORTS],
    own: [Tally<EVENT_BITS, EVENTS_BITS>; OWN_COUNT],
    own_adds: [Signal<Local, Bits<EVENTS_BITS>>; OWN_COUNT],
    own_adds_s1: [DFF<Bits<EVENTS_BITS>>; OWN_COUNT],
    verdict_s1: DFF<Bit>,
    code_s1: DFF<Bits<CODE_BITS>>,
    // s2: what was counted of that reason before.
    verdict_s2: DFF<Bit>,
    code_s2: DFF<Bits<CODE_BITS>>,
    few_s2: DFF<Bits<FEW_BITS>>,
    counted: LutMemory<Bits<FEW_BITS>, CODE_BITS>,
    visited: LutMemory<Bits<FEW_BITS>, CODE_BITS>,
    at_reason: Signal<Local, Bit>,
    empties: Signal<Local, Bit>,
    more: Signal<Local, Bits<FEW_BITS>>,
    few: Signal<Local, Bits<FEW_BITS>>,
    round: Round,
    // s1: whose visit; s2: its tally, by kind; s3: the tally.
    visits_rx_frames: [DFF<Bit>; PORTS],
    visits_rx_bytes: [DFF<Bit>; PORTS],
    visits_tx_frames: [DFF<Bit>; PORTS],
    visits_tx_bytes: [DFF<Bit>; PORTS],
    visits_own: [DFF<Bit>; OWN_COUNT],
    visits_few: DFF<Bit>,
    visits_bytes: DFF<Bit>,
    bytes: Signal<Local, Bits<TALLY_BITS>>,
    events: Signal<Local, Bits<EVENT_BITS>>,
    bytes_s2: DFF<Bits<TALLY_BITS>>,
    events_s2: DFF<Bits<EVENT_BITS>>,
    visited_s2: DFF<Bits<FEW_BITS>>,
    tally_s3: DFF<Bits<TALLY_BITS>>,
    rx_frames_places: [Constant<Bits<INDEX_BITS>>; PORTS],
    rx_bytes_places: [Constant<Bits<INDEX_BITS>>; PORTS],
    tx_frames_places: [Constant<Bits<INDEX_BITS>>; PORTS],
    tx_bytes_places: [Constant<Bits<INDEX_BITS>>; PORTS],
    own_places: [Constant<Bits<INDEX_BITS>>; OWN_COUNT],
    drops: [Constant<Bits<DROP_BITS>>; HOST_FULL],
    one_event: Constant<Bits<EVENTS_BITS>>,
    one_frame: Constant<Bits<1>>,
    one: Constant<Bits<FEW_BITS>>,
}

impl<const PORTS: usize> Default for Stats<PORTS> {
    fn default() -> Self {
        assert!((1..=MAX_PORTS).contains(&PORTS), "Stats: {PORTS} ports are not 1 to {MAX_PORTS}");
        let places = |counter: PortCounter| {
            array::from_fn(|port| Constant::new(((PORT_COUNTERS * port + counter as usize) as u64).into()))
        };
        Self {
            clock: Signal::default(),
            reset: Signal::default(),
            rx_valid: array::from_fn(|_| Signal::default()),
            rx_length: array::from_fn(|_| Signal::default()),
            tx_valid: array::from_fn(|_| Signal::default()),
            tx_length: array::from_fn(|_| Signal::default()),
            drop_valid: array::from_fn(|_| Signal::default()),
            drop_reason: array::from_fn(|_| Signal::default()),
            tx_full: array::from_fn(|_| Signal::default()),
            verdict_valid: Signal::default(),
            verdict_reason: Signal::default(),
            host_full: array::from_fn(|_| Signal::default()),
            read: Signal::default(),
            index: Signal::default(),
            reply_valid: Signal::default(),
            reply: Signal::default(),
            reads: Signal::default(),
            raddr: Signal::default(),
            rword: Signal::default(),
            writes: Signal::default(),
            waddr: Signal::default(),
            wdata: Signal::default(),
            rx_frames: array::from_fn(|_| Tally::default()),
            rx_bytes: array::from_fn(|_| Tally::default()),
            tx_frames: array::from_fn(|_| Tally::default()),
            tx_bytes: array::from_fn(|_| Tally::default()),
            own: array::from_fn(|_| Tally::default()),
            own_adds: array::from_fn(|_| Signal::default()),
            own_adds_s1: array::from_fn(|_| DFF::default()),
            verdict_s1: DFF::default(),
            code_s1: DFF::default(),
            verdict_s2: DFF::default(),
            code_s2: DFF::default(),
            few_s2: DFF::default(),
            counted: LutMemory::default(),
            visited: LutMemory::default(),
            at_reason: Signal::default(),
            empties: Signal::default(),
            more: Signal::default(),
            few: Signal::default(),
            round: Round::new(PLACES),
            visits_rx_frames: array::from_fn(|_| DFF::default()),
            visits_rx_bytes: array::from_fn(|_| DFF::default()),
            visits_tx_frames: array::from_fn(|_| DFF::default()),
            visits_tx_bytes: array::from_fn(|_| DFF::default()),
            visits_own: array::from_fn(|_| DFF::default()),
            visits_few: DFF::default(),
            visits_bytes: DFF::default(),
            bytes: Signal::default(),
            events: Signal::default(),
            bytes_s2: DFF::default(),
            events_s2: DFF::default(),
            visited_s2: DFF::default(),
            tally_s3: DFF::default(),
            rx_frames_places: places(PortCounter::RxFrames),
            rx_bytes_places: places(PortCounter::RxBytes),
            tx_frames_places: places(PortCounter::TxFrames),
            tx_bytes_places: places(PortCounter::TxBytes),
            own_places: OWN.map(|reason| Constant::new(((REASONS_AT + reason as usize) as u64).into())),
            drops: array::from_fn(|i| Constant::new((OWN[i] as u64).into())),
            one_event: Constant::new(1_u64.into()),
            one_frame: Constant::new(1_u64.into()),
            one: Constant::new(1_u64.into()),
        }
    }
}

impl<const PORTS: usize> Logic for Stats<PORTS> {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, verdict_s1, code_s1, verdict_s2, code_s2, few_s2);
        dff_setup!(self, clock, visits_few, visits_bytes, bytes_s2, events_s2, visited_s2, tally_s3);
        clock!(self, clock, counted, visited, round);
        self.round.reset.next = self.reset.val();
        self.round.read.next = self.read.val();
        self.round.index.next = self.index.val();
        self.reply_valid.next = self.round.reply_valid.val();
        self.reply.next = self.round.reply.val();
        self.reads.next = self.round.reads.val();
        self.raddr.next = self.round.raddr.val();
        self.round.rword.next = self.rword.val();
        self.writes.next = self.round.writes.val();
        self.waddr.next = self.round.waddr.val();
        self.wdata.next = self.round.wdata.val();
        for above in CODE_BITS..(CODE_BITS + 1) {
            self.at_reason.next = self.round.at.val().get_bit(above);
        }
        self.bytes.next = 0.into();
        self.events.next = 0.into();

        // Ports.
        for p in 0..PORTS {
            self.rx_frames[p].clock.next = self.clock.val();
            self.rx_frames[p].reset.next = self.reset.val();
            self.rx_frames[p].step.next = self.rx_valid[p].val();
            self.rx_frames[p].add.next = self.one_frame.val();
            self.rx_bytes[p].clock.next = self.clock.val();
            self.rx_bytes[p].reset.next = self.reset.val();
            self.rx_bytes[p].step.next = self.rx_valid[p].val();
            self.rx_bytes[p].add.next = self.rx_length[p].val();
            self.tx_frames[p].clock.next = self.clock.val();
            self.tx_frames[p].reset.next = self.reset.val();
            self.tx_frames[p].step.next = self.tx_valid[p].val();
            self.tx_frames[p].add.next = self.one_frame.val();
            self.tx_bytes[p].clock.next = self.clock.val();
            self.tx_bytes[p].reset.next = self.reset.val();
            self.tx_bytes[p].step.next = self.tx_valid[p].val();
            self.tx_bytes[p].add.next = self.tx_length[p].val();
            self.visits_rx_frames[p].clock.next = self.clock.val();
            self.visits_rx_frames[p].d.next = self.round.at.val() == self.rx_frames_places[p].val();
            self.visits_rx_bytes[p].clock.next = self.clock.val();
            self.visits_rx_bytes[p].d.next = self.round.at.val() == self.rx_bytes_places[p].val();
            self.visits_tx_frames[p].clock.next = self.clock.val();
            self.visits_tx_frames[p].d.next = self.round.at.val() == self.tx_frames_places[p].val();
            self.visits_tx_bytes[p].clock.next = self.clock.val();
            self.visits_tx_bytes[p].d.next = self.round.at.val() == self.tx_bytes_places[p].val();
            if self.visits_rx_frames[p].q.val() {
                self.events.next = self.events.val() | self.rx_frames[p].count.val();
            }
            if self.visits_tx_frames[p].q.val() {
                self.events.next = self.events.val() | self.tx_frames[p].count.val();
            }
            if self.visits_rx_bytes[p].q.val() {
                self.bytes.next = self.bytes.val() | self.rx_bytes[p].count.val();
            }
            if self.visits_tx_bytes[p].q.val() {
                self.bytes.next = self.bytes.val() | self.tx_bytes[p].count.val();
            }
        }

        // Reasons that may come more than once in a clock.
        for i in 0..HOST_FULL {
            self.own_adds[i].next = 0.into();
            for p in 0..PORTS {
                if self.drop_valid[p].val() & (self.drop_reason[p].val().get_bits::<DROP_BITS>(0) == self.drops[i].val()) {
                    self.own_adds[i].next = self.own_adds[i].val() + self.one_event.val();
                }
            }
        }
        for i in HOST_FULL..(HOST_FULL + 1) {
            self.own_adds[i].next = 0.into();
            for source in 0..HOST_FULL_SOURCES {
                if self.host_full[source].val() {
                    self.own_adds[i].next = self.own_adds[i].val() + self.one_event.val();
                }
            }
        }
        for i in TX_FULL..(TX_FULL + 1) {
            self.own_adds[i].next = 0.into();
            for p in 0..PORTS {
                if self.tx_full[p].val() {
                    self.own_adds[i].next = self.own_adds[i].val() + self.one_event.val();
                }
            }
        }
        self.visits_few.d.next = self.at_reason.val();
        for i in 0..OWN_COUNT {
            self.own_adds_s1[i].clock.next = self.clock.val();
            self.own_adds_s1[i].d.next = self.own_adds[i].val();
            self.own[i].clock.next = self.clock.val();
            self.own[i].reset.next = self.reset.val();
            self.own[i].step.next = true;
            self.own[i].add.next = self.own_adds_s1[i].q.val();
            self.visits_own[i].clock.next = self.clock.val();
            self.visits_own[i].d.next = self.round.at.val() == self.own_places[i].val();
            if self.round.at.val() == self.own_places[i].val() {
                self.visits_few.d.next = false;
            }
            if self.visits_own[i].q.val() {
                self.events.next = self.events.val() | self.own[i].count.val();
            }
        }

        // Verdicts: one more of its reason. The visits of the first round empty all reasons before they come to them.
        self.verdict_s1.d.next = self.verdict_valid.val();
        self.code_s1.d.next = self.verdict_reason.val().get_bits::<CODE_BITS>(0);
        self.empties.next = self.round.fresh.val() & !self.at_reason.val();
        self.counted.raddr.next = self.code_s1.q.val();
        self.verdict_s2.d.next = self.verdict_s1.q.val();
        self.code_s2.d.next = self.code_s1.q.val();
        self.more.next = self.few_s2.q.val() + self.one.val();
        self.few_s2.d.next = self.counted.rdata.val();
        if self.verdict_s2.q.val() & (self.code_s2.q.val() == self.code_s1.q.val()) {
            self.few_s2.d.next = self.more.val();
        }
        self.few.next = self.more.val();
        self.counted.wen.next = self.verdict_s2.q.val() | self.empties.val();
        self.counted.waddr.next = self.code_s2.q.val();
        if self.empties.val() {
            self.counted.waddr.next = self.round.at.val().get_bits::<CODE_BITS>(0);
            self.few.next = 0.into();
        }
        self.counted.wdata.next = self.few.val();
        self.visited.wen.next = self.counted.wen.val();
        self.visited.waddr.next = self.counted.waddr.val();
        self.visited.wdata.next = self.few.val();
        self.visited.raddr.next = self.round.at.val().get_bits::<CODE_BITS>(0);

        // The tally of the visit.
        self.visits_bytes.d.next = self.round.at.val().get_bit(0) & !self.at_reason.val();
        self.bytes_s2.d.next = self.bytes.val();
        self.events_s2.d.next = self.events.val();
        self.visited_s2.d.next = 0.into();
        if self.visits_few.q.val() {
            self.visited_s2.d.next = self.visited.rdata.val();
        }
        self.tally_s3.d.next = self.bytes_s2.q.val()
            | bit_cast::<TALLY_BITS, EVENT_BITS>(self.events_s2.q.val())
            | bit_cast::<TALLY_BITS, FEW_BITS>(self.visited_s2.q.val());
        self.round.tally.next = self.tally_s3.q.val();
        self.round.is_bytes.next = self.visits_bytes.q.val();
        self.round.is_few.next = self.visits_few.q.val();

        if self.reset.val() {
            self.verdict_s1.d.next = false;
            self.verdict_s2.d.next = false;
        }
    }
}
