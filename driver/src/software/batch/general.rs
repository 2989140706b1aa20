//! IPv4 frames of a group whose layer 2 header is or becomes longer than the shortest, GRE, and what is too long.

use fpgaflow_abi::key::Family;
use fpgaflow_abi::reason::Reason;
use fpgaflow_abi::wire::ETH_HEADER_BYTES;

use super::{LANES, Lane, Step, Verdict, admit, find, refuse};
use crate::frame::Frame;
use crate::software::State;
use crate::software::flow::{FlowId, Number};
use crate::software::rewrite::general::{Place, rewrite_v4};

/// Decides about those of the frames that have a bit in `which`.
#[inline(never)]
pub(super) fn decide_group(
    state: &mut State,
    frames: &mut [Frame<'_>],
    lanes: &[Lane; LANES],
    which: u32,
    tick: u32,
    verdicts: &mut [Verdict],
) {
    let all = frames.iter_mut().zip(lanes).zip(verdicts).enumerate();
    for (_, ((frame, lane), verdict)) in all.filter(|(i, _)| which >> i & 1 == 1) {
        let flow = |number| FlowId::new(Family::V4, number);
        *verdict = match decide(state, frame, lane, tick) {
            Ok((port, number)) => {
                state.reasons[Reason::Forwarded as usize] += 1;
                Verdict::Forward { port, flow: flow(number) }
            }
            Err((reason, number)) => refuse(&mut state.reasons, reason, number.map(flow)),
        };
    }
}

/// The port that a frame leaves by, or why it does not leave; and its flow.
fn decide(state: &mut State, frame: &mut Frame<'_>, lane: &Lane, tick: u32) -> Result<(u8, Number), (Reason, Option<Number>)> {
    let parsed = &lane.parsed;
    let l2_bytes = if let Step::LookUpGeneral(bytes) = lane.step { bytes } else { ETH_HEADER_BYTES as u8 };
    let number = find(state, lane).ok_or((Reason::Miss, None))?;
    let refused = |reason| (reason, Some(number));
    let line = state.v4.flows.line_mut(number);
    let hop = admit(&state.hops, line.next_hop, parsed.tcp_control, parsed.ttl).map_err(refused)?;
    let header = state.hops.header(line.next_hop);
    let place = Place::find(frame, l2_bytes, parsed.total_len.into(), header).ok_or(refused(Reason::Mtu))?;
    line.count(parsed.total_len, tick);
    rewrite_v4(frame, parsed, line, header, place);
    Ok((hop.egress, number))
}
