//! `Splice`: the hand-written Verilog and the Rust of the same block against each other and against slices of bytes.

use fpgaflow_hdl::prelude::*;
use fpgaflow_hdl::tx::Splice;
use fpgaflow_hdl_guard::{Expect, check_block, model, rng};

use crate::support::{beat_bytes, random_bytes, read};

#[test]
fn splice_is_clean() {
    check_block("splice64", Splice::<64>::default, Expect::rams(0));
    check_block("splice512", Splice::<512>::default, Expect::rams(0));
}

/// The bytes as `Bits`, the first one most significant.
fn bits<const W: usize>(bytes: &[u8]) -> Bits<W> {
    let mut value = Bits::<W>::default();
    for (i, byte) in bytes.iter().enumerate() {
        value.set_bits::<8>(W - 8 - 8 * i, u64::from(*byte).into());
    }
    value
}

fn splices<const W: usize>(name: &str, rests: &[usize]) {
    let mut rng = rng();
    let mut m = model(name, Splice::<W>::default());
    let [held_port, following_port, shift_port, beat_port] = ["held", "following", "shift", "beat"].map(|port| m.port(port));
    let mut dut = Splice::<W>::default();
    dut.connect_all();
    for (shift, rest) in (0_u64..).zip(rests).cycle().take(50) {
        let (held, following) = (random_bytes(W / 8, &mut rng), random_bytes(W / 8, &mut rng));
        let words = |bytes: &[u8]| crate::support::words(bits::<W>(bytes));
        m.set_words(held_port, &words(&held));
        m.set_words(following_port, &words(&following));
        m.set(shift_port, shift);
        m.eval();
        (dut.held.next, dut.following.next, dut.shift.next) = (bits(&held), bits(&following), shift.into());
        dut.update_all();
        while dut.has_changed() {
            dut.update_all();
        }
        let expected = [&held[W / 8 - rest..], &following[..W / 8 - rest]].concat();
        assert_eq!(beat_bytes(&read(&m, beat_port)), expected, "shift {shift} in Verilog");
        assert!(dut.beat.val() == bits::<W>(&expected), "shift {shift} in rust-hdl");
    }
}

#[test]
fn a_beat_has_the_end_of_one_and_the_start_of_the_next_at_64_bits() {
    splices::<64>("splice64", &[6, 2]);
}

#[test]
fn a_beat_has_the_end_of_one_and_the_start_of_the_next_at_512_bits() {
    splices::<512>("splice512", &[30, 26, 22, 18, 14]);
}
