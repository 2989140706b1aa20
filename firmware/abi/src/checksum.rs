//! Stored checksum deltas (RFC 1624): what the driver computes once a flow and the card adds to every packet.
//!
//! With `~` the ones' complement and `+` the end-around-carry sum, the card forwards `HC' = ~(~HC + delta)`. For the IPv4
//! header it adds [`TTL_DELTA`] as well. A UDP checksum of zero stays zero over IPv4; one that becomes zero is sent as 0xffff.

/// What a TTL lowered by one adds: `-0x0100` in ones' complement, TTL being the upper byte of its word.
pub const TTL_DELTA: u16 = !0x0100;

/// Sum with end-around carry.
#[inline]
pub const fn add(a: u16, b: u16) -> u16 {
    let (sum, carry) = a.overflowing_add(b);
    sum + carry as u16
}

/// Delta of replacing the words `old` by the words `new`. A change that leaves the sum as it was gives 0, never its other
/// spelling 0xffff, so that such a flow's checksums stay as they came.
pub fn delta(old: &[u16], new: &[u16]) -> u16 {
    let removed = old.iter().fold(0, |sum, word| add(sum, !word));
    let changed = new.iter().fold(removed, |sum, word| add(sum, *word));
    if changed == 0xffff { 0 } else { changed }
}

/// `~(~checksum + delta)`: the checksum after a change.
#[inline]
pub const fn update(checksum: u16, delta: u16) -> u16 {
    !add(!checksum, delta)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The full sum over `words`, as RFC 1071 has it.
    fn full(words: &[u16]) -> u16 {
        !words.iter().fold(0, |sum, word| add(sum, *word))
    }

    #[test]
    fn update_equals_recompute() {
        let (old, new) = ([0x4500, 0x1234, 0xc000, 0x0201], [0x4500, 0x1234, 0xcb00, 0x7105]);
        assert_eq!(update(full(&old), delta(&old, &new)), full(&new));
    }

    #[test]
    fn the_ttl_delta_is_one_hop() {
        for ttl_and_protocol in [0x4006u16, 0x0111, 0xff06] {
            let (old, new) = ([ttl_and_protocol, 0x55aa], [ttl_and_protocol - 0x0100, 0x55aa]);
            assert_eq!(update(full(&old), TTL_DELTA), full(&new));
        }
    }

    #[test]
    fn an_unchanged_sum_has_delta_zero() {
        assert_eq!(delta(&[1, 2], &[2, 1]), 0);
        assert_eq!(delta(&[], &[]), 0);
        assert_eq!(delta(&[0xffff], &[0]), 0);
    }
}
