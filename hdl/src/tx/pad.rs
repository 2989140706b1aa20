//! Fills a frame of the host up to the shortest that a wire takes.
//!
//! ```text
//!                  +-----+
//!  s_axis, frame ->| Pad |--> m_axis, last
//!                  +-----+
//! ```
//! Latency 0, a beat a clock out; a frame that is too short takes as many clocks as one that is not.
//!
//! # Contract
//! - A frame of 1 byte or more (`frame.length`, beside the beats) leaves as it came if it has [`wire::MIN_FRAME_BYTES`], else with
//!   zeros behind it up to that.
//! - Words out are stored beats ([`tx`](super)); bytes behind the frame's end in its last beat are zero.

use fpgaflow_abi::wire;

use super::{PackBeat, SHORT_BITS, SHORT_HIGH, SHORT_ONES, SHORT_ZEROS, beat_shift};
use crate::prelude::*;
use crate::records::{BeatSink, FrameInfo, LENGTH_BITS};

/// Bits of the number of a beat among those of the shortest frame.
const BEAT_BITS: usize = 3;

/// Pads frames of `W` bits a beat. `WORD` is `tx::word_bits(W)`.
#[derive(LogicBlock)]
pub struct Pad<const W: usize, const WORD: usize> {
    /// The block's clock.
    pub clock: Signal<In, Clock>,
    /// Synchronous, active high.
    pub reset: Signal<In, Bit>,
    /// Frames.
    pub s_axis: BeatSink<W>,
    /// Their lengths, beside the beats.
    pub frame: Signal<In, FrameInfo>,
    /// Stored beats.
    pub m_axis: StreamSource<Bits<WORD>>,
    /// The word is the last of its frame.
    pub last: Signal<Out, Bit>,

    pack: PackBeat<W, WORD>,
    // Beats of the frame before this one, up to those of the shortest frame.
    beat: DFF<Bits<BEAT_BITS>>,
    padding: DFF<Bit>,
    frame_last: Signal<Local, Bits<LENGTH_BITS>>,
    length: Signal<Local, Bits<LENGTH_BITS>>,
    short: Signal<Local, Bit>,
    empty_bytes: Signal<Local, Bits<LENGTH_BITS>>,
    enough: Signal<Local, Bit>,
    ends: Signal<Local, Bit>,
    valid: Signal<Local, Bit>,

    one: Constant<Bits<LENGTH_BITS>>,
    one_beat: Constant<Bits<BEAT_BITS>>,
    min_last: Constant<Bits<LENGTH_BITS>>,
    min_beat: Constant<Bits<BEAT_BITS>>,
    in_beat: Constant<Bits<LENGTH_BITS>>,
    ones: Constant<Bits<W>>,
}

impl<const W: usize, const WORD: usize> Default for Pad<W, WORD> {
    fn default() -> Self {
        let min_last = wire::MIN_FRAME_BYTES as u64 - 1;
        let min_beat = min_last >> beat_shift(W);
        assert!(min_beat < 1 << BEAT_BITS, "Pad: beats of {W} bits: the shortest frame has more than {}", 1 << BEAT_BITS);
        Self {
            clock: Signal::default(),
            reset: Signal::default(),
            s_axis: BeatSink::default(),
            frame: Signal::default(),
            m_axis: StreamSource::default(),
            last: Signal::default(),
            pack: PackBeat::default(),
            beat: DFF::default(),
            padding: DFF::default(),
            frame_last: Signal::default(),
            length: Signal::default(),
            short: Signal::default(),
            empty_bytes: Signal::default(),
            enough: Signal::default(),
            ends: Signal::default(),
            valid: Signal::default(),
            one: Constant::new(1_u64.into()),
            one_beat: Constant::new(1_u64.into()),
            min_last: Constant::new(min_last.into()),
            min_beat: Constant::new(min_beat.into()),
            in_beat: Constant::new((W as u64 / 8 - 1).into()),
            ones: Constant::new(!Bits::<W>::default()),
        }
    }
}

impl<const W: usize, const WORD: usize> Logic for Pad<W, WORD> {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, beat, padding);
        self.frame_last.next = self.frame.val().length - self.one.val();
        self.enough.next = self.beat.q.val() == self.min_beat.val();

        // The frame's own beats, the last cut to its bytes; then zeros.
        self.valid.next = self.s_axis.valid.val() | self.padding.q.val();
        self.ends.next = (self.s_axis.last.val() | self.padding.q.val()) & self.enough.val();
        self.empty_bytes.next = (!self.frame_last.val()) & self.in_beat.val();
        self.pack.data.next = self.s_axis.data.val();
        if self.padding.q.val() {
            self.pack.data.next = 0.into();
        } else if self.s_axis.last.val() {
            self.pack.data.next = self.s_axis.data.val() & (self.ones.val() << (self.empty_bytes.val() << 3));
        }
        self.length.next = self.frame.val().length;
        self.short.next = false;
        for high in SHORT_BITS..(SHORT_BITS + 1) {
            for low in SHORT_ZEROS..(SHORT_ZEROS + 1) {
                self.short.next =
                    !self.length.val().get_bits::<SHORT_HIGH>(high).any() & !self.length.val().get_bits::<SHORT_ONES>(low).all();
            }
        }
        self.pack.last.next = self.ends.val();
        self.pack.end_byte.next = self.frame_last.val();
        if self.padding.q.val() | self.short.val() {
            self.pack.end_byte.next = self.min_last.val();
        }
        self.m_axis.data.next = self.pack.word.val();
        self.m_axis.valid.next = self.valid.val();
        self.last.next = self.ends.val();
        self.s_axis.ready.next = self.m_axis.ready.val() & !self.padding.q.val();

        if self.valid.val() & self.m_axis.ready.val() {
            if !self.enough.val() {
                self.beat.d.next = self.beat.q.val() + self.one_beat.val();
            }
            if self.s_axis.last.val() {
                self.padding.d.next = true;
            }
            if self.ends.val() {
                self.beat.d.next = 0.into();
                self.padding.d.next = false;
            }
        }

        if self.reset.val() {
            self.beat.d.next = 0.into();
            self.padding.d.next = false;
        }
    }
}
