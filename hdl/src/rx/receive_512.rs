//! The receive side at 512 bits, in one piece: from the wires to headers and to what is behind them.
//!
//! ```text
//!  s_axis[0] -> RxPort --+              .--> SplitHead ---------+--> header
//!  s_axis[1] -> RxPort --+-> RxArbiter -+                       v
//!  ...                       ^ credit   '--> StreamFifo ------> Strip --> m_axis
//! ```
//! Latency [`Receive512::LATENCY`] clocks from a frame's last beat on the wire to its header. A beat a clock, no bubble between frames.
//!
//! # Contract
//! - Ports are [`RxPort`]s, served in turn by frame. One `header_valid` pulse a good frame, only with `credit` (of the clock in which it is taken), of which
//!   each takes one: `credit_taken`.
//! - `m_axis` has the frames in the order of their headers, each from the first byte behind layer 2: [`Strip`]'s beats.

use std::array;

use super::{HEAD_512, PAYLOAD_AW, RxArbiter, RxPort, SplitHead, Strip, WireSink};
use crate::prelude::*;
use crate::records::{BeatSource, FrameInfo, HeaderRecord, L2Record, LENGTH_BITS, REASON_BITS};

/// Bits of a beat.
const W: usize = 512;
/// Bits of a beat and its end.
const WORD: usize = W + 1;

/// `2^AW` beats and `2^FAW` frames wait at each of `PORTS` ports, up to `2^QAW` headers before `Strip`. `CW`, `FCW`, `QCW` are one more.
#[derive(LogicBlock)]
pub struct Receive512<
    const PORTS: usize,
    const AW: usize,
    const CW: usize,
    const FAW: usize,
    const FCW: usize,
    const QAW: usize,
    const QCW: usize,
> {
    /// The block's clock.
    pub clock: Signal<In, Clock>,
    /// Synchronous, active high; forgets every frame.
    pub reset: Signal<In, Bit>,
    /// From the MACs.
    pub s_axis: [WireSink<W, 64>; PORTS],
    /// Ports that take frames in.
    pub enable: [Signal<In, Bit>; PORTS],
    /// There is room for one more frame behind.
    pub credit: Signal<In, Bit>,
    /// One credit is used.
    pub credit_taken: Signal<Out, Bit>,
    /// There is a header.
    pub header_valid: Signal<Out, Bit>,
    /// Its frame is long enough for a packet: no key of another is ever found.
    pub can_hit: Signal<Out, Bit>,
    /// What the parser starts from.
    pub header: Signal<Out, HeaderRecord>,
    /// What is behind layer 2.
    pub m_axis: BeatSource<W>,
    /// Ports that dropped a frame in this clock.
    pub drop_valid: [Signal<Out, Bit>; PORTS],
    /// Why: codes of `abi::reason`.
    pub drop_reason: [Signal<Out, Bits<REASON_BITS>>; PORTS],
    /// Ports that received a frame.
    pub received_valid: [Signal<Out, Bit>; PORTS],
    /// Its bytes.
    pub received_length: [Signal<Out, Bits<LENGTH_BITS>>; PORTS],

    ports: [RxPort<W, 64, WORD, 2, HEAD_512, AW, CW, FAW, FCW>; PORTS],
    arbiter: RxArbiter<W, HEAD_512, PORTS>,
    split: SplitHead<HEAD_512>,
    payload: StreamFifo<Bits<WORD>, PAYLOAD_AW, { PAYLOAD_AW + 1 }>,
    strip: Strip<W, QAW, QCW>,
    word_in: Signal<Local, Bits<WORD>>,
    word_out: Signal<Local, Bits<WORD>>,
    l2: Signal<Local, L2Record>,
    frame: Signal<Local, FrameInfo>,
}

impl<const PORTS: usize, const AW: usize, const CW: usize, const FAW: usize, const FCW: usize, const QAW: usize, const QCW: usize>
    Receive512<PORTS, AW, CW, FAW, FCW, QAW, QCW>
{
    /// Clocks from a frame's last beat on the wire to its header, when nothing waits before it.
    pub const LATENCY: usize = RxPort::<W, 64, WORD, 2, HEAD_512, AW, CW, FAW, FCW>::LATENCY
        + RxArbiter::<W, HEAD_512, PORTS>::LATENCY
        + SplitHead::<HEAD_512>::LATENCY;

    /// For frames of up to `max_frame_bytes`, without FCS.
    pub fn new(max_frame_bytes: usize) -> Self {
        Self {
            clock: Signal::default(),
            reset: Signal::default(),
            s_axis: array::from_fn(|_| WireSink::default()),
            enable: array::from_fn(|_| Signal::default()),
            credit: Signal::default(),
            credit_taken: Signal::default(),
            header_valid: Signal::default(),
            can_hit: Signal::default(),
            header: Signal::default(),
            m_axis: BeatSource::default(),
            drop_valid: array::from_fn(|_| Signal::default()),
            drop_reason: array::from_fn(|_| Signal::default()),
            received_valid: array::from_fn(|_| Signal::default()),
            received_length: array::from_fn(|_| Signal::default()),
            ports: array::from_fn(|port| RxPort::new(port, max_frame_bytes)),
            arbiter: RxArbiter::default(),
            split: SplitHead::default(),
            payload: StreamFifo::default(),
            strip: Strip::default(),
            word_in: Signal::default(),
            word_out: Signal::default(),
            l2: Signal::default(),
            frame: Signal::default(),
        }
    }
}

impl<const PORTS: usize, const AW: usize, const CW: usize, const FAW: usize, const FCW: usize, const QAW: usize, const QCW: usize>
    Logic for Receive512<PORTS, AW, CW, FAW, FCW, QAW, QCW>
{
    #[hdl_gen]
    fn update(&mut self) {
        clock!(self, clock, arbiter, split, payload, strip);
        self.arbiter.reset.next = self.reset.val();
        self.split.reset.next = self.reset.val();
        self.strip.reset.next = self.reset.val();
        self.payload.reset.next = self.reset.val();
        for i in 0..PORTS {
            self.ports[i].clock.next = self.clock.val();
            self.ports[i].reset.next = self.reset.val();
            self.ports[i].enable.next = self.enable[i].val();
            WireSink::<W, 64>::link(&mut self.s_axis[i], &mut self.ports[i].s_axis);
            self.drop_valid[i].next = self.ports[i].drop_valid.val();
            self.drop_reason[i].next = self.ports[i].drop_reason.val();
            self.received_valid[i].next = self.ports[i].received_valid.val();
            self.received_length[i].next = self.ports[i].received_length.val();
            StreamSource::<FrameInfo>::join(&mut self.ports[i].m_axis_frame, &mut self.arbiter.s_axis_frame[i]);
            self.arbiter.s_head_valid[i].next = self.ports[i].m_head_valid.val();
            self.arbiter.s_head[i].next = self.ports[i].m_head.val();
            BeatSource::<W>::join(&mut self.ports[i].m_axis_beats, &mut self.arbiter.s_axis_beats[i]);
        }
        self.arbiter.credit.next = self.credit.val();
        self.credit_taken.next = self.arbiter.credit_taken.val();
        self.split.head_valid.next = self.arbiter.m_head_valid.val();
        self.split.head.next = self.arbiter.m_head.val();
        self.split.frame.next = self.arbiter.m_frame.val();
        self.header_valid.next = self.split.header_valid.val();
        self.can_hit.next = true;
        self.header.next = self.split.header.val();
        self.l2.next = self.split.header.val().l2;
        self.frame.next = self.split.header.val().frame;
        self.strip.header_valid.next = self.split.header_valid.val();
        self.strip.l2_length.next = self.l2.val().length;
        self.strip.length.next = self.frame.val().length;

        // Beats wait in the FIFO for their verdict.
        self.word_in.next = bit_cast::<WORD, W>(self.arbiter.m_axis.data.val());
        self.payload.s_axis.data.next = self.word_in.val().replace_bit(512, self.arbiter.m_axis.last.val());
        self.payload.s_axis.valid.next = self.arbiter.m_axis.valid.val();
        self.arbiter.m_axis.ready.next = self.payload.s_axis.ready.val();
        self.word_out.next = self.payload.m_axis.data.val();
        self.strip.s_axis.data.next = self.word_out.val().get_bits::<W>(0);
        self.strip.s_axis.last.next = self.word_out.val().get_bit(512);
        self.strip.s_axis.valid.next = self.payload.m_axis.valid.val();
        self.payload.m_axis.ready.next = self.strip.s_axis.ready.val();
        BeatSource::<W>::link(&mut self.m_axis, &mut self.strip.m_axis);
    }
}
