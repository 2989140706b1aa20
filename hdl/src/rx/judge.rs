//! Says of every frame that ends how long it was, and whether it may pass.
//!
//! ```text
//!                      +-------+--> stores, commit, rollback, length  in the clock of the count
//!  a beat's facts ---->| Judge |
//!                      +-------+--> drop_valid, drop_reason, received_valid, received_length  a clock later
//! ```
//! Latency 1 clock from a beat's facts to what is decided with it, 2 to the pulses. A beat a clock. The pulses come from flip-flops.
//!
//! # Contract
//! That of [`RxPort`](super::RxPort) for drops and lengths. Facts are of the beat in a register of the port: s1 there and here.
//! - `stores` says that the beat of the clock before belongs into the store, `commit` and `rollback` what becomes of its frame.
//! - `stored_valid` pulses beside `received_valid` for a frame whose port was on: it is the one frame of which a port may have kept beats.

use std::array;

use fpgaflow_abi::reason::Reason;
use fpgaflow_abi::wire;

use crate::prelude::*;
use crate::records::{LENGTH_BITS, REASON_BITS};

/// Bits of a count of a beat's bytes.
const COUNT_BITS: usize = 8;
/// Beats in which the Ethernet header may end.
const HEADER_BEATS: usize = 2;
/// Bits of a length that is still to be cut to [`LENGTH_BITS`].
const SUM_BITS: usize = LENGTH_BITS + 1;

/// Judges frames of beats of `B` bytes.
#[derive(LogicBlock)]
pub struct Judge<const B: usize> {
    /// The block's clock.
    pub clock: Signal<In, Clock>,
    /// Synchronous, active high.
    pub reset: Signal<In, Bit>,
    /// There is a beat.
    pub valid_s1: Signal<In, Bit>,
    /// Its lanes, as they came.
    pub keep_s1: Signal<In, Bits<B>>,
    /// It is its frame's last.
    pub last_s1: Signal<In, Bit>,
    /// With the last: the frame is bad.
    pub error_s1: Signal<In, Bit>,
    /// The port was on with its frame's first.
    pub on_s1: Signal<In, Bit>,
    /// It is its frame's first.
    pub first_s1: Signal<In, Bit>,
    /// Which beat of its frame, from 0.
    pub beat_s1: Signal<In, Bits<LENGTH_BITS>>,
    /// The beat of the clock before is one to store.
    pub stores: Signal<Out, Bit>,
    /// Its frame is good and ends with it.
    pub commit: Signal<Out, Bit>,
    /// Its frame is not good, or not any more.
    pub rollback: Signal<Out, Bit>,
    /// Bytes of its frame so far.
    pub length: Signal<Out, Bits<LENGTH_BITS>>,
    /// A frame was dropped.
    pub drop_valid: Signal<Out, Bit>,
    /// Why: a code of `abi::reason`.
    pub drop_reason: Signal<Out, Bits<REASON_BITS>>,
    /// A frame ended, dropped or not.
    pub received_valid: Signal<Out, Bit>,
    /// How many bytes it had.
    pub received_length: Signal<Out, Bits<LENGTH_BITS>>,
    /// A frame ended whose port was on.
    pub stored_valid: Signal<Out, Bit>,

    below: Signal<Local, Bits<B>>,
    edges: Signal<Local, Bits<B>>,
    count: Signal<Local, Bits<COUNT_BITS>>,
    broken: Signal<Local, Bit>,
    whole_header: [Signal<Local, Bit>; HEADER_BEATS],

    // s2: how many bytes the beat has, and what is wrong with it.
    valid_s2: DFF<Bit>,
    last_s2: DFF<Bit>,
    on_s2: DFF<Bit>,
    bad_s2: DFF<Bit>,
    over_s2: DFF<Bit>,
    runt_s2: DFF<Bit>,
    count_s2: DFF<Bits<COUNT_BITS>>,

    // What is known of the frame from the beats before.
    total: DFF<Bits<LENGTH_BITS>>,
    was_bad: DFF<Bit>,
    was_over: DFF<Bit>,

    sum: Signal<Local, Bits<SUM_BITS>>,
    bytes: Signal<Local, Bits<LENGTH_BITS>>,
    bad: Signal<Local, Bit>,
    over: Signal<Local, Bit>,
    good: Signal<Local, Bit>,
    ends: Signal<Local, Bit>,

    drop_valid_s3: DFF<Bit>,
    drop_reason_s3: DFF<Bits<REASON_BITS>>,
    received_valid_s3: DFF<Bit>,
    received_length_s3: DFF<Bits<LENGTH_BITS>>,
    stored_valid_s3: DFF<Bit>,

    // The beat in which the longest frame ends, and the lane that it does not have.
    longest_beat: Constant<Bits<LENGTH_BITS>>,
    longest_end: Constant<Bits<B>>,
    // The lane in which the Ethernet header ends, in the first beat and in the second.
    header_ends: [Constant<Bits<B>>; HEADER_BEATS],
    one: Constant<Bits<LENGTH_BITS>>,
    lowest: Constant<Bits<B>>,
    counted: [Constant<Bits<B>>; COUNT_BITS],
    most: Constant<Bits<LENGTH_BITS>>,
    port_disabled: Constant<Bits<REASON_BITS>>,
    rx_error: Constant<Bits<REASON_BITS>>,
    oversize: Constant<Bits<REASON_BITS>>,
    short: Constant<Bits<REASON_BITS>>,
}

impl<const B: usize> Judge<B> {
    /// For frames of up to `max_frame_bytes`.
    ///
    /// # Panics
    /// When so many lanes or bytes cannot be counted.
    pub fn new(max_frame_bytes: usize) -> Self {
        assert!(B < 1 << COUNT_BITS, "Judge: {B} lanes do not fit a count of {COUNT_BITS} bits");
        assert!(max_frame_bytes < 1 << LENGTH_BITS, "Judge: {max_frame_bytes} bytes do not fit a length of {LENGTH_BITS} bits");
        let reason = |reason: Reason| Constant::new((reason as u64).into());
        let lane = |lane: usize| Constant::new(Bits::<B>::default().replace_bit(lane, true));
        Self {
            clock: Signal::default(),
            reset: Signal::default(),
            valid_s1: Signal::default(),
            keep_s1: Signal::default(),
            last_s1: Signal::default(),
            error_s1: Signal::default(),
            on_s1: Signal::default(),
            first_s1: Signal::default(),
            beat_s1: Signal::default(),
            stores: Signal::default(),
            commit: Signal::default(),
            rollback: Signal::default(),
            length: Signal::default(),
            drop_valid: Signal::default(),
            drop_reason: Signal::default(),
            received_valid: Signal::default(),
            received_length: Signal::default(),
            stored_valid: Signal::default(),
            below: Signal::default(),
            edges: Signal::default(),
            count: Signal::default(),
            broken: Signal::default(),
            whole_header: array::from_fn(|_| Signal::default()),
            valid_s2: DFF::default(),
            last_s2: DFF::default(),
            on_s2: DFF::default(),
            bad_s2: DFF::default(),
            over_s2: DFF::default(),
            runt_s2: DFF::default(),
            count_s2: DFF::default(),
            total: DFF::default(),
            was_bad: DFF::default(),
            was_over: DFF::default(),
            sum: Signal::default(),
            bytes: Signal::default(),
            bad: Signal::default(),
            over: Signal::default(),
            good: Signal::default(),
            ends: Signal::default(),
            drop_valid_s3: DFF::default(),
            drop_reason_s3: DFF::default(),
            received_valid_s3: DFF::default(),
            received_length_s3: DFF::default(),
            stored_valid_s3: DFF::default(),
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
            port_disabled: reason(Reason::PortDisabled),
            rx_error: reason(Reason::RxError),
            oversize: reason(Reason::Oversize),
            short: reason(Reason::Runt),
        }
    }
}

impl<const B: usize> Logic for Judge<B> {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, valid_s2, last_s2, on_s2, bad_s2, over_s2, runt_s2, count_s2);
        dff_setup!(self, clock, total, was_bad, was_over);
        dff_setup!(self, clock, drop_valid_s3, drop_reason_s3, received_valid_s3, received_length_s3, stored_valid_s3);

        // s1: bytes of the beat, from the lane whose upper neighbour is empty; and whether that is all there is to tkeep.
        self.below.next = (self.keep_s1.val() << 1) | self.lowest.val();
        self.broken.next = (self.keep_s1.val() & !self.below.val()).any();
        if !self.last_s1.val() {
            self.broken.next = !self.keep_s1.val().all();
        } else if !self.first_s1.val() & !self.keep_s1.val().any() {
            self.broken.next = true;
        }
        self.edges.next = self.keep_s1.val() & !(self.keep_s1.val() >> 1);
        self.count.next = 0.into();
        for i in 0..COUNT_BITS {
            if (self.edges.val() & self.counted[i].val()).any() {
                self.count.next = self.count.val().replace_bit(i, true);
            }
        }
        self.valid_s2.d.next = self.valid_s1.val();
        self.last_s2.d.next = self.last_s1.val();
        self.on_s2.d.next = self.on_s1.val();
        self.bad_s2.d.next = self.broken.val() | (self.last_s1.val() & self.error_s1.val());
        self.count_s2.d.next = self.count.val();
        // All beats before are full, or the frame is bad and nobody asks how long it is; but a bad one ends its stay here, too.
        self.over_s2.d.next = (self.beat_s1.val() == self.longest_beat.val())
            & ((self.keep_s1.val() & self.longest_end.val()).any() | !self.last_s1.val());
        for i in 0..HEADER_BEATS {
            self.whole_header[i].next = (self.keep_s1.val() & self.header_ends[i].val()).any();
        }
        self.runt_s2.d.next = (self.first_s1.val() & !self.whole_header[0].val())
            | ((self.beat_s1.val() == self.one.val()) & !self.whole_header[1].val());

        // s2: what is known with this beat.
        self.sum.next =
            bit_cast::<SUM_BITS, LENGTH_BITS>(self.total.q.val()) + bit_cast::<SUM_BITS, COUNT_BITS>(self.count_s2.q.val());
        self.bytes.next = bit_cast::<LENGTH_BITS, SUM_BITS>(self.sum.val());
        for carry in LENGTH_BITS..(LENGTH_BITS + 1) {
            if self.sum.val().get_bit(carry) {
                self.bytes.next = self.most.val();
            }
        }
        self.bad.next = self.was_bad.q.val() | self.bad_s2.q.val();
        self.over.next = self.was_over.q.val() | self.over_s2.q.val();
        self.good.next = self.on_s2.q.val() & !self.bad.val() & !self.over.val() & !self.runt_s2.q.val();
        self.ends.next = self.valid_s2.q.val() & self.last_s2.q.val();
        if self.valid_s2.q.val() {
            self.total.d.next = self.bytes.val();
            self.was_bad.d.next = self.bad.val();
            self.was_over.d.next = self.over.val();
        }
        if self.ends.val() | self.reset.val() {
            self.total.d.next = 0.into();
            self.was_bad.d.next = false;
            self.was_over.d.next = false;
        }
        self.length.next = self.bytes.val();
        self.stores.next = self.valid_s2.q.val() & self.on_s2.q.val() & !self.over.val();
        self.commit.next = self.ends.val() & self.good.val();
        self.rollback.next = (self.ends.val() & !self.good.val()) | (self.valid_s2.q.val() & self.over.val());

        // s3: what is told of it.
        self.received_valid_s3.d.next = self.ends.val();
        self.received_length_s3.d.next = self.bytes.val();
        self.stored_valid_s3.d.next = self.ends.val() & self.on_s2.q.val();
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
        self.stored_valid.next = self.stored_valid_s3.q.val();
        self.drop_valid.next = self.drop_valid_s3.q.val();
        self.drop_reason.next = self.drop_reason_s3.q.val();

        if self.reset.val() {
            self.valid_s2.d.next = false;
            self.received_valid_s3.d.next = false;
            self.stored_valid_s3.d.next = false;
            self.drop_valid_s3.d.next = false;
        }
    }
}
