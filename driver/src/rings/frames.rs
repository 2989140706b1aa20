//! The two frame rings and their buffers.
//!
//! Buffers are as many as descriptors, and the buffer of descriptor `n` is the one at its place in the ring: the card uses both
//! rings in order, so there is nothing to allocate and no buffer number to believe.

use fpgaflow_abi::descriptor::{FLAG_COMPLETE, FrameDescriptor, FrameHead, FrameKind, Ring, Status};
use fpgaflow_abi::reason::Reason;
use fpgaflow_abi::slot::EntryRef;
use fpgaflow_abi::wire::MIN_FRAME_BYTES;

use super::command::check_cookie;
use super::{ProducerRing, RingError, Verified};
use crate::mapping::{ALIGN_BYTES, Mapping};
use crate::transport::Iova;

/// Size of a frame buffer for frames of up to `max_frame_bytes`: buffers lie one behind the other, each aligned.
pub fn buffer_bytes(max_frame_bytes: u32) -> u32 {
    max_frame_bytes.max(MIN_FRAME_BYTES as u32).next_multiple_of(ALIGN_BYTES as u32)
}

/// Memory cut into buffers of one size.
#[derive(Debug)]
struct Buffers {
    memory: Mapping,
    each_bytes: u32,
}

impl Buffers {
    fn new(memory: Mapping, each_bytes: u32, count: usize) -> Self {
        assert!(memory.buffer().len_bytes() >= each_bytes as usize * count, "{count} buffers in too little memory");
        Self { memory, each_bytes }
    }

    fn offset(&self, place: usize) -> usize {
        place * self.each_bytes as usize
    }

    fn iova(&self, place: usize) -> Iova {
        Iova(self.memory.iova().0 + self.offset(place) as u64)
    }
}

/// A frame that reached the host, still in its buffer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Received {
    /// Port it came in by.
    pub port: u8,
    /// Why the card did not forward it.
    pub reason: Reason,
    /// Entry that it hit, if it did.
    pub entry: Option<EntryRef>,
    /// Its bytes.
    pub length_bytes: u32,
    /// Clock counter of the card.
    pub clock: u64,
    place: usize,
}

/// Empty buffers for the card to fill.
#[derive(Debug)]
pub struct FrameToHostRing {
    ring: ProducerRing,
    buffers: Buffers,
    ports: u8,
}

impl FrameToHostRing {
    /// A ring of `1 << bits` descriptors in `descriptors`, each with a buffer of `each_bytes` in `buffers`, for a card of `ports`
    /// ports. No buffer is posted yet.
    pub fn new(descriptors: Mapping, buffers: Mapping, bits: u32, each_bytes: u32, ports: u8) -> Self {
        let ring = ProducerRing::new(Ring::FrameToHost, descriptors, bits);
        Self { ring, buffers: Buffers::new(buffers, each_bytes, 1 << bits), ports }
    }

    /// Counters and memory.
    pub fn ring(&self) -> &ProducerRing {
        &self.ring
    }

    /// Posts every buffer that the card does not have. The doorbell is the caller's.
    pub fn post(&mut self) {
        while self.ring.room() > 0 {
            let position = self.ring.producer();
            let descriptor = FrameDescriptor {
                head: FrameHead::new().with_kind(FrameKind::Buffer as u8).with_flags(FLAG_COMPLETE).with_cookie(position),
                length: self.buffers.each_bytes,
                iova: self.buffers.iova(self.ring.place(position)).0,
            };
            self.ring.push(descriptor.to_words());
        }
    }

    /// Takes the completion of a buffer. `Ok(None)` when the card could not use the buffer: its status says why.
    ///
    /// The frame lies in its buffer until the next [`FrameToHostRing::post`].
    ///
    /// # Errors
    /// A counter, cookie, port, reason or length that does not fit; the ring is unchanged.
    pub fn complete(&mut self, verified: &Verified) -> Result<Option<Received>, RingError> {
        let completion = &verified.completion;
        let sequence = completion.tail.sequence();
        let position = self.ring.completed_position(completion)?;
        check_cookie(Ring::FrameToHost, position, completion, verified.status)?;
        if position != self.ring.consumer() {
            // Every buffer completes, so none can have been passed over.
            let (cookie, expected) = (completion.head.cookie(), self.ring.consumer());
            return Err(RingError::UnknownCookie { sequence, ring: Ring::FrameToHost, cookie, expected });
        }
        let place = self.ring.place(position);
        if verified.status != Status::Ok {
            self.ring.retire(position);
            return Ok(None);
        }
        let (length_bytes, port, reason) = (completion.length, completion.head.port(), completion.head.reason());
        if length_bytes > self.buffers.each_bytes {
            return Err(RingError::LengthOverBuffer { sequence, length_bytes, buffer_bytes: self.buffers.each_bytes });
        }
        if port >= self.ports {
            return Err(RingError::UnknownPort { sequence, port, ports: self.ports });
        }
        let reason = Reason::from_code(reason).ok_or(RingError::UnknownCode { sequence, field: "reason", code: reason })?;
        let entry = completion.flow.hit().then(|| completion.flow.entry());
        self.ring.retire(position);
        Ok(Some(Received { port, reason, entry, length_bytes, clock: completion.clock, place }))
    }

    /// Copies a received frame out; `out` has the frame's length.
    pub fn copy_out(&self, received: &Received, out: &mut [u8]) {
        self.buffers.memory.buffer().read_bytes(self.buffers.offset(received.place), out);
    }
}

/// Frames of the host on their way to a port.
#[derive(Debug)]
pub struct FrameToCardRing {
    ring: ProducerRing,
    buffers: Buffers,
}

/// Most frames between two that ask for a completion, so that free buffers become known without a register read.
const COMPLETE_EVERY: u32 = 32;

impl FrameToCardRing {
    /// A ring of `1 << bits` descriptors in `descriptors`, each with a buffer of `each_bytes` in `buffers`.
    pub fn new(descriptors: Mapping, buffers: Mapping, bits: u32, each_bytes: u32) -> Self {
        let ring = ProducerRing::new(Ring::FrameToCard, descriptors, bits);
        Self { ring, buffers: Buffers::new(buffers, each_bytes, 1 << bits) }
    }

    /// Counters and memory.
    pub fn ring(&self) -> &ProducerRing {
        &self.ring
    }

    /// Copies `frame` into a buffer, zero-padded to the shortest frame of the wire, and queues it for `port`. False when the ring is full.
    /// The doorbell is the caller's, as is checking port and length.
    ///
    /// # Panics
    /// When `frame` is longer than a buffer.
    #[must_use]
    pub fn push(&mut self, port: u8, frame: &[u8]) -> bool {
        assert!(frame.len() <= self.buffers.each_bytes as usize, "a frame of {} bytes for a smaller buffer", frame.len());
        if self.ring.room() == 0 {
            return false;
        }
        let position = self.ring.producer();
        let place = self.ring.place(position);
        let mut padded = [0; MIN_FRAME_BYTES];
        let bytes = match padded.get_mut(..frame.len()) {
            Some(start) => {
                start.copy_from_slice(frame);
                &padded[..]
            }
            None => frame,
        };
        self.buffers.memory.buffer().write_bytes(self.buffers.offset(place), bytes);
        let flags = if self.ring.completes_at(position, COMPLETE_EVERY) { FLAG_COMPLETE } else { 0 };
        let descriptor = FrameDescriptor {
            head: FrameHead::new().with_kind(FrameKind::Send as u8).with_port(port).with_flags(flags).with_cookie(position),
            length: bytes.len() as u32,
            iova: self.buffers.iova(place).0,
        };
        self.ring.push(descriptor.to_words()).is_some()
    }

    /// Takes the completion of a frame: the card has read it and all before it. Returns how it went.
    ///
    /// # Errors
    /// A counter or cookie that does not fit; the ring is unchanged.
    pub fn complete(&mut self, verified: &Verified) -> Result<Status, RingError> {
        let position = self.ring.completed_position(&verified.completion)?;
        check_cookie(Ring::FrameToCard, position, &verified.completion, verified.status)?;
        self.ring.retire(position);
        Ok(verified.status)
    }
}
