//! The next hop table as the daemon keeps it: one row for all flows that leave by the same interface to the same neighbour with the same
//! MTU. Pure bookkeeping; writing the card is the engine's.
//!
//! A row is named by the neighbour's IP address, not by its Ethernet address: when the neighbour moves, one write repairs
//! every flow through it.

use std::collections::HashMap;
use std::net::IpAddr;

use fpgaflow_abi::next_hop::{MacAddr, NextHop};

use crate::topology::Access;

/// What makes two next hops the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct HopKey {
    /// Interface, port and encapsulation to leave by.
    pub egress: Access,
    /// The neighbour that frames are sent to.
    pub gateway: IpAddr,
    /// Largest IP packet in bytes.
    pub mtu: u16,
}

impl HopKey {
    /// The row for this key, valid when both Ethernet addresses are known.
    pub fn row(&self, src_mac: Option<MacAddr>, dst_mac: Option<MacAddr>) -> NextHop {
        NextHop {
            egress: self.egress.port,
            mtu: self.mtu,
            src_mac: src_mac.unwrap_or_default(),
            dst_mac: dst_mac.unwrap_or_default(),
            encap: self.egress.encap,
            valid: src_mac.is_some() && dst_mac.is_some(),
        }
    }
}

#[derive(Debug)]
struct Row {
    key: HopKey,
    /// Directions of flows that use it.
    users: u32,
    /// What the card holds; `None` before the first write and after one that failed.
    written: Option<NextHop>,
}

/// Every next hop in use.
#[derive(Debug)]
pub struct Hops {
    rows: Vec<Option<Row>>,
    free: Vec<u16>,
    by_key: HashMap<HopKey, u16>,
    capacity: usize,
}

impl Hops {
    /// A table of at most `capacity` rows.
    pub fn new(capacity: u32) -> Self {
        let capacity = (capacity as usize).min(1 << fpgaflow_abi::entry::NEXT_HOP_BITS);
        Self { rows: Vec::new(), free: Vec::new(), by_key: HashMap::new(), capacity }
    }

    /// Counts one more user of `key` and returns its row's id; `None` when the table is full.
    pub fn acquire(&mut self, key: HopKey) -> Option<u16> {
        if let Some(id) = self.by_key.get(&key).copied() {
            self.rows[usize::from(id)].as_mut()?.users += 1;
            return Some(id);
        }
        let id = match self.free.pop() {
            Some(id) => id,
            None if self.rows.len() < self.capacity => {
                self.rows.push(None);
                (self.rows.len() - 1) as u16
            }
            None => return None,
        };
        self.rows[usize::from(id)] = Some(Row { key, users: 1, written: None });
        self.by_key.insert(key, id);
        Some(id)
    }

    /// Counts one user of `id` less. A row without users may be given to another key: the entries that named it are gone by then.
    pub fn release(&mut self, id: u16) {
        let Some(slot) = self.rows.get_mut(usize::from(id)) else { return };
        let Some(row) = slot else { return };
        row.users -= 1;
        if row.users == 0 {
            self.by_key.remove(&row.key);
            *slot = None;
            self.free.push(id);
        }
    }

    /// Rows in use, with what the card holds of them.
    pub fn iter(&self) -> impl Iterator<Item = (u16, &HopKey, Option<&NextHop>)> {
        self.rows.iter().enumerate().filter_map(|(id, row)| {
            let row = row.as_ref()?;
            Some((id as u16, &row.key, row.written.as_ref()))
        })
    }

    /// Key of row `id` and what the card holds of it.
    pub fn get(&self, id: u16) -> Option<(&HopKey, Option<&NextHop>)> {
        let row = self.rows.get(usize::from(id))?.as_ref()?;
        Some((&row.key, row.written.as_ref()))
    }

    /// Remembers what the card now holds of row `id`.
    pub fn written(&mut self, id: u16, hop: Option<NextHop>) {
        if let Some(Some(row)) = self.rows.get_mut(usize::from(id)) {
            row.written = hop;
        }
    }

    /// Rows in use.
    pub fn len(&self) -> usize {
        self.by_key.len()
    }

    /// Whether no row is in use.
    pub fn is_empty(&self) -> bool {
        self.by_key.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(last: u8) -> HopKey {
        let egress = Access { interface: 12, port: 1, encap: fpgaflow_abi::key::Encap::NONE };
        HopKey { egress, gateway: IpAddr::from([192, 0, 2, last]), mtu: 1500 }
    }

    #[test]
    fn flows_to_one_neighbour_share_a_row_until_the_last_leaves() {
        let mut hops = Hops::new(2);
        let id = hops.acquire(key(1)).unwrap();
        assert_eq!(hops.acquire(key(1)), Some(id));
        hops.release(id);
        assert_eq!(hops.get(id).unwrap().0, &key(1));
        hops.release(id);
        assert!(hops.get(id).is_none() && hops.is_empty());
    }

    #[test]
    fn a_full_table_refuses_and_a_freed_row_is_written_anew() {
        let mut hops = Hops::new(2);
        let first = hops.acquire(key(1)).unwrap();
        hops.acquire(key(2)).unwrap();
        assert_eq!(hops.acquire(key(3)), None);
        hops.written(first, Some(key(1).row(Some([2; 6]), Some([4; 6]))));
        hops.release(first);
        assert_eq!(hops.acquire(key(3)), Some(first));
        assert_eq!(hops.get(first).unwrap().1, None, "a new owner inherits nothing");
    }

    #[test]
    fn a_row_is_valid_only_with_both_addresses() {
        assert!(key(1).row(Some([2; 6]), Some([4; 6])).valid);
        assert!(!key(1).row(None, Some([4; 6])).valid);
        assert!(!key(1).row(Some([2; 6]), None).valid);
    }
}
