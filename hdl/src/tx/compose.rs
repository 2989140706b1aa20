//! Composes frames of 64 bits a beat: a header before a packet that is rewritten, or before what came with a frame that is punted.
//!
//! ```text
//!  s_axis_verdict ->+---------+
//!  s_axis_l2 ------>| Compose |--> m_axis, tag
//!  s_axis --------->|         |
//!                   +---------+
//! ```
//! Latency [`Compose::LATENCY`] clocks from verdict to first beat, which comes straight from the beats that it is made of: a register follows. No
//! bubble between frames of [`Compose::UNHURRIED_BEATS`] beats and more. `m_axis_last`, `m_axis_valid` and `s_axis_ready` are a lookup table each behind flip-flops.
//!
//! # Contract
//! - That of [`NarrowMerge`](super::NarrowMerge) as to what a frame becomes. Verdict and layer 2 header are taken with the last word of the header.
//! - `tag` stays as it is until a beat of the next frame is there, and while `m_axis_ready` is low: the beat that was taken last is its.
//!
//! # How
//! Wider beats have all of a packet's fields in them at once, and frames that are one beat; here a frame is a sequence, and nothing is laid out before the step
//! that needs it. A beat out is a word of the header ([`HeaderWords`]), or the end of the beat of the packet that is held and the start of the one that
//! follows, with its fields written ([`FieldWords`]); the header's last word comes with a start of a packet behind nothing held. So what is
//! put together are bits of which all but one are zero, or that a flip-flop chooses.
//!
//! What follows from a length is found while the verdict waits. Which beats a frame ends with, its packet's last or one more, is known from how
//! much header and packet have in theirs.

use std::array;

use fpgaflow_abi::wire;

use super::header_words::{MORE_WORDS, UNITS_BITS};
use super::prepend::{SHIFT_BITS, Tag};
use super::{FieldWords, HeaderWords, SHORT_BITS, SHORT_HIGH, SHORT_ONES, SHORT_ZEROS, Splice};
use crate::prelude::*;
use crate::records::{BeatSink, BeatSource, FrameInfo, L2Record, LENGTH_BITS, PuntInfo, Verdict};

/// Bytes of a beat.
const BEAT_BYTES: usize = 8;
/// Bits of the number of beats in a packet. No length comes near half of what it can say, so the first is a sign.
const COUNT_BITS: usize = LENGTH_BITS - 3;
/// Bits of the number of a beat among those of the shortest frame.
const BEAT_BITS: usize = 3;
/// Beats of the shortest frame.
const SHORTEST_BEATS: usize = wire::MIN_FRAME_BYTES.div_ceil(BEAT_BYTES);
/// Bytes of a header beyond whole units.
const HEADER_REST: usize = wire::ETH_HEADER_BYTES % 4;

const _: () = assert!(SHORTEST_BEATS == 1 << BEAT_BITS);

/// Composes frames.
#[derive(LogicBlock)]
pub struct Compose {
    /// The block's clock.
    pub clock: Signal<In, Clock>,
    /// Synchronous, active high; forgets the frame under way.
    pub reset: Signal<In, Bit>,
    /// What becomes of a frame.
    pub s_axis_verdict: StreamSink<Verdict>,
    /// Its layer 2 header as it came.
    pub s_axis_l2: StreamSink<L2Record>,
    /// What was behind it.
    pub s_axis: BeatSink<64>,
    /// Frames.
    pub m_axis: BeatSource<64>,
    /// Whose, beside the beats.
    pub tag: Signal<Out, Tag>,

    header: HeaderWords,
    fields: FieldWords,
    splice: Splice<64>,

    // There is a verdict, and what `header` says of it counts.
    valid_s1: DFF<Bit>,
    // Beats of the packet less two, of the one that is next.
    beats_s2: DFF<Bits<COUNT_BITS>>,

    // The frame under way. `over`: there is none, or its last beat leaves.
    busy: DFF<Bit>,
    over: DFF<Bit>,
    // Word of the header that comes next, a bit each, none for the first; that it is one behind the first; and that it is the header's last.
    at: DFF<Bits<MORE_WORDS>>,
    in_header: DFF<Bit>,
    begins: DFF<Bit>,
    // The beat that follows the one held is the packet's; a punted one's, with whose last the frame ends.
    in_body: DFF<Bit>,
    // Beats of the packet behind that, less one; that one is its last.
    left: DFF<Bits<COUNT_BITS>>,
    at_end: DFF<Bit>,
    // What is left of a frame whose packet has ended.
    surplus: DFF<Bit>,
    // Beats of the frame that have left, up to those of the shortest.
    beat: DFF<Bits<BEAT_BITS>>,
    short: DFF<Bit>,
    // From the header's last word on: how it goes on.
    odd: DFF<Bit>,
    one_more: DFF<Bit>,

    // The beats that are put together.
    head_start: DFF<Bits<16>>,
    head_middle: DFF<Bits<32>>,
    head_end: DFF<Bits<16>>,
    held: DFF<Bits<64>>,
    tag_s2: DFF<Tag>,

    verdict: Signal<Local, Verdict>,
    arrived: Signal<Local, FrameInfo>,
    word: Signal<Local, Bits<64>>,
    units: Signal<Local, Bits<UNITS_BITS>>,
    length: Signal<Local, Bits<LENGTH_BITS>>,
    open: Signal<Local, Bit>,
    step: Signal<Local, Bit>,
    start: Signal<Local, Bit>,
    take: Signal<Local, Bit>,
    body_next: Signal<Local, Bit>,
    end_next: Signal<Local, Bit>,
    last_next: Signal<Local, Bit>,
    last_0: Signal<Local, Bit>,
    last_1: Signal<Local, Bit>,
    last_2: Signal<Local, Bit>,
    whole: Signal<Local, Bit>,
    is_short: Signal<Local, Bit>,
    no_body: Signal<Local, Bit>,
    left_next: Signal<Local, Bits<COUNT_BITS>>,
    header_bytes: Signal<Local, Bits<LENGTH_BITS>>,
    put_before: Signal<Local, Bits<LENGTH_BITS>>,
    units_off: Signal<Local, Bits<{ UNITS_BITS + 1 }>>,
    rest_off: Signal<Local, Bits<LENGTH_BITS>>,
    taken_off: Signal<Local, Bits<LENGTH_BITS>>,
    beyond: Signal<Local, Bits<LENGTH_BITS>>,
    head: Signal<Local, Bits<64>>,
    masked: Signal<Local, Bits<64>>,
    following: Signal<Local, Bits<64>>,
    keep: Signal<Local, Bits<8>>,
    frame_length: Signal<Local, Bits<LENGTH_BITS>>,
    new_tag: Signal<Local, Tag>,
    new_punt: Signal<Local, PuntInfo>,
    new_frame: Signal<Local, FrameInfo>,
    started_tag: Signal<Local, Tag>,
    started_punt: Signal<Local, PuntInfo>,
    started_frame: Signal<Local, FrameInfo>,
    tag_punt: Signal<Local, PuntInfo>,
    tag_frame: Signal<Local, FrameInfo>,
    tag_out: Signal<Local, Tag>,

    one_left: Constant<Bits<COUNT_BITS>>,
    one_beat: Constant<Bits<BEAT_BITS>>,
    two_units: Constant<Bits<{ UNITS_BITS + 1 }>>,
    one_byte: Constant<Bits<LENGTH_BITS>>,
    before_last: Constant<Bits<BEAT_BITS>>,
    min_bytes: Constant<Bits<LENGTH_BITS>>,
    second: Constant<Bits<MORE_WORDS>>,
    rest: Constant<Bits<LENGTH_BITS>>,
    least_units: Constant<Bits<UNITS_BITS>>,
    lane: [Constant<Bits<64>>; 8],
    all_of_rest: Constant<Bits<SHIFT_BITS>>,
    less_of_rest: Constant<Bits<SHIFT_BITS>>,
}

impl Compose {
    /// Clocks from verdict to first beat.
    pub const LATENCY: usize = 2;
    /// Beats of frames that follow each other without a bubble.
    pub const UNHURRIED_BEATS: usize = 6;
}

impl Default for Compose {
    fn default() -> Self {
        Self {
            clock: Signal::default(),
            reset: Signal::default(),
            s_axis_verdict: StreamSink::default(),
            s_axis_l2: StreamSink::default(),
            s_axis: BeatSink::default(),
            m_axis: BeatSource::default(),
            tag: Signal::default(),
            header: HeaderWords::default(),
            fields: FieldWords::default(),
            splice: Splice::default(),
            valid_s1: DFF::default(),
            beats_s2: DFF::default(),
            busy: DFF::default(),
            over: DFF::default(),
            at: DFF::default(),
            in_header: DFF::default(),
            begins: DFF::default(),
            in_body: DFF::default(),
            left: DFF::default(),
            at_end: DFF::default(),
            surplus: DFF::default(),
            beat: DFF::default(),
            short: DFF::default(),
            odd: DFF::default(),
            one_more: DFF::default(),
            head_start: DFF::default(),
            head_middle: DFF::default(),
            head_end: DFF::default(),
            held: DFF::default(),
            tag_s2: DFF::default(),
            verdict: Signal::default(),
            arrived: Signal::default(),
            word: Signal::default(),
            units: Signal::default(),
            length: Signal::default(),
            open: Signal::default(),
            step: Signal::default(),
            start: Signal::default(),
            take: Signal::default(),
            body_next: Signal::default(),
            end_next: Signal::default(),
            last_next: Signal::default(),
            last_0: Signal::default(),
            last_1: Signal::default(),
            last_2: Signal::default(),
            whole: Signal::default(),
            is_short: Signal::default(),
            no_body: Signal::default(),
            left_next: Signal::default(),
            header_bytes: Signal::default(),
            put_before: Signal::default(),
            units_off: Signal::default(),
            rest_off: Signal::default(),
            taken_off: Signal::default(),
            beyond: Signal::default(),
            head: Signal::default(),
            masked: Signal::default(),
            following: Signal::default(),
            keep: Signal::default(),
            frame_length: Signal::default(),
            new_tag: Signal::default(),
            new_punt: Signal::default(),
            new_frame: Signal::default(),
            started_tag: Signal::default(),
            started_punt: Signal::default(),
            started_frame: Signal::default(),
            tag_punt: Signal::default(),
            tag_frame: Signal::default(),
            tag_out: Signal::default(),
            one_left: Constant::new(1_u64.into()),
            one_beat: Constant::new(1_u64.into()),
            two_units: Constant::new((BEAT_BYTES as u64 / 4).into()),
            one_byte: Constant::new(1_u64.into()),
            before_last: Constant::new((SHORTEST_BEATS as u64 - 2).into()),
            min_bytes: Constant::new((wire::MIN_FRAME_BYTES as u64).into()),
            second: Constant::new(1_u64.into()),
            rest: Constant::new((HEADER_REST as u64).into()),
            least_units: Constant::new(((wire::ETH_HEADER_BYTES / 4) as u64).into()),
            lane: array::from_fn(|byte| Constant::new((0xff_u64 << (8 * byte)).into())),
            all_of_rest: Constant::new(0_u64.into()),
            less_of_rest: Constant::new(1_u64.into()),
        }
    }
}

impl Logic for Compose {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, valid_s1, beats_s2, busy, over, at, in_header, begins, in_body, left, at_end, surplus, beat);
        dff_setup!(self, clock, short, odd, one_more, head_start, head_middle, head_end, held, tag_s2);
        clock!(self, clock, header, fields);

        // What is next: the header's words and the length of all of it.
        self.verdict.next = self.s_axis_verdict.data.val();
        self.arrived.next = self.verdict.val().frame;
        self.header.verdict.next = self.s_axis_verdict.data.val();
        self.header.l2.next = self.s_axis_l2.data.val();
        self.header.at.next = self.at.q.val();
        self.word.next = self.header.word.val();
        self.units.next = self.header.units.val();
        self.length.next = self.header.length.val();
        self.header_bytes.next = (bit_cast::<LENGTH_BITS, UNITS_BITS>(self.units.val()) << 2_u64) | self.rest.val();
        self.put_before.next = self.header_bytes.val();
        self.units_off.next = self.two_units.val();
        self.rest_off.next = self.one_byte.val();
        if !self.header.forward.val() {
            self.put_before.next = 0.into();
            self.units_off.next = bit_cast::<{ UNITS_BITS + 1 }, UNITS_BITS>(self.units.val()) + self.two_units.val();
            self.rest_off.next = self.one_byte.val() + self.rest.val();
        }
        self.taken_off.next = (bit_cast::<LENGTH_BITS, { UNITS_BITS + 1 }>(self.units_off.val()) << 2_u64) | self.rest_off.val();
        self.beyond.next = self.length.val() - self.taken_off.val();
        self.beats_s2.d.next = self.beyond.val().get_bits::<COUNT_BITS>(3);

        // A step: a beat leaves, or nothing is there and the next frame may begin. All that moves with it waits for flip-flops only.
        self.open.next = !self.in_body.q.val() | (!self.surplus.q.val() & self.s_axis.valid.val());
        self.step.next = self.m_axis.ready.val() & self.open.val();
        self.start.next = self.valid_s1.q.val() & self.over.q.val();
        self.take.next = self.m_axis.ready.val() & self.begins.q.val();
        self.s_axis_verdict.ready.next = self.take.val();
        self.s_axis_l2.ready.next = self.take.val();
        self.s_axis.ready.next = self.surplus.q.val() | (self.in_body.q.val() & self.m_axis.ready.val());
        self.valid_s1.d.next = self.s_axis_verdict.valid.val() & self.s_axis_l2.valid.val() & !self.take.val();

        // The way through a frame: the header's words, of which the last comes with the packet's first beat; the packet's beats; one more if the header's rest
        // moves its end beyond its last beat; zeros up to the shortest frame.
        self.body_next.next = self.begins.q.val() | (self.in_body.q.val() & !self.s_axis.last.val() & !self.at_end.q.val());
        self.left_next.next = self.left.q.val() - self.one_left.val();
        self.end_next.next = false;
        for sign in (COUNT_BITS - 1)..COUNT_BITS {
            self.end_next.next = self.busy.q.val() & self.left_next.val().get_bit(sign) & !self.left.q.val().get_bit(sign);
            if self.in_header.q.val() {
                self.end_next.next = self.begins.q.val() & self.beats_s2.q.val().get_bit(sign);
            }
        }
        self.last_next.next = self.end_next.val();
        if self.one_more.q.val() {
            self.last_next.next = self.at_end.q.val();
        }
        if self.short.q.val() & !self.in_header.q.val() {
            self.last_next.next = self.beat.q.val() == self.before_last.val();
        }
        if self.step.val() {
            self.busy.d.next = self.start.val() | (self.busy.q.val() & !self.over.q.val());
            self.over.d.next = !self.start.val() & (self.over.q.val() | self.last_next.val());
            self.at.d.next = 0.into();
            self.in_header.d.next = self.start.val() | (self.in_header.q.val() & !self.begins.q.val());
            self.begins.d.next = false;
            if self.start.val() {
                self.at.d.next = self.second.val();
                self.begins.d.next = self.units.val() == self.least_units.val();
            } else if !self.begins.q.val() {
                self.at.d.next = self.at.q.val() << 1;
                self.begins.d.next = (self.at.q.val().get_bit(0) & !self.units.val().get_bit(1)) | self.at.q.val().get_bit(1);
            }
            self.in_body.d.next = self.body_next.val();
            self.left.d.next = self.left_next.val();
            if self.in_header.q.val() {
                self.left.d.next = self.beats_s2.q.val();
            }
            self.at_end.d.next = self.end_next.val();
            self.beat.d.next = self.beat.q.val() + self.one_beat.val();
            if self.over.q.val() {
                self.beat.d.next = 0.into();
            }
        }
        if self.surplus.q.val() {
            self.surplus.d.next = !(self.s_axis.valid.val() & self.s_axis.last.val());
        } else {
            self.surplus.d.next = self.step.val() & self.in_body.q.val() & self.at_end.q.val() & !self.s_axis.last.val();
        }

        // What the frame is, from its start on.
        self.no_body.next = self.length.val() == self.header_bytes.val();
        self.new_frame.next.length = self.length.val() + self.put_before.val();
        self.new_frame.next.port = self.arrived.val().port;
        if self.header.forward.val() {
            self.new_frame.next.port = self.verdict.val().egress;
        }
        self.new_punt.next.frame = self.new_frame.val();
        self.new_punt.next.reason = self.verdict.val().reason;
        self.new_punt.next.hit = self.verdict.val().hit;
        self.new_punt.next.entry = self.verdict.val().entry;
        self.new_tag.next.forward = self.header.forward.val();
        self.new_tag.next.punt = self.new_punt.val();
        self.last_0.next = self.length.val().get_bit(0);
        self.last_1.next = self.length.val().get_bit(1);
        self.last_2.next = self.length.val().get_bit(2);
        self.whole.next = !self.last_0.val() & !self.last_1.val() & !self.last_2.val();
        if self.step.val() & self.start.val() {
            self.tag_s2.d.next = self.new_tag.val();
            self.odd.d.next = self.units.val().get_bit(0);
            // The header's rest is 6 bytes if its units are odd, else 2: does it, with what the packet has in its last beat, fill more than one? Of a
            // punted frame both are in the length.
            if self.header.forward.val() {
                self.one_more.d.next = self.whole.val() | (self.last_2.val() & self.last_1.val() & self.last_0.val());
                if self.units.val().get_bit(0) {
                    self.one_more.d.next = self.whole.val() | self.last_2.val() | (self.last_1.val() & self.last_0.val());
                }
            } else {
                self.one_more.d.next = !self.no_body.val() & !self.last_2.val() & (self.last_1.val() ^ self.last_0.val());
                if self.units.val().get_bit(0) {
                    self.one_more.d.next =
                        !self.no_body.val() & !self.whole.val() & !(self.last_2.val() & self.last_1.val() & self.last_0.val());
                }
            }
        }
        self.started_tag.next = self.tag_s2.q.val();
        self.started_punt.next = self.started_tag.val().punt;
        self.started_frame.next = self.started_punt.val().frame;
        self.frame_length.next = self.started_frame.val().length;
        self.is_short.next = false;
        for high in SHORT_BITS..(SHORT_BITS + 1) {
            for low in SHORT_ZEROS..(SHORT_ZEROS + 1) {
                self.is_short.next = self.started_tag.val().forward
                    & !self.frame_length.val().get_bits::<SHORT_HIGH>(high).any()
                    & !self.frame_length.val().get_bits::<SHORT_ONES>(low).all();
            }
        }
        self.short.d.next = self.is_short.val();
        self.tag_frame.next.length = self.frame_length.val();
        if self.is_short.val() {
            self.tag_frame.next.length = self.min_bytes.val();
        }
        self.tag_frame.next.port = self.started_frame.val().port;
        self.tag_punt.next.frame = self.tag_frame.val();
        self.tag_punt.next.reason = self.started_punt.val().reason;
        self.tag_punt.next.hit = self.started_punt.val().hit;
        self.tag_punt.next.entry = self.started_punt.val().entry;
        self.tag_out.next.forward = self.started_tag.val().forward;
        self.tag_out.next.punt = self.tag_punt.val();
        self.tag.next = self.tag_out.val();

        // The header's words go straight out, its last one with the start of the packet.
        self.fields.verdict.next = self.s_axis_verdict.data.val();
        self.fields.reset.next = self.reset.val();
        self.fields.forward.next = self.header.forward.val();
        self.fields.step.next = self.step.val();
        self.fields.begins.next = self.begins.q.val();
        self.fields.body.next = self.body_next.val();
        self.fields.ends.next = self.end_next.val();
        self.keep.next = self.fields.keep.val();
        self.masked.next = 0.into();
        for i in 0..8 {
            if self.keep.val().get_bit(i) {
                self.masked.next = self.masked.val() | (self.s_axis.data.val() & self.lane[i].val());
            }
        }
        self.following.next = self.masked.val() | self.fields.value.val();
        // Behind a last beat is the next frame's first word, or nothing that counts.
        if self.step.val() {
            self.held.d.next = self.following.val();
            self.head_start.d.next = 0.into();
            self.head_middle.d.next = 0.into();
            self.head_end.d.next = 0.into();
            if self.over.q.val() {
                self.held.d.next = 0.into();
            }
            if self.over.q.val() | self.in_header.q.val() {
                self.head_start.d.next = self.word.val().get_bits::<16>(48);
            }
            if self.over.q.val() | (self.in_header.q.val() & !(self.begins.q.val() & !self.units.val().get_bit(0))) {
                self.head_middle.d.next = self.word.val().get_bits::<32>(16);
            }
            if self.over.q.val() | (self.in_header.q.val() & !self.begins.q.val()) {
                self.head_end.d.next = self.word.val().get_bits::<16>(0);
            }
        }
        self.splice.held.next = self.held.q.val();
        self.splice.following.next = self.following.val();
        self.splice.shift.next = self.all_of_rest.val();
        if !self.odd.q.val() {
            self.splice.shift.next = self.less_of_rest.val();
        }
        self.head.next = (bit_cast::<64, 16>(self.head_start.q.val()) << 48_u64)
            | (bit_cast::<64, 32>(self.head_middle.q.val()) << 16_u64)
            | bit_cast::<64, 16>(self.head_end.q.val());
        self.m_axis.data.next = self.head.val() | self.splice.beat.val();
        self.m_axis.last.next = self.over.q.val();
        self.m_axis.valid.next = self.busy.q.val() & self.open.val();

        if self.reset.val() {
            self.valid_s1.d.next = false;
            self.busy.d.next = false;
            self.over.d.next = true;
            self.at.d.next = 0.into();
            self.in_header.d.next = false;
            self.begins.d.next = false;
            self.in_body.d.next = false;
            self.at_end.d.next = false;
            self.surplus.d.next = false;
        }
    }
}
