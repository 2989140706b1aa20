//! `engine::Clear`: slots are empty after reset, then writes pass.

use std::collections::BTreeSet;

use fpgaflow_hdl::engine::Clear;
use fpgaflow_hdl_guard::{Expect, check_block, model};

const INDEX_BITS: usize = 6;

#[test]
fn clear_is_clean() {
    check_block("clear", Clear::<INDEX_BITS>::default, Expect::rams(0));
}

#[test]
fn every_slot_is_emptied_after_each_reset_and_only_then_writes_pass() {
    let mut m = model("clear", Clear::<INDEX_BITS>::default());
    let [reset, s_valid, s_write] = ["reset", "s_write_valid", "s_write"].map(|name| m.port(name));
    let [m_valid, m_write, done] = ["m_write_valid", "m_write", "done"].map(|name| m.port(name));
    // A command that writes index 5 of the entries all the time, with a row of ones as soon as it may have one.
    let held = [2 | 5 << 2, 0, 0, 0, 0, 0];
    let command = [2 | 5 << 2 | u64::MAX << 34, u64::MAX, u64::MAX, u64::MAX, u64::MAX, u64::MAX];
    for _ in 0..2 {
        m.set(reset, 1);
        m.set(s_valid, 1);
        m.set_words(s_write, &held);
        m.tick();
        m.set(reset, 0);
        let mut emptied = BTreeSet::new();
        while m.get(done) == 0 {
            m.tick();
            assert_eq!(m.get(m_valid), 1);
            let mut words = [0; 6];
            m.get_words(m_write, &mut words);
            assert_eq!(words[0] & 3, 0, "a slot");
            assert_eq!((words[0] >> 34, words[1]), (0, 0), "empty");
            emptied.insert(words[0] >> 2 & 0xffff_ffff);
        }
        assert_eq!(emptied, (0..1 << INDEX_BITS).collect());
        m.set_words(s_write, &command);
        m.tick();
        let mut words = [0; 6];
        m.get_words(m_write, &mut words);
        assert_eq!((m.get(m_valid), words[0] & 3, words[0] >> 2 & 0xffff_ffff), (1, 2, 5), "the command passes");
        assert_eq!((words[0] >> 34, words[1]), (u64::MAX >> 34, u64::MAX), "with its row");
        m.set(s_valid, 0);
        m.tick();
        assert_eq!(m.get(m_valid), 0);
    }
}
