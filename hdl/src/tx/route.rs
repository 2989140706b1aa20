//! Sends each frame to its port, or to the host.
//!
//! ```text
//!                +-------+--> m_axis_tx[0], m_axis_tx[1], …  and frame beside them
//!  s_axis, tag ->| Route |
//!                +-------+--> m_axis_host                    and punt beside it
//! ```
//! Latency [`Route::LATENCY`] clock, a beat a clock. All outputs come straight from flip-flops, `s_axis_ready` too.
//!
//! # Contract
//! - One stream waits for another's receiver: frames leave in the order they came.
//! - At 64 bits a frame has two beats or more, and `tag` stays as it is while `s_axis_ready` is low.
//! - A frame to a port that is not there is swallowed, so that nothing hangs; a verdict never names one.
//!
//! # How
//! A [`Skid`] of its own: two places for a beat. Whose the first is is a bit for each way out. The second takes what comes whenever it is free, so that no
//! `ready` is in the enables of a beat's width. Where frames are longer than a beat it needs no tag: either its beat goes the way of the one before it, or its frame
//! has just begun and the tag is still there.

use std::array;

use fpgaflow_abi::wire;

use super::plan::UNHURRIED_BEATS;
use super::prepend::Tag;
use crate::prelude::*;
use crate::records::{BeatSink, BeatSource, FrameInfo, PORT_BITS, PuntInfo};

/// Shares out frames of `W` bits a beat among `PORTS` ports and the host.
#[derive(LogicBlock)]
pub struct Route<const W: usize, const PORTS: usize> {
    /// The block's clock.
    pub clock: Signal<In, Clock>,
    /// Synchronous, active high; forgets the beats held.
    pub reset: Signal<In, Bit>,
    /// Frames.
    pub s_axis: BeatSink<W>,
    /// Whose, beside the beats.
    pub tag: Signal<In, Tag>,
    /// To the ports.
    pub m_axis_tx: [BeatSource<W>; PORTS],
    /// Length and port, beside the beats of all of them.
    pub frame: Signal<Out, FrameInfo>,
    /// To the host.
    pub m_axis_host: BeatSource<W>,
    /// Why, beside its beats.
    pub punt: Signal<Out, PuntInfo>,

    // The beat on its way out, and which way; with none of them nowhere.
    data_s1: DFF<Bits<W>>,
    last_s1: DFF<Bit>,
    to_port_s1: [DFF<Bit>; PORTS],
    to_host_s1: DFF<Bit>,
    punt_s1: DFF<PuntInfo>,
    // The one behind it.
    spare: DFF<Bits<W>>,
    spare_last: DFF<Bit>,
    spare_valid: DFF<Bit>,
    spare_tag: DFF<Tag>,
    spare_first: DFF<Bit>,
    // The beat that comes is its frame's first.
    first: DFF<Bit>,
    coming: Signal<Local, Tag>,
    coming_punt: Signal<Local, PuntInfo>,
    coming_frame: Signal<Local, FrameInfo>,
    out_punt: Signal<Local, PuntInfo>,
    valid: Signal<Local, Bit>,
    stuck: Signal<Local, Bit>,
    goes_on: Signal<Local, Bit>,
    single_beats: Constant<Bit>,
    number: [Constant<Bits<PORT_BITS>>; PORTS],
}

impl<const W: usize, const PORTS: usize> Route<W, PORTS> {
    /// Clocks from a beat in to the same beat out.
    pub const LATENCY: usize = 1;
}

impl<const W: usize, const PORTS: usize> Default for Route<W, PORTS> {
    fn default() -> Self {
        assert!(PORTS < 1 << PORT_BITS, "Route: {PORTS} ports do not fit {PORT_BITS} bits");
        Self {
            clock: Signal::default(),
            reset: Signal::default(),
            s_axis: BeatSink::default(),
            tag: Signal::default(),
            m_axis_tx: array::from_fn(|_| BeatSource::default()),
            frame: Signal::default(),
            m_axis_host: BeatSource::default(),
            punt: Signal::default(),
            data_s1: DFF::default(),
            last_s1: DFF::default(),
            to_port_s1: array::from_fn(|_| DFF::default()),
            to_host_s1: DFF::default(),
            punt_s1: DFF::default(),
            spare: DFF::default(),
            spare_last: DFF::default(),
            spare_valid: DFF::default(),
            spare_tag: DFF::default(),
            spare_first: DFF::default(),
            first: DFF::default(),
            coming: Signal::default(),
            coming_punt: Signal::default(),
            coming_frame: Signal::default(),
            out_punt: Signal::default(),
            valid: Signal::default(),
            stuck: Signal::default(),
            goes_on: Signal::default(),
            single_beats: Constant::new(wire::MIN_FRAME_BYTES.div_ceil(W / 8) < UNHURRIED_BEATS),
            number: array::from_fn(|port| Constant::new((port as u64).into())),
        }
    }
}

impl<const W: usize, const PORTS: usize> Logic for Route<W, PORTS> {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(
            self,
            clock,
            data_s1,
            last_s1,
            to_host_s1,
            punt_s1,
            spare,
            spare_last,
            spare_valid,
            spare_tag,
            spare_first,
            first
        );
        self.s_axis.ready.next = !self.spare_valid.q.val();
        self.coming.next = self.tag.val();
        if self.spare_valid.q.val() & self.single_beats.val() {
            self.coming.next = self.spare_tag.q.val();
        }
        self.goes_on.next = self.spare_valid.q.val() & !self.spare_first.q.val() & !self.single_beats.val();
        self.coming_punt.next = self.coming.val().punt;
        self.coming_frame.next = self.coming_punt.val().frame;
        self.valid.next = self.s_axis.valid.val() | self.spare_valid.q.val();

        self.stuck.next = self.to_host_s1.q.val() & !self.m_axis_host.ready.val();
        for i in 0..PORTS {
            self.to_port_s1[i].clock.next = self.clock.val();
            self.to_port_s1[i].d.next = self.to_port_s1[i].q.val();
            if self.to_port_s1[i].q.val() & !self.m_axis_tx[i].ready.val() {
                self.stuck.next = true;
            }
        }
        if !self.spare_valid.q.val() {
            self.spare.d.next = self.s_axis.data.val();
            self.spare_last.d.next = self.s_axis.last.val();
            self.spare_tag.d.next = self.tag.val();
            self.spare_first.d.next = self.first.q.val();
            if self.s_axis.valid.val() {
                self.first.d.next = self.s_axis.last.val();
            }
        }
        self.spare_valid.d.next = self.stuck.val() & self.valid.val();
        if !self.stuck.val() {
            self.data_s1.d.next = self.s_axis.data.val();
            self.last_s1.d.next = self.s_axis.last.val();
            if self.spare_valid.q.val() {
                self.data_s1.d.next = self.spare.q.val();
                self.last_s1.d.next = self.spare_last.q.val();
            }
            if !self.goes_on.val() {
                self.punt_s1.d.next = self.coming_punt.val();
                self.to_host_s1.d.next = self.valid.val() & !self.coming.val().forward;
                for i in 0..PORTS {
                    self.to_port_s1[i].d.next =
                        self.valid.val() & self.coming.val().forward & (self.coming_frame.val().port == self.number[i].val());
                }
            }
        }

        self.out_punt.next = self.punt_s1.q.val();
        self.frame.next = self.out_punt.val().frame;
        self.punt.next = self.punt_s1.q.val();
        for i in 0..PORTS {
            self.m_axis_tx[i].data.next = self.data_s1.q.val();
            self.m_axis_tx[i].last.next = self.last_s1.q.val();
            self.m_axis_tx[i].valid.next = self.to_port_s1[i].q.val();
        }
        self.m_axis_host.data.next = self.data_s1.q.val();
        self.m_axis_host.last.next = self.last_s1.q.val();
        self.m_axis_host.valid.next = self.to_host_s1.q.val();

        if self.reset.val() {
            self.to_host_s1.d.next = false;
            self.spare_valid.d.next = false;
            self.first.d.next = true;
            for i in 0..PORTS {
                self.to_port_s1[i].d.next = false;
            }
        }
    }
}
