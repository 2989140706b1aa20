//! Delay line.

use fpgaflow_hdl::prelude::*;
use fpgaflow_hdl_guard::{Expect, check_block, rng};
use rand::RngExt;

use crate::lockstep::Lockstep;
use crate::{drive, same};

#[test]
fn delay_is_clean() {
    check_block("delay", Delay::<Bits<313>, 5>::default, Expect::rams(0));
    check_block("delay1", Delay::<Bit, 1>::default, Expect::rams(0));
}

fn comes_out_after<const N: usize>(name: &str) {
    let mut rng = rng();
    let mut pair = Lockstep::<Delay<Bits<40>, N>>::new(name, |dut| &mut dut.clock);
    let mut words = vec![0; N - 1];
    for _ in 0..500 {
        let word = rng.random_range(0..1_u64 << 40);
        words.push(word);
        drive!(pair, din = word);
        pair.tick();
        assert_eq!(same!(pair, dout), words[words.len() - N]);
    }
}

#[test]
fn a_word_comes_out_after_exactly_its_delay() {
    comes_out_after::<1>("delay40x1");
    comes_out_after::<4>("delay40x4");
}
