//! Store and forward for one Ethernet port: a frame is offered when it is known to be whole and good.
//!
//! ```text
//!            +--------+--> m_axis_frame  one FrameInfo a frame
//!  s_axis -->|        |--> m_head_valid, m_head  its first beats, all at once
//!  enable -->| RxPort |--> m_axis_beats  its beats, first byte most significant
//!            |        |--> drop_valid, drop_reason
//!            +--------+--> received_valid, received_length
//! ```
//! Latency [`RxPort::LATENCY`] clocks from a frame's last beat to its first beat and its head, when it has at least `SLOTS` beats: see
//! [`RxStore`]. A beat a clock in and out at once, no bubble between frames. Data and records come from flip-flops, the valid bits of
//! beats and head from a few.
//!
//! # Contract
//! - A frame's `FrameInfo` is offered no later than its first beat, if those before it are taken by then. Frames leave in the order
//!   they came, each once.
//! - `m_head` is a frame's first `SLOTS` beats or all it has, when `m_axis_beats` is at its first beat and `m_head_valid` is high;
//!   that comes as soon as they are in view, whether or not a beat is taken. At other beats `m_head_valid` says nothing.
//! - A frame is dropped for the first of: `port_disabled` (`enable` was low with its first beat), `rx_error` (`tuser` with its last
//!   beat, or a `tkeep` that AXI-Stream does not allow: see below), `oversize`, `runt`. One `drop_valid` pulse each.
//! - One `received_valid` pulse for every frame, dropped ones too; `received_length` stops at 65,535
//!   (and says little of a frame whose `tkeep` has a hole).
//! - `tkeep` counts: all ones in every beat but the last, there contiguous from lane 0 and, unless the frame has no byte at all,
//!   not zero.
//! - A full store makes `tready` low. A frame of any length ends in its one pulse and never stops the port: of an oversize frame
//!   no more than the longest frame's beats are kept, and they are given back at its end at the latest. The longest frame always
//!   fits; [`RxPort::new`] refuses parameters for which it would not.
//!
//! # Stages
//! s1: the beat as it came, turned around, and which of its frame it is: that and one lane each say whether the frame is too long or too
//! short. s2: its bytes counted; store, length and verdict are one clock's work there.

#![allow(missing_docs, reason = "the derive of rust-hdl writes public methods without a word; every item of ours has one")]

use super::{HEAD_BYTES, Judge, RxStore, TurnBytes};
use crate::prelude::*;
use crate::records::{BeatSource, FrameInfo, LENGTH_BITS, PORT_BITS, REASON_BITS};

/// AXI-Stream as a MAC speaks it: lane 0 (`tdata[7:0]`) is the first byte.
#[derive(LogicInterface, Clone, Debug, Default)]
pub struct WireSink<const W: usize, const B: usize> {
    /// The beat.
    pub tdata: Signal<In, Bits<W>>,
    /// Which of its bytes are the frame's.
    pub tkeep: Signal<In, Bits<B>>,
    /// Last beat of its frame.
    pub tlast: Signal<In, Bit>,
    /// With `tlast`: the frame is bad.
    pub tuser: Signal<In, Bit>,
    /// The MAC has a beat.
    pub tvalid: Signal<In, Bit>,
    /// The port takes it in this clock.
    pub tready: Signal<Out, Bit>,
}

/// Words that must be free before `tready`: one for each beat that is under way and not yet counted by the store.
const MARGIN: usize = 4;

/// One port's receive side: `W` bits in `B` lanes, `2^AW` beats of store, `SLOTS` beats in view. `L` is `W + 1`, `HEAD` is
/// `SLOTS * W`, `CW` is `AW + 1`. `2^FAW` frames wait at most; `FCW` is `FAW + 1`.
#[derive(LogicBlock)]
pub struct RxPort<
    const W: usize,
    const B: usize,
    const L: usize,
    const SLOTS: usize,
    const HEAD: usize,
    const AW: usize,
    const CW: usize,
    const FAW: usize = 8,
    const FCW: usize = 9,
> {
    /// The block's clock.
    pub clock: Signal<In, Clock>,
    /// Synchronous, active high; forgets everything stored.
    pub reset: Signal<In, Bit>,
    /// From the MAC.
    pub s_axis: WireSink<W, B>,
    /// Receive side on; looked at with a frame's first beat.
    pub enable: Signal<In, Bit>,
    /// One word a stored frame.
    pub m_axis_frame: StreamSource<FrameInfo>,
    /// `m_head` is complete.
    pub m_head_valid: Signal<Out, Bit>,
    /// The first beats of the frame that is next.
    pub m_head: Signal<Out, Bits<HEAD>>,
    /// The beats of the stored frames.
    pub m_axis_beats: BeatSource<W>,
    /// A frame was dropped.
    pub drop_valid: Signal<Out, Bit>,
    /// Why: a code of `abi::reason`.
    pub drop_reason: Signal<Out, Bits<REASON_BITS>>,
    /// A frame ended, dropped or not.
    pub received_valid: Signal<Out, Bit>,
    /// How many bytes it had.
    pub received_length: Signal<Out, Bits<LENGTH_BITS>>,

    turn: TurnBytes<W>,
    judge: Judge<B>,
    store: RxStore<W, L, SLOTS, HEAD, AW, CW>,
    frames: SmallFifo<FrameInfo, FAW, FCW>,

    // s0: what may be taken.
    ready: DFF<Bit>,
    take: Signal<Local, Bit>,
    in_frame: DFF<Bit>,
    on: DFF<Bit>,
    beat: DFF<Bits<LENGTH_BITS>>,

    // s1: the beat as it came.
    valid_s1: DFF<Bit>,
    data_s1: DFF<Bits<W>>,
    keep_s1: DFF<Bits<B>>,
    last_s1: DFF<Bit>,
    error_s1: DFF<Bit>,
    on_s1: DFF<Bit>,
    first_s1: DFF<Bit>,
    // Which beat of its frame, from 0.
    beat_s1: DFF<Bits<LENGTH_BITS>>,

    // s2: the beat; the judge has counted its bytes.
    data_s2: DFF<Bits<W>>,
    last_s2: DFF<Bit>,

    port: Constant<Bits<PORT_BITS>>,
    one: Constant<Bits<LENGTH_BITS>>,
    margin: Constant<Bits<CW>>,
    frames_margin: Constant<Bits<FCW>>,
}

impl<
    const W: usize,
    const B: usize,
    const L: usize,
    const SLOTS: usize,
    const HEAD: usize,
    const AW: usize,
    const CW: usize,
    const FAW: usize,
    const FCW: usize,
> RxPort<W, B, L, SLOTS, HEAD, AW, CW, FAW, FCW>
{
    /// Clocks from taking a frame's last beat to its first beat out, when nothing waits before it.
    pub const LATENCY: usize = 2 + RxStore::<W, L, SLOTS, HEAD, AW, CW>::LATENCY;

    /// The receive side of port `port` for frames of up to `max_frame_bytes`, without FCS.
    ///
    /// # Panics
    /// When the widths do not fit each other, `port` has no number, or the store could not hold the longest frame.
    pub fn new(port: usize, max_frame_bytes: usize) -> Self {
        assert!(W == 8 * B && L == W + 1, "RxPort: {B} lanes and words of {L} bits do not fit beats of {W} bits");
        assert!(port < 1 << PORT_BITS, "RxPort: port {port} does not fit {PORT_BITS} bits");
        assert!(HEAD >= 8 * HEAD_BYTES, "RxPort: {HEAD} bits do not hold the headers' {HEAD_BYTES} bytes");
        let beats = max_frame_bytes.div_ceil(B);
        assert!(
            max_frame_bytes < 1 << LENGTH_BITS && beats + MARGIN <= 1 << AW,
            "RxPort: a frame of {max_frame_bytes} bytes does not fit a store of {} beats of {B} bytes",
            1_usize << AW
        );
        Self {
            clock: Signal::default(),
            reset: Signal::default(),
            s_axis: WireSink::default(),
            enable: Signal::default(),
            m_axis_frame: StreamSource::default(),
            m_head_valid: Signal::default(),
            m_head: Signal::default(),
            m_axis_beats: BeatSource::default(),
            drop_valid: Signal::default(),
            drop_reason: Signal::default(),
            received_valid: Signal::default(),
            received_length: Signal::default(),
            turn: TurnBytes::default(),
            judge: Judge::new(max_frame_bytes),
            store: RxStore::default(),
            frames: SmallFifo::default(),
            ready: DFF::default(),
            take: Signal::default(),
            in_frame: DFF::default(),
            on: DFF::default(),
            valid_s1: DFF::default(),
            data_s1: DFF::default(),
            keep_s1: DFF::default(),
            last_s1: DFF::default(),
            error_s1: DFF::default(),
            on_s1: DFF::default(),
            first_s1: DFF::default(),
            beat_s1: DFF::default(),
            data_s2: DFF::default(),
            last_s2: DFF::default(),
            beat: DFF::default(),
            port: Constant::new((port as u64).into()),
            one: Constant::new(1_u64.into()),
            margin: Constant::new((MARGIN as u64).into()),
            frames_margin: Constant::new((MARGIN as u64).into()),
        }
    }
}

impl<
    const W: usize,
    const B: usize,
    const L: usize,
    const SLOTS: usize,
    const HEAD: usize,
    const AW: usize,
    const CW: usize,
    const FAW: usize,
    const FCW: usize,
> Logic for RxPort<W, B, L, SLOTS, HEAD, AW, CW, FAW, FCW>
{
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, ready, in_frame, on);
        dff_setup!(self, clock, valid_s1, data_s1, keep_s1, last_s1, error_s1, on_s1, first_s1, beat_s1);
        dff_setup!(self, clock, data_s2, last_s2, beat);
        clock!(self, clock, judge, store, frames);
        self.judge.reset.next = self.reset.val();
        self.store.reset.next = self.reset.val();
        self.frames.reset.next = self.reset.val();

        // s0: a beat is taken when the store has room for it and for all that are under way.
        self.ready.d.next = (self.store.space.val() >= self.margin.val()) & (self.frames.space.val() >= self.frames_margin.val());
        self.s_axis.tready.next = self.ready.q.val();
        self.take.next = self.s_axis.tvalid.val() & self.ready.q.val();
        self.turn.lanes.next = self.s_axis.tdata.val();
        self.valid_s1.d.next = self.take.val();
        self.data_s1.d.next = self.turn.bytes.val();
        self.keep_s1.d.next = self.s_axis.tkeep.val();
        self.last_s1.d.next = self.s_axis.tlast.val();
        self.error_s1.d.next = self.s_axis.tuser.val();
        self.on_s1.d.next = self.on.q.val();
        self.first_s1.d.next = !self.in_frame.q.val();
        self.beat_s1.d.next = self.beat.q.val();
        if !self.in_frame.q.val() {
            self.on_s1.d.next = self.enable.val();
        }
        if self.take.val() {
            self.in_frame.d.next = !self.s_axis.tlast.val();
            self.beat.d.next = self.beat.q.val() + self.one.val();
            if self.s_axis.tlast.val() {
                self.beat.d.next = 0.into();
            }
            if !self.in_frame.q.val() {
                self.on.d.next = self.enable.val();
            }
        }

        // s1: what the judge looks at.
        self.judge.valid_s1.next = self.valid_s1.q.val();
        self.judge.keep_s1.next = self.keep_s1.q.val();
        self.judge.last_s1.next = self.last_s1.q.val();
        self.judge.error_s1.next = self.error_s1.q.val();
        self.judge.on_s1.next = self.on_s1.q.val();
        self.judge.first_s1.next = self.first_s1.q.val();
        self.judge.beat_s1.next = self.beat_s1.q.val();
        self.data_s2.d.next = self.data_s1.q.val();
        self.last_s2.d.next = self.last_s1.q.val();

        // s2. The store: beats of a frame that may still become good; its end decides.
        self.store.data.next = self.data_s2.q.val();
        self.store.last.next = self.last_s2.q.val();
        self.store.push.next = self.judge.stores.val();
        self.store.commit.next = self.judge.commit.val();
        self.store.rollback.next = self.judge.rollback.val();
        self.frames.s_axis.data.next.length = self.judge.length.val();
        self.frames.s_axis.data.next.port = self.port.val();
        self.frames.s_axis.valid.next = self.judge.commit.val();

        StreamSource::<FrameInfo>::link(&mut self.m_axis_frame, &mut self.frames.m_axis);
        BeatSource::<W>::link(&mut self.m_axis_beats, &mut self.store.m_axis);
        self.m_head_valid.next = self.store.head_valid.val();
        self.m_head.next = self.store.head.val();

        // s3: what is told of it.
        self.received_valid.next = self.judge.received_valid.val();
        self.received_length.next = self.judge.received_length.val();
        self.drop_valid.next = self.judge.drop_valid.val();
        self.drop_reason.next = self.judge.drop_reason.val();

        if self.reset.val() {
            self.ready.d.next = false;
            self.in_frame.d.next = false;
            self.beat.d.next = 0.into();
            self.valid_s1.d.next = false;
        }
    }
}
