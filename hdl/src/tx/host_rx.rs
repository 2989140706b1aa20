//! Frames for the host: stored whole, or dropped whole. Nothing in front of it ever waits.
//!
//! ```text
//!                 +--------+--> m_axis_info   one PuntInfo a frame
//!  s_axis, punt ->| HostRx |--> m_axis        its beats, 64 bits each
//!                 +--------+--> drop_valid
//! ```
//! A beat a clock in, 64 bits a clock out. A frame is offered when all of it is here: [`HostRx::LATENCY`] clocks after its last beat.
//!
//! # Contract
//! - `s_axis_ready` is always high.
//! - A frame for which there is no room when its first beat comes is dropped whole, with one `drop_valid` pulse (`host_full`).
//! - Every other frame leaves whole, in order: its [`PuntInfo`] no later than its first beat, and `last` with the beat
//!   that `frame.length` says. The next frame's beats wait until this one's `PuntInfo` has been taken.
//! - Up to [`HostRx::STORE_FRAMES`] frames wait, whatever their size.
//!
//! # Parameters
//! `2^AW` beats of `W` bits and `2^FAW` frames; `CW` is `AW + 1`, `FCW` is `FAW + 1`. `W` is a multiple of 64.
//!
//! # How
//! A frame's length is compared with the room while its first beat comes to s1. The room is known as of one clock before, so two
//! beats are left for what is on its way. Lengths say where frames end, so the store holds nothing but data.

use super::beat_shift;
use crate::prelude::*;
use crate::records::{BeatSink, BeatSource, FrameInfo, LENGTH_BITS, PuntInfo};

/// Bits of a beat towards the DMA engine.
const OUT_BITS: usize = 64;
/// The same in bytes, as a power of two.
const OUT_SHIFT: u64 = 3;
/// Bits in which a store's room is counted in bytes.
const ROOM_BITS: usize = 24;
/// Bits of the number of an outgoing beat in a stored one.
const PART_BITS: usize = 4;
/// Frames for which there must be room before one more is taken: those under way, and one.
const FRAMES_MARGIN: u64 = 3;

/// The store towards the host.
#[derive(LogicBlock)]
pub struct HostRx<const W: usize, const AW: usize, const CW: usize, const FAW: usize, const FCW: usize> {
    /// The block's clock.
    pub clock: Signal<In, Clock>,
    /// Synchronous, active high; forgets all frames.
    pub reset: Signal<In, Bit>,
    /// Frames from merge.
    pub s_axis: BeatSink<W>,
    /// What they are, beside the beats.
    pub punt: Signal<In, PuntInfo>,
    /// What the next frame is.
    pub m_axis_info: StreamSource<PuntInfo>,
    /// Its beats.
    pub m_axis: BeatSource<OUT_BITS>,
    /// A frame was dropped.
    pub drop_valid: Signal<Out, Bit>,

    data_s1: DFF<Bits<W>>,
    last_s1: DFF<Bit>,
    valid_s1: DFF<Bit>,
    punt_s1: DFF<PuntInfo>,
    need: Signal<Local, Bits<ROOM_BITS>>,
    fits_s1: DFF<Bit>,

    store: FrameFifo<Bits<W>, AW, CW>,
    infos: StreamFifo<PuntInfo, FAW, FCW>,
    room: DFF<Bits<ROOM_BITS>>,
    room_for_info: DFF<Bit>,
    in_frame: DFF<Bit>,
    dropping: DFF<Bit>,
    dropped: DFF<Bit>,
    arriving: Signal<Local, PuntInfo>,
    arriving_frame: Signal<Local, FrameInfo>,
    drop_beat: Signal<Local, Bit>,
    keep_beat: Signal<Local, Bit>,

    // The frame that leaves.
    info: DFF<PuntInfo>,
    info_valid: DFF<Bit>,
    busy: DFF<Bit>,
    beats_left: DFF<Bits<LENGTH_BITS>>,
    part: DFF<Bits<PART_BITS>>,
    next_info: Signal<Local, PuntInfo>,
    next_frame: Signal<Local, FrameInfo>,
    next_frame_last: Signal<Local, Bits<LENGTH_BITS>>,
    start: Signal<Local, Bit>,
    send: Signal<Local, Bit>,
    ends: Signal<Local, Bit>,
    word_ends: Signal<Local, Bit>,

    margin_bytes: Constant<Bits<ROOM_BITS>>,
    frames_margin: Constant<Bits<FCW>>,
    one: Constant<Bits<LENGTH_BITS>>,
    none: Constant<Bits<LENGTH_BITS>>,
    one_part: Constant<Bits<PART_BITS>>,
    last_part: Constant<Bits<PART_BITS>>,
}

impl<const W: usize, const AW: usize, const CW: usize, const FAW: usize, const FCW: usize> HostRx<W, AW, CW, FAW, FCW> {
    /// Clocks from a frame's last beat in to its first beat out, when nothing waits before it.
    pub const LATENCY: usize = 5;
    /// Bytes of the store; a frame takes whole beats.
    pub const STORE_BYTES: usize = (W / 8) << AW;
    /// Frames that can wait in it, if they have room.
    pub const STORE_FRAMES: usize = (1 << FAW) - FRAMES_MARGIN as usize;
}

impl<const W: usize, const AW: usize, const CW: usize, const FAW: usize, const FCW: usize> Default
    for HostRx<W, AW, CW, FAW, FCW>
{
    fn default() -> Self {
        assert!(
            W.is_multiple_of(OUT_BITS) && W / OUT_BITS <= 1 << PART_BITS,
            "HostRx: beats of {W} bits are not 1 to {} of {OUT_BITS}",
            1 << PART_BITS
        );
        assert!(CW + beat_shift(W) <= ROOM_BITS, "HostRx: 2^{AW} beats are more than 2^{ROOM_BITS} bytes");
        Self {
            clock: Signal::default(),
            reset: Signal::default(),
            s_axis: BeatSink::default(),
            punt: Signal::default(),
            m_axis_info: StreamSource::default(),
            m_axis: BeatSource::default(),
            drop_valid: Signal::default(),
            data_s1: DFF::default(),
            last_s1: DFF::default(),
            valid_s1: DFF::default(),
            punt_s1: DFF::default(),
            need: Signal::default(),
            fits_s1: DFF::default(),
            store: FrameFifo::default(),
            infos: StreamFifo::default(),
            room: DFF::default(),
            room_for_info: DFF::default(),
            in_frame: DFF::default(),
            dropping: DFF::default(),
            dropped: DFF::default(),
            arriving: Signal::default(),
            arriving_frame: Signal::default(),
            drop_beat: Signal::default(),
            keep_beat: Signal::default(),
            info: DFF::default(),
            info_valid: DFF::default(),
            busy: DFF::default(),
            beats_left: DFF::default(),
            part: DFF::default(),
            next_info: Signal::default(),
            next_frame: Signal::default(),
            next_frame_last: Signal::default(),
            start: Signal::default(),
            send: Signal::default(),
            ends: Signal::default(),
            word_ends: Signal::default(),
            margin_bytes: Constant::new((2 * (W as u64 / 8)).into()),
            frames_margin: Constant::new(FRAMES_MARGIN.into()),
            one: Constant::new(1_u64.into()),
            none: Constant::new(0_u64.into()),
            one_part: Constant::new(1_u64.into()),
            last_part: Constant::new(((W / OUT_BITS - 1) as u64).into()),
        }
    }
}

impl<const W: usize, const AW: usize, const CW: usize, const FAW: usize, const FCW: usize> Logic for HostRx<W, AW, CW, FAW, FCW> {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, data_s1, last_s1, valid_s1, punt_s1, fits_s1);
        dff_setup!(self, clock, room, room_for_info, in_frame, dropping, dropped);
        dff_setup!(self, clock, info, info_valid, busy, beats_left, part);
        clock!(self, clock, store, infos);
        self.store.reset.next = self.reset.val();
        self.infos.reset.next = self.reset.val();

        // s1: the beat as it came, and whether there is room for its frame.
        self.s_axis.ready.next = true;
        self.data_s1.d.next = self.s_axis.data.val();
        self.last_s1.d.next = self.s_axis.last.val();
        self.valid_s1.d.next = self.s_axis.valid.val();
        self.punt_s1.d.next = self.punt.val();
        self.arriving.next = self.punt.val();
        self.arriving_frame.next = self.arriving.val().frame;
        self.need.next = bit_cast::<ROOM_BITS, LENGTH_BITS>(self.arriving_frame.val().length) + self.margin_bytes.val();
        self.fits_s1.d.next = (self.need.val() <= self.room.q.val()) & self.room_for_info.q.val();
        for at in (beat_shift(W) as u64)..(beat_shift(W) as u64 + 1) {
            self.room.d.next = bit_cast::<ROOM_BITS, CW>(self.store.space.val()) << at;
        }
        self.room_for_info.d.next = self.infos.space.val() >= self.frames_margin.val();

        // Keep the frame or drop it: decided with its first beat.
        self.drop_beat.next = self.dropping.q.val();
        if !self.in_frame.q.val() {
            self.drop_beat.next = !self.fits_s1.q.val();
        }
        self.dropped.d.next = self.valid_s1.q.val() & !self.in_frame.q.val() & self.drop_beat.val();
        self.drop_valid.next = self.dropped.q.val();
        if self.valid_s1.q.val() {
            self.in_frame.d.next = !self.last_s1.q.val();
            self.dropping.d.next = self.drop_beat.val();
        }
        self.keep_beat.next = self.valid_s1.q.val() & !self.drop_beat.val();
        self.store.s_axis.data.next = self.data_s1.q.val();
        self.store.s_axis.valid.next = self.keep_beat.val();
        self.store.commit.next = self.keep_beat.val() & self.last_s1.q.val();
        self.store.rollback.next = false;
        self.infos.s_axis.data.next = self.punt_s1.q.val();
        self.infos.s_axis.valid.next = self.keep_beat.val() & self.last_s1.q.val();

        // The frame that leaves: 64 bits of a stored beat at a time.
        self.m_axis.data.next = 0.into();
        for width in W..(W + 1) {
            for i in 0..(W / OUT_BITS) {
                if self.part.q.val().index() == i {
                    self.m_axis.data.next = self.store.m_axis.data.val().get_bits::<OUT_BITS>(width - (64 * (i + 1)));
                }
            }
        }
        self.ends.next = self.beats_left.q.val() == self.none.val();
        self.word_ends.next = self.ends.val() | (self.part.q.val() == self.last_part.val());
        self.m_axis.last.next = self.ends.val();
        self.m_axis.valid.next = self.busy.q.val() & self.store.m_axis.valid.val();
        self.send.next = self.busy.q.val() & self.store.m_axis.valid.val() & self.m_axis.ready.val();
        self.store.m_axis.ready.next = self.busy.q.val() & self.m_axis.ready.val() & self.word_ends.val();
        if self.send.val() {
            self.beats_left.d.next = self.beats_left.q.val() - self.one.val();
            self.part.d.next = self.part.q.val() + self.one_part.val();
            if self.word_ends.val() {
                self.part.d.next = 0.into();
            }
            if self.ends.val() {
                self.busy.d.next = false;
            }
        }
        if self.m_axis_info.ready.val() {
            self.info_valid.d.next = false;
        }

        // The next one, as soon as both its info and its beats have a place.
        self.next_info.next = self.infos.m_axis.data.val();
        self.next_frame.next = self.next_info.val().frame;
        self.next_frame_last.next = self.next_frame.val().length - self.one.val();
        self.start.next = (!self.busy.q.val() | (self.send.val() & self.ends.val()))
            & (!self.info_valid.q.val() | self.m_axis_info.ready.val());
        self.infos.m_axis.ready.next = self.start.val();
        if self.start.val() & self.infos.m_axis.valid.val() {
            self.info.d.next = self.next_info.val();
            self.info_valid.d.next = true;
            self.busy.d.next = true;
            for at in OUT_SHIFT..(OUT_SHIFT + 1) {
                self.beats_left.d.next = self.next_frame_last.val() >> at;
            }
        }
        self.m_axis_info.data.next = self.info.q.val();
        self.m_axis_info.valid.next = self.info_valid.q.val();

        if self.reset.val() {
            self.valid_s1.d.next = false;
            self.in_frame.d.next = false;
            self.dropped.d.next = false;
            self.info_valid.d.next = false;
            self.busy.d.next = false;
            self.part.d.next = 0.into();
        }
    }
}
