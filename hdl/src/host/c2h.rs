//! Card to host: puts punted frames into the host's empty buffers.
//!
//! ```text
//!  s_axis_punt, s_axis_punt_beat ----------->[     ]--> m_axis, m_axis_beat (WriteMaster)
//!  word_valid, word, place, desc_done, status ->[ C2h ]<-- frame_done, write_done
//!  wanted <----------------------------------[     ]--> m_axis_outcome, retired, bus_error, host_full, idle
//! ```
//! Throughput: one beat a clock inside a frame, a frame every `beats + 4` clocks (with its completion, 19 for 60 bytes). Latency from
//! a frame and a buffer being there to the first burst 4 clocks.
//!
//! # Contract
//! - A frame waits for a buffer; a buffer, once checked, for a frame. A buffer that is not one (`BadCrc`, `BadOpcode`, `BusError`)
//!   completes at once and costs no frame.
//! - A buffer too small for the frame completes with `BadLength` and the frame is dropped with a `host_full` pulse.
//! - Otherwise the frame is written in wire order, by bursts, with strobes for its last bytes; the low three bits of the buffer's
//!   address are taken as zero. The outcome is offered when the bus has answered every burst, in the order of the buffers. Up to
//!   16 frames wait for that answer.
//! - When the ring stops, a frame being written is finished; a buffer that waits is let go.
//!
//! Beats of a frame come without a gap once it is offered (its store holds it whole), so the bus is not held up.

use fpgaflow_abi::descriptor::{FrameKind, Status};

use crate::host::bursts::Bursts;
use crate::host::frame_taker::FrameTaker;
use crate::host::retire::Retire;
use crate::host::types::{Outcome, STATUS_BITS, WriteBeat, WriteDone, WriteRequest};
use crate::prelude::*;
use crate::records::{BeatSink, FrameInfo, LENGTH_BITS, PuntInfo};
use crate::rx::TurnBytes;

/// Bits of the number of a frame's beat.
const BEAT_BITS: usize = LENGTH_BITS - 3;
/// Bits of that of a block of them, see [`Bursts`].
const BLOCK_BITS: usize = BEAT_BITS - 3;

/// States.
#[derive(Copy, Clone, Debug, PartialEq, LogicState)]
pub enum Storing {
    /// Waits for a frame and a buffer.
    Wait,
    /// Compares them.
    Judge,
    /// The frame is being written.
    Write,
    /// The frame is being dropped.
    Drop,
}

/// The block.
#[derive(LogicBlock)]
pub struct C2h {
    /// The block's clock.
    pub clock: Signal<In, Clock>,
    /// Synchronous, active high.
    pub reset: Signal<In, Bit>,
    /// See [`Ring`](super::ring::Ring).
    pub running: Signal<In, Bit>,
    /// Frames to the host.
    pub s_axis_punt: StreamSink<PuntInfo>,
    /// Their beats.
    pub s_axis_punt_beat: BeatSink<64>,
    /// A descriptor may come, see [`Fetch`](super::fetch::Fetch).
    pub wanted: Signal<Out, Bit>,
    /// A word of it.
    pub word_valid: Signal<In, Bit>,
    /// The word.
    pub word: Signal<In, Bits<64>>,
    /// Which word it is.
    pub place: Signal<In, Bits<3>>,
    /// It is complete.
    pub desc_done: Signal<In, Bit>,
    /// What is wrong with it.
    pub status: Signal<In, Bits<STATUS_BITS>>,
    /// Bursts to write.
    pub m_axis: StreamSource<WriteRequest>,
    /// Their data.
    pub m_axis_beat: StreamSource<WriteBeat>,
    /// A burst was answered.
    pub frame_done: Signal<In, Bit>,
    /// The answer.
    pub write_done: Signal<In, WriteDone>,
    /// Completions.
    pub m_axis_outcome: StreamSource<Outcome>,
    /// A descriptor ends.
    pub retired: Signal<Out, Bit>,
    /// It ends because the bus failed.
    pub bus_error: Signal<Out, Bit>,
    /// A frame was dropped.
    pub host_full: Signal<Out, Bit>,
    /// No descriptor of the ring is in progress.
    pub idle: Signal<Out, Bit>,
    state: DFF<Storing>,
    taker: FrameTaker,
    bursts: Bursts<BEAT_BITS, BLOCK_BITS>,
    turn: TurnBytes<64>,
    retire: Retire,
    frame: Signal<Local, FrameInfo>,
    too_small: DFF<Bit>,
    last_byte: Signal<Local, Bits<LENGTH_BITS>>,
    last_beat: DFF<Bits<BEAT_BITS>>,
    tail: DFF<Bits<3>>,
    tail_strobes: Signal<Local, Bits<8>>,
    beat_failed: DFF<Bit>,
    starts: Signal<Local, Bit>,
    one: Constant<Bits<LENGTH_BITS>>,
    all_bytes: Constant<Bits<8>>,
    bad_length: Constant<Bits<STATUS_BITS>>,
}

impl Default for C2h {
    fn default() -> Self {
        Self {
            clock: Signal::default(),
            reset: Signal::default(),
            running: Signal::default(),
            s_axis_punt: StreamSink::default(),
            s_axis_punt_beat: BeatSink::default(),
            wanted: Signal::default(),
            word_valid: Signal::default(),
            word: Signal::default(),
            place: Signal::default(),
            desc_done: Signal::default(),
            status: Signal::default(),
            m_axis: StreamSource::default(),
            m_axis_beat: StreamSource::default(),
            frame_done: Signal::default(),
            write_done: Signal::default(),
            m_axis_outcome: StreamSource::default(),
            retired: Signal::default(),
            bus_error: Signal::default(),
            host_full: Signal::default(),
            idle: Signal::default(),
            state: DFF::default(),
            taker: FrameTaker::new(FrameKind::Buffer),
            bursts: Bursts::default(),
            turn: TurnBytes::default(),
            retire: Retire::default(),
            frame: Signal::default(),
            too_small: DFF::default(),
            last_byte: Signal::default(),
            last_beat: DFF::default(),
            tail: DFF::default(),
            tail_strobes: Signal::default(),
            beat_failed: DFF::default(),
            starts: Signal::default(),
            one: Constant::new(1_u64.into()),
            all_bytes: Constant::new(0xff_u64.into()),
            bad_length: Constant::new((Status::BadLength as u64).into()),
        }
    }
}

impl Logic for C2h {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, state, too_small, last_beat, tail, beat_failed);
        clock!(self, clock, taker, bursts, retire);
        self.taker.reset.next = self.reset.val();
        self.bursts.reset.next = self.reset.val();
        self.retire.reset.next = self.reset.val();
        self.taker.running.next = self.running.val();
        self.taker.word_valid.next = self.word_valid.val();
        self.taker.word.next = self.word.val();
        self.taker.place.next = self.place.val();
        self.taker.done.next = self.desc_done.val();
        self.taker.status.next = self.status.val();
        self.wanted.next = self.taker.wanted.val();

        // Frame against buffer.
        self.frame.next = self.s_axis_punt.data.val().frame;
        self.last_byte.next = self.frame.val().length - self.one.val();
        self.last_beat.d.next = self.last_byte.val().get_bits::<BEAT_BITS>(3);
        self.too_small.d.next = self.taker.length.val() < bit_cast::<32, LENGTH_BITS>(self.frame.val().length);
        self.starts.next = false;
        self.host_full.next = false;
        self.taker.let_go.next = false;
        self.retire.s_axis.valid.next = false;
        self.retire.s_axis.data.next.moving = false;
        self.retire.s_axis.data.next.quiet = false;
        self.retire.s_axis.data.next.status = self.taker.status_held.val();
        self.retire.s_axis.data.next.port = 0.into();
        self.retire.s_axis.data.next.reason = 0.into();
        self.retire.s_axis.data.next.cookie = self.taker.cookie.val();
        self.retire.s_axis.data.next.length = 0.into();
        self.retire.s_axis.data.next.entry = 0.into();
        self.retire.s_axis.data.next.hit = false;
        self.s_axis_punt.ready.next = false;
        self.s_axis_punt_beat.ready.next = false;
        self.m_axis_beat.valid.next = false;
        match self.state.q.val() {
            Storing::Wait => {
                if self.taker.held.val() & self.taker.status_held.val().any() {
                    self.retire.s_axis.valid.next = true;
                    self.taker.let_go.next = self.retire.s_axis.ready.val();
                } else if self.taker.held.val() & !self.running.val() {
                    self.taker.let_go.next = true;
                } else if self.taker.held.val() & self.s_axis_punt.valid.val() {
                    self.state.d.next = Storing::Judge;
                }
            }
            Storing::Judge => {
                self.retire.s_axis.valid.next = true;
                self.retire.s_axis.data.next.moving = !self.too_small.q.val();
                if self.too_small.q.val() {
                    self.retire.s_axis.data.next.status = self.bad_length.val();
                }
                self.retire.s_axis.data.next.port = self.frame.val().port;
                self.retire.s_axis.data.next.reason = self.s_axis_punt.data.val().reason;
                self.retire.s_axis.data.next.length = self.frame.val().length;
                self.retire.s_axis.data.next.entry = self.s_axis_punt.data.val().entry;
                self.retire.s_axis.data.next.hit = self.s_axis_punt.data.val().hit;
                if self.retire.s_axis.ready.val() {
                    self.s_axis_punt.ready.next = true;
                    self.taker.let_go.next = true;
                    self.starts.next = !self.too_small.q.val();
                    self.host_full.next = self.too_small.q.val();
                    self.state.d.next = Storing::Write;
                    if self.too_small.q.val() {
                        self.state.d.next = Storing::Drop;
                    }
                }
            }
            Storing::Write => {
                self.m_axis_beat.valid.next = self.s_axis_punt_beat.valid.val();
                self.s_axis_punt_beat.ready.next = self.m_axis_beat.ready.val();
                if self.s_axis_punt_beat.valid.val() & self.s_axis_punt_beat.last.val() & self.m_axis_beat.ready.val() {
                    self.state.d.next = Storing::Wait;
                }
            }
            Storing::Drop => {
                self.s_axis_punt_beat.ready.next = true;
                if self.s_axis_punt_beat.valid.val() & self.s_axis_punt_beat.last.val() {
                    self.state.d.next = Storing::Wait;
                }
            }
        }

        // Bursts.
        self.bursts.start.next = self.starts.val();
        self.bursts.address.next = self.taker.iova.val();
        self.bursts.last.next = self.last_beat.q.val();
        self.m_axis.valid.next = self.bursts.m_axis.valid.val();
        self.m_axis.data.next.address = self.bursts.m_axis.data.val().address;
        self.m_axis.data.next.beats = self.bursts.m_axis.data.val().beats;
        self.m_axis.data.next.closing = self.bursts.m_axis.data.val().closing;
        self.bursts.m_axis.ready.next = self.m_axis.ready.val();

        // Data: of the last beat as many bytes as the frame has, all eight when its length is a multiple.
        if self.starts.val() {
            self.tail.d.next = bit_cast::<3, LENGTH_BITS>(self.frame.val().length);
        }
        self.tail_strobes.next = self.all_bytes.val() << bit_cast::<8, 3>(self.tail.q.val());
        self.turn.lanes.next = self.s_axis_punt_beat.data.val();
        self.m_axis_beat.data.next.data = self.turn.bytes.val();
        self.m_axis_beat.data.next.strobes = self.all_bytes.val();
        if self.s_axis_punt_beat.last.val() & self.tail.q.val().any() {
            self.m_axis_beat.data.next.strobes = !self.tail_strobes.val();
        }

        // The bus's answers.
        if self.frame_done.val() {
            self.beat_failed.d.next = (self.beat_failed.q.val() | self.write_done.val().error) & !self.write_done.val().closing;
        }
        self.retire.moved.next = self.frame_done.val() & self.write_done.val().closing;
        self.retire.failed.next = self.beat_failed.q.val() | self.write_done.val().error;
        StreamSource::<Outcome>::link(&mut self.m_axis_outcome, &mut self.retire.m_axis);
        self.retired.next = self.retire.retired.val();
        self.bus_error.next = self.retire.bus_error.val();
        self.idle.next = (self.state.q.val() == Storing::Wait) & self.taker.idle.val() & self.retire.idle.val();

        if self.reset.val() {
            self.state.d.next = Storing::Wait;
            self.beat_failed.d.next = false;
        }
    }
}
