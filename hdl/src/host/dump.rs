//! Bulk read of counters: asks for them entry by entry and writes their records to host memory.
//!
//! ```text
//!  start, entry, address, count -->[      ]--> m_axis_request (CounterRequest); reply_valid, reply <--
//!                                  [ Dump ]--> m_axis, m_axis_beat (WriteMaster); record_done, write_done <--
//!                                  [      ]--> finished, failed
//! ```
//! Throughput: a record every `6 + r` clocks, `r` the latency of a reply. Latency from the last reply to `finished`: the bus's.
//!
//! # Contract
//! - `count` is at least 1; the low three bits of `address` are taken as zero.
//! - `finished` pulses when the bus has answered for the last record, `failed` beside it when it failed for any.
//! - A burst is asked for when its data is here, so slow counters do not hold up the bus.

use fpgaflow_abi::counters::RECORD_BYTES;
use fpgaflow_abi::slot::ENTRY_REF_BITS;

use crate::host::bursts::Bursts;
use crate::host::shelf::Shelf;
use crate::host::types::{WriteBeat, WriteDone, WriteRequest};
use crate::prelude::*;
use crate::records::{CounterReply, CounterRequest, SEEN_BITS};

/// Beats of a record, as a power of two.
const RECORD_SHIFT: u64 = (RECORD_BYTES / 8).ilog2() as u64;
/// Bits of a number of records.
pub const COUNT_BITS: usize = ENTRY_REF_BITS;
/// Bits of a number of beats.
const BEATS_BITS: usize = COUNT_BITS + RECORD_SHIFT as usize;
/// Words waiting for the bus, as a power of two: a burst and a record.
const WORDS_BITS: usize = 5;
/// Bits of a count of them.
const WORDS_COUNT_BITS: usize = WORDS_BITS + 1;

/// States.
#[derive(Copy, Clone, Debug, PartialEq, LogicState)]
pub enum Dumping {
    /// Nothing to do.
    Idle,
    /// Asks for counters.
    Request,
    /// Waits for them.
    Reply,
    /// Their words go on the shelf.
    Words,
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
    next_entry: DFF<Bits<ENTRY_REF_BITS>>,
    left: DFF<Bits<COUNT_BITS>>,
    packets: DFF<Bits<64>>,
    bytes: DFF<Bits<64>>,
    seen: DFF<Bits<SEEN_BITS>>,
    word_at: DFF<Bits<2>>,
    broken: DFF<Bit>,
    bursts: Bursts<BEATS_BITS>,
    words: Shelf<Bits<64>, WORDS_BITS, WORDS_COUNT_BITS>,
    // Words of the burst on the bus that have not left.
    owed: DFF<Bits<WORDS_COUNT_BITS>>,
    burst_beats: Signal<Local, Bits<WORDS_COUNT_BITS>>,
    whole: DFF<Bit>,
    word_leaves: Signal<Local, Bit>,
    one_entry: Constant<Bits<ENTRY_REF_BITS>>,
    one_word: Constant<Bits<2>>,
    one: Constant<Bits<WORDS_COUNT_BITS>>,
    word_bytes: Constant<Bits<2>>,
    word_seen: Constant<Bits<2>>,
    word_last: Constant<Bits<2>>,
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
            next_entry: DFF::default(),
            left: DFF::default(),
            packets: DFF::default(),
            bytes: DFF::default(),
            seen: DFF::default(),
            word_at: DFF::default(),
            broken: DFF::default(),
            bursts: Bursts::default(),
            words: Shelf::default(),
            owed: DFF::default(),
            burst_beats: Signal::default(),
            whole: DFF::default(),
            word_leaves: Signal::default(),
            one_entry: Constant::new(1_u64.into()),
            one_word: Constant::new(1_u64.into()),
            one: Constant::new(1_u64.into()),
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
        dff_setup!(self, clock, state, next_entry, left, packets, bytes, seen, word_at, broken, owed, whole);
        clock!(self, clock, bursts, words);
        self.bursts.reset.next = self.reset.val();
        self.words.reset.next = self.reset.val();
        self.bursts.start.next = self.start.val();
        self.bursts.address.next = self.address.val();
        for shift in RECORD_SHIFT..(RECORD_SHIFT + 1) {
            self.bursts.beats.next = bit_cast::<BEATS_BITS, COUNT_BITS>(self.count.val()) << shift;
        }

        // Counters to words, as `CounterRecord::to_words` has them.
        self.m_axis_request.valid.next = self.state.q.val() == Dumping::Request;
        self.m_axis_request.data.next.entry = self.next_entry.q.val();
        self.m_axis_request.data.next.clear = false;
        self.words.s_axis.valid.next = self.state.q.val() == Dumping::Words;
        self.words.s_axis.data.next = self.packets.q.val();
        if self.word_at.q.val() == self.word_bytes.val() {
            self.words.s_axis.data.next = self.bytes.q.val();
        } else if self.word_at.q.val() == self.word_seen.val() {
            self.words.s_axis.data.next = bit_cast::<64, SEEN_BITS>(self.seen.q.val());
        } else if self.word_at.q.val() == self.word_last.val() {
            self.words.s_axis.data.next = 0.into();
        }
        self.finished.next = false;
        match self.state.q.val() {
            Dumping::Idle => {
                self.word_at.d.next = 0.into();
                self.next_entry.d.next = self.entry.val();
                self.left.d.next = self.count.val();
                self.broken.d.next = false;
                if self.start.val() {
                    self.state.d.next = Dumping::Request;
                }
            }
            Dumping::Request => {
                if self.m_axis_request.ready.val() {
                    self.state.d.next = Dumping::Reply;
                    self.next_entry.d.next = self.next_entry.q.val() + self.one_entry.val();
                    self.left.d.next = self.left.q.val() - self.one_entry.val();
                }
            }
            Dumping::Reply => {
                if self.reply_valid.val() {
                    self.packets.d.next = self.reply.val().packets;
                    self.bytes.d.next = self.reply.val().bytes;
                    self.seen.d.next = self.reply.val().seen;
                    self.state.d.next = Dumping::Words;
                }
            }
            Dumping::Words => {
                if self.words.s_axis.ready.val() {
                    self.word_at.d.next = self.word_at.q.val() + self.one_word.val();
                    if self.word_at.q.val() == self.word_last.val() {
                        self.state.d.next = Dumping::Request;
                        if !self.left.q.val().any() {
                            self.state.d.next = Dumping::Drain;
                        }
                    }
                }
            }
            Dumping::Drain => {
                if self.record_done.val() & self.write_done.val().closing {
                    self.finished.next = true;
                    self.state.d.next = Dumping::Idle;
                }
            }
            _ => {
                self.state.d.next = Dumping::Idle;
            }
        }
        if self.record_done.val() & self.write_done.val().error {
            self.broken.d.next = true;
        }
        self.failed.next = self.broken.q.val() | self.write_done.val().error;

        // Words to bursts: one at a time, so that all words on the shelf beyond `owed` belong to the next.
        self.burst_beats.next = bit_cast::<WORDS_COUNT_BITS, 8>(self.bursts.m_axis.data.val().beats);
        self.whole.d.next =
            self.bursts.m_axis.valid.val() & !self.owed.q.val().any() & (self.words.fill.val() > self.burst_beats.val());
        self.m_axis.valid.next = self.whole.q.val();
        self.m_axis.data.next.address = self.bursts.m_axis.data.val().address;
        self.m_axis.data.next.beats = self.bursts.m_axis.data.val().beats;
        self.m_axis.data.next.closing = self.bursts.m_axis.data.val().closing;
        self.bursts.m_axis.ready.next = self.m_axis.ready.val() & self.whole.q.val();
        self.m_axis_beat.data.next.data = self.words.m_axis.data.val();
        self.m_axis_beat.data.next.strobes = self.all_bytes.val();
        self.m_axis_beat.valid.next = self.words.m_axis.valid.val() & self.owed.q.val().any();
        self.words.m_axis.ready.next = self.m_axis_beat.ready.val() & self.owed.q.val().any();
        self.word_leaves.next = self.m_axis_beat.ready.val() & self.words.m_axis.valid.val() & self.owed.q.val().any();
        if self.whole.q.val() & self.m_axis.ready.val() {
            self.whole.d.next = false;
            self.owed.d.next = self.burst_beats.val() + self.one.val();
        } else if self.word_leaves.val() {
            self.owed.d.next = self.owed.q.val() - self.one.val();
        }

        if self.reset.val() {
            self.state.d.next = Dumping::Idle;
            self.owed.d.next = 0.into();
            self.whole.d.next = false;
        }
    }
}
