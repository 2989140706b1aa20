//! Every connection that conntrack has, found by either direction's tuple.
//!
//! Sized for a million of them: a connection takes one row of [`Tracked`] and two index entries, under 200 bytes together.

use std::hash::BuildHasher;

use hashbrown::{DefaultHashBuilder, HashTable};

use crate::flow::{Conn, ConnName, Tuple};
use crate::policy::Refusal;
use crate::target::Placed;

/// Direction of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Direction {
    /// The way of its first packet.
    Original = 0,
    /// The other way.
    Reply = 1,
}

/// What became of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It is forwarded for the kernel.
    Offloaded(Placed),
    /// The kernel forwards it.
    Refused(Refusal),
}

/// Names a row of a [`Tracker`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ConnIndex(u32);

/// Names a record of a connection that was offloaded at least once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct RecordIndex(pub u32);

/// A connection and what the daemon made of it.
#[derive(Debug, Clone)]
pub struct Tracked {
    /// What conntrack says.
    pub conn: Conn,
    /// Second of the daemon's life in which [`Conn::timeout_s`] was told.
    pub told_at_s: u32,
    /// Dump, or events after it began, that last confirmed it.
    pub generation: u32,
    /// Packets of each direction that went to the kernel through this daemon; stays at its maximum.
    pub kernel_packets: [u32; 2],
    /// Its record, once it was offloaded.
    pub record: Option<std::num::NonZeroU32>,
    verdict: Verdict,
}

impl Tracked {
    /// A connection that nothing was decided about yet.
    pub fn new(conn: Conn, told_at_s: u32, generation: u32) -> Self {
        let verdict = Verdict::Refused(Refusal::Unconfirmed);
        Self { conn, told_at_s, generation, kernel_packets: [0; 2], record: None, verdict }
    }

    /// What became of it.
    pub fn verdict(&self) -> Verdict {
        self.verdict
    }

    /// Its record, once it was offloaded.
    pub fn record(&self) -> Option<RecordIndex> {
        self.record.map(|index| RecordIndex(index.get() - 1))
    }

    /// Remembers its record.
    pub fn set_record(&mut self, index: RecordIndex) {
        self.record = std::num::NonZeroU32::new(index.0 + 1);
    }
}

/// The table of connections.
#[derive(Debug, Default)]
pub struct Tracker {
    rows: Vec<Option<Tracked>>,
    free: Vec<u32>,
    /// Row index times two, plus the direction.
    index: HashTable<u32>,
    hasher: DefaultHashBuilder,
    census: Census,
}

/// Connections by verdict.
#[derive(Debug, Clone, Default)]
pub struct Census {
    in_card: usize,
    in_software: usize,
    refused: [usize; Refusal::ALL.len()],
}

impl Census {
    fn of(&mut self, verdict: Verdict) -> &mut usize {
        match verdict {
            Verdict::Offloaded(Placed::Card) => &mut self.in_card,
            Verdict::Offloaded(Placed::Software) => &mut self.in_software,
            Verdict::Refused(refusal) => &mut self.refused[refusal as usize],
        }
    }

    /// How many have this verdict.
    pub fn count(&self, verdict: Verdict) -> usize {
        match verdict {
            Verdict::Offloaded(Placed::Card) => self.in_card,
            Verdict::Offloaded(Placed::Software) => self.in_software,
            Verdict::Refused(refusal) => self.refused[refusal as usize],
        }
    }
}

impl Tracker {
    /// Connections.
    pub fn len(&self) -> usize {
        self.rows.len() - self.free.len()
    }

    /// Connections by verdict.
    pub fn census(&self) -> &Census {
        &self.census
    }

    /// Changes what became of a connection.
    pub fn set_verdict(&mut self, index: ConnIndex, verdict: Verdict) {
        if let Some(Some(tracked)) = self.rows.get_mut(index.0 as usize) {
            *self.census.of(tracked.verdict) -= 1;
            *self.census.of(verdict) += 1;
            tracked.verdict = verdict;
        }
    }

    fn hash(&self, tuple: &Tuple, zone: u16) -> u64 {
        self.hasher.hash_one((tuple, zone))
    }

    /// Tuple and zone of an index entry.
    fn indexed(rows: &[Option<Tracked>], entry: u32) -> Option<(&Tuple, u16)> {
        let conn = &rows.get(entry as usize >> 1)?.as_ref()?.conn;
        Some((if entry & 1 == 0 { &conn.name.original } else { &conn.reply }, conn.name.zone))
    }

    fn lookup(&self, tuple: &Tuple, zone: u16, wanted: impl Fn(u32) -> bool) -> Option<u32> {
        let found = self
            .index
            .find(self.hash(tuple, zone), |entry| wanted(*entry) && Self::indexed(&self.rows, *entry) == Some((tuple, zone)));
        found.copied()
    }

    /// The connection with this name.
    pub fn find(&self, name: &ConnName) -> Option<ConnIndex> {
        self.lookup(&name.original, name.zone, |entry| entry & 1 == 0).map(|entry| ConnIndex(entry >> 1))
    }

    /// The connection, in the default zone, that a packet with this tuple belongs to, and its direction.
    pub fn find_packet(&self, tuple: &Tuple) -> Option<(ConnIndex, Direction)> {
        let entry = self.lookup(tuple, 0, |_| true)?;
        Some((ConnIndex(entry >> 1), if entry & 1 == 0 { Direction::Original } else { Direction::Reply }))
    }

    /// Adds a connection whose name is not in the table.
    pub fn insert(&mut self, tracked: Tracked) -> ConnIndex {
        let zone = tracked.conn.name.zone;
        let tuples = [tracked.conn.name.original, tracked.conn.reply];
        *self.census.of(tracked.verdict) += 1;
        let row = match self.free.pop() {
            Some(row) => {
                self.rows[row as usize] = Some(tracked);
                row
            }
            None => {
                self.rows.push(Some(tracked));
                (self.rows.len() - 1) as u32
            }
        };
        for (direction, tuple) in tuples.iter().enumerate() {
            let hash = self.hash(tuple, zone);
            let (rows, hasher) = (&self.rows, &self.hasher);
            self.index.insert_unique(hash, row << 1 | direction as u32, |entry| {
                Self::indexed(rows, *entry).map_or(0, |key| hasher.hash_one(key))
            });
        }
        ConnIndex(row)
    }

    /// Takes a connection out.
    pub fn remove(&mut self, index: ConnIndex) -> Option<Tracked> {
        let tracked = self.get(index)?;
        let (zone, verdict) = (tracked.conn.name.zone, tracked.verdict);
        for (direction, tuple) in [tracked.conn.name.original, tracked.conn.reply].iter().enumerate() {
            let entry = index.0 << 1 | direction as u32;
            if let Ok(found) = self.index.find_entry(self.hasher.hash_one((tuple, zone)), |at| *at == entry) {
                found.remove();
            }
        }
        *self.census.of(verdict) -= 1;
        self.free.push(index.0);
        self.rows.get_mut(index.0 as usize)?.take()
    }

    /// A connection.
    pub fn get(&self, index: ConnIndex) -> Option<&Tracked> {
        self.rows.get(index.0 as usize)?.as_ref()
    }

    /// A connection, to change anything but its tuples and zone.
    pub fn get_mut(&mut self, index: ConnIndex) -> Option<&mut Tracked> {
        self.rows.get_mut(index.0 as usize)?.as_mut()
    }

    /// Every connection.
    pub fn iter(&self) -> impl Iterator<Item = (ConnIndex, &Tracked)> {
        self.rows.iter().enumerate().filter_map(|(row, tracked)| Some((ConnIndex(row as u32), tracked.as_ref()?)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_support::tcp_conn;

    fn tracked(number: u32) -> Tracked {
        Tracked::new(tcp_conn(number), 0, 0)
    }

    #[test]
    fn a_connection_is_found_by_its_name_and_by_packets_of_both_directions() {
        let mut tracker = Tracker::default();
        let indices: Vec<_> = (0..1000).map(|number| tracker.insert(tracked(number))).collect();
        for (number, index) in indices.iter().enumerate() {
            let conn = tcp_conn(number as u32);
            assert_eq!(tracker.find(&conn.name), Some(*index));
            assert_eq!(tracker.find_packet(&conn.name.original), Some((*index, Direction::Original)));
            assert_eq!(tracker.find_packet(&conn.reply), Some((*index, Direction::Reply)));
        }
    }

    #[test]
    fn a_removed_connection_is_found_by_nothing_and_its_row_is_used_again() {
        let mut tracker = Tracker::default();
        let first = tracker.insert(tracked(1));
        tracker.insert(tracked(2));
        assert_eq!(tracker.remove(first).unwrap().conn, tcp_conn(1));
        assert_eq!(tracker.find(&tcp_conn(1).name), None);
        assert_eq!(tracker.find_packet(&tcp_conn(1).reply), None);
        assert_eq!(tracker.insert(tracked(3)), first);
        assert_eq!((tracker.len(), tracker.find(&tcp_conn(2).name).is_some()), (2, true));
    }

    #[test]
    fn the_census_follows_every_verdict() {
        let mut tracker = Tracker::default();
        let index = tracker.insert(tracked(1));
        tracker.insert(tracked(2));
        tracker.set_verdict(index, Verdict::Offloaded(Placed::Card));
        let count = |tracker: &Tracker, verdict| tracker.census().count(verdict);
        assert_eq!(count(&tracker, Verdict::Offloaded(Placed::Card)), 1);
        assert_eq!(count(&tracker, Verdict::Refused(Refusal::Unconfirmed)), 1);
        tracker.remove(index);
        assert_eq!(count(&tracker, Verdict::Offloaded(Placed::Card)), 0);
    }

    #[test]
    fn a_million_connections_take_at_most_200_bytes_each() {
        let mut tracker = Tracker::default();
        for number in 0..1_000_000 {
            tracker.insert(tracked(number));
        }
        // A vector that doubles holds up to twice its rows, but what was never touched is no memory: count rows as used. An index
        // bucket is its value and one control byte; of eight buckets, seven may be used.
        let used = tracker.len() * size_of::<Option<Tracked>>() + tracker.index.capacity() * 8 / 7 * 5;
        assert!(used / tracker.len() <= 200, "{} bytes a connection", used / tracker.len());
    }
}
