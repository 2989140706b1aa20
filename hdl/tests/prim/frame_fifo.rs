//! Store-and-forward FIFO: commit and rollback.

use std::collections::VecDeque;

use fpgaflow_hdl::prelude::*;
use fpgaflow_hdl_guard::{Expect, Model, Port, check_block, model, rng};
use rand::RngExt;

use crate::lockstep::Lockstep;
use crate::{drive, same};

type Dut = FrameFifo<Bits<40>, 4, 5>;

#[test]
fn frame_fifo_is_clean_and_one_ram() {
    check_block("frame_fifo", FrameFifo::<Bits<73>, 9, 10>::default, Expect::rams(1).with_bits(512 * 73));
}

#[test]
fn rust_and_verilog_agree_on_commit_rollback_and_reset() {
    let mut rng = rng();
    let mut pair = Lockstep::<Dut>::new("frame_fifo40", |dut| &mut dut.clock);
    let mut sent = 0_u64;
    for _ in 0..3000 {
        drive!(pair, reset = rng.random_ratio(1, 300));
        drive!(pair, s_axis.valid = rng.random_bool(0.7));
        drive!(pair, s_axis.data = sent);
        drive!(pair, commit = rng.random_bool(0.2));
        drive!(pair, rollback = rng.random_bool(0.1));
        drive!(pair, m_axis.ready = rng.random_bool(0.6));
        pair.settle();
        sent += same!(pair, s_axis.ready);
        same!(pair, fill);
        same!(pair, space);
        if same!(pair, m_axis.valid) == 1 {
            same!(pair, m_axis.data);
        }
        pair.tick();
    }
}

struct Ports {
    s_valid: Port,
    s_data: Port,
    s_ready: Port,
    commit: Port,
    rollback: Port,
    m_valid: Port,
    m_data: Port,
    m_ready: Port,
}

fn frame_fifo() -> (Model, Ports) {
    let m = model("frame_fifo40", Dut::default());
    let p = Ports {
        s_valid: m.port("s_axis_valid"),
        s_data: m.port("s_axis_data"),
        s_ready: m.port("s_axis_ready"),
        commit: m.port("commit"),
        rollback: m.port("rollback"),
        m_valid: m.port("m_axis_valid"),
        m_data: m.port("m_axis_data"),
        m_ready: m.port("m_axis_ready"),
    };
    (m, p)
}

/// The reference keeps two queues: what is committed, and what is still provisional.
#[test]
fn committed_words_pass_in_order_and_forgotten_ones_never() {
    let mut rng = rng();
    let (mut m, p) = frame_fifo();
    let (mut committed, mut provisional) = (VecDeque::new(), vec![]);
    let (mut next, mut passed, mut forgotten) = (1_u64, 0, 0);
    for clock in 0..300_000_u32 {
        m.set(p.s_valid, rng.random_bool(0.8).into());
        m.set(p.s_data, next);
        m.set(p.commit, rng.random_bool(0.15).into());
        m.set(p.rollback, rng.random_bool(0.05).into());
        m.set(p.m_ready, rng.random_bool(0.7).into());
        m.eval();
        if m.get(p.m_valid) == 1 && m.get(p.m_ready) == 1 {
            assert_eq!(committed.pop_front(), Some(m.get(p.m_data)), "clock {clock}");
            passed += 1;
        }
        if m.get(p.s_valid) == 1 && m.get(p.s_ready) == 1 {
            provisional.push(next);
            next += 1;
        }
        if m.get(p.rollback) == 1 {
            forgotten += provisional.len();
            provisional.clear();
        } else if m.get(p.commit) == 1 {
            committed.extend(provisional.drain(..));
        }
        m.tick();
    }
    assert!(passed > 50_000 && forgotten > 10_000, "{passed} passed, {forgotten} forgotten");
}

#[test]
fn nothing_is_visible_before_its_commit() {
    let (mut m, p) = frame_fifo();
    m.set(p.m_ready, 1);
    m.set(p.s_valid, 1);
    for word in 0..10 {
        m.set(p.s_data, word);
        m.tick();
        assert_eq!(m.get(p.m_valid), 0);
    }
    m.set(p.s_valid, 0);
    for _ in 0..20 {
        m.tick();
        assert_eq!(m.get(p.m_valid), 0);
    }
    m.set(p.commit, 1);
    m.tick();
    m.set(p.commit, 0);
    for clock in 1..3 {
        assert_eq!(m.get(p.m_valid), 0, "clock {clock}");
        m.tick();
    }
    for word in 0..10 {
        assert_eq!((m.get(p.m_valid), m.get(p.m_data)), (1, word));
        m.tick();
    }
    assert_eq!(m.get(p.m_valid), 0);
}

#[test]
fn a_frame_that_does_not_fit_is_rolled_back_and_the_next_one_passes() {
    let (mut m, p) = frame_fifo();
    m.set(p.s_valid, 1);
    let mut pushed = 0;
    for word in 0..40 {
        m.set(p.s_data, 1000 + word);
        m.eval();
        pushed += m.get(p.s_ready);
        m.tick();
    }
    assert_eq!(pushed, 16, "the RAM is full of provisional words");
    m.set(p.s_valid, 0);
    m.set(p.rollback, 1);
    m.tick();
    m.set(p.rollback, 0);
    m.set(p.s_valid, 1);
    m.set(p.s_data, 7);
    m.set(p.commit, 1);
    m.eval();
    assert_eq!(m.get(p.s_ready), 1);
    m.tick();
    m.set(p.s_valid, 0);
    m.set(p.commit, 0);
    m.set(p.m_ready, 1);
    let mut seen = vec![];
    for _ in 0..20 {
        m.eval();
        if m.get(p.m_valid) == 1 {
            seen.push(m.get(p.m_data));
        }
        m.tick();
    }
    assert_eq!(seen, [7]);
}
