//! The scoreboard: holds a card under test to the model while its table changes under traffic.
//!
//! A frame that is in the card while a change is under way may meet the state before it or after it. So every frame has a set of
//! ways to leave: one for each state that was possible at any time since its injection. What leaves the card must be one of
//! them.
//!
//! # Contract
//! - Calls come in the order of their clocks. Changes end in the order in which they began, as the command ring executes them.
//! - Frames of one ingress that leave by one exit leave in the order in which they came; so do those of one flow.
//! - Each frame leaves once, or is dropped for a reason that the model knows. Only what [`Losses`] allows may be missing beyond
//!   that, and is held to the card's counters in [`Scoreboard::finish`].
//! - Frames that are in the card at once differ, or their fate does not depend on changes under way: of two equal ones it is taken to
//!   be the older that left. A mark in the source address serves.
//! - What becomes of a fragment to look up hangs on those before it: no change is under way while one is in the card, and all come in by one
//!   port, for the order of others is the card's.
//! - After an error the scoreboard is of no further use.
//!
//! Moves of slots change no outcome and are not told to it. Time per frame does not depend on how many frames wait, except that a
//! change looks at those injected since the last one left.

mod changes;
mod lane;
mod mismatch;
mod summary;
mod waiting;

use fpgaflow_abi::geometry::Geometry;
use fpgaflow_abi::reason::{REASONS, Reason};
use fpgaflow_abi::slot::EntryRef;
use fpgaflow_abi::wire::MIN_FRAME_BYTES;

use crate::card::{Card, CardError, Change};
use crate::outcome::Outcome;
use crate::parse::Packet;

use changes::{Changes, Replaced};
use lane::Lane;
use mismatch::{distance, hexdump_difference};
use waiting::{Exit, HOST_EXIT, Waiting, Way};

pub use mismatch::{Difference, Mismatch};
pub use summary::Summary;

/// What may be missing at the exits because nobody took it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Losses {
    /// The host may be slow: punted frames may be dropped as `host_full`.
    pub host_full: bool,
    /// Ports may drop: frames to them may be dropped as `tx_full`.
    pub tx_full: bool,
}

/// The scoreboard of one run.
#[derive(Debug)]
pub struct Scoreboard {
    /// The model in the state behind all changes that have begun.
    card: Card,
    changes: Changes,
    /// One for every port, then the host's.
    lanes: Vec<Lane>,
    losses: Losses,
    seed: u64,
    next_seq: u64,
    summary: Summary,
}

impl Scoreboard {
    /// A scoreboard for a card of this size after reset. `seed` is the run's, for the report.
    pub fn new(geometry: Geometry, losses: Losses, seed: u64) -> Self {
        Self {
            card: Card::new(geometry),
            changes: Changes::default(),
            lanes: (0..=geometry.ports).map(|_| Lane::default()).collect(),
            losses,
            seed,
            next_seq: 0,
            summary: Summary::default(),
        }
    }

    /// A frame enters by `port`: call before its last beat is taken.
    ///
    /// # Errors
    /// [`CardError::NoSuchPort`].
    pub fn inject(&mut self, port: u8, frame: &[u8], clock: u64) -> Result<(), CardError> {
        self.enter(port, frame, false, clock)
    }

    /// As [`Scoreboard::inject`], with the MAC's error mark.
    ///
    /// # Errors
    /// [`CardError::NoSuchPort`].
    pub fn inject_damaged(&mut self, port: u8, frame: &[u8], clock: u64) -> Result<(), CardError> {
        self.enter(port, frame, true, clock)
    }

    /// The host sends a frame by `port`.
    ///
    /// # Errors
    /// [`CardError::NoSuchPort`].
    pub fn send(&mut self, port: u8, frame: &[u8], clock: u64) -> Result<(), CardError> {
        self.card.check_port(port)?;
        let mut padded = frame.to_vec();
        padded.resize(frame.len().max(MIN_FRAME_BYTES), 0);
        let ways = vec![Way::Port { port, frame: padded, entry: None }];
        self.push(Waiting {
            clock,
            from: HOST_EXIT,
            frame: frame.to_vec(),
            damaged: false,
            packet: None,
            found: Vec::new(),
            ways,
            barred: 0,
        });
        Ok(())
    }

    fn enter(&mut self, port: u8, frame: &[u8], damaged: bool, clock: u64) -> Result<(), CardError> {
        self.card.check_port(port)?;
        let mut waiting = Waiting {
            clock,
            from: port,
            frame: frame.to_vec(),
            damaged,
            packet: None,
            found: Vec::new(),
            ways: Vec::new(),
            barred: 0,
        };
        match self.card.examine(port, frame, damaged) {
            Ok(packet) if packet.part.is_some() => {
                assert!(self.changes.are_none(), "a fragment comes while a table change is under way");
                let outcome = self.card.process(port, frame)?;
                if let Outcome::Forwarded { entry, .. } = outcome
                    && let Some(flow) = self.card.entry(entry)
                {
                    waiting.packet = Some(Packet { key: flow.key, ..packet });
                }
                waiting.ways.push(outcome.into());
            }
            _ => waiting.widen(&self.card, &self.changes),
        }
        self.push(waiting);
        Ok(())
    }

    fn push(&mut self, waiting: Waiting) {
        self.summary.injected += 1;
        let seq = self.next_seq;
        self.next_seq += 1;
        let lane = self.lane_of(waiting.from);
        self.lanes[lane].push(seq, waiting);
    }

    /// From now on the card may be in the state behind `change`: call before its first command is posted, or its register written.
    ///
    /// # Errors
    /// As [`Card::apply`]; nothing has begun.
    pub fn table_change_begins(&mut self, change: &Change, clock: u64) -> Result<(), CardError> {
        let replaced = Replaced::by(change, &self.card);
        self.card.apply(change)?;
        let Some(replaced) = replaced else { return Ok(()) };
        self.changes.begin(replaced, clock);
        for lane in &mut self.lanes {
            lane.widen(|waiting| replaced.touches(waiting), &self.card, &self.changes);
        }
        Ok(())
    }

    /// From now on the card is no longer in the state before the oldest change under way: call when its completion was seen.
    ///
    /// # Panics
    /// When no change is under way, which is a defect of the caller.
    pub fn table_change_ends(&mut self, clock: u64) {
        assert!(self.changes.end(clock), "no table change is under way");
    }

    /// From now on rows of the card's tables may be bad: a frame that is looked up may be punted as `parity` besides all else. Call before the
    /// first row is damaged.
    pub fn damage_begins(&mut self) {
        self.changes.damaged = true;
        for lane in &mut self.lanes {
            lane.widen(|waiting| waiting.from != HOST_EXIT, &self.card, &self.changes);
        }
    }

    /// From now on every row is good: frames that enter from now on meet none that is not.
    pub fn damage_ends(&mut self) {
        self.changes.damaged = false;
    }

    /// A frame left by `port`.
    ///
    /// # Errors
    /// [`Mismatch`] when it is not one that may leave there now.
    pub fn observe_tx(&mut self, port: u8, frame: &[u8], clock: u64) -> Result<(), Mismatch> {
        self.exists(port, clock)?;
        let is_it = |way: &Way, _: &Waiting| matches!(way, Way::Port { port: p, frame: f, .. } if *p == port && f == frame);
        match self.pick(port, None, is_it) {
            Some(place) => {
                self.settle(port, place);
                Ok(())
            }
            None => Err(self.explain(&Observed { exit: port, from: None, frame, verdict: None, clock })),
        }
    }

    /// A frame that came in by `port` reached the host.
    ///
    /// # Errors
    /// [`Mismatch`] when it is not one that may be punted now, for this reason.
    pub fn observe_punt(
        &mut self,
        port: u8,
        reason: Reason,
        entry: Option<EntryRef>,
        frame: &[u8],
        clock: u64,
    ) -> Result<(), Mismatch> {
        let due = Way::Host { reason, entry };
        let observed = Observed { exit: HOST_EXIT, from: Some(port), frame, verdict: Some((reason, entry)), clock };
        self.exists(port, clock)?;
        match self.pick(HOST_EXIT, Some(port), |way, waiting| *way == due && waiting.frame == frame) {
            Some(place) => {
                self.settle(HOST_EXIT, place);
                Ok(())
            }
            None => Err(self.explain(&observed)),
        }
    }

    /// Frames that have been injected, and have neither left nor surely been dropped. When the card is idle, what is left are
    /// drops that no later frame has confirmed yet, and losses.
    pub fn waiting(&self) -> usize {
        self.lanes.iter().map(|lane| lane.waiting.len()).sum()
    }

    /// Those of [`Scoreboard::waiting`] that may still leave, and their bytes.
    pub fn leaving(&self) -> (usize, usize) {
        let waiting = self.lanes.iter().flat_map(|lane| lane.waiting.values());
        let leaving = waiting.filter(|waiting| waiting.ways.iter().any(|way| way.exit().is_some()));
        leaving.fold((0, 0), |(frames, bytes), waiting| (frames + 1, bytes + waiting.frame.len()))
    }

    /// Closes the run on a card that has become idle. `counters` are its reason counters, by code; a frame dropped as `host_full` or
    /// `tx_full` counts as that besides the reason that its lookup decided.
    ///
    /// # Errors
    /// [`Mismatch`] when a frame was lost, or a counter is not what the run adds up to.
    pub fn finish(mut self, counters: Option<&[u64; REASONS]>, clock: u64) -> Result<Summary, Mismatch> {
        let mut lanes = std::mem::take(&mut self.lanes);
        for (seq, waiting) in lanes.iter_mut().flat_map(|lane| std::mem::take(&mut lane.waiting)) {
            if !self.summary.count_missing(&waiting, self.losses) {
                let detail = format!(
                    "frame {seq} from {}, injected at clock {}, never left; it is to be {}{}",
                    ingress(waiting.from),
                    waiting.clock,
                    waiting.describe(),
                    hexdump_difference(&waiting.frame, &[])
                );
                return Err(self.mismatch(Difference::Lost, clock, detail));
            }
        }
        if let Some(counters) = counters
            && let Err(detail) = self.summary.agree(counters)
        {
            return Err(self.mismatch(Difference::Counter, clock, detail));
        }
        Ok(self.summary)
    }

    fn lane_of(&self, from: u8) -> usize {
        if from == HOST_EXIT { self.lanes.len() - 1 } else { from.into() }
    }

    /// The oldest frame that may be the one that left by `exit`, ahead of which nothing must leave there.
    fn pick(&self, exit: Exit, from: Option<u8>, is_it: impl Fn(&Way, &Waiting) -> bool) -> Option<Place> {
        let lanes = match from {
            Some(port) => usize::from(port)..usize::from(port) + 1,
            None => 0..self.lanes.len(),
        };
        let mut oldest: Option<(u64, Place)> = None;
        for lane in lanes {
            for (ahead, (_, waiting)) in self.lanes[lane].due(exit).enumerate() {
                if let Some(way) = waiting.ways.iter().position(|way| is_it(way, waiting)) {
                    if oldest.is_none_or(|(clock, _)| waiting.clock < clock) {
                        oldest = Some((waiting.clock, Place { lane, ahead, way }));
                    }
                    break;
                }
                if waiting.blocks(exit, self.losses) {
                    break;
                }
            }
        }
        oldest.map(|(_, place)| place)
    }

    /// Takes the frame at `place` as left, and settles what that says about frames before it.
    fn settle(&mut self, exit: Exit, place: Place) {
        let lane = &mut self.lanes[place.lane];
        let (left, missing) = lane.leave(exit, place.ahead, place.way, self.losses);
        self.summary.count(&left.waiting, &left.way);
        if left.has_twin {
            self.summary.doubt_entry(&left.waiting);
        }
        for waiting in missing {
            // Each of these could be lost, or `pick` had not looked behind it.
            self.summary.count_missing(&waiting, self.losses);
        }
    }

    fn exists(&self, port: u8, clock: u64) -> Result<(), Mismatch> {
        self.card.check_port(port).map_err(|error| self.mismatch(Difference::Unexpected, clock, error.to_string()))
    }

    fn explain(&self, observed: &Observed) -> Mismatch {
        let (difference, detail) = self.diagnose(observed);
        self.mismatch(difference, observed.clock, detail)
    }

    fn mismatch(&self, difference: Difference, clock: u64, detail: String) -> Mismatch {
        Mismatch { difference, seed: self.seed, clock, detail: format!("{detail}\n{}", self.changes) }
    }

    /// Finds out what an unexpected frame is most likely to be.
    fn diagnose(&self, observed: &Observed) -> (Difference, String) {
        let what = observed.describe();
        let lanes = || {
            self.lanes
                .iter()
                .enumerate()
                .filter(|(at, _)| observed.from.is_none_or(|port| usize::from(port) == *at))
                .map(|(_, lane)| lane)
        };
        for lane in lanes() {
            let mut blocked_by = None;
            for (seq, waiting) in lane.due(observed.exit) {
                if waiting.ways.iter().any(|way| observed.equals(way, waiting))
                    && let Some((first, ways)) = blocked_by
                {
                    let why = format!("{what} is frame {seq}; frame {first} of the same ingress is to leave first: {ways}");
                    return (Difference::Order, why);
                }
                if blocked_by.is_none() && waiting.blocks(observed.exit, self.losses) {
                    blocked_by = Some((seq, waiting.describe()));
                }
            }
        }
        for lane in lanes() {
            for (seq, waiting) in &lane.waiting {
                if waiting.ways.iter().any(|way| observed.resembles(way, waiting)) {
                    return (Difference::Way, format!("{what} is frame {seq}, which is to be {}", waiting.describe()));
                }
            }
        }
        if let Some(seq) = lanes().find_map(|lane| lane.left_before(observed.exit, observed.frame)) {
            return (Difference::Duplicate, format!("{what} is frame {seq}, which has left already"));
        }
        let heads = lanes().filter_map(|lane| lane.due(observed.exit).next());
        let due = heads.flat_map(|(seq, waiting)| {
            let here = waiting.ways.iter().filter(|way| way.exit() == Some(observed.exit));
            here.map(move |way| (seq, waiting, if let Way::Port { frame, .. } = way { frame } else { &waiting.frame }))
        });
        match due.min_by_key(|(_, _, frame)| distance(frame, observed.frame)) {
            Some((seq, waiting, expected)) => {
                let dump = hexdump_difference(expected, observed.frame);
                (Difference::Bytes, format!("{what}; frame {seq} is due, to be {}{dump}", waiting.describe()))
            }
            None => (Difference::Unexpected, format!("{what}; none is due there{}", hexdump_difference(&[], observed.frame))),
        }
    }
}

/// A waiting frame and its way out.
#[derive(Debug, Clone, Copy)]
struct Place {
    lane: usize,
    /// How many frames of the lane that could leave there are before it.
    ahead: usize,
    /// Which of its ways.
    way: usize,
}

/// A frame that left and is not understood.
struct Observed<'a> {
    exit: Exit,
    from: Option<u8>,
    frame: &'a [u8],
    verdict: Option<(Reason, Option<EntryRef>)>,
    clock: u64,
}

impl Observed<'_> {
    fn describe(&self) -> String {
        let length = self.frame.len();
        match (self.from, self.verdict) {
            (Some(port), Some((reason, entry))) => {
                let entry = entry.map_or(String::new(), |entry| format!(", entry {}", entry.index()));
                format!("what the host got from port {port} ({length} bytes, {reason}{entry})")
            }
            _ => format!("what left by port {} ({length} bytes)", self.exit),
        }
    }

    /// Whether this is the frame, leaving by this way.
    fn equals(&self, way: &Way, waiting: &Waiting) -> bool {
        match (way, self.verdict) {
            (Way::Port { port, frame, .. }, None) => *port == self.exit && frame == self.frame,
            (Way::Host { reason, entry }, Some(verdict)) => (*reason, *entry) == verdict && waiting.frame == self.frame,
            _ => false,
        }
    }

    /// Whether this is the frame, leaving by another way.
    fn resembles(&self, way: &Way, waiting: &Waiting) -> bool {
        match way {
            Way::Port { frame, .. } if self.verdict.is_none() => frame == self.frame,
            _ => waiting.frame == self.frame,
        }
    }
}

fn ingress(from: u8) -> String {
    if from == HOST_EXIT { "the host".into() } else { format!("port {from}") }
}
