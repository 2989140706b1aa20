//! The keyed hash for devices with few lookup tables and keys that come seldom: the same ports, latency and hashes as
//! [`KeyedHash`](super::KeyedHash), a third of the logic.
//!
//! A third of the key is added up in each of [`STEPS`] clocks, by the same logic: the first from the port, the others from a register that moves on,
//! and so the window of the secret that meets it. A key that comes before the one ahead is done takes its place, and the one ahead has a hash that is
//! not its own: so the next key must be [`STEPS`] clocks behind one that matters. At 64 bits it is, for a frame with all of a key takes five clocks.

use std::fmt::Write as _;

use fpgaflow_abi::hash::HASH_BITS;

use super::hash::{GROUP, LATENCY};
use crate::prim::Pace;
use crate::prim::xor_tree::xor_tree;

/// Clocks in which a key is added up.
pub(super) const STEPS: usize = Pace::SELDOM;

// Products are registered, then added to what there is.
const _: () = assert!(LATENCY == STEPS + 1);

/// The text of the module, between its ports and its end.
pub(super) fn body(key_bits: usize, secret_bits: usize) -> String {
    let part = key_bits.div_ceil(STEPS);
    let window = part + HASH_BITS - 1;
    let rest = key_bits - part;
    // Above the secret there are zeros, which meet no key bit.
    let secret = |step: usize| {
        let (low, high) = (step * part, (step * part + window).min(secret_bits) - 1);
        format!("secret[{high}:{low}]")
    };
    let mut out = format!(
        "\
reg [1:0] step;
reg adds;
reg [{rest_msb}:0] rest;
reg [{window_msb}:0] next_window;
wire [{part_msb}:0] part = key_valid ? key[{part_msb}:0] : rest[{part_msb}:0];
wire [{window_msb}:0] window = key_valid ? {first} : next_window;
initial step = 0;
initial adds = 0;
",
        rest_msb = rest - 1,
        window_msb = window - 1,
        part_msb = part - 1,
        first = secret(0),
    );
    // Products are there a clock behind their part: `step` is 1 when those of the first are.
    let mut clocked = format!(
        "    rest <= key_valid ? key[{top}:{part}] : rest >> {part};
    next_window <= key_valid ? {second} : {third};
    step <= key_valid ? 2'd1 : step == 1 ? 2'd2 : 2'd0;
    adds <= key_valid || step != 0;
",
        top = key_bits - 1,
        second = secret(1),
        third = secret(2),
    );
    let bits: Vec<usize> = (0..part).collect();
    let mut sums = Vec::new();
    for (group, bits) in bits.chunks(GROUP).enumerate() {
        let words = bits
            .iter()
            .map(|&bit| format!("({{{HASH_BITS}{{part[{bit}]}}}} & window[{high}:{bit}])", high = bit + HASH_BITS - 1));
        writeln!(out, "reg [{}:0] sum{group}_s1;", HASH_BITS - 1).expect("a String takes all");
        writeln!(clocked, "    sum{group}_s1 <= {};", xor_tree(words.collect())).expect("a String takes all");
        sums.push(format!("sum{group}_s1"));
    }
    sums.push(format!("(step == 1 ? {HASH_BITS}'d0 : hash)"));
    format!("{out}always @(posedge clock) begin\n{clocked}    if (adds) hash <= {};\nend\n", xor_tree(sums))
}
