//! The command ring: commands to the card, which executes them one at a time in ring order.

use fpgaflow_abi::descriptor::{Command, Completion, Opcode, Ring, Status};

use super::{ProducerRing, RingError, Verified};
use crate::mapping::Mapping;

/// What the driver remembers of a command until the card has executed it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InFlight {
    /// The submission it belongs to.
    pub ticket: u64,
    /// Whether it is the submission's last command.
    pub last: bool,
    /// Opcode byte.
    pub opcode: u8,
    /// What it indexes.
    pub index: u32,
}

/// A completed command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CommandDone {
    /// Which command.
    pub command: InFlight,
    /// How it went.
    pub status: Status,
    /// Records written, for [`Opcode::ReadCounters`].
    pub records: u32,
}

/// Most commands between two that ask for a completion, so that room in the ring becomes known without a register read.
const COMPLETE_EVERY: u32 = 64;

/// Command descriptors and what each of them was.
#[derive(Debug)]
pub struct CommandRing {
    ring: ProducerRing,
    in_flight: Box<[InFlight]>,
}

impl CommandRing {
    /// A ring of `1 << bits` commands in `memory`.
    pub fn new(memory: Mapping, bits: u32) -> Self {
        let none = InFlight { ticket: 0, last: false, opcode: Opcode::Nop as u8, index: 0 };
        Self { ring: ProducerRing::new(Ring::Command, memory, bits), in_flight: vec![none; 1 << bits].into() }
    }

    /// Counters and memory.
    pub fn ring(&self) -> &ProducerRing {
        &self.ring
    }

    /// The oldest command that the card has not said it executed.
    pub fn oldest(&self) -> Option<InFlight> {
        (self.ring.in_flight() > 0).then(|| self.in_flight[self.ring.place(self.ring.consumer())])
    }

    /// Puts `command` into the ring for submission `ticket`. Its cookie becomes its position; it completes when it is the
    /// submission's last, and now and then besides. False when the ring is full.
    #[must_use]
    pub fn push(&mut self, command: &Command, ticket: u64, last: bool) -> bool {
        let position = self.ring.producer();
        let mut command = *command;
        command.head.set_cookie(position);
        if last || self.ring.completes_at(position, COMPLETE_EVERY) {
            command = command.completing(position);
        }
        if self.ring.push(command.to_words()).is_none() {
            return false;
        }
        self.in_flight[self.ring.place(position)] =
            InFlight { ticket, last, opcode: command.head.opcode(), index: command.index };
        true
    }

    /// Takes the completion of a command: that one and all before it are executed.
    ///
    /// # Errors
    /// A counter or cookie that does not fit; the ring is unchanged.
    pub fn complete(&mut self, verified: &Verified) -> Result<CommandDone, RingError> {
        let completion = &verified.completion;
        let position = self.ring.completed_position(completion)?;
        check_cookie(Ring::Command, position, completion, verified.status)?;
        let command = self.in_flight[self.ring.place(position)];
        self.ring.retire(position);
        Ok(CommandDone { command, status: verified.status, records: completion.length })
    }
}

/// Holds the completion's cookie against the position, which is what every ring here uses for a cookie.
pub(super) fn check_cookie(ring: Ring, position: u32, completion: &Completion, status: Status) -> Result<(), RingError> {
    let cookie = completion.head.cookie();
    // The cookie of a descriptor that was read damaged is damaged too.
    if cookie == position || status == Status::BadCrc {
        return Ok(());
    }
    Err(RingError::UnknownCookie { sequence: completion.tail.sequence(), ring, cookie, expected: position })
}
