//! What the engine asks of a card: the seam that lets its tests watch every order it gives.

use fpgaflow_abi::entry::Entry;
use fpgaflow_abi::geometry::Geometry;
use fpgaflow_abi::key::FlowKey;
use fpgaflow_abi::next_hop::{MacAddr, NextHop};

/// Names an installed flow (both directions) between engine and target; chosen by the engine, unique among installed flows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FlowId(pub u32);

/// What was forwarded of one direction of a flow since it was installed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Packets that the card forwarded.
    pub card_packets: u64,
    /// Bytes of those, as IP headers state them.
    pub card_bytes: u64,
    /// Packets that the software flowtable forwarded.
    pub software_packets: u64,
}

impl Counts {
    /// Packets that conntrack did not see.
    pub const fn packets(&self) -> u64 {
        self.card_packets + self.software_packets
    }
}

/// Where an installed flow is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Placed {
    /// In the card, and in software for what the card punts.
    Card,
    /// In software only: the card has no room, or no place for one of its keys.
    Software,
}

/// Why a target did not do as asked; it is then as it was before.
#[derive(Debug, thiserror::Error)]
pub enum TargetError {
    /// Neither card nor software has room for the flow.
    #[error("no room for a flow")]
    Full,
    /// A flow with this key is installed already.
    #[error("a flow from {0:?} is installed already")]
    KeyInUse(FlowKey),
    /// The card has no entries for this family.
    #[error("the card has no entries for this family")]
    Family,
    /// The card failed.
    #[error("cannot {operation}")]
    Card {
        /// What was tried, as a verb with its object.
        operation: &'static str,
        /// Why it failed.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

/// A card as the engine sees it.
pub trait FlowTarget {
    /// The card's size.
    fn geometry(&self) -> Geometry;

    /// Writes next hop `id`.
    ///
    /// # Errors
    /// [`TargetError::Card`].
    fn write_next_hop(&mut self, id: u16, hop: &NextHop) -> Result<(), TargetError>;

    /// Tells the card the Ethernet address of a port: frames to others are not forwarded.
    ///
    /// # Errors
    /// [`TargetError::Card`].
    fn set_port_mac(&mut self, port: u8, mac: MacAddr) -> Result<(), TargetError>;

    /// Installs both directions of a flow, original first, or neither.
    ///
    /// # Errors
    /// Any [`TargetError`]; no direction is installed then.
    fn install(&mut self, id: FlowId, flow: &[Entry; 2]) -> Result<Placed, TargetError>;

    /// Tries again to put a flow that is in software only into the card.
    ///
    /// # Errors
    /// [`TargetError::Card`]; it stays where it is.
    fn promote(&mut self, id: FlowId) -> Result<Placed, TargetError>;

    /// Removes both directions and returns what they forwarded. When it returns, no packet is forwarded by them any more.
    ///
    /// # Errors
    /// [`TargetError::Card`]; the flow counts as removed.
    fn remove(&mut self, id: FlowId) -> Result<[Counts; 2], TargetError>;

    /// Reads the counters of every installed flow.
    ///
    /// # Errors
    /// [`TargetError::Card`]; flows that were not told keep their last counts.
    fn read_counts(&mut self, each: &mut dyn FnMut(FlowId, [Counts; 2])) -> Result<(), TargetError>;

    /// Tells, by key, how many packets went to the kernel since the last call.
    fn take_kernel_packets(&mut self, each: &mut dyn FnMut(&FlowKey, u64));

    /// Switches the lookup in the card on or off; off, every frame goes to the host.
    ///
    /// # Errors
    /// [`TargetError::Card`].
    fn set_lookup(&mut self, on: bool) -> Result<(), TargetError>;
}
