//! Gathers the host's beats of 64 bits into beats of the engine's width.
//!
//! ```text
//!                  +-------+
//!  s_axis, frame ->| Widen |--> m_axis, frame_out
//!                  +-------+
//! ```
//! Latency [`Widen::LATENCY`] clock from the beat that completes one to that one; a beat a clock in, also while one waits to be taken out
//! in that clock. All outputs but `s_axis_ready` come from flip-flops.
//!
//! # Contract
//! - Frames leave as they came, in order, `W / 64` beats to one; a frame's last beat may be made of fewer. Bytes for which none came
//!   are zero.
//! - `frame`, beside the beats in, is `frame_out` beside those out.
//! - `W` is 64 (a register, nothing else), or a larger power of two up to 1024.
//!
//! # How
//! The first beat clears what it does not fill, each further one is added where nothing is.

use crate::prelude::*;
use crate::records::{BeatSink, BeatSource, FrameInfo};

/// Bits of a beat of the host.
const IN_BITS: usize = 64;
/// Bits of the number of a beat in a wide one.
const PART_BITS: usize = 4;

/// Makes beats of `W` bits.
#[derive(LogicBlock)]
pub struct Widen<const W: usize> {
    /// The block's clock.
    pub clock: Signal<In, Clock>,
    /// Synchronous, active high; forgets the beat under way.
    pub reset: Signal<In, Bit>,
    /// Frames.
    pub s_axis: BeatSink<IN_BITS>,
    /// Length and port, beside their beats.
    pub frame: Signal<In, FrameInfo>,
    /// The same frames.
    pub m_axis: BeatSource<W>,
    /// Length and port, beside their beats.
    pub frame_out: Signal<Out, FrameInfo>,

    part: DFF<Bits<PART_BITS>>,
    data: DFF<Bits<W>>,
    last: DFF<Bit>,
    valid: DFF<Bit>,
    frame_s1: DFF<FrameInfo>,
    room: Signal<Local, Bit>,
    accept: Signal<Local, Bit>,
    completes: Signal<Local, Bit>,

    one_part: Constant<Bits<PART_BITS>>,
    last_part: Constant<Bits<PART_BITS>>,
}

impl<const W: usize> Widen<W> {
    /// Clocks from the beat that completes a wide one to that one.
    pub const LATENCY: usize = 1;
}

impl<const W: usize> Default for Widen<W> {
    fn default() -> Self {
        assert!(
            W.is_power_of_two() && W >= IN_BITS && W / IN_BITS <= 1 << PART_BITS,
            "Widen: beats of {W} bits are not 1 to {} of {IN_BITS}",
            1 << PART_BITS
        );
        Self {
            clock: Signal::default(),
            reset: Signal::default(),
            s_axis: BeatSink::default(),
            frame: Signal::default(),
            m_axis: BeatSource::default(),
            frame_out: Signal::default(),
            part: DFF::default(),
            data: DFF::default(),
            last: DFF::default(),
            valid: DFF::default(),
            frame_s1: DFF::default(),
            room: Signal::default(),
            accept: Signal::default(),
            completes: Signal::default(),
            one_part: Constant::new(1_u64.into()),
            last_part: Constant::new(((W / IN_BITS - 1) as u64).into()),
        }
    }
}

impl<const W: usize> Logic for Widen<W> {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, part, data, last, valid, frame_s1);
        self.room.next = self.m_axis.ready.val() | !self.valid.q.val();
        self.s_axis.ready.next = self.room.val();
        self.accept.next = self.s_axis.valid.val() & self.room.val();
        self.completes.next = self.s_axis.last.val() | (self.part.q.val() == self.last_part.val());

        if self.room.val() {
            self.valid.d.next = self.accept.val() & self.completes.val();
        }
        if self.accept.val() {
            self.last.d.next = self.s_axis.last.val();
            self.frame_s1.d.next = self.frame.val();
            self.part.d.next = self.part.q.val() + self.one_part.val();
            if self.completes.val() {
                self.part.d.next = 0.into();
            }
            for step in (IN_BITS as u64)..(IN_BITS as u64 + 1) {
                for first in ((W - IN_BITS) as u64)..((W - IN_BITS) as u64 + 1) {
                    self.data.d.next = bit_cast::<W, IN_BITS>(self.s_axis.data.val()) << first;
                    for i in 1_u64..((W / IN_BITS) as u64) {
                        if self.part.q.val() == i {
                            self.data.d.next =
                                self.data.q.val() | (bit_cast::<W, IN_BITS>(self.s_axis.data.val()) << (first - (step * i)));
                        }
                    }
                }
            }
        }
        self.m_axis.data.next = self.data.q.val();
        self.m_axis.last.next = self.last.q.val();
        self.m_axis.valid.next = self.valid.q.val();
        self.frame_out.next = self.frame_s1.q.val();

        if self.reset.val() {
            self.part.d.next = 0.into();
            self.valid.d.next = false;
        }
    }
}
