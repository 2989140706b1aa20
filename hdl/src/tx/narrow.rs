//! [`Merge`](super::Merge) of 64 bits: where verdict and payload meet, with a beat's worth of logic at a time.
//!
//! ```text
//!                   +-------------+--> m_axis_tx[0], m_axis_tx[1], …  and frame beside them
//!  s_axis_verdict ->|             |
//!  s_axis_l2 ------>| NarrowMerge |
//!  s_axis --------->|             |
//!                   +-------------+--> m_axis_host                    and punt beside it
//! ```
//! Latency [`NarrowMerge::LATENCY`] clocks from verdict to first beat out. A beat out a clock, no bubble between frames: a frame
//! of 60 bytes every 8 clocks. Frames shorter than Ethernet has them may have one.
//!
//! # Contract
//! That of [`Merge`](super::Merge), but that verdict and layer 2 header stay with their senders until the frame's header is on its way.

use std::array;

use super::{Compose, Route};
use crate::prelude::*;
use crate::records::{BeatSink, BeatSource, FrameInfo, L2Record, PuntInfo, Verdict};

/// Makes frames for `PORTS` ports and the host.
#[derive(LogicBlock)]
pub struct NarrowMerge<const PORTS: usize> {
    /// The block's clock.
    pub clock: Signal<In, Clock>,
    /// Synchronous, active high; forgets the frames under way.
    pub reset: Signal<In, Bit>,
    /// What becomes of a frame.
    pub s_axis_verdict: StreamSink<Verdict>,
    /// Its layer 2 header as it came.
    pub s_axis_l2: StreamSink<L2Record>,
    /// What was behind it.
    pub s_axis: BeatSink<64>,
    /// To the ports.
    pub m_axis_tx: [BeatSource<64>; PORTS],
    /// Length and port, beside the beats of all of them.
    pub frame: Signal<Out, FrameInfo>,
    /// To the host.
    pub m_axis_host: BeatSource<64>,
    /// Why, beside its beats.
    pub punt: Signal<Out, PuntInfo>,

    compose: Compose,
    route: Route<64, PORTS>,
}

impl<const PORTS: usize> NarrowMerge<PORTS> {
    /// Clocks from verdict to first beat out, when nothing waits before it.
    pub const LATENCY: usize = Compose::LATENCY + Route::<64, PORTS>::LATENCY;
}

impl<const PORTS: usize> Default for NarrowMerge<PORTS> {
    fn default() -> Self {
        Self {
            clock: Signal::default(),
            reset: Signal::default(),
            s_axis_verdict: StreamSink::default(),
            s_axis_l2: StreamSink::default(),
            s_axis: BeatSink::default(),
            m_axis_tx: array::from_fn(|_| BeatSource::default()),
            frame: Signal::default(),
            m_axis_host: BeatSource::default(),
            punt: Signal::default(),
            compose: Compose::default(),
            route: Route::default(),
        }
    }
}

impl<const PORTS: usize> Logic for NarrowMerge<PORTS> {
    #[hdl_gen]
    fn update(&mut self) {
        clock!(self, clock, compose, route);
        self.compose.reset.next = self.reset.val();
        self.route.reset.next = self.reset.val();

        StreamSink::<Verdict>::link(&mut self.s_axis_verdict, &mut self.compose.s_axis_verdict);
        StreamSink::<L2Record>::link(&mut self.s_axis_l2, &mut self.compose.s_axis_l2);
        BeatSink::<64>::link(&mut self.s_axis, &mut self.compose.s_axis);
        BeatSource::<64>::join(&mut self.compose.m_axis, &mut self.route.s_axis);
        self.route.tag.next = self.compose.tag.val();
        for i in 0..PORTS {
            BeatSource::<64>::link(&mut self.m_axis_tx[i], &mut self.route.m_axis_tx[i]);
        }
        self.frame.next = self.route.frame.val();
        BeatSource::<64>::link(&mut self.m_axis_host, &mut self.route.m_axis_host);
        self.punt.next = self.route.punt.val();
    }
}
