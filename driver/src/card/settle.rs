//! Holding frames at the ports, and whether all that is inside has left.
//!
//! Numbers of frames are compared modulo 2^32, so that one register says each: they are of the same card since the same reset.

use fpgaflow_abi::reason::{Disposition, Reason};
use fpgaflow_abi::regs::{self, PortCounter};

use super::{Card, CardError, Ticket};

impl Card {
    /// Holds received frames at the ports, or lets them in again. Held frames wait in the ports' stores, then on the wire: hold them no longer than
    /// needed. After a reset nothing is held.
    ///
    /// # Errors
    /// The transport's.
    pub fn set_hold(&mut self, hold: bool) -> Result<(), CardError> {
        self.hold = hold;
        self.write_flow_ctrl()
    }

    /// Whether the card has executed the commands of `ticket`, as far as [`Card::poll`] knows.
    pub fn is_executed(&self, ticket: Ticket) -> bool {
        self.executed.is_some_and(|last| ticket <= last)
    }

    /// Whether all frames that the card forwards, and all that it was given to send, have left by its ports. Of held ports it says so of every
    /// frame when a command submitted behind [`Card::set_hold`] is executed: by then each has its verdict. A frame that
    /// the card refused to send never leaves: from then on this is false.
    ///
    /// # Errors
    /// The transport's.
    pub fn has_sent_all(&self) -> Result<bool, CardError> {
        let mut sent = 0u32;
        for port in 0..self.geometry.ports {
            sent = sent.wrapping_add(self.registers.read(regs::port_counter(port, PortCounter::TxFrames))?);
        }
        let forwarded = self.frames_of(Reason::Forwarded)?.wrapping_sub(self.frames_of(Reason::TxFull)?);
        Ok(sent == forwarded.wrapping_add(self.queues.to_card.ring().producer()))
    }

    /// Whether the host has taken, by [`Card::poll`], all frames that the card punted.
    ///
    /// # Errors
    /// The transport's.
    pub fn has_punted_all(&self) -> Result<bool, CardError> {
        let mut punted = 0u32.wrapping_sub(self.frames_of(Reason::HostFull)?);
        for reason in Reason::ALL.iter().filter(|reason| reason.disposition() == Disposition::Punt) {
            punted = punted.wrapping_add(self.frames_of(*reason)?);
        }
        Ok(punted == self.queues.to_host.ring().consumer().wrapping_sub(self.buffers_refused))
    }

    fn frames_of(&self, reason: Reason) -> Result<u32, CardError> {
        Ok(self.registers.read(regs::reason_counter(reason))?)
    }
}
