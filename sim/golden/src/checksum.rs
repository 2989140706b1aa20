//! Whole sums (RFC 1071), where the card adds deltas.

/// Ones' complement sum of `bytes` as big-endian 16-bit words, an odd last byte padded with zero; not yet folded.
pub(crate) fn sum(bytes: &[u8]) -> u64 {
    let words = bytes.chunks_exact(2);
    let last = words.remainder().first().map_or(0, |last| u64::from(*last) << 8);
    words.map(|word| u64::from(u16::from_be_bytes([word[0], word[1]]))).sum::<u64>() + last
}

/// The checksum field that makes a header with `sum` over all its other words right.
pub(crate) fn complement(sum: u64) -> u16 {
    // A sum of words that are not all zero is never 0 in ones' complement, so a checksum is never 0xffff.
    match (sum % MODULUS) as u16 {
        0 => 0,
        residue => !residue,
    }
}

/// The checksum after the words that it covers changed, `before` and `after` being the sums of all of them without it.
///
/// A packet that came with a wrong checksum must leave with one that is wrong by the same amount: `checksum + before` is what
/// a receiver sees, congruent to 0 if it was right, and is kept. Sums that do not differ leave the field alone, in whichever of its two
/// spellings of zero it came.
pub(crate) fn carried_over(checksum: u16, before: u64, after: u64) -> u16 {
    let (before, after) = (before % MODULUS, after % MODULUS);
    if before == after { checksum } else { ((u64::from(checksum) + before + MODULUS - after) % MODULUS) as u16 }
}

/// Ones' complement arithmetic on 16 bits is arithmetic modulo this.
const MODULUS: u64 = 0xffff;

#[cfg(test)]
mod tests {
    use super::*;
    use fpgaflow_abi::checksum::{delta, update};

    /// The words that a checksum and its delta are hardest on.
    const WORDS: [u16; 8] = [0, 1, 0x00ff, 0x0100, 0x7fff, 0x8000, 0xfffe, 0xffff];

    #[test]
    fn whole_sums_agree_with_stored_deltas_for_right_and_wrong_checksums() {
        for checksum in WORDS {
            for old in WORDS {
                for new in WORDS {
                    for rest in WORDS {
                        let sum = |word: u16| u64::from(word) + u64::from(rest);
                        assert_eq!(
                            carried_over(checksum, sum(old), sum(new)),
                            update(checksum, delta(&[old], &[new])),
                            "checksum {checksum:#06x}, {old:#06x} becomes {new:#06x}, beside {rest:#06x}"
                        );
                    }
                }
            }
        }
    }

    #[test]
    fn an_odd_byte_is_the_upper_half_of_its_word() {
        assert_eq!(sum(&[0x12, 0x34, 0x56]), 0x1234 + 0x5600);
    }

    #[test]
    fn a_complement_makes_the_sum_vanish() {
        for word in WORDS.into_iter().filter(|word| *word != 0) {
            let checksum = complement(word.into());
            assert_eq!((u64::from(checksum) + u64::from(word)) % MODULUS, 0);
            assert_ne!(checksum, 0xffff);
        }
    }
}
