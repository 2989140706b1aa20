//! A ring that the driver fills and the card empties: counters and descriptor memory, whatever the descriptors say.

use std::sync::atomic::Ordering;

use fpgaflow_abi::descriptor::{Completion, DESCRIPTOR_BYTES, DescriptorWords, Ring};

use super::{RingError, seal};
use crate::mapping::Mapping;

/// Descriptor memory with the driver's producer counter and what is known of the card's consumer counter.
#[derive(Debug)]
pub struct ProducerRing {
    ring: Ring,
    memory: Mapping,
    bits: u32,
    producer: u32,
    consumer: u32,
}

impl ProducerRing {
    /// A ring of `1 << bits` descriptors in `memory`, both counters at zero.
    ///
    /// # Panics
    /// When `bits` is 0 or over [`super::MAX_RING_BITS`] or `memory` is too small, which is a defect of the caller.
    pub fn new(ring: Ring, memory: Mapping, bits: u32) -> Self {
        assert!((1..=super::MAX_RING_BITS).contains(&bits), "{ring:?} ring of 2^{bits}");
        assert!(memory.buffer().len_bytes() >= DESCRIPTOR_BYTES << bits, "{ring:?} ring of 2^{bits} in too little memory");
        Self { ring, memory, bits, producer: 0, consumer: 0 }
    }

    /// Which ring it is.
    pub fn ring(&self) -> Ring {
        self.ring
    }

    /// Where the descriptors are.
    pub fn memory(&self) -> &Mapping {
        &self.memory
    }

    /// Descriptors, as a power of two.
    pub fn bits(&self) -> u32 {
        self.bits
    }

    /// The driver's counter: the value for the doorbell.
    pub fn producer(&self) -> u32 {
        self.producer
    }

    /// The card's counter, as far as completions told.
    pub fn consumer(&self) -> u32 {
        self.consumer
    }

    /// Descriptors that the card has not said it consumed.
    pub fn in_flight(&self) -> u32 {
        self.producer.wrapping_sub(self.consumer)
    }

    /// Descriptors that can be pushed now.
    pub fn room(&self) -> u32 {
        (1 << self.bits) - self.in_flight()
    }

    /// Place of descriptor `position` in the ring.
    pub fn place(&self, position: u32) -> usize {
        (position & ((1 << self.bits) - 1)) as usize
    }

    /// Whether the descriptor at `position` is one that asks for a completion only to tell of room: every `often`-th, and at least
    /// twice a ring.
    pub fn completes_at(&self, position: u32, often: u32) -> bool {
        position.wrapping_add(1).is_multiple_of(often.min(1 << (self.bits - 1)))
    }

    /// Writes a descriptor, sealed with its CRC, and returns its position; the card sees it after the doorbell. `None` when the ring
    /// is full.
    pub fn push(&mut self, words: DescriptorWords) -> Option<u32> {
        if self.room() == 0 {
            return None;
        }
        let position = self.producer;
        let base = self.place(position) * DESCRIPTOR_BYTES;
        // Relaxed: the doorbell write orders them, and the card does not look here before it.
        for (i, word) in seal(words).into_iter().enumerate() {
            self.memory.buffer().word(base + 8 * i).store(word, Ordering::Relaxed);
        }
        self.producer = position.wrapping_add(1);
        Some(position)
    }

    /// Position of the descriptor that `completion` completes, its counter checked against what was published. Changes nothing.
    ///
    /// The counter decides and not the cookie, because a descriptor whose CRC was wrong has a cookie that cannot be trusted.
    ///
    /// # Errors
    /// [`RingError::ConsumerBeyondProducer`].
    pub fn completed_position(&self, completion: &Completion) -> Result<u32, RingError> {
        let advance = completion.consumer.wrapping_sub(self.consumer);
        if advance == 0 || advance > self.in_flight() {
            return Err(RingError::ConsumerBeyondProducer {
                sequence: completion.tail.sequence(),
                ring: self.ring,
                consumer: completion.consumer,
                from: self.consumer,
                producer: self.producer,
            });
        }
        Ok(completion.consumer.wrapping_sub(1))
    }

    /// Takes the card's counter over, after [`ProducerRing::completed_position`] accepted it.
    pub fn retire(&mut self, position: u32) {
        self.consumer = position.wrapping_add(1);
    }
}
