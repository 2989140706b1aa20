//! The store of one port: words go in provisionally, and the head of the frame that is next is there in one piece.
//!
//! ```text
//!                                    .--------- around -----------.
//!                      +---------+   |   +-----+   +----+         v   +----+   +---+---+-----+
//!  push, data, last -->| RxStore |   '-->| RAM |-->| s1 |------------>|last| … | 2 | 1 | 0   |--> m_axis
//!  commit, rollback -->|         |       +-----+   +----+             +----+   +---+---+-----+--> head_valid, head
//!                      +---------+--> space                           `------- SLOTS ------'
//! ```
//! Latency [`RxStore::LATENCY`] clock from a frame's `commit` to its first beat and its head, when nothing is before it, whatever its
//! length. A beat a clock in and out at once. `m_axis_data`, `m_axis_last` and `head` come from flip-flops, the valid bits from a few.
//!
//! # Contract
//! - `commit` lets all beats pushed so far leave, the one pushed in the same clock included; it comes with a frame's last beat.
//!   `rollback` forgets all beats pushed since the last commit, the one pushed in the same clock included. Not both at once.
//! - Nothing is pushed when `space` was 0; `space` counts the words that are free in the RAM.
//! - Beats leave in the order they were pushed; none is lost or repeated.
//! - `head_valid` says that `m_axis` is at a beat and that the slots hold it and the beats behind it: as many as the slots take, or up to
//!   its frame's last. At a frame's first beat `head` is then the frame's first `SLOTS` beats; beats that the frame does not have are not
//!   defined.
//!
//! # How
//! Beats do not wait for their commit in front of the slots, but in them: the head is collected while the frame still comes in. Each
//! slot, and s1 behind the RAM, knows whether what it holds is provisional, which keeps it from leaving, and which a rollback empties.
//! A beat enters at the first slot that is free, so there is never a gap between slots: a frame shorter than they are does not have to
//! walk through them. When the first beat leaves, all move up. A beat that finds no other before it on its way goes around the RAM.
//! What was taken from the RAM provisionally is forgotten by setting the read pointer back.

use std::array;

use super::JoinBeats;
use crate::prelude::*;
use crate::records::BeatSource;

/// Beats of `W` bits, `2^AW` of them in the RAM and `SLOTS` in view. `L` is `W + 1`, `CAT` is `SLOTS * W`, `CW` is `AW + 1`.
#[derive(LogicBlock)]
pub struct RxStore<const W: usize, const L: usize, const SLOTS: usize, const CAT: usize, const AW: usize, const CW: usize> {
    /// The block's clock.
    pub clock: Signal<In, Clock>,
    /// Synchronous, active high; forgets all beats.
    pub reset: Signal<In, Bit>,
    /// A beat goes in.
    pub push: Signal<In, Bit>,
    /// The beat.
    pub data: Signal<In, Bits<W>>,
    /// It is the last of its frame.
    pub last: Signal<In, Bit>,
    /// Let the pushed beats leave.
    pub commit: Signal<In, Bit>,
    /// Forget the beats pushed since the last commit.
    pub rollback: Signal<In, Bit>,
    /// Committed beats.
    pub m_axis: BeatSource<W>,
    /// `head` is complete.
    pub head_valid: Signal<Out, Bit>,
    /// The beat of `m_axis` and those behind it.
    pub head: Signal<Out, Bits<CAT>>,
    /// Beats that can be pushed.
    pub space: Signal<Out, Bits<CW>>,

    // Pointers into the RAM have one bit more than an address: equal means empty.
    pushed: DFF<Bits<CW>>,
    committed: DFF<Bits<CW>>,
    taken: DFF<Bits<CW>>,
    // `taken` is beyond `committed`.
    ahead: DFF<Bit>,
    pushed_next: Signal<Local, Bits<CW>>,
    used: Signal<Local, Bits<CW>>,
    memory: Memory<Bits<L>, AW>,
    word: Signal<Local, Bits<L>>,
    // The RAM is not empty.
    stored: DFF<Bit>,
    taken_next: Signal<Local, Bits<CW>>,
    take: Signal<Local, Bit>,
    take_provisional: Signal<Local, Bit>,
    to_s1: Signal<Local, Bit>,
    to_slot: Signal<Local, Bit>,
    store: Signal<Local, Bit>,

    // s1 is in the RAM's output register or, if it went around, in `data_s1` and `last_s1`.
    valid_s1: DFF<Bit>,
    provisional_s1: DFF<Bit>,
    is_around_s1: DFF<Bit>,
    data_s1: DFF<Bits<W>>,
    last_s1: DFF<Bit>,

    // A bit a slot: as vectors, whole ones are computed at once in a simulator.
    slot_valid: DFF<Bits<SLOTS>>,
    slot_provisional: DFF<Bits<SLOTS>>,
    slot_last: DFF<Bits<SLOTS>>,
    slot_data: [DFF<Bits<W>>; SLOTS],
    // Slots move up, there is room behind them, a beat enters: which, and where.
    shift: Signal<Local, Bit>,
    room: Signal<Local, Bit>,
    enter: Signal<Local, Bit>,
    entry_data: Signal<Local, Bits<W>>,
    entry_last: Signal<Local, Bit>,
    entry_provisional: Signal<Local, Bit>,
    enters_at: Signal<Local, Bits<SLOTS>>,
    next_valid: Signal<Local, Bits<SLOTS>>,
    next_provisional: Signal<Local, Bits<SLOTS>>,
    next_last: Signal<Local, Bits<SLOTS>>,
    advance_s1: Signal<Local, Bit>,
    shown: Signal<Local, Bit>,
    complete: Signal<Local, Bit>,
    beside: JoinBeats<W, SLOTS, CAT>,

    one: Constant<Bits<CW>>,
    depth: Constant<Bits<CW>>,
    // A one in the place of each slot: of a vector of one bit, Verilog has no bit.
    slots: [Constant<Bits<SLOTS>>; SLOTS],
}

impl<const W: usize, const L: usize, const SLOTS: usize, const CAT: usize, const AW: usize, const CW: usize>
    RxStore<W, L, SLOTS, CAT, AW, CW>
{
    /// Clocks from a commit to the frame's first beat.
    pub const LATENCY: usize = 1;
}

impl<const W: usize, const L: usize, const SLOTS: usize, const CAT: usize, const AW: usize, const CW: usize> Default
    for RxStore<W, L, SLOTS, CAT, AW, CW>
{
    fn default() -> Self {
        assert!(L == W + 1, "RxStore: words of {L} bits do not hold beats of {W} bits and a bit");
        assert!(CW == AW + 1, "RxStore: count width {CW} is not address width {AW} + 1");
        Self {
            clock: Signal::default(),
            reset: Signal::default(),
            push: Signal::default(),
            data: Signal::default(),
            last: Signal::default(),
            commit: Signal::default(),
            rollback: Signal::default(),
            m_axis: BeatSource::default(),
            head_valid: Signal::default(),
            head: Signal::default(),
            space: Signal::default(),
            pushed: DFF::default(),
            committed: DFF::default(),
            taken: DFF::default(),
            ahead: DFF::default(),
            pushed_next: Signal::default(),
            used: Signal::default(),
            memory: Memory::default(),
            word: Signal::default(),
            stored: DFF::default(),
            taken_next: Signal::default(),
            take: Signal::default(),
            take_provisional: Signal::default(),
            to_s1: Signal::default(),
            to_slot: Signal::default(),
            store: Signal::default(),
            valid_s1: DFF::default(),
            provisional_s1: DFF::default(),
            is_around_s1: DFF::default(),
            data_s1: DFF::default(),
            last_s1: DFF::default(),
            slot_valid: DFF::default(),
            slot_provisional: DFF::default(),
            slot_last: DFF::default(),
            slot_data: array::from_fn(|_| DFF::default()),
            shift: Signal::default(),
            room: Signal::default(),
            enter: Signal::default(),
            entry_data: Signal::default(),
            entry_last: Signal::default(),
            entry_provisional: Signal::default(),
            enters_at: Signal::default(),
            next_valid: Signal::default(),
            next_provisional: Signal::default(),
            next_last: Signal::default(),
            advance_s1: Signal::default(),
            shown: Signal::default(),
            complete: Signal::default(),
            beside: JoinBeats::default(),
            one: Constant::new(1_u64.into()),
            depth: Constant::new((1_u64 << AW).into()),
            slots: array::from_fn(|i| Constant::new(Bits::<SLOTS>::default().replace_bit(i, true))),
        }
    }
}

impl<const W: usize, const L: usize, const SLOTS: usize, const CAT: usize, const AW: usize, const CW: usize> Logic
    for RxStore<W, L, SLOTS, CAT, AW, CW>
{
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, pushed, committed, taken, ahead, stored);
        dff_setup!(self, clock, valid_s1, provisional_s1, is_around_s1, data_s1, last_s1);
        dff_setup!(self, clock, slot_valid, slot_provisional, slot_last);
        for i in 0..SLOTS {
            self.slot_data[i].clock.next = self.clock.val();
            self.slot_data[i].d.next = self.slot_data[i].q.val();
        }

        // Backwards from the output.
        self.shown.next = (self.slot_valid.q.val() & !self.slot_provisional.q.val() & self.slots[0].val()).any();
        self.shift.next = self.shown.val() & self.m_axis.ready.val();
        for i in SLOTS..(SLOTS + 1) {
            self.room.next = !(self.slot_valid.q.val() & self.slots[i - 1].val()).any() | self.shift.val();
        }
        self.advance_s1.next = !self.valid_s1.q.val() | self.room.val();

        // Where the beat goes that comes in: to the furthest place with nothing before it on its way.
        self.take.next = self.stored.q.val() & self.advance_s1.val();
        self.to_slot.next = !self.stored.q.val() & !self.valid_s1.q.val() & self.room.val();
        self.to_s1.next = !self.stored.q.val() & self.advance_s1.val() & !self.to_slot.val();
        self.store.next = self.push.val() & !self.to_slot.val() & !self.to_s1.val();

        // The RAM.
        self.word.next = bit_cast::<L, W>(self.data.val());
        self.memory.clock.next = self.clock.val();
        self.memory.wen.next = self.store.val();
        self.memory.waddr.next = bit_cast::<AW, CW>(self.pushed.q.val());
        for at in W..(W + 1) {
            self.memory.wdata.next = self.word.val().replace_bit(at, self.last.val());
        }
        self.memory.ren.next = self.take.val();
        self.memory.raddr.next = bit_cast::<AW, CW>(self.taken.q.val());
        self.pushed_next.next = self.pushed.q.val();
        if self.store.val() {
            self.pushed_next.next = self.pushed.q.val() + self.one.val();
        }
        self.pushed.d.next = self.pushed_next.val();
        self.taken_next.next = self.taken.q.val() + self.one.val();
        if self.store.val() {
            self.stored.d.next = true;
        } else if self.take.val() {
            self.stored.d.next = self.pushed.q.val() != self.taken_next.val();
        }
        if self.take.val() {
            self.taken.d.next = self.taken_next.val();
        }
        self.take_provisional.next = self.ahead.q.val() | (self.taken.q.val() == self.committed.q.val());
        if self.take.val() & self.take_provisional.val() {
            self.ahead.d.next = true;
        }
        if self.commit.val() {
            self.committed.d.next = self.pushed_next.val();
            self.ahead.d.next = false;
        }
        if self.rollback.val() {
            self.pushed.d.next = self.committed.q.val();
            self.ahead.d.next = false;
            if self.take_provisional.val() {
                self.taken.d.next = self.committed.q.val();
            }
            self.stored.d.next =
                !self.take_provisional.val() & (!self.take.val() | (self.committed.q.val() != self.taken_next.val()));
        }
        self.used.next = self.pushed.q.val() - self.taken.q.val();
        self.space.next = self.depth.val() - self.used.val();

        // s1: what stays, or what comes.
        self.valid_s1.d.next = self.valid_s1.q.val() & !(self.provisional_s1.q.val() & self.rollback.val());
        self.provisional_s1.d.next = self.provisional_s1.q.val() & !self.commit.val();
        if self.advance_s1.val() {
            self.is_around_s1.d.next = self.to_s1.val();
            if self.to_s1.val() {
                self.data_s1.d.next = self.data.val();
                self.last_s1.d.next = self.last.val();
                self.valid_s1.d.next = self.push.val() & !self.rollback.val();
                self.provisional_s1.d.next = !self.commit.val();
            } else {
                self.valid_s1.d.next = self.take.val() & !(self.take_provisional.val() & self.rollback.val());
                self.provisional_s1.d.next = self.take_provisional.val() & !self.commit.val();
            }
        }

        // What enters the slots.
        self.enter.next = (self.valid_s1.q.val() & self.room.val()) | (self.to_slot.val() & self.push.val());
        self.entry_provisional.next = !self.valid_s1.q.val() | self.provisional_s1.q.val();
        if !self.valid_s1.q.val() {
            self.entry_data.next = self.data.val();
            self.entry_last.next = self.last.val();
        } else if self.is_around_s1.q.val() {
            self.entry_data.next = self.data_s1.q.val();
            self.entry_last.next = self.last_s1.q.val();
        } else {
            self.entry_data.next = self.memory.rdata.val().get_bits::<W>(0);
            for at in W..(W + 1) {
                self.entry_last.next = self.memory.rdata.val().get_bit(at);
            }
        }

        // The slots: what stays, or what moves up; behind the last of them, what enters.
        self.next_valid.next = self.slot_valid.q.val();
        self.next_provisional.next = self.slot_provisional.q.val();
        self.next_last.next = self.slot_last.q.val();
        self.enters_at.next = !self.slot_valid.q.val() & ((self.slot_valid.q.val() << 1) | self.slots[0].val());
        if self.shift.val() {
            self.next_valid.next = self.slot_valid.q.val() >> 1;
            self.next_provisional.next = self.slot_provisional.q.val() >> 1;
            self.next_last.next = self.slot_last.q.val() >> 1;
            self.enters_at.next = self.slot_valid.q.val() & !(self.slot_valid.q.val() >> 1);
            for i in 1..SLOTS {
                self.slot_data[i - 1].d.next = self.slot_data[i].q.val();
            }
        }
        if self.enter.val() {
            self.next_valid.next = self.next_valid.val() | self.enters_at.val();
            if self.entry_provisional.val() {
                self.next_provisional.next = self.next_provisional.val() | self.enters_at.val();
            } else {
                self.next_provisional.next = self.next_provisional.val() & !self.enters_at.val();
            }
            if self.entry_last.val() {
                self.next_last.next = self.next_last.val() | self.enters_at.val();
            } else {
                self.next_last.next = self.next_last.val() & !self.enters_at.val();
            }
            for i in 0..SLOTS {
                if (self.enters_at.val() & self.slots[i].val()).any() {
                    self.slot_data[i].d.next = self.entry_data.val();
                }
            }
        }
        self.slot_valid.d.next = self.next_valid.val();
        if self.rollback.val() {
            self.slot_valid.d.next = self.next_valid.val() & !self.next_provisional.val();
        }
        self.slot_provisional.d.next = self.next_provisional.val();
        if self.commit.val() {
            self.slot_provisional.d.next = 0.into();
        }
        self.slot_last.d.next = self.next_last.val();

        // The head: the slots up to a last beat, or all of them.
        self.complete.next = (self.slot_valid.q.val() & self.slot_last.q.val()).any();
        for i in 0..SLOTS {
            self.beside.beats[i].next = self.slot_data[i].q.val();
        }
        for i in SLOTS..(SLOTS + 1) {
            self.complete.next = self.complete.val() | (self.slot_valid.q.val() & self.slots[i - 1].val()).any();
        }
        self.head_valid.next = self.shown.val() & self.complete.val();
        self.head.next = self.beside.joined.val();
        self.m_axis.data.next = self.slot_data[0].q.val();
        self.m_axis.last.next = (self.slot_last.q.val() & self.slots[0].val()).any();
        self.m_axis.valid.next = self.shown.val();

        if self.reset.val() {
            self.pushed.d.next = 0.into();
            self.committed.d.next = 0.into();
            self.taken.d.next = 0.into();
            self.ahead.d.next = false;
            self.stored.d.next = false;
            self.valid_s1.d.next = false;
            self.slot_valid.d.next = 0.into();
        }
    }
}
