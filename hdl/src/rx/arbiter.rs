//! Many ports into one stream, frame by frame.
//!
//! ```text
//!  s_axis_frame[0], s_head[0], s_axis_beats[0] -->+-----------+--> m_axis  beats
//!  s_axis_frame[1], s_head[1], s_axis_beats[1] -->| RxArbiter |--> m_frame  beside them
//!  ...                                            |           |--> m_head_valid, m_head  one a frame
//!  credit --------------------------------------->+-----------+--> credit_taken
//! ```
//! Latency [`RxArbiter::LATENCY`] clock, a beat a clock, also from one frame to the next and from one port to another. `m_axis`,
//! `m_frame` and `m_head` come from flip-flops; `ready` of the ports is combinational.
//!
//! # Contract
//! - Round robin by frame: after a port's frame the next port that has one is served, in rising order, so a port with a frame
//!   waits for at most one frame of every other port.
//! - A port takes part when it offers a `FrameInfo` and a frame's first beat with its head. The `FrameInfo` is taken with that beat and
//!   `m_frame` shows it beside every beat of the frame.
//! - One `m_head_valid` pulse a frame, in the first clock in which `m_axis` offers its first beat: nothing holds it up once the frame
//!   was chosen.
//! - A frame is chosen only when `credit` is high; `credit_taken` is high in the clock in which its first beat is taken.
//! - Frames are never interleaved.

use std::array;

use crate::prelude::*;
use crate::records::{BeatSink, BeatSource, FrameInfo};

/// Merges the frames of `PORTS` ports, `W` bits a beat, with heads of `HEAD` bits.
#[derive(LogicBlock)]
pub struct RxArbiter<const W: usize, const HEAD: usize, const PORTS: usize> {
    /// The block's clock.
    pub clock: Signal<In, Clock>,
    /// Synchronous, active high.
    pub reset: Signal<In, Bit>,
    /// One word a frame, from each port.
    pub s_axis_frame: [StreamSink<FrameInfo>; PORTS],
    /// The head of the frame that is next at each port is complete.
    pub s_head_valid: [Signal<In, Bit>; PORTS],
    /// That head.
    pub s_head: [Signal<In, Bits<HEAD>>; PORTS],
    /// Beats of each port.
    pub s_axis_beats: [BeatSink<W>; PORTS],
    /// Beats of all ports, frame by frame.
    pub m_axis: BeatSource<W>,
    /// Length and port of the frame that `m_axis` is at.
    pub m_frame: Signal<Out, FrameInfo>,
    /// A frame begins.
    pub m_head_valid: Signal<Out, Bit>,
    /// Its head; `m_frame` belongs to it.
    pub m_head: Signal<Out, Bits<HEAD>>,
    /// There is room for one more frame behind.
    pub credit: Signal<In, Bit>,
    /// A frame is taken: one credit is used.
    pub credit_taken: Signal<Out, Bit>,

    asking: [Signal<Local, Bit>; PORTS],
    chosen: [Signal<Local, Bit>; PORTS],
    found: Signal<Local, Bit>,
    passed: Signal<Local, Bit>,
    advance: Signal<Local, Bit>,
    valid: Signal<Local, Bit>,
    may: Signal<Local, Bit>,
    taken: Signal<Local, Bit>,

    // Inside a frame, and of which port.
    in_frame: DFF<Bit>,
    granted: [DFF<Bit>; PORTS],
    // Ports behind the one served last: they come first.
    behind: [DFF<Bit>; PORTS],

    data_s1: DFF<Bits<W>>,
    last_s1: DFF<Bit>,
    valid_s1: DFF<Bit>,
    frame_s1: DFF<FrameInfo>,
    head_valid_s1: DFF<Bit>,
    head_s1: DFF<Bits<HEAD>>,
}

impl<const W: usize, const HEAD: usize, const PORTS: usize> RxArbiter<W, HEAD, PORTS> {
    /// Clocks from a beat in to the same beat out.
    pub const LATENCY: usize = 1;
}

impl<const W: usize, const HEAD: usize, const PORTS: usize> Default for RxArbiter<W, HEAD, PORTS> {
    fn default() -> Self {
        assert!((1..=fpgaflow_abi::MAX_PORTS).contains(&PORTS), "RxArbiter: no engine has {PORTS} ports");
        Self {
            clock: Signal::default(),
            reset: Signal::default(),
            s_axis_frame: array::from_fn(|_| StreamSink::default()),
            s_head_valid: array::from_fn(|_| Signal::default()),
            s_head: array::from_fn(|_| Signal::default()),
            s_axis_beats: array::from_fn(|_| BeatSink::default()),
            m_axis: BeatSource::default(),
            m_frame: Signal::default(),
            m_head_valid: Signal::default(),
            m_head: Signal::default(),
            credit: Signal::default(),
            credit_taken: Signal::default(),
            asking: array::from_fn(|_| Signal::default()),
            chosen: array::from_fn(|_| Signal::default()),
            found: Signal::default(),
            passed: Signal::default(),
            advance: Signal::default(),
            valid: Signal::default(),
            may: Signal::default(),
            taken: Signal::default(),
            in_frame: DFF::default(),
            granted: array::from_fn(|_| DFF::default()),
            behind: array::from_fn(|_| DFF::default()),
            data_s1: DFF::default(),
            last_s1: DFF::default(),
            valid_s1: DFF::default(),
            frame_s1: DFF::default(),
            head_valid_s1: DFF::default(),
            head_s1: DFF::default(),
        }
    }
}

impl<const W: usize, const HEAD: usize, const PORTS: usize> Logic for RxArbiter<W, HEAD, PORTS> {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, in_frame, data_s1, last_s1, valid_s1, frame_s1, head_valid_s1, head_s1);
        for i in 0..PORTS {
            self.granted[i].clock.next = self.clock.val();
            self.granted[i].d.next = self.granted[i].q.val();
            self.behind[i].clock.next = self.clock.val();
            self.behind[i].d.next = self.behind[i].q.val();
        }

        // Who is next: the lowest port behind the one served last, else the lowest of all. Credits are not asked here: what is wide hangs on this
        // choice, and a head that nobody may take yet does no harm in `head_s1`.
        self.found.next = false;
        for i in 0..PORTS {
            self.asking[i].next = self.s_axis_frame[i].valid.val() & self.s_head_valid[i].val();
            self.chosen[i].next = self.asking[i].val() & self.behind[i].q.val() & !self.found.val();
            self.found.next = self.found.val() | self.chosen[i].val();
        }
        for i in 0..PORTS {
            if self.asking[i].val() & !self.found.val() {
                self.chosen[i].next = true;
                self.found.next = true;
            }
        }
        if self.in_frame.q.val() {
            for i in 0..PORTS {
                self.chosen[i].next = self.granted[i].q.val();
            }
        }

        // Its beat.
        self.advance.next = self.m_axis.ready.val() | !self.valid_s1.q.val();
        self.may.next = self.advance.val() & (self.credit.val() | self.in_frame.q.val());
        self.valid.next = false;
        for i in 0..PORTS {
            self.s_axis_beats[i].ready.next = self.may.val() & self.chosen[i].val();
            self.s_axis_frame[i].ready.next = self.may.val() & self.chosen[i].val() & !self.in_frame.q.val();
            if self.chosen[i].val() {
                self.valid.next = self.s_axis_beats[i].valid.val();
            }
        }
        self.taken.next = self.may.val() & self.valid.val();
        for i in 0..PORTS {
            if self.advance.val() & self.chosen[i].val() {
                self.data_s1.d.next = self.s_axis_beats[i].data.val();
                self.last_s1.d.next = self.s_axis_beats[i].last.val();
                if !self.in_frame.q.val() {
                    self.frame_s1.d.next = self.s_axis_frame[i].data.val();
                }
            }
            if !self.in_frame.q.val() & self.chosen[i].val() {
                self.head_s1.d.next = self.s_head[i].val();
            }
            if self.taken.val() & self.chosen[i].val() {
                self.in_frame.d.next = !self.s_axis_beats[i].last.val();
            }
        }
        self.head_valid_s1.d.next = self.taken.val() & !self.in_frame.q.val();
        self.passed.next = false;
        if self.advance.val() {
            self.valid_s1.d.next = self.taken.val();
        }
        if self.taken.val() {
            for i in 0..PORTS {
                self.granted[i].d.next = self.chosen[i].val();
                self.behind[i].d.next = self.passed.val();
                self.passed.next = self.passed.val() | self.chosen[i].val();
            }
        }
        self.m_axis.data.next = self.data_s1.q.val();
        self.m_axis.last.next = self.last_s1.q.val();
        self.m_axis.valid.next = self.valid_s1.q.val();
        self.m_frame.next = self.frame_s1.q.val();
        self.m_head_valid.next = self.head_valid_s1.q.val();
        self.m_head.next = self.head_s1.q.val();
        self.credit_taken.next = self.taken.val() & !self.in_frame.q.val();

        if self.reset.val() {
            self.in_frame.d.next = false;
            self.valid_s1.d.next = false;
            self.head_valid_s1.d.next = false;
        }
    }
}
