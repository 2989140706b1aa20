//! Integrity of descriptors: CRC-32/ISO-HDLC over words 0-6, in the low half of word 7.

use crc::{CRC_32_ISO_HDLC, Crc, Table};
use fpgaflow_abi::descriptor::{CRC_WORDS, DescriptorWords};

/// Sixteen bytes a step: a descriptor is 56.
const CRC: Crc<u32, Table<16>> = Crc::<u32, Table<16>>::new(&CRC_32_ISO_HDLC);

/// Bytes that the CRC covers.
const COVERED_BYTES: usize = CRC_WORDS * 8;

/// CRC of words 0-6.
pub fn descriptor_crc(words: &DescriptorWords) -> u32 {
    static TABLES: &Crc<u32, Table<16>> = &CRC;
    let mut bytes = [0; COVERED_BYTES];
    for (chunk, word) in bytes.chunks_exact_mut(8).zip(words) {
        chunk.copy_from_slice(&word.to_le_bytes());
    }
    TABLES.checksum(&bytes)
}

/// Puts the CRC into word 7, sparing its upper half.
pub fn seal(mut words: DescriptorWords) -> DescriptorWords {
    words[CRC_WORDS] = words[CRC_WORDS] & !u64::from(u32::MAX) | u64::from(descriptor_crc(&words));
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_crc_is_ethernets_over_the_little_endian_bytes() {
        // "123456789" is the catalogue's check input; here it lies in the first nine bytes and the CRC runs on over zeros.
        let mut words = [0; 8];
        words[0] = u64::from_le_bytes(*b"12345678");
        words[1] = u64::from(b'9');
        let mut bytes = [0; 56];
        bytes[..9].copy_from_slice(b"123456789");
        assert_eq!(descriptor_crc(&words), bit_by_bit(&bytes));
        assert_eq!(bit_by_bit(b"123456789"), 0xcbf4_3926);
    }

    #[test]
    fn sealing_spares_the_sequence() {
        let sealed = seal([1, 2, 3, 4, 5, 6, 7, 0xabcd_0000_0000_0000 | 0xffff_ffff]);
        assert_eq!(sealed[7] >> 32, 0xabcd_0000);
        assert_eq!(sealed[7] as u32, descriptor_crc(&sealed));
    }

    /// The definition: reflected polynomial 0xedb88320, initial value and final XOR all ones.
    fn bit_by_bit(bytes: &[u8]) -> u32 {
        !bytes.iter().fold(u32::MAX, |crc, byte| {
            (0..8).fold(crc ^ u32::from(*byte), |crc, _| (crc >> 1) ^ (0xedb8_8320 & (crc & 1).wrapping_neg()))
        })
    }
}
