//! CRC-32 of words and of halves of words against the `crc` crate.

use fpgaflow_hdl::host::crc32::{Crc32, Crc32Halves, Shift};
use fpgaflow_hdl_guard::{Bench, Expect, check_block, model, rng};
use rand::RngExt;

const CRC: crc::Crc<u32> = crc::Crc::<u32>::new(&crc::CRC_32_ISO_HDLC);
const ONES: u64 = u32::MAX as u64;

fn expected(words: &[u64]) -> u64 {
    let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
    CRC.checksum(&bytes).into()
}

#[test]
fn crc_blocks_are_clean() {
    check_block("crc32", Crc32::default, Expect::rams(0));
    check_block("crc32_halves", Crc32Halves::default, Expect::rams(0));
    check_block("crc32_shift", || Shift::new(64), Expect::rams(0));
}

#[test]
fn the_crc_of_any_words_is_that_of_the_crc_crate() {
    let mut rng = rng();
    let mut m = model("crc32", Crc32::default());
    let [clear, valid, word, mixed] = ["clear", "word_valid", "word", "mixed"].map(|name| m.port(name));
    let mut last = None;
    for _ in 0..1000 {
        m.set(clear, 1);
        m.set(valid, 0);
        m.set(word, rng.random());
        m.tick();
        // Clearing does not touch what the last word of the sequence before gave.
        if let Some(last) = last {
            assert_eq!(m.get(mixed), last);
        }
        m.set(clear, 0);
        let words: Vec<u64> = (0..rng.random_range(1..=9)).map(|_| rng.random()).collect();
        for (i, value) in words.iter().enumerate() {
            let mut seen = i == 0;
            while rng.random_bool(0.3) {
                m.set(valid, 0);
                m.set(word, rng.random());
                m.tick();
                if !seen {
                    assert_eq!(m.get(mixed) ^ (words[i - 1] & ONES), expected(&words[..i - 1]) ^ ONES);
                    seen = true;
                }
            }
            m.set(valid, 1);
            m.set(word, *value);
            m.tick();
            if !seen {
                assert_eq!(m.get(mixed) ^ (words[i - 1] & ONES), expected(&words[..i - 1]) ^ ONES);
            }
        }
        let end = words.len() - 1;
        last = Some((words[end] & ONES) ^ expected(&words[..end]) ^ ONES);
    }
}

#[test]
fn the_crc_of_halves_is_that_of_their_words() {
    let mut rng = rng();
    let mut m = model("crc32_halves", Crc32Halves::default());
    let [clear, valid, half, mixed] = ["clear", "half_valid", "half", "mixed"].map(|name| m.port(name));
    for _ in 0..1000 {
        m.set(clear, 1);
        m.set(valid, 0);
        m.tick();
        m.set(clear, 0);
        let words: Vec<u64> = (0..rng.random_range(1..=9)).map(|_| rng.random()).collect();
        let crc = expected(&words);
        // In the end the CRC itself, or nothing.
        let (tail, answer) = if rng.random::<bool>() { (crc, ONES) } else { (0, crc ^ ONES) };
        for value in words.iter().flat_map(|word| [word & ONES, word >> 32]).chain([tail]) {
            while rng.random_bool(0.3) {
                m.set(valid, 0);
                m.set(half, rng.random_range(0..=ONES));
                m.tick();
            }
            m.set(valid, 1);
            m.set(half, value);
            m.tick();
        }
        assert_eq!(m.get(mixed), answer);
    }
}

#[test]
fn the_rust_simulator_agrees_with_verilog() {
    let words = [0, u64::MAX, 0x0123_4567_89ab_cdef, 1, 1 << 63, 0x5555_5555_aaaa_aaaa, 7];
    let mut bench = Bench::new(Crc32::default(), |dut| &mut dut.clock);
    bench.dut.clear.next = true;
    bench.tick();
    bench.dut.clear.next = false;
    bench.dut.word_valid.next = true;
    for (i, word) in words.iter().enumerate() {
        bench.dut.word.next = (*word).into();
        bench.tick();
        if i > 0 {
            assert_eq!(u64::from(bench.dut.mixed.val()) ^ (words[i - 1] & ONES), expected(&words[..i - 1]) ^ ONES);
        }
    }
    let mut bench = Bench::new(Crc32Halves::default(), |dut| &mut dut.clock);
    bench.dut.clear.next = true;
    bench.tick();
    bench.dut.clear.next = false;
    bench.dut.half_valid.next = true;
    for half in words.iter().flat_map(|word| [word & ONES, word >> 32]).chain([0]) {
        bench.dut.half.next = half.into();
        bench.tick();
    }
    assert_eq!(u64::from(bench.dut.mixed.val()), expected(&words) ^ ONES);
}
