//! The parts of the flow table and of the verdict, each by itself through the ladder.

use fpgaflow_abi::entry::ENTRY_BITS_V4;
use fpgaflow_abi::key::KEY_BITS_V4;
use fpgaflow_abi::next_hop::NEXT_HOP_ROW_BITS;
use fpgaflow_hdl::table::{EntryArray, FlowTable, SlotBanks, Stash};
use fpgaflow_hdl::verdict::{NextHops, VerdictStage};
use fpgaflow_hdl_guard::{Expect, check_block};

#[test]
fn slot_banks_are_clean_and_store_what_the_card_needs_of_a_slot() {
    // 512 buckets and 4,096 entries: 29 bits of a slot's 41.
    check_block("slot_banks", SlotBanks::<9, 12, 29>::default, Expect::rams(8).with_bits(8 * 512 * 29));
}

#[test]
fn stash_is_clean_and_has_no_memory() {
    check_block("stash", Stash::<12, 8>::default, Expect::rams(0));
}

#[test]
fn entry_array_is_clean() {
    check_block(
        "entries_v4",
        EntryArray::<KEY_BITS_V4, 10, { ENTRY_BITS_V4 - KEY_BITS_V4 }, ENTRY_BITS_V4, 6>::default,
        Expect::rams(1).with_bits(ENTRY_BITS_V4 << 6),
    );
}

#[test]
fn flow_table_is_clean() {
    // Eight banks of slots, the entries, and the delay line of the key.
    let bits = 8 * 32 * 26 + (ENTRY_BITS_V4 << 9) + 7 * KEY_BITS_V4;
    check_block("flow_table", FlowTable::<5, 9, 26, 8>::default, Expect::rams(10).with_bits(bits));
}

#[test]
fn next_hops_are_clean() {
    check_block("next_hops", NextHops::<8>::default, Expect::rams(1).with_bits(NEXT_HOP_ROW_BITS << 8));
    check_block("next_hops_full", NextHops::<12>::default, Expect::rams(1).with_bits(NEXT_HOP_ROW_BITS << 12));
}

#[test]
fn verdict_stage_is_clean() {
    check_block("verdict_stage", VerdictStage::<8>::default, Expect::rams(2));
}
