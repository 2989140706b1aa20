//! Writes what the flow's entry says into the packet, and cuts off what Ethernet put behind it.
//!
//! ```text
//!                   +-------+
//!  s_axis_rewrite ->| Patch |
//!  s_axis --------->|       |--> m_axis
//!                   +-------+
//! ```
//! Latency [`Patch::LATENCY`] clock, a beat a clock, no bubble between frames: at 512 bits a frame a clock.
//!
//! # Contract
//! - Beats start at the first byte behind layer 2. One [`Rewrite`] a frame, taken with the last beat that the frame keeps.
//! - `forward`: the header window is `(window & keep) | value`; beats behind the packet's last byte are taken and forgotten, bytes
//!   behind it in its last beat are zero, so that padding that came never becomes payload.
//! - Not `forward`: beats pass as they are.
//! - A frame that ends before its packet does ends there: nothing waits for beats that do not come.
//!
//! # How
//! Where each field goes is decided once a frame, before it comes here ([`PacketFields`](super::PacketFields)): of a beat in the header
//! window one slice is kept and one is written. At 512 bits the window is the first beat, whatever the family: an IPv6 header with a
//! TCP header up to its checksum is 58 bytes.

#![allow(missing_docs, reason = "the derive of rust-hdl writes public methods without a word; every item of ours has one")]

use super::beat_shift;
use crate::prelude::*;
use crate::records::{BeatSink, BeatSource, LENGTH_BITS, WINDOW_BITS};

/// Beats of `width` bits in the header window.
const fn window_beats(width: usize) -> usize {
    WINDOW_BITS / width
}

/// What to write into a packet. The wide fields start at whole words, which a simulator copies at half the price.
#[derive(Copy, Clone, Debug, Default, PartialEq, LogicStruct)]
pub struct Rewrite {
    /// What to write into the header window; zeros where it is kept.
    pub value: Bits<WINDOW_BITS>,
    /// What to keep of it.
    pub keep: Bits<WINDOW_BITS>,
    /// Bytes of the packet, less one.
    pub body_last: Bits<LENGTH_BITS>,
    /// Rewrite and cut; else let pass.
    pub forward: Bit,
}

/// Rewrites packets of `W` bits a beat.
#[derive(LogicBlock)]
pub struct Patch<const W: usize> {
    /// The block's clock.
    pub clock: Signal<In, Clock>,
    /// Synchronous, active high.
    pub reset: Signal<In, Bit>,
    /// One a frame.
    pub s_axis_rewrite: StreamSink<Rewrite>,
    /// Packets as they came.
    pub s_axis: BeatSink<W>,
    /// Packets as they leave.
    pub m_axis: BeatSource<W>,

    // What is left of a frame whose packet has ended.
    surplus: DFF<Bit>,
    beat: DFF<Bits<LENGTH_BITS>>,
    rewrite: Signal<Local, Rewrite>,
    value: Signal<Local, Bits<WINDOW_BITS>>,
    keep: Signal<Local, Bits<WINDOW_BITS>>,
    body_end: Signal<Local, Bits<LENGTH_BITS>>,
    at_body_end: Signal<Local, Bit>,
    ends: Signal<Local, Bit>,
    advance: Signal<Local, Bit>,
    accept: Signal<Local, Bit>,
    empty_bytes: Signal<Local, Bits<LENGTH_BITS>>,
    patched: Signal<Local, Bits<W>>,

    data_s1: DFF<Bits<W>>,
    last_s1: DFF<Bit>,
    valid_s1: DFF<Bit>,

    one: Constant<Bits<LENGTH_BITS>>,
    in_beat: Constant<Bits<LENGTH_BITS>>,
    ones: Constant<Bits<W>>,
}

impl<const W: usize> Patch<W> {
    /// Clocks from a beat in to the same beat out.
    pub const LATENCY: usize = 1;
}

impl<const W: usize> Default for Patch<W> {
    fn default() -> Self {
        assert!(window_beats(W) > 0 && WINDOW_BITS.is_multiple_of(W), "Patch: {WINDOW_BITS} bits are not whole beats of {W}");
        Self {
            clock: Signal::default(),
            reset: Signal::default(),
            s_axis_rewrite: StreamSink::default(),
            s_axis: BeatSink::default(),
            m_axis: BeatSource::default(),
            surplus: DFF::default(),
            beat: DFF::default(),
            rewrite: Signal::default(),
            value: Signal::default(),
            keep: Signal::default(),
            body_end: Signal::default(),
            at_body_end: Signal::default(),
            ends: Signal::default(),
            advance: Signal::default(),
            accept: Signal::default(),
            empty_bytes: Signal::default(),
            patched: Signal::default(),
            data_s1: DFF::default(),
            last_s1: DFF::default(),
            valid_s1: DFF::default(),
            one: Constant::new(1_u64.into()),
            in_beat: Constant::new((W as u64 / 8 - 1).into()),
            ones: Constant::new(!Bits::<W>::default()),
        }
    }
}

impl<const W: usize> Logic for Patch<W> {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, surplus, beat, data_s1, last_s1, valid_s1);
        self.rewrite.next = self.s_axis_rewrite.data.val();
        self.value.next = self.rewrite.val().value;
        self.keep.next = self.rewrite.val().keep;

        // Where the packet ends.
        self.body_end.next = 0.into();
        for at in (beat_shift(W) as u64)..(beat_shift(W) as u64 + 1) {
            self.body_end.next = self.rewrite.val().body_last >> at;
        }
        self.at_body_end.next = self.rewrite.val().forward & (self.beat.q.val() == self.body_end.val());
        self.ends.next = self.s_axis.last.val() | self.at_body_end.val();

        // Take a beat when the one before moves on; take a surplus beat at once.
        self.advance.next = self.m_axis.ready.val() | !self.valid_s1.q.val();
        self.accept.next = self.s_axis.valid.val() & self.s_axis_rewrite.valid.val() & self.advance.val() & !self.surplus.q.val();
        self.s_axis.ready.next = self.surplus.q.val() | (self.s_axis_rewrite.valid.val() & self.advance.val());
        self.s_axis_rewrite.ready.next = self.accept.val() & self.ends.val();
        if self.accept.val() {
            self.beat.d.next = self.beat.q.val() + self.one.val();
            if self.ends.val() {
                self.beat.d.next = 0.into();
                self.surplus.d.next = !self.s_axis.last.val();
            }
        } else if self.surplus.q.val() & self.s_axis.valid.val() & self.s_axis.last.val() {
            self.surplus.d.next = false;
        }

        // The fields; then zeros behind the packet: what follows it is padding.
        self.empty_bytes.next = (!self.rewrite.val().body_last) & self.in_beat.val();
        self.patched.next = self.s_axis.data.val();
        if self.s_axis.valid.val() & self.rewrite.val().forward {
            for window in WINDOW_BITS..(WINDOW_BITS + 1) {
                for width in W..(W + 1) {
                    for i in 0..window_beats(W) {
                        if self.beat.q.val().index() == i {
                            self.patched.next = (self.s_axis.data.val()
                                & self.keep.val().get_bits::<W>(window - (width * (i + 1))))
                                | self.value.val().get_bits::<W>(window - (width * (i + 1)));
                        }
                    }
                }
            }
            if self.at_body_end.val() {
                self.patched.next = self.patched.val() & (self.ones.val() << (self.empty_bytes.val() << 3));
            }
        }
        if self.advance.val() {
            self.valid_s1.d.next = self.accept.val();
        }
        if self.accept.val() {
            self.last_s1.d.next = self.ends.val();
            self.data_s1.d.next = self.patched.val();
        }
        self.m_axis.data.next = self.data_s1.q.val();
        self.m_axis.last.next = self.last_s1.q.val();
        self.m_axis.valid.next = self.valid_s1.q.val();

        if self.reset.val() {
            self.surplus.d.next = false;
            self.beat.d.next = 0.into();
            self.valid_s1.d.next = false;
        }
    }
}
