//! Transmit side of one port: frames of the flow table and frames of the host, by turns.
//!
//! ```text
//!  s_axis_flow, frame_flow -->+--------+
//!  s_axis_host, frame_host -->| TxPort |--> m_axis (AXI-Stream)
//!  tail_drop ---------------->|        |--> sent_valid, sent_length, full_valid
//!                             +--------+
//! ```
//! Latency [`TxPort::LATENCY`] clocks from the flow side to the wire when nothing waits; a beat a clock, no bubble between frames.
//!
//! # Contract
//! - Frames leave whole, in order on each side. When both sides have one, they alternate; when neither has, it is the flow side's
//!   turn.
//! - A frame of the host may arrive with gaps: it starts when all of it is here. One of fewer than 60 bytes is filled up with
//!   zeros. The host's side never drops: a frame that does not fit waits, and one longer than its store never ends, so the DMA
//!   engine has to refuse frames longer than the longest, and `2^AW` beats have to hold that.
//! - A frame of the flow side starts at once; it must come without gaps of its own. `tail_drop` and `full_valid` are
//!   [`TxQueue`]'s.
//! - Lengths are beside the beats, see [`tx`](super). `port` in them is not looked at.
//!
//! # Parameters
//! `W` bits in `B` lanes; `WORD` is `tx::word_bits(W)`; `2^AW` beats of store for each side, `CW` is `AW + 1`.

use super::{AxisOut, Pad, TxQueue, WireSource};
use crate::prelude::*;
use crate::records::{BeatSink, FrameInfo, LENGTH_BITS};

/// One port's transmit side.
#[derive(LogicBlock)]
pub struct TxPort<const W: usize, const B: usize, const WORD: usize, const AW: usize, const CW: usize> {
    /// The block's clock.
    pub clock: Signal<In, Clock>,
    /// Synchronous, active high; forgets all frames.
    pub reset: Signal<In, Bit>,
    /// Frames from merge.
    pub s_axis_flow: BeatSink<W>,
    /// Their lengths, beside the beats.
    pub frame_flow: Signal<In, FrameInfo>,
    /// Frames from the host.
    pub s_axis_host: BeatSink<W>,
    /// Their lengths, beside the beats.
    pub frame_host: Signal<In, FrameInfo>,
    /// Drop frames from merge that do not fit.
    pub tail_drop: Signal<In, Bit>,
    /// To the MAC.
    pub m_axis: WireSource<W, B>,
    /// A frame was sent.
    pub sent_valid: Signal<Out, Bit>,
    /// How many bytes it had.
    pub sent_length: Signal<Out, Bits<LENGTH_BITS>>,
    /// A frame from merge was dropped.
    pub full_valid: Signal<Out, Bit>,

    queue: TxQueue<W, WORD, AW, CW>,
    pad: Pad<W, WORD>,
    host: FrameFifo<Bits<WORD>, AW, CW>,
    out: AxisOut<W, B, WORD>,

    in_frame: DFF<Bit>,
    host_turn: DFF<Bit>,
    between: Signal<Local, Bit>,
    word: Signal<Local, Bits<WORD>>,
    valid: Signal<Local, Bit>,
    last: Signal<Local, Bit>,
}

impl<const W: usize, const B: usize, const WORD: usize, const AW: usize, const CW: usize> TxPort<W, B, WORD, AW, CW> {
    /// Clocks from a beat of the flow side to the same beat on the wire, when nothing waits.
    pub const LATENCY: usize = TxQueue::<W, WORD, AW, CW>::LATENCY + AxisOut::<W, B, WORD>::LATENCY;
}

impl<const W: usize, const B: usize, const WORD: usize, const AW: usize, const CW: usize> Default for TxPort<W, B, WORD, AW, CW> {
    fn default() -> Self {
        Self {
            clock: Signal::default(),
            reset: Signal::default(),
            s_axis_flow: BeatSink::default(),
            frame_flow: Signal::default(),
            s_axis_host: BeatSink::default(),
            frame_host: Signal::default(),
            tail_drop: Signal::default(),
            m_axis: WireSource::default(),
            sent_valid: Signal::default(),
            sent_length: Signal::default(),
            full_valid: Signal::default(),
            queue: TxQueue::default(),
            pad: Pad::default(),
            host: FrameFifo::default(),
            out: AxisOut::default(),
            in_frame: DFF::default(),
            host_turn: DFF::default(),
            between: Signal::default(),
            word: Signal::default(),
            valid: Signal::default(),
            last: Signal::default(),
        }
    }
}

impl<const W: usize, const B: usize, const WORD: usize, const AW: usize, const CW: usize> Logic for TxPort<W, B, WORD, AW, CW> {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, in_frame, host_turn);
        clock!(self, clock, queue, pad, host, out);
        self.queue.reset.next = self.reset.val();
        self.pad.reset.next = self.reset.val();
        self.host.reset.next = self.reset.val();
        self.out.reset.next = self.reset.val();

        BeatSink::<W>::link(&mut self.s_axis_flow, &mut self.queue.s_axis);
        self.queue.frame.next = self.frame_flow.val();
        self.queue.tail_drop.next = self.tail_drop.val();
        self.full_valid.next = self.queue.full_valid.val();

        // A frame of the host becomes visible with its last beat.
        BeatSink::<W>::link(&mut self.s_axis_host, &mut self.pad.s_axis);
        self.pad.frame.next = self.frame_host.val();
        StreamSource::<Bits<WORD>>::join(&mut self.pad.m_axis, &mut self.host.s_axis);
        self.host.commit.next = self.pad.last.val() & self.pad.m_axis.valid.val() & self.host.s_axis.ready.val();
        self.host.rollback.next = false;

        // Whose turn it is comes from a flip-flop. It changes between frames: to the host when it has a frame, away from it when
        // the other side has one, and when the host has no more.
        self.word.next = self.queue.m_axis.data.val();
        self.valid.next = self.queue.m_axis.valid.val();
        if self.host_turn.q.val() {
            self.word.next = self.host.m_axis.data.val();
            self.valid.next = self.host.m_axis.valid.val();
        }
        self.queue.m_axis.ready.next = self.out.s_axis.ready.val() & !self.host_turn.q.val();
        self.host.m_axis.ready.next = self.out.s_axis.ready.val() & self.host_turn.q.val();
        self.out.s_axis.data.next = self.word.val();
        self.out.s_axis.valid.next = self.valid.val();
        self.last.next = false;
        for bit in W..(W + 1) {
            self.last.next = self.word.val().get_bit(bit);
        }
        self.between.next = !self.in_frame.q.val() & !self.valid.val();
        if self.valid.val() & self.out.s_axis.ready.val() {
            self.in_frame.d.next = !self.last.val();
            self.between.next = self.last.val();
        }
        if self.between.val() {
            self.host_turn.d.next = self.host.m_axis.valid.val();
            if self.host_turn.q.val() & self.queue.m_axis.valid.val() {
                self.host_turn.d.next = false;
            }
        }

        WireSource::<W, B>::link(&mut self.m_axis, &mut self.out.m_axis);
        self.sent_valid.next = self.out.sent_valid.val();
        self.sent_length.next = self.out.sent_length.val();

        if self.reset.val() {
            self.in_frame.d.next = false;
            self.host_turn.d.next = false;
        }
    }
}
