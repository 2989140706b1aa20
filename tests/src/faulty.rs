//! A card in this process that breaks when it is told to, on its bus or in what it writes to the host's memory.

use std::collections::BTreeMap;
use std::io;
use std::os::fd::OwnedFd;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use fpgaflow_abi::descriptor::{
    Completion, CompletionFlow, CompletionHead, CompletionKind, CompletionTail, DESCRIPTOR_BYTES, Ring,
};
use fpgaflow_abi::reason::Reason;
use fpgaflow_abi::regs;
use fpgaflow_abi::wire::MIN_FRAME_BYTES;
use fpgaflow_card::{Card, CosimTransport};
use fpgaflow_driver::dma::DmaBuffer;
use fpgaflow_driver::rings::seal;
use fpgaflow_driver::transport::{BarOffset, Iova, Transport, TransportError};

/// Clocks without a move on any interface after which the card has nothing on its way to the host: more than its pipeline is long.
const SETTLED_CLOCKS: u64 = 256;

/// What is broken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The card was pulled: its bus reads all ones, writes go nowhere, and it reaches no memory.
    AllOnes,
    /// Another card, with half as many next hops, is in its place.
    AnotherCard,
    /// Every access ends in a timeout.
    TimesOut,
    /// Doorbells of commands do not arrive, until a reset.
    LosesCommands,
    /// As [`Fault::LosesCommands`], and no reset helps.
    NeverTakesCommands,
    /// A doorbell of commands arrives with this much added, once.
    DoorbellJumps(u32),
}

/// A completion that no sane card writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Forgery {
    /// Its CRC does not fit.
    BadCrc,
    /// Its sequence is that of the ring's next lap: the phase is wrong.
    OutOfTurn,
    /// Its cookie is that of another descriptor.
    WrongCookie,
    /// It announces more bytes than the buffer has.
    LengthBeyondBuffer,
    /// It says that more was consumed than was produced.
    ConsumerBeyondProducer,
    /// Its kind does not exist.
    UnknownKind,
    /// Its port does not exist.
    UnknownPort,
    /// Its reason does not exist.
    UnknownReason,
}

/// A transport to a card in this process, and what is wrong with it.
pub struct Faulty {
    inner: Arc<CosimTransport>,
    fault: Mutex<Option<Fault>>,
    memory: Mutex<BTreeMap<u64, Arc<DmaBuffer>>>,
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Single assignments and insertions: whole whatever panics beside them.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Faulty {
    /// A sound card.
    pub fn new(inner: Arc<CosimTransport>) -> Arc<Self> {
        Arc::new(Self { inner, fault: Mutex::new(None), memory: Mutex::default() })
    }

    /// From now on `fault` is there, and none that was before.
    pub fn break_by(&self, fault: Fault) {
        self.change(Some(fault));
    }

    /// The card is sound again.
    pub fn mend(&self) {
        self.change(None);
    }

    /// A card that was pulled is powered on.
    fn change(&self, fault: Option<Fault>) {
        let before = std::mem::replace(&mut *locked(&self.fault), fault);
        let mut card = self.inner.card();
        if before == Some(Fault::AllOnes) {
            card.reset();
        }
        card.set_bus_master(fault != Some(Fault::AllOnes));
    }

    /// Opens the card again: what a user's `reach` would say.
    ///
    /// # Errors
    /// What a broken card's system says.
    pub fn reach(self: &Arc<Self>) -> Result<Arc<dyn Transport>, TransportError> {
        match *locked(&self.fault) {
            Some(Fault::AllOnes) => Err(TransportError::Gone { card: self.name().to_owned() }),
            Some(Fault::TimesOut) => Err(self.timed_out("open")),
            _ => Ok(Arc::clone(self) as Arc<dyn Transport>),
        }
    }

    /// Writes a completion where the card will write its next, and raises the interrupt. The card may write over it at any time, but
    /// what the card has written is not touched.
    ///
    /// # Panics
    /// When the rings are not set up.
    pub fn forge(&self, forgery: Forgery) {
        let mut card = self.inner.card();
        let read = |card: &mut Card, register, ring| card.read_register(regs::ring(register, ring)).expect("the RTL answers");
        let base = u64::from(read(&mut card, regs::RING_BASE_HI, Ring::Completion)) << 32
            | u64::from(read(&mut card, regs::RING_BASE_LO, Ring::Completion));
        let bits = read(&mut card, regs::RING_SIZE, Ring::Completion);
        // Read, and nothing written since: no burst is on its way to the place.
        let (consumer, sequence) = loop {
            let consumer = read(&mut card, regs::RING_CONSUMER, Ring::FrameToHost);
            let sequence = read(&mut card, regs::RING_PRODUCER, Ring::Completion).wrapping_add(1);
            card.run(SETTLED_CLOCKS);
            if card.idle_clocks() >= SETTLED_CLOCKS {
                break (consumer, sequence);
            }
        };
        let head = CompletionHead::new().with_kind(CompletionKind::FrameToHost as u8);
        let mut completion = Completion {
            head: head.with_reason(Reason::Miss as u8).with_cookie(consumer),
            consumer: consumer.wrapping_add(1),
            length: MIN_FRAME_BYTES as u32,
            clock: card.clocks(),
            flow: CompletionFlow::new(),
            tail: CompletionTail::new().with_sequence(sequence),
        };
        match forgery {
            Forgery::BadCrc => {}
            Forgery::OutOfTurn => completion.tail.set_sequence(sequence.wrapping_add(1 << bits)),
            Forgery::WrongCookie => completion.head.set_cookie(consumer.wrapping_add(3)),
            Forgery::LengthBeyondBuffer => completion.length = u32::MAX,
            Forgery::ConsumerBeyondProducer => completion.consumer = consumer.wrapping_add(1 << 20),
            Forgery::UnknownKind => completion.head.set_kind(u8::MAX),
            Forgery::UnknownPort => completion.head.set_port(u8::MAX),
            Forgery::UnknownReason => completion.head.set_reason(u8::MAX),
        }
        let mut words = seal(completion.to_words());
        if forgery == Forgery::BadCrc {
            words[2] ^= 1;
        }
        let place = u64::from(sequence.wrapping_sub(1) & ((1 << bits) - 1));
        let address = base + place * DESCRIPTOR_BYTES as u64;
        let memory = locked(&self.memory);
        let (start, buffer) = memory.range(..=address).next_back().expect("the completion ring is mapped");
        // The last word announces the others.
        for (i, word) in words.into_iter().enumerate() {
            buffer.word((address - start) as usize + 8 * i).store(word, Ordering::Release);
        }
        card.raise_interrupt(0);
    }

    fn timed_out(&self, operation: &str) -> TransportError {
        let source = io::ErrorKind::TimedOut.into();
        TransportError::Io { operation: operation.to_owned(), card: self.name().to_owned(), source }
    }
}

impl Transport for Faulty {
    fn name(&self) -> &str {
        self.inner.name()
    }

    fn read(&self, offset: BarOffset) -> Result<u32, TransportError> {
        match *locked(&self.fault) {
            Some(Fault::AllOnes) => Ok(u32::MAX),
            Some(Fault::TimesOut) => Err(self.timed_out("read a register")),
            Some(Fault::AnotherCard) if offset.0 == regs::NEXT_HOPS => Ok(self.inner.read(offset)? / 2),
            _ => self.inner.read(offset),
        }
    }

    fn write(&self, offset: BarOffset, value: u32) -> Result<(), TransportError> {
        let doorbell = offset.0 == regs::ring(regs::RING_PRODUCER, Ring::Command);
        let fault = *locked(&self.fault);
        match fault {
            Some(Fault::AllOnes) => Ok(()),
            Some(Fault::TimesOut) => Err(self.timed_out("write a register")),
            Some(Fault::LosesCommands | Fault::NeverTakesCommands) if doorbell => Ok(()),
            Some(Fault::DoorbellJumps(by)) if doorbell => {
                *locked(&self.fault) = None;
                self.inner.write(offset, value.wrapping_add(by))
            }
            _ => self.inner.write(offset, value),
        }
    }

    fn dma_map(&self, buffer: &Arc<DmaBuffer>) -> Result<Iova, TransportError> {
        let iova = self.inner.dma_map(buffer)?;
        locked(&self.memory).insert(iova.0, Arc::clone(buffer));
        Ok(iova)
    }

    fn dma_unmap(&self, iova: Iova) -> Result<(), TransportError> {
        locked(&self.memory).remove(&iova.0);
        self.inner.dma_unmap(iova)
    }

    fn connect_interrupts(&self, eventfds: Vec<OwnedFd>) -> Result<(), TransportError> {
        self.inner.connect_interrupts(eventfds)
    }

    fn reset(&self) -> Result<(), TransportError> {
        let mut fault = locked(&self.fault);
        match *fault {
            Some(Fault::AllOnes) => Err(TransportError::Gone { card: self.name().to_owned() }),
            Some(Fault::TimesOut) => Err(self.timed_out("reset")),
            Some(Fault::LosesCommands) => {
                *fault = None;
                self.inner.reset()
            }
            _ => self.inner.reset(),
        }
    }
}
