//! Descriptor fetch: reads ahead in the three rings from host to card and hands descriptors on, one at a time.
//!
//! ```text
//!  per ring: running, off, base, size_bits, producer -->[       ]--> m_axis (ReadRequest)
//!  beat_valid, beat ----------------------------------->[ Fetch ]--> per ring: word_valid, done, idle
//!  per ring: wanted ----------------------------------->[       ]--> word, place, status
//! ```
//! Throughput: a request every 4 clocks, a descriptor handed on every 9. Latency from the last beat of a descriptor to its first word
//! out 5 clocks, to `done` 15.
//!
//! # Contract
//! - Up to 16 descriptors of a ring are read ahead of the one in progress. They wait in one block RAM, 16 places a ring.
//! - While `wanted` of a ring is high its next descriptor may come: eight pulses `word_valid` with the words in order, `place`
//!   counting, and 3 clocks after the last a pulse `done` with the `status` found here: `Ok`, `BadCrc` or `BusError`. Whoever wants
//!   one lowers `wanted` at the first word, by the next clock.
//! - Word 7 comes without its upper half, which means nothing.
//! - Rings take turns, for requests and for handing on.
//! - A ring that is not `running` begins nothing; `idle` of a ring says that nothing of it is under way. `off` forgets what was
//!   read ahead.

mod ask;
mod hand;
mod read_ahead;

use std::array;

use fpgaflow_abi::descriptor::{DESCRIPTOR_WORDS, Ring};

use crate::host::types::{HOST_RINGS, ReadBeat, ReadRequest, STATUS_BITS};
use crate::prelude::*;

use ask::Ask;
use hand::Hand;
use read_ahead::ReadAhead;

/// Bits of a place in a ring's part of the RAM: 16 descriptors are read ahead.
const AHEAD_BITS: usize = 4;
/// Bits of an address of the RAM: ring, descriptor, word.
const RAM_BITS: usize = 2 + AHEAD_BITS + 3;
/// Bit of a stored word 7 that says that the bus failed while its descriptor was read.
const BUS_FAILED_BIT: usize = 32;
/// Bits of a count of descriptors: a ring holds at most `2^15`.
pub const COUNT_BITS: usize = 16;

/// The rings' numbers, as tags and in arrays of ports.
fn ring_numbers() -> [Constant<Bits<2>>; HOST_RINGS] {
    [Ring::Command, Ring::FrameToHost, Ring::FrameToCard].map(|ring| Constant::new((ring as u64).into()))
}

/// The block.
#[derive(LogicBlock)]
pub struct Fetch {
    /// The block's clock.
    pub clock: Signal<In, Clock>,
    /// Synchronous, active high.
    pub reset: Signal<In, Bit>,
    /// Descriptors may be begun, see [`Ring`](super::ring::Ring).
    pub running: [Signal<In, Bit>; HOST_RINGS],
    /// Start from the beginning, see [`Ring`](super::ring::Ring).
    pub off: [Signal<In, Bit>; HOST_RINGS],
    /// Host address.
    pub base: [Signal<In, Bits<64>>; HOST_RINGS],
    /// Descriptors, as a power of two.
    pub size_bits: [Signal<In, Bits<4>>; HOST_RINGS],
    /// Low bits of `RING_PRODUCER`.
    pub producer: [Signal<In, Bits<COUNT_BITS>>; HOST_RINGS],
    /// Who carries out this ring's descriptors has room for one.
    pub wanted: [Signal<In, Bit>; HOST_RINGS],
    /// No descriptor of the ring is under way here.
    pub idle: [Signal<Out, Bit>; HOST_RINGS],
    /// Requests for descriptors.
    pub m_axis: StreamSource<ReadRequest>,
    /// A beat was read.
    pub beat_valid: Signal<In, Bit>,
    /// The beat.
    pub beat: Signal<In, ReadBeat>,
    /// A word of a descriptor of this ring.
    pub word_valid: [Signal<Out, Bit>; HOST_RINGS],
    /// The word, for whoever has a pulse.
    pub word: Signal<Out, Bits<64>>,
    /// Which word it is.
    pub place: Signal<Out, Bits<3>>,
    /// A descriptor of this ring is complete.
    pub done: [Signal<Out, Bit>; HOST_RINGS],
    /// What is wrong with it.
    pub status: Signal<Out, Bits<STATUS_BITS>>,
    rings: [ReadAhead; HOST_RINGS],
    ask: Ask,
    memory: Memory<Bits<64>, RAM_BITS, true>,
    hand: Hand,
    came_word: DFF<Bits<3>>,
    came_bad: DFF<Bit>,
    came_bad_now: Signal<Local, Bit>,
    came_here: Signal<Local, Bit>,
    came_at: Signal<Local, Bits<AHEAD_BITS>>,
    numbers: [Constant<Bits<2>>; HOST_RINGS],
    one: Constant<Bits<3>>,
    last_word: Constant<Bits<3>>,
    low_half: Constant<Bits<64>>,
    bus_failed: Constant<Bits<64>>,
}

impl Default for Fetch {
    fn default() -> Self {
        Self {
            clock: Signal::default(),
            reset: Signal::default(),
            running: array::from_fn(|_| Signal::default()),
            off: array::from_fn(|_| Signal::default()),
            base: array::from_fn(|_| Signal::default()),
            size_bits: array::from_fn(|_| Signal::default()),
            producer: array::from_fn(|_| Signal::default()),
            wanted: array::from_fn(|_| Signal::default()),
            idle: array::from_fn(|_| Signal::default()),
            m_axis: StreamSource::default(),
            beat_valid: Signal::default(),
            beat: Signal::default(),
            word_valid: array::from_fn(|_| Signal::default()),
            word: Signal::default(),
            place: Signal::default(),
            done: array::from_fn(|_| Signal::default()),
            status: Signal::default(),
            rings: array::from_fn(|_| ReadAhead::default()),
            ask: Ask::default(),
            memory: Memory::default(),
            hand: Hand::default(),
            came_word: DFF::default(),
            came_bad: DFF::default(),
            came_bad_now: Signal::default(),
            came_here: Signal::default(),
            came_at: Signal::default(),
            numbers: ring_numbers(),
            one: Constant::new(1_u64.into()),
            last_word: Constant::new((DESCRIPTOR_WORDS as u64 - 1).into()),
            low_half: Constant::new(u64::from(u32::MAX).into()),
            bus_failed: Constant::new((1_u64 << BUS_FAILED_BIT).into()),
        }
    }
}

impl Logic for Fetch {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, came_word, came_bad);
        clock!(self, clock, ask, memory, hand);
        self.ask.reset.next = self.reset.val();
        self.hand.reset.next = self.reset.val();
        for i in 0..HOST_RINGS {
            self.rings[i].clock.next = self.clock.val();
            self.rings[i].off.next = self.off[i].val() | self.reset.val();
            self.rings[i].running.next = self.running[i].val();
            self.rings[i].producer.next = self.producer[i].val();
            self.rings[i].ask.next = self.ask.ask[i].val();
            self.rings[i].hand.next = self.hand.hand[i].val();
            self.ask.to_ask[i].next = self.rings[i].to_ask.val();
            self.ask.asked[i].next = self.rings[i].asked.val();
            self.ask.base[i].next = self.base[i].val();
            self.ask.size_bits[i].next = self.size_bits[i].val();
            self.hand.offered[i].next = self.rings[i].to_hand.val() & self.wanted[i].val();
            self.hand.hand_at[i].next = self.rings[i].hand_at.val();
            self.word_valid[i].next = self.hand.word_valid[i].val();
            self.done[i].next = self.hand.done[i].val();
            self.idle[i].next = self.rings[i].idle.val() & !self.hand.busy[i].val();
        }
        StreamSource::<ReadRequest>::link(&mut self.m_axis, &mut self.ask.m_axis);
        self.word.next = self.hand.word.val();
        self.place.next = self.hand.place.val();
        self.status.next = self.hand.status.val();

        // What comes goes to its ring's part of the RAM; word 7 keeps the bus's verdict.
        self.came_here.next = false;
        self.came_at.next = self.rings[0].came_at.val();
        for i in 0..HOST_RINGS {
            self.rings[i].came.next = false;
            if self.beat_valid.val() & (self.beat.val().tag == self.numbers[i].val()) {
                self.came_here.next = true;
                self.rings[i].came.next = self.beat.val().last;
            }
            if self.beat.val().tag == self.numbers[i].val() {
                self.came_at.next = self.rings[i].came_at.val();
            }
        }
        self.came_bad_now.next = self.came_bad.q.val() | self.beat.val().error;
        if self.came_here.val() {
            self.came_word.d.next = self.came_word.q.val() + self.one.val();
            self.came_bad.d.next = self.came_bad_now.val() & !self.beat.val().last;
        }
        self.memory.wen.next = self.came_here.val();
        for shift in (AHEAD_BITS as u64 + 3)..(AHEAD_BITS as u64 + 4) {
            self.memory.waddr.next = bit_cast::<RAM_BITS, 3>(self.came_word.q.val())
                | (bit_cast::<RAM_BITS, AHEAD_BITS>(self.came_at.val()) << 3)
                | (bit_cast::<RAM_BITS, 2>(self.beat.val().tag) << shift);
        }
        self.memory.wdata.next = self.beat.val().data;
        if self.came_word.q.val() == self.last_word.val() {
            self.memory.wdata.next = self.beat.val().data & self.low_half.val();
            if self.came_bad_now.val() {
                self.memory.wdata.next = (self.beat.val().data & self.low_half.val()) | self.bus_failed.val();
            }
        }
        // Never read while it is written: what is handed on has come whole.
        self.memory.ren.next = self.hand.ren.val();
        self.memory.raddr.next = self.hand.raddr.val();
        self.hand.rdata.next = self.memory.rdata.val();

        if self.reset.val() {
            self.came_word.d.next = 0.into();
            self.came_bad.d.next = false;
        }
    }
}
