//! The FIFOs that an empty one is not noticed against a queue.

use std::collections::VecDeque;

use fpgaflow_hdl::prelude::*;
use fpgaflow_hdl_guard::{Expect, check_block, model, rng};
use rand::RngExt;

const AW: usize = 3;
/// Words that fit the RAM.
const DEPTH: usize = 1 << AW;

#[test]
fn cut_fifo_is_clean_and_one_ram() {
    check_block("cut_fifo", CutFifo::<Bits<68>, 9, 10>::default, Expect::rams(1).with_bits(512 * 68));
}

#[test]
fn small_fifo_is_clean_and_one_ram_in_lookup_tables() {
    check_block("small_fifo", SmallFifo::<Bits<68>, 4, 5>::default, Expect::rams(1).with_bits(16 * 68));
}

#[test]
fn a_cut_fifo_holds_its_ram_and_two_words_more() {
    let dut = CutFifo::<Bits<20>, AW, { AW + 1 }>::default();
    assert_eq!(most_words("cut_fifo20", dut), DEPTH + 2);
}

#[test]
fn a_small_fifo_holds_its_ram_and_one_word_more() {
    let dut = SmallFifo::<Bits<20>, AW, { AW + 1 }>::default();
    assert_eq!(most_words("small_fifo20", dut), DEPTH + 1);
}

/// Runs `dut` against a queue, and gives the most words that it held. Words leave in order, none is ever late: what holds one offers it in the
/// very next clock, whatever way it took.
fn most_words<U: Block>(name: &str, dut: U) -> usize {
    let mut rng = rng();
    let mut m = model(name, dut);
    let [s_valid, s_data, s_ready] = ["s_axis_valid", "s_axis_data", "s_axis_ready"].map(|name| m.port(name));
    let [m_valid, m_data, m_ready] = ["m_axis_valid", "m_axis_data", "m_axis_ready"].map(|name| m.port(name));
    let space = m.port("space");
    let reset = m.port("reset");
    m.set(reset, 1);
    m.tick();
    m.set(reset, 0);
    let mut queue = VecDeque::new();
    let (mut next, mut fullest, mut rates) = (0_u64, 0, (0.5, 0.5));
    for clock in 0..400_000_u32 {
        if clock.is_multiple_of(64) {
            rates = ([0.1, 0.5, 0.9, 1.0][rng.random_range(0..4)], [0.1, 0.5, 0.9, 1.0][rng.random_range(0..4)]);
        }
        m.set(s_valid, rng.random_bool(rates.0).into());
        m.set(s_data, next);
        m.set(m_ready, rng.random_bool(rates.1).into());
        m.eval();
        assert_eq!(m.get(m_valid) == 1, !queue.is_empty(), "clock {clock}: {} words inside", queue.len());
        assert_eq!(m.get(s_ready) == 1, m.get(space) > 0, "clock {clock}");
        assert!(m.get(space) as usize + queue.len() >= DEPTH, "clock {clock}: room is lost");
        if let Some(word) = queue.front() {
            assert_eq!(m.get(m_data), *word, "clock {clock}");
            if m.get(m_ready) == 1 {
                queue.pop_front();
            }
        }
        if m.get(s_valid) == 1 && m.get(s_ready) == 1 {
            queue.push_back(next);
            next = (next + 1) % (1 << 20);
        }
        fullest = fullest.max(queue.len());
        m.tick();
    }
    fullest
}
