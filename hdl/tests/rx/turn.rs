//! Byte order of a beat: the hand-written Verilog and the Rust of the same block against each other and against the slice's own
//! reverse.

use fpgaflow_hdl::prelude::*;
use fpgaflow_hdl::rx::TurnBytes;
use fpgaflow_hdl_guard::{Expect, check_block, model, rng};

use crate::support::{get_bytes, random_bytes, set_beat};

#[test]
fn turn_bytes_is_clean() {
    check_block("turn_bytes64", TurnBytes::<64>::default, Expect::rams(0));
    check_block("turn_bytes512", TurnBytes::<512>::default, Expect::rams(0));
}

fn turns<const W: usize>(name: &str) {
    let mut rng = rng();
    let mut m = model(name, TurnBytes::<W>::default());
    let (lanes, bytes) = (m.port("lanes"), m.port("bytes"));
    let mut dut = TurnBytes::<W>::default();
    dut.connect_all();
    for _ in 0..50 {
        let mut beat = random_bytes(&mut rng, W / 8);
        set_beat(&mut m, lanes, &beat);
        m.eval();
        let mut value = Bits::<W>::default();
        for (i, byte) in beat.iter().enumerate() {
            value.set_bits::<8>(W - 8 - 8 * i, u64::from(*byte).into());
        }
        dut.lanes.next = value;
        dut.update_all();
        while dut.has_changed() {
            dut.update_all();
        }
        beat.reverse();
        assert_eq!(get_bytes(&m, bytes), beat);
        for (i, byte) in beat.iter().enumerate() {
            assert_eq!(dut.bytes.val().get_bits::<8>(W - 8 - 8 * i), u64::from(*byte), "byte {i}");
        }
    }
}

#[test]
fn a_beat_is_turned_around_at_64_bits() {
    turns::<64>("turn_bytes64");
}

#[test]
fn a_beat_is_turned_around_at_512_bits() {
    turns::<512>("turn_bytes512");
}
