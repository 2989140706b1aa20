//! Bulk read of counters: asks for them entry by entry and writes their records to host memory.
//!
//! ```text
//!  start, entry, address, count -->[      ]--> m_axis_request (CounterRequest); reply_valid, reply <--
//!                                  [ Dump ]--> m_axis, m_axis_beat (WriteMaster); record_done, write_done <--
//!                                  [      ]--> finished, failed
//! ```
//! Throughput: a record every `8 + r` clocks, `r` the latency of a reply, one more where a boundary cuts it. Latency from the last reply to
//! `finished`: the bus's.
//!
//! # Contract
//! - `entry`, `address` and `count` stay until `finished`. `count` is at least 1; the low three bits of `address` are taken as zero.
//! - `finished` pulses when the bus has answered for the last record, `failed` beside it when it failed for any.
//! - A record is a burst of its own, two where a 128-byte boundary cuts it, and is asked for when its data is here: slow counters do not
//!   hold up the bus.

use fpgaflow_abi::counters::RECORD_BYTES;
use fpgaflow_abi::slot::ENTRY_REF_BITS;

use crate::host::bursts::BURST_BEATS;
use crate::host::types::{WriteBeat, WriteDone, WriteRequest};
use crate::prelude::*;
use crate::records::{CounterReply, CounterRequest, SEEN_BITS};

/// Bits of a number of records.
pub const COUNT_BITS: usize = ENTRY_REF_BITS;
/// Bits of a word's number in its record.
const WORD_BITS: usize = (RECORD_BYTES / 8).ilog2() as usize;
/// Bits of the number of a beat of the dump.
const BEATS_BITS: usize = COUNT_BITS + WORD_BITS;
/// Bits of the number of a beat in memory.
const PLACE_BITS: usize = 61;

const _: () = assert!(RECORD_BYTES == 32 && BURST_BEATS == 16, "a record is cut where three bits of its place say so");

/// States.
#[derive(Copy, Clone, Debug, PartialEq, LogicState)]
pub enum Dumping {
    /// Nothing to do.
    Idle,
    /// Asks for counters.
    Request,
    /// Waits for them.
    Reply,
    /// Works out where they go.
    Place,
    /// Asks for a burst.
    Burst,
    /// Its beats leave.
    Words,
    /// A record is through.
    Next,
    /// Waits for the bus.
    Drain,
}

/// The block.
#[derive(LogicBlock)]
pub struct Dump {
    /// The block's clock.
    pub clock: Signal<In, Clock>,
    /// Synchronous, active high.
    pub reset: Signal<In, Bit>,
    /// Begin.
    pub start: Signal<In, Bit>,
    /// First entry.
    pub entry: Signal<In, Bits<ENTRY_REF_BITS>>,
    /// Where the first record goes.
    pub address: Signal<In, Bits<64>>,
    /// How many records.
    pub count: Signal<In, Bits<COUNT_BITS>>,
    /// Requests for counters.
    pub m_axis_request: StreamSource<CounterRequest>,
    /// A reply is there.
    pub reply_valid: Signal<In, Bit>,
    /// The reply.
    pub reply: Signal<In, CounterReply>,
    /// Bursts to write.
    pub m_axis: StreamSource<WriteRequest>,
    /// Their data.
    pub m_axis_beat: StreamSource<WriteBeat>,
    /// A burst was answered.
    pub record_done: Signal<In, Bit>,
    /// The answer.
    pub write_done: Signal<In, WriteDone>,
    /// All records are written.
    pub finished: Signal<Out, Bit>,
    /// Or not: the bus failed.
    pub failed: Signal<Out, Bit>,
    state: DFF<Dumping>,
    // Which record, and whether it is the last one.
    number: DFF<Bits<COUNT_BITS>>,
    next_number: Signal<Local, Bits<COUNT_BITS>>,
    is_last: DFF<Bit>,
    entry_s1: DFF<Bits<ENTRY_REF_BITS>>,
    packets: DFF<Bits<64>>,
    bytes: DFF<Bits<64>>,
    seen: DFF<Bits<SEEN_BITS>>,
    word: Signal<Local, Bits<64>>,
    // The next word, where it goes, and the words behind it in its burst.
    word_at: DFF<Bits<WORD_BITS>>,
    beat: Signal<Local, Bits<BEATS_BITS>>,
    base: Signal<Local, Bits<PLACE_BITS>>,
    place: DFF<Bits<PLACE_BITS>>,
    is_cut: Signal<Local, Bit>,
    behind: Signal<Local, Bits<WORD_BITS>>,
    left: DFF<Bits<WORD_BITS>>,
    broken: DFF<Bit>,
    one_record: Constant<Bits<COUNT_BITS>>,
    one_word: Constant<Bits<WORD_BITS>>,
    word_packets: Constant<Bits<WORD_BITS>>,
    word_bytes: Constant<Bits<WORD_BITS>>,
    word_seen: Constant<Bits<WORD_BITS>>,
    word_last: Constant<Bits<WORD_BITS>>,
    all_bytes: Constant<Bits<8>>,
}

impl Default for Dump {
    fn default() -> Self {
        Self {
            clock: Signal::default(),
            reset: Signal::default(),
            start: Signal::default(),
            entry: Signal::default(),
            address: Signal::default(),
            count: Signal::default(),
            m_axis_request: StreamSource::default(),
            reply_valid: Signal::default(),
            reply: Signal::default(),
            m_axis: StreamSource::default(),
            m_axis_beat: StreamSource::default(),
            record_done: Signal::default(),
            write_done: Signal::default(),
            finished: Signal::default(),
            failed: Signal::default(),
            state: DFF::default(),
            number: DFF::default(),
            next_number: Signal::default(),
            is_last: DFF::default(),
            entry_s1: DFF::default(),
            packets: DFF::default(),
            bytes: DFF::default(),
            seen: DFF::default(),
            word: Signal::default(),
            word_at: DFF::default(),
            beat: Signal::default(),
            base: Signal::default(),
            place: DFF::default(),
            is_cut: Signal::default(),
            behind: Signal::default(),
            left: DFF::default(),
            broken: DFF::default(),
            one_record: Constant::new(1_u64.into()),
            one_word: Constant::new(1_u64.into()),
            word_packets: Constant::new(0_u64.into()),
            word_bytes: Constant::new(1_u64.into()),
            word_seen: Constant::new(2_u64.into()),
            word_last: Constant::new(3_u64.into()),
            all_bytes: Constant::new(0xff_u64.into()),
        }
    }
}

impl Logic for Dump {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, state, number, is_last, entry_s1, packets, bytes, seen, word_at, place, left, broken);

        // Which entry's counters.
        self.next_number.next = self.number.q.val() + self.one_record.val();
        self.is_last.d.next = self.next_number.val() == self.count.val();
        self.entry_s1.d.next = self.entry.val() + self.number.q.val();
        self.m_axis_request.valid.next = self.state.q.val() == Dumping::Request;
        self.m_axis_request.data.next.entry = self.entry_s1.q.val();
        self.m_axis_request.data.next.clear = false;
        if self.reply_valid.val() {
            self.packets.d.next = self.reply.val().packets;
            self.bytes.d.next = self.reply.val().bytes;
            self.seen.d.next = self.reply.val().seen;
        }

        // Counters to words, as `CounterRecord::to_words` has them.
        self.word.next = 0.into();
        if self.word_at.q.val() == self.word_packets.val() {
            self.word.next = self.packets.q.val();
        } else if self.word_at.q.val() == self.word_bytes.val() {
            self.word.next = self.bytes.q.val();
        } else if self.word_at.q.val() == self.word_seen.val() {
            self.word.next = bit_cast::<64, SEEN_BITS>(self.seen.q.val());
        }
        self.m_axis_beat.valid.next = self.state.q.val() == Dumping::Words;
        self.m_axis_beat.data.next.data = self.word.val();
        self.m_axis_beat.data.next.strobes = self.all_bytes.val();

        // Where the next word goes; a burst ends with its record, or at a boundary that is nearer. Then a record begins within three
        // beats of it, and what is left of one begins at it.
        self.beat.next = bit_cast::<BEATS_BITS, WORD_BITS>(self.word_at.q.val())
            | (bit_cast::<BEATS_BITS, COUNT_BITS>(self.number.q.val()) << 2);
        self.base.next = self.address.val().get_bits::<PLACE_BITS>(3);
        self.place.d.next = self.base.val() + bit_cast::<PLACE_BITS, BEATS_BITS>(self.beat.val());
        self.is_cut.next = self.place.q.val().get_bits::<2>(2).all() & self.place.q.val().get_bits::<WORD_BITS>(0).any();
        self.behind.next = !self.word_at.q.val();
        if self.is_cut.val() {
            self.behind.next = !self.place.q.val().get_bits::<WORD_BITS>(0);
        }
        self.m_axis.valid.next = self.state.q.val() == Dumping::Burst;
        self.m_axis.data.next.address = bit_cast::<64, PLACE_BITS>(self.place.q.val()) << 3;
        self.m_axis.data.next.beats = bit_cast::<8, WORD_BITS>(self.behind.val());
        self.m_axis.data.next.closing = self.is_last.q.val() & !self.is_cut.val();

        self.finished.next = false;
        match self.state.q.val() {
            Dumping::Idle => {
                self.word_at.d.next = 0.into();
                self.number.d.next = 0.into();
                self.broken.d.next = false;
                if self.start.val() {
                    self.state.d.next = Dumping::Request;
                }
            }
            Dumping::Request => {
                if self.m_axis_request.ready.val() {
                    self.state.d.next = Dumping::Reply;
                }
            }
            Dumping::Reply => {
                if self.reply_valid.val() {
                    self.state.d.next = Dumping::Burst;
                }
            }
            Dumping::Place => {
                self.state.d.next = Dumping::Burst;
            }
            Dumping::Burst => {
                self.left.d.next = self.behind.val();
                if self.m_axis.ready.val() {
                    self.state.d.next = Dumping::Words;
                }
            }
            Dumping::Words => {
                if self.m_axis_beat.ready.val() {
                    self.word_at.d.next = self.word_at.q.val() + self.one_word.val();
                    self.left.d.next = self.left.q.val() - self.one_word.val();
                    if self.word_at.q.val() == self.word_last.val() {
                        self.number.d.next = self.next_number.val();
                        self.state.d.next = Dumping::Next;
                        if self.is_last.q.val() {
                            self.state.d.next = Dumping::Drain;
                        }
                    } else if !self.left.q.val().any() {
                        self.state.d.next = Dumping::Place;
                    }
                }
            }
            Dumping::Next => {
                self.state.d.next = Dumping::Request;
            }
            Dumping::Drain => {
                if self.record_done.val() & self.write_done.val().closing {
                    self.finished.next = true;
                    self.state.d.next = Dumping::Idle;
                }
            }
        }
        if self.record_done.val() & self.write_done.val().error {
            self.broken.d.next = true;
        }
        self.failed.next = self.broken.q.val() | self.write_done.val().error;

        if self.reset.val() {
            self.state.d.next = Dumping::Idle;
        }
    }
}
