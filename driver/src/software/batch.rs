//! Batches of frames through parse, lookup and rewrite, each step for many frames at once.

use fpgaflow_abi::reason::{Disposition, REASONS, Reason};

use super::State;
use super::flow::FlowId;
use super::index::Start;
use super::parse::{Parsed, parse};
use super::prefetch::prefetch;
use super::rewrite::rewrite;
use crate::frame::Frame;

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

/// A frame between two steps.
#[derive(Clone, Copy)]
struct Lane {
    parsed: Parsed,
    start: Start,
    likely: FlowId,
    reason: Option<Reason>,
}

impl Lane {
    const EMPTY: Self = Self { parsed: Parsed::EMPTY, start: Start::EMPTY, likely: FlowId(0), reason: None };
}

/// Runs all of `frames`, for each of which there is a verdict.
///
/// While the flows of one group of frames are on their way from memory, the next group is parsed; while its buckets are on their way,
/// the first is decided.
pub(super) fn run(state: &mut State, frames: &mut [Frame<'_>], tick: u32, verdicts: &mut [Verdict]) {
    let mut memory = [[Lane::EMPTY; LANES]; 2];
    let [lanes, next_lanes] = &mut memory;
    // References are swapped, not what they refer to.
    let (mut lanes, mut next_lanes) = (lanes, next_lanes);
    let mut waiting: Option<(&mut [Frame<'_>], &mut [Verdict])> = None;
    for (frames, verdicts) in frames.chunks_mut(LANES).zip(verdicts.chunks_mut(LANES)) {
        parse_group(state, frames, next_lanes);
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

/// Parses frames and fetches their buckets.
#[inline(always)]
fn parse_group(state: &State, frames: &[Frame<'_>], lanes: &mut [Lane; LANES]) {
    for (frame, lane) in frames.iter().zip(lanes) {
        match parse(frame, state.ports.get(usize::from(frame.port)), state.max_frame_bytes) {
            Ok(parsed) => {
                lane.parsed = parsed;
                lane.start = state.index.start(state.hasher.hash(&parsed.key));
                lane.reason = if state.lookup { None } else { Some(Reason::LookupDisabled) };
                state.index.prefetch(lane.start);
            }
            Err(reason) => lane.reason = Some(reason),
        }
    }
}

/// Finds in the buckets which flows it must be, and fetches them. A lane without a frame to be looked up has an old start, or the empty
/// one: looking that up is cheaper than asking.
#[inline(always)]
fn fetch_group(state: &State, lanes: &mut [Lane; LANES]) {
    for lane in lanes {
        lane.likely = state.index.likely(lane.start);
        if let Some(line) = state.flows.line(lane.likely) {
            prefetch(line);
        }
    }
}

/// Decides about frames and rewrites those that are forwarded.
#[inline(always)]
fn decide_group(state: &mut State, frames: &mut [Frame<'_>], lanes: &[Lane; LANES], tick: u32, verdicts: &mut [Verdict]) {
    let mut forwarded = 0;
    for ((frame, lane), verdict) in frames.iter_mut().zip(lanes).zip(verdicts) {
        let decided = match lane.reason {
            Some(reason) => Err((reason, None)),
            None => decide(state, frame, lane, tick),
        };
        match decided {
            Ok((port, flow)) => {
                forwarded += 1;
                *verdict = Verdict::Forward { port, flow };
            }
            Err((reason, flow)) => *verdict = refuse(&mut state.reasons, reason, flow),
        }
    }
    state.reasons[Reason::Forwarded as usize] += forwarded;
}

/// Looks the frame up and makes the checks that need its flow, in the card's order; then counts and rewrites.
#[inline(always)]
fn decide(state: &mut State, frame: &mut Frame<'_>, lane: &Lane, tick: u32) -> Result<(u8, FlowId), (Reason, Option<FlowId>)> {
    let parsed = &lane.parsed;
    let flows = &state.flows;
    let is_it = |id| flows.has_key(id, &parsed.key);
    let id =
        if is_it(lane.likely) { lane.likely } else { state.index.find_from(lane.start, is_it).ok_or((Reason::Miss, None))? };
    let line = state.flows.line_mut(id);
    let refuse = |reason| Err((reason, Some(id)));
    let Some(hop) = state.hops.get(line.next_hop) else { return refuse(Reason::NoNextHop) };
    if hop.is_host() {
        return refuse(Reason::HostAddressed);
    }
    if parsed.tcp_control {
        return refuse(Reason::TcpFlags);
    }
    if parsed.ttl <= 1 {
        return refuse(Reason::Ttl);
    }
    if parsed.total_len > hop.mtu {
        return refuse(Reason::Mtu);
    }
    line.count(parsed.total_len, tick);
    rewrite(frame, parsed, line, hop);
    Ok((hop.egress, id))
}
