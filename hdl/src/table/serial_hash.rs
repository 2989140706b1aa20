//! The keyed hash for devices with few lookup tables and keys that come seldom: the same ports, latency and hashes as
//! [`KeyedHash`](super::KeyedHash), a third of the logic.
//!
//! A third of the key is added up in each of [`STEPS`] clocks by the same logic, from registers: the first third is taken from the port, the others are
//! kept, and each meets its window of the secret. A key that comes before the one ahead is done takes its place, and the one ahead has a hash that
//! is not its own: so the next key must be [`STEPS`] clocks behind one that matters, which [`Pace::Seldom`] promises.

use fpgaflow_abi::hash::HASH_BITS;

use super::hash::LATENCY;
use crate::prim::Pace;
use crate::prim::xor_tree::xor_tree;

/// Clocks in which a key is added up.
const STEPS: usize = 3;

// A third is in the registers a clock before it is added.
const _: () = assert!(LATENCY == STEPS + 1 && STEPS <= Pace::SELDOM);

/// The text of the module, between its ports and its end: the lowest `hash_bits` of the hash.
pub(super) fn body(key_bits: usize, secret_bits: usize, hash_bits: usize) -> String {
    let part = key_bits.div_ceil(STEPS);
    let window = part + hash_bits - 1;
    // What the last part lacks is zero; above the secret there are zeros, which meet no key bit.
    let key =
        |of: &str, step: usize| format!("{of}[{high}:{low}]", low = step * part, high = ((step + 1) * part).min(key_bits) - 1);
    let secret = |step: usize| {
        let (low, high) = (step * part, (step * part + window).min(secret_bits) - 1);
        format!("secret[{high}:{low}]")
    };
    let words =
        (0..part).map(|bit| format!("({{{hash_bits}{{part[{bit}]}}}} & window[{high}:{bit}])", high = bit + hash_bits - 1));
    let sum = xor_tree(words.chain(["so_far".to_owned()]).collect());
    let zeros = if hash_bits < HASH_BITS { format!("{}'d0, ", HASH_BITS - hash_bits) } else { String::new() };
    format!(
        "\
reg [{key_msb}:0] kept;
reg [2:1] step;
reg [{part_msb}:0] part;
reg [{window_msb}:0] window;
reg [{hash_msb}:0] sum;
wire [{hash_msb}:0] so_far = step[1] ? {hash_bits}'d0 : sum;
initial step = 0;
always @(*) hash = {{{zeros}sum}};
always @(posedge clock) begin
    if (key_valid) kept <= key;
    step <= {{step[1], key_valid}};
    part <= key_valid ? {part_0} : step[1] ? {part_1} : {part_2};
    window <= key_valid ? {window_0} : step[1] ? {window_1} : {window_2};
    sum <= {sum};
end
",
        key_msb = key_bits - 1,
        part_msb = part - 1,
        window_msb = window - 1,
        hash_msb = hash_bits - 1,
        part_0 = key("key", 0),
        part_1 = key("kept", 1),
        part_2 = key("kept", 2),
        window_0 = secret(0),
        window_1 = secret(1),
        window_2 = secret(2),
    )
}
