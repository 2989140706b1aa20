//! Skid buffer.

use std::collections::VecDeque;

use fpgaflow_hdl::prelude::*;
use fpgaflow_hdl_guard::{Expect, check_block, model, rng};
use rand::RngExt;

use crate::lockstep::Lockstep;
use crate::{drive, same};

type Dut = Skid<Bits<40>>;

#[test]
fn skid_is_clean() {
    check_block("skid", Skid::<Bits<577>>::default, Expect::rams(0));
}

#[test]
fn rust_and_verilog_agree_under_stalls_and_reset() {
    let mut rng = rng();
    let mut pair = Lockstep::<Dut>::new("skid40", |dut| &mut dut.clock);
    let mut sent = 0_u64;
    for _ in 0..3000 {
        drive!(pair, reset = rng.random_ratio(1, 200));
        drive!(pair, s_axis.valid = rng.random::<bool>());
        drive!(pair, s_axis.data = sent);
        drive!(pair, m_axis.ready = rng.random::<bool>());
        pair.settle();
        sent += same!(pair, s_axis.ready);
        same!(pair, m_axis.valid);
        same!(pair, m_axis.data);
        pair.tick();
    }
}

#[test]
fn every_word_passes_once_in_order_and_a_stalled_word_stays() {
    let mut rng = rng();
    let mut m = model("skid40", Dut::default());
    let [s_valid, s_data, s_ready] = ["s_axis_valid", "s_axis_data", "s_axis_ready"].map(|name| m.port(name));
    let [m_valid, m_data, m_ready] = ["m_axis_valid", "m_axis_data", "m_axis_ready"].map(|name| m.port(name));
    let mut inside = VecDeque::new();
    let mut stalled = None;
    let (mut next, mut passed) = (1_u64, 0);
    for clock in 0..200_000_u32 {
        // The mix changes: mostly full, mostly empty, even.
        let (offer, take) = [(0.9, 0.5), (0.3, 0.9), (0.5, 0.5)][clock as usize / 1000 % 3];
        m.set(s_valid, rng.random_bool(offer).into());
        m.set(s_data, next);
        m.set(m_ready, rng.random_bool(take).into());
        m.eval();
        if let Some(word) = stalled {
            assert_eq!((m.get(m_valid), m.get(m_data)), (1, word), "clock {clock}: a stalled word changed");
        }
        stalled = None;
        if m.get(m_valid) == 1 {
            if m.get(m_ready) == 1 {
                assert_eq!(inside.pop_front(), Some(m.get(m_data)), "clock {clock}");
                passed += 1;
            } else {
                stalled = Some(m.get(m_data));
            }
        }
        if m.get(s_valid) == 1 && m.get(s_ready) == 1 {
            inside.push_back(next);
            next += 1;
        }
        m.tick();
    }
    assert!(inside.len() <= 2, "{} words in two places", inside.len());
    assert!(passed > 60_000, "only {passed} words passed");
}

#[test]
fn without_stalls_a_word_passes_in_every_clock_and_takes_one() {
    let mut m = model("skid40", Dut::default());
    let [s_valid, s_data, m_ready] = ["s_axis_valid", "s_axis_data", "m_axis_ready"].map(|name| m.port(name));
    let [s_ready, m_valid, m_data] = ["s_axis_ready", "m_axis_valid", "m_axis_data"].map(|name| m.port(name));
    m.set(s_valid, 1);
    m.set(m_ready, 1);
    for word in 1..100 {
        m.set(s_data, word);
        m.eval();
        assert_eq!(m.get(s_ready), 1);
        m.tick();
        assert_eq!((m.get(m_valid), m.get(m_data)), (1, word));
    }
}

#[test]
fn ready_does_not_depend_on_the_far_side_in_the_same_clock() {
    let mut m = model("skid40", Dut::default());
    let [s_valid, s_ready, m_ready] = ["s_axis_valid", "s_axis_ready", "m_axis_ready"].map(|name| m.port(name));
    m.set(s_valid, 1);
    for _ in 0..3 {
        m.tick();
    }
    assert_eq!(m.get(s_ready), 0, "both places are full");
    m.set(m_ready, 1);
    m.eval();
    assert_eq!(m.get(s_ready), 0, "a register stands between");
    m.tick();
    assert_eq!(m.get(s_ready), 1);
}
