//! Puts a layer 2 header before the packet and fills the frame up to its length.
//!
//! ```text
//!                   +---------+
//!  s_axis_heading ->| Prepend |--> m_axis, tag
//!  s_axis --------->|         |
//!                   +---------+
//! ```
//! Latency [`Prepend::LATENCY`] clock from heading to first beat; the beats come straight from the shift, so a [`Skid`] (in
//! [`Route`](super::Route)) follows. A beat out a clock, no bubble between frames.
//!
//! # Contract
//! - A frame out is the header, then the packet, then zeros, `frame_last + 1` bytes in all: what the packet lacks is zero, the bytes
//!   behind the frame's end in its last beat are not defined.
//! - A frame out never ends before the last beat of its packet in: `frame_last + 1` is at least the length of both.
//! - The heading is taken when the last of the header has left or is on its way out.
//!
//! # How
//! Header and packet make one sequence of beats: the header ends with a beat, the packet starts with one. A beat out is the end of
//! one of these and the start of the next ([`Splice`]); how many bytes of each depends on the header's length alone. The first beat of a
//! header is fetched while the last of the frame before leaves, so nothing is lost between frames.

#![allow(missing_docs, reason = "the derive of rust-hdl writes public methods without a word; every item of ours has one")]

use fpgaflow_abi::wire;

use super::{Splice, beat_shift};
use crate::prelude::*;
use crate::records::{BeatSink, BeatSource, LENGTH_BITS, PuntInfo};

/// Bits of a placed header: 4 beats of 64 bits, or the end of a wider one.
pub const HEADER_BITS: usize = 256;
/// Headers differ by words of this many bits.
pub const SHIFT_STEP: u64 = 32;
/// Bits of the number of such words that a header is shorter than the longest.
pub const SHIFT_BITS: usize = 3;
/// Bits of the number of a header's beats behind its first.
pub const LEAD_BITS: usize = 2;

/// Lengths that a header can have: 14, 18, 22, 26 and 30 bytes.
const HEADER_LENGTHS: u64 = 5;

/// Places in a beat of `width` bits where one of these lengths ends.
pub const fn header_shifts(width: usize) -> u64 {
    let words = width as u64 / SHIFT_STEP;
    if words < HEADER_LENGTHS { words } else { HEADER_LENGTHS }
}

/// Bits of the longest header in the beat of `width` bits that it shares with the packet.
pub const fn longest_rest(width: usize) -> u64 {
    (8 * wire::MAX_L2_BYTES % width) as u64
}

/// Beats of `width` bits in a placed header.
const fn header_beats(width: usize) -> u64 {
    if width < HEADER_BITS { (HEADER_BITS / width) as u64 } else { 1 }
}

/// Where the first of them begins.
const fn first_lsb(width: usize) -> u64 {
    HEADER_BITS.saturating_sub(width) as u64
}

/// Whose beats these are.
#[derive(Copy, Clone, Debug, Default, PartialEq, LogicStruct)]
pub struct Tag {
    /// To the port that `punt.frame` names; else to the host.
    pub forward: Bit,
    /// For the host. `punt.frame` is the frame as it leaves: its length, and the port to leave by or, for the host, came in by.
    pub punt: PuntInfo,
}

/// What to put before a packet.
#[derive(Copy, Clone, Debug, Default, PartialEq, LogicStruct)]
pub struct Heading {
    /// The header, its end at the end of a beat: of beat `lead`, where beat 0 is the most significant `W` bits.
    pub header: Bits<HEADER_BITS>,
    /// How many words of 4 bytes it is shorter than the longest, modulo a beat.
    pub shift: Bits<SHIFT_BITS>,
    /// Beats it has behind the first.
    pub lead: Bits<LEAD_BITS>,
    /// Bytes of the frame, less one.
    pub frame_last: Bits<LENGTH_BITS>,
    /// As in [`Tag`].
    pub forward: Bit,
    /// As in [`Tag`].
    pub punt: PuntInfo,
}

/// Makes frames of `W` bits a beat.
#[derive(LogicBlock)]
pub struct Prepend<const W: usize> {
    /// The block's clock.
    pub clock: Signal<In, Clock>,
    /// Synchronous, active high; forgets the frame under way.
    pub reset: Signal<In, Bit>,
    /// One a frame.
    pub s_axis_heading: StreamSink<Heading>,
    /// Packets.
    pub s_axis: BeatSink<W>,
    /// Frames.
    pub m_axis: BeatSource<W>,
    /// Whose, beside the beats.
    pub tag: Signal<Out, Tag>,

    heading: Signal<Local, Heading>,
    header: Signal<Local, Bits<HEADER_BITS>>,
    header_start: Signal<Local, Bits<HEADER_BITS>>,
    header_rest: Signal<Local, Bits<HEADER_BITS>>,
    in_header: Signal<Local, Bit>,
    following: Signal<Local, Bits<W>>,
    splice: Splice<W>,
    ends: Signal<Local, Bit>,
    can_send: Signal<Local, Bit>,
    send: Signal<Local, Bit>,
    start: Signal<Local, Bit>,
    new_tag: Signal<Local, Tag>,

    // The frame under way.
    busy: DFF<Bit>,
    held: DFF<Bits<W>>,
    // The header's beat that follows, up to `lead`; then the packet's, while there are any.
    header_at: DFF<Bits<{ LEAD_BITS + 1 }>>,
    lead: DFF<Bits<LEAD_BITS>>,
    in_body: DFF<Bit>,
    beats_left: DFF<Bits<LENGTH_BITS>>,
    shift: DFF<Bits<SHIFT_BITS>>,
    tag_s1: DFF<Tag>,

    no_beats: Constant<Bits<LENGTH_BITS>>,
    no_lead: Constant<Bits<LEAD_BITS>>,
    one_beat: Constant<Bits<LENGTH_BITS>>,
    one: Constant<Bits<{ LEAD_BITS + 1 }>>,
}

impl<const W: usize> Prepend<W> {
    /// Clocks from heading to first beat.
    pub const LATENCY: usize = 1;
}

impl<const W: usize> Default for Prepend<W> {
    fn default() -> Self {
        assert!(W >= 64 && W.is_power_of_two(), "Prepend: beats of {W} bits, not 64 or a larger power of two");
        Self {
            clock: Signal::default(),
            reset: Signal::default(),
            s_axis_heading: StreamSink::default(),
            s_axis: BeatSink::default(),
            m_axis: BeatSource::default(),
            tag: Signal::default(),
            heading: Signal::default(),
            header: Signal::default(),
            header_start: Signal::default(),
            header_rest: Signal::default(),
            in_header: Signal::default(),
            following: Signal::default(),
            splice: Splice::default(),
            ends: Signal::default(),
            can_send: Signal::default(),
            send: Signal::default(),
            start: Signal::default(),
            new_tag: Signal::default(),
            busy: DFF::default(),
            held: DFF::default(),
            header_at: DFF::default(),
            lead: DFF::default(),
            in_body: DFF::default(),
            beats_left: DFF::default(),
            shift: DFF::default(),
            tag_s1: DFF::default(),
            no_beats: Constant::new(0_u64.into()),
            no_lead: Constant::new(0_u64.into()),
            one_beat: Constant::new(1_u64.into()),
            one: Constant::new(1_u64.into()),
        }
    }
}

impl<const W: usize> Logic for Prepend<W> {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, busy, held, header_at, lead, in_body, beats_left, shift, tag_s1);
        self.heading.next = self.s_axis_heading.data.val();
        self.header.next = self.heading.val().header;
        self.header_start.next = 0.into();
        for first in first_lsb(W)..(first_lsb(W) + 1) {
            self.header_start.next = self.header.val() >> first;
        }

        // What follows the beat that is held: the header, the packet, zeros.
        self.header_rest.next = 0.into();
        for first in first_lsb(W)..(first_lsb(W) + 1) {
            for width in (W as u64)..(W as u64 + 1) {
                for i in 1_u64..header_beats(W) {
                    if self.header_at.q.val() == i {
                        self.header_rest.next = self.header.val() >> (first - (width * i));
                    }
                }
            }
        }
        self.in_header.next = self.header_at.q.val() <= bit_cast::<{ LEAD_BITS + 1 }, LEAD_BITS>(self.lead.q.val());
        self.following.next = 0.into();
        if self.in_header.val() {
            self.following.next = bit_cast::<W, HEADER_BITS>(self.header_rest.val());
        } else if self.in_body.q.val() {
            self.following.next = self.s_axis.data.val();
        }

        // A beat out: the end of the one, the start of the other.
        self.splice.held.next = self.held.q.val();
        self.splice.following.next = self.following.val();
        self.splice.shift.next = self.shift.q.val();
        self.m_axis.data.next = self.splice.beat.val();
        self.ends.next = self.beats_left.q.val() == self.no_beats.val();
        self.can_send.next = self.busy.q.val() & (self.in_header.val() | !self.in_body.q.val() | self.s_axis.valid.val());
        self.m_axis.last.next = self.ends.val();
        self.m_axis.valid.next = self.can_send.val();
        self.send.next = self.can_send.val() & self.m_axis.ready.val();
        self.s_axis.ready.next = self.busy.q.val() & self.in_body.q.val() & !self.in_header.val() & self.m_axis.ready.val();
        self.start.next = self.s_axis_heading.valid.val() & (!self.busy.q.val() | (self.send.val() & self.ends.val()));

        // The frame goes on.
        self.s_axis_heading.ready.next = false;
        if self.send.val() {
            self.held.d.next = self.following.val();
            self.beats_left.d.next = self.beats_left.q.val() - self.one_beat.val();
            if self.in_header.val() {
                self.header_at.d.next = self.header_at.q.val() + self.one.val();
                self.s_axis_heading.ready.next =
                    self.header_at.q.val() == bit_cast::<{ LEAD_BITS + 1 }, LEAD_BITS>(self.lead.q.val());
            } else if self.in_body.q.val() {
                self.in_body.d.next = !self.s_axis.last.val();
            }
            if self.ends.val() {
                self.busy.d.next = false;
            }
        }

        // The next one starts.
        self.new_tag.next.forward = self.heading.val().forward;
        self.new_tag.next.punt = self.heading.val().punt;
        if self.start.val() {
            self.busy.d.next = true;
            self.in_body.d.next = true;
            self.held.d.next = bit_cast::<W, HEADER_BITS>(self.header_start.val());
            self.header_at.d.next = self.one.val();
            self.lead.d.next = self.heading.val().lead;
            self.shift.d.next = self.heading.val().shift;
            for at in (beat_shift(W) as u64)..(beat_shift(W) as u64 + 1) {
                self.beats_left.d.next = self.heading.val().frame_last >> at;
            }
            self.tag_s1.d.next = self.new_tag.val();
            self.s_axis_heading.ready.next = self.heading.val().lead == self.no_lead.val();
        }
        self.tag.next = self.tag_s1.q.val();

        if self.reset.val() {
            self.busy.d.next = false;
        }
    }
}
