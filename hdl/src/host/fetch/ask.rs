//! Asks for descriptors: one of the rings that have some to read, then its address.
//!
//! ```text
//!  per ring: to_ask, asked, base, size_bits -->[ Ask ]--> m_axis (ReadRequest), per ring: ask
//! ```
//! A request every 4 clocks. `ask` is the pulse that the ring's next descriptor is being asked for; it comes early enough for
//! `to_ask` to know when the next ring is chosen.

use std::array;

use fpgaflow_abi::descriptor::DESCRIPTOR_WORDS;

use super::ring_numbers;
use crate::host::place::{self, Place};
use crate::host::turn::Turn;
use crate::host::types::{HOST_RINGS, ReadRequest};
use crate::prelude::*;

/// States.
#[derive(Copy, Clone, Debug, PartialEq, LogicState)]
pub enum Asking {
    /// Looks for a ring with a descriptor to read.
    Choose,
    /// Takes the ring's base, size and counter.
    Take,
    /// The address is being added.
    Add,
    /// The request waits for the bus.
    Request,
}

/// The block.
#[derive(LogicBlock)]
pub struct Ask {
    /// The block's clock.
    pub clock: Signal<In, Clock>,
    /// Synchronous, active high.
    pub reset: Signal<In, Bit>,
    /// There is a descriptor to ask for.
    pub to_ask: [Signal<In, Bit>; HOST_RINGS],
    /// Low bits of how many were asked for so far.
    pub asked: [Signal<In, Bits<{ place::COUNT_BITS }>>; HOST_RINGS],
    /// Host address of the ring.
    pub base: [Signal<In, Bits<64>>; HOST_RINGS],
    /// Descriptors of the ring, as a power of two.
    pub size_bits: [Signal<In, Bits<4>>; HOST_RINGS],
    /// The next one is being asked for.
    pub ask: [Signal<Out, Bit>; HOST_RINGS],
    /// Requests.
    pub m_axis: StreamSource<ReadRequest>,
    asking: DFF<Asking>,
    ring: DFF<Bits<2>>,
    turn: Turn,
    place: Place,
    numbers: [Constant<Bits<2>>; HOST_RINGS],
    beats: Constant<Bits<8>>,
}

impl Default for Ask {
    fn default() -> Self {
        Self {
            clock: Signal::default(),
            reset: Signal::default(),
            to_ask: array::from_fn(|_| Signal::default()),
            asked: array::from_fn(|_| Signal::default()),
            base: array::from_fn(|_| Signal::default()),
            size_bits: array::from_fn(|_| Signal::default()),
            ask: array::from_fn(|_| Signal::default()),
            m_axis: StreamSource::default(),
            asking: DFF::default(),
            ring: DFF::default(),
            turn: Turn::default(),
            place: Place::default(),
            numbers: ring_numbers(),
            beats: Constant::new((DESCRIPTOR_WORDS as u64 - 1).into()),
        }
    }
}

impl Logic for Ask {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, asking, ring);
        self.place.clock.next = self.clock.val();
        self.turn.last.next = self.ring.q.val();
        for i in 0..HOST_RINGS {
            self.turn.wants[i].next = self.to_ask[i].val();
            self.ask[i].next = (self.asking.q.val() == Asking::Take) & (self.ring.q.val() == self.numbers[i].val());
        }
        self.place.load.next = self.asking.q.val() == Asking::Take;
        self.place.base.next = self.base[0].val();
        self.place.size_bits.next = self.size_bits[0].val();
        self.place.count.next = self.asked[0].val();
        for i in 1..HOST_RINGS {
            if self.ring.q.val() == self.numbers[i].val() {
                self.place.base.next = self.base[i].val();
                self.place.size_bits.next = self.size_bits[i].val();
                self.place.count.next = self.asked[i].val();
            }
        }
        self.m_axis.valid.next = self.asking.q.val() == Asking::Request;
        self.m_axis.data.next.address = self.place.address.val();
        self.m_axis.data.next.beats = self.beats.val();
        self.m_axis.data.next.tag = self.ring.q.val();
        match self.asking.q.val() {
            Asking::Choose => {
                self.ring.d.next = self.turn.choice.val();
                if self.turn.found.val() {
                    self.asking.d.next = Asking::Take;
                }
            }
            Asking::Take => {
                self.asking.d.next = Asking::Add;
            }
            Asking::Add => {
                self.asking.d.next = Asking::Request;
            }
            Asking::Request => {
                if self.m_axis.ready.val() {
                    self.asking.d.next = Asking::Choose;
                }
            }
        }
        if self.reset.val() {
            self.asking.d.next = Asking::Choose;
            self.ring.d.next = 0.into();
        }
    }
}
