//! Gathers the row of a table write from the words of commands.
//!
//! ```text
//!  word_valid, word, place -->[     ]--> row
//!  opcode, part ------------->[ Row ]
//! ```
//! Latency 2 clocks from a word to its bits of `row`. `opcode` and `part` are those of the command from the clock before its index comes.
//!
//! # Contract
//! - A payload word goes where its command has it in the row: that of an entry's part behind those of the parts before it, all others from
//!   the first word on. The hash of a stash slot follows the slot's bits.
//! - Nothing else changes the row. It is zero after reset. What it has above the row of a table is left over from other commands.
//!
//! Every word of the row waits for an enable only, and all for the same word: no multiplexer but for a stash slot's hash.

use std::array;

use fpgaflow_abi::descriptor::{Opcode, PAYLOAD_AT, PAYLOAD_WORDS, entry_parts};
use fpgaflow_abi::entry::ENTRY_WORDS;
use fpgaflow_abi::hash::HASH_BITS;
use fpgaflow_abi::key::Family;
use fpgaflow_abi::slot::SLOT_BITS;

use crate::prelude::*;
use crate::records::WRITE_ROW_BITS;

/// Bits of a number of a part, and of that of none.
const PART_BITS: usize = 2;
/// Bits of a part's number that no part has.
const NO_PART_BITS: usize = 8 - PART_BITS;
/// Bits of the row's first word above a slot: a stash slot has the low bits of its hash there.
const TOP_BITS: usize = 64 - SLOT_BITS;
/// Bits of a stash slot's hash that are left for the row's second word.
const HASH_REST_BITS: usize = HASH_BITS - TOP_BITS;
/// Bits of that word above them.
const ABOVE_HASH_BITS: usize = 64 - HASH_REST_BITS;
/// Words of the row behind its second.
const TAIL_WORDS: usize = ENTRY_WORDS - 2;

const _: () = assert!(WRITE_ROW_BITS == 64 * ENTRY_WORDS && ENTRY_WORDS <= entry_parts(Family::V6) as usize * PAYLOAD_WORDS);
const _: () = assert!((entry_parts(Family::V6) as usize) < 1 << PART_BITS, "a part's number is not that of none");
const _: () = assert!(HASH_BITS > TOP_BITS, "a stash slot is longer than a word");

/// The block.
#[derive(LogicBlock)]
pub struct Row {
    /// The block's clock.
    pub clock: Signal<In, Clock>,
    /// Synchronous, active high.
    pub reset: Signal<In, Bit>,
    /// A word of a command.
    pub word_valid: Signal<In, Bit>,
    /// The word.
    pub word: Signal<In, Bits<64>>,
    /// Which word it is.
    pub place: Signal<In, Bits<3>>,
    /// `CommandHead::opcode`.
    pub opcode: Signal<In, Bits<8>>,
    /// `CommandHead::part`.
    pub part: Signal<In, Bits<8>>,
    /// The row.
    pub row: Signal<Out, Bits<WRITE_ROW_BITS>>,
    // What the command's head says of its payload.
    part_s1: DFF<Bits<PART_BITS>>,
    is_stash_s1: DFF<Bit>,
    is_entry: Signal<Local, Bit>,
    // The word, and whose it is, from flip-flops: each of these moves a word of the row.
    word_s1: DFF<Bits<64>>,
    comes_s1: [DFF<Bit>; ENTRY_WORDS],
    slot: DFF<Bits<SLOT_BITS>>,
    top: DFF<Bits<TOP_BITS>>,
    hash_rest: DFF<Bits<HASH_REST_BITS>>,
    above_hash: DFF<Bits<ABOVE_HASH_BITS>>,
    // The words behind the second, the last one first.
    tail: [DFF<Bits<64>>; TAIL_WORDS],
    tail_word: Signal<Local, Bits<64>>,
    behind: Signal<Local, Bits<WRITE_ROW_BITS>>,
    // Where in which part a word comes: those of the tail, the second, the first.
    places: [Constant<Bits<3>>; ENTRY_WORDS],
    parts: [Constant<Bits<PART_BITS>>; ENTRY_WORDS],
    no_part: Constant<Bits<PART_BITS>>,
    write_entry: Constant<Bits<8>>,
    write_stash: Constant<Bits<8>>,
}

/// Place in the arrays above of the row's second word.
const SECOND: usize = TAIL_WORDS;
/// Of its first one.
const FIRST: usize = TAIL_WORDS + 1;

impl Default for Row {
    fn default() -> Self {
        let number = |i: usize| ENTRY_WORDS - 1 - i;
        Self {
            clock: Signal::default(),
            reset: Signal::default(),
            word_valid: Signal::default(),
            word: Signal::default(),
            place: Signal::default(),
            opcode: Signal::default(),
            part: Signal::default(),
            row: Signal::default(),
            part_s1: DFF::default(),
            is_stash_s1: DFF::default(),
            is_entry: Signal::default(),
            word_s1: DFF::default(),
            comes_s1: array::from_fn(|_| DFF::default()),
            slot: DFF::default(),
            top: DFF::default(),
            hash_rest: DFF::default(),
            above_hash: DFF::default(),
            tail: array::from_fn(|_| DFF::default()),
            tail_word: Signal::default(),
            behind: Signal::default(),
            places: array::from_fn(|i| Constant::new(((PAYLOAD_AT + number(i) % PAYLOAD_WORDS) as u64).into())),
            parts: array::from_fn(|i| Constant::new(((number(i) / PAYLOAD_WORDS) as u64).into())),
            no_part: Constant::new(((1_u64 << PART_BITS) - 1).into()),
            write_entry: Constant::new((Opcode::WriteEntry as u64).into()),
            write_stash: Constant::new((Opcode::WriteStash as u64).into()),
        }
    }
}

impl Logic for Row {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, part_s1, is_stash_s1, word_s1, slot, top, hash_rest, above_hash);

        // Whose words come.
        self.is_entry.next = self.opcode.val() == self.write_entry.val();
        self.is_stash_s1.d.next = self.opcode.val() == self.write_stash.val();
        self.part_s1.d.next = 0.into();
        if self.is_entry.val() {
            self.part_s1.d.next = self.part.val().get_bits::<PART_BITS>(0);
            for high in PART_BITS..(PART_BITS + 1) {
                if self.part.val().get_bits::<NO_PART_BITS>(high).any() {
                    self.part_s1.d.next = self.no_part.val();
                }
            }
        }
        self.word_s1.d.next = self.word.val();
        for i in 0..ENTRY_WORDS {
            self.comes_s1[i].clock.next = self.clock.val();
            self.comes_s1[i].d.next = self.word_valid.val()
                & (self.place.val() == self.places[i].val())
                & (self.part_s1.q.val() == self.parts[i].val());
        }

        // The first two words: where they meet a stash slot's hash goes on.
        for first in FIRST..(FIRST + 1) {
            if self.comes_s1[first].q.val() {
                self.slot.d.next = self.word_s1.q.val().get_bits::<SLOT_BITS>(0);
                for at in SLOT_BITS..(SLOT_BITS + 1) {
                    self.top.d.next = self.word_s1.q.val().get_bits::<TOP_BITS>(at);
                }
            }
        }
        for second in SECOND..(SECOND + 1) {
            if self.comes_s1[second].q.val() {
                self.hash_rest.d.next = self.word_s1.q.val().get_bits::<HASH_REST_BITS>(0);
                for above in HASH_REST_BITS..(HASH_REST_BITS + 1) {
                    self.above_hash.d.next = self.word_s1.q.val().get_bits::<ABOVE_HASH_BITS>(above);
                }
                if self.is_stash_s1.q.val() {
                    self.top.d.next = self.word_s1.q.val().get_bits::<TOP_BITS>(0);
                    for at in TOP_BITS..(TOP_BITS + 1) {
                        self.hash_rest.d.next = self.word_s1.q.val().get_bits::<HASH_REST_BITS>(at);
                    }
                }
            }
        }

        // The rest.
        self.behind.next = 0.into();
        for i in 0..TAIL_WORDS {
            self.tail[i].clock.next = self.clock.val();
            self.tail[i].d.next = self.tail[i].q.val();
            if self.comes_s1[i].q.val() {
                self.tail[i].d.next = self.word_s1.q.val();
            }
            if self.reset.val() {
                self.tail[i].d.next = 0.into();
            }
            self.tail_word.next = self.tail[i].q.val();
            self.behind.next = (self.behind.val() << 64) | bit_cast::<WRITE_ROW_BITS, 64>(self.tail_word.val());
        }
        for top in (SLOT_BITS as u64)..(SLOT_BITS as u64 + 1) {
            for above in (64 + HASH_REST_BITS as u64)..(65 + HASH_REST_BITS as u64) {
                self.row.next = bit_cast::<WRITE_ROW_BITS, SLOT_BITS>(self.slot.q.val())
                    | (bit_cast::<WRITE_ROW_BITS, TOP_BITS>(self.top.q.val()) << top)
                    | (bit_cast::<WRITE_ROW_BITS, HASH_REST_BITS>(self.hash_rest.q.val()) << 64)
                    | (bit_cast::<WRITE_ROW_BITS, ABOVE_HASH_BITS>(self.above_hash.q.val()) << above)
                    | (self.behind.val() << 128);
            }
        }

        if self.reset.val() {
            self.slot.d.next = 0.into();
            self.top.d.next = 0.into();
            self.hash_rest.d.next = 0.into();
            self.above_hash.d.next = 0.into();
        }
    }
}
