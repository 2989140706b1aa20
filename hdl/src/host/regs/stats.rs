//! Port and reason counters: 64 bits each, exact however many events come in one clock.
//!
//! ```text
//!  rx, tx: valid, length (one each a port) -->[       ]
//!  drop_valid, drop_reason, tx_full (a port) >[ Stats ]<-- read, index
//!  verdict_valid, verdict_reason ------------>[       ]--> reply_valid, reply
//!  host_full (two) -------------------------->[       ]
//! ```
//! An event is in a reply whose `read` rises 1 clock later or more. A reply comes at most 69 clocks after `read` rises.
//!
//! # Contract
//! - `read` stays high with `index` until `reply_valid`. `index` is the counter's place: `port * 4 + PortCounter`, or
//!   [`REASONS_AT`] and the reason.
//! - Counters are zero after reset.
//!
//! # How
//! Every counter has a [`Tally`] of a few bits, which [`Round`] empties into the counter's word of one RAM, a counter a clock in a
//! round of 64 clocks: a tally needs to hold one round only.

use std::array;

use fpgaflow_abi::MAX_PORTS;
use fpgaflow_abi::reason::Reason;
use fpgaflow_abi::regs::PortCounter;

use super::round::{INDEX_BITS, Round};
use super::tally::{HELD_BITS, Tally};
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
/// First reason that a port's receive side drops for.
const FIRST_DROP: usize = Reason::PortDisabled as usize;
/// Behind the last one.
const BEHIND_DROPS: usize = Reason::Runt as usize + 1;
/// The reason of the pulses `host_full`.
const HOST_FULL: usize = Reason::HostFull as usize;
/// The reason of the pulses `tx_full`.
const TX_FULL: usize = Reason::TxFull as usize;
/// Bits of a tally of events: one round, with an event at every port in every clock.
const EVENT_BITS: usize = INDEX_BITS + 3;
/// Bits of what is added to such a tally in a clock.
const EVENTS_BITS: usize = 3;
/// Bits of a tally of bytes: one round of longest lengths.
const BYTES_BITS: usize = INDEX_BITS + LENGTH_BITS + 1;

const _: () = assert!(PORT_COUNTERS * MAX_PORTS <= REASONS_AT && REASONS_AT + REASON_COUNT <= 1 << INDEX_BITS);
const _: () = assert!(MAX_PORTS < 1 << EVENTS_BITS && BYTES_BITS <= HELD_BITS);

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
    /// It is read.
    pub reply_valid: Signal<Out, Bit>,
    /// Its value.
    pub reply: Signal<Out, Bits<64>>,

    rx_frames: [Tally<EVENT_BITS, EVENTS_BITS>; PORTS],
    rx_bytes: [Tally<BYTES_BITS, LENGTH_BITS>; PORTS],
    tx_frames: [Tally<EVENT_BITS, EVENTS_BITS>; PORTS],
    tx_bytes: [Tally<BYTES_BITS, LENGTH_BITS>; PORTS],
    reasons: [Tally<EVENT_BITS, EVENTS_BITS>; REASON_COUNT],
    adds: [Signal<Local, Bits<EVENTS_BITS>>; REASON_COUNT],
    codes: [Constant<Bits<REASON_BITS>>; REASON_COUNT],
    one_event: Constant<Bits<EVENTS_BITS>>,
    held: Signal<Local, Bits<HELD_BITS>>,
    round: Round,
    rx_frames_places: [Constant<Bits<INDEX_BITS>>; PORTS],
    rx_bytes_places: [Constant<Bits<INDEX_BITS>>; PORTS],
    tx_frames_places: [Constant<Bits<INDEX_BITS>>; PORTS],
    tx_bytes_places: [Constant<Bits<INDEX_BITS>>; PORTS],
    reason_places: [Constant<Bits<INDEX_BITS>>; REASON_COUNT],
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
            rx_frames: array::from_fn(|_| Tally::default()),
            rx_bytes: array::from_fn(|_| Tally::default()),
            tx_frames: array::from_fn(|_| Tally::default()),
            tx_bytes: array::from_fn(|_| Tally::default()),
            reasons: array::from_fn(|_| Tally::default()),
            adds: array::from_fn(|_| Signal::default()),
            held: Signal::default(),
            codes: array::from_fn(|i| Constant::new((i as u64).into())),
            one_event: Constant::new(1_u64.into()),
            round: Round::default(),
            rx_frames_places: places(PortCounter::RxFrames),
            rx_bytes_places: places(PortCounter::RxBytes),
            tx_frames_places: places(PortCounter::TxFrames),
            tx_bytes_places: places(PortCounter::TxBytes),
            reason_places: array::from_fn(|i| Constant::new(((REASONS_AT + i) as u64).into())),
        }
    }
}

impl<const PORTS: usize> Logic for Stats<PORTS> {
    #[hdl_gen]
    fn update(&mut self) {
        self.round.clock.next = self.clock.val();
        self.round.reset.next = self.reset.val();
        self.round.read.next = self.read.val();
        self.round.index.next = self.index.val();
        self.reply_valid.next = self.round.reply_valid.val();
        self.reply.next = self.round.reply.val();
        self.held.next = 0.into();

        // Ports.
        for p in 0..PORTS {
            self.rx_frames[p].clock.next = self.clock.val();
            self.rx_frames[p].reset.next = self.reset.val();
            self.rx_frames[p].take.next = self.round.at.val() == self.rx_frames_places[p].val();
            self.rx_frames[p].add.next = 0.into();
            self.rx_bytes[p].clock.next = self.clock.val();
            self.rx_bytes[p].reset.next = self.reset.val();
            self.rx_bytes[p].take.next = self.round.at.val() == self.rx_bytes_places[p].val();
            self.rx_bytes[p].add.next = 0.into();
            if self.rx_valid[p].val() {
                self.rx_frames[p].add.next = self.one_event.val();
                self.rx_bytes[p].add.next = self.rx_length[p].val();
            }
            self.tx_frames[p].clock.next = self.clock.val();
            self.tx_frames[p].reset.next = self.reset.val();
            self.tx_frames[p].take.next = self.round.at.val() == self.tx_frames_places[p].val();
            self.tx_frames[p].add.next = 0.into();
            self.tx_bytes[p].clock.next = self.clock.val();
            self.tx_bytes[p].reset.next = self.reset.val();
            self.tx_bytes[p].take.next = self.round.at.val() == self.tx_bytes_places[p].val();
            self.tx_bytes[p].add.next = 0.into();
            if self.tx_valid[p].val() {
                self.tx_frames[p].add.next = self.one_event.val();
                self.tx_bytes[p].add.next = self.tx_length[p].val();
            }
            self.held.next = self.held.val()
                | self.rx_frames[p].held.val()
                | self.rx_bytes[p].held.val()
                | self.tx_frames[p].held.val()
                | self.tx_bytes[p].held.val();
        }

        // Reasons: each has sources of its own, so a clock adds what it adds to one of them.
        for r in 0..REASON_COUNT {
            self.adds[r].next = 0.into();
            if self.verdict_valid.val() & (self.verdict_reason.val() == self.codes[r].val()) {
                self.adds[r].next = self.one_event.val();
            }
        }
        for r in FIRST_DROP..BEHIND_DROPS {
            self.adds[r].next = 0.into();
            for p in 0..PORTS {
                if self.drop_valid[p].val() & (self.drop_reason[p].val() == self.codes[r].val()) {
                    self.adds[r].next = self.adds[r].val() + self.one_event.val();
                }
            }
        }
        for r in HOST_FULL..(HOST_FULL + 1) {
            self.adds[r].next = 0.into();
            for i in 0..HOST_FULL_SOURCES {
                if self.host_full[i].val() {
                    self.adds[r].next = self.adds[r].val() + self.one_event.val();
                }
            }
        }
        for r in TX_FULL..(TX_FULL + 1) {
            self.adds[r].next = 0.into();
            for p in 0..PORTS {
                if self.tx_full[p].val() {
                    self.adds[r].next = self.adds[r].val() + self.one_event.val();
                }
            }
        }
        for r in 0..REASON_COUNT {
            self.reasons[r].clock.next = self.clock.val();
            self.reasons[r].reset.next = self.reset.val();
            self.reasons[r].add.next = self.adds[r].val();
            self.reasons[r].take.next = self.round.at.val() == self.reason_places[r].val();
            self.held.next = self.held.val() | self.reasons[r].held.val();
        }
        self.round.held.next = self.held.val();
    }
}
