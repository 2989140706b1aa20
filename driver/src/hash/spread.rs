//! Choosing a secret that spreads structured keys.
//!
//! A Toeplitz hash is linear. Keys that differ in a few consecutive bits (ports or addresses in sequence) are, but for an offset, a
//! vector space of small dimension, and its image among the buckets is one too: either all buckets alike, which is better than any
//! random hash does, or only half of them, a quarter, ... Then a table is "full" at 75 % or less, however hard placement
//! searches. About one random secret in eight does that to one given shape of keys; `benches/placement.rs` shows it.
//!
//! Which spaces are mapped badly can be read from the secret: so draw some, and take the one that has the fewest.

use fpgaflow_abi::bits::Field;
use fpgaflow_abi::hash::{HASH_BITS, HashSecret, KeyHash};
use fpgaflow_abi::key::{DPORT, DST_V4, DST_V6, SPORT, SRC_V4, SRC_V6};

use super::secret_bit;

/// Secrets to choose among: enough to be rid of most bad spaces, few enough to keep all but six bits of the draw's entropy.
pub const CANDIDATES: usize = 64;

/// Slots of a bucket pair, as a power of two: keys that fill a table span that many more dimensions than a bucket number has bits.
const SLOTS_LOG2: u32 = 3;

/// Widest run of consecutive values that is looked at in one field.
const MOST_BITS: u32 = 16;

/// Fields that count up in real traffic, two of them at a time.
const FIELD_PAIRS: [(Field, Field); 10] = [
    (SPORT, DPORT),
    (SPORT, SRC_V4),
    (SPORT, DST_V4),
    (DPORT, SRC_V4),
    (DPORT, DST_V4),
    (SRC_V4, DST_V4),
    (SPORT, SRC_V6),
    (DPORT, DST_V6),
    (DPORT, SRC_V6),
    (SPORT, DST_V6),
];

/// How many dimensions `secret` loses over all spaces of counting fields that would just fill a table of `1 << bucket_bits` buckets a
/// bank. 0 is perfect.
pub fn lost_dimensions(secret: &HashSecret, bucket_bits: u32) -> u32 {
    let dimensions = bucket_bits + SLOTS_LOG2;
    let image = |bit: usize| KeyHash((0..HASH_BITS).fold(0, |hash, i| hash | secret_bit(secret, bit + i) << i));
    let mut lost = 0;
    for (a, b) in FIELD_PAIRS {
        let widest = |field: Field| MOST_BITS.min(field.width as u32);
        let from = dimensions.saturating_sub(widest(b));
        for bits_of_a in from..=dimensions.min(widest(a)) {
            let low_bits = |field: Field, count: u32| (field.lsb..).take(count as usize);
            let bits = low_bits(a, bits_of_a).chain(low_bits(b, dimensions - bits_of_a)).map(image);
            let mut banks = [Span::default(), Span::default()];
            for hash in bits {
                banks[0].add(hash.bucket0(bucket_bits));
                banks[1].add(hash.bucket1(bucket_bits));
            }
            lost += banks.iter().map(|bank| bucket_bits.saturating_sub(bank.dimension)).sum::<u32>();
        }
    }
    lost
}

/// The best of [`CANDIDATES`] secrets that `draw` gives.
pub fn choose_secret(mut draw: impl FnMut() -> HashSecret, bucket_bits: u32) -> HashSecret {
    let mut best = draw();
    let mut least = lost_dimensions(&best, bucket_bits);
    for _ in 1..CANDIDATES {
        let secret = draw();
        let lost = lost_dimensions(&secret, bucket_bits);
        if lost < least {
            (best, least) = (secret, lost);
        }
    }
    best
}

/// A vector space over GF(2): a basis by leading bit.
#[derive(Default)]
struct Span {
    basis: [u32; 32],
    dimension: u32,
}

impl Span {
    fn add(&mut self, mut vector: u32) {
        while vector != 0 {
            let lead = &mut self.basis[vector.ilog2() as usize];
            if *lead == 0 {
                *lead = vector;
                self.dimension += 1;
                return;
            }
            vector ^= *lead;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_without_variety_loses_everything_and_choice_helps() {
        let mut state = 1u64;
        let mut draw = || {
            HashSecret(std::array::from_fn(|_| {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                state ^ state >> 29
            }))
        };
        let zero = lost_dimensions(&HashSecret([0; 7]), 9);
        let one = lost_dimensions(&draw(), 9);
        let chosen = lost_dimensions(&choose_secret(&mut draw, 9), 9);
        assert_eq!(zero, 2 * 9 * FIELD_PAIRS.len() as u32 * 13);
        assert!(chosen < one && one < zero, "{chosen} < {one} < {zero}");
    }
}
