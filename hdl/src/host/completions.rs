//! Writes completions: of the three rings in turn, one descriptor each, into the completion ring.
//!
//! ```text
//!  s_axis_command, s_axis_to_host, s_axis_to_card -->[             ]--> m_axis, m_axis_beat (WriteMaster)
//!  consumer[0..3], clock_count --------------------->[ Completions ]<-- written, done
//!  running, off, base, size_bits, host_counter ----->[             ]--> card_step, events[0..3], bus_error, idle
//! ```
//! Throughput: a completion every 19 clocks. Latency from `s_axis_*` to the request on `m_axis` 10 clocks.
//!
//! # Contract
//! - A source offers an outcome when its data is where it belongs: in host memory with the bus's response, or out of the host's
//!   buffer. So a completion that the host sees is true.
//! - Sequence numbers count from 1 since the ring was enabled; CRC-32 over words 0 to 6.
//! - The ring is never overrun: with as many completions not consumed as it has places, sources wait.
//! - `card_step` and `events` of the completion's kind come with the bus's response: the interrupt never overtakes the data.
//! - While the ring is not running outcomes are taken and forgotten.

use std::array;

use fpgaflow_abi::descriptor::{CRC_WORDS, CompletionKind, DESCRIPTOR_WORDS};
use fpgaflow_abi::slot;

use crate::host::crc32::Crc32Halves;
use crate::host::fetch::COUNT_BITS;
use crate::host::place::{self, Place};
use crate::host::shelf::Shelf;
use crate::host::turn::{TURNS, Turn};
use crate::host::types::{HOST_RINGS, Outcome, STATUS_BITS, WriteBeat, WriteDone, WriteRequest};
use crate::prelude::*;
use crate::records::{CLOCK_BITS, PORT_BITS, REASON_BITS};

/// Words of a completion in front of the first that is zero.
const FULL_WORDS: usize = 4;
/// Bits of a number of a step of the CRC.
const STEP_BITS: usize = 5;

/// States.
#[derive(Copy, Clone, Debug, PartialEq, LogicState)]
pub enum Completing {
    /// Looks for an outcome.
    Choose,
    /// Takes it.
    Take,
    /// Its words go into the CRC, and the place in the ring is being worked out.
    Gather,
    /// The request waits for the bus.
    Request,
    /// The words go out.
    Words,
}

/// The block.
#[derive(LogicBlock)]
pub struct Completions {
    /// The block's clock.
    pub clock: Signal<In, Clock>,
    /// Synchronous, active high.
    pub reset: Signal<In, Bit>,
    /// Outcomes of commands.
    pub s_axis_command: StreamSink<Outcome>,
    /// Outcomes of buffers for frames to the host.
    pub s_axis_to_host: StreamSink<Outcome>,
    /// Outcomes of frames to the card.
    pub s_axis_to_card: StreamSink<Outcome>,
    /// `RING_CONSUMER` of the outcomes' rings, before the descriptor that completes.
    pub consumer: [Signal<In, Bits<32>>; HOST_RINGS],
    /// Clock counter.
    pub clock_count: Signal<In, Bits<CLOCK_BITS>>,
    /// See [`Ring`](super::ring::Ring).
    pub running: Signal<In, Bit>,
    /// See [`Ring`](super::ring::Ring).
    pub off: Signal<In, Bit>,
    /// See [`Ring`](super::ring::Ring).
    pub base: Signal<In, Bits<64>>,
    /// See [`Ring`](super::ring::Ring).
    pub size_bits: Signal<In, Bits<4>>,
    /// Low bits of the completion ring's `RING_CONSUMER`.
    pub host_counter: Signal<In, Bits<COUNT_BITS>>,
    /// Requests to write.
    pub m_axis: StreamSource<WriteRequest>,
    /// Their data.
    pub m_axis_beat: StreamSource<WriteBeat>,
    /// A completion is in host memory.
    pub written: Signal<In, Bit>,
    /// The bus's answer.
    pub done: Signal<In, WriteDone>,
    /// The completion ring's producer goes up.
    pub card_step: Signal<Out, Bit>,
    /// A completion of this kind can be read.
    pub events: [Signal<Out, Bit>; HOST_RINGS],
    /// A completion was lost to a bus error.
    pub bus_error: Signal<Out, Bit>,
    /// None is under way.
    pub idle: Signal<Out, Bit>,

    state: DFF<Completing>,
    source: DFF<Bits<2>>,
    // The same, a flip-flop each: they choose among wide outcomes.
    takes: [DFF<Bit>; TURNS],
    outcome: DFF<Outcome>,
    chosen: Signal<Local, Outcome>,
    chosen_consumer: Signal<Local, Bits<32>>,
    accept: Signal<Local, Bit>,
    consumer_before: DFF<Bits<32>>,
    consumer_after: DFF<Bits<32>>,
    clock_then: DFF<Bits<CLOCK_BITS>>,
    issued: DFF<Bits<32>>,
    number: DFF<Bits<32>>,
    issued_low: Signal<Local, Bits<COUNT_BITS>>,
    unread: Signal<Local, Bits<COUNT_BITS>>,
    capacity: Signal<Local, Bits<COUNT_BITS>>,
    full: DFF<Bit>,
    word_at: DFF<Bits<3>>,
    word: Signal<Local, Bits<64>>,
    turn: Turn,
    place: Place,
    // Steps of the CRC: the halves of the words that are not zero, of those that are, and one more that lays the CRC bare.
    step: DFF<Bits<STEP_BITS>>,
    half: DFF<Bits<32>>,
    crc: Crc32Halves,
    crc_word: Signal<Local, Bits<32>>,
    sources: Shelf<Bits<2>, 4, 5>,
    numbers: [Constant<Bits<2>>; TURNS],
    one: Constant<Bits<32>>,
    one_word: Constant<Bits<3>>,
    one_step: Constant<Bits<STEP_BITS>>,
    last_gathered: Constant<Bits<STEP_BITS>>,
    last_step: Constant<Bits<STEP_BITS>>,
    one_place: Constant<Bits<COUNT_BITS>>,
    beats: Constant<Bits<8>>,
    all_bytes: Constant<Bits<8>>,
    at: [Constant<Bits<3>>; DESCRIPTOR_WORDS],
    first_kind: Constant<Bits<8>>,
    kind: Signal<Local, Bits<8>>,
}

impl Default for Completions {
    fn default() -> Self {
        Self {
            clock: Signal::default(),
            reset: Signal::default(),
            s_axis_command: StreamSink::default(),
            s_axis_to_host: StreamSink::default(),
            s_axis_to_card: StreamSink::default(),
            consumer: array::from_fn(|_| Signal::default()),
            clock_count: Signal::default(),
            running: Signal::default(),
            off: Signal::default(),
            base: Signal::default(),
            size_bits: Signal::default(),
            host_counter: Signal::default(),
            m_axis: StreamSource::default(),
            m_axis_beat: StreamSource::default(),
            written: Signal::default(),
            done: Signal::default(),
            card_step: Signal::default(),
            events: array::from_fn(|_| Signal::default()),
            bus_error: Signal::default(),
            idle: Signal::default(),
            state: DFF::default(),
            source: DFF::default(),
            takes: array::from_fn(|_| DFF::default()),
            outcome: DFF::default(),
            chosen: Signal::default(),
            chosen_consumer: Signal::default(),
            accept: Signal::default(),
            consumer_before: DFF::default(),
            consumer_after: DFF::default(),
            clock_then: DFF::default(),
            issued: DFF::default(),
            number: DFF::default(),
            issued_low: Signal::default(),
            unread: Signal::default(),
            capacity: Signal::default(),
            full: DFF::default(),
            word_at: DFF::default(),
            word: Signal::default(),
            turn: Turn::default(),
            place: Place::default(),
            step: DFF::default(),
            half: DFF::default(),
            crc: Crc32Halves::default(),
            crc_word: Signal::default(),
            sources: Shelf::default(),
            numbers: array::from_fn(|i| Constant::new((i as u64).into())),
            one: Constant::new(1_u64.into()),
            one_word: Constant::new(1_u64.into()),
            one_step: Constant::new(1_u64.into()),
            last_gathered: Constant::new((2 * FULL_WORDS as u64 - 1).into()),
            last_step: Constant::new((2 * CRC_WORDS as u64 + 2).into()),
            one_place: Constant::new(1_u64.into()),
            beats: Constant::new((DESCRIPTOR_WORDS as u64 - 1).into()),
            all_bytes: Constant::new(0xff_u64.into()),
            at: array::from_fn(|i| Constant::new((i as u64).into())),
            first_kind: Constant::new((CompletionKind::Command as u64).into()),
            kind: Signal::default(),
        }
    }
}

impl Logic for Completions {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, state, source, outcome, consumer_before, consumer_after, clock_then, issued, number);
        dff_setup!(self, clock, full, word_at, step, half);
        clock!(self, clock, place, crc, sources);
        self.sources.reset.next = self.reset.val();

        // Whose outcome.
        for i in 0..TURNS {
            self.takes[i].clock.next = self.clock.val();
            self.takes[i].d.next = self.takes[i].q.val();
            if self.state.q.val() == Completing::Choose {
                self.takes[i].d.next = self.turn.choice.val() == self.numbers[i].val();
            }
        }
        self.turn.last.next = self.source.q.val();
        self.turn.wants[0].next = self.s_axis_command.valid.val();
        self.turn.wants[1].next = self.s_axis_to_host.valid.val();
        self.turn.wants[2].next = self.s_axis_to_card.valid.val();
        self.chosen.next = self.s_axis_command.data.val();
        self.chosen_consumer.next = self.consumer[0].val();
        if self.takes[1].q.val() {
            self.chosen.next = self.s_axis_to_host.data.val();
            self.chosen_consumer.next = self.consumer[1].val();
        } else if self.takes[2].q.val() {
            self.chosen.next = self.s_axis_to_card.data.val();
            self.chosen_consumer.next = self.consumer[2].val();
        }
        self.accept.next = (self.state.q.val() == Completing::Take)
            & (!self.running.val() | (!self.full.q.val() & self.sources.s_axis.ready.val()));
        self.s_axis_command.ready.next = self.accept.val() & self.takes[0].q.val();
        self.s_axis_to_host.ready.next = self.accept.val() & self.takes[1].q.val();
        self.s_axis_to_card.ready.next = self.accept.val() & self.takes[2].q.val();

        // Room: `full` is up to date two clocks after a completion was issued, and the next is chosen later than that.
        self.issued_low.next = bit_cast::<COUNT_BITS, 32>(self.issued.q.val());
        self.unread.next = self.issued_low.val() - self.host_counter.val();
        self.capacity.next = self.one_place.val() << bit_cast::<COUNT_BITS, 4>(self.size_bits.val());
        self.full.d.next = self.unread.val() == self.capacity.val();

        self.place.load.next = self.state.q.val() == Completing::Gather;
        self.place.base.next = self.base.val();
        self.place.size_bits.next = self.size_bits.val();
        self.place.count.next = bit_cast::<{ place::COUNT_BITS }, 32>(self.issued.q.val());

        // The words.
        self.kind.next = self.first_kind.val() + bit_cast::<8, 2>(self.source.q.val());
        self.crc_word.next = !self.crc.mixed.val();
        self.word.next = 0.into();
        if self.word_at.q.val() == self.at[0].val() {
            self.word.next = bit_cast::<64, 8>(self.kind.val())
                | (bit_cast::<64, STATUS_BITS>(self.outcome.q.val().status) << 8)
                | (bit_cast::<64, PORT_BITS>(self.outcome.q.val().port) << 16)
                | (bit_cast::<64, REASON_BITS>(self.outcome.q.val().reason) << 24)
                | (bit_cast::<64, 32>(self.outcome.q.val().cookie) << 32);
        } else if self.word_at.q.val() == self.at[1].val() {
            self.word.next =
                bit_cast::<64, 32>(self.consumer_after.q.val()) | (bit_cast::<64, 32>(self.outcome.q.val().length) << 32);
        } else if self.word_at.q.val() == self.at[2].val() {
            self.word.next = self.clock_then.q.val();
        } else if self.word_at.q.val() == self.at[3].val() {
            for hit_at in (slot::ENTRY_REF_BITS as u64)..(slot::ENTRY_REF_BITS as u64 + 1) {
                self.word.next = bit_cast::<64, { slot::ENTRY_REF_BITS }>(self.outcome.q.val().entry)
                    | (bit_cast::<64, 1>(self.outcome.q.val().hit.into()) << hit_at);
            }
        } else if self.word_at.q.val() == self.at[7].val() {
            self.word.next = bit_cast::<64, 32>(self.crc_word.val()) | (bit_cast::<64, 32>(self.number.q.val()) << 32);
        }
        // The CRC: halves of the first words while they are gathered, then zeros, which take no longer than the words that go out meanwhile.
        self.half.d.next = 0.into();
        if self.state.q.val() == Completing::Gather {
            self.half.d.next = self.word.val().get_bits::<32>(0);
            if self.step.q.val().get_bit(0) {
                self.half.d.next = self.word.val().get_bits::<32>(32);
            }
        }
        self.crc.clear.next = self.state.q.val() == Completing::Take;
        self.crc.half.next = self.half.q.val();
        self.crc.half_valid.next = self.step.q.val().any() & (self.step.q.val() != self.last_step.val());
        if (self.state.q.val() != Completing::Take) & (self.step.q.val() != self.last_step.val()) {
            self.step.d.next = self.step.q.val() + self.one_step.val();
        }
        self.m_axis_beat.valid.next = self.state.q.val() == Completing::Words;
        self.m_axis_beat.data.next.data = self.word.val();
        self.m_axis_beat.data.next.strobes = self.all_bytes.val();
        self.m_axis.valid.next = self.state.q.val() == Completing::Request;
        self.m_axis.data.next.address = self.place.address.val();
        self.m_axis.data.next.beats = self.beats.val();
        self.m_axis.data.next.closing = true;

        self.sources.s_axis.valid.next = false;
        self.sources.s_axis.data.next = self.source.q.val();
        self.consumer_after.d.next = self.consumer_before.q.val() + self.one.val();
        match self.state.q.val() {
            Completing::Choose => {
                self.source.d.next = self.turn.choice.val();
                if self.turn.found.val() {
                    self.state.d.next = Completing::Take;
                }
            }
            Completing::Take => {
                self.outcome.d.next = self.chosen.val();
                self.consumer_before.d.next = self.chosen_consumer.val();
                self.clock_then.d.next = self.clock_count.val();
                self.step.d.next = 0.into();
                self.word_at.d.next = 0.into();
                if self.accept.val() {
                    self.state.d.next = Completing::Choose;
                    if self.running.val() {
                        self.state.d.next = Completing::Gather;
                    }
                }
            }
            Completing::Gather => {
                self.number.d.next = self.issued.q.val() + self.one.val();
                if self.step.q.val().get_bit(0) {
                    self.word_at.d.next = self.word_at.q.val() + self.one_word.val();
                }
                if self.step.q.val() == self.last_gathered.val() {
                    self.state.d.next = Completing::Request;
                }
            }
            Completing::Request => {
                self.word_at.d.next = 0.into();
                if self.m_axis.ready.val() {
                    self.sources.s_axis.valid.next = true;
                    self.issued.d.next = self.number.q.val();
                    self.state.d.next = Completing::Words;
                }
            }
            Completing::Words => {
                if self.m_axis_beat.ready.val() {
                    self.word_at.d.next = self.word_at.q.val() + self.one_word.val();
                    if self.word_at.q.val() == self.at[7].val() {
                        self.state.d.next = Completing::Choose;
                    }
                }
            }
            _ => {
                self.state.d.next = Completing::Choose;
            }
        }

        // In host memory.
        self.sources.m_axis.ready.next = self.written.val();
        self.card_step.next = self.written.val();
        self.bus_error.next = self.written.val() & self.done.val().error;
        for i in 0..HOST_RINGS {
            self.events[i].next = self.written.val() & (self.sources.m_axis.data.val() == self.numbers[i].val());
        }
        self.idle.next = (self.state.q.val() == Completing::Choose) & !self.sources.m_axis.valid.val();

        if self.off.val() {
            self.issued.d.next = 0.into();
        }
        if self.reset.val() {
            self.state.d.next = Completing::Choose;
            self.source.d.next = 0.into();
            self.issued.d.next = 0.into();
        }
    }
}
