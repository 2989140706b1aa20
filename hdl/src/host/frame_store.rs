//! Frames of the host on their way to a port: kept back until they are whole.
//!
//! ```text
//!  s_axis (Announced) -->[            ]--> frame, m_axis_frame_beat
//!  beat_valid, beat ---->[ FrameStore ]--> moved, failed
//!  asked, asked_beats -->[            ]--> room
//! ```
//! Latency 4 clocks from a frame's last beat to its first beat out; one beat a clock in and out at once.
//!
//! # Contract
//! - Frames are announced at least 3 clocks apart, before their first beat comes; the beats of announced frames come in order. With 16 frames announced and
//!   not yet gone, `s_axis_ready` is low.
//! - `asked` says that a burst of `asked_beats` (less one) has been asked for. `room` says that the store takes one more burst besides
//!   all of those; it is not to be trusted for [`ROOM_LAG`] clocks after `asked`.
//! - `moved` pulses with a frame's last beat, `failed` beside it when the bus failed; such a frame is forgotten.

#![allow(missing_docs, reason = "the derive of rust-hdl writes public methods without a word; every item of ours has one")]

use crate::host::bursts::BURST_BEATS;
use crate::host::shelf::Shelf;
use crate::host::types::{FRAME_TAG, ReadBeat, TAG_BITS};
use crate::prelude::*;
use crate::records::{BeatSource, FrameInfo, LENGTH_BITS, PORT_BITS};
use crate::rx::TurnBytes;

/// Clocks that `room` lags behind `asked`.
pub const ROOM_LAG: u64 = 3;
/// Bits of a beat's number in its frame.
pub const BEAT_BITS: usize = LENGTH_BITS - 3;
/// Frames announced and not taken, as a power of two.
const FRAMES_BITS: usize = 4;
/// Bits of a count of them.
const FRAMES_COUNT_BITS: usize = FRAMES_BITS + 1;
/// Bits of a sum of two such counts.
const FRAMES_SUM_BITS: usize = FRAMES_COUNT_BITS + 1;

/// A frame whose beats are to come.
#[derive(Copy, Clone, Debug, Default, PartialEq, LogicStruct)]
pub struct Announced {
    /// Its length.
    pub length: Bits<LENGTH_BITS>,
    /// Port to leave by.
    pub port: Bits<PORT_BITS>,
    /// Number of its last beat, from 0.
    pub last_beat: Bits<BEAT_BITS>,
}

/// A beat in the store.
#[derive(Copy, Clone, Debug, Default, PartialEq, LogicStruct)]
pub struct StoredBeat {
    /// First byte most significant.
    pub data: Bits<64>,
    /// Last of its frame.
    pub last: Bit,
}

/// `2^AW` beats.
#[derive(LogicBlock)]
pub struct FrameStore<const AW: usize, const CW: usize> {
    /// The block's clock.
    pub clock: Signal<In, Clock>,
    /// Synchronous, active high.
    pub reset: Signal<In, Bit>,
    /// Frames to come.
    pub s_axis: StreamSink<Announced>,
    /// A burst has been asked for.
    pub asked: Signal<In, Bit>,
    /// Its beats, less one.
    pub asked_beats: Signal<In, Bits<8>>,
    /// There is room for one more.
    pub room: Signal<Out, Bit>,
    /// A beat was read.
    pub beat_valid: Signal<In, Bit>,
    /// The beat.
    pub beat: Signal<In, ReadBeat>,
    /// A frame has come whole, or failed.
    pub moved: Signal<Out, Bit>,
    /// It failed.
    pub failed: Signal<Out, Bit>,
    /// Length and port of the frame to send, beside its beats from the first to the last.
    pub frame: Signal<Out, FrameInfo>,
    /// Its beats.
    pub m_axis_frame_beat: BeatSource<64>,
    announced: Shelf<Announced, FRAMES_BITS, FRAMES_COUNT_BITS>,
    infos: Shelf<FrameInfo, FRAMES_BITS, FRAMES_COUNT_BITS>,
    beats: FrameFifo<StoredBeat, AW, CW>,
    turn: TurnBytes<64>,
    frames: Signal<Local, Bits<FRAMES_SUM_BITS>>,
    few_frames: DFF<Bit>,
    // Beats asked for that have not come.
    awaited: DFF<Bits<CW>>,
    more: Signal<Local, Bits<CW>>,
    more_s1: DFF<Bits<CW>>,
    space_s1: DFF<Bits<CW>>,
    free_s2: DFF<Bits<CW>>,
    room_s3: DFF<Bit>,
    number: DFF<Bits<BEAT_BITS>>,
    broken: DFF<Bit>,
    broken_now: Signal<Local, Bit>,
    comes: Signal<Local, Bit>,
    ends: Signal<Local, Bit>,
    tag: Constant<Bits<TAG_BITS>>,
    one: Constant<Bits<CW>>,
    one_beat: Constant<Bits<BEAT_BITS>>,
    most_frames: Constant<Bits<FRAMES_SUM_BITS>>,
    burst: Constant<Bits<CW>>,
}

impl<const AW: usize, const CW: usize> Default for FrameStore<AW, CW> {
    fn default() -> Self {
        assert!(CW > 8, "FrameStore: {CW} bits do not count a burst's beats");
        Self {
            clock: Signal::default(),
            reset: Signal::default(),
            s_axis: StreamSink::default(),
            asked: Signal::default(),
            asked_beats: Signal::default(),
            room: Signal::default(),
            beat_valid: Signal::default(),
            beat: Signal::default(),
            moved: Signal::default(),
            failed: Signal::default(),
            frame: Signal::default(),
            m_axis_frame_beat: BeatSource::default(),
            announced: Shelf::default(),
            infos: Shelf::default(),
            beats: FrameFifo::default(),
            turn: TurnBytes::default(),
            frames: Signal::default(),
            few_frames: DFF::default(),
            awaited: DFF::default(),
            more: Signal::default(),
            more_s1: DFF::default(),
            space_s1: DFF::default(),
            free_s2: DFF::default(),
            room_s3: DFF::default(),
            number: DFF::default(),
            broken: DFF::default(),
            broken_now: Signal::default(),
            comes: Signal::default(),
            ends: Signal::default(),
            tag: Constant::new(FRAME_TAG.into()),
            one: Constant::new(1_u64.into()),
            one_beat: Constant::new(1_u64.into()),
            most_frames: Constant::new((1_u64 << FRAMES_BITS).into()),
            burst: Constant::new((BURST_BEATS as u64).into()),
        }
    }
}

impl<const AW: usize, const CW: usize> Logic for FrameStore<AW, CW> {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, few_frames, awaited, more_s1, space_s1, free_s2, room_s3, number, broken);
        clock!(self, clock, announced, infos, beats);
        self.announced.reset.next = self.reset.val();
        self.infos.reset.next = self.reset.val();
        self.beats.reset.next = self.reset.val();

        // Beats come.
        self.comes.next = self.beat_valid.val() & (self.beat.val().tag == self.tag.val());
        self.ends.next = self.comes.val() & (self.number.q.val() == self.announced.m_axis.data.val().last_beat);
        self.broken_now.next = self.broken.q.val() | self.beat.val().error;
        if self.comes.val() {
            self.number.d.next = self.number.q.val() + self.one_beat.val();
            self.broken.d.next = self.broken_now.val();
        }
        if self.ends.val() {
            self.number.d.next = 0.into();
            self.broken.d.next = false;
        }
        self.turn.lanes.next = self.beat.val().data;
        self.beats.s_axis.valid.next = self.comes.val();
        self.beats.s_axis.data.next.data = self.turn.bytes.val();
        self.beats.s_axis.data.next.last = self.ends.val();
        self.beats.commit.next = self.ends.val();
        self.beats.rollback.next = self.ends.val() & self.broken_now.val();
        self.moved.next = self.ends.val();
        self.failed.next = self.broken_now.val();
        self.announced.m_axis.ready.next = self.ends.val();
        self.infos.s_axis.valid.next = self.ends.val() & !self.broken_now.val();
        self.infos.s_axis.data.next.length = self.announced.m_axis.data.val().length;
        self.infos.s_axis.data.next.port = self.announced.m_axis.data.val().port;

        // Frames leave.
        self.frame.next = self.infos.m_axis.data.val();
        self.infos.m_axis.ready.next =
            self.beats.m_axis.valid.val() & self.beats.m_axis.data.val().last & self.m_axis_frame_beat.ready.val();
        self.m_axis_frame_beat.valid.next = self.beats.m_axis.valid.val();
        self.m_axis_frame_beat.data.next = self.beats.m_axis.data.val().data;
        self.m_axis_frame_beat.last.next = self.beats.m_axis.data.val().last;
        self.beats.m_axis.ready.next = self.m_axis_frame_beat.ready.val();

        // Frames are announced as long as those to come and those to leave fit in `infos`, even if all come at once.
        self.frames.next = bit_cast::<FRAMES_SUM_BITS, FRAMES_COUNT_BITS>(self.announced.fill.val())
            + bit_cast::<FRAMES_SUM_BITS, FRAMES_COUNT_BITS>(self.infos.fill.val());
        self.few_frames.d.next = self.frames.val() < self.most_frames.val();
        self.announced.s_axis.data.next = self.s_axis.data.val();
        self.announced.s_axis.valid.next = self.s_axis.valid.val() & self.few_frames.q.val();
        self.s_axis.ready.next = self.few_frames.q.val();

        // Room: what can be pushed, less what is on its way.
        self.more.next = 0.into();
        if self.asked.val() {
            self.more.next = bit_cast::<CW, 8>(self.asked_beats.val()) + self.one.val();
        }
        self.more_s1.d.next = self.more.val();
        if self.comes.val() {
            self.more_s1.d.next = self.more.val() - self.one.val();
        }
        self.awaited.d.next = self.awaited.q.val() + self.more_s1.q.val();
        // A beat that comes leaves both in the same clock: their difference is never below zero.
        self.space_s1.d.next = self.beats.space.val();
        self.free_s2.d.next = self.space_s1.q.val() - self.awaited.q.val();
        self.room_s3.d.next = self.free_s2.q.val() >= self.burst.val();
        self.room.next = self.room_s3.q.val();

        if self.reset.val() {
            self.few_frames.d.next = false;
            self.awaited.d.next = 0.into();
            self.more_s1.d.next = 0.into();
            self.space_s1.d.next = 0.into();
            self.room_s3.d.next = false;
            self.number.d.next = 0.into();
            self.broken.d.next = false;
        }
    }
}
