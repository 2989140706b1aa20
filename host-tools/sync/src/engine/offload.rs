//! Putting a connection into the card and taking it out, both directions at once.

use std::time::Duration;

use fpgaflow_abi::entry::{Action, Entry};
use fpgaflow_abi::key::Addresses;
use fpgaflow_abi::next_hop::NextHop;
use fpgaflow_abi::wire::PROTO_TCP;

use super::Engine;
use super::path::{Leg, resolve};
use super::tracker::{ConnIndex, RecordIndex, Verdict};
use crate::flow::{Conn, Tuple};
use crate::kernel::Kernel;
use crate::policy::Refusal;
use crate::target::{Counts, FlowId, FlowTarget, Placed, TargetError};
use crate::topology::Neighbour;

/// An installed flow.
#[derive(Debug, Clone, Copy)]
pub(super) struct Installed {
    /// Its ways.
    pub legs: [Leg; 2],
    /// Their next hops.
    pub hops: [u16; 2],
    /// What target says it forwarded.
    pub counts: [Counts; 2],
    /// When packets were last seen, or it was installed.
    pub active: Duration,
}

/// What is kept of a connection from the first time that it is offloaded until it is gone.
#[derive(Debug, Clone)]
pub(super) struct Record {
    /// The connection.
    pub conn: ConnIndex,
    /// What was forwarded before the current installation.
    pub earlier: [Counts; 2],
    /// The current installation.
    pub installed: Option<Installed>,
}

impl Record {
    /// What was forwarded in all.
    pub fn counts(&self) -> [Counts; 2] {
        match &self.installed {
            None => self.earlier,
            Some(installed) => std::array::from_fn(|direction| sum(&self.earlier[direction], &installed.counts[direction])),
        }
    }
}

fn sum(a: &Counts, b: &Counts) -> Counts {
    Counts {
        card_packets: a.card_packets + b.card_packets,
        card_bytes: a.card_bytes + b.card_bytes,
        software_packets: a.software_packets + b.software_packets,
    }
}

/// Every record, by index; its index is the flow's id at the target.
#[derive(Debug, Default)]
pub(super) struct Records {
    rows: Vec<Option<Record>>,
    free: Vec<u32>,
}

impl Records {
    fn insert(&mut self, record: Record) -> RecordIndex {
        match self.free.pop() {
            Some(index) => {
                self.rows[index as usize] = Some(record);
                RecordIndex(index)
            }
            None => {
                self.rows.push(Some(record));
                RecordIndex((self.rows.len() - 1) as u32)
            }
        }
    }

    /// Drops a record and returns what was forwarded.
    pub fn remove(&mut self, index: RecordIndex) -> Option<[Counts; 2]> {
        let record = self.rows.get_mut(index.0 as usize)?.take()?;
        self.free.push(index.0);
        Some(record.counts())
    }

    pub fn get_mut(&mut self, index: RecordIndex) -> Option<&mut Record> {
        self.rows.get_mut(index.0 as usize)?.as_mut()
    }

    /// Every record.
    pub fn iter(&self) -> impl Iterator<Item = (RecordIndex, &Record)> {
        self.rows.iter().enumerate().filter_map(|(index, record)| Some((RecordIndex(index as u32), record.as_ref()?)))
    }

    /// Connections that are installed, with their flows.
    pub fn installed(&self) -> impl Iterator<Item = (ConnIndex, &Installed)> {
        self.iter().filter_map(|(_, record)| Some((record.conn, record.installed.as_ref()?)))
    }
}

/// The two entries of a connection: each direction's packets leave as the other direction's come back.
fn entries(conn: &Conn, legs: &[Leg; 2], hops: [u16; 2]) -> Option<[Entry; 2]> {
    let entry = |matched: &Tuple, answer: &Tuple, direction: usize| {
        let action = Action {
            addresses: Addresses::new(answer.addresses.dst(), answer.addresses.src())?,
            sport: answer.dport,
            dport: answer.sport,
            next_hop: hops[direction],
        };
        // An action must be of its key's family; conntrack translates between none.
        (matched.addresses.family() == answer.addresses.family()).then(|| Entry {
            key: matched.key(legs[direction].ingress.port, legs[direction].ingress.encap),
            action,
            valid: true,
        })
    };
    Some([entry(&conn.name.original, &conn.reply, 0)?, entry(&conn.reply, &conn.name.original, 1)?])
}

impl<T: FlowTarget, K: Kernel> Engine<T, K> {
    /// Installs an admitted connection, or gives it the refusal that stands against it.
    pub(super) fn offload(&mut self, now: Duration, index: ConnIndex) {
        match self.try_offload(now, index) {
            Ok(placed) => {
                self.totals.installed += 1;
                self.tracker.set_verdict(index, Verdict::Offloaded(placed));
            }
            Err(refusal) => self.refuse(index, refusal),
        }
    }

    /// The ways of a connection now.
    pub(super) fn legs(&mut self, index: ConnIndex) -> Result<[Leg; 2], Refusal> {
        let conn = &self.tracker.get(index).ok_or(Refusal::Dying)?.conn;
        resolve(&mut self.kernel, &self.ports, conn, conn.mark & self.settings.route_mark_mask)
    }

    fn try_offload(&mut self, now: Duration, index: ConnIndex) -> Result<Placed, Refusal> {
        let legs = self.legs(index)?;
        let first = self.hops.acquire(legs[0].hop).ok_or(Refusal::NextHopsFull)?;
        let Some(second) = self.hops.acquire(legs[1].hop) else {
            self.hops.release(first);
            return Err(Refusal::NextHopsFull);
        };
        let hops = [first, second];
        let placed = self.install(now, index, legs, hops);
        if placed.is_err() {
            hops.iter().for_each(|hop| self.hops.release(*hop));
        }
        placed
    }

    fn install(&mut self, now: Duration, index: ConnIndex, legs: [Leg; 2], hops: [u16; 2]) -> Result<Placed, Refusal> {
        let tracked = self.tracker.get(index).ok_or(Refusal::Dying)?;
        let (name, record) = (tracked.conn.name, tracked.record());
        let entries = entries(&tracked.conn, &legs, hops).ok_or(Refusal::Family)?;
        for hop in hops {
            self.refresh_hop(hop).map_err(|error| {
                self.count_card_error(&error);
                Refusal::CardError
            })?;
        }
        // Before the first packet that conntrack does not see.
        if name.original.protocol == PROTO_TCP {
            match self.kernel.make_tcp_liberal(&name) {
                Ok(true) => {}
                Ok(false) => return Err(Refusal::Dying),
                Err(error) => {
                    self.count_kernel_error(&error);
                    return Err(Refusal::KernelError);
                }
            }
        }
        let installed = Installed { legs, hops, counts: Default::default(), active: now };
        let record = match record {
            Some(record) => record,
            None => self.records.insert(Record { conn: index, earlier: Default::default(), installed: None }),
        };
        if let Some(tracked) = self.tracker.get_mut(index) {
            tracked.set_record(record);
        }
        match self.target.install(FlowId(record.0), &entries) {
            Ok(placed) => {
                if let Some(record) = self.records.get_mut(record) {
                    record.installed = Some(installed);
                }
                Ok(placed)
            }
            Err(error) => Err(match error {
                TargetError::Full => Refusal::TableFull,
                TargetError::KeyInUse(_) => Refusal::KeyInUse,
                TargetError::Family => Refusal::Family,
                TargetError::Card { .. } => {
                    self.count_card_error(&error);
                    Refusal::CardError
                }
            }),
        }
    }

    /// Takes an offloaded connection out of the card; the kernel forwards it from here. Its conntrack entry is left with the life
    /// that its state has, less the time without packets.
    pub(super) fn withdraw(&mut self, now: Duration, index: ConnIndex, refusal: Refusal) {
        let active = self.uninstall(index).unwrap_or(now);
        self.refuse(index, refusal);
        // Of a closing connection the kernel has decided the timeout itself.
        if !matches!(refusal, Refusal::TcpState | Refusal::Dying) {
            let due = self.full_timeout(index).saturating_sub(now.saturating_sub(active).as_secs() as u32);
            if self.left(now, index).is_some_and(|left| left < due) {
                self.extend(now, index, due);
            }
        }
    }

    /// Removes a flow from the target and returns when it last had packets.
    pub(super) fn uninstall(&mut self, index: ConnIndex) -> Option<Duration> {
        let record = self.tracker.get(index)?.record()?;
        let installed = self.records.get_mut(record)?.installed?;
        let counts = match self.target.remove(FlowId(record.0)) {
            Ok(counts) => counts,
            Err(error) => {
                self.count_card_error(&error);
                installed.counts
            }
        };
        self.count_forwarded(&installed.counts, &counts);
        let record = self.records.get_mut(record)?;
        record.installed = None;
        record.earlier = std::array::from_fn(|direction| sum(&record.earlier[direction], &counts[direction]));
        installed.hops.iter().for_each(|hop| self.hops.release(*hop));
        self.totals.removed += 1;
        self.room_freed = true;
        Some(installed.active)
    }

    /// Adds what was forwarded between two readings to the sums.
    pub(super) fn count_forwarded(&mut self, before: &[Counts; 2], after: &[Counts; 2]) {
        for (before, after) in before.iter().zip(after) {
            self.totals.card_packets += after.card_packets.saturating_sub(before.card_packets);
            self.totals.card_bytes += after.card_bytes.saturating_sub(before.card_bytes);
            self.totals.software_packets += after.software_packets.saturating_sub(before.software_packets);
        }
    }

    /// Writes next hop `id` if the card does not hold it as it should be, and asks the kernel about its neighbour where it must.
    pub(super) fn refresh_hop(&mut self, id: u16) -> Result<(), TargetError> {
        let Some((key, written)) = self.hops.get(id) else { return Ok(()) };
        let interface = key.egress.interface;
        let neighbour = self.ports.neighbour(interface, key.gateway);
        let row: NextHop = key.row(self.ports.mac(interface), neighbour.mac());
        let (gateway, link) = (key.gateway, self.ports.access(interface).map(|(_, link)| link));
        let ask = link.filter(|link| link.up && !matches!(neighbour, Neighbour::Known(_))).map(|link| link.index);
        if written != Some(&row) {
            // Until the write is known to be done, what the card holds is not known.
            self.hops.written(id, None);
            self.target.write_next_hop(id, &row)?;
            self.hops.written(id, Some(row));
        }
        if let Some(Err(error)) = ask.map(|interface| self.kernel.use_neighbour(interface, gateway)) {
            self.count_kernel_error(&error);
        }
        Ok(())
    }
}
