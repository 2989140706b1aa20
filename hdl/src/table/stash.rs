//! The stash: a few slots that hold any key, found by the whole hash.
//!
//! ```text
//!                        +-------+
//!  hash_valid, hash ---->| Stash |--> matched, entry
//!  write_valid, write -->|       |
//!                        +-------+
//! ```
//! Latency [`LATENCY`] clocks, one hash a clock: as long as [`SlotBanks`](super::SlotBanks) takes. A stash write in the clock of
//! the hash or before is seen, exactly as a slot write is there, so a flow can move between the two under traffic. `matched` and
//! `entry` come from flip-flops; they are not defined three clocks after a clock without a hash.
//!
//! `REF` bits of an entry reference are stored ([`NarrowRef`]). Each slot is a [`StashCell`]. Two that match (a move within the stash) give the bitwise or of their entries: the same one.

use std::array;

use fpgaflow_abi::hash::HASH_BITS;
use fpgaflow_abi::slot::{ENTRY_REF_BITS, SLOT_ENTRY, SLOT_VALID, STASH_HASH};

use super::entry_ref::NarrowRef;
use crate::prelude::*;
use crate::records::{TableWrite, WRITE_ROW_BITS, WriteTarget};

/// Clocks from hash to `matched` and `entry`.
pub const LATENCY: usize = 3;
/// Parts of a hash that are compared by themselves.
const PARTS: usize = 4;
/// Bits of each.
const PART_BITS: usize = HASH_BITS / PARTS;
/// Bits that a stash slot's number may have.
const NUMBER_BITS: usize = 5;

const _: () = assert!(PARTS * PART_BITS == HASH_BITS);
const _: () = assert!(LATENCY == super::slots::LATENCY);

/// One stash slot and its comparison, two clocks from `hash` to `matched`.
#[derive(LogicBlock)]
pub struct StashCell<const REF: usize> {
    /// The block's clock.
    pub clock: Signal<In, Clock>,
    /// There is a hash in this clock.
    pub hash_valid: Signal<In, Bit>,
    /// Hash to compare.
    pub hash: Signal<In, Bits<HASH_BITS>>,
    /// Take the slot that is written.
    pub wen: Signal<In, Bit>,
    /// Hash of the key it holds.
    pub whash: Signal<In, Bits<HASH_BITS>>,
    /// It holds one.
    pub wlive: Signal<In, Bit>,
    /// Its entry.
    pub wentry: Signal<In, Bits<REF>>,
    /// The slot holds the hash of two clocks ago; one LUT behind flip-flops.
    pub matched: Signal<Out, Bit>,
    /// Its entry; 0 unless `matched`.
    pub entry: Signal<Out, Bits<REF>>,

    held: DFF<Bits<HASH_BITS>>,
    live: DFF<Bit>,
    // The entry is looked at one clock after the hash, so it is written one clock after it: a match never meets the entry of the
    // slot's next owner.
    wen_s1: DFF<Bit>,
    wentry_s1: DFF<Bits<REF>>,
    held_entry: DFF<Bits<REF>>,
    hash_valid_s1: DFF<Bit>,
    hash_s1: DFF<Bits<HASH_BITS>>,
    live_s2: DFF<Bit>,
    same_s2: [DFF<Bit>; PARTS],
    all_same: Signal<Local, Bit>,
}

impl<const REF: usize> Default for StashCell<REF> {
    fn default() -> Self {
        Self {
            clock: Signal::default(),
            hash_valid: Signal::default(),
            hash: Signal::default(),
            wen: Signal::default(),
            whash: Signal::default(),
            wlive: Signal::default(),
            wentry: Signal::default(),
            matched: Signal::default(),
            entry: Signal::default(),
            held: DFF::default(),
            live: DFF::default(),
            wen_s1: DFF::default(),
            wentry_s1: DFF::default(),
            held_entry: DFF::default(),
            hash_valid_s1: DFF::default(),
            hash_s1: DFF::default(),
            live_s2: DFF::default(),
            same_s2: array::from_fn(|_| DFF::default()),
            all_same: Signal::default(),
        }
    }
}

impl<const REF: usize> Logic for StashCell<REF> {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, held, live, wen_s1, wentry_s1, held_entry, hash_valid_s1, hash_s1, live_s2);
        if self.wen.val() {
            self.held.d.next = self.whash.val();
            self.live.d.next = self.wlive.val();
        }
        self.wen_s1.d.next = self.wen.val();
        self.wentry_s1.d.next = self.wentry.val();
        if self.wen_s1.q.val() {
            self.held_entry.d.next = self.wentry_s1.q.val();
        }

        self.hash_valid_s1.d.next = self.hash_valid.val();
        if self.hash_valid.val() {
            self.hash_s1.d.next = self.hash.val();
        }
        for i in 0..4 {
            self.same_s2[i].clock.next = self.clock.val();
            self.same_s2[i].d.next = self.same_s2[i].q.val();
        }
        if self.hash_valid_s1.q.val() {
            self.live_s2.d.next = self.live.q.val();
            for i in 0..4 {
                for part in PART_BITS..(PART_BITS + 1) {
                    self.same_s2[i].d.next =
                        self.hash_s1.q.val().get_bits::<PART_BITS>(i * part) == self.held.q.val().get_bits::<PART_BITS>(i * part);
                }
            }
        }
        self.all_same.next = self.live_s2.q.val()
            & (self.same_s2[0].q.val() & self.same_s2[1].q.val())
            & (self.same_s2[2].q.val() & self.same_s2[3].q.val());
        self.matched.next = self.all_same.val();
        self.entry.next = 0.into();
        if self.all_same.val() {
            self.entry.next = self.held_entry.q.val();
        }
    }
}

/// `STASH` slots, 1 to 32.
#[derive(LogicBlock)]
pub struct Stash<const REF: usize, const STASH: usize> {
    /// The block's clock.
    pub clock: Signal<In, Clock>,
    /// There is a hash in this clock.
    pub hash_valid: Signal<In, Bit>,
    /// Hash to look for.
    pub hash: Signal<In, Bits<HASH_BITS>>,
    /// There is a table write in this clock.
    pub write_valid: Signal<In, Bit>,
    /// The write; ignored unless it is of a stash slot.
    pub write: Signal<In, TableWrite>,
    /// A stash slot holds the hash.
    pub matched: Signal<Out, Bit>,
    /// The entry it names; 0 without a match.
    pub entry: Signal<Out, Bits<REF>>,

    hash_mask: Constant<Bits<HASH_BITS>>,
    stash_target: Constant<Bits<2>>,
    is_stash: Signal<Local, Bit>,
    index: Signal<Local, Bits<32>>,
    row: Signal<Local, Bits<WRITE_ROW_BITS>>,
    new_entry: NarrowRef<REF>,
    cells: [StashCell<REF>; STASH],
    any: Signal<Local, Bit>,
    which: Signal<Local, Bits<REF>>,
    matched_s3: DFF<Bit>,
    entry_s3: DFF<Bits<REF>>,
}

impl<const REF: usize, const STASH: usize> Default for Stash<REF, STASH> {
    fn default() -> Self {
        Self::new(HASH_BITS)
    }
}

impl<const REF: usize, const STASH: usize> Stash<REF, STASH> {
    /// For hashes of `hash_bits`; those above are not compared.
    ///
    /// # Panics
    /// When there cannot be as many slots.
    pub fn new(hash_bits: usize) -> Self {
        assert!((1..=1 << NUMBER_BITS).contains(&STASH), "Stash: {STASH} slots are not in 1..={}", 1 << NUMBER_BITS);
        Self {
            clock: Signal::default(),
            hash_valid: Signal::default(),
            hash: Signal::default(),
            write_valid: Signal::default(),
            write: Signal::default(),
            matched: Signal::default(),
            entry: Signal::default(),
            hash_mask: Constant::new(((1_u64 << hash_bits) - 1).into()),
            stash_target: Constant::new((WriteTarget::Stash as u64).into()),
            is_stash: Signal::default(),
            index: Signal::default(),
            row: Signal::default(),
            new_entry: NarrowRef::default(),
            cells: array::from_fn(|_| StashCell::default()),
            any: Signal::default(),
            which: Signal::default(),
            matched_s3: DFF::default(),
            entry_s3: DFF::default(),
        }
    }
}

impl<const REF: usize, const STASH: usize> Logic for Stash<REF, STASH> {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, matched_s3, entry_s3);
        self.is_stash.next = self.write_valid.val() & (self.write.val().target == self.stash_target.val());
        self.index.next = self.write.val().index;
        self.row.next = self.write.val().row;
        for at in SLOT_ENTRY.lsb..(SLOT_ENTRY.lsb + 1) {
            self.new_entry.entry.next = self.row.val().get_bits::<ENTRY_REF_BITS>(at);
        }
        for i in 0..STASH {
            self.cells[i].clock.next = self.clock.val();
            self.cells[i].hash_valid.next = self.hash_valid.val();
            self.cells[i].hash.next = self.hash.val() & self.hash_mask.val();
            self.cells[i].wen.next = self.is_stash.val() & (self.index.val().get_bits::<NUMBER_BITS>(0).index() == i);
            for at in STASH_HASH.lsb..(STASH_HASH.lsb + 1) {
                self.cells[i].whash.next = self.row.val().get_bits::<HASH_BITS>(at) & self.hash_mask.val();
            }
            for at in SLOT_VALID.lsb..(SLOT_VALID.lsb + 1) {
                self.cells[i].wlive.next = self.row.val().get_bit(at);
            }
            self.cells[i].wentry.next = self.new_entry.stored.val();
        }

        self.any.next = false;
        self.which.next = 0.into();
        for i in 0..STASH {
            self.any.next = self.any.val() | self.cells[i].matched.val();
            self.which.next = self.which.val() | self.cells[i].entry.val();
        }
        self.matched_s3.d.next = self.any.val();
        self.entry_s3.d.next = self.which.val();
        self.matched.next = self.matched_s3.q.val();
        self.entry.next = self.entry_s3.q.val();
    }
}
