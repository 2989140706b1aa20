//! Interrupts: events in, at most one interrupt of a vector every so many clocks out.
//!
//! ```text
//!  events[0..4], enable, moderation -->[ Irq ]--> irq_valid, irq_vector (irq_ready), pending
//! ```
//! Latency from an event to `irq_valid` 2 to 5 clocks when nothing holds it back: one vector is looked at in a clock.
//!
//! # Contract
//! - An event makes its vector pending. Pending and enabled, with the last interrupt of the vector at least `moderation` clocks ago
//!   (the first: at once), it asks for an interrupt; vectors take turns.
//! - `irq_valid` and `irq_vector` stay until `irq_ready`. Then the vector is no longer pending, unless an event came in that same
//!   clock: every event is followed by an interrupt that was taken after it.
//! - A vector that is disabled keeps its event.

use std::array;

use fpgaflow_abi::descriptor::VECTORS;

use crate::prelude::*;

/// Bits of a vector's number.
const VECTOR_BITS: usize = 2;

/// One vector.
#[derive(LogicBlock)]
pub struct IrqVector {
    /// The block's clock.
    pub clock: Signal<In, Clock>,
    /// Synchronous, active high.
    pub reset: Signal<In, Bit>,
    /// Something to tell.
    pub happens: Signal<In, Bit>,
    /// It may be told.
    pub enable: Signal<In, Bit>,
    /// Fewest clocks between two interrupts.
    pub moderation: Signal<In, Bits<32>>,
    /// The interrupt was taken.
    pub taken: Signal<In, Bit>,
    /// Something waits to be told.
    pub pending: Signal<Out, Bit>,
    /// And may be told now.
    pub due: Signal<Out, Bit>,
    waiting: DFF<Bit>,
    timer: DFF<Bits<32>>,
    quiet: DFF<Bit>,
    one: Constant<Bits<32>>,
}

impl Default for IrqVector {
    fn default() -> Self {
        Self {
            clock: Signal::default(),
            reset: Signal::default(),
            happens: Signal::default(),
            enable: Signal::default(),
            moderation: Signal::default(),
            taken: Signal::default(),
            pending: Signal::default(),
            due: Signal::default(),
            waiting: DFF::default(),
            timer: DFF::default(),
            quiet: DFF::default(),
            one: Constant::new(1_u64.into()),
        }
    }
}

impl Logic for IrqVector {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, waiting, timer, quiet);
        self.quiet.d.next = !self.timer.q.val().any();
        if self.timer.q.val().any() {
            self.timer.d.next = self.timer.q.val() - self.one.val();
        }
        if self.taken.val() {
            self.waiting.d.next = false;
            self.timer.d.next = self.moderation.val();
            self.quiet.d.next = false;
        }
        if self.happens.val() {
            self.waiting.d.next = true;
        }
        self.pending.next = self.waiting.q.val();
        self.due.next = self.waiting.q.val() & self.enable.val() & self.quiet.q.val();
        if self.reset.val() {
            self.waiting.d.next = false;
            self.timer.d.next = 0.into();
            self.quiet.d.next = true;
        }
    }
}

/// The block.
#[derive(LogicBlock)]
pub struct Irq {
    /// The block's clock.
    pub clock: Signal<In, Clock>,
    /// Synchronous, active high.
    pub reset: Signal<In, Bit>,
    /// Something to tell, by vector.
    pub events: [Signal<In, Bit>; VECTORS],
    /// `IRQ_ENABLE`.
    pub enable: Signal<In, Bits<VECTORS>>,
    /// `IRQ_MODERATION`.
    pub moderation: Signal<In, Bits<32>>,
    /// `IRQ_PENDING`.
    pub pending: Signal<Out, Bits<VECTORS>>,
    /// An interrupt is asked for.
    pub irq_valid: Signal<Out, Bit>,
    /// Which.
    pub irq_vector: Signal<Out, Bits<VECTOR_BITS>>,
    /// It is taken.
    pub irq_ready: Signal<In, Bit>,
    vectors: [IrqVector; VECTORS],
    asking: DFF<Bit>,
    chosen: DFF<Bits<VECTOR_BITS>>,
    /// Looks at one vector a clock.
    look: DFF<Bits<VECTOR_BITS>>,
    due: Signal<Local, Bit>,
    waiting: Signal<Local, Bits<VECTORS>>,
    one: Constant<Bits<VECTOR_BITS>>,
    numbers: [Constant<Bits<VECTOR_BITS>>; VECTORS],
}

impl Default for Irq {
    fn default() -> Self {
        Self {
            clock: Signal::default(),
            reset: Signal::default(),
            events: array::from_fn(|_| Signal::default()),
            enable: Signal::default(),
            moderation: Signal::default(),
            pending: Signal::default(),
            irq_valid: Signal::default(),
            irq_vector: Signal::default(),
            irq_ready: Signal::default(),
            vectors: array::from_fn(|_| IrqVector::default()),
            asking: DFF::default(),
            chosen: DFF::default(),
            look: DFF::default(),
            due: Signal::default(),
            waiting: Signal::default(),
            one: Constant::new(1_u64.into()),
            numbers: array::from_fn(|i| Constant::new((i as u64).into())),
        }
    }
}

impl Logic for Irq {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, asking, chosen, look);
        self.due.next = false;
        self.waiting.next = 0.into();
        for i in 0..VECTORS {
            self.vectors[i].clock.next = self.clock.val();
            self.vectors[i].reset.next = self.reset.val();
            self.vectors[i].happens.next = self.events[i].val();
            self.vectors[i].enable.next = self.enable.val().get_bit(i);
            self.vectors[i].moderation.next = self.moderation.val();
            self.vectors[i].taken.next =
                self.asking.q.val() & self.irq_ready.val() & (self.chosen.q.val() == self.numbers[i].val());
            if self.look.q.val() == self.numbers[i].val() {
                self.due.next = self.vectors[i].due.val();
            }
            if self.vectors[i].pending.val() {
                self.waiting.next = self.waiting.val().replace_bit(i, true);
            }
        }
        self.pending.next = self.waiting.val();
        self.look.d.next = self.look.q.val() + self.one.val();
        if self.asking.q.val() {
            self.asking.d.next = !self.irq_ready.val();
        } else if self.due.val() {
            self.asking.d.next = true;
            self.chosen.d.next = self.look.q.val();
        }
        self.irq_valid.next = self.asking.q.val();
        self.irq_vector.next = self.chosen.q.val();
        if self.reset.val() {
            self.asking.d.next = false;
            self.look.d.next = 0.into();
        }
    }
}
