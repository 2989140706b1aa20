//! The rows of datagrams whose fragments are on their way.
//!
//! ```text
//!  lookup_valid, mark, secret ------->+-----------+
//!  hash_s2 -------------------------->|           |--> later_s5, known_s5, entry_s5
//!  fragment_s3 ---------------------->| Datagrams |--> known_s8, ports_s8
//!  matched_s5, picked_s5 ------------>|           |--> role_s9
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
//! - Packets behind each other see each other whole: a row is written in the clock in which the packet behind reads it, bound to an entry in
//!   the clock before the packet behind asks for it.
//! - A later fragment is `lost`, and gets no entry, when its row was bound to an entry that is written between its first fragment's read of it
//!   and its own. One whose flow is written in the clock of the first fragment's own read may be lost too.

use fpgaflow_abi::fragment::{OFFSET_BITS, ROW_BITS, TAG_BITS};
use fpgaflow_abi::hash::{HASH_BITS, SECRET_BITS};
use fpgaflow_abi::regs::FRAGMENT_LIFETIME_BITS;
use fpgaflow_abi::slot::ENTRY_REF_BITS;

use super::bindings::Bindings;
use crate::prelude::*;
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

/// The rows, for entry references of `REF` bits.
#[derive(LogicBlock)]
pub struct Datagrams<const REF: usize> {
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
    /// Hash of the key of two clocks ago.
    pub hash_s2: Signal<In, Bits<HASH_BITS>>,
    /// What fragment the packet of three clocks ago is, if any.
    pub fragment_s3: Signal<In, Fragment>,
    /// Now.
    pub tick: Signal<In, Bits<SEEN_BITS>>,
    /// Ticks that a row is kept.
    pub lifetime: Signal<In, Bits<FRAGMENT_LIFETIME_BITS>>,
    /// A slot was found for the packet of five clocks ago.
    pub matched_s5: Signal<In, Bit>,
    /// The entry that it names.
    pub picked_s5: Signal<In, Bits<REF>>,
    /// There is a table write in this clock.
    pub write_valid: Signal<In, Bit>,
    /// The write; ignored unless it is of an entry.
    pub write: Signal<In, TableWrite>,
    /// The packet of five clocks ago is a later fragment: slots say nothing of it.
    pub later_s5: Signal<Out, Bit>,
    /// Its row is known.
    pub known_s5: Signal<Out, Bit>,
    /// The entry of its flow then.
    pub entry_s5: Signal<Out, Bits<REF>>,
    /// The packet of eight clocks ago is a later fragment whose row is known.
    pub known_s8: Signal<Out, Bit>,
    /// The ports of its flow then.
    pub ports_s8: Signal<Out, Bits<MARK_BITS>>,
    /// What the packet of nine clocks ago is to its datagram.
    pub role_s9: Signal<Out, DatagramRole>,

    // 0 to 3: which row.
    mark_hash: KeyedHash<MARK_BITS, MARK_SECRET_BITS>,
    hash: Signal<Local, Bits<HASH_BITS>>,
    row_s3: DFF<Bits<ROW_BITS>>,
    tag_s3: DFF<Bits<TAG_BITS>>,
    rows: SmallRam<DatagramRow, ROW_BITS>,
    oldest: DFF<Bits<SEEN_BITS>>,
    // 4: whose it is.
    row_s4: DFF<Bits<ROW_BITS>>,
    tag_s4: DFF<Bits<TAG_BITS>>,
    fragment_s4: DFF<Fragment>,
    fragment: Signal<Local, Fragment>,
    kept: Signal<Local, DatagramRow>,
    age: Signal<Local, Bits<SEEN_BITS>>,
    live: Signal<Local, Bit>,
    same: Signal<Local, Bit>,
    opens: Signal<Local, Bit>,
    known: Signal<Local, Bit>,
    in_order: Signal<Local, Bit>,
    new_row: Signal<Local, DatagramRow>,
    complete: Signal<Local, Bit>,
    bindings: Bindings<REF>,
    // 5: its entry.
    row_s5: DFF<Bits<ROW_BITS>>,
    first_s5: DFF<Bit>,
    later_s5_q: DFF<Bit>,
    opens_s5: DFF<Bit>,
    known_s5_q: DFF<Bit>,
    follows_s5: DFF<Bit>,
    lost_s5: DFF<Bit>,
    ports_s5: DFF<Bits<MARK_BITS>>,
    // 7: whether that was written meanwhile.
    entry_s6: DFF<Bits<REF>>,
    entry_s7: DFF<Bits<REF>>,
    known_s6: DFF<Bit>,
    known_s7: DFF<Bit>,
    ports_s7: Delay<Bits<MARK_BITS>, 2>,
    role_s5: Signal<Local, DatagramRole>,
    role_s7: Delay<DatagramRole, 2>,
    is_entry: Signal<Local, Bit>,
    index: Signal<Local, Bits<32>>,
    wide: Signal<Local, Bits<ENTRY_REF_BITS>>,
    narrow: NarrowRef<REF>,
    written_s: [DFF<Bits<REF>>; WRITES],
    written_valid_s: [DFF<Bit>; WRITES],
    changed: Signal<Local, Bit>,
    // 8 and 9: what becomes of it.
    known_s8_q: DFF<Bit>,
    ports_s8_q: DFF<Bits<MARK_BITS>>,
    role_s8: DFF<DatagramRole>,
    role_s9_q: DFF<DatagramRole>,

    entry_target: Constant<Bits<2>>,
}

impl<const REF: usize> Default for Datagrams<REF> {
    fn default() -> Self {
        Self {
            clock: Signal::default(),
            reset: Signal::default(),
            forget: Signal::default(),
            lookup_valid: Signal::default(),
            mark: Signal::default(),
            secret: Signal::default(),
            hash_s2: Signal::default(),
            fragment_s3: Signal::default(),
            tick: Signal::default(),
            lifetime: Signal::default(),
            matched_s5: Signal::default(),
            picked_s5: Signal::default(),
            write_valid: Signal::default(),
            write: Signal::default(),
            later_s5: Signal::default(),
            known_s5: Signal::default(),
            entry_s5: Signal::default(),
            known_s8: Signal::default(),
            ports_s8: Signal::default(),
            role_s9: Signal::default(),
            mark_hash: KeyedHash::default(),
            hash: Signal::default(),
            row_s3: DFF::default(),
            tag_s3: DFF::default(),
            rows: SmallRam::default(),
            oldest: DFF::default(),
            row_s4: DFF::default(),
            tag_s4: DFF::default(),
            fragment_s4: DFF::default(),
            fragment: Signal::default(),
            kept: Signal::default(),
            age: Signal::default(),
            live: Signal::default(),
            same: Signal::default(),
            opens: Signal::default(),
            known: Signal::default(),
            in_order: Signal::default(),
            new_row: Signal::default(),
            complete: Signal::default(),
            bindings: Bindings::default(),
            row_s5: DFF::default(),
            first_s5: DFF::default(),
            later_s5_q: DFF::default(),
            opens_s5: DFF::default(),
            known_s5_q: DFF::default(),
            follows_s5: DFF::default(),
            lost_s5: DFF::default(),
            ports_s5: DFF::default(),
            entry_s6: DFF::default(),
            entry_s7: DFF::default(),
            known_s6: DFF::default(),
            known_s7: DFF::default(),
            ports_s7: Delay::default(),
            role_s5: Signal::default(),
            role_s7: Delay::default(),
            is_entry: Signal::default(),
            index: Signal::default(),
            wide: Signal::default(),
            narrow: NarrowRef::default(),
            written_s: std::array::from_fn(|_| DFF::default()),
            written_valid_s: std::array::from_fn(|_| DFF::default()),
            changed: Signal::default(),
            known_s8_q: DFF::default(),
            ports_s8_q: DFF::default(),
            role_s8: DFF::default(),
            role_s9_q: DFF::default(),
            entry_target: Constant::new((WriteTarget::Entry as u64).into()),
        }
    }
}

impl<const REF: usize> Logic for Datagrams<REF> {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, row_s3, tag_s3, oldest, row_s4, tag_s4, fragment_s4);
        dff_setup!(self, clock, row_s5, first_s5, later_s5_q, opens_s5, known_s5_q, follows_s5, lost_s5, ports_s5);
        dff_setup!(self, clock, entry_s6, entry_s7, known_s6, known_s7, known_s8_q, ports_s8_q, role_s8, role_s9_q);
        clock!(self, clock, mark_hash, rows, bindings, ports_s7, role_s7);

        // 0 to 2: the hash of the identity.
        self.mark_hash.key_valid.next = self.lookup_valid.val();
        self.mark_hash.key.next = self.mark.val();
        self.mark_hash.secret.next = self.secret.val().get_bits::<MARK_SECRET_BITS>(0);
        self.hash.next = self.hash_s2.val() ^ self.mark_hash.hash.val();
        self.row_s3.d.next = self.hash.val().get_bits::<ROW_BITS>(0);
        for above in ROW_BITS..(ROW_BITS + 1) {
            self.tag_s3.d.next = self.hash.val().get_bits::<TAG_BITS>(above);
        }

        // 3: read the row. The packet ahead writes its own in this clock.
        self.rows.ren.next = self.fragment_s3.val().first | self.fragment_s3.val().later;
        self.rows.raddr.next = self.row_s3.q.val();
        self.row_s4.d.next = self.row_s3.q.val();
        self.tag_s4.d.next = self.tag_s3.q.val();
        self.fragment_s4.d.next = self.fragment_s3.val();
        self.oldest.d.next = self.tick.val() - bit_cast::<SEEN_BITS, FRAGMENT_LIFETIME_BITS>(self.lifetime.val());

        // 4: whose is it?
        self.fragment.next = self.fragment_s4.q.val();
        self.kept.next = self.rows.rdata.val();
        self.age.next = self.kept.val().tick - self.oldest.q.val();
        self.bindings.row.next = self.row_s4.q.val();
        self.live.next = self.bindings.live.val();
        for sign in (SEEN_BITS - 1)..SEEN_BITS {
            if self.age.val().get_bit(sign) {
                self.live.next = false;
            }
        }
        self.same.next =
            self.live.val() & (self.kept.val().id == self.fragment.val().id) & (self.kept.val().tag == self.tag_s4.q.val());
        self.opens.next =
            (self.fragment.val().first & (self.same.val() | !self.live.val())) | (self.fragment.val().later & !self.live.val());
        self.known.next = self.fragment.val().later & self.same.val();
        self.in_order.next = self.kept.val().due == self.fragment.val().offset;
        self.complete.next = self.known.val() & self.in_order.val() & !self.fragment.val().more;
        self.new_row.next.id = self.fragment.val().id;
        self.new_row.next.tag = self.tag_s4.q.val();
        self.new_row.next.ports = self.fragment.val().ports;
        self.new_row.next.tick = self.tick.val();
        // What begins with a later fragment is never complete.
        self.new_row.next.due = 0.into();
        if self.fragment.val().first {
            self.new_row.next.due = self.fragment.val().units;
        } else if self.known.val() {
            self.new_row.next.ports = self.kept.val().ports;
            self.new_row.next.tick = self.kept.val().tick;
            if self.in_order.val() {
                self.new_row.next.due = self.fragment.val().offset + self.fragment.val().units;
            }
        }
        self.rows.wen.next = self.opens.val() | self.known.val();
        self.rows.waddr.next = self.row_s4.q.val();
        self.rows.wdata.next = self.new_row.val();
        self.bindings.forget.next = self.forget.val() | self.reset.val();
        self.bindings.open.next = self.opens.val();
        self.bindings.close.next = self.complete.val();
        self.row_s5.d.next = self.row_s4.q.val();
        self.first_s5.d.next = self.fragment.val().first;
        self.later_s5_q.d.next = self.fragment.val().later;
        self.opens_s5.d.next = self.opens.val();
        self.known_s5_q.d.next = self.known.val();
        self.follows_s5.d.next = (self.fragment.val().first | self.fragment.val().later) & self.same.val();
        self.lost_s5.d.next = (self.fragment.val().first & !self.opens.val()) | (self.fragment.val().later & !self.same.val());
        self.ports_s5.d.next = self.kept.val().ports;

        // 5: the entry, of the packet itself or of its row.
        self.bindings.tie_row.next = self.row_s5.q.val();
        self.bindings.tie.next = self.opens_s5.q.val();
        self.bindings.tie_matched.next = self.first_s5.q.val() & self.matched_s5.val();
        self.bindings.tie_entry.next = self.picked_s5.val();
        self.later_s5.next = self.later_s5_q.q.val();
        self.known_s5.next = self.known_s5_q.q.val();
        self.entry_s5.next = self.bindings.entry.val();
        self.role_s5.next.row = self.row_s5.q.val();
        self.role_s5.next.opens = self.opens_s5.q.val();
        self.role_s5.next.follows = self.follows_s5.q.val();
        self.role_s5.next.lost = self.lost_s5.q.val();
        self.role_s7.din.next = self.role_s5.val();
        self.ports_s7.din.next = self.ports_s5.q.val();
        self.known_s6.d.next = self.known_s5_q.q.val();
        self.entry_s6.d.next = self.bindings.entry.val();

        // 6: the entry is read. 7: was it written since the row was looked at?
        self.known_s7.d.next = self.known_s6.q.val();
        self.entry_s7.d.next = self.entry_s6.q.val();
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
            if self.written_valid_s[i].q.val() & (self.written_s[i].q.val() == self.entry_s7.q.val()) {
                self.changed.next = self.known_s7.q.val();
            }
        }
        self.role_s8.d.next = self.role_s7.dout.val();
        if self.changed.val() {
            self.role_s8.d.next.lost = true;
        }
        self.known_s8_q.d.next = self.known_s7.q.val();
        self.ports_s8_q.d.next = self.ports_s7.dout.val();

        // 8 and 9.
        self.known_s8.next = self.known_s8_q.q.val();
        self.ports_s8.next = self.ports_s8_q.q.val();
        self.role_s9_q.d.next = self.role_s8.q.val();
        self.role_s9.next = self.role_s9_q.q.val();
    }
}
