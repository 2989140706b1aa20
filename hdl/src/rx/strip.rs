//! Takes the layer 2 header off: what follows it starts a beat.
//!
//! ```text
//!                                     +-------+
//!  header_valid, l2_length, length -->|       |
//!  s_axis --------------------------->| Strip |--> m_axis  beats behind layer 2
//!                                     +-------+
//! ```
//! Latency [`Strip::LATENCY`] clock from the beat with a beat's last byte to that beat out. A beat a clock in at every length of frame and
//! header, never more beats out than in. `m_*` come from flip-flops; `s_axis_ready` is combinational.
//!
//! # Contract
//! - One `header_valid` pulse a frame, in the frames' order, says what comes off. A frame's first beat is taken when its header has been
//!   told; up to `2^AW` frames may be told of before their first beat is taken.
//! - Beats out start at the first byte behind the header; bytes behind the frame's end are not defined. A frame that ends with
//!   its header yields one beat with nothing in it.
//!
//! # How
//! What depends on the header's length is found once a frame, before it waits for the frame's first beat: how many beats lie wholly in the
//! header (`skips`), by how far the rest is moved (`moves`, one bit for each length), and whether the last beat ends within what is moved away.
//!
//! One beat is held. When the next one of its frame comes, the two together give a beat out; a held last beat gives what is left of
//! it, if anything is, while the next frame's first beat takes its place. So each beat in makes at most one beat out, one clock
//! later. Beats that are skipped make none.

#![allow(missing_docs, reason = "the derive of rust-hdl writes public methods without a word; every item of ours has one")]

use std::array;

use super::split_head::{L2_LENGTH_BITS, L2_LENGTHS, l2_bytes};
use crate::prelude::*;
use crate::records::{BeatSink, BeatSource, LENGTH_BITS};

/// Bits of a byte's place in a beat.
const BYTE_BITS: usize = 6;
/// Bits of a shift inside a beat.
const SHIFT_BITS: usize = 10;
/// Bits of the count of a frame's beats up to the first that is not skipped.
const PLACE_BITS: usize = 3;

/// How the header of one frame comes off.
#[derive(Copy, Clone, Debug, Default, PartialEq, LogicStruct)]
pub struct Cut {
    /// Which of the lengths that layer 2 may have; one bit is set.
    pub moves: Bits<L2_LENGTHS>,
    /// Beats that hold nothing but header.
    pub skips: Bits<PLACE_BITS>,
    /// What the last beat has belongs to the beat out before it.
    pub ends_early: Bit,
}

/// Removes the header from beats of `W` bits. Up to `2^AW` frames' headers wait; `CW` is `AW + 1`.
#[derive(LogicBlock)]
pub struct Strip<const W: usize, const AW: usize, const CW: usize> {
    /// The block's clock.
    pub clock: Signal<In, Clock>,
    /// Synchronous, active high.
    pub reset: Signal<In, Bit>,
    /// A frame's header is known.
    pub header_valid: Signal<In, Bit>,
    /// Bytes of it: one of the lengths of `L2Record`.
    pub l2_length: Signal<In, Bits<L2_LENGTH_BITS>>,
    /// Bytes of the frame.
    pub length: Signal<In, Bits<LENGTH_BITS>>,
    /// Whole frames.
    pub s_axis: BeatSink<W>,
    /// What is behind the header.
    pub m_axis: BeatSource<W>,

    // What a header's length means, and its way to the frame's first beat.
    in_last: Signal<Local, Bits<BYTE_BITS>>,
    is_length: [Signal<Local, Bit>; L2_LENGTHS],
    ends: Signal<Local, Bit>,
    moves: Signal<Local, Bits<L2_LENGTHS>>,
    skips: Signal<Local, Bits<PLACE_BITS>>,
    cuts: SmallFifo<Cut, AW, CW>,

    advance: Signal<Local, Bit>,
    known: Signal<Local, Bit>,
    take: Signal<Local, Bit>,

    // The beat that came: its place in the frame, whether it is last and has nothing for a beat out of its own.
    place: DFF<Bits<PLACE_BITS>>,
    cut: DFF<Cut>,
    cut_now: Signal<Local, Cut>,
    ends_early: Signal<Local, Bit>,

    // The beat that is held; `cut` is its frame's.
    held: DFF<Bits<W>>,
    held_valid: DFF<Bit>,
    held_last: DFF<Bit>,
    held_skip: DFF<Bit>,
    held_ends_early: DFF<Bit>,
    held_moves: Signal<Local, Bits<L2_LENGTHS>>,
    // Its frame has made a beat out.
    emitted: DFF<Bit>,

    emit: Signal<Local, Bit>,
    last: Signal<Local, Bit>,

    data_s1: DFF<Bits<W>>,
    last_s1: DFF<Bit>,
    valid_s1: DFF<Bit>,

    next_place: Constant<Bits<PLACE_BITS>>,
    in_beat: Constant<Bits<BYTE_BITS>>,
    lengths: [Constant<Bits<L2_LENGTH_BITS>>; L2_LENGTHS],
    // Bytes that a last beat may have of which none is left: a bit each.
    early: [Constant<Bits<64>>; L2_LENGTHS],
    skipped: [Constant<Bits<PLACE_BITS>>; L2_LENGTHS],
    shift_held: [Constant<Bits<SHIFT_BITS>>; L2_LENGTHS],
    shift_next: [Constant<Bits<SHIFT_BITS>>; L2_LENGTHS],
}

impl<const W: usize, const AW: usize, const CW: usize> Strip<W, AW, CW> {
    /// Clocks from the beat with a beat's last byte to that beat out.
    pub const LATENCY: usize = 1;
}

impl<const W: usize, const AW: usize, const CW: usize> Default for Strip<W, AW, CW> {
    fn default() -> Self {
        let bytes = W / 8;
        assert!(bytes.is_power_of_two() && bytes <= 1 << BYTE_BITS, "Strip: beats of {W} bits are not possible");
        assert!(
            (0..L2_LENGTHS)
                .all(|words| !l2_bytes(words).is_multiple_of(bytes) && l2_bytes(words) / bytes < (1 << PLACE_BITS) - 1),
            "Strip: a header in beats of {W} bits has too many of them, or ends with one"
        );
        let tail = |words: usize| l2_bytes(words) % bytes;
        Self {
            clock: Signal::default(),
            reset: Signal::default(),
            header_valid: Signal::default(),
            l2_length: Signal::default(),
            length: Signal::default(),
            s_axis: BeatSink::default(),
            m_axis: BeatSource::default(),
            in_last: Signal::default(),
            is_length: array::from_fn(|_| Signal::default()),
            ends: Signal::default(),
            moves: Signal::default(),
            skips: Signal::default(),
            cuts: SmallFifo::default(),
            advance: Signal::default(),
            known: Signal::default(),
            take: Signal::default(),
            place: DFF::default(),
            cut: DFF::default(),
            cut_now: Signal::default(),
            ends_early: Signal::default(),
            held: DFF::default(),
            held_valid: DFF::default(),
            held_last: DFF::default(),
            held_skip: DFF::default(),
            held_ends_early: DFF::default(),
            held_moves: Signal::default(),
            emitted: DFF::default(),
            emit: Signal::default(),
            last: Signal::default(),
            data_s1: DFF::default(),
            last_s1: DFF::default(),
            valid_s1: DFF::default(),
            next_place: Constant::new(1_u64.into()),
            in_beat: Constant::new((bytes as u64 - 1).into()),
            lengths: array::from_fn(|words| Constant::new((l2_bytes(words) as u64).into())),
            early: array::from_fn(|words| Constant::new(((2_u64 << tail(words)) - 2).into())),
            skipped: array::from_fn(|words| Constant::new(((l2_bytes(words) / bytes) as u64).into())),
            shift_held: array::from_fn(|words| Constant::new((8 * tail(words) as u64).into())),
            shift_next: array::from_fn(|words| Constant::new(((W - 8 * tail(words)) as u64).into())),
        }
    }
}

impl<const W: usize, const AW: usize, const CW: usize> Logic for Strip<W, AW, CW> {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, place, cut, held, held_valid, held_last, held_skip, held_ends_early, emitted);
        dff_setup!(self, clock, data_s1, last_s1, valid_s1);
        clock!(self, clock, cuts);
        self.cuts.reset.next = self.reset.val();

        // How the header comes off: of a frame's last beat, a full one has more than what is moved away.
        self.in_last.next = bit_cast::<BYTE_BITS, LENGTH_BITS>(self.length.val()) & self.in_beat.val();
        self.ends.next = false;
        self.moves.next = 0.into();
        self.skips.next = 0.into();
        for i in 0..L2_LENGTHS {
            self.is_length[i].next = self.l2_length.val() == self.lengths[i].val();
            if self.is_length[i].val() {
                self.ends.next = self.ends.val() | self.early[i].val().get_bit(self.in_last.val().index());
                self.moves.next = self.moves.val().replace_bit(i, true);
                self.skips.next = self.skips.val() | self.skipped[i].val();
            }
        }
        self.cuts.s_axis.valid.next = self.header_valid.val();
        self.cuts.s_axis.data.next.moves = self.moves.val();
        self.cuts.s_axis.data.next.skips = self.skips.val();
        self.cuts.s_axis.data.next.ends_early = self.ends.val();

        self.advance.next = self.m_axis.ready.val() | !self.valid_s1.q.val();
        self.known.next = self.place.q.val().any() | self.cuts.m_axis.valid.val();
        self.s_axis.ready.next = self.advance.val() & self.known.val();
        self.take.next = self.advance.val() & self.known.val() & self.s_axis.valid.val();
        self.cuts.m_axis.ready.next = self.take.val() & !self.place.q.val().any();
        self.cut_now.next = self.cut.q.val();
        if !self.place.q.val().any() {
            self.cut_now.next = self.cuts.m_axis.data.val();
        }
        self.ends_early.next = self.s_axis.last.val() & self.cut_now.val().ends_early;

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
        self.held_moves.next = self.cut.q.val().moves;
        if self.advance.val() {
            self.valid_s1.d.next = self.emit.val();
            self.last_s1.d.next = self.last.val();
            for i in 0..L2_LENGTHS {
                if self.held_moves.val().get_bit(i) {
                    self.data_s1.d.next =
                        (self.held.q.val() << self.shift_held[i].val()) | (self.s_axis.data.val() >> self.shift_next[i].val());
                }
            }
            if self.held_last.q.val() {
                self.held_valid.d.next = false;
                self.emitted.d.next = false;
            } else if self.emit.val() {
                self.emitted.d.next = true;
            }
        }
        if self.take.val() {
            self.cut.d.next = self.cut_now.val();
            self.held.d.next = self.s_axis.data.val();
            self.held_valid.d.next = true;
            self.held_last.d.next = self.s_axis.last.val();
            self.held_skip.d.next = self.place.q.val() < self.cut_now.val().skips;
            self.held_ends_early.d.next = self.ends_early.val();
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
