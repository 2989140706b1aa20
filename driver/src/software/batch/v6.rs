//! IPv6 frames of a batch.

use fpgaflow_abi::key::Family;
use fpgaflow_abi::reason::Reason;

use super::{LANES, Verdict, admit, refuse};
use crate::frame::Frame;
use crate::software::State;
use crate::software::flow::{FlowId, Number};
use crate::software::index::Start;
use crate::software::key::WireKey;
use crate::software::parse::ParsedV6;
use crate::software::prefetch::prefetch;
use crate::software::rewrite::general::{Place, rewrite_v6};

/// A frame between two steps.
#[derive(Debug, Clone, Copy)]
struct Lane {
    /// Which frame of the batch.
    at: usize,
    parsed: ParsedV6,
    start: Start,
    likely: Number,
}

/// Frames to be looked up when all of their batch are parsed. Made to be used again.
#[derive(Debug, Default)]
pub(in super::super) struct Waiting(Vec<Lane>);

impl Waiting {
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Adds the `at`-th frame of the batch and fetches its bucket.
    pub fn push(&mut self, state: &State, at: usize, parsed: ParsedV6) {
        let start = state.v6.index.start(parsed.key.hash(&state.hasher));
        state.v6.index.prefetch(start);
        self.0.push(Lane { at, parsed, start, likely: Number(0) });
    }
}

/// Decides about all frames that wait. Not a part of the other way, which stays the shorter for it.
#[inline(never)]
pub(super) fn run(state: &mut State, waiting: &mut Waiting, frames: &mut [Frame<'_>], tick: u32, verdicts: &mut [Verdict]) {
    for lanes in waiting.0.chunks_mut(LANES) {
        for lane in &mut *lanes {
            lane.likely = state.v6.index.likely(lane.start);
            if let Some(line) = state.v6.flows.line(lane.likely) {
                prefetch(&line.key);
                prefetch(&line.packets);
            }
        }
        for lane in lanes {
            let flow = |number| FlowId::new(Family::V6, number);
            verdicts[lane.at] = match decide(state, &mut frames[lane.at], lane, tick) {
                Ok((port, number)) => {
                    state.reasons[Reason::Forwarded as usize] += 1;
                    Verdict::Forward { port, flow: flow(number) }
                }
                Err((reason, number)) => refuse(&mut state.reasons, reason, number.map(flow)),
            };
        }
    }
    waiting.0.clear();
}

/// The port that a frame leaves by, or why it does not leave; and its flow.
fn decide(state: &mut State, frame: &mut Frame<'_>, lane: &Lane, tick: u32) -> Result<(u8, Number), (Reason, Option<Number>)> {
    let parsed = &lane.parsed;
    let flows = &state.v6.flows;
    let is_it = |number| flows.has_key(number, &parsed.key);
    let found = Some(lane.likely).filter(|likely| is_it(*likely)).or_else(|| state.v6.index.find_from(lane.start, is_it));
    let number = found.ok_or((Reason::Miss, None))?;
    let line = state.v6.flows.line_mut(number);
    let hop = admit(&state.hops, line.next_hop, parsed.tcp_control, parsed.hop_limit).map_err(|reason| (reason, Some(number)))?;
    let header = state.hops.header(line.next_hop);
    let place = Place::find(frame, parsed.l2_bytes, parsed.length as usize, header).ok_or((Reason::Mtu, Some(number)))?;
    line.count(parsed.length, tick);
    rewrite_v6(frame, parsed, line, header, place);
    Ok((hop.egress, number))
}
