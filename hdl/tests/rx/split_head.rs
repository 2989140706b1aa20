//! The layers of a head, byte for byte.

use fpgaflow_hdl::prelude::Block;
use fpgaflow_hdl::rx::{HEAD_64, HEAD_512, SplitHead};
use fpgaflow_hdl_guard::{Expect, check_block, model, rng};
use rand::RngExt;

use crate::support::{HeaderFields, random_bytes, set_beat};

const HEADER: usize = 14;

#[test]
fn split_head_is_clean() {
    check_block("split_head64", SplitHead::<HEAD_64>::default, Expect::rams(0));
    check_block("split_head512", SplitHead::<HEAD_512>::default, Expect::rams(0));
}

fn every_byte_finds_its_place(name: &str, dut: impl Block) {
    let mut rng = rng();
    let mut m = model(name, dut);
    let (head, frame, header) = (m.port("head"), m.port("frame"), m.port("header"));
    let bytes = m.width(head) as usize / 8;
    for _ in 0..1000 {
        let start = random_bytes(&mut rng, bytes);
        let info = rng.random_range(0..1 << 20);
        set_beat(&mut m, head, &start);
        m.set(frame, info);
        m.eval();
        let found = HeaderFields::read(&m, header);
        assert_eq!(found.window[..bytes - HEADER], start[HEADER..]);
        let mut l2 = [0; 30];
        l2[..HEADER].copy_from_slice(&start[..HEADER]);
        assert_eq!((found.l2, found.l2_bytes), (l2, HEADER));
        assert_eq!(found.ethertype, u16::from_be_bytes([start[12], start[13]]));
        assert_eq!((found.encap, found.frame), (0, info));
    }
}

#[test]
fn the_layers_of_a_head_are_told_apart() {
    every_byte_finds_its_place("split_head64", SplitHead::<HEAD_64>::default());
    every_byte_finds_its_place("split_head512", SplitHead::<HEAD_512>::default());
}
