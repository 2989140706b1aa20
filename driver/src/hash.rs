//! The ABI's keyed hash, fast: one carry-less product a 64-bit word of the key where the processor has it, tables elsewhere.
//!
//! # Contract
//! Equal to [`HashSecret::hash`] for every key and secret; tests hold both engines against it.
//!
//! # How a Toeplitz hash is a product
//! Hash bit `i` is the sum over all key bits `b` of `key[b] & secret[b + i]`: a correlation. With the secret's bits in reverse order it
//! becomes a convolution, which is what a carry-less multiplication computes; the hash comes out reversed.

#[cfg(target_arch = "x86_64")]
mod clmul;
mod spread;
mod tables;

pub use spread::{CANDIDATES, choose_secret, lost_dimensions};

use fpgaflow_abi::hash::{HASH_BITS, HashSecret, KeyHash};
use fpgaflow_abi::key::{FAMILY, KEY_BITS_V4, KEY_WORDS, KeyBits};

use tables::Tables;

/// Words of an IPv4 key that are not always zero.
const WORDS_V4: usize = KEY_BITS_V4.div_ceil(64);

/// The secret's bits that meet key word `w`, reversed: 111 of them, the lower 64 first.
type Multipliers = [[u64; 2]; KEY_WORDS];

/// Bits of the secret that meet one key word.
const WINDOW_BITS: usize = 64 + HASH_BITS - 1;

/// A secret, prepared for hashing.
#[derive(Clone)]
pub struct KeyedHash {
    secret: HashSecret,
    engine: Engine,
    bits: u32,
}

#[derive(Clone)]
enum Engine {
    #[cfg(target_arch = "x86_64")]
    Clmul(clmul::Clmul),
    Tables(Box<Tables>),
}

impl std::fmt::Debug for KeyedHash {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("KeyedHash(..)")
    }
}

impl KeyedHash {
    /// Prepares `secret` for the fastest engine that this processor has.
    pub fn new(secret: HashSecret) -> Self {
        #[cfg(target_arch = "x86_64")]
        if let Some(clmul) = clmul::Clmul::new(multipliers(&secret)) {
            return Self { secret, engine: Engine::Clmul(clmul), bits: HASH_BITS as u32 };
        }
        Self::portable(secret)
    }

    /// Prepares `secret` for the engine that every processor has.
    pub fn portable(secret: HashSecret) -> Self {
        Self { engine: Engine::Tables(Box::new(Tables::new(&secret))), secret, bits: HASH_BITS as u32 }
    }

    /// The same for a card that computes `bits` bits of a hash.
    pub fn cut(self, bits: u32) -> Self {
        Self { bits, ..self }
    }

    /// The secret.
    pub fn secret(&self) -> &HashSecret {
        &self.secret
    }

    /// Hash of `key`.
    #[inline]
    pub fn hash(&self, key: &KeyBits) -> KeyHash {
        let whole = match &self.engine {
            #[cfg(target_arch = "x86_64")]
            Engine::Clmul(clmul) => KeyHash(clmul.hash(&key.0[..words(key)])),
            Engine::Tables(tables) => KeyHash(tables.hash(&key.0[..words(key)])),
        };
        whole.cut(self.bits)
    }
}

/// How many words of `key` can be other than zero.
#[inline]
fn words(key: &KeyBits) -> usize {
    if key.bit(FAMILY.lsb) { KEY_WORDS } else { WORDS_V4 }
}

fn secret_bit(secret: &HashSecret, at: usize) -> u64 {
    secret.0[at / 64] >> (at % 64) & 1
}

fn multipliers(secret: &HashSecret) -> Multipliers {
    std::array::from_fn(|w| {
        let mut reversed = [0; 2];
        for m in 0..WINDOW_BITS {
            reversed[m / 64] |= secret_bit(secret, 64 * w + WINDOW_BITS - 1 - m) << (m % 64);
        }
        reversed
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use fpgaflow_abi::key::KEY_BITS_V6;
    use proptest::prelude::*;

    fn key(words: [u64; KEY_WORDS], v6: bool) -> KeyBits {
        let mut key = fpgaflow_abi::bits::Row(words);
        key.0[5] &= (1 << (KEY_BITS_V6 - 320)) - 1;
        key.set(FAMILY, v6.into());
        if !v6 {
            key.0[3..].fill(0);
            key.0[2] &= (1 << (KEY_BITS_V4 - 128)) - 1;
        }
        key
    }

    proptest! {
        #[test]
        fn both_engines_equal_the_definition(secret: [u64; 7], words: [u64; KEY_WORDS], v6: bool) {
            let (secret, key) = (HashSecret(secret), key(words, v6));
            let expected = secret.hash(&key);
            prop_assert_eq!(KeyedHash::portable(secret).hash(&key), expected);
            prop_assert_eq!(KeyedHash::new(secret).hash(&key), expected);
        }
    }

    #[test]
    fn every_single_bit_of_the_key_counts() {
        let secret = HashSecret(std::array::from_fn(|i| 0x9e37_79b9_7f4a_7c15u64.wrapping_mul(i as u64 + 1)));
        let (fast, portable) = (KeyedHash::new(secret), KeyedHash::portable(secret));
        for bit in 0..KEY_BITS_V6 {
            let mut words = [0; KEY_WORDS];
            words[bit / 64] = 1 << (bit % 64);
            let key = key(words, bit >= KEY_BITS_V4 || bit == FAMILY.lsb);
            assert_eq!(fast.hash(&key), secret.hash(&key), "bit {bit}");
            assert_eq!(portable.hash(&key), secret.hash(&key), "bit {bit}");
        }
    }
}
