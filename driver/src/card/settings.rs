//! What the user of a card chooses, and what of it the driver keeps to set a card up again after a reset.

use std::time::Duration;

use fpgaflow_abi::descriptor::Ring;
use fpgaflow_abi::hash::HashSecret;
use fpgaflow_abi::next_hop::MacAddr;
use fpgaflow_abi::regs::{FlowCtrl, PortCtrl};
use fpgaflow_abi::{MAX_PORTS, geometry::Geometry};

use super::CardError;
use crate::rings::MAX_RING_BITS;

/// Sizes and times of one card.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Options {
    /// Commands in flight, as a power of two.
    pub command_bits: u32,
    /// Buffers for frames to the host, as a power of two.
    pub to_host_bits: u32,
    /// Frames to the card in flight, as a power of two.
    pub to_card_bits: u32,
    /// Fewest clocks between two interrupts of one vector.
    pub irq_moderation_clocks: u32,
    /// How long the oldest command may take before the card counts as stalled.
    pub command_timeout: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            command_bits: 10,
            to_host_bits: 9,
            to_card_bits: 9,
            irq_moderation_clocks: 0,
            command_timeout: Duration::from_secs(10),
        }
    }
}

impl Options {
    /// Size of `ring`, as a power of two. The completion ring has room for everything that can be in flight, so that no completion
    /// ever waits for the host.
    pub fn ring_bits(&self, ring: Ring) -> u32 {
        match ring {
            Ring::Command => self.command_bits,
            Ring::FrameToHost => self.to_host_bits,
            Ring::FrameToCard => self.to_card_bits,
            Ring::Completion => {
                let most = [self.command_bits, self.to_host_bits, self.to_card_bits].map(|bits| 1u64 << bits.min(63));
                most.iter().fold(0, |sum: u64, size| sum.saturating_add(*size)).checked_next_power_of_two().map_or(64, u64::ilog2)
            }
        }
    }

    /// # Errors
    /// [`CardError::RingSize`] names the ring that the ABI does not allow.
    pub(super) fn check(&self) -> Result<(), CardError> {
        for ring in Ring::ALL {
            let bits = self.ring_bits(ring);
            if !(1..=MAX_RING_BITS).contains(&bits) {
                return Err(CardError::RingSize { ring, bits });
            }
        }
        Ok(())
    }
}

/// Ticks of [`TICK_SHIFT`](fpgaflow_abi::counters::TICK_SHIFT) clocks that a card remembers a datagram for its fragments, if nobody knows
/// better: 20 ms at 156.25 MHz. Fragments follow each other within microseconds; a row that waits for one that was lost is nobody else's.
pub const FRAGMENT_LIFETIME: u16 = 48;

/// How a port takes frames.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PortSettings {
    /// Its Ethernet address.
    pub mac: MacAddr,
    /// Take frames in.
    pub enabled: bool,
    /// Forward frames whatever their unicast destination.
    pub promiscuous: bool,
    /// Drop frames that the port does not take at once, instead of holding up the engine.
    pub tail_drop: bool,
}

impl PortSettings {
    pub(super) fn control(&self) -> PortCtrl {
        PortCtrl::new().with_rx_enable(self.enabled).with_promiscuous(self.promiscuous).with_tail_drop(self.tail_drop)
    }
}

/// What a card was told besides its tables: told again after a reset.
#[derive(Debug, Clone, Copy)]
pub(super) struct Desired {
    pub ports: [PortSettings; MAX_PORTS],
    pub secret: HashSecret,
    pub lookup: bool,
    /// Ticks that a datagram is remembered for its fragments; `None` when they are punted.
    pub fragments: Option<u16>,
}

impl Desired {
    pub(super) fn new(secret: HashSecret) -> Self {
        Self { ports: Default::default(), secret, lookup: false, fragments: None }
    }

    /// The register that says what of it is on.
    pub(super) fn flow_ctrl(&self) -> FlowCtrl {
        FlowCtrl::new().with_lookup(self.lookup).with_fragments(self.fragments.is_some())
    }

    pub(super) fn ports(&self, geometry: &Geometry) -> impl Iterator<Item = (u8, &PortSettings)> {
        (0..geometry.ports).zip(&self.ports)
    }
}
