//! The parts of the flow table and of the verdict, each by itself through the ladder.

use fpgaflow_abi::entry::{ENTRY_BITS_V4, ENTRY_BITS_V6};
use fpgaflow_abi::fragment::{OFFSET_BITS, ROWS, TAG_BITS};
use fpgaflow_abi::key::{Family, KEY_BITS_V4, KEY_BITS_V6};
use fpgaflow_abi::next_hop::NEXT_HOP_ROW_BITS;
use fpgaflow_hdl::fragment::Datagrams;
use fpgaflow_hdl::prim::{PARITY_BITS, Pace};
use fpgaflow_hdl::table::{EntryArray, FlowTable, SlotBanks, Stash};
use fpgaflow_hdl::verdict::{NextHops, VerdictStage};
use fpgaflow_hdl_guard::{Expect, check_block};

/// Bits of rows with their parity.
const STORED_V4: usize = ENTRY_BITS_V4 + PARITY_BITS;
const STORED_V6: usize = ENTRY_BITS_V6 + PARITY_BITS;
const STORED_NEXT_HOP: usize = NEXT_HOP_ROW_BITS + PARITY_BITS;

#[test]
fn slot_banks_are_clean_and_store_what_the_card_needs_of_a_slot() {
    // 512 buckets and 4,096 entries of a family: 30 bits of a slot's 41, and their parity.
    for (name, pace) in [("slot_banks", Pace::EveryClock), ("slot_banks_seldom", Pace::Seldom)] {
        check_block(name, || SlotBanks::<9, 13, 32>::new(pace), Expect::rams(8).with_bits(8 * 512 * 32));
    }
}

#[test]
fn stash_is_clean_and_has_no_memory() {
    check_block("stash", Stash::<13, 8>::default, Expect::rams(0));
}

#[test]
fn entry_arrays_are_clean() {
    check_block(
        "entries_v4",
        || EntryArray::<KEY_BITS_V4, 10, { ENTRY_BITS_V4 - KEY_BITS_V4 }, STORED_V4, 6>::new(Family::V4, Pace::EveryClock),
        Expect::rams(1).with_bits(STORED_V4 << 6),
    );
    check_block(
        "entries_v6",
        || EntryArray::<KEY_BITS_V6, 22, { ENTRY_BITS_V6 - KEY_BITS_V6 }, STORED_V6, 5>::new(Family::V6, Pace::EveryClock),
        Expect::rams(1).with_bits(STORED_V6 << 5),
    );
}

/// Identification, tag, ports, tick and offset.
const DATAGRAM_BITS: usize = 32 + TAG_BITS + 32 + 32 + OFFSET_BITS;

#[test]
fn datagrams_are_clean() {
    check_block("datagrams", Datagrams::<10>::default, Expect::rams(2).with_bits((DATAGRAM_BITS + 10) * ROWS));
}

#[test]
fn flow_table_is_clean() {
    // Eight banks of slots, the entries of both families, the delay line of the key, rows of datagrams and their entries.
    let bits = 8 * 32 * 29 + (STORED_V4 << 9) + (STORED_V6 << 6) + 9 * KEY_BITS_V6 + (DATAGRAM_BITS + 10) * ROWS;
    check_block("flow_table", FlowTable::<5, 9, 6, 10, 29, 8>::default, Expect::rams(13).with_bits(bits));
}

#[test]
fn next_hops_are_clean() {
    check_block("next_hops", NextHops::<8>::default, Expect::rams(1).with_bits(STORED_NEXT_HOP << 8));
    check_block("next_hops_full", NextHops::<12>::default, Expect::rams(1).with_bits(STORED_NEXT_HOP << 12));
}

#[test]
fn verdict_stage_is_clean() {
    check_block("verdict_stage", VerdictStage::<8>::default, Expect::rams(2));
}

#[test]
#[should_panic(expected = "FlowTable: both families have an array of 2 entries and more, not 2^9 and 2^0")]
fn a_table_of_one_family_is_refused() {
    let _ = FlowTable::<5, 9, 0, 10, 29, 8>::default();
}

#[test]
#[should_panic(expected = "FlowTable: a family and 6 or 9 bits of index are not 9 bits")]
fn references_too_narrow_for_the_larger_family_are_refused() {
    let _ = FlowTable::<5, 6, 9, 9, 28, 8>::default();
}
