//! Receive side of one Ethernet port at 64 bits: its beats can be read as they come, and at its end a frame is said to be good or bad.
//!
//! ```text
//!                     +----------+--> m_axis_beats, coming  beats, first byte most significant
//!  s_axis, enable --->|          |--> m_axis_ended  a word for every frame: its length, and whether it is good
//!  hold, restart ---->| LivePort |--> drop_valid, drop_reason
//!                     +----------+--> received_valid, received_length
//! ```
//! Latency [`LivePort::LATENCY`] clocks from taking a beat to offering it, and from a frame's last beat to its word. A beat a clock, no
//! bubble between frames. Everything comes from flip-flops.
//!
//! # Contract
//! That of [`RxPort`](super::RxPort) for drops, lengths, `tkeep` and `tready`; but a frame that is bad leaves, too, if its port was on:
//! - `m_axis_ended` has a word for each frame of which beats are offered, no later than its last beat: whoever takes that beat knows what to do
//!   with the frame. The last beat of an oversize frame is offered behind no more of its beats than the longest frame has, and one.
//! - `hold` and `restart` are [`LiveStore`]'s: as long as there is no word for a frame its beats can be taken on trial.
//!
//! # Stages
//! s1: the beat as it came, turned around; the RAM takes it from there. s2 and s3 are [`Judge`]'s, while the beat is on its way
//! through the RAM.

#![allow(missing_docs, reason = "the derive of rust-hdl writes public methods without a word; every item of ours has one")]

use super::beat_kind::KINDS_BITS;
use super::{BeatKind, Judge, LiveStore, TurnBytes, WireSink};
use crate::prelude::*;
use crate::records::{BeatSource, LENGTH_BITS, REASON_BITS};

/// A frame that has ended.
#[derive(Copy, Clone, Debug, Default, PartialEq, LogicStruct)]
pub struct Ended {
    /// Its bytes.
    pub length: Bits<LENGTH_BITS>,
    /// It is to be dropped, and counted as that already.
    pub bad: Bit,
}

/// Bits of a beat.
const W: usize = 64;
/// Bytes of it.
const B: usize = W / 8;
/// Bits of what is stored of a beat: it, whether it is its frame's last, and what it has of layer 2.
const L: usize = W + 1 + KINDS_BITS;
/// Words that must be free for a frame's end before `tready`.
const ENDED_MARGIN: u64 = 4;
/// Beats of an oversize frame beyond those of the longest: the one that shows it, and its last.
const OVERSIZE_BEATS: usize = 2;

/// One port's receive side: `2^AW` beats of store, and `2^FAW` frames wait at most. `CW` is `AW + 1`, `FCW` is `FAW + 1`.
#[derive(LogicBlock)]
pub struct LivePort<const AW: usize, const CW: usize, const FAW: usize, const FCW: usize> {
    /// The block's clock.
    pub clock: Signal<In, Clock>,
    /// Synchronous, active high; forgets everything stored.
    pub reset: Signal<In, Bit>,
    /// From the MAC.
    pub s_axis: WireSink<W, B>,
    /// Receive side on; looked at with a frame's first beat.
    pub enable: Signal<In, Bit>,
    /// The frame whose beats are read is read on trial.
    pub hold: Signal<In, Bit>,
    /// Offer it again.
    pub restart: Signal<In, Bit>,
    /// One word a frame.
    pub m_axis_ended: StreamSource<Ended>,
    /// Beats.
    pub m_axis_beats: BeatSource<W>,
    /// What is in the beat: [`BeatKind`]'s codes.
    pub kinds: Signal<Out, Bits<KINDS_BITS>>,
    /// A beat is offered in the next clock, or follows the one that is offered.
    pub coming: Signal<Out, Bit>,
    /// A frame was dropped.
    pub drop_valid: Signal<Out, Bit>,
    /// Why: a code of `abi::reason`.
    pub drop_reason: Signal<Out, Bits<REASON_BITS>>,
    /// A frame ended, dropped or not.
    pub received_valid: Signal<Out, Bit>,
    /// How many bytes it had.
    pub received_length: Signal<Out, Bits<LENGTH_BITS>>,

    turn: TurnBytes<W>,
    judge: Judge<B>,
    kind: BeatKind,
    store: LiveStore<L, AW, CW>,
    ended: SmallFifo<Ended, FAW, FCW>,

    // s0: what may be taken.
    ready: DFF<Bit>,
    take: Signal<Local, Bit>,
    in_frame: DFF<Bit>,
    on: DFF<Bit>,
    is_on: Signal<Local, Bit>,
    beat: DFF<Bits<LENGTH_BITS>>,
    // The frame had its longest; only its end is stored.
    past: DFF<Bit>,

    // s1: the beat as it came.
    valid_s1: DFF<Bit>,
    push_s1: DFF<Bit>,
    data_s1: DFF<Bits<W>>,
    keep_s1: DFF<Bits<B>>,
    last_s1: DFF<Bit>,
    error_s1: DFF<Bit>,
    on_s1: DFF<Bit>,
    first_s1: DFF<Bit>,
    // Which beat of its frame, from 0.
    beat_s1: DFF<Bits<LENGTH_BITS>>,
    word: Signal<Local, Bits<L>>,
    marks: Signal<Local, Bits<L>>,
    word_out: Signal<Local, Bits<L>>,

    longest_beat: Constant<Bits<LENGTH_BITS>>,
    one: Constant<Bits<LENGTH_BITS>>,
    ended_margin: Constant<Bits<FCW>>,
}

impl<const AW: usize, const CW: usize, const FAW: usize, const FCW: usize> LivePort<AW, CW, FAW, FCW> {
    /// Clocks from taking a beat to offering it.
    pub const LATENCY: usize = 1 + LiveStore::<L, AW, CW>::LATENCY;

    /// The receive side of a port for frames of up to `max_frame_bytes`, without FCS.
    ///
    /// # Panics
    /// When the store could not hold the longest frame.
    pub fn new(max_frame_bytes: usize) -> Self {
        let beats = max_frame_bytes.div_ceil(B) + OVERSIZE_BEATS;
        assert!(
            beats + LiveStore::<L, AW, CW>::MARGIN <= 1 << AW,
            "LivePort: a frame of {max_frame_bytes} bytes does not fit a store of {} beats of {B} bytes",
            1_usize << AW
        );
        Self {
            clock: Signal::default(),
            reset: Signal::default(),
            s_axis: WireSink::default(),
            enable: Signal::default(),
            hold: Signal::default(),
            restart: Signal::default(),
            m_axis_ended: StreamSource::default(),
            m_axis_beats: BeatSource::default(),
            kinds: Signal::default(),
            coming: Signal::default(),
            drop_valid: Signal::default(),
            drop_reason: Signal::default(),
            received_valid: Signal::default(),
            received_length: Signal::default(),
            turn: TurnBytes::default(),
            judge: Judge::new(max_frame_bytes),
            kind: BeatKind::default(),
            store: LiveStore::default(),
            ended: SmallFifo::default(),
            ready: DFF::default(),
            take: Signal::default(),
            in_frame: DFF::default(),
            on: DFF::default(),
            is_on: Signal::default(),
            beat: DFF::default(),
            past: DFF::default(),
            valid_s1: DFF::default(),
            push_s1: DFF::default(),
            data_s1: DFF::default(),
            keep_s1: DFF::default(),
            last_s1: DFF::default(),
            error_s1: DFF::default(),
            on_s1: DFF::default(),
            first_s1: DFF::default(),
            beat_s1: DFF::default(),
            word: Signal::default(),
            marks: Signal::default(),
            word_out: Signal::default(),
            longest_beat: Constant::new(((max_frame_bytes / B) as u64).into()),
            one: Constant::new(1_u64.into()),
            ended_margin: Constant::new(ENDED_MARGIN.into()),
        }
    }
}

impl<const AW: usize, const CW: usize, const FAW: usize, const FCW: usize> Logic for LivePort<AW, CW, FAW, FCW> {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, ready, in_frame, on, beat, past);
        dff_setup!(self, clock, valid_s1, push_s1, data_s1, keep_s1, last_s1, error_s1, on_s1, first_s1, beat_s1);
        clock!(self, clock, judge, store, ended);
        self.judge.reset.next = self.reset.val();
        self.store.reset.next = self.reset.val();
        self.ended.reset.next = self.reset.val();

        // s0: a beat is taken when the store has room for it and for all that are under way.
        self.ready.d.next = self.store.room.val() & (self.ended.space.val() >= self.ended_margin.val());
        self.s_axis.tready.next = self.ready.q.val();
        self.take.next = self.s_axis.tvalid.val() & self.ready.q.val();
        self.is_on.next = self.on.q.val();
        if !self.in_frame.q.val() {
            self.is_on.next = self.enable.val();
        }
        if self.take.val() {
            self.in_frame.d.next = !self.s_axis.tlast.val();
            self.on.d.next = self.is_on.val();
            self.beat.d.next = self.beat.q.val() + self.one.val();
            self.past.d.next = self.past.q.val() | (self.beat.q.val() == self.longest_beat.val());
            if self.s_axis.tlast.val() {
                self.beat.d.next = 0.into();
                self.past.d.next = false;
            }
        }
        self.turn.lanes.next = self.s_axis.tdata.val();
        self.valid_s1.d.next = self.take.val();
        self.push_s1.d.next = self.take.val() & self.is_on.val() & (!self.past.q.val() | self.s_axis.tlast.val());
        self.data_s1.d.next = self.turn.bytes.val();
        self.keep_s1.d.next = self.s_axis.tkeep.val();
        self.last_s1.d.next = self.s_axis.tlast.val();
        self.error_s1.d.next = self.s_axis.tuser.val();
        self.on_s1.d.next = self.is_on.val();
        self.first_s1.d.next = !self.in_frame.q.val();
        self.beat_s1.d.next = self.beat.q.val();

        // s1: into the store, and before the judge.
        self.kind.beat.next = self.data_s1.q.val();
        for at in (W as u64 + 1)..(W as u64 + 2) {
            self.marks.next = bit_cast::<L, KINDS_BITS>(self.kind.kinds.val()) << at;
        }
        self.word.next = bit_cast::<L, W>(self.data_s1.q.val()) | self.marks.val();
        self.store.push.next = self.push_s1.q.val();
        for at in W..(W + 1) {
            self.store.word.next = self.word.val().replace_bit(at, self.last_s1.q.val());
        }
        self.judge.valid_s1.next = self.valid_s1.q.val();
        self.judge.keep_s1.next = self.keep_s1.q.val();
        self.judge.last_s1.next = self.last_s1.q.val();
        self.judge.error_s1.next = self.error_s1.q.val();
        self.judge.on_s1.next = self.on_s1.q.val();
        self.judge.first_s1.next = self.first_s1.q.val();
        self.judge.beat_s1.next = self.beat_s1.q.val();

        // s3: what is told of a frame.
        self.ended.s_axis.valid.next = self.judge.stored_valid.val();
        self.ended.s_axis.data.next.length = self.judge.received_length.val();
        self.ended.s_axis.data.next.bad = self.judge.drop_valid.val();
        self.received_valid.next = self.judge.received_valid.val();
        self.received_length.next = self.judge.received_length.val();
        self.drop_valid.next = self.judge.drop_valid.val();
        self.drop_reason.next = self.judge.drop_reason.val();

        StreamSource::<Ended>::link(&mut self.m_axis_ended, &mut self.ended.m_axis);
        self.store.hold.next = self.hold.val();
        self.store.restart.next = self.restart.val();
        self.coming.next = self.store.coming.val();
        self.m_axis_beats.valid.next = self.store.m_axis.valid.val();
        self.word_out.next = self.store.m_axis.data.val();
        self.m_axis_beats.data.next = self.word_out.val().get_bits::<W>(0);
        for at in W..(W + 1) {
            self.m_axis_beats.last.next = self.word_out.val().get_bit(at);
        }
        for at in (W + 1)..(W + 2) {
            self.kinds.next = self.word_out.val().get_bits::<KINDS_BITS>(at);
        }
        self.store.m_axis.ready.next = self.m_axis_beats.ready.val();

        if self.reset.val() {
            self.ready.d.next = false;
            self.in_frame.d.next = false;
            self.beat.d.next = 0.into();
            self.past.d.next = false;
            self.valid_s1.d.next = false;
            self.push_s1.d.next = false;
        }
    }
}
