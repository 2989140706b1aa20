//! Descriptors: 64 bytes each, eight little-endian words, in four rings of host memory.
//!
//! # Shape
//! | word | command | frame (both ways) | completion |
//! |---|---|---|---|
//! | 0 | opcode, part, flags, cookie | kind, port, flags, cookie | kind, status, port, reason, cookie |
//! | 1 | index | length | consumer, length |
//! | 2 | payload | host address | clock |
//! | 3 | payload | 0 | entry, hit |
//! | 4-6 | payload | 0 | 0 |
//! | 7 | CRC | CRC | CRC, sequence |
//!
//! The CRC is CRC-32/ISO-HDLC (Ethernet's) over words 0-6, in the low half of word 7. A descriptor whose CRC is wrong is not
//! executed; its completion says so. A completion is new when its sequence is the one that the driver expects next: the ring's
//! producer counter after it, so a zeroed ring holds none.
//!
//! Ring counters run free over 32 bits; the place of descriptor `n` is `n` modulo the ring's size, a power of two.

use bitfield_struct::bitfield;

use crate::entry::EntryBits;
use crate::next_hop::NextHopBits;
use crate::slot::{EntryRef, Slot, StashSlot};

/// Bytes of a descriptor.
pub const DESCRIPTOR_BYTES: usize = 64;
/// 64-bit words of a descriptor.
pub const DESCRIPTOR_WORDS: usize = 8;
/// Words that the CRC covers.
pub const CRC_WORDS: usize = 7;
/// Words of a command's payload.
pub const PAYLOAD_WORDS: usize = 5;
/// First payload word.
pub const PAYLOAD_AT: usize = 2;
/// A descriptor as it lies in memory.
pub type DescriptorWords = [u64; DESCRIPTOR_WORDS];

/// The rings, in the order of their register blocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum Ring {
    /// Commands, host to card.
    Command = 0,
    /// Empty buffers for frames to the host.
    FrameToHost = 1,
    /// Frames to the card.
    FrameToCard = 2,
    /// Completions of all three, card to host.
    Completion = 3,
}

impl Ring {
    /// Every ring.
    pub const ALL: [Self; 4] = [Self::Command, Self::FrameToHost, Self::FrameToCard, Self::Completion];
}

/// Interrupt vectors.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum Vector {
    /// A command completed.
    Command = 0,
    /// A frame reached the host.
    FrameToHost = 1,
    /// A frame of the host was taken by the card.
    FrameToCard = 2,
    /// Something went wrong: see `EVENT`.
    Event = 3,
}

/// Number of interrupt vectors.
pub const VECTORS: usize = 4;

/// What a command does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Opcode {
    /// Nothing; completes.
    Nop = 0,
    /// Writes the slot at [`crate::slot::SlotPlace::index`]; payload word 0 is the [`Slot`].
    WriteSlot = 1,
    /// Writes stash slot `index`; payload word 0 is the [`Slot`], word 1 the whole hash.
    WriteStash = 2,
    /// Writes [`PAYLOAD_WORDS`] words of the entry `index` names, at `part` times that; the last part commits all of them at once.
    /// An IPv4 entry has one part, an IPv6 entry three. They follow one another in the ring, from part 0, with no other command
    /// between: a part out of that order is a [`Status::BadOpcode`], nothing is written, and only part 0 begins anew.
    WriteEntry = 3,
    /// Writes next hop `index`; payload words 0-2.
    WriteNextHop = 4,
    /// Completes when every lookup that began before it has read its entry, next hop and counted: only then may an entry that
    /// was unlinked be written for another key.
    Barrier = 5,
    /// Writes counter records to host memory: from the entry `index` names, payload word 0 the address (8-byte aligned), word 1 how many.
    ReadCounters = 6,
    /// Zeroes the counters of the entry `index` names.
    ClearCounters = 7,
}

impl Opcode {
    /// Decodes an opcode byte.
    pub const fn from_code(code: u8) -> Option<Self> {
        Some(match code {
            0 => Self::Nop,
            1 => Self::WriteSlot,
            2 => Self::WriteStash,
            3 => Self::WriteEntry,
            4 => Self::WriteNextHop,
            5 => Self::Barrier,
            6 => Self::ReadCounters,
            7 => Self::ClearCounters,
            _ => return None,
        })
    }
}

/// Flag of commands: write a completion. Failures always do.
pub const FLAG_COMPLETE: u16 = 1;

/// Word 0 of a command.
#[bitfield(u64)]
#[derive(PartialEq, Eq)]
pub struct CommandHead {
    /// See [`Opcode`].
    pub opcode: u8,
    /// Part of an entry.
    pub part: u8,
    /// See [`FLAG_COMPLETE`].
    pub flags: u16,
    /// Returned in the completion.
    pub cookie: u32,
}

/// A command, as words 0-6 of its descriptor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Command {
    /// Word 0.
    pub head: CommandHead,
    /// What the opcode indexes.
    pub index: u32,
    /// What is written.
    pub payload: [u64; PAYLOAD_WORDS],
}

impl Command {
    fn new(opcode: Opcode, index: u32, words: &[u64]) -> Self {
        let mut payload = [0; PAYLOAD_WORDS];
        payload[..words.len()].copy_from_slice(words);
        Self { head: CommandHead::new().with_opcode(opcode as u8), index, payload }
    }

    /// A command that only completes.
    pub fn nop() -> Self {
        Self::new(Opcode::Nop, 0, &[])
    }

    /// See [`Opcode::WriteSlot`].
    pub fn write_slot(place: crate::slot::SlotPlace, slot: Slot) -> Self {
        Self::new(Opcode::WriteSlot, place.index(), &[slot.into_bits()])
    }

    /// See [`Opcode::WriteStash`].
    pub fn write_stash(index: u32, stash: StashSlot) -> Self {
        Self::new(Opcode::WriteStash, index, &[stash.slot.into_bits(), stash.hash])
    }

    /// Part `part` of an entry write, see [`Opcode::WriteEntry`] and [`entry_parts`].
    pub fn write_entry(entry: EntryRef, row: &EntryBits, part: u8) -> Self {
        let from = usize::from(part) * PAYLOAD_WORDS;
        let words = row.0.get(from..).unwrap_or(&[]);
        let mut command = Self::new(Opcode::WriteEntry, entry.into_bits(), &words[..words.len().min(PAYLOAD_WORDS)]);
        command.head.set_part(part);
        command
    }

    /// See [`Opcode::WriteNextHop`].
    pub fn write_next_hop(index: u32, row: &NextHopBits) -> Self {
        Self::new(Opcode::WriteNextHop, index, &row.0)
    }

    /// See [`Opcode::Barrier`].
    pub fn barrier() -> Self {
        Self::new(Opcode::Barrier, 0, &[])
    }

    /// See [`Opcode::ReadCounters`].
    pub fn read_counters(first: EntryRef, iova: u64, count: u32) -> Self {
        Self::new(Opcode::ReadCounters, first.into_bits(), &[iova, count.into()])
    }

    /// See [`Opcode::ClearCounters`].
    pub fn clear_counters(entry: EntryRef) -> Self {
        Self::new(Opcode::ClearCounters, entry.into_bits(), &[])
    }

    /// The same command, with a completion that returns `cookie`.
    pub fn completing(mut self, cookie: u32) -> Self {
        self.head.set_flags(self.head.flags() | FLAG_COMPLETE);
        self.head.set_cookie(cookie);
        self
    }

    /// The descriptor without its CRC.
    pub fn to_words(&self) -> DescriptorWords {
        let mut words = [0; DESCRIPTOR_WORDS];
        words[0] = self.head.into_bits();
        words[1] = self.index.into();
        words[PAYLOAD_AT..PAYLOAD_AT + PAYLOAD_WORDS].copy_from_slice(&self.payload);
        words
    }

    /// Reads words 0-6; the CRC is the caller's to check.
    pub fn from_words(words: &DescriptorWords) -> Self {
        Self {
            head: CommandHead::from_bits(words[0]),
            index: words[1] as u32,
            payload: core::array::from_fn(|i| words[PAYLOAD_AT + i]),
        }
    }
}

/// Parts that an entry of `family` is written in.
pub const fn entry_parts(family: crate::key::Family) -> u8 {
    match family {
        crate::key::Family::V4 => 1,
        crate::key::Family::V6 => 3,
    }
}

/// Kinds of a frame descriptor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum FrameKind {
    /// An empty buffer; `length` is its size.
    Buffer = 0x10,
    /// A frame to send by `port`; `length` is the frame's.
    Send = 0x11,
}

/// Word 0 of a frame descriptor.
#[bitfield(u64)]
#[derive(PartialEq, Eq)]
pub struct FrameHead {
    /// See [`FrameKind`].
    pub kind: u8,
    /// Egress port of a frame to send.
    pub port: u8,
    /// [`FLAG_COMPLETE`] on a frame to send: say when its buffer is free. A buffer always completes.
    pub flags: u16,
    /// Returned in the completion.
    pub cookie: u32,
}

/// A frame or an empty buffer in host memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FrameDescriptor {
    /// Word 0.
    pub head: FrameHead,
    /// Bytes of the frame or the buffer.
    pub length: u32,
    /// Host address, 64-byte aligned.
    pub iova: u64,
}

impl FrameDescriptor {
    /// The descriptor without its CRC.
    pub fn to_words(&self) -> DescriptorWords {
        let mut words = [0; DESCRIPTOR_WORDS];
        words[0] = self.head.into_bits();
        words[1] = self.length.into();
        words[2] = self.iova;
        words
    }

    /// Reads words 0-2; the CRC is the caller's to check.
    pub fn from_words(words: &DescriptorWords) -> Self {
        Self { head: FrameHead::from_bits(words[0]), length: words[1] as u32, iova: words[2] }
    }
}

/// What completed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum CompletionKind {
    /// A command; `consumer` is the command ring's.
    Command = 1,
    /// A buffer of the frame-to-host ring was filled; `length`, `port`, `reason`, `entry` tell of the frame.
    FrameToHost = 2,
    /// A frame of the frame-to-card ring was taken.
    FrameToCard = 3,
}

impl CompletionKind {
    /// Decodes a kind byte.
    pub const fn from_code(code: u8) -> Option<Self> {
        Some(match code {
            1 => Self::Command,
            2 => Self::FrameToHost,
            3 => Self::FrameToCard,
            _ => return None,
        })
    }
}

/// How it went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Status {
    /// Done.
    Ok = 0,
    /// The descriptor's CRC is wrong.
    BadCrc = 1,
    /// Opcode, kind or part does not exist.
    BadOpcode = 2,
    /// Index, port or count is beyond the card's geometry.
    BadIndex = 3,
    /// Length is zero, over the engine's longest frame, or, for a buffer, too small for the frame (which is dropped as `host_full`).
    BadLength = 4,
    /// The bus answered a read or write of host memory with an error.
    BusError = 5,
}

impl Status {
    /// Decodes a status byte.
    pub const fn from_code(code: u8) -> Option<Self> {
        Some(match code {
            0 => Self::Ok,
            1 => Self::BadCrc,
            2 => Self::BadOpcode,
            3 => Self::BadIndex,
            4 => Self::BadLength,
            5 => Self::BusError,
            _ => return None,
        })
    }
}

/// Word 0 of a completion.
#[bitfield(u64)]
#[derive(PartialEq, Eq)]
pub struct CompletionHead {
    /// See [`CompletionKind`].
    pub kind: u8,
    /// See [`Status`].
    pub status: u8,
    /// Ingress port of a frame to the host.
    pub port: u8,
    /// [`crate::reason::Reason`] of a frame to the host.
    pub reason: u8,
    /// The descriptor's.
    pub cookie: u32,
}

/// Word 3 of a completion.
#[bitfield(u64)]
#[derive(PartialEq, Eq)]
pub struct CompletionFlow {
    /// Entry that a punted frame hit.
    #[bits(24, from = EntryRef::from_bits, into = EntryRef::into_bits)]
    pub entry: EntryRef,
    /// Whether it hit one.
    pub hit: bool,
    #[bits(39)]
    __: u64,
}

/// Word 7 of a completion.
#[bitfield(u64)]
#[derive(PartialEq, Eq)]
pub struct CompletionTail {
    /// CRC-32 over words 0-6.
    pub crc: u32,
    /// The completion ring's producer counter after this completion.
    pub sequence: u32,
}

/// A completion, as words 0-3 and 7 of its descriptor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Completion {
    /// Word 0.
    pub head: CompletionHead,
    /// Consumer counter of the ring that the descriptor came from, after it.
    pub consumer: u32,
    /// Frame length, or records written by [`Opcode::ReadCounters`].
    pub length: u32,
    /// Clock counter of the card when it was written.
    pub clock: u64,
    /// Word 3.
    pub flow: CompletionFlow,
    /// Word 7.
    pub tail: CompletionTail,
}

impl Completion {
    /// The descriptor, with the CRC that `tail` holds.
    pub fn to_words(&self) -> DescriptorWords {
        let mut words = [0; DESCRIPTOR_WORDS];
        words[0] = self.head.into_bits();
        words[1] = u64::from(self.length) << 32 | u64::from(self.consumer);
        words[2] = self.clock;
        words[3] = self.flow.into_bits();
        words[7] = self.tail.into_bits();
        words
    }

    /// Reads the words; CRC and sequence are the caller's to check.
    pub fn from_words(words: &DescriptorWords) -> Self {
        Self {
            head: CompletionHead::from_bits(words[0]),
            consumer: words[1] as u32,
            length: (words[1] >> 32) as u32,
            clock: words[2],
            flow: CompletionFlow::from_bits(words[3]),
            tail: CompletionTail::from_bits(words[7]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bits::Row;

    #[test]
    fn commands_and_completions_survive_their_words() {
        let command = Command::write_entry(EntryRef::new().with_index(77), &Row([9; 11]), 2).completing(0xdead_beef);
        assert_eq!(Command::from_words(&command.to_words()), command);
        assert_eq!(command.payload, [9, 0, 0, 0, 0], "the last part has one word");
        let completion = Completion {
            head: CompletionHead::new().with_kind(2).with_port(1).with_reason(17).with_cookie(5),
            consumer: 3,
            length: 1514,
            clock: 1 << 40,
            flow: CompletionFlow::new().with_hit(true),
            tail: CompletionTail::new().with_sequence(9),
        };
        assert_eq!(Completion::from_words(&completion.to_words()), completion);
    }
}
