//! Where verdict and payload meet: the packet rewritten, a header before it, on its way to a port; or the frame as it came, to the host.
//!
//! ```text
//!                   +-------+--> m_axis_tx[0], m_axis_tx[1], …  and frame beside them
//!  s_axis_verdict ->|       |
//!  s_axis_l2 ------>| Merge |
//!  s_axis --------->|       |
//!                   +-------+--> m_axis_host                    and punt beside it
//! ```
//! Latency [`Merge::LATENCY`] clocks from verdict to first beat out. A beat out a clock, no bubble between frames: at 64 bits a frame
//! of 60 bytes every 8 clocks, at 512 bits one a clock. Frames shorter than Ethernet has them may have one at 64 bits.
//!
//! # Contract
//! - One [`Verdict`], one [`L2Record`] and the beats of one frame, all in the same order, make one frame out. The beats start at the
//!   first byte behind layer 2; a frame with nothing there has one beat all the same.
//! - Reason `Forwarded`: the verdict's Ethernet addresses, tags and PPPoE header, whatever the frame came with; the packet of `ip_length`
//!   bytes, of either family, with the verdict's TTL or hop limit and addresses, and where it has them header checksum, ports and layer 4
//!   checksum; zeros up to 60 bytes. What the frame had behind its packet is forgotten.
//! - Any other reason: the frame as it came, to the host.
//! - Waits for the receiver of the frame that is next, be it port or host. [`HostRx`](super::HostRx) never lets it wait.

use std::array;

use super::patch::Rewrite;
use super::prepend::Heading;
use super::{Patch, Planner, Prepend, Route};
use crate::prelude::*;
use crate::records::{BeatSink, BeatSource, FrameInfo, L2Record, PuntInfo, Verdict};

/// Makes frames of `W` bits a beat for `PORTS` ports and the host.
#[derive(LogicBlock)]
pub struct Merge<const W: usize, const PORTS: usize> {
    /// The block's clock.
    pub clock: Signal<In, Clock>,
    /// Synchronous, active high; forgets the frames under way.
    pub reset: Signal<In, Bit>,
    /// What becomes of a frame.
    pub s_axis_verdict: StreamSink<Verdict>,
    /// Its layer 2 header as it came.
    pub s_axis_l2: StreamSink<L2Record>,
    /// What was behind it.
    pub s_axis: BeatSink<W>,
    /// To the ports.
    pub m_axis_tx: [BeatSource<W>; PORTS],
    /// Length and port, beside the beats of all of them.
    pub frame: Signal<Out, FrameInfo>,
    /// To the host.
    pub m_axis_host: BeatSource<W>,
    /// Why, beside its beats.
    pub punt: Signal<Out, PuntInfo>,

    planner: Planner<W>,
    patch: Patch<W>,
    prepend: Prepend<W>,
    route: Route<W, PORTS>,
}

impl<const W: usize, const PORTS: usize> Merge<W, PORTS> {
    /// Clocks from verdict to first beat out, when nothing waits before it.
    pub const LATENCY: usize = Planner::<W>::LATENCY + Prepend::<W>::LATENCY + Route::<W, PORTS>::LATENCY;
}

impl<const W: usize, const PORTS: usize> Default for Merge<W, PORTS> {
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
            planner: Planner::default(),
            patch: Patch::default(),
            prepend: Prepend::default(),
            route: Route::default(),
        }
    }
}

impl<const W: usize, const PORTS: usize> Logic for Merge<W, PORTS> {
    #[hdl_gen]
    fn update(&mut self) {
        clock!(self, clock, planner, patch, prepend, route);
        self.planner.reset.next = self.reset.val();
        self.patch.reset.next = self.reset.val();
        self.prepend.reset.next = self.reset.val();
        self.route.reset.next = self.reset.val();

        StreamSink::<Verdict>::link(&mut self.s_axis_verdict, &mut self.planner.s_axis_verdict);
        StreamSink::<L2Record>::link(&mut self.s_axis_l2, &mut self.planner.s_axis_l2);
        StreamSource::<Rewrite>::join(&mut self.planner.m_axis_rewrite, &mut self.patch.s_axis_rewrite);
        BeatSink::<W>::link(&mut self.s_axis, &mut self.patch.s_axis);
        StreamSource::<Heading>::join(&mut self.planner.m_axis_heading, &mut self.prepend.s_axis_heading);
        BeatSource::<W>::join(&mut self.patch.m_axis, &mut self.prepend.s_axis);
        BeatSource::<W>::join(&mut self.prepend.m_axis, &mut self.route.s_axis);
        self.route.tag.next = self.prepend.tag.val();
        for i in 0..PORTS {
            BeatSource::<W>::link(&mut self.m_axis_tx[i], &mut self.route.m_axis_tx[i]);
        }
        self.frame.next = self.route.frame.val();
        BeatSource::<W>::link(&mut self.m_axis_host, &mut self.route.m_axis_host);
        self.punt.next = self.route.punt.val();
    }
}
