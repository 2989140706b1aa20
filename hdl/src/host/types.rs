//! What the blocks of the host side pass to each other.

#![allow(missing_docs, reason = "the derive of rust-hdl writes public methods without a word; every item of ours has one")]

use fpgaflow_abi::descriptor::Ring;
use fpgaflow_abi::slot;

use crate::prelude::*;
use crate::records::{LENGTH_BITS, PORT_BITS, REASON_BITS};

/// Rings from host to card: command, frame-to-host, frame-to-card. Their numbers are `abi::descriptor::Ring`'s.
pub const HOST_RINGS: usize = 3;
/// Bits of [`ReadRequest::tag`].
pub const TAG_BITS: usize = 2;
/// Tag of frame data; descriptors carry the number of their ring.
pub const FRAME_TAG: u64 = Ring::Completion as u64;
/// Bits of `abi::descriptor::Status`.
pub const STATUS_BITS: usize = 3;

/// One read burst. It must not cross a 4 KiB boundary.
#[derive(Copy, Clone, Debug, Default, PartialEq, LogicStruct)]
pub struct ReadRequest {
    /// Host address, 8-byte aligned.
    pub address: Bits<64>,
    /// Beats of 8 bytes, less one.
    pub beats: Bits<8>,
    /// Who asks: comes back with the data.
    pub tag: Bits<TAG_BITS>,
}

/// One beat read, as a pulse: who asked has room for it.
#[derive(Copy, Clone, Debug, Default, PartialEq, LogicStruct)]
pub struct ReadBeat {
    /// Eight bytes, the first in the lowest lane.
    pub data: Bits<64>,
    /// The request's.
    pub tag: Bits<TAG_BITS>,
    /// Last beat of its burst.
    pub last: Bit,
    /// The bus answered with an error.
    pub error: Bit,
}

/// One write burst. It must not cross a 4 KiB boundary, and its data must be on its way.
#[derive(Copy, Clone, Debug, Default, PartialEq, LogicStruct)]
pub struct WriteRequest {
    /// Host address, 8-byte aligned.
    pub address: Bits<64>,
    /// Beats of 8 bytes, less one.
    pub beats: Bits<8>,
    /// Last burst of a transfer: comes back with the response.
    pub closing: Bit,
}

/// One beat to write.
#[derive(Copy, Clone, Debug, Default, PartialEq, LogicStruct)]
pub struct WriteBeat {
    /// Eight bytes, the first in the lowest lane.
    pub data: Bits<64>,
    /// Which of them count.
    pub strobes: Bits<8>,
}

/// The bus has taken a burst, as a pulse.
#[derive(Copy, Clone, Debug, Default, PartialEq, LogicStruct)]
pub struct WriteDone {
    /// The request's.
    pub closing: Bit,
    /// The bus answered with an error.
    pub error: Bit,
}

/// What became of a descriptor: what its completion tells besides kind, ring counters and clock.
#[derive(Copy, Clone, Debug, Default, PartialEq, LogicStruct)]
pub struct Outcome {
    /// `abi::descriptor::Status`.
    pub status: Bits<STATUS_BITS>,
    /// Ingress port of a frame to the host.
    pub port: Bits<PORT_BITS>,
    /// Reason of a frame to the host.
    pub reason: Bits<REASON_BITS>,
    /// The descriptor's.
    pub cookie: Bits<32>,
    /// Frame length, or records written.
    pub length: Bits<32>,
    /// Entry that a punted frame hit.
    pub entry: Bits<{ slot::ENTRY_REF_BITS }>,
    /// Whether it hit one.
    pub hit: Bit,
}

/// A frame descriptor that is being carried out, as [`Retire`](super::Retire) keeps it.
#[derive(Copy, Clone, Debug, Default, PartialEq, LogicStruct)]
pub struct Started {
    /// Its frame moves over the bus: wait for the word that it has. Otherwise it failed at once, with `status`.
    pub moving: Bit,
    /// No completion when all goes well.
    pub quiet: Bit,
    /// `abi::descriptor::Status`.
    pub status: Bits<STATUS_BITS>,
    /// See [`Outcome`].
    pub port: Bits<PORT_BITS>,
    /// See [`Outcome`].
    pub reason: Bits<REASON_BITS>,
    /// See [`Outcome`].
    pub cookie: Bits<32>,
    /// See [`Outcome`].
    pub length: Bits<LENGTH_BITS>,
    /// See [`Outcome`].
    pub entry: Bits<{ slot::ENTRY_REF_BITS }>,
    /// See [`Outcome`].
    pub hit: Bit,
}
