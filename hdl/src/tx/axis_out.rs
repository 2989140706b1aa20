//! Stored beats to AXI-Stream as a MAC takes it.
//!
//! ```text
//!           +---------+
//!  s_axis ->| AxisOut |--> m_axis_tdata, tkeep, tlast, tvalid, tready
//!           +---------+--> sent_valid, sent_length
//! ```
//! Latency [`AxisOut::LATENCY`] clock, a beat a clock. All outputs and `s_axis_ready` come from flip-flops.
//!
//! # Contract
//! - Lane 0 (`tdata[7:0]`) is the first byte. `tkeep` is all ones but in a last beat, there ones from lane 0 up.
//! - `sent_valid` once a frame, one clock after its last beat was taken from `s_axis`: nothing keeps it from the wire but the MAC.

#![allow(missing_docs, reason = "the derive of rust-hdl writes public methods without a word; every item of ours has one")]

use super::UnpackBeat;
use crate::prelude::*;
use crate::records::LENGTH_BITS;
use crate::rx::TurnBytes;

/// AXI-Stream to a MAC.
#[derive(LogicInterface, Clone, Debug, Default)]
pub struct WireSource<const W: usize, const B: usize> {
    /// The beat.
    pub tdata: Signal<Out, Bits<W>>,
    /// Which of its bytes are the frame's.
    pub tkeep: Signal<Out, Bits<B>>,
    /// Last beat of its frame.
    pub tlast: Signal<Out, Bit>,
    /// There is a beat.
    pub tvalid: Signal<Out, Bit>,
    /// The MAC takes it in this clock.
    pub tready: Signal<In, Bit>,
}

/// The last stage of a port of `W` bits in `B` lanes. `WORD` is `tx::word_bits(W)`.
#[derive(LogicBlock)]
pub struct AxisOut<const W: usize, const B: usize, const WORD: usize> {
    /// The block's clock.
    pub clock: Signal<In, Clock>,
    /// Synchronous, active high; forgets the beats held.
    pub reset: Signal<In, Bit>,
    /// Stored beats.
    pub s_axis: StreamSink<Bits<WORD>>,
    /// To the MAC.
    pub m_axis: WireSource<W, B>,
    /// A frame was sent.
    pub sent_valid: Signal<Out, Bit>,
    /// How many bytes it had.
    pub sent_length: Signal<Out, Bits<LENGTH_BITS>>,

    unpack: UnpackBeat<W, WORD>,
    turn: TurnBytes<W>,
    empty_lanes: Signal<Local, Bits<LENGTH_BITS>>,
    // Three skids that move as one: a beat's parts.
    data: Skid<Bits<W>>,
    keep: Skid<Bits<B>>,
    last: Skid<Bit>,
    taken: Signal<Local, Bit>,
    bytes_before: DFF<Bits<LENGTH_BITS>>,
    sent: DFF<Bit>,
    length: DFF<Bits<LENGTH_BITS>>,
    all_lanes: Constant<Bits<B>>,
    in_beat: Constant<Bits<LENGTH_BITS>>,
    beat_bytes: Constant<Bits<LENGTH_BITS>>,
    one: Constant<Bits<LENGTH_BITS>>,
}

impl<const W: usize, const B: usize, const WORD: usize> AxisOut<W, B, WORD> {
    /// Clocks from a beat in to the same beat out.
    pub const LATENCY: usize = 1;
}

impl<const W: usize, const B: usize, const WORD: usize> Default for AxisOut<W, B, WORD> {
    fn default() -> Self {
        assert!(W == 8 * B, "AxisOut: {B} lanes do not make beats of {W} bits");
        Self {
            clock: Signal::default(),
            reset: Signal::default(),
            s_axis: StreamSink::default(),
            m_axis: WireSource::default(),
            sent_valid: Signal::default(),
            sent_length: Signal::default(),
            unpack: UnpackBeat::default(),
            turn: TurnBytes::default(),
            empty_lanes: Signal::default(),
            data: Skid::default(),
            keep: Skid::default(),
            last: Skid::default(),
            taken: Signal::default(),
            bytes_before: DFF::default(),
            sent: DFF::default(),
            length: DFF::default(),
            all_lanes: Constant::new(!Bits::<B>::default()),
            in_beat: Constant::new((B as u64 - 1).into()),
            beat_bytes: Constant::new((B as u64).into()),
            one: Constant::new(1_u64.into()),
        }
    }
}

impl<const W: usize, const B: usize, const WORD: usize> Logic for AxisOut<W, B, WORD> {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, bytes_before, sent, length);
        clock!(self, clock, data, keep, last);
        self.data.reset.next = self.reset.val();
        self.keep.reset.next = self.reset.val();
        self.last.reset.next = self.reset.val();

        self.unpack.word.next = self.s_axis.data.val();
        self.turn.lanes.next = self.unpack.data.val();
        self.empty_lanes.next = (!self.unpack.end_byte.val()) & self.in_beat.val();
        self.data.s_axis.data.next = self.turn.bytes.val();
        self.keep.s_axis.data.next = self.all_lanes.val();
        if self.unpack.last.val() {
            self.keep.s_axis.data.next = self.all_lanes.val() >> self.empty_lanes.val();
        }
        self.last.s_axis.data.next = self.unpack.last.val();
        self.data.s_axis.valid.next = self.s_axis.valid.val();
        self.keep.s_axis.valid.next = self.s_axis.valid.val();
        self.last.s_axis.valid.next = self.s_axis.valid.val();
        self.s_axis.ready.next = self.data.s_axis.ready.val();

        self.m_axis.tdata.next = self.data.m_axis.data.val();
        self.m_axis.tkeep.next = self.keep.m_axis.data.val();
        self.m_axis.tlast.next = self.last.m_axis.data.val();
        self.m_axis.tvalid.next = self.data.m_axis.valid.val();
        self.data.m_axis.ready.next = self.m_axis.tready.val();
        self.keep.m_axis.ready.next = self.m_axis.tready.val();
        self.last.m_axis.ready.next = self.m_axis.tready.val();

        self.taken.next = self.s_axis.valid.val() & self.data.s_axis.ready.val();
        self.sent.d.next = self.taken.val() & self.unpack.last.val();
        self.length.d.next = (self.bytes_before.q.val() | self.unpack.end_byte.val()) + self.one.val();
        if self.taken.val() {
            self.bytes_before.d.next = self.bytes_before.q.val() + self.beat_bytes.val();
            if self.unpack.last.val() {
                self.bytes_before.d.next = 0.into();
            }
        }
        self.sent_valid.next = self.sent.q.val();
        self.sent_length.next = self.length.q.val();

        if self.reset.val() {
            self.bytes_before.d.next = 0.into();
            self.sent.d.next = false;
        }
    }
}
