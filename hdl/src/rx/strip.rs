//! Takes the layer 2 header off: what follows it starts a beat.
//!
//! ```text
//!            +-------+
//!  s_axis -->| Strip |--> m_axis  beats behind layer 2
//!  s_frame ->|       |
//!            +-------+
//! ```
//! Latency [`Strip::LATENCY`] clock from the beat with a beat's last byte to that beat out. A beat a clock in at every frame
//! length, never more beats out than in. `m_*` come from flip-flops; `s_axis_ready` is combinational.
//!
//! # Contract
//! - Beats out start at the first byte behind the header; bytes behind the frame's end are not defined. A frame that ends with
//!   its header yields one beat with nothing in it.
//! - Only the plain Ethernet header of 14 bytes is known, as in [`SplitHead`](super::SplitHead).
//!
//! # How
//! One beat is held. When the next one of its frame comes, the two together give a beat out; a held last beat gives what is left of
//! it, if anything is, while the next frame's first beat takes its place. So each beat in makes at most one beat out, one clock
//! later. Beats that lie wholly inside the header (`skip`) make none. What depends on the header's length, here a constant, is
//! `skips`, `tail` (how many bytes of a beat the header reaches into) and the two shifts made of it.

use std::array;

use fpgaflow_abi::wire;

use crate::prelude::*;
use crate::records::{BeatSink, BeatSource, FrameInfo, LENGTH_BITS};

/// Bits of a byte's place in a beat.
const BYTE_BITS: usize = 6;
/// Bits of a shift inside a beat.
const SHIFT_BITS: usize = 10;
/// Bits of the count of a frame's beats up to the first that is not skipped.
const PLACE_BITS: usize = 3;

/// Removes the header from beats of `W` bits. The header lies in the first `SLOTS` beats.
#[derive(LogicBlock)]
pub struct Strip<const W: usize, const SLOTS: usize> {
    /// The block's clock.
    pub clock: Signal<In, Clock>,
    /// Synchronous, active high.
    pub reset: Signal<In, Bit>,
    /// Whole frames.
    pub s_axis: BeatSink<W>,
    /// Length and port of the frame that `s_axis` is at.
    pub s_frame: Signal<In, FrameInfo>,
    /// What is behind the header.
    pub m_axis: BeatSource<W>,

    advance: Signal<Local, Bit>,
    take: Signal<Local, Bit>,

    // The beat that came: its place in the frame, whether it is last and ends within the header's part of it.
    place: DFF<Bits<PLACE_BITS>>,
    length: Signal<Local, Bits<LENGTH_BITS>>,
    last_byte: Signal<Local, Bits<BYTE_BITS>>,
    ends_early: Signal<Local, Bit>,

    // The beat that is held.
    held: DFF<Bits<W>>,
    held_valid: DFF<Bit>,
    held_last: DFF<Bit>,
    held_skip: DFF<Bit>,
    held_ends_early: DFF<Bit>,
    // Its frame has made a beat out.
    emitted: DFF<Bit>,

    emit: Signal<Local, Bit>,
    last: Signal<Local, Bit>,

    data_s1: DFF<Bits<W>>,
    last_s1: DFF<Bit>,
    valid_s1: DFF<Bit>,

    one: Constant<Bits<BYTE_BITS>>,
    next_place: Constant<Bits<PLACE_BITS>>,
    in_beat: Constant<Bits<BYTE_BITS>>,
    tail: Constant<Bits<BYTE_BITS>>,
    shift_held: Constant<Bits<SHIFT_BITS>>,
    shift_next: Constant<Bits<SHIFT_BITS>>,
    slots: [Constant<Bits<PLACE_BITS>>; SLOTS],
    skips: [Constant<Bit>; SLOTS],
}

impl<const W: usize, const SLOTS: usize> Strip<W, SLOTS> {
    /// Clocks from the beat with a beat's last byte to that beat out.
    pub const LATENCY: usize = 1;
}

impl<const W: usize, const SLOTS: usize> Default for Strip<W, SLOTS> {
    fn default() -> Self {
        let bytes = W / 8;
        assert!(bytes.is_power_of_two() && bytes <= 1 << BYTE_BITS, "Strip: beats of {W} bits are not possible");
        assert!(SLOTS * bytes >= wire::ETH_HEADER_BYTES, "Strip: {SLOTS} beats of {W} bits do not hold the header");
        assert!(SLOTS < 1 << PLACE_BITS, "Strip: {SLOTS} beats are too many to count");
        let tail = wire::ETH_HEADER_BYTES % bytes;
        Self {
            clock: Signal::default(),
            reset: Signal::default(),
            s_axis: BeatSink::default(),
            s_frame: Signal::default(),
            m_axis: BeatSource::default(),
            advance: Signal::default(),
            take: Signal::default(),
            place: DFF::default(),
            length: Signal::default(),
            last_byte: Signal::default(),
            ends_early: Signal::default(),
            held: DFF::default(),
            held_valid: DFF::default(),
            held_last: DFF::default(),
            held_skip: DFF::default(),
            held_ends_early: DFF::default(),
            emitted: DFF::default(),
            emit: Signal::default(),
            last: Signal::default(),
            data_s1: DFF::default(),
            last_s1: DFF::default(),
            valid_s1: DFF::default(),
            one: Constant::new(1_u64.into()),
            next_place: Constant::new(1_u64.into()),
            in_beat: Constant::new((bytes as u64 - 1).into()),
            tail: Constant::new((tail as u64).into()),
            shift_held: Constant::new((8 * tail as u64).into()),
            shift_next: Constant::new(((W - 8 * tail) as u64).into()),
            slots: array::from_fn(|slot| Constant::new((slot as u64).into())),
            skips: array::from_fn(|slot| Constant::new((slot + 1) * bytes <= wire::ETH_HEADER_BYTES)),
        }
    }
}

impl<const W: usize, const SLOTS: usize> Logic for Strip<W, SLOTS> {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, place, held, held_valid, held_last, held_skip, held_ends_early, emitted);
        dff_setup!(self, clock, data_s1, last_s1, valid_s1);

        self.advance.next = self.m_axis.ready.val() | !self.valid_s1.q.val();
        self.s_axis.ready.next = self.advance.val();
        self.take.next = self.advance.val() & self.s_axis.valid.val();

        // Place in the beat of the frame's last byte, counted from 0.
        self.length.next = self.s_frame.val().length;
        self.last_byte.next = (bit_cast::<BYTE_BITS, LENGTH_BITS>(self.length.val()) - self.one.val()) & self.in_beat.val();
        self.ends_early.next = self.s_axis.last.val() & (self.last_byte.val() < self.tail.val());

        // The held beat goes when the next one of its frame is there, or when it is the last.
        self.emit.next = false;
        self.last.next = true;
        if self.held_valid.q.val() {
            if self.held_last.q.val() {
                self.emit.next = !self.emitted.q.val() | !(self.held_ends_early.q.val() | self.held_skip.q.val());
            } else {
                self.emit.next = self.s_axis.valid.val() & !self.held_skip.q.val();
                self.last.next = self.ends_early.val();
            }
        }
        if self.advance.val() {
            self.valid_s1.d.next = self.emit.val();
            self.last_s1.d.next = self.last.val();
            self.data_s1.d.next =
                (self.held.q.val() << self.shift_held.val()) | (self.s_axis.data.val() >> self.shift_next.val());
            if self.held_last.q.val() {
                self.held_valid.d.next = false;
                self.emitted.d.next = false;
            } else if self.emit.val() {
                self.emitted.d.next = true;
            }
        }
        if self.take.val() {
            self.held.d.next = self.s_axis.data.val();
            self.held_valid.d.next = true;
            self.held_last.d.next = self.s_axis.last.val();
            self.held_skip.d.next = false;
            self.held_ends_early.d.next = self.ends_early.val();
            for i in 0..SLOTS {
                if self.place.q.val() == self.slots[i].val() {
                    self.held_skip.d.next = self.skips[i].val();
                }
            }
            if self.s_axis.last.val() {
                self.place.d.next = 0.into();
            } else if !self.place.q.val().all() {
                self.place.d.next = self.place.q.val() + self.next_place.val();
            }
        }

        self.m_axis.data.next = self.data_s1.q.val();
        self.m_axis.last.next = self.last_s1.q.val();
        self.m_axis.valid.next = self.valid_s1.q.val();

        if self.reset.val() {
            self.place.d.next = 0.into();
            self.held_valid.d.next = false;
            self.held_last.d.next = false;
            self.emitted.d.next = false;
            self.valid_s1.d.next = false;
        }
    }
}
