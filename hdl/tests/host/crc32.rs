//! CRC-32 of 64-bit words against the `crc` crate.

use fpgaflow_hdl::host::crc32::Crc32;
use fpgaflow_hdl_guard::{Bench, model, rng};
use rand::RngExt;

const CRC: crc::Crc<u32> = crc::Crc::<u32>::new(&crc::CRC_32_ISO_HDLC);

fn expected(words: &[u64]) -> u64 {
    let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
    CRC.checksum(&bytes).into()
}

#[test]
fn the_crc_of_any_words_is_that_of_the_crc_crate() {
    let mut rng = rng();
    let mut m = model("crc32", Crc32::default());
    let [first, valid, word, out] = ["first", "word_valid", "word", "crc"].map(|name| m.port(name));
    for _ in 0..1000 {
        let words: Vec<u64> = (0..rng.random_range(1..=9)).map(|_| rng.random()).collect();
        for (i, value) in words.iter().enumerate() {
            while rng.random_bool(0.3) {
                m.set(valid, 0);
                m.set(first, rng.random::<bool>().into());
                m.set(word, rng.random());
                m.tick();
            }
            m.set(valid, 1);
            m.set(first, u64::from(i == 0));
            m.set(word, *value);
            m.tick();
            assert_eq!(m.get(out), expected(&words[..=i]));
        }
    }
}

#[test]
fn the_rust_simulator_agrees_with_verilog() {
    let mut bench = Bench::new(Crc32::default(), |dut| &mut dut.clock);
    let words = [0, u64::MAX, 0x0123_4567_89ab_cdef, 1, 1 << 63, 0x5555_5555_aaaa_aaaa, 7];
    for (i, word) in words.iter().enumerate() {
        bench.dut.first.next = i == 0;
        bench.dut.word_valid.next = true;
        bench.dut.word.next = (*word).into();
        bench.tick();
        assert_eq!(u64::from(bench.dut.crc.val()), expected(&words[..=i]));
    }
}
