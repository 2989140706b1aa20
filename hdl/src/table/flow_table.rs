//! The flow table put together, for IPv4 keys.
//!
//! ```text
//!                      +-----------+
//!  lookup_valid, key ->| FlowTable |--> answer_valid, answer
//!  secret ------------>|           |
//!  write_valid, write->|           |
//!                      +-----------+
//! ```
//! Latency [`LATENCY`] clocks, one lookup a clock, no stall. [The module above](super) says when a write counts.
//!
//! # Contract
//! - A match in the stash wins over slots. `hit` says that the entry read has the whole key and is valid; without it the rest of
//!   the answer is not defined.
//! - Tables are all zero, that is empty, after configuration. Reset forgets lookups on their way and leaves tables alone.
//!
//! Parameters: `BB` bits of a bucket number, `EW` bits of an entry index, `SLOT = EW + 17`, `STASH` slots in the stash.

use std::array;

use fpgaflow_abi::entry::{ACTION_V4, ENTRY_BITS_V4, NEXT_HOP_BITS};
use fpgaflow_abi::hash::HASH_BITS;
use fpgaflow_abi::key::KEY_BITS_V4;
use fpgaflow_abi::slot::ENTRY_REF_BITS;

use super::entries::{self, EntryArray};
use super::hash::KeyedHash;
use super::ring_delay::RingDelay;
use super::slots::{self, SlotBanks};
use super::stash::Stash;
use super::{ENTRY_READ, LATENCY, SLOT_READ};
use crate::prelude::*;
use crate::records::{self, FlowAction, TableWrite};

/// Bits of the secret that hashes of IPv4 keys use.
pub const SECRET_BITS_V4: usize = KEY_BITS_V4 + HASH_BITS - 1;
/// Bits of an entry above its key.
const ACTION_BITS: usize = ENTRY_BITS_V4 - KEY_BITS_V4;
/// Parts in which a key is compared.
const KEY_PARTS: usize = KEY_BITS_V4 / entries::PART_BITS;
/// Clock of the pick: slots and stash have answered, `entry_s6` takes it.
const PICK: usize = SLOT_READ + slots::LATENCY;
/// Clock of the comparison's end: `answer_s10` takes it.
const COMPARED: usize = ENTRY_READ + entries::LATENCY;
/// Clocks from the read of an entry to the moment its key is compared.
const KEY_WAITS: usize = ENTRY_READ + 2;

const _: () = assert!(PICK == 5 && ENTRY_READ == 6 && COMPARED == 9 && LATENCY == 10, "stages in names below");

// Fields of an entry's action, counted from the end of its key.
const DPORT: usize = ACTION_V4.dport.lsb - KEY_BITS_V4;
const SPORT: usize = ACTION_V4.sport.lsb - KEY_BITS_V4;
const DST: usize = ACTION_V4.dst.lsb - KEY_BITS_V4;
const SRC: usize = ACTION_V4.src.lsb - KEY_BITS_V4;
const NEXT_HOP: usize = ACTION_V4.next_hop.lsb - KEY_BITS_V4;
const VALID: usize = ACTION_V4.valid.lsb - KEY_BITS_V4;
const L3_DELTA: usize = ACTION_V4.l3_delta.lsb - KEY_BITS_V4;
const L4_DELTA: usize = ACTION_V4.l4_delta.lsb - KEY_BITS_V4;
const ADDRESS_BITS: usize = ACTION_V4.src.width;
const PORT_BITS: usize = ACTION_V4.sport.width;
const DELTA_BITS: usize = ACTION_V4.l3_delta.width;

/// Two banks of `2^BB` buckets, `STASH` stash slots, `2^EW` IPv4 entries.
#[derive(LogicBlock)]
pub struct FlowTable<const BB: usize, const EW: usize, const SLOT: usize, const STASH: usize> {
    /// The block's clock.
    pub clock: Signal<In, Clock>,
    /// Synchronous, active high.
    pub reset: Signal<In, Bit>,
    /// There is a key in this clock.
    pub lookup_valid: Signal<In, Bit>,
    /// The key, from a flip-flop.
    pub key: Signal<In, Bits<KEY_BITS_V4>>,
    /// The hash's secret; changed only while the driver expects misses.
    pub secret: Signal<In, Bits<SECRET_BITS_V4>>,
    /// There is a table write in this clock.
    pub write_valid: Signal<In, Bit>,
    /// The write; one of a next hop is ignored.
    pub write: Signal<In, TableWrite>,
    /// There is an answer in this clock.
    pub answer_valid: Signal<Out, Bit>,
    /// The answer.
    pub answer: Signal<Out, FlowAction>,

    /// `valid[i]` belongs to clock `i + 1`.
    valid: [DFF<Bit>; LATENCY],
    key_s8: RingDelay<Bits<KEY_BITS_V4>, KEY_WAITS>,
    hash: KeyedHash<KEY_BITS_V4, SECRET_BITS_V4>,
    slots: SlotBanks<BB, EW, SLOT>,
    stash: Stash<EW, STASH>,
    found_s6: DFF<Bit>,
    entry_s6: DFF<Bits<EW>>,
    entries: EntryArray<KEY_BITS_V4, KEY_PARTS, ACTION_BITS, ENTRY_BITS_V4, EW>,
    found_s9: Delay<Bit, { entries::LATENCY }>,
    entry_s9: Delay<Bits<EW>, { entries::LATENCY }>,
    src: Signal<Local, Bits<ADDRESS_BITS>>,
    dst: Signal<Local, Bits<ADDRESS_BITS>>,
    action_s9: Signal<Local, Bits<ACTION_BITS>>,
    answer_s10: DFF<FlowAction>,
}

impl<const BB: usize, const EW: usize, const SLOT: usize, const STASH: usize> Default for FlowTable<BB, EW, SLOT, STASH> {
    fn default() -> Self {
        assert!(EW < ENTRY_REF_BITS, "FlowTable: {EW} bits of entry index do not fit an entry reference");
        Self {
            clock: Signal::default(),
            reset: Signal::default(),
            lookup_valid: Signal::default(),
            key: Signal::default(),
            secret: Signal::default(),
            write_valid: Signal::default(),
            write: Signal::default(),
            answer_valid: Signal::default(),
            answer: Signal::default(),
            valid: array::from_fn(|_| DFF::default()),
            key_s8: RingDelay::default(),
            hash: KeyedHash::default(),
            slots: SlotBanks::default(),
            stash: Stash::default(),
            found_s6: DFF::default(),
            entry_s6: DFF::default(),
            entries: EntryArray::default(),
            found_s9: Delay::default(),
            entry_s9: Delay::default(),
            src: Signal::default(),
            dst: Signal::default(),
            action_s9: Signal::default(),
            answer_s10: DFF::default(),
        }
    }
}

impl<const BB: usize, const EW: usize, const SLOT: usize, const STASH: usize> Logic for FlowTable<BB, EW, SLOT, STASH> {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, found_s6, entry_s6, answer_s10);
        clock!(self, clock, key_s8, hash, slots, stash, entries, found_s9, entry_s9);

        // 0: what waits beside the lookup.
        for i in 0..LATENCY {
            self.valid[i].clock.next = self.clock.val();
        }
        self.valid[0].d.next = self.lookup_valid.val();
        for i in 1..LATENCY {
            self.valid[i].d.next = self.valid[i - 1].q.val();
        }
        self.key_s8.din.next = self.key.val();

        // 0 and 1: the hash.
        self.hash.key_valid.next = self.lookup_valid.val();
        self.hash.key.next = self.key.val();
        self.hash.secret.next = self.secret.val();

        // 2 to 5: slots and stash.
        self.slots.hash.next = self.hash.hash.val();
        self.slots.write_valid.next = self.write_valid.val();
        self.slots.write.next = self.write.val();
        self.stash.hash.next = self.hash.hash.val();
        self.stash.write_valid.next = self.write_valid.val();
        self.stash.write.next = self.write.val();
        self.found_s6.d.next = self.slots.matched.val() | self.stash.matched.val();
        self.entry_s6.d.next = self.slots.entry.val();
        if self.stash.matched.val() {
            self.entry_s6.d.next = self.stash.entry.val();
        }

        // 6 to 9: the entry.
        self.entries.index.next = self.entry_s6.q.val();
        self.entries.key_s2.next = self.key_s8.dout.val();
        self.entries.write_valid.next = self.write_valid.val();
        self.entries.write.next = self.write.val();
        self.found_s9.din.next = self.found_s6.q.val();
        self.entry_s9.din.next = self.entry_s6.q.val();

        // 9: the answer.
        self.action_s9.next = self.entries.action.val();
        for at in VALID..(VALID + 1) {
            self.answer_s10.d.next.hit = self.found_s9.dout.val() & (self.entries.same.val() & self.action_s9.val().get_bit(at));
        }
        self.answer_s10.d.next.entry = bit_cast::<ENTRY_REF_BITS, EW>(self.entry_s9.dout.val());
        for at in SRC..(SRC + 1) {
            self.src.next = self.action_s9.val().get_bits::<ADDRESS_BITS>(at);
            self.answer_s10.d.next.src = bit_cast::<{ records::ADDRESS_BITS }, ADDRESS_BITS>(self.src.val());
        }
        for at in DST..(DST + 1) {
            self.dst.next = self.action_s9.val().get_bits::<ADDRESS_BITS>(at);
            self.answer_s10.d.next.dst = bit_cast::<{ records::ADDRESS_BITS }, ADDRESS_BITS>(self.dst.val());
        }
        for at in SPORT..(SPORT + 1) {
            self.answer_s10.d.next.sport = self.action_s9.val().get_bits::<PORT_BITS>(at);
        }
        for at in DPORT..(DPORT + 1) {
            self.answer_s10.d.next.dport = self.action_s9.val().get_bits::<PORT_BITS>(at);
        }
        for at in NEXT_HOP..(NEXT_HOP + 1) {
            self.answer_s10.d.next.next_hop = self.action_s9.val().get_bits::<NEXT_HOP_BITS>(at);
        }
        for at in L3_DELTA..(L3_DELTA + 1) {
            self.answer_s10.d.next.l3_delta = self.action_s9.val().get_bits::<DELTA_BITS>(at);
        }
        for at in L4_DELTA..(L4_DELTA + 1) {
            self.answer_s10.d.next.l4_delta = self.action_s9.val().get_bits::<DELTA_BITS>(at);
        }

        // 10.
        for last in LATENCY..(LATENCY + 1) {
            self.answer_valid.next = self.valid[last - 1].q.val();
        }
        self.answer.next = self.answer_s10.q.val();
        if self.reset.val() {
            for i in 0..LATENCY {
                self.valid[i].d.next = false;
            }
        }
    }
}
