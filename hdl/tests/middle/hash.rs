//! The keyed hash against its definition in the ABI.

use std::collections::VecDeque;

use fpgaflow_abi::bits::Row;
use fpgaflow_abi::hash::HASH_BITS;
use fpgaflow_abi::key::{FAMILY, KEY_BITS_V4, KEY_BITS_V6, KEY_WORDS};
use fpgaflow_hdl::prim::Pace;
use fpgaflow_hdl::table::KeyedHash;
use fpgaflow_hdl_guard::{Bench, Expect, check_block, model, rng};
use rand::RngExt;

use crate::records::{random_secret, wide};

const V4: usize = KEY_BITS_V4;
const V6: usize = KEY_BITS_V6;
const SECRET_V4: usize = V4 + HASH_BITS - 1;
const SECRET_V6: usize = V6 + HASH_BITS - 1;

/// Clocks from key to hash, by the contract.
const LATENCY: usize = 4;

#[test]
fn keyed_hash_is_clean() {
    check_block("keyed_hash_v4", KeyedHash::<V4, SECRET_V4>::default, Expect::rams(0));
    check_block("keyed_hash_v6", KeyedHash::<V6, SECRET_V6>::default, Expect::rams(0));
    check_block("keyed_hash_serial", || KeyedHash::<V6, SECRET_V6>::new(Pace::Seldom, HASH_BITS), Expect::rams(0));
}

#[test]
fn the_hash_of_an_ipv4_key_is_the_abis() {
    equals_the_abi::<V4, SECRET_V4>("keyed_hash_v4", 3_000);
}

#[test]
fn the_hash_of_an_ipv6_key_is_the_abis() {
    equals_the_abi::<V6, SECRET_V6>("keyed_hash_v6", 1_000);
}

/// A new key in every clock that has one, a new secret now and then; Verilog and, for the first clocks, the Rust `update()`.
fn equals_the_abi<const KEY: usize, const SECRET: usize>(name: &str, clocks: usize) {
    const RUST_CLOCKS: usize = 60;
    let mut rng = rng();
    let mut verilog = model(name, KeyedHash::<KEY, SECRET>::default());
    let mut rust = Bench::new(KeyedHash::<KEY, SECRET>::default(), |dut| &mut dut.clock);
    let [valid, key_port, secret_port, hash] = ["key_valid", "key", "secret", "hash"].map(|name| verilog.port(name));
    let mut secret = random_secret(&mut rng);
    let mut expected = vec![];
    for clock in 0..clocks {
        if rng.random_bool(0.02) {
            secret = random_secret(&mut rng);
        }
        let mut key = Row::<KEY_WORDS>(rng.random());
        if rng.random_bool(0.2) {
            // A single bit: a wrong index in the tree shows.
            let bit = rng.random_range(0..KEY);
            key = Row([0; KEY_WORDS]);
            key.0[bit / 64] = 1 << (bit % 64);
        }
        for bit in KEY..64 * KEY_WORDS {
            key.0[bit / 64] &= !(1 << (bit % 64));
        }
        // Bits above an IPv4 key's end are IPv6's.
        if (V4..KEY).any(|bit| key.0[bit / 64] >> (bit % 64) & 1 == 1) {
            key.set(FAMILY, 1);
        }
        let is_valid = rng.random_bool(0.8);
        expected.push(is_valid.then(|| secret.hash(&key).0));
        verilog.set(valid, is_valid.into());
        verilog.set_words(key_port, &key.0);
        verilog.set_words(secret_port, &secret.0);
        verilog.tick();
        if clock < RUST_CLOCKS {
            rust.dut.key_valid.next = is_valid;
            rust.dut.key.next = wide(&key.0);
            rust.dut.secret.next = wide(&secret.0);
            rust.tick();
        }
        let Some(Some(due)) = (clock + 1).checked_sub(LATENCY).map(|due| expected[due]) else { continue };
        assert_eq!(verilog.get(hash), due, "clock {clock}, Verilog");
        if clock < RUST_CLOCKS {
            assert_eq!(rust.dut.hash.val().to_u64(), due, "clock {clock}, Rust");
        }
    }
}

/// Clocks from a key that matters to the next key, by the contract of the serial form.
const APART: usize = 3;

#[test]
fn the_serial_hash_is_the_abis() {
    the_serial_hash_is_cut_to("keyed_hash_serial", HASH_BITS);
}

#[test]
fn a_hash_of_fewer_bits_is_the_lower_end_of_the_abis() {
    the_serial_hash_is_cut_to("keyed_hash_serial_32", 32);
}

/// Keys as close as they may be, some of them cut short by the next; a new secret between two keys now and then.
fn the_serial_hash_is_cut_to(name: &str, bits: usize) {
    let mut m = model(name, KeyedHash::<V6, SECRET_V6>::new(Pace::Seldom, bits));
    let [valid, key_port, secret_port, hash] = ["key_valid", "key", "secret", "hash"].map(|name| m.port(name));
    let mut rng = rng();
    // All zeros, each bit alone, and any keys.
    let mut keys = vec![Row([0; KEY_WORDS])];
    for bit in 0..V6 {
        keys.push(Row([0; KEY_WORDS]));
        keys[bit + 1].0[bit / 64] = 1 << (bit % 64);
    }
    for _ in 0..5_000 {
        let mut key = Row::<KEY_WORDS>(rng.random());
        for bit in V6..64 * KEY_WORDS {
            key.0[bit / 64] &= !(1 << (bit % 64));
        }
        keys.push(key);
    }
    let mut secret = random_secret(&mut rng);
    let (mut clock, mut due, mut checked) = (0, VecDeque::new(), 0);
    for (i, key) in keys.iter().enumerate() {
        let gap = if rng.random_bool(0.2) {
            rng.random_range(1..APART)
        } else {
            APART + rng.random_range(0..3) * rng.random_range(0..2)
        };
        if gap >= APART {
            due.push_back((clock + LATENCY, secret.hash(key).cut(bits as u32).0, i));
        }
        for after in 0..gap {
            m.set(valid, u64::from(after == 0));
            m.set_words(key_port, &key.0);
            m.set_words(secret_port, &secret.0);
            m.tick();
            clock += 1;
            if let Some((_, hashed, key)) = due.pop_front_if(|(at, ..)| *at == clock) {
                assert_eq!(m.get(hash), hashed, "clock {clock}, key {key}");
                checked += 1;
            }
        }
        if gap > APART && rng.random_bool(0.1) {
            secret = random_secret(&mut rng);
        }
    }
    assert!(checked > keys.len() / 2, "{checked} hashes of {} keys", keys.len());
}
