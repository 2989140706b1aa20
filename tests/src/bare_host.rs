//! A host that speaks to the rings word by word: it can say what the driver never would.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use fpgaflow_abi::descriptor::{DESCRIPTOR_BYTES, DescriptorWords, Ring};
use fpgaflow_abi::regs::{self, RingCtrl};
use fpgaflow_card::CosimTransport;
use fpgaflow_driver::mapping::Mapping;
use fpgaflow_driver::rings::{CompletionRing, ProducerRing, Verified, seal};
use fpgaflow_driver::transport::{BarOffset, Iova, Transport};

/// Descriptors of every ring, as a power of two.
const RING_BITS: u32 = 5;
/// Descriptors of the completion ring: of all three others.
const COMPLETION_BITS: u32 = RING_BITS + 2;
/// Bytes of the buffer that frames are in.
const BUFFER_BYTES: usize = 16 << 10;
/// Clocks in which a descriptor must be answered.
const ANSWER_CLOCKS: u64 = 20_000;

/// Rings of a card that was just reset, and a buffer.
pub struct BareHost {
    transport: Arc<CosimTransport>,
    rings: [ProducerRing; 3],
    completions: CompletionRing,
    /// Memory for frames and counter records.
    pub buffer: Mapping,
}

impl BareHost {
    /// Resets the card of `transport` and turns its rings on.
    pub fn new(transport: &Arc<CosimTransport>) -> Self {
        transport.reset().expect("reset the card");
        let host = Self {
            transport: Arc::clone(transport),
            rings: fresh_rings(transport),
            completions: fresh_completions(transport),
            buffer: map(transport, BUFFER_BYTES),
        };
        host.enable_all();
        host
    }

    /// Switches all rings off, whatever is in them, and on again, empty; tables and ports stay as they are.
    ///
    /// # Panics
    /// When the card does not let go of a ring.
    pub fn restart_rings(&mut self) {
        for ring in Ring::ALL {
            self.write(regs::ring(regs::RING_CTRL, ring), RingCtrl::new().into_bits());
        }
        for ring in Ring::ALL {
            let mut left = ANSWER_CLOCKS;
            while self.read(regs::ring(regs::RING_CTRL, ring)) != RingCtrl::new().into_bits() {
                left = left.checked_sub(1).unwrap_or_else(|| panic!("the card does not let go of its {ring:?} ring"));
            }
        }
        self.rings = fresh_rings(&self.transport);
        self.completions = fresh_completions(&self.transport);
        self.enable_all();
    }

    /// Reads a register.
    pub fn read(&self, offset: u32) -> u32 {
        self.transport.read(BarOffset(offset)).expect("read a register")
    }

    /// Writes a register.
    pub fn write(&self, offset: u32, value: u32) {
        self.transport.write(BarOffset(offset), value).expect("write a register");
    }

    /// Posts a descriptor with its right CRC.
    pub fn post(&mut self, ring: Ring, words: DescriptorWords) {
        self.post_unsealed(ring, seal(words));
    }

    /// Posts a descriptor as it is.
    pub fn post_unsealed(&mut self, ring: Ring, words: DescriptorWords) {
        let ring = &mut self.rings[ring as usize];
        let position = ring.push(words).expect("the ring has room");
        let base = ring.place(position) * DESCRIPTOR_BYTES;
        // The ring sealed it; now it is what the caller wants.
        for (i, word) in words.into_iter().enumerate() {
            ring.memory().buffer().word(base + 8 * i).store(word, Ordering::Relaxed);
        }
        let (doorbell, producer) = (regs::ring(regs::RING_PRODUCER, ring.ring()), ring.producer());
        self.write(doorbell, producer);
    }

    /// Clocks the card until it has completed something; a panic when it does not.
    pub fn completion(&mut self) -> Verified {
        self.completion_within(ANSWER_CLOCKS).expect("the card answers")
    }

    /// Clocks the card until it has completed something, or `clocks` times.
    pub fn completion_within(&mut self, clocks: u64) -> Option<Verified> {
        for _ in 0..clocks {
            if let Some(verified) = self.completions.peek().expect("a completion that is whole") {
                self.completions.advance();
                let consumer = self.completions.consumer();
                self.write(regs::ring(regs::RING_CONSUMER, Ring::Completion), consumer);
                let position = self.rings.iter_mut().find(|ring| ring.ring() as u8 + 1 == verified.kind as u8);
                let ring = position.expect("a ring that completes");
                let position = ring.completed_position(&verified.completion).expect("a counter that fits");
                ring.retire(position);
                return Some(verified);
            }
            self.transport.card().clock();
        }
        None
    }

    /// Tells the card that `ring` is at `iova`, from the next descriptor that it reads or writes there.
    pub fn set_base(&self, ring: Ring, iova: Iova) {
        self.write(regs::ring(regs::RING_BASE_LO, ring), iova.0 as u32);
        self.write(regs::ring(regs::RING_BASE_HI, ring), (iova.0 >> 32) as u32);
    }

    fn enable_all(&self) {
        self.enable(Ring::Completion, self.completions.memory().iova(), COMPLETION_BITS);
        for ring in &self.rings {
            self.enable(ring.ring(), ring.memory().iova(), RING_BITS);
        }
    }

    fn enable(&self, ring: Ring, iova: Iova, bits: u32) {
        self.set_base(ring, iova);
        self.write(regs::ring(regs::RING_SIZE, ring), bits);
        self.write(regs::ring(regs::RING_CTRL, ring), RingCtrl::new().with_enable(true).into_bits());
    }
}

fn map(transport: &Arc<CosimTransport>, bytes: usize) -> Mapping {
    Mapping::new(&(Arc::clone(transport) as Arc<dyn Transport>), bytes).expect("map memory")
}

fn fresh_rings(transport: &Arc<CosimTransport>) -> [ProducerRing; 3] {
    [Ring::Command, Ring::FrameToHost, Ring::FrameToCard]
        .map(|ring| ProducerRing::new(ring, map(transport, DESCRIPTOR_BYTES << RING_BITS), RING_BITS))
}

fn fresh_completions(transport: &Arc<CosimTransport>) -> CompletionRing {
    CompletionRing::new(map(transport, DESCRIPTOR_BYTES << COMPLETION_BITS), COMPLETION_BITS)
}
