//! What a register reads as: whose value it is, and the OR of all values, those that are not read being zero.
//!
//! ```text
//!  at, kind, read_s1 ---->[        ]--> value
//!  values of all kinds -->[ Answer ]
//! ```
//! `kind` and `at` stay from 2 clocks before `read_s1`, a pulse, until the read is answered; `value` is there 1 clock behind it, of a port or
//! reason counter with its reply.
//!
//! # Contract
//! - `identity` and `counter_reply` are zero when they are not read. `written` is what the RAM has at the register's place, 1 clock behind `read_s1`.
//! - Reading the lower half of a 64-bit counter latches the upper one, in one latch for all of them: the clock counter's in the same clock, that
//!   of a port or reason counter 1 clock behind `counter_reply_valid`.
//!
//! A register that takes a value or is cleared costs no logic; a multiplexer as wide would be most of the register file.

use std::array;

use fpgaflow_abi::descriptor::{self, VECTORS};
use fpgaflow_abi::regs::{self, EVENT_BITS};

use super::map::{AT_BITS, KIND_BITS, Kind};
use super::{RINGS, number};
use crate::prelude::*;
use crate::records::CLOCK_BITS;

/// The block.
#[derive(LogicBlock)]
pub struct Answer {
    /// The block's clock.
    pub clock: Signal<In, Clock>,
    /// Number of the register that is read.
    pub at: Signal<In, Bits<AT_BITS>>,
    /// Where its value comes from.
    pub kind: Signal<In, Bits<KIND_BITS>>,
    /// It is read.
    pub read_s1: Signal<In, Bit>,
    /// The value of an identity register.
    pub identity: Signal<In, Bits<32>>,
    /// What was written.
    pub written: Signal<In, Bits<32>>,
    /// The card's counters, by ring.
    pub card_counts: [Signal<In, Bits<32>>; RINGS],
    /// `RING_CTRL.ENABLE`.
    pub used: [Signal<In, Bit>; RINGS],
    /// The host's counter is what was written.
    pub told: [Signal<In, Bit>; RINGS],
    /// `IRQ_PENDING`.
    pub irq_pending: Signal<In, Bits<VECTORS>>,
    /// `EVENT`.
    pub events: Signal<In, Bits<EVENT_BITS>>,
    /// `PARITY`.
    pub bad_row: Signal<In, Bits<32>>,
    /// `PARITY_COUNT`.
    pub bad_rows: Signal<In, Bits<32>>,
    /// `CLOCK_LO` and `CLOCK_HI`.
    pub clock_count: Signal<In, Bits<CLOCK_BITS>>,
    /// The lower half of a counter is in `counter_reply`, the upper one in the next clock.
    pub counter_reply_valid: Signal<In, Bit>,
    /// Half a counter.
    pub counter_reply: Signal<In, Bits<32>>,
    /// The register's value.
    pub value: Signal<Out, Bits<32>>,
    upper_comes: DFF<Bit>,
    has_written: DFF<Bit>,
    has_upper: DFF<Bit>,
    has_clock: DFF<Bit>,
    has_card_counter: DFF<Bit>,
    has_used: DFF<Bit>,
    has_pending: DFF<Bit>,
    has_events: DFF<Bit>,
    has_parity: DFF<Bit>,
    has_parity_count: DFF<Bit>,
    is_irq: Signal<Local, Bit>,
    is_ring: Signal<Local, Bit>,
    in_ring: Signal<Local, Bits<3>>,
    is_used: Signal<Local, Bit>,
    card_counter: Signal<Local, Bits<32>>,
    card_counter_s1: DFF<Bits<32>>,
    used_s1: DFF<Bit>,
    ring_s2: DFF<Bits<32>>,
    few_s2: DFF<Bits<EVENT_BITS>>,
    parity_s2: DFF<Bits<32>>,
    parity_count_s2: DFF<Bits<32>>,
    clock_s2: DFF<Bits<32>>,
    upper: DFF<Bits<32>>,
    kept: Signal<Local, Bits<32>>,
    at_irq_pending: Constant<Bits<AT_BITS>>,
    at_event: Constant<Bits<AT_BITS>>,
    at_parity: Constant<Bits<AT_BITS>>,
    at_parity_count: Constant<Bits<AT_BITS>>,
    ring_numbers: [Constant<Bits<2>>; RINGS],
    ring_ctrl: Constant<Bits<3>>,
    ring_card_counters: [Constant<Bits<3>>; RINGS],
    ring_host_counters: [Constant<Bits<3>>; RINGS],
    kind_written: Constant<Bits<KIND_BITS>>,
    kind_ring: Constant<Bits<KIND_BITS>>,
    kind_irq: Constant<Bits<KIND_BITS>>,
    kind_clock: Constant<Bits<KIND_BITS>>,
    kind_upper: Constant<Bits<KIND_BITS>>,
}

impl Default for Answer {
    fn default() -> Self {
        let at = |offset: u32| Constant::new(u64::from(number(offset)).into());
        let kind = |kind: Kind| Constant::new((kind as u64).into());
        let in_ring = |offset: u32| Constant::new(u64::from(number(offset - regs::RING_BASE_LO)).into());
        let (producer, consumer) = (regs::RING_PRODUCER, regs::RING_CONSUMER);
        // The card produces completions and consumes all else.
        let completes = descriptor::Ring::ALL.map(|ring| ring == descriptor::Ring::Completion);
        Self {
            clock: Signal::default(),
            at: Signal::default(),
            kind: Signal::default(),
            read_s1: Signal::default(),
            identity: Signal::default(),
            written: Signal::default(),
            card_counts: array::from_fn(|_| Signal::default()),
            used: array::from_fn(|_| Signal::default()),
            told: array::from_fn(|_| Signal::default()),
            irq_pending: Signal::default(),
            events: Signal::default(),
            bad_row: Signal::default(),
            bad_rows: Signal::default(),
            clock_count: Signal::default(),
            counter_reply_valid: Signal::default(),
            counter_reply: Signal::default(),
            value: Signal::default(),
            upper_comes: DFF::default(),
            has_written: DFF::default(),
            has_upper: DFF::default(),
            has_clock: DFF::default(),
            has_card_counter: DFF::default(),
            has_used: DFF::default(),
            has_pending: DFF::default(),
            has_events: DFF::default(),
            has_parity: DFF::default(),
            has_parity_count: DFF::default(),
            is_irq: Signal::default(),
            is_ring: Signal::default(),
            in_ring: Signal::default(),
            is_used: Signal::default(),
            card_counter: Signal::default(),
            card_counter_s1: DFF::default(),
            used_s1: DFF::default(),
            ring_s2: DFF::default(),
            few_s2: DFF::default(),
            parity_s2: DFF::default(),
            parity_count_s2: DFF::default(),
            clock_s2: DFF::default(),
            upper: DFF::default(),
            kept: Signal::default(),
            at_irq_pending: at(regs::IRQ_PENDING),
            at_event: at(regs::EVENT),
            at_parity: at(regs::PARITY),
            at_parity_count: at(regs::PARITY_COUNT),
            ring_numbers: array::from_fn(|i| Constant::new((i as u64).into())),
            ring_ctrl: in_ring(regs::RING_CTRL),
            ring_card_counters: completes.map(|completes| in_ring(if completes { producer } else { consumer })),
            ring_host_counters: completes.map(|completes| in_ring(if completes { consumer } else { producer })),
            kind_written: kind(Kind::Written),
            kind_ring: kind(Kind::Ring),
            kind_irq: kind(Kind::Irq),
            kind_clock: kind(Kind::Clock),
            kind_upper: kind(Kind::Upper),
        }
    }
}

impl Logic for Answer {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(
            self,
            clock,
            upper_comes,
            has_written,
            has_upper,
            has_clock,
            has_card_counter,
            has_used,
            has_pending,
            has_events
        );
        dff_setup!(
            self,
            clock,
            has_parity,
            has_parity_count,
            card_counter_s1,
            used_s1,
            ring_s2,
            few_s2,
            parity_s2,
            parity_count_s2
        );
        dff_setup!(self, clock, clock_s2, upper);

        // Whose value it is: known when the read has the RAM.
        self.is_ring.next = self.kind.val() == self.kind_ring.val();
        self.is_irq.next = self.kind.val() == self.kind_irq.val();
        self.in_ring.next = self.at.val().get_bits::<3>(0);
        self.has_written.d.next = self.kind.val() == self.kind_written.val();
        self.has_card_counter.d.next = false;
        self.has_used.d.next = self.is_ring.val() & (self.in_ring.val() == self.ring_ctrl.val());
        self.card_counter.next = 0.into();
        self.is_used.next = false;
        for i in 0..RINGS {
            if self.at.val().get_bits::<2>(3) == self.ring_numbers[i].val() {
                self.card_counter.next = self.card_counts[i].val();
                self.is_used.next = self.used[i].val();
                self.has_card_counter.d.next = self.is_ring.val() & (self.in_ring.val() == self.ring_card_counters[i].val());
                if self.is_ring.val() & (self.in_ring.val() == self.ring_host_counters[i].val()) {
                    self.has_written.d.next = self.told[i].val();
                }
            }
        }
        self.card_counter_s1.d.next = self.card_counter.val();
        self.used_s1.d.next = self.is_used.val();
        self.has_upper.d.next = self.kind.val() == self.kind_upper.val();
        self.has_clock.d.next = self.kind.val() == self.kind_clock.val();
        self.has_pending.d.next = self.is_irq.val() & (self.at.val() == self.at_irq_pending.val());
        self.has_events.d.next = self.is_irq.val() & (self.at.val() == self.at_event.val());
        self.has_parity.d.next = self.is_irq.val() & (self.at.val() == self.at_parity.val());
        self.has_parity_count.d.next = self.is_irq.val() & (self.at.val() == self.at_parity_count.val());

        // s2: the value, zero in all others.
        self.ring_s2.d.next = 0.into();
        if self.has_card_counter.q.val() {
            self.ring_s2.d.next = self.card_counter_s1.q.val();
        }
        self.few_s2.d.next = 0.into();
        if self.has_used.q.val() {
            self.few_s2.d.next = bit_cast::<EVENT_BITS, 1>(self.used_s1.q.val().into());
        } else if self.has_pending.q.val() {
            self.few_s2.d.next = bit_cast::<EVENT_BITS, VECTORS>(self.irq_pending.val());
        } else if self.has_events.q.val() {
            self.few_s2.d.next = self.events.val();
        }
        self.parity_s2.d.next = 0.into();
        if self.has_parity.q.val() {
            self.parity_s2.d.next = self.bad_row.val();
        }
        self.parity_count_s2.d.next = 0.into();
        if self.has_parity_count.q.val() {
            self.parity_count_s2.d.next = self.bad_rows.val();
        }
        self.clock_s2.d.next = 0.into();
        if self.has_clock.q.val() {
            self.clock_s2.d.next = self.clock_count.val().get_bits::<32>(0);
        }
        if self.has_clock.q.val() & self.read_s1.val() {
            self.upper.d.next = self.clock_count.val().get_bits::<32>(32);
        }
        self.kept.next = 0.into();
        if self.has_written.q.val() {
            self.kept.next = self.written.val();
        } else if self.has_upper.q.val() {
            self.kept.next = self.upper.q.val();
        }
        self.upper_comes.d.next = self.counter_reply_valid.val();
        if self.upper_comes.q.val() {
            self.upper.d.next = self.counter_reply.val();
        }
        self.value.next = (self.identity.val() | self.kept.val())
            | (self.ring_s2.q.val() | bit_cast::<32, EVENT_BITS>(self.few_s2.q.val()))
            | (self.parity_s2.q.val() | self.parity_count_s2.q.val())
            | (self.clock_s2.q.val() | self.counter_reply.val());
    }
}
