//! Ways to spoil a well-formed packet. Each leaves the IPv4 header checksum right, so that the flaw itself is what is found.

use fpgaflow_abi::wire::{GRE_HEADER_BYTES, PROTO_TCP, PROTO_UDP, TCP_HEADER_BYTES, UDP_HEADER_BYTES};
use rand::RngExt;
use rand::seq::IndexedRandom;
use rand_chacha::ChaCha8Rng;

use crate::draft::Draft;

/// Spoils a packet of TCP, UDP or GRE in one of its headers from IP on.
pub(crate) fn spoil(rng: &mut ChaCha8Rng, draft: &mut Draft) {
    match rng.random_range(0..3) {
        0 => spoil_version(rng, draft),
        1 => spoil_length(rng, draft),
        _ => spoil_l4(rng, draft),
    }
    draft.fix_ip_checksum();
}

fn spoil_version(rng: &mut ChaCha8Rng, draft: &mut Draft) {
    let (l3, total) = (draft.l3, draft.l4_bytes() + 20);
    match rng.random_range(0..3) {
        1 if draft.is_v4() => draft.bytes[l3] = 0x40 | rng.random_range::<u8, _>(0..5),
        2 if draft.is_v4() => {
            // IHL beyond the packet, which is cut to fit the shorter.
            draft.bytes[l3] = 0x40 | rng.random_range::<u8, _>(6..16);
            draft.set_l4_bytes(rng.random_range(0..40.min(total - 20 + 1)));
        }
        _ => draft.bytes[l3] = draft.bytes[l3] & 0x0f | rng.random_range::<u8, _>(0..16) << 4,
    }
}

/// Frame and IP header disagree.
fn spoil_length(rng: &mut ChaCha8Rng, draft: &mut Draft) {
    let at = draft.ip_length_at();
    let room = (draft.bytes.len() - if draft.is_v4() { draft.l3 } else { draft.l4 }) as u16;
    match rng.random_range(0..3) {
        0 => draft.set16(at, *[room + 1, room + 2, room.saturating_mul(2), u16::MAX].choose(rng).unwrap_or(&u16::MAX)),
        1 => draft.set16(at, *[0, 1, 19, 20, 21].choose(rng).unwrap_or(&0)),
        _ => draft.bytes.truncate(rng.random_range(draft.l3..draft.bytes.len())),
    }
}

/// Layer 4 has no room for its header, or says itself that it is shorter or longer than it can be.
fn spoil_l4(rng: &mut ChaCha8Rng, draft: &mut Draft) {
    let (l4, l4_bytes) = (draft.l4, draft.l4_bytes());
    let data_offset = |draft: &mut Draft, words: u8| draft.bytes[l4 + 12] = draft.bytes[l4 + 12] & 0x0f | words << 4;
    match (rng.random_range(0..4), draft.key.protocol) {
        (0, PROTO_TCP) => draft.set_l4_bytes(rng.random_range(0..TCP_HEADER_BYTES as u16)),
        (0, PROTO_UDP) => draft.set_l4_bytes(rng.random_range(0..UDP_HEADER_BYTES as u16)),
        (1, PROTO_TCP) => data_offset(draft, rng.random_range(0..5)),
        (1, PROTO_UDP) => draft.set16(l4 + 4, rng.random_range(0..UDP_HEADER_BYTES as u16)),
        (_, PROTO_TCP) => {
            // Just beyond the packet where it is short, 15 words otherwise.
            let words = (l4_bytes / 4 + 1).min(15) as u8;
            data_offset(draft, rng.random_range(words..=15));
        }
        (_, PROTO_UDP) => draft.set16(l4 + 4, rng.random_range(l4_bytes + 1..=u16::MAX)),
        _ => draft.set_l4_bytes(rng.random_range(0..GRE_HEADER_BYTES as u16)),
    }
}

/// Gives a frame in PPPoE another version, type, code or PPP protocol.
pub(crate) fn spoil_pppoe_kind(rng: &mut ChaCha8Rng, draft: &mut Draft) {
    let Some(header) = draft.pppoe_at() else { return };
    if rng.random() {
        let bit = rng.random_range(0..16);
        draft.set16(header, draft.get16(header) ^ 1 << bit);
    } else {
        // LCP, IPCP, IPv6CP, a compressed protocol field, MPLS, EtherTypes; then the other family's, which contradicts the IP header.
        let protocols = [0xc021, 0x8021, 0x8057, 0x2145, 0x0281, 0x0800, 0x86dd, 0x0021, 0x0057];
        draft.set16(header + 6, *protocols.choose(rng).unwrap_or(&0xc021));
    }
}

/// Lets a PPPoE header leave its packet less room, just enough, or more than there is.
pub(crate) fn move_pppoe_length(rng: &mut ChaCha8Rng, draft: &mut Draft) {
    let Some(header) = draft.pppoe_at() else { return };
    let exact = draft.get16(header + 4);
    let lengths = [0, 1, 2, 3, exact - 1, exact, exact + 1, exact + 2, u16::MAX, rng.random()];
    draft.set16(header + 4, *lengths.choose(rng).unwrap_or(&0));
}
