//! Ways to spoil a well-formed packet. Each leaves the IP header checksum right, so that the flaw itself is what is found.

use etherparse::checksum::Sum16BitWords;
use fpgaflow_abi::wire::{ETH_HEADER_BYTES, PROTO_TCP};
use rand::RngExt;
use rand::seq::IndexedRandom;
use rand_chacha::ChaCha8Rng;

/// Where the IPv4 header of an untagged frame starts.
pub const L3: usize = ETH_HEADER_BYTES;
/// Where the layer 4 header starts behind an IPv4 header without options.
pub const L4: usize = L3 + 20;

/// Makes the IPv4 header checksum right again. Frames that end before the header does are left alone.
pub fn fix_ip_checksum(frame: &mut [u8]) {
    if let Some(header) = frame.get_mut(L3..L4) {
        header[10..12].fill(0);
        let sum = Sum16BitWords::new().add_slice(header).ones_complement();
        // etherparse keeps its sum in native byte order.
        header[10..12].copy_from_slice(&sum.to_ne_bytes());
    }
}

/// Writes a big-endian field.
///
/// # Panics
/// When it is not in the frame.
pub fn set16(frame: &mut [u8], at: usize, value: u16) {
    frame[at..at + 2].copy_from_slice(&value.to_be_bytes());
}

pub(crate) fn get16(frame: &[u8], at: usize) -> u16 {
    u16::from_be_bytes([frame[at], frame[at + 1]])
}

/// Bytes of the IP packet, as it says.
pub(crate) fn total_len(frame: &[u8]) -> u16 {
    get16(frame, L3 + 2)
}

/// Spoils `frame`, a well-formed packet of `protocol` (TCP or UDP).
pub(crate) fn spoil(rng: &mut ChaCha8Rng, frame: &mut Vec<u8>, protocol: u8) {
    let total = total_len(frame);
    match rng.random_range(0..10) {
        0 => frame[L3] = frame[L3] & 0x0f | rng.random_range::<u8, _>(0..16) << 4,
        1 => frame[L3] = 0x40 | rng.random_range::<u8, _>(0..5),
        2 => {
            // IHL beyond the packet, which is cut to fit the shorter.
            frame[L3] = 0x40 | rng.random_range::<u8, _>(6..16);
            set16(frame, L3 + 2, rng.random_range(20..60.min(total)));
        }
        3 => {
            let beyond = (frame.len() - L3) as u16;
            set16(frame, L3 + 2, *[beyond + 1, beyond + 2, beyond.saturating_mul(2), u16::MAX].choose(rng).unwrap_or(&u16::MAX));
        }
        4 => set16(frame, L3 + 2, *[0, 1, 19, 20, 21].choose(rng).unwrap_or(&0)),
        5 => frame.truncate(rng.random_range(L3..frame.len())),
        6 if protocol == PROTO_TCP => set16(frame, L3 + 2, rng.random_range(20..40)),
        6 => set16(frame, L3 + 2, rng.random_range(20..28)),
        7 if protocol == PROTO_TCP => frame[L4 + 12] = frame[L4 + 12] & 0x0f | rng.random_range::<u8, _>(0..5) << 4,
        7 => set16(frame, L4 + 4, rng.random_range(0..8)),
        _ if protocol == PROTO_TCP => {
            // Just beyond the packet where it is short, 15 words otherwise.
            let words = ((total - 20) / 4 + 1).min(15) as u8;
            frame[L4 + 12] = frame[L4 + 12] & 0x0f | rng.random_range(words..=15) << 4;
        }
        _ => set16(frame, L4 + 4, rng.random_range(total - 19..=u16::MAX)),
    }
    fix_ip_checksum(frame);
}
