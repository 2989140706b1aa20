//! Where a descriptor lies: ring's base, size and a free-running counter to a host address.
//!
//! ```text
//!  load, base, size_bits, count -->[ Place ]--> address
//! ```
//! Latency 2 clocks from `load`; `address` then stays until the next one.

use fpgaflow_abi::descriptor::DESCRIPTOR_BYTES;

use crate::prelude::*;

/// Low bits of a ring's counter that matter: a ring has at most `2^15` places.
pub const COUNT_BITS: usize = 15;
/// Shift from a place to its byte offset.
const SHIFT: u64 = DESCRIPTOR_BYTES.ilog2() as u64;

/// The block.
#[derive(LogicBlock)]
pub struct Place {
    /// The block's clock.
    pub clock: Signal<In, Clock>,
    /// Take the inputs in this clock.
    pub load: Signal<In, Bit>,
    /// Host address of the ring.
    pub base: Signal<In, Bits<64>>,
    /// Descriptors of the ring, as a power of two.
    pub size_bits: Signal<In, Bits<4>>,
    /// Which descriptor: low bits of the ring's counter.
    pub count: Signal<In, Bits<COUNT_BITS>>,
    /// Its address.
    pub address: Signal<Out, Bits<64>>,
    base_s1: DFF<Bits<64>>,
    place_s1: DFF<Bits<COUNT_BITS>>,
    address_s2: DFF<Bits<64>>,
    outside: Signal<Local, Bits<COUNT_BITS>>,
    all_ones: Constant<Bits<COUNT_BITS>>,
}

impl Default for Place {
    fn default() -> Self {
        Self {
            clock: Signal::default(),
            load: Signal::default(),
            base: Signal::default(),
            size_bits: Signal::default(),
            count: Signal::default(),
            address: Signal::default(),
            base_s1: DFF::default(),
            place_s1: DFF::default(),
            address_s2: DFF::default(),
            outside: Signal::default(),
            all_ones: Constant::new(((1_u64 << COUNT_BITS) - 1).into()),
        }
    }
}

impl Logic for Place {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, base_s1, place_s1, address_s2);
        self.outside.next = self.all_ones.val() << bit_cast::<COUNT_BITS, 4>(self.size_bits.val());
        if self.load.val() {
            self.base_s1.d.next = self.base.val();
            self.place_s1.d.next = self.count.val() & !self.outside.val();
        }
        for shift in SHIFT..(SHIFT + 1) {
            self.address_s2.d.next = self.base_s1.q.val() + (bit_cast::<64, COUNT_BITS>(self.place_s1.q.val()) << shift);
        }
        self.address.next = self.address_s2.q.val();
    }
}
