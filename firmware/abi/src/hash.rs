//! The keyed hash: a Toeplitz hash of the whole key to 48 bits, and how buckets and tag come from it.
//!
//! Output bit `i` is the parity of `key & (secret >> i)`. The driver draws the secret at random and can change it under
//! traffic; with a fixed polynomial an attacker could aim flows at one bucket, whatever the seed (Krawczyk, CRYPTO '94, has
//! the construction).

use crate::bits::Row;
use crate::key::{KEY_BITS_V6, KeyBits};

/// Bits of a hash.
pub const HASH_BITS: usize = 48;
/// Low bits of a hash that are the tag; the bits above choose the bucket in bank 1.
pub const TAG_BITS: usize = 16;
/// Bits of the secret that a hash of an IPv6 key uses. Hashes of IPv4 keys use the lowest 207.
pub const SECRET_BITS: usize = KEY_BITS_V6 + HASH_BITS - 1;
/// 32-bit registers that hold the secret, lowest first.
pub const SECRET_REGS: usize = SECRET_BITS.div_ceil(32);
/// 64-bit words of the secret.
pub const SECRET_WORDS: usize = SECRET_BITS.div_ceil(64);

/// The secret of the keyed hash.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct HashSecret(pub [u64; SECRET_WORDS]);

impl core::fmt::Debug for HashSecret {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("HashSecret(..)")
    }
}

/// Hash of one key under one secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct KeyHash(pub u64);

impl HashSecret {
    /// Row `i` of the hash matrix: bit `i` of the hash is the parity of the key under this mask.
    pub fn row(&self, i: usize) -> KeyBits {
        let mut row = Row([0; crate::key::KEY_WORDS]);
        let mut bit = 0;
        while bit < KEY_BITS_V6 {
            let at = bit + i;
            row.0[bit / 64] |= ((self.0[at / 64] >> (at % 64)) & 1) << (bit % 64);
            bit += 1;
        }
        row
    }

    /// Value of secret register `index`.
    pub fn register(&self, index: usize) -> u32 {
        (self.0[index / 2] >> (32 * (index % 2))) as u32
    }

    /// Hash of `key`, bit by bit as the definition reads. The driver has a faster one; both must agree.
    pub fn hash(&self, key: &KeyBits) -> KeyHash {
        let mut hash = 0;
        for i in 0..HASH_BITS {
            let row = self.row(i);
            let parity = row.0.iter().zip(&key.0).fold(0, |acc, (mask, word)| acc ^ (mask & word)).count_ones() & 1;
            hash |= u64::from(parity) << i;
        }
        KeyHash(hash)
    }
}

impl KeyHash {
    /// What a card that computes `bits` bits of hashes makes of it.
    #[inline]
    pub const fn cut(self, bits: u32) -> Self {
        Self(self.0 & ((1 << bits) - 1))
    }

    /// The tag that a slot stores.
    #[inline]
    pub const fn tag(self) -> u16 {
        self.0 as u16
    }

    /// Bucket in bank 0, of a table with `1 << bucket_bits` buckets a bank.
    #[inline]
    pub const fn bucket0(self, bucket_bits: u32) -> u32 {
        (self.0 >> TAG_BITS) as u32 & bucket_mask(bucket_bits)
    }

    /// Bucket in bank 1.
    #[inline]
    pub const fn bucket1(self, bucket_bits: u32) -> u32 {
        other_bucket(self.bucket0(bucket_bits), self.tag(), bucket_bits)
    }
}

/// The bucket in the other bank for a slot with `tag` at `bucket`: a slot moves knowing only its tag and place.
#[inline]
pub const fn other_bucket(bucket: u32, tag: u16, bucket_bits: u32) -> u32 {
    (bucket ^ spread(tag)) & bucket_mask(bucket_bits)
}

/// The tag repeated over 32 bits, so that it reaches every bit of a bucket number.
#[inline]
pub const fn spread(tag: u16) -> u32 {
    (tag as u32) << TAG_BITS | tag as u32
}

const fn bucket_mask(bucket_bits: u32) -> u32 {
    (1 << bucket_bits) - 1
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: HashSecret = HashSecret([
        0x9e37_79b9_7f4a_7c15,
        0xbf58_476d_1ce4_e5b9,
        0x94d0_49bb_1331_11eb,
        0x2545_f491_4f6c_dd1d,
        0xd6e8_feb8_6659_fd93,
        0xa076_1d64_78bd_642f,
        0xe703_7ed1_a0b4_28db,
    ]);

    #[test]
    fn the_hash_is_linear() {
        let (a, b) = (Row([1, 2, 3, 4, 5, 6]), Row([7, 1 << 63, 9, 0, u64::MAX, 1]));
        let sum = Row(core::array::from_fn(|i| a.0[i] ^ b.0[i]));
        assert_eq!(SECRET.hash(&sum).0, SECRET.hash(&a).0 ^ SECRET.hash(&b).0);
        assert_eq!(SECRET.hash(&Row([0; 6])).0, 0);
    }

    #[test]
    fn a_single_key_bit_selects_a_window_of_the_secret() {
        let mut key = Row([0; 6]);
        key.0[1] = 1 << 3;
        let window = (u128::from(SECRET.0[2]) << 64 | u128::from(SECRET.0[1])) >> 3;
        assert_eq!(SECRET.hash(&key).0, window as u64 & ((1 << HASH_BITS) - 1));
    }

    #[test]
    fn both_buckets_lead_to_each_other() {
        let hash = KeyHash(0x1234_5678_9abc);
        for bucket_bits in [4, 9, 16, 20] {
            let (b0, b1) = (hash.bucket0(bucket_bits), hash.bucket1(bucket_bits));
            assert_eq!(other_bucket(b1, hash.tag(), bucket_bits), b0);
            assert!(b0 < 1 << bucket_bits && b1 < 1 << bucket_bits);
        }
    }
}
