//! The frames of one ingress that wait, in the order in which they came, and by which exits each is due.

use std::collections::{BTreeMap, VecDeque};

use crate::card::Card;

use super::Losses;
use super::changes::Changes;
use super::waiting::{Exit, HOST_EXIT, Waiting, Way};

/// How many frames that have left are remembered at each exit, to tell a duplicate from a stranger.
const REMEMBERED: usize = 32;
/// Exits that have a number, [`HOST_EXIT`] being the last.
const EXITS: usize = HOST_EXIT as usize + 1;

/// The frames of one ingress.
#[derive(Debug, Default)]
pub(super) struct Lane {
    /// Those that wait, by sequence number.
    pub waiting: BTreeMap<u64, Waiting>,
    /// Sequence numbers of the frames that may leave by each exit, ascending.
    due: [VecDeque<u64>; EXITS],
    /// Sequence numbers of frames that can only be dropped, or could when they came.
    doomed: VecDeque<u64>,
    /// Frames below this number have passed their lookup, for a later one has left.
    decided: u64,
    /// Frames that left last, by exit.
    left: [VecDeque<(u64, Vec<u8>)>; EXITS],
}

/// A frame that left, and how.
pub(super) struct Left {
    pub waiting: Waiting,
    pub way: Way,
    /// It may have taken another way that looks the same.
    pub has_twin: bool,
}

impl Lane {
    pub(super) fn push(&mut self, seq: u64, waiting: Waiting) {
        self.schedule(seq, &waiting);
        self.waiting.insert(seq, waiting);
    }

    /// Lists a frame at each exit that it may leave by.
    fn schedule(&mut self, seq: u64, waiting: &Waiting) {
        let mut doomed = true;
        for exit in waiting.ways.iter().filter_map(Way::exit) {
            doomed = false;
            let due = &mut self.due[usize::from(exit)];
            if let Err(at) = due.binary_search(&seq) {
                due.insert(at, seq);
            }
        }
        if doomed {
            self.doomed.push_back(seq);
        }
    }

    /// Frames that may leave by `exit`, in order.
    pub(super) fn due(&self, exit: Exit) -> impl Iterator<Item = (u64, &Waiting)> {
        self.due[usize::from(exit)].iter().filter_map(|seq| self.waiting.get(seq).map(|waiting| (*seq, waiting)))
    }

    /// Adds to every undecided frame that is `touched` what is possible for it now.
    pub(super) fn widen(&mut self, touched: impl Fn(&Waiting) -> bool, card: &Card, changes: &Changes) {
        let mut widened = Vec::new();
        for (seq, waiting) in self.waiting.range_mut(self.decided..) {
            if touched(waiting) {
                waiting.widen(card, changes);
                widened.push(*seq);
            }
        }
        for seq in widened {
            let Some(waiting) = self.waiting.remove(&seq) else { continue };
            if waiting.ways.iter().any(|way| way.exit().is_some()) {
                self.schedule(seq, &waiting);
            }
            self.waiting.insert(seq, waiting);
        }
    }

    /// Lets the frame leave that has `ahead` others before it at `exit`, by `way`. Returns it, and the frames that this shows to be
    /// dropped or lost.
    ///
    /// # Panics
    /// When there is no such frame or way: both come from [`Lane::due`].
    pub(super) fn leave(&mut self, exit: Exit, ahead: usize, way: usize, losses: Losses) -> (Left, Vec<Waiting>) {
        let mut missing = Vec::new();
        let passed: Vec<_> = self.due[usize::from(exit)].drain(..ahead).collect();
        for seq in passed {
            let Some(waiting) = self.waiting.get_mut(&seq) else { continue };
            waiting.bar(exit, losses);
            if waiting.ways.iter().all(|way| way.exit().is_none()) {
                missing.extend(self.waiting.remove(&seq));
            }
        }
        let seq = self.due[usize::from(exit)].pop_front().expect("a frame is due");
        let mut waiting = self.waiting.remove(&seq).expect("a due frame waits");
        for other in waiting.ways.iter().filter_map(Way::exit).filter(|other| *other != exit) {
            let due = &mut self.due[usize::from(other)];
            if let Ok(at) = due.binary_search(&seq) {
                due.remove(at);
            }
        }
        let mut way = waiting.ways.swap_remove(way);
        let has_twin = waiting.ways.iter().any(|other| other.is_twin_of(&way));
        self.remember(seq, exit, &mut waiting, &mut way);
        self.decided = self.decided.max(seq + 1);
        while let Some(seq) = self.doomed.front().copied().filter(|seq| *seq < self.decided) {
            self.doomed.pop_front();
            if self.waiting.get(&seq).is_some_and(|waiting| waiting.ways.iter().all(|way| way.exit().is_none())) {
                missing.extend(self.waiting.remove(&seq));
            }
        }
        (Left { waiting, way, has_twin }, missing)
    }

    /// Keeps the bytes that left; they are of no other use any more.
    fn remember(&mut self, seq: u64, exit: Exit, waiting: &mut Waiting, way: &mut Way) {
        let bytes = match way {
            Way::Port { frame, .. } => std::mem::take(frame),
            _ => std::mem::take(&mut waiting.frame),
        };
        let left = &mut self.left[usize::from(exit)];
        left.truncate(REMEMBERED - 1);
        left.push_front((seq, bytes));
    }

    /// The frame with these bytes that left by `exit` lately.
    pub(super) fn left_before(&self, exit: Exit, frame: &[u8]) -> Option<u64> {
        self.left[usize::from(exit)].iter().find(|(_, bytes)| bytes == frame).map(|(seq, _)| *seq)
    }
}
