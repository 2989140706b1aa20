//! Ends frame descriptors in the order of their ring, however long the bus takes.
//!
//! ```text
//!  s_axis (Started) -->[        ]--> m_axis (Outcome)
//!  moved, failed ----->[ Retire ]--> retired, bus_error, idle
//! ```
//! Latency 2 clocks; one descriptor a clock where no completion is due.
//!
//! # Contract
//! - Up to 16 descriptors are in here, and the one that ends next. One that moves a frame ends when its pulse `moved` has come,
//!   with status `BusError` if `failed` was high beside it; pulses come in the order of the descriptors, not before them.
//! - `retired` pulses once a descriptor, in the clock in which its completion is taken, if it has one. Failures always have one.

use fpgaflow_abi::descriptor::Status;

use crate::host::shelf::Shelf;
use crate::host::types::{Outcome, STATUS_BITS, Started};
use crate::prelude::*;
use crate::records::LENGTH_BITS;

/// The block.
#[derive(LogicBlock)]
pub struct Retire {
    /// The block's clock.
    pub clock: Signal<In, Clock>,
    /// Synchronous, active high.
    pub reset: Signal<In, Bit>,
    /// Descriptors as they are begun.
    pub s_axis: StreamSink<Started>,
    /// The frame of the first descriptor that has not been told of is at its place.
    pub moved: Signal<In, Bit>,
    /// It is not: the bus failed.
    pub failed: Signal<In, Bit>,
    /// Completions.
    pub m_axis: StreamSource<Outcome>,
    /// A descriptor ends.
    pub retired: Signal<Out, Bit>,
    /// It ends because the bus failed.
    pub bus_error: Signal<Out, Bit>,
    /// None is in here.
    pub idle: Signal<Out, Bit>,
    started: Shelf<Started, 4, 5>,
    // One result more than `started` holds: the head waits with its own.
    results: Shelf<Bit, 5, 6>,
    head: DFF<Started>,
    head_valid: DFF<Bit>,
    ends: Signal<Local, Bit>,
    failing: Signal<Local, Bit>,
    status: Signal<Local, Bits<STATUS_BITS>>,
    taken: Signal<Local, Bit>,
    bus_status: Constant<Bits<STATUS_BITS>>,
}

impl Default for Retire {
    fn default() -> Self {
        Self {
            clock: Signal::default(),
            reset: Signal::default(),
            s_axis: StreamSink::default(),
            moved: Signal::default(),
            failed: Signal::default(),
            m_axis: StreamSource::default(),
            retired: Signal::default(),
            bus_error: Signal::default(),
            idle: Signal::default(),
            started: Shelf::default(),
            results: Shelf::default(),
            head: DFF::default(),
            head_valid: DFF::default(),
            ends: Signal::default(),
            failing: Signal::default(),
            status: Signal::default(),
            taken: Signal::default(),
            bus_status: Constant::new((Status::BusError as u64).into()),
        }
    }
}

impl Logic for Retire {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, head, head_valid);
        clock!(self, clock, started, results);
        self.started.reset.next = self.reset.val();
        self.results.reset.next = self.reset.val();
        StreamSink::<Started>::link(&mut self.s_axis, &mut self.started.s_axis);
        self.results.s_axis.valid.next = self.moved.val();
        self.results.s_axis.data.next = self.failed.val();

        self.ends.next = self.head_valid.q.val() & (!self.head.q.val().moving | self.results.m_axis.valid.val());
        self.status.next = self.head.q.val().status;
        if self.head.q.val().moving & self.results.m_axis.data.val() {
            self.status.next = self.bus_status.val();
        }
        self.failing.next = self.status.val().any();
        self.m_axis.valid.next = self.ends.val() & (self.failing.val() | !self.head.q.val().quiet);
        self.m_axis.data.next.status = self.status.val();
        self.m_axis.data.next.port = self.head.q.val().port;
        self.m_axis.data.next.reason = self.head.q.val().reason;
        self.m_axis.data.next.cookie = self.head.q.val().cookie;
        self.m_axis.data.next.length = bit_cast::<32, LENGTH_BITS>(self.head.q.val().length);
        self.m_axis.data.next.entry = self.head.q.val().entry;
        self.m_axis.data.next.hit = self.head.q.val().hit;
        self.taken.next = self.ends.val() & (self.m_axis.ready.val() | (!self.failing.val() & self.head.q.val().quiet));
        self.started.m_axis.ready.next = self.taken.val() | !self.head_valid.q.val();
        if self.taken.val() | !self.head_valid.q.val() {
            self.head.d.next = self.started.m_axis.data.val();
            self.head_valid.d.next = self.started.m_axis.valid.val();
        }
        self.results.m_axis.ready.next = self.taken.val() & self.head.q.val().moving;
        self.retired.next = self.taken.val();
        self.bus_error.next = self.taken.val() & (self.status.val() == self.bus_status.val());
        self.idle.next = !self.started.m_axis.valid.val() & !self.head_valid.q.val();
        if self.reset.val() {
            self.head_valid.d.next = false;
        }
    }
}
