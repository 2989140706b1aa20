//! The completion ring: what the card has to say about the other three.

use std::sync::atomic::Ordering;

use fpgaflow_abi::descriptor::{
    CRC_WORDS, Completion, CompletionKind, CompletionTail, DESCRIPTOR_BYTES, DESCRIPTOR_WORDS, Status,
};

use super::{RingError, descriptor_crc};
use crate::mapping::Mapping;

/// A completion whose sequence, CRC and codes were found right.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Verified {
    /// What completed.
    pub kind: CompletionKind,
    /// How it went.
    pub status: Status,
    /// Everything it says.
    pub completion: Completion,
}

/// Completions in host memory, and the driver's consumer counter.
#[derive(Debug)]
pub struct CompletionRing {
    memory: Mapping,
    bits: u32,
    consumer: u32,
}

impl CompletionRing {
    /// A ring of `1 << bits` completions in `memory`, which must be zeroed: a zeroed ring holds no completion.
    ///
    /// # Panics
    /// When `memory` is too small, which is a defect of the caller.
    pub fn new(memory: Mapping, bits: u32) -> Self {
        assert!(memory.buffer().len_bytes() >= DESCRIPTOR_BYTES << bits, "completion ring of 2^{bits} in too little memory");
        Self { memory, bits, consumer: 0 }
    }

    /// Where the completions are.
    pub fn memory(&self) -> &Mapping {
        &self.memory
    }

    /// Completions, as a power of two.
    pub fn bits(&self) -> u32 {
        self.bits
    }

    /// The driver's counter: the value for the doorbell.
    pub fn consumer(&self) -> u32 {
        self.consumer
    }

    /// The next completion, if the card has written one. It stays the next one until [`CompletionRing::advance`].
    ///
    /// # Errors
    /// [`RingError::BadCrc`] or [`RingError::UnknownCode`].
    pub fn peek(&self) -> Result<Option<Verified>, RingError> {
        let base = (self.consumer as usize & ((1 << self.bits) - 1)) * DESCRIPTOR_BYTES;
        let word = |i: usize, ordering| self.memory.buffer().word(base + 8 * i).load(ordering);
        // Acquire: the card writes word 7 last, so once its sequence is the expected one all before it is there.
        let tail = word(CRC_WORDS, Ordering::Acquire);
        let sequence = self.consumer.wrapping_add(1);
        if CompletionTail::from_bits(tail).sequence() != sequence {
            return Ok(None);
        }
        let mut words = [0; DESCRIPTOR_WORDS];
        for (i, slot) in words[..CRC_WORDS].iter_mut().enumerate() {
            *slot = word(i, Ordering::Relaxed);
        }
        words[CRC_WORDS] = tail;
        let completion = Completion::from_words(&words);
        let (found, computed) = (completion.tail.crc(), descriptor_crc(&words));
        if found != computed {
            return Err(RingError::BadCrc { sequence, found, computed });
        }
        let unknown = |field, code| RingError::UnknownCode { sequence, field, code };
        let kind = completion.head.kind();
        let status = completion.head.status();
        Ok(Some(Verified {
            kind: CompletionKind::from_code(kind).ok_or_else(|| unknown("kind", kind))?,
            status: Status::from_code(status).ok_or_else(|| unknown("status", status))?,
            completion,
        }))
    }

    /// Gives the place of the completion that [`CompletionRing::peek`] returned back.
    pub fn advance(&mut self) {
        self.consumer = self.consumer.wrapping_add(1);
    }
}
