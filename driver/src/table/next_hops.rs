//! Next hops with their users.

use fpgaflow_abi::next_hop::{HOST_PORT, NextHop};

use super::NextHopError;
use super::allocator::{Allocator, Source};

#[derive(Debug, Clone, Copy)]
struct Used {
    hop: NextHop,
    users: u32,
}

/// Shadow of the card's next hops.
#[derive(Debug, Clone)]
pub(super) struct NextHops {
    hops: Vec<Option<Used>>,
    indices: Allocator,
    ports: u8,
}

impl NextHops {
    pub fn new(limit: u32, ports: u8) -> Self {
        Self { hops: Vec::new(), indices: Allocator::new(limit), ports }
    }

    pub fn add(&mut self, hop: NextHop) -> Result<(u16, Source), NextHopError> {
        self.check(&hop)?;
        let (index, source) = self.indices.take().ok_or(NextHopError::NoFree { next_hops: self.indices.limit() })?;
        let at = index as usize;
        if self.hops.len() <= at {
            self.hops.resize(at + 1, None);
        }
        self.hops[at] = Some(Used { hop, users: 0 });
        Ok((index as u16, source))
    }

    pub fn set(&mut self, index: u16, hop: NextHop) -> Result<(), NextHopError> {
        self.check(&hop)?;
        self.used_mut(index).ok_or(NextHopError::NotThere { index })?.hop = hop;
        Ok(())
    }

    pub fn remove(&mut self, index: u16) -> Result<(), NextHopError> {
        let users = self.used_mut(index).ok_or(NextHopError::NotThere { index })?.users;
        if users > 0 {
            return Err(NextHopError::InUse { index, users });
        }
        self.hops[usize::from(index)] = None;
        self.indices.retire(index.into());
        Ok(())
    }

    pub fn get(&self, index: u16) -> Option<NextHop> {
        Some(self.hops.get(usize::from(index))?.as_ref()?.hop)
    }

    pub fn users(&self, index: u16) -> u32 {
        self.hops.get(usize::from(index)).copied().flatten().map_or(0, |used| used.users)
    }

    /// One more flow leaves by it.
    pub fn hold(&mut self, index: u16) {
        if let Some(used) = self.used_mut(index) {
            used.users += 1;
        }
    }

    /// One flow less.
    pub fn release(&mut self, index: u16) {
        if let Some(used) = self.used_mut(index) {
            used.users -= 1;
        }
    }

    pub fn iter(&self) -> impl Iterator<Item = (u16, NextHop)> {
        (0..).zip(&self.hops).filter_map(|(index, used)| Some((index, used.as_ref()?.hop)))
    }

    pub fn retired(&self) -> usize {
        self.indices.retired()
    }

    pub fn settle(&mut self) {
        self.indices.settle();
    }

    fn used_mut(&mut self, index: u16) -> Option<&mut Used> {
        self.hops.get_mut(usize::from(index))?.as_mut()
    }

    fn check(&self, hop: &NextHop) -> Result<(), NextHopError> {
        if hop.egress < self.ports || hop.egress == HOST_PORT {
            return Ok(());
        }
        Err(NextHopError::NoPort { egress: hop.egress, ports: self.ports })
    }
}
