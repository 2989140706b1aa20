//! The portable engine: the hash is linear, so it is the sum of what each half byte of the key contributes.

use fpgaflow_abi::hash::{HASH_BITS, HashSecret};
use fpgaflow_abi::key::KEY_WORDS;

use super::secret_bit;

/// Half bytes of a word.
const NIBBLES: usize = 16;

/// Contribution of every value of every half byte of a key: 12 KiB, small enough to stay in the first cache.
#[derive(Clone)]
pub(super) struct Tables([[[u64; 16]; NIBBLES]; KEY_WORDS]);

impl Tables {
    pub fn new(secret: &HashSecret) -> Self {
        let window = |bit: usize| (0..HASH_BITS).fold(0, |hash, i| hash | secret_bit(secret, bit + i) << i);
        Self(std::array::from_fn(|word| {
            std::array::from_fn(|nibble| {
                let bits: [u64; 4] = std::array::from_fn(|bit| window(64 * word + 4 * nibble + bit));
                std::array::from_fn(|value| (0..4).filter(|bit| value >> bit & 1 == 1).fold(0, |sum, bit| sum ^ bits[bit]))
            })
        }))
    }

    #[inline]
    pub fn hash(&self, key: &[u64]) -> u64 {
        let mut hash = 0;
        for (word, tables) in key.iter().zip(&self.0) {
            for (nibble, table) in tables.iter().enumerate() {
                hash ^= table[(word >> (4 * nibble) & 15) as usize];
            }
        }
        hash
    }
}
