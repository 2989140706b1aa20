//! Both banks of buckets: all eight slots of a key read at once, their tags compared, the matching one's entry picked.
//!
//! ```text
//!                        +-----------+
//!  hash_valid, hash ---->| SlotBanks |--> matched, entry
//!  write_valid, write -->|           |--> bad, bad_index
//!                        +-----------+
//! ```
//! Latency [`LATENCY`] clocks, one hash a clock. The slots are read in the clock of the hash, the same clock for all eight, and
//! a slot write in that clock or before is seen. All outputs are a few LUTs behind flip-flops; they are not defined
//! three clocks after a clock without a hash.
//!
//! A slot whose parity is wrong does not match: it is as if it were not there, but that `bad` says that it is. Of several `bad_index`
//! names one.
//!
//! Several matching slots give the bitwise or of their entries: during a move both name the same one. Keys whose tags meet in one
//! bucket are kept apart by the driver; of entries picked wrongly the comparison of the whole key makes a miss.
//!
//! Parameters: `BB` bits of a bucket number, `REF` bits of an entry reference as it is stored ([`NarrowRef`]), `SLOT = REF + 19`:
//! a stored slot is tag, valid, entry, parity.

use std::array;

use fpgaflow_abi::hash::{HASH_BITS, TAG_BITS};
use fpgaflow_abi::slot::{BANKS, ENTRY_REF_BITS, SLOT_ENTRY, SLOT_TAG, SLOT_VALID, WAYS};

use super::entry_ref::NarrowRef;
use crate::prelude::*;
use crate::prim::Pace;
use crate::records::{TableWrite, WriteTarget};

/// Clocks from hash to `matched` and `entry`.
pub const LATENCY: usize = 3;
/// Slots that one key may be in; slot `i` of them is in bank `i / WAYS`, way `i % WAYS`.
const PLACES: usize = BANKS * WAYS;
/// Low bits of a slot write's index that say which of the places; the bucket is above (`SlotPlace::index`).
const PLACE_BITS: usize = PLACES.trailing_zeros() as usize;
/// Valid bit of a stored slot.
const VALID: usize = TAG_BITS;
/// Lowest bit of a stored slot's entry.
const ENTRY: usize = TAG_BITS + 1;

const _: () = assert!(BANKS == 2 && WAYS == 4, "update() unrolls two banks of four ways");

/// `2^BB` buckets in each bank.
#[derive(LogicBlock)]
pub struct SlotBanks<const BB: usize, const REF: usize, const SLOT: usize> {
    /// The block's clock.
    pub clock: Signal<In, Clock>,
    /// There is a hash in this clock.
    pub hash_valid: Signal<In, Bit>,
    /// Hash to look for.
    pub hash: Signal<In, Bits<HASH_BITS>>,
    /// There is a table write in this clock.
    pub write_valid: Signal<In, Bit>,
    /// The write; ignored unless it is of a slot.
    pub write: Signal<In, TableWrite>,
    /// A slot has the hash's tag.
    pub matched: Signal<Out, Bit>,
    /// The entry it names; 0 without a match.
    pub entry: Signal<Out, Bits<REF>>,
    /// A slot that was read is bad.
    pub bad: Signal<Out, Bit>,
    /// Which, as `SlotPlace::index` has it.
    pub bad_index: Signal<Out, Bits<32>>,

    // Slot writes.
    slot_target: Constant<Bits<2>>,
    is_slot: Signal<Local, Bit>,
    index: Signal<Local, Bits<32>>,
    row: Signal<Local, TableWriteRow>,
    new_tag: Signal<Local, Bits<TAG_BITS>>,
    new_entry: NarrowRef<REF>,
    new_valid: Signal<Local, Bits<1>>,
    composed: Signal<Local, Bits<SLOT>>,
    parity: AddParity<SLOT>,

    // s0: read.
    tag_s0: Signal<Local, Bits<TAG_BITS>>,
    spread: Signal<Local, Bits<32>>,
    bucket0: Signal<Local, Bits<BB>>,
    bucket1: Signal<Local, Bits<BB>>,
    slots: [ParityRam<SLOT, BB>; PLACES],
    bucket0_s3: Delay<Bits<BB>, LATENCY>,
    bucket1_s3: Delay<Bits<BB>, LATENCY>,
    tag_s1: DFF<Bits<TAG_BITS>>,
    tag_s2: DFF<Bits<TAG_BITS>>,
    // s2: compare.
    slot_s2: [Signal<Local, Bits<SLOT>>; PLACES],
    matched_s3: [DFF<Bit>; PLACES],
    entry_s3: [DFF<Bits<REF>>; PLACES],
    // s3: pick.
    good: [Signal<Local, Bit>; PLACES],
    picked: [Signal<Local, Bits<REF>>; PLACES],
    bad_place: Signal<Local, Bits<PLACE_BITS>>,
    bad_bucket: Signal<Local, Bits<BB>>,
    places: [Constant<Bits<PLACE_BITS>>; PLACES],
}

/// The row of a [`TableWrite`].
type TableWriteRow = Bits<{ crate::records::WRITE_ROW_BITS }>;

impl<const BB: usize, const REF: usize, const SLOT: usize> Default for SlotBanks<BB, REF, SLOT> {
    fn default() -> Self {
        Self::new(Pace::EveryClock)
    }
}

impl<const BB: usize, const REF: usize, const SLOT: usize> SlotBanks<BB, REF, SLOT> {
    /// For lookups of this pace.
    ///
    /// # Panics
    /// When the widths do not fit each other.
    pub fn new(lookups: Pace) -> Self {
        let bits = ENTRY + REF + PARITY_BITS;
        assert!(SLOT == bits, "SlotBanks: a slot with {REF} bits of entry has {bits} bits");
        assert!((1..=24).contains(&BB), "SlotBanks: {BB} bits of bucket are not in 1..=24");
        Self {
            clock: Signal::default(),
            hash_valid: Signal::default(),
            hash: Signal::default(),
            write_valid: Signal::default(),
            write: Signal::default(),
            matched: Signal::default(),
            entry: Signal::default(),
            bad: Signal::default(),
            bad_index: Signal::default(),
            slot_target: Constant::new((WriteTarget::Slot as u64).into()),
            is_slot: Signal::default(),
            index: Signal::default(),
            row: Signal::default(),
            new_tag: Signal::default(),
            new_entry: NarrowRef::default(),
            new_valid: Signal::default(),
            composed: Signal::default(),
            parity: AddParity::default(),
            tag_s0: Signal::default(),
            spread: Signal::default(),
            bucket0: Signal::default(),
            bucket1: Signal::default(),
            slots: array::from_fn(|_| ParityRam::new(lookups)),
            bucket0_s3: Delay::default(),
            bucket1_s3: Delay::default(),
            tag_s1: DFF::default(),
            tag_s2: DFF::default(),
            slot_s2: array::from_fn(|_| Signal::default()),
            matched_s3: array::from_fn(|_| DFF::default()),
            entry_s3: array::from_fn(|_| DFF::default()),
            good: array::from_fn(|_| Signal::default()),
            picked: array::from_fn(|_| Signal::default()),
            bad_place: Signal::default(),
            bad_bucket: Signal::default(),
            places: array::from_fn(|place| Constant::new((place as u64).into())),
        }
    }
}

impl<const BB: usize, const REF: usize, const SLOT: usize> Logic for SlotBanks<BB, REF, SLOT> {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, tag_s1, tag_s2);
        clock!(self, clock, bucket0_s3, bucket1_s3);

        // A slot write, cut to what is stored.
        self.is_slot.next = self.write_valid.val() & (self.write.val().target == self.slot_target.val());
        self.index.next = self.write.val().index;
        self.row.next = self.write.val().row;
        for at in SLOT_TAG.lsb..(SLOT_TAG.lsb + 1) {
            self.new_tag.next = self.row.val().get_bits::<TAG_BITS>(at);
        }
        for at in SLOT_ENTRY.lsb..(SLOT_ENTRY.lsb + 1) {
            self.new_entry.entry.next = self.row.val().get_bits::<ENTRY_REF_BITS>(at);
        }
        for at in SLOT_VALID.lsb..(SLOT_VALID.lsb + 1) {
            self.new_valid.next = self.row.val().get_bits::<1>(at);
        }
        self.composed.next = bit_cast::<SLOT, TAG_BITS>(self.new_tag.val());
        for up in (VALID as u64)..(VALID as u64 + 1) {
            self.composed.next = self.composed.val() | (bit_cast::<SLOT, 1>(self.new_valid.val()) << up);
        }
        for up in (ENTRY as u64)..(ENTRY as u64 + 1) {
            self.composed.next = self.composed.val() | (bit_cast::<SLOT, REF>(self.new_entry.stored.val()) << up);
        }
        self.parity.row.next = self.composed.val();

        // s0: where to read.
        self.tag_s0.next = self.hash.val().get_bits::<TAG_BITS>(0);
        for at in TAG_BITS..(TAG_BITS + 1) {
            self.bucket0.next = self.hash.val().get_bits::<BB>(at);
        }
        for up in (TAG_BITS as u64)..(TAG_BITS as u64 + 1) {
            self.spread.next = bit_cast::<32, TAG_BITS>(self.tag_s0.val()) | (bit_cast::<32, TAG_BITS>(self.tag_s0.val()) << up);
        }
        self.bucket1.next = self.bucket0.val() ^ bit_cast::<BB, 32>(self.spread.val());
        for i in 0..8 {
            self.slots[i].clock.next = self.clock.val();
            self.slots[i].wen.next = self.is_slot.val() & (self.index.val().get_bits::<PLACE_BITS>(0).index() == i);
            for at in PLACE_BITS..(PLACE_BITS + 1) {
                self.slots[i].waddr.next = self.index.val().get_bits::<BB>(at);
            }
            self.slots[i].wdata.next = self.parity.stored.val();
        }
        for i in 0..4 {
            self.slots[i].ren.next = self.hash_valid.val();
            self.slots[i + 4].ren.next = self.hash_valid.val();
            self.slots[i].raddr.next = self.bucket0.val();
            self.slots[i + 4].raddr.next = self.bucket1.val();
        }
        self.bucket0_s3.din.next = self.bucket0.val();
        self.bucket1_s3.din.next = self.bucket1.val();
        self.tag_s1.d.next = self.tag_s0.val();
        self.tag_s2.d.next = self.tag_s1.q.val();

        // s2: eight tags against one.
        for i in 0..8 {
            self.slot_s2[i].next = self.slots[i].rdata.val();
            self.matched_s3[i].clock.next = self.clock.val();
            self.entry_s3[i].clock.next = self.clock.val();
            for valid in VALID..(VALID + 1) {
                self.matched_s3[i].d.next =
                    (self.slot_s2[i].val().get_bits::<TAG_BITS>(0) == self.tag_s2.q.val()) & self.slot_s2[i].val().get_bit(valid);
            }
            for at in ENTRY..(ENTRY + 1) {
                self.entry_s3[i].d.next = self.slot_s2[i].val().get_bits::<REF>(at);
            }
        }

        // s3: the one that matched, of those that are good.
        for i in 0..8 {
            self.good[i].next = self.matched_s3[i].q.val() & !self.slots[i].bad.val();
            self.picked[i].next = 0.into();
            if self.good[i].val() {
                self.picked[i].next = self.entry_s3[i].q.val();
            }
        }
        self.matched.next = ((self.good[0].val() | self.good[1].val()) | (self.good[2].val() | self.good[3].val()))
            | ((self.good[4].val() | self.good[5].val()) | (self.good[6].val() | self.good[7].val()));
        self.entry.next = ((self.picked[0].val() | self.picked[1].val()) | (self.picked[2].val() | self.picked[3].val()))
            | ((self.picked[4].val() | self.picked[5].val()) | (self.picked[6].val() | self.picked[7].val()));

        self.bad.next = false;
        self.bad_place.next = 0.into();
        for i in 0..8 {
            if self.slots[i].bad.val() {
                self.bad.next = true;
                self.bad_place.next = self.places[i].val();
            }
        }
        self.bad_bucket.next = self.bucket0_s3.dout.val();
        for bank in (PLACE_BITS - 1)..PLACE_BITS {
            if self.bad_place.val().get_bit(bank) {
                self.bad_bucket.next = self.bucket1_s3.dout.val();
            }
        }
        self.bad_index.next = bit_cast::<32, PLACE_BITS>(self.bad_place.val());
        for up in (PLACE_BITS as u64)..(PLACE_BITS as u64 + 1) {
            self.bad_index.next = self.bad_index.val() | (bit_cast::<32, BB>(self.bad_bucket.val()) << up);
        }
    }
}
