//! The four rings of one card and the registers that belong to them.

use std::sync::Arc;

use fpgaflow_abi::descriptor::{DESCRIPTOR_BYTES, Ring};
use fpgaflow_abi::geometry::Geometry;
use fpgaflow_abi::regs::{self, RingCtrl};

use super::registers::Registers;
use super::settings::Options;
use crate::mapping::Mapping;
use crate::rings::{CommandRing, CompletionRing, FrameToCardRing, FrameToHostRing, buffer_bytes};
use crate::transport::{Transport, TransportError};

/// The rings of one card.
pub(super) struct Queues {
    pub command: CommandRing,
    pub to_host: FrameToHostRing,
    pub to_card: FrameToCardRing,
    pub completion: CompletionRing,
}

impl Queues {
    /// Allocates and maps everything; the card knows nothing of it yet.
    pub fn new(transport: &Arc<dyn Transport>, geometry: &Geometry, options: &Options) -> Result<Self, TransportError> {
        let descriptors = |ring| Mapping::new(transport, DESCRIPTOR_BYTES << options.ring_bits(ring));
        let each_bytes = buffer_bytes(geometry.max_frame_bytes);
        let buffers = |ring| Mapping::new(transport, (each_bytes as usize) << options.ring_bits(ring));
        Ok(Self {
            command: CommandRing::new(descriptors(Ring::Command)?, options.command_bits),
            to_host: FrameToHostRing::new(
                descriptors(Ring::FrameToHost)?,
                buffers(Ring::FrameToHost)?,
                options.to_host_bits,
                each_bytes,
                geometry.ports,
            ),
            to_card: FrameToCardRing::new(
                descriptors(Ring::FrameToCard)?,
                buffers(Ring::FrameToCard)?,
                options.to_card_bits,
                each_bytes,
            ),
            completion: CompletionRing::new(descriptors(Ring::Completion)?, options.ring_bits(Ring::Completion)),
        })
    }

    /// Tells the card where the rings are and turns them on, the completion ring first: the others need it to report.
    pub fn enable(&self, registers: &Registers) -> Result<(), TransportError> {
        for ring in [Ring::Completion, Ring::Command, Ring::FrameToHost, Ring::FrameToCard] {
            let (iova, bits) = match ring {
                Ring::Command => (self.command.ring().memory().iova(), self.command.ring().bits()),
                Ring::FrameToHost => (self.to_host.ring().memory().iova(), self.to_host.ring().bits()),
                Ring::FrameToCard => (self.to_card.ring().memory().iova(), self.to_card.ring().bits()),
                Ring::Completion => (self.completion.memory().iova(), self.completion.bits()),
            };
            registers.write(regs::ring(regs::RING_BASE_LO, ring), iova.0 as u32)?;
            registers.write(regs::ring(regs::RING_BASE_HI, ring), (iova.0 >> 32) as u32)?;
            registers.write(regs::ring(regs::RING_SIZE, ring), bits)?;
            registers.write(regs::ring(regs::RING_CTRL, ring), RingCtrl::new().with_enable(true).into_bits())?;
        }
        Ok(())
    }

    /// Turns every ring off, the completion ring last.
    pub fn disable(registers: &Registers) -> Result<(), TransportError> {
        Ring::ALL.into_iter().try_for_each(|ring| registers.write(regs::ring(regs::RING_CTRL, ring), RingCtrl::new().into_bits()))
    }
}
