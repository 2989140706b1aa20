//! What the tests share: the card's size, and the host's end of the rings.

use fpgaflow_abi::descriptor::{CRC_WORDS, Completion, DESCRIPTOR_BYTES, DescriptorWords, Ring, Status};
use fpgaflow_abi::geometry::Geometry;
use fpgaflow_abi::hash::HASH_BITS;
use fpgaflow_abi::regs::{self, ring};

use crate::world::World;

/// A small card.
pub const GEOMETRY: Geometry = Geometry {
    width_bits: 64,
    ports: 2,
    hash_bits: HASH_BITS as u8,
    bucket_bits: 6,
    stash: 8,
    entries_v4: 256,
    entries_v6: 64,
    next_hops: 64,
    max_frame_bytes: 1518,
    clock_hz: 0,
    build_id: 0xb01d,
};
/// Clocks its barriers wait.
pub const BARRIER_CLOCKS: u64 = 20;

const CRC: crc::Crc<u32> = crc::Crc::<u32>::new(&crc::CRC_32_ISO_HDLC);

/// CRC-32 of 64-bit words as they lie in memory.
pub fn crc32(words: &[u64]) -> u32 {
    let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
    CRC.checksum(&bytes)
}

/// Where a ring lies: not aligned to its size, so that adding and masking differ.
pub fn base(which: Ring) -> u64 {
    0x12_3456_0000_0fc0 + 0x10_0000 * which as u64
}

/// The host's end of the rings.
pub struct Host {
    size_bits: u32,
    producer: [u32; 3],
    /// Completions read.
    pub consumer: u32,
}

impl Host {
    /// Sets up all rings with `2^size_bits` places and switches them on, every interrupt with them.
    pub fn start(world: &mut World, size_bits: u32) -> Self {
        Self::start_with(world, size_bits, size_bits)
    }

    /// The same with another size of the completion ring.
    pub fn start_with(world: &mut World, size_bits: u32, completion_bits: u32) -> Self {
        for which in Ring::ALL {
            let bits = if which == Ring::Completion { completion_bits } else { size_bits };
            world.write(ring(regs::RING_BASE_LO, which), base(which) as u32);
            world.write(ring(regs::RING_BASE_HI, which), (base(which) >> 32) as u32);
            world.write(ring(regs::RING_SIZE, which), bits);
            world.memory.write(base(which), &vec![0; DESCRIPTOR_BYTES << bits]);
        }
        world.write(regs::IRQ_ENABLE, 0xf);
        for which in [Ring::Completion, Ring::Command, Ring::FrameToHost, Ring::FrameToCard] {
            world.write(ring(regs::RING_CTRL, which), 1);
        }
        Self { size_bits, producer: [0; 3], consumer: 0 }
    }

    /// Puts a descriptor with its CRC into its ring, without the doorbell.
    pub fn push(&mut self, world: &mut World, which: Ring, words: DescriptorWords) {
        let mut words = words;
        words[7] |= u64::from(crc32(&words[..CRC_WORDS]));
        self.push_raw(world, which, &words);
    }

    /// The same with word 7 as it is.
    pub fn push_raw(&mut self, world: &mut World, which: Ring, words: &DescriptorWords) {
        let counter = &mut self.producer[which as usize];
        let place = u64::from(*counter & ((1 << self.size_bits) - 1));
        *counter = counter.wrapping_add(1);
        let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
        world.memory.write(base(which) + place * DESCRIPTOR_BYTES as u64, &bytes);
    }

    /// Tells the card how far a ring is filled.
    pub fn ring(&self, world: &mut World, which: Ring) {
        world.write(ring(regs::RING_PRODUCER, which), self.producer[which as usize]);
    }

    /// The next completion, if it is there, checked: CRC, sequence, zero words. Does not tell the card.
    pub fn completion(&mut self, world: &World, size_bits: u32) -> Option<Completion> {
        let place = u64::from(self.consumer & ((1 << size_bits) - 1));
        let address = base(Ring::Completion) + place * DESCRIPTOR_BYTES as u64;
        let words: DescriptorWords = std::array::from_fn(|i| world.memory.word(address + 8 * i as u64));
        let completion = Completion::from_words(&words);
        if completion.tail.sequence() != self.consumer.wrapping_add(1) {
            return None;
        }
        assert_eq!(completion.tail.crc(), crc32(&words[..CRC_WORDS]), "a completion's CRC");
        assert_eq!(completion.to_words(), words, "a completion has no other bits");
        self.consumer = self.consumer.wrapping_add(1);
        Some(completion)
    }

    /// Waits for the next completion and tells the card that it was read.
    #[track_caller]
    pub fn next(&mut self, world: &mut World) -> Completion {
        let mut found = None;
        world.until("a completion", |world| {
            found = self.completion(world, self.size_bits);
            found.is_some()
        });
        world.write(ring(regs::RING_CONSUMER, Ring::Completion), self.consumer);
        found.expect("it was waited for")
    }

    /// Waits for a completion with `status` and `cookie`.
    #[track_caller]
    pub fn expect(&mut self, world: &mut World, status: Status, cookie: u32) -> Completion {
        let completion = self.next(world);
        assert_eq!((Status::from_code(completion.head.status()), completion.head.cookie()), (Some(status), cookie));
        completion
    }
}
