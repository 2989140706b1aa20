//! Keys crafted against a secret, and what another secret makes of them.

mod support;

use std::collections::HashSet;

use fpgaflow_abi::entry::{Action, Entry};
use fpgaflow_abi::geometry::Geometry;
use fpgaflow_abi::hash::{HASH_BITS, HashSecret};
use fpgaflow_abi::key::{Addresses, Encap, FlowKey};
use fpgaflow_abi::next_hop::NextHop;
use fpgaflow_abi::wire::PROTO_UDP;
use fpgaflow_driver::placement::Effort;
use fpgaflow_driver::table::{FlowError, FlowTable};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use support::GEOMETRY;

/// A card with four slots for each key.
const CARD: Geometry = Geometry { bucket_bits: 9, stash: 8, entries_v4: 2_048, ..GEOMETRY };
/// Bits that an attacker is free to choose: both addresses and both ports.
const FREE_BITS: u32 = 96;
/// Keys that are crafted.
const KEYS: usize = 1_000;

/// The key with these free bits.
fn key(bits: u128) -> FlowKey {
    let addresses = Addresses::V4 { src: ((bits >> 64) as u32).into(), dst: ((bits >> 32) as u32).into() };
    let (sport, dport) = ((bits >> 16) as u16, bits as u16);
    FlowKey { ingress: 0, encap: Encap::NONE, protocol: PROTO_UDP, addresses, sport, dport }
}

fn hash(secret: &HashSecret, bits: u128) -> u64 {
    secret.hash(&key(bits).to_bits()).0
}

/// Free bits whose change leaves the whole hash as it is: the hash is linear, so whoever knows the secret finds them by elimination.
fn unseen_changes(secret: &HashSecret) -> Vec<u128> {
    let zero = hash(secret, 0);
    let mut rows: Vec<(u64, u128)> = (0..FREE_BITS).map(|bit| (hash(secret, 1 << bit) ^ zero, 1 << bit)).collect();
    for bit in 0..HASH_BITS {
        let Some(at) = rows.iter().position(|(sum, _)| sum >> bit & 1 == 1) else { continue };
        let pivot = rows.swap_remove(at);
        for row in rows.iter_mut().filter(|(sum, _)| sum >> bit & 1 == 1) {
            *row = (row.0 ^ pivot.0, row.1 ^ pivot.1);
        }
    }
    assert!(rows.iter().all(|(sum, _)| *sum == 0));
    rows.into_iter().map(|(_, change)| change).collect()
}

/// Different keys with one hash under `secret`.
fn crafted(rng: &mut ChaCha8Rng, secret: &HashSecret) -> Vec<FlowKey> {
    let changes = unseen_changes(secret);
    assert!(changes.len() >= FREE_BITS as usize - HASH_BITS);
    let base = rng.random::<u128>() >> (u128::BITS - FREE_BITS);
    let mut seen = HashSet::new();
    while seen.len() < KEYS {
        seen.insert(changes.iter().fold(base, |bits, change| if rng.random() { bits ^ change } else { bits }));
    }
    let mut keys: Vec<u128> = seen.into_iter().collect();
    keys.sort_unstable();
    assert!(keys.iter().all(|bits| hash(secret, *bits) == hash(secret, base)));
    keys.into_iter().map(key).collect()
}

/// How many of `keys` a table under `secret` takes.
fn taken(secret: HashSecret, keys: &[FlowKey]) -> (FlowTable, usize) {
    let mut table = FlowTable::new(&CARD, secret);
    let mut commands = Vec::new();
    let hop = NextHop { egress: 1, mtu: 1500, src_mac: [2; 6], dst_mac: [4; 6], encap: Encap::NONE, valid: true };
    let next_hop = table.add_next_hop(hop, &mut commands).unwrap();
    let mut taken = 0;
    for key in keys {
        let action = Action { addresses: key.addresses, sport: key.sport, dport: key.dport, next_hop };
        match table.install([Entry { key: *key, action, valid: true }], Effort::LAST, &mut commands) {
            Ok(_) => taken += 1,
            Err(FlowError::NoPlace { .. }) => {}
            Err(error) => panic!("{error}"),
        }
    }
    (table, taken)
}

#[test]
fn keys_crafted_to_collide_under_one_secret_spread_under_another() {
    let mut rng = support::generator(support::seed());
    let (known, fresh) = (support::secret(&mut rng), support::secret(&mut rng));
    let keys = crafted(&mut rng, &known);
    let stash = usize::from(CARD.stash);

    // All in the same two buckets with the same tag: one slot, and the stash, whose whole hash is the same too.
    let (table, of_known) = taken(known, &keys);
    assert!(
        of_known <= 1 + stash,
        "{of_known} of {KEYS} keys with one hash found a place; there is a slot and {stash} of the stash"
    );
    let buckets = |secret: &HashSecret| -> usize {
        let bits = CARD.bucket_bits.into();
        keys.iter().map(|key| secret.hash(&key.to_bits()).bucket0(bits)).collect::<HashSet<_>>().len()
    };
    assert_eq!(buckets(&known), 1);

    let (_, of_fresh) = taken(fresh, &keys);
    println!(
        "{KEYS} keys: {of_known} taken, 1 bucket under the known secret; {of_fresh} taken, {} buckets under a fresh one",
        buckets(&fresh)
    );
    assert_eq!(of_fresh, KEYS, "under another secret they are keys like others");

    // A rekey places those that were there.
    let plan = table.plan_rekey(fresh, Effort::LAST);
    assert!(plan.homeless().is_empty());
}
