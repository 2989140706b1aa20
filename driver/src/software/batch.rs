//! Batches of frames through parse, lookup and rewrite, each step for many frames at once.

use fpgaflow_abi::hash::KeyHash;
use fpgaflow_abi::reason::{Disposition, Reason};

use super::flow::FlowId;
use super::index::Start;
use super::parse::{Key, Parsed, parse};
use super::prefetch::prefetch;
use super::rewrite::rewrite;
use super::{Flows, Hops, State};
use crate::frame::Frame;
use crate::hash::KeyedHash;
#[cfg(target_arch = "x86_64")]
use crate::hash::clmul::Clmul;

/// Frames in flight between two steps: enough to hide memory's latency, few enough to stay in the first cache.
const LANES: usize = 32;

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
        Self::not_forwarded(Reason::LookupDisabled, None)
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

    #[inline(always)]
    fn not_forwarded(reason: Reason, flow: Option<FlowId>) -> Self {
        match reason.disposition() {
            Disposition::Drop => Self::Drop { reason },
            Disposition::Punt | Disposition::Forward => Self::Punt { reason, flow },
        }
    }
}

/// How the loop is compiled: with the processor's carry-less multiplication inside, or for any processor.
#[derive(Debug, Clone)]
pub(super) enum Engine {
    /// The features that [`run_x86`] is compiled with were found.
    #[cfg(target_arch = "x86_64")]
    X86(Clmul),
    Portable(KeyedHash),
}

impl Engine {
    /// The fastest engine that this processor has.
    pub fn new(hash: &KeyedHash) -> Self {
        #[cfg(target_arch = "x86_64")]
        if let Some(clmul) = hash.clmul()
            && std::arch::is_x86_feature_detected!("avx2")
            && std::arch::is_x86_feature_detected!("bmi1")
            && std::arch::is_x86_feature_detected!("bmi2")
            && std::arch::is_x86_feature_detected!("movbe")
        {
            return Self::X86(clmul.clone());
        }
        Self::Portable(hash.clone())
    }
}

/// Runs all of `frames`.
pub(super) fn run(engine: &Engine, state: &mut State, frames: &mut [Frame<'_>], tick: u32, verdicts: &mut [Verdict]) {
    match engine {
        #[cfg(target_arch = "x86_64")]
        // SAFETY: this engine is made only where `Engine::new` found every feature.
        Engine::X86(clmul) => unsafe { run_x86(clmul, state, frames, tick, verdicts) },
        Engine::Portable(hash) => run_with(state, |key| hash.hash_v4(key), frames, tick, verdicts),
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,bmi1,bmi2,movbe,pclmulqdq")]
fn run_x86(clmul: &Clmul, state: &mut State, frames: &mut [Frame<'_>], tick: u32, verdicts: &mut [Verdict]) {
    run_with(state, |key| KeyHash(clmul.hash_inlined(key)), frames, tick, verdicts);
}

/// A frame between two steps.
#[derive(Clone, Copy)]
struct Lane {
    parsed: Parsed,
    start: Start,
    reason: Option<Reason>,
}

#[inline(always)]
fn run_with(state: &mut State, hash: impl Fn(&Key) -> KeyHash, frames: &mut [Frame<'_>], tick: u32, verdicts: &mut [Verdict]) {
    let mut lanes = [Lane { parsed: Parsed::default(), start: Start::default(), reason: None }; LANES];
    for (frames, verdicts) in frames.chunks_mut(LANES).zip(verdicts.chunks_mut(LANES)) {
        for (frame, lane) in frames.iter().zip(&mut lanes) {
            match parse(frame, state.ports.get(usize::from(frame.port)), state.max_frame_bytes) {
                Ok(parsed) => {
                    lane.parsed = parsed;
                    lane.start = state.index.start(hash(&parsed.key));
                    lane.reason = (!state.lookup).then_some(Reason::LookupDisabled);
                    state.index.prefetch(lane.start);
                }
                Err(reason) => lane.reason = Some(reason),
            }
        }
        for lane in lanes[..frames.len()].iter().filter(|lane| lane.reason.is_none()) {
            if let Some(likely) = state.index.likely(lane.start) {
                prefetch(state.flows.line(likely));
            }
        }
        for ((frame, lane), verdict) in frames.iter_mut().zip(&lanes).zip(verdicts) {
            *verdict = match lane.reason {
                Some(reason) => Verdict::not_forwarded(reason, None),
                None => match state.index.find_from(lane.start, |id| state.flows.line(id).key == lane.parsed.key) {
                    Some(id) => forward(&mut state.flows, &state.hops, id, frame, &lane.parsed, tick),
                    None => Verdict::not_forwarded(Reason::Miss, None),
                },
            };
            state.reasons[verdict.reason() as usize] += 1;
        }
    }
}

/// The checks that need the flow, in the card's order, then the rewrite.
#[inline(always)]
fn forward(flows: &mut Flows, hops: &Hops, id: FlowId, frame: &mut Frame<'_>, parsed: &Parsed, tick: u32) -> Verdict {
    let line = flows.line_mut(id);
    let refuse = |reason| Verdict::not_forwarded(reason, Some(id));
    let Some(hop) = hops.get(line.next_hop) else { return refuse(Reason::NoNextHop) };
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
    Verdict::Forward { port: hop.egress, flow: id }
}
