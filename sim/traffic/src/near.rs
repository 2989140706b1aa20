//! Keys that a table with a flaw would take for another's.

use fpgaflow_abi::key::{Encap, FlowKey, Tag, TagKind};
use fpgaflow_abi::wire::{PROTO_GRE, PROTO_TCP, PROTO_UDP};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;

use crate::variety::{Variety, near_addresses};

/// `key` with one bit changed, one header more or less, or another protocol or port to come in by.
pub(crate) fn near_miss(rng: &mut ChaCha8Rng, key: &FlowKey, ports: u8, variety: &Variety) -> FlowKey {
    let mut near = *key;
    let has_ports = key.protocol != PROTO_GRE;
    match rng.random_range(0..100) {
        bit @ 0..16 if has_ports => near.sport ^= 1 << bit,
        bit @ 16..32 if has_ports => near.dport ^= 1 << (bit - 16),
        32 if has_ports => near.protocol = if key.protocol == PROTO_TCP { PROTO_UDP } else { PROTO_TCP },
        33 if ports > 1 => near.ingress = (key.ingress + 1) % ports,
        34..60 if variety.has_encaps() => near.encap = near_encap(rng, &key.encap),
        _ => near.addresses = near_addresses(rng, &key.addresses),
    }
    near
}

fn near_encap(rng: &mut ChaCha8Rng, encap: &Encap) -> Encap {
    let mut near = *encap;
    let [outer, inner] = encap.tags;
    let place = usize::from(inner.is_some() && rng.random());
    match (rng.random_range(0..6), near.tags[place]) {
        (0, Some(tag)) => near.tags[place] = Some(Tag { vid: tag.vid ^ 1 << rng.random_range(0..12), ..tag }),
        (1, Some(Tag { kind: TagKind::Dot1Q, vid })) => near.tags[place] = Some(Tag { kind: TagKind::Dot1ad, vid }),
        (1, Some(Tag { kind: TagKind::Dot1ad, vid })) => near.tags[place] = Some(Tag { kind: TagKind::Dot1Q, vid }),
        // One tag less, the other of two staying.
        (2, Some(_)) => near.tags = [if place == 0 { inner } else { outer }, None],
        (3, _) if inner.is_none() => near.tags = [Some(Tag { kind: TagKind::Dot1Q, vid: rng.random_range(0..=1) }), outer],
        (4, _) if encap.pppoe.is_some() => near.pppoe = None,
        (_, _) => near.pppoe = Some(encap.pppoe.unwrap_or(0) ^ 1 << rng.random_range(0..16)),
    }
    near
}
