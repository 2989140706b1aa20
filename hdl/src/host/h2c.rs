//! Host to card: reads the host's frames and offers them, whole, to be sent.
//!
//! ```text
//!  word_valid, word, place, desc_done, status ->[ H2c ]--> m_axis (ReadRequest)
//!  beat_valid, beat --------------------------->[     ]--> frame, m_axis_frame_beat
//!  wanted <-------------------------------------[     ]--> m_axis_outcome, retired, bus_error, idle
//! ```
//! Throughput: one beat a clock in and out, a frame every 15 clocks or its beats, whichever is more; the next frames are asked for while
//! the bus still works on the first. Latency from the last beat of a frame to its first beat out 4 clocks.
//!
//! # Contract
//! - Port beyond the card's: `BadIndex`. Length zero or beyond the longest frame: `BadLength`. Checked in this order, after the
//!   descriptor itself. The low three bits of the address are taken as zero.
//! - The outcome is offered when the whole frame is in the card: the host's buffer is free. Without `FLAG_COMPLETE` only failures
//!   complete.
//! - A frame that the bus failed to read is not sent.
//! - Bursts are asked for only when the store has room for their data. The store holds `2^AW` beats, at least the longest frame
//!   and a burst.
//! - `frame` is beside the beats from a frame's first to its last; frames leave in the order of the ring.

use fpgaflow_abi::descriptor::{FrameKind, Status};
use fpgaflow_abi::geometry::Geometry;

use crate::host::bursts::{BURST_BEATS, Bursts};
use crate::host::frame_store::{BEAT_BITS, FrameStore, ROOM_LAG};
use crate::host::frame_taker::FrameTaker;
use crate::host::retire::Retire;
use crate::host::types::{FRAME_TAG, Outcome, ReadBeat, ReadRequest, STATUS_BITS, TAG_BITS};
use crate::prelude::*;
use crate::records::{BeatSource, FrameInfo, LENGTH_BITS, PORT_BITS};

/// Bits of the number of a block of a frame's beats, see [`Bursts`].
const BLOCK_BITS: usize = BEAT_BITS - 3;

/// States.
#[derive(Copy, Clone, Debug, PartialEq, LogicState)]
pub enum Sending {
    /// Waits for a descriptor.
    Wait,
    /// What is wrong with it is known.
    Judge,
    /// The frame is announced to the store.
    Announce,
    /// Its bursts are asked for.
    Ask,
}

/// The block. `AW` and `CW` are [`FrameStore`]'s.
#[derive(LogicBlock)]
pub struct H2c<const AW: usize, const CW: usize> {
    /// The block's clock.
    pub clock: Signal<In, Clock>,
    /// Synchronous, active high.
    pub reset: Signal<In, Bit>,
    /// See [`Ring`](super::ring::Ring).
    pub running: Signal<In, Bit>,
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
    /// Bursts to read.
    pub m_axis: StreamSource<ReadRequest>,
    /// A beat was read.
    pub beat_valid: Signal<In, Bit>,
    /// The beat.
    pub beat: Signal<In, ReadBeat>,
    /// Length and port of the frame to send, beside its beats.
    pub frame: Signal<Out, FrameInfo>,
    /// Its beats.
    pub m_axis_frame_beat: BeatSource<64>,
    /// Completions.
    pub m_axis_outcome: StreamSource<Outcome>,
    /// A descriptor ends.
    pub retired: Signal<Out, Bit>,
    /// It ends because the bus failed.
    pub bus_error: Signal<Out, Bit>,
    /// No descriptor of the ring is in progress.
    pub idle: Signal<Out, Bit>,
    state: DFF<Sending>,
    taker: FrameTaker,
    bursts: Bursts<BEAT_BITS, BLOCK_BITS>,
    store: FrameStore<AW, CW>,
    retire: Retire,
    verdict: DFF<Bits<STATUS_BITS>>,
    last_byte: Signal<Local, Bits<LENGTH_BITS>>,
    last_beat: DFF<Bits<BEAT_BITS>>,
    /// Clocks for which the store's `room` is not to be trusted.
    settle: DFF<Bits<2>>,
    may_ask: Signal<Local, Bit>,
    asks: Signal<Local, Bit>,
    most_bytes: Constant<Bits<32>>,
    ports: Constant<Bits<8>>,
    one: Constant<Bits<LENGTH_BITS>>,
    one_clock: Constant<Bits<2>>,
    lag: Constant<Bits<2>>,
    tag: Constant<Bits<TAG_BITS>>,
    bad_index: Constant<Bits<STATUS_BITS>>,
    bad_length: Constant<Bits<STATUS_BITS>>,
}

impl<const AW: usize, const CW: usize> H2c<AW, CW> {
    /// For a card of this geometry.
    ///
    /// # Panics
    /// When the store does not hold the longest frame and a burst.
    pub fn new(geometry: &Geometry) -> Self {
        let beats = geometry.max_frame_bytes.div_ceil(8) as usize;
        assert!(beats + BURST_BEATS <= 1 << AW, "H2c: 2^{AW} beats do not hold a frame of {beats} and a burst");
        assert!(geometry.max_frame_bytes < 1 << LENGTH_BITS, "H2c: {LENGTH_BITS} bits do not hold the longest frame");
        let status = |status: Status| Constant::new((status as u64).into());
        Self {
            clock: Signal::default(),
            reset: Signal::default(),
            running: Signal::default(),
            wanted: Signal::default(),
            word_valid: Signal::default(),
            word: Signal::default(),
            place: Signal::default(),
            desc_done: Signal::default(),
            status: Signal::default(),
            m_axis: StreamSource::default(),
            beat_valid: Signal::default(),
            beat: Signal::default(),
            frame: Signal::default(),
            m_axis_frame_beat: BeatSource::default(),
            m_axis_outcome: StreamSource::default(),
            retired: Signal::default(),
            bus_error: Signal::default(),
            idle: Signal::default(),
            state: DFF::default(),
            taker: FrameTaker::new(FrameKind::Send),
            bursts: Bursts::default(),
            store: FrameStore::default(),
            retire: Retire::default(),
            verdict: DFF::default(),
            last_byte: Signal::default(),
            last_beat: DFF::default(),
            settle: DFF::default(),
            may_ask: Signal::default(),
            asks: Signal::default(),
            most_bytes: Constant::new(u64::from(geometry.max_frame_bytes).into()),
            ports: Constant::new(u64::from(geometry.ports).into()),
            one: Constant::new(1_u64.into()),
            one_clock: Constant::new(1_u64.into()),
            lag: Constant::new(ROOM_LAG.into()),
            tag: Constant::new(FRAME_TAG.into()),
            bad_index: status(Status::BadIndex),
            bad_length: status(Status::BadLength),
        }
    }
}

impl<const AW: usize, const CW: usize> Logic for H2c<AW, CW> {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, state, verdict, last_beat, settle);
        clock!(self, clock, taker, bursts, store, retire);
        self.taker.reset.next = self.reset.val();
        self.bursts.reset.next = self.reset.val();
        self.store.reset.next = self.reset.val();
        self.retire.reset.next = self.reset.val();
        self.taker.running.next = self.running.val();
        self.taker.word_valid.next = self.word_valid.val();
        self.taker.word.next = self.word.val();
        self.taker.place.next = self.place.val();
        self.taker.done.next = self.desc_done.val();
        self.taker.status.next = self.status.val();
        self.wanted.next = self.taker.wanted.val();

        // What is wrong with the descriptor, and how many beats its frame has.
        self.verdict.d.next = self.taker.status_held.val();
        if !self.taker.status_held.val().any() {
            if self.taker.port.val() >= self.ports.val() {
                self.verdict.d.next = self.bad_index.val();
            } else if !self.taker.length.val().any() | (self.taker.length.val() > self.most_bytes.val()) {
                self.verdict.d.next = self.bad_length.val();
            }
        }
        self.last_byte.next = bit_cast::<LENGTH_BITS, 32>(self.taker.length.val()) - self.one.val();
        self.last_beat.d.next = self.last_byte.val().get_bits::<BEAT_BITS>(3);

        self.retire.s_axis.valid.next = false;
        self.retire.s_axis.data.next.moving = !self.verdict.q.val().any();
        self.retire.s_axis.data.next.quiet = !self.taker.complete.val();
        self.retire.s_axis.data.next.status = self.verdict.q.val();
        self.retire.s_axis.data.next.port = 0.into();
        self.retire.s_axis.data.next.reason = 0.into();
        self.retire.s_axis.data.next.cookie = self.taker.cookie.val();
        self.retire.s_axis.data.next.length = bit_cast::<LENGTH_BITS, 32>(self.taker.length.val());
        self.retire.s_axis.data.next.entry = 0.into();
        self.retire.s_axis.data.next.hit = false;
        self.store.s_axis.valid.next = false;
        self.store.s_axis.data.next.length = bit_cast::<LENGTH_BITS, 32>(self.taker.length.val());
        self.store.s_axis.data.next.port = bit_cast::<PORT_BITS, 8>(self.taker.port.val());
        self.store.s_axis.data.next.last_beat = self.last_beat.q.val();
        self.bursts.start.next = false;
        self.taker.let_go.next = false;
        match self.state.q.val() {
            Sending::Wait => {
                if self.taker.held.val() {
                    self.state.d.next = Sending::Judge;
                }
            }
            Sending::Judge => {
                self.retire.s_axis.valid.next = true;
                if self.retire.s_axis.ready.val() {
                    self.state.d.next = Sending::Announce;
                    if self.verdict.q.val().any() {
                        self.taker.let_go.next = true;
                        self.state.d.next = Sending::Wait;
                    }
                }
            }
            Sending::Announce => {
                self.store.s_axis.valid.next = true;
                if self.store.s_axis.ready.val() {
                    self.bursts.start.next = true;
                    self.taker.let_go.next = true;
                    self.state.d.next = Sending::Ask;
                }
            }
            Sending::Ask => {
                if !self.bursts.busy.val() {
                    self.state.d.next = Sending::Wait;
                }
            }
        }

        // Bursts.
        self.bursts.address.next = self.taker.iova.val();
        self.bursts.last.next = self.last_beat.q.val();
        self.may_ask.next = self.store.room.val() & !self.settle.q.val().any();
        self.m_axis.valid.next = self.bursts.m_axis.valid.val() & self.may_ask.val();
        self.m_axis.data.next.address = self.bursts.m_axis.data.val().address;
        self.m_axis.data.next.beats = self.bursts.m_axis.data.val().beats;
        self.m_axis.data.next.tag = self.tag.val();
        self.bursts.m_axis.ready.next = self.m_axis.ready.val() & self.may_ask.val();
        self.asks.next = self.bursts.m_axis.valid.val() & self.may_ask.val() & self.m_axis.ready.val();
        self.store.asked.next = self.asks.val();
        self.store.asked_beats.next = self.bursts.m_axis.data.val().beats;
        if self.settle.q.val().any() {
            self.settle.d.next = self.settle.q.val() - self.one_clock.val();
        }
        if self.asks.val() {
            self.settle.d.next = self.lag.val();
        }

        // Data.
        self.store.beat_valid.next = self.beat_valid.val();
        self.store.beat.next = self.beat.val();
        self.retire.moved.next = self.store.moved.val();
        self.retire.failed.next = self.store.failed.val();
        self.frame.next = self.store.frame.val();
        BeatSource::<64>::link(&mut self.m_axis_frame_beat, &mut self.store.m_axis_frame_beat);
        StreamSource::<Outcome>::link(&mut self.m_axis_outcome, &mut self.retire.m_axis);
        self.retired.next = self.retire.retired.val();
        self.bus_error.next = self.retire.bus_error.val();
        self.idle.next = (self.state.q.val() == Sending::Wait) & self.taker.idle.val() & self.retire.idle.val();

        if self.reset.val() {
            self.state.d.next = Sending::Wait;
            self.settle.d.next = 0.into();
        }
    }
}
