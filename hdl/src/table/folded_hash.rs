//! The keyed hash for devices with few lookup tables: the same ports, clocks and hashes as [`KeyedHash`](super::KeyedHash), fewer products.
//!
//! The hash is a Toeplitz matrix times the key: bit `i` is the sum over `j` of `secret[i + j] & key[j]`. A block of `2n` by `2n` of it has three
//! different quarters `T0`, `T1`, `T2`, and with the key's halves `v0`, `v1` its product is, as Winograd found
//! (S. Winograd, Arithmetic Complexity of Computations, 1980):
//!
//! ```text
//!  low half  = T0 v0 + T1 v1 = (T0 + T1) v0 + T1 (v0 + v1)
//!  high half = T1 v0 + T2 v1 = (T1 + T2) v1 + T1 (v0 + v1)
//! ```
//! three products of a quarter's size where there were four. Sums of quarters are windows of one sequence, the secret added to itself moved by
//! `n`, so they are registers beside the secret, a clock behind it for each time it is done. Done twice, 9 of 16 products are left. Blocks along the key are added up
//! before halves are put together. Written by bit for synthesis: a simulator is better served by the plain form.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use fpgaflow_abi::hash::HASH_BITS;

use super::hash::GROUP;
use crate::prim::xor_tree::xor_tree;

/// How often a block is halved.
const FOLDS: usize = 2;
/// Bits of the smallest products.
const PART: usize = HASH_BITS >> FOLDS;

const _: () = assert!(PART << FOLDS == HASH_BITS);

/// Bits of the key that are added up.
type KeySum = BTreeSet<usize>;

/// Sequences, sums and products that the text needs.
#[derive(Default)]
struct Folded {
    /// Sequences besides the secret: of which one, and moved by how much.
    sequences: BTreeMap<String, (String, usize)>,
    /// Sums of more than one key bit.
    sums: BTreeMap<String, KeySum>,
    /// Words of [`PART`] bits to add up, by product.
    products: BTreeMap<String, Vec<String>>,
}

impl Folded {
    /// Adds the block of the matrix that starts at bit `at` of `sequence`, times `key`, to the products whose names begin with `name`.
    fn add(&mut self, sequence: &str, at: usize, key: &[KeySum], name: &str) {
        let half = key.len() / 2;
        if key.len() == PART {
            for (j, sum) in key.iter().enumerate().filter(|(_, sum)| !sum.is_empty()) {
                let bit = self.bit(sum);
                let low = at + j;
                let word = format!("({{{PART}{{{bit}}}}} & {sequence}[{high}:{low}])", high = low + PART - 1);
                self.products.entry(name.to_owned()).or_default().push(word);
            }
            return;
        }
        let (low, high) = key.split_at(half);
        let both: Vec<KeySum> = low.iter().zip(high).map(|(a, b)| a.symmetric_difference(b).copied().collect()).collect();
        let added = format!("{sequence}_{half}");
        self.sequences.insert(added.clone(), (sequence.to_owned(), half));
        self.add(&added, at, low, &format!("{name}_low"));
        self.add(&added, at + half, high, &format!("{name}_high"));
        self.add(sequence, at + half, &both, &format!("{name}_both"));
    }

    fn bit(&mut self, sum: &KeySum) -> String {
        let numbers: Vec<String> = sum.iter().map(ToString::to_string).collect();
        if let [one] = &numbers[..] {
            return format!("key[{one}]");
        }
        let name = format!("key_{}", numbers.join("_"));
        self.sums.insert(name.clone(), sum.clone());
        name
    }
}

/// The products that add up to each [`PART`] bits of the hash, lowest first.
fn parts(name: &str, folds: usize) -> Vec<Vec<String>> {
    if folds == 0 {
        return vec![vec![name.to_owned()]];
    }
    let of = |which: &str| parts(&format!("{name}_{which}"), folds - 1);
    let both = of("both");
    let halves = of("low").into_iter().zip(&both).chain(of("high").into_iter().zip(&both));
    halves.map(|(half, both)| [half, both.clone()].concat()).collect()
}

/// The text of the module, between its ports and its end.
pub(super) fn body(key_bits: usize, secret_bits: usize) -> String {
    let mut folded = Folded::default();
    for block in 0..key_bits.div_ceil(HASH_BITS) {
        let key: Vec<KeySum> =
            (0..HASH_BITS).map(|j| Some(HASH_BITS * block + j).filter(|bit| *bit < key_bits).into_iter().collect()).collect();
        folded.add("s", HASH_BITS * block, &key, "p");
    }
    // Above the secret there are zeros, which meet no key bit.
    let msb = secret_bits + HASH_BITS - 1;
    let mut out = format!("wire [{msb}:0] s = secret;\n");
    for (name, (of, moved)) in &folded.sequences {
        writeln!(out, "reg [{msb}:0] {name};\nalways @(posedge clock) {name} <= {of} ^ ({of} >> {moved});")
            .expect("a String takes all");
    }
    for (name, bits) in &folded.sums {
        let bits: Vec<String> = bits.iter().map(|bit| format!("key[{bit}]")).collect();
        writeln!(out, "wire {name} = {};", bits.join(" ^ ")).expect("a String takes all");
    }
    let mut clocked = String::new();
    let mut groups: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for (product, words) in &folded.products {
        for (group, words) in words.chunks(GROUP).enumerate() {
            let register = format!("{product}_{group}");
            writeln!(out, "reg [{}:0] {register};", PART - 1).expect("a String takes all");
            writeln!(clocked, "        {register} <= {};", xor_tree(words.to_vec())).expect("a String takes all");
            groups.entry(product).or_default().push(register);
        }
    }
    let mut hash = String::new();
    for (part, products) in parts("p", FOLDS).iter().enumerate() {
        let registers = products.iter().flat_map(|product| groups[product.as_str()].clone()).collect();
        writeln!(hash, "    hash[{} +: {PART}] <= {};", part * PART, xor_tree(registers)).expect("a String takes all");
    }
    format!("{out}always @(posedge clock) begin\n    if (key_valid) begin\n{clocked}    end\n{hash}end\n")
}
