//! The secret of cards that only replay.

use fpgaflow_abi::hash::{HashSecret, SECRET_WORDS};
use fpgaflow_driver::hash::choose_secret;

/// Secret of the keyed hash, always the same: nobody aims flows at the buckets of a replay.
pub fn fixed_secret(bucket_bits: u8) -> HashSecret {
    // Steele, Lea, Flood: Fast splittable pseudorandom number generators, 2014.
    let mut state = 0_u64;
    let mut word = || {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (state ^ state >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ mixed >> 31
    };
    choose_secret(|| HashSecret(std::array::from_fn::<u64, SECRET_WORDS, _>(|_| word())), bucket_bits.into())
}
