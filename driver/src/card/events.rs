//! What one poll of a card found.

use fpgaflow_abi::descriptor::Status;
use fpgaflow_abi::regs::TableRow;

use crate::frame::FrameArena;

/// Names a submission of commands; later submissions have larger tickets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Ticket(pub u64);

/// News of commands, in the order in which the card executed them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CommandEvent {
    /// The card refused one command of a submission; the others were executed.
    Failed {
        /// The submission.
        ticket: Ticket,
        /// Opcode byte of the command.
        opcode: u8,
        /// What it indexed.
        index: u32,
        /// Why.
        status: Status,
    },
    /// All commands of a submission were executed, or refused and told of.
    Done {
        /// The submission.
        ticket: Ticket,
    },
}

/// Everything that one poll found. Made to be used again: a poll clears it first.
#[derive(Debug, Default)]
pub struct Events {
    /// Frames that the card gave to the host.
    pub frames: FrameArena,
    /// News of commands.
    pub commands: Vec<CommandEvent>,
    /// Rows that were bad and are repaired, see [`Card::repair`](super::Card::repair).
    pub repaired: Vec<TableRow>,
    /// Buffers that the card could not use; their frames are counted as `host_full` there.
    pub buffers_refused: u32,
    /// Frames of the host that the card refused, among those that it told of.
    pub sends_refused: u32,
}

impl Events {
    /// Forgets everything, keeping the memory.
    pub fn clear(&mut self) {
        self.frames.clear();
        self.commands.clear();
        self.repaired.clear();
        self.buffers_refused = 0;
        self.sends_refused = 0;
    }
}
