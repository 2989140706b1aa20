//! Checks a command against the card's geometry.
//!
//! ```text
//!  opcode, part, index, count -->[ Check ]--> status
//! ```
//! Latency 2 clocks; follows its inputs all the time.
//!
//! # Contract
//! `status` is the first of `BadOpcode`, `BadIndex`, `BadLength` that applies, or `Ok`. `part` is looked at for an entry write, `count`
//! (payload word 1) for a read of counters only.

use fpgaflow_abi::descriptor::{Opcode, Status, entry_parts};
use fpgaflow_abi::geometry::Geometry;
use fpgaflow_abi::key::Family;
use fpgaflow_abi::slot::{ENTRY_REF_BITS, EntryRef};

use crate::host::types::STATUS_BITS;
use crate::prelude::*;

/// Bits of an index plus a count, both of [`ENTRY_REF_BITS`].
const END_BITS: usize = ENTRY_REF_BITS + 1;

/// Bits of payload word 1 that no count has.
const COUNT_HIGH_BITS: usize = 64 - ENTRY_REF_BITS;

/// The block.
#[derive(LogicBlock)]
pub struct Check {
    /// The block's clock.
    pub clock: Signal<In, Clock>,
    /// `CommandHead::opcode`.
    pub opcode: Signal<In, Bits<8>>,
    /// `CommandHead::part`.
    pub part: Signal<In, Bits<8>>,
    /// `Command::index`.
    pub index: Signal<In, Bits<32>>,
    /// Payload word 1.
    pub count: Signal<In, Bits<64>>,
    /// What is wrong.
    pub status: Signal<Out, Bits<STATUS_BITS>>,
    known_s1: DFF<Bit>,
    part_s1: DFF<Bit>,
    indexed_s1: DFF<Bit>,
    counted_s1: DFF<Bit>,
    limit_s1: DFF<Bits<32>>,
    end_s1: DFF<Bits<END_BITS>>,
    huge_s1: DFF<Bit>,
    none_s1: DFF<Bit>,
    bad_opcode_s2: DFF<Bit>,
    bad_index_s2: DFF<Bit>,
    bad_length_s2: DFF<Bit>,
    past_end: Signal<Local, Bit>,
    parts: Signal<Local, Bits<8>>,
    opcodes: Constant<Bits<8>>,
    write_slot: Constant<Bits<8>>,
    write_stash: Constant<Bits<8>>,
    write_entry: Constant<Bits<8>>,
    write_next_hop: Constant<Bits<8>>,
    read_counters: Constant<Bits<8>>,
    clear_counters: Constant<Bits<8>>,
    slots: Constant<Bits<32>>,
    stash: Constant<Bits<32>>,
    entries: Constant<Bits<32>>,
    next_hops: Constant<Bits<32>>,
    /// Bit of an entry reference that names the IPv6 array.
    v6: Constant<Bits<32>>,
    parts_v4: Constant<Bits<8>>,
    parts_v6: Constant<Bits<8>>,
    bad_opcode: Constant<Bits<STATUS_BITS>>,
    bad_index: Constant<Bits<STATUS_BITS>>,
    bad_length: Constant<Bits<STATUS_BITS>>,
}

impl Check {
    /// For a card of this geometry.
    ///
    /// # Panics
    /// When the geometry has IPv6 entries: their rows need more payload than one command has, which is not built.
    pub fn new(geometry: &Geometry) -> Self {
        assert_eq!(geometry.entries_v6, 0, "Check: an IPv6 entry takes three commands, which are not put together yet");
        let opcode = |opcode: Opcode| Constant::new((opcode as u64).into());
        let status = |status: Status| Constant::new((status as u64).into());
        let limit = |limit: u32| Constant::new(u64::from(limit).into());
        let parts = |family: Family| Constant::new(u64::from(entry_parts(family)).into());
        Self {
            clock: Signal::default(),
            opcode: Signal::default(),
            part: Signal::default(),
            index: Signal::default(),
            count: Signal::default(),
            status: Signal::default(),
            known_s1: DFF::default(),
            part_s1: DFF::default(),
            indexed_s1: DFF::default(),
            counted_s1: DFF::default(),
            limit_s1: DFF::default(),
            end_s1: DFF::default(),
            huge_s1: DFF::default(),
            none_s1: DFF::default(),
            bad_opcode_s2: DFF::default(),
            bad_index_s2: DFF::default(),
            bad_length_s2: DFF::default(),
            past_end: Signal::default(),
            parts: Signal::default(),
            opcodes: opcode(Opcode::ClearCounters),
            write_slot: opcode(Opcode::WriteSlot),
            write_stash: opcode(Opcode::WriteStash),
            write_entry: opcode(Opcode::WriteEntry),
            write_next_hop: opcode(Opcode::WriteNextHop),
            read_counters: opcode(Opcode::ReadCounters),
            clear_counters: opcode(Opcode::ClearCounters),
            slots: limit(geometry.slots()),
            stash: limit(u32::from(geometry.stash)),
            entries: limit(geometry.entries_v4),
            next_hops: limit(geometry.next_hops),
            v6: limit(EntryRef::new().with_v6(true).into_bits()),
            parts_v4: parts(Family::V4),
            parts_v6: parts(Family::V6),
            bad_opcode: status(Status::BadOpcode),
            bad_index: status(Status::BadIndex),
            bad_length: status(Status::BadLength),
        }
    }
}

impl Logic for Check {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, known_s1, part_s1, indexed_s1, counted_s1, limit_s1, end_s1, huge_s1, none_s1);
        dff_setup!(self, clock, bad_opcode_s2, bad_index_s2, bad_length_s2);

        // s1: what the opcode asks of the rest.
        self.known_s1.d.next = self.opcode.val() <= self.opcodes.val();
        self.parts.next = self.parts_v4.val();
        if (self.index.val() & self.v6.val()).any() {
            self.parts.next = self.parts_v6.val();
        }
        self.part_s1.d.next = (self.opcode.val() != self.write_entry.val()) | (self.part.val() < self.parts.val());
        self.counted_s1.d.next = self.opcode.val() == self.read_counters.val();
        self.indexed_s1.d.next = true;
        self.limit_s1.d.next = self.entries.val();
        if self.opcode.val() == self.write_slot.val() {
            self.limit_s1.d.next = self.slots.val();
        } else if self.opcode.val() == self.write_stash.val() {
            self.limit_s1.d.next = self.stash.val();
        } else if self.opcode.val() == self.write_next_hop.val() {
            self.limit_s1.d.next = self.next_hops.val();
        } else if (self.opcode.val() != self.write_entry.val())
            & (self.opcode.val() != self.read_counters.val())
            & (self.opcode.val() != self.clear_counters.val())
        {
            self.indexed_s1.d.next = false;
        }
        self.end_s1.d.next = bit_cast::<END_BITS, 32>(self.index.val()) + bit_cast::<END_BITS, 64>(self.count.val());
        for at in ENTRY_REF_BITS..(ENTRY_REF_BITS + 1) {
            self.huge_s1.d.next = self.count.val().get_bits::<COUNT_HIGH_BITS>(at).any();
        }
        self.none_s1.d.next = !self.count.val().any();

        // s2: whether it holds. An index that is inside has no bits above `ENTRY_REF_BITS`, so the sum did not wrap.
        self.past_end.next = self.counted_s1.q.val()
            & (self.huge_s1.q.val() | (bit_cast::<32, END_BITS>(self.end_s1.q.val()) > self.limit_s1.q.val()));
        self.bad_opcode_s2.d.next = !self.known_s1.q.val() | !self.part_s1.q.val();
        self.bad_index_s2.d.next = self.indexed_s1.q.val() & ((self.index.val() >= self.limit_s1.q.val()) | self.past_end.val());
        self.bad_length_s2.d.next = self.counted_s1.q.val() & self.none_s1.q.val();
        self.status.next = 0.into();
        if self.bad_opcode_s2.q.val() {
            self.status.next = self.bad_opcode.val();
        } else if self.bad_index_s2.q.val() {
            self.status.next = self.bad_index.val();
        } else if self.bad_length_s2.q.val() {
            self.status.next = self.bad_length.val();
        }
    }
}
