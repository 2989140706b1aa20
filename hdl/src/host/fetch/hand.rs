//! Hands descriptors on: one of the rings that have one and somebody who wants it, then its eight words and their verdict.
//!
//! ```text
//!  per ring: offered, hand_at -->[      ]--> ren, raddr; rdata <--
//!                                [ Hand ]--> per ring: hand, word_valid, done, busy; word, place, status
//! ```
//! Throughput: a descriptor every 9 clocks. Latency from `offered` to the first word 3 clocks, to `done` 13.
//!
//! Word 7 of a descriptor holds its CRC in the low half; `BUS_FAILED_BIT` says that the bus failed while it was read.

use std::array;

use fpgaflow_abi::descriptor::{DESCRIPTOR_WORDS, Status};

use super::{AHEAD_BITS, BUS_FAILED_BIT, RAM_BITS, ring_numbers};
use crate::host::crc32::Crc32;
use crate::host::turn::Turn;
use crate::host::types::{HOST_RINGS, STATUS_BITS};
use crate::prelude::*;

/// The block.
#[derive(LogicBlock)]
pub struct Hand {
    /// The block's clock.
    pub clock: Signal<In, Clock>,
    /// Synchronous, active high.
    pub reset: Signal<In, Bit>,
    /// There is a descriptor to hand on, and somebody wants it.
    pub offered: [Signal<In, Bit>; HOST_RINGS],
    /// Where it is in the ring's part of the RAM.
    pub hand_at: [Signal<In, Bits<AHEAD_BITS>>; HOST_RINGS],
    /// It has been read.
    pub hand: [Signal<Out, Bit>; HOST_RINGS],
    /// A descriptor of the ring is on its way.
    pub busy: [Signal<Out, Bit>; HOST_RINGS],
    /// The RAM that holds the descriptors, read latency 2 clocks.
    pub ren: Signal<Out, Bit>,
    /// Where to read.
    pub raddr: Signal<Out, Bits<RAM_BITS>>,
    /// What was read.
    pub rdata: Signal<In, Bits<64>>,
    /// A word of a descriptor of this ring.
    pub word_valid: [Signal<Out, Bit>; HOST_RINGS],
    /// The word.
    pub word: Signal<Out, Bits<64>>,
    /// Which word it is.
    pub place: Signal<Out, Bits<3>>,
    /// A descriptor of this ring is complete.
    pub done: [Signal<Out, Bit>; HOST_RINGS],
    /// What is wrong with it.
    pub status: Signal<Out, Bits<STATUS_BITS>>,
    turn: Turn,
    reading: DFF<Bit>,
    ring: DFF<Bits<2>>,
    at: DFF<Bits<AHEAD_BITS>>,
    chosen_at: Signal<Local, Bits<AHEAD_BITS>>,
    next_word: DFF<Bits<3>>,
    ends: Signal<Local, Bit>,
    // s1: the word is in the RAM's output; s2: it is in the RAM's register, which is the output; s3, s4: it goes
    // into the CRC; s5: the verdict.
    valid_s1: DFF<Bit>,
    place_s1: DFF<Bits<3>>,
    ring_s1: DFF<Bits<2>>,
    valid_s2: DFF<Bit>,
    place_s2: DFF<Bits<3>>,
    ring_s2: DFF<Bits<2>>,
    // Of a descriptor's last word: that it comes, whose it is, whether the bus failed.
    is_last: Signal<Local, Bit>,
    last_s3: DFF<Bit>,
    last_s4: DFF<Bit>,
    done_s5: DFF<Bit>,
    ring_last: DFF<Bits<2>>,
    failed_last: DFF<Bit>,
    status_s5: DFF<Bits<STATUS_BITS>>,
    crc: Crc32,
    numbers: [Constant<Bits<2>>; HOST_RINGS],
    one: Constant<Bits<3>>,
    last_word: Constant<Bits<3>>,
    status_ok: Constant<Bits<STATUS_BITS>>,
    status_crc: Constant<Bits<STATUS_BITS>>,
    status_bus: Constant<Bits<STATUS_BITS>>,
}

impl Default for Hand {
    fn default() -> Self {
        let status = |status: Status| Constant::new((status as u64).into());
        Self {
            clock: Signal::default(),
            reset: Signal::default(),
            offered: array::from_fn(|_| Signal::default()),
            hand_at: array::from_fn(|_| Signal::default()),
            hand: array::from_fn(|_| Signal::default()),
            busy: array::from_fn(|_| Signal::default()),
            ren: Signal::default(),
            raddr: Signal::default(),
            rdata: Signal::default(),
            word_valid: array::from_fn(|_| Signal::default()),
            word: Signal::default(),
            place: Signal::default(),
            done: array::from_fn(|_| Signal::default()),
            status: Signal::default(),
            turn: Turn::default(),
            reading: DFF::default(),
            ring: DFF::default(),
            at: DFF::default(),
            chosen_at: Signal::default(),
            next_word: DFF::default(),
            ends: Signal::default(),
            valid_s1: DFF::default(),
            place_s1: DFF::default(),
            ring_s1: DFF::default(),
            valid_s2: DFF::default(),
            place_s2: DFF::default(),
            ring_s2: DFF::default(),
            is_last: Signal::default(),
            last_s3: DFF::default(),
            last_s4: DFF::default(),
            done_s5: DFF::default(),
            ring_last: DFF::default(),
            failed_last: DFF::default(),
            status_s5: DFF::default(),
            crc: Crc32::default(),
            numbers: ring_numbers(),
            one: Constant::new(1_u64.into()),
            last_word: Constant::new((DESCRIPTOR_WORDS as u64 - 1).into()),
            status_ok: status(Status::Ok),
            status_crc: status(Status::BadCrc),
            status_bus: status(Status::BusError),
        }
    }
}

impl Logic for Hand {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, reading, ring, at, next_word, valid_s1, place_s1, ring_s1, valid_s2, place_s2, ring_s2);
        dff_setup!(self, clock, last_s3, last_s4, done_s5, ring_last, failed_last, status_s5);
        self.crc.clock.next = self.clock.val();

        // Whose descriptor.
        self.turn.last.next = self.ring.q.val();
        for i in 0..HOST_RINGS {
            self.turn.wants[i].next = self.offered[i].val();
        }
        self.chosen_at.next = self.hand_at[0].val();
        for i in 1..HOST_RINGS {
            if self.turn.choice.val() == self.numbers[i].val() {
                self.chosen_at.next = self.hand_at[i].val();
            }
        }
        self.ends.next = self.reading.q.val() & (self.next_word.q.val() == self.last_word.val());
        if !self.reading.q.val() {
            self.reading.d.next = self.turn.found.val();
            self.ring.d.next = self.turn.choice.val();
            self.at.d.next = self.chosen_at.val();
        } else {
            self.next_word.d.next = self.next_word.q.val() + self.one.val();
            self.reading.d.next = !self.ends.val();
        }

        // Its words.
        self.ren.next = self.reading.q.val();
        for shift in (AHEAD_BITS as u64 + 3)..(AHEAD_BITS as u64 + 4) {
            self.raddr.next = bit_cast::<RAM_BITS, 3>(self.next_word.q.val())
                | (bit_cast::<RAM_BITS, AHEAD_BITS>(self.at.q.val()) << 3)
                | (bit_cast::<RAM_BITS, 2>(self.ring.q.val()) << shift);
        }
        self.valid_s1.d.next = self.reading.q.val();
        self.place_s1.d.next = self.next_word.q.val();
        self.ring_s1.d.next = self.ring.q.val();
        self.valid_s2.d.next = self.valid_s1.q.val();
        self.place_s2.d.next = self.place_s1.q.val();
        self.ring_s2.d.next = self.ring_s1.q.val();
        self.word.next = self.rdata.val();
        self.place.next = self.place_s2.q.val();

        // Its verdict: word 7 holds the CRC of words 0 to 6 when its lower half turns the state into ones. No word of the next one comes in between.
        self.crc.clear.next = self.valid_s1.q.val() & !self.place_s1.q.val().any();
        self.crc.word_valid.next = self.valid_s2.q.val();
        self.crc.word.next = self.rdata.val();
        self.is_last.next = self.valid_s2.q.val() & (self.place_s2.q.val() == self.last_word.val());
        self.last_s3.d.next = self.is_last.val();
        if self.is_last.val() {
            self.ring_last.d.next = self.ring_s2.q.val();
            for failed in BUS_FAILED_BIT..(BUS_FAILED_BIT + 1) {
                self.failed_last.d.next = self.rdata.val().get_bit(failed);
            }
        }
        self.last_s4.d.next = self.last_s3.q.val();
        self.done_s5.d.next = self.last_s4.q.val();
        self.status_s5.d.next = self.status_ok.val();
        if self.failed_last.q.val() {
            self.status_s5.d.next = self.status_bus.val();
        } else if !self.crc.mixed.val().all() {
            self.status_s5.d.next = self.status_crc.val();
        }
        self.status.next = self.status_s5.q.val();

        for i in 0..HOST_RINGS {
            self.hand[i].next = self.ends.val() & (self.ring.q.val() == self.numbers[i].val());
            self.word_valid[i].next = self.valid_s2.q.val() & (self.ring_s2.q.val() == self.numbers[i].val());
            self.done[i].next = self.done_s5.q.val() & (self.ring_last.q.val() == self.numbers[i].val());
            self.busy[i].next = (self.reading.q.val() & (self.ring.q.val() == self.numbers[i].val()))
                | (self.valid_s1.q.val() & (self.ring_s1.q.val() == self.numbers[i].val()))
                | (self.valid_s2.q.val() & (self.ring_s2.q.val() == self.numbers[i].val()))
                | ((self.last_s3.q.val() | self.last_s4.q.val() | self.done_s5.q.val())
                    & (self.ring_last.q.val() == self.numbers[i].val()));
        }
        if self.reset.val() {
            self.reading.d.next = false;
            self.ring.d.next = 0.into();
            self.next_word.d.next = 0.into();
            self.valid_s1.d.next = false;
            self.valid_s2.d.next = false;
            self.last_s3.d.next = false;
            self.last_s4.d.next = false;
            self.done_s5.d.next = false;
        }
    }
}
