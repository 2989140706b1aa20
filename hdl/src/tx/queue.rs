//! What merge sends to one port, on its way out: waits in a store, or is dropped whole when the port says so and it does not fit.
//!
//! ```text
//!  s_axis, frame ->+---------+
//!  tail_drop ----->| TxQueue |--> m_axis
//!                  +---------+--> full_valid
//! ```
//! Latency [`TxQueue::LATENCY`] clocks when nothing waits; a beat a clock, no bubble.
//!
//! # Contract
//! - `tail_drop` low: nothing is lost, `s_axis_ready` goes low when the store is full.
//! - `tail_drop` high with a frame's first beat: a frame for which the store has no room as a whole, and a beat more, is taken and
//!   forgotten, with one `full_valid` pulse; any other never finds the store full. A store that the longest
//!   frame fills would drop that always: choose `AW` accordingly. Frames taken before `tail_drop` went high still wait.
//! - Words out are stored beats, see [`tx`](super).
//!
//! # Parameters
//! `WORD` is `tx::word_bits(W)`, `CW` is `AW + 1`; `2^AW` beats.
//!
//! # Stages
//! s1: the beats that are kept. The room for a frame is compared while its first beat comes there, hence the beat more: one
//! may be on its way from s1 to the store. So the comparison holds up neither `s_axis_ready` nor the store.

use super::{PackBeat, beat_shift};
use crate::prelude::*;
use crate::records::{BeatSink, FrameInfo, LENGTH_BITS};

/// Bits in which a store's room is counted in bytes.
const ROOM_BITS: usize = 16;

/// A store for frames of `W` bits a beat.
#[derive(LogicBlock)]
pub struct TxQueue<const W: usize, const WORD: usize, const AW: usize, const CW: usize> {
    /// The block's clock.
    pub clock: Signal<In, Clock>,
    /// Synchronous, active high; forgets all frames.
    pub reset: Signal<In, Bit>,
    /// Frames.
    pub s_axis: BeatSink<W>,
    /// Their lengths, beside the beats.
    pub frame: Signal<In, FrameInfo>,
    /// Drop what does not fit; looked at with a frame's first beat.
    pub tail_drop: Signal<In, Bit>,
    /// A frame was dropped.
    pub full_valid: Signal<Out, Bit>,
    /// Stored beats.
    pub m_axis: StreamSource<Bits<WORD>>,

    pack: PackBeat<W, WORD>,
    store: CutFifo<Bits<WORD>, AW, CW>,
    in_frame: DFF<Bit>,
    dropping: DFF<Bit>,
    full: DFF<Bit>,
    length: Signal<Local, Bits<LENGTH_BITS>>,
    room: Signal<Local, Bits<ROOM_BITS>>,
    beats: Signal<Local, Bits<CW>>,
    drop_first: Signal<Local, Bit>,
    drop_beat: Signal<Local, Bit>,
    advance: Signal<Local, Bit>,
    taken: Signal<Local, Bit>,
    valid_s1: DFF<Bit>,
    word_s1: DFF<Bits<WORD>>,
    one: Constant<Bits<LENGTH_BITS>>,
    one_beat: Constant<Bits<CW>>,
}

impl<const W: usize, const WORD: usize, const AW: usize, const CW: usize> TxQueue<W, WORD, AW, CW> {
    /// Clocks from a beat in to the same beat out when nothing waits.
    pub const LATENCY: usize = 1 + CutFifo::<Bits<WORD>, AW, CW>::LATENCY;
}

impl<const W: usize, const WORD: usize, const AW: usize, const CW: usize> Default for TxQueue<W, WORD, AW, CW> {
    fn default() -> Self {
        assert!(CW + beat_shift(W) <= ROOM_BITS, "TxQueue: 2^{AW} beats are more than 2^{ROOM_BITS} bytes");
        Self {
            clock: Signal::default(),
            reset: Signal::default(),
            s_axis: BeatSink::default(),
            frame: Signal::default(),
            tail_drop: Signal::default(),
            full_valid: Signal::default(),
            m_axis: StreamSource::default(),
            pack: PackBeat::default(),
            store: CutFifo::default(),
            in_frame: DFF::default(),
            dropping: DFF::default(),
            full: DFF::default(),
            length: Signal::default(),
            room: Signal::default(),
            beats: Signal::default(),
            drop_first: Signal::default(),
            drop_beat: Signal::default(),
            advance: Signal::default(),
            taken: Signal::default(),
            valid_s1: DFF::default(),
            word_s1: DFF::default(),
            one: Constant::new(1_u64.into()),
            one_beat: Constant::new(1_u64.into()),
        }
    }
}

impl<const W: usize, const WORD: usize, const AW: usize, const CW: usize> Logic for TxQueue<W, WORD, AW, CW> {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, in_frame, dropping, full, valid_s1, word_s1);
        clock!(self, clock, store);
        self.store.reset.next = self.reset.val();

        // With the first beat: does the frame fit as a whole? Bytes against whole beats of bytes, one fewer than there is room for: no rounding needed.
        self.length.next = self.frame.val().length;
        self.beats.next = self.store.space.val() - self.one_beat.val();
        self.room.next = 0.into();
        for at in (beat_shift(W) as u64)..(beat_shift(W) as u64 + 1) {
            self.room.next = bit_cast::<ROOM_BITS, CW>(self.beats.val()) << at;
        }
        self.drop_first.next = self.tail_drop.val()
            & !self.in_frame.q.val()
            & (!self.store.space.val().any() | (bit_cast::<ROOM_BITS, LENGTH_BITS>(self.length.val()) > self.room.val()));
        self.drop_beat.next = self.drop_first.val() | (self.in_frame.q.val() & self.dropping.q.val());

        self.advance.next = self.store.s_axis.ready.val() | !self.valid_s1.q.val();
        self.s_axis.ready.next = self.advance.val();
        self.taken.next = self.s_axis.valid.val() & self.advance.val();
        if self.taken.val() {
            self.in_frame.d.next = !self.s_axis.last.val();
            self.dropping.d.next = self.drop_beat.val();
        }
        self.full.d.next = self.taken.val() & self.drop_first.val();
        self.full_valid.next = self.full.q.val();

        // s1: the beat as it is stored.
        self.pack.data.next = self.s_axis.data.val();
        self.pack.last.next = self.s_axis.last.val();
        self.pack.end_byte.next = self.length.val() - self.one.val();
        if self.advance.val() {
            self.valid_s1.d.next = self.s_axis.valid.val() & !self.drop_beat.val();
            self.word_s1.d.next = self.pack.word.val();
        }
        self.store.s_axis.data.next = self.word_s1.q.val();
        self.store.s_axis.valid.next = self.valid_s1.q.val();
        StreamSource::<Bits<WORD>>::link(&mut self.m_axis, &mut self.store.m_axis);

        if self.reset.val() {
            self.in_frame.d.next = false;
            self.full.d.next = false;
            self.valid_s1.d.next = false;
        }
    }
}
