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
//! - `forward`: the header window is `(window & !written) | value`; beats behind the packet's last byte are taken and forgotten, bytes
//!   behind it in its last beat are zero, so that padding that came never becomes payload.
//! - Not `forward`: beats pass as they are.
//! - A frame that ends before its packet does ends there: nothing waits for beats that do not come.
//!
//! # How
//! Where each field goes is decided once a frame, before it comes here ([`PacketFields`](super::PacketFields)): of a beat in the header
//! window one slice is kept and one is written. Which beat of the window comes next is a flip-flop each, and so is whether it is the packet's last:
//! a counter's bits would have to be compared before they choose. At 512 bits the window is the first beat, whatever the family: an IPv6 header with a
//! TCP header up to its checksum is 58 bytes.

#![allow(missing_docs, reason = "the derive of rust-hdl writes public methods without a word; every item of ours has one")]

use super::beat_shift;
use crate::prelude::*;
use crate::records::{BeatSink, BeatSource, LENGTH_BITS, WINDOW_BITS};

/// Beats of `width` bits in the header window.
const fn window_beats(width: usize) -> usize {
    WINDOW_BITS / width
}

/// Of the narrowest.
const MOST_BEATS: usize = window_beats(64);

/// What to write into a packet. The wide fields start at whole words, which a simulator copies at half the price.
#[derive(Copy, Clone, Debug, Default, PartialEq, LogicStruct)]
pub struct Rewrite {
    /// What to write into the header window; zeros where it is kept, so all zeros unless `forward`.
    pub value: Bits<WINDOW_BITS>,
    /// Ones where it is not kept.
    pub written: Bits<WINDOW_BITS>,
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
    // The beat of the window that comes next, a bit each, and none behind it.
    window_at: DFF<Bits<MOST_BEATS>>,
    // Beats of the packet behind the next one, and that it is the last, unless it is the first.
    behind: DFF<Bits<LENGTH_BITS>>,
    is_last: DFF<Bit>,
    first: Signal<Local, Bit>,
    left: Signal<Local, Bits<LENGTH_BITS>>,
    rewrite: Signal<Local, Rewrite>,
    value: Signal<Local, Bits<WINDOW_BITS>>,
    written: Signal<Local, Bits<WINDOW_BITS>>,
    beat_value: Signal<Local, Bits<W>>,
    beat_written: Signal<Local, Bits<W>>,
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
    first_at: Constant<Bits<MOST_BEATS>>,
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
            window_at: DFF::default(),
            behind: DFF::default(),
            is_last: DFF::default(),
            first: Signal::default(),
            left: Signal::default(),
            rewrite: Signal::default(),
            value: Signal::default(),
            written: Signal::default(),
            beat_value: Signal::default(),
            beat_written: Signal::default(),
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
            first_at: Constant::new(1_u64.into()),
            in_beat: Constant::new((W as u64 / 8 - 1).into()),
            ones: Constant::new(!Bits::<W>::default()),
        }
    }
}

impl<const W: usize> Logic for Patch<W> {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, surplus, window_at, behind, is_last, data_s1, last_s1, valid_s1);
        self.rewrite.next = self.s_axis_rewrite.data.val();
        self.value.next = self.rewrite.val().value;
        self.written.next = self.rewrite.val().written;

        // Where the packet ends.
        self.body_end.next = 0.into();
        for at in (beat_shift(W) as u64)..(beat_shift(W) as u64 + 1) {
            self.body_end.next = self.rewrite.val().body_last >> at;
        }
        self.first.next = self.window_at.q.val().get_bit(0);
        self.left.next = self.behind.q.val();
        self.at_body_end.next = self.rewrite.val().forward & self.is_last.q.val();
        if self.first.val() {
            self.left.next = self.body_end.val();
            self.at_body_end.next = self.rewrite.val().forward & !self.body_end.val().any();
        }
        self.ends.next = self.s_axis.last.val() | self.at_body_end.val();

        // Take a beat when the one before moves on; take a surplus beat at once.
        self.advance.next = self.m_axis.ready.val() | !self.valid_s1.q.val();
        self.accept.next = self.s_axis.valid.val() & self.s_axis_rewrite.valid.val() & self.advance.val() & !self.surplus.q.val();
        self.s_axis.ready.next = self.surplus.q.val() | (self.s_axis_rewrite.valid.val() & self.advance.val());
        self.s_axis_rewrite.ready.next = self.accept.val() & self.ends.val();
        if self.accept.val() {
            self.window_at.d.next = self.window_at.q.val() << 1;
            self.behind.d.next = self.left.val() - self.one.val();
            self.is_last.d.next = self.left.val() == self.one.val();
            if self.ends.val() {
                self.window_at.d.next = self.first_at.val();
                self.surplus.d.next = !self.s_axis.last.val();
            }
        } else if self.surplus.q.val() & self.s_axis.valid.val() & self.s_axis.last.val() {
            self.surplus.d.next = false;
        }

        // The fields; then zeros behind the packet: what follows it is padding.
        self.empty_bytes.next = (!self.rewrite.val().body_last) & self.in_beat.val();
        self.beat_value.next = 0.into();
        self.beat_written.next = 0.into();
        for window in WINDOW_BITS..(WINDOW_BITS + 1) {
            for width in W..(W + 1) {
                for i in 0..window_beats(W) {
                    if self.window_at.q.val().get_bit(i) {
                        self.beat_value.next = self.beat_value.val() | self.value.val().get_bits::<W>(window - (width * (i + 1)));
                        self.beat_written.next =
                            self.beat_written.val() | self.written.val().get_bits::<W>(window - (width * (i + 1)));
                    }
                }
            }
        }
        self.patched.next = (self.s_axis.data.val() & !self.beat_written.val()) | self.beat_value.val();
        if self.at_body_end.val() {
            self.patched.next = self.patched.val() & (self.ones.val() << (self.empty_bytes.val() << 3));
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
            self.window_at.d.next = self.first_at.val();
            self.valid_s1.d.next = false;
        }
    }
}
