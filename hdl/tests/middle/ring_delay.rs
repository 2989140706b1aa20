//! The delay line in distributed RAM.

use fpgaflow_hdl::prelude::Bits;
use fpgaflow_hdl::table::RingDelay;
use fpgaflow_hdl_guard::{Bench, Expect, check_block, model, rng};
use rand::RngExt;

use crate::records::wide;

/// Wider than a word of 64 bits, to cross every word boundary a port has.
type Word = Bits<70>;

#[test]
fn ring_delay_is_clean() {
    check_block("ring_delay", RingDelay::<Word, 8>::default, Expect::rams(1).with_bits(7 * 70));
}

#[test]
fn every_word_comes_out_after_the_delay_in_both_simulators() {
    holds_for::<2>();
    holds_for::<3>();
    holds_for::<10>();
    holds_for::<17>();
}

fn holds_for<const N: usize>() {
    let mut rng = rng();
    let mut verilog = model(&format!("ring_delay_{N}"), RingDelay::<Word, N>::default());
    let mut rust = Bench::new(RingDelay::<Word, N>::default(), |dut| &mut dut.clock);
    let [din_valid, din, dout] = ["din_valid", "din", "dout"].map(|name| verilog.port(name));
    let mut sent = vec![];
    for clock in 0..500 {
        let word: [u64; 2] = [rng.random(), rng.random::<u64>() & 0x3f];
        // Every word at first, then with gaps.
        let is_valid = clock < 100 || rng.random();
        verilog.set(din_valid, is_valid.into());
        verilog.set_words(din, &word);
        rust.dut.din_valid.next = is_valid;
        rust.dut.din.next = wide(&word);
        sent.push(is_valid.then_some(word));
        verilog.tick();
        rust.tick();
        // The outputs now are those of clock `clock + 1`.
        if let Some(Some(due)) = (clock + 1usize).checked_sub(N).map(|due| sent[due]) {
            let mut words = [0; 2];
            verilog.get_words(dout, &mut words);
            assert_eq!(words, due, "N = {N}, clock {clock}, Verilog");
            assert_eq!(rust.dut.dout.val(), wide(&due), "N = {N}, clock {clock}, Rust");
        }
    }
}
