//! Checks a command against the card's geometry.
//!
//! ```text
//!  opcode, part, index, count, due, due_index -->[ Check ]--> status
//! ```
//! Latency 2 clocks; follows its inputs all the time.
//!
//! # Contract
//! - `status` is the first of `BadOpcode`, `BadIndex`, `BadLength` that applies, or `Ok`. `part` is looked at for an entry write, `count`
//!   (payload word 1) for a read of counters only.
//! - An entry write is a `BadOpcode` for a part that entries of its family do not have, and for one but part 0 that is not `due` of
//!   `due_index`.
//! - An entry and all that a read counts from it are within its family's array.

use fpgaflow_abi::descriptor::{Opcode, Status, entry_parts};
use fpgaflow_abi::geometry::Geometry;
use fpgaflow_abi::key::Family;
use fpgaflow_abi::slot::{ENTRY_REF_BITS, ENTRY_REF_FAMILY, EntryRef};

use crate::host::types::STATUS_BITS;
use crate::prelude::*;

/// Bits of an index without its family.
const PLACE_BITS: usize = ENTRY_REF_FAMILY.lsb;

/// Bits of an index plus a count, of [`ENTRY_REF_BITS`] at most.
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
    /// Part of an entry that goes on, 0 for none.
    pub due: Signal<In, Bits<8>>,
    /// Whose.
    pub due_index: Signal<In, Bits<32>>,
    /// What is wrong.
    pub status: Signal<Out, Bits<STATUS_BITS>>,
    known_s1: DFF<Bit>,
    part_s1: DFF<Bit>,
    order_s1: DFF<Bit>,
    place_s1: DFF<Bits<32>>,
    indexed_s1: DFF<Bit>,
    counted_s1: DFF<Bit>,
    limit_s1: DFF<Bits<32>>,
    is_v6: Signal<Local, Bit>,
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
    entries_v4: Constant<Bits<32>>,
    entries_v6: Constant<Bits<32>>,
    next_hops: Constant<Bits<32>>,
    /// All bits of an index but its family.
    but_family: Constant<Bits<32>>,
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
    /// When the geometry has no entries of either family, or more than a reference names.
    pub fn new(geometry: &Geometry) -> Self {
        assert!(geometry.entries_v4 > 0 || geometry.entries_v6 > 0, "Check: a card without entries of either family");
        for (family, entries) in [("IPv4", geometry.entries_v4), ("IPv6", geometry.entries_v6)] {
            assert!(entries <= 1 << PLACE_BITS, "Check: {entries} {family} entries are more than {PLACE_BITS} bits name");
        }
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
            due: Signal::default(),
            due_index: Signal::default(),
            status: Signal::default(),
            known_s1: DFF::default(),
            part_s1: DFF::default(),
            order_s1: DFF::default(),
            place_s1: DFF::default(),
            indexed_s1: DFF::default(),
            counted_s1: DFF::default(),
            limit_s1: DFF::default(),
            is_v6: Signal::default(),
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
            entries_v4: limit(geometry.entries_v4),
            entries_v6: limit(geometry.entries_v6),
            next_hops: limit(geometry.next_hops),
            but_family: limit(!EntryRef::new().with_v6(true).into_bits()),
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
        dff_setup!(
            self, clock, known_s1, part_s1, order_s1, place_s1, indexed_s1, counted_s1, limit_s1, end_s1, huge_s1, none_s1
        );
        dff_setup!(self, clock, bad_opcode_s2, bad_index_s2, bad_length_s2);

        // s1: what the opcode asks of the rest.
        self.known_s1.d.next = self.opcode.val() <= self.opcodes.val();
        for family in ENTRY_REF_FAMILY.lsb..(ENTRY_REF_FAMILY.lsb + 1) {
            self.is_v6.next = self.index.val().get_bit(family);
        }
        self.parts.next = self.parts_v4.val();
        if self.is_v6.val() {
            self.parts.next = self.parts_v6.val();
        }
        self.part_s1.d.next = (self.opcode.val() != self.write_entry.val()) | (self.part.val() < self.parts.val());
        self.order_s1.d.next = ((self.opcode.val() != self.write_entry.val()) | !self.part.val().any())
            | ((self.part.val() == self.due.val()) & (self.index.val() == self.due_index.val()));
        self.counted_s1.d.next = self.opcode.val() == self.read_counters.val();
        self.indexed_s1.d.next = true;
        self.place_s1.d.next = self.index.val() & self.but_family.val();
        self.limit_s1.d.next = self.entries_v4.val();
        if self.is_v6.val() {
            self.limit_s1.d.next = self.entries_v6.val();
        }
        if self.opcode.val() == self.write_slot.val() {
            self.limit_s1.d.next = self.slots.val();
            self.place_s1.d.next = self.index.val();
        } else if self.opcode.val() == self.write_stash.val() {
            self.limit_s1.d.next = self.stash.val();
            self.place_s1.d.next = self.index.val();
        } else if self.opcode.val() == self.write_next_hop.val() {
            self.limit_s1.d.next = self.next_hops.val();
            self.place_s1.d.next = self.index.val();
        } else if (self.opcode.val() != self.write_entry.val())
            & (self.opcode.val() != self.read_counters.val())
            & (self.opcode.val() != self.clear_counters.val())
        {
            self.indexed_s1.d.next = false;
        }
        self.end_s1.d.next = bit_cast::<END_BITS, PLACE_BITS>(self.index.val().get_bits::<PLACE_BITS>(0))
            + bit_cast::<END_BITS, 64>(self.count.val());
        for at in ENTRY_REF_BITS..(ENTRY_REF_BITS + 1) {
            self.huge_s1.d.next = self.count.val().get_bits::<COUNT_HIGH_BITS>(at).any();
        }
        self.none_s1.d.next = !self.count.val().any();

        // s2: whether it holds. `end_s1` is looked at when no part of the count above `ENTRY_REF_BITS` is set, so the sum did not wrap.
        self.past_end.next = self.counted_s1.q.val()
            & (self.huge_s1.q.val() | (bit_cast::<32, END_BITS>(self.end_s1.q.val()) > self.limit_s1.q.val()));
        self.bad_opcode_s2.d.next = !self.known_s1.q.val() | (!self.part_s1.q.val() | !self.order_s1.q.val());
        self.bad_index_s2.d.next =
            self.indexed_s1.q.val() & ((self.place_s1.q.val() >= self.limit_s1.q.val()) | self.past_end.val());
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
