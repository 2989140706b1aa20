//! Skid buffer: cuts every combinational path of a stream and costs no throughput.
//!
//! ```text
//!            +------+
//!  s_axis -->| Skid |--> m_axis
//!            +------+
//! ```
//! Latency 1 clock, one word a clock. `s_axis_ready` and `m_axis_*` come from flip-flops. Holds up to two words.

use crate::prelude::*;

/// Registers a stream in both directions.
#[derive(LogicBlock, Default)]
pub struct Skid<T: Synth> {
    /// The block's clock.
    pub clock: Signal<In, Clock>,
    /// Synchronous, active high; forgets both words.
    pub reset: Signal<In, Bit>,
    /// Words in.
    pub s_axis: StreamSink<T>,
    /// The same words out, in order.
    pub m_axis: StreamSource<T>,
    main: DFF<T>,
    main_valid: DFF<Bit>,
    spare: DFF<T>,
    spare_valid: DFF<Bit>,
}

impl<T: Synth> Logic for Skid<T> {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, main, main_valid, spare, spare_valid);
        self.s_axis.ready.next = !self.spare_valid.q.val();
        self.m_axis.data.next = self.main.q.val();
        self.m_axis.valid.next = self.main_valid.q.val();
        if self.m_axis.ready.val() | !self.main_valid.q.val() {
            if self.spare_valid.q.val() {
                self.main.d.next = self.spare.q.val();
                self.main_valid.d.next = true;
                self.spare_valid.d.next = false;
            } else {
                self.main.d.next = self.s_axis.data.val();
                self.main_valid.d.next = self.s_axis.valid.val();
            }
        } else if self.s_axis.valid.val() & !self.spare_valid.q.val() {
            self.spare.d.next = self.s_axis.data.val();
            self.spare_valid.d.next = true;
        }
        if self.reset.val() {
            self.main_valid.d.next = false;
            self.spare_valid.d.next = false;
        }
    }
}
