//! The flow table put together, for both families.
//!
//! ```text
//!                      +-----------+
//!  lookup_valid, key ->| FlowTable |--> answer_valid, answer
//!  secret ------------>|           |
//!  write_valid, write->|           |--> bad_slot_valid, bad_slot, bad_entry_valid
//!  mark, fragment_s3 ->|           |
//!                      +-----------+
//! ```
//! Latency [`LATENCY`] clocks, one lookup a clock or by [`Pace`] fewer, no stall. [The module above](super) says when a write counts.
//!
//! # Contract
//! - A key is a row of `abi::key`; an IPv4 key is extended with zeros.
//! - A match in the stash wins over slots. `hit` says that the entry read has the whole key and is valid; without it the rest of
//!   the answer is not defined. Addresses of an IPv4 entry are in the low bits, zeros above.
//! - A slot whose parity is wrong matches nothing, an entry whose parity is wrong is no hit. `parity` of the answer says that one was read;
//!   `bad_slot` and `bad_entry` name it, the first when it was read, the second with the answer, whose `entry` it is. A key that has a good slot hits
//!   beside bad ones. The stash has no parity: it is flip-flops.
//! - A later fragment (`fragment_s3`, of the key of three clocks ago) has the entry and the ports that [`Datagrams`] knows for it instead of those
//!   that its key leads to; without any there is no hit.
//! - Tables are all zero, that is empty, after configuration. Reset forgets lookups on their way and leaves tables alone.
//!
//! Parameters: `BB` bits of a bucket number; `EW4` and `EW6` bits of an IPv4 and an IPv6 entry's index; `REF` bits of an entry
//! reference as slots store it, one more than the larger of both; `SLOT = REF + 19`; `STASH` slots in the stash.

use std::array;

use fpgaflow_abi::entry::{ACTION_V4, ACTION_V6, ActionLayout, ENTRY_BITS_V4, ENTRY_BITS_V6, NEXT_HOP_BITS};
use fpgaflow_abi::fragment::ROW_BITS;
use fpgaflow_abi::hash::{HASH_BITS, SECRET_BITS};
use fpgaflow_abi::key::{DPORT, Family, KEY_BITS_V4, KEY_BITS_V6, SPORT};
use fpgaflow_abi::regs::FRAGMENT_LIFETIME_BITS;

use super::entries::{self, EntryArray};
use super::entry_ref::WideRef;
use super::hash::KeyedHash;
use super::ring_delay::RingDelay;
use super::slots::{self, SlotBanks};
use super::stash::Stash;
use super::{ENTRY_READ, LATENCY, SLOT_READ};
use crate::fragment::Datagrams;
use crate::parse;
use crate::prelude::*;
use crate::prim::Pace;
use crate::records::{ADDRESS_BITS, FlowAction, Fragment, MARK_BITS, SEEN_BITS, TableWrite};

/// Bits of an entry above its key.
const ACTION_BITS_V4: usize = ENTRY_BITS_V4 - KEY_BITS_V4;
/// The same of an IPv6 entry.
const ACTION_BITS_V6: usize = ENTRY_BITS_V6 - KEY_BITS_V6;
/// Bits of an entry as it is stored.
const STORED_BITS_V4: usize = ENTRY_BITS_V4 + PARITY_BITS;
/// The same of an IPv6 entry.
const STORED_BITS_V6: usize = ENTRY_BITS_V6 + PARITY_BITS;
/// Parts in which a key is compared.
const KEY_PARTS_V4: usize = KEY_BITS_V4 / entries::PART_BITS;
/// The same of an IPv6 key.
const KEY_PARTS_V6: usize = KEY_BITS_V6 / entries::PART_BITS;
/// Clock of the pick: slots and stash have answered, `entry_s8` takes it.
const PICK: usize = SLOT_READ + slots::LATENCY;
/// Clock of the comparison's end: `answer_s12` takes it.
const COMPARED: usize = ENTRY_READ + entries::LATENCY;
/// Clocks from a key to its comparison, two behind the read of the entry.
const KEY_WAITS: usize = ENTRY_READ + 2;

// The ports are the lowest bits of a key.
const _: () = assert!(DPORT.lsb == 0 && SPORT.end() == MARK_BITS);
const _: () = assert!(
    SLOT_READ == 4 && PICK == 7 && ENTRY_READ == 8 && COMPARED == 11 && LATENCY == 12 && parse::LATENCY == 3,
    "stages in names below"
);

/// Lowest bits of an action's fields, counted from the end of the key.
struct Places {
    dport: usize,
    sport: usize,
    dst: usize,
    src: usize,
    next_hop: usize,
    valid: usize,
    l3_delta: usize,
    l4_delta: usize,
}

impl Places {
    const fn behind(key_bits: usize, action: ActionLayout) -> Self {
        Self {
            dport: action.dport.lsb - key_bits,
            sport: action.sport.lsb - key_bits,
            dst: action.dst.lsb - key_bits,
            src: action.src.lsb - key_bits,
            next_hop: action.next_hop.lsb - key_bits,
            valid: action.valid.lsb - key_bits,
            l3_delta: action.l3_delta.lsb - key_bits,
            l4_delta: action.l4_delta.lsb - key_bits,
        }
    }
}

const V4: Places = Places::behind(KEY_BITS_V4, ACTION_V4);
const V6: Places = Places::behind(KEY_BITS_V6, ACTION_V6);
const ADDRESS_BITS_V4: usize = ACTION_V4.src.width;
const PORT_BITS: usize = ACTION_V4.sport.width;
const DELTA_BITS: usize = ACTION_V4.l3_delta.width;

/// Two banks of `2^BB` buckets, `STASH` stash slots, `2^EW4` IPv4 and `2^EW6` IPv6 entries, `2^RB` datagrams.
#[derive(LogicBlock)]
pub struct FlowTable<
    const BB: usize,
    const EW4: usize,
    const EW6: usize,
    const REF: usize,
    const SLOT: usize,
    const STASH: usize,
    const RB: usize = ROW_BITS,
> {
    /// The block's clock.
    pub clock: Signal<In, Clock>,
    /// Synchronous, active high.
    pub reset: Signal<In, Bit>,
    /// There is a key in this clock.
    pub lookup_valid: Signal<In, Bit>,
    /// It may be found. The others' answers mean nothing, and they keep no [`Pace`].
    pub can_hit: Signal<In, Bit>,
    /// The key, from a flip-flop.
    pub key: Signal<In, Bits<KEY_BITS_V6>>,
    /// The hash's secret; changed only while the driver expects misses.
    pub secret: Signal<In, Bits<SECRET_BITS>>,
    /// There is a table write in this clock.
    pub write_valid: Signal<In, Bit>,
    /// The write; one of a next hop is ignored.
    pub write: Signal<In, TableWrite>,
    /// The ports in the key, exclusive or the packet's identification.
    pub mark: Signal<In, Bits<MARK_BITS>>,
    /// What fragment the packet of the key of three clocks ago is.
    pub fragment_s3: Signal<In, Fragment>,
    /// Now.
    pub tick: Signal<In, Bits<SEEN_BITS>>,
    /// Ticks that a datagram is remembered.
    pub fragment_lifetime: Signal<In, Bits<FRAGMENT_LIFETIME_BITS>>,
    /// Forget all datagrams.
    pub forget: Signal<In, Bit>,
    /// There is an answer in this clock.
    pub answer_valid: Signal<Out, Bit>,
    /// The answer.
    pub answer: Signal<Out, FlowAction>,
    /// A slot that was read is bad; a lookup tells of one.
    pub bad_slot_valid: Signal<Out, Bit>,
    /// Which, as `SlotPlace::index` has it.
    pub bad_slot: Signal<Out, Bits<32>>,
    /// The entry of this clock's answer is bad.
    pub bad_entry_valid: Signal<Out, Bit>,

    /// `valid[i]` belongs to clock `i + 1`.
    valid: [DFF<Bit>; LATENCY],
    key_s10: RingDelay<Bits<KEY_BITS_V6>, KEY_WAITS>,
    keyed: Signal<Local, Bit>,
    wanted_s10: Signal<Local, Bits<KEY_BITS_V6>>,
    key_s10_v4: Signal<Local, Bits<KEY_BITS_V6>>,
    fragment_s5: Delay<Fragment, { SLOT_READ + 1 - parse::LATENCY }>,
    datagrams: Datagrams<REF, RB>,
    matched: Signal<Local, Bit>,
    hash: KeyedHash<KEY_BITS_V6, SECRET_BITS>,
    slots: SlotBanks<BB, REF, SLOT>,
    stash: Stash<REF, STASH>,
    picked: Signal<Local, Bits<REF>>,
    entry_s8: DFF<Bits<REF>>,
    read_v4_s8: DFF<Bit>,
    read_v6_s8: DFF<Bit>,
    entries_v4: EntryArray<KEY_BITS_V4, KEY_PARTS_V4, ACTION_BITS_V4, STORED_BITS_V4, EW4>,
    entries_v6: EntryArray<KEY_BITS_V6, KEY_PARTS_V6, ACTION_BITS_V6, STORED_BITS_V6, EW6>,
    read_v4_s11: Delay<Bit, { entries::LATENCY }>,
    read_v6_s11: Delay<Bit, { entries::LATENCY }>,
    entry_s11: Delay<Bits<REF>, { entries::LATENCY }>,
    entry_ref: WideRef<REF>,
    bad_slot_s8: DFF<Bit>,
    bad_slot_index_s8: DFF<Bits<32>>,
    bad_slot_s11: Delay<Bit, { entries::LATENCY }>,
    bad_entry: Signal<Local, Bit>,
    bad_entry_s12: DFF<Bit>,
    src_v4: Signal<Local, Bits<ADDRESS_BITS_V4>>,
    dst_v4: Signal<Local, Bits<ADDRESS_BITS_V4>>,
    action_v4: Signal<Local, Bits<ACTION_BITS_V4>>,
    action_v6: Signal<Local, Bits<ACTION_BITS_V6>>,
    answer_s12: DFF<FlowAction>,

    no_ports: Constant<Bits<KEY_BITS_V6>>,
    writes_wait: Constant<Bit>,
    write_valid_s1: DFF<Bit>,
}

impl<
    const BB: usize,
    const EW4: usize,
    const EW6: usize,
    const REF: usize,
    const SLOT: usize,
    const STASH: usize,
    const RB: usize,
> Default for FlowTable<BB, EW4, EW6, REF, SLOT, STASH, RB>
{
    fn default() -> Self {
        Self::new(Pace::EveryClock, HASH_BITS)
    }
}

impl<
    const BB: usize,
    const EW4: usize,
    const EW6: usize,
    const REF: usize,
    const SLOT: usize,
    const STASH: usize,
    const RB: usize,
> FlowTable<BB, EW4, EW6, REF, SLOT, STASH, RB>
{
    /// For lookups of this pace by the lowest `hash_bits` of their hashes.
    ///
    /// # Panics
    /// When the parameters do not fit each other.
    pub fn new(lookups: Pace, hash_bits: usize) -> Self {
        assert!(EW4 >= 1 && EW6 >= 1, "FlowTable: both families have an array of 2 entries and more, not 2^{EW4} and 2^{EW6}");
        assert!(REF == EW4.max(EW6) + 1, "FlowTable: a family and {EW4} or {EW6} bits of index are not {REF} bits");
        Self {
            clock: Signal::default(),
            reset: Signal::default(),
            lookup_valid: Signal::default(),
            can_hit: Signal::default(),
            key: Signal::default(),
            secret: Signal::default(),
            write_valid: Signal::default(),
            write: Signal::default(),
            mark: Signal::default(),
            fragment_s3: Signal::default(),
            tick: Signal::default(),
            fragment_lifetime: Signal::default(),
            forget: Signal::default(),
            answer_valid: Signal::default(),
            answer: Signal::default(),
            bad_slot_valid: Signal::default(),
            bad_slot: Signal::default(),
            bad_entry_valid: Signal::default(),
            valid: array::from_fn(|_| DFF::default()),
            key_s10: RingDelay::new(lookups),
            keyed: Signal::default(),
            wanted_s10: Signal::default(),
            key_s10_v4: Signal::default(),
            fragment_s5: Delay::default(),
            datagrams: Datagrams::new(lookups, hash_bits),
            matched: Signal::default(),
            hash: KeyedHash::new(lookups, hash_bits),
            slots: SlotBanks::new(lookups),
            stash: Stash::new(hash_bits),
            picked: Signal::default(),
            entry_s8: DFF::default(),
            read_v4_s8: DFF::default(),
            read_v6_s8: DFF::default(),
            entries_v4: EntryArray::new(Family::V4, lookups),
            entries_v6: EntryArray::new(Family::V6, lookups),
            read_v4_s11: Delay::default(),
            read_v6_s11: Delay::default(),
            entry_s11: Delay::default(),
            entry_ref: WideRef::default(),
            bad_slot_s8: DFF::default(),
            bad_slot_index_s8: DFF::default(),
            bad_slot_s11: Delay::default(),
            bad_entry: Signal::default(),
            bad_entry_s12: DFF::default(),
            src_v4: Signal::default(),
            dst_v4: Signal::default(),
            action_v4: Signal::default(),
            action_v6: Signal::default(),
            answer_s12: DFF::default(),
            writes_wait: Constant::new(lookups == Pace::Seldom),
            write_valid_s1: DFF::default(),
            no_ports: Constant::new((0..MARK_BITS).fold(!Bits::default(), |ones, bit| ones.replace_bit(bit, false))),
        }
    }
}

impl<
    const BB: usize,
    const EW4: usize,
    const EW6: usize,
    const REF: usize,
    const SLOT: usize,
    const STASH: usize,
    const RB: usize,
> Logic for FlowTable<BB, EW4, EW6, REF, SLOT, STASH, RB>
{
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(
            self,
            clock,
            read_v4_s8,
            read_v6_s8,
            entry_s8,
            bad_slot_s8,
            bad_slot_index_s8,
            bad_entry_s12,
            answer_s12,
            write_valid_s1
        );
        clock!(
            self,
            clock,
            key_s10,
            fragment_s5,
            datagrams,
            hash,
            slots,
            stash,
            entries_v4,
            entries_v6,
            read_v4_s11,
            read_v6_s11,
            entry_s11,
            bad_slot_s11
        );

        // 0: what waits beside the lookup.
        for i in 0..LATENCY {
            self.valid[i].clock.next = self.clock.val();
        }
        self.valid[0].d.next = self.lookup_valid.val();
        for i in 1..LATENCY {
            self.valid[i].d.next = self.valid[i - 1].q.val();
        }
        self.keyed.next = self.lookup_valid.val() & self.can_hit.val();
        self.key_s10.din_valid.next = self.keyed.val();
        self.key_s10.din.next = self.key.val();

        // 0 to 3: the hash.
        self.hash.key_valid.next = self.keyed.val();
        self.hash.key.next = self.key.val();
        self.hash.secret.next = self.secret.val();

        // 4 to 7: slots and stash.
        for hashed in SLOT_READ..(SLOT_READ + 1) {
            self.slots.hash_valid.next = self.valid[hashed - 1].q.val();
            self.stash.hash_valid.next = self.valid[hashed - 1].q.val();
        }
        self.slots.hash.next = self.hash.hash.val();
        self.slots.write_valid.next = self.write_valid.val();
        self.slots.write.next = self.write.val();
        self.stash.hash.next = self.hash.hash.val();
        self.stash.write_valid.next = self.write_valid.val();
        self.stash.write.next = self.write.val();
        self.picked.next = self.slots.entry.val();
        if self.stash.matched.val() {
            self.picked.next = self.stash.entry.val();
        }
        self.matched.next = self.slots.matched.val() | self.stash.matched.val();

        // 0 to 11 beside it: a fragment's datagram.
        self.datagrams.reset.next = self.reset.val();
        self.datagrams.forget.next = self.forget.val();
        self.datagrams.lookup_valid.next = self.keyed.val();
        self.datagrams.mark.next = self.mark.val();
        self.datagrams.secret.next = self.secret.val();
        self.datagrams.hash_s4.next = self.hash.hash.val();
        self.fragment_s5.din.next = self.fragment_s3.val();
        self.datagrams.fragment_s5.next = self.fragment_s5.dout.val();
        self.datagrams.tick.next = self.tick.val();
        self.datagrams.lifetime.next = self.fragment_lifetime.val();
        // Datagrams hear of an entry's write when its memory does.
        self.write_valid_s1.d.next = self.write_valid.val();
        self.datagrams.write_valid.next = self.write_valid.val();
        if self.writes_wait.val() {
            self.datagrams.write_valid.next = self.write_valid_s1.q.val();
        }
        self.datagrams.write.next = self.write.val();
        self.datagrams.matched_s7.next = self.matched.val();
        self.datagrams.picked_s7.next = self.picked.val();
        if self.datagrams.later_s7.val() {
            self.matched.next = self.datagrams.known_s7.val();
            self.picked.next = self.datagrams.entry_s7.val();
        }
        self.read_v4_s8.d.next = false;
        self.read_v6_s8.d.next = false;
        for looked in PICK..(PICK + 1) {
            if self.valid[looked - 1].q.val() & self.matched.val() {
                for family in (REF - 1)..REF {
                    self.read_v4_s8.d.next = !self.picked.val().get_bit(family);
                    self.read_v6_s8.d.next = self.picked.val().get_bit(family);
                }
            }
        }
        self.entry_s8.d.next = self.picked.val();
        for looked in PICK..(PICK + 1) {
            self.bad_slot_s8.d.next = self.valid[looked - 1].q.val() & self.slots.bad.val();
        }
        if self.slots.bad.val() {
            self.bad_slot_index_s8.d.next = self.slots.bad_index.val();
        }
        self.bad_slot_valid.next = self.bad_slot_s8.q.val();
        self.bad_slot.next = self.bad_slot_index_s8.q.val();

        // 8 to 11: the entry, of the family that the slot names.
        self.entries_v4.read.next = self.read_v4_s8.q.val();
        self.entries_v4.index.next = self.entry_s8.q.val().get_bits::<EW4>(0);
        self.wanted_s10.next = self.key_s10.dout.val();
        if self.datagrams.known_s10.val() {
            self.wanted_s10.next = (self.key_s10.dout.val() & self.no_ports.val())
                | bit_cast::<KEY_BITS_V6, MARK_BITS>(self.datagrams.ports_s10.val());
        }
        self.key_s10_v4.next = self.wanted_s10.val();
        self.entries_v4.key_s2.next = self.key_s10_v4.val().get_bits::<KEY_BITS_V4>(0);
        self.entries_v4.write_valid.next = self.write_valid.val();
        self.entries_v4.write.next = self.write.val();
        self.entries_v6.read.next = self.read_v6_s8.q.val();
        self.entries_v6.index.next = self.entry_s8.q.val().get_bits::<EW6>(0);
        self.entries_v6.key_s2.next = self.wanted_s10.val();
        self.entries_v6.write_valid.next = self.write_valid.val();
        self.entries_v6.write.next = self.write.val();
        self.read_v4_s11.din.next = self.read_v4_s8.q.val();
        self.read_v6_s11.din.next = self.read_v6_s8.q.val();
        self.entry_s11.din.next = self.entry_s8.q.val();
        self.bad_slot_s11.din.next = self.bad_slot_s8.q.val();

        // 11: the answer.
        self.entry_ref.stored.next = self.entry_s11.dout.val();
        self.action_v4.next = self.entries_v4.action.val();
        self.action_v6.next = self.entries_v6.action.val();
        for at in V4.src..(V4.src + 1) {
            self.src_v4.next = self.action_v4.val().get_bits::<ADDRESS_BITS_V4>(at);
        }
        for at in V4.dst..(V4.dst + 1) {
            self.dst_v4.next = self.action_v4.val().get_bits::<ADDRESS_BITS_V4>(at);
        }
        self.bad_entry.next =
            (self.read_v4_s11.dout.val() & self.entries_v4.bad.val()) | (self.read_v6_s11.dout.val() & self.entries_v6.bad.val());
        for compared in COMPARED..(COMPARED + 1) {
            self.bad_entry_s12.d.next = self.valid[compared - 1].q.val() & self.bad_entry.val();
            if self.valid[compared - 1].q.val() {
                self.answer_s12.d.next.parity = self.bad_slot_s11.dout.val() | self.bad_entry.val();
                self.answer_s12.d.next.entry = self.entry_ref.entry.val();
                self.answer_s12.d.next.role = self.datagrams.role_s11.val();
                if self.read_v6_s11.dout.val() {
                    for at in V6.valid..(V6.valid + 1) {
                        self.answer_s12.d.next.hit =
                            (self.entries_v6.same.val() & self.action_v6.val().get_bit(at)) & !self.entries_v6.bad.val();
                    }
                    for at in V6.src..(V6.src + 1) {
                        self.answer_s12.d.next.src = self.action_v6.val().get_bits::<ADDRESS_BITS>(at);
                    }
                    for at in V6.dst..(V6.dst + 1) {
                        self.answer_s12.d.next.dst = self.action_v6.val().get_bits::<ADDRESS_BITS>(at);
                    }
                    for at in V6.sport..(V6.sport + 1) {
                        self.answer_s12.d.next.sport = self.action_v6.val().get_bits::<PORT_BITS>(at);
                    }
                    for at in V6.dport..(V6.dport + 1) {
                        self.answer_s12.d.next.dport = self.action_v6.val().get_bits::<PORT_BITS>(at);
                    }
                    for at in V6.next_hop..(V6.next_hop + 1) {
                        self.answer_s12.d.next.next_hop = self.action_v6.val().get_bits::<NEXT_HOP_BITS>(at);
                    }
                    for at in V6.l3_delta..(V6.l3_delta + 1) {
                        self.answer_s12.d.next.l3_delta = self.action_v6.val().get_bits::<DELTA_BITS>(at);
                    }
                    for at in V6.l4_delta..(V6.l4_delta + 1) {
                        self.answer_s12.d.next.l4_delta = self.action_v6.val().get_bits::<DELTA_BITS>(at);
                    }
                } else {
                    for at in V4.valid..(V4.valid + 1) {
                        self.answer_s12.d.next.hit = (self.read_v4_s11.dout.val() & !self.entries_v4.bad.val())
                            & (self.entries_v4.same.val() & self.action_v4.val().get_bit(at));
                    }
                    self.answer_s12.d.next.src = bit_cast::<ADDRESS_BITS, ADDRESS_BITS_V4>(self.src_v4.val());
                    self.answer_s12.d.next.dst = bit_cast::<ADDRESS_BITS, ADDRESS_BITS_V4>(self.dst_v4.val());
                    for at in V4.sport..(V4.sport + 1) {
                        self.answer_s12.d.next.sport = self.action_v4.val().get_bits::<PORT_BITS>(at);
                    }
                    for at in V4.dport..(V4.dport + 1) {
                        self.answer_s12.d.next.dport = self.action_v4.val().get_bits::<PORT_BITS>(at);
                    }
                    for at in V4.next_hop..(V4.next_hop + 1) {
                        self.answer_s12.d.next.next_hop = self.action_v4.val().get_bits::<NEXT_HOP_BITS>(at);
                    }
                    for at in V4.l3_delta..(V4.l3_delta + 1) {
                        self.answer_s12.d.next.l3_delta = self.action_v4.val().get_bits::<DELTA_BITS>(at);
                    }
                    for at in V4.l4_delta..(V4.l4_delta + 1) {
                        self.answer_s12.d.next.l4_delta = self.action_v4.val().get_bits::<DELTA_BITS>(at);
                    }
                }
            }
        }

        // 12.
        for last in LATENCY..(LATENCY + 1) {
            self.answer_valid.next = self.valid[last - 1].q.val();
        }
        self.answer.next = self.answer_s12.q.val();
        self.bad_entry_valid.next = self.bad_entry_s12.q.val();
        if self.reset.val() {
            for i in 0..LATENCY {
                self.valid[i].d.next = false;
            }
            self.bad_slot_s8.d.next = false;
            self.bad_entry_s12.d.next = false;
        }
    }
}
