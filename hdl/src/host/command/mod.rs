//! Carries out commands.
//!
//! ```text
//!  word_valid, word, place, desc_done, status -->[         ]--> write_valid, write (TableWrite)
//!  wanted <--------------------------------------[ Command ]--> m_axis_counter; counter_reply_valid, counter_reply <--
//!  record_done, write_done --------------------->[         ]--> m_axis, m_axis_beat (counter records to host memory)
//!                                                [         ]--> m_axis_outcome, retired, bus_error, idle
//! ```
//! Throughput: a table write every 16 clocks. Latency from a descriptor's last word to its write 6 clocks.
//!
//! # Contract
//! - Commands are carried out one by one, in order. Each is checked whole before anything happens, in the order of
//!   `abi::descriptor::Status`: the descriptor, opcode (and `part`), index (and count), length.
//! - A write is one `write_valid` pulse with the whole row, so it is atomic. What the row has above that of its table is not defined.
//!   The row is zero after reset, and behind a write it stands still for [`ROW_STANDS`] clocks.
//! - The three parts of an IPv6 entry gather in the row and its last is the write. A part that does not follow the one before it, of the
//!   same entry and with no other command between, good or bad, is a `BadOpcode` and ends the gathering, as switching the ring off does; part 0 begins anew.
//! - `Barrier` completes `barrier_clocks` clocks after the writes before it at the earliest.
//! - `ReadCounters` of no records is a `BadLength`; the low three bits of its address are taken as zero. Its records are in host memory,
//!   with the bus's response, when the outcome is offered; `length` of the outcome is their number.
//! - `ClearCounters` completes after the counters have answered.
//! - Without `FLAG_COMPLETE` only failures have an outcome. `retired` pulses once a command.

mod check;
mod row;

use fpgaflow_abi::descriptor::{Opcode, Status, entry_parts};
use fpgaflow_abi::geometry::Geometry;
use fpgaflow_abi::key::Family;
use fpgaflow_abi::slot::{ENTRY_REF_BITS, ENTRY_REF_FAMILY};

use crate::host::dump::Dump;
use crate::host::types::{Outcome, STATUS_BITS, WriteBeat, WriteDone, WriteRequest};
use crate::prelude::*;
use crate::records::{CounterReply, CounterRequest, TableWrite, WriteTarget};

use check::Check;
use row::Row;

/// Clocks that the row stands still behind that of `write_valid`: the next descriptor's payload comes behind its head and index.
pub const ROW_STANDS: usize = 3;
/// Bits of the clocks that a barrier waits.
const BARRIER_BITS: usize = 8;
/// Last part of an IPv6 entry.
const LAST_PART: usize = entry_parts(Family::V6) as usize - 1;

const _: () = assert!(entry_parts(Family::V4) == 1, "only an IPv6 entry is gathered");

/// States.
#[derive(Copy, Clone, Debug, PartialEq, LogicState)]
pub enum Commanding {
    /// A command may come.
    Idle,
    /// Its words come.
    Words,
    /// It is checked and carried out, or begun.
    Judge,
    /// A barrier.
    Barrier,
    /// Counters are read.
    Read,
    /// Counters are asked to clear.
    Clear,
    /// They have not answered yet.
    Cleared,
    /// It ends.
    End,
}

/// The block.
#[derive(LogicBlock)]
pub struct Command {
    /// The block's clock.
    pub clock: Signal<In, Clock>,
    /// Synchronous, active high.
    pub reset: Signal<In, Bit>,
    /// See [`Ring`](super::ring::Ring).
    pub running: Signal<In, Bit>,
    /// A descriptor may come, see [`Fetch`](super::fetch::Fetch).
    pub wanted: Signal<Out, Bit>,
    /// A word of it.
    pub word_valid: Signal<In, Bit>,
    /// The word.
    pub word: Signal<In, Bits<64>>,
    /// Which word it is.
    pub place: Signal<In, Bits<3>>,
    /// It is complete.
    pub desc_done: Signal<In, Bit>,
    /// What is wrong with it.
    pub status: Signal<In, Bits<STATUS_BITS>>,
    /// A table is written.
    pub write_valid: Signal<Out, Bit>,
    /// What and where.
    pub write: Signal<Out, TableWrite>,
    /// Reads and clears of counters.
    pub m_axis_counter: StreamSource<CounterRequest>,
    /// A counter's answer is there.
    pub counter_reply_valid: Signal<In, Bit>,
    /// The answer.
    pub counter_reply: Signal<In, CounterReply>,
    /// Bursts of records to write.
    pub m_axis: StreamSource<WriteRequest>,
    /// Their data.
    pub m_axis_beat: StreamSource<WriteBeat>,
    /// A burst was answered.
    pub record_done: Signal<In, Bit>,
    /// The answer.
    pub write_done: Signal<In, WriteDone>,
    /// Completions.
    pub m_axis_outcome: StreamSource<Outcome>,
    /// A command ends.
    pub retired: Signal<Out, Bit>,
    /// It ends because the bus failed.
    pub bus_error: Signal<Out, Bit>,
    /// No command is in progress.
    pub idle: Signal<Out, Bit>,
    state: DFF<Commanding>,
    head: DFF<Bits<64>>,
    index: DFF<Bits<32>>,
    // An IPv6 entry that gathers: the part that goes on, 0 for none, and whose it is.
    due: DFF<Bits<8>>,
    due_index: DFF<Bits<32>>,
    is_last_part: Signal<Local, Bit>,
    is_v6: Signal<Local, Bit>,
    target: DFF<Bits<2>>,
    writes: DFF<Bit>,
    outcome: DFF<Bits<STATUS_BITS>>,
    records: DFF<Bits<ENTRY_REF_BITS>>,
    barrier: DFF<Bits<BARRIER_BITS>>,
    verdict: Signal<Local, Bits<STATUS_BITS>>,
    opcode: Signal<Local, Bits<8>>,
    speaks: Signal<Local, Bit>,
    count: Signal<Local, Bits<64>>,
    ends: Signal<Local, Bit>,
    row: Row,
    check: Check,
    dump: Dump,
    word_head: Constant<Bits<3>>,
    word_index: Constant<Bits<3>>,
    last_part: Constant<Bits<8>>,
    one_part: Constant<Bits<8>>,
    write_slot: Constant<Bits<8>>,
    write_stash: Constant<Bits<8>>,
    write_entry: Constant<Bits<8>>,
    write_next_hop: Constant<Bits<8>>,
    barrier_op: Constant<Bits<8>>,
    read_counters: Constant<Bits<8>>,
    clear_counters: Constant<Bits<8>>,
    to_slot: Constant<Bits<2>>,
    to_stash: Constant<Bits<2>>,
    to_entry: Constant<Bits<2>>,
    to_next_hop: Constant<Bits<2>>,
    barrier_clocks: Constant<Bits<BARRIER_BITS>>,
    one: Constant<Bits<BARRIER_BITS>>,
    bus_status: Constant<Bits<STATUS_BITS>>,
}

impl Command {
    /// For a card of this geometry whose lookups take at most `barrier_clocks` clocks from hash to count.
    ///
    /// # Panics
    /// When the geometry has no entries, or for more clocks than 8 bits count.
    pub fn new(geometry: &Geometry, barrier_clocks: u64) -> Self {
        assert!(barrier_clocks < 1 << BARRIER_BITS, "Command: {BARRIER_BITS} bits do not count {barrier_clocks} clocks");
        let opcode = |opcode: Opcode| Constant::new((opcode as u64).into());
        let target = |target: WriteTarget| Constant::new((target as u64).into());
        let word = |word: usize| Constant::new((word as u64).into());
        Self {
            clock: Signal::default(),
            reset: Signal::default(),
            running: Signal::default(),
            wanted: Signal::default(),
            word_valid: Signal::default(),
            word: Signal::default(),
            place: Signal::default(),
            desc_done: Signal::default(),
            status: Signal::default(),
            write_valid: Signal::default(),
            write: Signal::default(),
            m_axis_counter: StreamSource::default(),
            counter_reply_valid: Signal::default(),
            counter_reply: Signal::default(),
            m_axis: StreamSource::default(),
            m_axis_beat: StreamSource::default(),
            record_done: Signal::default(),
            write_done: Signal::default(),
            m_axis_outcome: StreamSource::default(),
            retired: Signal::default(),
            bus_error: Signal::default(),
            idle: Signal::default(),
            state: DFF::default(),
            head: DFF::default(),
            index: DFF::default(),
            due: DFF::default(),
            due_index: DFF::default(),
            is_last_part: Signal::default(),
            is_v6: Signal::default(),
            target: DFF::default(),
            writes: DFF::default(),
            outcome: DFF::default(),
            records: DFF::default(),
            barrier: DFF::default(),
            verdict: Signal::default(),
            opcode: Signal::default(),
            speaks: Signal::default(),
            count: Signal::default(),
            ends: Signal::default(),
            row: Row::default(),
            check: Check::new(geometry),
            dump: Dump::default(),
            word_head: word(0),
            word_index: word(1),
            last_part: Constant::new((LAST_PART as u64).into()),
            one_part: Constant::new(1_u64.into()),
            write_slot: opcode(Opcode::WriteSlot),
            write_stash: opcode(Opcode::WriteStash),
            write_entry: opcode(Opcode::WriteEntry),
            write_next_hop: opcode(Opcode::WriteNextHop),
            barrier_op: opcode(Opcode::Barrier),
            read_counters: opcode(Opcode::ReadCounters),
            clear_counters: opcode(Opcode::ClearCounters),
            to_slot: target(WriteTarget::Slot),
            to_stash: target(WriteTarget::Stash),
            to_entry: target(WriteTarget::Entry),
            to_next_hop: target(WriteTarget::NextHop),
            barrier_clocks: Constant::new(barrier_clocks.into()),
            one: Constant::new(1_u64.into()),
            bus_status: Constant::new((Status::BusError as u64).into()),
        }
    }
}

impl Logic for Command {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, state, head, index, due, due_index, target, writes, outcome, records, barrier);
        clock!(self, clock, row, check, dump);
        self.row.reset.next = self.reset.val();
        self.dump.reset.next = self.reset.val();

        // Words.
        if self.word_valid.val() & (self.place.val() == self.word_head.val()) {
            self.head.d.next = self.word.val();
        }
        if self.word_valid.val() & (self.place.val() == self.word_index.val()) {
            self.index.d.next = self.word.val().get_bits::<32>(0);
        }
        self.row.word_valid.next = self.word_valid.val();
        self.row.word.next = self.word.val();
        self.row.place.next = self.place.val();
        self.row.opcode.next = self.head.q.val().get_bits::<8>(0);
        self.row.part.next = self.head.q.val().get_bits::<8>(8);
        self.opcode.next = self.head.q.val().get_bits::<8>(0);
        self.is_last_part.next = self.head.q.val().get_bits::<8>(8) == self.last_part.val();
        self.count.next = self.row.row.val().get_bits::<64>(64);
        for family in ENTRY_REF_FAMILY.lsb..(ENTRY_REF_FAMILY.lsb + 1) {
            self.is_v6.next = self.index.q.val().get_bit(family);
        }
        self.check.opcode.next = self.head.q.val().get_bits::<8>(0);
        self.check.part.next = self.head.q.val().get_bits::<8>(8);
        self.check.index.next = self.index.q.val();
        self.check.count.next = self.count.val();
        self.check.due.next = self.due.q.val();
        self.check.due_index.next = self.due_index.q.val();
        self.verdict.next = self.outcome.q.val();
        if !self.outcome.q.val().any() {
            self.verdict.next = self.check.status.val();
        }

        self.writes.d.next = false;
        self.dump.start.next = false;
        self.dump.address.next = self.row.row.val().get_bits::<64>(0);
        self.dump.entry.next = self.index.q.val().get_bits::<ENTRY_REF_BITS>(0);
        self.dump.count.next = self.count.val().get_bits::<ENTRY_REF_BITS>(0);
        self.speaks.next = self.head.q.val().get_bit(16) | self.outcome.q.val().any();
        self.ends.next = false;
        match self.state.q.val() {
            Commanding::Idle => {
                self.records.d.next = 0.into();
                self.barrier.d.next = self.barrier_clocks.val();
                if self.word_valid.val() {
                    self.state.d.next = Commanding::Words;
                }
            }
            Commanding::Words => {
                if self.desc_done.val() {
                    self.outcome.d.next = self.status.val();
                    self.state.d.next = Commanding::Judge;
                }
            }
            Commanding::Judge => {
                self.outcome.d.next = self.verdict.val();
                self.state.d.next = Commanding::End;
                self.due.d.next = 0.into();
                if !self.verdict.val().any() {
                    if self.opcode.val() == self.write_slot.val() {
                        self.target.d.next = self.to_slot.val();
                        self.writes.d.next = true;
                    } else if self.opcode.val() == self.write_stash.val() {
                        self.target.d.next = self.to_stash.val();
                        self.writes.d.next = true;
                    } else if self.opcode.val() == self.write_entry.val() {
                        self.target.d.next = self.to_entry.val();
                        self.writes.d.next = !self.is_v6.val() | self.is_last_part.val();
                        if self.is_v6.val() & !self.is_last_part.val() {
                            self.due.d.next = self.head.q.val().get_bits::<8>(8) + self.one_part.val();
                            self.due_index.d.next = self.index.q.val();
                        }
                    } else if self.opcode.val() == self.write_next_hop.val() {
                        self.target.d.next = self.to_next_hop.val();
                        self.writes.d.next = true;
                    } else if self.opcode.val() == self.barrier_op.val() {
                        self.state.d.next = Commanding::Barrier;
                    } else if self.opcode.val() == self.read_counters.val() {
                        self.dump.start.next = true;
                        self.records.d.next = bit_cast::<ENTRY_REF_BITS, 64>(self.count.val());
                        self.state.d.next = Commanding::Read;
                    } else if self.opcode.val() == self.clear_counters.val() {
                        self.state.d.next = Commanding::Clear;
                    }
                }
            }
            Commanding::Barrier => {
                self.barrier.d.next = self.barrier.q.val() - self.one.val();
                if !self.barrier.q.val().any() {
                    self.state.d.next = Commanding::End;
                }
            }
            Commanding::Read => {
                if self.dump.finished.val() {
                    self.state.d.next = Commanding::End;
                    if self.dump.failed.val() {
                        self.outcome.d.next = self.bus_status.val();
                        self.records.d.next = 0.into();
                    }
                }
            }
            Commanding::Clear => {
                if self.m_axis_counter.ready.val() {
                    self.state.d.next = Commanding::Cleared;
                }
            }
            Commanding::Cleared => {
                if self.counter_reply_valid.val() {
                    self.state.d.next = Commanding::End;
                }
            }
            Commanding::End => {
                self.ends.next = !self.speaks.val() | self.m_axis_outcome.ready.val();
                if self.ends.val() {
                    self.state.d.next = Commanding::Idle;
                }
            }
        }

        // Tables.
        self.write_valid.next = self.writes.q.val();
        self.write.next.target = self.target.q.val();
        self.write.next.index = self.index.q.val();
        self.write.next.row = self.row.row.val();

        // Counters: a clear is asked for here, reads by the dump.
        self.m_axis_counter.valid.next = self.dump.m_axis_request.valid.val() | (self.state.q.val() == Commanding::Clear);
        self.m_axis_counter.data.next = self.dump.m_axis_request.data.val();
        if self.state.q.val() == Commanding::Clear {
            self.m_axis_counter.data.next.entry = self.index.q.val().get_bits::<ENTRY_REF_BITS>(0);
            self.m_axis_counter.data.next.clear = true;
        }
        self.dump.m_axis_request.ready.next = self.m_axis_counter.ready.val();
        self.dump.reply_valid.next = self.counter_reply_valid.val();
        self.dump.reply.next = self.counter_reply.val();
        self.dump.record_done.next = self.record_done.val();
        self.dump.write_done.next = self.write_done.val();
        StreamSource::<WriteRequest>::link(&mut self.m_axis, &mut self.dump.m_axis);
        StreamSource::<WriteBeat>::link(&mut self.m_axis_beat, &mut self.dump.m_axis_beat);

        // The end.
        self.m_axis_outcome.valid.next = (self.state.q.val() == Commanding::End) & self.speaks.val();
        self.m_axis_outcome.data.next.status = self.outcome.q.val();
        self.m_axis_outcome.data.next.port = 0.into();
        self.m_axis_outcome.data.next.reason = 0.into();
        self.m_axis_outcome.data.next.cookie = self.head.q.val().get_bits::<32>(32);
        self.m_axis_outcome.data.next.length = bit_cast::<32, ENTRY_REF_BITS>(self.records.q.val());
        self.m_axis_outcome.data.next.entry = 0.into();
        self.m_axis_outcome.data.next.hit = false;
        self.retired.next = self.ends.val();
        self.bus_error.next = self.ends.val() & (self.outcome.q.val() == self.bus_status.val());
        self.wanted.next = self.running.val() & (self.state.q.val() == Commanding::Idle);
        self.idle.next = self.state.q.val() == Commanding::Idle;

        if !self.running.val() {
            self.due.d.next = 0.into();
        }
        if self.reset.val() {
            self.state.d.next = Commanding::Idle;
            self.writes.d.next = false;
            self.due.d.next = 0.into();
        }
    }
}
