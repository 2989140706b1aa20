//! Batches of frames through parse, lookup and rewrite, each step for many frames at once.
//!
//! IPv6 frames wait until all others of their batch are done, and then go through the same steps ([`v6`]). Frames with a longer layer 2
//! header than the shortest, and GRE, wait until those of their group that are without are done ([`general`]). The frames of a flow all
//! go one way, so they keep their order.

mod general;
mod v6;

use fpgaflow_abi::reason::{Disposition, REASONS, Reason};

use fpgaflow_abi::key::Family;

use super::State;
use super::flow::{FlowId, Number};
use super::hop::{Hop, Hops};
use super::index::Start;
use super::key::WireKey;
use super::parse::layer2::{self, Packet};
use super::parse::{Other, ParsedV4, parse};
use super::prefetch::prefetch;
use super::rewrite::rewrite;
use crate::frame::Frame;

pub(super) use v6::Waiting;

/// Frames in flight between two steps: enough to hide memory's latency, few enough to stay in the first cache.
const LANES: usize = 16;

/// What is to be done with a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It is rewritten and leaves.
    Forward {
        /// Port to leave by.
        port: u8,
        /// Its flow.
        flow: FlowId,
    },
    /// It is unchanged and the kernel's.
    Punt {
        /// Why.
        reason: Reason,
        /// Its flow, if it has one.
        flow: Option<FlowId>,
    },
    /// It is unchanged and ends here.
    Drop {
        /// Why.
        reason: Reason,
    },
}

impl Default for Verdict {
    fn default() -> Self {
        Self::Punt { reason: Reason::LookupDisabled, flow: None }
    }
}

impl Verdict {
    /// The reason of a frame that is not forwarded, or the pseudo reason of one that is.
    pub fn reason(&self) -> Reason {
        match self {
            Self::Forward { .. } => Reason::Forwarded,
            Self::Punt { reason, .. } | Self::Drop { reason } => *reason,
        }
    }
}

/// Counts a frame that is not forwarded. Apart from the loop, which stays the shorter for it.
#[cold]
#[inline(never)]
fn refuse(reasons: &mut [u64; REASONS], reason: Reason, flow: Option<FlowId>) -> Verdict {
    reasons[reason as usize] += 1;
    match reason.disposition() {
        Disposition::Drop => Verdict::Drop { reason },
        Disposition::Punt | Disposition::Forward => Verdict::Punt { reason, flow },
    }
}

/// What parsing found out about a frame.
#[derive(Clone, Copy)]
enum Step {
    /// It is looked up.
    LookUp,
    /// So is it, but it has a layer 2 header of so many bytes, or is GRE.
    LookUpGeneral(u8),
    /// It is refused.
    Refuse(Reason),
    /// Other steps are taken first: it is parsed, or as IPv6 decided, later.
    Wait,
}

/// A frame between two steps.
#[derive(Clone, Copy)]
struct Lane {
    parsed: ParsedV4,
    start: Start,
    likely: Number,
    step: Step,
}

impl Lane {
    const EMPTY: Self = Self { parsed: ParsedV4::EMPTY, start: Start::EMPTY, likely: Number(0), step: Step::LookUp };
}

/// Runs all of `frames`, for each of which there is a verdict.
///
/// While the flows of one group of frames are on their way from memory, the next group is parsed; while its buckets are on their way,
/// the first is decided.
pub(super) fn run(state: &mut State, waiting_v6: &mut Waiting, frames: &mut [Frame<'_>], tick: u32, verdicts: &mut [Verdict]) {
    run_v4(state, waiting_v6, frames, tick, verdicts);
    if !waiting_v6.is_empty() {
        v6::run(state, waiting_v6, frames, tick, verdicts);
    }
}

fn run_v4(state: &mut State, waiting_v6: &mut Waiting, frames: &mut [Frame<'_>], tick: u32, verdicts: &mut [Verdict]) {
    let mut memory = [[Lane::EMPTY; LANES]; 2];
    let [lanes, next_lanes] = &mut memory;
    // References are swapped, not what they refer to.
    let (mut lanes, mut next_lanes) = (lanes, next_lanes);
    let mut waiting: Option<(&mut [Frame<'_>], &mut [Verdict])> = None;
    for (group, (frames, verdicts)) in frames.chunks_mut(LANES).zip(verdicts.chunks_mut(LANES)).enumerate() {
        parse_group(state, waiting_v6, group * LANES, frames, next_lanes);
        if let Some((frames, verdicts)) = waiting.replace((&mut *frames, verdicts)) {
            decide_group(state, frames, lanes, tick, verdicts);
        }
        std::mem::swap(&mut lanes, &mut next_lanes);
        fetch_group(state, lanes);
    }
    if let Some((frames, verdicts)) = waiting {
        decide_group(state, frames, lanes, tick, verdicts);
    }
}

/// Parses frames, the first of which is the `first`-th of the batch, and fetches their buckets.
#[inline(always)]
fn parse_group(state: &State, waiting_v6: &mut Waiting, first: usize, frames: &[Frame<'_>], lanes: &mut [Lane; LANES]) {
    let mut uncommon = false;
    for (frame, lane) in frames.iter().zip(&mut *lanes) {
        match parse(frame, state.ports.get(usize::from(frame.port)), state.max_frame_bytes) {
            Ok(parsed) => lane.look_up(state, parsed, Step::LookUp),
            Err(Other::Refused(reason)) => lane.step = Step::Refuse(reason),
            Err(Other::Uncommon) => {
                lane.step = Step::Wait;
                uncommon = true;
            }
        }
    }
    if uncommon {
        parse_uncommon(state, waiting_v6, first, frames, lanes);
    }
}

/// Parses those of the frames that wait for it. Apart from the loop, which stays the shorter for it.
#[inline(never)]
fn parse_uncommon(state: &State, waiting_v6: &mut Waiting, first: usize, frames: &[Frame<'_>], lanes: &mut [Lane; LANES]) {
    for (at, (frame, lane)) in (first..).zip(frames.iter().zip(lanes)).filter(|(_, (_, lane))| matches!(lane.step, Step::Wait)) {
        let Some(port) = state.ports.get(usize::from(frame.port)) else { continue };
        match layer2::parse(frame, port) {
            Ok(Packet::V4(parsed, l2_bytes)) => lane.look_up(state, parsed, Step::LookUpGeneral(l2_bytes)),
            Ok(Packet::V6(_)) if !state.lookup => lane.step = Step::Refuse(Reason::LookupDisabled),
            Ok(Packet::V6(parsed)) => waiting_v6.push(state, at, parsed),
            Err(reason) => lane.step = Step::Refuse(reason),
        }
    }
}

impl Lane {
    #[inline(always)]
    fn look_up(&mut self, state: &State, parsed: ParsedV4, step: Step) {
        self.parsed = parsed;
        self.start = state.v4.index.start(parsed.key.hash(&state.hasher));
        self.step = if state.lookup { step } else { Step::Refuse(Reason::LookupDisabled) };
        state.v4.index.prefetch(self.start);
    }
}

/// Finds in the buckets which flows it must be, and fetches them. A lane without a frame to be looked up has an old start, or the empty
/// one: looking that up is cheaper than asking.
#[inline(always)]
fn fetch_group(state: &State, lanes: &mut [Lane; LANES]) {
    for lane in lanes {
        lane.likely = state.v4.index.likely(lane.start);
        if let Some(line) = state.v4.flows.line(lane.likely) {
            prefetch(line);
        }
    }
}

/// What becomes of a frame that was looked up.
enum Decision {
    /// It leaves by this port.
    Forward(u8, Number),
    /// It does not.
    Refuse(Reason, Option<Number>),
    /// [`general`] decides.
    General,
}

/// Decides about frames and rewrites those that are forwarded.
#[inline(always)]
fn decide_group(state: &mut State, frames: &mut [Frame<'_>], lanes: &[Lane; LANES], tick: u32, verdicts: &mut [Verdict]) {
    let mut forwarded = 0;
    let mut general = 0;
    for (i, ((frame, lane), verdict)) in frames.iter_mut().zip(lanes).zip(&mut *verdicts).enumerate() {
        let decision = match lane.step {
            Step::LookUp => decide(state, frame, lane, tick),
            Step::LookUpGeneral(_) => Decision::General,
            Step::Refuse(reason) => Decision::Refuse(reason, None),
            Step::Wait => continue,
        };
        match decision {
            Decision::Forward(port, number) => {
                forwarded += 1;
                *verdict = Verdict::Forward { port, flow: FlowId::new(Family::V4, number) };
            }
            Decision::Refuse(reason, number) => {
                *verdict = refuse(&mut state.reasons, reason, number.map(|number| FlowId::new(Family::V4, number)));
            }
            Decision::General => general |= 1 << i,
        }
    }
    state.reasons[Reason::Forwarded as usize] += forwarded;
    if general != 0 {
        general::decide_group(state, frames, lanes, general, tick, verdicts);
    }
}

/// The flow of a frame.
#[inline(always)]
fn find(state: &State, lane: &Lane) -> Option<Number> {
    let is_it = |number| state.v4.flows.has_key(number, &lane.parsed.key);
    if is_it(lane.likely) { Some(lane.likely) } else { state.v4.index.find_from(lane.start, is_it) }
}

/// Looks the frame up and makes the checks that need its flow; then counts and rewrites.
#[inline(always)]
fn decide(state: &mut State, frame: &mut Frame<'_>, lane: &Lane, tick: u32) -> Decision {
    let parsed = &lane.parsed;
    let Some(number) = find(state, lane) else { return Decision::Refuse(Reason::Miss, None) };
    let line = state.v4.flows.line_mut(number);
    let hop = match admit(&state.hops, line.next_hop, parsed.tcp_control, parsed.ttl) {
        Ok(hop) => hop,
        Err(reason) => return Decision::Refuse(reason, Some(number)),
    };
    if parsed.total_len > hop.plain_mtu {
        return Decision::General;
    }
    line.count(parsed.total_len, tick);
    rewrite(frame, parsed, line, hop);
    Decision::Forward(hop.egress, number)
}

/// The next hop of a frame that may leave if it is not too long, or why it may not, in the card's order.
#[inline(always)]
fn admit(hops: &Hops, next_hop: u16, tcp_control: bool, ttl: u8) -> Result<&Hop, Reason> {
    let hop = hops.get(next_hop).ok_or(Reason::NoNextHop)?;
    if hop.is_host() {
        return Err(Reason::HostAddressed);
    }
    if tcp_control {
        return Err(Reason::TcpFlags);
    }
    if ttl <= 1 {
        return Err(Reason::Ttl);
    }
    Ok(hop)
}
