//! The rows of datagrams whose fragments are on their way.
//!
//! ```text
//!  lookup_valid, mark, secret ------->+-----------+
//!  hash_s4 -------------------------->|           |--> later_s7, known_s7, entry_s7
//!  fragment_s5 ---------------------->| Datagrams |--> known_s10, ports_s10
//!  matched_s7, picked_s7 ------------>|           |--> role_s11
//!  tick, lifetime, forget ----------->|           |
//!  write_valid, write --------------->+-----------+
//! ```
//! One packet a clock, no stall; the numbers are clocks from the packet's key, so nothing here takes a clock of its own. `fpgaflow_abi::fragment` has
//! the rules.
//!
//! # Contract
//! - The hash of a datagram's identity is that of the packet's key, plus that of what the key has in place of the identification: the hash is
//!   linear. `mark` is the exclusive or of both.
//! - A packet that is no fragment has `first` and `later` at zero, and gets a role of zeros.
//! - Packets behind each other see each other whole, one in every clock or [`Pace::Seldom`]: a row is written in the clock in which the packet behind reads it,
//!   or a clock later when that comes later; it is bound to an entry in the clock before the packet behind asks for it.
//! - A later fragment is `lost`, and gets no entry, when its row was bound to an entry that is written between its first fragment's read of it
//!   and its own. One whose flow is written in the clock of the first fragment's own read may be lost too.

use fpgaflow_abi::fragment::{OFFSET_BITS, ROW_BITS, TAG_BITS};
use fpgaflow_abi::hash::{HASH_BITS, SECRET_BITS};
use fpgaflow_abi::regs::FRAGMENT_LIFETIME_BITS;
use fpgaflow_abi::slot::ENTRY_REF_BITS;

use super::bindings::Bindings;
use crate::prelude::*;
use crate::prim::Pace;
use crate::records::{DatagramRole, Fragment, MARK_BITS, SEEN_BITS, TableWrite, WriteTarget};
use crate::table::{KeyedHash, NarrowRef};

/// Bits of the secret that the hash of a mark uses.
const MARK_SECRET_BITS: usize = MARK_BITS + HASH_BITS - 1;
/// Clocks from a later fragment's choice of its entry to the last write that it must not have met.
const WRITES: usize = 3;

/// What a row remembers.
#[derive(Copy, Clone, Debug, Default, PartialEq, LogicStruct)]
struct DatagramRow {
    /// Identification of the datagram.
    id: Bits<MARK_BITS>,
    /// The rest of its identity, hashed.
    tag: Bits<TAG_BITS>,
    /// Ports of its flow.
    ports: Bits<MARK_BITS>,
    /// When it was opened.
    tick: Bits<SEEN_BITS>,
    /// Where the fragment that comes next in order starts; 0 when one was out of order.
    due: Bits<OFFSET_BITS>,
}

/// `2^RB` rows, for entry references of `REF` bits.
#[derive(LogicBlock)]
pub struct Datagrams<const REF: usize, const RB: usize = ROW_BITS> {
    /// The block's clock.
    pub clock: Signal<In, Clock>,
    /// Synchronous, active high; forgets all datagrams.
    pub reset: Signal<In, Bit>,
    /// Forgets all datagrams for as long as it is high.
    pub forget: Signal<In, Bit>,
    /// There is a key in this clock.
    pub lookup_valid: Signal<In, Bit>,
    /// The ports in the key, exclusive or the packet's identification.
    pub mark: Signal<In, Bits<MARK_BITS>>,
    /// The hash's secret.
    pub secret: Signal<In, Bits<SECRET_BITS>>,
    /// Hash of the key of four clocks ago.
    pub hash_s4: Signal<In, Bits<HASH_BITS>>,
    /// What fragment the packet of five clocks ago is, if any.
    pub fragment_s5: Signal<In, Fragment>,
    /// Now.
    pub tick: Signal<In, Bits<SEEN_BITS>>,
    /// Ticks that a row is kept.
    pub lifetime: Signal<In, Bits<FRAGMENT_LIFETIME_BITS>>,
    /// A slot was found for the packet of seven clocks ago.
    pub matched_s7: Signal<In, Bit>,
    /// The entry that it names.
    pub picked_s7: Signal<In, Bits<REF>>,
    /// There is a table write in this clock.
    pub write_valid: Signal<In, Bit>,
    /// The write; ignored unless it is of an entry.
    pub write: Signal<In, TableWrite>,
    /// The packet of seven clocks ago is a later fragment: slots say nothing of it.
    pub later_s7: Signal<Out, Bit>,
    /// Its row is known.
    pub known_s7: Signal<Out, Bit>,
    /// The entry of its flow then.
    pub entry_s7: Signal<Out, Bits<REF>>,
    /// The packet of ten clocks ago is a later fragment whose row is known.
    pub known_s10: Signal<Out, Bit>,
    /// The ports of its flow then.
    pub ports_s10: Signal<Out, Bits<MARK_BITS>>,
    /// What the packet of eleven clocks ago is to its datagram.
    pub role_s11: Signal<Out, DatagramRole>,

    // 0 to 5: which row.
    mark_hash: KeyedHash<MARK_BITS, MARK_SECRET_BITS>,
    hash: Signal<Local, Bits<HASH_BITS>>,
    row_s5: DFF<Bits<RB>>,
    tag_s5: DFF<Bits<TAG_BITS>>,
    rows: SmallRam<DatagramRow, RB>,
    oldest: DFF<Bits<SEEN_BITS>>,
    // 6: whose it is.
    row_s6: DFF<Bits<RB>>,
    tag_s6: DFF<Bits<TAG_BITS>>,
    fragment_s6: DFF<Fragment>,
    fragment: Signal<Local, Fragment>,
    kept: Signal<Local, DatagramRow>,
    age: Signal<Local, Bits<SEEN_BITS>>,
    live: Signal<Local, Bit>,
    same: Signal<Local, Bit>,
    opens: Signal<Local, Bit>,
    known: Signal<Local, Bit>,
    in_order: Signal<Local, Bit>,
    new_row: Signal<Local, DatagramRow>,
    new_row_s7: DFF<DatagramRow>,
    complete: Signal<Local, Bit>,
    complete_s7: DFF<Bit>,
    bindings: Bindings<REF, RB>,
    entries: SmallRam<Bits<REF>, RB>,
    // 7: its entry.
    row_s7: DFF<Bits<RB>>,
    first_s7: DFF<Bit>,
    later_s7_q: DFF<Bit>,
    opens_s7: DFF<Bit>,
    known_s7_q: DFF<Bit>,
    follows_s7: DFF<Bit>,
    lost_s7: DFF<Bit>,
    ports_s7: DFF<Bits<MARK_BITS>>,
    // 9: whether that was written meanwhile.
    entry_s8: DFF<Bits<REF>>,
    entry_s9: DFF<Bits<REF>>,
    known_s8: DFF<Bit>,
    known_s9: DFF<Bit>,
    ports_s9: Delay<Bits<MARK_BITS>, 2>,
    role_s7: Signal<Local, DatagramRole>,
    role_s9: Delay<DatagramRole, 2>,
    is_entry: Signal<Local, Bit>,
    index: Signal<Local, Bits<32>>,
    wide: Signal<Local, Bits<ENTRY_REF_BITS>>,
    narrow: NarrowRef<REF>,
    written_s: [DFF<Bits<REF>>; WRITES],
    written_valid_s: [DFF<Bit>; WRITES],
    changed: Signal<Local, Bit>,
    // 10 and 11: what becomes of it.
    known_s10_q: DFF<Bit>,
    ports_s10_q: DFF<Bits<MARK_BITS>>,
    role_s10: DFF<DatagramRole>,
    role_s11_q: DFF<DatagramRole>,

    every_clock: Constant<Bit>,
    entry_target: Constant<Bits<2>>,
}

impl<const REF: usize, const RB: usize> Default for Datagrams<REF, RB> {
    fn default() -> Self {
        Self::new(Pace::EveryClock, HASH_BITS)
    }
}

impl<const REF: usize, const RB: usize> Datagrams<REF, RB> {
    /// For packets of this pace whose hashes have `hash_bits`.
    pub fn new(packets: Pace, hash_bits: usize) -> Self {
        Self {
            clock: Signal::default(),
            reset: Signal::default(),
            forget: Signal::default(),
            lookup_valid: Signal::default(),
            mark: Signal::default(),
            secret: Signal::default(),
            hash_s4: Signal::default(),
            fragment_s5: Signal::default(),
            tick: Signal::default(),
            lifetime: Signal::default(),
            matched_s7: Signal::default(),
            picked_s7: Signal::default(),
            write_valid: Signal::default(),
            write: Signal::default(),
            later_s7: Signal::default(),
            known_s7: Signal::default(),
            entry_s7: Signal::default(),
            known_s10: Signal::default(),
            ports_s10: Signal::default(),
            role_s11: Signal::default(),
            mark_hash: KeyedHash::new(packets, hash_bits),
            hash: Signal::default(),
            row_s5: DFF::default(),
            tag_s5: DFF::default(),
            rows: SmallRam::default(),
            oldest: DFF::default(),
            row_s6: DFF::default(),
            tag_s6: DFF::default(),
            fragment_s6: DFF::default(),
            fragment: Signal::default(),
            kept: Signal::default(),
            age: Signal::default(),
            live: Signal::default(),
            same: Signal::default(),
            opens: Signal::default(),
            known: Signal::default(),
            in_order: Signal::default(),
            new_row: Signal::default(),
            new_row_s7: DFF::default(),
            complete: Signal::default(),
            complete_s7: DFF::default(),
            bindings: Bindings::default(),
            entries: SmallRam::default(),
            row_s7: DFF::default(),
            first_s7: DFF::default(),
            later_s7_q: DFF::default(),
            opens_s7: DFF::default(),
            known_s7_q: DFF::default(),
            follows_s7: DFF::default(),
            lost_s7: DFF::default(),
            ports_s7: DFF::default(),
            entry_s8: DFF::default(),
            entry_s9: DFF::default(),
            known_s8: DFF::default(),
            known_s9: DFF::default(),
            ports_s9: Delay::default(),
            role_s7: Signal::default(),
            role_s9: Delay::default(),
            is_entry: Signal::default(),
            index: Signal::default(),
            wide: Signal::default(),
            narrow: NarrowRef::default(),
            written_s: std::array::from_fn(|_| DFF::default()),
            written_valid_s: std::array::from_fn(|_| DFF::default()),
            changed: Signal::default(),
            known_s10_q: DFF::default(),
            ports_s10_q: DFF::default(),
            role_s10: DFF::default(),
            role_s11_q: DFF::default(),
            every_clock: Constant::new(packets == Pace::EveryClock),
            entry_target: Constant::new((WriteTarget::Entry as u64).into()),
        }
    }
}

impl<const REF: usize, const RB: usize> Logic for Datagrams<REF, RB> {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, row_s5, tag_s5, oldest, row_s6, tag_s6, fragment_s6);
        dff_setup!(
            self,
            clock,
            row_s7,
            new_row_s7,
            complete_s7,
            first_s7,
            later_s7_q,
            opens_s7,
            known_s7_q,
            follows_s7,
            lost_s7,
            ports_s7
        );
        dff_setup!(self, clock, entry_s8, entry_s9, known_s8, known_s9, known_s10_q, ports_s10_q, role_s10, role_s11_q);
        clock!(self, clock, mark_hash, rows, bindings, entries, ports_s9, role_s9);

        // 0 to 4: the hash of the identity.
        self.mark_hash.key_valid.next = self.lookup_valid.val();
        self.mark_hash.key.next = self.mark.val();
        self.mark_hash.secret.next = self.secret.val().get_bits::<MARK_SECRET_BITS>(0);
        self.hash.next = self.hash_s4.val() ^ self.mark_hash.hash.val();
        self.row_s5.d.next = self.hash.val().get_bits::<RB>(0);
        for above in RB..(RB + 1) {
            self.tag_s5.d.next = self.hash.val().get_bits::<TAG_BITS>(above);
        }

        // 5: read the row. The packet ahead writes its own in this clock.
        self.rows.ren.next = self.fragment_s5.val().first | self.fragment_s5.val().later;
        self.rows.raddr.next = self.row_s5.q.val();
        self.row_s6.d.next = self.row_s5.q.val();
        self.tag_s6.d.next = self.tag_s5.q.val();
        self.fragment_s6.d.next = self.fragment_s5.val();
        self.oldest.d.next = self.tick.val() - bit_cast::<SEEN_BITS, FRAGMENT_LIFETIME_BITS>(self.lifetime.val());

        // 6: whose is it?
        self.fragment.next = self.fragment_s6.q.val();
        self.kept.next = self.rows.rdata.val();
        self.age.next = self.kept.val().tick - self.oldest.q.val();
        self.bindings.row.next = self.row_s6.q.val();
        self.live.next = self.bindings.live.val();
        for sign in (SEEN_BITS - 1)..SEEN_BITS {
            if self.age.val().get_bit(sign) {
                self.live.next = false;
            }
        }
        self.same.next =
            self.live.val() & (self.kept.val().id == self.fragment.val().id) & (self.kept.val().tag == self.tag_s6.q.val());
        self.opens.next =
            (self.fragment.val().first & (self.same.val() | !self.live.val())) | (self.fragment.val().later & !self.live.val());
        self.known.next = self.fragment.val().later & self.same.val();
        self.in_order.next = self.kept.val().due == self.fragment.val().offset;
        self.complete.next = self.known.val() & self.in_order.val() & !self.fragment.val().more;
        self.new_row.next.id = self.fragment.val().id;
        self.new_row.next.tag = self.tag_s6.q.val();
        self.new_row.next.ports = self.fragment.val().ports;
        self.new_row.next.tick = self.tick.val();
        // What begins with a later fragment is never complete.
        self.new_row.next.due = 0.into();
        if self.fragment.val().first {
            self.new_row.next.due = self.fragment.val().units;
        } else if self.live.val() {
            // Its own, or it is not written.
            self.new_row.next.ports = self.kept.val().ports;
            self.new_row.next.tick = self.kept.val().tick;
            if self.in_order.val() {
                self.new_row.next.due = self.fragment.val().offset + self.fragment.val().units;
            }
        }
        self.new_row_s7.d.next = self.new_row.val();
        self.complete_s7.d.next = self.complete.val();
        // Where packets follow each other in every clock the row changes now, else when all of this is in flip-flops.
        if self.every_clock.val() {
            self.rows.wen.next = self.opens.val() | self.known.val();
            self.rows.waddr.next = self.row_s6.q.val();
            self.rows.wdata.next = self.new_row.val();
            self.bindings.change_row.next = self.row_s6.q.val();
            self.bindings.open.next = self.opens.val();
            self.bindings.close.next = self.complete.val();
        } else {
            self.rows.wen.next = self.opens_s7.q.val() | self.known_s7_q.q.val();
            self.rows.waddr.next = self.row_s7.q.val();
            self.rows.wdata.next = self.new_row_s7.q.val();
            self.bindings.change_row.next = self.row_s7.q.val();
            self.bindings.open.next = self.opens_s7.q.val();
            self.bindings.close.next = self.complete_s7.q.val();
        }
        // The packet ahead writes its row's entry in this clock.
        self.entries.ren.next = self.fragment.val().later;
        self.entries.raddr.next = self.row_s6.q.val();
        self.bindings.forget.next = self.forget.val() | self.reset.val();
        self.row_s7.d.next = self.row_s6.q.val();
        self.first_s7.d.next = self.fragment.val().first;
        self.later_s7_q.d.next = self.fragment.val().later;
        self.opens_s7.d.next = self.opens.val();
        self.known_s7_q.d.next = self.known.val();
        self.follows_s7.d.next = (self.fragment.val().first | self.fragment.val().later) & self.same.val();
        self.lost_s7.d.next = (self.fragment.val().first & !self.opens.val()) | (self.fragment.val().later & !self.same.val());
        self.ports_s7.d.next = self.kept.val().ports;

        // 7: the entry, of the packet itself or of its row.
        self.bindings.tie_row.next = self.row_s7.q.val();
        self.bindings.tie.next = self.opens_s7.q.val();
        self.bindings.tie_matched.next = self.first_s7.q.val() & self.matched_s7.val();
        self.bindings.tie_entry.next = self.picked_s7.val();
        self.entries.wen.next = self.opens_s7.q.val();
        self.entries.waddr.next = self.row_s7.q.val();
        self.entries.wdata.next = self.picked_s7.val();
        self.later_s7.next = self.later_s7_q.q.val();
        self.known_s7.next = self.known_s7_q.q.val();
        self.entry_s7.next = self.entries.rdata.val();
        self.role_s7.next.row = bit_cast::<ROW_BITS, RB>(self.row_s7.q.val());
        self.role_s7.next.opens = self.opens_s7.q.val();
        self.role_s7.next.follows = self.follows_s7.q.val();
        self.role_s7.next.lost = self.lost_s7.q.val();
        self.role_s9.din.next = self.role_s7.val();
        self.ports_s9.din.next = self.ports_s7.q.val();
        self.known_s8.d.next = self.known_s7_q.q.val();
        self.entry_s8.d.next = self.entries.rdata.val();

        // 8: the entry is read. 9: was it written since the row was looked at?
        self.known_s9.d.next = self.known_s8.q.val();
        self.entry_s9.d.next = self.entry_s8.q.val();
        self.index.next = self.write.val().index;
        self.wide.next = self.index.val().get_bits::<ENTRY_REF_BITS>(0);
        self.narrow.entry.next = self.wide.val();
        self.is_entry.next = self.write_valid.val() & (self.write.val().target == self.entry_target.val());
        self.bindings.written.next = self.is_entry.val();
        self.bindings.written_entry.next = self.narrow.stored.val();
        for i in 0..WRITES {
            self.written_s[i].clock.next = self.clock.val();
            self.written_valid_s[i].clock.next = self.clock.val();
        }
        self.written_s[0].d.next = self.narrow.stored.val();
        self.written_valid_s[0].d.next = self.is_entry.val();
        for i in 1..WRITES {
            self.written_s[i].d.next = self.written_s[i - 1].q.val();
            self.written_valid_s[i].d.next = self.written_valid_s[i - 1].q.val();
        }
        self.changed.next = false;
        for i in 0..WRITES {
            if self.written_valid_s[i].q.val() & (self.written_s[i].q.val() == self.entry_s9.q.val()) {
                self.changed.next = self.known_s9.q.val();
            }
        }
        self.role_s10.d.next = self.role_s9.dout.val();
        if self.changed.val() {
            self.role_s10.d.next.lost = true;
        }
        self.known_s10_q.d.next = self.known_s9.q.val();
        self.ports_s10_q.d.next = self.ports_s9.dout.val();

        // 10 and 11.
        self.known_s10.next = self.known_s10_q.q.val();
        self.ports_s10.next = self.ports_s10_q.q.val();
        self.role_s11_q.d.next = self.role_s10.q.val();
        self.role_s11.next = self.role_s11_q.q.val();
    }
}
