//! The carry-less engine of x86-64 (`PCLMULQDQ`).

use std::arch::x86_64::{__m128i, _mm_clmulepi64_si128, _mm_cvtsi128_si64, _mm_set_epi64x, _mm_srli_si128, _mm_xor_si128};

use fpgaflow_abi::hash::HASH_BITS;

use super::Multipliers;

/// The reversed secret. Exists only where the processor has the instructions.
#[derive(Clone)]
pub(super) struct Clmul {
    multipliers: Multipliers,
}

impl std::fmt::Debug for Clmul {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Clmul(..)")
    }
}

impl Clmul {
    /// `None` on a processor without the instructions.
    pub fn new(multipliers: Multipliers) -> Option<Self> {
        std::arch::is_x86_feature_detected!("pclmulqdq").then_some(Self { multipliers })
    }

    /// Hash of the key words.
    #[inline]
    pub fn hash(&self, key: &[u64]) -> u64 {
        // SAFETY: a value of this type exists only after `new` found the instructions.
        unsafe { self.reversed(key) }.reverse_bits() >> (64 - HASH_BITS)
    }

    /// The hash, last bit first, in the low bits; what is above them means nothing.
    #[inline]
    #[target_feature(enable = "pclmulqdq")]
    fn reversed(&self, key: &[u64]) -> u64 {
        let mut low = _mm_set_epi64x(0, 0);
        let mut high = low;
        for (word, [multiplier_low, multiplier_high]) in key.iter().zip(&self.multipliers) {
            let multipliers: __m128i = _mm_set_epi64x(*multiplier_high as i64, *multiplier_low as i64);
            let word = _mm_set_epi64x(0, *word as i64);
            low = _mm_xor_si128(low, _mm_clmulepi64_si128::<0x00>(word, multipliers));
            high = _mm_xor_si128(high, _mm_clmulepi64_si128::<0x10>(word, multipliers));
        }
        // Bits 63 to 110 of `low + (high << 64)` are the hash, last bit first.
        let (low_half, low_upper) = (_mm_cvtsi128_si64(low) as u64, _mm_cvtsi128_si64(_mm_srli_si128::<8>(low)) as u64);
        let high_half = _mm_cvtsi128_si64(high) as u64;
        low_half >> 63 | (low_upper ^ high_half) << 1
    }
}
