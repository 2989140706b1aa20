//! Sends each frame to its port, or to the host.
//!
//! ```text
//!                +-------+--> m_axis_tx[0], m_axis_tx[1], …  and frame beside them
//!  s_axis, tag ->| Route |
//!                +-------+--> m_axis_host                    and punt beside it
//! ```
//! Latency [`Route::LATENCY`] clock, a beat a clock. All outputs but the valid bits come straight from flip-flops, `s_axis_ready` too.
//!
//! # Contract
//! - One stream waits for another's receiver: frames leave in the order they came.
//! - A frame to a port that is not there is swallowed, so that nothing hangs; a verdict never names one.

use std::array;

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

    // Three skids that move as one: a beat's parts.
    data: Skid<Bits<W>>,
    last: Skid<Bit>,
    tags: Skid<Tag>,
    out: Signal<Local, Tag>,
    out_punt: Signal<Local, PuntInfo>,
    out_frame: Signal<Local, FrameInfo>,
    taken: Signal<Local, Bit>,
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
            data: Skid::default(),
            last: Skid::default(),
            tags: Skid::default(),
            out: Signal::default(),
            out_punt: Signal::default(),
            out_frame: Signal::default(),
            taken: Signal::default(),
            number: array::from_fn(|port| Constant::new((port as u64).into())),
        }
    }
}

impl<const W: usize, const PORTS: usize> Logic for Route<W, PORTS> {
    #[hdl_gen]
    fn update(&mut self) {
        clock!(self, clock, data, last, tags);
        self.data.reset.next = self.reset.val();
        self.last.reset.next = self.reset.val();
        self.tags.reset.next = self.reset.val();
        self.data.s_axis.data.next = self.s_axis.data.val();
        self.last.s_axis.data.next = self.s_axis.last.val();
        self.tags.s_axis.data.next = self.tag.val();
        self.data.s_axis.valid.next = self.s_axis.valid.val();
        self.last.s_axis.valid.next = self.s_axis.valid.val();
        self.tags.s_axis.valid.next = self.s_axis.valid.val();
        self.s_axis.ready.next = self.data.s_axis.ready.val();

        self.out.next = self.tags.m_axis.data.val();
        self.out_punt.next = self.out.val().punt;
        self.out_frame.next = self.out_punt.val().frame;
        self.frame.next = self.out_frame.val();
        self.punt.next = self.out_punt.val();
        self.taken.next = true;
        for i in 0..PORTS {
            self.m_axis_tx[i].data.next = self.data.m_axis.data.val();
            self.m_axis_tx[i].last.next = self.last.m_axis.data.val();
            self.m_axis_tx[i].valid.next = false;
            if self.out_frame.val().port == self.number[i].val() {
                self.m_axis_tx[i].valid.next = self.data.m_axis.valid.val() & self.out.val().forward;
                self.taken.next = self.m_axis_tx[i].ready.val();
            }
        }
        self.m_axis_host.data.next = self.data.m_axis.data.val();
        self.m_axis_host.last.next = self.last.m_axis.data.val();
        self.m_axis_host.valid.next = self.data.m_axis.valid.val() & !self.out.val().forward;
        if !self.out.val().forward {
            self.taken.next = self.m_axis_host.ready.val();
        }
        self.data.m_axis.ready.next = self.taken.val();
        self.last.m_axis.ready.next = self.taken.val();
        self.tags.m_axis.ready.next = self.taken.val();
    }
}
