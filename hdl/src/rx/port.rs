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

use std::array;

use fpgaflow_abi::reason::Reason;
use fpgaflow_abi::wire;

use super::{HEAD_BYTES, RxStore, TurnBytes};
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

/// Bits of a count of a beat's bytes.
const COUNT_BITS: usize = 8;
/// Beats in which the Ethernet header may end.
const HEADER_BEATS: usize = 2;
/// Bits of a length that is still to be cut to [`LENGTH_BITS`].
const SUM_BITS: usize = LENGTH_BITS + 1;
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
    store: RxStore<W, L, SLOTS, HEAD, AW, CW>,
    frames: SmallFifo<FrameInfo, FAW, FCW>,

    // s0: what may be taken.
    ready: DFF<Bit>,
    take: Signal<Local, Bit>,
    in_frame: DFF<Bit>,
    on: DFF<Bit>,

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
    below: Signal<Local, Bits<B>>,
    edges: Signal<Local, Bits<B>>,
    count: Signal<Local, Bits<COUNT_BITS>>,
    broken: Signal<Local, Bit>,
    whole_header: [Signal<Local, Bit>; HEADER_BEATS],

    // s2: the beat and how many bytes it has.
    valid_s2: DFF<Bit>,
    data_s2: DFF<Bits<W>>,
    last_s2: DFF<Bit>,
    on_s2: DFF<Bit>,
    bad_s2: DFF<Bit>,
    over_s2: DFF<Bit>,
    runt_s2: DFF<Bit>,
    count_s2: DFF<Bits<COUNT_BITS>>,

    // What is known of the frame from the beats before.
    beat: DFF<Bits<LENGTH_BITS>>,
    total: DFF<Bits<LENGTH_BITS>>,
    was_bad: DFF<Bit>,
    was_over: DFF<Bit>,

    sum: Signal<Local, Bits<SUM_BITS>>,
    length: Signal<Local, Bits<LENGTH_BITS>>,
    bad: Signal<Local, Bit>,
    over: Signal<Local, Bit>,
    good: Signal<Local, Bit>,
    ends: Signal<Local, Bit>,

    drop_valid_s3: DFF<Bit>,
    drop_reason_s3: DFF<Bits<REASON_BITS>>,
    received_valid_s3: DFF<Bit>,
    received_length_s3: DFF<Bits<LENGTH_BITS>>,

    port: Constant<Bits<PORT_BITS>>,
    // The beat in which the longest frame ends, and the lane that it does not have.
    longest_beat: Constant<Bits<LENGTH_BITS>>,
    longest_end: Constant<Bits<B>>,
    // The lane in which the Ethernet header ends, in the first beat and in the second.
    header_ends: [Constant<Bits<B>>; HEADER_BEATS],
    one: Constant<Bits<LENGTH_BITS>>,
    lowest: Constant<Bits<B>>,
    counted: [Constant<Bits<B>>; COUNT_BITS],
    most: Constant<Bits<LENGTH_BITS>>,
    margin: Constant<Bits<CW>>,
    frames_margin: Constant<Bits<FCW>>,
    port_disabled: Constant<Bits<REASON_BITS>>,
    rx_error: Constant<Bits<REASON_BITS>>,
    oversize: Constant<Bits<REASON_BITS>>,
    short: Constant<Bits<REASON_BITS>>,
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
        assert!(B < 1 << COUNT_BITS, "RxPort: {B} lanes do not fit a count of {COUNT_BITS} bits");
        assert!(port < 1 << PORT_BITS, "RxPort: port {port} does not fit {PORT_BITS} bits");
        assert!(HEAD >= 8 * HEAD_BYTES, "RxPort: {HEAD} bits do not hold the headers' {HEAD_BYTES} bytes");
        let beats = max_frame_bytes.div_ceil(B);
        assert!(
            max_frame_bytes < 1 << LENGTH_BITS && beats + MARGIN <= 1 << AW,
            "RxPort: a frame of {max_frame_bytes} bytes does not fit a store of {} beats of {B} bytes",
            1_usize << AW
        );
        let reason = |reason: Reason| Constant::new((reason as u64).into());
        let lane = |lane: usize| Constant::new(Bits::<B>::default().replace_bit(lane, true));
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
            below: Signal::default(),
            edges: Signal::default(),
            count: Signal::default(),
            broken: Signal::default(),
            whole_header: array::from_fn(|_| Signal::default()),
            valid_s2: DFF::default(),
            data_s2: DFF::default(),
            last_s2: DFF::default(),
            on_s2: DFF::default(),
            bad_s2: DFF::default(),
            over_s2: DFF::default(),
            runt_s2: DFF::default(),
            count_s2: DFF::default(),
            beat: DFF::default(),
            total: DFF::default(),
            was_bad: DFF::default(),
            was_over: DFF::default(),
            sum: Signal::default(),
            length: Signal::default(),
            bad: Signal::default(),
            over: Signal::default(),
            good: Signal::default(),
            ends: Signal::default(),
            drop_valid_s3: DFF::default(),
            drop_reason_s3: DFF::default(),
            received_valid_s3: DFF::default(),
            received_length_s3: DFF::default(),
            port: Constant::new((port as u64).into()),
            longest_beat: Constant::new(((max_frame_bytes / B) as u64).into()),
            longest_end: lane(max_frame_bytes % B),
            header_ends: array::from_fn(|beat| match (wire::ETH_HEADER_BYTES - 1).checked_sub(beat * B) {
                Some(end) if end < B => lane(end),
                Some(_) => Constant::new(Bits::default()),
                None => Constant::new(!Bits::<B>::default()),
            }),
            one: Constant::new(1_u64.into()),
            lowest: Constant::new(1_u64.into()),
            counted: array::from_fn(|bit| {
                let lanes = (0..B).filter(|lane| (lane + 1) >> bit & 1 == 1);
                Constant::new(lanes.fold(Bits::<B>::default(), |lanes, lane| lanes.replace_bit(lane, true)))
            }),
            most: Constant::new(((1_u64 << LENGTH_BITS) - 1).into()),
            margin: Constant::new((MARGIN as u64).into()),
            frames_margin: Constant::new((MARGIN as u64).into()),
            port_disabled: reason(Reason::PortDisabled),
            rx_error: reason(Reason::RxError),
            oversize: reason(Reason::Oversize),
            short: reason(Reason::Runt),
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
        dff_setup!(self, clock, valid_s2, data_s2, last_s2, on_s2, bad_s2, over_s2, runt_s2, count_s2);
        dff_setup!(self, clock, beat, total, was_bad, was_over);
        dff_setup!(self, clock, drop_valid_s3, drop_reason_s3, received_valid_s3, received_length_s3);
        clock!(self, clock, store, frames);
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

        // s1: bytes of the beat, from the lane whose upper neighbour is empty; and whether that is all there is to tkeep.
        self.below.next = (self.keep_s1.q.val() << 1) | self.lowest.val();
        self.broken.next = (self.keep_s1.q.val() & !self.below.val()).any();
        if !self.last_s1.q.val() {
            self.broken.next = !self.keep_s1.q.val().all();
        } else if !self.first_s1.q.val() & !self.keep_s1.q.val().any() {
            self.broken.next = true;
        }
        self.edges.next = self.keep_s1.q.val() & !(self.keep_s1.q.val() >> 1);
        self.count.next = 0.into();
        for i in 0..COUNT_BITS {
            if (self.edges.val() & self.counted[i].val()).any() {
                self.count.next = self.count.val().replace_bit(i, true);
            }
        }
        self.valid_s2.d.next = self.valid_s1.q.val();
        self.data_s2.d.next = self.data_s1.q.val();
        self.last_s2.d.next = self.last_s1.q.val();
        self.on_s2.d.next = self.on_s1.q.val();
        self.bad_s2.d.next = self.broken.val() | (self.last_s1.q.val() & self.error_s1.q.val());
        self.count_s2.d.next = self.count.val();
        // All beats before are full, or the frame is bad and nobody asks how long it is; but a bad one ends its stay here, too.
        self.over_s2.d.next = (self.beat_s1.q.val() == self.longest_beat.val())
            & ((self.keep_s1.q.val() & self.longest_end.val()).any() | !self.last_s1.q.val());
        for i in 0..HEADER_BEATS {
            self.whole_header[i].next = (self.keep_s1.q.val() & self.header_ends[i].val()).any();
        }
        self.runt_s2.d.next = (self.first_s1.q.val() & !self.whole_header[0].val())
            | ((self.beat_s1.q.val() == self.one.val()) & !self.whole_header[1].val());

        // s2: what is known with this beat.
        self.sum.next =
            bit_cast::<SUM_BITS, LENGTH_BITS>(self.total.q.val()) + bit_cast::<SUM_BITS, COUNT_BITS>(self.count_s2.q.val());
        self.length.next = bit_cast::<LENGTH_BITS, SUM_BITS>(self.sum.val());
        for carry in LENGTH_BITS..(LENGTH_BITS + 1) {
            if self.sum.val().get_bit(carry) {
                self.length.next = self.most.val();
            }
        }
        self.bad.next = self.was_bad.q.val() | self.bad_s2.q.val();
        self.over.next = self.was_over.q.val() | self.over_s2.q.val();
        self.good.next = self.on_s2.q.val() & !self.bad.val() & !self.over.val() & !self.runt_s2.q.val();
        self.ends.next = self.valid_s2.q.val() & self.last_s2.q.val();
        if self.valid_s2.q.val() {
            self.total.d.next = self.length.val();
            self.was_bad.d.next = self.bad.val();
            self.was_over.d.next = self.over.val();
        }
        if self.ends.val() | self.reset.val() {
            self.total.d.next = 0.into();
            self.was_bad.d.next = false;
            self.was_over.d.next = false;
        }

        // The store: beats of a frame that may still become good; its end decides.
        self.store.data.next = self.data_s2.q.val();
        self.store.last.next = self.last_s2.q.val();
        self.store.push.next = self.valid_s2.q.val() & self.on_s2.q.val() & !self.over.val();
        self.store.commit.next = self.ends.val() & self.good.val();
        self.store.rollback.next = (self.ends.val() & !self.good.val()) | (self.valid_s2.q.val() & self.over.val());
        self.frames.s_axis.data.next.length = self.length.val();
        self.frames.s_axis.data.next.port = self.port.val();
        self.frames.s_axis.valid.next = self.ends.val() & self.good.val();

        StreamSource::<FrameInfo>::link(&mut self.m_axis_frame, &mut self.frames.m_axis);
        BeatSource::<W>::link(&mut self.m_axis_beats, &mut self.store.m_axis);
        self.m_head_valid.next = self.store.head_valid.val();
        self.m_head.next = self.store.head.val();

        // s3: what is told of it.
        self.received_valid_s3.d.next = self.ends.val();
        self.received_length_s3.d.next = self.length.val();
        self.drop_valid_s3.d.next = self.ends.val() & !self.good.val();
        if !self.on_s2.q.val() {
            self.drop_reason_s3.d.next = self.port_disabled.val();
        } else if self.bad.val() {
            self.drop_reason_s3.d.next = self.rx_error.val();
        } else if self.over.val() {
            self.drop_reason_s3.d.next = self.oversize.val();
        } else {
            self.drop_reason_s3.d.next = self.short.val();
        }
        self.received_valid.next = self.received_valid_s3.q.val();
        self.received_length.next = self.received_length_s3.q.val();
        self.drop_valid.next = self.drop_valid_s3.q.val();
        self.drop_reason.next = self.drop_reason_s3.q.val();

        if self.reset.val() {
            self.ready.d.next = false;
            self.in_frame.d.next = false;
            self.beat.d.next = 0.into();
            self.valid_s1.d.next = false;
            self.valid_s2.d.next = false;
            self.received_valid_s3.d.next = false;
            self.drop_valid_s3.d.next = false;
        }
    }
}
