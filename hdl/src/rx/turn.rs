//! Turns a beat around: wiring only.
//!
//! ```text
//!          +-----------+
//!  lanes ->| TurnBytes |-> bytes
//!          +-----------+
//! ```
//! Latency 0. Lane 0 (`lanes[7:0]`), the first byte of the wire, becomes the most significant byte, and the other way round: the
//! same block serves both directions. `W` is a multiple of 8.
//!
//! Hand-written, because the shifts and ors that `#[hdl_gen]` would need cost a simulator a thousand word operations a clock at
//! 512 bits.

use crate::prelude::*;

/// Reverses the order of the bytes of `lanes`.
#[derive(LogicBlock)]
pub struct TurnBytes<const W: usize> {
    /// A beat, one way round.
    pub lanes: Signal<In, Bits<W>>,
    /// The beat, the other way round.
    pub bytes: Signal<Out, Bits<W>>,
}

impl<const W: usize> Default for TurnBytes<W> {
    fn default() -> Self {
        assert!(W > 0 && W.is_multiple_of(8), "TurnBytes: {W} bits are not whole bytes");
        Self { lanes: Signal::default(), bytes: Signal::default() }
    }
}

impl<const W: usize> Logic for TurnBytes<W> {
    fn update(&mut self) {
        let lanes = self.lanes.val();
        let mut bytes = Bits::<W>::default();
        for lsb in (0..W).step_by(8) {
            bytes.set_bits::<8>(W - 8 - lsb, lanes.get_bits::<8>(lsb));
        }
        self.bytes.next = bytes;
    }

    fn connect(&mut self) {
        self.bytes.connect();
    }

    fn hdl(&self) -> Verilog {
        let lanes: Vec<String> = (0..W).step_by(8).map(|lsb| format!("lanes[{}:{lsb}]", lsb + 7)).collect();
        Verilog::Custom(format!("always @(*) bytes = {{{}}};\n", lanes.join(", ")))
    }
}
