//! The carry-save checksum against the sum by the book.

use fpgaflow_hdl::parse::{CarrySave, HeaderChecksum};
use fpgaflow_hdl_guard::{Bench, Expect, check_block, model, rng};
use rand::RngExt;

use crate::reference::{checksum_is_right, fill_checksum};

#[test]
fn checksum_is_clean() {
    check_block("carry_save", CarrySave::default, Expect::rams(0));
    check_block("header_checksum", HeaderChecksum::default, Expect::rams(0));
}

#[test]
fn three_words_become_two_of_the_same_sum() {
    let mut rng = rng();
    let mut m = model("carry_save", CarrySave::default());
    let ports: Vec<_> = ["a", "b", "c", "sum", "carry"].iter().map(|name| m.port(name)).collect();
    let edges = [0, 1, 0x7fff, 0x8000, 0xfffe, 0xffff];
    for _ in 0..100_000 {
        let words: [u64; 3] =
            std::array::from_fn(|_| if rng.random() { edges[rng.random_range(0..6)] } else { rng.random_range(0..0x1_0000) });
        (0..3).for_each(|i| m.set(ports[i], words[i]));
        m.eval();
        let (sum, carry) = (m.get(ports[3]), m.get(ports[4]));
        let before: u64 = words.iter().sum();
        assert_eq!(before % 0xffff, (sum + carry) % 0xffff, "{words:04x?}");
        assert_eq!(before == 0, sum + carry == 0, "{words:04x?}");
    }
}

/// Headers of edge words and random ones, right and off by one bit, one a clock.
#[test]
fn a_header_is_right_when_its_sum_is() {
    let mut rng = rng();
    let mut m = model("header_checksum", HeaderChecksum::default());
    let rows: Vec<_> = (0..5).map(|row| m.port(&format!("rows_{row}"))).collect();
    let correct = m.port("correct");
    let mut expected = std::collections::VecDeque::new();
    let mut right = 0;
    for _ in 0..300_000 {
        let mut header: [u8; 20] = rng.random();
        if rng.random() {
            let edges = [[0x00, 0x00], [0xff, 0xff], [0x00, 0x01], [0xff, 0xfe], [0x80, 0x00]];
            header.chunks_mut(2).for_each(|pair| pair.copy_from_slice(&edges[rng.random_range(0..5)]));
        }
        header[0] = 0x40 | header[0] & 0x0f;
        if rng.random_ratio(2, 3) {
            fill_checksum(&mut header);
            if rng.random_ratio(1, 3) {
                header[rng.random_range(1..20)] ^= 1 << rng.random_range(0..8);
            }
        }
        for (row, bytes) in header.chunks(4).enumerate() {
            m.set(rows[row], u32::from_be_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]).into());
        }
        expected.push_back((header, checksum_is_right(&header)));
        m.tick();
        if expected.len() == HeaderChecksum::LATENCY {
            let (header, is_right) = expected.pop_front().unwrap();
            assert_eq!(m.get(correct) == 1, is_right, "{header:02x?}");
            right += u32::from(is_right);
        }
    }
    assert!((50_000..250_000).contains(&right), "{right} of 300,000 headers were right");
}

#[test]
fn the_rust_simulator_agrees() {
    let mut rng = rng();
    let mut bench = Bench::new(HeaderChecksum::default(), |dut| &mut dut.clock);
    for _ in 0..50 {
        let mut header: [u8; 20] = rng.random();
        if rng.random() {
            fill_checksum(&mut header);
        }
        for (row, bytes) in header.chunks(4).enumerate() {
            bench.dut.rows[row].next = u64::from(u32::from_be_bytes([bytes[0], bytes[1], bytes[2], bytes[3]])).into();
        }
        for _ in 0..HeaderChecksum::LATENCY {
            bench.tick();
        }
        assert_eq!(bench.dut.correct.val(), checksum_is_right(&header), "{header:02x?}");
    }
}
