//! FIFO of words.

use std::collections::VecDeque;

use fpgaflow_hdl::prelude::*;
use fpgaflow_hdl_guard::{Expect, check_block, model, rng};
use rand::RngExt;

use crate::lockstep::Lockstep;
use crate::{drive, same};

const DEPTH: u64 = 8;
type Dut = StreamFifo<Bits<40>, 3, 4>;

#[test]
fn stream_fifo_is_clean_and_one_ram() {
    check_block("stream_fifo", StreamFifo::<Bits<73>, 9, 10>::default, Expect::rams(1).with_bits(512 * 73));
}

#[test]
fn rust_and_verilog_agree_under_stalls_and_reset() {
    let mut rng = rng();
    let mut pair = Lockstep::<Dut>::new("fifo40", |dut| &mut dut.clock);
    let mut sent = 0_u64;
    for clock in 0..3000_u32 {
        let (offer, take) = [(0.9, 0.3), (0.3, 0.9)][clock as usize / 100 % 2];
        drive!(pair, reset = rng.random_ratio(1, 300));
        drive!(pair, s_axis.valid = rng.random_bool(offer));
        drive!(pair, s_axis.data = sent);
        drive!(pair, m_axis.ready = rng.random_bool(take));
        pair.settle();
        sent += same!(pair, s_axis.ready);
        same!(pair, fill);
        same!(pair, space);
        // Before the first word the RAM's output register holds nothing that Verilog and rust-hdl have to agree on.
        if same!(pair, m_axis.valid) == 1 {
            same!(pair, m_axis.data);
        }
        pair.tick();
    }
}

#[test]
fn every_word_passes_once_in_order() {
    let mut rng = rng();
    let mut m = model("fifo40", Dut::default());
    let [s_valid, s_data, s_ready] = ["s_axis_valid", "s_axis_data", "s_axis_ready"].map(|name| m.port(name));
    let [m_valid, m_data, m_ready] = ["m_axis_valid", "m_axis_data", "m_axis_ready"].map(|name| m.port(name));
    let space = m.port("space");
    let mut inside = VecDeque::new();
    let mut stalled = None;
    let (mut next, mut passed, mut was_full, mut was_empty) = (1_u64, 0, 0, 0);
    for clock in 0..300_000_u32 {
        let (offer, take) = [(0.9, 0.3), (0.3, 0.9), (0.8, 0.8)][clock as usize / 500 % 3];
        m.set(s_valid, rng.random_bool(offer).into());
        m.set(s_data, next);
        m.set(m_ready, rng.random_bool(take).into());
        m.eval();
        assert_eq!(m.get(s_ready), u64::from(m.get(space) > 0), "clock {clock}");
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
        was_full += u32::from(m.get(space) == 0);
        was_empty += u32::from(inside.is_empty());
        m.tick();
    }
    assert!(passed > 100_000 && was_full > 1000 && was_empty > 1000, "{passed} words, {was_full} full, {was_empty} empty");
}

/// However the words arrive: back to back, or one at a time with the output stages at rest in between.
#[test]
fn it_holds_its_depth_and_two_words_more() {
    for gap in [1, 5] {
        let mut m = model("fifo40", Dut::default());
        let [s_valid, s_ready, fill, space] = ["s_axis_valid", "s_axis_ready", "fill", "space"].map(|name| m.port(name));
        let mut taken = 0;
        for clock in 0..100 {
            m.set(s_valid, u64::from(clock % gap == 0));
            m.eval();
            taken += m.get(s_valid) & m.get(s_ready);
            m.tick();
        }
        assert_eq!(taken, DEPTH + 2, "a word every {gap} clocks");
        assert_eq!((m.get(fill), m.get(space)), (DEPTH, 0));
    }
}

#[test]
fn a_word_takes_three_clocks_and_then_one_follows_in_every_clock() {
    let mut m = model("fifo40", Dut::default());
    let [s_valid, s_data, s_ready] = ["s_axis_valid", "s_axis_data", "s_axis_ready"].map(|name| m.port(name));
    let [m_valid, m_data, m_ready] = ["m_axis_valid", "m_axis_data", "m_axis_ready"].map(|name| m.port(name));
    m.set(s_valid, 1);
    m.set(m_ready, 1);
    for clock in 1..1000 {
        m.set(s_data, clock);
        m.eval();
        assert_eq!(m.get(s_ready), 1, "clock {clock}");
        m.tick();
        assert_eq!(m.get(m_valid), u64::from(clock >= 3), "clock {clock}");
        if clock >= 3 {
            assert_eq!(m.get(m_data), clock - 2);
        }
    }
}
